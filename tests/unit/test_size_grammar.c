/*
 * Sizes as text: what is read, what is refused and with which advice, and what is written.
 */
#include "unit_test.h"

#include "bulkhead/limits.h"

#include <stdio.h>

typedef struct size_case {
    const char *text;
    uint64_t bytes;
} size_case;

static void check_reads(const size_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes = 4711;
        bhd_error error = BHD_ERROR_INIT;
        bhd_status status = bhd_size_parse(cases[i].text, strlen(cases[i].text), &bytes, &error);
        if (status != BHD_OK)
            fail_msg("%s: %s", cases[i].text, error.message);
        assert_int_equal(bytes, cases[i].bytes);
        assert_int_equal(error.code, BHD_OK);
    }
}

typedef struct refused_case {
    const char *text, *message;
} refused_case;

static void check_refused(const refused_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes = 4711;
        bhd_error error = BHD_ERROR_INIT;
        assert_int_equal(bhd_size_parse(cases[i].text, strlen(cases[i].text), &bytes, &error),
                         BHD_LIMIT_INVALID);
        assert_string_equal(error.message, cases[i].message);
        assert_int_equal(error.code, BHD_LIMIT_INVALID);
        assert_int_equal(bytes, 4711);
        bhd_error_fini(&error);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    static const size_case cases[] = {
        {"0", 0},
        {"1", 1},
        {"2097152", 2097152},
        {"2_097_152", 2097152},
        {"1_2_3", 123},
        {"18446744073709551615", UINT64_MAX},
    };
    check_reads(cases, COUNT_OF(cases));
}

static void test_binary_units(void **state)
{
    (void)state;
    static const size_case cases[] = {
        {"512KiB", 524288},
        {"512 KiB", 524288},
        {"2MiB", 2097152},
        {"2 MiB", 2097152},
        {"0MiB", 0},
        {"1_024KiB", 1048576},
        {"4096MiB", UINT64_C(4294967296)},
        {"17592186044415MiB", UINT64_C(18446744073708503040)},
        {"18014398509481983KiB", UINT64_C(18446744073709550592)},
    };
    check_reads(cases, COUNT_OF(cases));
}

static void test_fractions_that_are_whole_bytes(void **state)
{
    (void)state;
    static const size_case cases[] = {
        {"1.5MiB", 1572864},
        {"1.5 MiB", 1572864},
        {"0.5KiB", 512},
        {"0.0009765625KiB", 1},
        {"0.00000095367431640625MiB", 1},
        {"1.0MiB", 1048576},
        {"1.250MiB", 1310720},
        {"1.0_0KiB", 1024},
        {"1.50000000000000000000000000000000000000000000000000MiB", 1572864},
        {"17592186044415.99999904632568359375MiB", UINT64_MAX},
    };
    check_reads(cases, COUNT_OF(cases));
}

static void test_decimal_and_short_units_are_refused_with_the_binary_one(void **state)
{
    (void)state;
#define WRITE_2MIB " is not a size; the units are KiB and MiB: write \"2MiB\" (2097152 bytes)"
    static const refused_case cases[] = {
        {"2MB", "\"2MB\"" WRITE_2MIB},
        {"2M", "\"2M\"" WRITE_2MIB},
        {"2m", "\"2m\"" WRITE_2MIB},
        {"2Mi", "\"2Mi\"" WRITE_2MIB},
        {"2 mib", "\"2 mib\"" WRITE_2MIB},
        {"2mIb", "\"2mIb\"" WRITE_2MIB},
        {"2  MiB", "\"2  MiB\"" WRITE_2MIB},
        {" 2MiB", "\" 2MiB\"" WRITE_2MIB},
        {"2MiB ", "\"2MiB \"" WRITE_2MIB},
        {"+2MiB", "\"+2MiB\"" WRITE_2MIB},
        {"\t2MiB\t", "\"\\t2MiB\\t\"" WRITE_2MIB},
        {"64Mi", "\"64Mi\" is not a size; the units are KiB and MiB: write \"64MiB\" "
                 "(67108864 bytes)"},
        {"1.5k", "\"1.5k\" is not a size; the units are KiB and MiB: write \"1.5KiB\" "
                 "(1536 bytes)"},
        {"1GiB", "\"1GiB\" is not a size; the units are KiB and MiB: write \"1024MiB\" "
                 "(1073741824 bytes)"},
        {"1000 bytes", "\"1000 bytes\" is not a size; the units are KiB and MiB: write 1000"},
    };
    check_refused(cases, COUNT_OF(cases));
}

