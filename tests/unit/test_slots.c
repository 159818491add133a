/*
 * Slots as their user sees them: sizes, protection, growth, reuse, capacity, arguments.
 */
#include "slots_kit.h"

#include "base/alloc.h"

#define RESERVATION (4 * MIB)

static void test_a_new_slot_is_zero_and_exactly_accessible(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 4, 256 * KIB);
    bhd__slot *slot = acquired(slots, 2 * MIB);
    assert_exact(slot, 2 * MIB);
    assert_zero(slot);
    assert_int_equal(bhd__slot_reservation(slot), RESERVATION);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_a_slot_of_zero_bytes_has_nothing_accessible(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 4, 256 * KIB);
    bhd__slot *slot = acquired(slots, 0);
    assert_exact(slot, 0);
    assert_true(faults(bhd__slot_base(slot), false));
    grown(slot, page_bytes());
    assert_exact(slot, page_bytes());
    bhd__slot_base(slot)[0] = 9;
    bhd__slots_release(slots, slot);
    slot = acquired(slots, 0);
    assert_exact(slot, 0);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_the_whole_reservation_can_be_used(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 4, 256 * KIB);
    bhd__slot *slot = acquired(slots, RESERVATION);
    assert_exact(slot, RESERVATION);
    bhd__slot_base(slot)[RESERVATION - 1] = 1;
    assert_true(faults(bhd__slot_base(slot) + RESERVATION, false));
    bhd__slots_release(slots, slot);
    slot = acquired(slots, RESERVATION);
    assert_zero(slot);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_a_byte_past_the_size_faults_on_read_and_write(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 4, 256 * KIB);
    bhd__slot *slot = acquired(slots, 64 * KIB);
    uint8_t *base = bhd__slot_base(slot);
    assert_false(faults(base + 64 * KIB - 1, true));
    assert_true(faults(base + 64 * KIB, false));
    assert_true(faults(base + 64 * KIB, true));
    assert_true(faults(base + RESERVATION - 1, false));
    grown(slot, 128 * KIB);
    assert_false(faults(base + 128 * KIB - 1, true));
    assert_true(faults(base + 128 * KIB, false));
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_both_guards_fault_over_their_whole_length(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 4, 256 * KIB);
    bhd__slot *slot = acquired(slots, RESERVATION);
    uint8_t *base = bhd__slot_base(slot);
    assert_true(faults(base - 1, true));
    assert_true(faults(base - 64 * KIB, true));
    assert_true(faults(base + RESERVATION, true));
    assert_true(faults(base + RESERVATION + 64 * KIB - 1, true));
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_a_slot_of_four_gib_works_to_its_last_byte(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(4 * GIB, 2, 256 * KIB);
    bhd__slot *slot = acquired(slots, 64 * KIB);
    assert_exact(slot, 64 * KIB);
    grown(slot, 4 * GIB);
    uint8_t *base = bhd__slot_base(slot);
    assert_false(faults(base + 4 * GIB - 1, true));
    assert_true(faults(base + 4 * GIB, false));
    base[3 * GIB] = 7;
    bhd__slots_release(slots, slot);
    slot = acquired(slots, 4 * GIB);
    assert_ptr_equal(bhd__slot_base(slot), base);
    assert_int_equal(base[4 * GIB - 1], 0);
    assert_int_equal(base[3 * GIB], 0);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_growth_keeps_content_and_adds_zeros(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 4, 256 * KIB);
    bhd__slot *slot = acquired(slots, 64 * KIB);
    uint8_t *base = bhd__slot_base(slot);
    memset(base, 0x5a, 64 * KIB);
    grown(slot, MIB);
    assert_exact(slot, MIB);
    for (uint64_t i = 0; i < 64 * KIB; i++)
        assert_int_equal(base[i], 0x5a);
    assert_int_equal(first_dirt(base + 64 * KIB, MIB - 64 * KIB), MIB - 64 * KIB);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_growth_to_no_more_changes_nothing(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 4, 256 * KIB);
    bhd__slot *slot = acquired(slots, MIB);
    grown(slot, MIB);
    assert_exact(slot, MIB);
    grown(slot, 64 * KIB);
    assert_exact(slot, MIB);
    grown(slot, 0);
    assert_exact(slot, MIB);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_growth_beyond_the_reservation_is_refused(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 4, 256 * KIB);
    bhd__slot *slot = acquired(slots, RESERVATION - 64 * KIB);
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd__slot_grow(slot, RESERVATION + page_bytes(), &error),
                     BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, "a slot of 4198400 bytes: the reservation is 4194304 bytes");
    assert_int_equal(bhd__slot_grow(slot, UINT64_MAX - page_bytes() + 1, NULL),
                     BHD_INVALID_ARGUMENT);
    assert_int_equal(bhd__slot_grow(slot, RESERVATION - 1, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message,
                        "bytes: 4194303 is not a multiple of the page size, 4096 bytes");
    assert_exact(slot, RESERVATION - 64 * KIB);
    grown(slot, RESERVATION);
    assert_exact(slot, RESERVATION);
    bhd__slots_release(slots, slot);
    bhd_error_fini(&error);
    bhd__slots_free(slots);
}

