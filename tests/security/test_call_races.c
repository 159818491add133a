/*
 * Calls that are cancelled, freed and outlived by everything around them, from several threads, at
 * any moment: while they wait for a worker, run, sleep, end. Each ends once, its callback comes
 * once, and the host gets everything back.
 */
#include "base/alloc.h"
#include "support/crew.h"
#include "support/submitted.h"

#include <stdatomic.h>
#include <time.h>

enum { MEMBERS = 4, KINDS = 5 };

static const char *const sources[KINDS] = {
    "component/run_loop.wat", "component/run_ok.wat", "wasi/sleep.core.wasm",
    "wasi/sleep.wasm",        "basic/loop.wat",
};
/* The one kind that ends by itself. */
#define SHORT_KIND 1

typedef struct field {
    bhd_component *components[KINDS];
    atomic_uint by_status[128];
} field;

typedef struct attempt {
    bhd_sandbox *sandbox;
    bhd_call *call;
    atomic_uint callbacks;
    bhd_status status; /* as the callback saw it */
} attempt;

static void note(void *user_data, bhd_call *call)
{
    attempt *a = user_data;
    a->status = bhd_call_result(call, NULL, NULL, NULL);
    atomic_fetch_add(&a->callbacks, 1);
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 12;
}

static void rest_a_while(unsigned *seed)
{
    const struct timespec pause = {0, (long)(next_random(seed) % 4000) * 1000};
    if (next_random(seed) % 3 != 0)
        (void)nanosleep(&pause, NULL);
}

/* Ends the call in one of the ways that there are, and the sandbox before or after it. */
static void end_somehow(attempt *a, unsigned way, bool is_short)
{
    switch (way % 6) {
    case 0:
        bhd_call_cancel(a->call);
        break;
    case 1:
        bhd_sandbox_cancel(a->sandbox);
        break;
    case 2:
        bhd_sandbox_free(a->sandbox);
        a->sandbox = NULL;
        break;
    case 3:
        bhd_call_free(a->call);
        a->call = NULL;
        break;
    case 4:
        bhd_call_cancel(a->call);
        bhd_sandbox_cancel(a->sandbox);
        bhd_sandbox_free(a->sandbox);
        a->sandbox = NULL;
        break;
    default:
        if (!is_short)
            bhd_call_cancel(a->call);
        break;
    }
    if (a->call)
        (void)bhd_call_wait(a->call, BHD_WAIT_FOREVER);
    bhd_call_free(a->call);
    bhd_sandbox_free(a->sandbox);
}

static void attempt_once(crew_member *member, field *f, unsigned *seed)
{
    attempt a = {.status = BHD_INTERNAL};
    bhd_error error = BHD_ERROR_INIT;
    unsigned kind = next_random(seed) % KINDS, way = next_random(seed);
    bool is_short = kind == SHORT_KIND;
    bhd_call_options options = {.size = sizeof options, .callback = note, .user_data = &a};
    if (!crew_check_ok(member, bhd_sandbox_new(f->components[kind], NULL, &a.sandbox, &error),
                       &error))
        return;
    if (crew_check_ok(member, bhd_sandbox_submit_run(a.sandbox, &options, &a.call, &error),
                      &error)) {
        rest_a_while(seed);
        end_somehow(&a, way, is_short);
    } else {
        bhd_sandbox_free(a.sandbox);
    }
    (void)(crew_check(member, atomic_load(&a.callbacks) == 1) &&
           crew_check(member, a.status == BHD_CANCELLED || (is_short && a.status == BHD_OK)));
    atomic_fetch_add(&f->by_status[a.status], 1);
    bhd_error_fini(&error);
}

static void race(crew_member *member)
{
    unsigned seed = member->number * 7919 + 1;
    for (int i = 0; i < ROUNDS(200) && member->failure[0] == '\0'; i++)
        attempt_once(member, member->shared, &seed);
}

static void calls_end_once_whoever_ends_them(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        uint64_t live = bhd__alloc_live();
        bhd_host_options host_options = BHD_HOST_OPTIONS_INIT;
        host_options.worker_threads = threads;
        bhd_host *host = guest_host_with(&host_options);
        bhd_limits limits = guest_limits(MIB(1));
        limits.timeout_seconds = 1000;
        static field f;
        memset(&f, 0, sizeof f);
        for (size_t i = 0; i < KINDS; i++)
            f.components[i] = guest_component(host, sources[i], &limits);
        crew_run(MEMBERS, race, &f);
        for (size_t i = 0; i < KINDS; i++)
            bhd_component_free(f.components[i]);
        expect_stats(host, 0, 0);
        bhd_host_free(host);
        assert_true(bhd__alloc_live() == live);
        assert_true(atomic_load(&f.by_status[BHD_OK]) > 0);
        assert_true(atomic_load(&f.by_status[BHD_CANCELLED]) > 0);
    }
}

