/*
 * Nothing of a tenant is left in its slot: every kind of dirt, with every amount of pages that may
 * be kept, with a kernel that can tell dirty pages, one that cannot, and one that talks nonsense.
 */
#include "slots_kit.h"

#define RESERVATION (4 * MIB)

/* -- Dirt -------------------------------------------------------------------------------------- */

typedef void dirt(bhd__slot *slot);

static void first_byte(bhd__slot *slot)
{
    bhd__slot_base(slot)[0] = 1;
}

static void last_byte(bhd__slot *slot)
{
    bhd__slot_base(slot)[bhd__slot_bytes(slot) - 1] = 1;
}

static void every_byte(bhd__slot *slot)
{
    memset(bhd__slot_base(slot), 0xa5, bhd__slot_bytes(slot));
}

/* `runs` pages with a clean page between each two. */
static void scattered(bhd__slot *slot, uint64_t runs)
{
    for (uint64_t i = 0; i < runs; i++)
        bhd__slot_base(slot)[2 * i * page_bytes() + i] = 1;
}

static void every_other_page(bhd__slot *slot)
{
    scattered(slot, bhd__slot_bytes(slot) / page_bytes() / 2);
}

static void as_many_runs_as_one_scan_holds(bhd__slot *slot)
{
    scattered(slot, 64);
}

static void one_run_more_than_a_scan_holds(bhd__slot *slot)
{
    scattered(slot, 65);
}

static void one_run_more_than_two_scans_hold(bhd__slot *slot)
{
    grown(slot, 2 * MIB);
    scattered(slot, 129);
}

static void only_reads(bhd__slot *slot)
{
    assert_zero(slot);
}

static void reads_then_writes_among_them(bhd__slot *slot)
{
    assert_zero(slot);
    bhd__slot_base(slot)[bhd__slot_bytes(slot) / 2] = 1;
}

static void growth_then_every_byte(bhd__slot *slot)
{
    grown(slot, bhd__slot_bytes(slot) + 512 * KIB);
    every_byte(slot);
}

static void random_bytes(bhd__slot *slot)
{
    static uint64_t seed = 99991;
    for (int i = 0; i < 300; i++)
        bhd__slot_base(slot)[next_random(&seed) % bhd__slot_bytes(slot)] = 0xee;
}

/* -- The kernel's answers ---------------------------------------------------------------------- */

static bhd__os twisted;

static long cannot_say(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                       uint64_t *walked)
{
    (void)start;
    (void)end;
    (void)runs;
    (void)capacity;
    (void)walked;
    return -1;
}

static long real_dirty(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                       uint64_t *walked)
{
    bhd__os_replace(NULL);
    long count = bhd__os_get()->dirty(start, end, runs, capacity, walked);
    bhd__os_replace(&twisted);
    return count;
}

static long walks_a_page_at_a_time(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                                   uint64_t *walked)
{
    (void)end;
    return real_dirty(start, start + page_bytes(), runs, capacity, walked);
}

static long finds_one_run_at_a_time(uint64_t start, uint64_t end, bhd__os_run *runs,
                                    size_t capacity, uint64_t *walked)
{
    (void)capacity;
    return real_dirty(start, end, runs, 1, walked);
}

static long says_once_and_no_more(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                                  uint64_t *walked)
{
    static int asked;
    (void)capacity;
    if (++asked % 2 == 0)
        return -1;
    return real_dirty(start, end, runs, 1, walked);
}

static long does_not_move(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                          uint64_t *walked)
{
    (void)end;
    (void)runs;
    (void)capacity;
    *walked = start;
    return 0;
}

static long moves_back(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                       uint64_t *walked)
{
    (void)end;
    (void)runs;
    (void)capacity;
    *walked = start - page_bytes();
    return 0;
}

static long moves_beyond_the_end(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                                 uint64_t *walked)
{
    (void)start;
    (void)runs;
    (void)capacity;
    *walked = end + page_bytes();
    return 0;
}