static void test_negative_empty_and_too_large_are_refused(void **state)
{
    (void)state;
#define TOO_LARGE " is too large; a size is at most 18446744073709551615 bytes"
    static const refused_case cases[] = {
        {"", "\"\" is empty; write a number of bytes, or one with KiB or MiB"},
        {"-1", "\"-1\" is negative; a size is 0 bytes or more"},
        {"-2MiB", "\"-2MiB\" is negative; a size is 0 bytes or more"},
        {"18446744073709551616", "\"18446744073709551616\"" TOO_LARGE},
        {"99999999999999999999999", "\"99999999999999999999999\"" TOO_LARGE},
        {"18014398509481984KiB", "\"18014398509481984KiB\"" TOO_LARGE},
        {"17592186044416MiB", "\"17592186044416MiB\"" TOO_LARGE},
    };
    check_refused(cases, COUNT_OF(cases));
}

static void test_fractions_of_a_byte_are_refused_with_the_neighbours(void **state)
{
    (void)state;
    static const refused_case cases[] = {
        {"1.0001KiB", "\"1.0001KiB\" is not a whole number of bytes; write 1024 or 1025"},
        {"0.3MiB", "\"0.3MiB\" is not a whole number of bytes; write 314572 or 314573"},
        {"0.0000000000000000000000000000000000000000000001MiB",
         "\"0.0000000000000000000000000000000000000000000001MiB\" is not a whole number of bytes; "
         "write 0 or 1"},
        {"17592186044415.9999999999MiB",
         "\"17592186044415.9999999999MiB\" is not a whole number of bytes; write "
         "18446744073709551615"},
        {"1.5", "\"1.5\" is not a whole number of bytes; write one, or add KiB or MiB"},
        {"1.0", "\"1.0\" is not a size; write 1"},
    };
    check_refused(cases, COUNT_OF(cases));
}

static void test_numbers_written_otherwise_are_refused(void **state)
{
    (void)state;
#define EXAMPLE "write for example 2097152, \"512KiB\" or \"1.5MiB\""
#define NO_SIZE " is not a size; " EXAMPLE
#define NO_UNIT " is not a size; the units are KiB and MiB: " EXAMPLE
    static const refused_case cases[] = {
        {"2__0", "\"2__0\"" NO_SIZE},
        {" ", "\" \"" NO_SIZE},
        {"+", "\"+\"" NO_UNIT},
        {"\t", "\"\\t\"" NO_UNIT},
        {"_2", "\"_2\"" NO_SIZE},
        {"2_", "\"2_\"" NO_SIZE},
        {"1._5MiB", "\"1._5MiB\"" NO_UNIT},
        {"0x200000", "\"0x200000\"" NO_UNIT},
        {"1e6", "\"1e6\"" NO_UNIT},
        {"MiB", "\"MiB\"" NO_UNIT},
        {".5MiB", "\".5MiB\"" NO_UNIT},
        {"1.MiB", "\"1.MiB\"" NO_UNIT},
        {"1.5.2MiB", "\"1.5.2MiB\"" NO_UNIT},
        {"1,5MiB", "\"1,5MiB\"" NO_UNIT},
        {"2MiB/s", "\"2MiB/s\"" NO_UNIT},
        {"unlimited", "\"unlimited\"" NO_UNIT},
        {"007", "\"007\" is not a size; write 7"},
        {"00.5MiB", "\"00.5MiB\" is not a size; the units are KiB and MiB: write \"512KiB\" "
                    "(524288 bytes)"},
    };
    check_refused(cases, COUNT_OF(cases));
}

static void test_hostile_text_is_escaped_and_cut(void **state)
{
    (void)state;
    static const refused_case cases[] = {
        {"2\x1b[31mMiB", "\"2\\x1b[31mMiB\"" NO_UNIT},
        {"2MiB\n", "\"2MiB\\n\"" NO_UNIT},
        {"2\xE2\x80\xAEMiB", "\"2\\u{202e}MiB\"" NO_UNIT},
        {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\"" NO_UNIT},
    };
    check_refused(cases, COUNT_OF(cases));
}

static void test_the_length_counts_and_not_a_terminator(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    assert_int_equal(bhd_size_parse("12345", 3, &bytes, NULL), BHD_OK);
    assert_int_equal(bytes, 123);
    assert_int_equal(bhd_size_parse("1\0", 2, &bytes, NULL), BHD_LIMIT_INVALID);
    assert_int_equal(bhd_size_parse("2MiB\0", 5, &bytes, NULL), BHD_LIMIT_INVALID);
    assert_int_equal(bhd_size_parse("5MiB", 3, &bytes, NULL), BHD_LIMIT_INVALID);
    assert_int_equal(bytes, 123);
}

