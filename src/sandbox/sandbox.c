/*
 * One guest's life: a place in the host, a limiter, an instance, and calls until it ends.
 */
#include "bulkhead/sandbox.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/sized.h"
#include "engine/run/cancel.h"
#include "engine/run/command.h"
#include "engine/run/core_exports.h"
#include "engine/run/denied.h"
#include "engine/run/exports.h"
#include "engine/run/reentry.h"
#include "engine/run/start.h"
#include "engine/run/store.h"
#include "sandbox/call.h"
#include "sandbox/component.h"
#include "sandbox/function.h"
#include "sandbox/host.h"
#include "sandbox/oom_account.h"
#include "sandbox/starts.h"
#include "sandbox/use.h"

#include <string.h>

/* -- life ---------------------------------------------------------------------------------- */

static bhd_status check_stream(const bhd_stream *stream, const char *name, bhd_error *error)
{
    switch (stream->output) {
    case BHD_OUTPUT_NONE:
    case BHD_OUTPUT_INHERIT:
    case BHD_OUTPUT_CAPTURE:
        return BHD_OK;
    case BHD_OUTPUT_CALLBACK:
        if (stream->callback)
            return BHD_OK;
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "sandbox option %s: BHD_OUTPUT_CALLBACK without a callback", name);
    }
    return bhd__fail(error, BHD_INVALID_ARGUMENT, "sandbox option %s: %d is not a bhd_output", name,
                     (int)stream->output);
}

static bhd_status check_input(const bhd_input *input, bhd_error *error)
{
    if (input->source != BHD_INPUT_NONE && input->source != BHD_INPUT_INHERIT &&
        input->source != BHD_INPUT_BYTES)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "sandbox option standard_input: %d is not a bhd_input_source",
                         (int)input->source);
    if (input->source == BHD_INPUT_BYTES && input->size > 0 && !input->data)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "sandbox option standard_input: %zu bytes at NULL", input->size);
    return BHD_OK;
}

static bhd_status check_options(const bhd_sandbox_options *options, bhd_error *error)
{
    bhd_status status = check_input(&options->standard_input, error);
    if (status == BHD_OK)
        status = check_stream(&options->standard_output, "standard_output", error);
    if (status == BHD_OK)
        status = check_stream(&options->standard_error, "standard_error", error);
    if (status != BHD_OK)
        return status;
    if (options->argc > 0 && !options->argv)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "sandbox options: argc is %zu and argv is NULL", options->argc);
    for (size_t i = 0; i < options->argc; i++)
        if (!options->argv[i])
            return bhd__fail(error, BHD_INVALID_ARGUMENT, "sandbox options: argv[%zu] is NULL", i);
    return BHD_OK;
}

static bhd_status begin(bhd_sandbox *sandbox, const bhd_sandbox_options *options, bhd_error *error)
{
    bhd_component *component = sandbox->component;
    const char *default_argv[] = {component->name};
    bhd_status status =
        bhd_limiter_new(&component->limits, options->limiter, &sandbox->limiter, error);
    if (status != BHD_OK)
        return status;
    bhd__instance_options inner = {
        .argv = options->argv ? options->argv : default_argv,
        .argc = options->argv ? options->argc : 1,
        .standard_output = options->standard_output,
        .standard_error = options->standard_error,
        .standard_input = options->standard_input,
        .capture_bytes = options->capture_bytes,
        .granted = &component->granted,
        .limiter = sandbox->limiter,
        .timeout_ns = bhd__seconds_to_ns(component->limits.timeout_seconds),
        .max_fuel = component->limits.max_fuel,
        .sandbox_id = sandbox->id,
        .user_data = options->user_data,
    };
    status = bhd__instance_new(component->code, &inner, &sandbox->instance, error);
    if (status != BHD_OK)
        return status;
    (void)bhd__instance_enter(sandbox->instance, true);
    bhd__start start = {.instance = sandbox->instance};
    status = bhd__cancellation_watch(options->cancellation, &start, error);
    if (status == BHD_OK) {
        status = bhd__instance_start(sandbox->instance, error);
        bhd__cancellation_unwatch(options->cancellation, &start);
    }
    if (status != BHD_OK)
        status = bhd__sandbox_failed(sandbox, status, error);
    (void)bhd__instance_leave(sandbox->instance, true);
    return status;
}

