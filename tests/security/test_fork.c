/*
 * fork in a program that has a host. Its child has none of the host's threads: whatever would enter
 * the engine is refused there at once, freeing is harmless, what needs no engine works, and so does
 * exec. The parent notices nothing.
 *
 * The program of each test is itself a child (child.h), because it makes a host and then forks.
 */
#include "support/child.h"
#include "support/process_facts.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

typedef struct everything {
    bhd_host *host;
    bhd_component *component;
    bhd_sandbox *sandbox;
    bhd_function *function;
    bhd_component *wasi;
    bhd_sandbox *sleeper;
    bhd_call *under_way;
} everything;

static everything make(void)
{
    everything e = {.host = child_host(false)};
    bhd_error error = BHD_ERROR_INIT;
    e.component = child_component(e.host, "basic/loop.wat");
    e.wasi = child_component(e.host, "wasi/sleep.wasm");
    e.sandbox = child_sandbox(e.component);
    CHECK_STATUS(BHD_OK, bhd_sandbox_function(e.sandbox, "spin", &e.function, &error), &error);
    e.sleeper = child_sandbox(e.wasi);
    CHECK_STATUS(BHD_OK, bhd_sandbox_submit_run(e.sleeper, NULL, &e.under_way, &error), &error);
    return e;
}

static void free_all(everything *e)
{
    bhd_sandbox_free(e->sandbox);
    bhd_sandbox_free(e->sleeper);
    bhd_call_free(e->under_way);
    bhd_component_free(e->component);
    bhd_component_free(e->wasi);
    bhd_host_free(e->host);
}

#define REFUSED(call)                                                                              \
    do {                                                                                           \
        bhd_error refused_ = BHD_ERROR_INIT;                                                       \
        bhd_error *error = &refused_;                                                              \
        CHECK_STATUS(BHD_NOT_SUPPORTED, (call), error);                                            \
        CHECK(strstr(error->message, "child of fork"));                                            \
        bhd_error_fini(error);                                                                     \
    } while (0)

/* Each of these would hang or run without a deadline, were it not refused. */
static void in_the_child(const everything *e)
{
    bhd_limits limits = guest_limits(MIB(1));
    bhd_host *host = NULL;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    bhd_function *function = NULL;
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_call *call = NULL;
    uint8_t byte = 0;
    int exit_code = -1;
    REFUSED(bhd_sandbox_submit(e->sandbox, e->function, NULL, 0, NULL, &call, error));
    REFUSED(bhd_sandbox_submit_run(e->sleeper, NULL, &call, error));
    CHECK(!call && !bhd_call_poll(e->under_way));
    CHECK(!bhd_call_wait(e->under_way, BHD_WAIT_FOREVER));
    CHECK(bhd_call_result(e->under_way, NULL, NULL, NULL) == BHD_INVALID_ARGUMENT);
    bhd_call_cancel(e->under_way);
    bhd_sandbox_cancel(e->sleeper);
    REFUSED(bhd_host_new(NULL, &host, error));
    REFUSED(guest_try_component(e->host, "(module)", &limits, &component, error));
    REFUSED(guest_try_component(e->host, "basic/add.wat", &limits, &component, error));
    REFUSED(bhd_inspect(e->host, "(module)", 8, &inspection, error));
    REFUSED(bhd_sandbox_new(e->component, NULL, &sandbox, error));
    REFUSED(bhd_sandbox_new(e->wasi, NULL, &sandbox, error));
    REFUSED(bhd_sandbox_function(e->sandbox, "count", &function, error));
    REFUSED(bhd_sandbox_call(e->sandbox, e->function, NULL, 0, NULL, 0, error));
    REFUSED(bhd_sandbox_run(e->sandbox, &exit_code, error));
    REFUSED(bhd_sandbox_read(e->sandbox, NULL, 0, &byte, 1, error));
    REFUSED(bhd_sandbox_write(e->sandbox, NULL, 0, &byte, 1, error));
    CHECK(!host && !component && !sandbox && !function && exit_code == -1);
}