static long moves_off_the_grid(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                               uint64_t *walked)
{
    (void)end;
    (void)runs;
    (void)capacity;
    *walked = start + page_bytes() / 2;
    return 0;
}

static long more_runs_than_there_is_room_for(uint64_t start, uint64_t end, bhd__os_run *runs,
                                             size_t capacity, uint64_t *walked)
{
    (void)start;
    (void)runs;
    *walked = end;
    return (long)capacity + 1;
}

/* One run that cannot be, and one that hides what is dirty. */
static long one_run(uint64_t from, uint64_t to, bhd__os_run *runs, uint64_t end, uint64_t *walked)
{
    runs[0] = (bhd__os_run){from, to, 0};
    *walked = end;
    return 1;
}

static long a_run_before_the_start(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                                   uint64_t *walked)
{
    (void)capacity;
    return one_run(start - page_bytes(), start, runs, end, walked);
}

static long a_run_beyond_the_end(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                                 uint64_t *walked)
{
    (void)start;
    (void)capacity;
    return one_run(end - page_bytes(), end + page_bytes(), runs, end, walked);
}

static long an_empty_run(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                         uint64_t *walked)
{
    (void)capacity;
    return one_run(start, start, runs, end, walked);
}

static long a_run_off_the_grid(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                               uint64_t *walked)
{
    (void)capacity;
    return one_run(start + 8, start + page_bytes(), runs, end, walked);
}

static long runs_out_of_order(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                              uint64_t *walked)
{
    (void)capacity;
    runs[0] = (bhd__os_run){start + page_bytes(), start + 2 * page_bytes(), 0};
    runs[1] = (bhd__os_run){start, start + page_bytes(), 0};
    *walked = end;
    return 2;
}

static long (*const kernels[])(uint64_t, uint64_t, bhd__os_run *, size_t, uint64_t *) = {
    NULL, /* the real one */
    cannot_say, walks_a_page_at_a_time, finds_one_run_at_a_time, says_once_and_no_more,
};

static long (*const liars[])(uint64_t, uint64_t, bhd__os_run *, size_t, uint64_t *) = {
    does_not_move,          moves_back,           moves_beyond_the_end,
    moves_off_the_grid,     an_empty_run,         more_runs_than_there_is_room_for,
    a_run_before_the_start, a_run_beyond_the_end, a_run_off_the_grid,
    runs_out_of_order,
};

static void twist(long (*dirty)(uint64_t, uint64_t, bhd__os_run *, size_t, uint64_t *))
{
    bhd__os_replace(NULL);
    twisted = *bhd__os_get();
    if (dirty != NULL) {
        twisted.dirty = dirty;
        bhd__os_replace(&twisted);
    }
}

/* A slot that was made dirty in that way comes back zero, and holds no more than it may. */
static void check_one(dirt *make_dirty, uint64_t keep)
{
    bhd__slots *slots = pool_of(RESERVATION, 1, keep);
    for (int tenant = 0; tenant < 2; tenant++) {
        bhd__slot *slot = acquired(slots, MIB);
        uint8_t *base = bhd__slot_base(slot);
        make_dirty(slot);
        uint64_t bytes = bhd__slot_bytes(slot);
        bhd__slots_release(slots, slot);
        assert_true(resident_bytes(base, RESERVATION) <= keep);
        slot = acquired(slots, bytes);
        assert_ptr_equal(bhd__slot_base(slot), base);
        assert_exact(slot, bytes);
        assert_zero(slot);
        grown(slot, RESERVATION);
        assert_zero(slot);
        bhd__slots_release(slots, slot);
    }
    assert_stats(slots, 1, 0, 0);
    bhd__slots_free(slots);
}

