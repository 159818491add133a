/*
 * The limiter, asked by one thread: limits, counting, failures, callbacks, snapshots.
 */
#include "unit_test.h"

#include "base/alloc.h"
#include "bulkhead/limiter.h"

#include <math.h>
#include <stdio.h>

#define PAGE UINT64_C(65536)
#define LIMIT (UINT64_C(16) * PAGE) /* 1 MiB */
#define NO_MAXIMUM UINT64_MAX

static const bhd_limits deny_limits = {LIMIT, 100, 0, 30.0, BHD_ON_EXCEED_DENY};
static const bhd_limits trap_limits = {LIMIT, 100, 0, 30.0, BHD_ON_EXCEED_TRAP};

static bhd_limiter *limiter_of(const bhd_limits *limits, const bhd_limiter_options *options)
{
    bhd_limiter *limiter = NULL;
    assert_int_equal(bhd_limiter_new(limits, options, &limiter, NULL), BHD_OK);
    assert_non_null(limiter);
    return limiter;
}

static bhd_memory_metrics metrics_of(const bhd_limiter *limiter)
{
    bhd_memory_metrics metrics;
    bhd_limiter_metrics(limiter, &metrics);
    assert_true(metrics.current_bytes <= metrics.peak_bytes);
    assert_true(metrics.peak_bytes <= metrics.max_bytes);
    assert_true(metrics.remaining_bytes == metrics.max_bytes - metrics.current_bytes);
    return metrics;
}

static void assert_counts(const bhd_limiter *limiter, uint64_t current, uint64_t peak,
                          uint64_t growths, uint64_t denied)
{
    bhd_memory_metrics metrics = metrics_of(limiter);
    assert_int_equal(metrics.current_bytes, current);
    assert_int_equal(metrics.peak_bytes, peak);
    assert_int_equal(metrics.growth_count, growths);
    assert_int_equal(metrics.denied_count, denied);
}

static bhd_growth grow(bhd_limiter *limiter, uint64_t current, uint64_t desired)
{
    return bhd_limiter_memory_growing(limiter, current, desired, NO_MAXIMUM);
}

static void test_a_new_limiter_has_nothing_in_use(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    bhd_memory_metrics metrics = metrics_of(limiter);
    assert_counts(limiter, 0, 0, 0, 0);
    assert_int_equal(metrics.max_bytes, LIMIT);
    assert_int_equal(metrics.remaining_bytes, LIMIT);
    assert_int_equal(metrics.table_elements, 0);
    assert_false(metrics.above_threshold);
    assert_true(metrics.usage_percent == 0.0);
    assert_true(bhd_limits_equal(bhd_limiter_limits(limiter), &deny_limits));
    bhd_limiter_free(limiter);
}

static void test_exactly_the_limit_fits_and_one_byte_more_does_not(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(grow(limiter, 0, LIMIT + 1), BHD_GROWTH_DENY);
    assert_counts(limiter, 0, 0, 0, 1);
    assert_int_equal(grow(limiter, 0, LIMIT), BHD_GROWTH_ALLOW);
    assert_counts(limiter, LIMIT, LIMIT, 1, 1);
    assert_int_equal(grow(limiter, LIMIT, LIMIT + 1), BHD_GROWTH_DENY);
    assert_counts(limiter, LIMIT, LIMIT, 1, 2);
    assert_true(metrics_of(limiter).usage_percent == 100.0);
    assert_int_equal(metrics_of(limiter).remaining_bytes, 0);
    bhd_limiter_free(limiter);
}

static void test_the_limit_is_on_the_sum_of_all_memories(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    for (uint64_t memory = 0; memory < 16; memory++)
        assert_int_equal(grow(limiter, 0, PAGE), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(limiter, 0, PAGE), BHD_GROWTH_DENY);
    assert_int_equal(grow(limiter, PAGE, 2 * PAGE), BHD_GROWTH_DENY);
    assert_counts(limiter, LIMIT, LIMIT, 16, 2);
    bhd_limiter_free(limiter);
}

static void test_gradual_growth_is_counted_step_by_step(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    for (uint64_t page = 0; page < 16; page++) {
        assert_int_equal(grow(limiter, page * PAGE, (page + 1) * PAGE), BHD_GROWTH_ALLOW);
        assert_counts(limiter, (page + 1) * PAGE, (page + 1) * PAGE, page + 1, 0);
        assert_true(metrics_of(limiter).usage_percent == 6.25 * (double)(page + 1));
    }
    bhd_limiter_free(limiter);
}