/* While everything that was charged still is. */
static void write_account(const bhd_sandbox *sandbox, bhd_start_account *account)
{
    if (!account || !sandbox->limiter)
        return;
    account->is_known = true;
    bhd_limiter_metrics(sandbox->limiter, &account->metrics);
    account->fuel_consumed = sandbox->instance ? bhd__instance_fuel_consumed(sandbox->instance) : 0;
    account->sandbox_id = sandbox->id;
}

bhd_status bhd_sandbox_new(bhd_component *component, const bhd_sandbox_options *options,
                           bhd_sandbox **sandbox, bhd_error *error)
{
    bhd_sandbox_options own = BHD_SANDBOX_OPTIONS_INIT;
    if (!component || !sandbox)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_new: component or sandbox is NULL");
    bhd_status status =
        bhd__sized_take(&own, sizeof own, options, BHD__THROUGH(bhd_sandbox_options, account),
                        "bhd_sandbox_options", error);
    if (status != BHD_OK)
        return status;
    options = &own;
    if (options->account)
        *options->account = (bhd_start_account){0};
    status = bhd__fork_check(error);
    if (status == BHD_OK)
        status = check_options(options, error);
    if (status == BHD_OK)
        status = bhd__host_enter(component->host, error);
    if (status != BHD_OK)
        return status;
    bhd_sandbox *s = bhd__calloc(1, sizeof *s);
    status = s ? bhd__sandbox_use_init(s, error) : bhd__fail_no_memory(error);
    if (status != BHD_OK) {
        bhd__free(s);
        bhd__host_leave(component->host);
        return status;
    }
    bhd__component_hold(component);
    s->component = component;
    s->id = atomic_fetch_add_explicit(&component->host->next_sandbox, 1, memory_order_relaxed) + 1;
    status = begin(s, options, error);
    if (status != BHD_OK) {
        write_account(s, options->account);
        bhd__sandbox_release(s);
        return status;
    }
    *sandbox = s;
    return BHD_OK;
}

void bhd_sandbox_free(bhd_sandbox *sandbox)
{
    if (!sandbox || bhd__fork_is_child())
        return;
    bhd__sandbox_hold(sandbox); /* for what follows */
    bhd__calls_let_go(sandbox);
    bool somebody_is_in = bhd__instance_close(sandbox->instance);
    if (!somebody_is_in)
        bhd__sandbox_release(sandbox);
    if (!bhd__engine_is_inside())
        bhd__sandbox_wait_to_be_the_last(sandbox);
    bhd__sandbox_release(sandbox);
}

void bhd_sandbox_cancel(bhd_sandbox *sandbox)
{
    if (sandbox && !bhd__fork_is_child())
        bhd__instance_cancel(sandbox->instance);
}

/* -- calls --------------------------------------------------------------------------------- */

static bhd_status check_values(const bhd_sandbox *sandbox, const bhd_function *function,
                               const bhd_value *arguments, size_t argument_count,
                               const bhd_value *results, size_t result_count, bhd_error *error)
{
    bhd_status status = bhd__function_check(function, sandbox, arguments, argument_count, error);
    if (status != BHD_OK)
        return status;
    size_t wanted = bhd_type_count(bhd__export_results(function->exported));
    if (result_count < wanted)
        return bhd__fail(error, BHD_SIGNATURE_MISMATCH,
                         "the function gives %zu results, there is room for %zu", wanted,
                         result_count);
    if (wanted > 0 && !results)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_sandbox_call: results is NULL");
    return BHD_OK;
}

bhd_status bhd_sandbox_call(bhd_sandbox *sandbox, const bhd_function *function,
                            const bhd_value *arguments, size_t argument_count, bhd_value *results,
                            size_t result_count, bhd_error *error)
{
    if (!sandbox || !function)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_call: sandbox or function is NULL");
    bhd_status status = bhd__sandbox_enter(sandbox, true, error);
    if (status != BHD_OK)
        return status;
    status =
        check_values(sandbox, function, arguments, argument_count, results, result_count, error);
    if (status == BHD_OK) {
        status =
            bhd__instance_call(sandbox->instance, function->exported, arguments, results, error);
        if (status != BHD_OK)
            status = bhd__sandbox_failed(sandbox, status, error);
    }
    bhd__sandbox_leave(sandbox, true);
    return status;
}

