# `bulkhead check`: every path is judged; the code is that of the first that failed.
. "$(dirname "$0")/lib.sh"

manifest good 'max_bytes = "1MiB"'
manifest tight 'max_bytes = "512KiB"'
cp guests/basic/big_initial.wat "$work/tight/guest.wat"
manifest tables 'max_bytes = "1MiB"
max_table_elements = 3'
cp guests/basic/table_grow.wat "$work/tables/guest.wat"
manifest broken 'max_bytes = "1MiB"'
printf '\0asm\1\0\0\0\377' >"$work/broken/guest.wat"
manifest absent 'max_bytes = "1MiB"'
rm "$work/absent/guest.wat"
manifest denied 'max_bytes = "1MiB"'
echo '(component (import "wasi:http/types@0.2.0" (instance (export "f" (func)))))' >"$work/denied/guest.wat"
manifest bad 'max_bytes = "2MB"
max_byte = 1' 'timeout_seconds = "soon"'
manifest big 'max_bytes = "16MiB"'
manifest syntax 'max_bytes = = 1'
manifest gc 'max_bytes = "1MiB"'
cp guests/basic/gc_heap.wat "$work/gc/guest.wat"
mkdir "$work/nothing"

# Good, by directory, by file, by binary; nothing on standard error.
for path in examples/hello examples/hello/ examples/hog/deny.toml examples/hello/hello.wasm "$work/good"; do
    record 0 check "$path"
    expect_no_err
done
# The component is not there: the manifest alone, and that is said.
record 0 check "$work/absent"
expect_in_out "is not there"

# Bad, each in its way.
record 78 check "$work/bad"
record 78 check "$work/syntax"
record 78 check "$work/big"
record 0 check --ceiling=16MiB "$work/big"
record 78 check --floor=2MiB "$work/good"
record 65 check "$work/tight"
record 65 check "$work/tables"
try check "$work/broken"
expect_code 65
expect_in_out "$work/broken: failed: $work/broken/guest.wat: "
record 77 check "$work/denied"
record 65 check "$work/gc"
record 0 check --enable=gc "$work/gc"
record 66 check nowhere
record 66 check "$work/nothing"
record 66 check guests/basic/add.wat
cp guests/basic/add.wat "$work/good/add.wat"
record 66 check "$work/good/add.wat"

# A component is compiled once, with fuel or without, and the next run finds that.
cached=$work/cached
manifest metered 'max_bytes = "1MiB"' 'max_fuel = 1000'
for path in good metered; do
    rm -rf "$cached"
    try check --cache-dir="$cached" "$work/$path"
    expect_code 0
    expect_in_out "seconds to compile"
    try cache list --cache-dir="$cached"
    expect_in_out "1 entry, "
    try run --cache-dir="$cached" --compiler=/nowhere "$work/$path"
    expect_code 0
done

# All of them: every path has its verdict, in order, and the first failure names the code.
record 0 check examples/hello examples/hog
record 66 check examples/hello nowhere "$work/bad" "$work/tight" examples/hog
record 78 check "$work/bad" nowhere "$work/tight"
record 65 check "$work/good" "$work/tight" "$work/bad"

# The same as JSON, for a program: one array, nothing else.
record 78 check --json "$work/good" "$work/absent" "$work/bad" "$work/tight" nowhere
expect_no_err
record 0 check "$work/good" --json
manifest fuel 'max_bytes = 600_000
on_exceed = "trap"
max_table_elements = 5' 'timeout_seconds = 0.25
max_fuel = 9_223_372_036_854_775_807'
record 0 check --json "$work/fuel"

# Check runs nothing: a guest that never ends in its start function is only compiled.
manifest endless 'max_bytes = "1MiB"'
cp guests/basic/start_loop.wat "$work/endless/guest.wat"
try check "$work/endless"
expect_code 0
finish check.txt
