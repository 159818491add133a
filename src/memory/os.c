/*
 * The real calls behind os.h: mmap and its relatives, and the PAGEMAP_SCAN request of Linux 6.7.
 *
 * What every range gets, and why:
 * - MADV_NOHUGEPAGE: one touched byte costs one page, not 2 MiB, so that what a slot keeps resident
 *   is what its owner allowed it to keep.
 * - MADV_DONTDUMP only where the owner asks (hide): the memory of guests is theirs, and large.
 *   Stacks stay in a core dump, because frames of the host lie on them.
 * - Neither MADV_DONTFORK nor MADV_WIPEONFORK. Without the mappings, a child that frees its copy of
 *   a pool would unmap whatever lies at those addresses by then; wiped, a guest that is alive in
 *   the child would compute on with zeros. A child is as trusted as its parent: it gets copies, and
 *   can use, clean and free them like the original.
 *
 * A descriptor of /proc/self/pagemap answers for the process that opened it, in a child of fork
 * too: there it would call pages clean that the child has written. So its number lies in a page
 * that the kernel wipes at fork, and a child finds none and opens its own. (Comparing process ids
 * costs a system call for each scan, and numbers are used again.) The parent's descriptor stays
 * open in the child until exec closes it. There is no lock: fork may happen while another thread
 * would hold it.
 */
#include "memory/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "address arithmetic is done in 64 bits");

/* linux/fs.h of Linux 6.7, spelled out because older headers lack it. */
struct scan_request {
    uint64_t size, flags, start, end, walk_end, runs, run_count, max_pages;
    uint64_t inverted, all_of, any_of, returned;
};

struct scan_run {
    uint64_t start, end, categories;
};

#define SCAN_REQUEST _IOWR('f', 16, struct scan_request)

enum {
    PAGE_PRESENT = 1 << 3,
    PAGE_SWAPPED = 1 << 4,
    PAGE_IS_ZERO_PAGE = 1 << 5,
};

enum { SCAN_RUNS = 64 };

/* In the page that fork wipes. 0: not opened in this process; negative: this kernel cannot scan;
 * otherwise the descriptor and 1. Any thread; what is exchanged is the number alone. */
struct scanner {
    atomic_int descriptor_plus_one;
    atomic_int witness; /* written to make the page dirty */
};

/* Made once, by whichever thread is first; released and acquired, so that its page is ready. */
static _Atomic(struct scanner *) the_scanner;

static const bhd__os *replacement;

size_t bhd__os_page_bytes(void)
{
    /* Looked up by whichever thread is first, and the same for all. */
    static _Atomic size_t known;
    size_t bytes = atomic_load_explicit(&known, memory_order_relaxed);
    if (bytes == 0) {
        bytes = (size_t)sysconf(_SC_PAGESIZE);
        atomic_store_explicit(&known, bytes, memory_order_relaxed);
    }
    return bytes;
}

static void *os_reserve(size_t bytes)
{
    void *address =
        mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED)
        return NULL;
    /* Refused by kernels that have no huge pages to begin with. */
    (void)madvise(address, bytes, MADV_NOHUGEPAGE);
    return address;
}

static int os_unmap(void *address, size_t bytes)
{
    return munmap(address, bytes);
}

static int os_protect(void *address, size_t bytes, int accessible)
{
    return mprotect(address, bytes, accessible ? PROT_READ | PROT_WRITE : PROT_NONE);
}

static int os_discard(void *address, size_t bytes)
{
    return madvise(address, bytes, MADV_DONTNEED);
}

static void os_hide(void *address, size_t bytes)
{
    (void)madvise(address, bytes, MADV_DONTDUMP);
}