bhd_status bhd_sandbox_run(bhd_sandbox *sandbox, int *exit_code, bhd_error *error)
{
    if (!sandbox || !exit_code)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_run: sandbox or exit_code is NULL");
    bhd_status status = bhd__sandbox_enter(sandbox, true, error);
    if (status != BHD_OK)
        return status;
    int code = 0;
    status = bhd__instance_run(sandbox->instance, &code, error);
    if (status == BHD_EXIT)
        status = BHD_OK;
    if (status != BHD_OK)
        status = bhd__sandbox_failed(sandbox, status, error);
    bhd__sandbox_leave(sandbox, true);
    if (status == BHD_OK)
        *exit_code = code;
    return status;
}

/* -- memory -------------------------------------------------------------------------------- */

static bhd_status memory_range(bhd_sandbox *sandbox, const char *memory, uint64_t offset,
                               size_t size, uint8_t **at, bhd_error *error)
{
    uint8_t *base;
    size_t bytes;
    bhd_status status =
        bhd__instance_memory(sandbox->instance, memory ? memory : "memory", &base, &bytes, error);
    if (status != BHD_OK)
        return status;
    status = bhd__check_inside(offset, size, bytes, error);
    if (status == BHD_OK)
        *at = base + offset;
    return status;
}

/* One of `into` and `from` is where the host's bytes are. */
static bhd_status copy_memory(bhd_sandbox *sandbox, const char *memory, uint64_t offset, void *into,
                              const void *from, size_t size, bhd_error *error)
{
    uint8_t *at = NULL;
    if (!sandbox || (!into && !from && size > 0))
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "sandbox or data is NULL");
    bhd_status status = bhd__sandbox_enter(sandbox, false, error);
    if (status != BHD_OK)
        return status;
    status = memory_range(sandbox, memory, offset, size, &at, error);
    if (status == BHD_OK && size > 0)
        memcpy(into ? into : at, into ? at : from, size);
    bhd__sandbox_leave(sandbox, false);
    return status;
}

bhd_status bhd_sandbox_read(bhd_sandbox *sandbox, const char *memory, uint64_t offset, void *data,
                            size_t size, bhd_error *error)
{
    return copy_memory(sandbox, memory, offset, data, NULL, size, error);
}

bhd_status bhd_sandbox_write(bhd_sandbox *sandbox, const char *memory, uint64_t offset,
                             const void *data, size_t size, bhd_error *error)
{
    return copy_memory(sandbox, memory, offset, NULL, data, size, error);
}

/* -- what is known of it ------------------------------------------------------------------- */

void bhd_sandbox_metrics(const bhd_sandbox *sandbox, bhd_memory_metrics *metrics)
{
    bhd_limiter_metrics(sandbox->limiter, metrics);
}

/* Entering is what a `const` sandbox allows: nothing that anybody sees is changed. */
static const void *captured(bhd_sandbox *sandbox, int stream, size_t *size, uint64_t *dropped)
{
    const void *data = NULL;
    bhd__entry entry = bhd__instance_enter(sandbox->instance, false);
    if (entry == BHD__ENTERED || entry == BHD__ENTERED_ENDED) {
        data = bhd__instance_output(sandbox->instance, stream - 1, size, dropped);
        bhd__sandbox_leave(sandbox, false);
    }
    return data;
}

const void *bhd_sandbox_output(const bhd_sandbox *sandbox, int stream, size_t *size,
                               uint64_t *dropped)
{
    uint64_t lost = 0;
    const void *data = NULL;
    *size = 0;
    if (stream == 1 || stream == 2)
        data = captured((bhd_sandbox *)(uintptr_t)sandbox, stream, size, &lost);
    if (dropped)
        *dropped = lost;
    return *size > 0 ? data : NULL;
}

uint64_t bhd_sandbox_fuel_consumed(const bhd_sandbox *sandbox)
{
    return bhd__instance_fuel_consumed(sandbox->instance);
}

const char *bhd_sandbox_denied(const bhd_sandbox *sandbox)
{
    return bhd__instance_denied(sandbox->instance);
}

uint64_t bhd_sandbox_id(const bhd_sandbox *sandbox)
{
    return sandbox->id;
}

bool bhd_sandbox_is_dead(const bhd_sandbox *sandbox)
{
    return bhd__instance_has_ended(sandbox->instance);
}
