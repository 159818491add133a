/*
 * The ledger of one sandbox.
 *
 * Why atomics: the guest's thread asks for every growth while any other thread may read, and an
 * embedder may share one limiter between threads. No lock, no allocation and no clock in the path
 * of a growth; the only retries are those of a compare-and-swap that another growth has won.
 *
 * What is in use is the one number that decides. It changes in single steps that follow each other
 * in one order, from which everything else is derived:
 *
 * - A hard limit is kept because the step that would exceed it is never taken.
 * - The threshold is crossed by exactly one step from below to at or above it, so the thread that
 *   took that step fires the callback. "Armed again" needs no flag: the next crossing is a step
 *   too.
 * - The peak is the largest value that stood. A growth that is allowed may still fail in the
 *   engine, so its value goes into `peak` only when the next growth or release is about to replace
 *   it; a failed growth takes its step back without that. A reader takes the larger of the two.
 */
#include "bulkhead/limiter.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/sized.h"
#include "base/text.h"

#include <stdatomic.h>

#define DEFAULT_WARNING_PERCENT 90.0

/* What is counted in one unit and held to one limit: bytes of memory, or elements of tables. */
typedef struct ledger {
    uint64_t limit; /* immutable */
    /* What is in use; never above `limit`. Written by growths, failures and releases with
     * compare-and-swap. Its release and acquire order `peak` before it: who sees a value sees the
     * peak that was recorded before the value was reached. */
    _Atomic uint64_t in_use;
    /* The largest value of `in_use` that was replaced by a growth or a release; never above
     * `limit`. Written by both with compare-and-swap, upwards only. Ordered by `in_use`. */
    _Atomic uint64_t peak;
} ledger;

struct bhd_limiter {
    bhd_limits limits;           /* immutable */
    bhd_limiter_options options; /* immutable */
    uint64_t threshold_bytes;    /* immutable; from 1 to the limit */
    ledger memory;
    ledger tables;
    /* Growths of memories that were allowed and not taken back. Written by growths and failures;
     * orders nothing. */
    _Atomic uint64_t growth_count;
    /* Refusals, memories and tables. Written by refused growths; orders nothing. */
    _Atomic uint64_t denied_count;
};

/* Raises `*target` to `value` unless it is there already. */
static void raise_to(_Atomic uint64_t *target, uint64_t value)
{
    uint64_t seen = atomic_load_explicit(target, memory_order_relaxed);
    while (seen < value && !atomic_compare_exchange_weak_explicit(
                               target, &seen, value, memory_order_relaxed, memory_order_relaxed))
        ;
}

/* Subtracts, stopping at 0: numbers of an embedder that do not match must not wrap the ledger. */
static uint64_t lower_by(_Atomic uint64_t *target, uint64_t amount)
{
    uint64_t seen = atomic_load_explicit(target, memory_order_acquire);
    uint64_t lowered;
    do
        lowered = bhd__sub_floor_u64(seen, amount);
    while (!atomic_compare_exchange_weak_explicit(target, &seen, lowered, memory_order_acq_rel,
                                                  memory_order_acquire));
    return lowered;
}

static bool fits(const ledger *book, uint64_t in_use, uint64_t amount)
{
    uint64_t sum;
    return bhd__add_u64(in_use, amount, &sum) && sum <= book->limit;
}

/* Charges `amount` if it fits. `*before` is what was in use when the charge was made. */
static bool charge(ledger *book, uint64_t amount, uint64_t *before)
{
    uint64_t seen = atomic_load_explicit(&book->in_use, memory_order_acquire);
    do {
        if (!fits(book, seen, amount))
            return false;
        raise_to(&book->peak, seen);
    } while (!atomic_compare_exchange_weak_explicit(&book->in_use, &seen, seen + amount,
                                                    memory_order_acq_rel, memory_order_acquire));
    *before = seen;
    return true;
}

/* Gives back what stood for a while: it stays in the peak. */
static void release(ledger *book, uint64_t amount)
{
    uint64_t seen = atomic_load_explicit(&book->in_use, memory_order_acquire);
    do
        raise_to(&book->peak, seen);
    while (!atomic_compare_exchange_weak_explicit(&book->in_use, &seen,
                                                  bhd__sub_floor_u64(seen, amount),
                                                  memory_order_acq_rel, memory_order_acquire));
}

