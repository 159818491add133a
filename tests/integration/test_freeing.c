/*
 * Who frees what while somebody else is in it: in callbacks, beneath guests, from two workers at
 * once. Everything ends once, nothing is freed under anybody, and nobody waits for ever.
 */
#include "base/alloc.h"
#include "engine/structs.h"
#include "sandbox/life.h"
#include "support/process_facts.h"
#include "support/submitted.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* Sees the guest of every sandbox end, one way or another. */
#define SOURCE                                                                                     \
    "(module (import \"test\" \"reach\" (func $reach))"                                            \
    " (memory (export \"memory\") 1)"                                                              \
    " (func (export \"nop\")) (func (export \"spin\") (loop br 0))"                                \
    " (func (export \"reach\") call $reach)"                                                       \
    " (func (export \"reach_and_spin\") call $reach (loop br 0)))"

/* For callbacks: cmocka's assertions are for the thread that runs the test. */
#define require(condition) ((condition) ? (void)0 : give_up(#condition, __LINE__))

static void give_up(const char *what, int line)
{
    print_error("%s:%d: %s\n", __FILE__, line, what);
    abort();
}

/* Waits for an answer. */
#define WAITING                                                                                    \
    "(module (import \"test\" \"defer\" (func $defer)) (func (export \"wait\") call $defer))"

enum { MOST = 100 };

typedef struct scene {
    bhd_host *host;
    bhd_component *component;
    bhd_sandbox *sandboxes[MOST];
    bhd_call *calls[MOST];
    pthread_barrier_t both;
    atomic_int step, callbacks, callbacks_before;
    atomic_int submitted;               /* the calls are known */
    int depth, deepest;                 /* of callbacks beneath each other, on the only worker */
    void (*reach)(struct scene *scene); /* what the host function does */
    bhd_invocation *deferred[MOST];
    atomic_int waiting;   /* of them */
    pthread_t freer;      /* what ends it ends beneath it, */
    atomic_int elsewhere; /* but for so many */
} scene;

static void reached(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    scene *s = env;
    (void)invocation;
    (void)in;
    (void)count;
    s->reach(s);
}

static void defer(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    scene *s = env;
    (void)in;
    (void)count;
    require(bhd_invocation_defer(invocation, NULL) == BHD_OK);
    s->deferred[atomic_fetch_add(&s->waiting, 1)] = invocation;
}

static void scene_begin(scene *s, uint32_t threads)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_imports *imports = NULL;
    *s = (scene){.host = NULL};
    const bhd_host_function reach = {sizeof reach, "test", "reach", "func()", reached, s, false};
    const bhd_host_function waits = {sizeof waits, "test", "defer", "func()", defer, s, true};
    expect_ok(bhd_imports_new(&imports, &error), &error);
    expect_ok(bhd_imports_function(imports, &reach, &error), &error);
    expect_ok(bhd_imports_function(imports, &waits, &error), &error);
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.worker_threads = threads;
    options.imports = imports;
    s->host = guest_host_with(&options);
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 1000;
    s->component = guest_component(s->host, SOURCE, &limits);
    bhd_imports_free(imports);
    bhd_error_fini(&error);
}

static void scene_end(scene *s)
{
    expect_stats(s->host, 0, 0);
    bhd_component_free(s->component);
    bhd_host_free(s->host);
}

/* Fails the test when it takes too long. */
static void await(const atomic_int *what, int wanted)
{
    const struct timespec pause = {0, 200000};
    double began = process_seconds();
    while (atomic_load(what) < wanted) {
        require(process_seconds() - began < 100);
        (void)nanosleep(&pause, NULL);
    }
}

static uint64_t live(const bhd_host *host)
{
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    return stats.live_sandboxes;
}

static void await_live(const bhd_host *host, uint64_t wanted)
{
    const struct timespec pause = {0, 200000};
    double began = process_seconds();
    while (live(host) != wanted) {
        assert_true(process_seconds() - began < 100);
        (void)nanosleep(&pause, NULL);
    }
}

