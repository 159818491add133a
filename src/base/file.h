/*
 * Whole files into memory, with one clear error for each way that can fail. Any thread.
 */
#ifndef BHD_BASE_FILE_H
#define BHD_BASE_FILE_H

#include "bulkhead/error.h"

#include <sys/stat.h>

/* What the file is called in messages: "manifest", "component". */
typedef struct bhd__file {
    char *data; /* with a NUL behind the last byte; bhd__free */
    size_t size;
    struct stat about; /* of the descriptor that it was read from, before that */
} bhd__file;

/*
 * Reads at most `limit` bytes of the regular file at `path`. BHD_FILE_NOT_FOUND,
 * BHD_FILE_UNREADABLE (no permission, a directory, a device, an I/O error),
 * BHD_FILE_TOO_LARGE, BHD_HOST_OUT_OF_MEMORY; messages name `what`, the path and the reason.
 */
bhd_status bhd__file_read(const char *path, const char *what, size_t limit, bhd__file *file,
                          bhd_error *error);

/* The path that `name`, with `suffix` behind it, has where the file at `path` names it: relative to
 * the directory of that file; an absolute one is itself. bhd__free; NULL without memory. */
char *bhd__path_beside(const char *path, const char *name, const char *suffix);

#endif
