/*
 * The text buffer: what fits, what is counted, where it is cut; numbers in every locale.
 */
#include "unit_test.h"

#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void test_empty_buffer_is_terminated_at_once(void **state)
{
    (void)state;
    char buffer[4] = "xyz";
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    assert_string_equal(buffer, "");
    assert_int_equal(text.length, 0);
}

static void test_counts_the_whole_text_without_a_buffer(void **state)
{
    (void)state;
    bhd__text text;
    bhd__text_init(&text, NULL, 0);
    bhd__text_add(&text, "one ");
    bhd__text_printf(&text, "%d", 12345);
    bhd__text_add_grouped(&text, 1000);
    bhd__text_ellipsis(&text);
    assert_int_equal(text.length, 4 + 5 + 5);
}

static void test_writes_what_fits_and_never_beyond(void **state)
{
    (void)state;
    for (size_t capacity = 1; capacity <= 12; capacity++) {
        char buffer[16];
        memset(buffer, '#', sizeof buffer);
        bhd__text text;
        bhd__text_init(&text, buffer, capacity);
        bhd__text_add(&text, "abc");
        bhd__text_printf(&text, "%s", "def");
        bhd__text_add_bytes(&text, "ghi", 3);
        assert_int_equal(text.length, 9);
        size_t shown = capacity - 1 < 9 ? capacity - 1 : 9;
        assert_int_equal(strlen(buffer), shown);
        assert_memory_equal(buffer, "abcdefghi", shown);
        for (size_t i = capacity; i < sizeof buffer; i++)
            assert_int_equal(buffer[i], '#');
    }
}

static void test_length_saturates_instead_of_wrapping(void **state)
{
    (void)state;
    char buffer[4];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    text.length = SIZE_MAX - 1;
    bhd__text_add(&text, "abc");
    assert_int_equal(text.length, SIZE_MAX);
    assert_string_equal(buffer, "");
}

static void test_ellipsis_only_when_it_did_not_fit(void **state)
{
    (void)state;
    char buffer[8];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    bhd__text_add(&text, "1234567");
    bhd__text_ellipsis(&text);
    assert_string_equal(buffer, "1234567");
    bhd__text_add(&text, "8");
    bhd__text_ellipsis(&text);
    assert_string_equal(buffer, "1234...");
    assert_int_equal(text.length, 7);
}

static void test_ellipsis_in_tiny_buffers(void **state)
{
    (void)state;
    static const char *const expected[] = {"", ".", "..", "...", "a...", "ab..."};
    for (size_t capacity = 1; capacity <= COUNT_OF(expected); capacity++) {
        char buffer[8];
        bhd__text text;
        bhd__text_init(&text, buffer, capacity);
        bhd__text_add(&text, "abcdefgh");
        bhd__text_ellipsis(&text);
        assert_string_equal(buffer, expected[capacity - 1]);
        assert_int_equal(text.length, strlen(buffer));
    }
}

static void test_ellipsis_never_cuts_a_character(void **state)
{
    (void)state;
    /* "a" and then U+1F600, of four bytes: a cut in it goes back to its start. */
    for (size_t capacity = 6; capacity <= 8; capacity++) {
        char buffer[16];
        bhd__text text;
        bhd__text_init(&text, buffer, capacity);
        bhd__text_add(&text, "a\xF0\x9F\x98\x80zzzzzz");
        bhd__text_ellipsis(&text);
        assert_string_equal(buffer, "a...");
    }
    char buffer[9];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    bhd__text_add(&text, "a\xF0\x9F\x98\x80zzzzzz");
    bhd__text_ellipsis(&text);
    assert_string_equal(buffer, "a\xF0\x9F\x98\x80...");
}

static void test_grouped_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t number;
        const char *expected;
    } cases[] = {
        {0, "0"},
        {7, "7"},
        {999, "999"},
        {1000, "1,000"},
        {12345, "12,345"},
        {999999, "999,999"},
        {1048576, "1,048,576"},
        {UINT64_MAX, "18,446,744,073,709,551,615"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char buffer[32];
        bhd__text text;
        bhd__text_init(&text, buffer, sizeof buffer);
        bhd__text_add_grouped(&text, cases[i].number);
        assert_string_equal(buffer, cases[i].expected);
        assert_int_equal(text.length, strlen(cases[i].expected));
    }
}

