/*
 * One slot. See slot.h for what always holds.
 *
 * Cleaning costs what was written, not what could have been: the kernel is asked which pages hold
 * something (present or swapped out, the zero page excepted), the first keep_bytes of them are
 * zeroed where they are, because a page that stays costs its next tenant no fault, and the rest is
 * given back. Where the kernel cannot say, everything is given back.
 *
 * How far the kernel's answer is trusted: an answer that contradicts itself (no progress, beyond
 * the range, runs out of order or off the page grid) is no answer, and everything is given back. An
 * answer "nothing is dirty" is believed: it comes from the page tables that decide what the next
 * tenant reads, and os.c makes sure that it speaks of this process.
 *
 * Tables of pages outlive the pages that are given back (8 bytes for each page ever touched), until
 * the slot is unmapped.
 */
#include "memory/slot.h"

#include "memory/os.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Runs for each question to the kernel; it is asked until the end of the range is reached. */
enum { RUNS = 64 };
/* Separate runs that are given back one by one; after that, all the rest at once. Bounds what a
 * guest with many scattered swapped-out pages can make a release cost. */
enum { SEPARATE_DISCARDS = 16 };

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

/* Whether the kernel's answer about [at, end) makes sense. */
static bool is_sound(const bhd__os_run *runs, long count, uint64_t at, uint64_t end,
                     uint64_t walked)
{
    uint64_t grid = bhd__os_page_bytes() - 1;
    if (count < 0 || count > RUNS || walked <= at || walked > end || (walked & grid) != 0)
        return false;
    for (long i = 0; i < count; i++) {
        if (runs[i].start < at || runs[i].end <= runs[i].start || runs[i].end > walked ||
            ((runs[i].start | runs[i].end) & grid) != 0)
            return false;
        at = runs[i].end;
    }
    return true;
}

/* One cleaning in progress; addresses as in os.h. */
typedef struct cleaning {
    bhd__slot *slot;
    uint64_t end;
    uint64_t may_keep; /* bytes that may still be zeroed and kept */
    unsigned discards; /* that may still be made one by one */
} cleaning;

static uint8_t *pointer_to(const cleaning *c, uint64_t address)
{
    return c->slot->base + (address - (uint64_t)(uintptr_t)c->slot->base);
}

static int discard(const cleaning *c, uint64_t start, uint64_t end)
{
    return bhd__os_get()->discard(pointer_to(c, start), end - start);
}

/* Cleans one run. `*at`: how far the slot is clean then, the end of the run or of the slot. */
static int clean_run(cleaning *c, const bhd__os_run *run, uint64_t *at)
{
    uint64_t length = run->end - run->start;
    *at = run->end;
    if (run->swapped && c->discards > 0) {
        c->discards--;
        return discard(c, run->start, run->end);
    }
    /* Zeroing would bring a swapped page back in only to write zeros to it. */
    uint64_t kept = run->swapped ? 0 : length < c->may_keep ? length : c->may_keep;
    if (kept > 0) {
        memset(pointer_to(c, run->start), 0, kept);
        c->may_keep -= kept;
        c->slot->kept_bytes += kept;
        c->slot->kept_end = run->start + kept - (uint64_t)(uintptr_t)c->slot->base;
    }
    if (kept == length)
        return 0;
    *at = c->end;
    return discard(c, run->start + kept, c->end);
}

int bhd__slot_clean(bhd__slot *slot)
{
    const bhd__os *os = bhd__os_get();
    uint64_t at = (uint64_t)(uintptr_t)slot->base;
    cleaning c = {slot, at + slot->bytes, slot->shape->keep_bytes, SEPARATE_DISCARDS};
    bhd__os_run runs[RUNS];
    slot->kept_end = 0;
    slot->kept_bytes = 0;
    while (at < c.end) {
        uint64_t walked = at;
        long count = c.may_keep > 0 ? os->dirty(at, c.end, runs, RUNS, &walked) : -1;
        if (!is_sound(runs, count, at, c.end, walked))
            return discard(&c, at, c.end);
        for (long i = 0; i < count && at < c.end; i++) {
            if (clean_run(&c, &runs[i], &at) != 0)
                return -1;
        }
        if (at < c.end)
            at = walked;
    }
    return 0;
}

int bhd__slot_drop_kept(bhd__slot *slot)
{
    if (slot->kept_end > 0 && bhd__os_get()->discard(slot->base, slot->kept_end) != 0)
        return -1;
    slot->kept_end = 0;
    slot->kept_bytes = 0;
    return 0;
}
