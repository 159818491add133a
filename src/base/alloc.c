/*
 * The door to the heap and its two counters.
 *
 * Why it exists: every failure path has to be reachable from a test, and a leak has to be a number
 * that a test can compare. What it trades away: one relaxed atomic addition for each allocation.
 * Locks nothing; the state below is the library's only process-wide state besides the engine's.
 */
#include "base/alloc.h"

#include "base/checked.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* Allocations that were attempted. Written by every allocation; orders nothing. */
static _Atomic uint64_t attempted;
/* Allocations not yet freed. Written by every allocation and free; orders nothing. */
static _Atomic uint64_t live;
/* How many allocations from now the failing one is, 0: none. Written by tests and, while it is not
 * 0, by every allocation. Tests set it before the threads they watch begin. */
static _Atomic uint64_t fail_countdown;
/* Whether the failure stays. Written by tests before fail_countdown, which publishes it. */
static atomic_bool fail_onwards;

/* True when this allocation is the one that has to fail. */
static bool must_fail(void)
{
    uint64_t left = atomic_load_explicit(&fail_countdown, memory_order_acquire);
    while (left != 0) {
        if (left == 1 && atomic_load_explicit(&fail_onwards, memory_order_relaxed))
            return true;
        if (atomic_compare_exchange_weak_explicit(&fail_countdown, &left, left - 1,
                                                  memory_order_acquire, memory_order_acquire))
            return left == 1;
    }
    return false;
}

/* malloc and realloc in one. Never asks for 0 bytes, so that NULL always means failure. */
static void *obtain(void *old, size_t size)
{
    atomic_fetch_add_explicit(&attempted, 1, memory_order_relaxed);
    if (must_fail())
        return NULL;
    void *pointer = realloc(old, size == 0 ? 1 : size);
    if (pointer != NULL && old == NULL)
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return pointer;
}

void *bhd__malloc(size_t size)
{
    return obtain(NULL, size);
}

void *bhd__calloc(size_t count, size_t size)
{
    uint64_t bytes;
    if (!bhd__mul_u64(count, size, &bytes) || bytes > SIZE_MAX)
        return NULL;
    atomic_fetch_add_explicit(&attempted, 1, memory_order_relaxed);
    if (must_fail())
        return NULL;
    void *pointer = calloc(1, bytes == 0 ? 1 : (size_t)bytes);
    if (pointer != NULL)
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return pointer;
}

void *bhd__realloc_array(void *old, size_t count, size_t size)
{
    uint64_t bytes;
    if (!bhd__mul_u64(count, size, &bytes) || bytes > SIZE_MAX)
        return NULL;
    return obtain(old, (size_t)bytes);
}

char *bhd__strdup(const char *text)
{
    return bhd__strndup(text, strlen(text));
}

char *bhd__strndup(const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    /* `text` may end before `length`. */
    size_t used = strnlen(text, length);
    char *copy = bhd__malloc(used + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, used);
    copy[used] = '\0';
    return copy;
}

void bhd__free(void *pointer)
{
    if (pointer == NULL)
        return;
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    free(pointer);
}

void bhd__alloc_trim(void)
{
#ifdef __GLIBC__
    (void)malloc_trim(0);
#endif
}

void bhd__alloc_fail_at(uint64_t nth, int onwards)
{
    atomic_store_explicit(&fail_onwards, onwards != 0, memory_order_relaxed);
    atomic_store_explicit(&fail_countdown, nth, memory_order_release);
}

uint64_t bhd__alloc_count(void)
{
    return atomic_load_explicit(&attempted, memory_order_relaxed);
}

uint64_t bhd__alloc_live(void)
{
    return atomic_load_explicit(&live, memory_order_relaxed);
}