/* A new sandbox, and in each tenth round of a guest a new host: the old one ends behind a race. */
static void renew(guest *g, const char *source, const bhd_limits *limits, int round)
{
    if (round / 2 % 10 != 0) {
        guest_again(g);
        return;
    }
    guest_end(g);
    *g = guest_begin(source, limits);
}

/* -- one call, many that cancel and wait --------------------------------------------------- */

typedef struct shared_call {
    bhd_call *call;
    bhd_sandbox *sandbox;
} shared_call;

static void cancel_and_wait(crew_member *member)
{
    shared_call *s = member->shared;
    if (member->number % 2 == 0)
        bhd_call_cancel(s->call);
    else
        bhd_sandbox_cancel(s->sandbox);
    (void)(crew_check(member, bhd_call_wait(s->call, BHD_WAIT_FOREVER)) &&
           crew_check(member, bhd_call_poll(s->call)) &&
           crew_check(member, bhd_call_result(s->call, NULL, NULL, NULL) == BHD_CANCELLED));
}

static void many_may_cancel_and_wait_for_one_call(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 1000;
    static const char *const files[] = {"component/run_loop.wat", "wasi/sleep.wasm"};
    guest guests[] = {guest_begin(files[0], &limits), guest_begin(files[1], &limits)};
    for (int i = 0; i < ROUNDS(20); i++) {
        guest *g = &guests[i % 2];
        shared_call s = {submitted_run(g->sandbox, NULL), g->sandbox};
        crew_run(4, cancel_and_wait, &s);
        expect_end(s.call, BHD_CANCELLED);
        renew(g, files[i % 2], &limits, i);
    }
    for (size_t i = 0; i < COUNT_OF(guests); i++)
        guest_end(&guests[i]);
}

/* -- deadline against cancellation --------------------------------------------------------- */

static void a_deadline_and_a_cancellation_have_one_winner(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 1000; /* to begin; the call has less */
    static const char *const files[] = {"component/run_loop.wat", "wasi/sleep.core.wasm"};
    guest guests[] = {guest_begin(files[0], &limits), guest_begin(files[1], &limits)};
    unsigned seed = 99, late = 0, cancelled = 0;
    for (int i = 0; i < ROUNDS(100); i++) {
        guest *g = &guests[i % 2];
        attempt a = {.status = BHD_INTERNAL};
        bhd_call_options options = {
            .size = sizeof options, .timeout_seconds = 0.01, .callback = note, .user_data = &a};
        a.call = submitted_run(g->sandbox, &options);
        const struct timespec pause = {0, 8000000 + (long)(next_random(&seed) % 6000000)};
        (void)nanosleep(&pause, NULL);
        bhd_call_cancel(a.call);
        assert_true(bhd_call_wait(a.call, BHD_WAIT_FOREVER));
        bhd_status status = bhd_call_result(a.call, NULL, NULL, NULL);
        assert_true(status == BHD_TIMEOUT || status == BHD_CANCELLED);
        assert_int_equal(status, a.status);
        assert_int_equal(1, atomic_load(&a.callbacks));
        late += status == BHD_TIMEOUT;
        cancelled += status == BHD_CANCELLED;
        bhd_call_free(a.call);
        renew(g, files[i % 2], &limits, i);
    }
    for (size_t i = 0; i < COUNT_OF(guests); i++)
        guest_end(&guests[i]);
    assert_true(late + cancelled == (unsigned)ROUNDS(100));
}

/* -- freed from everywhere ------------------------------------------------------------------ */

enum { PLACES_MAX = 32 };

/* Whoever takes a pointer out frees what it points to. */
typedef struct pool {
    bhd_component *component;
    _Atomic(bhd_sandbox *) sandboxes[PLACES_MAX];
    _Atomic(bhd_call *) calls[PLACES_MAX];
    atomic_uint seed, submitted, called_back;
} pool;

static void free_some(pool *p)
{
    unsigned seed = atomic_fetch_add(&p->seed, 2654435761u);
    for (unsigned i = next_random(&seed) % 3; i > 0; i--) {
        size_t place = next_random(&seed) % PLACES_MAX;
        if (next_random(&seed) % 2)
            bhd_sandbox_free(atomic_exchange(&p->sandboxes[place], NULL));
        else
            bhd_call_free(atomic_exchange(&p->calls[place], NULL));
    }
}

