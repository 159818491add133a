/*
 * Limits: building, checking, policies, tightening. Messages letter by letter.
 */
#include "unit_test.h"

#include "bulkhead/limits.h"

#include <math.h>
#include <stdio.h>

/* What a build that has to fail leaves behind. */
static void check_build_fails(const bhd_limits_builder *builder, const bhd_policy *policy,
                              bhd_status expected, const char *message)
{
    bhd_limits untouched = {1, 2, 3, 4.0, BHD_ON_EXCEED_TRAP}, limits = untouched;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd_limits_builder_build(builder, policy, &limits, &error), expected);
    assert_int_equal(error.code, expected);
    assert_string_equal(error.message, message);
    assert_true(bhd_limits_equal(&limits, &untouched));
    bhd_error_fini(&error);
    assert_int_equal(bhd_limits_builder_build(builder, policy, &limits, NULL), expected);
}

static bhd_limits_builder builder_of(uint64_t bytes)
{
    bhd_limits_builder builder = BHD_LIMITS_BUILDER_INIT;
    bhd_limits_builder_max_memory_bytes(&builder, bytes);
    return builder;
}

static bhd_limits limits_of(uint64_t bytes)
{
    bhd_limits_builder builder = builder_of(bytes);
    bhd_limits limits;
    assert_int_equal(bhd_limits_builder_build(&builder, NULL, &limits, NULL), BHD_OK);
    return limits;
}

static void test_only_memory_given_has_the_defaults(void **state)
{
    (void)state;
    bhd_limits limits = limits_of(1048576);
    assert_int_equal(limits.max_memory_bytes, 1048576);
    assert_int_equal(limits.max_table_elements, 10000);
    assert_int_equal(limits.max_fuel, 0);
    assert_true(limits.timeout_seconds == 30.0);
    assert_int_equal(limits.on_exceed, BHD_ON_EXCEED_DENY);
}

static void test_everything_given_is_everything_there(void **state)
{
    (void)state;
    bhd_limits_builder builder = builder_of(524288);
    bhd_limits_builder_max_table_elements(&builder, 0);
    bhd_limits_builder_max_fuel(&builder, UINT64_MAX);
    bhd_limits_builder_timeout_seconds(&builder, 0.25);
    bhd_limits_builder_on_exceed(&builder, BHD_ON_EXCEED_TRAP);
    bhd_limits limits, expected = {524288, 0, UINT64_MAX, 0.25, BHD_ON_EXCEED_TRAP};
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd_limits_builder_build(&builder, NULL, &limits, &error), BHD_OK);
    assert_true(bhd_limits_equal(&limits, &expected));
    assert_int_equal(error.code, BHD_OK);
}

static void test_the_last_value_set_counts(void **state)
{
    (void)state;
    bhd_limits_builder builder = builder_of(1);
    bhd_limits_builder_max_memory_bytes(&builder, 2097152);
    bhd_limits limits;
    assert_int_equal(bhd_limits_builder_build(&builder, NULL, &limits, NULL), BHD_OK);
    assert_int_equal(limits.max_memory_bytes, 2097152);
}

static void test_memory_limit_is_mandatory(void **state)
{
    (void)state;
    bhd_limits_builder builder = BHD_LIMITS_BUILDER_INIT;
    check_build_fails(&builder, NULL, BHD_LIMIT_MISSING,
                      "max_memory_bytes: missing; a component must say how much memory it may use, "
                      "524288 to 4194304 bytes (512 KiB to 4 MiB), and there is no default on "
                      "purpose (ADR-WASM-002)");
}

static void test_both_ends_of_the_range_are_allowed(void **state)
{
    (void)state;
    assert_int_equal(limits_of(BHD_MIN_MEMORY_BYTES).max_memory_bytes, 524288);
    assert_int_equal(limits_of(BHD_MAX_MEMORY_BYTES).max_memory_bytes, 4194304);
}

static void test_below_the_range(void **state)
{
    (void)state;
    bhd_limits_builder builder = builder_of(524287);
    check_build_fails(&builder, NULL, BHD_LIMIT_TOO_LOW,
                      "max_memory_bytes: 524287 bytes is below the allowed range of 524288 to "
                      "4194304 bytes (512 KiB to 4 MiB); write at least 524288");
    builder = builder_of(0);
    check_build_fails(&builder, NULL, BHD_LIMIT_TOO_LOW,
                      "max_memory_bytes: 0 bytes is below the allowed range of 524288 to "
                      "4194304 bytes (512 KiB to 4 MiB); write at least 524288");
}

