/*
 * From what a component asks for and what the host grants to what the component has; see
 * grants/granted.h.
 */
#include "grants/granted.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "base/unicode.h"
#include "grants/copies.h"
#include "grants/denials.h"
#include "grants/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_BYTES 160

/* -- directories --------------------------------------------------------------------------- */

/* `path` is `directory` or below it; both are canonical. */
static bool is_below(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    if (strcmp(directory, "/") == 0)
        return true;
    return strncmp(path, directory, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

static bool is_granted(const bhd_grants *grants, const char *canonical, bhd_access access)
{
    char allowed[PATH_MAX];
    for (size_t i = 0; i < grants->directory_count; i++)
        if (grants->directories[i].access >= access &&
            realpath(grants->directories[i].host, allowed) && is_below(canonical, allowed))
            return true;
    return false;
}

static void deny_directory(bhd__denials *denials, const bhd_directory *asked)
{
    char value[SHOWN_BYTES * 2], option[SHOWN_BYTES * 8];
    const char *suffix = asked->access == BHD_ACCESS_READ_WRITE ? ":rw" : "";
    bhd__text text;
    bhd__text_init(&text, value, sizeof value);
    bhd__text_add_bytes(&text, asked->host, strnlen(asked->host, SHOWN_BYTES));
    bhd__text_add(&text, suffix);
    bhd__text_init(&text, option, sizeof option);
    bhd__text_add(&text, "--allow-dir=");
    bhd__text_add_escaped(&text, asked->host, strlen(asked->host), SHOWN_BYTES);
    bhd__text_add(&text, suffix);
    bhd__text_ellipsis(&text);
    bhd__deny(denials, "directories", value, option);
}

static bhd_status no_directory(const bhd_directory *asked, int reason, bhd_error *error)
{
    char shown[SHOWN_BYTES * 6];
    bhd_status code = reason == ENOENT                       ? BHD_FILE_NOT_FOUND
                      : reason == EMFILE || reason == ENFILE ? BHD_NO_CAPACITY
                                                             : BHD_FILE_UNREADABLE;
    return bhd__fail(error, code,
                     "the component asks for the directory %s (capabilities.directories), which "
                     "cannot be opened: %s",
                     bhd__text_show(shown, sizeof shown, asked->host, SHOWN_BYTES),
                     bhd__errno_text(reason));
}

/* What was opened is what was compared, or the name meant something else in between. */
static bool is_the_same(int fd, const char *canonical)
{
    char link[64], found[PATH_MAX];
    bhd__text text;
    bhd__text_init(&text, link, sizeof link);
    bhd__text_printf(&text, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, found, sizeof found);
    return size >= 0 && (size_t)size == strlen(canonical) &&
           memcmp(found, canonical, (size_t)size) == 0;
}

static bhd_status open_directory(const bhd_directory *asked, const bhd_grants *grants,
                                 bhd__denials *denials, bhd__descriptor *opened, bhd_error *error)
{
    char canonical[PATH_MAX];
    if (!realpath(asked->host, canonical)) {
        int reason = errno;
        /* Whether there is such a directory, only a grant may tell. */
        if (!grants->everything && grants->directory_count == 0) {
            deny_directory(denials, asked);
            return BHD_OK;
        }
        return no_directory(asked, reason, error);
    }
    if (!grants->everything && !is_granted(grants, canonical, asked->access)) {
        deny_directory(denials, asked);
        return BHD_OK;
    }
    int fd = open(canonical, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return no_directory(asked, errno, error);
    *opened = bhd__descriptor_of(fd);
    return is_the_same(fd, canonical) ? BHD_OK : no_directory(asked, EAGAIN, error);
}

static bhd_status open_directories(bhd__granted *granted, const bhd_grants *grants,
                                   bhd__denials *denials, bhd_error *error)
{
    const bhd_capabilities *asked = &granted->capabilities;
    if (asked->directory_count == 0)
        return BHD_OK;
    granted->directories = bhd__calloc(asked->directory_count, sizeof *granted->directories);
    if (!granted->directories)
        return bhd__fail_no_memory(error);
    for (size_t i = 0; i < asked->directory_count; i++)
        granted->directories[i].number = -1;
    bhd_status status = BHD_OK;
    for (size_t i = 0; status == BHD_OK && i < asked->directory_count; i++)
        status = open_directory(&asked->directories[i], grants, denials, &granted->directories[i],
                                error);
    return status;
}

/* -- variables ----------------------------------------------------------------------------- */

/* With the process's values in the place of names; what is not set stays without. */
static bhd_status with_values(const bhd_capabilities *asked, bhd_variable *env, bhd_error *error)
{
    for (size_t i = 0; i < asked->env_count; i++) {
        env[i] = asked->env[i];
        if (env[i].value)
            continue;
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): beside setenv, which include/ warns of */
        env[i].value = getenv(env[i].name);
        if (env[i].value && !bhd__utf8_is_valid(env[i].value, strlen(env[i].value)))
            return bhd__fail(error, BHD_INVALID_ARGUMENT,
                             "the variable %s (capabilities.env, --allow-env) has a value that is "
                             "not UTF-8 text, which a component cannot be given",
                             env[i].name);
    }
    return BHD_OK;
}

/* -- all ----------------------------------------------------------------------------------- */

static bhd_status fill(bhd__granted *granted, const bhd_capabilities *asked,
                       const bhd_grants *grants, bhd_error *error)
{
    bhd__denials denials = {0, error};
    bhd_error trouble = BHD_ERROR_INIT;
    bhd__capabilities_compare(asked, grants, &denials);
    bhd_status status = open_directories(granted, grants, &denials, &trouble);
    if (denials.count > 0) {
        bhd_error_fini(&trouble);
        return BHD_CAPABILITY_DENIED;
    }
    if (status != BHD_OK && error) {
        bhd_error_fini(error);
        *error = trouble;
    } else {
        bhd_error_fini(&trouble);
    }
    return status;
}

/* An address would come again: what a component has left in the kernel would be the next one's. */
static uint64_t next_number(void)
{
    static atomic_uint_fast64_t last; /* relaxed: nothing else is told by it */
    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

bhd_status bhd__granted_init(bhd__granted *granted, const bhd_capabilities *asked,
                             const bhd_grants *grants, bhd_error *error)
{
    bhd_variable env[BHD__CAPABILITY_ENTRIES_MAX];
    *granted = (bhd__granted){.number = next_number()};
    bhd_status status = bhd__capabilities_check(asked, error);
    if (status == BHD_OK)
        status = with_values(asked, env, error);
    if (status != BHD_OK)
        return status;
    bhd_capabilities filled = *asked;
    filled.env = env;
    status = bhd__capabilities_copy(&filled, &granted->capabilities, &granted->block, error);
    if (status == BHD_OK)
        status = fill(granted, asked, grants, error);
    if (status != BHD_OK)
        bhd__granted_fini(granted);
    return status;
}

void bhd__granted_fini(bhd__granted *granted)
{
    for (size_t i = 0; granted->directories && i < granted->capabilities.directory_count; i++)
        bhd__descriptor_close(&granted->directories[i]);
    bhd__free(granted->directories);
    bhd__free(granted->block);
    *granted = (bhd__granted){0};
}
