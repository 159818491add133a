# --invoke of a component, with a value of every type: read from WAVE, given back by the guest, printed
# as WAVE and as JSON; and what is refused before anything runs.
. "$(dirname "$0")/lib.sh"

values=guests/component/values.wat

both() { # CALL
    record 0 run --max-bytes=1MiB --invoke="$1" $values
    record 0 run --max-bytes=1MiB --json --invoke="$1" $values
}
no() { # CALL
    record 2 run --max-bytes=1MiB --invoke="$1" $values
}

both 'echo-bool(true)'
both 'echo-bool(false)'
both 'echo-s8(-128)'
both 'echo-u8(255)'
both 'echo-s16(-32768)'
both 'echo-u16(65535)'
both 'echo-s32(-2147483648)'
both 'echo-u32(4294967295)'
both 'echo-s64(-9223372036854775808)'
both 'echo-u64(9007199254740993)'
both 'echo-u64(9223372036854775807)'
both 'echo-u64(9223372036854775808)'
both 'echo-u64(18446744073709551615)'
both 'echo-f32(0.1)'
both 'echo-f32(-0)'
both 'echo-f32(3.4028235e38)'
both 'echo-f32(nan)'
both 'echo-f64(0.1)'
both 'echo-f64(0.30000000000000004)'
both 'echo-f64(1)'
both 'echo-f64(-1.7976931348623157e308)'
both 'echo-f64(5e-324)'
both 'echo-f64(nan)'
both 'echo-f64(inf)'
both 'echo-f64(-inf)'
both "echo-char('x')"
both "echo-char('\\'')"
both "echo-char('\\n')"
both "echo-char('\\u{0}')"
both "echo-char('ß')"
both "echo-char('\\u{1f6a2}')"
both "echo-char('\\u{10ffff}')"
both 'echo-string("")'
both 'echo-string("a \"quoted\" \\ back\tslash\n")'
both 'echo-string("größe \u{1f6a2} \u{7f} \u{1b}[31m")'
both 'echo-strings([])'
both 'echo-strings(["one", "", "three"])'
both 'echo-bytes([0, 127, 255])'
both 'echo-bools([true, false])'
both "echo-chars(['a', '\\u{e9}'])"
both 'echo-f64s([0.1, nan, -inf, 0.30000000000000004])'
both 'echo-photo({name: "sea", size: 3, ratio: 1.5, ready: true})'
both 'echo-shape(circle(2.5))'
both 'echo-shape(label("x"))'
both 'echo-shape(%none)'
both 'echo-colour(green)'
both 'echo-rights({})'
both 'echo-rights({run, read})'
both 'echo-many({f0, f31})'
both 'echo-option(none)'
both 'echo-option(some(7))'
both 'echo-option(7)'
both 'echo-result(ok(-5))'
both 'echo-result(err("late"))'
both 'nothing()'

all() { # SOME OK ERROR
    both 'echo-all([{bool: true, s8: -1, u8: 1, s16: -2, u16: 2, s32: -3, u32: 3, s64: -4, u64: 4, f32: 0.5, f64: 0.25, char: '"'c'"', string: "s", list: [[1, 2], [], [3]], %record: {name: "n", size: 1, ratio: 2, ready: false}, tuple: (1, "two"), %variant: label("v"), %enum: red, none: none, some: '"$1"', ok: '"$2"', error: '"$3"', %flags: {write}, many: {f1}}])'
}
all none ok 'ok(1)'
all 'some(none)' 'err(9)' 'err({run})'
all 'some(some("deep"))' ok 'err({})'

# Refused, with what is wrong, where, and what would be right.
no 'echo-u8(256)'
no 'echo-u8(-1)'
no 'echo-u8(1.5)'
no 'echo-u8("1")'
no 'echo-u8()'
no 'echo-u8(1, 2)'
no 'echo-u8(1'
no 'echo-u8(1) 2)'
no 'echo-s64(9223372036854775808)'
no 'echo-char("x")'
no "echo-char('xy')"
no "echo-char('\\u{d800}')"
no 'echo-string("open)'
no 'echo-bool(yes)'
no 'echo-photo({name: "sea", size: 3, ratio: 1.5})'
no 'echo-photo({name: "sea", size: 3, ratio: 1.5, ready: true, more: 1})'
no 'echo-photo({name: "sea", size: 3, name: "sky", ratio: 1.5, ready: true})'
no 'echo-photo({name: "sea", size: 70000, ratio: 1.5, ready: true})'
no 'echo-shape(square(1))'
no 'echo-shape(circle)'
no 'echo-shape(none(1))'
no 'echo-colour(yellow)'
no 'echo-rights({fly})'
no 'echo-option(some("x"))'
no 'echo-result(ok("x"))'
no 'nothing(1)'
finish invoke_values.txt
