# Shared by the tests of the command. Sourced, not run.
#
#     BULKHEAD         the command
#     BHD_SOURCE_DIR   the tree, with guests/ and examples/
#     BHD_UPDATE_GOLDENS=1   write the goldens instead of comparing (read the difference afterwards)
#
# A test runs the command with `try`, then says what must hold with the expect functions; `record`
# adds the run to a transcript that is compared with a golden at the end. Shell and POSIX tools only.
set -u
export LC_ALL=C
unset NO_COLOR ARGP_HELP_FMT
export TERM=dumb
: "${BULKHEAD:?the command to test}" "${BHD_SOURCE_DIR:?the source tree}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$BHD_SOURCE_DIR" || exit 1
# No test sees, or leaves anything in, the cache of whoever runs it.
export XDG_CACHE_HOME=$work/xdg

checks=0
failures=0
transcript=$work/transcript
: >"$transcript"
code=0
last=

fail() { # WHAT
    failures=$((failures + 1))
    echo "FAILED: $*"
    echo "  command: $last"
    echo "  exit code: $code"
    sed 's/^/  stdout: /' "$work/out"
    sed 's/^/  stderr: /' "$work/err"
}

# Runs the command; leaves what it wrote in $work/out and $work/err and how it ended in $code.
try() { # ARGUMENTS...
    last="bulkhead $(shown "$@")"
    code=0
    "$BULKHEAD" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
}

# The arguments as somebody would type them, without the places of this run.
shown() {
    local argument
    local words=()
    for argument in "$@"; do
        [[ $argument =~ ^[A-Za-z0-9_./=:,@%+-]+$ ]] || argument=$(printf '%q' "$argument")
        words+=("$argument")
    done
    printf '%s' "${words[*]}" | normal
}

# What differs from run to run, made the same: times, durations, places, what compiling took. That is
# never nothing: a zero stays as it is, and differs from the golden.
normal() {
    sed -E -e "s|$work|WORK|g" -e "s|$BHD_SOURCE_DIR|SOURCE|g" \
        -e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z/TIME/g' \
        -e 's/"wall_seconds": [0-9.e-]+/"wall_seconds": SECONDS/' \
        -e 's/"lockdown": \{[^}]*\}/"lockdown": PARTS/' \
        -e 's/^(  lockdown +).+$/\1PARTS/' \
        -e 's/^(  wall clock +)[0-9.]+ s$/\1SECONDS s/' \
        -e 's/"compile_ns": [1-9][0-9]*/"compile_ns": NANOSECONDS/' \
        -e 's/"compile_bytes": [1-9][0-9]*/"compile_bytes": BYTES/' \
        -e 's/^( *took )[0-9.]+ seconds and [1-9][0-9]* bytes( \([^)]*\))? to compile$/\1SECONDS seconds and BYTES bytes to compile/' \
        -e 's/, took [0-9.]+ of ([0-9]+) seconds to compile$/, took SECONDS of \1 seconds to compile/' \
        -e 's/(compiling the component took )[0-9]+\.[0-9]{3} (seconds and was ended)/\1SECONDS \2/' \
        -e 's/(compiling the component took )[0-9]+ (bytes of memory, the last )[0-9]+/\1BYTES \2BYTES/' \
        -e 's/(the component compiles to )[0-9]+/\1BYTES/'
}

expect_code() { # CODE
    checks=$((checks + 1))
    [[ $code -eq $1 ]] || fail "expected exit code $1"
}

expect_out() { # TEXT: all of standard output, without the last newline
    checks=$((checks + 1))
    [[ $(cat "$work/out") == "$1" ]] || fail "expected on standard output: $1"
}

expect_no_err() {
    checks=$((checks + 1))
    [[ ! -s $work/err ]] || fail "expected nothing on standard error"
}

expect_in_out() { # TEXT
    checks=$((checks + 1))
    grep -qF -- "$1" "$work/out" || fail "expected somewhere on standard output: $1"
}

expect_in_err() { # TEXT
    checks=$((checks + 1))
    grep -qF -- "$1" "$work/err" || fail "expected somewhere on standard error: $1"
}

expect_not_in_err() { # TEXT
    checks=$((checks + 1))
    ! grep -qF -- "$1" "$work/err" || fail "not expected on standard error: $1"
}

# No byte of a terminal's control language, whatever was in the input.
expect_clean() { # FILE
    checks=$((checks + 1))
    ! grep -q '[[:cntrl:]]' <(tr -d '\n\t' <"$1") || fail "control characters in ${1##*/}"
}

# Runs the command, expects the exit code, and adds everything to the transcript.
record() { # CODE ARGUMENTS...
    local wanted=$1
    shift
    try "$@"
    expect_code "$wanted"
    {
        printf '$ %s\n' "$last"
        normal <"$work/out"
        normal <"$work/err" | sed 's/^/2> /; s/ $//'
        printf '[%s]\n\n' "$code"
    } >>"$transcript"
}

# Compares a file with tests/golden/cli/NAME.
golden() { # FILE NAME
    local file=$BHD_SOURCE_DIR/tests/golden/cli/$2
    checks=$((checks + 1))
    if [[ ${BHD_UPDATE_GOLDENS:-} == 1 ]]; then
        cp "$1" "$file"
    elif ! diff -u "$file" "$1"; then
        failures=$((failures + 1))
        echo "FAILED: differs from tests/golden/cli/$2"
    fi
}

# Makes $work/NAME/Component.toml and gives the directory's name. TEXT replaces the usual body.
manifest() { # NAME MEMORY_KEYS CPU_KEYS
    mkdir -p "$work/$1"
    printf '[component]\nname = "%s"\nversion = "1.2.3"\nsource = "guest.wat"\n\n' "$1" \
        >"$work/$1/Component.toml"
    printf '[resources.memory]\n%s\n\n[resources.cpu]\n%s\n' "$2" "${3:-}" \
        >>"$work/$1/Component.toml"
    [[ -f $work/$1/guest.wat ]] || printf '%s\n' "$small_guest" >"$work/$1/guest.wat"
}

# One page, and a command that does nothing.
small_guest='(module (memory (export "memory") 1) (func (export "_start")))'

# A module of some 90 KB that takes minutes to compile: locals that change in nested loops.
slow_guest() {
    awk -v n=500 'BEGIN {
        print "(module (memory 1) (func (export \"_start\")"
        for (i = 0; i < n; i++) print "(local i32)"
        for (i = 0; i < n; i++) printf "(local.set %d (i32.load (i32.const 0)))\n", i
        for (i = 0; i < n; i++) print "loop"
        for (i = 0; i < n; i++)
            printf "(br_if 0 (local.tee %d (i32.add (local.get %d) (i32.const 1)))) end\n", i, i
        for (i = 0; i < n; i++) printf "(i32.store (i32.const 0) (local.get %d))\n", i
        print "))"
    }'
}

# Every test ends with this; NAME is the golden of its transcript.
finish() { # [NAME]
    [[ -z ${1:-} ]] || golden "$transcript" "$1"
    if [[ $failures -gt 0 ]]; then
        echo "$failures of $checks checks failed"
        exit 1
    fi
    echo "$checks checks"
}
