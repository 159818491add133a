/*
 * What time costs and what it buys, through the public API alone: how long after its deadline or
 * its cancellation a guest is gone, by what it does; how fair worker threads are; how soon a short
 * request is answered among guests that never stop; what a call costs by kind.
 */
#include "bulkhead/bulkhead.h"
#include "support/machine.h"
#include "support/samples.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define MS 1e6

static _Noreturn void give_up(const char *what, const bhd_error *error)
{
    fprintf(stderr, "time: %s: %s\n", what, error ? error->message : "failed");
    exit(1);
}

static void check(bhd_status status, const char *what, const bhd_error *error)
{
    if (status != BHD_OK)
        give_up(what, error);
}

/* -- guests -------------------------------------------------------------------------------- */

static const char yields[] =
    "(module (import \"wasi_snapshot_preview1\" \"sched_yield\" (func $y (result i32)))"
    " (memory (export \"memory\") 1)"
    " (func (export \"_start\") (loop $l (drop (call $y)) (br $l))))";
/* Counts its turns where the host can read them at any time: as refused growths. */
static const char refused[] = "(module (memory 1) (func (export \"_start\")"
                              " (loop $l (drop (memory.grow (i32.const 65535))) (br $l))))";
static const char waits_in_the_host[] =
    "(module (import \"wasi_snapshot_preview1\" \"sched_yield\" (func (result i32)))"
    " (memory 1) (func (export \"count\") (param i64) (result i64) (local.get 0)))";

static bhd_host *host_with(uint32_t threads)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.worker_threads = threads;
    options.max_sandboxes = 2000;
    check(bhd_host_new(&options, &host, &error), "host", &error);
    return host;
}

static bhd_component *component_of(bhd_host *host, const char *source, double timeout)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component;
    bhd_component_options options = {.size = sizeof options, .name = "guest"};
    bhd_limits_builder limits = BHD_LIMITS_BUILDER_INIT;
    bhd_limits_builder_max_memory_bytes(&limits, 1 << 20);
    check(bhd_limits_builder_build(&limits, NULL, &options.limits, &error), "limits", &error);
    options.limits.timeout_seconds = timeout;
    if (source[0] == '(') {
        check(bhd_component_new(host, &options, source, strlen(source), &component, &error), source,
              &error);
    } else {
        char path[1024];
        snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, source);
        check(bhd_component_load_file(host, path, &options, &component, &error), path, &error);
    }
    return component;
}

static bhd_sandbox *sandbox_of(bhd_component *component)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox;
    check(bhd_sandbox_new(component, NULL, &sandbox, &error), "sandbox", &error);
    return sandbox;
}

static bhd_call *run(bhd_sandbox *sandbox)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_call *call;
    check(bhd_sandbox_submit_run(sandbox, NULL, &call, &error), "submit", &error);
    return call;
}

static bhd_function *function_of(bhd_sandbox *sandbox, const char *name)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *function;
    check(bhd_sandbox_function(sandbox, name, &function, &error), name, &error);
    return function;
}

static bhd_call *count(bhd_sandbox *sandbox, const bhd_function *function, int64_t n)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_call *call;
    bhd_value value = {.type = BHD_I64, .of.i64 = n};
    check(bhd_sandbox_submit(sandbox, function, &value, 1, NULL, &call, &error), "submit", &error);
    return call;
}

static void expect(bhd_call *call, bhd_status wanted)
{
    const bhd_error *error;
    (void)bhd_call_wait(call, BHD_WAIT_FOREVER);
    if (bhd_call_result(call, NULL, NULL, &error) != wanted)
        give_up("a call came to something else", error);
}

static void rest(double ns)
{
    struct timespec pause = {(time_t)(ns / 1e9), (long)ns % 1000000000};
    (void)nanosleep(&pause, NULL);
}

/* -- time to stop -------------------------------------------------------------------------- */

#define TIMEOUT 0.05
#define STOPS 40

typedef struct stop_case {
    const char *title, *source;
} stop_case;

static const stop_case stop_cases[] = {
    {"computes (module)", "basic/loop.wat"},
    {"computes (component)", "component/run_loop.wat"},
    {"is refused growths", refused},
    {"calls the host in a loop", yields},
    {"sleeps an hour (preview 1)", "wasi/sleep.core.wasm"},
    {"sleeps an hour (WASI 0.2)", "wasi/sleep.wasm"},
};

