# --invoke: calls of exports, arguments read strictly by type, results without loss.
. "$(dirname "$0")/lib.sh"

invoke() { # CALL [GUEST]
    try run --max-bytes=1MiB --invoke="$1" "${2:-guests/basic/add.wat}"
}
# A call and its results, one a line.
gives() { # CALL RESULT...
    local call=$1
    shift
    invoke "$call"
    expect_code 0
    expect_out "$(printf '%s\n' "$@")"
    expect_no_err
}
# A call that is refused before anything runs.
refused() { # CALL WHAT
    invoke "$1"
    expect_code 2
    expect_out ""
    expect_in_err "$2"
}

gives 'add(1, 2)' 3
gives 'add(1,2)' 3
gives 'add( 1 ,	2 ) ' 3

# i32: decimal and hexadecimal, signed and unsigned.
gives 'add(-7, +3)' -4
gives 'add(0xff, -0x10)' 239
gives 'add(0XfF, 0)' 255
gives 'add(010, 0)' 10
gives 'add(-0, 0)' 0
gives 'add(4294967295, 0)' -1
gives 'add(0xffffffff, 1)' 0
gives 'add(-2147483648, 0)' -2147483648
gives 'add(2147483648, 0)' -2147483648
refused 'add(4294967296, 0)' 'argument 1 of add: 4294967296 is outside i32: -2147483648 to 4294967295'
refused 'add(0, -2147483649)' 'argument 2 of add: -2147483649 is outside i32'
refused 'add(0x100000000, 0)' 'is outside i32'
refused 'add(99999999999999999999999, 0)' 'is outside i32'
for text in 1.0 1e3 ten 0x 0xg - + -- --1 1_000 '1 2' 1f inf nan "'1'" '"1"'; do
    refused "add($text, 0)" 'is not an i32: write a whole number, decimal or 0x...'
done

# i64.
gives 'add64(18446744073709551615, 0)' -1
gives 'add64(0xffffffffffffffff, 2)' 1
gives 'add64(9223372036854775807, 0)' 9223372036854775807
gives 'add64(-9223372036854775808, 0)' -9223372036854775808
refused 'add64(18446744073709551616, 0)' 'is outside i64: -9223372036854775808 to 18446744073709551615'
refused 'add64(-9223372036854775809, 0)' 'is outside i64'
refused 'add64(0x10000000000000000, 0)' 'is outside i64'
refused 'add64(1.5, 0)' 'is not an i64'

# f32 and f64.
gives 'addf(1, 2)' 3
gives 'addf(0.1, 0)' 0.100000001
gives 'addf(-2.5, +.5)' -2
gives 'addf(1., 1e2)' 101
gives 'addf(0x1.8p3, 0)' 12
gives 'addf(16777217, 0)' 16777216
gives 'addf(3.40282347e38, 0)' 3.40282347e+38
gives 'addf(1e-45, 0)' 1.40129846e-45
gives 'addf(inf, 1)' inf
gives 'addf(-inf, 1)' -inf
gives 'addd(0.1, 0.2)' 0.30000000000000004
gives 'addd(-0.0, -0)' -0
gives 'addd(1.7976931348623157e308, 0)' 1.7976931348623157e+308
gives 'addd(4.9406564584124654e-324, 0)' 4.9406564584124654e-324
refused 'addf(1e39, 0)' 'argument 1 of addf: 1e39 is too large for f32; inf is written inf'
refused 'addd(1e309, 0)' 'is too large for f64; inf is written inf'
for text in Inf infinity INF NaN 'nan()' 'nan(1)' 'nan:0x0' 'nan:1' 'nan:0x800000' 1e e5 . 0x 0xp1 1f '1,5' 1p3 '1 .5' ' '; do
    invoke "addf($text, 0)"
    expect_code 2
    expect_out ""
done

