/*
 * The one door to the heap. Nothing else in src/ calls malloc, so that a test can make any single
 * allocation fail (bhd__alloc_fail_at) and see that nothing leaks and nothing is half done.
 *
 * Any thread. Every function returns NULL on failure and on arithmetic overflow.
 */
#ifndef BHD_BASE_ALLOC_H
#define BHD_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

void *bhd__malloc(size_t size);
void *bhd__calloc(size_t count, size_t size);
/* On failure `old` is still there. */
void *bhd__realloc_array(void *old, size_t count, size_t size);
char *bhd__strdup(const char *text);
char *bhd__strndup(const char *text, size_t length);
void bhd__free(void *pointer);

/* Gives the system what the allocator of the process holds and nobody uses, where it can (glibc).
 * Takes a tenth of a millisecond for each MiB given back, and other threads that allocate wait. */
void bhd__alloc_trim(void);

/* Tests: the `nth` allocation from now (1 is the next) fails, and all after it if `onwards` is not
 * 0. 0 switches it off. */
void bhd__alloc_fail_at(uint64_t nth, int onwards);
/* Tests: allocations since the start of the process, and those not yet freed. */
uint64_t bhd__alloc_count(void);
uint64_t bhd__alloc_live(void);

#endif
