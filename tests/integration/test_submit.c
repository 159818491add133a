/*
 * Submitted calls: they give what a call gives, on worker threads, by turns; their owner waits,
 * polls, is called back, cancels and frees, in every order.
 */
#include "support/process_facts.h"
#include "support/submitted.h"

#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

static bhd_host *host_with(uint32_t threads)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.policy.min_memory_bytes = BHD_POLICY_MIN_BYTES;
    options.worker_threads = threads;
    return guest_host_with(&options);
}

static guest begin_on(uint32_t threads, const char *source, double timeout_seconds)
{
    guest g;
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = timeout_seconds;
    g.host = host_with(threads);
    g.component = guest_component(g.host, source, &limits);
    g.sandbox = guest_sandbox(g.component);
    return g;
}

/* -- results ------------------------------------------------------------------------------- */

static void a_call_gives_its_results(void **state)
{
    (void)state;
    guest g = begin_on(2, "basic/loop.wat", 100);
    for (int64_t n = 1; n < 50; n++) {
        const bhd_value *results;
        size_t count;
        const bhd_error *error;
        bhd_call *call = submitted(g.sandbox, "count", &n, NULL);
        expect_outcome(call, BHD_OK);
        expect_ok(bhd_call_result(call, &results, &count, &error), error);
        assert_int_equal(1, count);
        assert_int_equal(BHD_I64, results[0].type);
        assert_true(results[0].of.i64 == n);
        assert_int_equal(BHD_OK, error->code);
        bhd_call_free(call);
        assert_true(guest_i64(g.sandbox, "count", n) == n);
    }
    guest_end(&g);
}

static void every_type_goes_in_and_comes_out(void **state)
{
    (void)state;
    guest g = begin_on(1,
                       "(module (memory 1) (func (export \"same\") (param i32 i64 f32 f64)"
                       " (result f64 f32 i64 i32)"
                       " (local.get 3) (local.get 2) (local.get 1) (local.get 0)))",
                       100);
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *same;
    bhd_call *call;
    const bhd_value *results;
    size_t count;
    bhd_value arguments[] = {{BHD_I32, BHD_I32, {.i32 = -7}},
                             {BHD_I64, BHD_I64, {.i64 = INT64_MIN}},
                             {BHD_F32, BHD_F32, {.f32 = 1.5f}},
                             {BHD_F64, BHD_F64, {.f64 = -0.25}}};
    expect_ok(bhd_sandbox_function(g.sandbox, "same", &same, &error), &error);
    expect_ok(bhd_sandbox_submit(g.sandbox, same, arguments, 4, NULL, &call, &error), &error);
    memset(arguments, 0, sizeof arguments); /* they were copied */
    expect_outcome(call, BHD_OK);
    expect_ok(bhd_call_result(call, &results, &count, NULL), NULL);
    assert_int_equal(4, count);
    assert_true(results[0].of.f64 == -0.25 && results[1].of.f32 == 1.5f);
    assert_true(results[2].of.i64 == INT64_MIN && results[3].of.i32 == -7);
    bhd_call_free(call);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void commands_give_their_exit_code(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        const char *argument;
        int exit_code;
    } commands[] = {
        {"component/run_ok.wat", NULL, 0},      {"component/run_err.wat", NULL, 1},
        {"wasi/exit_code.core.wasm", "42", 42}, {"wasi/exit_code.wasm", "0", 0},
        {"wasi/print.wasm", NULL, 0},           {"wasi/churn.core.wasm", NULL, 0},
    };
    bhd_host *host = host_with(2);
    bhd_limits limits = guest_limits(MIB(1));
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        const char *const argv[] = {"command", commands[i].argument};
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.argv = argv;
        options.argc = commands[i].argument ? 2 : 1;
        bhd_component *component = guest_component(host, commands[i].source, &limits);
        bhd_sandbox *sandbox = guest_sandbox_with(component, &options);
        bhd_call *call = submitted_run(sandbox, NULL);
        expect_outcome(call, BHD_OK);
        assert_int_equal(commands[i].exit_code, bhd_call_exit_code(call));
        bhd_call_free(call);
        bhd_sandbox_free(sandbox);
        bhd_component_free(component);
    }
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void failures_give_their_account(void **state)
{
    (void)state;
    const bhd_error *error;
    guest g = begin_on(2, "basic/trap.wat", 100);
    bhd_call *call = submitted_run(g.sandbox, NULL);
    expect_outcome(call, BHD_TRAP);
    assert_int_equal(BHD_TRAP, bhd_call_result(call, NULL, NULL, &error));
    assert_true(error->frame_count > 0);
    assert_true(bhd_sandbox_is_dead(g.sandbox));
    bhd_call_free(call);
    guest_end(&g);

    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    bhd_host *host = host_with(1);
    bhd_component *component = guest_component(
        host, "(module (memory 1) (func (export \"f\") (drop (memory.grow (i32.const 999)))))",
        &limits);
    bhd_sandbox *sandbox = guest_sandbox(component);
    call = submitted(sandbox, "f", NULL, NULL);
    expect_outcome(call, BHD_OUT_OF_MEMORY);
    assert_int_equal(BHD_OUT_OF_MEMORY, bhd_call_result(call, NULL, NULL, &error));
    assert_non_null(error->out_of_memory);
    assert_true(error->out_of_memory->requested == PAGES(999));
    assert_true(error->out_of_memory->sandbox == bhd_sandbox_id(sandbox));
    bhd_sandbox_free(sandbox); /* before the call */
    bhd_component_free(component);
    bhd_host_free(host);
    assert_int_equal(BHD_OUT_OF_MEMORY, bhd_call_result(call, NULL, NULL, &error));
    bhd_call_free(call);
}

