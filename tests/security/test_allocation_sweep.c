/*
 * Every allocation of the library in a whole life (host, component, sandbox, calls) may fail: each
 * failure is reported as what it is, nothing is half done, and nothing is left behind. What is
 * given to components is in test_allocation_sweep_grants.c.
 */
#include "base/alloc.h"
#include "support/process_facts.h"
#include "support/sweep.h"

static bhd_status grow_a_little(bhd_sandbox *sandbox, bhd_error *error)
{
    bhd_value result = {.type = BHD_I32, .of.i32 = 0};
    bhd_status status = guest_call(sandbox, error, &result, "grow", 3);
    return status == BHD_OK && result.of.i32 != 1 ? BHD_INTERNAL : status;
}

static bhd_status grow_too_far(bhd_sandbox *sandbox, bhd_error *error)
{
    return guest_call(sandbox, error, NULL, "collect_rows", 100);
}

static bhd_status life_of_a_host(bhd_error *error)
{
    bhd_host *host = NULL;
    bhd_limits limits = guest_limits(MIB(1));
    const bhd_grants everything = {.size = sizeof everything, .everything = true};
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.grants = &everything;
    bhd_status status = bhd_host_new(&options, &host, error);
    if (status == BHD_OK) {
        guest_keep_signals();
        status = sweep_live(host, "basic/grow.wat", &limits, grow_a_little, error);
        if (status == BHD_OK) {
            limits.max_fuel = 1000000; /* another engine */
            status = sweep_live(host, "basic/grow.wat", &limits, grow_a_little, error);
        }
        bhd_host_stats stats;
        bhd_host_get_stats(host, &stats, sizeof stats);
        assert_true(stats.live_sandboxes == 0 && stats.slots_in_use == 0);
    }
    bhd_host_free(host);
    return status;
}

static bhd_status life_of_several_memories(bhd_error *error)
{
    bhd_limits limits = guest_limits(MIB(1));
    return sweep_live(sweep_host, "basic/three_memories.wat", &limits, sweep_run, error);
}

static bhd_status life_on_a_fiber(bhd_error *error)
{
    bhd_limits limits = guest_limits(MIB(1));
    return sweep_live(sweep_host, "wasi/print.core.wasm", &limits, sweep_run, error);
}

static bhd_status life_of_a_component(bhd_error *error)
{
    bhd_limits limits = guest_limits(MIB(1));
    return sweep_live(sweep_host, "component/two_memories.wat", &limits, sweep_run, error);
}

/* Gives back what it is given. */
static const char echo[] =
    "(component (core module $m (memory (export \"memory\") 1)"
    "  (global $top (mut i32) (i32.const 1024))"
    "  (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) global.get $top"
    "   (global.set $top (i32.add (global.get $top) (i32.add (local.get 3) (i32.const 8)))))"
    "  (func (export \"echo\") (param i32 i32) (result i32)"
    "   (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1))"
    "   (i32.const 16)))"
    " (core instance $m (instantiate $m))"
    " (type $shape-0 (variant (case \"label\" string) (case \"none\")))"
    " (export $shape \"shape\" (type $shape-0))"
    " (type $photo-0 (record (field \"name\" string) (field \"shape\" $shape)))"
    " (export $photo \"photo\" (type $photo-0))"
    " (func $photos (param \"x\" (list $photo)) (result (list $photo))"
    "  (canon lift (core func $m \"echo\") (memory (core memory $m \"memory\"))"
    "  (realloc (core func $m \"realloc\"))))"
    " (export \"echo-photos\" (func $photos))"
    " (func $bytes (param \"x\" (list u8)) (result (list u8))"
    "  (canon lift (core func $m \"echo\") (memory (core memory $m \"memory\"))"
    "  (realloc (core func $m \"realloc\"))))"
    " (export \"echo-bytes\" (func $bytes)))";

