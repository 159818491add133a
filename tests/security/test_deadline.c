/*
 * Every guest ends at its deadline: one that loops, one that waits in the host, one that never
 * comes out of its start function. And fuel ends a guest at the same place every time.
 *
 * The bound: a deadline is never early, and at most 2 seconds late. On a quiet machine it is some
 * milliseconds late; the rest is for machines that are busy with other things.
 */
#include "support/crew.h"
#include "support/process_facts.h"
#include "support/real_guest.h"

#include <stdio.h>

#define TIMEOUT 0.1
#define LATE 2.0

static bhd_limits short_limits(double timeout_seconds)
{
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = timeout_seconds;
    return limits;
}

static void expect_in_time(double began, double timeout)
{
    double took = process_seconds() - began;
    if (took < timeout || took > timeout + LATE)
        print_error("took %.3f seconds of %.3f\n", took, timeout);
    assert_true(took >= timeout);
    assert_true(took <= timeout + LATE);
}

/* -- loops --------------------------------------------------------------------------------- */

static void every_kind_of_loop_ends_at_the_deadline(void **state)
{
    (void)state;
    static const char *const loops[] = {"spin", "spin_memory", "spin_calls", "spin_grow",
                                        "spin_fill"};
    bhd_limits limits = short_limits(TIMEOUT);
    guest g = guest_begin("basic/loop.wat", &limits);
    for (size_t i = 0; i < COUNT_OF(loops); i++) {
        bhd_error error = BHD_ERROR_INIT;
        double began = process_seconds();
        guest_ends(g.sandbox, BHD_TIMEOUT, &error, loops[i]);
        expect_in_time(began, TIMEOUT);
        assert_string_equal("out of time: still running after 0.1 seconds", error.message);
        assert_true(bhd_sandbox_is_dead(g.sandbox));
        guest_ends(g.sandbox, BHD_SANDBOX_DEAD, NULL, "count", INT64_C(1));
        bhd_error_fini(&error);
        guest_again(&g);
    }
    guest_end(&g);
}

static void endless_tail_calls_end_at_the_deadline(void **state)
{
    (void)state;
    bhd_limits limits = short_limits(TIMEOUT);
    guest g = guest_begin("basic/tail_call.wat", &limits);
    double began = process_seconds();
    guest_ends(g.sandbox, BHD_TIMEOUT, NULL, "endless");
    expect_in_time(began, TIMEOUT);
    guest_end(&g);
}

