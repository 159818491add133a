# Options tighten what a manifest says and never loosen it; --ceiling and --floor move the range.
. "$(dirname "$0")/lib.sh"

manifest one 'max_bytes = "1MiB"
on_exceed = "deny"' 'timeout_seconds = 2
max_fuel = 1_000_000'
cp guests/basic/grow.wat "$work/one/guest.wat"
size=(--report=json --invoke='refusals(1000, 1)')

# What it says without options.
record 0 run "${size[@]}" "$work/one"
expect_in_err '"max_bytes": 1048576'

# Tightened, and kept.
for less in 1MiB 1048576 1_048_576 786432 768KiB '0.5 MiB' 512KiB 524288; do
    record 0 run --max-bytes="$less" "${size[@]}" "$work/one"
done
expect_in_err '"max_bytes": 524288'
try run --max-bytes=512KiB --invoke='grow(7)' "$work/one"
expect_out 1
try run --max-bytes=512KiB --invoke='grow(8)' "$work/one"
expect_out -1
try run --invoke='grow(8)' "$work/one"
expect_out 1
record 124 run --fuel=10 --invoke='first_nonzero()' "$work/one"
record 0 run --timeout=2 --fuel=1000000 --invoke='size()' "$work/one"
try run --timeout=.1 --invoke='refusals(1000, 1)' "$work/one"
expect_code 0

# Never loosened, not by the smallest step.
record 2 run --max-bytes=1048577 "$work/one"
record 2 run --max-bytes=2MiB "$work/one"
record 2 run --timeout=2.001 "$work/one"
record 2 run --fuel=1000001 "$work/one"
record 2 run --max-bytes=512KiB --timeout=3 "$work/one"
# A wider range does not change what the manifest says.
record 2 run --ceiling=16MiB --max-bytes=2MiB "$work/one"
# A manifest without timeout has the default of 30 seconds; one without fuel can be given fuel.
manifest two 'max_bytes = "1MiB"'
record 2 run --timeout=30.5 "$work/two"
record 0 run --timeout=30 --fuel=1000 "$work/two"

# Elements of tables.
manifest tables 'max_bytes = "1MiB"
max_table_elements = 100'
cp guests/basic/table_grow.wat "$work/tables/guest.wat"
record 0 run --max-table-elements=100 --invoke='grow_a(86)' "$work/tables"
record 0 run --max-table-elements=99 --invoke='grow_a(86)' "$work/tables"
record 2 run --max-table-elements=101 "$work/tables"
record 2 run --max-bytes=1MiB --max-table-elements=1000001 guests/basic/table_grow.wat
record 0 run --max-bytes=1MiB --max-table-elements=20_000 --invoke='grow_a(19986)' guests/basic/table_grow.wat
record 65 run --max-bytes=1MiB --max-table-elements=0 guests/basic/table_grow.wat

# Outside the range, and what no range allows.
record 2 run --max-bytes=524287 "$work/one"
record 2 run --max-bytes=0 "$work/one"
record 2 run --timeout=0 "$work/one"
record 2 run --timeout=0.0001 "$work/one"

# Without a manifest.
add=(--invoke='add(1, 1)' guests/basic/add.wat)
record 0 run --max-bytes=4MiB "${add[@]}"
record 0 run --max-bytes=512KiB "${add[@]}"
record 2 run --max-bytes=4194305 "${add[@]}"
record 2 run --max-bytes=511KiB "${add[@]}"
record 2 run --max-bytes=1MiB --timeout=86401 "${add[@]}"
record 2 run --max-bytes=18446744073709551615 "${add[@]}"
record 78 run --timeout=1 --fuel=1000 "${add[@]}"

# The range moves explicitly, and in both directions.
record 0 run --ceiling=16MiB --max-bytes=16MiB --report=json "${add[@]}"
record 2 run --ceiling=16MiB --max-bytes=16777217 "${add[@]}"
record 0 run --floor=64KiB --max-bytes=64KiB "${add[@]}"
record 2 run --floor=64KiB --max-bytes=65535 "${add[@]}"
record 2 run --ceiling=1MiB --max-bytes=2MiB "${add[@]}"
record 2 run --floor=2MiB --max-bytes=1MiB "${add[@]}"
manifest big 'max_bytes = "16MiB"'
record 78 run "$work/big"
record 0 run --ceiling=16MiB "$work/big"
record 78 run --ceiling=15MiB "$work/big"
record 0 run --ceiling=16MiB --max-bytes=1MiB "$work/big"
# The default range is what the manifest is held to, also when an option would fit in it.
record 78 run --max-bytes=1MiB "$work/big"
manifest small 'max_bytes = "64KiB"'
record 78 run "$work/small"
record 0 run --floor=64KiB "$work/small"
record 78 run --floor=2MiB "$work/one"
# 65536 bytes are one page: the guest starts, and cannot grow.
cp guests/basic/grow.wat "$work/small/guest.wat"
try run --floor=64KiB --invoke='grow(1)' "$work/small"
expect_out -1

# The last option counts.
try run --max-bytes=9MiB --max-bytes=1MiB "${add[@]}"
expect_code 0

# What is off is off, and what is enabled is limited.
record 65 run --max-bytes=1MiB guests/basic/gc_heap.wat
record 0 run --max-bytes=1MiB --enable=gc --invoke='keep(10)' guests/basic/gc_heap.wat
finish limits.txt