/* -- what is refused ----------------------------------------------------------------------- */

static void wrong_submissions_are_refused(void **state)
{
    (void)state;
    guest g = begin_on(1, "basic/loop.wat", 5);
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *count, *spin;
    bhd_value wrong = {BHD_I32, BHD_I32, {.i32 = 1}};
    bhd_call *call = NULL;
    bhd_call_options options = BHD_CALL_OPTIONS_INIT;
    expect_ok(bhd_sandbox_function(g.sandbox, "count", &count, &error), &error);
    expect_ok(bhd_sandbox_function(g.sandbox, "spin", &spin, &error), &error);
    expect_status(BHD_SIGNATURE_MISMATCH,
                  bhd_sandbox_submit(g.sandbox, count, NULL, 0, NULL, &call, &error), &error);
    expect_status(BHD_SIGNATURE_MISMATCH,
                  bhd_sandbox_submit(g.sandbox, count, &wrong, 1, NULL, &call, &error), &error);
    options.timeout_seconds = 6;
    expect_status(BHD_LIMIT_LOOSENED,
                  bhd_sandbox_submit(g.sandbox, spin, NULL, 0, &options, &call, &error), &error);
    options.timeout_seconds = -1;
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_sandbox_submit(g.sandbox, spin, NULL, 0, &options, &call, &error), &error);
    options.timeout_seconds = NAN;
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_sandbox_submit(g.sandbox, spin, NULL, 0, &options, &call, &error), &error);
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_sandbox_submit(g.sandbox, NULL, NULL, 0, NULL, &call, &error), &error);
    assert_null(call);

    /* One call at a time. */
    call = submitted(g.sandbox, "spin", NULL, NULL);
    bhd_call *second = NULL;
    expect_status(BHD_BUSY, bhd_sandbox_submit(g.sandbox, spin, NULL, 0, NULL, &second, &error),
                  &error);
    expect_in(error.message, "a call into this sandbox is under way");
    expect_status(BHD_BUSY, bhd_sandbox_call(g.sandbox, spin, NULL, 0, NULL, 0, &error), &error);
    assert_null(second);
    assert_false(bhd_call_poll(call));
    assert_int_equal(BHD_INVALID_ARGUMENT, bhd_call_result(call, NULL, NULL, NULL));
    bhd_call_cancel(call);
    expect_end(call, BHD_CANCELLED);
    expect_status(BHD_SANDBOX_DEAD,
                  bhd_sandbox_submit(g.sandbox, spin, NULL, 0, NULL, &call, &error), &error);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void what_is_no_command_is_not_run(void **state)
{
    (void)state;
    guest g = begin_on(1, "basic/add.wat", 5);
    bhd_error error = BHD_ERROR_INIT;
    bhd_call *call = NULL;
    expect_status(BHD_EXPORT_NOT_FOUND, bhd_sandbox_submit_run(g.sandbox, NULL, &call, &error),
                  &error);
    assert_null(call);
    bhd_error_fini(&error);
    guest_end(&g);
}

