/*
 * Slots: where linear memories live.
 *
 * A slot is a range of address space that is reserved whole, guarded on both sides, and made
 * accessible exactly as far as its memory reaches. Slots are mapped when first needed and recycled:
 * a slot that is given back is made clean (every page that a tenant wrote is zero or gone, also one
 * that was swapped out) before anybody can acquire it. A slot that cannot be made clean is unmapped
 * and never used again.
 *
 * A pool is shared by all threads of a host; one lock guards its lists, cleaning happens outside
 * it. One slot belongs to one thread at a time. The pool knows nothing of limits: whoever acquires
 * or grows has been asked already.
 */
#ifndef BHD_MEMORY_SLOTS_H
#define BHD_MEMORY_SLOTS_H

#include "bulkhead/error.h"

typedef struct bhd__slots bhd__slots;
typedef struct bhd__slot bhd__slot;

/* How memory is kept from being reached beyond its size. */
typedef enum bhd__slots_mode {
    BHD__SLOTS_GUARD = 0, /* inaccessible pages up to the end of the reservation and beyond */
} bhd__slots_mode;

typedef struct bhd__slots_options {
    bhd__slots_mode mode;
    uint64_t reservation_bytes; /* that compiled code may address without a check: 4 GiB */
    uint64_t guard_bytes;       /* inaccessible on each side, beyond the reservation */
    uint64_t max_slots;         /* more are "no capacity" */
    uint64_t keep_bytes;        /* resident bytes that a free slot may keep, zeroed */
    uint64_t keep_all_bytes;    /* and all free slots together */
} bhd__slots_options;

typedef struct bhd__slots_stats {
    uint64_t slots; /* mapped: in use and free */
    uint64_t in_use;
    uint64_t retired;        /* unmapped because they could not be made clean, ever */
    uint64_t reserved_bytes; /* address space */
    uint64_t kept_bytes;     /* at most this much is resident in free slots */
} bhd__slots_stats;

/* BHD_INVALID_ARGUMENT when sizes are not multiples of the page size, or max_slots slots cannot fit
 * the address space of a process or its RLIMIT_AS; the message says how many fit. */
bhd_status bhd__slots_new(const bhd__slots_options *options, bhd__slots **slots, bhd_error *error);
/* All slots must be back. NULL does nothing. */
void bhd__slots_free(bhd__slots *slots);

/*
 * A clean slot whose first `bytes` bytes (a multiple of the page size, 0 allowed, at most
 * reservation_bytes) are accessible and zero; nothing else of it is accessible. Prefers a free slot
 * that was last given back at the same accessible size, then the one given back last.
 * BHD_NO_CAPACITY when max_slots are in use, or when the system has no address space or mappings
 * left; nothing changes then.
 */
bhd_status bhd__slots_acquire(bhd__slots *slots, uint64_t bytes, bhd__slot **slot,
                              bhd_error *error);
/* Makes the first `bytes` bytes accessible; never shrinks, never moves. On failure
 * (BHD_NO_CAPACITY, or BHD_INVALID_ARGUMENT beyond the reservation) the size is as before. */
bhd_status bhd__slot_grow(bhd__slot *slot, uint64_t bytes, bhd_error *error);
/* Cleans the slot and gives it back, or retires it. Never fails towards the caller. */
void bhd__slots_release(bhd__slots *slots, bhd__slot *slot);

uint8_t *bhd__slot_base(const bhd__slot *slot);
uint64_t bhd__slot_bytes(const bhd__slot *slot);
uint64_t bhd__slot_reservation(const bhd__slot *slot);

void bhd__slots_get_stats(const bhd__slots *slots, bhd__slots_stats *stats);

#endif
