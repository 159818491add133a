#include "compile/cache_room.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "compile/cache_place.h"
#include "compile/cache_total.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Who publishes holds the lock for the time of a scan. */
#define LOCK_TRIES 400
#define LOCK_PAUSE_NS 1000000
/* A time that lies further ahead is of a clock that was wrong. */
#define AHEAD_SECONDS 3600

bool bhd__cache_same_build(const char *identity, const char *other)
{
    return memcmp(identity, other, BHD__CACHE_DIGITS / 2) == 0;
}

/* -- what is there ---------------------------------------------------------------------------- */

/* Calls `each` for every name in the directory until it says false. */
static bool read_names(int directory, bool (*each)(void *env, int directory, const char *name),
                       void *env)
{
    int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = again >= 0 ? fdopendir(again) : NULL;
    bool whole = names != NULL;
    if (names == NULL) {
        if (again >= 0)
            (void)close(again);
        return false;
    }
    while (whole) {
        errno = 0;
        struct dirent *entry = readdir(names);
        if (entry == NULL) {
            whole = errno == 0;
            break;
        }
        whole = each(env, directory, entry->d_name);
    }
    int reason = errno;
    (void)closedir(names);
    errno = reason;
    return whole;
}

typedef struct scan {
    bhd__cache_list *list;
    const char *identity;
    int64_t now;
    bhd__cache_scan_for what;
} scan;

static bool add_seen(bhd__cache_list *list, const bhd__cache_seen *seen)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 64;
        bhd__cache_seen *entries =
            bhd__realloc_array(list->entries, capacity, sizeof *list->entries);
        if (entries == NULL) {
            errno = ENOMEM;
            return false;
        }
        list->entries = entries;
        list->capacity = capacity;
    }
    list->entries[list->count++] = *seen;
    return true;
}

static void add_weight(bhd__cache_list *list, uint64_t weight)
{
    if (!bhd__add_u64(list->weight, weight, &list->weight))
        list->weight = UINT64_MAX;
}

static bool is_new_name(const char *name)
{
    const size_t prefix = strlen(BHD__CACHE_NEW_PREFIX);
    return strncmp(name, BHD__CACHE_NEW_PREFIX, prefix) == 0 &&
           strspn(name + prefix, "0123456789abcdef") == BHD__CACHE_NEW_DIGITS &&
           name[prefix + BHD__CACHE_NEW_DIGITS] == '\0';
}

/* Whoever writes under a name holds a lock on the file; if nobody does, nobody writes. (A shared
 * lock, since directories of the network give no other to who may only read.) */
static bool is_left_over(int directory, const char *name)
{
    int file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool is_free = flock(file, LOCK_SH | LOCK_NB) == 0;
    (void)close(file);
    return is_free;
}

static bool see_entry(void *env, int directory, const char *name)
{
    scan *s = env;
    struct stat about;
    bool is_new = is_new_name(name);
    if (!bhd__cache_is_name(name) && !is_new)
        return true;
    if (fstatat(directory, name, &about, AT_SYMLINK_NOFOLLOW) != 0)
        return true; /* gone meanwhile */
    uint64_t bytes = S_ISREG(about.st_mode) ? (uint64_t)about.st_size : 0;
    if (is_new) {
        if (s->what != BHD__CACHE_SCAN_SHOW && S_ISREG(about.st_mode) &&
            is_left_over(directory, name))
            (void)unlinkat(directory, name, 0);
        else
            add_weight(s->list, bhd__cache_weight(bytes));
        return true;
    }
    bhd__cache_seen seen = {.bytes = bytes,
                            .used_at = about.st_mtim.tv_sec,
                            .problem = bhd__cache_place_problem(&about, S_IFREG)};
    if (seen.used_at > s->now + AHEAD_SECONDS)
        seen.used_at = -1;
    memcpy(seen.identity, s->identity, sizeof seen.identity);
    memcpy(seen.key, name, sizeof seen.key);
    add_weight(s->list, bhd__cache_weight(bytes));
    return add_seen(s->list, &seen);
}

/* Nothing in it counts: it is not used, whoever made it. */
static bool add_refused(scan *s, const char *identity)
{
    bhd__cache_seen seen = {.problem = "it is no directory that only this user can change"};
    memcpy(seen.identity, identity, sizeof seen.identity);
    return s->what == BHD__CACHE_SCAN_ROOM || add_seen(s->list, &seen);
}