static void test_base_and_reservation_never_change(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 256 * KIB);
    uint64_t seed = 4711;
    const uint8_t *base = NULL;
    for (int tenant = 0; tenant < 50; tenant++) {
        bhd__slot *slot = acquired(slots, next_random(&seed) % 8 * 64 * KIB);
        base = base != NULL ? base : bhd__slot_base(slot);
        for (int growth = 0; growth < 8; growth++) {
            grown(slot, next_random(&seed) % 65 * 64 * KIB);
            assert_ptr_equal(bhd__slot_base(slot), base);
            assert_int_equal(bhd__slot_reservation(slot), RESERVATION);
            assert_true(bhd__slot_bytes(slot) <= bhd__slot_reservation(slot));
        }
        bhd__slots_release(slots, slot);
    }
    bhd__slots_free(slots);
}

/* A tenant that grew to 20 pages of 64 KiB is followed by one with 5. */
static void test_reuse_at_a_smaller_size_takes_the_tail_away(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 4 * MIB);
    bhd__slot *slot = acquired(slots, 5 * 64 * KIB);
    uint8_t *base = bhd__slot_base(slot);
    grown(slot, 20 * 64 * KIB);
    memset(base, 0xff, 20 * 64 * KIB);
    bhd__slots_release(slots, slot);
    slot = acquired(slots, 5 * 64 * KIB);
    assert_ptr_equal(bhd__slot_base(slot), base);
    assert_true(faults(base + 15 * 64 * KIB, false));
    assert_true(faults(base + 5 * 64 * KIB, false));
    assert_exact(slot, 5 * 64 * KIB);
    assert_zero(slot);
    grown(slot, 20 * 64 * KIB);
    assert_zero(slot);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_reuse_at_a_larger_size_is_zero_and_exact(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1, 4 * MIB);
    bhd__slot *slot = acquired(slots, 64 * KIB);
    memset(bhd__slot_base(slot), 0xff, 64 * KIB);
    bhd__slots_release(slots, slot);
    slot = acquired(slots, 3 * MIB);
    assert_exact(slot, 3 * MIB);
    assert_zero(slot);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_a_free_slot_of_the_same_size_is_preferred(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 8, 256 * KIB);
    bhd__slot *small = acquired(slots, 64 * KIB), *large = acquired(slots, MIB);
    bhd__slot *newest = acquired(slots, 2 * MIB);
    bhd__slots_release(slots, small);
    bhd__slots_release(slots, large);
    bhd__slots_release(slots, newest);
    assert_ptr_equal(acquired(slots, 64 * KIB), small);
    assert_ptr_equal(acquired(slots, MIB), large);
    assert_ptr_equal(acquired(slots, 2 * MIB), newest);
    assert_stats(slots, 3, 3, 0);
    bhd__slots_release(slots, small);
    bhd__slots_release(slots, large);
    bhd__slots_release(slots, newest);
    bhd__slots_free(slots);
}

static void test_among_equals_the_one_given_back_last_is_taken(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 8, 256 * KIB);
    bhd__slot *slot[3];
    for (int i = 0; i < 3; i++)
        slot[i] = acquired(slots, MIB);
    bhd__slots_release(slots, slot[1]);
    bhd__slots_release(slots, slot[0]);
    bhd__slots_release(slots, slot[2]);
    assert_ptr_equal(acquired(slots, MIB), slot[2]);
    assert_ptr_equal(acquired(slots, MIB), slot[0]);
    assert_ptr_equal(acquired(slots, MIB), slot[1]);
    for (int i = 0; i < 3; i++)
        bhd__slots_release(slots, slot[i]);
    bhd__slots_free(slots);
}

