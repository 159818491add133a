/*
 * Slots when the system says no: every call that can fail does, in turn and at random. What a
 * caller was given stays good, what was refused changed nothing, and nobody gets an unclean slot.
 */
#include "slots_kit.h"

#include "base/alloc.h"

#include <sys/resource.h>

#define RESERVATION (2 * MIB)
#define SPAN (RESERVATION + 2 * 64 * KIB)

static int with_orders(void **state)
{
    (void)state;
    take_orders();
    return 0;
}

/* The number in a file of /proc. */
static unsigned long long number_in(const char *path)
{
    FILE *file = fopen(path, "re");
    unsigned long long number = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%llu", &number), 1);
    fclose(file);
    return number;
}

/* "vm.max_map_count is 65530", and what else decides on this machine. */
static const char *reasons(void)
{
    static char text[256];
    struct rlimit data;
    int length = snprintf(text, sizeof text, "vm.max_map_count is %llu",
                          number_in("/proc/sys/vm/max_map_count"));
    if (number_in("/proc/sys/vm/overcommit_memory") == 2)
        length +=
            snprintf(text + length, sizeof text - (size_t)length, ", vm.overcommit_memory is 2");
    if (getrlimit(RLIMIT_DATA, &data) == 0 && data.rlim_cur != RLIM_INFINITY)
        snprintf(text + length, sizeof text - (size_t)length, ", RLIMIT_DATA is %llu bytes",
                 (unsigned long long)data.rlim_cur);
    return text;
}

static bool is_mapped(const uint8_t *base)
{
    uint64_t start = (uint64_t)(uintptr_t)base - 64 * KIB, first, mapped;
    accessible_bytes(start, start + SPAN, &first, &mapped);
    return mapped != 0;
}

/* Acquire is refused with that message and changes nothing. */
static void refused(bhd__slots *slots, uint64_t bytes, const char *message)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__slots_stats before, after;
    bhd__slot *slot = NULL;
    uint64_t live = bhd__alloc_live();
    bhd__slots_get_stats(slots, &before);
    assert_int_equal(bhd__slots_acquire(slots, bytes, &slot, &error), BHD_NO_CAPACITY);
    assert_string_equal(error.message, message);
    assert_null(slot);
    bhd__slots_get_stats(slots, &after);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(bhd__alloc_live(), live);
    bhd_error_fini(&error);
}

/* -- Reserving --------------------------------------------------------------------------------- */

static void test_a_refused_reservation_is_no_capacity_with_the_reason(void **state)
{
    (void)state;
    char message[512];
    bhd__slots *slots = pool_of(RESERVATION, 4, 64 * KIB);
    order_failure(CALL_RESERVE, 1); /* the probe after it succeeds */
    refused(slots, MIB,
            "no address space for another slot of 2228224 bytes: no gap of that size is left in "
            "the process; use fewer at once");
    order_failure(CALL_RESERVE, 2);
    snprintf(
        message, sizeof message,
        "no mapping left for another slot of 2228224 bytes: vm.max_map_count is %llu; raise it "
        "(sysctl vm.max_map_count) or use fewer at once",
        number_in("/proc/sys/vm/max_map_count"));
    refused(slots, MIB, message);
    orders.reason = EPERM;
    order_failure(CALL_RESERVE, 1);
    refused(slots, MIB,
            "the system refuses to reserve 2228224 bytes for a slot: Operation not permitted");
    orders.reason = 0; /* even a call that forgets to say why */
    order_failure(CALL_RESERVE, 1);
    refused(slots, MIB,
            "no address space for another slot of 2228224 bytes: no gap of that size is left in "
            "the process; use fewer at once");
    bhd__slots_release(slots, acquired(slots, MIB));
    assert_stats(slots, 1, 0, 0);
    bhd__slots_free(slots);
}

static void test_free_slots_of_another_size_serve_when_nothing_can_be_reserved(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 8, 64 * KIB);
    bhd__slot *a = acquired(slots, 64 * KIB), *b = acquired(slots, 2 * MIB);
    bhd__slots_release(slots, a);
    bhd__slots_release(slots, b);
    order_failure(CALL_RESERVE, FOR_EVER);
    a = acquired(slots, MIB);
    b = acquired(slots, 128 * KIB);
    assert_exact(a, MIB);
    assert_exact(b, 128 * KIB);
    assert_int_equal(bhd__slots_acquire(slots, 0, &a, NULL), BHD_NO_CAPACITY);
    bhd__slots_release(slots, a);
    bhd__slots_release(slots, b);
    bhd__slots_free(slots);
}

