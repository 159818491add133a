/**
 * \file bulkhead/limiter.h
 *
 * The ledger of one sandbox (`ComponentResourceLimiter`): it says yes or no to every growth of
 * every linear memory, GC heap and table, and counts.
 *
 * Every sandbox has one. It is also usable alone, by an embedder who runs guests in some other way
 * and asks before each growth.
 *
 * Everything is atomic: a limiter may be asked and read from any thread at any time without a
 * lock. The limit is on the sum over all memories, taken with compare-and-swap, so that no
 * interleaving exceeds it. Callbacks run on the thread that asks.
 */
#ifndef BULKHEAD_LIMITER_H
#define BULKHEAD_LIMITER_H

#include "limits.h"
#include "metrics.h"

typedef struct bhd_limiter bhd_limiter;

/** The answer to a growth. */
typedef enum bhd_growth {
    BHD_GROWTH_DENY = 0,  /**< refused; the guest sees -1 */
    BHD_GROWTH_ALLOW = 1, /**< allowed and charged */
    BHD_GROWTH_TRAP = 2,  /**< refused, and the limits say on_exceed = trap */
} bhd_growth;

/** One growth that is about to be allowed. */
typedef struct bhd_growth_request {
    bhd_memory_kind kind;
    /** Of this one memory or table: bytes, or elements. */
    uint64_t current, desired;
    /** Of the whole sandbox before this growth, and its limit, in the same unit. */
    uint64_t in_use, limit;
} bhd_growth_request;

/**
 * May refuse a growth that the limit allows: return false. It is then counted as refused and
 * answered as on_exceed says. Must not call into the sandbox that asks; may read its metrics.
 */
typedef bool (*bhd_growing_callback)(void *user_data, const bhd_growth_request *request);

/** Memory in use has reached the warning threshold from below. Fires once; armed again when
 *  in use falls below the threshold. `metrics` is valid during the call. */
typedef void (*bhd_threshold_callback)(void *user_data, const bhd_memory_metrics *metrics);

typedef struct bhd_limiter_options {
    size_t size; /**< of this struct; see bulkhead.h */
    /** Percent of the limit, above 0 and up to 100; 0 is replaced by 90. */
    double warning_percent;
    bhd_growing_callback on_growing;     /**< or NULL */
    bhd_threshold_callback on_threshold; /**< or NULL */
    void *user_data;                     /**< handed to both; not owned */
} bhd_limiter_options;

#define BHD_LIMITER_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bhd_limiter_options), 90.0, NULL, NULL, NULL                                        \
    }

BHD_BEGIN_DECLS

/**
 * Makes a limiter that enforces `limits` (copied). `options` may be NULL; copied.
 *
 * Errors: BHD_INVALID_ARGUMENT for a NULL argument, max_memory_bytes 0 or a warning_percent outside
 * its range; BHD_HOST_OUT_OF_MEMORY. The caller frees `*limiter` with bhd_limiter_free.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_limiter_new(const bhd_limits *limits,
                                                   const bhd_limiter_options *options,
                                                   bhd_limiter **limiter, bhd_error *error);

/** No thread may use the limiter any more. NULL does nothing. */
BHD_PUBLIC void bhd_limiter_free(bhd_limiter *limiter);

/**
 * Asks to grow one linear memory from `current` to `desired` bytes; `current` is 0 for a memory
 * that begins. `maximum` is the memory's own declaration, UINT64_MAX without one.
 *
 * Charged if and only if the answer is BHD_GROWTH_ALLOW. desired == current is allowed and not a
 * growth. desired < current is refused. desired > maximum is refused with BHD_GROWTH_DENY and not
 * counted: that is the guest's own affair. Any thread.
 */
BHD_PUBLIC bhd_growth bhd_limiter_memory_growing(bhd_limiter *limiter, uint64_t current,
                                                 uint64_t desired, uint64_t maximum);

/** A growth that was allowed did not happen: takes back its charge, its count and its peak. Call it
 *  with the same numbers, once. */
BHD_PUBLIC void bhd_limiter_memory_grow_failed(bhd_limiter *limiter, uint64_t current,
                                               uint64_t desired);

/** A memory of `bytes` bytes is gone: gives its charge back. Peak and counts stay. */
BHD_PUBLIC void bhd_limiter_memory_released(bhd_limiter *limiter, uint64_t bytes);

/** The same three for tables, in elements, against max_table_elements. */
BHD_PUBLIC bhd_growth bhd_limiter_table_growing(bhd_limiter *limiter, uint64_t current,
                                                uint64_t desired, uint64_t maximum);
BHD_PUBLIC void bhd_limiter_table_grow_failed(bhd_limiter *limiter, uint64_t current,
                                              uint64_t desired);
BHD_PUBLIC void bhd_limiter_table_released(bhd_limiter *limiter, uint64_t elements);

/** Everything is gone: in use, peak and counts become 0 and the threshold is armed. No growth may
 *  be under way. */
BHD_PUBLIC void bhd_limiter_reset(bhd_limiter *limiter);

/** A consistent snapshot; see bhd_memory_metrics. Any thread, at any time. */
BHD_PUBLIC void bhd_limiter_metrics(const bhd_limiter *limiter, bhd_memory_metrics *metrics);

/** The limits it enforces. Valid as long as the limiter. */
BHD_PUBLIC const bhd_limits *bhd_limiter_limits(const bhd_limiter *limiter);

BHD_END_DECLS

#endif
