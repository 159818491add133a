/*
 * Findings: kept in the order of the text, cut where nobody reads on, counted to the end.
 */
#include "unit_test.h"

#include "base/alloc.h"
#include "manifest/report.h"

#include <stdio.h>

static const char text[] = "line one\nline two\nline three\n";

static void add(bhd__report *report, uint32_t offset, const char *message)
{
    bhd__report_add(report, offset, "key", message, NULL);
}

static bhd_status finish(const bhd__report *report, bhd_error *error)
{
    return bhd__report_finish(report, text, strlen(text), "file", BHD_MANIFEST_INVALID, error);
}

static void test_findings_are_in_the_order_of_the_text(void **state)
{
    (void)state;
    bhd__report report;
    bhd_error error = BHD_ERROR_INIT;
    bhd__report_init(&report);
    add(&report, BHD__NOWHERE, "missing");
    add(&report, 18, "third");
    add(&report, 0, "first");
    add(&report, 14, "second, a");
    add(&report, 14, "second, b");
    add(&report, BHD__NOWHERE, "missing too");
    assert_int_equal(finish(&report, &error), BHD_MANIFEST_INVALID);
    bhd__report_fini(&report);

    static const char *const expected[] = {"first", "second, a", "second, b",
                                           "third", "missing",   "missing too"};
    static const uint32_t lines[] = {1, 2, 2, 3, 0, 0}, columns[] = {1, 6, 6, 1, 0, 0};
    assert_int_equal(error.diagnostic_count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_string_equal(error.diagnostics[i].message, expected[i]);
        assert_int_equal(error.diagnostics[i].line, lines[i]);
        assert_int_equal(error.diagnostics[i].column, columns[i]);
    }
    assert_string_equal(error.message, "file: 6 errors, the first at 1:1: key: first");
    bhd_error_fini(&error);
}

static void test_what_is_first_in_the_text_is_kept(void **state)
{
    (void)state;
    bhd__report report;
    bhd_error error = BHD_ERROR_INIT;
    uint64_t live = bhd__alloc_live();
    bhd__report_init(&report);
    /* From the end of the text to its beginning: every one displaces another. */
    for (uint32_t i = 1000; i-- > 0;) {
        char message[32];
        snprintf(message, sizeof message, "%u", (unsigned)i);
        add(&report, i, message);
    }
    assert_int_equal(report.kept, BHD__REPORT_MOST);
    assert_int_equal(report.total, 1000);
    assert_false(bhd__report_wants(&report, BHD__REPORT_MOST));
    assert_true(bhd__report_wants(&report, 3));
    assert_int_equal(report.total, 1001); /* the one that was not wanted is counted */
    assert_int_equal(finish(&report, &error), BHD_MANIFEST_INVALID);
    bhd__report_fini(&report);
    assert_int_equal(error.diagnostic_count, BHD__REPORT_MOST + 1);
    assert_string_equal(error.diagnostics[0].message, "0");
    assert_string_equal(error.diagnostics[BHD__REPORT_MOST - 1].message, "49");
    assert_string_equal(error.diagnostics[BHD__REPORT_MOST].message, "and 951 more");
    assert_int_equal(error.diagnostics[BHD__REPORT_MOST].line, 0);
    bhd_error_fini(&error);
    assert_int_equal(bhd__alloc_live(), live);
}

static void test_one_finding_is_the_message(void **state)
{
    (void)state;
    bhd__report report;
    bhd_error error = BHD_ERROR_INIT;
    bhd__report_init(&report);
    bhd__report_add(&report, 9, "a.b", "wrong", "    line\n    another");
    assert_int_equal(finish(&report, &error), BHD_MANIFEST_INVALID);
    assert_string_equal(error.message, "file:2:1: a.b: wrong");
    assert_string_equal(error.diagnostics[0].message, "wrong, for example:\n    line\n    another");
    /* Without a name of the text. */
    (void)!bhd__report_finish(&report, text, strlen(text), NULL, BHD_CONFIG_SYNTAX, &error);
    assert_int_equal(error.code, BHD_CONFIG_SYNTAX);
    assert_string_equal(error.message, "2:1: a.b: wrong");
    bhd__report_fini(&report);
    bhd_error_fini(&error);
}

