/*
 * What counts of what a guest writes into directories, and whether there is enough left.
 *
 * The space that the disk gives counts, or the bytes that are written, whichever is more in all. So
 * of a block that was paid for, what is not yet written is credit for bytes. What a write costs is
 * only known when the file was looked at, which may be on another thread: so the most that it may
 * cost is reserved before, and settled afterwards.
 *
 * For the thread that runs the guest; what is reserved may be looked at by any.
 */
#ifndef BHD_GRANTS_DISK_QUOTA_H
#define BHD_GRANTS_DISK_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

/* What a new directory, link or file counts, however empty it is. */
#define BHD__QUOTA_ENTRY_BYTES 4096u
/* What a hole counts, however large, that a file grows by. */
#define BHD__QUOTA_HOLE_BYTES 4096u

typedef struct bhd__quota {
    uint64_t used;   /* never more than what is granted */
    uint64_t credit; /* bytes that were paid for as space */
} bhd__quota;

typedef struct bhd__reserved {
    uint64_t space;  /* of what is left */
    uint64_t credit; /* of the credit */
} bhd__reserved;

/* `most` is what was granted, here and below. */
uint64_t bhd__quota_left(const bhd__quota *quota, uint64_t most);
/* Bytes that may be written where there is space already. */
uint64_t bhd__quota_writable(const bhd__quota *quota, uint64_t most);
/* False: there is less left, and nothing is taken. */
bool bhd__quota_take(bhd__quota *quota, uint64_t most, uint64_t bytes);
void bhd__quota_give(bhd__quota *quota, uint64_t bytes);

/* For a write of so many bytes that takes up to `space` of the disk: as much as there is. */
bhd__reserved bhd__quota_reserve(bhd__quota *quota, uint64_t most, uint64_t space, uint64_t bytes);
/* Whether what was reserved, and not spent on what was written of it already, pays for `bytes` that
 * take `space` of the disk. */
bool bhd__reserved_pays(const bhd__reserved *reserved, uint64_t spent, uint64_t space,
                        uint64_t bytes);
/* When it did not: all of it, without credit, which may be gone by the time of the next look.
 * False: there is less left, and nothing is taken. */
bool bhd__quota_reserve_whole(bhd__quota *quota, uint64_t most, uint64_t space, uint64_t bytes,
                              bhd__reserved *reserved);
/* Pays what was written out of what was reserved, and gives the rest back. */
void bhd__quota_settle(bhd__quota *quota, uint64_t most, const bhd__reserved *reserved,
                       uint64_t space, uint64_t bytes);

#endif
