/*
 * Whole errors as text, letter by letter: what a person sees when something has gone wrong.
 */
#include "unit_test.h"

#include "base/fail.h"
#include "bulkhead/error.h"

#include <stdio.h>

/* Two calls as callers make them: measure, then write. */
static void check_text(const bhd_error *error, const char *source, const char *expected)
{
    char buffer[8192];
    size_t length = bhd_error_to_text(error, source, NULL, 0);
    assert_true(length < sizeof buffer);
    assert_int_equal(bhd_error_to_text(error, source, buffer, length + 1), length);
    assert_string_equal(buffer, expected);
    assert_int_equal(length, strlen(expected));
}

/* The account of a guest that had 960 of its 1024 KiB and asked for another MiB. */
static bhd_out_of_memory *account_of_hog(bhd_error *error)
{
    bhd_out_of_memory *account = bhd__error_out_of_memory(error);
    assert_non_null(account);
    error->code = BHD_OUT_OF_MEMORY;
    snprintf(account->component, sizeof account->component, "hog");
    snprintf(account->version, sizeof account->version, "0.1.0");
    account->sandbox = 1;
    account->kind = BHD_MEMORY_LINEAR;
    account->requested = 1048576;
    account->in_use = 983040;
    account->limit = 1048576;
    account->metrics.current_bytes = 983040;
    account->metrics.peak_bytes = 983040;
    account->metrics.max_bytes = 1048576;
    account->metrics.remaining_bytes = 65536;
    account->metrics.usage_percent = 93.75;
    account->metrics.peak_percent = 93.75;
    account->metrics.denied_count = 1;
    snprintf(account->metrics.timestamp, sizeof account->metrics.timestamp,
             "2026-01-31T23:59:59.123456789Z");
    return account;
}

static void test_out_of_memory_in_full(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_out_of_memory *account = account_of_hog(&error);
    snprintf(account->cause, sizeof account->cause,
             "wasm trap: wasm `unreachable` instruction executed");
    snprintf(account->hint, sizeof account->hint,
             "raise resources.memory.max_bytes to at least 2031616,\nor keep less in memory");
    bhd__error_frame(&error, "allocate", "hog", 3, 0x1a2);
    bhd__error_frame(&error, "main", "hog", 4, 0x2b3);
    check_text(&error, NULL,
               "out of memory: component hog 0.1.0 (sandbox 1) asked for 1,048,576 more bytes of "
               "linear memory\n"
               "  in use    983,040 bytes of 1,048,576 (93.8 %), peak 983,040 bytes (93.8 %)\n"
               "  needed    2,031,616 bytes, 983,040 more than the limit\n"
               "  refused   1 growth so far\n"
               "  time      2026-01-31T23:59:59.123456789Z\n"
               "  cause     wasm trap: wasm `unreachable` instruction executed\n"
               "  in        #0 allocate (hog)\n"
               "            #1 main (hog)\n"
               "  hint      raise resources.memory.max_bytes to at least 2031616,\n"
               "            or keep less in memory\n");
    bhd_error_fini(&error);
}

static void test_out_of_memory_without_optional_parts(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_out_of_memory *account = account_of_hog(&error);
    account->component[0] = account->version[0] = account->metrics.timestamp[0] = '\0';
    account->sandbox = 0;
    account->requested = 1;
    account->in_use = 1;
    account->limit = 1;
    account->metrics.denied_count = 1234;
    check_text(&error, "ignored",
               "out of memory: a component asked for 1 more byte of linear memory\n"
               "  in use    1 byte of 1 (100 %), peak 983,040 bytes (93.8 %)\n"
               "  needed    2 bytes, 1 more than the limit\n"
               "  refused   1,234 growths so far\n");
    bhd_error_fini(&error);
}

