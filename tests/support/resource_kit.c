#include "support/resource_kit.h"

#include <pthread.h>
#include <stdio.h>

guest resource_guest(resource_way way, const char *source, const bhd_limits *limits,
                     bhd_imports *imports)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.imports = imports;
    options.max_stack_bytes = way == ON_A_FIBER ? MIB(4) : KIB(64);
    return guest_begin_with(&options, source, limits, NULL);
}

static void *thread_main(void *env)
{
    int (**tests)(void) = env;
    static int failures;
    failures = (*tests)();
    return &failures;
}

int resource_main(int (*tests)(void))
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *failures;
    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstacksize(&attributes, MIB(3)) != 0 ||
        pthread_create(&thread, &attributes, thread_main, &tests) != 0 ||
        pthread_join(thread, &failures) != 0)
        return 1;
    pthread_attr_destroy(&attributes);
    return *(int *)failures;
}

/* What the call came to; frees it. */
static bhd_status outcome(bhd_call *call, bhd_value *result, bhd_error *error)
{
    const bhd_value *results;
    const bhd_error *failure;
    size_t count;
    assert_true(bhd_call_wait(call, BHD_WAIT_FOREVER));
    bhd_status status = bhd_call_result(call, &results, &count, &failure);
    if (status != BHD_OK)
        (void)snprintf(error->message, sizeof error->message, "%s", failure->message);
    else if (result && count > 0)
        expect_ok(bhd_value_copy(&results[0], result, NULL), NULL);
    bhd_call_free(call);
    return status;
}

bhd_status resource_try(guest *g, resource_way way, const char *name, const bhd_value *arguments,
                        size_t count, bhd_value *result, bhd_error *error)
{
    bhd_function *function;
    *result = bhd_value_bool(false);
    bhd_status status = bhd_sandbox_function(g->sandbox, name, &function, error);
    if (status != BHD_OK)
        return status;
    if (way != SUBMITTED)
        return bhd_sandbox_call(g->sandbox, function, arguments, count, result, 1, error);
    bhd_call *call;
    status = bhd_sandbox_submit(g->sandbox, function, arguments, count, NULL, &call, error);
    return status == BHD_OK ? outcome(call, result, error) : status;
}

bhd_status resource_try_drop(guest *g, resource_way way, const bhd_value *value, bhd_error *error)
{
    if (way != SUBMITTED)
        return bhd_sandbox_drop(g->sandbox, value, error);
    bhd_call *call;
    bhd_status status = bhd_sandbox_submit_drop(g->sandbox, value, NULL, &call, error);
    return status == BHD_OK ? outcome(call, NULL, error) : status;
}

bhd_value resource_call(guest *g, resource_way way, const char *name, const bhd_value *arguments,
                        size_t count)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value result;
    expect_ok(resource_try(g, way, name, arguments, count, &result, &error), &error);
    bhd_error_fini(&error);
    return result;
}

void resource_drop(guest *g, resource_way way, bhd_value *value)
{
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(resource_try_drop(g, way, value, &error), &error);
    bhd_error_fini(&error);
    bhd_value_fini(value);
}

void resource_refused(guest *g, resource_way way, const char *message, const char *name,
                      const bhd_value *arguments, size_t count)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value result;
    expect_status(BHD_SIGNATURE_MISMATCH,
                  resource_try(g, way, name, arguments, count, &result, &error), &error);
    assert_string_equal(message, error.message);
    assert_false(bhd_sandbox_is_dead(g->sandbox));
    bhd_error_fini(&error);
}