static void test_without_an_equal_the_one_given_back_last_is_taken(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 8, 256 * KIB);
    bhd__slot *first = acquired(slots, 64 * KIB), *last = acquired(slots, 2 * MIB);
    bhd__slots_release(slots, first);
    bhd__slots_release(slots, last);
    bhd__slot *slot = acquired(slots, MIB);
    assert_ptr_equal(slot, last);
    assert_exact(slot, MIB);
    assert_stats(slots, 2, 1, 0);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

/* Sizes that are 64 MiB apart share a bucket. */
static void test_sizes_that_share_a_bucket_are_told_apart(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(256 * MIB, 8, 0);
    bhd__slot *slot[6];
    uint64_t bytes[6] = {MIB, 65 * MIB, 129 * MIB, MIB, 65 * MIB, MIB + page_bytes()};
    for (int i = 0; i < 6; i++)
        slot[i] = acquired(slots, bytes[i]);
    for (int i = 0; i < 6; i++)
        bhd__slots_release(slots, slot[i]);
    assert_ptr_equal(acquired(slots, 129 * MIB), slot[2]);
    assert_ptr_equal(acquired(slots, 65 * MIB), slot[4]);
    assert_ptr_equal(acquired(slots, 65 * MIB), slot[1]);
    assert_ptr_equal(acquired(slots, MIB), slot[3]);
    assert_ptr_equal(acquired(slots, MIB), slot[0]);
    assert_ptr_equal(acquired(slots, MIB + page_bytes()), slot[5]);
    for (int i = 0; i < 6; i++) {
        assert_exact(slot[i], bytes[i]);
        bhd__slots_release(slots, slot[i]);
    }
    bhd__slots_free(slots);
}

static void test_an_exhausted_pool_says_so_and_recovers(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 3, 256 * KIB);
    bhd__slot *slot[3], *more = (bhd__slot *)&slots;
    bhd_error error = BHD_ERROR_INIT;
    for (int i = 0; i < 3; i++)
        slot[i] = acquired(slots, MIB);
    assert_int_equal(bhd__slots_acquire(slots, MIB, &more, &error), BHD_NO_CAPACITY);
    assert_string_equal(error.message, "all 3 slots are in use; try again when one is given back");
    assert_ptr_equal(more, (bhd__slot *)&slots);
    assert_int_equal(bhd__slots_acquire(slots, 0, &more, NULL), BHD_NO_CAPACITY);
    assert_stats(slots, 3, 3, 0);
    bhd__slots_release(slots, slot[1]);
    assert_stats(slots, 3, 2, 0);
    assert_ptr_equal(acquired(slots, 2 * MIB), slot[1]);
    for (int i = 0; i < 3; i++)
        bhd__slots_release(slots, slot[i]);
    assert_stats(slots, 3, 0, 0);
    bhd_error_fini(&error);
    bhd__slots_free(slots);
}

static void test_slots_are_mapped_only_when_needed_and_recycled(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 1000, 256 * KIB);
    bhd__slots_stats stats;
    assert_stats(slots, 0, 0, 0);
    for (int i = 0; i < 100; i++) {
        bhd__slot *a = acquired(slots, MIB), *b = acquired(slots, 64 * KIB);
        bhd__slots_release(slots, a);
        bhd__slots_release(slots, b);
    }
    assert_stats(slots, 2, 0, 0);
    bhd__slots_get_stats(slots, &stats);
    assert_int_equal(stats.reserved_bytes, 2 * (RESERVATION + 2 * 64 * KIB));
    bhd__slots_free(slots);
}

static void test_sizes_that_cannot_be_acquired_are_refused(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 2, 256 * KIB);
    bhd_error error = BHD_ERROR_INIT;
    bhd__slot *slot = NULL;
    assert_int_equal(bhd__slots_acquire(slots, RESERVATION + 4096, &slot, &error),
                     BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, "a slot of 4198400 bytes: the reservation is 4194304 bytes");
    assert_int_equal(bhd__slots_acquire(slots, 100, &slot, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, "bytes: 100 is not a multiple of the page size, 4096 bytes");
    assert_int_equal(bhd__slots_acquire(slots, UINT64_MAX, &slot, NULL), BHD_INVALID_ARGUMENT);
    assert_null(slot);
    assert_stats(slots, 0, 0, 0);
    bhd_error_fini(&error);
    bhd__slots_free(slots);
}