/* What is in use and the peak at that moment, with in use <= peak <= limit. */
static uint64_t read_ledger(const ledger *book, uint64_t *peak)
{
    uint64_t in_use = atomic_load_explicit(&book->in_use, memory_order_acquire);
    uint64_t recorded = atomic_load_explicit(&book->peak, memory_order_relaxed);
    *peak = recorded > in_use ? recorded : in_use;
    return in_use;
}

static void clear_ledger(ledger *book)
{
    atomic_store_explicit(&book->peak, 0, memory_order_relaxed);
    atomic_store_explicit(&book->in_use, 0, memory_order_release);
}

static double percent_of(uint64_t part, uint64_t whole)
{
    return 100.0 * ((double)part / (double)whole);
}

/* A snapshot in which `in_use` bytes are in use and `peak` is the peak. */
static void describe(const bhd_limiter *limiter, uint64_t in_use, uint64_t peak,
                     bhd_memory_metrics *metrics)
{
    uint64_t limit = limiter->memory.limit;
    *metrics = (bhd_memory_metrics){
        .current_bytes = in_use,
        .peak_bytes = peak,
        .max_bytes = limit,
        .remaining_bytes = limit - in_use,
        .usage_percent = percent_of(in_use, limit),
        .peak_percent = percent_of(peak, limit),
        .growth_count = atomic_load_explicit(&limiter->growth_count, memory_order_relaxed),
        .denied_count = atomic_load_explicit(&limiter->denied_count, memory_order_relaxed),
        .table_elements = atomic_load_explicit(&limiter->tables.in_use, memory_order_relaxed),
        .above_threshold = in_use >= limiter->threshold_bytes,
        .timestamp_ns = bhd__utc_ns(),
    };
    bhd__timestamp(metrics->timestamp_ns, metrics->timestamp);
}

static bhd_growth refuse(bhd_limiter *limiter)
{
    atomic_fetch_add_explicit(&limiter->denied_count, 1, memory_order_relaxed);
    return limiter->limits.on_exceed == BHD_ON_EXCEED_TRAP ? BHD_GROWTH_TRAP : BHD_GROWTH_DENY;
}

/* Asks the embedder, after the limit would allow and before anything is charged. */
static bool embedder_agrees(bhd_limiter *limiter, const ledger *book, bhd_memory_kind kind,
                            uint64_t current, uint64_t desired)
{
    if (limiter->options.on_growing == NULL)
        return true;
    bhd_growth_request request = {
        .kind = kind,
        .current = current,
        .desired = desired,
        .in_use = atomic_load_explicit(&book->in_use, memory_order_acquire),
        .limit = book->limit,
    };
    /* A growth that the limit refuses anyway is not the embedder's affair. */
    return !fits(book, request.in_use, desired - current) ||
           limiter->options.on_growing(limiter->options.user_data, &request);
}

/* The decision that memories and tables share. `*before` is meaningful when `*charged` is set. */
static bhd_growth decide(bhd_limiter *limiter, ledger *book, bhd_memory_kind kind, uint64_t current,
                         uint64_t desired, uint64_t maximum, uint64_t *before, bool *charged)
{
    *charged = false;
    if (desired > maximum)
        return BHD_GROWTH_DENY;
    if (desired == current)
        return BHD_GROWTH_ALLOW;
    if (desired < current || !embedder_agrees(limiter, book, kind, current, desired) ||
        !charge(book, desired - current, before))
        return refuse(limiter);
    *charged = true;
    return BHD_GROWTH_ALLOW;
}

/* The callback for the step from `before` to `after`, if that step crosses the threshold. */
static void warn_if_crossed(bhd_limiter *limiter, uint64_t before, uint64_t after)
{
    if (before >= limiter->threshold_bytes || after < limiter->threshold_bytes ||
        limiter->options.on_threshold == NULL)
        return;
    /* The metrics show this step, whatever other threads have done since. */
    uint64_t peak = atomic_load_explicit(&limiter->memory.peak, memory_order_relaxed);
    bhd_memory_metrics metrics;
    describe(limiter, after, peak > after ? peak : after, &metrics);
    limiter->options.on_threshold(limiter->options.user_data, &metrics);
}

bhd_growth bhd_limiter_memory_growing(bhd_limiter *limiter, uint64_t current, uint64_t desired,
                                      uint64_t maximum)
{
    bhd_memory_kind kind = current == 0 ? BHD_MEMORY_INITIAL : BHD_MEMORY_LINEAR;
    uint64_t before = 0;
    bool charged;
    bhd_growth answer =
        decide(limiter, &limiter->memory, kind, current, desired, maximum, &before, &charged);
    if (charged) {
        atomic_fetch_add_explicit(&limiter->growth_count, 1, memory_order_relaxed);
        warn_if_crossed(limiter, before, before + (desired - current));
    }
    return answer;
}

