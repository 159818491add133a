/*
 * Text from outside, made safe for terminals, reports and JSON; UTF-8 and visibility below it.
 */
#include "unit_test.h"

#include "base/text.h"
#include "base/unicode.h"

#include <jansson.h>

typedef struct escape_case {
    const char *bytes;
    size_t length;
    const char *expected;
} escape_case;

/* A literal without its terminator, so that it may hold NUL bytes. */
#define INPUT(literal) (literal), sizeof(literal) - 1

static void check_escaped(const escape_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char buffer[512];
        bhd__text text;
        bhd__text_init(&text, buffer, sizeof buffer);
        bhd__text_add_escaped(&text, cases[i].bytes, cases[i].length, SIZE_MAX);
        assert_string_equal(buffer, cases[i].expected);
        assert_int_equal(text.length, strlen(cases[i].expected));
    }
}

static void test_letters_stay_as_they_are(void **state)
{
    (void)state;
    static const escape_case cases[] = {
        {INPUT(""), ""},
        {INPUT("plain text 1.0 (x) \"q\" ~"), "plain text 1.0 (x) \"q\" ~"},
        {INPUT("gr\xC3\xBC\xC3\x9F"), "gr\xC3\xBC\xC3\x9F"},
        {INPUT("\xE6\xBC\xA2\xE5\xAD\x97"), "\xE6\xBC\xA2\xE5\xAD\x97"},
        {INPUT("\xF0\x9F\x9A\xA2"), "\xF0\x9F\x9A\xA2"},
        {INPUT("\xEF\xBF\xBD"), "\xEF\xBF\xBD"}, /* U+FFFD, the last visible of the plane */
        {INPUT("\xC2\xA0|\xE2\x80\x8A|\xE2\x80\xA6"), "\xC2\xA0|\xE2\x80\x8A|\xE2\x80\xA6"},
    };
    check_escaped(cases, COUNT_OF(cases));
}

static void test_control_characters_are_written_out(void **state)
{
    (void)state;
    static const escape_case cases[] = {
        {INPUT("a\nb\tc\rd"), "a\\nb\\tc\\rd"},
        {INPUT("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m"},
        {INPUT("nul\0here"), "nul\\x00here"},
        {INPUT("\x07\x08\x1f\x7f"), "\\x07\\x08\\x1f\\x7f"},
        {INPUT("\xC2\x80\xC2\x9B\xC2\x9F"), "\\u{0080}\\u{009b}\\u{009f}"},
        {INPUT("C:\\n"), "C:\\\\n"},
    };
    check_escaped(cases, COUNT_OF(cases));
}

static void test_every_c0_and_c1_is_escaped(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x100; c++) {
        bool control = c < 0x20 || (c >= 0x7F && c <= 0x9F);
        bool soft_hyphen = c == 0xAD;
        assert_int_equal(bhd__unicode_is_visible(c), !control && !soft_hyphen);
    }
}

static void test_marks_that_hide_or_reorder_are_written_out(void **state)
{
    (void)state;
    static const escape_case cases[] = {
        {INPUT("a\xE2\x80\x8B\xE2\x80\x8C\xE2\x80\x8D\xE2\x80\x8E\xE2\x80\x8F"
               "b"),
         "a\\u{200b}\\u{200c}\\u{200d}\\u{200e}\\u{200f}b"},
        {INPUT("\xE2\x80\xA8\xE2\x80\xA9"), "\\u{2028}\\u{2029}"},
        {INPUT("\xE2\x80\xAA\xE2\x80\xAB\xE2\x80\xAC\xE2\x80\xAD\xE2\x80\xAE"),
         "\\u{202a}\\u{202b}\\u{202c}\\u{202d}\\u{202e}"},
        {INPUT("\xE2\x81\xA0\xE2\x81\xA6\xE2\x81\xA7\xE2\x81\xA8\xE2\x81\xA9"),
         "\\u{2060}\\u{2066}\\u{2067}\\u{2068}\\u{2069}"},
        {INPUT("\xEF\xBB\xBF"), "\\u{feff}"},
        {INPUT("\xD8\x9C"), "\\u{061c}"},
        {INPUT("\xC2\xAD"), "\\u{00ad}"},
        {INPUT("\xEF\xB8\x8F"), "\\u{fe0f}"},
        {INPUT("\xF3\xA0\x80\x81\xF3\xA0\x81\xA1"), "\\u{e0001}\\u{e0061}"},
        {INPUT("\xE3\x85\xA4"), "\\u{3164}"},
    };
    check_escaped(cases, COUNT_OF(cases));
}

