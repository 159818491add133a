/*
 * bhd_sandbox_cancel: a call under way on another thread ends, whatever it does, and nothing else
 * does.
 *
 * Whoever cancels cannot know whether the call has begun, so where it matters these tests cancel
 * until the call is over.
 */
#include "support/crew.h"
#include "support/process_facts.h"
#include "support/real_guest.h"

#include <stdatomic.h>
#include <time.h>

/* Cancels from another thread until it is told that the call is over. */
typedef struct canceller {
    bhd_sandbox *sandbox;
    atomic_bool is_over;
    pthread_t thread;
} canceller;

static void rest(long ns)
{
    const struct timespec pause = {0, ns};
    (void)nanosleep(&pause, NULL);
}

static void *cancel_until_over(void *env)
{
    canceller *c = env;
    while (!atomic_load_explicit(&c->is_over, memory_order_acquire)) {
        rest(20000000);
        bhd_sandbox_cancel(c->sandbox);
    }
    return NULL;
}

static void canceller_begin(canceller *c, bhd_sandbox *sandbox)
{
    c->sandbox = sandbox;
    atomic_init(&c->is_over, false);
    assert_int_equal(0, pthread_create(&c->thread, NULL, cancel_until_over, c));
}

static void canceller_end(canceller *c)
{
    atomic_store_explicit(&c->is_over, true, memory_order_release);
    assert_int_equal(0, pthread_join(c->thread, NULL));
}

/* Longer than a test may take. */
static bhd_limits patient_limits(void)
{
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 1000;
    return limits;
}

static void a_computing_guest_is_cancelled(void **state)
{
    (void)state;
    static const char *const loops[] = {"spin", "spin_memory", "spin_calls", "spin_grow"};
    bhd_limits limits = patient_limits();
    guest g = guest_begin("basic/loop.wat", &limits);
    for (size_t i = 0; i < COUNT_OF(loops); i++) {
        canceller c;
        bhd_error error = BHD_ERROR_INIT;
        canceller_begin(&c, g.sandbox);
        guest_ends(g.sandbox, BHD_CANCELLED, &error, loops[i]);
        canceller_end(&c);
        assert_string_equal("cancelled: the call was ended from outside", error.message);
        assert_true(error.frame_count > 0);
        assert_true(bhd_sandbox_is_dead(g.sandbox));
        guest_ends(g.sandbox, BHD_SANDBOX_DEAD, NULL, "count", INT64_C(1));
        bhd_error_fini(&error);
        guest_again(&g);
    }
    guest_end(&g);
}

static void commands_are_cancelled_at_work_and_asleep(void **state)
{
    (void)state;
    static const char *const sources[] = {"component/run_loop.wat", "wasi/sleep.core.wasm",
                                          "wasi/sleep.wasm"};
    bhd_limits limits = patient_limits();
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        canceller c;
        bhd_error error = BHD_ERROR_INIT;
        guest g = guest_begin(sources[i], &limits);
        canceller_begin(&c, g.sandbox);
        guest_run_ends(g.sandbox, BHD_CANCELLED, &error);
        canceller_end(&c);
        assert_string_equal("cancelled: the call was ended from outside", error.message);
        assert_true(bhd_sandbox_is_dead(g.sandbox));
        bhd_error_fini(&error);
        guest_end(&g);
    }
}

static void between_calls_there_is_nothing_to_cancel(void **state)
{
    (void)state;
    bhd_limits limits = patient_limits();
    guest g = guest_begin("basic/loop.wat", &limits);
    for (int i = 0; i < 100; i++) {
        bhd_sandbox_cancel(g.sandbox);
        assert_true(guest_i64(g.sandbox, "count", INT64_C(1000)) == 1000);
    }
    bhd_sandbox_cancel(NULL);
    guest_end(&g);
}

static void one_is_cancelled_and_its_neighbour_goes_on(void **state)
{
    (void)state;
    bhd_limits limits = patient_limits();
    guest g = guest_begin("basic/loop.wat", &limits);
    bhd_sandbox *neighbour = guest_sandbox(g.component);
    canceller c;
    canceller_begin(&c, neighbour);
    double began = process_seconds();
    while (process_seconds() - began < 0.1)
        assert_true(guest_i64(g.sandbox, "count", INT64_C(100000)) == 100000);
    canceller_end(&c);
    assert_false(bhd_sandbox_is_dead(neighbour));
    bhd_sandbox_free(neighbour);
    guest_end(&g);
}

/* -- the race between the end of a call and its cancellation --------------------------------- */

typedef struct race {
    bhd_component *component;
    _Atomic(bhd_sandbox *) target;
    atomic_bool is_over;
    pthread_mutex_t lock; /* a sandbox is not freed while somebody cancels it */
    uint64_t finished, cancelled;
} race;

static void cancel_at_random(race *r)
{
    unsigned seed = 12345;
    while (!atomic_load(&r->is_over)) {
        seed = seed * 1664525u + 1013904223u;
        rest((long)(seed >> 12) % 3000000);
        pthread_mutex_lock(&r->lock);
        bhd_sandbox_cancel(atomic_load(&r->target));
        pthread_mutex_unlock(&r->lock);
    }
}

static void renew(crew_member *member, race *r)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *fresh = NULL;
    (void)crew_check_ok(member, bhd_sandbox_new(r->component, NULL, &fresh, &error), &error);
    pthread_mutex_lock(&r->lock);
    bhd_sandbox_free(atomic_exchange(&r->target, fresh));
    pthread_mutex_unlock(&r->lock);
    bhd_error_fini(&error);
}

static void call_often(crew_member *member, race *r)
{
    for (int i = 0; i < ROUNDS(400); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_value result;
        bhd_status status =
            guest_call(atomic_load(&r->target), &error, &result, "count", INT64_C(300000));
        bool is_dead = bhd_sandbox_is_dead(atomic_load(&r->target));
        if (status == BHD_OK) {
            r->finished++;
            (void)crew_check(member, !is_dead && result.of.i64 == 300000);
        } else {
            r->cancelled++;
            (void)crew_note(member, status == BHD_CANCELLED && is_dead, "cancelled", &error,
                            __FILE__, __LINE__);
            renew(member, r);
        }
        bhd_error_fini(&error);
    }
    atomic_store(&r->is_over, true);
}

static void race_member(crew_member *member)
{
    if (member->number == 0)
        call_often(member, member->shared);
    else
        cancel_at_random(member->shared);
}

static void a_call_ends_or_is_cancelled_never_both(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = patient_limits();
    race r = {.component = guest_component(host, "basic/loop.wat", &limits),
              .lock = PTHREAD_MUTEX_INITIALIZER};
    atomic_init(&r.target, guest_sandbox(r.component));
    atomic_init(&r.is_over, false);
    crew_run(2, race_member, &r);
    assert_true(r.finished + r.cancelled == (uint64_t)ROUNDS(400));
    bhd_sandbox_free(atomic_load(&r.target));
    bhd_component_free(r.component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_computing_guest_is_cancelled),
        cmocka_unit_test(commands_are_cancelled_at_work_and_asleep),
        cmocka_unit_test(between_calls_there_is_nothing_to_cancel),
        cmocka_unit_test(one_is_cancelled_and_its_neighbour_goes_on),
        cmocka_unit_test(a_call_ends_or_is_cancelled_never_both),
    };
    return cmocka_run_group_tests_name("cancel", tests, NULL, NULL);
}
