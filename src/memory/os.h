/*
 * The one contract for everything that the memory room asks of the system. A test replaces single
 * calls to make them fail. Set before the first use and not while other threads use the room.
 *
 * The real calls may be made from any thread. They keep one descriptor of /proc/self/pagemap and
 * one page for the life of the process; both are made at the first scan.
 */
#ifndef BHD_MEMORY_OS_H
#define BHD_MEMORY_OS_H

#include <stddef.h>
#include <stdint.h>

/* What PAGEMAP_SCAN says of one run of pages. */
typedef struct bhd__os_run {
    uint64_t start, end; /* addresses */
    int swapped;         /* else present */
} bhd__os_run;

typedef struct bhd__os {
    /* Inaccessible, private, unreserved address space; NULL and errno on failure. */
    void *(*reserve)(size_t bytes);
    int (*unmap)(void *address, size_t bytes);
    int (*protect)(void *address, size_t bytes, int accessible);
    /* Gives pages back; they read as zero afterwards. */
    int (*discard)(void *address, size_t bytes);
    /*
     * Finds pages in [start, end) that a tenant may have left something in: present or swapped
     * out, and not the zero page. Fills at most `capacity` runs, sets `*walked` to the address up
     * to which the answer holds, and returns the number of runs, or -1 if the kernel cannot say.
     */
    long (*dirty)(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                  uint64_t *walked);
    /* Leaves the range out of core dumps; a hint that may be lost. */
    void (*hide)(void *address, size_t bytes);
} bhd__os;

const bhd__os *bhd__os_get(void);
/* NULL puts the real one back. */
void bhd__os_replace(const bhd__os *os);

size_t bhd__os_page_bytes(void);

#endif