static void test_a_refused_growth_changes_only_the_refusals(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(grow(limiter, 0, 5 * PAGE), BHD_GROWTH_ALLOW);
    for (uint64_t i = 1; i <= 10; i++) {
        assert_int_equal(grow(limiter, 5 * PAGE, LIMIT + PAGE), BHD_GROWTH_DENY);
        assert_counts(limiter, 5 * PAGE, 5 * PAGE, 1, i);
    }
    assert_int_equal(grow(limiter, 5 * PAGE, LIMIT), BHD_GROWTH_ALLOW);
    bhd_limiter_free(limiter);
}

static void test_no_growth_at_all_is_allowed_and_not_counted(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&trap_limits, NULL);
    assert_int_equal(grow(limiter, 0, 0), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(limiter, 0, LIMIT), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(limiter, LIMIT, LIMIT), BHD_GROWTH_ALLOW);
    assert_counts(limiter, LIMIT, LIMIT, 1, 0);
    bhd_limiter_free(limiter);
}

static void test_shrinking_is_refused(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(grow(limiter, 0, 2 * PAGE), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(limiter, 2 * PAGE, PAGE), BHD_GROWTH_DENY);
    assert_counts(limiter, 2 * PAGE, 2 * PAGE, 1, 1);
    bhd_limiter_free(limiter);
}

static void test_beyond_the_guests_own_maximum_is_not_counted_and_no_trap(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&trap_limits, NULL);
    assert_int_equal(bhd_limiter_memory_growing(limiter, 0, 3 * PAGE, 2 * PAGE), BHD_GROWTH_DENY);
    assert_int_equal(bhd_limiter_memory_growing(limiter, 0, 100 * LIMIT, PAGE), BHD_GROWTH_DENY);
    assert_counts(limiter, 0, 0, 0, 0);
    assert_int_equal(bhd_limiter_memory_growing(limiter, 0, 2 * PAGE, 2 * PAGE), BHD_GROWTH_ALLOW);
    bhd_limiter_free(limiter);
}

static void test_on_exceed_trap_answers_trap(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&trap_limits, NULL);
    assert_int_equal(grow(limiter, 0, LIMIT + 1), BHD_GROWTH_TRAP);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 101, NO_MAXIMUM), BHD_GROWTH_TRAP);
    assert_counts(limiter, 0, 0, 0, 2);
    bhd_limiter_free(limiter);
}

static void test_numbers_that_would_wrap_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t current, desired;
    } attempts[] = {
        {0, UINT64_MAX},     {0, UINT64_MAX - PAGE + 1},     {1, UINT64_MAX}, {PAGE, UINT64_MAX},
        {UINT64_MAX - 1, 0}, {0, UINT64_MAX - 2 * PAGE + 1}, /* in use plus this is 1 */
    };
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(grow(limiter, 0, 2 * PAGE), BHD_GROWTH_ALLOW);
    for (size_t i = 0; i < COUNT_OF(attempts); i++) {
        assert_int_equal(grow(limiter, attempts[i].current, attempts[i].desired), BHD_GROWTH_DENY);
        assert_int_equal(bhd_limiter_table_growing(limiter, attempts[i].current,
                                                   attempts[i].desired, NO_MAXIMUM),
                         BHD_GROWTH_DENY);
    }
    assert_counts(limiter, 2 * PAGE, 2 * PAGE, 1, 2 * COUNT_OF(attempts));
    assert_int_equal(metrics_of(limiter).table_elements, 0);
    bhd_limiter_free(limiter);
}

static void test_the_largest_limit_there_is(void **state)
{
    (void)state;
    bhd_limits limits = deny_limits;
    limits.max_memory_bytes = UINT64_MAX;
    bhd_limiter *limiter = limiter_of(&limits, NULL);
    assert_int_equal(grow(limiter, 0, UINT64_MAX), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(limiter, 0, 1), BHD_GROWTH_DENY);
    bhd_memory_metrics metrics = metrics_of(limiter);
    assert_true(metrics.above_threshold);
    assert_true(metrics.current_bytes == UINT64_MAX);
    assert_true(metrics.usage_percent == 100.0);
    bhd_limiter_free(limiter);
}

