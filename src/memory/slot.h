/*
 * One slot: a mapping of [guard][reservation][guard] of which the first bytes of the reservation
 * are accessible. Knows how to map, resize, clean and unmap itself; the pool (slots.c) knows when.
 *
 * A slot belongs to one thread at a time, or to the pool's lists under the pool's lock. The list
 * fields are the pool's.
 *
 * What always holds of a slot that is not `unknown`:
 * - exactly [0, bytes) is accessible;
 * - nothing outside [0, bytes) is resident or swapped out;
 * - while it is free, every byte of it is zero, and nothing from `kept_end` on is resident.
 */
#ifndef BHD_MEMORY_SLOT_H
#define BHD_MEMORY_SLOT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct bhd__slot bhd__slot;

/* The same for all slots of a pool, which outlives them. */
typedef struct bhd__slot_shape {
    uint64_t reservation_bytes;
    uint64_t guard_bytes;
    uint64_t span_bytes; /* the whole mapping */
    uint64_t keep_bytes;
} bhd__slot_shape;

struct bhd__slot {
    const bhd__slot_shape *shape;
    uint8_t *base; /* of the reservation; never moves */
    uint64_t bytes;
    uint64_t kept_end;
    uint64_t kept_bytes; /* resident when it was cleaned last */
    bool unknown;        /* a call failed half-way: never hand it out again */

    bhd__slot *newer, *older; /* all free slots, in the order in which they came back */
    bhd__slot *below;         /* the next older free slot of the same size */
    bhd__slot *next_size;     /* the newest free slot of another size in the same bucket */
};

/* Maps a zeroed descriptor with nothing accessible. 0 or errno; on failure nothing is mapped. */
int bhd__slot_map(bhd__slot *slot, const bhd__slot_shape *shape);
/* Unmaps. -1 when the system refuses: then the address range stays taken for ever, inaccessible as
 * far as that can still be had, and nobody may use it. */
int bhd__slot_unmap(bhd__slot *slot);
/* Makes exactly [0, bytes) of a clean slot accessible. 0 or errno; after a failure the slot is as
 * before, or `unknown`. */
int bhd__slot_resize(bhd__slot *slot, uint64_t bytes);
/* Makes every byte zero, with at most keep_bytes resident. -1: it may hold what a tenant wrote. */
int bhd__slot_clean(bhd__slot *slot);

/* Gives back what a clean slot keeps. -1: the system refused; it is as clean as before. */
int bhd__slot_drop_kept(bhd__slot *slot);

#endif
