/*
 * A start function is a call: another thread ends it, what it used is known, and nothing of its
 * sandbox remains. As a module, a reactor, a component, on the caller's stack, on a fiber, asleep.
 */
#include "support/process_facts.h"
#include "support/real_guest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define WAITS "(import \"wasi_snapshot_preview1\" \"sched_yield\" (func (result i32)))"
#define BEGUN "(memory (export \"memory\") 2) (func $begin (loop $l (br $l)))"

static const char *const shapes[] = {
    "(module " BEGUN " (start $begin))",
    "(module " WAITS BEGUN " (start $begin))",
    "(module " BEGUN " (export \"_initialize\" (func $begin)))",
    "(component (core module $m " BEGUN " (start $begin)) (core instance (instantiate $m)))",
    /* Asleep for an hour. */
    "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\" (func $poll"
    "  (param i32 i32 i32 i32) (result i32)))"
    " (memory (export \"memory\") 2)"
    " (func $begin (i32.store (i32.const 16) (i32.const 1))"
    "  (i64.store (i32.const 24) (i64.const 3600000000000))"
    "  (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))"
    " (start $begin))",
};

static const char quiet[] =
    "(module (memory (export \"memory\") 1) (func $begin) (start $begin)"
    " (func (export \"spin\") (loop $l (br $l))) (func (export \"f\") (result i32) (i32.const 7)))";

static bhd_component *patient(bhd_host *host, const char *source)
{
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 100;
    return guest_component(host, source, &limits);
}

static bhd_cancellation *cancellation(void)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_cancellation *made = NULL;
    expect_ok(bhd_cancellation_new(&made, &error), &error);
    return made;
}

/* One bhd_sandbox_new on a thread of its own. */
typedef struct starter {
    pthread_t thread;
    bhd_component *component;
    bhd_cancellation *cancellation;
    bhd_status status;
    bhd_start_account account;
    char message[BHD_MESSAGE_SIZE];
} starter;

static void *start(void *env)
{
    starter *s = env;
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.cancellation = s->cancellation;
    options.account = &s->account;
    s->status = bhd_sandbox_new(s->component, &options, &sandbox, &error);
    memcpy(s->message, error.message, sizeof s->message);
    bhd_sandbox_free(sandbox);
    bhd_error_fini(&error);
    return NULL;
}

static void begin(starter *s)
{
    assert_int_equal(0, pthread_create(&s->thread, NULL, start, s));
}

/* Its memory is there, and so charged: it has begun. */
static void wait_for_memory(const bhd_host *host)
{
    bhd_host_stats stats;
    do {
        usleep(1000);
        bhd_host_get_stats(host, &stats, sizeof stats);
    } while (stats.slots_in_use == 0);
}

static void was_cancelled(starter *s)
{
    assert_int_equal(0, pthread_join(s->thread, NULL));
    assert_string_equal(bhd_status_name(BHD_CANCELLED), bhd_status_name(s->status));
    expect_in(s->message, "cancelled: the call was ended from outside");
    assert_true(s->account.is_known);
}

static void a_start_function_is_cancelled_from_another_thread(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        starter s = {.component = patient(host, shapes[i]), .cancellation = cancellation()};
        double from = process_seconds();
        begin(&s);
        wait_for_memory(host);
        usleep(10000); /* as a rule it runs by then */
        bhd_cancellation_cancel(s.cancellation);
        was_cancelled(&s);
        assert_true(process_seconds() - from < 50);
        assert_int_equal(PAGES(2), s.account.metrics.current_bytes);
        bhd_cancellation_free(s.cancellation);
        bhd_component_free(s.component);
        expect_stats(host, 0, 0);
    }
    bhd_host_free(host);
}

/* Whenever it comes: before, in between, or when nothing is left to end. */
static void no_moment_is_missed(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_component *components[COUNT_OF(shapes)];
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        components[i] = patient(host, shapes[i]);
    for (unsigned round = 0; round < 100; round++) {
        starter s = {.component = components[round % COUNT_OF(shapes)],
                     .cancellation = cancellation()};
        begin(&s);
        for (volatile unsigned pause = 0; pause < round * 1000; pause++)
            continue;
        bhd_cancellation_cancel(s.cancellation);
        was_cancelled(&s);
        bhd_cancellation_free(s.cancellation);
    }
    for (size_t i = 0; i < COUNT_OF(shapes); i++)
        bhd_component_free(components[i]);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void what_was_cancelled_before_does_not_run(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    starter s = {.component = patient(host, shapes[0]), .cancellation = cancellation()};
    bhd_cancellation_cancel(s.cancellation);
    for (int again = 0; again < 3; again++) {
        begin(&s);
        was_cancelled(&s);
        assert_string_equal("cancelled: the call was ended from outside, before its guest ran",
                            s.message);
        assert_int_equal(0, s.account.metrics.peak_bytes);
    }
    expect_stats(host, 0, 0);
    bhd_cancellation_free(s.cancellation);
    bhd_component_free(s.component);
    bhd_host_free(host);
}

enum { CROWD = 16 };

static void one_cancellation_ends_many_and_no_others(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_component *component = patient(host, shapes[1]), *calm = patient(host, quiet);
    bhd_cancellation *one = cancellation(), *other = cancellation();
    starter crowd[CROWD], apart = {.component = component, .cancellation = other};
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = (starter){.component = component, .cancellation = one};
        begin(&crowd[i]);
    }
    begin(&apart);
    /* Some come and go while others are in the list. */
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.cancellation = one;
    for (int i = 0; i < 50; i++)
        bhd_sandbox_free(guest_sandbox_with(calm, &options));
    bhd_cancellation_cancel(one);
    for (int i = 0; i < CROWD; i++)
        was_cancelled(&crowd[i]);
    /* The other one is still at it, or has yet to begin. */
    wait_for_memory(host);
    bhd_cancellation_cancel(other);
    was_cancelled(&apart);
    bhd_cancellation_free(one);
    bhd_cancellation_free(other);
    bhd_component_free(component);
    bhd_component_free(calm);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void sandboxes_that_exist_are_left_alone(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_component *component = patient(host, quiet);
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.cancellation = cancellation();
    bhd_sandbox *sandbox = guest_sandbox_with(component, &options);
    bhd_cancellation_cancel(options.cancellation);
    bhd_cancellation_cancel(options.cancellation);
    assert_int_equal(7, guest_i32(sandbox, "f"));
    bhd_cancellation_free(options.cancellation);
    assert_int_equal(7, guest_i32(sandbox, "f"));
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void nothing_is_no_cancellation(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_INVALID_ARGUMENT, bhd_cancellation_new(NULL, &error), &error);
    assert_string_equal("bhd_cancellation_new: cancellation is NULL", error.message);
    bhd_cancellation_cancel(NULL);
    bhd_cancellation_free(NULL);
    bhd_error_fini(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_function_is_cancelled_from_another_thread),
        cmocka_unit_test(no_moment_is_missed),
        cmocka_unit_test(what_was_cancelled_before_does_not_run),
        cmocka_unit_test(one_cancellation_ends_many_and_no_others),
        cmocka_unit_test(sandboxes_that_exist_are_left_alone),
        cmocka_unit_test(nothing_is_no_cancellation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
