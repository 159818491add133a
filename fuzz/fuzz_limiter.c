/*
 * Property: whatever is asked in whatever order, also by an embedder whose numbers do not match,
 * the limiter answers as a plain sum would, every counter is equal after every step, and the limit
 * is never exceeded.
 *
 * Unlike tests/unit/test_limiter_model.c, whose sizes stay small, numbers here reach to the end of
 * 64 bits, and failures and releases need not match a growth.
 */
#include "fuzz_input.h"

#include "bulkhead/limiter.h"

#define MOST_STEPS 400

__extension__ typedef unsigned __int128 wide;

/* Wide numbers: nothing that the model adds can wrap. */
typedef struct model {
    wide memory, memory_peak, memory_limit;
    wide tables, tables_limit;
    wide threshold;
    uint64_t growths, denied, warned;
    bool traps;
    bool has_callbacks;
    bool agrees; /* the embedder's answer to the next growth */
    bool was_asked;
} model;

static bool on_growing(void *user_data, const bhd_growth_request *request)
{
    model *m = user_data;
    m->was_asked = true;
    FUZZ_REQUIRE(request->desired > request->current);
    FUZZ_REQUIRE(request->in_use <= request->limit);
    FUZZ_REQUIRE((wide)request->in_use + (request->desired - request->current) <= request->limit);
    return m->agrees;
}

static void on_threshold(void *user_data, const bhd_memory_metrics *metrics)
{
    model *m = user_data;
    FUZZ_REQUIRE(metrics->above_threshold && metrics->current_bytes >= m->threshold);
    m->warned++;
}

static wide least(wide a, wide b)
{
    return a < b ? a : b;
}

/* Sizes near what matters: small ones, pages, the limit, the end of the numbers. */
static uint64_t some_number(fuzz_input *input, wide limit, wide in_use)
{
    uint64_t offset = fuzz_byte(input);
    switch (fuzz_choice(input, 7)) {
    case 0:
        return offset;
    case 1:
        return offset * 65536;
    case 2:
        return (uint64_t)(limit - least(limit, offset));
    case 3:
        return (uint64_t)limit + offset;
    case 4:
        return (uint64_t)(limit - in_use) + offset;
    case 5:
        return (uint64_t)(limit - in_use - least(limit - in_use, offset));
    case 6:
        return UINT64_MAX - offset;
    default:
        return fuzz_number(input, 8);
    }
}

/* The answer that has to be given, counted. */
static bhd_growth expect(model *m, wide in_use, wide limit, uint64_t current, uint64_t desired,
                         uint64_t maximum)
{
    m->was_asked = false;
    if (desired > maximum)
        return BHD_GROWTH_DENY;
    if (desired == current)
        return BHD_GROWTH_ALLOW;
    bool fits = desired > current && in_use + (desired - current) <= limit;
    if (fits && (m->agrees || !m->has_callbacks))
        return BHD_GROWTH_ALLOW;
    m->denied++;
    return m->traps ? BHD_GROWTH_TRAP : BHD_GROWTH_DENY;
}

static void grow_memory(bhd_limiter *limiter, model *m, fuzz_input *input, bool fails)
{
    uint64_t current = some_number(input, m->memory_limit, m->memory);
    uint64_t desired = some_number(input, m->memory_limit, m->memory);
    uint64_t maximum = UINT64_MAX;
    uint8_t flags = fuzz_byte(input);
    uint64_t warned = m->warned;
    /* Mostly a growth by `desired`, sometimes numbers without sense. */
    if (!(flags & 1) && UINT64_MAX - current >= desired)
        desired += current;
    if (flags & 2)
        maximum = some_number(input, m->memory_limit, m->memory);
    m->agrees = !(flags & 4);

    bhd_growth expected = expect(m, m->memory, m->memory_limit, current, desired, maximum);
    FUZZ_REQUIRE(bhd_limiter_memory_growing(limiter, current, desired, maximum) == expected);
    if (expected != BHD_GROWTH_ALLOW || desired == current) {
        FUZZ_REQUIRE(m->warned == warned);
        return;
    }
    FUZZ_REQUIRE(m->was_asked == m->has_callbacks);
    wide before = m->memory, peak = m->memory_peak;
    m->memory += desired - current;
    m->growths++;
    if (m->memory > m->memory_peak)
        m->memory_peak = m->memory;
    bool crossed = before < m->threshold && m->memory >= m->threshold;
    FUZZ_REQUIRE(m->warned - warned == (crossed && m->has_callbacks ? 1u : 0u));
    if (!fails)
        return;
    bhd_limiter_memory_grow_failed(limiter, current, desired);
    m->memory = before;
    m->memory_peak = peak;
    m->growths--;
}

