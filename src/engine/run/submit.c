/*
 * Submitted calls: a call on a fiber as a task of the scheduler (schedule/scheduler.h).
 *
 * Beginning is the caller's thread, everything after it a worker's, each time perhaps another
 * one's. From the beginning until `ended` the call is in the instance.
 *
 * What the engine reads and writes lies in the submission, which stays until its owner frees it.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "engine/run/submit.h"
#include "engine/structs.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "engine/host/deadline.h"
#include "engine/host/handles.h"
#include "engine/process/stack.h"
#include "engine/run/call.h"
#include "engine/run/clock.h"
#include "engine/run/command.h"
#include "engine/run/component_exports.h"
#include "engine/run/core_exports.h"
#include "engine/run/reentry.h"
#include "engine/run/waiter.h"
#include "engine/run/wasi.h"

#include <time.h>
#include <unistd.h>

struct bhd__submission {
    bhd__task task;
    bhd__instance *instance; /* until it is over */
    bhd__scheduler *scheduler;
    bhd__submit_options options;
    wasmtime_call_future_t *future;
    wasmtime_error_t *failure;
    wasm_trap_t *trap;
    union {
        wasmtime_func_t start;
        struct {
            wasmtime_component_func_t function;
            wasmtime_component_val_t result;
        } run;
    } of;
    wasmtime_val_t arguments[BHD__VALUES_MAX], results[BHD__VALUES_MAX];
    bhd_value kept, tuple; /* arguments (or what is dropped), and results, of a component */
    bhd__owned dropped;    /* out of `kept` */
    bool has_begun;        /* to run */
    bool is_ready;         /* the guest has ended; what it wrote may be on its way */
    bhd__outcome outcome;
};

/* -- the scheduler of a host ----------------------------------------------------------------- */

static uint64_t now(void *env)
{
    (void)env;
    return bhd__monotonic_ns();
}

