/*
 * The pool of slots. What one slot does is in slot.c; here is who gets which slot, and the
 * counting.
 *
 * Free slots are in two orders at once, so that taking and giving back cost the same however many
 * there are:
 * - one list of all, newest first, linked both ways;
 * - for every size a stack, newest on top. The tops are chained in buckets by size. A size of
 *   WebAssembly is a multiple of 64 KiB, so buckets are shared only by sizes that are 64 MiB apart,
 *   at most 64 of them in 4 GiB: that bounds the search.
 * A slot that is taken is always the top of its stack: either the stack of the wanted size is
 * asked, or the newest of all is taken, and that is the newest of its size too.
 *
 * Newest first because its pages and page tables are most likely still in the processor's caches,
 * and because slots that a quieter pool does not need stay untouched.
 *
 * The lock guards the lists and the counters and is never held over a system call: a slot that is
 * mapped, resized, cleaned or unmapped belongs to the thread that does it, and is counted as in
 * use. After fork, the child's copy may be used unless another thread was in the pool at that
 * moment.
 */
#include "memory/slots.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/fail.h"
#include "memory/address_space.h"
#include "memory/os.h"
#include "memory/slot.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>

enum { BUCKETS = 1024, BUCKET_SHIFT = 16 };
/* Free slots that one request tries when the system refuses to make more of them accessible. */
enum { TRIES = 16 };

struct bhd__slots {
    bhd__slot_shape shape;
    uint64_t max_slots;
    uint64_t keep_all_bytes;
    pthread_mutex_t lock;
    /* Under the lock. */
    uint64_t mapped, in_use, retired;
    uint64_t lost; /* retired, but the system refused to unmap them */
    uint64_t kept; /* kept_bytes of all free slots */
    bhd__slot *newest;
    bhd__slot *buckets[BUCKETS];
};

static bhd_status check_size(const char *name, uint64_t bytes, uint64_t least, bhd_error *error)
{
    uint64_t page = bhd__os_page_bytes();
    if (bytes < least)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "%s: %" PRIu64 " is less than one page, %" PRIu64 " bytes", name, bytes,
                         page);
    if (bytes % page != 0)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "%s: %" PRIu64 " is not a multiple of the page size, %" PRIu64 " bytes",
                         name, bytes, page);
    return BHD_OK;
}

/* Whether max_slots of that shape can exist in this process. */
static bhd_status check_fit(const bhd__slots_options *options, uint64_t span, bhd_error *error)
{
    bhd__address_space space;
    bhd__address_space_get(&space);
    uint64_t by_limit = bhd__sub_floor_u64(space.limit, space.used) / span;
    uint64_t by_space = space.usable / span;
    uint64_t fit = by_limit < by_space ? by_limit : by_space;
    bhd_status status;
    if (options->max_slots >= 1 && options->max_slots <= fit)
        return BHD_OK;
    const char *many = options->max_slots == 1 ? "" : "s";
    const char *does = options->max_slots == 1 ? "does" : "do";
    if (options->max_slots < 1)
        status = bhd__fail(error, BHD_INVALID_ARGUMENT,
                           "max_slots: 0 slots are none; at most %" PRIu64 " fit", fit);
    else if (by_limit < by_space)
        status = bhd__fail(error, BHD_INVALID_ARGUMENT,
                           "max_slots: %" PRIu64 " slot%s of %" PRIu64
                           " bytes %s not fit RLIMIT_AS, %" PRIu64 " bytes of which %" PRIu64
                           " are taken: at most %" PRIu64 " fit; raise it (ulimit -v)%s",
                           options->max_slots, many, span, does, space.limit, space.used, fit,
                           fit > 0 ? " or ask for fewer" : "");
    else
        status = bhd__fail(error, BHD_INVALID_ARGUMENT,
                           "max_slots: %" PRIu64 " slot%s of %" PRIu64
                           " bytes %s not fit the address space of a process, %" PRIu64
                           " usable bytes: at most %" PRIu64 " fit",
                           options->max_slots, many, span, does, space.usable, fit);
    if (fit >= 1)
        bhd__error_range(error, options->max_slots, 1, fit);
    return status;
}

static bhd_status check_options(const bhd__slots_options *options, uint64_t *span, bhd_error *error)
{
    uint64_t page = bhd__os_page_bytes();
    bhd_status status = BHD_OK;
    if (options->mode != BHD__SLOTS_GUARD)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "mode: %d is not a mode of slots",
                         (int)options->mode);
    if ((status = check_size("reservation_bytes", options->reservation_bytes, page, error)) !=
            BHD_OK ||
        (status = check_size("guard_bytes", options->guard_bytes, page, error)) != BHD_OK ||
        (status = check_size("keep_bytes", options->keep_bytes, 0, error)) != BHD_OK ||
        (status = check_size("keep_all_bytes", options->keep_all_bytes, 0, error)) != BHD_OK)
        return status;
    if (!bhd__mul_u64(options->guard_bytes, 2, span) ||
        !bhd__add_u64(*span, options->reservation_bytes, span))
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "reservation_bytes and guard_bytes: %" PRIu64 " and twice %" PRIu64
                         " are more than 64 bits can count",
                         options->reservation_bytes, options->guard_bytes);
    return check_fit(options, *span, error);
}