static double late_synchronous(bhd_sandbox *sandbox)
{
    bhd_error error = BHD_ERROR_INIT;
    int exit_code;
    double began = machine_now_ns();
    bhd_status status = bhd_sandbox_run(sandbox, &exit_code, &error);
    double took = machine_now_ns() - began;
    if (status != BHD_TIMEOUT)
        give_up("a run did not end at its deadline", &error);
    bhd_error_fini(&error);
    return took - TIMEOUT * 1e9;
}

static double late_submitted(bhd_sandbox *sandbox)
{
    double began = machine_now_ns();
    bhd_call *call = run(sandbox);
    expect(call, BHD_TIMEOUT);
    double took = machine_now_ns() - began;
    bhd_call_free(call);
    return took - TIMEOUT * 1e9;
}

static double until_cancelled(bhd_sandbox *sandbox, int number)
{
    bhd_call *call = run(sandbox);
    rest((5 + 0.7 * (number % 11)) * MS); /* not in step with the ticks */
    double began = machine_now_ns();
    bhd_call_cancel(call);
    expect(call, BHD_CANCELLED);
    double took = machine_now_ns() - began;
    bhd_call_free(call);
    return took;
}

static void print_times(const samples *times)
{
    summary s = samples_summary(times);
    printf("  %7.2f (%5.2f to %6.2f)", s.median / MS, s.minimum / MS, s.maximum / MS);
}

static void time_to_stop(void)
{
    printf("\nTIME TO STOP, in ms: the median, and the shortest to the longest of %d\n\n", STOPS);
    printf("%-28s  %24s  %24s  %24s\n", "the guest", "after its deadline", "the same, submitted",
           "after bhd_call_cancel");
    bhd_host *host = host_with(2);
    for (size_t i = 0; i < LENGTH(stop_cases); i++) {
        static samples direct, submitted, cancelled;
        direct.count = submitted.count = cancelled.count = 0;
        bhd_component *brief = component_of(host, stop_cases[i].source, TIMEOUT);
        bhd_component *patient = component_of(host, stop_cases[i].source, 1000);
        for (int n = 0; n < STOPS; n++) {
            bhd_sandbox *a = sandbox_of(brief), *b = sandbox_of(brief), *c = sandbox_of(patient);
            samples_add(&direct, late_synchronous(a));
            samples_add(&submitted, late_submitted(b));
            samples_add(&cancelled, until_cancelled(c, n));
            bhd_sandbox_free(a);
            bhd_sandbox_free(b);
            bhd_sandbox_free(c);
        }
        printf("%-28s", stop_cases[i].title);
        print_times(&direct);
        print_times(&submitted);
        print_times(&cancelled);
        printf("\n");
        bhd_component_free(brief);
        bhd_component_free(patient);
    }
    bhd_host_free(host);
}

/* -- fairness ------------------------------------------------------------------------------ */

#define SPINNERS 50

typedef struct crowd {
    bhd_component *component;
    bhd_sandbox *sandboxes[SPINNERS];
    bhd_call *calls[SPINNERS];
} crowd;

static void crowd_begin(crowd *c, bhd_host *host, size_t size)
{
    memset(c, 0, sizeof *c);
    c->component = component_of(host, refused, 1000);
    for (size_t i = 0; i < size; i++) {
        c->sandboxes[i] = sandbox_of(c->component);
        c->calls[i] = run(c->sandboxes[i]);
    }
}

static void crowd_end(crowd *c)
{
    for (size_t i = 0; i < SPINNERS && c->calls[i]; i++)
        bhd_call_cancel(c->calls[i]);
    for (size_t i = 0; i < SPINNERS && c->calls[i]; i++) {
        bhd_call_free(c->calls[i]);
        bhd_sandbox_free(c->sandboxes[i]);
    }
    bhd_component_free(c->component);
}

static uint64_t turns_of(const bhd_sandbox *sandbox)
{
    bhd_memory_metrics metrics;
    bhd_sandbox_metrics(sandbox, &metrics);
    return metrics.denied_count;
}