static void test_above_the_range(void **state)
{
    (void)state;
    bhd_limits_builder builder = builder_of(4194305);
    check_build_fails(&builder, NULL, BHD_LIMIT_TOO_HIGH,
                      "max_memory_bytes: 4194305 bytes is above the allowed range of 524288 to "
                      "4194304 bytes (512 KiB to 4 MiB); write at most 4194304");
    builder = builder_of(UINT64_MAX);
    check_build_fails(&builder, NULL, BHD_LIMIT_TOO_HIGH,
                      "max_memory_bytes: 18446744073709551615 bytes is above the allowed range of "
                      "524288 to 4194304 bytes (512 KiB to 4 MiB); write at most 4194304");
}

static void test_outside_the_range_has_value_and_range_as_numbers(void **state)
{
    (void)state;
    bhd_limits_builder builder = builder_of(5000000);
    bhd_limits limits;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd_limits_builder_build(&builder, NULL, &limits, &error), BHD_LIMIT_TOO_HIGH);
    assert_true(error.has_range);
    assert_int_equal(error.value, 5000000);
    assert_int_equal(error.range_minimum, 524288);
    assert_int_equal(error.range_maximum, 4194304);
    bhd_error_fini(&error);
}

static void test_a_hosts_own_range_replaces_the_default(void **state)
{
    (void)state;
    bhd_policy narrow = {1000000, 1000000}, wide = {BHD_POLICY_MIN_BYTES, BHD_POLICY_MAX_BYTES};
    bhd_limits_builder builder = builder_of(1048576);
    check_build_fails(&builder, &narrow, BHD_LIMIT_TOO_HIGH,
                      "max_memory_bytes: 1048576 bytes is above the allowed range of 1000000 to "
                      "1000000 bytes (1000000 bytes to 1000000 bytes); write at most 1000000");
    bhd_limits limits;
    builder = builder_of(65536);
    assert_int_equal(bhd_limits_builder_build(&builder, &wide, &limits, NULL), BHD_OK);
    builder = builder_of(UINT64_C(4294967296));
    assert_int_equal(bhd_limits_builder_build(&builder, &wide, &limits, NULL), BHD_OK);
    builder = builder_of(65535);
    check_build_fails(&builder, &wide, BHD_LIMIT_TOO_LOW,
                      "max_memory_bytes: 65535 bytes is below the allowed range of 65536 to "
                      "4294967296 bytes (64 KiB to 4096 MiB); write at least 65536");
}

static void test_timeouts_outside_the_range(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *shown;
    } cases[] = {
        {0, "0"}, {-1, "-1"}, {0.0009, "0.0009"}, {86400.5, "86400.5"}, {1e300, "1e+300"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bhd_limits_builder builder = builder_of(1048576);
        bhd_limits_builder_timeout_seconds(&builder, cases[i].seconds);
        char message[128];
        snprintf(message, sizeof message,
                 "timeout_seconds: %s is not a number of seconds in the allowed range of 0.001 to "
                 "86400",
                 cases[i].shown);
        check_build_fails(&builder, NULL, BHD_LIMIT_INVALID, message);
    }
}

static void test_timeouts_that_are_no_numbers(void **state)
{
    (void)state;
    bhd_limits_builder builder = builder_of(1048576);
    bhd_limits_builder_timeout_seconds(&builder, (double)NAN);
    check_build_fails(&builder, NULL, BHD_LIMIT_INVALID,
                      "timeout_seconds: nan is not a number of seconds in the allowed range of "
                      "0.001 to 86400");
    bhd_limits_builder_timeout_seconds(&builder, (double)INFINITY);
    check_build_fails(&builder, NULL, BHD_LIMIT_INVALID,
                      "timeout_seconds: inf is not a number of seconds in the allowed range of "
                      "0.001 to 86400");
}

