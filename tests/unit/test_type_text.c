/*
 * Types as text: what is printed reads back as the same type, and a text that is none says where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bulkhead/value.h"
#include "values/type.h"
#include "values/type_parse.h"

static bhd_type *parsed(const char *text)
{
    bhd_type *type = NULL;
    bhd_error error = BHD_ERROR_INIT;
    if (bhd_type_parse(text, &type, &error) != BHD_OK)
        fail_msg("%s: %s", text, error.message);
    return type;
}

static void what_is_printed_reads_back(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "bool",
        "s8",
        "u64",
        "f32",
        "f64",
        "char",
        "string",
        "i32",
        "list<u8>",
        "list<list<string>>",
        "option<option<u8>>",
        "tuple<u8, string, list<f64>>",
        "record { width: u32, height: u32 }",
        "record { record: record { a: u8 } }",
        "variant { circle(f32), label(string), none }",
        "enum { red, green, blue }",
        "flags { read, write }",
        "result",
        "result<u8>",
        "result<_, string>",
        "result<u8, string>",
        "own<image>",
        "borrow<image>",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[200];
        bhd_type *type = parsed(texts[i]);
        assert_int_equal(strlen(texts[i]), bhd_type_to_text(type, text, sizeof text));
        assert_string_equal(texts[i], text);
        bhd_type *again = parsed(text);
        assert_true(bhd__type_equals(type, again));
        bhd_type_free(again);
        bhd_type_free(type);
    }
}

static void blanks_commas_at_the_end_and_quoted_names_are_read(void **state)
{
    (void)state;
    bhd_type *type = parsed("  record{\n  %list : list < u8 > ,\n\tb: result< _ , u8 >, }\n");
    char text[100];
    (void)bhd_type_to_text(type, text, sizeof text);
    assert_string_equal("record { list: list<u8>, b: result<_, u8> }", text);
    bhd_type_free(type);
}

static void types_that_differ_are_not_equal(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "u8",
        "u16",
        "list<u8>",
        "list<u16>",
        "record { a: u8 }",
        "record { b: u8 }",
        "record { a: u8, b: u8 }",
        "variant { a(u8) }",
        "variant { a }",
        "enum { a }",
        "flags { a }",
        "own<a>",
        "own<b>",
        "borrow<a>",
        "result",
        "result<u8>",
        "result<_, u8>",
        "tuple<u8>",
        "option<u8>",
    };
    size_t count = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++) {
            bhd_type *a = parsed(texts[i]), *b = parsed(texts[k]);
            assert_true(bhd__type_equals(a, b) == (i == k));
            bhd_type_free(a);
            bhd_type_free(b);
        }
    }
}

static void what_is_no_type_says_where(void **state)
{
    (void)state;
    static const struct {
        const char *text, *complaint;
    } cases[] = {
        {"", "the type at character 1: expected a type, found the end"},
        {"u9", "the type at character 1: expected a type, found u9"},
        {"list", "the type at character 5: expected \"<\", found the end"},
        {"list<u8", "the type at character 8: expected \">\", found the end"},
        {"list<u8, u8>", "the type at character 10: expected \">\""},
        {"u8 u8", "the type at character 4: expected nothing more, found u8"},
        {"record { }", "at least one name between the braces"},
        {"record { a }", "the type at character 12: expected \":\", found }"},
        {"record { a: u8, a: u8 }", "the type at character 18: the name a is there twice"},
        {"enum { a, , b }", "the type at character 11: expected a name"},
        {"option<>", "expected a type, found >"},
        {"own<>", "expected a name, found >"},
        {"result<u8,>", "expected a type, found >"},
        {"variant { a(\x1b[31m) }", "expected a type, found \\x1b[31m) }"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_type *type = NULL;
        assert_int_equal(BHD_INVALID_ARGUMENT, bhd_type_parse(cases[i].text, &type, &error));
        assert_null(type);
        if (!strstr(error.message, cases[i].complaint))
            fail_msg("%s: %s", cases[i].text, error.message);
        bhd_error_fini(&error);
    }
}

/* `count` times `open`, u8, `count` times `close`. */
static char *nested(const char *open, const char *close, size_t count)
{
    size_t a = strlen(open), b = strlen(close);
    char *text = malloc(count * (a + b) + 3);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + i * a, open, a);
        memcpy(text + count * a + 2 + i * b, close, b);
    }
    memcpy(text + count * a, "u8", 2);
    text[count * (a + b) + 2] = '\0';
    return text;
}

static void depth_and_length_are_bounded(void **state)
{
    (void)state;
    bhd_type *type = NULL;
    char *deep = nested("list<", ">", 63);
    assert_int_equal(BHD_OK, bhd_type_parse(deep, &type, NULL));
    bhd_type_free(type);
    free(deep);
    static const size_t counts[] = {64, 10000, 20000};
    for (size_t i = 0; i < 3; i++) {
        deep = nested("list<", ">", counts[i]);
        assert_int_equal(BHD_INVALID_ARGUMENT, bhd_type_parse(deep, &type, NULL));
        free(deep);
    }
}

static void a_function_is_read_with_its_names(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "fun()",       "func",      "func(",           "func(u8)",          "func(a: u8",
        "func() - u8", "func() ->", "func() -> u8 u8", "func(a: u8, a: u8)"};
    bhd_type *parameters = NULL, *results = NULL;
    assert_int_equal(BHD_OK, bhd__type_parse_function(
                                 "func(size: u32, name: string) -> result<list<u8>, string>",
                                 &parameters, &results, NULL));
    assert_int_equal(2, bhd_type_count(parameters));
    assert_string_equal("name", bhd_type_part_name(parameters, 1));
    assert_int_equal(BHD_RESULT, bhd_type_get(bhd_type_part(results, 0)));
    bhd_type_free(parameters);
    bhd_type_free(results);
    assert_int_equal(BHD_OK, bhd__type_parse_function("func()", &parameters, &results, NULL));
    assert_int_equal(0, bhd_type_count(parameters) + bhd_type_count(results));
    bhd_type_free(parameters);
    bhd_type_free(results);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(BHD_INVALID_ARGUMENT,
                         bhd__type_parse_function(wrong[i], &parameters, &results, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_reads_back),
        cmocka_unit_test(blanks_commas_at_the_end_and_quoted_names_are_read),
        cmocka_unit_test(types_that_differ_are_not_equal),
        cmocka_unit_test(what_is_no_type_says_where),
        cmocka_unit_test(depth_and_length_are_bounded),
        cmocka_unit_test(a_function_is_read_with_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
