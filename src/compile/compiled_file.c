/*
 * Writing: a new file beside the old one, which it replaces when it is whole.
 *
 * Why not as the cache does, a file without a name that is linked: a link replaces nothing.
 */
#include "compile/compiled_file.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "compile/cache_entry.h"
#include "compile/cache_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* A path in a message, so that the reason behind it is never cut off. */
#define SHOWN_BYTES 400
#define NEW_NAME_BYTES 56

bool bhd__is_precompiled(const void *data, size_t size)
{
    static const char elf[] = "\x7f"
                              "ELF";
    uint64_t magic;
    if (size < sizeof(bhd__cache_trailer) || memcmp(data, elf, sizeof elf - 1) != 0)
        return false;
    memcpy(&magic,
           (const char *)data + size - sizeof(bhd__cache_trailer) +
               offsetof(bhd__cache_trailer, magic),
           sizeof magic);
    return magic == BHD__CACHE_MAGIC;
}

const char *bhd__precompiled_read(const void *data, size_t size, bhd__precompiled *precompiled)
{
    bhd__cache_trailer end;
    const char *problem = bhd__cache_entry_check_bytes(data, size, &end);
    if (problem != NULL)
        return problem;
    *precompiled = (bhd__precompiled){
        .artifact = data,
        .description = (const uint8_t *)data + end.artifact_bytes,
        .artifact_bytes = end.artifact_bytes,
        .description_bytes = end.description_bytes,
    };
    memcpy(precompiled->key.binary, end.key, sizeof end.key);
    memcpy(precompiled->key.identity, end.identity, sizeof end.identity);
    return NULL;
}

/* -- messages --------------------------------------------------------------------------------- */

typedef struct shown {
    char text[SHOWN_BYTES];
} shown;

static shown show(const char *path)
{
    shown result;
    (void)bhd__text_show(result.text, sizeof result.text, path, SIZE_MAX);
    return result;
}

bhd_status bhd__precompiled_check_owner(const struct stat *about, const char *path,
                                        bhd_error *error)
{
    const char *problem = bhd__cache_place_problem(about, S_IFREG);
    if (problem == NULL)
        return BHD_OK;
    return bhd__fail(error, BHD_FILE_UNREADABLE,
                     "precompiled component%s%s: %s; whoever can write such a file can run code in "
                     "this process, so it has to belong to this user or to root, with no right to "
                     "write for anybody else (chmod go-w): compile it again here, or see who could "
                     "have changed it",
                     path != NULL ? " " : "", path != NULL ? show(path).text : "", problem);
}

static bhd_status fail_errno(const char *path, int number, bhd_error *error)
{
    if (number == ENOMEM)
        return bhd__fail_no_memory(error);
    if (number == ENOENT || number == ENOTDIR)
        return bhd__fail(error, BHD_FILE_NOT_FOUND,
                         "precompiled component %s: cannot be written: its directory is not there",
                         show(path).text);
    return bhd__fail(error, BHD_FILE_UNREADABLE, "precompiled component %s: cannot be written: %s",
                     show(path).text, bhd__errno_text(number));
}

static bhd_status refuse(const char *path, const char *why, bhd_error *error)
{
    return bhd__fail(error, BHD_INVALID_ARGUMENT,
                     "precompiled component %s: %s; nothing was written: name another file",
                     show(path).text, why);
}

/* -- writing ---------------------------------------------------------------------------------- */

/* What another file may not take the place of, or NULL. */
static const char *what_is_there(int directory, const char *name)
{
    struct stat about;
    if (fstatat(directory, name, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return NULL;
    if (S_ISDIR(about.st_mode))
        return "it is a directory";
    if (S_ISLNK(about.st_mode))
        return "it is a link, and is not followed";
    if (!S_ISREG(about.st_mode))
        return "it is not a regular file";
    return about.st_uid == geteuid() ? NULL : "it belongs to another user";
}

static bool write_to(int file, const bhd__precompiled *p)
{
    bhd__cache_trailer end = bhd__cache_trailer_of(p->key.binary, p->key.identity);
    end.artifact_bytes = p->artifact_bytes;
    end.description_bytes = p->description_bytes;
    /* On the disk before it has its name: a crash of the system leaves it whole or not at all. */
    return bhd__cache_entry_write_bytes(file, p->artifact, p->description, &end) &&
           fchmod(file, S_IRUSR) == 0 && fsync(file) == 0;
}

/* 0 or an error number. */
static int write_in(int directory, const char *name, const bhd__precompiled *p)
{
    char new_name[NEW_NAME_BYTES];
    uint64_t number[2];
    bhd__text text;
    if (getrandom(number, sizeof number, 0) != (ssize_t)sizeof number)
        return EIO;
    bhd__text_init(&text, new_name, sizeof new_name);
    bhd__text_printf(&text, ".bulkhead-new-%016llx%016llx", (unsigned long long)number[0],
                     (unsigned long long)number[1]);
    int file = openat(directory, new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      S_IRUSR | S_IWUSR);
    if (file < 0)
        return errno;
    int failed = write_to(file, p) ? 0 : errno;
    if (failed == 0 && renameat(directory, new_name, directory, name) != 0)
        failed = errno;
    if (failed != 0)
        (void)unlinkat(directory, new_name, 0);
    (void)close(file);
    return failed;
}

bhd_status bhd__precompiled_write(const bhd__precompiled *precompiled, const char *path,
                                  bhd_error *error)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    if (name[0] == '\0')
        return refuse(path, slash != NULL ? "it is a directory" : "the path is empty", error);
    char *parent = slash != NULL ? bhd__strndup(path, (size_t)(name - path)) : bhd__strndup(".", 1);
    if (parent == NULL)
        return bhd__fail_no_memory(error);
    int directory = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int failed = directory < 0 ? errno : 0;
    bhd__free(parent);
    if (failed != 0)
        return fail_errno(path, failed, error);
    const char *why = what_is_there(directory, name);
    if (why == NULL)
        failed = write_in(directory, name, precompiled);
    (void)close(directory);
    if (why != NULL)
        return refuse(path, why, error);
    return failed != 0 ? fail_errno(path, failed, error) : BHD_OK;
}
