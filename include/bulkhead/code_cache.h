/**
 * \file bulkhead/code_cache.h
 *
 * Looking after a cache of compiled code: what is in it, whether it is whole, and away with it.
 *
 * The cache is a directory of files that hosts share, whatever program they are in. Each entry is
 * named by the SHA-256 of the binary, in a directory that is named by who compiled it how. These
 * functions need no host and may be called while hosts use the same cache. They follow no link,
 * and what is not named like an entry they neither show nor touch.
 */
#ifndef BULKHEAD_CODE_CACHE_H
#define BULKHEAD_CODE_CACHE_H

#include "error.h"

/** Bytes that a cache may take if nobody says otherwise. */
#define BHD_CODE_CACHE_BYTES UINT64_C(1073741824)

/** One entry, valid while it is shown. Made by the library, and may get longer at its end. */
typedef struct bhd_code_cache_entry {
    /** The directory: 64 hexadecimal digits for build, configuration and processor. */
    const char *identity;
    /** The file: SHA-256 of the binary, in hexadecimal digits. Empty when the directory as a whole
     *  is not believed; `problem` says why. */
    const char *binary;
    /** What it takes of the cache's bound: its size in whole blocks of 4096 bytes. */
    uint64_t bytes;
    /** When it was last used, to the hour: seconds since 1970-01-01T00:00:00Z. */
    uint64_t used_at;
    /** Compiled by this build of the library; what another one has compiled is never used again
     *  by this one and goes first. */
    bool is_current;
    /** What is wrong with it, "its content is damaged", or NULL. */
    const char *problem;
} bhd_code_cache_entry;

/** Called once for each entry, on the thread of the caller. */
typedef void (*bhd_code_cache_visit)(void *env, const bhd_code_cache_entry *entry);

BHD_BEGIN_DECLS

/**
 * Shows every entry, that which was used last first. Reads no content: `problem` is only what can
 * be seen from outside (no regular file, somebody else's, others may write to it).
 *
 * BHD_FILE_NOT_FOUND: there is no such directory. BHD_FILE_UNREADABLE: it is none to run code from,
 * because others could change what is in it; the message says what to do. BHD_INVALID_ARGUMENT,
 * BHD_HOST_OUT_OF_MEMORY. Any thread; so with the others.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_code_cache_list(const char *directory,
                                                       bhd_code_cache_visit visit, void *env,
                                                       bhd_error *error);

/** The same, and reads every entry as a host does before it runs what is in it. Changes nothing. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_code_cache_verify(const char *directory,
                                                         bhd_code_cache_visit visit, void *env,
                                                         bhd_error *error);

/**
 * Removes every entry, what writers have left that are no more, the remembered total, and the
 * directories that are empty then; not `directory` itself. `visit` may be NULL; it is shown each
 * entry that was removed, and with a `problem` each that could not be. Hosts that have loaded one
 * go on with it.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_code_cache_clear(const char *directory,
                                                        bhd_code_cache_visit visit, void *env,
                                                        bhd_error *error);

BHD_END_DECLS

#endif
