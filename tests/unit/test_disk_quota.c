/*
 * What counts of what is written into directories: in all the space or the bytes, whichever is
 * more; never more than was granted, and nothing of what was reserved and not used.
 */
#include "grants/disk_quota.h"

#include "unit_test.h"

#define PAGE UINT64_C(4096)

/* A write that is paid for: as src/engine/run/permit.c and the crate do it together. */
static bool pay(bhd__quota *quota, uint64_t most, uint64_t up_to, uint64_t space, uint64_t bytes)
{
    bhd__reserved r = bhd__quota_reserve(quota, most, up_to, bytes);
    if (!bhd__reserved_pays(&r, 0, space, bytes)) {
        bhd__quota_settle(quota, most, &r, 0, 0);
        if (!bhd__quota_reserve_whole(quota, most, space, bytes, &r))
            return false;
        assert_true(bhd__reserved_pays(&r, 0, space, bytes));
    }
    bhd__quota_settle(quota, most, &r, space, bytes);
    return true;
}

static void a_block_is_paid_for_once(void **state)
{
    (void)state;
    bhd__quota quota = {0};
    assert_true(pay(&quota, 3 * PAGE, 2 * PAGE, PAGE, 1));
    assert_int_equal(PAGE, quota.used);
    /* The rest of the block. */
    assert_true(pay(&quota, 3 * PAGE, 2 * PAGE, 0, PAGE - 1));
    assert_int_equal(PAGE, quota.used);
    /* Over what is there: bytes count where they are more. */
    assert_true(pay(&quota, 3 * PAGE, 2 * PAGE, 0, 10));
    assert_int_equal(PAGE + 10, quota.used);
    assert_int_equal(2 * PAGE - 10, bhd__quota_writable(&quota, 3 * PAGE));
}

static void what_was_not_needed_comes_back(void **state)
{
    (void)state;
    bhd__quota quota = {0};
    bhd__reserved r = bhd__quota_reserve(&quota, 3 * PAGE, 2 * PAGE, 100);
    assert_int_equal(PAGE, bhd__quota_left(&quota, 3 * PAGE));
    bhd__quota_settle(&quota, 3 * PAGE, &r, 0, 0);
    assert_int_equal(3 * PAGE, bhd__quota_left(&quota, 3 * PAGE));
    assert_int_equal(0, quota.credit);
    /* Also credit. */
    assert_true(pay(&quota, 3 * PAGE, 2 * PAGE, PAGE, 96));
    assert_int_equal(4000, quota.credit);
    r = bhd__quota_reserve(&quota, 3 * PAGE, 0, 1000);
    assert_int_equal(3000, quota.credit);
    bhd__quota_settle(&quota, 3 * PAGE, &r, 0, 400);
    assert_int_equal(3600, quota.credit);
}

static void what_is_not_there_is_refused_and_costs_nothing(void **state)
{
    (void)state;
    bhd__quota quota = {0};
    assert_false(pay(&quota, 2 * PAGE, 4 * PAGE, 3 * PAGE, 5));
    assert_int_equal(0, quota.used);
    assert_false(bhd__quota_take(&quota, 2 * PAGE, 2 * PAGE + 1));
    assert_true(bhd__quota_take(&quota, 2 * PAGE, 2 * PAGE));
    assert_false(pay(&quota, 2 * PAGE, PAGE, 0, 1));
    assert_int_equal(0, bhd__quota_writable(&quota, 2 * PAGE));
    /* A file system that takes more than could be known takes what is left. */
    bhd__quota_give(&quota, PAGE);
    bhd__reserved r = bhd__quota_reserve(&quota, 2 * PAGE, 10, 10);
    bhd__quota_settle(&quota, 2 * PAGE, &r, 9 * PAGE, 10);
    assert_int_equal(2 * PAGE, quota.used);
}

static void a_part_pays_out_of_what_is_left(void **state)
{
    (void)state;
    const bhd__reserved r = {.space = 2 * PAGE, .credit = 0};
    assert_true(bhd__reserved_pays(&r, 0, 2 * PAGE, 2 * PAGE));
    assert_true(bhd__reserved_pays(&r, PAGE, PAGE, 7));
    assert_false(bhd__reserved_pays(&r, PAGE + 1, PAGE, 7));
    assert_false(bhd__reserved_pays(&r, 3 * PAGE, 0, 1));
    assert_false(bhd__reserved_pays(&r, 0, UINT64_MAX, UINT64_MAX));
    const bhd__reserved with_credit = {.space = PAGE, .credit = 50};
    assert_true(bhd__reserved_pays(&with_credit, 0, PAGE, PAGE + 50));
    assert_false(bhd__reserved_pays(&with_credit, 0, PAGE, PAGE + 51));
}

/* Whatever is written in whatever order, in all the bytes are paid for, and the space. */
static void in_all_whichever_is_more(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 500; round++) {
        bhd__quota quota = {0};
        uint64_t space_in_all = 0, bytes_in_all = 0, most = 400 * PAGE;
        for (int i = 0; i < 200; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            uint64_t bytes = (seed >> 33) % (2 * PAGE), pages = (seed >> 48) % 4;
            uint64_t up_to = (bytes + PAGE - 1) / PAGE * PAGE + PAGE;
            if (!pay(&quota, most, up_to, pages * PAGE, bytes))
                continue;
            space_in_all += pages * PAGE;
            bytes_in_all += bytes;
            assert_true(quota.used <= most);
            assert_true(quota.used >= space_in_all);
            assert_int_equal(quota.used - quota.credit, bytes_in_all);
        }
        assert_true(bytes_in_all > most / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_paid_for_once),
        cmocka_unit_test(what_was_not_needed_comes_back),
        cmocka_unit_test(what_is_not_there_is_refused_and_costs_nothing),
        cmocka_unit_test(a_part_pays_out_of_what_is_left),
        cmocka_unit_test(in_all_whichever_is_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
