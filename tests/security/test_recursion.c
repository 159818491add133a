/*
 * Endless recursion ends in a trap, wherever the guest runs: on a large stack, on a small thread,
 * on a fiber; and the host's stack and the next guests are as they were.
 */
#include "support/crew.h"
#include "support/real_guest.h"

#include <pthread.h>

static const char *const endless[] = {"endless", "through_table", "ping", "big_frames"};

static void expect_exhausted(bhd_sandbox *sandbox, const char *name)
{
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(sandbox, BHD_TRAP, &error, name, INT64_C(1));
    expect_in(error.message, "call stack exhausted");
    assert_true(error.frame_count > 1 && error.frame_count <= 64);
    assert_true(bhd_sandbox_is_dead(sandbox));
    bhd_error_fini(&error);
}

static void endless_recursion_is_a_trap(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/recurse.wat", &limits);
    for (size_t i = 0; i < 5 * COUNT_OF(endless); i++) {
        expect_exhausted(g.sandbox, endless[i % COUNT_OF(endless)]);
        guest_again(&g);
        assert_true(guest_i64(g.sandbox, "depth", INT64_C(1000)) == 1000);
    }
    guest_end(&g);
}

static void the_stack_of_a_guest_is_what_the_host_says(void **state)
{
    (void)state;
    /* Some 16 bytes for each call at least: 100,000 calls do not fit into 64 KiB, and fit into 4
     * MiB if a call needs no more than 40 bytes. */
    static const uint64_t sizes[] = {KIB(64), KIB(512), MIB(4)};
    bhd_limits limits = guest_limits(MIB(1));
    int64_t deepest[COUNT_OF(sizes)];
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        bhd_host_options options = BHD_HOST_OPTIONS_INIT;
        options.max_stack_bytes = sizes[i];
        guest g = guest_begin_with(&options, "basic/recurse.wat", &limits, NULL);
        deepest[i] = 0;
        for (int64_t depth = 100; depth < 1000000; depth += depth / 4) {
            if (guest_call(g.sandbox, NULL, NULL, "depth", depth) != BHD_OK)
                break;
            deepest[i] = depth;
        }
        guest_again(&g);
        for (size_t k = 0; k < COUNT_OF(endless); k++) {
            expect_exhausted(g.sandbox, endless[k]);
            guest_again(&g);
        }
        guest_end(&g);
    }
    print_message("calls deep: %lld, %lld, %lld\n", (long long)deepest[0], (long long)deepest[1],
                  (long long)deepest[2]);
    assert_true(deepest[0] >= 100 && deepest[0] < 64 * 1024 / 16);
    assert_true(deepest[1] > 4 * deepest[0]);
    assert_true(deepest[2] > 4 * deepest[1]);
}

static void recursion_on_a_fiber_is_a_trap(void **state)
{
    (void)state;
    static const char source[] =
        "(module (import \"wasi_snapshot_preview1\" \"sched_yield\" (func $yield (result i32)))"
        " (memory (export \"memory\") 1)"
        " (func $endless (export \"endless\") (param i64) (result i64)"
        "  (i64.add (call $endless (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))"
        " (func $calls (export \"calls\") (param i64) (result i64)"
        "  (drop (call $yield))" /* host calls as deep as it goes */
        "  (i64.add (call $calls (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))"
        " (func (export \"fine\") (result i32) (call $yield)))";
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(source, &limits);
    for (int i = 0; i < 10; i++) {
        expect_exhausted(g.sandbox, i % 2 ? "endless" : "calls");
        guest_again(&g);
        assert_int_equal(0, guest_i32(g.sandbox, "fine"));
    }
    guest_end(&g);
}

static void recursion_in_a_start_function_is_a_trap(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "(module (memory 1) (func $f (result i32) (i32.add (call $f) (i32.const 1)))"
        " (func $s (drop (call $f))) (start $s))",
        "(component (core module $m (memory 1)"
        " (func $f (result i32) (i32.add (call $f) (i32.const 1)))"
        " (func $s (drop (call $f))) (start $s)) (core instance (instantiate $m)))",
    };
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = guest_component(host, sources[i], &limits);
        bhd_sandbox *sandbox = NULL;
        expect_status(BHD_TRAP, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
        expect_in(error.message, "call stack exhausted");
        expect_stats(host, 0, 0);
        bhd_component_free(component);
        bhd_error_fini(&error);
    }
    bhd_host_free(host);
}

/* -- threads with little stack --------------------------------------------------------------- */

static void recurse_on_thread(crew_member *member)
{
    bhd_component *component = member->shared;
    for (size_t i = 0; i < 2 * COUNT_OF(endless); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_sandbox *sandbox = NULL;
        bhd_value depth = {.type = BHD_I64, .of.i64 = 0};
        bool ok =
            crew_check_ok(member, bhd_sandbox_new(component, NULL, &sandbox, &error), &error) &&
            crew_check_ok(member, guest_call(sandbox, &error, &depth, "depth", INT64_C(1000)),
                          &error) &&
            crew_check(member, depth.of.i64 == 1000) &&
            crew_check(member, guest_call(sandbox, &error, NULL, endless[i % COUNT_OF(endless)],
                                          INT64_C(1)) == BHD_TRAP) &&
            crew_check(member, strstr(error.message, "call stack exhausted"));
        bhd_sandbox_free(sandbox);
        bhd_error_fini(&error);
        if (!ok)
            return;
    }
}

static void recursion_on_many_threads_is_a_trap(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/recurse.wat", &limits);
    crew_run(8, recurse_on_thread, component);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void *small_main(void *env)
{
    crew_member *member = env;
    recurse_on_thread(member);
    return NULL;
}

static void recursion_on_a_thread_with_less_stack_than_the_guest_is_a_trap(void **state)
{
    (void)state;
    /* The guest may have 512 KiB, and these threads have less; with sanitizers, frames are
     * large. */
    static const size_t sizes[] = {KIB(128), KIB(256), KIB(512), KIB(600)};
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/recurse.wat", &limits);
    for (size_t i = BHD_TESTS_SANITIZED ? 2 : 0; i < COUNT_OF(sizes); i++) {
        crew_member member = {.shared = component};
        pthread_attr_t attributes;
        assert_int_equal(0, pthread_attr_init(&attributes));
        assert_int_equal(0, pthread_attr_setstacksize(&attributes, sizes[i]));
        assert_int_equal(0, pthread_create(&member.thread, &attributes, small_main, &member));
        assert_int_equal(0, pthread_join(member.thread, NULL));
        pthread_attr_destroy(&attributes);
        assert_string_equal("", member.failure);
    }
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endless_recursion_is_a_trap),
        cmocka_unit_test(the_stack_of_a_guest_is_what_the_host_says),
        cmocka_unit_test(recursion_on_a_fiber_is_a_trap),
        cmocka_unit_test(recursion_in_a_start_function_is_a_trap),
        cmocka_unit_test(recursion_on_many_threads_is_a_trap),
        cmocka_unit_test(recursion_on_a_thread_with_less_stack_than_the_guest_is_a_trap),
    };
    return cmocka_run_group_tests_name("recursion", tests, NULL, NULL);
}
