/*
 * Nothing of a tenant is left in its slot: every kind of dirt, with every amount of pages that may
 * be kept, whatever the kernel says about which pages are resident.
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

static void as_many_gaps_as_are_given_back_one_by_one(bhd__slot *slot)
{
    scattered(slot, 64);
}

static void one_gap_more(bhd__slot *slot)
{
    scattered(slot, 65);
}

static void twice_as_many_gaps_and_one(bhd__slot *slot)
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

static int cannot_say(void *address, size_t bytes, unsigned char *pages)
{
    (void)address;
    (void)bytes;
    (void)pages;
    return -1;
}

static int real_resident(void *address, size_t bytes, unsigned char *pages)
{
    bhd__os_replace(NULL);
    int failed = bhd__os_get()->resident(address, bytes, pages);
    bhd__os_replace(&twisted);
    return failed;
}

static int says_once_and_no_more(void *address, size_t bytes, unsigned char *pages)
{
    static int asked;
    return ++asked % 2 == 0 ? -1 : real_resident(address, bytes, pages);
}

static int says_nothing_at_all(void *address, size_t bytes, unsigned char *pages)
{
    (void)address;
    (void)bytes;
    (void)pages;
    return 0;
}

/* As the pagemap of another process did. */
static int calls_everything_untouched(void *address, size_t bytes, unsigned char *pages)
{
    (void)address;
    memset(pages, 0, bytes / page_bytes());
    return 0;
}

static int calls_everything_resident(void *address, size_t bytes, unsigned char *pages)
{
    (void)address;
    memset(pages, 0xff, bytes / page_bytes());
    return 0;
}

static int says_the_opposite(void *address, size_t bytes, unsigned char *pages)
{
    int failed = real_resident(address, bytes, pages);
    for (size_t i = 0; i < bytes / page_bytes(); i++)
        pages[i] ^= 1;
    return failed;
}

static int says_anything(void *address, size_t bytes, unsigned char *pages)
{
    static uint64_t seed = 7;
    (void)address;
    for (size_t i = 0; i < bytes / page_bytes(); i++)
        pages[i] = (unsigned char)next_random(&seed);
    return next_random(&seed) % 8 == 0 ? -1 : 0;
}

/* What was resident may be swapped out before it is acted on, and the other way round. */
static int is_outdated_at_once(void *address, size_t bytes, unsigned char *pages)
{
    int failed = real_resident(address, bytes, pages);
    (void)bhd__os_get()->discard(address, bytes / 2 / page_bytes() * page_bytes());
    ((uint8_t *)address)[bytes - 1] = 1;
    return failed;
}

static int (*const kernels[])(void *, size_t, unsigned char *) = {
    NULL, /* the real one */
    cannot_say,
    says_once_and_no_more,
    says_nothing_at_all,
    calls_everything_untouched,
    calls_everything_resident,
    says_the_opposite,
    says_anything,
    is_outdated_at_once,
};

static void twist(int (*resident)(void *, size_t, unsigned char *))
{
    bhd__os_replace(NULL);
    twisted = *bhd__os_get();
    if (resident != NULL) {
        twisted.resident = resident;
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
DIRT_TEST(as_many_gaps_as_are_given_back_one_by_one)
DIRT_TEST(one_gap_more)
DIRT_TEST(twice_as_many_gaps_and_one)
DIRT_TEST(only_reads)
DIRT_TEST(reads_then_writes_among_them)
DIRT_TEST(growth_then_every_byte)
DIRT_TEST(random_bytes)

/* -- What is kept ------------------------------------------------------------------------------ */

static void test_as_much_as_may_be_kept_is_kept(void **state)
{
    (void)state;
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
    /* Before, between and after them, each time. */
    assert_int_equal(orders.calls[CALL_DISCARD], 3 * 10);
    assert_int_equal(orders.calls[CALL_OPEN], 1);
    assert_int_equal(orders.calls[CALL_CLOSE], 0);
    bhd__slots_free(slots);
}

static void test_a_tenant_that_only_read_leaves_nothing_to_do(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, MIB);
    take_orders();
    bhd__slot *slot = acquired(slots, MIB);
    assert_zero(slot);
    uint64_t held = held_pages(bhd__slot_base(slot), MIB);
    bhd__slots_release(slots, slot);
    assert_int_equal(orders.calls[CALL_DISCARD], 0);
    /* The zero page stays mapped: had it been written to, there would be memory behind it. */
    slot = acquired(slots, MIB);
    assert_int_equal(held_pages(bhd__slot_base(slot), MIB), held);
    assert_int_equal(resident_bytes(bhd__slot_base(slot), MIB), 0);
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

static void test_without_an_answer_everything_is_given_back_at_once(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 128 * KIB);
    take_orders();
    order_failure(CALL_RESIDENT, FOR_EVER);
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

static void test_many_gaps_cost_a_bounded_number_of_calls(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 4 * MIB);
    take_orders();
    bhd__slot *slot = acquired(slots, 4 * MIB);
    every_other_page(slot);
    bhd__slots_release(slots, slot);
    assert_true(orders.calls[CALL_DISCARD] <= 65);
    assert_int_equal(held_pages(bhd__slot_base(slot), 4 * MIB), 65);
    bhd__slots_free(slots);
}

static void test_a_large_memory_costs_a_bounded_number_of_calls(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(GIB, 1, 4 * MIB);
    take_orders();
    bhd__slot *slot = acquired(slots, GIB);
    first_byte(slot);
    last_byte(slot);
    bhd__slots_release(slots, slot);
    assert_true(orders.calls[CALL_RESIDENT] <= 32);
    assert_int_equal(orders.calls[CALL_DISCARD], 1);
    slot = acquired(slots, GIB);
    assert_int_equal(held_pages(bhd__slot_base(slot), GIB), 1);
    assert_int_equal(bhd__slot_base(slot)[0], 0);
    assert_int_equal(bhd__slot_base(slot)[GIB - 1], 0);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

/* -- Swapped-out pages ------------------------------------------------------------------------- */

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
        skip(); /* calls_everything_untouched stands for it */
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
    bhd__slots_release(family.slots, family.slot);
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
        CLEAN_TEST(nothing_is_left_of_as_many_gaps_as_are_given_back_one_by_one),
        CLEAN_TEST(nothing_is_left_of_one_gap_more),
        CLEAN_TEST(nothing_is_left_of_twice_as_many_gaps_and_one),
        CLEAN_TEST(nothing_is_left_of_only_reads),
        CLEAN_TEST(nothing_is_left_of_reads_then_writes_among_them),
        CLEAN_TEST(nothing_is_left_of_growth_then_every_byte),
        CLEAN_TEST(nothing_is_left_of_random_bytes),
        CLEAN_TEST(as_much_as_may_be_kept_is_kept),
        CLEAN_TEST(pages_stay_for_the_next_tenant_of_the_same_size),
        CLEAN_TEST(a_tenant_that_only_read_leaves_nothing_to_do),
        CLEAN_TEST(a_tail_that_is_taken_away_keeps_no_pages),
        CLEAN_TEST(without_an_answer_everything_is_given_back_at_once),
        CLEAN_TEST(many_gaps_cost_a_bounded_number_of_calls),
        CLEAN_TEST(a_large_memory_costs_a_bounded_number_of_calls),
        CLEAN_TEST(pages_that_were_really_swapped_out_come_back_zero),
        CLEAN_TEST(children_of_fork_clean_their_own_copy),
    };
    return cmocka_run_group_tests_name("slots_clean", tests, NULL, NULL);
}