/* -- by turns ------------------------------------------------------------------------------ */

enum { SPINNERS = 8 };

static void spinners_on_one_thread_all_end_at_their_deadline(void **state)
{
    (void)state;
    guest g = begin_on(1, "basic/loop.wat", 0.5);
    bhd_sandbox *sandboxes[SPINNERS];
    bhd_call *calls[SPINNERS];
    for (size_t i = 0; i < SPINNERS; i++) {
        sandboxes[i] = guest_sandbox(g.component);
        calls[i] = submitted(sandboxes[i], "spin", NULL, NULL);
    }
    for (size_t i = 0; i < SPINNERS; i++) {
        expect_end(calls[i], BHD_TIMEOUT);
        bhd_sandbox_free(sandboxes[i]);
    }
    guest_end(&g);
}

static void a_short_call_gets_through_between_spinners(void **state)
{
    (void)state;
    guest g = begin_on(1, "basic/loop.wat", 1000);
    bhd_sandbox *sandboxes[SPINNERS];
    bhd_call *calls[SPINNERS];
    for (size_t i = 0; i < SPINNERS; i++) {
        sandboxes[i] = guest_sandbox(g.component);
        calls[i] = submitted(sandboxes[i], "spin", NULL, NULL);
    }
    for (int64_t n = 1; n <= 10; n++)
        expect_end(submitted(g.sandbox, "count", &n, NULL), BHD_OK);
    for (size_t i = 0; i < SPINNERS; i++) {
        assert_false(bhd_call_poll(calls[i]));
        bhd_call_cancel(calls[i]);
        expect_end(calls[i], BHD_CANCELLED);
        bhd_sandbox_free(sandboxes[i]);
    }
    guest_end(&g);
}

/* A host call and a callback into the guest's allocator in every round, on a fiber that gives way.
 * */