static void test_a_failed_growth_takes_everything_back(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(grow(limiter, 0, 4 * PAGE), BHD_GROWTH_ALLOW);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(grow(limiter, 4 * PAGE, 16 * PAGE), BHD_GROWTH_ALLOW);
        assert_counts(limiter, 16 * PAGE, 16 * PAGE, 2, 0);
        bhd_limiter_memory_grow_failed(limiter, 4 * PAGE, 16 * PAGE);
        assert_counts(limiter, 4 * PAGE, 4 * PAGE, 1, 0);
    }
    bhd_limiter_free(limiter);
}

static void test_a_failed_growth_leaves_an_older_peak(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(grow(limiter, 0, 10 * PAGE), BHD_GROWTH_ALLOW);
    bhd_limiter_memory_released(limiter, 10 * PAGE);
    assert_int_equal(grow(limiter, 0, 10 * PAGE), BHD_GROWTH_ALLOW);
    bhd_limiter_memory_grow_failed(limiter, 0, 10 * PAGE);
    assert_counts(limiter, 0, 10 * PAGE, 1, 0);
    assert_int_equal(grow(limiter, 0, 12 * PAGE), BHD_GROWTH_ALLOW);
    bhd_limiter_memory_grow_failed(limiter, 0, 12 * PAGE);
    assert_counts(limiter, 0, 10 * PAGE, 1, 0);
    bhd_limiter_free(limiter);
}

static void test_a_failed_growth_leaves_the_peak_of_a_later_one(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(grow(limiter, 0, 4 * PAGE), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(limiter, 0, 2 * PAGE), BHD_GROWTH_ALLOW);
    bhd_limiter_memory_grow_failed(limiter, 0, 4 * PAGE);
    /* 4 pages stood when the second came, and only the second is left. */
    assert_counts(limiter, 2 * PAGE, 4 * PAGE, 1, 0);
    bhd_limiter_free(limiter);
}

static void test_a_failure_of_what_was_not_charged_changes_nothing(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(grow(limiter, 0, PAGE), BHD_GROWTH_ALLOW);
    bhd_limiter_memory_grow_failed(limiter, PAGE, PAGE);
    bhd_limiter_memory_grow_failed(limiter, 2 * PAGE, PAGE);
    bhd_limiter_table_grow_failed(limiter, 5, 5);
    bhd_limiter_table_grow_failed(limiter, 5, 4);
    assert_counts(limiter, PAGE, PAGE, 1, 0);
    bhd_limiter_free(limiter);
}

static void test_released_memory_can_be_had_again(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    for (uint64_t i = 1; i <= 1000; i++) {
        assert_int_equal(grow(limiter, 0, LIMIT), BHD_GROWTH_ALLOW);
        assert_int_equal(grow(limiter, 0, 1), BHD_GROWTH_DENY);
        bhd_limiter_memory_released(limiter, LIMIT);
        assert_counts(limiter, 0, LIMIT, i, i);
    }
    bhd_limiter_free(limiter);
}

static void test_giving_back_too_much_stops_at_nothing(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(grow(limiter, 0, PAGE), BHD_GROWTH_ALLOW);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 10, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    bhd_limiter_memory_released(limiter, UINT64_MAX);
    bhd_limiter_memory_grow_failed(limiter, 0, UINT64_MAX);
    bhd_limiter_memory_grow_failed(limiter, 0, UINT64_MAX);
    bhd_limiter_table_released(limiter, 11);
    bhd_limiter_table_grow_failed(limiter, 0, UINT64_MAX);
    assert_counts(limiter, 0, PAGE, 0, 0);
    assert_int_equal(metrics_of(limiter).table_elements, 0);
    assert_int_equal(grow(limiter, 0, LIMIT + 1), BHD_GROWTH_DENY);
    bhd_limiter_free(limiter);
}

