/*
 * The real calls behind os.h: mmap and its relatives.
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
 */
#include "memory/os.h"

#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

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

static int os_resident(void *address, size_t bytes, unsigned char *pages)
{
    return mincore(address, bytes, pages);
}

static size_t os_signal_frame_bytes(void)
{
    /* Kernels before 5.14 do not say; the largest registers that they know take less than this. */
    size_t said = (size_t)getauxval(AT_MINSIGSTKSZ);
    return said != 0 ? said : 4096;
}

static const bhd__os real = {
    .reserve = os_reserve,
    .unmap = os_unmap,
    .protect = os_protect,
    .discard = os_discard,
    .resident = os_resident,
    .hide = os_hide,
    .signal_frame_bytes = os_signal_frame_bytes,
};

const bhd__os *bhd__os_get(void)
{
    return replacement != NULL ? replacement : &real;
}

void bhd__os_replace(const bhd__os *os)
{
    replacement = os;
}