static void components_give_way_inside_host_calls(void **state)
{
    (void)state;
    bhd_host *host = host_with(1);
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 100;
    bhd_component *churn = guest_component(host, "wasi/churn.wasm", &limits);
    bhd_component *loop = guest_component(host, "component/run_loop.wat", &limits);
    bhd_sandbox *spinner = guest_sandbox(loop), *worker[4];
    bhd_call *spin = submitted_run(spinner, NULL), *calls[4];
    for (size_t i = 0; i < 4; i++) {
        worker[i] = guest_sandbox(churn);
        calls[i] = submitted_run(worker[i], NULL);
    }
    for (size_t i = 0; i < 4; i++) {
        expect_end(calls[i], BHD_OK);
        bhd_sandbox_free(worker[i]);
    }
    bhd_call_free(spin); /* cancels it */
    bhd_sandbox_free(spinner);
    bhd_component_free(churn);
    bhd_component_free(loop);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void sleepers_hold_no_thread(void **state)
{
    (void)state;
    static const char *const sources[] = {"wasi/sleep.core.wasm", "wasi/sleep.wasm"};
    enum { SLEEPERS = 60 };
    const char *const argv[] = {"sleep", "1"};
    bhd_host *host = host_with(1);
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 100;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = 2;
    bhd_component *components[] = {guest_component(host, sources[0], &limits),
                                   guest_component(host, sources[1], &limits)};
    bhd_sandbox *sandboxes[SLEEPERS];
    bhd_call *calls[SLEEPERS];
    double began = process_seconds();
    for (size_t i = 0; i < SLEEPERS; i++) {
        sandboxes[i] = guest_sandbox_with(components[i % 2], &options);
        calls[i] = submitted_run(sandboxes[i], NULL);
    }
    for (size_t i = 0; i < SLEEPERS; i++) {
        expect_end(calls[i], BHD_OK);
        bhd_sandbox_free(sandboxes[i]);
    }
    /* One after the other would take a minute. */
    double took = process_seconds() - began;
    assert_true(took >= 1.0 && took < SLEEPERS / 2.0);
    bhd_component_free(components[0]);
    bhd_component_free(components[1]);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* -- deadlines ----------------------------------------------------------------------------- */

/* Bytes 64 to 111 of memory are a subscription to the monotonic clock. */
#define HOST_CALLS_FOR_EVER(name, type, arguments)                                                 \
    "(module (import \"wasi_snapshot_preview1\" \"" name "\" (func $f " type "))"                  \
    " (memory (export \"memory\") 1) (data (i32.const 80) \"\\01\")"                               \
    " (data (i32.const 88) \"\\01\") (func (export \"_start\")"                                    \
    " (loop $l (drop (call $f " arguments ")) (br $l))))"

static void every_kind_of_wait_ends_at_the_deadline(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "component/run_loop.wat",
        "wasi/sleep.core.wasm",
        "wasi/sleep.wasm",
        "basic/loop.wat",
        HOST_CALLS_FOR_EVER("sched_yield", "(result i32)", ""),
        /* Asks for the clock, which is a host call with an argument in memory. */
        HOST_CALLS_FOR_EVER("clock_time_get", "(param i32 i64 i32) (result i32)",
                            "(i32.const 1) (i64.const 1) (i32.const 8)"),
        /* Waits for a billionth of a second, again and again. */
        HOST_CALLS_FOR_EVER("poll_oneoff", "(param i32 i32 i32 i32) (result i32)",
                            "(i32.const 64) (i32.const 256) (i32.const 1) (i32.const 8)"),
    };
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        const bhd_error *error;
        guest g = begin_on(1, sources[i], 0.2);
        double began = process_seconds();
        bhd_call *call = submitted_run(g.sandbox, NULL);
        expect_outcome(call, BHD_TIMEOUT);
        double took = process_seconds() - began;
        assert_true(took >= 0.2 && took < 2.2);
        (void)!bhd_call_result(call, NULL, NULL, &error);
        assert_string_equal("out of time: still running after 0.2 seconds", error->message);
        assert_true(bhd_sandbox_is_dead(g.sandbox));
        bhd_call_free(call);
        /* The thread is free. */
        bhd_sandbox *next = guest_sandbox(g.component);
        bhd_call_free(submitted_run(next, NULL));
        bhd_sandbox_free(next);
        guest_end(&g);
    }
}

static void a_call_may_be_given_less_time(void **state)
{
    (void)state;
    bhd_call_options options = {.size = sizeof options, .timeout_seconds = 0.1};
    guest g = begin_on(1, "wasi/sleep.wasm", 1000);
    bhd_call *call = submitted_run(g.sandbox, &options);
    const bhd_error *error;
    expect_outcome(call, BHD_TIMEOUT);
    (void)!bhd_call_result(call, NULL, NULL, &error);
    assert_string_equal("out of time: still running after 0.1 seconds", error->message);
    bhd_call_free(call);
    guest_end(&g);
}

/* -- fuel ---------------------------------------------------------------------------------- */

/* What `count` uses when it runs alone, directly; and in turns, with every turn cut short by a
 * tick. Fuel and turns have nothing to do with each other. */
