/**
 * \file bulkhead/metrics.h
 *
 * A consistent snapshot of what one sandbox uses (`MemoryMetrics`).
 *
 * A snapshot is a plain value: copy it, compare it, keep it. In every snapshot
 * current <= peak <= max and remaining == max - current, whatever the guest does meanwhile.
 * Struct, JSON and text are made from the one list below.
 */
#ifndef BULKHEAD_METRICS_H
#define BULKHEAD_METRICS_H

#include "base.h"

/** Room for "2026-01-31T23:59:59.123456789Z" and its terminator. */
#define BHD_TIMESTAMP_SIZE 31

/**
 * X(c_type, field, kind, unit, what it is). Kinds: U64 unsigned number, PERCENT a double from 0 to
 * 100, BOOL, TEXT a char array.
 */
#define BHD_MEMORY_METRICS_MAP(X)                                                                  \
    X(uint64_t, current_bytes, U64, "bytes", "in use now, all linear memories and the GC heap")    \
    X(uint64_t, peak_bytes, U64, "bytes", "the most that was in use at once")                      \
    X(uint64_t, max_bytes, U64, "bytes", "the limit")                                              \
    X(uint64_t, remaining_bytes, U64, "bytes", "the limit less what is in use")                    \
    X(double, usage_percent, PERCENT, "%", "in use, of the limit")                                 \
    X(double, peak_percent, PERCENT, "%", "peak, of the limit")                                    \
    X(uint64_t, growth_count, U64, "", "growths that happened, initial sizes included")            \
    X(uint64_t, denied_count, U64, "", "growths that were refused, memories and tables")           \
    X(uint64_t, table_elements, U64, "", "elements in all tables")                                 \
    X(bool, above_threshold, BOOL, "", "in use is at or above the warning threshold")              \
    X(uint64_t, timestamp_ns, U64, "ns", "UTC, since 1970-01-01T00:00:00Z")

typedef struct bhd_memory_metrics {
#define BHD_MEMORY_METRICS_FIELD(c_type, field, kind, unit, what) c_type field;
    BHD_MEMORY_METRICS_MAP(BHD_MEMORY_METRICS_FIELD)
#undef BHD_MEMORY_METRICS_FIELD
    /** timestamp_ns as ISO 8601 text. */
    char timestamp[BHD_TIMESTAMP_SIZE];
} bhd_memory_metrics;

BHD_BEGIN_DECLS

/**
 * Writes the snapshot as one JSON object with the fields in the order of the list, percents with
 * two decimals at most, and `timestamp` as text.
 *
 * Like snprintf: writes at most `capacity` bytes with the terminator and returns the length that
 * the whole text has. `buffer` may be NULL when `capacity` is 0. Any thread.
 */
BHD_PUBLIC size_t bhd_memory_metrics_to_json(const bhd_memory_metrics *metrics, char *buffer,
                                             size_t capacity);

/** The same as lines of text for a person, "current    1.0 MiB (1048576 bytes)", one a field. */
BHD_PUBLIC size_t bhd_memory_metrics_to_text(const bhd_memory_metrics *metrics, char *buffer,
                                             size_t capacity);

BHD_END_DECLS

#endif