bhd_status bhd__slots_new(const bhd__slots_options *options, bhd__slots **slots, bhd_error *error)
{
    uint64_t span = 0;
    bhd_status status = check_options(options, &span, error);
    if (status != BHD_OK)
        return status;
    bhd__slots *made = bhd__calloc(1, sizeof *made);
    if (made == NULL)
        return bhd__fail_no_memory(error);
    if (pthread_mutex_init(&made->lock, NULL) != 0) {
        bhd__free(made);
        return bhd__fail_no_memory(error);
    }
    made->shape = (bhd__slot_shape){options->reservation_bytes, options->guard_bytes, span,
                                    options->keep_bytes};
    made->max_slots = options->max_slots;
    made->keep_all_bytes = options->keep_all_bytes;
    *slots = made;
    return BHD_OK;
}

void bhd__slots_free(bhd__slots *slots)
{
    if (slots == NULL)
        return;
    assert(slots->in_use == 0);
    while (slots->newest != NULL) {
        bhd__slot *slot = slots->newest;
        slots->newest = slot->older;
        (void)bhd__slot_unmap(slot);
        bhd__free(slot);
    }
    (void)pthread_mutex_destroy(&slots->lock);
    bhd__free(slots);
}

/* The link to the newest free slot of that size, or the end of its bucket's chain. Locked. */
static bhd__slot **stack_of(bhd__slots *slots, uint64_t bytes)
{
    bhd__slot **link = &slots->buckets[(bytes >> BUCKET_SHIFT) % BUCKETS];
    while (*link != NULL && (*link)->bytes != bytes)
        link = &(*link)->next_size;
    return link;
}

/* Locked. */
static void push(bhd__slots *slots, bhd__slot *slot)
{
    bhd__slot **link = stack_of(slots, slot->bytes);
    slot->below = *link;
    slot->next_size = *link != NULL ? (*link)->next_size : NULL;
    *link = slot;

    slot->newer = NULL;
    slot->older = slots->newest;
    if (slots->newest != NULL)
        slots->newest->newer = slot;
    slots->newest = slot;
    slots->kept += slot->kept_bytes;
}

/* The free slot that suits best, taken out of the lists; NULL when none is free. Locked. */
static bhd__slot *pop(bhd__slots *slots, uint64_t bytes)
{
    bhd__slot **link = stack_of(slots, bytes);
    if (*link == NULL) {
        if (slots->newest == NULL)
            return NULL;
        link = stack_of(slots, slots->newest->bytes);
    }
    bhd__slot *slot = *link;
    if (slot->below != NULL) {
        slot->below->next_size = slot->next_size;
        *link = slot->below;
    } else {
        *link = slot->next_size;
    }
    if (slot->newer != NULL)
        slot->newer->older = slot->older;
    else
        slots->newest = slot->older;
    if (slot->older != NULL)
        slot->older->newer = slot->newer;
    slots->kept -= slot->kept_bytes;
    return slot;
}

/* False, and nothing done, if all free slots would then keep more than `keep_all_bytes`. */
static bool give_back(bhd__slots *slots, bhd__slot *slot, uint64_t keep_all_bytes)
{
    (void)pthread_mutex_lock(&slots->lock);
    bool fits = slots->kept + slot->kept_bytes <= keep_all_bytes;
    if (fits) {
        push(slots, slot);
        slots->in_use--;
    }
    (void)pthread_mutex_unlock(&slots->lock);
    return fits;
}

/* Ends a slot that nobody may use again. `counted`: it goes into the statistics. */
static void end_slot(bhd__slots *slots, bhd__slot *slot, bool counted)
{
    bool gone = bhd__slot_unmap(slot) == 0;
    (void)pthread_mutex_lock(&slots->lock);
    slots->mapped--;
    slots->in_use--;
    slots->retired += counted || !gone;
    slots->lost += !gone;
    (void)pthread_mutex_unlock(&slots->lock);
    bhd__free(slot);
}

/* What one request gets hold of. */
typedef enum hold { HOLD_NOTHING, HOLD_FREE, HOLD_ROOM } hold;

/* A free slot if `reuse`, otherwise the right to map one; counted as in use already. */
static hold take(bhd__slots *slots, uint64_t bytes, bool reuse, bhd__slot **slot)
{
    hold got = HOLD_NOTHING;
    (void)pthread_mutex_lock(&slots->lock);
    *slot = reuse ? pop(slots, bytes) : NULL;
    if (*slot != NULL) {
        got = HOLD_FREE;
    } else if (slots->mapped < slots->max_slots) {
        slots->mapped++;
        got = HOLD_ROOM;
    }
    if (got != HOLD_NOTHING)
        slots->in_use++;
    (void)pthread_mutex_unlock(&slots->lock);
    return got;
}

