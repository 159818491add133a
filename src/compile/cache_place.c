/*
 * The walk from the root to a directory, on descriptors: what was looked at is what is used.
 *
 * Why not realpath and then a check of each part: what lies between the two calls.
 */
#include "compile/cache_place.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* As many links as the kernel follows in one path. */
#define MOST_LINKS 40
/* A path in a message, so that the reason behind it is never cut off. */
#define SHOWN_BYTES 320

typedef struct walk {
    const char *path;
    bool make;
    bhd_error *error;
    int at;     /* where it has come to; below 0: nowhere yet */
    char *rest; /* of the path from there, on the heap */
    unsigned links;
    /* The same for messages; cut where it is too long. */
    char way[PATH_MAX];
} walk;

static bool is_trusted(uid_t owner)
{
    return owner == geteuid() || owner == 0;
}

const char *bhd__cache_place_problem(const struct stat *about, mode_t type)
{
    if ((about->st_mode & S_IFMT) != type)
        return type == S_IFDIR ? "it is not a directory" : "it is not a regular file";
    if (!is_trusted(about->st_uid))
        return "it belongs to another user";
    if ((about->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "others may write to it";
    return NULL;
}

/* It has come to the directory itself. */
static bool is_last(const walk *w)
{
    const char *rest = w->rest;
    while (rest[0] == '/' || (rest[0] == '.' && (rest[1] == '/' || rest[1] == '\0')))
        rest++;
    return rest[0] == '\0';
}

/* -- messages --------------------------------------------------------------------------------- */

/* "cache directory PATH: WAY: ", and the last part only if it is not the path itself. */
typedef struct shown {
    char text[2 * SHOWN_BYTES];
} shown;

static void add_path(bhd__text *text, const char *path)
{
    char escaped[SHOWN_BYTES];
    bhd__text_add(text, bhd__text_show(escaped, sizeof escaped, path, SIZE_MAX));
}

static shown show(const walk *w)
{
    shown result;
    bhd__text text;
    bhd__text_init(&text, result.text, sizeof result.text);
    add_path(&text, w->path);
    if (w->rest != NULL && !is_last(w)) {
        bhd__text_add(&text, ": ");
        add_path(&text, w->way);
    }
    return result;
}

static bhd_status refuse(const walk *w, const char *why, const char *what_to_do)
{
    return bhd__fail(w->error, BHD_FILE_UNREADABLE,
                     "cache directory %s: %s; compiled code is kept only where nobody else can "
                     "replace it: %s, or name another directory",
                     show(w).text, why, what_to_do);
}

static bhd_status fail_errno(const walk *w, int number)
{
    if (number == ENOMEM)
        return bhd__fail_no_memory(w->error);
    if (number == ENOENT && !w->make)
        return bhd__fail(w->error, BHD_FILE_NOT_FOUND, "cache directory %s: file not found",
                         show(w).text);
    return bhd__fail(w->error, BHD_FILE_UNREADABLE,
                     "cache directory %s: %s; name another directory", show(w).text,
                     bhd__errno_text(number));
}

/* -- the walk --------------------------------------------------------------------------------- */

/* Takes the next part off the rest; NULL at the end. The part is the caller's to free. */
static bool next_part(walk *w, char **part)
{
    char *from = w->rest;
    *part = NULL;
    for (;;) {
        from += strspn(from, "/");
        if (!(from[0] == '.' && (from[1] == '/' || from[1] == '\0')))
            break;
        from += 1;
    }
    size_t length = strcspn(from, "/");
    if (length == 0)
        return true;
    *part = bhd__strndup(from, length);
    if (*part == NULL)
        return false;
    memmove(w->rest, from + length, strlen(from + length) + 1);
    return true;
}

static void go_to(walk *w, int directory)
{
    if (w->at >= 0)
        (void)close(w->at);
    w->at = directory;
}

static void add_to_way(walk *w, const char *part)
{
    bhd__text text;
    size_t length = strlen(w->way);
    bhd__text_init(&text, w->way + length, sizeof w->way - length);
    bhd__text_add(&text, length > 0 && w->way[length - 1] == '/' ? "" : "/");
    bhd__text_add(&text, part);
}

static bhd_status go_to_root(walk *w)
{
    w->way[0] = '/';
    w->way[1] = '\0';
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail_errno(w, errno);
    go_to(w, root);
    return BHD_OK;
}

/* The part was a link, which `link` is: what it says comes before the rest. */
static bhd_status take_link(walk *w, int link, const char *part, const struct stat *about)
{
    char target[PATH_MAX];
    if (is_last(w))
        return refuse(w, "it is a link", "name the place that it leads to");
    if (!is_trusted(about->st_uid))
        return refuse(w, "it is a link of another user", "name the place that it leads to");
    if (++w->links > MOST_LINKS)
        return fail_errno(w, ELOOP);
    ssize_t length = readlinkat(link, "", target, sizeof target);
    if (length < 0)
        return fail_errno(w, errno);
    size_t capacity = (size_t)length + strlen(w->rest) + 2;
    char *rest = bhd__malloc(capacity);
    if (rest == NULL)
        return bhd__fail_no_memory(w->error);
    bhd__text text;
    bhd__text_init(&text, rest, capacity);
    bhd__text_add_bytes(&text, target, (size_t)length);
    bhd__text_add(&text, "/");
    bhd__text_add(&text, w->rest);
    bhd__free(w->rest);
    w->rest = rest;
    if (target[0] == '/')
        return go_to_root(w);
    w->way[strlen(w->way) - strlen(part)] = '\0';
    return BHD_OK;
}

static bhd_status check_directory(walk *w, const struct stat *about)
{
    const char *problem = bhd__cache_place_problem(about, S_IFDIR);
    bool is_sticky = (about->st_mode & S_ISVTX) != 0;
    if (problem == NULL)
        return BHD_OK;
    if (!S_ISDIR(about->st_mode))
        return fail_errno(w, ENOTDIR);
    if (!is_trusted(about->st_uid))
        return refuse(w, problem, "give it to this user (chown)");
    if (is_sticky && !is_last(w))
        return BHD_OK;
    return refuse(w, problem, "take that right away (chmod go-w)");
}

static bhd_status step(walk *w, const char *part)
{
    struct stat about;
    const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    add_to_way(w, part);
    int next = openat(w->at, part, flags);
    if (next < 0 && errno == ENOENT && w->make) {
        if (mkdirat(w->at, part, S_IRWXU) != 0 && errno != EEXIST) /* another was quicker */
            return fail_errno(w, errno);
        next = openat(w->at, part, flags);
    }
    if (next < 0)
        return fail_errno(w, errno);
    if (fstat(next, &about) != 0) {
        bhd_status status = fail_errno(w, errno);
        (void)close(next);
        return status;
    }
    if (S_ISLNK(about.st_mode)) {
        bhd_status status = take_link(w, next, part, &about);
        (void)close(next);
        return status;
    }
    go_to(w, next);
    return check_directory(w, &about);
}

/* `path` as one that begins at the root. */
static bhd_status make_absolute(walk *w)
{
    char here[PATH_MAX] = "";
    if (w->path[0] != '/' && getcwd(here, sizeof here) == NULL)
        return fail_errno(w, errno);
    size_t capacity = strlen(here) + strlen(w->path) + 2;
    w->rest = bhd__malloc(capacity);
    if (w->rest == NULL)
        return bhd__fail_no_memory(w->error);
    bhd__text text;
    bhd__text_init(&text, w->rest, capacity);
    bhd__text_add(&text, here);
    bhd__text_add(&text, "/");
    bhd__text_add(&text, w->path);
    return BHD_OK;
}

static bhd_status walk_all(walk *w, int *directory)
{
    bhd_status status = make_absolute(w);
    if (status == BHD_OK)
        status = go_to_root(w);
    while (status == BHD_OK) {
        char *part;
        if (!next_part(w, &part))
            return bhd__fail_no_memory(w->error);
        if (part == NULL)
            break;
        status = step(w, part);
        bhd__free(part);
    }
    if (status != BHD_OK)
        return status;
    int opened = openat(w->at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0)
        return fail_errno(w, errno);
    *directory = opened;
    return BHD_OK;
}

bhd_status bhd__cache_place_open(const char *path, bool make, int *directory, bhd_error *error)
{
    walk w = {.path = path, .make = make, .error = error, .at = -1};
    if (path[0] == '\0')
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "cache directory: the path is empty");
    bhd_status status = walk_all(&w, directory);
    if (w.at >= 0)
        (void)close(w.at);
    bhd__free(w.rest);
    return status;
}

int bhd__cache_place_beneath(int directory, const char *name, bool make)
{
    struct stat about;
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int opened = openat(directory, name, flags);
    if (opened < 0 && errno == ENOENT && make &&
        (mkdirat(directory, name, S_IRWXU) == 0 || errno == EEXIST))
        opened = openat(directory, name, flags);
    if (opened < 0)
        return -1;
    if (fstat(opened, &about) != 0 || bhd__cache_place_problem(&about, S_IFDIR) != NULL) {
        (void)close(opened);
        errno = EPERM;
        return -1;
    }
    return opened;
}