static void test_tables_have_a_limit_of_their_own(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 60, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 41, NO_MAXIMUM), BHD_GROWTH_DENY);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 40, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    assert_int_equal(bhd_limiter_table_growing(limiter, 40, 41, NO_MAXIMUM), BHD_GROWTH_DENY);
    assert_int_equal(metrics_of(limiter).table_elements, 100);
    /* Elements are no bytes and their growths are no growths of memory. */
    assert_counts(limiter, 0, 0, 0, 2);
    bhd_limiter_table_released(limiter, 60);
    assert_int_equal(metrics_of(limiter).table_elements, 40);
    assert_int_equal(bhd_limiter_table_growing(limiter, 40, 100, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    bhd_limiter_table_grow_failed(limiter, 40, 100);
    assert_int_equal(metrics_of(limiter).table_elements, 40);
    assert_counts(limiter, 0, 0, 0, 2);
    bhd_limiter_free(limiter);
}

static void test_a_full_table_leaves_memory_free_and_the_other_way_round(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 100, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(limiter, 0, LIMIT), BHD_GROWTH_ALLOW);
    bhd_limiter_table_released(limiter, 100);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 100, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    bhd_limiter_free(limiter);
}

static void test_no_table_elements_at_all(void **state)
{
    (void)state;
    bhd_limits limits = deny_limits;
    limits.max_table_elements = 0;
    bhd_limiter *limiter = limiter_of(&limits, NULL);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 0, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 1, NO_MAXIMUM), BHD_GROWTH_DENY);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 2, 1), BHD_GROWTH_DENY);
    assert_counts(limiter, 0, 0, 0, 1);
    bhd_limiter_free(limiter);
}

