/*
 * The process's heap: the first allocation that fails is the verdict.
 *
 * Left alone, a failed allocation becomes an abort, a panic or an error text, depending on who
 * asked. So the linker puts allocations.c between everything in the program and the C library's
 * allocator (--wrap), and a request that cannot be met ends the process with the size that was
 * wanted.
 */
#ifndef BHD_COMPILER_ALLOCATIONS_H
#define BHD_COMPILER_ALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Before the first thread. False with errno. */
bool compiler_set_heap(uint32_t threads);

/*
 * The most that the heap took from the system, or a little more: what it holds for small blocks, of
 * which it gives nothing back, and the most that it held at once for big ones. It is what
 * RLIMIT_DATA counts, without stacks and the program's own data. Takes the allocator's locks.
 */
uint64_t compiler_peak_bytes(void);

#endif
