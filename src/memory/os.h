/*
 * The one contract for everything that the memory room asks of the system. A test replaces single
 * calls to make them fail. Set before the first use and not while other threads use the room.
 *
 * The real calls may be made from any thread, and keep nothing: no descriptor, which the program
 * could close or replace, and no state that fork would make wrong.
 */
#ifndef BHD_MEMORY_OS_H
#define BHD_MEMORY_OS_H

#include <stddef.h>
#include <stdint.h>

typedef struct bhd__os {
    /* Inaccessible, private, unreserved address space; NULL and errno on failure. */
    void *(*reserve)(size_t bytes);
    int (*unmap)(void *address, size_t bytes);
    int (*protect)(void *address, size_t bytes, int accessible);
    /* Gives pages back; they read as zero afterwards. */
    int (*discard)(void *address, size_t bytes);
    /*
     * Sets the lowest bit of one byte for each page of the range: whether the page is resident.
     * -1 if the system does not say, or not about all of it. A hint: a page that is not resident
     * may have been swapped out, and what was true may be so no longer.
     */
    int (*resident)(void *address, size_t bytes, unsigned char *pages);
    /* Leaves the range out of core dumps; a hint that may be lost. */
    void (*hide)(void *address, size_t bytes);
    /* The most that the kernel lays on a signal stack before the handler runs: the registers of
     * this processor, of which some have 11 KiB. */
    size_t (*signal_frame_bytes)(void);
} bhd__os;

const bhd__os *bhd__os_get(void);
/* NULL puts the real one back. */
void bhd__os_replace(const bhd__os *os);

size_t bhd__os_page_bytes(void);

#endif
