# The second line of defence: what is active is named, guests of every kind work behind it, and it
# can be left out. What it keeps from code that has broken out is shown by security/lockdown.
. "$(dirname "$0")/lib.sh"
guests=$BHD_SOURCE_DIR/guests

# Kernels and sanitizers differ in what they have; no new privileges and no core dumps, all have.
try run --max-bytes=1MiB --report "$guests/wasi/print.wasm"
expect_code 0
expect_in_err 'lockdown         no new privileges, no core dump'
try run --max-bytes=1MiB --report=json "$guests/wasi/print.core.wasm"
expect_code 0
expect_in_err '"lockdown": {"no_new_privileges": true, "no_core_dump": true, "landlock": '

try run --no-lockdown --max-bytes=1MiB --report "$guests/wasi/print.wasm"
expect_code 0
expect_in_err 'lockdown         none'
try run --no-lockdown --max-bytes=1MiB --report=json "$guests/wasi/print.wasm"
expect_code 0
expect_in_err '"lockdown": {"no_new_privileges": false, "no_core_dump": false, "landlock": false, "seccomp": false}'

# Complete or not at all.
try run --require-lockdown --max-bytes=1MiB --report "$guests/wasi/print.wasm"
if grep -q 'Landlock, seccomp' "$work/err"; then
    expect_code 0
    expect_not_in_err 'lacks'
else
    expect_code 2
    expect_in_err 'bulkhead: --require-lockdown: the second line of defence lacks: '
    expect_in_err '; nothing was run'
fi
try run --require-lockdown --no-lockdown --max-bytes=1MiB "$guests/wasi/print.wasm"
expect_code 2
expect_in_err '--require-lockdown and --no-lockdown: one says that'

# What whoever started the command had open is not open beside a guest, except as the component.
holds() { # WANTED OPTIONS...
    local wanted=$1 held=no
    shift
    last="bulkhead run $* guests/wasi/sleep.wasm 20, started with descriptor 9"
    "$BULKHEAD" run --max-bytes=1MiB "$@" "$guests/wasi/sleep.wasm" 20 9<"$0" \
        >"$work/out" 2>"$work/err" &
    local pid=$!
    # The guest sleeps when the runtime's files are there.
    for ((i = 0; i < 1000; i++)); do
        ls -l "/proc/$pid/fd" 2>/dev/null | grep -q eventpoll && break
        sleep 0.02
    done
    [[ -e /proc/$pid/fd/9 ]] && held=yes
    kill "$pid"
    code=0
    wait "$pid" || code=$?
    checks=$((checks + 1))
    [[ $held == "$wanted" ]] || fail "descriptor 9 is open: $held"
}
holds no
holds yes --no-lockdown
try run --max-bytes=1MiB <(cat "$guests/wasi/print.wasm")
expect_code 0

# Everything that a guest may do goes on behind it: clocks, sleep, arguments, growth, traps, deadlines.
for kind in wasm core.wasm; do
    try run --max-bytes=1MiB --allow-clocks "$guests/wasi/clocks.$kind"
    expect_code 0
    try run --max-bytes=1MiB "$guests/wasi/sleep.$kind" 0.01
    expect_code 0
    try run --max-bytes=1MiB --timeout=0.05 "$guests/wasi/sleep.$kind" 10
    expect_code 124
    try run --max-bytes=1MiB "$guests/wasi/args.$kind" one two
    expect_code 0
    try run --max-bytes=1MiB "$guests/wasi/churn.$kind" 512 3
    expect_code 0
done
try run --max-bytes=1MiB "$guests/basic/three_memories.wat"
expect_code 0
try run --max-bytes=1MiB "$guests/basic/recurse.wat"
expect_code 134
try run --max-bytes=1MiB --timeout=0.05 "$guests/basic/loop.wat"
expect_code 124
try run --max-bytes=1MiB --enable=gc --invoke='keep(10)' "$guests/basic/gc_heap.wat"
expect_code 0
finish