static bool see_identity(void *env, int directory, const char *name)
{
    scan *s = env;
    if (!bhd__cache_is_name(name))
        return true;
    int beneath = bhd__cache_place_beneath(directory, name, false);
    if (beneath < 0)
        return errno == ENOENT || add_refused(s, name);
    s->identity = name;
    bool whole = read_names(beneath, see_entry, s);
    int reason = errno;
    (void)close(beneath);
    if (s->what == BHD__CACHE_SCAN_CLEAR)
        (void)unlinkat(directory, name, AT_REMOVEDIR);
    errno = reason;
    return whole;
}

bool bhd__cache_scan(int directory, bhd__cache_scan_for what, bhd__cache_list *list)
{
    scan s = {.list = list, .now = (int64_t)time(NULL), .what = what};
    if (what == BHD__CACHE_SCAN_CLEAR)
        (void)unlinkat(directory, BHD__CACHE_TOTAL_NAME, 0);
    return read_names(directory, see_identity, &s);
}

/* -- who has to go ---------------------------------------------------------------------------- */

static int by_going(const void *a, const void *b, void *env)
{
    const bhd__cache_seen *one = a, *other = b;
    const char *identity = env;
    bool is_one_ours = bhd__cache_same_build(one->identity, identity);
    bool is_other_ours = bhd__cache_same_build(other->identity, identity);
    if (is_one_ours != is_other_ours)
        return is_one_ours ? 1 : -1;
    if (one->used_at != other->used_at)
        return one->used_at < other->used_at ? -1 : 1;
    int order = memcmp(one->key, other->key, sizeof one->key);
    return order != 0 ? order : memcmp(one->identity, other->identity, sizeof one->identity);
}

void bhd__cache_order(bhd__cache_list *list, const char *identity)
{
    char digits[BHD__CACHE_DIGITS + 1];
    memcpy(digits, identity, BHD__CACHE_DIGITS);
    digits[BHD__CACHE_DIGITS] = '\0';
    if (list->count > 1)
        qsort_r(list->entries, list->count, sizeof *list->entries, by_going, digits);
}

int bhd__cache_lock(int directory, bool *is_held)
{
    const struct timespec pause = {0, LOCK_PAUSE_NS};
    /* A lock belongs to a descriptor that was opened, so each has its own. */
    int lock = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *is_held = false;
    for (unsigned tries = 0; lock >= 0; tries++) {
        *is_held = flock(lock, LOCK_EX | LOCK_NB) == 0;
        if (*is_held || (errno != EWOULDBLOCK && errno != EINTR))
            break;
        if (tries == LOCK_TRIES) {
            (void)close(lock);
            return -1;
        }
        (void)nanosleep(&pause, NULL);
    }
    return lock;
}

/* Removes one; the directory of another identity with its last one. */
static bool evict(int directory, const bhd__cache_seen *seen, const char *identity)
{
    int beneath = bhd__cache_place_beneath(directory, seen->identity, false);
    if (beneath < 0)
        return false;
    bool is_gone = unlinkat(beneath, seen->key, 0) == 0 || errno == ENOENT;
    (void)close(beneath);
    if (memcmp(seen->identity, identity, sizeof seen->identity) != 0)
        (void)unlinkat(directory, seen->identity, AT_REMOVEDIR);
    return is_gone;
}

static bool fits(uint64_t weight, const bhd__cache_room *room)
{
    return weight <= room->max_bytes && room->coming <= room->max_bytes - weight;
}

/* Looks at everything that is there, and removes what has to go. */
static bool count_and_evict(int directory, const bhd__cache_room *room, uint64_t *left,
                            uint64_t *evicted)
{
    bhd__cache_list list = {0};
    const uint64_t most = room->max_bytes - room->max_bytes / 10;
    if (!bhd__cache_scan(directory, BHD__CACHE_SCAN_ROOM, &list)) {
        bhd__free(list.entries);
        return false;
    }
    *left = list.weight;
    if (!fits(list.weight, room)) {
        bhd__cache_order(&list, room->identity);
        for (size_t i = 0; i<list.count && * left> bhd__sub_floor_u64(most, room->coming); i++) {
            if (!evict(directory, &list.entries[i], room->identity))
                continue;
            *left -= bhd__cache_weight(list.entries[i].bytes);
            *evicted += 1;
        }
    }
    bhd__free(list.entries);
    return true;
}

bool bhd__cache_make_room(int directory, const bhd__cache_room *room, uint64_t *evicted)
{
    bhd__cache_total total;
    if (!room->is_locked || !bhd__cache_total_read(directory, &total) ||
        !fits(total.weight, room)) {
        total.counted_at = (int64_t)time(NULL);
        if (!count_and_evict(directory, room, &total.weight, evicted) || !fits(total.weight, room))
            return false;
    }
    /* Before there is more. */
    total.weight += room->coming;
    return !room->is_locked || bhd__cache_total_write(directory, &total);
}