static void free_in_a_callback(void *env, bhd_call *call)
{
    pool *p = env;
    (void)call;
    free_some(p);
    atomic_fetch_add(&p->called_back, 1);
}

static void free_beneath_a_guest(void *env, bhd_invocation *invocation, const bhd_value *in,
                                 size_t count)
{
    (void)invocation;
    (void)in;
    (void)count;
    free_some(env);
}

static void fill(crew_member *member)
{
    pool *p = member->shared;
    static const char *const names[] = {"nop", "reach", "spin"};
    unsigned seed = member->number * 7919 + 1;
    for (int i = 0; i < ROUNDS(3000) && member->failure[0] == '\0'; i++) {
        size_t place = next_random(&seed) % PLACES_MAX;
        bhd_sandbox *sandbox = NULL;
        bhd_function *function = NULL;
        bhd_call *call = NULL;
        bhd_call_options options = {
            .size = sizeof options, .callback = free_in_a_callback, .user_data = p};
        const char *name = names[next_random(&seed) % 3];
        if (!crew_check(member, bhd_sandbox_new(p->component, NULL, &sandbox, NULL) == BHD_OK) ||
            !crew_check(member, bhd_sandbox_function(sandbox, name, &function, NULL) == BHD_OK))
            return;
        if (next_random(&seed) % 8 == 0 && name != names[2])
            (void)!bhd_sandbox_call(sandbox, function, NULL, 0, NULL, 0, NULL);
        if (!crew_check(member, bhd_sandbox_submit(sandbox, function, NULL, 0, &options, &call,
                                                   NULL) == BHD_OK))
            return;
        atomic_fetch_add(&p->submitted, 1);
        bhd_sandbox_free(atomic_exchange(&p->sandboxes[place], sandbox));
        bhd_call_free(atomic_exchange(&p->calls[place], call));
    }
}

static void everything_is_freed_once_wherever_it_is_freed(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        static pool p;
        uint64_t live = bhd__alloc_live();
        memset(&p, 0, sizeof p);
        const bhd_host_function reach = {sizeof reach,         "test", "reach", "func()",
                                         free_beneath_a_guest, &p,     false};
        bhd_imports *imports = NULL;
        bhd_host_options options = BHD_HOST_OPTIONS_INIT;
        expect_ok(bhd_imports_new(&imports, NULL), NULL);
        expect_ok(bhd_imports_function(imports, &reach, NULL), NULL);
        options.worker_threads = threads;
        options.imports = imports;
        bhd_host *host = guest_host_with(&options);
        bhd_imports_free(imports);
        bhd_limits limits = guest_limits(MIB(1));
        limits.timeout_seconds = 1000;
        p.component =
            guest_component(host,
                            "(module (import \"test\" \"reach\" (func $reach)) (memory 1)"
                            " (func (export \"nop\")) (func (export \"reach\") call $reach)"
                            " (func (export \"spin\") (loop br 0)))",
                            &limits);
        crew_run(MEMBERS, fill, &p);
        for (size_t i = 0; i < PLACES_MAX; i++) {
            bhd_sandbox_free(atomic_exchange(&p.sandboxes[i], NULL));
            bhd_call_free(atomic_exchange(&p.calls[i], NULL));
        }
        /* What was freed in callbacks is gone in a moment. */
        for (int i = 0; i < 100000 && (bhd__alloc_live() != live || host); i++) {
            bhd_host_stats stats;
            const struct timespec pause = {0, 1000000};
            if (host)
                bhd_host_get_stats(host, &stats, sizeof stats);
            if (host && stats.live_sandboxes == 0) {
                bhd_component_free(p.component);
                bhd_host_free(host);
                host = NULL;
            }
            (void)nanosleep(&pause, NULL);
        }
        assert_null(host);
        assert_true(bhd__alloc_live() == live);
        assert_int_equal(atomic_load(&p.submitted), atomic_load(&p.called_back));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_freed_once_wherever_it_is_freed),
        cmocka_unit_test(calls_end_once_whoever_ends_them),
        cmocka_unit_test(many_may_cancel_and_wait_for_one_call),
        cmocka_unit_test(a_deadline_and_a_cancellation_have_one_winner),
    };
    return cmocka_run_group_tests_name("call races", tests, NULL, NULL);
}
