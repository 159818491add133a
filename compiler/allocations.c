#include "allocations.h"

#include "outcome.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

/* From here on a block is a mapping of its own, and goes back when it is freed. The largest that
 * the C library takes: below, growing vectors would fault every page in again at each step. */
enum { BIG_BLOCK = 32 << 20 };

/* Of big blocks, at once. Any thread raises it. */
static _Atomic(size_t) most_in_big_blocks;

bool compiler_set_heap(uint32_t threads)
{
    errno = EINVAL;
    /* Fewer make threads wait for each other; more are never used. */
    return mallopt(M_ARENA_MAX, (int)threads + 1) == 1 && mallopt(M_TRIM_THRESHOLD, -1) == 1 &&
           mallopt(M_MMAP_THRESHOLD, BIG_BLOCK) == 1;
}

static void note_big_blocks(void)
{
    size_t now = mallinfo2().hblkhd;
    size_t most = atomic_load_explicit(&most_in_big_blocks, memory_order_relaxed);
    while (now > most &&
           !atomic_compare_exchange_weak_explicit(&most_in_big_blocks, &most, now,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

uint64_t compiler_peak_bytes(void)
{
    note_big_blocks();
    return (uint64_t)mallinfo2().arena +
           atomic_load_explicit(&most_in_big_blocks, memory_order_relaxed);
}

_Noreturn static void out_of_memory(size_t wanted)
{
    bhd__compile_report *report = compiler_report();
    report->wanted_bytes = wanted;
    report->peak_bytes = compiler_peak_bytes();
    compiler_end(BHD__VERDICT_OUT_OF_MEMORY);
}

static void *checked(void *block, size_t size)
{
    if (!block && size > 0)
        out_of_memory(size);
    if (size >= BIG_BLOCK)
        note_big_blocks();
    return block;
}

/* -- in place of the C library's -------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_memalign(size_t alignment, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_memalign(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    return checked(__real_malloc(size), size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        bytes = SIZE_MAX;
    return checked(__real_calloc(count, size), bytes);
}

void *__wrap_realloc(void *old, size_t size)
{
    return checked(__real_realloc(old, size), size);
}

void *__wrap_memalign(size_t alignment, size_t size)
{
    return checked(__real_memalign(alignment, size), size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return checked(__real_aligned_alloc(alignment, size), size);
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size)
{
    int failed = __real_posix_memalign(block, alignment, size);
    if (failed == 0 || failed == ENOMEM)
        (void)checked(failed == 0 ? *block : NULL, size);
    return failed;
}