static bhd_call *submit_to(scene *s, size_t i, const char *name, bhd_call_callback callback)
{
    bhd_call_options options = {.size = sizeof options, .callback = callback, .user_data = s};
    s->sandboxes[i] = s->sandboxes[i] ? s->sandboxes[i] : guest_sandbox(s->component);
    return submitted(s->sandboxes[i], name, NULL, &options);
}

static void count_callback(void *env, bhd_call *call)
{
    scene *s = env;
    (void)call;
    atomic_fetch_add(&s->callbacks, 1);
}

/* -- in a callback on the only worker ------------------------------------------------------ */

static void free_the_second_call(void *env, bhd_call *call)
{
    scene *s = env;
    (void)call;
    bhd_call_free(s->calls[1]);
    atomic_store(&s->callbacks_before, atomic_load(&s->callbacks));
    atomic_store(&s->step, 1);
}

static void a_queued_call_is_freed_with_its_callback(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s, 1);
    s.calls[1] = submit_to(&s, 1, "spin", count_callback);
    s.calls[0] = submit_to(&s, 0, "nop", free_the_second_call);
    await(&s.step, 1);
    assert_int_equal(1, atomic_load(&s.callbacks_before));
    expect_end(s.calls[0], BHD_OK);
    bhd_sandbox_free(s.sandboxes[0]);
    bhd_sandbox_free(s.sandboxes[1]);
    scene_end(&s);
}

static void free_the_first_of_everything(void *env, bhd_call *call)
{
    scene *s = env;
    (void)call;
    await(&s->submitted, 1);
    bhd_call_free(s->calls[0]);
    bhd_sandbox_free(s->sandboxes[0]);
    atomic_store(&s->step, 1);
}

static void free_the_second_sandbox(void *env, bhd_call *call)
{
    scene *s = env;
    bhd_sandbox_free(s->sandboxes[1]);
    /* Beneath, both of this were freed, and are still there. */
    require(1 == atomic_load(&s->step));
    require(bhd_call_poll(call));
    require(bhd_sandbox_is_dead(s->sandboxes[0]));
    atomic_store(&s->step, 2);
}

static void a_callback_beneath_another_frees_what_is_around_it(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s, 1);
    s.calls[1] = submit_to(&s, 1, "spin", free_the_first_of_everything);
    s.calls[0] = submit_to(&s, 0, "nop", free_the_second_sandbox);
    atomic_store(&s.submitted, 1);
    await(&s.step, 2);
    await_live(s.host, 0);
    expect_end(s.calls[1], BHD_CANCELLED);
    scene_end(&s);
}

static void free_the_next(void *env, bhd_call *call)
{
    scene *s = env;
    int mine = atomic_fetch_add(&s->callbacks, 1);
    (void)call;
    s->depth++;
    s->deepest = s->depth > s->deepest ? s->depth : s->deepest;
    if (mine + 1 < MOST)
        bhd_sandbox_free(s->sandboxes[mine + 1]);
    s->depth--;
}

/* Callbacks run beneath each other only so deep. */
static void a_long_chain_of_frees_ends(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s, 1);
    for (size_t i = MOST; i-- > 1;)
        s.calls[i] = submit_to(&s, i, "spin", free_the_next);
    s.calls[0] = submit_to(&s, 0, "nop", free_the_next);
    await(&s.callbacks, MOST);
    for (size_t i = 0; i < MOST; i++)
        expect_end(s.calls[i], i ? BHD_CANCELLED : BHD_OK);
    assert_int_equal(33, s.deepest);
    bhd_sandbox_free(s.sandboxes[0]);
    scene_end(&s);
}

static void note_where(void *env, bhd_call *call)
{
    scene *s = env;
    (void)call;
    if (!pthread_equal(pthread_self(), s->freer))
        atomic_fetch_add(&s->elsewhere, 1);
    atomic_fetch_add(&s->callbacks, 1);
}

/* Whoever else can run where this runs comes first, from now on. */
static void be_the_last(void)
{
    const struct sched_param none = {0};
    require(sched_setscheduler(0, SCHED_IDLE, &none) == 0);
}

