/*
 * A reactor is begun by its _initialize, once, before anything else of it is called: on the
 * caller's stack and on a fiber, for calls and for submitted calls, under the limits of one call.
 */
#include "support/submitted.h"

#include <stdio.h>

static void constructors_have_run(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/reactor.wat", &limits);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(49, guest_i32(g.sandbox, "square", 7));
        assert_int_equal(81, guest_i32(g.sandbox, "square", 9));
        guest_again(&g);
    }
    guest_end(&g);
}

static void they_run_on_a_fiber_too(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    const char *const arguments[] = {"reactor", "one", "two"};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = arguments;
    options.argc = COUNT_OF(arguments);
    guest g = guest_begin_with(NULL, "wasi/reactor.wat", &limits, &options);
    assert_int_equal(3, guest_i32(g.sandbox, "argument_count"));
    guest_end(&g);
}

static void submitted_calls_find_them_done(void **state)
{
    (void)state;
    static const char counts[] =
        "(module (global $n (mut i64) (i64.const 0))"
        " (func (export \"_initialize\") (global.set $n (i64.const 41)))"
        " (func (export \"next\") (result i64)"
        "  (global.set $n (i64.add (global.get $n) (i64.const 1))) (global.get $n)))";
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(counts, &limits);
    for (int64_t wanted = 42; wanted < 45; wanted++) {
        const bhd_value *results;
        size_t count;
        bhd_call *call = submitted(g.sandbox, "next", NULL, NULL);
        expect_outcome(call, BHD_OK);
        expect_ok(bhd_call_result(call, &results, &count, NULL), NULL);
        assert_true(results[0].of.i64 == wanted);
        bhd_call_free(call);
    }
    guest_end(&g);
}

static void nobody_calls_it_again(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/reactor.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *function = NULL;
    expect_status(BHD_NOT_SUPPORTED,
                  bhd_sandbox_function(g.sandbox, "_initialize", &function, &error), &error);
    expect_in(error.message, "may be called once");
    assert_null(function);
    assert_int_equal(49, guest_i32(g.sandbox, "square", 7));
    bhd_error_fini(&error);
    guest_end(&g);
}

/* The start function is the engine's affair and comes first. */
static void it_comes_after_the_start_function(void **state)
{
    (void)state;
    static const char both[] =
        "(module (global $n (mut i32) (i32.const 1))"
        " (func $start (global.set $n (i32.add (global.get $n) (i32.const 2)))) (start $start)"
        " (func (export \"_initialize\")"
        "  (global.set $n (i32.mul (global.get $n) (i32.const 10))))"
        " (func (export \"n\") (result i32) (global.get $n)))";
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(both, &limits);
    assert_int_equal(30, guest_i32(g.sandbox, "n"));
    guest_end(&g);
}

static void a_reactor_without_it_is_called_as_it_is(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/add.wat", &limits);
    assert_int_equal(42, guest_i32(g.sandbox, "add", 40, 2));
    guest_end(&g);
}

static void it_is_not_a_command(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/reactor.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    int exit_code = 7;
    expect_status(BHD_EXPORT_NOT_FOUND, bhd_sandbox_run(g.sandbox, &exit_code, &error), &error);
    expect_in(error.message, "is a reactor");
    expect_in(error.message, "square(i32) -> i32");
    assert_null(strstr(error.message, "_initialize()"));
    assert_int_equal(7, exit_code);
    /* Nothing ran, so it lives on. */
    assert_int_equal(49, guest_i32(g.sandbox, "square", 7));
    bhd_error_fini(&error);
    guest_end(&g);
}

static void what_is_not_a_reactor_is_refused(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    guest_refused(host, "basic/reactor_and_command.wat", &limits, BHD_COMPONENT_INVALID,
                  "exports _start and _initialize");
    guest_refused(host, "basic/reactor_with_parameter.wat", &limits, BHD_COMPONENT_INVALID,
                  "_initialize as func(i32) -> i64");
    guest_refused(host, "(module (func (export \"_initialize\") (result i32) (i32.const 0)))",
                  &limits, BHD_COMPONENT_INVALID, "_initialize as func() -> i32");
    guest_refused(host, "(module (memory (export \"_initialize\") 1))", &limits,
                  BHD_COMPONENT_INVALID, "_initialize as memory 1..");
    guest_refused(host, "(module (memory (export \"_initialize\") 1) (func (export \"_start\")))",
                  &limits, BHD_COMPONENT_INVALID, "exports _start and _initialize");
    bhd_host_free(host);
}

/* An adapter calls _initialize of the module that it wraps; a function of that name that a
 * component exports is one like any other. */
static void in_a_component_it_is_a_name(void **state)
{
    (void)state;
    static const char named[] =
        "(component (core module $m (global $n (mut i32) (i32.const 5))"
        "  (func (export \"_initialize\") (global.set $n (i32.const 6)))"
        "  (func (export \"n\") (result i32) (global.get $n)))"
        " (core instance $i (instantiate $m))"
        " (func (export \"n\") (result s32) (canon lift (core func $i \"n\"))))";
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(named, &limits);
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *n = NULL;
    bhd_value result;
    expect_ok(bhd_sandbox_function(g.sandbox, "n", &n, &error), &error);
    expect_ok(bhd_sandbox_call(g.sandbox, n, NULL, 0, &result, 1, &error), &error);
    assert_int_equal(5, result.of.s32);
    guest_end(&g);
}

/* -- its end ------------------------------------------------------------------------------- */