static void fairness(double seconds)
{
    bhd_host *host = host_with(2);
    crowd c;
    uint64_t before[SPINNERS], all = 0;
    double least = 100, most = 0;
    crowd_begin(&c, host, SPINNERS);
    rest(1e9);
    for (size_t i = 0; i < SPINNERS; i++)
        before[i] = turns_of(c.sandboxes[i]);
    rest(seconds * 1e9);
    for (size_t i = 0; i < SPINNERS; i++) {
        before[i] = turns_of(c.sandboxes[i]) - before[i];
        all += before[i];
    }
    for (size_t i = 0; i < SPINNERS; i++) {
        double share = 100.0 * (double)before[i] / (double)all;
        least = share < least ? share : least;
        most = share > most ? share : most;
    }
    printf("\nFAIRNESS: %d guests that never stop, 2 workers, %g seconds\n\n", SPINNERS, seconds);
    printf("the share of each: %.2f %% to %.2f %% (%.2f %% would be equal)\n", least, most,
           100.0 / SPINNERS);
    crowd_end(&c);
    bhd_host_free(host);
}

/* -- a short request ----------------------------------------------------------------------- */

static int64_t rounds_of_one_ms(bhd_sandbox *sandbox, const bhd_function *function)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value n = {.type = BHD_I64, .of.i64 = 10000000}, result;
    double best = 1e18;
    for (int i = 0; i < 9; i++) {
        double began = machine_now_ns();
        check(bhd_sandbox_call(sandbox, function, &n, 1, &result, 1, &error), "count", &error);
        double took = machine_now_ns() - began;
        best = took < best ? took : best;
    }
    return (int64_t)((double)n.of.i64 * MS / best);
}

static void requests_among(const char *title, bhd_host *host, bhd_component *component, int64_t n)
{
    static samples times;
    times.count = 0;
    for (int i = 0; i < 100; i++) {
        bhd_sandbox *sandbox = sandbox_of(component);
        const bhd_function *function = function_of(sandbox, "count");
        double began = machine_now_ns();
        bhd_call *call = count(sandbox, function, n);
        expect(call, BHD_OK);
        samples_add(&times, machine_now_ns() - began);
        bhd_call_free(call);
        bhd_sandbox_free(sandbox);
    }
    (void)host;
    printf("%-44s", title);
    print_times(&times);
    printf("\n");
}

static void short_requests(void)
{
    bhd_host *host = host_with(2);
    bhd_component *component = component_of(host, "basic/loop.wat", 1000);
    bhd_sandbox *first = sandbox_of(component);
    int64_t n = rounds_of_one_ms(first, function_of(first, "count"));
    crowd c;
    printf("\nREQUESTS of 1 ms of work, 2 workers; until they are answered, in ms\n\n");
    requests_among("alone", host, component, n);
    crowd_begin(&c, host, 2);
    requests_among("beside 2 guests that never stop", host, component, n);
    crowd_end(&c);
    crowd_begin(&c, host, SPINNERS);
    requests_among("beside 50 guests that never stop", host, component, n);
    crowd_end(&c);

    enum { SLEEPERS = 1000 };
    static bhd_sandbox *asleep[SLEEPERS];
    static bhd_call *calls[SLEEPERS];
    bhd_component *sleep = component_of(host, "wasi/sleep.core.wasm", 1000);
    crowd_begin(&c, host, 1);
    rest(0.2e9);
    uint64_t alone = turns_of(c.sandboxes[0]);
    rest(1e9);
    alone = turns_of(c.sandboxes[0]) - alone;
    for (size_t i = 0; i < SLEEPERS; i++) {
        asleep[i] = sandbox_of(sleep);
        calls[i] = run(asleep[i]);
    }
    rest(0.2e9);
    uint64_t beside = turns_of(c.sandboxes[0]);
    rest(1e9);
    beside = turns_of(c.sandboxes[0]) - beside;
    requests_among("beside 1,000 that sleep and 1 that never stops", host, component, n);
    printf("\nthe one that never stops did %.0f %% of what it does without the 1,000\n",
           100.0 * (double)beside / (double)alone);
    double began = machine_now_ns();
    for (size_t i = 0; i < SLEEPERS; i++)
        bhd_call_cancel(calls[i]);
    for (size_t i = 0; i < SLEEPERS; i++)
        expect(calls[i], BHD_CANCELLED);
    printf("cancelling the 1,000 took %.1f ms\n", (machine_now_ns() - began) / MS);
    for (size_t i = 0; i < SLEEPERS; i++) {
        bhd_call_free(calls[i]);
        bhd_sandbox_free(asleep[i]);
    }
    crowd_end(&c);
    bhd_component_free(sleep);
    bhd_sandbox_free(first);
    bhd_component_free(component);
    bhd_host_free(host);
}

