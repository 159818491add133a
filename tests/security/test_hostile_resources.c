/*
 * A guest whose resources attack whoever holds them: their destructors trap, loop, recurse or
 * exhaust memory when they are dropped, and its results are handles that it does not have.
 */
#include "support/resource_kit.h"

#define HANDLES "hostile/comp_handles.wat"

enum { TRAPS = 13, LOOPS = 14, GROWS = 15, RECURSES = 16, HARMLESS = 7 };

static bhd_value make(guest *g, resource_way way, uint32_t what)
{
    bhd_value argument = bhd_value_u32(what);
    return resource_call(g, way, "make", &argument, 1);
}

/* Drops one of each of these, in this order, as one value. */
static void drop_ends(const bhd_limits *limits, const uint32_t *kinds, size_t count,
                      bhd_status wanted, const char *part)
{
    for (resource_way way = 0; way < WAYS; way++) {
        guest g = resource_guest(way, HANDLES, limits, NULL);
        bhd_value items[4];
        bhd_error error = BHD_ERROR_INIT;
        for (size_t i = 0; i < count; i++)
            items[i] = make(&g, way, kinds[i]);
        bhd_value tuple = bhd_value_tuple(items, count);
        expect_status(wanted, resource_try_drop(&g, way, &tuple, &error), &error);
        if (wanted != BHD_OK)
            expect_in(error.message, part);
        assert_int_equal(wanted != BHD_OK, bhd_sandbox_is_dead(g.sandbox));
        bhd_memory_metrics metrics = guest_metrics(g.sandbox);
        assert_true(metrics.peak_bytes <= metrics.max_bytes);
        for (size_t i = 0; i < count; i++)
            bhd_value_fini(&items[i]);
        bhd_error_fini(&error);
        guest_end(&g);
    }
}

static void destructors_run_under_the_limits_of_a_call(void **state)
{
    (void)state;
    const uint32_t traps[] = {HARMLESS, TRAPS, LOOPS}, loops[] = {HARMLESS, LOOPS};
    const uint32_t grows[] = {GROWS, HARMLESS, GROWS}, recurses[] = {RECURSES};
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 0.1;
    drop_ends(&limits, loops, COUNT_OF(loops), BHD_TIMEOUT, "out of time");
    limits.timeout_seconds = 30;
    drop_ends(&limits, traps, COUNT_OF(traps), BHD_TRAP, "unreachable");
    drop_ends(&limits, recurses, COUNT_OF(recurses), BHD_TRAP, "call stack exhausted");
    drop_ends(&limits, grows, COUNT_OF(grows), BHD_OK, NULL);
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    drop_ends(&limits, grows, COUNT_OF(grows), BHD_OUT_OF_MEMORY, "65,536 more bytes");
    limits.max_fuel = 100000;
    drop_ends(&limits, loops, COUNT_OF(loops), BHD_OUT_OF_FUEL, "fuel");
}

static void a_destructor_that_loops_is_cancelled(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 60;
    guest g = resource_guest(SUBMITTED, HANDLES, &limits, NULL);
    bhd_value one = make(&g, SUBMITTED, LOOPS);
    bhd_call *call;
    expect_ok(bhd_sandbox_submit_drop(g.sandbox, &one, NULL, &call, NULL), NULL);
    bhd_value_fini(&one);
    assert_false(bhd_call_wait(call, 0.02));
    bhd_call_cancel(call);
    assert_true(bhd_call_wait(call, BHD_WAIT_FOREVER));
    assert_int_equal(BHD_CANCELLED, bhd_call_result(call, NULL, NULL, NULL));
    bhd_call_free(call);
    guest_end(&g);
}

/* Nothing of a result that is refused half-way remains, nor of one whose call fails after it. */
static void a_bad_list_of_handles_gives_none(void **state)
{
    (void)state;
    static const char *const functions[] = {"last-is-none", "twice", "cleanup-traps", "million"};
    bhd_limits limits = guest_limits(MIB(1));
    for (resource_way way = 0; way < WAYS; way++) {
        for (size_t i = 0; i < COUNT_OF(functions); i++) {
            guest g = resource_guest(way, HANDLES, &limits, NULL);
            bhd_error error = BHD_ERROR_INIT;
            bhd_value result;
            expect_status(BHD_TRAP, resource_try(&g, way, functions[i], NULL, 0, &result, &error),
                          &error);
            assert_int_equal(BHD_BOOL, result.type);
            bhd_error_fini(&error);
            guest_end(&g);
        }
    }
}

/* The guest has a thousand handles' worth of room, all calls together. */
static void a_guest_cannot_make_its_holder_hold_more_than_the_bound(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = resource_guest(DIRECTLY, HANDLES, &limits, NULL);
    bhd_value lists[BHD_RESOURCES_MAX / 100 + 1];
    size_t held = 0;
    bhd_error error = BHD_ERROR_INIT;
    while (resource_try(&g, DIRECTLY, "hundred", NULL, 0, &lists[held], &error) == BHD_OK) {
        held++;
        assert_true(held < COUNT_OF(lists));
    }
    assert_int_equal(BHD_RESOURCES_MAX / 100, held);
    expect_status(BHD_TRAP, error.code, &error);
    expect_in(error.message, "handle limit exceeded");
    bhd_error_fini(&error);
    for (size_t i = 0; i < held; i++)
        bhd_value_fini(&lists[i]);
    guest_end(&g);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destructors_run_under_the_limits_of_a_call),
        cmocka_unit_test(a_destructor_that_loops_is_cancelled),
        cmocka_unit_test(a_bad_list_of_handles_gives_none),
        cmocka_unit_test(a_guest_cannot_make_its_holder_hold_more_than_the_bound),
    };
    return cmocka_run_group_tests_name("hostile resources", tests, NULL, NULL);
}

int main(void)
{
    return resource_main(run);
}