static void test_timeouts_at_both_ends(void **state)
{
    (void)state;
    bhd_limits limits;
    bhd_limits_builder builder = builder_of(1048576);
    bhd_limits_builder_timeout_seconds(&builder, 0.001);
    assert_int_equal(bhd_limits_builder_build(&builder, NULL, &limits, NULL), BHD_OK);
    bhd_limits_builder_timeout_seconds(&builder, 86400);
    assert_int_equal(bhd_limits_builder_build(&builder, NULL, &limits, NULL), BHD_OK);
    assert_true(limits.timeout_seconds == 86400.0);
}

static void test_fuel_of_zero_is_refused_by_the_builder_only(void **state)
{
    (void)state;
    bhd_limits_builder builder = builder_of(1048576);
    bhd_limits_builder_max_fuel(&builder, 0);
    check_build_fails(
        &builder, NULL, BHD_LIMIT_INVALID,
        "max_fuel: 0 would end the guest before its first instruction; write at least "
        "1, or leave it out: fuel is then not metered");
    bhd_limits limits = limits_of(1048576);
    assert_int_equal(limits.max_fuel, 0);
    assert_int_equal(bhd_limits_check(&limits, NULL, NULL), BHD_OK);
}

static void test_too_many_table_elements(void **state)
{
    (void)state;
    bhd_limits_builder builder = builder_of(1048576);
    bhd_limits_builder_max_table_elements(&builder, 1000001);
    check_build_fails(&builder, NULL, BHD_LIMIT_INVALID,
                      "max_table_elements: 1000001 elements is above the allowed range of 0 to "
                      "1000000 elements; write at most 1000000");
    bhd_limits_builder_max_table_elements(&builder, 1000000);
    bhd_limits limits;
    assert_int_equal(bhd_limits_builder_build(&builder, NULL, &limits, NULL), BHD_OK);
}

static void test_unknown_on_exceed(void **state)
{
    (void)state;
    bhd_limits_builder builder = builder_of(1048576);
    bhd_limits_builder_on_exceed(&builder, (bhd_on_exceed)2);
    check_build_fails(&builder, NULL, BHD_LIMIT_INVALID,
                      "on_exceed: 2 is neither deny (0) nor trap (1)");
}

static void test_check_applies_the_builders_rules(void **state)
{
    (void)state;
    bhd_limits good = limits_of(1048576);
    assert_int_equal(bhd_limits_check(&good, NULL, NULL), BHD_OK);
    bhd_limits bad = good;
    bad.max_memory_bytes = 1;
    assert_int_equal(bhd_limits_check(&bad, NULL, NULL), BHD_LIMIT_TOO_LOW);
    bad.max_memory_bytes = 4194305;
    assert_int_equal(bhd_limits_check(&bad, NULL, NULL), BHD_LIMIT_TOO_HIGH);
    bad = good;
    bad.max_table_elements = UINT64_MAX;
    assert_int_equal(bhd_limits_check(&bad, NULL, NULL), BHD_LIMIT_INVALID);
    bad = good;
    bad.timeout_seconds = 0;
    assert_int_equal(bhd_limits_check(&bad, NULL, NULL), BHD_LIMIT_INVALID);
    bad = good;
    bad.on_exceed = (bhd_on_exceed)-1;
    assert_int_equal(bhd_limits_check(&bad, NULL, NULL), BHD_LIMIT_INVALID);
    bhd_policy policy = {65536, 65536};
    assert_int_equal(bhd_limits_check(&good, &policy, NULL), BHD_LIMIT_TOO_HIGH);
    policy.min_memory_bytes = 65537;
    assert_int_equal(bhd_limits_check(&good, &policy, NULL), BHD_POLICY_INVALID);
}

