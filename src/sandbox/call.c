/*
 * Submitted calls as their owner sees them. The engine room runs them; here are the handle, the
 * waiting, and the callback.
 *
 * A call holds its host, so that cancelling one that is over finds everything that it needs. The
 * lock guards what it came to; the worker's last touch of a call is to give that lock back.
 */
#include "bulkhead/call.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "sandbox/life.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct bhd_call {
    bhd_host *host;
    bhd_sandbox *sandbox; /* until the guest has ended */
    bhd__submission *submission;
    bhd_call_options options;
    /* Written by a worker before the callback. */
    bhd__outcome outcome;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_over;  /* lock */
    bool is_freed; /* by its own callback, on the worker's thread */
};

/* Whose callback runs on this thread; several may, one beneath the other. */
static _Thread_local bhd_call *in_callback_of;

static bhd_status call_new(bhd_sandbox *sandbox, const bhd_call_options *options, bhd_call **call,
                           bhd_error *error)
{
    bhd_call *c = bhd__calloc(1, sizeof *c);
    if (!c)
        return bhd__fail_no_memory(error);
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        bhd__free(c);
        return bhd__fail_no_memory(error);
    }
    int failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed = failed ? failed : pthread_cond_init(&c->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!failed && pthread_mutex_init(&c->lock, NULL) != 0) {
        pthread_cond_destroy(&c->changed);
        failed = ENOMEM;
    }
    if (failed) {
        bhd__free(c);
        return bhd__fail_no_memory(error);
    }
    c->sandbox = sandbox;
    c->options = *options;
    c->host = sandbox->component->host;
    bhd__host_hold(c->host);
    *call = c;
    return BHD_OK;
}

static void call_delete(bhd_call *call)
{
    bhd_host *host = call->host;
    bhd__submission_free(call->submission);
    for (size_t i = 0; i < call->outcome.result_count; i++)
        bhd_value_fini(&call->outcome.results[i]);
    bhd__free(call->outcome.results);
    bhd_error_fini(&call->outcome.error);
    pthread_cond_destroy(&call->changed);
    pthread_mutex_destroy(&call->lock);
    bhd__free(call);
    bhd_host_free(host);
}

/* -- on a worker ----------------------------------------------------------------------------- */

static void ended(void *env, bhd__outcome *outcome)
{
    bhd_call *call = env;
    call->outcome = *outcome;
    if (outcome->status != BHD_OK)
        (void)bhd__sandbox_failed(call->sandbox, outcome->status, &call->outcome.error);
    call->sandbox = NULL;
}

static void over(void *env)
{
    bhd_call *call = env;
    if (call->options.callback) {
        bhd_call *outer = in_callback_of;
        in_callback_of = call;
        call->options.callback(call->options.user_data, call);
        in_callback_of = outer;
    }
    if (call->is_freed) {
        call_delete(call);
        return;
    }
    pthread_mutex_lock(&call->lock);
    call->is_over = true;
    pthread_cond_broadcast(&call->changed);
    pthread_mutex_unlock(&call->lock);
}

/* -- submitting ------------------------------------------------------------------------------ */

static bhd_status check_timeout(const bhd_sandbox *sandbox, const bhd_call_options *options,
                                uint64_t *timeout_ns, bhd_error *error)
{
    double seconds = options->timeout_seconds;
    double most = sandbox->component->limits.timeout_seconds;
    if (!(seconds >= 0))
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "call option timeout_seconds: %g is no time",
                         seconds);
    if (seconds > most)
        return bhd__fail(error, BHD_LIMIT_LOOSENED,
                         "call option timeout_seconds: %g is more than the component's %g; a call "
                         "may be given less time, not more",
                         seconds, most);
    *timeout_ns = bhd__seconds_to_ns(seconds > 0 ? seconds : most);
    return BHD_OK;
}

static bhd_status submit(bhd_sandbox *sandbox, const bhd_call_options *options,
                         bhd__submit_options inner, bhd_call **call, bhd_error *error)
{
    static const bhd_call_options defaults = BHD_CALL_OPTIONS_INIT;
    if (!options)
        options = &defaults;
    bhd_call *c = NULL;
    bhd_status status = check_timeout(sandbox, options, &inner.timeout_ns, error);
    if (status == BHD_OK)
        status = call_new(sandbox, options, &c, error);
    if (status != BHD_OK)
        return status;
    inner.env = c;
    inner.ended = ended;
    inner.over = over;
    /* From here on the call may be over, and freed by its callback, at any moment. */
    status = bhd__instance_submit(sandbox->instance, &inner, &c->submission, error);
    if (status != BHD_OK) {
        call_delete(c);
        return status;
    }
    *call = c;
    return BHD_OK;
}