static void free_all_that_wait(void *env, bhd_call *call)
{
    scene *s = env;
    int waiting = atomic_load(&s->waiting);
    (void)call;
    be_the_last();
    s->freer = pthread_self();
    for (int i = 1; i <= waiting; i++) {
        bhd_sandbox_free(s->sandboxes[i]);
        require(i == atomic_load(&s->callbacks));
        require((uint64_t)(1 + waiting - i) == live(s->host));
    }
    atomic_store(&s->step, 1);
}

/* No worker has a task, and none is queued. A worker comes from a task to the next one, or to none,
 * under the scheduler's lock, which asking for deadlines takes. */
static void await_sleep(const scene *s)
{
    bhd__scheduler *scheduler = s->host->engine->scheduler;
    for (bool is_asleep = false; !is_asleep;) {
        if (bhd__scheduler_is_busy(scheduler))
            continue;
        (void)bhd__scheduler_expire(scheduler);
        is_asleep = !bhd__scheduler_is_crowded(scheduler) && !bhd__scheduler_is_busy(scheduler);
    }
}

/* Other workers have nothing to do, and would be glad of a guest that is woken to end. All share a
 * processor, on which the one that frees is the last. */
static void a_guest_that_waits_ends_beneath_whoever_frees_it(void **state)
{
    (void)state;
    enum { GUESTS = 20 };
    scene s;
    cpu_set_t all, one;
    assert_int_equal(0, sched_getaffinity(0, sizeof all, &all));
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    assert_int_equal(0, sched_setaffinity(0, sizeof one, &one));
    scene_begin(&s, 3);
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 1000;
    bhd_component *waiting = guest_component(s.host, WAITING, &limits);
    for (size_t i = 1; i <= GUESTS; i++) {
        s.sandboxes[i] = guest_sandbox(waiting);
        s.calls[i] = submit_to(&s, i, "wait", note_where);
    }
    await(&s.waiting, GUESTS);
    await_sleep(&s);
    s.calls[0] = submit_to(&s, 0, "nop", free_all_that_wait);
    await(&s.step, 1);
    assert_int_equal(0, atomic_load(&s.elsewhere));
    expect_end(s.calls[0], BHD_OK);
    for (size_t i = 0; i < GUESTS; i++) {
        expect_end(s.calls[1 + i], BHD_CANCELLED);
        expect_ok(bhd_invocation_return(s.deferred[i], NULL, 0, NULL), NULL);
    }
    bhd_sandbox_free(s.sandboxes[0]);
    bhd_component_free(waiting);
    scene_end(&s);
    assert_int_equal(0, sched_setaffinity(0, sizeof all, &all));
}

static void wait_for_the_second(void *env, bhd_call *call)
{
    scene *s = env;
    require(bhd_call_wait(call, BHD_WAIT_FOREVER));
    atomic_store(&s->step, bhd_call_wait(s->calls[1], BHD_WAIT_FOREVER) ? 2 : 1);
}

static void a_worker_does_not_wait_for_a_call_that_may_need_it(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s, 1);
    s.calls[1] = submit_to(&s, 1, "spin", NULL);
    s.calls[0] = submit_to(&s, 0, "nop", wait_for_the_second);
    await(&s.step, 1);
    assert_int_equal(1, atomic_load(&s.step));
    expect_end(s.calls[0], BHD_OK);
    bhd_call_free(s.calls[1]);
    bhd_sandbox_free(s.sandboxes[0]);
    bhd_sandbox_free(s.sandboxes[1]);
    scene_end(&s);
}

/* -- in two callbacks at once -------------------------------------------------------------- */

/* Each frees what the other is in, and goes on to use its own. */
static void free_the_others(scene *s, size_t own)
{
    bhd_memory_metrics metrics;
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *function;
    await(&s->submitted, 1);
    (void)pthread_barrier_wait(&s->both);
    bhd_sandbox_free(s->sandboxes[1 - own]);
    bhd_call_free(s->calls[1 - own]);
    (void)pthread_barrier_wait(&s->both);
    require(bhd_sandbox_is_dead(s->sandboxes[own]));
    bhd_sandbox_metrics(s->sandboxes[own], &metrics);
    require(metrics.current_bytes == PAGE);
    require(bhd_sandbox_function(s->sandboxes[own], "nop", &function, &error) == BHD_SANDBOX_DEAD);
    require(BHD_OK == bhd_call_result(s->calls[own], NULL, NULL, NULL));
    bhd_error_fini(&error);
    atomic_fetch_add(&s->callbacks, 1);
}

