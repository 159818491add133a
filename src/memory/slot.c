/*
 * One slot. See slot.h for what always holds.
 *
 * Cleaning costs what was touched, not what could have been: pages that are resident are zeroed
 * where they are, up to keep_bytes of them, because a page that stays costs its next tenant no
 * fault. Everything else is given back.
 *
 * Nothing is believed. Which pages are resident is asked of the kernel, but the answer only chooses
 * between two ways to make a page zero: every byte of the slot is either looked at here and written
 * where it is not zero, or lies in a range that the kernel has been made to give back. A wrong or
 * outdated answer costs time. (The kernel could also be asked which pages were written, and ranges
 * that it calls untouched left alone. That takes a file, /proc/self/pagemap, whose descriptor the
 * program may close, and whose number may then be the pagemap of another process.)
 *
 * Tables of pages outlive the pages that are given back (8 bytes for each page ever touched), until
 * the slot is unmapped.
 */
#include "memory/slot.h"

#include "memory/os.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Pages of one question to the kernel, and questions; what lies beyond is given back unseen. That
 * bounds what a large memory can make a release cost, as does the number of ranges that are given
 * back one by one. */
enum { LOOK_PAGES = 2048, LOOKS = 32, SEPARATE_DISCARDS = 64 };

/* The reason of a call that failed; never 0, which would read as success. */
static int reason_of_failure(void)
{
    return errno != 0 ? errno : ENOMEM;
}

int bhd__slot_map(bhd__slot *slot, const bhd__slot_shape *shape)
{
    const bhd__os *os = bhd__os_get();
    uint8_t *mapping = os->reserve(shape->span_bytes);
    if (mapping == NULL)
        return reason_of_failure();
    os->hide(mapping, shape->span_bytes);
    slot->shape = shape;
    slot->base = mapping + shape->guard_bytes;
    slot->bytes = 0;
    slot->kept_end = 0;
    slot->kept_bytes = 0;
    slot->unknown = false;
    return 0;
}

int bhd__slot_unmap(bhd__slot *slot)
{
    const bhd__os *os = bhd__os_get();
    uint8_t *mapping = slot->base - slot->shape->guard_bytes;
    uint64_t span = slot->shape->span_bytes;
    if (os->unmap(mapping, span) == 0)
        return 0;
    (void)os->discard(mapping, span);
    (void)os->protect(mapping, span, 0);
    return -1;
}

/* Makes [bytes, more) accessible. What a call that fails has done in part is taken back. */
static int extend(bhd__slot *slot, uint64_t more)
{
    const bhd__os *os = bhd__os_get();
    uint8_t *start = slot->base + slot->bytes;
    uint64_t length = more - slot->bytes;
    if (os->protect(start, length, 1) != 0) {
        int reason = reason_of_failure();
        if (os->protect(start, length, 0) != 0)
            slot->unknown = true;
        return reason;
    }
    slot->bytes = more;
    return 0;
}

/* The tail becomes inaccessible, and pages that it kept are given back. */
static int shrink(bhd__slot *slot, uint64_t less)
{
    const bhd__os *os = bhd__os_get();
    if (os->protect(slot->base + less, slot->bytes - less, 0) != 0 ||
        (slot->kept_end > less && os->discard(slot->base + less, slot->kept_end - less) != 0)) {
        slot->unknown = true;
        return reason_of_failure();
    }
    slot->bytes = less;
    if (slot->kept_end > less)
        slot->kept_end = less;
    return 0;
}

int bhd__slot_resize(bhd__slot *slot, uint64_t bytes)
{
    assert(!slot->unknown && bytes <= slot->shape->reservation_bytes);
    if (bytes > slot->bytes)
        return extend(slot, bytes);
    return bytes < slot->bytes ? shrink(slot, bytes) : 0;
}

/* One cleaning in progress. */
typedef struct cleaning {
    bhd__slot *slot;
    uint64_t page;
    uint64_t clean;    /* [0, clean) of the slot is zero */
    uint64_t may_keep; /* bytes that may still stay */
    unsigned discards; /* that may still be made one by one */
} cleaning;

static int give_back_until(cleaning *c, uint64_t end)
{
    if (c->clean < end && bhd__os_get()->discard(c->slot->base + c->clean, end - c->clean) != 0)
        return -1;
    c->clean = end;
    return 0;
}

/* Pages that were only read are the system's one page of zeros, and stay that if nothing is written
 * to them. */
static void zero(uint8_t *page, uint64_t bytes)
{
    if (page[0] != 0 || memcmp(page, page + 1, bytes - 1) != 0)
        memset(page, 0, bytes);
}

/* The page at `at` stays. False: there was no room to keep it, or too much lay before it that had
 * to be given back by itself; or that failed. */
static bool keep(cleaning *c, uint64_t at)
{
    if (c->may_keep < c->page)
        return false;
    if (c->clean < at) {
        if (c->discards == 0 || give_back_until(c, at) != 0)
            return false;
        c->discards--;
    }
    zero(c->slot->base + at, c->page);
    c->clean = at + c->page;
    c->may_keep -= c->page;
    c->slot->kept_bytes += c->page;
    c->slot->kept_end = c->clean;
    return true;
}

/* Keeps what is resident in [at, end), and gives back what lies between. */
static bool keep_resident(cleaning *c, uint64_t at, uint64_t end)
{
    /* A kernel that leaves part of the answer out says "not resident". */
    unsigned char pages[LOOK_PAGES] = {0};
    if (bhd__os_get()->resident(c->slot->base + at, end - at, pages) != 0)
        return false;
    for (uint64_t i = 0; at < end; i++, at += c->page)
        if ((pages[i] & 1) != 0 && !keep(c, at))
            return false;
    return true;
}

int bhd__slot_clean(bhd__slot *slot)
{
    cleaning c = {slot, bhd__os_page_bytes(), 0, slot->shape->keep_bytes, SEPARATE_DISCARDS};
    uint64_t at = 0, step = LOOK_PAGES * c.page;
    slot->kept_end = 0;
    slot->kept_bytes = 0;
    for (unsigned looks = 0; looks < LOOKS && at < slot->bytes && c.may_keep >= c.page; looks++) {
        uint64_t end = slot->bytes - at < step ? slot->bytes : at + step;
        if (!keep_resident(&c, at, end))
            break;
        at = end;
    }
    return give_back_until(&c, slot->bytes);
}

int bhd__slot_drop_kept(bhd__slot *slot)
{
    if (slot->kept_end > 0 && bhd__os_get()->discard(slot->base, slot->kept_end) != 0)
        return -1;
    slot->kept_end = 0;
    slot->kept_bytes = 0;
    return 0;
}
