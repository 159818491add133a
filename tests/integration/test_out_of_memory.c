/*
 * What a host learns when a guest runs out of memory: which refusal, how much, who, where, and what
 * to do about it; and that nothing else is called out of memory.
 */
#include "support/real_guest.h"

#include <stdio.h>

static void expect_frames(const bhd_error *error, const char *const *functions, size_t count)
{
    assert_true(error->frame_count >= count);
    for (size_t i = 0; i < count; i++) {
        assert_non_null(error->frames[i].function);
        assert_string_equal(functions[i], error->frames[i].function);
    }
}

/* -- deny and trap ------------------------------------------------------------------------- */

static void a_trap_after_a_refusal_is_an_out_of_memory_with_the_trap_as_cause(void **state)
{
    (void)state;
    static const char *const functions[] = {"reserve", "load_table", "collect_rows"};
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/deny_then_unreachable.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error, "collect_rows", 1024);
    assert_string_equal(
        "out of memory: component guest 1.2.3 (sandbox 1) asked for 67,108,864 more "
        "bytes of linear memory",
        error.message);
    expect_frames(&error, functions, COUNT_OF(functions));
    const bhd_out_of_memory *account = error.out_of_memory;
    assert_non_null(account);
    assert_string_equal("guest", account->component);
    assert_string_equal("1.2.3", account->version);
    assert_true(account->sandbox == 1);
    assert_int_equal(BHD_MEMORY_LINEAR, account->kind);
    assert_true(account->requested == PAGES(1024));
    assert_true(account->in_use == PAGE);
    assert_true(account->limit == MIB(1));
    guest_expect_metrics(&account->metrics, PAGE, PAGE, 1, 1, __FILE__, __LINE__);
    assert_true(account->metrics.timestamp_ns > UINT64_C(1700000000) * 1000000000);
    expect_in(account->cause, "wasm `unreachable` instruction executed");
    assert_string_equal("set max_bytes to at least 67174400, or make it need less; "
                        "on_exceed = \"trap\" shows which function asked",
                        account->hint);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void on_exceed_trap_ends_the_guest_at_the_growth_itself(void **state)
{
    (void)state;
    static const char *const functions[] = {"reserve", "load_table", "collect_rows"};
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    guest g = guest_begin("basic/deny_then_unreachable.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error, "collect_rows", 20);
    expect_frames(&error, functions, COUNT_OF(functions));
    assert_non_null(error.out_of_memory);
    assert_string_equal("", error.out_of_memory->cause); /* no trap came after it */
    assert_true(error.out_of_memory->requested == PAGES(20));
    assert_string_equal("set max_bytes to at least 1376256, or make it need less",
                        error.out_of_memory->hint);
    bhd_error_fini(&error);
    /* A guest that would cope with -1 does not get it. */
    guest_again(&g);
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, NULL, "try", 16);
    guest_again(&g);
    assert_int_equal(1, guest_i32(g.sandbox, "try", 15));
    guest_end(&g);
}

static void the_hint_knows_what_this_host_allows(void **state)
{
    (void)state;
    const bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    guest g = guest_begin_with(&options, "basic/deny_then_unreachable.wat", &limits, NULL);
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error, "try", 64);
    assert_string_equal("it wants 4259840 bytes in all, more than this host allows (4194304): make "
                        "it need less, or ask whoever runs the host for a higher ceiling",
                        error.out_of_memory->hint);
    guest_again(&g);
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error, "try", 63);
    assert_string_equal("set max_bytes to at least 4194304, or make it need less",
                        error.out_of_memory->hint);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void on_exceed_deny_lets_the_guest_cope(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/deny_then_unreachable.wat", &limits);
    for (int i = 0; i < 10; i++)
        assert_int_equal(-1, guest_i32(g.sandbox, "try", 16));
    assert_false(bhd_sandbox_is_dead(g.sandbox));
    assert_int_equal(1, guest_i32(g.sandbox, "collect_rows", 15));
    guest_end(&g);
}

