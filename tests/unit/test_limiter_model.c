/*
 * The limiter against a model: random growths, failures, releases and resets, with fixed seeds, and
 * after every step the same numbers on both sides.
 *
 * The model is written for one thread and in the plainest way: it remembers every memory and table
 * and adds up.
 */
#include "unit_test.h"

#include "bulkhead/limiter.h"

#define MEMORIES 6
#define STEPS 20000

typedef struct model {
    uint64_t memory_limit, table_limit, threshold;
    bhd_growth refusal;
    uint64_t memories[MEMORIES], tables[MEMORIES];
    uint64_t peak, growths, denied, warned;
} model;

typedef struct observer {
    uint64_t warned;
    bool agrees;
} observer;

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static uint64_t sum(const uint64_t *numbers)
{
    uint64_t total = 0;
    for (int i = 0; i < MEMORIES; i++)
        total += numbers[i];
    return total;
}

static bool on_growing(void *user_data, const bhd_growth_request *request)
{
    (void)request;
    return ((observer *)user_data)->agrees;
}

static void on_threshold(void *user_data, const bhd_memory_metrics *metrics)
{
    assert_true(metrics->above_threshold);
    ((observer *)user_data)->warned++;
}

/* What the answer has to be, without doing anything. The numbers are small: nothing wraps. */
static bhd_growth expected_answer(model *m, const uint64_t *all, uint64_t limit, uint64_t current,
                                  uint64_t desired, uint64_t maximum, bool agrees)
{
    if (desired > maximum)
        return BHD_GROWTH_DENY;
    if (desired == current)
        return BHD_GROWTH_ALLOW;
    if (desired < current || sum(all) + (desired - current) > limit || !agrees) {
        m->denied++;
        return m->refusal;
    }
    return BHD_GROWTH_ALLOW;
}

static void step_memory(bhd_limiter *limiter, model *m, observer *seen, uint64_t *random)
{
    uint64_t *memory = &m->memories[next_random(random) % MEMORIES];
    uint64_t before = sum(m->memories), current = *memory;
    uint64_t span = next_random(random) % 8 == 0 ? 2 * m->memory_limit : m->memory_limit / 4;
    uint64_t desired = next_random(random) % 16 == 0 ? next_random(random) % (current + 1)
                                                     : current + next_random(random) % (span + 1);
    uint64_t maximum = next_random(random) % 8 == 0 ? m->memory_limit / 2 : UINT64_MAX;
    seen->agrees = next_random(random) % 16 != 0;

    bhd_growth expected =
        expected_answer(m, m->memories, m->memory_limit, current, desired, maximum, seen->agrees);
    assert_int_equal(bhd_limiter_memory_growing(limiter, current, desired, maximum), expected);
    if (expected != BHD_GROWTH_ALLOW || desired == current)
        return;
    m->warned += before < m->threshold && before + (desired - current) >= m->threshold;
    if (next_random(random) % 4 == 0) {
        bhd_limiter_memory_grow_failed(limiter, current, desired);
        return;
    }
    *memory = desired;
    m->growths++;
    if (sum(m->memories) > m->peak)
        m->peak = sum(m->memories);
}

static void step_table(bhd_limiter *limiter, model *m, observer *seen, uint64_t *random)
{
    uint64_t *table = &m->tables[next_random(random) % MEMORIES];
    uint64_t current = *table, desired = current + next_random(random) % (m->table_limit + 1);
    seen->agrees = next_random(random) % 16 != 0;
    bhd_growth expected =
        expected_answer(m, m->tables, m->table_limit, current, desired, UINT64_MAX, seen->agrees);
    assert_int_equal(bhd_limiter_table_growing(limiter, current, desired, UINT64_MAX), expected);
    if (expected != BHD_GROWTH_ALLOW || desired == current)
        return;
    if (next_random(random) % 4 == 0)
        bhd_limiter_table_grow_failed(limiter, current, desired);
    else
        *table = desired;
}

static void step_release(bhd_limiter *limiter, model *m, uint64_t *random)
{
    uint64_t which = next_random(random) % MEMORIES;
    bhd_limiter_memory_released(limiter, m->memories[which]);
    m->memories[which] = 0;
    which = next_random(random) % MEMORIES;
    bhd_limiter_table_released(limiter, m->tables[which]);
    m->tables[which] = 0;
}

static void reset(bhd_limiter *limiter, model *m)
{
    bhd_limiter_reset(limiter);
    memset(m->memories, 0, sizeof m->memories);
    memset(m->tables, 0, sizeof m->tables);
    m->peak = m->growths = m->denied = 0;
}

static void compare(const bhd_limiter *limiter, const model *m, const observer *seen)
{
    bhd_memory_metrics metrics;
    bhd_limiter_metrics(limiter, &metrics);
    uint64_t in_use = sum(m->memories);
    assert_int_equal(metrics.current_bytes, in_use);
    assert_int_equal(metrics.peak_bytes, m->peak);
    assert_int_equal(metrics.max_bytes, m->memory_limit);
    assert_int_equal(metrics.remaining_bytes, m->memory_limit - in_use);
    assert_int_equal(metrics.growth_count, m->growths);
    assert_int_equal(metrics.denied_count, m->denied);
    assert_int_equal(metrics.table_elements, sum(m->tables));
    assert_int_equal(metrics.above_threshold, in_use >= m->threshold);
    assert_true(metrics.usage_percent == 100.0 * ((double)in_use / (double)m->memory_limit));
    assert_int_equal(seen->warned, m->warned);
}

static void run(uint64_t seed, model m)
{
    uint64_t random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    observer seen = {0, true};
    bhd_limits limits = {m.memory_limit, m.table_limit, 0, 30.0,
                         m.refusal == BHD_GROWTH_TRAP ? BHD_ON_EXCEED_TRAP : BHD_ON_EXCEED_DENY};
    bhd_limiter_options options = {sizeof options,
                                   100.0 * (double)m.threshold / (double)m.memory_limit, on_growing,
                                   on_threshold, &seen};
    bhd_limiter *limiter;
    assert_int_equal(bhd_limiter_new(&limits, &options, &limiter, NULL), BHD_OK);
    for (int i = 0; i < STEPS; i++) {
        uint64_t kind = next_random(&random) % 100;
        if (kind < 60)
            step_memory(limiter, &m, &seen, &random);
        else if (kind < 80)
            step_table(limiter, &m, &seen, &random);
        else if (kind < 99)
            step_release(limiter, &m, &random);
        else
            reset(limiter, &m);
        compare(limiter, &m, &seen);
    }
    assert_true(seen.warned > 0);
    bhd_limiter_free(limiter);
}

static void test_pages_with_deny(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++)
        run(seed, (model){.memory_limit = 1048576,
                          .table_limit = 1000,
                          .threshold = 524288,
                          .refusal = BHD_GROWTH_DENY});
}

static void test_single_bytes_with_trap(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 18; seed++)
        run(seed,
            (model){
                .memory_limit = 16, .table_limit = 4, .threshold = 12, .refusal = BHD_GROWTH_TRAP});
}

static void test_a_threshold_at_the_limit(void **state)
{
    (void)state;
    for (uint64_t seed = 21; seed <= 24; seed++)
        run(seed,
            (model){
                .memory_limit = 8, .table_limit = 1, .threshold = 8, .refusal = BHD_GROWTH_DENY});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_with_deny),
        cmocka_unit_test(test_single_bytes_with_trap),
        cmocka_unit_test(test_a_threshold_at_the_limit),
    };
    return cmocka_run_group_tests_name("limiter model", tests, NULL, NULL);
}