static void test_out_of_memory_of_a_table_counts_elements(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_out_of_memory *account = account_of_hog(&error);
    account->kind = BHD_MEMORY_TABLE;
    account->requested = 5000000;
    account->in_use = 9999;
    account->limit = 10000;
    check_text(&error, NULL,
               "out of memory: component hog 0.1.0 (sandbox 1) asked for 5,000,000 more table "
               "elements\n"
               "  in use    9,999 elements of 10,000 (99.9 %)\n"
               "  needed    5,009,999 elements, 4,999,999 more than the limit\n"
               "  memory    983,040 bytes of 1,048,576 (93.8 %), peak 983,040 bytes (93.8 %)\n"
               "  refused   1 growth so far\n"
               "  time      2026-01-31T23:59:59.123456789Z\n");
    account->requested = 1;
    account->in_use = 0;
    account->limit = 0;
    char buffer[400];
    (void)bhd_error_to_text(&error, NULL, buffer, sizeof buffer);
    assert_non_null(strstr(buffer, "asked for 1 more table element\n"
                                   "  in use    0 elements of 0\n"
                                   "  needed    1 element, 1 more than the limit\n"));
    bhd_error_fini(&error);
}

static void test_out_of_memory_of_an_initial_memory_says_no_more(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_out_of_memory *account = account_of_hog(&error);
    account->kind = BHD_MEMORY_INITIAL;
    account->requested = 1114112;
    account->in_use = 0;
    bhd__error_out_of_memory_message(&error);
    assert_string_equal(error.message, "out of memory: component hog 0.1.0 (sandbox 1) asked for "
                                       "1,114,112 bytes of initial memory");
    account->kind = BHD_MEMORY_GC_HEAP;
    bhd__error_out_of_memory_message(&error);
    assert_string_equal(error.message, "out of memory: component hog 0.1.0 (sandbox 1) asked for "
                                       "1,114,112 more bytes of GC heap");
    bhd_error_fini(&error);
}

static void test_out_of_memory_that_the_host_refused(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_out_of_memory *account = account_of_hog(&error);
    account->requested = 65536;
    char buffer[400];
    (void)bhd_error_to_text(&error, NULL, buffer, sizeof buffer);
    assert_non_null(
        strstr(buffer, "\n  needed    1,048,576 bytes, within the limit: the host refused it\n"));
    bhd_error_fini(&error);
}

static void test_out_of_memory_with_a_request_beyond_counting(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_out_of_memory *account = account_of_hog(&error);
    account->requested = UINT64_MAX;
    check_text(&error, NULL,
               "out of memory: component hog 0.1.0 (sandbox 1) asked for "
               "18,446,744,073,709,551,615 more bytes of linear memory\n"
               "  in use    983,040 bytes of 1,048,576 (93.8 %), peak 983,040 bytes (93.8 %)\n"
               "  refused   1 growth so far\n"
               "  time      2026-01-31T23:59:59.123456789Z\n");
    bhd_error_fini(&error);
}

static void test_message_of_an_account_is_its_first_line(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    account_of_hog(&error);
    bhd__error_out_of_memory_message(&error);
    char buffer[4096];
    (void)bhd_error_to_text(&error, NULL, buffer, sizeof buffer);
    size_t length = strlen(error.message);
    assert_memory_equal(buffer, error.message, length);
    assert_int_equal(buffer[length], '\n');
    bhd_error_fini(&error);
}

static void test_longest_names_fit_the_message(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_out_of_memory *account = account_of_hog(&error);
    memset(account->component, 'n', BHD_NAME_SIZE - 1);
    memset(account->version, '1', BHD_VERSION_SIZE - 1);
    account->sandbox = account->requested = UINT64_MAX;
    bhd__error_out_of_memory_message(&error);
    assert_non_null(strstr(error.message, "more bytes of linear memory"));
    bhd_error_fini(&error);
}

static void test_manifest_account(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd__fail(&error, BHD_MANIFEST_INVALID, "summary"), BHD_MANIFEST_INVALID);
    bhd__error_diagnostic(&error, 7, 13, "resources.memory.max_bytes",
                          "\"2MB\" is not a size: write \"2MiB\"");
    bhd__error_diagnostic(&error, 0, 0, "component.name", "missing");
    bhd__error_diagnostic(&error, 9, 1, "", "unexpected end of the line");
    check_text(&error, "pkg/Component.toml",
               "pkg/Component.toml:7:13: resources.memory.max_bytes: \"2MB\" is not a size: write "
               "\"2MiB\"\n"
               "pkg/Component.toml: component.name: missing\n"
               "pkg/Component.toml:9:1: unexpected end of the line\n");
    check_text(&error, NULL,
               "7:13: resources.memory.max_bytes: \"2MB\" is not a size: write \"2MiB\"\n"
               "component.name: missing\n"
               "9:1: unexpected end of the line\n");
    bhd_error_fini(&error);
}