static uint64_t used(void *env)
{
    struct timespec time;
    (void)env;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static bhd_status prepare(void *env, bhd_error *error)
{
    (void)env;
    return bhd__stack_prepare_thread(false, error);
}

static void before_step(void *env)
{
    bhd__engine *engine = env;
    bhd__clock_be_awake(&engine->clock);
}

bhd_status bhd__submissions_init(bhd__engine *engine, bhd_error *error)
{
    unsigned threads = engine->options.worker_threads;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (threads == 0)
        threads = processors > 0 ? (unsigned)processors : 1;
    bhd__scheduler_options options = {threads, engine, now, used, prepare, before_step};
    return bhd__scheduler_new(&options, &engine->scheduler, error);
}

/* -- values ---------------------------------------------------------------------------------- */

static void take_results(bhd__submission *s)
{
    bhd__outcome *outcome = &s->outcome;
    const bhd__export *e = s->options.exported;
    if (s->instance->code->component) {
        bhd__values_unpack(&s->tuple, outcome->results);
        return;
    }
    for (size_t i = 0; i < outcome->result_count; i++)
        bhd__core_result(&s->results[i], e->results[i], &outcome->results[i]);
}

static void take_exit_code(bhd__submission *s)
{
    bhd__outcome *outcome = &s->outcome;
    if (outcome->status == BHD_EXIT) {
        /* No error to whoever asked for the exit code. */
        outcome->exit_code = (int)(uint32_t)outcome->error.value;
        outcome->status = BHD_OK;
        bhd_error_fini(&outcome->error);
    } else if (outcome->status == BHD_OK && s->instance->code->component) {
        wasmtime_component_val_t *result = &s->of.run.result;
        outcome->exit_code = result->kind == WASMTIME_COMPONENT_RESULT && !result->of.result.is_ok;
    }
}

/* What the guest is given by handle, and what it gave, changes hands. */
static void hand_over(bhd__submission *s)
{
    const bhd__export *e = s->options.exported;
    s->has_begun = true;
    bhd__owned_give(&s->dropped);
    if (e && e->takes_resources)
        bhd__handles_give(s->instance, s->kept.of.items.data, s->kept.of.items.count);
}

static void take_over(bhd__submission *s, bool has_result)
{
    const bhd__export *e = s->options.exported;
    if (s->options.drop && s->has_begun)
        bhd__handles_settle(s->instance, &s->kept);
    if (has_result && e && e->gives_resources)
        bhd__handles_take(s->instance, &s->tuple, e->result_types);
}

/* -- as a task ------------------------------------------------------------------------------- */

static void finish(bhd__submission *s, bool is_ready)
{
    bhd__instance *instance = s->instance;
    bhd__outcome *outcome = &s->outcome;
    bhd__instance_wakes(instance, NULL);
    /* A call that is not ready is given up here: its fiber unwinds. */
    wasmtime_call_future_delete(s->future);
    bool is_complete = bhd__task_decide(&s->task, BHD__COMPLETED);
    bool has_result = is_ready && !s->failure && !s->trap && s->instance->code->component;
    instance->gave_up = instance->gave_up || !is_complete;
    take_over(s, has_result);
    outcome->status = bhd__call_end(instance, is_ready, s->failure, s->trap, &outcome->error);
    bool is_run = !s->options.exported && !s->options.drop;
    if (is_run)
        take_exit_code(s);
    else if (s->options.exported && outcome->status == BHD_OK)
        take_results(s);
    if (outcome->status != BHD_OK)
        outcome->result_count = 0;
    if (has_result && is_run)
        wasmtime_component_val_delete(&s->of.run.result);
    instance->task = NULL;
    s->options.ended(s->options.env, outcome);
}

static bool step(bhd__task *task)
{
    bhd__submission *s = (bhd__submission *)task;
    /* Somebody may have ended the call between its beginning and its submission, when the scheduler
     * knew no task that could be ended. */
    if (bhd__instance_is_cancelled(s->instance))
        (void)bhd__task_decide(task, BHD__STOPPED);
    if (!s->has_begun && bhd__task_verdict(task) == BHD__OPEN)
        hand_over(s);
    if (!s->is_ready && bhd__task_verdict(task) == BHD__OPEN)
        s->is_ready = bhd_engine_future_poll(s->future, s->instance->waker);
    bool is_over = s->is_ready && bhd__wasi_settle(s->instance);
    if (!is_over && bhd__task_verdict(task) == BHD__OPEN)
        return false;
    finish(s, s->is_ready);
    return true;
}

static void end(bhd__task *task)
{
    bhd__submission *s = (bhd__submission *)task;
    s->options.over(s->options.env);
}

/* -- beginning ------------------------------------------------------------------------------- */

static bhd_status find_function(bhd__submission *s, bhd_error *error)
{
    if (s->options.exported || s->options.drop)
        return BHD_OK;
    return s->instance->code->component ? bhd__find_run(s->instance, &s->of.run.function, error)
                                        : bhd__find_start(s->instance, &s->of.start, error);
}

static bhd_status begin(bhd__submission *s, bhd_error *error)
{
    bhd_status status = bhd__call_begin(s->instance, BHD__CALL_SUBMITTED, error);
    s->instance->call_timeout_ns = s->options.timeout_ns;
    s->instance->deadline_ns = bhd__monotonic_ns() + s->options.timeout_ns;
    s->task.deadline_ns = s->instance->deadline_ns;
    return status;
}

static wasmtime_call_future_t *begin_export(bhd__submission *s)
{
    const bhd__export *e = s->options.exported;
    if (s->instance->code->component)
        return bhd_engine_component_call_async(&e->of.component, s->instance->context,
                                               s->kept.of.items.data, e->parameter_count, &s->tuple,
                                               &s->failure);
    for (size_t i = 0; i < e->parameter_count; i++)
        bhd__core_argument(&s->options.arguments[i], &s->arguments[i]);
    return wasmtime_func_call_async(s->instance->context, &e->of.module, s->arguments,
                                    e->parameter_count, s->results, e->result_count, &s->trap,
                                    &s->failure);
}

static wasmtime_call_future_t *begin_drop(bhd__submission *s)
{
    return bhd_engine_resources_drop_async(s->dropped.list, s->dropped.count, s->instance->context,
                                           &s->failure);
}

static wasmtime_call_future_t *begin_run(bhd__submission *s)
{
    wasmtime_context_t *context = s->instance->context;
    if (s->instance->code->component)
        return wasmtime_component_func_call_async(&s->of.run.function, context, NULL, 0,
                                                  &s->of.run.result, 1, &s->failure);
    return wasmtime_func_call_async(context, &s->of.start, NULL, 0, NULL, 0, &s->trap, &s->failure);
}

/* No thread could be started: nothing of the call remains. */
static void undo(bhd__submission *s)
{
    bhd__instance_wakes(s->instance, NULL);
    s->instance->task = NULL;
    wasmtime_call_future_delete(s->future);
    bhd__call_undo(s->instance);
}

static bhd_status reserve_results(bhd__submission *s, bhd_error *error)
{
    size_t count = s->options.exported ? s->options.exported->result_count : 0;
    s->outcome.result_count = count;
    if (count > 0)
        s->outcome.results = bhd__calloc(count, sizeof *s->outcome.results);
    return count > 0 && !s->outcome.results ? bhd__fail_no_memory(error) : BHD_OK;
}

/* What a component's function takes is read when it runs, on another thread. */
static bhd_status keep_arguments(bhd__submission *s, bhd_error *error)
{
    if (s->options.drop)
        return bhd_value_copy(s->options.drop, &s->kept, error);
    if (!s->options.exported || !s->instance->code->component)
        return BHD_OK;
    bhd_value tuple = bhd_value_tuple(s->options.arguments, s->options.exported->parameter_count);
    return bhd_value_copy(&tuple, &s->kept, error);
}

/* Nobody else uses the instance's handles. */
static bhd_status check_handles(bhd__submission *s, bhd_error *error)
{
    const bhd__export *e = s->options.exported;
    bhd_status status = BHD_OK;
    if (s->options.drop)
        status = bhd__handles_collect(s->instance, &s->kept, &s->dropped, error);
    else if (e && e->takes_resources)
        status = bhd__handles_check_arguments(s->instance, s->kept.of.items.data,
                                              s->kept.of.items.count, e->parameter_types, error);
    if (status != BHD_OK)
        bhd__call_undo(s->instance);
    return status;
}

bhd_status bhd__instance_submit(bhd__instance *instance, const bhd__submit_options *options,
                                bhd__submission **submission, bhd_error *error)
{
    bhd__submission *s = bhd__calloc(1, sizeof *s);
    if (!s)
        return bhd__fail_no_memory(error);
    s->task.step = step;
    s->task.end = end;
    s->task.group = &instance->task_group;
    s->instance = instance;
    s->scheduler = instance->code->engine->scheduler;
    s->options = *options;
    bhd_status status = find_function(s, error);
    if (status == BHD_OK)
        status = reserve_results(s, error);
    if (status == BHD_OK)
        status = keep_arguments(s, error);
    if (status == BHD_OK)
        status = begin(s, error);
    if (status == BHD_OK)
        status = check_handles(s, error);
    if (status == BHD_OK) {
        s->future = options->drop       ? begin_drop(s)
                    : options->exported ? begin_export(s)
                                        : begin_run(s);
        instance->task = &s->task;
        bhd__instance_wakes(instance, &s->task);
        *submission = s; /* before it may be over */
        status = bhd__scheduler_submit(s->scheduler, &s->task, error);
        if (status != BHD_OK) {
            *submission = NULL;
            undo(s);
        }
    }
    if (status != BHD_OK) {
        bhd__free(s->outcome.results);
        bhd__submission_free(s);
    }
    return status;
}

void bhd__submission_cancel(bhd__submission *submission)
{
    (void)bhd__scheduler_cancel(submission->scheduler, &submission->task);
}

void bhd__submission_end(bhd__submission *submission)
{
    /* A guest's stack is not one for callbacks of the program. */
    if (bhd__engine_is_beneath_guest())
        bhd__submission_cancel(submission);
    else
        bhd__scheduler_end(submission->scheduler, &submission->task);
}

void bhd__submission_free(bhd__submission *submission)
{
    if (!submission)
        return;
    bhd__owned_fini(&submission->dropped);
    bhd_value_fini(&submission->kept);
    bhd_value_fini(&submission->tuple);
    bhd__free(submission);
}