static void test_policies(void **state)
{
    (void)state;
    static const struct {
        bhd_policy policy;
        const char *message;
    } cases[] = {
        {{65535, 4194304},
         "policy: a minimum of 65535 bytes is below the widest possible range of "
         "65536 to 4294967296 bytes (64 KiB to 4096 MiB)"},
        {{0, 0},
         "policy: a minimum of 0 bytes is below the widest possible range of 65536 to "
         "4294967296 bytes (64 KiB to 4096 MiB)"},
        {{65536, UINT64_C(4294967297)},
         "policy: a maximum of 4294967297 bytes is above the widest possible range of 65536 to "
         "4294967296 bytes (64 KiB to 4096 MiB)"},
        {{2097152, 1048576},
         "policy: the minimum of 2097152 bytes is above the maximum of 1048576 "
         "bytes"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bhd_error error = BHD_ERROR_INIT;
        assert_int_equal(bhd_policy_check(&cases[i].policy, &error), BHD_POLICY_INVALID);
        assert_string_equal(error.message, cases[i].message);
        bhd_error_fini(&error);
        bhd_limits_builder builder = builder_of(1048576);
        check_build_fails(&builder, &cases[i].policy, BHD_POLICY_INVALID, cases[i].message);
    }
    bhd_policy widest = {BHD_POLICY_MIN_BYTES, BHD_POLICY_MAX_BYTES}, usual = BHD_POLICY_INIT;
    assert_int_equal(bhd_policy_check(&widest, NULL), BHD_OK);
    assert_int_equal(bhd_policy_check(&usual, NULL), BHD_OK);
}

static void test_null_arguments(void **state)
{
    (void)state;
    bhd_limits limits = limits_of(1048576);
    bhd_limits_builder builder = builder_of(1048576);
    assert_int_equal(bhd_limits_builder_build(NULL, NULL, &limits, NULL), BHD_INVALID_ARGUMENT);
    assert_int_equal(bhd_limits_builder_build(&builder, NULL, NULL, NULL), BHD_INVALID_ARGUMENT);
    assert_int_equal(bhd_limits_check(NULL, NULL, NULL), BHD_INVALID_ARGUMENT);
    assert_int_equal(bhd_policy_check(NULL, NULL), BHD_INVALID_ARGUMENT);
    assert_int_equal(bhd_limits_tighten(NULL, &limits, &limits, NULL), BHD_INVALID_ARGUMENT);
    assert_int_equal(bhd_limits_tighten(&limits, NULL, &limits, NULL), BHD_INVALID_ARGUMENT);
    assert_int_equal(bhd_limits_tighten(&limits, &limits, NULL, NULL), BHD_INVALID_ARGUMENT);
}

/* A component that declares everything. */
static const bhd_limits declared = {2097152, 1000, 5000, 10.5, BHD_ON_EXCEED_TRAP};

static void test_tightening_every_limit(void **state)
{
    (void)state;
    bhd_limits wanted = {1048576, 999, 4999, 10, BHD_ON_EXCEED_TRAP}, limits;
    assert_int_equal(bhd_limits_tighten(&declared, &wanted, &limits, NULL), BHD_OK);
    assert_true(bhd_limits_equal(&limits, &wanted));
}

static void test_tightening_with_the_same_changes_nothing(void **state)
{
    (void)state;
    bhd_limits limits;
    assert_int_equal(bhd_limits_tighten(&declared, &declared, &limits, NULL), BHD_OK);
    assert_true(bhd_limits_equal(&limits, &declared));
}

static void test_tightening_adds_fuel_and_trap(void **state)
{
    (void)state;
    bhd_limits base = declared, limits;
    base.max_fuel = 0;
    base.on_exceed = BHD_ON_EXCEED_DENY;
    assert_int_equal(bhd_limits_tighten(&base, &declared, &limits, NULL), BHD_OK);
    assert_int_equal(limits.max_fuel, 5000);
    assert_int_equal(limits.on_exceed, BHD_ON_EXCEED_TRAP);
}

static void check_loosened(bhd_limits wanted, const char *message)
{
    bhd_limits untouched = {1, 2, 3, 4.0, BHD_ON_EXCEED_DENY}, limits = untouched;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd_limits_tighten(&declared, &wanted, &limits, &error), BHD_LIMIT_LOOSENED);
    assert_string_equal(error.message, message);
    assert_true(bhd_limits_equal(&limits, &untouched));
    bhd_error_fini(&error);
}