static void what_needs_no_engine_works(const everything *e)
{
    bhd_memory_metrics metrics;
    bhd_host_stats stats;
    bhd_error error = BHD_ERROR_INIT;
    bhd_limiter *limiter = NULL;
    bhd_limits limits = guest_limits(MIB(1));
    bhd_sandbox_metrics(e->sandbox, &metrics);
    CHECK(metrics.current_bytes == PAGE && metrics.max_bytes == MIB(1));
    bhd_host_get_stats(e->host, &stats, sizeof stats);
    CHECK(stats.live_sandboxes == 2 && stats.slots == 0);
    CHECK(!bhd_sandbox_is_dead(e->sandbox));
    CHECK(strcmp(bhd_component_name(e->component), "guest") == 0);
    CHECK_STATUS(BHD_OK, bhd_limiter_new(&limits, NULL, &limiter, &error), &error);
    bhd_limiter_free(limiter);
}

static int end_of(pid_t child)
{
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void parent_goes_on(everything *e)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value result;
    CHECK_STATUS(BHD_OK, guest_call(e->sandbox, &error, &result, "count", INT64_C(1000)), &error);
    CHECK(result.of.i64 == 1000);
    free_all(e);
}

static void forks(void *env)
{
    (void)env;
    everything e = make();
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            (void)alarm(60);
            in_the_child(&e);
            what_needs_no_engine_works(&e);
            /* A child of the child is no better off. */
            child = fork();
            if (child == 0)
                in_the_child(&e);
            else
                CHECK(end_of(child) == 0);
            free_all(&e);
            _exit(0);
        }
        CHECK(end_of(child) == 0);
    }
    parent_goes_on(&e);
}

static void a_host_is_refused_in_a_child(void **state)
{
    (void)state;
    child_succeeds(forks, NULL);
}

/* -- while other threads hold every lock there is --------------------------------------------- */

static atomic_bool stop;

static void *busy(void *env)
{
    everything *e = env;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        bhd_sandbox_free(child_sandbox(e->component));
        bhd_component_free(child_component(e->host, "(module (memory 1))"));
    }
    return NULL;
}

static void forks_while_busy(void *env)
{
    (void)env;
    everything e = make();
    pthread_t threads[3];
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, busy, &e) == 0);
    for (int i = 0; i < (BHD_TESTS_SANITIZED ? 10 : 100); i++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            (void)alarm(60);
            in_the_child(&e);
            free_all(&e);
            _exit(0);
        }
        CHECK(end_of(child) == 0);
    }
    atomic_store_explicit(&stop, true, memory_order_relaxed);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    parent_goes_on(&e);
}

static void a_child_never_waits_for_a_lock_of_its_parent(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it does not follow fork in a program with threads */
#endif
    child_succeeds(forks_while_busy, NULL);
}

/* -- exec and exit ---------------------------------------------------------------------------- */

static void executes(void *env)
{
    (void)env;
    everything e = make();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    CHECK(end_of(child) == 0);
    CHECK(system("exit 7") >= 0);
#ifndef __SANITIZE_ADDRESS__ /* it would look for leaks, and nothing can be freed there */
    /* An ordinary exit runs everything that was registered for it. */
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)alarm(60);
        exit(3);
    }
    CHECK(end_of(child) == 3);
#endif
    parent_goes_on(&e);
}

static void exec_and_exit_work_in_a_child(void **state)
{
    (void)state;
    child_succeeds(executes, NULL);
}

/* -- a host made after fork ------------------------------------------------------------------- */

static void first_host(void *env)
{
    (void)env;
    pid_t child = fork();
    CHECK(child >= 0);
    everything e = make();
    parent_goes_on(&e);
    if (child == 0)
        _exit(0);
    CHECK(end_of(child) == 0);
}

static void a_child_may_make_the_first_host(void **state)
{
    (void)state;
    child_succeeds(first_host, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_refused_in_a_child),
        cmocka_unit_test(a_child_never_waits_for_a_lock_of_its_parent),
        cmocka_unit_test(exec_and_exit_work_in_a_child),
        cmocka_unit_test(a_child_may_make_the_first_host),
    };
    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