# Every bit comes back, those of a NaN's payload too.
gives 'echo(1, 2, 3.5, 4.25)' 1 2 3.5 4.25
gives 'echo(-1, -1, nan, nan)' -1 -1 nan nan
gives 'echo(0, 0, -nan, -nan)' 0 0 -nan -nan
gives 'echo(0, 0, nan:0x7fffff, nan:0xfffffffffffff)' 0 0 nan:0x7fffff nan:0xfffffffffffff
gives 'echo(0, 0, nan:0x1, -nan:0x1)' 0 0 nan:0x1 -nan:0x1
gives 'echo(0, 0, 1.17549435e-38, 2.2250738585072014e-308)' 0 0 1.17549435e-38 2.2250738585072014e-308

# Several results and none.
gives 'swap(1, 2)' 2 1
invoke 'nothing()'
expect_code 0
expect_out ""
invoke 'nothing( )'
expect_code 0

# The wrong number of arguments; what is no function, or none that can be called; no such export.
refused 'add(1)' '--invoke: add takes 2 arguments (i32, i32), and 1 is given'
refused 'add(1, 2, 3)' 'add takes 2 arguments (i32, i32), and 3 are given'
refused 'add()' 'add takes 2 arguments (i32, i32), and 0 are given'
refused 'nothing(1)' 'nothing takes 0 arguments (), and 1 is given'
refused 'vector(1)' '--invoke: vector: '
echo '(module (func (export "external") (param externref)))' >"$work/external.wat"
try run --max-bytes=1MiB --invoke='external(1)' "$work/external.wat"
expect_code 2
expect_in_err '--invoke: external: '
refused 'answer()' 'answer'
refused 'ad(1, 2)' 'add'
refused ' add(1, 2)' ' add'

# Names with everything in them; what comes back of them is safe to show.
names=guests/basic/names.wat
for name in größe 'a	b' '%s%n%x' '"quoted", \back\' $'\e[31mred\e[0m' $'a\x7fb' $'gnp\xe2\x80\xaelmth.exe'; do
    invoke "$name()" $names
    expect_code 134
    expect_in_err '#0 '
    expect_clean "$work/err"
done
printf '(module (func (export "f(x)") (param i32) (result i32) (local.get 0)) (func (export "a, b") (result i32) (i32.const 5)))' >"$work/odd.wat"
invoke 'f(x)(7)' "$work/odd.wat"
expect_out 7
invoke 'a, b()' "$work/odd.wat"
expect_out 5
invoke $'no\e[31mred\x7f\xff()' $names
expect_code 2
expect_clean "$work/err"

# A component of the component model has no core exports.
try run --max-bytes=1MiB --invoke='add(1, 2)' guests/component/run_ok.wat
expect_code 2
expect_out ""
expect_in_err "bulkhead: "

# Handles have no text; nothing runs.
counters=guests/component/counters.wat
for json in "" --json; do
    for call in 'merge(1, 2)' '[method]counter.bump(1)' 'keep({})'; do
        try run --max-bytes=1MiB $json --invoke="$call" $counters
        expect_code 2
        expect_out ""
        expect_in_err "bulkhead: --invoke: ${call%%(*} takes a resource, which has no text; a program can call it, with what bulkhead/resource.h declares"
    done
    for call in '[constructor]counter(1)' 'many(2)' 'pair(0)' 'kept()'; do
        try run --max-bytes=1MiB $json --invoke="$call" $counters
        expect_code 2
        expect_out ""
        expect_in_err "bulkhead: --invoke: ${call%%(*} gives a resource, which has no text; a program can call it, with what bulkhead/resource.h declares"
    done
    try run --max-bytes=1MiB $json --invoke='ended()' $counters
    expect_code 0
    expect_out 0
done

# A call that does not come back: the account, its exit code, and no result.
try run --max-bytes=1MiB --timeout=0.2 --invoke='spin()' guests/basic/loop.wat
expect_code 124
expect_out ""
try run --max-bytes=1MiB --fuel=1000 --invoke='count(1000000)' guests/basic/loop.wat
expect_code 124
try run --max-bytes=1MiB --fuel=1_000_000 --invoke='count(10)' guests/basic/loop.wat
expect_code 0
expect_out 10

# The last --invoke counts.
try run --max-bytes=1MiB --invoke='add(1, 2)' --invoke='add64(3, 4)' guests/basic/add.wat
expect_out 7
finish