/* A tree with lists, strings, cases and a record goes into a guest and comes back. */
static bhd_status echo_values(bhd_sandbox *sandbox, bhd_error *error)
{
    bhd_value label = bhd_value_string("buoy");
    bhd_value one[] = {bhd_value_string("sea"), bhd_value_variant(0, &label)};
    bhd_value two[] = {bhd_value_string("sky"), bhd_value_variant(1, NULL)};
    bhd_value photos[] = {bhd_value_record(one, 2), bhd_value_record(two, 2)};
    static const uint8_t bytes[] = {1, 2, 3};
    const struct {
        const char *name;
        bhd_value in;
    } calls[] = {
        {"echo-photos", bhd_value_list(BHD_RECORD, photos, 2)},
        {"echo-bytes", bhd_value_bytes(bytes, sizeof bytes)},
    };
    bhd_status status = BHD_OK;
    for (size_t i = 0; status == BHD_OK && i < COUNT_OF(calls); i++) {
        bhd_function *function;
        bhd_value out, copy;
        status = bhd_sandbox_function(sandbox, calls[i].name, &function, error);
        if (status == BHD_OK)
            status = bhd_sandbox_call(sandbox, function, &calls[i].in, 1, &out, 1, error);
        if (status != BHD_OK)
            break;
        status = bhd_value_copy(&out, &copy, error);
        bhd_value_fini(&out);
        if (status == BHD_OK)
            bhd_value_fini(&copy);
    }
    return status;
}

static bhd_status life_with_values(bhd_error *error)
{
    bhd_limits limits = guest_limits(MIB(1));
    bhd_type *type = NULL;
    bhd_status status =
        bhd_type_parse("record { a: list<variant { one(u8), two }>, b: own<x> }", &type, error);
    bhd_type_free(type);
    return status == BHD_OK ? sweep_live(sweep_host, echo, &limits, echo_values, error) : status;
}

/* Handles go out, in, and out again, and end; nothing of them is left wherever memory ran out. */
static bhd_status hold_resources(bhd_sandbox *sandbox, bhd_error *error)
{
    bhd_function *many, *merge;
    bhd_value three = bhd_value_u32(3), list = bhd_value_bool(false), merged;
    bhd_call *call = NULL;
    bhd_status status = bhd_sandbox_function(sandbox, "many", &many, error);
    if (status == BHD_OK)
        status = bhd_sandbox_function(sandbox, "merge", &merge, error);
    if (status == BHD_OK)
        status = bhd_sandbox_call(sandbox, many, &three, 1, &list, 1, error);
    if (status == BHD_OK)
        status = bhd_sandbox_call(sandbox, merge, list.of.items.data, 2, &merged, 1, error);
    if (status == BHD_OK) {
        status = bhd_sandbox_drop(sandbox, &merged, error);
        bhd_value_fini(&merged);
    }
    if (status == BHD_OK)
        status = bhd_sandbox_submit_drop(sandbox, &list, NULL, &call, error);
    bhd_value_fini(&list);
    if (status == BHD_OK && bhd_call_wait(call, BHD_WAIT_FOREVER)) {
        const bhd_error *failure;
        status = bhd_call_result(call, NULL, NULL, &failure);
        memcpy(error->message, failure->message, sizeof error->message);
    }
    bhd_call_free(call);
    return status;
}

static bhd_status life_with_resources(bhd_error *error)
{
    bhd_limits limits = guest_limits(MIB(1));
    return sweep_live(sweep_host, "component/counters.wat", &limits, hold_resources, error);
}

static bhd_status life_that_runs_out_of_memory(bhd_error *error)
{
    bhd_limits limits = guest_limits(MIB(1));
    bhd_status status =
        sweep_live(sweep_host, "basic/deny_then_unreachable.wat", &limits, grow_too_far, error);
    return status == BHD_OUT_OF_MEMORY ? BHD_OK : status == BHD_OK ? BHD_INTERNAL : status;
}