static void test_private_use_and_noncharacters_are_written_out(void **state)
{
    (void)state;
    static const escape_case cases[] = {
        {INPUT("\xEE\x80\x80\xEF\xA3\xBF"), "\\u{e000}\\u{f8ff}"},
        {INPUT("\xEF\xB7\x90\xEF\xB7\xAF"), "\\u{fdd0}\\u{fdef}"},
        {INPUT("\xEF\xBF\xBE\xEF\xBF\xBF"), "\\u{fffe}\\u{ffff}"},
        {INPUT("\xF0\x9F\xBF\xBE"), "\\u{1fffe}"},
        {INPUT("\xF3\xB0\x80\x80"), "\\u{f0000}"},
        {INPUT("\xF4\x8F\xBF\xBF"), "\\u{10ffff}"},
    };
    check_escaped(cases, COUNT_OF(cases));
}

static void test_bytes_that_are_not_utf8_are_written_out(void **state)
{
    (void)state;
    static const escape_case cases[] = {
        {INPUT("\xFF\xFE"), "\\xff\\xfe"},
        {INPUT("a\x80z"), "a\\x80z"},                        /* stray continuation */
        {INPUT("\xC0\x80"), "\\xc0\\x80"},                   /* overlong NUL */
        {INPUT("\xC1\xBF"), "\\xc1\\xbf"},                   /* overlong DEL */
        {INPUT("\xE0\x9F\xBF"), "\\xe0\\x9f\\xbf"},          /* overlong U+07FF */
        {INPUT("\xF0\x8F\xBF\xBF"), "\\xf0\\x8f\\xbf\\xbf"}, /* overlong U+FFFF */
        {INPUT("\xED\xA0\x80"), "\\xed\\xa0\\x80"},          /* surrogate */
        {INPUT("\xED\xBF\xBF"), "\\xed\\xbf\\xbf"},
        {INPUT("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
        {INPUT("\xF8\x88\x80\x80\x80"), "\\xf8\\x88\\x80\\x80\\x80"},
        {INPUT("\xE2\x82"), "\\xe2\\x82"}, /* cut off */
        {INPUT("\xF0\x9F\x98"), "\\xf0\\x9f\\x98"},
        {INPUT("\xE2\x82x"), "\\xe2\\x82x"},
        {INPUT("\xC3"), "\\xc3"},
    };
    check_escaped(cases, COUNT_OF(cases));
}

static void test_escaped_output_is_itself_safe(void **state)
{
    (void)state;
    /* Every two bytes there are, then the ASCII below: nothing but visible characters comes out. */
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char bytes[] = {(char)(pair >> 8), (char)(pair & 0xFF), '!'};
        char buffer[64];
        bhd__text text;
        bhd__text_init(&text, buffer, sizeof buffer);
        bhd__text_add_escaped(&text, bytes, sizeof bytes, SIZE_MAX);
        assert_true(text.length < sizeof buffer);
        for (size_t at = 0; at < text.length;) {
            uint32_t character = 0;
            size_t size = bhd__utf8_decode(buffer + at, text.length - at, &character);
            assert_true(size > 0);
            assert_true(bhd__unicode_is_visible(character));
            at += size;
        }
    }
}

static void test_most_cuts_between_characters(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        size_t most;
        const char *expected;
    } cases[] = {
        {"abcdef", 6, "abcdef"},    {"abcdef", 5, "abcde..."},
        {"abcdef", 0, "..."},       {"", 0, ""},
        {"a\xC3\xBC", 2, "a..."},   {"a\xC3\xBC", 3, "a\xC3\xBC"},
        {"\n\n\n", 2, "\\n\\n..."},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char buffer[64];
        bhd__text text;
        bhd__text_init(&text, buffer, sizeof buffer);
        bhd__text_add_escaped(&text, cases[i].input, strlen(cases[i].input), cases[i].most);
        assert_string_equal(buffer, cases[i].expected);
    }
}

static void test_utf8_boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        uint32_t character;
    } cases[] = {
        {"\x00", 1, 0},
        {"\x7F", 1, 0x7F},
        {"\xC2\x80", 2, 0x80},
        {"\xDF\xBF", 2, 0x7FF},
        {"\xE0\xA0\x80", 3, 0x800},
        {"\xED\x9F\xBF", 3, 0xD7FF},
        {"\xEE\x80\x80", 3, 0xE000},
        {"\xEF\xBF\xBF", 3, 0xFFFF},
        {"\xF0\x90\x80\x80", 4, 0x10000},
        {"\xF4\x8F\xBF\xBF", 4, 0x10FFFF},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t character = 1;
        assert_int_equal(bhd__utf8_decode(cases[i].bytes, cases[i].size, &character),
                         cases[i].size);
        assert_int_equal(character, cases[i].character);
        assert_true(bhd__utf8_is_valid(cases[i].bytes, cases[i].size));
        /* Cut short it is nothing, and reads nothing behind its end. */
        assert_int_equal(bhd__utf8_decode(cases[i].bytes, cases[i].size - 1, &character), 0);
    }
    assert_true(bhd__utf8_is_valid("", 0));
    assert_false(bhd__utf8_is_valid("ok\xED\xA0\x80", 5));
}