/* -- Protecting -------------------------------------------------------------------------------- */

static void test_a_new_slot_that_cannot_be_opened_is_undone(void **state)
{
    (void)state;
    char message[512];
    bhd__slots *slots = pool_of(RESERVATION, 4, 64 * KIB);
    snprintf(message, sizeof message,
             "no mapping or memory left to make 1048576 bytes of a slot accessible: %s; raise the "
             "limit that is reached or use fewer at once",
             reasons());
    order_failure(CALL_OPEN, 1);
    refused(slots, MIB, message);
    assert_int_equal(orders.calls[CALL_UNMAP], 1);
    orders.reason = EACCES;
    order_failure(CALL_OPEN, 1);
    refused(slots, MIB,
            "the system refuses to make 1048576 bytes of a slot accessible: Permission denied");
    bhd__slots_release(slots, acquired(slots, MIB));
    assert_stats(slots, 1, 0, 0);
    bhd__slots_free(slots);
}

static void test_growth_that_fails_leaves_the_size(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 64 * KIB);
    bhd__slot *slot = acquired(slots, 64 * KIB);
    bhd_error error = BHD_ERROR_INIT;
    bhd__slot_base(slot)[5] = 5;
    orders.reason = EACCES;
    order_failure(CALL_OPEN, 1);
    assert_int_equal(bhd__slot_grow(slot, MIB, &error), BHD_NO_CAPACITY);
    assert_string_equal(error.message, "the system refuses to make 1048576 bytes of a slot "
                                       "accessible: Permission denied");
    assert_exact(slot, 64 * KIB);
    assert_int_equal(bhd__slot_base(slot)[5], 5);
    grown(slot, MIB);
    assert_exact(slot, MIB);
    bhd__slots_release(slots, slot);
    assert_stats(slots, 1, 0, 0);
    bhd_error_fini(&error);
    bhd__slots_free(slots);
}

/* Opens all of it and then says that it failed. */
static int opens_but_fails(void *address, size_t bytes, int accessible)
{
    int result = orders.real->protect(address, bytes, accessible);
    errno = ENOMEM;
    return accessible ? -1 : result;
}

static void test_growth_that_failed_half_way_is_taken_back(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 64 * KIB);
    bhd__slot *slot = acquired(slots, 64 * KIB);
    bhd__os os = *bhd__os_get();
    os.protect = opens_but_fails;
    bhd__os_replace(&os);
    assert_int_equal(bhd__slot_grow(slot, MIB, NULL), BHD_NO_CAPACITY);
    assert_exact(slot, 64 * KIB);
    bhd__os_replace(NULL);
    bhd__slots_release(slots, slot);
    assert_stats(slots, 1, 0, 0);
    bhd__slots_free(slots);
}

static void test_growth_that_cannot_be_taken_back_ends_the_slot(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 64 * KIB);
    bhd__slot *slot = acquired(slots, 64 * KIB);
    const uint8_t *base = bhd__slot_base(slot);
    bhd_error error = BHD_ERROR_INIT;
    order_failure(CALL_OPEN, 1);
    order_failure(CALL_CLOSE, 1);
    assert_int_equal(bhd__slot_grow(slot, MIB, NULL), BHD_NO_CAPACITY);
    assert_int_equal(bhd__slot_bytes(slot), 64 * KIB);
    assert_int_equal(bhd__slot_grow(slot, MIB, &error), BHD_NO_CAPACITY);
    assert_string_equal(error.message,
                        "an earlier growth of this slot failed half-way; it cannot grow any more");
    assert_int_equal(bhd__slot_grow(slot, 64 * KIB, NULL), BHD_OK);
    bhd__slots_release(slots, slot);
    assert_stats(slots, 0, 0, 1);
    assert_false(is_mapped(base));
    bhd_error_fini(&error);
    bhd__slots_free(slots);
}

