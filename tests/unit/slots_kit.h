/*
 * What the tests of the memory room share: oracles that do not ask the code under test (the maps
 * and the pagemap of the process, real faults), children of fork, and system calls that fail on
 * order.
 */
#ifndef BHD_TESTS_SLOTS_KIT_H
#define BHD_TESTS_SLOTS_KIT_H

#include "unit_test.h"

#include "bulkhead/error.h"
#include "memory/os.h"
#include "memory/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

static inline uint64_t page_bytes(void)
{
    return bhd__os_page_bytes();
}

/* -- Pools ------------------------------------------------------------------------------------- */

static inline bhd__slots *pool_of(uint64_t reservation, uint64_t max_slots, uint64_t keep)
{
    bhd__slots_options options = {BHD__SLOTS_GUARD, reservation, 64 * KIB,
                                  max_slots,        keep,        UINT64_MAX & ~(uint64_t)4095};
    bhd_error error = BHD_ERROR_INIT;
    bhd__slots *slots = NULL;
    if (bhd__slots_new(&options, &slots, &error) != BHD_OK)
        fail_msg("%s", error.message);
    return slots;
}

static inline bhd__slot *acquired(bhd__slots *slots, uint64_t bytes)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__slot *slot = NULL;
    if (bhd__slots_acquire(slots, bytes, &slot, &error) != BHD_OK)
        fail_msg("%s", error.message);
    return slot;
}

static inline void grown(bhd__slot *slot, uint64_t bytes)
{
    bhd_error error = BHD_ERROR_INIT;
    if (bhd__slot_grow(slot, bytes, &error) != BHD_OK)
        fail_msg("%s", error.message);
}

static inline void assert_stats(const bhd__slots *slots, uint64_t mapped, uint64_t in_use,
                                uint64_t retired)
{
    bhd__slots_stats stats;
    bhd__slots_get_stats(slots, &stats);
    assert_int_equal(stats.slots, mapped);
    assert_int_equal(stats.in_use, in_use);
    assert_int_equal(stats.retired, retired);
}

/* -- Contents ---------------------------------------------------------------------------------- */

/* The offset of the first byte that is not zero, or `bytes`. */
static inline uint64_t first_dirt(const uint8_t *base, uint64_t bytes)
{
    for (uint64_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t word;
        memcpy(&word, base + i, 8);
        if (word != 0) {
            while (base[i] == 0)
                i++;
            return i;
        }
    }
    return bytes;
}

static inline void assert_zero(const bhd__slot *slot)
{
    uint64_t dirt = first_dirt(bhd__slot_base(slot), bhd__slot_bytes(slot));
    if (dirt != bhd__slot_bytes(slot))
        fail_msg("byte %" PRIu64 " of %" PRIu64 " is left over", dirt, bhd__slot_bytes(slot));
}

/* -- What can be reached ----------------------------------------------------------------------- */

/* The bytes of [start, end) that the process may read and write, by /proc/self/maps; `*first` is
 * where they begin. A range that is readable and not writable, or executable, counts as all of it.
 * `*mapped`: bytes of the range that are mapped at all. */
static inline uint64_t accessible_bytes(uint64_t start, uint64_t end, uint64_t *first,
                                        uint64_t *mapped)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[1024], rights[8];
    uint64_t from, to, found = 0;
    assert_non_null(maps);
    *first = end;
    *mapped = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, rights) != 3)
            continue;
        from = from > start ? from : start;
        to = to < end ? to : end;
        if (from >= to)
            continue;
        *mapped += to - from;
        if (strncmp(rights, "---", 3) == 0)
            continue;
        found += strncmp(rights, "rw-", 3) == 0 ? to - from : end - start;
        *first = from < *first ? from : *first;
    }
    fclose(maps);
    return found;
}

/* Exactly [0, bytes) of the slot is accessible, guards and rest of the reservation are not. */
static inline void assert_exact(const bhd__slot *slot, uint64_t bytes)
{
    uint64_t base = (uint64_t)(uintptr_t)bhd__slot_base(slot), first, mapped;
    uint64_t start = base - 64 * KIB, end = base + bhd__slot_reservation(slot) + 64 * KIB;
    assert_int_equal(bhd__slot_bytes(slot), bytes);
    assert_int_equal(accessible_bytes(start, end, &first, &mapped), bytes);
    assert_int_equal(mapped, end - start);
    if (bytes > 0)
        assert_int_equal(first, base);
}

static inline sigjmp_buf *fault_return(void)
{
    static sigjmp_buf jump;
    return &jump;
}

static inline void on_fault(int number)
{
    (void)number;
    siglongjmp(*fault_return(), 1);
}

/* Valgrind keeps address space for itself, and its fork does not wipe pages. A test that needs all
 * of one or the other skips itself. */
static inline bool under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload && strstr(preload, "vgpreload");
}

/* Whether reading (or writing) that byte is a segmentation fault. */
static inline bool faults(volatile uint8_t *address, bool write)
{
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_fault;
    sigaction(SIGSEGV, &action, &before);
    volatile bool fault = true;
    if (sigsetjmp(*fault_return(), 1) == 0) {
        if (write)
            *address = 1;
        else
            (void)*address;
        fault = false;
    }
    sigaction(SIGSEGV, &before, NULL);
    return fault;
}

