#include "compile/cache_care.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "compile/cache.h"
#include "compile/cache_place.h"
#include "compile/cache_room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

typedef struct caring {
    bhd__cache_care what;
    int directory;
    bhd__cache_identity ours; /* one of this build */
    bhd_code_cache_visit visit;
    void *env;
    void *buffer; /* VERIFY */
} caring;

/* Read as for running it; what is gone meanwhile is no trouble. */
static const char *verify(const caring *c, const bhd__cache_seen *seen)
{
    bhd__cache_trailer trailer;
    int beneath = bhd__cache_place_beneath(c->directory, seen->identity, false);
    int file = -1;
    if (beneath >= 0) {
        file =
            openat(beneath, seen->key, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        int reason = errno;
        (void)close(beneath);
        errno = reason;
    }
    if (file < 0)
        return errno == ENOENT ? NULL : bhd__errno_text(errno);
    const char *problem =
        bhd__cache_entry_check(file, seen->key, seen->identity, c->buffer, &trailer);
    (void)close(file);
    return problem;
}

static const char *clear(const caring *c, const bhd__cache_seen *seen)
{
    int beneath = bhd__cache_place_beneath(c->directory, seen->identity, false);
    if (beneath < 0)
        return errno == ENOENT ? NULL : bhd__errno_text(errno);
    int failed = unlinkat(beneath, seen->key, 0) == 0 ? 0 : errno;
    (void)close(beneath);
    /* When it was the last one. */
    (void)unlinkat(c->directory, seen->identity, AT_REMOVEDIR);
    return failed == 0 || failed == ENOENT ? NULL : bhd__errno_text(failed);
}

static void take_care_of(const caring *c, const bhd__cache_seen *seen)
{
    bhd_code_cache_entry entry = {
        .identity = seen->identity,
        .binary = seen->key,
        .bytes = bhd__cache_weight(seen->bytes),
        .used_at = seen->used_at > 0 ? (uint64_t)seen->used_at : 0,
        .is_current = bhd__cache_same_build(seen->identity, c->ours.digits),
        .problem = seen->problem,
    };
    bool is_entry = seen->key[0] != '\0';
    if (c->what == BHD__CACHE_VERIFY && is_entry && entry.problem == NULL)
        entry.problem = verify(c, seen);
    if (c->what == BHD__CACHE_CLEAR && is_entry)
        entry.problem = clear(c, seen);
    if (c->visit != NULL)
        c->visit(c->env, &entry);
}

/* Everything that is there, in the order in which it would go. */
static bhd_status see_all(const caring *c, const char *path, bhd__cache_list *list,
                          bhd_error *error)
{
    char shown[512];
    if (bhd__cache_scan(c->directory,
                        c->what == BHD__CACHE_CLEAR ? BHD__CACHE_SCAN_CLEAR : BHD__CACHE_SCAN_SHOW,
                        list)) {
        bhd__cache_order(list, c->ours.digits);
        return BHD_OK;
    }
    int reason = errno;
    if (reason == ENOMEM)
        return bhd__fail_no_memory(error);
    return bhd__fail(error, BHD_FILE_UNREADABLE, "cache directory %s: cannot be read: %s",
                     bhd__text_show(shown, sizeof shown, path, SIZE_MAX), bhd__errno_text(reason));
}

bhd_status bhd__cache_take_care(bhd__cache_care what, const char *directory, const char *build,
                                bhd_code_cache_visit visit, void *env, bhd_error *error)
{
    bhd__cache_list list = {0};
    caring c = {.what = what,
                .ours = bhd__cache_identity_of(build, NULL, 0),
                .visit = visit,
                .env = env,
                .directory = -1};
    if (directory == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "cache directory: no path was given");
    bhd_status status = bhd__cache_place_open(directory, false, &c.directory, error);
    if (status != BHD_OK)
        return status;
    c.buffer = bhd__malloc(BHD__CACHE_BUFFER);
    status = c.buffer != NULL ? see_all(&c, directory, &list, error) : bhd__fail_no_memory(error);
    if (status == BHD_OK)
        for (size_t i = list.count; i-- > 0;)
            take_care_of(&c, &list.entries[i]);
    bhd__free(list.entries);
    bhd__free(c.buffer);
    (void)close(c.directory);
    return status;
}