static void refused(bhd__slots_options options, const char *message)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__slots *slots = NULL;
    uint64_t live = bhd__alloc_live();
    assert_int_equal(bhd__slots_new(&options, &slots, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, message);
    assert_null(slots);
    bhd_error_fini(&error);
    assert_int_equal(bhd__alloc_live(), live);
}

static void test_options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const bhd__slots_options good = {BHD__SLOTS_GUARD, MIB, 64 * KIB, 4, 64 * KIB, MIB};
    bhd__slots_options bad = good;
    bad.mode = (bhd__slots_mode)7;
    refused(bad, "mode: 7 is not a mode of slots");
    bad = good;
    bad.reservation_bytes = 0;
    refused(bad, "reservation_bytes: 0 is less than one page, 4096 bytes");
    bad.reservation_bytes = MIB + 1;
    refused(bad, "reservation_bytes: 1048577 is not a multiple of the page size, 4096 bytes");
    bad = good;
    bad.guard_bytes = 0;
    refused(bad, "guard_bytes: 0 is less than one page, 4096 bytes");
    bad.guard_bytes = 4095;
    refused(bad, "guard_bytes: 4095 is less than one page, 4096 bytes");
    bad.guard_bytes = 65535;
    refused(bad, "guard_bytes: 65535 is not a multiple of the page size, 4096 bytes");
    bad = good;
    bad.keep_bytes = 1;
    refused(bad, "keep_bytes: 1 is not a multiple of the page size, 4096 bytes");
    bad = good;
    bad.guard_bytes = UINT64_C(1) << 63;
    refused(bad,
            "reservation_bytes and guard_bytes: 1048576 and twice 9223372036854775808 are more "
            "than 64 bits can count");
}

static void test_more_slots_than_address_space_are_refused(void **state)
{
    (void)state;
    bhd__slots_options options = {BHD__SLOTS_GUARD, 4 * GIB, 64 * KIB, 1000000, 256 * KIB, MIB};
    bhd_error error = BHD_ERROR_INIT;
    bhd__slots *slots = NULL;
    /* 126 TiB in ranges of 4 GiB and 128 KiB. */
    refused(options, "max_slots: 1000000 slots of 4295098368 bytes do not fit the address space of "
                     "a process, 138538465099776 usable bytes: at most 32255 fit");
    options.max_slots = 0;
    refused(options, "max_slots: 0 slots are none; at most 32255 fit");
    options.max_slots = 32256;
    assert_int_equal(bhd__slots_new(&options, &slots, &error), BHD_INVALID_ARGUMENT);
    assert_true(error.has_range);
    assert_int_equal(error.value, 32256);
    assert_int_equal(error.range_minimum, 1);
    assert_int_equal(error.range_maximum, 32255);
    options.max_slots = UINT64_MAX;
    assert_int_equal(bhd__slots_new(&options, &slots, NULL), BHD_INVALID_ARGUMENT);
    options.max_slots = 32255;
    assert_int_equal(bhd__slots_new(&options, &slots, &error), BHD_OK);
    bhd__slots_free(slots);
    options.reservation_bytes = UINT64_C(1) << 50;
    options.max_slots = 1;
    refused(options, "max_slots: 1 slot of 1125899906973696 bytes does not fit the address space "
                     "of a process, 138538465099776 usable bytes: at most 0 fit");
    bhd_error_fini(&error);
}

static void fill_the_address_space(void *argument)
{
    (void)argument;
    bhd__slots_options options = {BHD__SLOTS_GUARD, 64 * GIB, 64 * KIB, 1000000, 0, 0};
    bhd_error error = BHD_ERROR_INIT;
    bhd__slots *slots = NULL;
    CHILD_CHECK(bhd__slots_new(&options, &slots, &error) == BHD_INVALID_ARGUMENT);
    options.max_slots = error.range_maximum;
    CHILD_CHECK(options.max_slots > 2000);
    CHILD_CHECK(bhd__slots_new(&options, &slots, &error) == BHD_OK);
    for (uint64_t i = 0; i < options.max_slots; i++) {
        bhd__slot *slot;
        CHILD_CHECK(bhd__slots_acquire(slots, 64 * KIB, &slot, &error) == BHD_OK);
        bhd__slot_base(slot)[0] = 1;
    }
}

