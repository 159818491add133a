# docs/COMMAND.md and docs/ISOLATION.md show real outputs: every command in them, run here, prints what
# is printed there.
#
# An indented block whose first line begins with "$ " holds commands and what they print, standard
# error included. Times differ and are made the same.
. "$(dirname "$0")/lib.sh"

mkdir "$work/bin"
ln -s "$(readlink -f "$BULKHEAD")" "$work/bin/bulkhead"
PATH=$work/bin:$PATH
# A place where the commands of the page may write.
mkdir "$work/place"
ln -s "$BHD_SOURCE_DIR/examples" "$BHD_SOURCE_DIR/guests" "$work/place/"
cd "$work/place" || exit 1
: >"$work/out"
: >"$work/err"

# Runs one command as a shell does that keeps $?, and prints it and its output as they stand there.
status=0
show() { # COMMAND
    checks=$((checks + 1))
    printf '    $ %s\n' "$1"
    (exit "$status")
    eval "$1" >"$work/shown" 2>&1 </dev/null
    status=$?
    sed 's/^/    /; s/ *$//' "$work/shown"
}

# The page with every output made anew.
remake() { # PAGE
    local inside=no line
    while IFS= read -r line || [[ -n $line ]]; do
        if [[ $line == '    $ '* ]]; then
            inside=yes
            show "${line#    $ }"
        elif [[ $inside == yes && ( -z $line || $line == '    '* ) ]]; then
            continue
        else
            [[ $inside == no ]] || echo
            inside=no
            printf '%s\n' "$line"
        fi
    done <"$1"
}

# What stands in a block, as the command printed it.
unindented() { # PAGE
    sed 's/^    //' "$1" | normal
}

compare() { # PAGE LEAST
    local page=$BHD_SOURCE_DIR/docs/$1 before=$checks
    last="the commands of docs/$1"
    remake "$page" >"$work/page"
    if [[ ${BHD_UPDATE_GOLDENS:-} == 1 ]]; then
        cp "$work/page" "$page"
    elif ! diff -u <(unindented "$page") <(unindented "$work/page"); then
        fail "the page shows something else than the command prints"
    fi
    [[ $((checks - before)) -ge $2 ]] || fail "the page has lost its examples"
}
compare COMMAND.md 20
compare ISOLATION.md 9

page=$BHD_SOURCE_DIR/docs/COMMAND.md
# Every long option of every command is on the page, and every exit code.
for arguments in run check inspect compile cache; do
    try $arguments --help
    for option in $(grep -oE '^ +(-., +)?--[a-z-]+' "$work/out" | grep -oE -- '--[a-z-]+'); do
        checks=$((checks + 1))
        grep -qF -- "\`$option" "$page" || fail "the page does not have $option"
    done
done
try help exit-codes
for number in $(grep -oE '^ +[0-9]+' "$work/out"); do
    checks=$((checks + 1))
    grep -qE "^\| $number \|" "$page" || fail "the page does not have exit code $number"
done
finish