/* Pages of [address, address + bytes) that are resident or swapped out, by /proc/self/pagemap. The
 * shared zero page counts as well. */
static inline uint64_t held_pages(const void *address, uint64_t bytes)
{
    int descriptor = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t pages = 0, entries[512], page = page_bytes();
    assert_true(descriptor >= 0);
    uint64_t at = (uint64_t)(uintptr_t)address / page, end = at + bytes / page;
    while (at < end) {
        size_t count = end - at < 512 ? end - at : 512;
        assert_int_equal(pread(descriptor, entries, count * 8, (off_t)(at * 8)), count * 8);
        for (size_t i = 0; i < count; i++)
            pages += (entries[i] >> 62) != 0;
        at += count;
    }
    close(descriptor);
    return pages;
}

/* Bytes resident or swapped out in the mappings that touch the range, by /proc/self/smaps, which
 * does not count the shared zero page. */
static inline uint64_t resident_bytes(const void *address, uint64_t bytes)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    uint64_t start = (uint64_t)(uintptr_t)address, from, to, kib, found = 0;
    char line[1024];
    bool inside = false;
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2)
            inside = from < start + bytes && to > start;
        else if (inside && (sscanf(line, "Rss: %" SCNu64, &kib) == 1 ||
                            sscanf(line, "Swap: %" SCNu64, &kib) == 1))
            found += kib * KIB;
    }
    fclose(maps);
    return found;
}

/* -- Children ---------------------------------------------------------------------------------- */

/* For children of fork, where an assertion of cmocka would go on with the next test. */
#define CHILD_CHECK(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: in a child: %s\n", __FILE__, __LINE__, #condition);            \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Runs `work` in a child; true when it came to its end. */
static inline bool in_child(void (*work)(void *), void *argument)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        work(argument);
        _exit(0);
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* -- System calls that fail on order ----------------------------------------------------------- */

typedef enum os_call {
    CALL_RESERVE,
    CALL_UNMAP,
    CALL_OPEN,  /* protect: make accessible */
    CALL_CLOSE, /* protect: make inaccessible */
    CALL_DISCARD,
    CALL_RESIDENT,
    CALL_HIDE,
    CALL_COUNT,
} os_call;

/* One test at a time, one thread. */
static struct {
    const bhd__os *real;
    uint64_t calls[CALL_COUNT];
    uint64_t fail_from[CALL_COUNT], fail_to[CALL_COUNT]; /* calls of that number fail, from 1 */
    uint64_t every[CALL_COUNT]; /* if not 0: any call, with chance 1 in n */
    uint64_t random;
    int reason;
    uint64_t discarded[64][2]; /* address and length, of the first calls */
} orders;

static inline uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static inline bool ordered_to_fail(os_call call)
{
    uint64_t n = ++orders.calls[call];
    if ((n >= orders.fail_from[call] && n < orders.fail_to[call]) ||
        (orders.every[call] != 0 && next_random(&orders.random) % orders.every[call] == 0)) {
        errno = orders.reason;
        return true;
    }
    return false;
}

static inline void *ordered_reserve(size_t bytes)
{
    return ordered_to_fail(CALL_RESERVE) ? NULL : orders.real->reserve(bytes);
}

static inline int ordered_unmap(void *address, size_t bytes)
{
    return ordered_to_fail(CALL_UNMAP) ? -1 : orders.real->unmap(address, bytes);
}

static inline int ordered_protect(void *address, size_t bytes, int accessible)
{
    if (ordered_to_fail(accessible ? CALL_OPEN : CALL_CLOSE))
        return -1;
    return orders.real->protect(address, bytes, accessible);
}

static inline int ordered_discard(void *address, size_t bytes)
{
    uint64_t n = orders.calls[CALL_DISCARD];
    if (n < COUNT_OF(orders.discarded)) {
        orders.discarded[n][0] = (uint64_t)(uintptr_t)address;
        orders.discarded[n][1] = bytes;
    }
    return ordered_to_fail(CALL_DISCARD) ? -1 : orders.real->discard(address, bytes);
}

static inline int ordered_resident(void *address, size_t bytes, unsigned char *pages)
{
    return ordered_to_fail(CALL_RESIDENT) ? -1 : orders.real->resident(address, bytes, pages);
}

static inline void ordered_hide(void *address, size_t bytes)
{
    if (!ordered_to_fail(CALL_HIDE))
        orders.real->hide(address, bytes);
}

static inline void take_orders(void)
{
    static const bhd__os os = {
        ordered_reserve, ordered_unmap, ordered_protect,
        ordered_discard, ordered_resident, ordered_hide, NULL,
    };
    bhd__os_replace(NULL);
    memset(&orders, 0, sizeof orders);
    orders.real = bhd__os_get();
    orders.reason = ENOMEM;
    orders.random = 88172645463325252u;
    bhd__os_replace(&os);
}

/* The next `count` calls of that kind fail. */
static inline void order_failure(os_call call, uint64_t count)
{
    orders.fail_from[call] = orders.calls[call] + 1;
    orders.fail_to[call] = orders.fail_from[call] + count;
}

#define FOR_EVER (UINT64_MAX / 2)

static inline int no_more_orders(void **state)
{
    (void)state;
    bhd__os_replace(NULL);
    return 0;
}

#endif