static void test_loosening_anything_is_refused_with_both_values(void **state)
{
    (void)state;
    bhd_limits wanted = declared;
    wanted.max_memory_bytes++;
    check_loosened(wanted, "max_memory_bytes: 2097153 bytes is more than the declared 2097152 "
                           "bytes; a limit may be tightened, not loosened");
    wanted = declared;
    wanted.max_table_elements = 1001;
    check_loosened(wanted, "max_table_elements: 1001 elements is more than the declared 1000 "
                           "elements; a limit may be tightened, not loosened");
    wanted = declared;
    wanted.max_fuel = 5001;
    check_loosened(wanted, "max_fuel: 5001 is more than the declared 5000; a limit may be "
                           "tightened, not loosened");
    wanted = declared;
    wanted.max_fuel = 0;
    check_loosened(wanted, "max_fuel: fuel that is not metered is more than the declared 5000; a "
                           "limit may be tightened, not loosened");
    wanted = declared;
    wanted.timeout_seconds = 10.75;
    check_loosened(wanted, "timeout_seconds: 10.75 seconds is more than the declared 10.5 seconds; "
                           "a limit may be tightened, not loosened");
    wanted.timeout_seconds = (double)NAN;
    check_loosened(wanted, "timeout_seconds: nan seconds is more than the declared 10.5 seconds; "
                           "a limit may be tightened, not loosened");
    wanted = declared;
    wanted.on_exceed = BHD_ON_EXCEED_DENY;
    check_loosened(wanted, "on_exceed: deny allows more than the declared trap; a limit may be "
                           "tightened, not loosened");
}

static void test_tightened_limits_may_replace_their_own_base(void **state)
{
    (void)state;
    bhd_limits limits = declared, wanted = declared;
    wanted.max_memory_bytes = 1048576;
    assert_int_equal(bhd_limits_tighten(&limits, &wanted, &limits, NULL), BHD_OK);
    assert_true(bhd_limits_equal(&limits, &wanted));
}

static void test_equal_sees_every_field(void **state)
{
    (void)state;
    bhd_limits other = declared;
    assert_true(bhd_limits_equal(&declared, &other));
    other.max_memory_bytes--;
    assert_false(bhd_limits_equal(&declared, &other));
    other = declared;
    other.max_table_elements--;
    assert_false(bhd_limits_equal(&declared, &other));
    other = declared;
    other.max_fuel--;
    assert_false(bhd_limits_equal(&declared, &other));
    other = declared;
    other.timeout_seconds = 10.25;
    assert_false(bhd_limits_equal(&declared, &other));
    other = declared;
    other.on_exceed = BHD_ON_EXCEED_DENY;
    assert_false(bhd_limits_equal(&declared, &other));
}

static void test_on_exceed_has_texts(void **state)
{
    (void)state;
    assert_string_equal(bhd_on_exceed_text(BHD_ON_EXCEED_DENY), "deny");
    assert_string_equal(bhd_on_exceed_text(BHD_ON_EXCEED_TRAP), "trap");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_memory_given_has_the_defaults),
        cmocka_unit_test(test_everything_given_is_everything_there),
        cmocka_unit_test(test_the_last_value_set_counts),
        cmocka_unit_test(test_memory_limit_is_mandatory),
        cmocka_unit_test(test_both_ends_of_the_range_are_allowed),
        cmocka_unit_test(test_below_the_range),
        cmocka_unit_test(test_above_the_range),
        cmocka_unit_test(test_outside_the_range_has_value_and_range_as_numbers),
        cmocka_unit_test(test_a_hosts_own_range_replaces_the_default),
        cmocka_unit_test(test_timeouts_outside_the_range),
        cmocka_unit_test(test_timeouts_that_are_no_numbers),
        cmocka_unit_test(test_timeouts_at_both_ends),
        cmocka_unit_test(test_fuel_of_zero_is_refused_by_the_builder_only),
        cmocka_unit_test(test_too_many_table_elements),
        cmocka_unit_test(test_unknown_on_exceed),
        cmocka_unit_test(test_check_applies_the_builders_rules),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_null_arguments),
        cmocka_unit_test(test_tightening_every_limit),
        cmocka_unit_test(test_tightening_with_the_same_changes_nothing),
        cmocka_unit_test(test_tightening_adds_fuel_and_trap),
        cmocka_unit_test(test_loosening_anything_is_refused_with_both_values),
        cmocka_unit_test(test_tightened_limits_may_replace_their_own_base),
        cmocka_unit_test(test_equal_sees_every_field),
        cmocka_unit_test(test_on_exceed_has_texts),
    };
    return cmocka_run_group_tests_name("limits builder", tests, NULL, NULL);
}
