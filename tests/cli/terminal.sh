# Colour, closed and full outputs, broken pipes, and names that attack a terminal.
. "$(dirname "$0")/lib.sh"

coloured() { # FILE
    grep -q $'\e' "$1"
}

# Nothing is coloured in a pipe or a file.
export TERM=xterm
try check examples/hello
expect_clean "$work/out"
try run nowhere
expect_clean "$work/err"

# On a terminal it is; NO_COLOR and a dumb terminal say no. `script` makes the terminal.
if command -v script >/dev/null; then
    on_terminal() { # ENVIRONMENT... -- ARGUMENTS...
        local environment=()
        while [[ $1 != -- ]]; do environment+=("$1") && shift; done
        shift
        last="${environment[*]} bulkhead $*"
        env "${environment[@]}" script -qec "$(printf '%q ' "$BULKHEAD" "$@")" "$work/typescript" </dev/null >"$work/out" 2>&1
        : >"$work/err"
        checks=$((checks + 1))
    }
    on_terminal TERM=xterm -- check examples/hello
    coloured "$work/out" || fail "no colour on a terminal"
    on_terminal TERM=xterm NO_COLOR= -- check examples/hello
    coloured "$work/out" || fail "an empty NO_COLOR counts as none"
    on_terminal TERM=xterm NO_COLOR=1 -- check examples/hello
    ! coloured "$work/out" || fail "colour in spite of NO_COLOR"
    on_terminal TERM=dumb -- check examples/hello
    ! coloured "$work/out" || fail "colour on a dumb terminal"
    on_terminal -u TERM -- check examples/hello
    ! coloured "$work/out" || fail "colour on a terminal of unknown kind"
    on_terminal TERM=xterm -- run --max-bytes=1MiB --report=json guests/basic/trap.wat
    coloured "$work/out" || fail "no colour in an error on a terminal"
    checks=$((checks + 1))
    ! grep '"result"' "$work/out" | grep -q $'\e' || fail "colour in JSON"
    on_terminal TERM=xterm NO_COLOR=1 -- run --max-bytes=1MiB --report guests/basic/trap.wat
    ! coloured "$work/out" || fail "colour in spite of NO_COLOR"
    # A terminal that nobody reads: script stops at its own full output, and the guest at the
    # terminal behind it. The deadline is one for the guest, and for what the command says of it.
    cat >"$work/lines.wat" <<'END'
(module (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (func (export "_start")
    (memory.fill (i32.const 64) (i32.const 10) (i32.const 3001))
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 3001))
    (loop $l (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))) (br $l))))
END
    : >"$work/status"
    last='bulkhead run on a terminal that nobody reads'
    {
        timeout 60 script -qec "$(printf '%q ' "$BULKHEAD" run --max-bytes=1MiB --timeout=0.5 \
            "$work/lines.wat"); echo \$? >$(printf '%q' "$work/status")" /dev/null </dev/null
    } | { for ((i = 0; i < 300; i++)); do [[ -s $work/status ]] && break || sleep 0.1; done; }
    code=$(cat "$work/status")
    expect_code 124
fi
export TERM=dumb

# Words on the command line and names of files do not reach the terminal as they are.
evil=$'e\e[31m\x07\r\n\xe2\x80\xae\xc2\x9b\xff.wasm'
for arguments in run check inspect; do
    try $arguments "$evil"
    expect_code 66
    expect_clean "$work/out"
    expect_clean "$work/err"
done
expect_in_err 'e\x1b[31m\x07\r\n\u{202e}\u{009b}\xff.wasm'
try "$evil"
expect_clean "$work/err"
try run --max-bytes=1MiB --enable="$evil" guests/basic/add.wat
expect_clean "$work/err"
try run --max-bytes=1MiB --invoke="$evil" guests/basic/add.wat
expect_clean "$work/err"
try run --max-bytes=1MiB --invoke="add($evil, 1)" guests/basic/add.wat
expect_clean "$work/err"
try run --max-bytes="$evil" guests/basic/add.wat
expect_clean "$work/err"
# A file and a directory of that name, with a good and a bad manifest.
mkdir "$work/$evil"
printf '[component]\nname = "a\\u001b[31m"\n' >"$work/$evil/Component.toml"
for arguments in run check; do
    try $arguments "$work/$evil"
    expect_code 78
    expect_clean "$work/out"
    expect_clean "$work/err"