static void test_null_arguments(void **state)
{
    (void)state;
    uint64_t bytes;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd_size_parse(NULL, 0, &bytes, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, "size: the text is NULL");
    assert_int_equal(bhd_size_parse("1", 1, NULL, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, "size: the place for the bytes is NULL");
    bhd_error_fini(&error);
}

static void test_sizes_are_written_exactly(void **state)
{
    (void)state;
    static const size_case cases[] = {
        {"0 bytes", 0},
        {"1 byte", 1},
        {"1000 bytes", 1000},
        {"1023 bytes", 1023},
        {"1 KiB", 1024},
        {"1025 bytes", 1025},
        {"1.5 KiB", 1536},
        {"64 KiB", 65536},
        {"512 KiB", 524288},
        {"1 MiB", 1048576},
        {"1048577 bytes", 1048577},
        {"1088 KiB", 1114112},
        {"1.25 MiB", 1310720},
        {"1.5 MiB", 1572864},
        {"2 MiB", 2097152},
        {"4096 MiB", UINT64_C(4294967296)},
        {"18446744073709551615 bytes", UINT64_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char buffer[64];
        size_t length = bhd_size_to_text(cases[i].bytes, buffer, sizeof buffer);
        assert_string_equal(buffer, cases[i].text);
        assert_int_equal(length, strlen(cases[i].text));
        assert_int_equal(bhd_size_to_text(cases[i].bytes, NULL, 0), length);
        assert_int_equal(bhd_size_to_text(cases[i].bytes, buffer, 3), length);
        assert_int_equal(strlen(buffer), 2);
    }
}

static void test_what_is_written_reads_back_the_same(void **state)
{
    (void)state;
    uint64_t bytes = 1;
    for (int i = 0; i < 200000; i++) {
        char buffer[64];
        uint64_t value = i % 3 == 0   ? bytes
                         : i % 3 == 1 ? bytes & ~UINT64_C(0x3FF)
                                      : (uint64_t)i * 512;
        bhd_size_to_text(value, buffer, sizeof buffer);
        size_t length = strcspn(buffer, "b");
        if (strstr(buffer, "byte") != NULL)
            length -= 1; /* the blank; "bytes" is not in the grammar */
        else
            length = strlen(buffer);
        uint64_t back = 0;
        assert_int_equal(bhd_size_parse(buffer, length, &back, NULL), BHD_OK);
        assert_int_equal(back, value);
        bytes = bytes * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    }
}

/* The exact arithmetic against a second opinion: KiB with up to 3 decimals, in thousandths. */
static void test_fractions_agree_with_integer_arithmetic(void **state)
{
    (void)state;
    for (unsigned thousandths = 0; thousandths < 3000; thousandths++) {
        char text[32];
        int length =
            snprintf(text, sizeof text, "%u.%03uKiB", thousandths / 1000, thousandths % 1000);
        uint64_t bytes = 0;
        bool whole = thousandths * 1024 % 1000 == 0;
        assert_int_equal(bhd_size_parse(text, (size_t)length, &bytes, NULL),
                         whole ? BHD_OK : BHD_LIMIT_INVALID);
        if (whole)
            assert_int_equal(bytes, thousandths * 1024 / 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_binary_units),
        cmocka_unit_test(test_fractions_that_are_whole_bytes),
        cmocka_unit_test(test_decimal_and_short_units_are_refused_with_the_binary_one),
        cmocka_unit_test(test_negative_empty_and_too_large_are_refused),
        cmocka_unit_test(test_fractions_of_a_byte_are_refused_with_the_neighbours),
        cmocka_unit_test(test_numbers_written_otherwise_are_refused),
        cmocka_unit_test(test_hostile_text_is_escaped_and_cut),
        cmocka_unit_test(test_the_length_counts_and_not_a_terminator),
        cmocka_unit_test(test_null_arguments),
        cmocka_unit_test(test_sizes_are_written_exactly),
        cmocka_unit_test(test_what_is_written_reads_back_the_same),
        cmocka_unit_test(test_fractions_agree_with_integer_arithmetic),
    };
    return cmocka_run_group_tests_name("size grammar", tests, NULL, NULL);
}
