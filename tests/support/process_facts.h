/*
 * What the system says about this process: how much it holds, and what time it is.
 */
#ifndef BHD_TESTS_PROCESS_FACTS_H
#define BHD_TESTS_PROCESS_FACTS_H

#include <stdint.h>

/* Resident bytes, out of /proc/self/statm. */
uint64_t process_resident_bytes(void);
/* Reserved address space, out of the same. */
uint64_t process_address_bytes(void);
/* Lines of /proc/self/maps. */
uint64_t process_mappings(void);
/* Entries of /proc/self/task and of /proc/self/fd. */
uint64_t process_threads(void);
uint64_t process_descriptors(void);
/* CLOCK_MONOTONIC. */
double process_seconds(void);

#endif
