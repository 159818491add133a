/*
 * Values out of text: what each type takes, and what is said about everything else.
 */
#include "support/value_kit.h"

#define PHOTO "record { name: string, width: u16, note: option<string> }"
#define SHAPE "variant { circle(f32), label(string), dot }"
#define DEEP "list<record { p: tuple<u8, " PHOTO "> }>"

static bhd_type *type_of(const char *text)
{
    bhd_type *type;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_type_parse(text, &type, &error), &error);
    bhd_error_fini(&error);
    return type;
}

/* Everything is read, written and read again, and is the same each time. */
static void what_fits_is_read_and_written_alike(void **state)
{
    (void)state;
    static const struct {
        const char *type, *text, *written; /* NULL: as it was */
    } cases[] = {
        {"bool", "true", NULL},
        {"s8", "-128", NULL},
        {"u8", "255", NULL},
        {"s16", "-32768", NULL},
        {"u16", "65535", NULL},
        {"s32", "-2147483648", NULL},
        {"u32", "4294967295", NULL},
        {"s64", "-9223372036854775808", NULL},
        {"u64", "18446744073709551615", NULL},
        {"f32", "1e-3", "0.001"},
        {"f64", "-inf", NULL},
        {"f64", "nan", NULL},
        {"char", "'\\u{1f6a2}'", "'\xf0\x9f\x9a\xa2'"},
        {"char", "'\\''", NULL},
        {"string", "\"\"", NULL},
        {"string", "\"a\\tb \\u{7f}\"", NULL},
        {"list<u8>", "[]", NULL},
        {"list<u8>", " [ 1 ,2, ] ", "[1, 2]"},
        {"list<list<string>>", "[[], [\"a\"]]", NULL},
        {"tuple<u8, string>", "(1, \"x\")", NULL},
        {PHOTO, "{name: \"sea\", width: 1}", NULL},
        {PHOTO, "{width: 1, note: some(\"n\"), name: \"sea\"}",
         "{name: \"sea\", width: 1, note: some(\"n\")}"},
        {SHAPE, "circle(2.5)", NULL},
        {SHAPE, "dot", NULL},
        {"variant { none, true }", "%none", NULL},
        {"enum { red, green }", "green", NULL},
        {"option<u8>", "some(1)", NULL},
        {"option<u8>", "1", "some(1)"},
        {"option<option<u8>>", "some(none)", NULL},
        {"result<u8, string>", "ok(1)", NULL},
        {"result<u8, string>", "err(\"e\")", NULL},
        {"result<u8>", "err", NULL},
        {"result", "ok", NULL},
        {"flags { read, write }", "{write, read}", "{read, write}"},
        {"flags { read, write }", "{}", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bhd_type *type = type_of(cases[i].type);
        bhd_error error = BHD_ERROR_INIT;
        bhd_value value, again;
        char text[200], second[200];
        expect_ok(bhd_value_parse(cases[i].text, type, &value, &error), &error);
        expect_ok(bhd_value_check(&value, type, &error), &error);
        (void)bhd_value_format(&value, type, text, sizeof text);
        assert_string_equal(cases[i].written ? cases[i].written : cases[i].text, text);
        expect_ok(bhd_value_parse(text, type, &again, &error), &error);
        (void)bhd_value_format(&again, type, second, sizeof second);
        assert_string_equal(text, second);
        bhd_value_fini(&value);
        bhd_value_fini(&again);
        bhd_error_fini(&error);
        bhd_type_free(type);
    }
}

static void what_does_not_fit_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *type, *text, *message;
    } cases[] = {
        /* Another kind. */
        {"bool", "1", "expected bool at 0..1"},
        {"bool", "yes", "expected bool at 0..3"},
        {"u8", "true", "expected u8 at 0..4"},
        {"u8", "\"1\"", "expected u8 at 0..3"},
        {"u8", "'1'", "expected u8 at 0..3"},
        {"f32", "\"1\"", "expected f32 at 0..3"},
        {"char", "\"x\"", "expected char at 0..3"},
        {"char", "120", "expected char at 0..3"},
        {"string", "text", "expected string at 0..4"},
        {"string", "1", "expected string at 0..1"},
        {"list<u8>", "1", "expected list at 0..1"},
        {"list<u8>", "(1, 2)", "expected list at 0..6"},
        {"list<u8>", "[1, \"2\"]", "expected u8 at 4..7"},
        {"tuple<u8, string>", "[1, \"x\"]", "expected tuple at 0..8"},
        {PHOTO, "[1]", "expected record at 0..3"},
        {SHAPE, "1", "expected variant at 0..1"},
        {"enum { red, green }", "\"red\"", "expected enum at 0..5"},
        {"option<u8>", "\"x\"", "expected u8 at 0..3"},
        {"option<u8>", "some(\"x\")", "expected u8 at 5..8"},
        {"result<u8, string>", "ok(\"x\")", "expected u8 at 3..6"},
        {"flags { read, write }", "[read]", "expected flags at 0..6"},
        /* Outside the range. */
        {"s8", "128", "expected s8 at 0..3"},
        {"s8", "-129", "expected s8 at 0..4"},
        {"u8", "256", "expected u8 at 0..3"},
        {"u8", "-1", "expected u8 at 0..2"},
        {"s16", "32768", "expected s16 at 0..5"},
        {"u16", "65536", "expected u16 at 0..5"},
        {"s32", "2147483648", "expected s32 at 0..10"},
        {"u32", "4294967296", "expected u32 at 0..10"},
        {"s64", "9223372036854775808", "expected s64 at 0..19"},
        {"u64", "18446744073709551616", "expected u64 at 0..20"},
        {"u8", "1.0", "expected u8 at 0..3"},
        {"char", "'xy'", "invalid token at 0..4"},
        {"char", "''", "invalid token at 0..1"},
        {"char", "'\\u{110000}'", "expected char at 0..12"},
        {"char", "'\\u{d800}'", "expected char at 0..10"},
        /* Too few, too many, unknown. */
        {"tuple<u8, string>", "(1)", "expected 2 tuple elements; got 1 at 0..3"},
        {"tuple<u8, string>", "(1, \"x\", 2)", "expected 2 tuple elements; got 3 at 0..11"},
        {PHOTO, "{name: \"sea\"}", "missing field \"width\" at 0..13"},
        {PHOTO, "{}", "expected record at 0..2"},
        {PHOTO, "{name: \"sea\", width: 1, wide: 2}", "unknown field \"wide\" at 30..31"},
        {PHOTO, "{name: \"sea\", width: 1, note: none, note: none}",
         "duplicate field: \"note\" at 36..40"},
        {DEEP, "[{p: (1, {name: \"sea\", width: 1, not: none})}]",
         "unknown field \"not\" at 38..42"},
        {"result<option<" PHOTO ">, string>", "ok(some({name: \"a\", width: 1, x: 1}))",
         "unknown field \"x\" at 33..34"},
        {"result<option<" PHOTO ">, string>", "ok({name: \"a\", width: 1, x: 1})",
         "unknown field \"x\" at 28..29"},
        {"variant { p(" PHOTO ") }", "p({name: \"a\", width: 1, x: 1})",
         "unknown field \"x\" at 27..28"},
        {SHAPE, "square(1)", "unknown case \"square\" at 0..9"},
        {SHAPE, "square", "unknown case \"square\" at 0..6"},
        {SHAPE, "circle", "missing payload for \"circle\" case at 0..6"},
        {SHAPE, "dot(1)", "unexpected payload for \"dot\" case at 0..6"},
        {"enum { red, green }", "blue", "unknown case \"blue\" at 0..4"},
        {"result<u8>", "err(1)", "unexpected payload for \"err\" case at 0..6"},
        {"result<u8>", "ok", "missing payload for \"ok\" case at 0..2"},
        {"flags { read, write }", "{fly}", "unknown flag \"fly\" at 0..5"},
        {"flags { read, write }", "{read, read}", "duplicate flag: \"read\" at 7..11"},
        /* No value, or more than one. */
        {"u8", "", "unexpected end of input at 0..0"},
        {"u8", " ", "unexpected end of input at 1..1"},
        {"u8", "1 2", "trailing characters after value at 2..3"},
        {"u8", "1)", "trailing characters after value at 1..2"},
        {"list<u8>", "[1", "unexpected end of input at 2..2"},
        {"list<u8>", "[1 2]", "unexpected token: Number at 3..4"},
        {"string", "\"open", "invalid token at 0..5"},
        {"string", "\"\\q\"", "invalid token at 0..1"},
        {"string", "\"line\nbreak\"", "invalid token at 0..5"},
        {"u8", "\x01", "invalid token at 0..1"},
        {"string", "\"\xff\"", "the text is not UTF-8"},
        {SHAPE, "circle(", "unexpected end of input at 7..7"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bhd_type *type = type_of(cases[i].type);
        bhd_error error = BHD_ERROR_INIT;
        bhd_value value = bhd_value_u32(7);
        expect_status(BHD_SIGNATURE_MISMATCH, bhd_value_parse(cases[i].text, type, &value, &error),
                      &error);
        assert_string_equal(cases[i].message, error.message);
        assert_true(value.type == BHD_U32 && value.of.u32 == 7);
        bhd_error_fini(&error);
        bhd_type_free(type);
    }
}