static void fuel_is_the_same_in_one_go_and_in_turns(void **state)
{
    (void)state;
    bhd_host *host = host_with(1);
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 1000;
    limits.max_fuel = INT64_MAX;
    int64_t n = ROUNDS(40000000);
    bhd_component *component = guest_component(host, "basic/loop.wat", &limits);
    bhd_sandbox *alone = guest_sandbox(component), *spinner = guest_sandbox(component);
    bhd_sandbox *sandboxes[3];
    bhd_call *calls[3], *spin = submitted(spinner, "spin", NULL, NULL);
    assert_true(guest_i64(alone, "count", n) == n);
    uint64_t once = bhd_sandbox_fuel_consumed(alone);
    for (size_t i = 0; i < 3; i++) {
        sandboxes[i] = guest_sandbox(component);
        calls[i] = submitted(sandboxes[i], "count", &n, NULL);
    }
    for (size_t i = 0; i < 3; i++) {
        expect_end(calls[i], BHD_OK);
        assert_true(bhd_sandbox_fuel_consumed(sandboxes[i]) == once);
        /* Each call has all of its fuel, wherever it runs. */
        expect_end(submitted(sandboxes[i], "count", &n, NULL), BHD_OK);
        assert_true(bhd_sandbox_fuel_consumed(sandboxes[i]) == 2 * once);
        bhd_sandbox_free(sandboxes[i]);
    }
    assert_true(once > 0);
    bhd_call_free(spin);
    bhd_sandbox_free(spinner);
    bhd_sandbox_free(alone);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void a_submitted_call_ends_without_fuel(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_fuel = 1000000;
    static const char *const sources[] = {"basic/loop.wat", "component/run_loop.wat"};
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        guest g = guest_begin(sources[i], &limits);
        uint64_t started = bhd_sandbox_fuel_consumed(g.sandbox);
        expect_end(submitted_run(g.sandbox, NULL), BHD_OUT_OF_FUEL);
        uint64_t used = bhd_sandbox_fuel_consumed(g.sandbox) - started;
        assert_in_range(used, 1000000, 1000100);
        guest_end(&g);
    }
}

/* -- waiting ------------------------------------------------------------------------------- */

static void waiting_ends_when_it_should(void **state)
{
    (void)state;
    guest g = begin_on(1, "wasi/sleep.wasm", 1000);
    bhd_call *call = submitted_run(g.sandbox, NULL);
    double began = process_seconds();
    assert_false(bhd_call_wait(call, 0));
    assert_false(bhd_call_wait(call, 0.1));
    assert_true(process_seconds() - began >= 0.1);
    assert_false(bhd_call_poll(call));
    bhd_call_cancel(call);
    assert_true(bhd_call_wait(call, BHD_WAIT_FOREVER));
    assert_true(bhd_call_poll(call));
    expect_end(call, BHD_CANCELLED);
    guest_end(&g);
}

/* -- callbacks ----------------------------------------------------------------------------- */

typedef struct called_back {
    sem_t posted;
    pthread_t thread;
    atomic_uint count;
    bhd_status status;
    bool was_over;
    guest *to_free; /* everything that is freed in the callback */
    unsigned again; /* submissions that follow from the callback */
    bhd_sandbox *sandbox;
} called_back;

static void note_call(void *user_data, bhd_call *call)
{
    called_back *note = user_data;
    note->thread = pthread_self();
    note->was_over = bhd_call_poll(call) && bhd_call_wait(call, BHD_WAIT_FOREVER);
    note->status = bhd_call_result(call, NULL, NULL, NULL);
    atomic_fetch_add(&note->count, 1);
    (void)sem_post(&note->posted);
}

