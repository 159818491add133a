/*
 * A function of the host that answers later: guests ask for pages that a slow disk has. While they
 * wait, they hold no thread; the disk, a thread of this program, answers each when it has the page.
 *
 *     cc deferred.c $(pkg-config --cflags --libs bulkhead) -pthread
 */
#include <bulkhead/bulkhead.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

enum { GUESTS = 3 };

static const char guest[] =
    "(module (import \"disk\" \"load\" (func $load (param i32) (result i32)))\n"
    "  (func (export \"read\") (param i32) (result i32)\n"
    "    (i32.add (call $load (local.get 0)) (i32.const 1))))\n";

/* What was asked for and is not answered yet. */
typedef struct disk {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bhd_invocation *asked[GUESTS];
    int32_t pages[GUESTS];
    size_t count;
} disk;

/* On a worker thread of the host, which must not be kept waiting. */
static void load(void *user_data, bhd_invocation *invocation, const bhd_value *arguments,
                 size_t count)
{
    disk *d = user_data;
    bhd_error error = BHD_ERROR_INIT;
    (void)count;
    if (bhd_invocation_defer(invocation, &error) != BHD_OK) {
        bhd_invocation_fail(invocation, error.message);
        bhd_error_fini(&error);
        return;
    }
    pthread_mutex_lock(&d->lock);
    d->pages[d->count] = arguments[0].of.i32;
    d->asked[d->count++] = invocation;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void *answer_all(void *env)
{
    disk *d = env;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < GUESTS; i++) {
        while (d->count == i)
            pthread_cond_wait(&d->changed, &d->lock);
        nanosleep(&(struct timespec){0, 10000000}, NULL); /* the disk turns */
        bhd_value page = bhd_value_i32(d->pages[i] * 100);
        if (bhd_invocation_return(d->asked[i], &page, 1, NULL) != BHD_OK)
            bhd_invocation_fail(d->asked[i], "the disk is broken");
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

static bhd_status provide(bhd_imports **imports, disk *d, bhd_error *error)
{
    const bhd_host_function function = {
        .size = sizeof function,
        .interface = "disk",
        .name = "load",
        .type = "func(page: i32) -> i32",
        .callback = load,
        .user_data = d,
        .may_wait = true,
    };
    bhd_status status = bhd_imports_new(imports, error);
    return status == BHD_OK ? bhd_imports_function(*imports, &function, error) : status;
}

static bhd_status submit(bhd_component *component, int32_t page, bhd_sandbox **sandbox,
                         bhd_call **call, bhd_error *error)
{
    bhd_function *read;
    bhd_value argument = bhd_value_i32(page);
    bhd_status status = bhd_sandbox_new(component, NULL, sandbox, error);
    if (status == BHD_OK)
        status = bhd_sandbox_function(*sandbox, "read", &read, error);
    if (status == BHD_OK)
        status = bhd_sandbox_submit(*sandbox, read, &argument, 1, NULL, call, error);
    return status;
}

int main(void)
{
    static disk d = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    bhd_imports *imports = NULL;
    bhd_component *component = NULL;
    bhd_sandbox *sandboxes[GUESTS] = {NULL};
    bhd_call *calls[GUESTS] = {NULL};
    bhd_host_options host_options = BHD_HOST_OPTIONS_INIT;
    bhd_component_options options = {.size = sizeof options, .name = "reader"};
    host_options.worker_threads = 1; /* is enough: who waits holds none */

    bhd_limits_builder limits = BHD_LIMITS_BUILDER_INIT;
    bhd_limits_builder_max_memory_bytes(&limits, BHD_MIN_MEMORY_BYTES);
    bhd_status status = bhd_limits_builder_build(&limits, NULL, &options.limits, &error);
    if (status == BHD_OK)
        status = provide(&imports, &d, &error);
    options.imports = imports;
    if (status == BHD_OK)
        status = bhd_host_new(&host_options, &host, &error);
    if (status == BHD_OK)
        status = bhd_component_new(host, &options, guest, sizeof guest - 1, &component, &error);
    for (int32_t i = 0; status == BHD_OK && i < GUESTS; i++)
        status = submit(component, i + 1, &sandboxes[i], &calls[i], &error);
    if (status == BHD_OK && pthread_create(&thread, NULL, answer_all, &d) == 0) {
        for (int i = 0; i < GUESTS; i++) {
            const bhd_value *results;
            (void)bhd_call_wait(calls[i], BHD_WAIT_FOREVER);
            if (bhd_call_result(calls[i], &results, NULL, NULL) == BHD_OK)
                printf("page %d: %d\n", i + 1, results[0].of.i32);
        }
        pthread_join(thread, NULL);
    }
    if (status != BHD_OK)
        fprintf(stderr, "%s\n", error.message);
    for (int i = 0; i < GUESTS; i++) {
        bhd_call_free(calls[i]);
        bhd_sandbox_free(sandboxes[i]);
    }
    bhd_component_free(component);
    bhd_host_free(host);
    bhd_imports_free(imports);
    bhd_error_fini(&error);
    return status == BHD_OK ? 0 : 1;
}
