/*
 * Suite 1: a component stays inside its memory limit, can use all of it, and is counted exactly.
 * Each property is shown on a guest in a sandbox and on the bare limiter.
 */
#include "support/real_guest.h"

/* -- the bare limiter ---------------------------------------------------------------------- */

static bhd_limiter *bare(uint64_t max_bytes)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_limits limits = guest_limits(max_bytes);
    bhd_limiter *limiter;
    expect_ok(bhd_limiter_new(&limits, NULL, &limiter, &error), &error);
    return limiter;
}

#define expect_bare(limiter, current, peak, growths, denials)                                      \
    do {                                                                                           \
        bhd_memory_metrics bare_metrics_;                                                          \
        bhd_limiter_metrics((limiter), &bare_metrics_);                                            \
        guest_expect_metrics(&bare_metrics_, (current), (peak), (growths), (denials), __FILE__,    \
                             __LINE__);                                                            \
    } while (0)

static void bare_limiter_respects_its_limit(void **state)
{
    (void)state;
    bhd_limiter *limiter = bare(MIB(1));
    assert_int_equal(BHD_GROWTH_ALLOW,
                     bhd_limiter_memory_growing(limiter, 0, KIB(768), UINT64_MAX));
    assert_int_equal(BHD_GROWTH_DENY,
                     bhd_limiter_memory_growing(limiter, KIB(768), MIB(1) + 1, UINT64_MAX));
    expect_bare(limiter, KIB(768), KIB(768), 1, 1);
    assert_int_equal(BHD_GROWTH_ALLOW,
                     bhd_limiter_memory_growing(limiter, KIB(768), MIB(1), UINT64_MAX));
    expect_bare(limiter, MIB(1), MIB(1), 2, 1);
    bhd_limiter_free(limiter);
}

static void bare_limiter_works_at_both_ends_of_the_default_range(void **state)
{
    (void)state;
    const uint64_t limits[] = {BHD_MIN_MEMORY_BYTES, BHD_MAX_MEMORY_BYTES};
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        bhd_limiter *limiter = bare(limits[i]);
        assert_int_equal(BHD_GROWTH_ALLOW,
                         bhd_limiter_memory_growing(limiter, 0, limits[i], UINT64_MAX));
        assert_int_equal(BHD_GROWTH_DENY,
                         bhd_limiter_memory_growing(limiter, limits[i], limits[i] + 1, UINT64_MAX));
        expect_bare(limiter, limits[i], limits[i], 1, 1);
        bhd_limiter_free(limiter);
    }
}

static void bare_limiter_counts_gradual_growth(void **state)
{
    (void)state;
    bhd_limiter *limiter = bare(MIB(1));
    for (uint64_t kib = 1; kib <= 1024; kib++) {
        assert_int_equal(BHD_GROWTH_ALLOW,
                         bhd_limiter_memory_growing(limiter, KIB(kib - 1), KIB(kib), UINT64_MAX));
        expect_bare(limiter, KIB(kib), KIB(kib), kib, 0);
    }
    bhd_limiter_memory_released(limiter, KIB(1000));
    expect_bare(limiter, KIB(24), MIB(1), 1024, 0);
    bhd_limiter_free(limiter);
}

/* -- guests -------------------------------------------------------------------------------- */

static void guest_cannot_exceed_its_limit(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);

    assert_int_equal(1, guest_i32(g.sandbox, "grow", 11));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow", 5));
    expect_metrics(g.sandbox, PAGES(12), PAGES(12), 2, 1);
    assert_int_equal(12, guest_i32(g.sandbox, "grow", 4));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow", 1));
    assert_int_equal(16, guest_i32(g.sandbox, "size"));
    expect_metrics(g.sandbox, MIB(1), MIB(1), 3, 2);

    /* A refusal ends nothing: all of the memory works afterwards, and nothing behind it. */
    guest_void(g.sandbox, "fill", 0, (int)MIB(1), 0x5a);
    assert_true(guest_i64(g.sandbox, "sum", 0, (int)MIB(1)) == (int64_t)MIB(1) * 0x5a);
    guest_ends(g.sandbox, BHD_TRAP, NULL, "peek", (int)MIB(1));
    expect_metrics(g.sandbox, MIB(1), MIB(1), 3, 2);

    guest_end(&g);
}

