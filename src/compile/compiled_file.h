/*
 * Compiled code as a file of its own, for a host that has no compiler: an entry of the cache
 * (cache_entry.h) with a name that somebody chose. It is read whole, and what is read is checked.
 *
 * Nothing here is a signature. Whoever can write the file runs code in the process that loads it;
 * so the file has to be the effective user's or root's, and nobody else's to write. Any thread.
 */
#ifndef BHD_COMPILE_COMPILED_FILE_H
#define BHD_COMPILE_COMPILED_FILE_H

#include "bulkhead/error.h"
#include "compile/cache.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct bhd__precompiled {
    const uint8_t *artifact, *description;
    size_t artifact_bytes, description_bytes;
    bhd__cache_key key;
} bhd__precompiled;

/* Whether they claim to be that: code for this machine at the beginning, a trailer at the end. */
bool bhd__is_precompiled(const void *data, size_t size);

/* What is wrong with the bytes, or NULL: then the parts of `*precompiled` lie in them. Whether they
 * are of this build and configuration is the caller's to compare. */
const char *bhd__precompiled_read(const void *data, size_t size, bhd__precompiled *precompiled);

/* Whether nobody but the effective user and root could have written the file that `about` is of:
 * otherwise BHD_FILE_UNREADABLE says why and what to do. `path` is for the message, or NULL. */
bhd_status bhd__precompiled_check_owner(const struct stat *about, const char *path,
                                        bhd_error *error);

/*
 * Makes the file at `path`, readable by this user alone. It is there when it is whole; until then,
 * and if it fails, what was there before stays. Only a regular file of this user is replaced, and
 * no link is written through. BHD_INVALID_ARGUMENT: the path names something else.
 * BHD_FILE_NOT_FOUND: its directory is not there. BHD_FILE_UNREADABLE: it cannot be written, and
 * why. BHD_HOST_OUT_OF_MEMORY.
 */
bhd_status bhd__precompiled_write(const bhd__precompiled *precompiled, const char *path,
                                  bhd_error *error);

#endif