/* Maps a slot under the right that take() gave; gives the right back on failure. */
static bhd_status map_slot(bhd__slots *slots, uint64_t bytes, bhd__slot **slot, bhd_error *error)
{
    bhd__slot *fresh = bhd__calloc(1, sizeof *fresh);
    int reason = fresh != NULL ? bhd__slot_map(fresh, &slots->shape) : 0;
    if (fresh == NULL || reason != 0) {
        bhd__free(fresh);
        (void)pthread_mutex_lock(&slots->lock);
        slots->mapped--;
        slots->in_use--;
        (void)pthread_mutex_unlock(&slots->lock);
        return reason != 0 ? bhd__fail_reserve(error, "slot", slots->shape.span_bytes, reason)
                           : bhd__fail_no_memory(error);
    }
    reason = bhd__slot_resize(fresh, bytes);
    if (reason != 0) {
        end_slot(slots, fresh, false);
        return bhd__fail_protect(error, "slot", bytes, reason);
    }
    *slot = fresh;
    return BHD_OK;
}

static bhd_status fail_all_in_use(const bhd__slots *slots, bhd_error *error)
{
    return bhd__fail(error, BHD_NO_CAPACITY,
                     "all %" PRIu64 " slots are in use; try again when one is given back",
                     slots->max_slots);
}

bhd_status bhd__slots_acquire(bhd__slots *slots, uint64_t bytes, bhd__slot **slot, bhd_error *error)
{
    bhd_status status = check_size("bytes", bytes, 0, error);
    if (status != BHD_OK)
        return status;
    if (bytes > slots->shape.reservation_bytes)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "a slot of %" PRIu64 " bytes: the reservation is %" PRIu64 " bytes", bytes,
                         slots->shape.reservation_bytes);

    /* Slots that the system refused to extend, unchanged; they go back at the end. While they are
     * aside the request does not meet them twice. */
    bhd__slot *aside = NULL;
    int refusal = 0;
    bhd__slot *found = NULL;
    for (unsigned tries = 0;; tries++) {
        hold got = take(slots, bytes, tries < TRIES, &found);
        if (got == HOLD_ROOM) {
            status = map_slot(slots, bytes, &found, error);
            break;
        }
        if (got == HOLD_NOTHING) {
            status = refusal != 0 ? bhd__fail_protect(error, "slot", bytes, refusal)
                                  : fail_all_in_use(slots, error);
            break;
        }
        int reason = bhd__slot_resize(found, bytes);
        if (reason == 0)
            break;
        if (found->unknown) {
            end_slot(slots, found, true);
        } else {
            refusal = reason;
            found->older = aside;
            aside = found;
        }
    }
    while (aside != NULL) {
        bhd__slot *next = aside->older;
        (void)give_back(slots, aside, UINT64_MAX);
        aside = next;
    }
    if (status == BHD_OK)
        *slot = found;
    return status;
}

bhd_status bhd__slot_grow(bhd__slot *slot, uint64_t bytes, bhd_error *error)
{
    bhd_status status = check_size("bytes", bytes, 0, error);
    if (status != BHD_OK)
        return status;
    if (bytes > slot->shape->reservation_bytes)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "a slot of %" PRIu64 " bytes: the reservation is %" PRIu64 " bytes", bytes,
                         slot->shape->reservation_bytes);
    if (bytes <= slot->bytes)
        return BHD_OK;
    if (slot->unknown)
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "an earlier growth of this slot failed half-way; it cannot grow any more");
    int reason = bhd__slot_resize(slot, bytes);
    return reason == 0 ? BHD_OK : bhd__fail_protect(error, "slot", bytes, reason);
}

void bhd__slots_release(bhd__slots *slots, bhd__slot *slot)
{
    assert(slot->shape == &slots->shape);
    bool is_clean = !slot->unknown && bhd__slot_clean(slot) == 0;
    /* A slot that would make all free slots keep too much keeps nothing. */
    if (is_clean && !give_back(slots, slot, slots->keep_all_bytes))
        is_clean = bhd__slot_drop_kept(slot) == 0 && give_back(slots, slot, UINT64_MAX);
    if (!is_clean)
        end_slot(slots, slot, true);
}

uint8_t *bhd__slot_base(const bhd__slot *slot)
{
    return slot->base;
}

uint64_t bhd__slot_bytes(const bhd__slot *slot)
{
    return slot->bytes;
}

uint64_t bhd__slot_reservation(const bhd__slot *slot)
{
    return slot->shape->reservation_bytes;
}

void bhd__slots_get_stats(const bhd__slots *slots, bhd__slots_stats *stats)
{
    /* The lock is not part of what the caller may not change. */
    pthread_mutex_t *lock = (pthread_mutex_t *)&slots->lock;
    (void)pthread_mutex_lock(lock);
    stats->slots = slots->mapped;
    stats->in_use = slots->in_use;
    stats->retired = slots->retired;
    stats->reserved_bytes = (slots->mapped + slots->lost) * slots->shape.span_bytes;
    stats->kept_bytes = slots->kept;
    (void)pthread_mutex_unlock(lock);
}
