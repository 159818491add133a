/*
 * Whole files into memory.
 *
 * Why not fopen: a path comes from a manifest or a command line, so it may name a directory, a pipe
 * that nobody writes to or a device. It is opened without waiting and then looked at.
 */
#include "base/file.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for a path in a message, so that the reason behind it is never cut off. */
#define SHOWN_PATH_SIZE 512

/* What is read and for whom; `shown` is the path made safe to show. */
typedef struct reading {
    const char *what;
    size_t limit;
    bhd_error *error;
    char shown[SHOWN_PATH_SIZE];
} reading;

static bhd_status fail_unreadable(const reading *r, const char *reason)
{
    return bhd__fail(r->error, BHD_FILE_UNREADABLE, "%s %s: cannot be read: %s", r->what, r->shown,
                     reason);
}

static bhd_status fail_errno(const reading *r, int number)
{
    if (number == ENOENT || number == ENOTDIR)
        return bhd__fail(r->error, BHD_FILE_NOT_FOUND, "%s %s: file not found", r->what, r->shown);
    if (number == ENOMEM)
        return bhd__fail_no_memory(r->error);
    return fail_unreadable(r, bhd__errno_text(number));
}

static bhd_status fail_too_large(const reading *r)
{
    return bhd__fail(r->error, BHD_FILE_TOO_LARGE, "%s %s: too large: at most %zu bytes are read",
                     r->what, r->shown, r->limit);
}

/* The size that the file says it has; it may still be another. */
static bhd_status look_at(const reading *r, int descriptor, struct stat *about, size_t *size)
{
    if (fstat(descriptor, about) != 0)
        return fail_errno(r, errno);
    if (S_ISDIR(about->st_mode))
        return fail_unreadable(r, "it is a directory");
    if (!S_ISREG(about->st_mode))
        return fail_unreadable(r, "it is not a regular file");
    if (about->st_size > 0 && (uint64_t)about->st_size > r->limit)
        return fail_too_large(r);
    *size = about->st_size > 0 ? (size_t)about->st_size : 0;
    return BHD_OK;
}

/* Reads to the end, whatever size the file announced. `file` is partly filled on failure. */
static bhd_status read_all(const reading *r, int descriptor, size_t announced, bhd__file *file)
{
    /* One byte for the terminator and one to see that the file ends where it should. */
    size_t capacity = announced < SIZE_MAX - 2 ? announced + 2 : SIZE_MAX;
    for (;;) {
        char *data = bhd__realloc_array(file->data, capacity, 1);
        if (data == NULL)
            return bhd__fail_no_memory(r->error);
        file->data = data;
        while (file->size < capacity - 1) {
            ssize_t got = read(descriptor, data + file->size, capacity - 1 - file->size);
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return fail_errno(r, errno);
            if (got == 0) {
                data[file->size] = '\0';
                return BHD_OK;
            }
            file->size += (size_t)got;
            if (file->size > r->limit)
                return fail_too_large(r);
        }
        capacity = capacity < SIZE_MAX / 2 ? capacity * 2 : SIZE_MAX;
    }
}

bhd_status bhd__file_read(const char *path, const char *what, size_t limit, bhd__file *file,
                          bhd_error *error)
{
    if (path == NULL || file == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "%s: no path was given", what);

    reading r = {.what = what, .limit = limit, .error = error};
    (void)bhd__text_show(r.shown, sizeof r.shown, path, SIZE_MAX);

    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0)
        return fail_errno(&r, errno);
    bhd__file read_file = {.data = NULL};
    size_t announced = 0;
    bhd_status status = look_at(&r, descriptor, &read_file.about, &announced);
    if (status == BHD_OK)
        status = read_all(&r, descriptor, announced, &read_file);
    close(descriptor);
    if (status == BHD_OK)
        *file = read_file;
    else
        bhd__free(read_file.data);
    return status;
}

char *bhd__path_beside(const char *path, const char *name, const char *suffix)
{
    const char *slash = strrchr(path, '/');
    size_t directory = name[0] == '/' || slash == NULL ? 0 : (size_t)(slash - path) + 1;
    size_t capacity = directory + strlen(name) + strlen(suffix) + 1;
    char *joined = bhd__malloc(capacity);
    if (joined == NULL)
        return NULL;
    bhd__text text;
    bhd__text_init(&text, joined, capacity);
    bhd__text_add_bytes(&text, path, directory);
    bhd__text_add(&text, name);
    bhd__text_add(&text, suffix);
    return joined;
}