static void on_exceed_works_in_components(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("component/two_memories.wat", &limits);
    assert_int_equal(0, guest_run(g.sandbox));
    guest_end(&g);
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    g = guest_begin("component/two_memories.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    guest_run_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error);
    assert_non_null(error.out_of_memory);
    assert_true(error.out_of_memory->requested == PAGE);
    assert_true(error.out_of_memory->in_use == MIB(1));
    static const char *const functions[] = {"grow_store", "run"};
    expect_frames(&error, functions, COUNT_OF(functions));
    bhd_error_fini(&error);
    guest_end(&g);
}

static void on_exceed_works_for_tables(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    for (int trap = 0; trap < 2; trap++) {
        limits.on_exceed = trap ? BHD_ON_EXCEED_TRAP : BHD_ON_EXCEED_DENY;
        guest g = guest_begin("basic/table_grow.wat", &limits);
        bhd_error error = BHD_ERROR_INIT;
        guest_run_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error);
        const bhd_out_of_memory *account = error.out_of_memory;
        assert_non_null(account);
        assert_int_equal(BHD_MEMORY_TABLE, account->kind);
        assert_true(account->requested == 50000000);
        assert_true(account->in_use == 14);
        assert_true(account->limit == BHD_DEFAULT_TABLE_ELEMENTS);
        assert_int_equal(trap, account->cause[0] == '\0');
        assert_string_equal("start", error.frames[0].function);
        expect_in(error.message, "asked for 50,000,000 more table elements");
        bhd_error_fini(&error);
        guest_end(&g);
    }
}

static void malloc_that_nobody_checked_is_an_out_of_memory(void **state)
{
    (void)state;
    static const char *const sources[] = {"wasi/churn.core.wasm", "wasi/churn.wasm"};
    const char *const argv[] = {"churn", "2048", "1"};
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.argv = argv;
        options.argc = COUNT_OF(argv);
        guest g = guest_begin_with(NULL, sources[i], &limits, &options);
        guest_run_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error);
        assert_non_null(error.out_of_memory);
        assert_true(error.out_of_memory->requested >= MIB(2));
        /* The functions of the C program are named, malloc and main among them. */
        bool malloc_found = false, main_found = false;
        for (size_t f = 0; f < error.frame_count; f++) {
            const char *name = error.frames[f].function ? error.frames[f].function : "";
            malloc_found = malloc_found || strstr(name, "malloc");
            main_found = main_found || strstr(name, "main");
        }
        assert_true(malloc_found && main_found);
        bhd_error_fini(&error);
        guest_end(&g);
    }
}

/* -- what is not an out-of-memory ---------------------------------------------------------- */

