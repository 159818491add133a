# `bulkhead cache`: what is kept, whether it is whole, and away with it. The entries here are made by
# hand, so that their names and times are known; their content is no code.
. "$(dirname "$0")/lib.sh"

a=$(printf 'a%.0s' {1..64})
b=$(printf 'b%.0s' {1..64})
c=$(printf 'c%.0s' {1..64})
cache=$work/cache
umask 022

# A whole entry: content, trailer, CRC-32C. Any other name is another binary's.
entry() { # FILE
    printf 'made up as wellCodeEny2\7\0\0\0\0\0\0\0\10\0\0\0\0\0\0\0\11\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0%s%s\0\0\0\0\166\17\260\122' "$b" "$a" >"$1"
    chmod 400 "$1"
}

fill() {
    chmod -R u+rwX "$cache" 2>/dev/null
    rm -rf "$cache"
    mkdir -p "$cache/$a"
    entry "$cache/$a/$b"
    touch -d 2026-01-31T12:34:56Z "$cache/$a/$b"
}

# -- usage ----------------------------------------------------------------------------------------
record 2 cache
record 2 cache lst
record 2 cache list verify
record 2 cache list --cache-dir=
record 2 cache --no-such-option list

# -- a whole one ----------------------------------------------------------------------------------
mkdir "$cache"
record 0 cache list --cache-dir="$cache"
record 0 cache verify --cache-dir="$cache"
record 0 cache clear --cache-dir="$cache"
fill
record 0 cache list --cache-dir="$cache"
record 0 cache verify --cache-dir="$cache"
record 0 cache --cache-dir "$cache" clear
expect_no_err
[[ -z $(ls -A "$cache") ]] || fail "something is left"

# -- damaged ones ---------------------------------------------------------------------------------
fill
cp "$cache/$a/$b" "$cache/$a/$c"
chmod 600 "$cache/$a/$b"
printf 'M' | dd of="$cache/$a/$b" conv=notrunc status=none
touch -d 2026-01-31T12:34:56Z "$cache/$a/$b"
touch -d 2025-12-31T12:34:56Z "$cache/$a/$c"
record 0 cache list --cache-dir="$cache"
record 65 cache verify --cache-dir="$cache"
fill
chmod 666 "$cache/$a/$b"
record 0 cache list --cache-dir="$cache"
record 65 cache verify --cache-dir="$cache"
fill
chmod 777 "$cache/$a"
record 0 cache list --cache-dir="$cache"
record 65 cache verify --cache-dir="$cache"
record 66 cache clear --cache-dir="$cache"
[[ -f $cache/$a/$b ]] || fail "an entry of a directory that is not believed was removed"

# -- what is not the cache's ----------------------------------------------------------------------
fill
mkdir "$cache/$c" "$cache/photos" "$cache/$a/$c"
: >"$cache/notes"
: >"$cache/$a/notes"
: >"$cache/$a/$c/notes"
: >"$cache/photos/$b"
: >"$work/outside"
ln -s "$work/outside" "$cache/$c/$b"
ln -s "$cache/photos" "$cache/$b"
record 66 cache clear --cache-dir="$cache"
checks=$((checks + 1))
left=$(cd "$cache" && find . | sort | paste -sd ' ')
[[ $left == ". ./$a ./$a/$c ./$a/$c/notes ./$a/notes ./$b ./notes ./photos ./photos/$b" ]] || fail "left: $left"
[[ -f $work/outside ]] || fail "a link was followed"

# -- directories ----------------------------------------------------------------------------------
record 66 cache list --cache-dir="$work/missing"
record 66 cache clear --cache-dir="$work/outside"
fill
chmod 777 "$cache"
for action in list verify clear; do
    record 66 cache $action --cache-dir="$cache"
done
chmod 755 "$cache"
ln -s "$cache" "$work/link"
record 66 cache verify --cache-dir="$work/link"
try cache list --cache-dir="$work/$(printf '\033[31m')"
expect_code 66
expect_clean "$work/err"

# -- what a run keeps -----------------------------------------------------------------------------
real=$work/real
limited="--max-bytes=1MiB --cache-dir=$real"
for action in kept found; do
    # shellcheck disable=SC2086
    try run $limited guests/wasi/print.wasm
    expect_code 0
    try cache list --cache-dir="$real"
    expect_in_out " this build"
    expect_in_out "1 entry, "
done
try cache verify --cache-dir="$real"
expect_code 0
expect_out "1 entry, 0 damaged: $real"
try cache clear --cache-dir="$real"
expect_code 0
expect_in_out "1 entry removed, "
[[ -z $(ls -A "$real") ]] || fail "something is left"

# -- where it is ----------------------------------------------------------------------------------
place() { # DIRECTORY
    expect_code 0
    expect_out "0 entries, 0 bytes of at most 1024 MiB: $1"
}
export XDG_CACHE_HOME=$work/xdg HOME=$work/home
try cache list
place "$work/xdg/bulkhead/code"
XDG_CACHE_HOME=relative
try cache list
place "$work/home/.cache/bulkhead/code"
unset XDG_CACHE_HOME
try cache list
place "$work/home/.cache/bulkhead/code"
[[ ! -e $work/home && ! -e $work/xdg ]] || fail "looking has made something"
HOME=relative
record 2 cache list
unset HOME
try cache clear
expect_code 2
export HOME=$work/home
# Who has less rights than the command names no directory to it, where such commands are possible.
# Not in the build under AddressSanitizer, which cannot look for leaks in such a process, nor be told
# not to.
as_another_user() { # PROGRAM COPY
    cp "$1" "$2" && chown 12345 "$2" && chmod 4755 "$2"
}
if [[ $(id -u) == 0 && $BULKHEAD != */asan/* ]] && as_another_user "$(command -v id)" "$work/id" && [[ $("$work/id" -u) == 12345 ]]; then
    plain=$BULKHEAD
    BULKHEAD=$work/bulkhead
    as_another_user "$plain" "$BULKHEAD"
    try cache list
    expect_code 2
    expect_in_err "neither XDG_CACHE_HOME nor HOME says where the cache is"
    BULKHEAD=$plain
fi
mkdir -p "$HOME/.cache/bulkhead"
mv "$cache" "$HOME/.cache/bulkhead/code"
try cache verify
expect_code 0
expect_out "1 entry, 0 damaged: $work/home/.cache/bulkhead/code"
finish cache.txt