static void test_a_free_slot_that_cannot_be_extended_stays_free(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 64 * KIB);
    bhd__slot *slot = acquired(slots, 64 * KIB);
    bhd__slots_release(slots, slot);
    orders.reason = EACCES;
    order_failure(CALL_OPEN, 1);
    refused(slots, MIB,
            "the system refuses to make 1048576 bytes of a slot accessible: Permission denied");
    assert_ptr_equal(acquired(slots, 64 * KIB), slot);
    assert_exact(slot, 64 * KIB);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_when_one_free_slot_cannot_be_extended_others_are_tried(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 3, 64 * KIB);
    bhd__slot *slot[3];
    for (int i = 0; i < 3; i++)
        slot[i] = acquired(slots, 64 * KIB);
    for (int i = 0; i < 3; i++)
        bhd__slots_release(slots, slot[i]);
    order_failure(CALL_OPEN, 2);
    assert_ptr_equal(acquired(slots, MIB), slot[0]);
    assert_exact(slot[0], MIB);
    assert_stats(slots, 3, 1, 0);
    assert_ptr_equal(acquired(slots, 64 * KIB), slot[2]);
    assert_ptr_equal(acquired(slots, 64 * KIB), slot[1]);
    for (int i = 0; i < 3; i++)
        bhd__slots_release(slots, slot[i]);
    bhd__slots_free(slots);
}

static void test_many_free_slots_that_cannot_be_extended_end_in_no_capacity(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 50, 64 * KIB);
    bhd__slot *slot[40];
    for (int i = 0; i < 40; i++)
        slot[i] = acquired(slots, 64 * KIB);
    for (int i = 0; i < 40; i++)
        bhd__slots_release(slots, slot[i]);
    orders.reason = EACCES;
    order_failure(CALL_OPEN, FOR_EVER);
    uint64_t before = orders.calls[CALL_OPEN];
    refused(slots, MIB,
            "the system refuses to make 1048576 bytes of a slot accessible: Permission denied");
    assert_true(orders.calls[CALL_OPEN] - before <= 20);
    assert_stats(slots, 40, 0, 0);
    for (int i = 39; i >= 0; i--)
        assert_ptr_equal(acquired(slots, 64 * KIB), slot[i]);
    for (int i = 0; i < 40; i++)
        bhd__slots_release(slots, slot[i]);
    bhd__slots_free(slots);
}

static void test_a_slot_whose_tail_cannot_be_taken_away_is_retired(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 64 * KIB);
    bhd__slot *slot = acquired(slots, 2 * MIB);
    bhd__slots_release(slots, slot);
    order_failure(CALL_CLOSE, 1);
    slot = acquired(slots, MIB);
    assert_exact(slot, MIB);
    assert_zero(slot);
    assert_stats(slots, 1, 1, 1);
    assert_int_equal(orders.calls[CALL_UNMAP], 1);
    assert_int_equal(orders.calls[CALL_RESERVE], 2);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_a_slot_whose_kept_tail_cannot_be_given_back_is_retired(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 2 * MIB);
    bhd__slot *slot = acquired(slots, 2 * MIB);
    memset(bhd__slot_base(slot), 1, 2 * MIB);
    bhd__slots_release(slots, slot);
    order_failure(CALL_DISCARD, 1);
    slot = acquired(slots, MIB);
    assert_exact(slot, MIB);
    assert_zero(slot);
    assert_stats(slots, 1, 1, 1);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

/* -- Cleaning ---------------------------------------------------------------------------------- */

static void test_a_slot_that_cannot_be_discarded_is_retired_and_replaced(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 0);
    bhd__slots_stats stats;
    for (uint64_t i = 1; i <= 20; i++) {
        bhd__slot *slot = acquired(slots, MIB);
        const uint8_t *base = bhd__slot_base(slot);
        assert_zero(slot);
        memset(bhd__slot_base(slot), 0xdd, MIB);
        order_failure(CALL_DISCARD, 1);
        bhd__slots_release(slots, slot);
        assert_stats(slots, 0, 0, i);
        assert_false(is_mapped(base));
    }
    bhd__slots_get_stats(slots, &stats);
    assert_int_equal(stats.reserved_bytes, 0);
    bhd__slots_release(slots, acquired(slots, MIB));
    assert_stats(slots, 1, 0, 20);
    bhd__slots_free(slots);
}

