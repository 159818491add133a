# --report: what it says, that it is there however the guest ends, and that nobody can spoil it.
. "$(dirname "$0")/lib.sh"

report=(run --max-bytes=1MiB --report)
json=(run --max-bytes=1MiB --report=json)

# However the guest ends: ok, exit, trap, out of memory, time, fuel; also in the start function.
for format in "" =text =json; do
    try run --max-bytes=1MiB "--report$format" guests/component/run_ok.wat
    expect_code 0
    expect_in_err "ok"
done
record 0 run --report examples/hello World
record 0 run --report=json examples/hello
record 0 "${json[@]}" --fuel=1000000 --invoke='count(100)' guests/basic/loop.wat
record 3 "${json[@]}" guests/wasi/exit_code.core.wasm 3
record 1 "${json[@]}" guests/component/run_err.wat
record 134 "${json[@]}" guests/basic/trap.wat
record 134 "${json[@]}" guests/basic/start_trap.wat
# The stack: names, and files and lines of what was built with -g.
record 134 "${json[@]}" --invoke='run(1)' guests/debug/lines_5.core.wasm
record 134 "${json[@]}" --no-debug-info --invoke='run(1)' guests/debug/lines_5.core.wasm
# Of the innermost frames at most 32.
try "${json[@]}" guests/basic/recurse.wat
checks=$((checks + 1))
[[ $(grep -o '"function": "endless"' "$work/err" | wc -l) -eq 32 ]] || fail "not 32 frames"
record 137 run --report=json examples/hog
record 137 "${json[@]}" --invoke='collect_rows(1000)' guests/basic/deny_then_unreachable.wat
record 137 "${json[@]}" guests/basic/table_grow.wat
record 124 "${json[@]}" --timeout=0.2 guests/basic/loop.wat
record 124 "${json[@]}" --fuel=1000 guests/basic/loop.wat
record 124 "${json[@]}" --fuel=1000 guests/basic/start_loop.wat
record 137 run --report examples/hog/deny.toml
record 124 "${report[@]}" --fuel=1000 guests/basic/loop.wat

# A guest that ends in its start function has used what it had then: two pages, one page.
try "${json[@]}" guests/basic/start_trap.wat
for part in '"result": "trap"' '"current_bytes": 131072' '"peak_bytes": 131072' '"growth_count": 1'; do
    expect_in_err "$part"
done
cat >"$work/start_component.wat" <<'END'
(component (core module $m (memory 3) (func $f (loop $l (br $l))) (start $f))
  (core instance (instantiate $m)))
END
try "${json[@]}" --timeout=0.1 "$work/start_component.wat"
for part in '"result": "timeout"' '"current_bytes": 196608' '"peak_bytes": 196608'; do
    expect_in_err "$part"
done
try "${json[@]}" --fuel=1000 guests/basic/start_loop.wat
for part in '"result": "out_of_fuel"' '"current_bytes": 65536' '"fuel_consumed": 1000'; do
    expect_in_err "$part"
done
try "${report[@]}" guests/basic/start_trap.wat
expect_in_err 'peak             128.0 KiB'

# Out of memory in the start function: there is no sandbox any more, but there is the account.
manifest start 'max_bytes = "512KiB"
on_exceed = "trap"'
cp guests/basic/start_grow.wat "$work/start/guest.wat"
record 137 run --report=json "$work/start"
expect_in_err '"current_bytes": 524288'

# A refusal alone ends nothing, and is counted.
record 0 "${json[@]}" --invoke='refusals(1000, 7)' guests/basic/grow.wat
expect_in_err '"result": "ok"'
expect_in_err '"denied_count": 7'
# The peak stays, and the numbers fit each other.
try "${json[@]}" --invoke='grow(8)' guests/basic/grow.wat
expect_out 1
for part in '"current_bytes": 589824' '"peak_bytes": 589824' '"max_bytes": 1048576' \
    '"remaining_bytes": 458752' '"usage_percent": 56.25' '"peak_percent": 56.25' '"growth_count": 2'; do
    expect_in_err "$part"
done

# Where there was no run there is no report.
for arguments in "nowhere" "guests/basic/add.wat --invoke=add(1)"; do
    # shellcheck disable=SC2086
    try "${json[@]}" $arguments
    expect_not_in_err '"result"'
done
try "${json[@]}" --invoke='add(1)' guests/basic/add.wat
expect_code 2
expect_not_in_err '"result"'
try "${json[@]}" guests/basic/big_initial.wat
expect_code 65
expect_not_in_err '"result"'

# The report is the last line, and a line of its own, whatever the guest wrote before it.
cat >"$work/open_line.wat" <<'WAT'
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\0e\00\00\00")
  (data (i32.const 16) "{\22result\22: \22ok")
  (func (export "_start")
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
    (unreachable)))
WAT
try "${json[@]}" "$work/open_line.wat"
expect_code 134
checks=$((checks + 1))
[[ $(tail -n 1 "$work/err") == '{"component": "open_line", '*'"result": "trap", '*'}' ]] ||
    fail "the last line is not the report"
try run --max-bytes=1MiB --report=json --invoke='nothing()' guests/basic/add.wat
checks=$((checks + 1))
[[ $(tail -n 1 "$work/err") == '{'*'}' && $(grep -c . "$work/err") == 1 ]] || fail "not one line"

# Standard output stays the guest's, and comes before the report.
try run --report=json examples/hello
checks=$((checks + 1))
! grep -q result "$work/out" || fail "the report is on standard output"
"$BULKHEAD" run --max-bytes=1MiB --report=json --invoke='add(1, 2)' guests/basic/add.wat >"$work/both" 2>&1
checks=$((checks + 1))
[[ $(head -n 1 "$work/both") == 3 && $(tail -n 1 "$work/both") == '{'* ]] || fail "the order is wrong"

# Times are plausible: the wall clock is what the guest took, the timestamp is now, in UTC.
try "${json[@]}" --timeout=0.5 guests/basic/loop.wat
checks=$((checks + 1))
grep -qE '"wall_seconds": (0\.[5-9]|[1-9])' "$work/err" || fail "the wall clock is not half a second"
expect_in_err "\"timestamp\": \"$(date -u +%Y-)"
finish report.txt
