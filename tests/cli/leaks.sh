# The command frees what it took, however it ends. In the sanitized command LeakSanitizer looks on
# the way out, which the lockdown would forbid; in the others this is about the exit codes only.
. "$(dirname "$0")/lib.sh"
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1:exitcode=99

manifest strict $'max_bytes = "1MiB"\non_exceed = "trap"'
manifest wrong $'max_bytes = 1\non_exceed = "sometimes"\nmax_byte = 2' 'max_fuel = 0'

ends() { # CODE ARGUMENTS...
    local wanted=$1
    shift
    try "$@"
    expect_code "$wanted"
    expect_not_in_err LeakSanitizer
}
run() { # CODE ARGUMENTS...
    local wanted=$1
    shift
    ends "$wanted" run --no-lockdown "$@"
}

run 0 --report examples/hello World
run 0 --report=json "$work/strict"
run 137 examples/hog
run 134 --report --max-bytes=1MiB guests/component/run_trap.wat
run 124 --max-bytes=1MiB --timeout=0.05 guests/basic/loop.wat
run 0 --max-bytes=1MiB --invoke='add(1, 2)' guests/basic/add.wat
run 2 --max-bytes=1MiB --invoke='add(1, two)' guests/basic/add.wat
run 2 --max-bytes=1MiB --invoke='add(1, ' guests/basic/add.wat
run 78 "$work/wrong"
run 66 "$work/nowhere"
run 65 --max-bytes=1MiB README.md
ends 0 check examples/hello
ends 78 check "$work/wrong"
ends 78 check --json "$work/wrong"
ends 0 inspect examples/hello/hello.wasm
ends 0 inspect --json guests/basic/grow.wat
ends 2 run
ends 0 --version

finish