static void test_a_finding_without_place_and_key(void **state)
{
    (void)state;
    bhd__report report;
    bhd_error error = BHD_ERROR_INIT;
    bhd__report_init(&report);
    bhd__report_add(&report, BHD__NOWHERE, "", "wrong", NULL);
    (void)!bhd__report_finish(&report, text, strlen(text), NULL, BHD_MANIFEST_INVALID, &error);
    assert_string_equal(error.message, "wrong");
    (void)!bhd__report_finish(&report, text, strlen(text), "file", BHD_MANIFEST_INVALID, &error);
    assert_string_equal(error.message, "file: wrong");
    bhd__report_fini(&report);

    bhd__report_init(&report);
    bhd__report_add_at(&report, 7, 8, "there");
    (void)!bhd__report_finish(&report, text, strlen(text), "file", BHD_MANIFEST_INVALID, &error);
    assert_string_equal(error.message, "file:7:8: there");
    assert_int_equal(error.diagnostics[0].line, 7);
    assert_int_equal(error.diagnostics[0].column, 8);
    bhd__report_fini(&report);
    bhd_error_fini(&error);
}

static void test_the_range_is_that_of_the_first_finding(void **state)
{
    (void)state;
    bhd__report report;
    bhd_error error = BHD_ERROR_INIT;
    bhd__report_init(&report);
    add(&report, 5, "number");
    bhd__report_range(&report, 5, 70, 10, 20);
    (void)!finish(&report, &error);
    assert_true(error.has_range);
    assert_int_equal(error.value, 70);
    assert_int_equal(error.range_minimum, 10);
    assert_int_equal(error.range_maximum, 20);
    /* The message is about another now. */
    add(&report, 2, "word");
    (void)!finish(&report, &error);
    assert_false(error.has_range);
    bhd__report_fini(&report);
    bhd_error_fini(&error);
}

static void test_a_long_message_is_cut(void **state)
{
    (void)state;
    static char message[3 * BHD_MESSAGE_SIZE];
    memset(message, 'x', sizeof message - 1);
    bhd__report report;
    bhd_error error = BHD_ERROR_INIT;
    bhd__report_init(&report);
    add(&report, 0, message);
    (void)!finish(&report, &error);
    assert_int_equal(strlen(error.message), BHD_MESSAGE_SIZE - 1);
    assert_string_equal(error.message + BHD_MESSAGE_SIZE - 4, "...");
    size_t length = strlen(error.diagnostics[0].message);
    assert_true(length < sizeof message - 1);
    assert_string_equal(error.diagnostics[0].message + length - 3, "...");
    bhd__report_fini(&report);
    bhd_error_fini(&error);
}

static void test_without_memory_for_a_finding_the_status_says_so(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= 3; nth++) {
        bhd__report report;
        bhd_error error = BHD_ERROR_INIT;
        bhd__report_init(&report);
        bhd__alloc_fail_at(nth, 0);
        bhd__report_add(&report, 0, "key", "message", "example");
        bhd__alloc_fail_at(0, 0);
        assert_true(report.no_memory);
        assert_int_equal(finish(&report, &error), BHD_HOST_OUT_OF_MEMORY);
        assert_int_equal(error.code, BHD_HOST_OUT_OF_MEMORY);
        bhd__report_fini(&report);
        bhd_error_fini(&error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_findings_are_in_the_order_of_the_text),
        cmocka_unit_test(test_what_is_first_in_the_text_is_kept),
        cmocka_unit_test(test_one_finding_is_the_message),
        cmocka_unit_test(test_a_finding_without_place_and_key),
        cmocka_unit_test(test_the_range_is_that_of_the_first_finding),
        cmocka_unit_test(test_a_long_message_is_cut),
        cmocka_unit_test(test_without_memory_for_a_finding_the_status_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