static void a_timeout_says_where_the_guest_was(void **state)
{
    (void)state;
    bhd_limits limits = short_limits(TIMEOUT);
    guest g = guest_begin("basic/loop.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_TIMEOUT, &error, "spin_memory");
    assert_true(error.frame_count >= 1);
    assert_string_equal("spin_memory", error.frames[0].function);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void a_looping_component_ends_at_the_deadline(void **state)
{
    (void)state;
    bhd_limits limits = short_limits(TIMEOUT);
    guest g = guest_begin("component/run_loop.wat", &limits);
    double began = process_seconds();
    guest_run_ends(g.sandbox, BHD_TIMEOUT, NULL);
    expect_in_time(began, TIMEOUT);
    assert_true(bhd_sandbox_is_dead(g.sandbox));
    guest_end(&g);
}

static void instantiation_ends_at_the_deadline(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "basic/start_loop.wat",
        "component/start_loop_component.wat",
        ("(module (import \"wasi_snapshot_preview1\" \"sched_yield\" (func (result i32)))"
         " (memory 1) (func $begin (loop $forever (br $forever))) (start $begin))"),
    };
    bhd_host *host = guest_host();
    bhd_limits limits = short_limits(TIMEOUT);
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = guest_component(host, sources[i], &limits);
        bhd_sandbox *sandbox = NULL;
        double began = process_seconds();
        expect_status(BHD_TIMEOUT, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
        expect_in_time(began, TIMEOUT);
        assert_null(sandbox);
        expect_stats(host, 0, 0);
        bhd_component_free(component);
        bhd_error_fini(&error);
    }
    bhd_host_free(host);
}

/* -- waiting in the host ------------------------------------------------------------------- */

/* How far a guest comes in a given time is up to the machine: it writes its line in two parts, and
 * the deadline may come before, between or after them. With more and more time it gets to sleep. */
static bool sleeps_until_the_deadline(const char *source, double timeout)
{
    guest_output output;
    bhd_error error = BHD_ERROR_INIT;
    bhd_limits limits = short_limits(timeout);
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output = guest_stream_to(&output);
    bhd_host *host = guest_host();
    bhd_component *component = guest_component(host, source, &limits);
    bhd_sandbox *sandbox = guest_sandbox_with(component, &options);
    double began = process_seconds();
    guest_run_ends(sandbox, BHD_TIMEOUT, &error);
    expect_in_time(began, timeout);
    char message[64];
    snprintf(message, sizeof message, "out of time: still running after %g seconds", timeout);
    assert_string_equal(message, error.message);
    assert_true(bhd_sandbox_is_dead(sandbox));
    guest_run_ends(sandbox, BHD_SANDBOX_DEAD, NULL);
    /* In no case does it wake. */
    bool asleep = strcmp(output.text, "asleep\n") == 0;
    assert_true(asleep || strncmp(output.text, "asleep\n", output.kept) == 0);
    bhd_error_fini(&error);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
    return asleep;
}

/* One deadline for all of it, also when no core instance takes long by itself: each of sixty counts
 * to 2^27, which no processor does sixty times within the timeout. */
static void instances_in_turn_have_one_deadline(void **state)
{
    (void)state;
    static char text[8192];
    size_t size = (size_t)snprintf(
        text, sizeof text,
        "(component (core module $m (func $s (local i32) (loop $l (br_if $l (i32.lt_u"
        " (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 0x8000000)))))"
        " (start $s))");
    for (int i = 0; i < 60; i++)
        size +=
            (size_t)snprintf(text + size, sizeof text - size, " (core instance (instantiate $m))");
    (void)snprintf(text + size, sizeof text - size, ")");
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 0.2;
    bhd_component *component = guest_component(host, text, &limits);
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    expect_status(BHD_TIMEOUT, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    assert_null(sandbox);
    expect_stats(host, 0, 0);
    bhd_error_fini(&error);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void a_sleeping_guest_ends_at_the_deadline(void **state)
{
    (void)state;
    static const char *const sources[] = {"wasi/sleep.core.wasm", "wasi/sleep.wasm"};
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        double timeout = 0.3;
        while (timeout < 30 && !sleeps_until_the_deadline(sources[i], timeout))
            timeout *= 3;
        assert_true(timeout < 30);
    }
}

static void a_guest_that_wakes_in_time_is_left_alone(void **state)
{
    (void)state;
    static const char *const sources[] = {"wasi/sleep.core.wasm", "wasi/sleep.wasm"};
    const char *const argv[] = {"sleep", "1"};
    bhd_limits limits = short_limits(20);
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        guest_output output;
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.argv = argv;
        options.argc = COUNT_OF(argv);
        options.standard_output = guest_stream_to(&output);
        guest g = guest_begin_with(NULL, sources[i], &limits, &options);
        double began = process_seconds();
        assert_int_equal(0, guest_run(g.sandbox));
        expect_in_time(began, 1.0);
        assert_string_equal("asleep\nawake\n", output.text);
        guest_end(&g);
    }
}

/* Twenty sleepers on twenty threads: each at its own deadline, none waits for another. */
static void sleep_and_end(crew_member *member)
{
    bhd_component *component = member->shared;
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    int exit_code;
    if (crew_check_ok(member, bhd_sandbox_new(component, NULL, &sandbox, &error), &error)) {
        double began = process_seconds();
        bhd_status status = bhd_sandbox_run(sandbox, &exit_code, &error);
        double took = process_seconds() - began;
        (void)(crew_check(member, status == BHD_TIMEOUT) && crew_check(member, took >= 0.3) &&
               crew_check(member, took <= 0.3 + LATE));
    }
    bhd_sandbox_free(sandbox);
    bhd_error_fini(&error);
}

static void many_sleepers_end_at_once(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = short_limits(0.3);
    bhd_component *component = guest_component(host, "wasi/sleep.wasm", &limits);
    double began = process_seconds();
    crew_run(20, sleep_and_end, component);
    assert_true(process_seconds() - began < 20 * 0.3);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* -- the deadline is a call's, not a sandbox's --------------------------------------------- */

static void every_call_has_the_whole_timeout(void **state)
{
    (void)state;
    bhd_limits limits = short_limits(0.5);
    guest g = guest_begin("basic/loop.wat", &limits);
    double began = process_seconds();
    /* Together they take longer than one of them may. */
    while (process_seconds() - began < 0.8)
        assert_true(guest_i64(g.sandbox, "count", INT64_C(1000000)) == 1000000);
    double last = process_seconds();
    guest_ends(g.sandbox, BHD_TIMEOUT, NULL, "spin");
    expect_in_time(last, 0.5);
    guest_end(&g);
}

static void a_deadline_also_works_after_a_long_pause(void **state)
{
    (void)state;
    bhd_limits limits = short_limits(TIMEOUT);
    guest g = guest_begin("basic/loop.wat", &limits);
    for (int i = 0; i < 3; i++) {
        /* The clock has gone to sleep meanwhile. */
        double pause = process_seconds();
        while (process_seconds() - pause < 0.5)
            continue;
        double began = process_seconds();
        guest_ends(g.sandbox, BHD_TIMEOUT, NULL, "spin");
        expect_in_time(began, TIMEOUT);
        guest_again(&g);
    }
    guest_end(&g);
}

static void short_and_long_deadlines_do_not_mix(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits brief = short_limits(TIMEOUT), patient = short_limits(30);
    bhd_component *a = guest_component(host, "basic/loop.wat", &brief);
    bhd_component *b = guest_component(host, "basic/loop.wat", &patient);
    bhd_sandbox *one = guest_sandbox(a), *other = guest_sandbox(b);
    double began = process_seconds();
    guest_ends(one, BHD_TIMEOUT, NULL, "spin");
    expect_in_time(began, TIMEOUT);
    /* Far longer than the other's deadline, and not ended. */
    began = process_seconds();
    while (process_seconds() - began < 3 * TIMEOUT)
        (void)guest_i64(other, "count", INT64_C(50000000));
    bhd_sandbox_free(one);
    bhd_sandbox_free(other);
    bhd_component_free(a);
    bhd_component_free(b);
    bhd_host_free(host);
}

/* -- fuel ---------------------------------------------------------------------------------- */

static void a_guest_without_fuel_ends(void **state)
{
    (void)state;
    static const struct {
        const char *source, *function;
    } guests[] = {
        {"basic/loop.wat", "spin"},         {"basic/loop.wat", "spin_memory"},
        {"basic/loop.wat", "spin_calls"},   {"basic/loop.wat", "spin_grow"},
        {"basic/tail_call.wat", "endless"}, {"component/run_loop.wat", NULL},
    };
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_fuel = 100000;
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        bhd_error error = BHD_ERROR_INIT;
        guest g = guest_begin(guests[i].source, &limits);
        if (guests[i].function)
            guest_ends(g.sandbox, BHD_OUT_OF_FUEL, &error, guests[i].function);
        else
            guest_run_ends(g.sandbox, BHD_OUT_OF_FUEL, &error);
        assert_string_equal("out of fuel: the call used its 100000 units", error.message);
        assert_true(bhd_sandbox_is_dead(g.sandbox));
        assert_true(bhd_sandbox_fuel_consumed(g.sandbox) >= 100000);
        bhd_error_fini(&error);
        guest_end(&g);
    }
}

static uint64_t fuel_of(const char *source, const bhd_limits *limits, int64_t rounds)
{
    guest g = guest_begin(source, limits);
    assert_true(guest_i64(g.sandbox, "count", rounds) == rounds);
    uint64_t fuel = bhd_sandbox_fuel_consumed(g.sandbox);
    guest_end(&g);
    return fuel;
}

static void fuel_is_the_same_on_every_run(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_fuel = 10000000;
    uint64_t once = fuel_of("basic/loop.wat", &limits, 1000);
    assert_true(once > 1000);
    for (int i = 0; i < 3; i++)
        assert_true(fuel_of("basic/loop.wat", &limits, 1000) == once);
    assert_true(fuel_of("basic/loop.wat", &limits, 2000) > once);
}

static void fuel_ends_a_guest_at_exactly_what_it_needs(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_fuel = 10000000;
    uint64_t needed = fuel_of("basic/loop.wat", &limits, 1000);
    limits.max_fuel = needed;
    assert_true(fuel_of("basic/loop.wat", &limits, 1000) == needed);
    limits.max_fuel = needed - 20;
    guest g = guest_begin("basic/loop.wat", &limits);
    guest_ends(g.sandbox, BHD_OUT_OF_FUEL, NULL, "count", INT64_C(1000));
    guest_end(&g);
}

static void every_call_has_all_of_its_fuel(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_fuel = 20000;
    guest g = guest_begin("basic/loop.wat", &limits);
    assert_true(guest_i64(g.sandbox, "count", INT64_C(1000)) == 1000);
    uint64_t once = bhd_sandbox_fuel_consumed(g.sandbox);
    for (uint64_t i = 2; i <= 20; i++) {
        assert_true(guest_i64(g.sandbox, "count", INT64_C(1000)) == 1000);
        assert_true(bhd_sandbox_fuel_consumed(g.sandbox) == i * once);
    }
    guest_end(&g);
}

/* A loop keeps its count in a register; it is counted when the guest calls or returns. */
static void fuel_is_reported_after_a_timeout_and_a_trap(void **state)
{
    (void)state;
    bhd_limits limits = short_limits(TIMEOUT);
    limits.max_fuel = INT64_MAX;
    guest g = guest_begin("basic/loop.wat", &limits);
    guest_ends(g.sandbox, BHD_TIMEOUT, NULL, "spin_calls");
    assert_true(bhd_sandbox_fuel_consumed(g.sandbox) > 1000);
    guest_end(&g);

    uint64_t first = 0;
    for (int i = 0; i < 3; i++) {
        guest t = guest_begin("basic/recurse.wat", &limits);
        guest_run_ends(t.sandbox, BHD_TRAP, NULL);
        uint64_t used = bhd_sandbox_fuel_consumed(t.sandbox);
        assert_true(used > 1000 && (i == 0 || used == first));
        first = used;
        guest_end(&t);
    }
}

static void fuel_covers_the_start_function(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_fuel = 100000;
    bhd_component *component = guest_component(host, "basic/start_loop.wat", &limits);
    bhd_sandbox *sandbox = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_OUT_OF_FUEL, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    assert_null(sandbox);
    bhd_error_fini(&error);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void fuel_is_not_counted_when_nobody_asks(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/loop.wat", &limits);
    assert_true(guest_i64(g.sandbox, "count", INT64_C(100000)) == 100000);
    assert_true(bhd_sandbox_fuel_consumed(g.sandbox) == 0);
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_loop_ends_at_the_deadline),
        cmocka_unit_test(endless_tail_calls_end_at_the_deadline),
        cmocka_unit_test(a_timeout_says_where_the_guest_was),
        cmocka_unit_test(a_looping_component_ends_at_the_deadline),
        cmocka_unit_test(instantiation_ends_at_the_deadline),
        cmocka_unit_test(instances_in_turn_have_one_deadline),
        cmocka_unit_test(a_sleeping_guest_ends_at_the_deadline),
        cmocka_unit_test(a_guest_that_wakes_in_time_is_left_alone),
        cmocka_unit_test(many_sleepers_end_at_once),
        cmocka_unit_test(every_call_has_the_whole_timeout),
        cmocka_unit_test(a_deadline_also_works_after_a_long_pause),
        cmocka_unit_test(short_and_long_deadlines_do_not_mix),
        cmocka_unit_test(a_guest_without_fuel_ends),
        cmocka_unit_test(fuel_is_the_same_on_every_run),
        cmocka_unit_test(fuel_ends_a_guest_at_exactly_what_it_needs),
        cmocka_unit_test(every_call_has_all_of_its_fuel),
        cmocka_unit_test(fuel_is_reported_after_a_timeout_and_a_trap),
        cmocka_unit_test(fuel_covers_the_start_function),
        cmocka_unit_test(fuel_is_not_counted_when_nobody_asks),
    };
    return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
