/*
 * What this process may still map, and what to tell a user when the system says no. Slots and
 * stacks ask here, so that both give the same reasons and the same advice.
 *
 * No state of its own; any thread. Asks /proc and getrlimit, so nothing that is called often.
 */
#ifndef BHD_MEMORY_ADDRESS_SPACE_H
#define BHD_MEMORY_ADDRESS_SPACE_H

#include "bulkhead/error.h"

typedef struct bhd__address_space {
    uint64_t usable; /* bytes that reservations may take in all, other mappings allowed for */
    uint64_t limit;  /* RLIMIT_AS in bytes; UINT64_MAX when there is none */
    uint64_t used;   /* bytes mapped now; 0 when the system does not say */
} bhd__address_space;

void bhd__address_space_get(bhd__address_space *space);

/* BHD_NO_CAPACITY: reserving `bytes` for a `what` ("slot") failed with errno `reason`. */
bhd_status bhd__fail_reserve(bhd_error *error, const char *what, uint64_t bytes, int reason);
/* BHD_NO_CAPACITY: making `bytes` of a `what` accessible failed with errno `reason`. */
bhd_status bhd__fail_protect(bhd_error *error, const char *what, uint64_t bytes, int reason);

#endif
