/*
 * Refusals are recorded here with their numbers, because afterwards the engine only says
 * "unreachable".
 */
#include "engine/run/store_limiter.h"

#include "base/checked.h"
#include "base/text.h"
#include "engine/host/stops.h"

#include <inttypes.h>

/* The limiter whose memory growth was allowed last on this thread, until the creator has dealt with
 * it. Never set while guest code runs. */
static _Thread_local bhd__store_limiter *growing;

static void settle(bhd__store_limiter *limiter)
{
    limiter->pending.is_set = false;
    if (growing == limiter)
        growing = NULL;
}

static void take_back(bhd__store_limiter *limiter)
{
    if (!limiter->pending.is_set)
        return;
    bhd_limiter_memory_grow_failed(limiter->ledger, limiter->pending.current,
                                   limiter->pending.desired);
    settle(limiter);
}

static void expect(bhd__store_limiter *limiter, uint64_t current, uint64_t desired)
{
    limiter->pending.is_set = desired > current;
    limiter->pending.current = current;
    limiter->pending.desired = desired;
    growing = limiter;
}

static void record(bhd__store_limiter *limiter, bhd_memory_kind kind, uint64_t current,
                   uint64_t desired)
{
    bhd__refusal *refusal = &limiter->refusal;
    const bhd_limits *limits = bhd_limiter_limits(limiter->ledger);
    bhd_limiter_metrics(limiter->ledger, &refusal->metrics);
    refusal->happened = true;
    refusal->was_the_end = false;
    refusal->kind = kind;
    refusal->current = current;
    refusal->requested = bhd__sub_floor_u64(desired, current);
    if (kind == BHD_MEMORY_TABLE) {
        refusal->in_use = refusal->metrics.table_elements;
        refusal->limit = limits->max_table_elements;
    } else {
        refusal->in_use = refusal->metrics.current_bytes;
        refusal->limit = limits->max_memory_bytes;
    }
}

static int32_t stop(bhd__store_limiter *limiter, const char **message)
{
    const bhd__refusal *refusal = &limiter->refusal;
    const char *unit = refusal->kind == BHD_MEMORY_TABLE ? "elements" : "bytes";
    bhd__text text;
    bhd__text_init(&text, limiter->stop_text, sizeof limiter->stop_text);
    bhd__text_printf(&text,
                     "out of memory: %s asked for %" PRIu64 " more %s with %" PRIu64 " of %" PRIu64
                     " in use",
                     bhd_memory_kind_text(refusal->kind), refusal->requested, unit, refusal->in_use,
                     refusal->limit);
    limiter->refusal.was_the_end = true;
    *message = limiter->stop_text;
    return BHD__STOP_OUT_OF_MEMORY;
}

static int32_t memory_growing(void *env, size_t current, size_t desired, size_t maximum,
                              const char **message)
{
    bhd__store_limiter *limiter = env;
    limiter->was_asked = true;
    uint64_t declared = maximum == SIZE_MAX ? UINT64_MAX : maximum;
    bhd_growth answer = bhd_limiter_memory_growing(limiter->ledger, current, desired, declared);
    if (answer == BHD_GROWTH_ALLOW) {
        expect(limiter, current, desired);
        return 1;
    }
    if (desired > declared)
        return 0;
    bool begins = limiter->starting && current == 0;
    record(limiter, begins ? BHD_MEMORY_INITIAL : BHD_MEMORY_LINEAR, current, desired);
    /* A memory that cannot begin ends the guest in any case. */
    return answer == BHD_GROWTH_TRAP ? stop(limiter, message) : 0;
}

static void memory_grow_failed(void *env)
{
    take_back(env);
}

static int32_t table_growing(void *env, size_t current, size_t desired, size_t maximum,
                             const char **message)
{
    bhd__store_limiter *limiter = env;
    limiter->was_asked = true;
    uint64_t declared = maximum == SIZE_MAX ? UINT64_MAX : maximum;
    bhd_growth answer = bhd_limiter_table_growing(limiter->ledger, current, desired, declared);
    if (answer == BHD_GROWTH_ALLOW) {
        settle(limiter);
        return 1;
    }
    if (desired > declared)
        return 0;
    record(limiter, BHD_MEMORY_TABLE, current, desired);
    return answer == BHD_GROWTH_TRAP ? stop(limiter, message) : 0;
}

static void table_grow_failed(void *env)
{
    /* Nobody confirms the growth of a table, so this one may have happened. The engine reports a
     * failure after a yes only for growth beyond the declared maximum, to which we never say yes,
     * and without having asked only for 64-bit tables, which are off. */
    (void)env;
}

void bhd__store_limiter_attach(bhd__store_limiter *limiter, wasmtime_store_t *store,
                               const bhd_host_options *options)
{
    bhd_engine_limiter_t callbacks = {
        .env = limiter,
        .memory_growing = memory_growing,
        .memory_grow_failed = memory_grow_failed,
        .table_growing = table_growing,
        .table_grow_failed = table_grow_failed,
        /* The engine counts adapters between components among the instances, and nothing else that
         * a component does not declare. What it declares was counted before it was compiled, core
         * modules that a component in it is given included; the adapters are bounded by
         * max_instance_bytes. */
        .max_instances = SIZE_MAX,
        .max_tables = options->max_tables,
        .max_memories = options->max_memories,
    };
    bhd_engine_store_limiter(store, &callbacks);
}

void bhd__store_limiter_forget(bhd__store_limiter *limiter, bool starting)
{
    limiter->was_asked = starting;
    limiter->starting = starting;
    limiter->refusal.happened = false;
    limiter->capacity = BHD_OK;
}

void bhd__store_limiter_settle(bhd__store_limiter *limiter)
{
    take_back(limiter);
    settle(limiter);
    limiter->starting = false;
}

void bhd__store_limiter_grown(void)
{
    if (growing)
        settle(growing);
}

void bhd__store_limiter_no_capacity(const bhd_error *error)
{
    if (!growing)
        return;
    growing->capacity = error->code;
    bhd__text text;
    bhd__text_init(&text, growing->capacity_text, sizeof growing->capacity_text);
    bhd__text_add(&text, error->message);
    bhd__text_ellipsis(&text);
}