/* Runs of dirt beyond what may be kept: the discard that fails is not the first. */
static void test_a_later_discard_that_fails_retires_as_well(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 8 * KIB);
    for (uint64_t i = 1; i <= 5; i++) {
        bhd__slot *slot = acquired(slots, MIB);
        assert_zero(slot);
        for (uint64_t page = 0; page < 250; page += 2)
            bhd__slot_base(slot)[page * page_bytes()] = 0xdd;
        order_failure(CALL_DISCARD, FOR_EVER);
        bhd__slots_release(slots, slot);
        assert_stats(slots, 0, 0, i);
        orders.fail_to[CALL_DISCARD] = 0;
    }
    bhd__slots_free(slots);
}

static void test_a_retired_slot_that_cannot_be_unmapped_is_locked_away(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 0);
    bhd__slots_stats stats;
    uint64_t first, mapped;
    bhd__slot *slot = acquired(slots, MIB);
    uint8_t *base = bhd__slot_base(slot);
    memset(base, 0xdd, MIB);
    order_failure(CALL_DISCARD, 1); /* the second one succeeds */
    order_failure(CALL_UNMAP, 1);
    bhd__slots_release(slots, slot);
    assert_stats(slots, 0, 0, 1);
    bhd__slots_get_stats(slots, &stats);
    assert_int_equal(stats.reserved_bytes, SPAN);
    assert_int_equal(
        accessible_bytes((uintptr_t)base, (uintptr_t)base + RESERVATION, &first, &mapped), 0);
    assert_int_equal(held_pages(base, RESERVATION), 0);
    /* Its place in the pool is free again, its addresses are not. */
    slot = acquired(slots, MIB);
    assert_ptr_not_equal(bhd__slot_base(slot), base);
    assert_zero(slot);
    bhd__slots_get_stats(slots, &stats);
    assert_int_equal(stats.reserved_bytes, 2 * SPAN);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
    assert_int_equal(orders.real->unmap(base - 64 * KIB, SPAN), 0);
}

static void test_a_pool_can_be_freed_when_nothing_can_be_unmapped(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 2 * MIB);
    uint64_t live = bhd__alloc_live();
    bhd__slot *slot = acquired(slots, MIB);
    uint8_t *base = bhd__slot_base(slot);
    bhd__slots_release(slots, slot);
    order_failure(CALL_UNMAP, FOR_EVER);
    bhd__slots_free(slots);
    assert_int_equal(bhd__alloc_live(), live - 1);
    assert_true(faults(base, false));
    assert_int_equal(orders.real->unmap(base - 64 * KIB, SPAN), 0);
}

static void test_lost_hints_do_no_harm(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 64 * KIB);
    order_failure(CALL_HIDE, FOR_EVER);
    order_failure(CALL_RESIDENT, FOR_EVER);
    for (int i = 0; i < 3; i++) {
        bhd__slot *slot = acquired(slots, MIB);
        assert_zero(slot);
        memset(bhd__slot_base(slot), 1, MIB);
        bhd__slots_release(slots, slot);
    }
    assert_stats(slots, 1, 0, 0);
    bhd__slots_free(slots);
}

/* -- Sweeps ------------------------------------------------------------------------------------ */

/* A life with every kind of call in it. Slots that were refused are NULL. */
static void live(bhd__slots *slots)
{
    static const uint64_t sizes[][2] = {
        {MIB, 2 * MIB}, {64 * KIB, 64 * KIB}, {MIB, MIB}, {2 * MIB, 2 * MIB}, {0, 128 * KIB}};
    bhd__slot *other = NULL;
    bool has_other = bhd__slots_acquire(slots, 512 * KIB, &other, NULL) == BHD_OK;
    if (has_other)
        memset(bhd__slot_base(other), 0x77, 512 * KIB);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        bhd__slot *slot = NULL;
        if (bhd__slots_acquire(slots, sizes[i][0], &slot, NULL) != BHD_OK)
            continue;
        assert_exact(slot, sizes[i][0]);
        assert_zero(slot);
        memset(bhd__slot_base(slot), 0xdd, bhd__slot_bytes(slot));
        bhd_status status = bhd__slot_grow(slot, sizes[i][1], NULL);
        assert_int_equal(bhd__slot_bytes(slot), status == BHD_OK ? sizes[i][1] : sizes[i][0]);
        assert_int_equal(
            first_dirt(bhd__slot_base(slot) + sizes[i][0], bhd__slot_bytes(slot) - sizes[i][0]),
            bhd__slot_bytes(slot) - sizes[i][0]);
        memset(bhd__slot_base(slot), 0xdd, bhd__slot_bytes(slot));
        bhd__slots_release(slots, slot);
    }
    if (has_other) {
        for (uint64_t i = 0; i < 512 * KIB; i++)
            if (bhd__slot_base(other)[i] != 0x77)
                fail_msg("a neighbour was changed");
        bhd__slots_release(slots, other);
    }
}