static void test_as_many_slots_as_promised_can_be_had(void **state)
{
    (void)state;
    if (under_valgrind())
        skip();
    if (UNDER_SANITIZER)
        skip(); /* its shadow takes address space */
    assert_true(in_child(fill_the_address_space, NULL));
}

static void test_pools_share_nothing(void **state)
{
    (void)state;
    bhd__slots *one = pool_of(RESERVATION, 1, 256 * KIB), *two = pool_of(RESERVATION, 1, 256 * KIB);
    bhd__slot *a = acquired(one, MIB), *b = acquired(two, MIB);
    assert_ptr_not_equal(bhd__slot_base(a), bhd__slot_base(b));
    memset(bhd__slot_base(a), 1, MIB);
    assert_zero(b);
    bhd__slots_release(one, a);
    assert_int_equal(bhd__slots_acquire(two, MIB, &a, NULL), BHD_NO_CAPACITY);
    bhd__slots_free(one);
    assert_exact(b, MIB);
    bhd__slots_release(two, b);
    bhd__slots_free(two);
}

static void test_freeing_unmaps_every_slot(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(RESERVATION, 4, 256 * KIB);
    uint64_t live = bhd__alloc_live(), start[4], first, mapped;
    bhd__slot *slot[4];
    for (int i = 0; i < 4; i++) {
        slot[i] = acquired(slots, MIB);
        start[i] = (uint64_t)(uintptr_t)bhd__slot_base(slot[i]) - 64 * KIB;
    }
    assert_int_equal(bhd__alloc_live(), live + 4);
    for (int i = 0; i < 4; i++)
        bhd__slots_release(slots, slot[i]);
    bhd__slots_free(slots);
    assert_int_equal(bhd__alloc_live(), live - 1);
    for (int i = 0; i < 4; i++) {
        accessible_bytes(start[i], start[i] + RESERVATION + 2 * 64 * KIB, &first, &mapped);
        assert_int_equal(mapped, 0);
    }
    bhd__slots_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_slot_is_zero_and_exactly_accessible),
        cmocka_unit_test(test_a_slot_of_zero_bytes_has_nothing_accessible),
        cmocka_unit_test(test_the_whole_reservation_can_be_used),
        cmocka_unit_test(test_a_byte_past_the_size_faults_on_read_and_write),
        cmocka_unit_test(test_both_guards_fault_over_their_whole_length),
        cmocka_unit_test(test_a_slot_of_four_gib_works_to_its_last_byte),
        cmocka_unit_test(test_growth_keeps_content_and_adds_zeros),
        cmocka_unit_test(test_growth_to_no_more_changes_nothing),
        cmocka_unit_test(test_growth_beyond_the_reservation_is_refused),
        cmocka_unit_test(test_base_and_reservation_never_change),
        cmocka_unit_test(test_reuse_at_a_smaller_size_takes_the_tail_away),
        cmocka_unit_test(test_reuse_at_a_larger_size_is_zero_and_exact),
        cmocka_unit_test(test_a_free_slot_of_the_same_size_is_preferred),
        cmocka_unit_test(test_among_equals_the_one_given_back_last_is_taken),
        cmocka_unit_test(test_without_an_equal_the_one_given_back_last_is_taken),
        cmocka_unit_test(test_sizes_that_share_a_bucket_are_told_apart),
        cmocka_unit_test(test_an_exhausted_pool_says_so_and_recovers),
        cmocka_unit_test(test_slots_are_mapped_only_when_needed_and_recycled),
        cmocka_unit_test(test_sizes_that_cannot_be_acquired_are_refused),
        cmocka_unit_test(test_options_that_make_no_sense_are_refused),
        cmocka_unit_test(test_more_slots_than_address_space_are_refused),
        cmocka_unit_test(test_as_many_slots_as_promised_can_be_had),
        cmocka_unit_test(test_pools_share_nothing),
        cmocka_unit_test(test_freeing_unmaps_every_slot),
    };
    return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
