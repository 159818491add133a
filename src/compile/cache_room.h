/*
 * What is in a cache, all identities together, and who has to go when there is no room.
 *
 * There is no index that could be wrong: before anything goes, the directory is read. Who changes
 * what counts (who publishes) holds the lock of the directory meanwhile, so that the bound is exact
 * however many processes write. Where there is no such lock (directories of the network), it is
 * exceeded by what writes at the same moment.
 */
#ifndef BHD_COMPILE_CACHE_ROOM_H
#define BHD_COMPILE_CACHE_ROOM_H

#include "compile/cache_entry.h"

/* What an entry is called while it is written where files cannot be without a name: this and 32
 * hexadecimal digits. */
#define BHD__CACHE_NEW_PREFIX "new-"
#define BHD__CACHE_NEW_DIGITS 32

typedef struct bhd__cache_seen {
    /* Without a key it is the directory of an identity that others may change. */
    char identity[BHD__CACHE_DIGITS + 1], key[BHD__CACHE_DIGITS + 1];
    uint64_t bytes;      /* of the file; 0 when it is none */
    int64_t used_at;     /* seconds since 1970; below 0 when the time lies ahead */
    const char *problem; /* that can be seen from outside, or NULL; static */
} bhd__cache_seen;

typedef struct bhd__cache_list {
    bhd__cache_seen *entries; /* bhd__free */
    size_t count, capacity;
    uint64_t weight; /* of all, and of what is being written under a name */
} bhd__cache_list;

typedef enum bhd__cache_scan_for {
    BHD__CACHE_SCAN_ROOM, /* takes away what writers have left that are no more */
    BHD__CACHE_SCAN_SHOW, /* changes nothing; directories that others may change are in the list */
    BHD__CACHE_SCAN_CLEAR /* both, and takes away directories that are empty */
} bhd__cache_scan_for;

/* Adds what is there to the zeroed `list`. False with errno, ENOMEM without memory; the list is to
 * be freed even then. */
bool bhd__cache_scan(int directory, bhd__cache_scan_for what, bhd__cache_list *list);

/*
 * Orders the list as it has to go: what another build has kept, then what was used longest ago.
 * `identity` is one of this build.
 */
void bhd__cache_order(bhd__cache_list *list, const char *identity);

/* The lock, on a descriptor to be closed; -1 when somebody else has it all the time. `*is_held` is
 * false where there are no such locks. */
int bhd__cache_lock(int directory, bool *is_held);

typedef struct bhd__cache_room {
    const char *identity; /* of what is coming */
    uint64_t coming, max_bytes;
    bool is_locked;
} bhd__cache_room;

/* If what is coming does not fit, removes what has to go until all is nine tenths of `max_bytes`
 * at most, and adds to `*evicted`. False when there is no room for it. */
bool bhd__cache_make_room(int directory, const bhd__cache_room *room, uint64_t *evicted);

/* Two identities are of one build. */
bool bhd__cache_same_build(const char *identity, const char *other);

#endif