static void check_dirt(dirt *make_dirty)
{
    const uint64_t keeps[] = {0, 4 * KIB, 260 * KIB, 4 * MIB};
    for (size_t k = 0; k < COUNT_OF(kernels); k++) {
        twist(kernels[k]);
        for (size_t i = 0; i < COUNT_OF(keeps); i++)
            check_one(make_dirty, keeps[i]);
    }
    for (size_t k = 0; k < COUNT_OF(liars); k++) {
        twist(liars[k]);
        check_one(make_dirty, 64 * KIB);
    }
}

#define DIRT_TEST(name)                                                                            \
    static void test_nothing_is_left_of_##name(void **state)                                       \
    {                                                                                              \
        (void)state;                                                                               \
        check_dirt(name);                                                                          \
    }

DIRT_TEST(first_byte)
DIRT_TEST(last_byte)
DIRT_TEST(every_byte)
DIRT_TEST(every_other_page)
DIRT_TEST(as_many_runs_as_one_scan_holds)
DIRT_TEST(one_run_more_than_a_scan_holds)
DIRT_TEST(one_run_more_than_two_scans_hold)
DIRT_TEST(only_reads)
DIRT_TEST(reads_then_writes_among_them)
DIRT_TEST(growth_then_every_byte)
DIRT_TEST(random_bytes)

/* -- What is kept ------------------------------------------------------------------------------ */

static void test_as_much_as_may_be_kept_is_kept(void **state)
{
    (void)state;
    if (!can_scan())
        skip();
    bhd__slots *slots = pool_of(RESERVATION, 1, 128 * KIB);
    bhd__slot *slot = acquired(slots, MIB);
    uint8_t *base = bhd__slot_base(slot);
    memset(base, 1, 64 * KIB);
    bhd__slots_release(slots, slot);
    assert_int_equal(held_pages(base, RESERVATION), 16);
    slot = acquired(slots, MIB);
    memset(base, 1, MIB);
    bhd__slots_release(slots, slot);
    assert_int_equal(held_pages(base, RESERVATION), 32);
    assert_int_equal(held_pages(base, 128 * KIB), 32);
    bhd__slots_free(slots);
}

static void test_pages_stay_for_the_next_tenant_of_the_same_size(void **state)
{
    (void)state;
    if (!can_scan())
        skip();
    bhd__slots *slots = pool_of(RESERVATION, 1, 128 * KIB);
    take_orders();
    for (int tenant = 0; tenant < 10; tenant++) {
        bhd__slot *slot = acquired(slots, MIB);
        if (tenant > 0)
            assert_int_equal(held_pages(bhd__slot_base(slot), MIB), 2);
        bhd__slot_base(slot)[100 * KIB] = 1;
        bhd__slot_base(slot)[900 * KIB] = 1;
        bhd__slots_release(slots, slot);
    }
    assert_int_equal(orders.calls[CALL_DISCARD], 0);
    assert_int_equal(orders.calls[CALL_OPEN], 1);
    assert_int_equal(orders.calls[CALL_CLOSE], 0);
    bhd__slots_free(slots);
}

static void test_a_tenant_that_only_read_leaves_nothing_to_do(void **state)
{
    (void)state;
    if (!can_scan())
        skip();
    bhd__slots *slots = pool_of(RESERVATION, 1, 128 * KIB);
    take_orders();
    bhd__slot *slot = acquired(slots, MIB);
    assert_zero(slot);
    uint64_t held = held_pages(bhd__slot_base(slot), MIB);
    bhd__slots_release(slots, slot);
    assert_int_equal(orders.calls[CALL_DISCARD], 0);
    /* The zero page stays mapped: had it been written to, there would be memory behind it. */
    slot = acquired(slots, MIB);
    assert_int_equal(held_pages(bhd__slot_base(slot), MIB), held);
    bhd__os_run run;
    uint64_t base = (uint64_t)(uintptr_t)bhd__slot_base(slot), walked;
    assert_int_equal(bhd__os_get()->dirty(base, base + MIB, &run, 1, &walked), 0);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_a_tail_that_is_taken_away_keeps_no_pages(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 4 * MIB);
    bhd__slot *slot = acquired(slots, 2 * MIB);
    uint8_t *base = bhd__slot_base(slot);
    memset(base, 1, 2 * MIB);
    bhd__slots_release(slots, slot);
    slot = acquired(slots, 64 * KIB);
    assert_int_equal(held_pages(base + 64 * KIB, RESERVATION - 64 * KIB), 0);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_without_a_scan_everything_is_given_back_at_once(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 128 * KIB);
    take_orders();
    order_failure(CALL_DIRTY, FOR_EVER);
    bhd__slot *slot = acquired(slots, MIB);
    uint8_t *base = bhd__slot_base(slot);
    scattered(slot, 100);
    bhd__slots_release(slots, slot);
    assert_int_equal(orders.calls[CALL_DISCARD], 1);
    assert_int_equal(orders.discarded[0][0], (uintptr_t)base);
    assert_int_equal(orders.discarded[0][1], MIB);
    assert_int_equal(held_pages(base, RESERVATION), 0);
    bhd__slots_free(slots);
}