static void expect_refused(const char *text, const char *type_text, bhd_status wanted,
                           const char *message)
{
    bhd_type *type = type_of(type_text);
    bhd_error error = BHD_ERROR_INIT;
    bhd_value value;
    expect_status(wanted, bhd_value_parse(text, type, &value, &error), &error);
    assert_string_equal(message, error.message);
    bhd_error_fini(&error);
    bhd_type_free(type);
}

/* However deep or long a text is, reading it ends, with an answer. */
static void depth_and_length_are_bounded(void **state)
{
    (void)state;
    static char text[MIB(1) + 2];
    const char *too_long = "a value of more than 1048576 bytes of text";
    memset(text, '[', 100000);
    expect_refused(text, "list<u8>", BHD_SIGNATURE_MISMATCH, "value nesting too deep at 99..100");
    memset(text, ' ', sizeof text - 1);
    expect_refused(text, "u8", BHD_INVALID_ARGUMENT, too_long);
    text[MIB(1)] = '\0';
    text[MIB(1) - 1] = '7';
    bhd_type *type = type_of("u8");
    bhd_value value;
    expect_ok(bhd_value_parse(text, type, &value, NULL), NULL);
    assert_int_equal(7, value.of.u8);
    bhd_type_free(type);
}

static void what_has_no_text_is_not_read(void **state)
{
    (void)state;
    static const char *const types[] = {"i32", "i64", "own<thing>", "list<borrow<thing>>",
                                        "option<tuple<u8, i64>>"};
    const char *message = "resources, i32 and i64 have no text from which they could be read";
    for (size_t i = 0; i < COUNT_OF(types); i++)
        expect_refused("none", types[i], BHD_NOT_SUPPORTED, message);
    /* Nor written: the type of a core function's number. */
    bhd_type *type = type_of("i32");
    bhd_value value = bhd_value_i32(1);
    char text[8] = "?";
    assert_int_equal(0, bhd_value_format(&value, type, text, sizeof text));
    assert_string_equal("", text);
    expect_status(BHD_INVALID_ARGUMENT, bhd_value_parse(NULL, type, &value, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_value_parse("1", NULL, &value, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_value_parse("1", type, NULL, NULL), NULL);
    bhd_type_free(type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_read_and_written_alike),
        cmocka_unit_test(what_does_not_fit_is_refused_with_its_place),
        cmocka_unit_test(depth_and_length_are_bounded),
        cmocka_unit_test(what_has_no_text_is_not_read),
    };
    return cmocka_run_group_tests_name("value text", tests, NULL, NULL);
}
