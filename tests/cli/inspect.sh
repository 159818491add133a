# `bulkhead inspect`: what a binary is and what it needs, as text and as JSON.
. "$(dirname "$0")/lib.sh"

for guest in basic/add basic/grow basic/three_memories basic/table_grow basic/names basic/memory64 \
    basic/shared_memory basic/custom_page_size basic/memory_import basic/unknown_import \
    component/run_ok component/two_memories component/three_instances component/nested \
    component/world component/imports_unknown hostile/comp_async; do
    record 0 inspect guests/$guest.wat
    expect_no_err
    expect_clean "$work/out"
done
for guest in basic/add basic/table_grow basic/names basic/memory64 component/two_memories \
    component/world hostile/comp_async; do
    record 0 inspect --json guests/$guest.wat
    expect_no_err
    expect_clean "$work/out"
done
record 0 inspect guests/basic/add.wat --json

# A real component, without the long list of what it imports.
try inspect examples/hello/hello.wasm
expect_code 0
expect_in_out "examples/hello/hello.wasm: component, "
expect_in_out "wasi:cli/run@0.2"
expect_in_out "smallest max_bytes it can start with: 524288 bytes (512 KiB)"
try inspect --floor=64KiB examples/hello/hello.wasm
expect_in_out "smallest max_bytes it can start with: 131072 bytes (128 KiB)"

# The world of a component is text that reads on its own: nothing in it is cut, and the lines are whole.
try inspect examples/hello/hello.wasm
expect_in_out "  package root:component;"
expect_in_out "    import wasi:io/streams@0.2.12;"
expect_in_out "      use error.{error};"
expect_in_out "        blocking-flush: func() -> result<_, stream-error>;"
expect_clean "$work/out"

# Names that would harm a terminal, and a type that is exponentially large as text.
printf '(component (import "url=<h:/\\1b[31m\\e2\\80\\ae>" (func)))\n' >"$work/names.wat"
record 0 inspect "$work/names.wat"
record 0 inspect --json "$work/names.wat"
expect_clean "$work/out"
{
    echo '(component (type $t0 (tuple u8 u8))'
    for n in {1..16}; do echo "(type \$t$n (tuple \$t$((n - 1)) \$t$((n - 1))))"; done
    echo '(import "f" (func (param "a" $t16))))'
} >"$work/large.wat"
try inspect "$work/large.wat"
expect_code 0
expect_in_out "  // cut: more than 262144 bytes"
[[ $(wc -c <"$work/out") -lt 300000 ]] || fail "more text than its bound"

# The smallest max_bytes is exactly that: with one byte less the guest is refused, with it it starts.
for guest in basic/three_memories basic/grow component/two_memories component/three_instances; do
    try inspect --floor=64KiB guests/$guest.wat
    least=$(sed -n 's/^smallest max_bytes.*: \([0-9]*\) bytes.*/\1/p' "$work/out")
    try run --floor=64KiB --max-bytes="$least" --invoke='size()' guests/$guest.wat
    checks=$((checks + 1))
    ! grep -q "starts with" "$work/err" || fail "refused with $least bytes"
    [[ $least -gt 65536 ]] || continue
    try run --floor=64KiB --max-bytes="$((least - 1))" guests/$guest.wat
    expect_code 65
    expect_in_err "starts with $least bytes"
done

# Extremes of what can be declared.
echo '(module (memory i64 0 0x1000000000000) (table i64 0 0xffffffffffffffff funcref))' >"$work/extreme.wat"
record 0 inspect "$work/extreme.wat"
record 0 inspect --json "$work/extreme.wat"
echo '(module)' >"$work/nothing.wat"
record 0 inspect "$work/nothing.wat"
record 0 inspect --json "$work/nothing.wat"

# Small binaries can declare many memories and tables, and not all of them are listed.
{
    echo "(component"
    for _ in {1..6}; do
        printf '(core module'
        for _ in {1..100}; do printf '(memory 1)(table 1 funcref)'; done
        echo ')'
    done
    echo ")"
} >"$work/many.wat"
try inspect "$work/many.wat"
expect_code 0
expect_in_out "not listed: 176 more memories and tables"
try inspect --json "$work/many.wat"
expect_in_out '"unlisted": 176,'

# What was compiled is kept, also for the next run; and the other way round.
cached=$work/cached
try inspect --cache-dir="$cached" guests/wasi/print.wasm
expect_code 0
cp "$work/out" "$work/first"
try inspect --cache-dir="$cached" --compiler=/nowhere guests/wasi/print.wasm
expect_code 0
checks=$((checks + 1))
diff "$work/first" "$work/out" || fail "what comes from the cache differs"
try run --cache-dir="$cached" --compiler=/nowhere --max-bytes=1MiB guests/wasi/print.wasm
expect_code 0
try run --cache-dir="$cached" --max-bytes=1MiB --max-stack-bytes=1MiB guests/wasi/print.wasm
expect_code 0
try inspect --cache-dir="$cached" --compiler=/nowhere --max-stack-bytes=1MiB guests/wasi/print.wasm
expect_code 0
record 70 inspect --no-cache --compiler=/nowhere guests/wasi/print.wasm

# What takes too much to compile.
record 65 inspect --max-artifact-bytes=1000 guests/basic/grow.wat
record 65 inspect --max-artifact-bytes=1000 guests/component/run_ok.wat
record 0 inspect --max-artifact-bytes=64KiB guests/basic/add.wat
record 2 inspect --max-compile-seconds=0 guests/basic/add.wat
record 2 inspect --max-compile-seconds=1s guests/basic/add.wat
record 65 inspect --max-instance-bytes=783 guests/basic/add.wat
record 0 inspect --max-instance-bytes=784 guests/basic/add.wat
record 65 run --max-bytes=1MiB --max-instance-bytes=2KiB guests/basic/three_memories.wat
record 2 inspect --max-instance-bytes=0 guests/basic/add.wat

# What is no binary.
record 66 inspect nowhere.wasm
record 66 inspect guests
record 66 inspect ''
: >"$work/empty.wasm"
printf '\0asm\1\0\0\0\377' >"$work/broken.wasm"
printf '\0asm' >"$work/cut.wasm"
head -c 20000 guests/wasi/print.wasm >"$work/half.wasm"
truncate -s 70000000 "$work/huge.wasm"
for file in empty broken cut half huge; do
    try inspect "$work/$file.wasm"
    expect_code 65
    expect_out ""
    expect_in_err "bulkhead: $work/$file.wasm: "
    expect_clean "$work/err"
done
try inspect examples/hello/Component.toml
expect_code 65
finish inspect.txt