static void a_callback_comes_once_on_another_thread(void **state)
{
    (void)state;
    called_back note = {.status = BHD_INTERNAL};
    bhd_call_options options = {.size = sizeof options, .callback = note_call, .user_data = &note};
    int64_t n = 5;
    assert_int_equal(0, sem_init(&note.posted, 0, 0));
    guest g = begin_on(2, "basic/loop.wat", 100);
    bhd_call *call = submitted(g.sandbox, "count", &n, &options);
    expect_outcome(call, BHD_OK);
    /* It has returned when waiting ends. */
    assert_int_equal(1, atomic_load(&note.count));
    assert_int_equal(BHD_OK, note.status);
    assert_true(note.was_over);
    assert_false(pthread_equal(note.thread, pthread_self()));
    bhd_call_cancel(call); /* too late: nothing changes */
    expect_end(call, BHD_OK);
    assert_int_equal(1, atomic_load(&note.count));

    call = submitted(g.sandbox, "spin", NULL, &options);
    bhd_call_free(call); /* cancels, waits */
    assert_int_equal(2, atomic_load(&note.count));
    assert_int_equal(BHD_CANCELLED, note.status);
    guest_end(&g);
    (void)sem_destroy(&note.posted);
}

static void submit_again(void *user_data, bhd_call *call)
{
    called_back *note = user_data;
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *count;
    bhd_value n = {BHD_I64, BHD_I64, {.i64 = 1000}};
    bhd_call_options options = {
        .size = sizeof options, .callback = submit_again, .user_data = note};
    bhd_call *next;
    bhd_status status = bhd_call_result(call, NULL, NULL, NULL);
    bhd_call_free(call);
    if (status == BHD_OK && note->again-- > 0) {
        status = bhd_sandbox_function(note->sandbox, "count", &count, &error);
        if (status == BHD_OK)
            status = bhd_sandbox_submit(note->sandbox, count, &n, 1, &options, &next, &error);
        if (status == BHD_OK)
            return; /* the next callback may be running already */
    }
    note->status = status;
    (void)sem_post(&note->posted);
}

static void a_callback_may_submit_the_next_call(void **state)
{
    (void)state;
    int64_t n = 1;
    for (uint32_t threads = 1; threads <= 2; threads++) {
        guest g = begin_on(threads, "basic/loop.wat", 100);
        called_back note = {.again = 200, .sandbox = g.sandbox, .status = BHD_INTERNAL};
        bhd_call_options options = {
            .size = sizeof options, .callback = submit_again, .user_data = &note};
        assert_int_equal(0, sem_init(&note.posted, 0, 0));
        (void)submitted(g.sandbox, "count", &n, &options);
        assert_int_equal(0, sem_wait(&note.posted));
        assert_int_equal(BHD_OK, note.status);
        guest_end(&g);
        (void)sem_destroy(&note.posted);
    }
}

static void free_everything(void *user_data, bhd_call *call)
{
    called_back *note = user_data;
    note->status = bhd_call_result(call, NULL, NULL, NULL);
    bhd_sandbox_free(note->to_free->sandbox);
    bhd_component_free(note->to_free->component);
    bhd_call_free(call);
    (void)sem_post(&note->posted);
}

/* The last hold of the host goes on one of its own workers. */
static void a_callback_may_free_everything(void **state)
{
    (void)state;
    int64_t n = 1;
    for (int i = 0; i < ROUNDS(100); i++) {
        guest g = begin_on(1 + (uint32_t)i % 2, "basic/loop.wat", 100);
        called_back note = {.to_free = &g};
        bhd_call_options options = {
            .size = sizeof options, .callback = free_everything, .user_data = &note};
        assert_int_equal(0, sem_init(&note.posted, 0, 0));
        bhd_host_free(g.host);
        (void)submitted(g.sandbox, "count", &n, &options);
        assert_int_equal(0, sem_wait(&note.posted));
        assert_int_equal(BHD_OK, note.status);
        (void)sem_destroy(&note.posted);
    }
}

static void free_the_others(void *user_data, bhd_call *call)
{
    bhd_sandbox **others = user_data;
    (void)call;
    for (size_t i = 0; i < 4; i++)
        bhd_sandbox_free(others[i]);
}