/* -- Swapped-out pages ------------------------------------------------------------------------- */

/* Calls every `nth` page swapped, beginning with the first. */
static uint64_t swapped_nth;

static long some_are_swapped(uint64_t start, uint64_t end, bhd__os_run *runs, size_t capacity,
                             uint64_t *walked)
{
    uint64_t page = page_bytes();
    size_t count = 0;
    while (start < end && count < capacity) {
        runs[count++] = (bhd__os_run){start, start + page, start / page % swapped_nth == 0};
        start += page;
    }
    *walked = start;
    return (long)count;
}

static void test_swapped_runs_are_given_back_and_not_written(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 4 * MIB);
    bhd__slot *slot = acquired(slots, 64 * KIB);
    uint8_t *base = bhd__slot_base(slot);
    take_orders();
    twisted = *bhd__os_get();
    twisted.dirty = some_are_swapped;
    bhd__os_replace(&twisted);
    swapped_nth = 4;
    every_byte(slot);
    bhd__slots_release(slots, slot);
    assert_int_equal(orders.calls[CALL_DISCARD], 4);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(orders.discarded[i][0] / page_bytes() % 4, 0);
        assert_int_equal(orders.discarded[i][1], page_bytes());
        assert_int_equal(held_pages((uint8_t *)orders.discarded[i][0], page_bytes()), 0);
    }
    assert_int_equal(held_pages(base, 64 * KIB), 12);
    slot = acquired(slots, 64 * KIB);
    assert_zero(slot);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_many_swapped_runs_cost_a_bounded_number_of_calls(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 4 * MIB);
    bhd__slot *slot = acquired(slots, 4 * MIB);
    take_orders();
    twisted = *bhd__os_get();
    twisted.dirty = some_are_swapped;
    bhd__os_replace(&twisted);
    swapped_nth = 2;
    every_byte(slot);
    bhd__slots_release(slots, slot);
    assert_true(orders.calls[CALL_DISCARD] <= 20);
    slot = acquired(slots, 4 * MIB);
    assert_zero(slot);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static bool has_swap(void)
{
    FILE *swaps = fopen("/proc/swaps", "re");
    char line[256];
    int lines = 0;
    while (swaps != NULL && fgets(line, sizeof line, swaps) != NULL)
        lines++;
    if (swaps != NULL)
        fclose(swaps);
    return lines > 1;
}

static void test_pages_that_were_really_swapped_out_come_back_zero(void **state)
{
    (void)state;
#ifdef MADV_PAGEOUT
    if (!has_swap())
        skip(); /* the real scan is shown swap entries in test_slots_os.c */
    bhd__slots *slots = pool_of(RESERVATION, 1, 4 * MIB);
    bhd__slot *slot = acquired(slots, MIB);
    uint8_t *base = bhd__slot_base(slot);
    every_byte(slot);
    if (madvise(base, MIB, MADV_PAGEOUT) != 0)
        skip();
    bhd__slots_release(slots, slot);
    slot = acquired(slots, MIB);
    assert_ptr_equal(bhd__slot_base(slot), base);
    assert_zero(slot);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
#else
    skip();
#endif
}

