# Every exit code, proven by what gives it.
. "$(dirname "$0")/lib.sh"

guest() { # CODE TARGET ARGUMENTS...
    record "$1" run --max-bytes=1MiB "${@:2}"
}

# 0 and the guest's own.
guest 0 guests/component/run_ok.wat
for own in 0 1 2 3 65 77 78 124 125 126 134 137 255; do
    guest "$own" guests/wasi/exit_code.core.wasm "$own"
done
guest 1 guests/component/run_err.wat
guest 1 guests/wasi/exit_code.wasm 7

# A process has eight bits for a code: what is not success does not look like it, and the report says
# what the guest said. Also when it ends itself in a call, and before it can be called.
for own in 256 65536 -256 300 -1; do
    guest "$(case $own in 300) echo 44 ;; *) echo 255 ;; esac)" --report=json guests/wasi/exit_code.core.wasm $own
    expect_in_err '"result": "exit"'
    expect_in_err "\"guest_exit_code\": $own,"
done
guest 255 --report guests/wasi/exit_code.core.wasm 256
expect_in_err "exit, exit code 255; the guest said 256"
exits='(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
echo "(module $exits (func (export \"go\") (call \$exit (i32.const 512))))" >"$work/goes.wat"
guest 255 --report=json --invoke='go()' "$work/goes.wat"
echo "(module $exits (func (export \"_initialize\") (call \$exit (i32.const 512))))" >"$work/begins.wat"
guest 255 --report=json --invoke='go()' "$work/begins.wat"
expect_in_err '"guest_exit_code": 512'

# 2 is wrong usage (usage.sh has the others).
guest 2 --invoke='no_such_export()' guests/basic/add.wat

# 65: no component, one that is not allowed, one that does not fit, one that cannot be linked, one
# that is not a command.
echo 'not wasm' >"$work/text.wasm"
printf '\0asm\1\0\0\0\377' >"$work/broken.wasm"
: >"$work/empty.wasm"
try run --max-bytes=1MiB "$work/text.wasm"
expect_code 65
expect_in_err "bulkhead: $work/text.wasm: "
try run --max-bytes=1MiB "$work/broken.wasm"
expect_code 65
expect_in_err "bulkhead: $work/broken.wasm: "
try run --max-bytes=1MiB "$work/empty.wasm"
expect_code 65
expect_in_err "bulkhead: $work/empty.wasm: "
try run --max-bytes=1MiB guests/basic/memory64.wat
expect_code 65
try run --max-bytes=1MiB guests/basic/shared_memory.wat
expect_code 65
guest 65 guests/basic/big_initial.wat
guest 65 guests/basic/three_big_memories.wat
guest 65 guests/basic/big_table.wat
guest 65 guests/basic/unknown_import.wat
guest 65 guests/component/imports_unknown.wat
guest 65 guests/basic/add.wat
guest 65 guests/component/not_a_command.wat
guest 65 guests/basic/reactor.wat
guest 65 guests/basic/reactor_and_command.wat
guest 65 guests/basic/reactor_with_parameter.wat
echo '(module (func (export "_start") (param i32)))' >"$work/start.wat"
guest 65 "$work/start.wat"
truncate -s 70000000 "$work/huge.wasm"
try run --max-bytes=1MiB "$work/huge.wasm"
expect_code 65
expect_in_err "bulkhead: $work/huge.wasm: larger than 16777216 bytes, the most that is compiled"

# 66: no such file.
guest 66 nowhere.wasm
mkdir "$work/directory.wasm"
ln -s loop "$work/loop"
try run --max-bytes=1MiB "$work/loop"
expect_code 66

# 70: results that cannot be written (terminal.sh has more).
last='bulkhead run --invoke > /dev/full' code=0
"$BULKHEAD" run --max-bytes=1MiB --invoke='add(1, 2)' guests/basic/add.wat >/dev/full 2>"$work/err" || code=$?
expect_code 70
expect_in_err "bulkhead: cannot write to standard output: No space left on device"

# 75: no room. A sanitizer needs more address space than this leaves, so it cannot be shown there.
: >"$work/out"
last='ulimit -v 2000000; bulkhead run' code=0
if (ulimit -v 2000000 && "$BULKHEAD" --version) >/dev/null 2>&1; then
    (ulimit -v 2000000 && exec "$BULKHEAD" run --max-bytes=1MiB guests/basic/trap.wat) >"$work/out" 2>"$work/err" || code=$?
    expect_code 75
    expect_in_err "bulkhead: "
fi

# 77: a capability that was not given.
guest 77 guests/component/imports_denied.wat

# 78: the manifest (check.sh and target.sh have more).
record 78 run guests/basic/add.wat
manifest bad 'max_bytes = "2MB"'
record 78 run "$work/bad"
manifest low 'max_bytes = 1000'
record 78 run "$work/low"
manifest high 'max_bytes = "8MiB"'
record 78 run "$work/high"
printf '[component]\nname = "x"\nversion = "1.0.0"\n' >"$work/bad/Component.toml"
record 78 run "$work/bad"
printf '\377\376' >"$work/bad/Component.toml"
record 78 run "$work/bad"
head -c 1100000 /dev/zero | tr '\0' '#' >"$work/bad/Component.toml"
record 78 run "$work/bad"
: >"$work/bad/Component.toml"
record 78 run "$work/bad"

# 124: time and fuel, in the guest, in the host, at the start.
guest 124 --timeout=0.2 guests/basic/loop.wat
guest 124 --fuel=1000 guests/basic/loop.wat
guest 124 --timeout=0.2 guests/basic/start_loop.wat
guest 124 --fuel=1000 guests/basic/start_loop.wat
guest 124 --timeout=0.2 guests/basic/reactor_loop.wat
guest 124 --timeout=0.3 guests/wasi/sleep.wasm
guest 124 --timeout=0.2 guests/component/run_loop.wat

# 134: traps.
guest 134 guests/basic/trap.wat
guest 134 guests/basic/start_trap.wat
guest 134 guests/basic/reactor_trap.wat
guest 134 guests/component/run_trap.wat
# With files and lines when the guest was built with -g.
guest 134 --invoke='run(1)' guests/debug/lines_4.core.wasm
guest 134 --invoke='run(1)' guests/debug/lines_5.core.wasm
guest 134 --no-debug-info --invoke='run(1)' guests/debug/lines_5.core.wasm
guest 134 --invoke='unrelated()' guests/basic/deny_then_unreachable.wat

# 137: out of memory, after a refusal and at the growth, in memory, in tables and at the start.
guest 137 --invoke='collect_rows(1000)' guests/basic/deny_then_unreachable.wat
guest 137 guests/basic/table_grow.wat
guest 137 --enable=gc guests/basic/gc_heap.wat
record 137 run examples/hog
record 137 run examples/hog/deny.toml
manifest start 'max_bytes = "512KiB"
on_exceed = "trap"'
cp guests/basic/start_grow.wat "$work/start/guest.wat"
record 137 run "$work/start"
guest 0 guests/basic/start_grow.wat
finish exit_codes.txt
