/*
 * Time. Any thread.
 */
#ifndef BHD_BASE_CLOCK_H
#define BHD_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds on a clock that never steps back (CLOCK_MONOTONIC). */
uint64_t bhd__monotonic_ns(void);
/* Nanoseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME). */
uint64_t bhd__utc_ns(void);
/* `seconds` as nanoseconds; not more than UINT64_MAX / 2. */
uint64_t bhd__seconds_to_ns(double seconds);
/* Writes "2026-01-31T23:59:59.123456789Z"; every value has one, the last is in 2554. `buffer` has
 * BHD_TIMESTAMP_SIZE. */
void bhd__timestamp(uint64_t utc_ns, char *buffer);

#endif