static void sweep(os_call call, uint64_t count)
{
    uint64_t live_before = bhd__alloc_live(), calls;
    for (uint64_t nth = 1;; nth++) {
        bhd__slots_stats stats;
        take_orders();
        orders.fail_from[call] = nth;
        orders.fail_to[call] = nth + count;
        bhd__slots *slots = pool_of(RESERVATION, 3, 128 * KIB);
        live(slots);
        calls = orders.calls[call];
        orders.fail_to[call] = 0;
        bhd__slots_get_stats(slots, &stats);
        assert_int_equal(stats.in_use, 0);
        live(slots); /* and everything works again */
        bhd__slots_get_stats(slots, &stats);
        assert_int_equal(stats.in_use, 0);
        assert_true(stats.slots >= 2);
        bhd__slots_free(slots);
        assert_int_equal(bhd__alloc_live(), live_before);
        if (nth > calls)
            break;
    }
}

#define SWEEP_TEST(name, call, count)                                                              \
    static void test_each_##name(void **state)                                                     \
    {                                                                                              \
        (void)state;                                                                               \
        sweep(call, count);                                                                        \
    }

SWEEP_TEST(reserve_that_fails_once_is_survived, CALL_RESERVE, 1)
SWEEP_TEST(reserve_that_fails_from_then_on_is_survived, CALL_RESERVE, FOR_EVER)
SWEEP_TEST(unmap_that_fails_from_then_on_is_survived, CALL_UNMAP, FOR_EVER)
SWEEP_TEST(opening_that_fails_once_is_survived, CALL_OPEN, 1)
SWEEP_TEST(opening_that_fails_from_then_on_is_survived, CALL_OPEN, FOR_EVER)
SWEEP_TEST(closing_that_fails_once_is_survived, CALL_CLOSE, 1)
SWEEP_TEST(closing_that_fails_from_then_on_is_survived, CALL_CLOSE, FOR_EVER)
SWEEP_TEST(discard_that_fails_once_is_survived, CALL_DISCARD, 1)
SWEEP_TEST(discard_that_fails_from_then_on_is_survived, CALL_DISCARD, FOR_EVER)
SWEEP_TEST(hint_that_fails_once_is_survived, CALL_RESIDENT, 1)
SWEEP_TEST(hint_that_fails_from_then_on_is_survived, CALL_RESIDENT, FOR_EVER)

static void test_random_failures_never_let_dirt_through(void **state)
{
    (void)state;
    static const uint64_t chance[CALL_COUNT] = {6, 4, 5, 4, 4, 6, 0};
    for (int round = 0; round < (UNDER_SANITIZER ? 10 : 40); round++) {
        uint64_t live_before = bhd__alloc_live();
        bhd__slots_stats stats;
        take_orders();
        orders.random += (uint64_t)round * 7919;
        bhd__slots *slots = pool_of(RESERVATION, 2, 128 * KIB);
        memcpy(orders.every, chance, sizeof chance);
        for (int i = 0; i < 3; i++)
            live(slots);
        bhd__slots_get_stats(slots, &stats);
        assert_int_equal(stats.in_use, 0);
        memset(orders.every, 0, sizeof orders.every);
        live(slots);
        bhd__slots_free(slots);
        assert_int_equal(bhd__alloc_live(), live_before);
    }
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    bhd__slots_options options = {BHD__SLOTS_GUARD, RESERVATION, 64 * KIB, 3, 64 * KIB, MIB};
    uint64_t live_before = bhd__alloc_live();
    bool done = false;
    for (uint64_t nth = 1; !done; nth++) {
        bhd__slots *slots = NULL;
        bhd__slot *slot[3] = {NULL, NULL, NULL};
        bhd_error error = BHD_ERROR_INIT;
        bhd__alloc_fail_at(nth, 1);
        bhd_status status = bhd__slots_new(&options, &slots, &error);
        uint64_t have = 0;
        while (status == BHD_OK && have < 3) {
            status = bhd__slots_acquire(slots, MIB, &slot[have], &error);
            have += status == BHD_OK;
        }
        bhd__alloc_fail_at(0, 0);
        if (status != BHD_OK) {
            assert_int_equal(status, BHD_HOST_OUT_OF_MEMORY);
            assert_int_equal(error.code, BHD_HOST_OUT_OF_MEMORY);
            assert_true(slots == NULL ? nth == 1 : have == nth - 2);
        }
        if (slots != NULL)
            assert_stats(slots, have, have, 0);
        for (uint64_t i = 0; i < have; i++)
            bhd__slots_release(slots, slot[i]);
        bhd__slots_free(slots);
        bhd_error_fini(&error);
        assert_int_equal(bhd__alloc_live(), live_before);
        done = status == BHD_OK;
    }
}

