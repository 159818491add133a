/*
 * Threads that cannot be started: the clock of a host, the compiler's pool, WASI's runtime, a stack
 * to compile on. Each is an error that is gone at the next try, and never the end of the process.
 * And the clock, once it runs, takes none of the program's signals.
 *
 * Everything runs in children (child.h): what is started once in a process has to be started in
 * each test.
 */
#include "support/child.h"
#include "support/process_facts.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Threads that may live besides those that did when this was set; below 0: any number. */
static atomic_int allowed = -1;
static atomic_int live, refused;

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

typedef struct started {
    void *(*body)(void *env);
    void *env;
} started;

static void *counted(void *env)
{
    started s = *(started *)env;
    free(env);
    void *result = s.body(s.env);
    atomic_fetch_sub(&live, 1);
    return result;
}

/* Visible to the engine too, which is a shared library here. */
__attribute__((visibility("default"))) int pthread_create(pthread_t *thread,
                                                          const pthread_attr_t *attributes,
                                                          void *(*body)(void *), void *env)
{
    void *next = dlsym(RTLD_NEXT, "pthread_create");
    create_function *create;
    memcpy(&create, &next, sizeof create);
    int most = atomic_load(&allowed);
    if (atomic_fetch_add(&live, 1) >= most && most >= 0) {
        atomic_fetch_sub(&live, 1);
        atomic_fetch_add(&refused, 1);
        return EAGAIN;
    }
    started *s = malloc(sizeof *s);
    CHECK(s);
    *s = (started){body, env};
    return create(thread, attributes, counted, s);
}

static void allow(int count)
{
    atomic_store(&allowed, count < 0 ? count : count + atomic_load(&live));
}

static void no_capacity(bhd_status status, bhd_error *error, const char *part)
{
    CHECK_STATUS(BHD_NO_CAPACITY, status, error);
    CHECK(strstr(error->message, part));
    bhd_error_fini(error);
}

/* -- the clock ------------------------------------------------------------------------------- */

static void without_a_clock(void *env)
{
    (void)env;
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, "basic/loop.wat");
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    allow(0);
    for (int i = 0; i < 3; i++) {
        no_capacity(bhd_sandbox_new(component, NULL, &sandbox, &error), &error,
                    "the thread that watches deadlines cannot be started");
        CHECK(sandbox == NULL && atomic_load(&refused) == i + 1);
    }
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    CHECK(stats.live_sandboxes == 0 && stats.slots_in_use == 0);
    allow(-1);
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 0.1;
    bhd_component *brief = NULL;
    CHECK_STATUS(BHD_OK, guest_try_component(host, "basic/loop.wat", &limits, &brief, &error),
                 &error);
    child_call_ends(brief, BHD_TIMEOUT, "spin");
    bhd_component_free(brief);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void without_a_clock_there_is_no_sandbox(void **state)
{
    (void)state;
    child_succeeds(without_a_clock, NULL);
}

/* The signals that each thread blocks, out of /proc; the threads' numbers differ by run. */
static unsigned threads_that_block_everything(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks);
    for (struct dirent *task = readdir(tasks); task; task = readdir(tasks)) {
        char path[sizeof "/proc/self/task//status" + sizeof task->d_name], line[256];
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        unsigned long long blocked = 0;
        while (fgets(line, sizeof line, file))
            if (sscanf(line, "SigBlk: %llx", &blocked) == 1)
                break;
        fclose(file);
        /* All but SIGKILL, SIGSTOP and the two that the C library keeps for itself. */
        count += (blocked | UINT64_C(0x180040100)) == UINT64_MAX;
    }
    closedir(tasks);
    return count;
}

/* A thread is in /proc a moment before it blocks anything, and a moment after it was joined. */
static void await_blocking_threads(unsigned wanted)
{
    double began = process_seconds();
    while (threads_that_block_everything() != wanted) {
        CHECK(process_seconds() - began < 20);
        (void)usleep(1000);
    }
}

static void *nothing(void *env)
{
    return env;
}

