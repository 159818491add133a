/*
 * Whether a directory is a place to run code from: nobody but the effective user and root can
 * change what is in it, or put another in its place. Any thread.
 */
#ifndef BHD_COMPILE_CACHE_PLACE_H
#define BHD_COMPILE_CACHE_PLACE_H

#include "bulkhead/error.h"

#include <sys/stat.h>

/* What is wrong with it as a directory or an entry, or NULL: it is not of the type, it belongs to
 * somebody else, or others may write to it. */
const char *bhd__cache_place_problem(const struct stat *about, mode_t type);

/*
 * Opens the directory at `path`. Looked at from the root down: each directory on the way has to be
 * the effective user's or root's, and if others may write to it, they may not move what is in it
 * (the sticky bit of /tmp). A link on the way has to belong to one of the two; the last part of the
 * path may not be one. What is missing is made for the user alone if `make`.
 *
 * The caller closes `*directory`. BHD_FILE_UNREADABLE says which part is not as it has to be, why,
 * and what to do; BHD_FILE_NOT_FOUND, only without `make`; BHD_HOST_OUT_OF_MEMORY.
 */
bhd_status bhd__cache_place_open(const char *path, bool make, int *directory, bhd_error *error);

/* The directory `name` in `directory`, checked; -1 with errno, EPERM when it was refused. */
int bhd__cache_place_beneath(int directory, const char *name, bool make);

#endif
