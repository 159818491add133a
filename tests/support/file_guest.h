/*
 * A guest that does one thing with files when a test says so: guests/wasi/files.wat in a sandbox,
 * with a directory of its own that is granted to it as descriptor 3.
 *
 * Numbers that the functions give back are those of preview 1; 0 is success.
 */
#ifndef BHD_TESTS_FILE_GUEST_H
#define BHD_TESTS_FILE_GUEST_H

#include "support/real_guest.h"

/* Error numbers of preview 1. */
enum {
    WASI_ACCES = 2,
    WASI_AGAIN = 6,
    WASI_BADF = 8,
    WASI_DQUOT = 19,
    WASI_EXIST = 20,
    WASI_FBIG = 22,
    WASI_INVAL = 28,
    WASI_ISDIR = 31,
    WASI_NFILE = 41,
    WASI_LOOP = 32,
    WASI_NOENT = 44,
    WASI_NOTDIR = 54,
    WASI_NOTEMPTY = 55,
    WASI_NOTSUP = 58,
    WASI_PERM = 63,
};

/* Flags of path_open. */
enum { OPEN_CREATE = 1, OPEN_DIRECTORY = 2, OPEN_EXCLUSIVE = 4, OPEN_TRUNCATE = 8 };
enum { RIGHT_READ = 2, RIGHT_WRITE = 64 };
enum { FLAG_APPEND = 1 };

/* Threads that the pool may start beside those that are held: one that has answered may not yet
 * be known as free, the more so on a busy machine. */
#define SPARE_THREADS 8

typedef struct file_guest {
    char root[64], data[80]; /* the directory is `data` */
    bhd_host *host;
    bhd_directory directory;
    bhd_capabilities asked;
    bhd_component *component;
    bhd_sandbox *sandbox;
} file_guest;

/* `quota` 0: the default. */
void files_begin(file_guest *f, uint64_t quota, double timeout_seconds);
/* One more sandbox, of a component of its own, in the host and the directory of another. */
void files_beside(file_guest *f, const file_guest *other, double timeout_seconds);
/* A new sandbox of the component. */
void files_again(file_guest *f);
void files_end(file_guest *f);

/* The path on the host of what is in the directory; valid until the next call but three. */
const char *files_path(const file_guest *f, const char *name);
void files_put(const file_guest *f, const char *name, const char *text);
/* What the disk gives to it. */
uint64_t files_disk_bytes(const file_guest *f, const char *name);

/* Of descriptor 3, following a link at the end. `*fd` is set on success. */
int32_t files_open(file_guest *f, const char *path, int32_t flags, int64_t rights, int32_t *fd);
int32_t files_close(file_guest *f, int32_t fd);
/* `at` -1: at the position of the descriptor. `*done` may be NULL. */
int32_t files_write(file_guest *f, int32_t fd, const void *data, size_t size, int64_t at,
                    uint32_t *done);
int32_t files_read(file_guest *f, int32_t fd, void *data, size_t size, uint32_t *done);
/* A function of a path on descriptor 3, `name` one of path_create_directory,
 * path_remove_directory, path_unlink_file. */
int32_t files_do(file_guest *f, const char *name, const char *path);
/* Puts a path into the memory, at place 0 or 1, and gives its length. */
int32_t files_text(file_guest *f, int place, const char *path);
/* Where the paths, and where a buffer of 64 KiB, are in the memory of the guest. */
enum { TEXT_0 = 0, TEXT_1 = 8192, RESULT_AT = 16384, VECTOR_AT = 16640, BUFFER_AT = 65536 };

/* Reads the directory from `cookie` on, with a buffer of `size`: how many bytes there are. */
int32_t files_list(file_guest *f, int32_t fd, uint64_t cookie, uint32_t size, uint32_t *used);
uint32_t files_u32(file_guest *f, uint64_t at);
uint64_t files_u64(file_guest *f, uint64_t at);

#endif