static void in_the_first(void *env, bhd_call *call)
{
    (void)call;
    free_the_others(env, 0);
}

static void in_the_second(void *env, bhd_call *call)
{
    (void)call;
    free_the_others(env, 1);
}

static void two_callbacks_free_each_others_sandboxes_and_calls(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS(100); i++) {
        scene s;
        uint64_t before = bhd__alloc_live();
        scene_begin(&s, 2);
        assert_int_equal(0, pthread_barrier_init(&s.both, NULL, 2));
        s.sandboxes[0] = guest_sandbox(s.component);
        s.sandboxes[1] = guest_sandbox(s.component);
        s.calls[0] = submit_to(&s, 0, "nop", in_the_first);
        s.calls[1] = submit_to(&s, 1, "nop", in_the_second);
        atomic_store(&s.submitted, 1);
        await(&s.callbacks, 2);
        await_live(s.host, 0);
        scene_end(&s);
        (void)pthread_barrier_destroy(&s.both);
        /* A worker may be about to delete a call, which holds the host. */
        double began = process_seconds();
        while (bhd__alloc_live() != before)
            assert_true(process_seconds() - began < 100);
    }
}

/* -- by a thread of the program ------------------------------------------------------------ */

static void linger(void *env, bhd_call *call)
{
    scene *s = env;
    const struct timespec pause = {0, 30000000};
    (void)call;
    atomic_store(&s->step, 1);
    (void)nanosleep(&pause, NULL);
    require(bhd_sandbox_id(s->sandboxes[0]) != 0);
    atomic_fetch_add(&s->callbacks, 1);
}

static void a_thread_waits_for_the_callback(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s, 1);
    s.calls[0] = submit_to(&s, 0, "nop", linger);
    await(&s.step, 1);
    bhd_sandbox_free(s.sandboxes[0]);
    assert_int_equal(1, atomic_load(&s.callbacks));
    expect_end(s.calls[0], BHD_OK);
    s.sandboxes[0] = NULL;
    s.step = 0;
    s.calls[0] = submit_to(&s, 0, "nop", linger);
    await(&s.step, 1);
    bhd_call_free(s.calls[0]);
    assert_int_equal(2, atomic_load(&s.callbacks));
    bhd_sandbox_free(s.sandboxes[0]);
    scene_end(&s);
}

/* Until the sandbox is being freed. */
static void submit_again(void *env, bhd_call *call)
{
    scene *s = env;
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *nop = NULL;
    bhd_call *next;
    bhd_call_options options = {.size = sizeof options, .callback = submit_again, .user_data = s};
    bhd_call_free(call);
    bhd_status status = bhd_sandbox_function(s->sandboxes[0], "nop", &nop, &error);
    if (status == BHD_OK)
        status = bhd_sandbox_submit(s->sandboxes[0], nop, NULL, 0, &options, &next, &error);
    if (status == BHD_OK)
        return;
    require(BHD_SANDBOX_DEAD == status);
    bhd_error_fini(&error);
    atomic_fetch_add(&s->callbacks, 1);
}

static void freeing_ends_a_chain_of_calls_at_any_moment(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s, 2);
    for (int i = 0; i < ROUNDS(300); i++) {
        const struct timespec pause = {0, (i * 7919) % 300 * 1000};
        s.sandboxes[0] = NULL;
        (void)submit_to(&s, 0, "nop", submit_again);
        (void)nanosleep(&pause, NULL);
        bhd_sandbox_free(s.sandboxes[0]);
        assert_int_equal(i + 1, atomic_load(&s.callbacks)); /* the last one has returned */
    }
    scene_end(&s);
}

static void *free_the_first_sandbox(void *env)
{
    scene *s = env;
    await(&s->step, 1);
    bhd_sandbox_free(s->sandboxes[0]);
    atomic_store(&s->step, 2);
    return NULL;
}