/* -- the cost of a call -------------------------------------------------------------------- */

typedef struct chain {
    bhd_sandbox *sandbox;
    const bhd_function *function;
    int left;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} chain;

static void next_in_chain(void *user_data, bhd_call *call)
{
    chain *c = user_data;
    bhd_error error = BHD_ERROR_INIT;
    bhd_call_options options = {.size = sizeof options, .callback = next_in_chain, .user_data = c};
    bhd_value value = {.type = BHD_I64, .of.i64 = 0};
    bhd_call_free(call);
    if (--c->left > 0) {
        check(bhd_sandbox_submit(c->sandbox, c->function, &value, 1, &options, &call, &error),
              "submit", &error);
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->left = -1;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

#define CALLS 2000

static double direct_calls(bhd_sandbox *sandbox, const bhd_function *function)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value n = {.type = BHD_I64, .of.i64 = 0}, result;
    double began = machine_now_ns();
    for (int i = 0; i < CALLS; i++)
        check(bhd_sandbox_call(sandbox, function, &n, 1, &result, 1, &error), "count", &error);
    return (machine_now_ns() - began) / CALLS;
}

static double submitted_calls(bhd_sandbox *sandbox, const bhd_function *function)
{
    double began = machine_now_ns();
    for (int i = 0; i < CALLS; i++) {
        bhd_call *call = count(sandbox, function, 0);
        (void)bhd_call_wait(call, BHD_WAIT_FOREVER);
        bhd_call_free(call);
    }
    return (machine_now_ns() - began) / CALLS;
}

static double chained_calls(bhd_sandbox *sandbox, const bhd_function *function)
{
    bhd_error error = BHD_ERROR_INIT;
    chain c = {sandbox, function, CALLS, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER};
    bhd_call_options options = {.size = sizeof options, .callback = next_in_chain, .user_data = &c};
    bhd_value value = {.type = BHD_I64, .of.i64 = 0};
    bhd_call *call;
    double began = machine_now_ns();
    check(bhd_sandbox_submit(sandbox, function, &value, 1, &options, &call, &error), "submit",
          &error);
    pthread_mutex_lock(&c.lock);
    while (c.left >= 0)
        pthread_cond_wait(&c.changed, &c.lock);
    pthread_mutex_unlock(&c.lock);
    return (machine_now_ns() - began) / CALLS;
}

static void print_cost(const char *title, const samples *times)
{
    summary s = samples_summary(times);
    printf("%-52s  %8.0f (%.0f to %.0f)\n", title, s.median, s.minimum, s.maximum);
}

static void call_costs(void)
{
    static samples direct, fiber, submitted, chained;
    bhd_host *host = host_with(1);
    bhd_component *plain = component_of(host, "basic/loop.wat", 30);
    bhd_component *waiting = component_of(host, waits_in_the_host, 30);
    bhd_sandbox *a = sandbox_of(plain), *b = sandbox_of(waiting);
    for (int i = 0; i < 31; i++) {
        samples_add(&direct, direct_calls(a, function_of(a, "count")));
        samples_add(&fiber, direct_calls(b, function_of(b, "count")));
        samples_add(&submitted, submitted_calls(a, function_of(a, "count")));
        samples_add(&chained, chained_calls(a, function_of(a, "count")));
    }
    printf("\nCOST OF A CALL, in ns: the median, and the least to the most of 31\n\n");
    print_cost("bhd_sandbox_call, no imports (direct)", &direct);
    print_cost("bhd_sandbox_call, imports WASI (on a fiber)", &fiber);
    print_cost("bhd_sandbox_submit from the callback of the last one", &chained);
    print_cost("bhd_sandbox_submit and bhd_call_wait", &submitted);
    bhd_sandbox_free(a);
    bhd_sandbox_free(b);
    bhd_component_free(plain);
    bhd_component_free(waiting);
    bhd_host_free(host);
}

int main(void)
{
    machine m;
    machine_describe(&m);
    printf("Bulkhead %s, %s; %s, %ld processors (%s)\n", bhd_version(), bhd_engine_version(),
           m.kernel, m.processors, m.processor);
    call_costs();
    time_to_stop();
    fairness(10);
    short_requests();
    return 0;
}