/* Wherever in a longer text it is. */
static void test_one_byte_that_is_no_text_is_seen_at_every_place(void **state)
{
    (void)state;
    for (size_t size = 2; size <= 40; size++) {
        for (size_t at = 0; at < size; at++) {
            char *text = malloc(size);
            assert_non_null(text);
            memset(text, 'x', size);
            assert_true(bhd__utf8_is_valid(text, size));
            text[at] = '\xC3';
            assert_false(bhd__utf8_is_valid(text, size));
            if (at + 1 < size) {
                text[at + 1] = '\xBC';
                assert_true(bhd__utf8_is_valid(text, size));
            }
            free(text);
        }
    }
}

static void check_json(const char *bytes, size_t length, const char *expected)
{
    char buffer[256];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    bhd__text_add_json(&text, bytes, length);
    assert_string_equal(buffer, expected);
    assert_int_equal(text.length, strlen(expected));
}

static void test_json_strings(void **state)
{
    (void)state;
    check_json(INPUT(""), "\"\"");
    check_json(INPUT("a \"b\" c:\\d /"), "\"a \\\"b\\\" c:\\\\d /\"");
    check_json(INPUT("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
    check_json(INPUT("\0\x1b\x7f"), "\"\\u0000\\u001b\\u007f\"");
    check_json(INPUT("\xC3\xBC\xF0\x9F\x9A\xA2"), "\"\xC3\xBC\xF0\x9F\x9A\xA2\"");
    check_json(INPUT("\xE2\x80\xA8\xE2\x80\xAE"), "\"\\u2028\\u202e\"");
    check_json(INPUT("\xF3\xA0\x80\x81"), "\"\\udb40\\udc01\"");
    check_json(INPUT("\xF4\x8F\xBF\xBF"), "\"\\udbff\\udfff\"");
    check_json(INPUT("a\xFFz\xED\xA0\x80"),
               "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void test_json_strings_read_back_the_same(void **state)
{
    (void)state;
    /* Every character that UTF-8 can hold, one by one, through another reader of JSON. */
    for (uint32_t c = 1; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 97) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        char bytes[5] = {0};
        size_t size = 1;
        if (c < 0x80) {
            bytes[0] = (char)c;
        } else if (c < 0x800) {
            size = 2;
            bytes[0] = (char)(0xC0 | c >> 6);
            bytes[1] = (char)(0x80 | (c & 0x3F));
        } else if (c < 0x10000) {
            size = 3;
            bytes[0] = (char)(0xE0 | c >> 12);
            bytes[1] = (char)(0x80 | (c >> 6 & 0x3F));
            bytes[2] = (char)(0x80 | (c & 0x3F));
        } else {
            size = 4;
            bytes[0] = (char)(0xF0 | c >> 18);
            bytes[1] = (char)(0x80 | (c >> 12 & 0x3F));
            bytes[2] = (char)(0x80 | (c >> 6 & 0x3F));
            bytes[3] = (char)(0x80 | (c & 0x3F));
        }
        char buffer[32];
        bhd__text text;
        bhd__text_init(&text, buffer, sizeof buffer);
        bhd__text_add_json(&text, bytes, size);
        json_t *read = json_loads(buffer, JSON_DECODE_ANY, NULL);
        assert_non_null(read);
        assert_string_equal(json_string_value(read), bytes);
        json_decref(read);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters_stay_as_they_are),
        cmocka_unit_test(test_control_characters_are_written_out),
        cmocka_unit_test(test_every_c0_and_c1_is_escaped),
        cmocka_unit_test(test_marks_that_hide_or_reorder_are_written_out),
        cmocka_unit_test(test_private_use_and_noncharacters_are_written_out),
        cmocka_unit_test(test_bytes_that_are_not_utf8_are_written_out),
        cmocka_unit_test(test_escaped_output_is_itself_safe),
        cmocka_unit_test(test_most_cuts_between_characters),
        cmocka_unit_test(test_utf8_boundaries),
        cmocka_unit_test(test_one_byte_that_is_no_text_is_seen_at_every_place),
        cmocka_unit_test(test_json_strings),
        cmocka_unit_test(test_json_strings_read_back_the_same),
    };
    return cmocka_run_group_tests_name("escaping", tests, NULL, NULL);
}
