/*
 * A cache in a directory of its own, with artefacts that are made up: their bytes follow from a
 * number, so that whoever finds one knows what has to be in it.
 */
#ifndef BHD_TESTS_CACHE_KIT_H
#define BHD_TESTS_CACHE_KIT_H

#include "compile/cache.h"

#include <limits.h>

/* A new, empty directory; `cache_kit_end` removes it with all that is in it. */
typedef struct cache_kit {
    char directory[PATH_MAX];
} cache_kit;

cache_kit cache_kit_begin(void);
void cache_kit_end(cache_kit *kit);

/* A cache there; fails the test if there is none. */
bhd__cache *cache_kit_cache(const cache_kit *kit, uint64_t max_bytes);

/* Added to a number: the same binary, compiled otherwise by the same build, or by an older one. */
#define CACHE_KIT_SISTER 1000000u
#define CACHE_KIT_OLDER 2000000u
bhd__cache_key cache_kit_key(unsigned number);
/* A memory file with an artefact of `artifact_bytes` and a description of `description_bytes`. */
int cache_kit_output(unsigned number, size_t artifact_bytes, size_t description_bytes);
/* Keeps what is in `output`. */
void cache_kit_put(bhd__cache *cache, const bhd__cache_key *key, int output,
                   uint64_t artifact_bytes, uint64_t description_bytes);
void cache_kit_keep(bhd__cache *cache, unsigned number, size_t artifact_bytes,
                    size_t description_bytes);
/* What is found is that, byte by byte; false when it is something else. Closes it. */
bool cache_kit_is(bhd__cache_entry *entry, unsigned number, size_t artifact_bytes,
                  size_t description_bytes);
/* Found, and right; fails the test when found and wrong. */
bool cache_kit_finds(bhd__cache *cache, unsigned number, size_t artifact_bytes,
                     size_t description_bytes);

/* The path of an entry, and of the directory that it is in, in PATH_MAX bytes. */
void cache_kit_path(const cache_kit *kit, unsigned number, char *path);
void cache_kit_identity_path(const cache_kit *kit, unsigned number, char *path);
/* What entries weigh is counted anew when the next one is kept. */
void cache_kit_count_anew(const cache_kit *kit);
/* Files and directories beneath the directory, and what their files weigh; without the file that
 * remembers the total. */
typedef struct cache_kit_content {
    size_t files, directories;
    uint64_t weight;
} cache_kit_content;
cache_kit_content cache_kit_look(const cache_kit *kit);

bhd__cache_stats cache_kit_stats(const bhd__cache *cache);

#endif