static void note_the_call(scene *s)
{
    atomic_store(&s->step, 1);
}

static void a_direct_call_on_another_thread_is_ended_and_waited_for(void **state)
{
    (void)state;
    scene s;
    pthread_t thread;
    bhd_error error = BHD_ERROR_INIT;
    scene_begin(&s, 1);
    s.reach = note_the_call;
    s.sandboxes[0] = guest_sandbox(s.component);
    assert_int_equal(0, pthread_create(&thread, NULL, free_the_first_sandbox, &s));
    guest_ends(s.sandboxes[0], BHD_CANCELLED, &error, "reach_and_spin");
    assert_int_equal(0, pthread_join(thread, NULL));
    assert_int_equal(2, atomic_load(&s.step));
    bhd_error_fini(&error);
    scene_end(&s);
}

/* In the moment in which the sandbox is the call's already, and the scheduler does not know it yet.
 */
static void *end_at_once(void *env)
{
    scene *s = env;
    while (atomic_load(&s->step) == 0)
        continue;
    const bhd__instance *instance = s->sandboxes[0]->instance;
    while (atomic_load(&instance->activity) == BHD__IDLE)
        continue;
    if (atomic_load(&s->step) == 1)
        bhd_sandbox_cancel(s->sandboxes[0]);
    else
        bhd_sandbox_free(s->sandboxes[0]);
    return NULL;
}

static void a_call_that_is_ended_while_it_is_submitted_ends(void **state)
{
    (void)state;
    scene s;
    scene_begin(&s, 1);
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 1000;
    bhd_component *sleeper = guest_component(s.host, "wasi/sleep.core.wasm", &limits);
    for (int i = 0; i < ROUNDS(200); i++) {
        pthread_t thread;
        s.step = 0;
        s.sandboxes[0] = guest_sandbox(sleeper);
        assert_int_equal(0, pthread_create(&thread, NULL, end_at_once, &s));
        atomic_store(&s.step, 1 + i % 2);
        bhd_call *call = submitted_run(s.sandboxes[0], NULL);
        expect_end(call, BHD_CANCELLED);
        assert_int_equal(0, pthread_join(thread, NULL));
        if (i % 2 == 0)
            bhd_sandbox_free(s.sandboxes[0]);
    }
    bhd_component_free(sleeper);
    scene_end(&s);
}

/* -- beneath a guest ----------------------------------------------------------------------- */

static void free_own(scene *s)
{
    bhd_sandbox_free(s->sandboxes[0]);
    require(1 == live(s->host)); /* it stays for as long as its guest runs */
}

static void a_function_of_the_host_frees_the_sandbox_that_calls_it(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    scene s;
    scene_begin(&s, 1);
    s.reach = free_own;
    s.sandboxes[0] = guest_sandbox(s.component);
    guest_ends(s.sandboxes[0], BHD_CANCELLED, &error, "reach_and_spin");
    assert_int_equal(0, live(s.host));
    s.sandboxes[0] = NULL;
    s.calls[0] = submit_to(&s, 0, "reach_and_spin", NULL);
    expect_end(s.calls[0], BHD_CANCELLED);
    bhd_error_fini(&error);
    scene_end(&s);
}

static void free_the_waiting(scene *s)
{
    bhd_call_free(s->calls[1]);
    bhd_sandbox_free(s->sandboxes[1]);
    bhd_sandbox_free(s->sandboxes[2]);
    atomic_store(&s->step, 1);
}

/* The only worker is beneath the guest; nobody could end what waits for it. */
static void a_function_of_the_host_frees_what_waits_for_its_worker(void **state)
{
    (void)state;
    for (int direct = 0; direct < 2; direct++) {
        scene s;
        scene_begin(&s, 1);
        s.reach = free_the_waiting;
        s.sandboxes[0] = guest_sandbox(s.component);
        s.calls[1] = submit_to(&s, 1, "spin", count_callback);
        s.calls[2] = submit_to(&s, 2, "spin", count_callback);
        if (direct)
            guest_void(s.sandboxes[0], "reach");
        else
            expect_end(submit_to(&s, 0, "reach", NULL), BHD_OK);
        expect_end(s.calls[2], BHD_CANCELLED);
        await(&s.callbacks, 2);
        bhd_sandbox_free(s.sandboxes[0]);
        await_live(s.host, 0);
        scene_end(&s);
    }
}