static bhd_status life_of_a_text(bhd_error *error)
{
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    static const char text[] = "(module (import \"a\" \"b\" (func)) (memory (export \"m\") 1)"
                               " (table 3 funcref) (func (export \"f\") (param i32)))";
    bhd_status status = bhd_inspect(sweep_host, text, sizeof text - 1, &inspection, error);
    bhd_inspection_fini(&inspection);
    return status;
}

static bhd_status life_of_a_world(bhd_error *error)
{
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    static const char text[] = "(component (import \"a:b/c\" (instance (export \"f\" (func)))))";
    bhd_status status = bhd_inspect(sweep_host, text, sizeof text - 1, &inspection, error);
    assert_true(status != BHD_OK || inspection.wit != NULL);
    bhd_inspection_fini(&inspection);
    return status;
}

static void every_allocation_of_a_host_may_fail(void **state)
{
    (void)state;
    uint64_t before = bhd__alloc_live();
    uint64_t threads = process_threads();
    sweep_host = NULL;
    sweep("host", life_of_a_host);
    assert_true(bhd__alloc_live() == before);
    assert_true(process_threads() <= threads + 8); /* the engine's own pools, which stay */
}

static void every_allocation_of_a_life_may_fail(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        sweep_life a_life;
    } lives[] = {
        {"several memories", life_of_several_memories},
        {"fiber", life_on_a_fiber},
        {"component", life_of_a_component},
        {"values", life_with_values},
        {"resources", life_with_resources},
        {"out of memory", life_that_runs_out_of_memory},
        {"inspection", life_of_a_text},
        {"inspection of a component", life_of_a_world},
    };
    for (size_t i = 0; i < COUNT_OF(lives); i++)
        sweep_on_a_host(lives[i].name, lives[i].a_life);
}

/* When nothing can be allocated at all any more, too. */
static void a_host_without_any_memory_left_goes_on(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 1));
    bhd__alloc_fail_at(1, 1);
    bhd_sandbox *none = NULL;
    bhd_status status = bhd_sandbox_new(g.component, NULL, &none, &error);
    bhd_value result = {.type = BHD_I32, .of.i32 = 0};
    bhd_status call = guest_call(g.sandbox, NULL, &result, "grow", 2);
    bhd__alloc_fail_at(0, 0);
    expect_status(BHD_HOST_OUT_OF_MEMORY, status, &error);
    assert_null(none);
    /* A guest that lives needs nothing more of the host. */
    expect_ok(call, NULL);
    assert_int_equal(2, result.of.i32);
    expect_stats(g.host, 1, 1);
    guest_again(&g);
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 2));
    bhd_error_fini(&error);
    guest_end(&g);
}

/* An account that there is no memory for: the status and the message are there all the same. */
static void an_account_without_memory_keeps_its_status(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/deny_then_unreachable.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(-1, guest_i32(g.sandbox, "try", 100)); /* looked up before */
    assert_int_equal(1, guest_i32(g.sandbox, "collect_rows", 1));
    bhd__alloc_fail_at(1, 1);
    bhd_status status = guest_call(g.sandbox, &error, NULL, "collect_rows", 100);
    bhd__alloc_fail_at(0, 0);
    expect_status(BHD_OUT_OF_MEMORY, status, &error);
    assert_int_equal(BHD_OUT_OF_MEMORY, error.code);
    assert_true(error.message[0] != '\0');
    assert_null(error.out_of_memory);
    assert_int_equal(0, error.frame_count);
    bhd_error_fini(&error);
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_host_may_fail),
        cmocka_unit_test(every_allocation_of_a_life_may_fail),
        cmocka_unit_test(a_host_without_any_memory_left_goes_on),
        cmocka_unit_test(an_account_without_memory_keeps_its_status),
    };
    return cmocka_run_group_tests_name("allocation sweep", tests, NULL, NULL);
}