static void test_reset_makes_it_as_new(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    assert_int_equal(grow(limiter, 0, LIMIT), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(limiter, 0, 1), BHD_GROWTH_DENY);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 100, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    bhd_limiter_reset(limiter);
    assert_counts(limiter, 0, 0, 0, 0);
    assert_int_equal(metrics_of(limiter).table_elements, 0);
    assert_false(metrics_of(limiter).above_threshold);
    assert_int_equal(grow(limiter, 0, LIMIT), BHD_GROWTH_ALLOW);
    assert_int_equal(bhd_limiter_table_growing(limiter, 0, 100, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    bhd_limiter_free(limiter);
}

static void test_a_snapshot_has_its_time_in_both_forms(void **state)
{
    (void)state;
    bhd_limiter *limiter = limiter_of(&deny_limits, NULL);
    bhd_memory_metrics first = metrics_of(limiter), second = metrics_of(limiter);
    assert_true(first.timestamp_ns > UINT64_C(1600000000000000000));
    assert_true(second.timestamp_ns + UINT64_C(60000000000) > first.timestamp_ns);
    char nanoseconds[16];
    snprintf(nanoseconds, sizeof nanoseconds, ".%09uZ",
             (unsigned)(first.timestamp_ns % 1000000000));
    assert_int_equal(strlen(first.timestamp), BHD_TIMESTAMP_SIZE - 1);
    assert_string_equal(first.timestamp + 19, nanoseconds);
    bhd_limiter_free(limiter);
}

/* What the embedder's callbacks saw and answer. */
typedef struct embedder {
    bhd_limiter *limiter;
    bool answer;
    int asked, warned;
    bhd_growth_request request;
    bhd_memory_metrics at_question, at_warning;
} embedder;

static bool on_growing(void *user_data, const bhd_growth_request *request)
{
    embedder *seen = user_data;
    seen->asked++;
    seen->request = *request;
    bhd_limiter_metrics(seen->limiter, &seen->at_question);
    return seen->answer;
}

static void on_threshold(void *user_data, const bhd_memory_metrics *metrics)
{
    embedder *seen = user_data;
    seen->warned++;
    seen->at_warning = *metrics;
}

/* `seen` stays where it is: the limiter calls it. */
static void attach(embedder *seen, const bhd_limits *limits, double warning_percent)
{
    bhd_limiter_options options = {sizeof options, warning_percent, on_growing, on_threshold, seen};
    *seen = (embedder){.answer = true};
    seen->limiter = limiter_of(limits, &options);
}

static void test_the_embedder_is_asked_before_anything_is_charged(void **state)
{
    (void)state;
    embedder seen;
    attach(&seen, &deny_limits, 0);
    assert_int_equal(grow(seen.limiter, 0, 2 * PAGE), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.request.kind, BHD_MEMORY_INITIAL);
    assert_int_equal(grow(seen.limiter, 2 * PAGE, 5 * PAGE), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.asked, 2);
    assert_int_equal(seen.request.kind, BHD_MEMORY_LINEAR);
    assert_int_equal(seen.request.current, 2 * PAGE);
    assert_int_equal(seen.request.desired, 5 * PAGE);
    assert_int_equal(seen.request.in_use, 2 * PAGE);
    assert_int_equal(seen.request.limit, LIMIT);
    assert_int_equal(seen.at_question.current_bytes, 2 * PAGE);
    assert_int_equal(bhd_limiter_table_growing(seen.limiter, 0, 7, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.request.kind, BHD_MEMORY_TABLE);
    assert_int_equal(seen.request.limit, 100);
    assert_int_equal(seen.request.in_use, 0);
    bhd_limiter_free(seen.limiter);
}

static void test_the_embedder_may_refuse(void **state)
{
    (void)state;
    embedder seen;
    attach(&seen, &deny_limits, 0);
    seen.answer = false;
    assert_int_equal(grow(seen.limiter, 0, PAGE), BHD_GROWTH_DENY);
    assert_int_equal(bhd_limiter_table_growing(seen.limiter, 0, 1, NO_MAXIMUM), BHD_GROWTH_DENY);
    assert_counts(seen.limiter, 0, 0, 0, 2);
    bhd_limiter_free(seen.limiter);

    attach(&seen, &trap_limits, 0);
    seen.answer = false;
    assert_int_equal(grow(seen.limiter, 0, PAGE), BHD_GROWTH_TRAP);
    assert_counts(seen.limiter, 0, 0, 0, 1);
    bhd_limiter_free(seen.limiter);
}

static void test_the_embedder_is_not_asked_about_what_is_refused_or_no_growth(void **state)
{
    (void)state;
    embedder seen;
    attach(&seen, &deny_limits, 0);
    assert_int_equal(grow(seen.limiter, 0, LIMIT + 1), BHD_GROWTH_DENY);
    assert_int_equal(grow(seen.limiter, PAGE, 0), BHD_GROWTH_DENY);
    assert_int_equal(grow(seen.limiter, PAGE, PAGE), BHD_GROWTH_ALLOW);
    assert_int_equal(bhd_limiter_memory_growing(seen.limiter, 0, PAGE, 0), BHD_GROWTH_DENY);
    assert_int_equal(bhd_limiter_table_growing(seen.limiter, 0, 101, NO_MAXIMUM), BHD_GROWTH_DENY);
    assert_int_equal(seen.asked, 0);
    bhd_limiter_free(seen.limiter);
}

static void test_the_warning_comes_at_the_first_byte_of_the_threshold(void **state)
{
    (void)state;
    /* 90 % of 1,048,576 is 943,718.4. */
    embedder seen;
    attach(&seen, &deny_limits, 0);
    assert_int_equal(grow(seen.limiter, 0, 943718), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.warned, 0);
    assert_false(metrics_of(seen.limiter).above_threshold);
    assert_int_equal(grow(seen.limiter, 943718, 943719), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.warned, 1);
    assert_true(metrics_of(seen.limiter).above_threshold);
    assert_true(seen.at_warning.above_threshold);
    assert_int_equal(seen.at_warning.current_bytes, 943719);
    assert_int_equal(seen.at_warning.peak_bytes, 943719);
    assert_int_equal(seen.at_warning.remaining_bytes, LIMIT - 943719);
    assert_int_equal(seen.at_warning.growth_count, 2);
    assert_int_equal(strlen(seen.at_warning.timestamp), BHD_TIMESTAMP_SIZE - 1);
    bhd_limiter_free(seen.limiter);
}

static void test_the_warning_comes_once_until_usage_falls_below(void **state)
{
    (void)state;
    embedder seen;
    attach(&seen, &deny_limits, 50);
    assert_int_equal(grow(seen.limiter, 0, 8 * PAGE), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.warned, 1);
    assert_int_equal(grow(seen.limiter, 8 * PAGE, 10 * PAGE), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(seen.limiter, 10 * PAGE, 17 * PAGE), BHD_GROWTH_DENY);
    assert_int_equal(seen.warned, 1);
    bhd_limiter_memory_released(seen.limiter, 2 * PAGE); /* at the threshold: not below it */
    assert_int_equal(grow(seen.limiter, 0, 1), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.warned, 1);
    bhd_limiter_memory_released(seen.limiter, 2);
    assert_false(metrics_of(seen.limiter).above_threshold);
    assert_int_equal(grow(seen.limiter, 0, 1), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.warned, 2);
    bhd_limiter_free(seen.limiter);
}

static void test_a_failed_growth_and_a_reset_arm_the_warning_again(void **state)
{
    (void)state;
    embedder seen;
    attach(&seen, &deny_limits, 50);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(grow(seen.limiter, 0, LIMIT), BHD_GROWTH_ALLOW);
        assert_int_equal(seen.warned, i);
        bhd_limiter_memory_grow_failed(seen.limiter, 0, LIMIT);
    }
    assert_int_equal(grow(seen.limiter, 0, LIMIT), BHD_GROWTH_ALLOW);
    bhd_limiter_reset(seen.limiter);
    assert_int_equal(grow(seen.limiter, 0, LIMIT), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.warned, 5);
    bhd_limiter_free(seen.limiter);
}

static void test_tables_and_refusals_do_not_warn(void **state)
{
    (void)state;
    embedder seen;
    attach(&seen, &deny_limits, 1);
    assert_int_equal(bhd_limiter_table_growing(seen.limiter, 0, 100, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(seen.limiter, 0, LIMIT + 1), BHD_GROWTH_DENY);
    assert_int_equal(seen.warned, 0);
    bhd_limiter_free(seen.limiter);
}

static void test_thresholds_at_both_ends(void **state)
{
    (void)state;
    embedder seen;
    attach(&seen, &deny_limits, 100);
    assert_int_equal(grow(seen.limiter, 0, LIMIT - 1), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.warned, 0);
    assert_int_equal(grow(seen.limiter, 0, 1), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.warned, 1);
    bhd_limiter_free(seen.limiter);

    /* A threshold below one byte: an empty sandbox is still below it. */
    attach(&seen, &deny_limits, 1e-9);
    assert_false(metrics_of(seen.limiter).above_threshold);
    assert_int_equal(grow(seen.limiter, 0, 1), BHD_GROWTH_ALLOW);
    assert_int_equal(seen.warned, 1);
    bhd_limiter_free(seen.limiter);

    /* The smallest of all, which is no byte even in a double. */
    bhd_limits one_byte = deny_limits;
    one_byte.max_memory_bytes = 1;
    attach(&seen, &one_byte, 4.9e-324);
    assert_false(metrics_of(seen.limiter).above_threshold);
    bhd_limiter_free(seen.limiter);
}

static void check_new_fails(const bhd_limits *limits, double warning_percent, const char *message)
{
    bhd_limiter_options options = BHD_LIMITER_OPTIONS_INIT;
    options.warning_percent = warning_percent;
    bhd_limiter *untouched = (bhd_limiter *)&options, *limiter = untouched;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd_limiter_new(limits, &options, &limiter, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, message);
    assert_ptr_equal(limiter, untouched);
    bhd_error_fini(&error);
}

static void test_arguments_that_cannot_be(void **state)
{
    (void)state;
    bhd_limits no_memory = deny_limits;
    no_memory.max_memory_bytes = 0;
#define PERCENT " is not above 0 and up to 100"
    check_new_fails(NULL, 90, "limiter: limits is NULL");
    check_new_fails(&no_memory, 90, "limiter: max_memory_bytes is 0");
    check_new_fails(&deny_limits, -1, "limiter: warning_percent: -1" PERCENT);
    check_new_fails(&deny_limits, 100.5, "limiter: warning_percent: 100.5" PERCENT);
    check_new_fails(&deny_limits, (double)INFINITY, "limiter: warning_percent: inf" PERCENT);
    check_new_fails(&deny_limits, (double)NAN, "limiter: warning_percent: nan" PERCENT);
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd_limiter_new(&deny_limits, NULL, NULL, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, "limiter: the place for the limiter is NULL");
    bhd_error_fini(&error);
}

static void test_without_memory_for_itself(void **state)
{
    (void)state;
    uint64_t live = bhd__alloc_live(), before = bhd__alloc_count();
    bhd_limiter_free(limiter_of(&deny_limits, NULL));
    uint64_t needed = bhd__alloc_count() - before;
    assert_true(needed > 0);
    for (uint64_t nth = 1; nth <= needed; nth++) {
        bhd_limiter *limiter = NULL;
        bhd_error error = BHD_ERROR_INIT;
        bhd__alloc_fail_at(nth, 1);
        bhd_status status = bhd_limiter_new(&deny_limits, NULL, &limiter, &error);
        bhd__alloc_fail_at(0, 0);
        assert_int_equal(status, BHD_HOST_OUT_OF_MEMORY);
        assert_string_equal(error.message, "the host process is out of memory");
        assert_null(limiter);
        bhd_error_fini(&error);
    }
    bhd_limiter_free(NULL);
    assert_int_equal(bhd__alloc_live(), live);
}

static void test_nothing_but_new_allocates(void **state)
{
    (void)state;
    embedder seen;
    attach(&seen, &deny_limits, 50);
    uint64_t before = bhd__alloc_count();
    assert_int_equal(grow(seen.limiter, 0, LIMIT), BHD_GROWTH_ALLOW);
    assert_int_equal(grow(seen.limiter, 0, 1), BHD_GROWTH_DENY);
    bhd_limiter_memory_grow_failed(seen.limiter, 0, LIMIT);
    assert_int_equal(bhd_limiter_table_growing(seen.limiter, 0, 5, NO_MAXIMUM), BHD_GROWTH_ALLOW);
    bhd_limiter_table_released(seen.limiter, 5);
    bhd_limiter_reset(seen.limiter);
    (void)metrics_of(seen.limiter);
    assert_int_equal(bhd__alloc_count(), before);
    bhd_limiter_free(seen.limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_limiter_has_nothing_in_use),
        cmocka_unit_test(test_exactly_the_limit_fits_and_one_byte_more_does_not),
        cmocka_unit_test(test_the_limit_is_on_the_sum_of_all_memories),
        cmocka_unit_test(test_gradual_growth_is_counted_step_by_step),
        cmocka_unit_test(test_a_refused_growth_changes_only_the_refusals),
        cmocka_unit_test(test_no_growth_at_all_is_allowed_and_not_counted),
        cmocka_unit_test(test_shrinking_is_refused),
        cmocka_unit_test(test_beyond_the_guests_own_maximum_is_not_counted_and_no_trap),
        cmocka_unit_test(test_on_exceed_trap_answers_trap),
        cmocka_unit_test(test_numbers_that_would_wrap_are_refused),
        cmocka_unit_test(test_the_largest_limit_there_is),
        cmocka_unit_test(test_a_failed_growth_takes_everything_back),
        cmocka_unit_test(test_a_failed_growth_leaves_an_older_peak),
        cmocka_unit_test(test_a_failed_growth_leaves_the_peak_of_a_later_one),
        cmocka_unit_test(test_a_failure_of_what_was_not_charged_changes_nothing),
        cmocka_unit_test(test_released_memory_can_be_had_again),
        cmocka_unit_test(test_giving_back_too_much_stops_at_nothing),
        cmocka_unit_test(test_tables_have_a_limit_of_their_own),
        cmocka_unit_test(test_a_full_table_leaves_memory_free_and_the_other_way_round),
        cmocka_unit_test(test_no_table_elements_at_all),
        cmocka_unit_test(test_reset_makes_it_as_new),
        cmocka_unit_test(test_a_snapshot_has_its_time_in_both_forms),
        cmocka_unit_test(test_the_embedder_is_asked_before_anything_is_charged),
        cmocka_unit_test(test_the_embedder_may_refuse),
        cmocka_unit_test(test_the_embedder_is_not_asked_about_what_is_refused_or_no_growth),
        cmocka_unit_test(test_the_warning_comes_at_the_first_byte_of_the_threshold),
        cmocka_unit_test(test_the_warning_comes_once_until_usage_falls_below),
        cmocka_unit_test(test_a_failed_growth_and_a_reset_arm_the_warning_again),
        cmocka_unit_test(test_tables_and_refusals_do_not_warn),
        cmocka_unit_test(test_thresholds_at_both_ends),
        cmocka_unit_test(test_arguments_that_cannot_be),
        cmocka_unit_test(test_without_memory_for_itself),
        cmocka_unit_test(test_nothing_but_new_allocates),
    };
    return cmocka_run_group_tests_name("limiter ledger", tests, NULL, NULL);
}
