/*
 * What free slots keep resident, all together, stays within the pool's bound, and a slot that had
 * to give up what it kept is as clean as any other.
 */
#include "slots_kit.h"

enum { SLOTS = 8 };

static uint64_t kept(const bhd__slots *slots)
{
    bhd__slots_stats stats;
    bhd__slots_get_stats(slots, &stats);
    return stats.kept_bytes;
}

static bhd__slots *pool_keeping(uint64_t all)
{
    bhd__slots_options options = {BHD__SLOTS_GUARD, MIB, 64 * KIB, SLOTS, 64 * KIB, all};
    bhd_error error = BHD_ERROR_INIT;
    bhd__slots *slots = NULL;
    if (bhd__slots_new(&options, &slots, &error) != BHD_OK)
        fail_msg("%s", error.message);
    return slots;
}

/* Takes every slot, dirties 64 KiB of each, and gives all back. What is resident then is what the
 * pool says. */
static void use_all(bhd__slots *slots)
{
    bhd__slot *taken[SLOTS];
    for (int i = 0; i < SLOTS; i++) {
        taken[i] = acquired(slots, 128 * KIB);
        for (size_t at = 0; at < 128 * KIB; at++)
            assert_int_equal(bhd__slot_base(taken[i])[at], 0);
        memset(bhd__slot_base(taken[i]), 0xa5, 64 * KIB);
    }
    uint8_t *base[SLOTS];
    uint64_t resident = 0;
    for (int i = 0; i < SLOTS; i++) {
        base[i] = bhd__slot_base(taken[i]);
        bhd__slots_release(slots, taken[i]);
    }
    for (int i = 0; i < SLOTS; i++)
        resident += held_pages(base[i], 64 * KIB) * page_bytes();
    assert_int_equal(resident, kept(slots));
}

static void test_slots_keep_what_they_may(void **state)
{
    (void)state;
    bhd__slots *slots = pool_keeping(MIB);
    use_all(slots);
    assert_int_equal(kept(slots), SLOTS * 64 * KIB);
    use_all(slots);
    assert_int_equal(kept(slots), SLOTS * 64 * KIB);
    bhd__slots_free(slots);
}

static void test_all_slots_together_keep_no_more_than_the_bound(void **state)
{
    (void)state;
    bhd__slots *slots = pool_keeping(3 * 64 * KIB);
    for (int round = 0; round < 3; round++) {
        use_all(slots);
        assert_int_equal(kept(slots), 3 * 64 * KIB);
    }
    bhd__slots_free(slots);
}

static void test_a_bound_of_nothing_keeps_nothing(void **state)
{
    (void)state;
    bhd__slots *slots = pool_keeping(0);
    use_all(slots);
    use_all(slots);
    assert_int_equal(kept(slots), 0);
    bhd__slots_free(slots);
}

static void test_a_taken_slot_no_longer_counts(void **state)
{
    (void)state;
    bhd__slots *slots = pool_keeping(MIB);
    use_all(slots);
    bhd__slot *slot = acquired(slots, 128 * KIB);
    assert_int_equal(kept(slots), (SLOTS - 1) * 64 * KIB);
    bhd__slots_release(slots, slot);
    /* It was not written to, so it keeps nothing that has to be zeroed again; what it kept before
     * is still within its bound. */
    assert_true(kept(slots) <= SLOTS * 64 * KIB);
    bhd__slots_free(slots);
}

static void test_pages_count_and_not_where_they_lie(void **state)
{
    (void)state;
    bhd__slots *slots = pool_keeping(MIB);
    bhd__slot *slot = acquired(slots, MIB);
    bhd__slot_base(slot)[0] = 1;
    bhd__slot_base(slot)[MIB - 1] = 1;
    bhd__slots_release(slots, slot);
    assert_int_equal(kept(slots), 2 * page_bytes());
    bhd__slots_free(slots);
}

static void test_a_slot_that_cannot_give_up_what_it_kept_is_retired(void **state)
{
    (void)state;
    bhd__slots *slots = pool_keeping(0);
    bhd__slot *slot = acquired(slots, 128 * KIB);
    bhd__slot_base(slot)[0] = 1;
    take_orders();
    order_failure(CALL_DISCARD, 1);
    bhd__slots_release(slots, slot);
    assert_stats(slots, 0, 0, 1);
    assert_int_equal(kept(slots), 0);
    bhd__os_replace(NULL);
    bhd__slots_release(slots, acquired(slots, 128 * KIB));
    assert_stats(slots, 1, 0, 1);
    bhd__slots_free(slots);
}

#define KEPT_TEST(name) cmocka_unit_test_teardown(test_##name, no_more_orders)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(slots_keep_what_they_may),
        KEPT_TEST(all_slots_together_keep_no_more_than_the_bound),
        KEPT_TEST(a_bound_of_nothing_keeps_nothing),
        KEPT_TEST(a_taken_slot_no_longer_counts),
        KEPT_TEST(pages_count_and_not_where_they_lie),
        KEPT_TEST(a_slot_that_cannot_give_up_what_it_kept_is_retired),
    };
    return cmocka_run_group_tests_name("slots_kept", tests, NULL, NULL);
}