/* -- what begins and what does not --------------------------------------------------------- */

#define ASKS                                                                                       \
    "(module (import \"wasi_snapshot_preview1\" \"clock_time_get\""                                \
    " (func $clock (param i32 i64 i32) (result i32))) (memory (export \"memory\") 1)"              \
    " (func (export \"ask\") (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 0))))"      \
    " (func (export \"boom\") unreachable))"

/* Of what an earlier call asked for in vain, no later one is told, however it is made. */
static void a_call_begins_without_the_last_ones_denials(void **state)
{
    (void)state;
    bhd_component_options options = {
        .size = sizeof options, .name = "asks", .limits = guest_limits(MIB(1))};
    for (int is_submitted = 0; is_submitted < 2; is_submitted++) {
        bhd_error error = BHD_ERROR_INIT;
        const bhd_error *account;
        guest g = {guest_host(), NULL, NULL};
        expect_ok(bhd_component_new(g.host, &options, ASKS, strlen(ASKS), &g.component, &error),
                  &error);
        g.sandbox = guest_sandbox(g.component);
        guest_void(g.sandbox, "ask");
        if (is_submitted) {
            bhd_call *call = submitted(g.sandbox, "boom", NULL, NULL);
            expect_outcome(call, BHD_TRAP);
            (void)!bhd_call_result(call, NULL, NULL, &account);
            assert_null(strstr(account->message, "asked"));
            bhd_call_free(call);
        } else {
            guest_ends(g.sandbox, BHD_TRAP, &error, "boom");
            assert_null(strstr(error.message, "asked"));
        }
        bhd_error_fini(&error);
        guest_end(&g);
    }
}

static void a_function_of_another_sandbox_is_refused(void **state)
{
    (void)state;
    scene s;
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *nop;
    bhd_call *call = NULL;
    scene_begin(&s, 1);
    bhd_sandbox *one = guest_sandbox(s.component), *two = guest_sandbox(s.component);
    expect_ok(bhd_sandbox_function(one, "nop", &nop, &error), &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_call(two, nop, NULL, 0, NULL, 0, &error),
                  &error);
    expect_in(error.message, "another sandbox");
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_submit(two, nop, NULL, 0, NULL, &call, &error),
                  &error);
    expect_ok(bhd_sandbox_call(one, nop, NULL, 0, NULL, 0, &error), &error);
    bhd_error_fini(&error);
    bhd_sandbox_free(one);
    bhd_sandbox_free(two);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queued_call_is_freed_with_its_callback),
        cmocka_unit_test(a_callback_beneath_another_frees_what_is_around_it),
        cmocka_unit_test(a_long_chain_of_frees_ends),
        cmocka_unit_test(a_worker_does_not_wait_for_a_call_that_may_need_it),
        cmocka_unit_test(a_guest_that_waits_ends_beneath_whoever_frees_it),
        cmocka_unit_test(two_callbacks_free_each_others_sandboxes_and_calls),
        cmocka_unit_test(a_thread_waits_for_the_callback),
        cmocka_unit_test(freeing_ends_a_chain_of_calls_at_any_moment),
        cmocka_unit_test(a_direct_call_on_another_thread_is_ended_and_waited_for),
        cmocka_unit_test(a_call_that_is_ended_while_it_is_submitted_ends),
        cmocka_unit_test(a_function_of_the_host_frees_the_sandbox_that_calls_it),
        cmocka_unit_test(a_function_of_the_host_frees_what_waits_for_its_worker),
        cmocka_unit_test(a_call_begins_without_the_last_ones_denials),
        cmocka_unit_test(a_function_of_another_sandbox_is_refused),
    };
    return cmocka_run_group_tests_name("freeing", tests, NULL, NULL);
}
