/*
 * The cache of artefacts: a directory in which each entry is named by the content of the binary.
 *
 *     DIRECTORY/IDENTITY/KEY    artefact, description, trailer (cache_entry.h)
 *     DIRECTORY/bulkhead-total  what all of them weigh (cache_total.h)
 *
 * Whoever can write an entry can run code in every program that reads it. So the directory, those
 * above it as far as others could replace it (cache_place.h), and each entry have to be the
 * effective user's or root's, with nobody else allowed to write; no link is followed but one of
 * these two above the directory; and what was checked is the descriptor that is used. An entry
 * comes to be without a name and is linked when it is whole; what is damaged, cut, foreign or of
 * another key is removed and counts as missing.
 *
 * A checksum is in each entry, not a signature: who can write the one can write the other.
 *
 * What is kept together stays within `max_bytes`, counted in blocks of 4 KiB over all identities.
 * What another build has kept goes first, then what was used longest ago, to the hour: the file's
 * time of modification, which nothing else changes. An entry of more than a quarter of the bound is
 * not kept.
 */
#ifndef BHD_COMPILE_CACHE_H
#define BHD_COMPILE_CACHE_H

#include "bulkhead/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One for a host; any thread. Other processes may use the same directory. */
typedef struct bhd__cache bhd__cache;

/* Who compiled how, as the name of a directory: 64 hexadecimal digits, the first half of them the
 * build's alone, so that what another build has left is told from what another configuration of
 * this one has. */
typedef struct bhd__cache_identity {
    char digits[65];
} bhd__cache_identity;

/* An entry: of whom, and the SHA-256 of the binary in hexadecimal digits. */
typedef struct bhd__cache_key {
    char identity[65], binary[65];
} bhd__cache_key;

typedef struct bhd__cache_entry {
    int file; /* the caller's to close; the artefact begins at 0, the description follows it */
    uint64_t artifact_bytes, description_bytes;
    uint64_t compile_ns, compile_bytes; /* what compiling took */
} bhd__cache_entry;

typedef struct bhd__cache_stats {
    uint64_t hits, misses, kept, evicted;
    uint64_t damaged; /* entries found and not believed; they are misses too */
} bhd__cache_stats;

/* `configuration` is whatever artefacts depend on besides, as bytes; what the processor can is
 * added to it. One for a host and each way in which it compiles. */
bhd__cache_identity bhd__cache_identity_of(const char *build, const void *configuration,
                                           size_t size);
bhd__cache_key bhd__cache_key_of(const bhd__cache_identity *identity, const void *binary,
                                 size_t size);

/* Looks at the directory, makes it if it is missing, and holds it: a later chdir, chroot or rename
 * changes nothing. If it is removed, nothing is found or kept any more. A directory that cannot be
 * used: BHD_FILE_UNREADABLE with the reason and what to do; one that can only be read is used as it
 * is. BHD_INVALID_ARGUMENT, BHD_HOST_OUT_OF_MEMORY. */
bhd_status bhd__cache_new(const char *directory, uint64_t max_bytes, bhd__cache **cache,
                          bhd_error *error);
/* NULL does nothing. */
void bhd__cache_free(bhd__cache *cache);

/* A whole, checked entry. */
bool bhd__cache_find(bhd__cache *cache, const bhd__cache_key *key, bhd__cache_entry *entry);
/* The entry was whole, and whoever reads what is in it refused it: it goes, so that another can
 * take its place. Counts as damaged. */
void bhd__cache_drop(bhd__cache *cache, const bhd__cache_key *key);
/* Best effort: what cannot be kept is not kept, and what was used longest ago goes when there is no
 * room. May wait for others who keep at the same time, not longer than half a second. Takes nothing
 * of the caller's. */
void bhd__cache_keep(bhd__cache *cache, const bhd__cache_key *key, const bhd__cache_entry *entry);
void bhd__cache_get_stats(const bhd__cache *cache, bhd__cache_stats *stats);

#endif