static void test_the_name_of_the_source_is_escaped(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    char text[256];
    (void)bhd__fail(&error, BHD_MANIFEST_INVALID, "1 error");
    bhd__error_diagnostic(&error, 2, 3, "component.name", "is empty");
    (void)bhd_error_to_text(&error, "a\x1b[31m\nb.toml", text, sizeof text);
    assert_string_equal(text, "a\\x1b[31m\\nb.toml:2:3: component.name: is empty\n");
    bhd_error_fini(&error);
}

static void test_trap_with_a_stack(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd__fail(&error, BHD_TRAP, "trap: integer divide by zero"), BHD_TRAP);
    assert_true(bhd__error_frame(&error, "divide", "calc", 0, 100));
    bhd__error_frame_line(&error, "src/calc.c", 12);
    bhd__error_frame(&error, "main", NULL, 1, 200);
    bhd__error_frame(&error, NULL, "calc", 12, 0x1a3);
    bhd__error_frame(&error, NULL, NULL, 13, SIZE_MAX);
    check_text(&error, NULL,
               "trap: integer divide by zero\n"
               "  in        #0 divide (calc) at src/calc.c:12\n"
               "            #1 main\n"
               "            #2 function 12 at 0x1a3 (calc)\n"
               "            #3 function 13\n");
    bhd_error_fini(&error);
}

static void test_an_error_without_a_message_says_its_status(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    check_text(&error, NULL, "success\n");
    error.code = BHD_NO_CAPACITY;
    check_text(&error, NULL, "no capacity, try again\n");
}

static void test_null_error_is_empty_text(void **state)
{
    (void)state;
    char buffer[4] = "abc";
    assert_int_equal(bhd_error_to_text(NULL, NULL, buffer, sizeof buffer), 0);
    assert_string_equal(buffer, "");
    assert_int_equal(bhd_error_to_text(NULL, NULL, NULL, 0), 0);
}

static void test_a_short_buffer_gets_the_beginning(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    account_of_hog(&error);
    char whole[4096];
    size_t length = bhd_error_to_text(&error, NULL, whole, sizeof whole);
    for (size_t capacity = 1; capacity <= length + 2; capacity++) {
        char part[4096];
        memset(part, '#', sizeof part);
        assert_int_equal(bhd_error_to_text(&error, NULL, part, capacity), length);
        size_t shown = capacity - 1 < length ? capacity - 1 : length;
        assert_int_equal(strlen(part), shown);
        assert_memory_equal(part, whole, shown);
        assert_int_equal(part[capacity], '#');
    }
    bhd_error_fini(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_of_memory_in_full),
        cmocka_unit_test(test_out_of_memory_without_optional_parts),
        cmocka_unit_test(test_out_of_memory_of_a_table_counts_elements),
        cmocka_unit_test(test_out_of_memory_of_an_initial_memory_says_no_more),
        cmocka_unit_test(test_out_of_memory_that_the_host_refused),
        cmocka_unit_test(test_out_of_memory_with_a_request_beyond_counting),
        cmocka_unit_test(test_message_of_an_account_is_its_first_line),
        cmocka_unit_test(test_longest_names_fit_the_message),
        cmocka_unit_test(test_manifest_account),
        cmocka_unit_test(test_the_name_of_the_source_is_escaped),
        cmocka_unit_test(test_trap_with_a_stack),
        cmocka_unit_test(test_an_error_without_a_message_says_its_status),
        cmocka_unit_test(test_null_error_is_empty_text),
        cmocka_unit_test(test_a_short_buffer_gets_the_beginning),
    };
    return cmocka_run_group_tests_name("error account", tests, NULL, NULL);
}
