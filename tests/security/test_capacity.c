/*
 * When there is no room for one more, that is an answer: those who live go on, and the next one
 * gets a place when somebody has left it.
 */
#include "support/crew.h"
#include "support/real_guest.h"

static void expect_no_capacity(bhd_component *component, const char *part)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    expect_status(BHD_NO_CAPACITY, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    assert_null(sandbox);
    expect_in(error.message, part);
    bhd_error_fini(&error);
}

static void a_full_host_says_so_and_everybody_goes_on(void **state)
{
    (void)state;
    enum { MOST = 5 };
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_sandboxes = MOST;
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    bhd_sandbox *all[MOST];
    bhd_host_stats stats;
    for (size_t i = 0; i < MOST; i++) {
        all[i] = guest_sandbox(component);
        guest_void(all[i], "touch", 5, (int32_t)i + 1);
    }
    for (int i = 0; i < 100; i++)
        expect_no_capacity(component, "5 sandboxes live, which is as many as this host allows "
                                      "(max_sandboxes); try again when one has ended");
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(stats.live_sandboxes == MOST && stats.max_sandboxes == MOST);
    assert_true(stats.refused_capacity == 100);
    for (size_t i = 0; i < MOST; i++) {
        assert_int_equal(i + 1, guest_i32(all[i], "peek", 5));
        assert_int_equal(1, guest_i32(all[i], "grow", 15));
    }
    /* Each place that becomes free is good for one more. */
    for (size_t i = 0; i < 3 * MOST; i++) {
        bhd_sandbox_free(all[i % MOST]);
        all[i % MOST] = guest_sandbox(component);
        assert_true(guest_i64(all[i % MOST], "first_nonzero") == -1);
        expect_no_capacity(component, "max_sandboxes");
    }
    for (size_t i = 0; i < MOST; i++)
        bhd_sandbox_free(all[i]);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void a_dead_sandbox_keeps_its_place_until_it_is_freed(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_sandboxes = 1;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin_with(&options, "basic/trap.wat", &limits, NULL);
    guest_ends(g.sandbox, BHD_TRAP, NULL, "unreachable");
    expect_no_capacity(g.component, "max_sandboxes");
    guest_again(&g);
    assert_int_equal(0, guest_i32(g.sandbox, "load8", 0));
    guest_end(&g);
}

static void failed_instantiations_take_no_place(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        bhd_status wanted;
    } failures[] = {
        {"basic/start_trap.wat", BHD_TRAP},
        {"basic/data_over.wat", BHD_TRAP},
        {"basic/start_loop.wat", BHD_TIMEOUT},
        {"basic/start_grow.wat", BHD_OUT_OF_MEMORY},
        {"(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $e (param i32)))"
         " (memory 1) (func $s (call $e (i32.const 1))) (start $s))",
         BHD_EXIT},
    };
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_sandboxes = 1;
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        limits.timeout_seconds = failures[i].wanted == BHD_TIMEOUT ? 0.1 : 100;
        bhd_component *component = guest_component(host, failures[i].source, &limits);
        for (int k = 0; k < 20; k++) {
            bhd_error error = BHD_ERROR_INIT;
            bhd_sandbox *sandbox = NULL;
            expect_status(failures[i].wanted, bhd_sandbox_new(component, NULL, &sandbox, &error),
                          &error);
            expect_stats(host, 0, 0);
            bhd_error_fini(&error);
        }
        bhd_component_free(component);
    }
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(stats.refused_capacity == 0);
    bhd_host_free(host);
}

static void a_number_of_sandboxes_that_cannot_fit_is_an_error(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    options.max_sandboxes = 1000000;
    expect_status(BHD_INVALID_ARGUMENT, bhd_host_new(&options, &host, &error), &error);
    assert_null(host);
    assert_true(error.has_range);
    assert_true(error.value == 1000000);
    /* 47 bits of address space hold 32,000 of 4 GiB and a guard. */
    assert_true(error.range_maximum > 20000 && error.range_maximum < 32768);
    expect_in(error.message, "max_sandboxes");
    expect_in(error.message, "fit");
    /* What fits, by its own word, does. */
    options.max_sandboxes = (uint32_t)error.range_maximum;
    expect_ok(bhd_host_new(&options, &host, &error), &error);
    bhd_host_free(host);
    host = NULL;
    options.max_sandboxes = 0;
    expect_status(BHD_INVALID_ARGUMENT, bhd_host_new(&options, &host, &error), &error);
    assert_null(host);
    bhd_error_fini(&error);
}

static void sandboxes_with_many_memories_use_one_slot_for_each(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/three_memories.wat", &limits);
    expect_stats(g.host, 1, 3);
    bhd_sandbox *other = guest_sandbox(g.component);
    expect_stats(g.host, 2, 6);
    bhd_sandbox_free(other);
    expect_stats(g.host, 1, 3);
    guest_end(&g);
}

/* Threads that fight for too few places: no place is lost or given twice. */
static void fight_for_places(crew_member *member)
{
    bhd_component *component = member->shared;
    for (int i = 0; i < ROUNDS(400); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_sandbox *sandbox = NULL;
        bhd_status status = bhd_sandbox_new(component, NULL, &sandbox, &error);
        if (status == BHD_OK) {
            bhd_value result = {.type = BHD_I64, .of.i64 = 0};
            if (!crew_check_ok(member, guest_call(sandbox, &error, &result, "first_nonzero"),
                               &error) ||
                !crew_check(member, result.of.i64 == -1))
                i = ROUNDS(400);
            (void)crew_check_ok(member, guest_call(sandbox, &error, NULL, "touch", 7, 7), &error);
        } else if (!crew_check(member, status == BHD_NO_CAPACITY)) {
            i = ROUNDS(400);
        }
        bhd_sandbox_free(sandbox);
        bhd_error_fini(&error);
    }
}

static void threads_that_fight_for_places_lose_none(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_sandboxes = 3;
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    crew_run(8, fight_for_places, component);
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(stats.slots <= 3);
    bhd_sandbox *all[3];
    for (size_t i = 0; i < COUNT_OF(all); i++)
        all[i] = guest_sandbox(component);
    expect_no_capacity(component, "max_sandboxes");
    for (size_t i = 0; i < COUNT_OF(all); i++)
        bhd_sandbox_free(all[i]);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_host_says_so_and_everybody_goes_on),
        cmocka_unit_test(a_dead_sandbox_keeps_its_place_until_it_is_freed),
        cmocka_unit_test(failed_instantiations_take_no_place),
        cmocka_unit_test(a_number_of_sandboxes_that_cannot_fit_is_an_error),
        cmocka_unit_test(sandboxes_with_many_memories_use_one_slot_for_each),
        cmocka_unit_test(threads_that_fight_for_places_lose_none),
    };
    return cmocka_run_group_tests_name("capacity", tests, NULL, NULL);
}
