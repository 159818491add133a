/*
 * What a series of measurements says: the median and how far the rest lies from it.
 *
 * A plain value that belongs to the caller; no locks.
 */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BENCH_SAMPLES_MAX 512

typedef struct samples {
    size_t count;
    double values[BENCH_SAMPLES_MAX];
} samples;

typedef struct summary {
    double median, minimum, maximum;
} summary;

static inline void samples_add(samples *series, double value)
{
    assert(series->count < BENCH_SAMPLES_MAX);
    series->values[series->count++] = value;
}

static inline int samples_order(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Of at least one value. */
static inline summary samples_summary(const samples *series)
{
    double sorted[BENCH_SAMPLES_MAX];
    size_t n = series->count;
    assert(n > 0);
    memcpy(sorted, series->values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, samples_order);
    return (summary){(sorted[(n - 1) / 2] + sorted[n / 2]) / 2, sorted[0], sorted[n - 1]};
}

#endif
