/*
 * Submitted calls as their owner sees them. The engine room runs them; here are the handle, the
 * waiting, and the callback.
 *
 * A call holds its host, so that cancelling one that is over finds everything that it needs, and
 * until its callback has returned its sandbox. The lock guards what it came to; the worker's last
 * touch of a call is to give that lock back, or to delete the call when it was freed before.
 */
#include "sandbox/call.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/sized.h"
#include "engine/run/reentry.h"
#include "engine/run/submit.h"
#include "sandbox/function.h"
#include "sandbox/host.h"
#include "sandbox/oom_account.h"
#include "sandbox/use.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct bhd_call {
    bhd_host *host;
    bhd_sandbox *sandbox; /* held; until the callback has returned, or has freed it */
    bhd__submission *submission;
    bhd_call_options options;
    /* Written by a worker before the callback. */
    bhd__outcome outcome;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_over;    /* lock */
    bool is_freed;   /* lock; the worker deletes it */
    bhd_call *outer; /* whose callback runs around this one's, on the same thread */
};

/* Whose callback runs on this thread; several may, one beneath the other. */
static _Thread_local bhd_call *in_callback_of;

static bool runs_callback_of(const bhd_call *call)
{
    for (const bhd_call *c = in_callback_of; c; c = c->outer)
        if (c == call)
            return true;
    return false;
}

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
    bhd__sandbox_hold(sandbox);
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
    if (call->sandbox)
        bhd__sandbox_release(call->sandbox);
    pthread_cond_destroy(&call->changed);
    pthread_mutex_destroy(&call->lock);
    bhd__free(call);
    bhd__host_release(host);
}

/* -- on a worker ----------------------------------------------------------------------------- */

static void ended(void *env, bhd__outcome *outcome)
{
    bhd_call *call = env;
    call->outcome = *outcome;
    if (outcome->status != BHD_OK)
        (void)bhd__sandbox_failed(call->sandbox, outcome->status, &call->outcome.error);
    bhd__sandbox_leave(call->sandbox, false);
}

static void let_go(bhd_call *call)
{
    bhd_sandbox *sandbox = call->sandbox;
    call->sandbox = NULL;
    if (sandbox)
        bhd__sandbox_release(sandbox);
}

/* A callback around this one may go on using the sandbox when it comes back. */
void bhd__calls_let_go(bhd_sandbox *sandbox)
{
    if (in_callback_of && in_callback_of->sandbox == sandbox && !bhd__engine_is_beneath_guest())
        let_go(in_callback_of);
}

static void over(void *env)
{
    bhd_call *call = env;
    if (call->options.callback) {
        call->outer = in_callback_of;
        in_callback_of = call;
        call->options.callback(call->options.user_data, call);
        in_callback_of = call->outer;
    }
    /* Before anybody hears of the end: who frees the sandbox then is the last one. */
    let_go(call);
    pthread_mutex_lock(&call->lock);
    bool is_freed = call->is_freed;
    call->is_over = true;
    pthread_cond_broadcast(&call->changed);
    pthread_mutex_unlock(&call->lock);
    if (is_freed)
        call_delete(call);
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

/* In the sandbox, whose hold passes to the call if there is one. */
static bhd_status submit_entered(bhd_sandbox *sandbox, const bhd_call_options *options,
                                 bhd__submit_options *inner, bhd_call **call, bhd_error *error)
{
    bhd_call_options own = BHD_CALL_OPTIONS_INIT;
    bhd_call *c = NULL;
    bhd_status status =
        bhd__sized_take(&own, sizeof own, options, BHD__THROUGH(bhd_call_options, user_data),
                        "bhd_call_options", error);
    options = &own;
    if (status == BHD_OK)
        status = check_timeout(sandbox, options, &inner->timeout_ns, error);
    if (status == BHD_OK)
        status = call_new(sandbox, options, &c, error);
    if (status != BHD_OK)
        return status;
    inner->env = c;
    inner->ended = ended;
    inner->over = over;
    /* From here on the call may be over, and freed by its callback, at any moment. */
    status = bhd__instance_submit(sandbox->instance, inner, &c->submission, error);
    if (status != BHD_OK) {
        call_delete(c);
        return status;
    }
    *call = c;
    return BHD_OK;
}

/* `function` NULL: what is submitted is not a call of one. */
static bhd_status submit(bhd_sandbox *sandbox, const bhd_function *function, size_t argument_count,
                         const bhd_call_options *options, bhd__submit_options inner,
                         bhd_call **call, bhd_error *error)
{
    bhd_status status = bhd__sandbox_enter(sandbox, false, error);
    if (status != BHD_OK)
        return status;
    if (function) {
        inner.exported = function->exported;
        status = bhd__function_check(function, sandbox, inner.arguments, argument_count, error);
    }
    if (status == BHD_OK)
        status = submit_entered(sandbox, options, &inner, call, error);
    if (status != BHD_OK)
        bhd__sandbox_leave(sandbox, false);
    return status;
}

bhd_status bhd_sandbox_submit(bhd_sandbox *sandbox, const bhd_function *function,
                              const bhd_value *arguments, size_t argument_count,
                              const bhd_call_options *options, bhd_call **call, bhd_error *error)
{
    if (!sandbox || !function || !call)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_submit: sandbox, function or call is NULL");
    bhd__submit_options inner = {.arguments = arguments};
    return submit(sandbox, function, argument_count, options, inner, call, error);
}

bhd_status bhd_sandbox_submit_run(bhd_sandbox *sandbox, const bhd_call_options *options,
                                  bhd_call **call, bhd_error *error)
{
    if (!sandbox || !call)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_submit_run: sandbox or call is NULL");
    bhd__submit_options inner = {.exported = NULL};
    return submit(sandbox, NULL, 0, options, inner, call, error);
}

bhd_status bhd_sandbox_submit_drop(bhd_sandbox *sandbox, const bhd_value *value,
                                   const bhd_call_options *options, bhd_call **call,
                                   bhd_error *error)
{
    if (!sandbox || !value || !call)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_submit_drop: sandbox, value or call is NULL");
    bhd__submit_options inner = {.drop = value};
    return submit(sandbox, NULL, 0, options, inner, call, error);
}

/* -- the handle ------------------------------------------------------------------------------ */

bool bhd_call_poll(bhd_call *call)
{
    return bhd_call_wait(call, 0);
}

bool bhd_call_wait(bhd_call *call, double timeout_seconds)
{
    if (!call)
        return false;
    if (runs_callback_of(call))
        return true;
    if (bhd__fork_is_child())
        return false;
    /* The call may need this very worker, or one that waits for a call that does. */
    if (bhd__engine_is_worker())
        timeout_seconds = 0;
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

/* True: the call is over, and the caller deletes it. False: the worker will. */
static bool free_or_leave(bhd_call *call)
{
    pthread_mutex_lock(&call->lock);
    bool is_over = call->is_over;
    call->is_freed = !is_over;
    pthread_mutex_unlock(&call->lock);
    return is_over;
}

void bhd_call_free(bhd_call *call)
{
    if (!call || bhd__fork_is_child())
        return;
    if (!runs_callback_of(call)) {
        bhd__submission_end(call->submission);
        if (!bhd__engine_is_inside())
            (void)bhd_call_wait(call, BHD_WAIT_FOREVER);
    }
    if (free_or_leave(call))
        call_delete(call);
}