static void a_refusal_in_an_earlier_call_is_not_the_cause_of_a_trap(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/deny_then_unreachable.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(-1, guest_i32(g.sandbox, "try", 100));
    guest_ends(g.sandbox, BHD_TRAP, &error, "unrelated");
    assert_null(error.out_of_memory);
    assert_string_equal("unrelated", error.frames[0].function);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void a_refusal_in_the_start_function_is_not_the_cause_of_a_later_trap(void **state)
{
    (void)state;
    static const char source[] =
        "(module (memory 1) (func $s (drop (memory.grow (i32.const 100)))) (start $s)"
        " (func (export \"bad\") (unreachable)))";
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(source, &limits);
    expect_metrics(g.sandbox, PAGE, PAGE, 1, 1);
    guest_ends(g.sandbox, BHD_TRAP, NULL, "bad");
    guest_end(&g);
}

static void a_plain_trap_has_no_account(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/trap.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_TRAP, &error, "outer");
    static const char *const functions[] = {"inner", "middle", "outer"};
    expect_frames(&error, functions, COUNT_OF(functions));
    assert_string_equal("trap", error.frames[0].module);
    assert_null(error.out_of_memory);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void exit_after_a_refusal_is_an_exit(void **state)
{
    (void)state;
    static const char source[] =
        "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
        " (memory 1) (func (export \"_start\") (drop (memory.grow (i32.const 100)))"
        "  (call $exit (i32.const 3))))";
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(source, &limits);
    assert_int_equal(3, guest_run(g.sandbox));
    expect_metrics(g.sandbox, PAGE, PAGE, 1, 1);
    guest_end(&g);
}

static void a_timeout_after_a_refusal_is_a_timeout(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 0.1;
    guest g = guest_begin("basic/loop.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_TIMEOUT, &error, "spin_grow");
    assert_null(error.out_of_memory);
    assert_true(guest_metrics(g.sandbox).denied_count > 0);
    bhd_error_fini(&error);
    guest_end(&g);
}

/* -- start functions ------------------------------------------------------------------------ */

static void the_limit_is_in_force_in_the_start_function(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/start_grow.wat", &limits);
    assert_int_equal(15, guest_i32(g.sandbox, "growths"));
    assert_int_equal(16, guest_i32(g.sandbox, "pages"));
    expect_metrics(g.sandbox, MIB(1), MIB(1), 16, 1);
    guest_end(&g);
}

static void a_start_function_that_exceeds_ends_with_an_account(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    bhd_component *component = guest_component(host, "basic/start_grow.wat", &limits);
    bhd_sandbox *sandbox = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_OUT_OF_MEMORY, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    assert_null(sandbox);
    assert_non_null(error.out_of_memory);
    assert_true(error.out_of_memory->in_use == MIB(1));
    assert_true(error.out_of_memory->requested == PAGE);
    assert_int_equal(BHD_MEMORY_LINEAR, error.out_of_memory->kind);
    assert_string_equal("begin", error.frames[0].function);
    bhd_error_fini(&error);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void a_start_function_that_traps_leaves_nothing(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/start_trap.wat", &limits);
    for (int i = 0; i < 100; i++) {
        bhd_sandbox *sandbox = NULL;
        bhd_error error = BHD_ERROR_INIT;
        expect_status(BHD_TRAP, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
        assert_null(sandbox);
        assert_string_equal("begin", error.frames[0].function);
        expect_stats(host, 0, 0);
        bhd_error_fini(&error);
    }
    bhd_component_free(component);
    bhd_host_free(host);
}

/* A memory of 0 pages that grows in the start function is a growth, not an initial size. */
static void an_empty_memory_that_grows_too_far_is_refused_like_any_other(void **state)
{
    (void)state;
    static const char source[] =
        "(module (memory 0) (global $r (mut i32) (i32.const 7))"
        " (func $s (global.set $r (memory.grow (i32.const 17)))) (start $s)"
        " (func (export \"result\") (result i32) (global.get $r)))";
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(source, &limits);
    assert_int_equal(-1, guest_i32(g.sandbox, "result"));
    expect_metrics(g.sandbox, 0, 0, 0, 1);
    guest_end(&g);
}

/* -- the account as text ------------------------------------------------------------------- */

static void the_account_as_text_names_everything(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/deny_then_unreachable.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error, "collect_rows", 20);
    char text[4096];
    size_t length = bhd_error_to_text(&error, NULL, text, sizeof text);
    assert_true(length == strlen(text));
    static const char *const parts[] = {
        "out of memory", "guest",        "1.2.3",         "1,310,720",
        "65,536",        "1,048,576",    "linear memory", "reserve",
        "load_table",    "collect_rows", "unreachable",   "max_bytes to at least 1376256",
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        expect_in(text, parts[i]);
    bhd_error_fini(&error);
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trap_after_a_refusal_is_an_out_of_memory_with_the_trap_as_cause),
        cmocka_unit_test(on_exceed_trap_ends_the_guest_at_the_growth_itself),
        cmocka_unit_test(the_hint_knows_what_this_host_allows),
        cmocka_unit_test(on_exceed_deny_lets_the_guest_cope),
        cmocka_unit_test(on_exceed_works_in_components),
        cmocka_unit_test(on_exceed_works_for_tables),
        cmocka_unit_test(malloc_that_nobody_checked_is_an_out_of_memory),
        cmocka_unit_test(a_refusal_in_an_earlier_call_is_not_the_cause_of_a_trap),
        cmocka_unit_test(a_refusal_in_the_start_function_is_not_the_cause_of_a_later_trap),
        cmocka_unit_test(a_plain_trap_has_no_account),
        cmocka_unit_test(exit_after_a_refusal_is_an_exit),
        cmocka_unit_test(a_timeout_after_a_refusal_is_a_timeout),
        cmocka_unit_test(the_limit_is_in_force_in_the_start_function),
        cmocka_unit_test(a_start_function_that_exceeds_ends_with_an_account),
        cmocka_unit_test(a_start_function_that_traps_leaves_nothing),
        cmocka_unit_test(an_empty_memory_that_grows_too_far_is_refused_like_any_other),
        cmocka_unit_test(the_account_as_text_names_everything),
    };
    return cmocka_run_group_tests_name("out of memory", tests, NULL, NULL);
}
