/*
 * Checked size arithmetic: false on overflow, the result written only on success.
 */
#ifndef BHD_BASE_CHECKED_H
#define BHD_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

static inline bool bhd__add_u64(uint64_t a, uint64_t b, uint64_t *sum)
{
    uint64_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *sum = r;
    return true;
}

static inline bool bhd__mul_u64(uint64_t a, uint64_t b, uint64_t *product)
{
    uint64_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *product = r;
    return true;
}

/* a - b, or 0 when b is larger. */
static inline uint64_t bhd__sub_floor_u64(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

#endif