/* A sanitizer may start one of its own with the first that the program starts. */
static void start_first_thread(void)
{
    pthread_t first;
    CHECK(pthread_create(&first, NULL, nothing, NULL) == 0);
    CHECK(pthread_join(first, NULL) == 0);
}

static void with_a_clock(void *env)
{
    (void)env;
    start_first_thread();
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, "basic/loop.wat");
    unsigned before = threads_that_block_everything();
    bhd_sandbox *sandbox = child_sandbox(component);
    await_blocking_threads(before + 1);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
    await_blocking_threads(before);
}

static void the_clock_takes_no_signal(void **state)
{
    (void)state;
    child_succeeds(with_a_clock, NULL);
}

/* -- the engine's own threads ------------------------------------------------------------------ */

/* With 0, 1, 2, ... threads until it works: every place where one may fail. */
static void compile_with_few_threads(void *env)
{
    bhd_limits limits = guest_limits(MIB(1));
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_host *host = child_host(false);
    allow(*(int *)env);
    bhd_status status = guest_try_component(host, "basic/grow.wat", &limits, &component, &error);
    if (status != BHD_OK)
        CHECK_STATUS(BHD_NO_CAPACITY, status, &error);
    bhd_error_fini(&error);
    allow(-1);
    if (status != BHD_OK)
        component = child_component(host, "basic/grow.wat");
    bhd_sandbox *sandbox = child_sandbox(component);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void compiling_without_threads_is_no_capacity(void **state)
{
    (void)state;
    for (int threads = 0; threads < 6; threads++)
        child_succeeds(compile_with_few_threads, &threads);
}

static void run_with_few_threads(void *env)
{
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, "wasi/print.wasm");
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    int exit_code = -1;
    allow(*(int *)env);
    bhd_status status = bhd_sandbox_new(component, NULL, &sandbox, &error);
    if (status == BHD_OK)
        status = bhd_sandbox_run(sandbox, &exit_code, &error);
    if (status != BHD_OK)
        CHECK_STATUS(BHD_NO_CAPACITY, status, &error);
    bhd_error_fini(&error);
    allow(-1);
    bhd_sandbox_free(sandbox);
    sandbox = child_sandbox(component);
    CHECK_STATUS(BHD_OK, bhd_sandbox_run(sandbox, &exit_code, &error), &error);
    CHECK(exit_code == 0);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void running_without_threads_is_no_capacity(void **state)
{
    (void)state;
    for (int threads = 0; threads < 6; threads++)
        child_succeeds(run_with_few_threads, &threads);
}

/* -- files ------------------------------------------------------------------------------------- */

static void run_with_few_files(void *env)
{
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, "wasi/print.wasm");
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    struct rlimit limit, few;
    int next = dup(0);
    CHECK(next >= 0 && close(next) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    few = limit;
    few.rlim_cur = (rlim_t)(next + *(int *)env);
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    bhd_status status = bhd_sandbox_new(component, NULL, &sandbox, &error);
    int exit_code = -1;
    if (status != BHD_OK)
        no_capacity(status, &error, "files of WASI's runtime");
    else
        CHECK_STATUS(BHD_OK, bhd_sandbox_run(sandbox, &exit_code, &error), &error);
    CHECK(status == BHD_OK || *(int *)env < 8);
    bhd_sandbox_free(sandbox);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    sandbox = child_sandbox(component);
    CHECK_STATUS(BHD_OK, bhd_sandbox_run(sandbox, &exit_code, &error), &error);
    CHECK(exit_code == 0);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void running_without_files_is_no_capacity(void **state)
{
    (void)state;
    for (int files = 0; files < 10; files++)
        child_succeeds(run_with_few_files, &files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_clock_there_is_no_sandbox),
        cmocka_unit_test(the_clock_takes_no_signal),
        cmocka_unit_test(compiling_without_threads_is_no_capacity),
        cmocka_unit_test(running_without_threads_is_no_capacity),
        cmocka_unit_test(running_without_files_is_no_capacity),
    };
    return cmocka_run_group_tests_name("thread_failures", tests, NULL, NULL);
}