/* With the host's default policy, at one of its ends. */
static void check_end_of_range(uint64_t bytes, uint64_t outside, bhd_status refusal)
{
    bhd_host *host = guest_host_with(NULL);
    bhd_limits limits = guest_limits(bytes);
    int32_t pages = (int32_t)(bytes / PAGE);
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    bhd_sandbox *sandbox = guest_sandbox(component);
    assert_int_equal(1, guest_i32(sandbox, "grow", pages - 1));
    expect_metrics(sandbox, bytes, bytes, 2, 0);
    assert_true(guest_metrics(sandbox).max_bytes == bytes);
    for (int32_t page = 0; page < pages; page++) {
        guest_void(sandbox, "touch", page * (int32_t)PAGE, 1);
        guest_void(sandbox, "touch", (page + 1) * (int32_t)PAGE - 1, 2);
    }
    assert_true(guest_i64(sandbox, "sum", 0, (int32_t)bytes) == 3 * (int64_t)pages);
    assert_int_equal(-1, guest_i32(sandbox, "grow", 1));
    expect_metrics(sandbox, bytes, bytes, 2, 1);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);

    bhd_error error = BHD_ERROR_INIT;
    bhd_limits wrong = guest_limits(outside);
    bhd_component *none = NULL;
    expect_status(refusal, guest_try_component(host, "basic/grow.wat", &wrong, &none, &error),
                  &error);
    assert_null(none);
    assert_true(error.has_range);
    assert_true(error.value == outside);
    assert_true(error.range_minimum == BHD_MIN_MEMORY_BYTES);
    assert_true(error.range_maximum == BHD_MAX_MEMORY_BYTES);
    bhd_error_fini(&error);
    bhd_host_free(host);
}

static void guest_can_use_the_maximum_of_4_mib_to_the_last_byte(void **state)
{
    (void)state;
    check_end_of_range(BHD_MAX_MEMORY_BYTES, BHD_MAX_MEMORY_BYTES + 1, BHD_LIMIT_TOO_HIGH);
}

static void guest_can_use_the_minimum_of_512_kib_to_the_last_byte(void **state)
{
    (void)state;
    check_end_of_range(BHD_MIN_MEMORY_BYTES, BHD_MIN_MEMORY_BYTES - 1, BHD_LIMIT_TOO_LOW);
}

static void guest_grows_page_by_page_up_to_the_limit(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(BHD_MAX_MEMORY_BYTES);
    guest g = guest_begin("basic/grow.wat", &limits);
    for (int32_t pages = 1; pages < 64; pages++) {
        expect_metrics(g.sandbox, PAGES(pages), PAGES(pages), (uint64_t)pages, 0);
        assert_int_equal(pages, guest_i32(g.sandbox, "grow", 1));
        guest_void(g.sandbox, "touch", (pages + 1) * (int32_t)PAGE - 1, pages);
    }
    for (uint64_t refusals = 1; refusals <= 10; refusals++) {
        assert_int_equal(-1, guest_i32(g.sandbox, "grow", 1));
        expect_metrics(g.sandbox, MIB(4), MIB(4), 64, refusals);
    }
    /* What was written on the way is still there. */
    for (int32_t pages = 1; pages < 64; pages++)
        assert_int_equal(pages, guest_i32(g.sandbox, "peek", (pages + 1) * (int32_t)PAGE - 1));
    guest_end(&g);
}

static void guest_that_grows_inside_one_call_gets_the_same_limit(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(2));
    guest g = guest_begin("basic/grow.wat", &limits);
    /* 31 pages are left: 10 growths of 3 pages, and the 11th is refused. */
    assert_int_equal(10, guest_i32(g.sandbox, "grow_until", 3, 1000));
    expect_metrics(g.sandbox, PAGES(31), PAGES(31), 11, 1);
    assert_int_equal(1, guest_i32(g.sandbox, "grow_until", 1, 1000));
    expect_metrics(g.sandbox, PAGES(32), PAGES(32), 12, 2);
    guest_end(&g);
}