static void test_percents_round_and_drop_zeros(void **state)
{
    (void)state;
    static const struct {
        double percent;
        unsigned decimals;
        const char *expected;
    } cases[] = {
        {0, 2, "0"},           {93.75, 1, "93.8"}, {93.75, 2, "93.75"},   {93.75, 0, "94"},
        {50, 2, "50"},         {12.5, 4, "12.5"},  {100, 1, "100"},       {0.004, 2, "0"},
        {0.005, 2, "0.01"},    {99.96, 1, "99.9"}, {99.9999, 2, "99.99"}, {99.6, 0, "99"},
        {100.5, 1, "100"},     {-3, 1, "0"},       {1e300, 1, "100"},     {33.3333, 2, "33.33"},
        {66.6666, 2, "66.67"}, {5.05, 2, "5.05"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char buffer[32];
        bhd__text text;
        bhd__text_init(&text, buffer, sizeof buffer);
        bhd__text_add_percent(&text, cases[i].percent, cases[i].decimals);
        assert_string_equal(buffer, cases[i].expected);
    }
    char buffer[32];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    bhd__text_add_percent(&text, (double)NAN, 2);
    assert_string_equal(buffer, "0");
}

static void test_doubles_are_short_and_read_back_the_same(void **state)
{
    (void)state;
    static const struct {
        double number;
        const char *expected;
    } cases[] = {
        {30, "30"},
        {0.001, "0.001"},
        {86400, "86400"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {-2.5, "-2.5"},
        {1e300, "1e+300"},
        {0.1 + 0.2, "0.30000000000000004"},
        {0, "0"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char buffer[64];
        bhd__text text;
        bhd__text_init(&text, buffer, sizeof buffer);
        bhd__text_add_double(&text, cases[i].number);
        assert_string_equal(buffer, cases[i].expected);
        assert_true(strtod(buffer, NULL) == cases[i].number);
    }
}

/* Switches to a locale with a decimal comma: an installed one, or else one made for the moment in
 * `directory`. False where neither can be had. */
static bool use_comma_locale(const char *directory)
{
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL)
        return true;
    char command[256];
    snprintf(command, sizeof command,
             "localedef -c -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >/dev/null 2>&1", directory);
    if (system(command) == -1)
        return false;
    setenv("LOCPATH", directory, 1);
    return setlocale(LC_NUMERIC, "de_DE.UTF-8") != NULL;
}

static void test_numbers_have_a_point_in_a_locale_with_a_comma(void **state)
{
    (void)state;
    char directory[] = "/tmp/bulkhead-locale-XXXXXX";
    assert_non_null(mkdtemp(directory));
    bool have = use_comma_locale(directory);
    char system_text[16], text_bytes[64];
    snprintf(system_text, sizeof system_text, "%.1f", 1.5);
    bhd__text text;
    bhd__text_init(&text, text_bytes, sizeof text_bytes);
    bhd__text_add_double(&text, 1.5);
    bhd__text_add(&text, " ");
    bhd__text_add_percent(&text, 93.75, 2);
    setlocale(LC_NUMERIC, "C");
    unsetenv("LOCPATH");
    char command[256];
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    assert_int_equal(system(command), 0);
    if (!have)
        skip();
    assert_string_equal(system_text, "1,5");
    assert_string_equal(text_bytes, "1.5 93.75");
}

/* What a message shows of a text from outside: escaped, so much of it, and cut to what fits. */
static void test_show(void **state)
{
    (void)state;
    char buffer[12];
    assert_ptr_equal(bhd__text_show(buffer, sizeof buffer, "a\nb", SIZE_MAX), buffer);
    assert_string_equal(buffer, "a\\nb");
    assert_string_equal(bhd__text_show(buffer, sizeof buffer, "abcdefgh", 4), "abcd...");
    assert_string_equal(bhd__text_show(buffer, sizeof buffer, "abcdefghijklm", SIZE_MAX),
                        "abcdefgh...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_buffer_is_terminated_at_once),
        cmocka_unit_test(test_counts_the_whole_text_without_a_buffer),
        cmocka_unit_test(test_writes_what_fits_and_never_beyond),
        cmocka_unit_test(test_length_saturates_instead_of_wrapping),
        cmocka_unit_test(test_ellipsis_only_when_it_did_not_fit),
        cmocka_unit_test(test_ellipsis_in_tiny_buffers),
        cmocka_unit_test(test_ellipsis_never_cuts_a_character),
        cmocka_unit_test(test_grouped_numbers),
        cmocka_unit_test(test_percents_round_and_drop_zeros),
        cmocka_unit_test(test_doubles_are_short_and_read_back_the_same),
        cmocka_unit_test(test_numbers_have_a_point_in_a_locale_with_a_comma),
        cmocka_unit_test(test_show),
    };
    return cmocka_run_group_tests_name("text buffer", tests, NULL, NULL);
}