static void grow_table(bhd_limiter *limiter, model *m, fuzz_input *input, bool fails)
{
    uint64_t current = some_number(input, m->tables_limit, m->tables);
    uint64_t desired = some_number(input, m->tables_limit, m->tables);
    uint8_t flags = fuzz_byte(input);
    if (!(flags & 1) && UINT64_MAX - current >= desired)
        desired += current;
    uint64_t maximum = flags & 2 ? some_number(input, m->tables_limit, m->tables) : UINT64_MAX;
    m->agrees = !(flags & 4);
    bhd_growth expected = expect(m, m->tables, m->tables_limit, current, desired, maximum);
    FUZZ_REQUIRE(bhd_limiter_table_growing(limiter, current, desired, maximum) == expected);
    if (expected != BHD_GROWTH_ALLOW || desired == current)
        return;
    if (fails)
        bhd_limiter_table_grow_failed(limiter, current, desired);
    else
        m->tables += desired - current;
}

static void reset(bhd_limiter *limiter, model *m)
{
    bhd_limiter_reset(limiter);
    m->memory = m->memory_peak = m->tables = 0;
    m->growths = m->denied = 0;
}

static void step(bhd_limiter *limiter, model *m, fuzz_input *input)
{
    uint64_t amount;
    switch (fuzz_choice(input, 7)) {
    case 0:
    case 1:
        grow_memory(limiter, m, input, false);
        break;
    case 2:
        grow_memory(limiter, m, input, true);
        break;
    case 3:
        grow_table(limiter, m, input, false);
        break;
    case 4:
        grow_table(limiter, m, input, true);
        break;
    case 5:
        amount = some_number(input, m->memory_limit, m->memory);
        bhd_limiter_memory_released(limiter, amount);
        m->memory -= least(m->memory, amount);
        break;
    case 6:
        amount = some_number(input, m->tables_limit, m->tables);
        bhd_limiter_table_released(limiter, amount);
        m->tables -= least(m->tables, amount);
        break;
    default:
        if (fuzz_byte(input) < 64)
            reset(limiter, m);
        break;
    }
}

static void compare(const bhd_limiter *limiter, const model *m)
{
    bhd_memory_metrics metrics;
    bhd_limiter_metrics(limiter, &metrics);
    FUZZ_REQUIRE(metrics.current_bytes <= metrics.max_bytes);
    FUZZ_REQUIRE(metrics.peak_bytes <= metrics.max_bytes);
    FUZZ_REQUIRE(metrics.current_bytes == m->memory);
    FUZZ_REQUIRE(metrics.peak_bytes == m->memory_peak);
    FUZZ_REQUIRE(metrics.max_bytes == m->memory_limit);
    FUZZ_REQUIRE(metrics.remaining_bytes == m->memory_limit - m->memory);
    FUZZ_REQUIRE(metrics.growth_count == m->growths);
    FUZZ_REQUIRE(metrics.denied_count == m->denied);
    FUZZ_REQUIRE(metrics.table_elements == m->tables);
    FUZZ_REQUIRE(metrics.table_elements <= m->tables_limit);
    FUZZ_REQUIRE(metrics.above_threshold == (m->memory >= m->threshold));
    FUZZ_REQUIRE(metrics.usage_percent >= 0 && metrics.usage_percent <= 100);
    FUZZ_REQUIRE(metrics.peak_percent >= metrics.usage_percent && metrics.peak_percent <= 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t limits_tried[] = {1,       65536,      524288,    1048576,
                                            4194304, 4294967296, UINT64_MAX};
    fuzz_input input = {data, data + size};
    uint8_t flags = fuzz_byte(&input);
    uint64_t limit = limits_tried[fuzz_choice(&input, 6)];
    uint32_t percent = fuzz_choice(&input, 99) + 1;
    bhd_limits limits = {
        .max_memory_bytes = limit,
        .max_table_elements = flags & 1 ? UINT64_MAX : 10000,
        .timeout_seconds = 1,
        .on_exceed = flags & 2 ? BHD_ON_EXCEED_TRAP : BHD_ON_EXCEED_DENY,
    };
    model m = {
        .memory_limit = limit,
        .tables_limit = limits.max_table_elements,
        .traps = (flags & 2) != 0,
        .has_callbacks = (flags & 4) != 0,
    };
    /* A double is not exact at the top of the numbers: only the whole limit will do there. */
    if (limit > UINT32_MAX)
        percent = 100;
    m.threshold = ((wide)limit * percent + 99) / 100;
    bhd_limiter_options options = {sizeof options, percent, flags & 4 ? on_growing : NULL,
                                   flags & 4 ? on_threshold : NULL, &m};
    bhd_limiter *limiter = NULL;
    FUZZ_REQUIRE(bhd_limiter_new(&limits, &options, &limiter, NULL) == BHD_OK);
    FUZZ_REQUIRE(bhd_limits_equal(bhd_limiter_limits(limiter), &limits));
    compare(limiter, &m);
    for (int i = 0; i < MOST_STEPS && fuzz_has_more(&input); i++) {
        step(limiter, &m, &input);
        compare(limiter, &m);
    }
    bhd_limiter_free(limiter);
    return 0;
}
