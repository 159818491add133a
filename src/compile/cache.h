/*
 * The cache of artefacts: a directory in which each entry is named by the content of the binary.
 *
 *     DIRECTORY/IDENTITY/KEY    artefact, description, trailer
 *
 * Whoever can write an entry can run code in every program that reads it. So the directory, those
 * above it as far as others could replace it, and each entry have to be the effective user's or
 * root's, with nobody else allowed to write; nothing that is a link is followed; and what was
 * checked is the descriptor that is used. An entry comes to be without a name and is linked when it
 * is whole; what is damaged, cut, foreign or of another key is removed and counts as missing.
 */
#ifndef BHD_COMPILE_CACHE_H
#define BHD_COMPILE_CACHE_H

#include "bulkhead/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One for a host; any thread. Other processes may use the same directory. */
typedef struct bhd__cache bhd__cache;

/* Hexadecimal digits of the SHA-256 of the binary, terminated. */
typedef struct bhd__cache_key {
    char digits[65];
} bhd__cache_key;

typedef struct bhd__cache_entry {
    int file; /* the caller's to close; the artefact begins at 0, the description follows it */
    uint64_t artifact_bytes, description_bytes;
} bhd__cache_entry;

typedef struct bhd__cache_stats {
    uint64_t hits, misses, kept, evicted;
    uint64_t damaged; /* entries found and not believed */
} bhd__cache_stats;

/* `identity` names who compiled how: build of the engine, configuration, processor; a file name.
 * Makes the directories that are missing. A directory that cannot be used: BHD_FILE_UNREADABLE with
 * the reason and what to do. Also BHD_HOST_OUT_OF_MEMORY. */
bhd_status bhd__cache_new(const char *directory, const char *identity, uint64_t max_bytes,
                          bhd__cache **cache, bhd_error *error);
/* NULL does nothing. */
void bhd__cache_free(bhd__cache *cache);

bhd__cache_key bhd__cache_key_of(const void *binary, size_t size);

/* A whole, checked entry. */
bool bhd__cache_find(bhd__cache *cache, const bhd__cache_key *key, bhd__cache_entry *entry);
/* `output`: artefact, then description. Best effort: what cannot be kept is not kept, and what was
 * used longest ago goes when there is no room. Takes nothing of the caller's. */
void bhd__cache_keep(bhd__cache *cache, const bhd__cache_key *key, int output,
                     uint64_t artifact_bytes, uint64_t description_bytes);
void bhd__cache_get_stats(const bhd__cache *cache, bhd__cache_stats *stats);

#endif