static struct scanner *scanner_page(void)
{
    struct scanner *page = atomic_load_explicit(&the_scanner, memory_order_acquire);
    if (page != NULL)
        return page;
    size_t bytes = bhd__os_page_bytes();
    void *fresh = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fresh == MAP_FAILED)
        return NULL;
    if (madvise(fresh, bytes, MADV_WIPEONFORK) != 0) {
        (void)munmap(fresh, bytes);
        return NULL;
    }
    if (atomic_compare_exchange_strong_explicit(&the_scanner, &page, fresh, memory_order_acq_rel,
                                                memory_order_acquire))
        return fresh;
    (void)munmap(fresh, bytes);
    return page;
}

/* Pages of [start, end) that are present or swapped out, except where the zero page is mapped. */
static long scan(int descriptor, uint64_t start, uint64_t end, struct scan_run *runs,
                 size_t capacity, uint64_t *walked)
{
    struct scan_request request = {
        .size = sizeof request,
        .start = start,
        .end = end,
        .runs = (uint64_t)(uintptr_t)runs,
        .run_count = capacity,
        .inverted = PAGE_IS_ZERO_PAGE,
        .all_of = PAGE_IS_ZERO_PAGE,
        .any_of = PAGE_PRESENT | PAGE_SWAPPED,
        .returned = PAGE_SWAPPED,
    };
    long count = ioctl(descriptor, SCAN_REQUEST, &request);
    *walked = request.walk_end;
    return count;
}

/* A page that is surely dirty is reported as dirty: what answers is a kernel that can scan, and it
 * answers for this process. */
static bool answers_for_this_process(int descriptor, struct scanner *page)
{
    uint64_t start = (uint64_t)(uintptr_t)page, end = start + bhd__os_page_bytes(), walked = 0;
    struct scan_run run = {0, 0, 0};
    atomic_store_explicit(&page->witness, 1, memory_order_relaxed);
    return scan(descriptor, start, end, &run, 1, &walked) == 1 && run.start == start &&
           run.end == end && walked == end;
}

/* The descriptor for this process; -1 when there is none. */
static int scanner_descriptor(struct scanner *page)
{
    int known = atomic_load_explicit(&page->descriptor_plus_one, memory_order_relaxed);
    if (known != 0)
        return known > 0 ? known - 1 : -1;
    int descriptor = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || descriptor == INT_MAX)
        return -1;
    int found = answers_for_this_process(descriptor, page) ? descriptor + 1 : -1;
    int expected = 0;
    bool first = atomic_compare_exchange_strong_explicit(
        &page->descriptor_plus_one, &expected, found, memory_order_relaxed, memory_order_relaxed);
    if (!first || found < 0)
        (void)close(descriptor);
    int now = first ? found : expected;
    return now > 0 ? now - 1 : -1;
}

static long os_dirty(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                     uint64_t *walked)
{
    struct scanner *page = scanner_page();
    int descriptor = page != NULL ? scanner_descriptor(page) : -1;
    if (descriptor < 0)
        return -1;
    /* Cleared for tools that do not know what this request writes. */
    struct scan_run found[SCAN_RUNS] = {0};
    uint64_t end_of_walk = start;
    long count = scan(descriptor, start, end, found, capacity < SCAN_RUNS ? capacity : SCAN_RUNS,
                      &end_of_walk);
    if (count < 0) {
        /* Closed by somebody, as programs do that turn into daemons: the next scan opens one. */
        int closed = descriptor + 1;
        if (errno == EBADF)
            atomic_compare_exchange_strong_explicit(&page->descriptor_plus_one, &closed, 0,
                                                    memory_order_relaxed, memory_order_relaxed);
        return -1;
    }
    for (long i = 0; i < count; i++)
        runs[i] =
            (bhd__os_run){found[i].start, found[i].end, (found[i].categories & PAGE_SWAPPED) != 0};
    *walked = end_of_walk;
    return count;
}

static const bhd__os real = {
    .reserve = os_reserve,
    .unmap = os_unmap,
    .protect = os_protect,
    .discard = os_discard,
    .dirty = os_dirty,
    .hide = os_hide,
};

const bhd__os *bhd__os_get(void)
{
    return replacement != NULL ? replacement : &real;
}

void bhd__os_replace(const bhd__os *os)
{
    replacement = os;
}
