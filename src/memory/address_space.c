/*
 * Reasons for "no capacity" that a user can act on. The system says ENOMEM to everything; which of
 * its limits it meant is found out here: by asking for the limits, and by one small mapping as a
 * probe, which fails exactly when the process has as many mappings as it may have.
 */
#include "memory/address_space.h"

#include "base/checked.h"
#include "base/fail.h"
#include "base/text.h"
#include "memory/os.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

_Static_assert(RLIM_INFINITY == UINT64_MAX, "no limit is the largest limit");

/* 47 bits for user space on x86-64 unless a program asks for more with a hint. The kernel moves the
 * start of mappings by up to 1 TiB at random; programs, libraries and heaps need some, and there
 * are gaps: 2 TiB are left to them. */
#define USER_BYTES (UINT64_C(1) << 47)
#define HEADROOM_BYTES (UINT64_C(1) << 41)

/* The number that a file of /proc begins with. */
static bool read_number(const char *path, uint64_t *number)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return false;
    char text[64];
    ssize_t length = read(descriptor, text, sizeof text);
    (void)close(descriptor);
    uint64_t value = 0;
    ssize_t digits = 0;
    while (digits < length && text[digits] >= '0' && text[digits] <= '9') {
        if (!bhd__mul_u64(value, 10, &value) ||
            !bhd__add_u64(value, (uint64_t)(text[digits] - '0'), &value))
            return false;
        digits++;
    }
    if (digits == 0)
        return false;
    *number = value;
    return true;
}

void bhd__address_space_get(bhd__address_space *space)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    uint64_t pages = 0;
    (void)getrlimit(RLIMIT_AS, &limit);
    space->usable = USER_BYTES - HEADROOM_BYTES;
    space->limit = limit.rlim_cur;
    space->used = 0;
    if (space->limit != UINT64_MAX && read_number("/proc/self/statm", &pages) &&
        !bhd__mul_u64(pages, bhd__os_page_bytes(), &space->used))
        space->used = UINT64_MAX;
}

/* "vm.max_map_count is 65530" */
static void add_map_count(bhd__text *text)
{
    uint64_t most;
    bhd__text_add(text, "vm.max_map_count");
    if (read_number("/proc/sys/vm/max_map_count", &most))
        bhd__text_printf(text, " is %" PRIu64, most);
}

static bool mappings_are_exhausted(void)
{
    const bhd__os *os = bhd__os_get();
    size_t page = bhd__os_page_bytes();
    void *probe = os->reserve(page);
    if (probe == NULL)
        return true;
    (void)os->unmap(probe, page);
    return false;
}

bhd_status bhd__fail_reserve(bhd_error *error, const char *what, uint64_t bytes, int reason)
{
    bhd__address_space space;
    uint64_t wanted = UINT64_MAX;
    if (reason != ENOMEM)
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "the system refuses to reserve %" PRIu64 " bytes for a %s: %s", bytes,
                         what, bhd__errno_text(reason));
    bhd__address_space_get(&space);
    if (!bhd__add_u64(space.used, bytes, &wanted) || wanted > space.limit)
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "no address space for another %s of %" PRIu64
                         " bytes: RLIMIT_AS is %" PRIu64 " bytes, %" PRIu64
                         " are taken; raise it (ulimit -v) or use fewer at once",
                         what, bytes, space.limit, space.used);
    if (mappings_are_exhausted()) {
        char buffer[64];
        bhd__text text;
        bhd__text_init(&text, buffer, sizeof buffer);
        add_map_count(&text);
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "no mapping left for another %s of %" PRIu64
                         " bytes: %s; raise it (sysctl "
                         "vm.max_map_count) or use fewer at once",
                         what, bytes, buffer);
    }
    return bhd__fail(error, BHD_NO_CAPACITY,
                     "no address space for another %s of %" PRIu64
                     " bytes: no gap of that size is left in the process; use fewer at once",
                     what, bytes);
}

bhd_status bhd__fail_protect(bhd_error *error, const char *what, uint64_t bytes, int reason)
{
    char buffer[256];
    bhd__text text;
    struct rlimit data;
    uint64_t policy;
    if (reason != ENOMEM)
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "the system refuses to make %" PRIu64 " bytes of a %s accessible: %s",
                         bytes, what, bhd__errno_text(reason));
    bhd__text_init(&text, buffer, sizeof buffer);
    add_map_count(&text);
    /* Only then does the kernel reserve memory for what is made writable. */
    if (read_number("/proc/sys/vm/overcommit_memory", &policy) && policy == 2)
        bhd__text_add(&text, ", vm.overcommit_memory is 2");
    if (getrlimit(RLIMIT_DATA, &data) == 0 && data.rlim_cur != RLIM_INFINITY)
        bhd__text_printf(&text, ", RLIMIT_DATA is %" PRIu64 " bytes", (uint64_t)data.rlim_cur);
    return bhd__fail(error, BHD_NO_CAPACITY,
                     "no mapping or memory left to make %" PRIu64 " bytes of a %s accessible: %s; "
                     "raise the limit that is reached or use fewer at once",
                     bytes, what, buffer);
}