/* -- Fork -------------------------------------------------------------------------------------- */

struct family {
    bhd__slots *slots;
    bhd__slot *slot;
    int generations;
};

/* A child dirties pages that its parent never touched. */
static void use_a_copy(void *argument)
{
    struct family *family = argument;
    uint8_t *base = bhd__slot_base(family->slot);
    CHILD_CHECK(base[8 * KIB] == 0x77);
    if (--family->generations > 0)
        CHILD_CHECK(in_child(use_a_copy, family));
    memset(base + 100 * KIB, 0xcc, 300 * KIB);
    bhd__slots_release(family->slots, family->slot);
    bhd__slot *slot = NULL;
    CHILD_CHECK(bhd__slots_acquire(family->slots, MIB, &slot, NULL) == BHD_OK);
    CHILD_CHECK(bhd__slot_base(slot) == base);
    CHILD_CHECK(first_dirt(base, MIB) == MIB);
    bhd__slots_release(family->slots, slot);
    bhd__slots_free(family->slots);
}

static void test_children_of_fork_clean_their_own_copy(void **state)
{
    (void)state;
    if (under_valgrind())
        skip();
    struct family family = {pool_of(RESERVATION, 1, 4 * MIB), NULL, 3};
    family.slot = acquired(family.slots, MIB);
    bhd__slots_release(family.slots, family.slot); /* the parent has scanned */
    family.slot = acquired(family.slots, MIB);
    uint8_t *base = bhd__slot_base(family.slot);
    base[8 * KIB] = 0x77;
    assert_true(in_child(use_a_copy, &family));
    assert_int_equal(base[8 * KIB], 0x77);
    assert_int_equal(first_dirt(base + 12 * KIB, MIB - 12 * KIB), MIB - 12 * KIB);
    bhd__slots_release(family.slots, family.slot);
    family.slot = acquired(family.slots, MIB);
    assert_zero(family.slot);
    bhd__slots_release(family.slots, family.slot);
    bhd__slots_free(family.slots);
}

#define CLEAN_TEST(name) cmocka_unit_test_teardown(test_##name, no_more_orders)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAN_TEST(nothing_is_left_of_first_byte),
        CLEAN_TEST(nothing_is_left_of_last_byte),
        CLEAN_TEST(nothing_is_left_of_every_byte),
        CLEAN_TEST(nothing_is_left_of_every_other_page),
        CLEAN_TEST(nothing_is_left_of_as_many_runs_as_one_scan_holds),
        CLEAN_TEST(nothing_is_left_of_one_run_more_than_a_scan_holds),
        CLEAN_TEST(nothing_is_left_of_one_run_more_than_two_scans_hold),
        CLEAN_TEST(nothing_is_left_of_only_reads),
        CLEAN_TEST(nothing_is_left_of_reads_then_writes_among_them),
        CLEAN_TEST(nothing_is_left_of_growth_then_every_byte),
        CLEAN_TEST(nothing_is_left_of_random_bytes),
        CLEAN_TEST(as_much_as_may_be_kept_is_kept),
        CLEAN_TEST(pages_stay_for_the_next_tenant_of_the_same_size),
        CLEAN_TEST(a_tenant_that_only_read_leaves_nothing_to_do),
        CLEAN_TEST(a_tail_that_is_taken_away_keeps_no_pages),
        CLEAN_TEST(without_a_scan_everything_is_given_back_at_once),
        CLEAN_TEST(swapped_runs_are_given_back_and_not_written),
        CLEAN_TEST(many_swapped_runs_cost_a_bounded_number_of_calls),
        CLEAN_TEST(pages_that_were_really_swapped_out_come_back_zero),
        CLEAN_TEST(children_of_fork_clean_their_own_copy),
    };
    return cmocka_run_group_tests_name("slots_clean", tests, NULL, NULL);
}
