#include "support/submitted.h"

/* A test that waits longer than this hangs. */
#define PATIENCE_SECONDS 120

bhd_call *submitted(bhd_sandbox *sandbox, const char *name, const int64_t *argument,
                    const bhd_call_options *options)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *function = NULL;
    bhd_call *call = NULL;
    bhd_value value = {.type = BHD_I64, .of.i64 = argument ? *argument : 0};
    expect_ok(bhd_sandbox_function(sandbox, name, &function, &error), &error);
    expect_ok(
        bhd_sandbox_submit(sandbox, function, &value, argument ? 1 : 0, options, &call, &error),
        &error);
    bhd_error_fini(&error);
    return call;
}

bhd_call *submitted_run(bhd_sandbox *sandbox, const bhd_call_options *options)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_call *call = NULL;
    expect_ok(bhd_sandbox_submit_run(sandbox, options, &call, &error), &error);
    bhd_error_fini(&error);
    return call;
}

void submitted_expect(bhd_call *call, bhd_status wanted, const char *file, int line)
{
    const bhd_error *error = NULL;
    if (!bhd_call_wait(call, PATIENCE_SECONDS)) {
        print_error("the call is not over\n");
        _fail(file, line);
    }
    bhd_status status = bhd_call_result(call, NULL, NULL, &error);
    guest_expect(wanted, status, error, file, line);
    if (error->code != status) {
        print_error("status %s, but its account says %s\n", bhd_status_name(status),
                    bhd_status_name(error->code));
        _fail(file, line);
    }
}