typedef struct ending {
    const char *name;
    const char *end; /* of _initialize, after two pages and a refusal */
    bhd_on_exceed on_exceed;
    double timeout;
    uint64_t fuel;
    bhd_status wanted;
    const char *part; /* of the message */
} ending;

static const ending endings[] = {
    {"a trap after a refusal", "unreachable", BHD_ON_EXCEED_DENY, 30, 0, BHD_OUT_OF_MEMORY, ""},
    {"a refusal", "", BHD_ON_EXCEED_TRAP, 30, 0, BHD_OUT_OF_MEMORY, "out of memory"},
    {"the deadline", "(loop $l (br $l))", BHD_ON_EXCEED_DENY, 0.1, 0, BHD_TIMEOUT, "out of time"},
    {"no fuel", "(loop $l (br $l))", BHD_ON_EXCEED_DENY, 30, 5000, BHD_OUT_OF_FUEL, "5000 units"},
    {"an exit", "(call $exit (i32.const 3))", BHD_ON_EXCEED_DENY, 30, 0, BHD_EXIT, "exit code 3"},
};

static void what_ends_it_ends_the_sandbox(void **state)
{
    const ending *it = *state;
    bhd_host *host = guest_host();
    /* Without WASI on the caller's stack, with it on a fiber; an exit takes WASI. */
    for (int on_fiber = it->wanted == BHD_EXIT; on_fiber < 2; on_fiber++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "(module %s (memory (export \"memory\") 1)"
                 " (func $begin (export \"_initialize\") (drop (memory.grow (i32.const 1)))"
                 "  (drop (memory.grow (i32.const 60))) %s))",
                 on_fiber ? "(import \"wasi_snapshot_preview1\" \"proc_exit\""
                            " (func $exit (param i32)))"
                          : "",
                 it->end);
        bhd_limits limits = guest_limits(MIB(1));
        limits.on_exceed = it->on_exceed;
        limits.timeout_seconds = it->timeout;
        limits.max_fuel = it->fuel;
        bhd_component *component = guest_component(host, text, &limits);
        bhd_sandbox *sandbox = NULL;
        bhd_error error = BHD_ERROR_INIT;
        bhd_start_account account = {0};
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.account = &account;
        expect_status(it->wanted, bhd_sandbox_new(component, &options, &sandbox, &error), &error);
        expect_in(error.message, it->part);
        assert_null(sandbox);
        assert_true(account.is_known);
        assert_int_equal(PAGES(2), account.metrics.current_bytes);
        assert_int_equal(1, account.metrics.denied_count);
        assert_int_equal(it->fuel, account.fuel_consumed);
        expect_stats(host, 0, 0);
        bhd_error_fini(&error);
        bhd_component_free(component);
    }
    bhd_host_free(host);
}

/* The fuel of a call, and its deadline, are for the start function and _initialize together. */
static void the_limits_of_one_call_are_for_both(void **state)
{
    (void)state;
    static const char halves[] =
        "(module (func $spin (param $n i32)"
        "  (loop $l (local.set $n (i32.sub (local.get $n) (i32.const 1)))"
        "   (br_if $l (local.get $n))))"
        " (func $start (call $spin (i32.const 300))) (start $start)"
        " (func (export \"_initialize\") (call $spin (i32.const 300))))";
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_fuel = 10000;
    bhd_component *component = guest_component(host, halves, &limits);
    bhd_sandbox *sandbox = guest_sandbox(component);
    uint64_t both = bhd_sandbox_fuel_consumed(sandbox);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    assert_true(both > 600);
    /* More than either half takes, less than both. */
    limits.max_fuel = both - 100;
    component = guest_component(host, halves, &limits);
    bhd_error error = BHD_ERROR_INIT;
    sandbox = NULL;
    expect_status(BHD_OUT_OF_FUEL, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    bhd_error_fini(&error);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void a_trap_shows_where(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/reactor_trap.wat", &limits);
    bhd_sandbox *sandbox = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_TRAP, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    assert_int_equal(2, error.frame_count);
    assert_string_equal("construct", error.frames[0].function);
    assert_string_equal("_initialize", error.frames[1].function);
    bhd_error_fini(&error);
    bhd_component_free(component);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest plain[] = {
        cmocka_unit_test(constructors_have_run),
        cmocka_unit_test(they_run_on_a_fiber_too),
        cmocka_unit_test(submitted_calls_find_them_done),
        cmocka_unit_test(nobody_calls_it_again),
        cmocka_unit_test(it_comes_after_the_start_function),
        cmocka_unit_test(a_reactor_without_it_is_called_as_it_is),
        cmocka_unit_test(it_is_not_a_command),
        cmocka_unit_test(what_is_not_a_reactor_is_refused),
        cmocka_unit_test(in_a_component_it_is_a_name),
        cmocka_unit_test(the_limits_of_one_call_are_for_both),
        cmocka_unit_test(a_trap_shows_where),
    };
    struct CMUnitTest tests[COUNT_OF(plain) + COUNT_OF(endings)];
    memcpy(tests, plain, sizeof plain);
    for (size_t i = 0; i < COUNT_OF(endings); i++)
        tests[COUNT_OF(plain) + i] =
            (struct CMUnitTest){endings[i].name, what_ends_it_ends_the_sandbox, NULL, NULL,
                                (void *)(uintptr_t)&endings[i]};
    return _cmocka_run_group_tests("reactors", tests, COUNT_OF(tests), NULL, NULL);
}