static void usage_is_tracked_exactly_after_every_step(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1)); /* 16 pages */
    guest g = guest_begin("basic/grow.wat", &limits);
    static const struct {
        int32_t pages;
        int32_t result;
        uint64_t in_use, growths, denials;
        double percent;
        bool above;
    } steps[] = {
        {0, 1, 1, 1, 0, 6.25, false},     /* no growth at all */
        {3, 1, 4, 2, 0, 25.0, false},     /* a part of it */
        {13, -1, 4, 2, 1, 25.0, false},   /* one page too many */
        {4, 4, 8, 3, 1, 50.0, false},     /* half */
        {6, 8, 14, 4, 1, 87.5, false},    /* just below the warning threshold of 90 % */
        {1, 14, 15, 5, 1, 93.75, true},   /* above it */
        {2, -1, 15, 5, 2, 93.75, true},   /* one page too many */
        {1, 15, 16, 6, 2, 100.0, true},   /* exactly the limit */
        {0, 16, 16, 6, 2, 100.0, true},   /* no growth at all, when full */
        {1, -1, 16, 6, 3, 100.0, true},   /* full */
        {100, -1, 16, 6, 4, 100.0, true}, /* far too much */
    };
    uint64_t earlier = 0;
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        assert_int_equal(steps[i].result, guest_i32(g.sandbox, "grow", steps[i].pages));
        bhd_memory_metrics m = guest_metrics(g.sandbox);
        guest_expect_metrics(&m, PAGES(steps[i].in_use), PAGES(steps[i].in_use), steps[i].growths,
                             steps[i].denials, __FILE__, __LINE__);
        assert_true(m.max_bytes == MIB(1));
        assert_true(m.remaining_bytes == PAGES(16 - steps[i].in_use));
        assert_true(m.usage_percent == steps[i].percent);
        assert_true(m.peak_percent == steps[i].percent);
        assert_int_equal(steps[i].above, m.above_threshold);
        assert_true(m.timestamp_ns >= earlier);
        earlier = m.timestamp_ns;
    }
    guest_end(&g);
}

static void initial_memory_counts_and_is_a_growth(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(PAGES(17)); /* exactly what it starts with */
    guest g = guest_begin("basic/big_initial.wat", &limits);
    expect_metrics(g.sandbox, PAGES(17), PAGES(17), 1, 0);
    assert_true(guest_metrics(g.sandbox).remaining_bytes == 0);
    assert_int_equal(-1, guest_i32(g.sandbox, "grow", 1));
    expect_metrics(g.sandbox, PAGES(17), PAGES(17), 1, 1);
    guest_end(&g);
}

static void component_without_memory_uses_nothing(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/add.wat", &limits);
    assert_int_equal(5, guest_i32(g.sandbox, "add", 2, 3));
    expect_metrics(g.sandbox, 0, 0, 0, 0);
    guest_end(&g);
}

static void component_of_the_component_model_has_one_limit_for_all_its_memories(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("component/two_memories.wat", &limits);
    expect_metrics(g.sandbox, PAGES(8), PAGES(8), 2, 0);
    assert_int_equal(0, guest_run(g.sandbox));
    expect_metrics(g.sandbox, PAGES(16), PAGES(16), 10, 1);
    guest_end(&g);
}

/* malloc in a C guest gives NULL at the limit, and the guest carries on. */
static void check_malloc(const char *source)
{
    bhd_limits limits = guest_limits(MIB(1));
    guest_output output;
    const char *const argv[] = {"churn", "2048", "5"};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = COUNT_OF(argv);
    options.standard_output = guest_stream_to(&output);
    guest g = guest_begin_with(NULL, source, &limits, &options);
    assert_int_equal(0, guest_run(g.sandbox));
    assert_string_equal("2048 KiB: 0 rounds succeeded, 5 failed\n", output.text);
    bhd_memory_metrics m = guest_metrics(g.sandbox);
    assert_true(m.denied_count >= 5);
    assert_true(m.peak_bytes <= MIB(1));
    guest_end(&g);
}

static void malloc_of_a_c_guest_fails_at_the_limit(void **state)
{
    (void)state;
    check_malloc("wasi/churn.core.wasm");
    check_malloc("wasi/churn.wasm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_limiter_respects_its_limit),
        cmocka_unit_test(bare_limiter_works_at_both_ends_of_the_default_range),
        cmocka_unit_test(bare_limiter_counts_gradual_growth),
        cmocka_unit_test(guest_cannot_exceed_its_limit),
        cmocka_unit_test(guest_can_use_the_maximum_of_4_mib_to_the_last_byte),
        cmocka_unit_test(guest_can_use_the_minimum_of_512_kib_to_the_last_byte),
        cmocka_unit_test(guest_grows_page_by_page_up_to_the_limit),
        cmocka_unit_test(guest_that_grows_inside_one_call_gets_the_same_limit),
        cmocka_unit_test(usage_is_tracked_exactly_after_every_step),
        cmocka_unit_test(initial_memory_counts_and_is_a_growth),
        cmocka_unit_test(component_without_memory_uses_nothing),
        cmocka_unit_test(component_of_the_component_model_has_one_limit_for_all_its_memories),
        cmocka_unit_test(malloc_of_a_c_guest_fails_at_the_limit),
    };
    return cmocka_run_group_tests_name("suite 1: limits", tests, NULL, NULL);
}
