#include "compile/program.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "compile/memory_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "bulkhead-compile"
#define INSTALLED BHD_LIBEXECDIR "/bulkhead/" NAME

/* What is too long is shown from its beginning; the last of three reasons is still to be read. */
#define SHOWN_PATH_SIZE 160

/* Anything in the object that has this code. */
static const char in_this_object;

typedef struct search {
    bool is_named; /* by the host's options: it is as they want it */
    uid_t owner;   /* of the library's file */
    bhd__program *program;
    bhd__text text;
} search;

static bool is_trusted(const search *s, uid_t owner)
{
    return owner == 0 || owner == geteuid() || owner == s->owner;
}

static const char *why_not(const search *s, int number)
{
    struct stat about;
    if (number < 0 || fstat(number, &about) != 0)
        return bhd__errno_text(errno);
    if (!S_ISREG(about.st_mode))
        return "it is not a regular file";
    if ((about.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        return "it is not executable";
    if (s->is_named)
        return NULL;
    if (!is_trusted(s, about.st_uid))
        return "it belongs to another user";
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "others may write to it (chmod go-w)";
    return NULL;
}

/* Who may write there puts another one in its place, or a link to one. */
static const char *why_not_there(const search *s, int directory)
{
    struct stat about;
    if (directory < 0 || fstat(directory, &about) != 0)
        return bhd__errno_text(errno);
    if (!is_trusted(s, about.st_uid))
        return "its directory belongs to another user";
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "others may write to its directory (chmod go-w)";
    return NULL;
}

static void add_path(bhd__text *text, const char *path)
{
    char shown[SHOWN_PATH_SIZE];
    bhd__text_add(text, bhd__text_show(shown, sizeof shown, path, SIZE_MAX));
}

/* Whether that was it; otherwise the reason is part of the text. */
static bool try_file(search *s, int directory, const char *name, const char *path)
{
    const char *reason = s->is_named ? NULL : why_not_there(s, directory);
    int number = -1;
    if (reason == NULL) {
        number = bhd__number_above_standard(openat(directory, name, O_PATH | O_CLOEXEC));
        reason = why_not(s, number);
    }
    if (reason == NULL) {
        s->program->file = bhd__descriptor_of(number);
        bhd__text_init(&s->text, s->program->text, sizeof s->program->text);
        add_path(&s->text, path);
        return true;
    }
    if (number >= 0)
        (void)close(number);
    if (s->text.length > 0)
        bhd__text_add(&s->text, "; ");
    add_path(&s->text, path);
    bhd__text_printf(&s->text, ": %s", reason);
    return false;
}

/* In the directory that was looked at, wherever its path leads by then. */
static bool try_path(search *s, char *path)
{
    char *slash = strrchr(path, '/');
    *slash = '\0';
    int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    *slash = '/';
    bool is_found = try_file(s, directory, slash + 1, path);
    if (directory >= 0)
        (void)close(directory);
    return is_found;
}

/* False without memory. */
static bool try_beside(search *s, const char *object, const char *name, bool *is_found)
{
    char *path = bhd__path_beside(object, name, "");
    if (path == NULL)
        return false;
    *is_found = try_path(s, path);
    bhd__free(path);
    return true;
}

/*
 * The file that this code was loaded from, if that is known for certain: the dynamic linker calls
 * the program itself by its first argument, which anybody can choose, and a library by the name
 * that it was asked for, which may be relative to where the process was then.
 */
static bool object_path(char *path, size_t size)
{
    Dl_info about;
    struct link_map *map = NULL;
    if (dladdr1(&in_this_object, &about, (void **)&map, RTLD_DL_LINKMAP) != 0 && map != NULL &&
        map->l_name[0] != '\0') {
        size_t length = strlen(map->l_name);
        if (map->l_name[0] != '/' || length >= size)
            return false;
        memcpy(path, map->l_name, length + 1);
        return true;
    }
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length <= 0 || path[0] != '/')
        return false;
    path[length] = '\0';
    return true;
}

/* False without memory. */
static bool try_around(search *s, char *object, size_t size, bool *is_found)
{
    struct stat about;
    if (!object_path(object, size))
        return true;
    if (stat(object, &about) == 0)
        s->owner = about.st_uid;
    return try_beside(s, object, NAME, is_found) &&
           (*is_found || try_beside(s, object, "../libexec/bulkhead/" NAME, is_found));
}

static bool try_all(search *s)
{
    bool is_found = false;
    char *object = bhd__malloc(PATH_MAX);
    bool had_memory = object != NULL && try_around(s, object, PATH_MAX, &is_found);
    bhd__free(object);
    char installed[] = INSTALLED;
    if (had_memory && !is_found)
        (void)try_path(s, installed);
    return had_memory;
}

bhd_status bhd__program_find(const char *path, bhd__program *program, bhd_error *error)
{
    search s = {.is_named = path != NULL, .program = program};
    program->file = bhd__descriptor_of(-1);
    bhd__text_init(&s.text, program->text, sizeof program->text);
    if (path != NULL)
        (void)try_file(&s, AT_FDCWD, path, path);
    else if (!try_all(&s))
        return bhd__fail_no_memory(error);
    bhd__text_ellipsis(&s.text);
    return BHD_OK;
}

void bhd__program_close(bhd__program *program)
{
    bhd__descriptor_close(&program->file);
}