done
try check --json "$work/$evil"
expect_clean "$work/out"
cp guests/basic/add.wat "$work/$evil/$evil"
try inspect "$work/$evil/$evil"
expect_code 0
expect_clean "$work/out"
try inspect --json "$work/$evil/$evil"
expect_clean "$work/out"
rm "$work/$evil/Component.toml"
try run --max-bytes=1MiB --report --invoke='vanished()' "$work/$evil/$evil"
expect_code 2
expect_clean "$work/err"
# A very long name is cut in messages, and is no trouble.
long=$(printf 'n%.0s' {1..5000})
try run "$long"
expect_code 66
expect_in_err "nnn..."
try "$long"
expect_code 2
try run --invoke="$long()" --max-bytes=1MiB guests/basic/add.wat
expect_code 2

# Output that cannot be written is told, and is a failure.
full() { # ARGUMENTS...
    last="bulkhead $* > /dev/full" code=0
    : >"$work/out"
    "$BULKHEAD" "$@" >/dev/full 2>"$work/err" || code=$?
    expect_code 70
    expect_in_err "bulkhead: cannot write to standard output: No space left on device"
    checks=$((checks + 1))
    [[ $(grep -c 'cannot write' "$work/err") == 1 ]] || fail "not told once"
}
full --help
full --version
full run --help
full help exit-codes
full check examples/hello
full check --json examples/hello
full inspect guests/basic/add.wat
full inspect --json guests/basic/add.wat
full run --max-bytes=1MiB --invoke='add(1, 2)' guests/basic/add.wat

closed() { # CODE ARGUMENTS...
    local wanted=$1
    shift
    last="bulkhead $* >&-" code=0
    : >"$work/out"
    "$BULKHEAD" "$@" >&- 2>"$work/err" || code=$?
    expect_code "$wanted"
}
closed 70 --version
expect_in_err "cannot write to standard output: Bad file descriptor"
closed 70 check examples/hello
closed 70 inspect guests/basic/add.wat
closed 70 run --max-bytes=1MiB --invoke='add(1, 2)' guests/basic/add.wat
# The failure of the guest is the one that is reported.
closed 134 run --max-bytes=1MiB guests/basic/trap.wat
# A guest whose outputs are closed sees an error; it never writes into what the host opened since,
# which would hold it until its deadline.
for guest in print.wasm print.core.wasm; do
    closed 0 run --max-bytes=1MiB --timeout=10 guests/wasi/$guest
    expect_in_err "a line on stderr"
done
closed 0 run --max-bytes=1MiB --invoke='nothing()' guests/basic/add.wat
last='bulkhead run >&- 2>&- <&-' code=0
"$BULKHEAD" run --max-bytes=1MiB guests/component/run_ok.wat >&- 2>&- <&- || code=$?
expect_code 0
"$BULKHEAD" run nowhere >&- 2>&- <&- || code=$?
expect_code 66

# A reader that went away ends check and inspect in silence, and does not take a report along.
last='bulkhead inspect | (nobody)' code=0
: >"$work/out"
{
    sleep 0.3
    "$BULKHEAD" inspect guests/basic/names.wat 2>"$work/err"
    echo $? >"$work/status"
} | :
code=$(cat "$work/status")
expect_code 141
expect_no_err
last='bulkhead run | (nobody)'
{ for i in 1 2 3 4 5 6 7 8; do "$BULKHEAD" run --max-bytes=1MiB --report=json guests/wasi/flood.wasm 1; done; } 2>"$work/err" | head -c 10 >/dev/null
expect_in_err '"result": '
finish
