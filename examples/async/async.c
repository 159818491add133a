/*
 * Calls that nobody waits in: three guests are submitted at once. One has an answer, one never
 * stops and is cancelled, one is called back about and runs out of time.
 *
 *     cc async.c $(pkg-config --cflags --libs bulkhead)
 */
#include <bulkhead/bulkhead.h>
#include <stdio.h>

static const char guest[] = "(module (memory 1)\n"
                            "  (func (export \"twice\") (param $n i32) (result i32) (i32.add "
                            "(local.get $n) (local.get $n)))\n"
                            "  (func (export \"spin\") (loop $forever (br $forever))))\n";

/* On one of the host's worker threads. */
static void report(void *user_data, bhd_call *call)
{
    const bhd_error *error;
    if (bhd_call_result(call, NULL, NULL, &error) != BHD_OK)
        printf("%s: %s\n", (const char *)user_data, error->message);
}

static bhd_status submit(bhd_component *component, const char *name, const bhd_value *argument,
                         const bhd_call_options *options, bhd_sandbox **sandbox, bhd_call **call,
                         bhd_error *error)
{
    bhd_function *function;
    bhd_status status = bhd_sandbox_new(component, NULL, sandbox, error);
    if (status == BHD_OK)
        status = bhd_sandbox_function(*sandbox, name, &function, error);
    if (status == BHD_OK)
        status = bhd_sandbox_submit(*sandbox, function, argument, argument != NULL, options, call,
                                    error);
    return status;
}

static bhd_status run(bhd_component *component, bhd_error *error)
{
    bhd_sandbox *sandboxes[3] = {NULL, NULL, NULL};
    bhd_call *answer = NULL, *endless = NULL, *brief = NULL;
    bhd_value n = {.type = BHD_I32, .of.i32 = 21};
    bhd_call_options short_time = {sizeof short_time, 0.2, report, "the brief one"};
    const bhd_value *results;
    const bhd_error *account;

    bhd_status status = submit(component, "spin", NULL, NULL, &sandboxes[0], &endless, error);
    if (status == BHD_OK)
        status = submit(component, "spin", NULL, &short_time, &sandboxes[1], &brief, error);
    if (status == BHD_OK)
        status = submit(component, "twice", &n, NULL, &sandboxes[2], &answer, error);
    if (status == BHD_OK) {
        (void)bhd_call_wait(answer, BHD_WAIT_FOREVER);
        status = bhd_call_result(answer, &results, NULL, NULL);
        if (status == BHD_OK)
            printf("the answer: %d\n", results[0].of.i32);

        (void)bhd_call_wait(brief, BHD_WAIT_FOREVER); /* its callback has returned then */

        if (!bhd_call_wait(endless, 0.1))
            bhd_call_cancel(endless);
        (void)bhd_call_wait(endless, BHD_WAIT_FOREVER);
        if (bhd_call_result(endless, NULL, NULL, &account) == BHD_CANCELLED)
            printf("the endless one: %s\n", account->message);
    }
    bhd_call_free(answer);
    bhd_call_free(endless);
    bhd_call_free(brief);
    for (int i = 0; i < 3; i++)
        bhd_sandbox_free(sandboxes[i]);
    return status;
}

int main(void)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    bhd_component *component = NULL;
    bhd_component_options options = {.size = sizeof options, .name = "guest"};
    bhd_limits_builder limits = BHD_LIMITS_BUILDER_INIT;

    bhd_limits_builder_max_memory_bytes(&limits, 512 * 1024);
    bhd_status status = bhd_limits_builder_build(&limits, NULL, &options.limits, &error);
    if (status == BHD_OK)
        status = bhd_host_new(NULL, &host, &error);
    if (status == BHD_OK)
        status = bhd_component_new(host, &options, guest, sizeof guest - 1, &component, &error);
    if (status == BHD_OK)
        status = run(component, &error);
    if (status != BHD_OK)
        fprintf(stderr, "%s\n", error.message);

    bhd_component_free(component);
    bhd_host_free(host);
    bhd_error_fini(&error);
    return status == BHD_OK ? 0 : 1;
}