static void test_capacity_is_whole_after_ten_thousand_failures(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 2, 64 * KIB);
    uint64_t live_before = bhd__alloc_live();
    bhd__slot *slot = NULL;
    for (int i = 0; i < 2500; i++) {
        order_failure(CALL_RESERVE, 2);
        assert_int_equal(bhd__slots_acquire(slots, MIB, &slot, NULL), BHD_NO_CAPACITY);
        order_failure(CALL_OPEN, 1);
        assert_int_equal(bhd__slots_acquire(slots, MIB, &slot, NULL), BHD_NO_CAPACITY);
        bhd__alloc_fail_at(1, 0);
        assert_int_equal(bhd__slots_acquire(slots, MIB, &slot, NULL), BHD_HOST_OUT_OF_MEMORY);
        assert_int_equal(bhd__slots_acquire(slots, 64 * MIB, &slot, NULL), BHD_INVALID_ARGUMENT);
    }
    bhd__alloc_fail_at(0, 0);
    assert_stats(slots, 0, 0, 0);
    assert_int_equal(bhd__alloc_live(), live_before);
    bhd__slot *one = acquired(slots, MIB), *two = acquired(slots, MIB);
    bhd__slots_release(slots, one);
    bhd__slots_release(slots, two);
    bhd__slots_free(slots);
}

/* -- The system's own limits ------------------------------------------------------------------- */

static uint64_t mapped_now(void)
{
    return number_in("/proc/self/statm") * page_bytes();
}

static void reach_rlimit_as(void *argument)
{
    (void)argument;
    struct rlimit limit;
    bhd_error error = BHD_ERROR_INIT;
    char message[512];
    bhd__slots *slots = NULL, *more = NULL;
    bhd__slots_options options = {BHD__SLOTS_GUARD, GIB, 64 * KIB, 100, 64 * KIB, MIB};
    uint64_t span = GIB + 128 * KIB;
    bhd__slot *slot[3], *another = NULL;
    CHILD_CHECK(bhd__slots_new(&options, &slots, NULL) == BHD_OK);
    for (int i = 0; i < 2; i++) {
        CHILD_CHECK(bhd__slots_acquire(slots, MIB, &slot[i], NULL) == BHD_OK);
        memset(bhd__slot_base(slot[i]), i + 1, MIB);
    }
    limit.rlim_cur = limit.rlim_max = mapped_now() + span + 512 * MIB;
    CHILD_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);

    /* A pool is told beforehand how many fit. */
    CHILD_CHECK(bhd__slots_new(&options, &more, &error) == BHD_INVALID_ARGUMENT);
    CHILD_CHECK(error.range_maximum == 1);
    snprintf(message, sizeof message,
             "max_slots: 100 slots of %" PRIu64 " bytes do not fit RLIMIT_AS, %" PRIu64
             " bytes of which ",
             span, (uint64_t)limit.rlim_cur);
    CHILD_CHECK(strncmp(error.message, message, strlen(message)) == 0);
    CHILD_CHECK(strstr(error.message, " are taken: at most 1 fit; raise it (ulimit -v) or ask for "
                                      "fewer") != NULL);

    /* A pool from before gets one more, and then a reason. */
    CHILD_CHECK(bhd__slots_acquire(slots, MIB, &slot[2], &error) == BHD_OK);
    CHILD_CHECK(bhd__slots_acquire(slots, MIB, &another, &error) == BHD_NO_CAPACITY);
    snprintf(message, sizeof message,
             "no address space for another slot of %" PRIu64 " bytes: RLIMIT_AS is %" PRIu64
             " bytes, ",
             span, (uint64_t)limit.rlim_cur);
    CHILD_CHECK(strncmp(error.message, message, strlen(message)) == 0);
    CHILD_CHECK(strstr(error.message, " are taken; raise it (ulimit -v) or use fewer at once"));
    CHILD_CHECK(another == NULL);

    /* Those that live go on: content, growth, recycling. */
    for (int i = 0; i < 2; i++) {
        CHILD_CHECK(bhd__slot_base(slot[i])[MIB - 1] == i + 1);
        CHILD_CHECK(bhd__slot_grow(slot[i], 8 * MIB, NULL) == BHD_OK);
        bhd__slot_base(slot[i])[8 * MIB - 1] = 1;
    }
    bhd__slots_release(slots, slot[0]);
    CHILD_CHECK(bhd__slots_acquire(slots, 2 * MIB, &another, NULL) == BHD_OK);
    CHILD_CHECK(another == slot[0]);
    CHILD_CHECK(first_dirt(bhd__slot_base(another), 2 * MIB) == 2 * MIB);
    bhd__slots_release(slots, another);
    bhd__slots_release(slots, slot[1]);
    bhd__slots_release(slots, slot[2]);
    bhd__slots_free(slots);
    CHILD_CHECK(bhd__slots_new(&options, &slots, &error) == BHD_INVALID_ARGUMENT);
    CHILD_CHECK(error.range_maximum == 3);
    bhd_error_fini(&error);
}