/* The one worker is busy with the callback, and nobody else could end the calls. */
static void a_callback_may_free_sandboxes_whose_calls_wait_for_its_thread(void **state)
{
    (void)state;
    guest g = begin_on(1, "basic/loop.wat", 1000);
    bhd_sandbox *others[4];
    bhd_call *calls[4];
    bhd_call_options options = {
        .size = sizeof options, .callback = free_the_others, .user_data = others};
    int64_t n = 1;
    for (size_t i = 0; i < 4; i++) {
        others[i] = guest_sandbox(g.component);
        calls[i] = submitted(others[i], "spin", NULL, NULL);
    }
    expect_end(submitted(g.sandbox, "count", &n, &options), BHD_OK);
    for (size_t i = 0; i < 4; i++)
        expect_end(calls[i], BHD_CANCELLED);
    guest_end(&g);
}

/* -- freeing ------------------------------------------------------------------------------- */

static void freeing_a_sandbox_ends_its_call(void **state)
{
    (void)state;
    static const char *const sources[] = {"component/run_loop.wat", "wasi/sleep.core.wasm",
                                          "wasi/sleep.wasm"};
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        guest g = begin_on(1, sources[i], 1000);
        bhd_sandbox *waiting = guest_sandbox(g.component);
        bhd_call *call = submitted_run(g.sandbox, NULL), *queued = submitted_run(waiting, NULL);
        bhd_sandbox_free(waiting);
        expect_end(queued, BHD_CANCELLED);
        (void)bhd_call_wait(call, 0.02 * (double)i);
        bhd_sandbox_free(g.sandbox);
        g.sandbox = NULL;
        expect_end(call, BHD_CANCELLED);
        guest_end(&g);
    }
}

static void bhd_sandbox_cancel_ends_a_submitted_call_too(void **state)
{
    (void)state;
    static const char *const sources[] = {"component/run_loop.wat", "wasi/sleep.wasm"};
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        guest g = begin_on(1, sources[i], 1000);
        bhd_call *call = submitted_run(g.sandbox, NULL);
        (void)bhd_call_wait(call, 0.05);
        bhd_sandbox_cancel(g.sandbox);
        expect_end(call, BHD_CANCELLED);
        guest_end(&g);
    }
}

static void nothing_is_done_to_no_call(void **state)
{
    (void)state;
    bhd_call_free(NULL);
    bhd_call_cancel(NULL);
    assert_int_equal(BHD_INVALID_ARGUMENT, bhd_call_result(NULL, NULL, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_gives_its_results),
        cmocka_unit_test(every_type_goes_in_and_comes_out),
        cmocka_unit_test(commands_give_their_exit_code),
        cmocka_unit_test(failures_give_their_account),
        cmocka_unit_test(wrong_submissions_are_refused),
        cmocka_unit_test(what_is_no_command_is_not_run),
        cmocka_unit_test(spinners_on_one_thread_all_end_at_their_deadline),
        cmocka_unit_test(a_short_call_gets_through_between_spinners),
        cmocka_unit_test(components_give_way_inside_host_calls),
        cmocka_unit_test(sleepers_hold_no_thread),
        cmocka_unit_test(every_kind_of_wait_ends_at_the_deadline),
        cmocka_unit_test(a_call_may_be_given_less_time),
        cmocka_unit_test(fuel_is_the_same_in_one_go_and_in_turns),
        cmocka_unit_test(a_submitted_call_ends_without_fuel),
        cmocka_unit_test(waiting_ends_when_it_should),
        cmocka_unit_test(a_callback_comes_once_on_another_thread),
        cmocka_unit_test(a_callback_may_submit_the_next_call),
        cmocka_unit_test(a_callback_may_free_everything),
        cmocka_unit_test(a_callback_may_free_sandboxes_whose_calls_wait_for_its_thread),
        cmocka_unit_test(freeing_a_sandbox_ends_its_call),
        cmocka_unit_test(bhd_sandbox_cancel_ends_a_submitted_call_too),
        cmocka_unit_test(nothing_is_done_to_no_call),
    };
    return cmocka_run_group_tests_name("submit", tests, NULL, NULL);
}
