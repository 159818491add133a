/*
 * Finding and keeping.
 *
 * What it trades away: no index and no daemon, so each keep that has no room, and one in an hour,
 * looks at every entry that is there. No fsync: what a crash of the system has torn is seen
 * when it is read.
 *
 * Locks: the directory's, between processes, while something is published (cache_room.h). Within
 * the process none: the counters are atomic, everything else stays as it was made.
 */
#include "compile/cache.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/descriptor.h"
#include "base/fail.h"
#include "base/text.h"
#include "compile/cache_entry.h"
#include "compile/cache_place.h"
#include "compile/cache_room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What is one entry may take of all: with a larger one half of the others would go. */
#define LARGEST_SHARE 4
/* How exactly is known when an entry was used. */
#define USE_SECONDS 3600
#define NEW_NAME_BYTES 48

struct bhd__cache {
    bhd__descriptor directory; /* the program may have closed it */
    uint64_t max_bytes;
    /* Counters; order nothing. */
    _Atomic uint64_t hits, misses, kept, evicted, damaged;
};

static void count(_Atomic uint64_t *counter, uint64_t more)
{
    atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* The directory of an identity, looked at as it is now; -1 with errno. */
static int open_identity(bhd__cache *cache, const char *identity, bool make)
{
    struct stat about;
    int directory = cache->directory.number;
    if (!bhd__descriptor_is(&cache->directory, directory) || fstat(directory, &about) != 0) {
        errno = EBADF;
        return -1;
    }
    if (bhd__cache_place_problem(&about, S_IFDIR) != NULL) {
        errno = EPERM;
        return -1;
    }
    return bhd__cache_place_beneath(directory, identity, make);
}

bhd_status bhd__cache_new(const char *directory, uint64_t max_bytes, bhd__cache **cache,
                          bhd_error *error)
{
    int opened = -1;
    bhd__cache *made = bhd__calloc(1, sizeof *made);
    if (made == NULL)
        return bhd__fail_no_memory(error);
    bhd_status status = bhd__cache_place_open(directory, true, &opened, error);
    if (status != BHD_OK) {
        bhd__free(made);
        return status;
    }
    made->directory = bhd__descriptor_of(opened);
    made->max_bytes = max_bytes;
    *cache = made;
    return BHD_OK;
}

void bhd__cache_free(bhd__cache *cache)
{
    if (cache == NULL)
        return;
    bhd__descriptor_close(&cache->directory);
    bhd__free(cache);
}

void bhd__cache_get_stats(const bhd__cache *cache, bhd__cache_stats *stats)
{
    stats->hits = atomic_load_explicit(&cache->hits, memory_order_relaxed);
    stats->misses = atomic_load_explicit(&cache->misses, memory_order_relaxed);
    stats->kept = atomic_load_explicit(&cache->kept, memory_order_relaxed);
    stats->evicted = atomic_load_explicit(&cache->evicted, memory_order_relaxed);
    stats->damaged = atomic_load_explicit(&cache->damaged, memory_order_relaxed);
}

/* -- finding ---------------------------------------------------------------------------------- */

/* Before it has to go, an entry is asked when it was used last. */
static void note_use(int file)
{
    struct stat about;
    const struct timespec times[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
    time_t now = time(NULL);
    if (fstat(file, &about) == 0 &&
        (about.st_mtim.tv_sec > now || now - about.st_mtim.tv_sec > USE_SECONDS))
        (void)futimens(file, times); /* not of an entry that is root's */
}

/* What cannot be opened here and is no entry, for certain. */
static bool is_no_entry(int reason)
{
    return reason == ELOOP || reason == EACCES || reason == ENXIO || reason == ENODEV;
}

static void drop_from(bhd__cache *cache, int directory, const bhd__cache_key *key)
{
    count(&cache->damaged, 1);
    if (unlinkat(directory, key->binary, 0) != 0)
        (void)unlinkat(directory, key->binary, AT_REMOVEDIR);
}

static bool find_in(bhd__cache *cache, int directory, const bhd__cache_key *key,
                    bhd__cache_entry *entry)
{
    bhd__cache_trailer trailer;
    int file =
        openat(directory, key->binary, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool is_bad = file < 0 && is_no_entry(errno);
    if (file >= 0) {
        void *buffer = bhd__malloc(BHD__CACHE_BUFFER);
        is_bad = buffer != NULL &&
                 bhd__cache_entry_check(file, key->binary, key->identity, buffer, &trailer) != NULL;
        bool is_whole = buffer != NULL && !is_bad;
        bhd__free(buffer);
        if (is_whole) {
            note_use(file);
            *entry = (bhd__cache_entry){file, trailer.artifact_bytes, trailer.description_bytes,
                                        trailer.compile_ns, trailer.compile_bytes};
            return true;
        }
        (void)close(file);
    }
    if (is_bad)
        drop_from(cache, directory, key);
    return false;
}

bool bhd__cache_find(bhd__cache *cache, const bhd__cache_key *key, bhd__cache_entry *entry)
{
    bool is_found = false;
    int directory = open_identity(cache, key->identity, false);
    if (directory >= 0) {
        is_found = find_in(cache, directory, key, entry);
        (void)close(directory);
    } else if (errno == EPERM || errno == ELOOP || errno == ENOTDIR) {
        count(&cache->damaged, 1);
    }
    count(is_found ? &cache->hits : &cache->misses, 1);
    return is_found;
}

void bhd__cache_drop(bhd__cache *cache, const bhd__cache_key *key)
{
    int directory = open_identity(cache, key->identity, false);
    if (directory < 0)
        return;
    drop_from(cache, directory, key);
    (void)close(directory);
}

/* -- keeping ---------------------------------------------------------------------------------- */

typedef struct keeping {
    bhd__cache *cache;
    const bhd__cache_key *key;
    int directory; /* of the identity */
    int output;
    bhd__cache_trailer trailer;
    void *buffer;
} keeping;

static bool write_new(const keeping *k, int file)
{
    /* Whatever the mask of the process is. */
    return bhd__cache_entry_write(file, k->output, &k->trailer, k->buffer) &&
           fchmod(file, S_IRUSR) == 0;
}

/* Somebody else was quicker. */
static bool is_there(const keeping *k)
{
    struct stat about;
    return fstatat(k->directory, k->key->binary, &about, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Gives a file without a name its own. */
static bool link_as(const keeping *k, int file, const char *name)
{
    char self[40];
    bhd__text text;
    bhd__text_init(&text, self, sizeof self);
    bhd__text_printf(&text, "/proc/self/fd/%d", file);
    return linkat(AT_FDCWD, self, k->directory, name, AT_SYMLINK_FOLLOW) == 0 || errno == EEXIST ||
           linkat(file, "", k->directory, name, AT_EMPTY_PATH) == 0 || errno == EEXIST;
}

/* The same where files have a name from the beginning, or cannot be given one. A lock says that
 * somebody is at it. */
static bool keep_under_a_name(const keeping *k)
{
    char name[NEW_NAME_BYTES];
    uint64_t number[2];
    bhd__text text;
    if (getrandom(number, sizeof number, 0) != (ssize_t)sizeof number)
        return false;
    bhd__text_init(&text, name, sizeof name);
    bhd__text_printf(&text, BHD__CACHE_NEW_PREFIX "%016llx%016llx", (unsigned long long)number[0],
                     (unsigned long long)number[1]);
    int file = openat(k->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      S_IRUSR | S_IWUSR);
    if (file < 0)
        return false;
    bool is_kept = (flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
                   write_new(k, file) &&
                   renameat(k->directory, name, k->directory, k->key->binary) == 0;
    if (!is_kept)
        (void)unlinkat(k->directory, name, 0);
    (void)close(file);
    return is_kept;
}

/* Written before the lock is taken, if it can be without anybody seeing it. */
static void keep_in(const keeping *k, uint64_t weight)
{
    bhd__cache *cache = k->cache;
    const int directory = cache->directory.number;
    bhd__cache_room room = {k->key->identity, weight, cache->max_bytes, false};
    uint64_t evicted = 0;
    int file = openat(k->directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
    bool is_written = file >= 0 && write_new(k, file);
    int lock = file < 0 || is_written ? bhd__cache_lock(directory, &room.is_locked) : -1;
    if (lock >= 0) {
        bool is_kept = !is_there(k) && bhd__cache_make_room(directory, &room, &evicted) &&
                       ((is_written && link_as(k, file, k->key->binary)) || keep_under_a_name(k));
        count(&cache->evicted, evicted);
        count(&cache->kept, is_kept ? 1 : 0);
        (void)close(lock);
    }
    if (file >= 0)
        (void)close(file);
}

void bhd__cache_keep(bhd__cache *cache, const bhd__cache_key *key, const bhd__cache_entry *entry)
{
    uint64_t bytes = sizeof(bhd__cache_trailer);
    if (!bhd__add_u64(bytes, entry->artifact_bytes, &bytes) ||
        !bhd__add_u64(bytes, entry->description_bytes, &bytes))
        return;
    uint64_t weight = bhd__cache_weight(bytes);
    if (weight > cache->max_bytes / LARGEST_SHARE)
        return;
    keeping k = {.cache = cache,
                 .key = key,
                 .output = entry->file,
                 .trailer = bhd__cache_trailer_of(key->binary, key->identity),
                 .directory = open_identity(cache, key->identity, true),
                 .buffer = bhd__malloc(BHD__CACHE_BUFFER)};
    k.trailer.artifact_bytes = entry->artifact_bytes;
    k.trailer.description_bytes = entry->description_bytes;
    k.trailer.compile_ns = entry->compile_ns;
    k.trailer.compile_bytes = entry->compile_bytes;
    if (k.directory >= 0 && k.buffer != NULL)
        keep_in(&k, weight);
    if (k.directory >= 0)
        (void)close(k.directory);
    bhd__free(k.buffer);
}