static void test_rlimit_as_is_counted_and_survived(void **state)
{
    (void)state;
    if (under_valgrind())
        skip();
    if (UNDER_SANITIZER)
        skip(); /* it needs address space of its own */
    bhd__os_replace(NULL);
    assert_true(in_child(reach_rlimit_as, NULL));
}

/* Takes mappings until there are no more: of the pages, every second becomes readable. */
static uint8_t *take_all_mappings(size_t pages)
{
    uint8_t *many = mmap(NULL, pages * page_bytes(), PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    size_t i = 1;
    CHILD_CHECK(many != MAP_FAILED);
    while (i < pages && mprotect(many + i * page_bytes(), page_bytes(), PROT_READ) == 0)
        i += 2;
    CHILD_CHECK(i < pages);
    return many;
}

static void run_out_of_mappings(void *argument)
{
    size_t pages = 2 * *(size_t *)argument;
    bhd_error error = BHD_ERROR_INIT;
    char message[512];
    bhd__slots *slots = pool_of(RESERVATION, 100, 64 * KIB);
    bhd__slot *slot[3], *another = NULL;
    for (int i = 0; i < 3; i++) {
        CHILD_CHECK(bhd__slots_acquire(slots, MIB, &slot[i], NULL) == BHD_OK);
        memset(bhd__slot_base(slot[i]), i + 1, MIB);
    }
    bhd__slots_release(slots, slot[2]);
    uint8_t *many = take_all_mappings(pages);
    snprintf(message, sizeof message, "vm.max_map_count is %llu; ",
             number_in("/proc/sys/vm/max_map_count"));

    /* The free slot serves; then there is nothing. */
    CHILD_CHECK(bhd__slots_acquire(slots, 2 * MIB, &slot[2], &error) == BHD_OK);
    CHILD_CHECK(first_dirt(bhd__slot_base(slot[2]), 2 * MIB) == 2 * MIB);
    for (int i = 0; i < 100; i++) {
        CHILD_CHECK(bhd__slots_acquire(slots, MIB, &another, &error) == BHD_NO_CAPACITY);
        CHILD_CHECK(strstr(error.message, message) != NULL);
    }

    /* Slots that live grow, end and begin at other sizes: that takes no mapping. */
    CHILD_CHECK(bhd__slot_grow(slot[0], 2 * MIB, &error) == BHD_OK);
    CHILD_CHECK(bhd__slot_base(slot[0])[MIB - 1] == 1 && bhd__slot_base(slot[0])[MIB] == 0);
    for (int i = 0; i < 100; i++) {
        memset(bhd__slot_base(slot[1]), 0xdd, bhd__slot_bytes(slot[1]));
        bhd__slots_release(slots, slot[1]);
        uint64_t bytes = (uint64_t)(i % 8 + 1) * 128 * KIB;
        CHILD_CHECK(bhd__slots_acquire(slots, bytes, &slot[1], &error) == BHD_OK);
        CHILD_CHECK(first_dirt(bhd__slot_base(slot[1]), bytes) == bytes);
    }

    CHILD_CHECK(munmap(many, pages * page_bytes()) == 0);
    CHILD_CHECK(bhd__slots_acquire(slots, MIB, &another, &error) == BHD_OK);
    bhd__slots_release(slots, another);
    for (int i = 0; i < 3; i++)
        bhd__slots_release(slots, slot[i]);
    bhd__slots_stats stats;
    bhd__slots_get_stats(slots, &stats);
    CHILD_CHECK(stats.slots == 4 && stats.in_use == 0 && stats.retired == 0);
    bhd__slots_free(slots);
    bhd_error_fini(&error);
}

static void test_running_out_of_mappings_is_survived(void **state)
{
    (void)state;
    if (under_valgrind())
        skip();
    size_t most = number_in("/proc/sys/vm/max_map_count");
    if (UNDER_SANITIZER || most > 300000)
        skip(); /* it would take too long */
    bhd__os_replace(NULL);
    assert_true(in_child(run_out_of_mappings, &most));
}

#define FAULT_TEST(name) cmocka_unit_test_setup_teardown(test_##name, with_orders, no_more_orders)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(a_refused_reservation_is_no_capacity_with_the_reason),
        FAULT_TEST(free_slots_of_another_size_serve_when_nothing_can_be_reserved),
        FAULT_TEST(a_new_slot_that_cannot_be_opened_is_undone),
        FAULT_TEST(growth_that_fails_leaves_the_size),
        FAULT_TEST(growth_that_failed_half_way_is_taken_back),
        FAULT_TEST(growth_that_cannot_be_taken_back_ends_the_slot),
        FAULT_TEST(a_free_slot_that_cannot_be_extended_stays_free),
        FAULT_TEST(when_one_free_slot_cannot_be_extended_others_are_tried),
        FAULT_TEST(many_free_slots_that_cannot_be_extended_end_in_no_capacity),
        FAULT_TEST(a_slot_whose_tail_cannot_be_taken_away_is_retired),
        FAULT_TEST(a_slot_whose_kept_tail_cannot_be_given_back_is_retired),
        FAULT_TEST(a_slot_that_cannot_be_discarded_is_retired_and_replaced),
        FAULT_TEST(a_later_discard_that_fails_retires_as_well),
        FAULT_TEST(a_retired_slot_that_cannot_be_unmapped_is_locked_away),
        FAULT_TEST(a_pool_can_be_freed_when_nothing_can_be_unmapped),
        FAULT_TEST(lost_hints_do_no_harm),
        FAULT_TEST(each_reserve_that_fails_once_is_survived),
        FAULT_TEST(each_reserve_that_fails_from_then_on_is_survived),
        FAULT_TEST(each_unmap_that_fails_from_then_on_is_survived),
        FAULT_TEST(each_opening_that_fails_once_is_survived),
        FAULT_TEST(each_opening_that_fails_from_then_on_is_survived),
        FAULT_TEST(each_closing_that_fails_once_is_survived),
        FAULT_TEST(each_closing_that_fails_from_then_on_is_survived),
        FAULT_TEST(each_discard_that_fails_once_is_survived),
        FAULT_TEST(each_discard_that_fails_from_then_on_is_survived),
        FAULT_TEST(each_hint_that_fails_once_is_survived),
        FAULT_TEST(each_hint_that_fails_from_then_on_is_survived),
        FAULT_TEST(random_failures_never_let_dirt_through),
        FAULT_TEST(every_allocation_may_fail),
        FAULT_TEST(capacity_is_whole_after_ten_thousand_failures),
        FAULT_TEST(rlimit_as_is_counted_and_survived),
        FAULT_TEST(running_out_of_mappings_is_survived),
    };
    return cmocka_run_group_tests_name("slots_faults", tests, NULL, NULL);
}
