/*
 * Time: the text of a point in time, and the clocks.
 */
#include "unit_test.h"

#include "base/clock.h"
#include "bulkhead/metrics.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static void check(uint64_t ns, const char *expected)
{
    char buffer[BHD_TIMESTAMP_SIZE + 1];
    memset(buffer, '#', sizeof buffer);
    bhd__timestamp(ns, buffer);
    assert_string_equal(buffer, expected);
    assert_int_equal(strlen(buffer), BHD_TIMESTAMP_SIZE - 1);
    assert_int_equal(buffer[BHD_TIMESTAMP_SIZE], '#');
}

#define NS UINT64_C(1000000000)

static void test_timestamp_goldens(void **state)
{
    (void)state;
    check(0, "1970-01-01T00:00:00.000000000Z");
    check(1, "1970-01-01T00:00:00.000000001Z");
    check(86399 * NS + 999999999, "1970-01-01T23:59:59.999999999Z");
    check(1769903999 * NS + 123456789, "2026-01-31T23:59:59.123456789Z");
    check(1000000000 * NS, "2001-09-09T01:46:40.000000000Z");
    check(2147483648 * NS, "2038-01-19T03:14:08.000000000Z");
}

static void test_timestamp_leap_days(void **state)
{
    (void)state;
    check(951782400 * NS, "2000-02-29T00:00:00.000000000Z");
    check(951868799 * NS, "2000-02-29T23:59:59.000000000Z");
    check(951868800 * NS, "2000-03-01T00:00:00.000000000Z");
    check(1709164800 * NS, "2024-02-29T00:00:00.000000000Z");
    check(68169600 * NS, "1972-02-29T00:00:00.000000000Z");
    /* 2100 is not a leap year. */
    check(4107456000 * NS, "2100-02-28T00:00:00.000000000Z");
    check(4107542400 * NS, "2100-03-01T00:00:00.000000000Z");
}

static void test_timestamp_of_the_last_nanosecond(void **state)
{
    (void)state;
    check(UINT64_MAX, "2554-07-21T23:34:33.709551615Z");
}

static void test_timestamp_agrees_with_the_system_on_every_day(void **state)
{
    (void)state;
    for (uint64_t day = 0; day < UINT64_MAX / NS / 86400; day++) {
        time_t seconds = (time_t)(day * 86400);
        struct tm civil;
        char expected[80], actual[BHD_TIMESTAMP_SIZE];
        assert_non_null(gmtime_r(&seconds, &civil));
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT00:00:00.000000000Z",
                 civil.tm_year + 1900, civil.tm_mon + 1, civil.tm_mday);
        bhd__timestamp(day * 86400 * NS, actual);
        assert_string_equal(actual, expected);
    }
}

static void test_monotonic_never_steps_back(void **state)
{
    (void)state;
    uint64_t last = bhd__monotonic_ns();
    assert_true(last > 0);
    for (int i = 0; i < 100000; i++) {
        uint64_t now = bhd__monotonic_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void test_utc_is_the_systems_clock(void **state)
{
    (void)state;
    struct timespec before, after;
    clock_gettime(CLOCK_REALTIME, &before);
    uint64_t now = bhd__utc_ns();
    clock_gettime(CLOCK_REALTIME, &after);
    /* A minute of tolerance for a clock that is set meanwhile. */
    assert_true(now / NS + 60 >= (uint64_t)before.tv_sec);
    assert_true(now / NS <= (uint64_t)after.tv_sec + 60);
}

static void test_seconds_to_ns(void **state)
{
    (void)state;
    assert_int_equal(bhd__seconds_to_ns(0), 0);
    assert_int_equal(bhd__seconds_to_ns(-1), 0);
    assert_int_equal(bhd__seconds_to_ns((double)NAN), 0);
    assert_int_equal(bhd__seconds_to_ns(0.001), 1000000);
    assert_int_equal(bhd__seconds_to_ns(1.5), 1500000000);
    assert_int_equal(bhd__seconds_to_ns(86400), 86400 * NS);
    assert_int_equal(bhd__seconds_to_ns(1e300), UINT64_MAX / 2);
    assert_int_equal(bhd__seconds_to_ns((double)INFINITY), UINT64_MAX / 2);
    assert_true(bhd__seconds_to_ns(9.2e9) <= UINT64_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timestamp_goldens),
        cmocka_unit_test(test_timestamp_leap_days),
        cmocka_unit_test(test_timestamp_of_the_last_nanosecond),
        cmocka_unit_test(test_timestamp_agrees_with_the_system_on_every_day),
        cmocka_unit_test(test_monotonic_never_steps_back),
        cmocka_unit_test(test_utc_is_the_systems_clock),
        cmocka_unit_test(test_seconds_to_ns),
    };
    return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