void bhd_limiter_memory_grow_failed(bhd_limiter *limiter, uint64_t current, uint64_t desired)
{
    if (desired <= current)
        return; /* nothing was charged */
    lower_by(&limiter->memory.in_use, desired - current);
    lower_by(&limiter->growth_count, 1);
}

void bhd_limiter_memory_released(bhd_limiter *limiter, uint64_t bytes)
{
    release(&limiter->memory, bytes);
}

bhd_growth bhd_limiter_table_growing(bhd_limiter *limiter, uint64_t current, uint64_t desired,
                                     uint64_t maximum)
{
    uint64_t before = 0;
    bool charged;
    return decide(limiter, &limiter->tables, BHD_MEMORY_TABLE, current, desired, maximum, &before,
                  &charged);
}

void bhd_limiter_table_grow_failed(bhd_limiter *limiter, uint64_t current, uint64_t desired)
{
    if (desired > current)
        lower_by(&limiter->tables.in_use, desired - current);
}

void bhd_limiter_table_released(bhd_limiter *limiter, uint64_t elements)
{
    release(&limiter->tables, elements);
}

void bhd_limiter_reset(bhd_limiter *limiter)
{
    clear_ledger(&limiter->memory);
    clear_ledger(&limiter->tables);
    atomic_store_explicit(&limiter->growth_count, 0, memory_order_relaxed);
    atomic_store_explicit(&limiter->denied_count, 0, memory_order_relaxed);
}

void bhd_limiter_metrics(const bhd_limiter *limiter, bhd_memory_metrics *metrics)
{
    uint64_t peak;
    uint64_t in_use = read_ledger(&limiter->memory, &peak);
    describe(limiter, in_use, peak, metrics);
}

const bhd_limits *bhd_limiter_limits(const bhd_limiter *limiter)
{
    return &limiter->limits;
}

/* The fewest bytes that are at least `percent` of `limit`; never 0, so that an empty sandbox is
 * below every threshold. */
static uint64_t threshold_of(uint64_t limit, double percent)
{
    double exact = (double)limit * percent / 100.0;
    if (exact >= (double)limit)
        return limit;
    uint64_t whole = (uint64_t)exact;
    if ((double)whole < exact)
        whole++;
    return whole == 0 ? 1 : whole;
}

static bhd_status check_arguments(const bhd_limits *limits, double warning_percent,
                                  bhd_limiter **limiter, bhd_error *error)
{
    if (limits == NULL || limiter == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "limiter: %s is NULL",
                         limits == NULL ? "limits" : "the place for the limiter");
    if (limits->max_memory_bytes == 0)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "limiter: max_memory_bytes is 0");
    if (!(warning_percent > 0 && warning_percent <= 100)) {
        char number[32];
        bhd__text text;
        bhd__text_init(&text, number, sizeof number);
        bhd__text_add_double(&text, warning_percent);
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "limiter: warning_percent: %s is not above 0 and up to 100", number);
    }
    return BHD_OK;
}

bhd_status bhd_limiter_new(const bhd_limits *limits, const bhd_limiter_options *options,
                           bhd_limiter **limiter, bhd_error *error)
{
    bhd_limiter_options chosen = BHD_LIMITER_OPTIONS_INIT;
    bhd_status status =
        bhd__sized_take(&chosen, sizeof chosen, options,
                        BHD__THROUGH(bhd_limiter_options, user_data), "bhd_limiter_options", error);
    if (status != BHD_OK)
        return status;
    if (chosen.warning_percent == 0)
        chosen.warning_percent = DEFAULT_WARNING_PERCENT;
    status = check_arguments(limits, chosen.warning_percent, limiter, error);
    if (status != BHD_OK)
        return status;

    bhd_limiter *made = bhd__malloc(sizeof *made);
    if (made == NULL)
        return bhd__fail_no_memory(error);
    made->limits = *limits;
    made->options = chosen;
    made->threshold_bytes = threshold_of(limits->max_memory_bytes, chosen.warning_percent);
    made->memory.limit = limits->max_memory_bytes;
    made->tables.limit = limits->max_table_elements;
    bhd_limiter_reset(made);
    *limiter = made;
    return BHD_OK;
}

void bhd_limiter_free(bhd_limiter *limiter)
{
    bhd__free(limiter);
}