bhd_status bhd_sandbox_submit(bhd_sandbox *sandbox, const bhd_function *function,
                              const bhd_value *arguments, size_t argument_count,
                              const bhd_call_options *options, bhd_call **call, bhd_error *error)
{
    if (!sandbox || !function || !call)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_submit: sandbox, function or call is NULL");
    bhd_status status = bhd__sandbox_check_alive(sandbox, error);
    if (status == BHD_OK)
        status = bhd__function_check_arguments(function, arguments, argument_count, error);
    if (status != BHD_OK)
        return status;
    bhd__submit_options inner = {.exported = function->exported, .arguments = arguments};
    return submit(sandbox, options, inner, call, error);
}

bhd_status bhd_sandbox_submit_run(bhd_sandbox *sandbox, const bhd_call_options *options,
                                  bhd_call **call, bhd_error *error)
{
    if (!sandbox || !call)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_submit_run: sandbox or call is NULL");
    bhd_status status = bhd__sandbox_check_alive(sandbox, error);
    bhd__submit_options inner = {.exported = NULL};
    return status == BHD_OK ? submit(sandbox, options, inner, call, error) : status;
}

bhd_status bhd_sandbox_submit_drop(bhd_sandbox *sandbox, const bhd_value *value,
                                   const bhd_call_options *options, bhd_call **call,
                                   bhd_error *error)
{
    if (!sandbox || !value || !call)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_submit_drop: sandbox, value or call is NULL");
    bhd_status status = bhd__sandbox_check_alive(sandbox, error);
    bhd__submit_options inner = {.drop = value};
    return status == BHD_OK ? submit(sandbox, options, inner, call, error) : status;
}

/* -- the handle ------------------------------------------------------------------------------ */

bool bhd_call_poll(bhd_call *call)
{
    return bhd_call_wait(call, 0);
}

bool bhd_call_wait(bhd_call *call, double timeout_seconds)
{
    if (in_callback_of == call)
        return true;
    if (bhd__fork_is_child())
        return false;
    struct timespec until = {0, 0};
    bool forever = timeout_seconds < 0;
    if (timeout_seconds > 0) {
        uint64_t ns = bhd__monotonic_ns() + bhd__seconds_to_ns(timeout_seconds);
        until = (struct timespec){(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    }
    pthread_mutex_lock(&call->lock);
    int waited = 0;
    while (!call->is_over && waited == 0)
        waited = forever ? pthread_cond_wait(&call->changed, &call->lock)
                         : pthread_cond_timedwait(&call->changed, &call->lock, &until);
    bool is_over = call->is_over;
    pthread_mutex_unlock(&call->lock);
    return is_over;
}

void bhd_call_cancel(bhd_call *call)
{
    if (call && !bhd__fork_is_child())
        bhd__submission_cancel(call->submission);
}

bhd_status bhd_call_result(bhd_call *call, const bhd_value **results, size_t *result_count,
                           const bhd_error **error)
{
    if (!call || !bhd_call_poll(call))
        return BHD_INVALID_ARGUMENT;
    if (results)
        *results = call->outcome.results;
    if (result_count)
        *result_count = call->outcome.result_count;
    if (error)
        *error = &call->outcome.error;
    return call->outcome.status;
}

int bhd_call_exit_code(bhd_call *call)
{
    return bhd_call_poll(call) ? call->outcome.exit_code : 0;
}

void bhd_call_free(bhd_call *call)
{
    if (!call || bhd__fork_is_child())
        return;
    if (in_callback_of == call) {
        call->is_freed = true;
        return;
    }
    bhd_call_cancel(call);
    (void)bhd_call_wait(call, BHD_WAIT_FOREVER);
    call_delete(call);
}

void bhd_sandbox_cancel(bhd_sandbox *sandbox)
{
    if (sandbox && !bhd__fork_is_child())
        bhd__instance_cancel(sandbox->instance);
}
