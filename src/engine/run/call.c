/*
 * Code whose imports may wait runs on a fiber and is polled (run/wait.c); all other code runs
 * directly on the caller's stack, where a call costs a few nanoseconds, if there is enough of it.
 */
#include "engine/run/call.h"

#include "base/fail.h"
#include "engine/code/failure.h"
#include "engine/host/deadline.h"
#include "engine/process/signals.h"
#include "engine/process/stack.h"
#include "engine/process/threads.h"
#include "engine/run/clock.h"
#include "engine/run/fault.h"
#include "engine/run/held.h"
#include "engine/run/reentry.h"
#include "engine/run/store_limiter.h"
#include "engine/run/waiter.h"

/* On a fiber when host calls may wait, or when this thread's stack is too small for the guest's:
 * the engine's own check of the stack trusts that there is as much as was configured. */
static bhd_status choose_stack(bhd__instance *instance, bhd_error *error)
{
    const bhd__code *code = instance->code;
    bool is_enough;
    bhd_status status = bhd__stack_choose(code->engine->options.max_stack_bytes, &is_enough, error);
    if (status != BHD_OK)
        return status;
    instance->on_fiber = code->needs_wasi || code->may_wait || !is_enough;
    if (!instance->on_fiber)
        return BHD_OK;
    bhd__deadline_set(instance);
    status = bhd__threads_before_waiting(error);
    return status == BHD_OK ? bhd__instance_prepare_wait(instance, error) : status;
}

static bhd_status refuel(bhd__instance *instance, bhd_error *error)
{
    wasmtime_error_t *failure = wasmtime_context_set_fuel(instance->context, instance->max_fuel);
    return failure ? bhd__failure_message(BHD_INTERNAL, "fuel", failure, error) : BHD_OK;
}

static bhd_status prepare_here(bhd__instance *instance, bool starting, bhd_error *error)
{
    bhd__clock_be_awake(&instance->code->engine->clock);
    bool look = starting && bhd__thread_is_due();
    bhd_status status = bhd__stack_prepare_thread(starting, error);
    if (status == BHD_OK && look && !instance->code->engine->options.chained_signals)
        status = bhd__signals_check(error);
    return status == BHD_OK ? choose_stack(instance, error) : status;
}

/* Whatever thread it will run on. */
static bhd_status prepare_submitted(bhd__instance *instance, bhd_error *error)
{
    instance->on_fiber = true;
    bhd_status status = bhd__threads_before_waiting(error);
    return status == BHD_OK ? bhd__instance_prepare_wait(instance, error) : status;
}

bhd_status bhd__call_begin(bhd__instance *instance, bhd__call_way way, bhd_error *error)
{
    atomic_store_explicit(&instance->denied, 0, memory_order_relaxed);
    instance->gave_up = false;
    instance->deadline_ns = 0;
    instance->call_timeout_ns = instance->timeout_ns;
    instance->is_here = way != BHD__CALL_SUBMITTED;
    bhd__store_limiter_begin(&instance->limiter, way == BHD__CALL_START);
    /* The guest asks at every tick whether it has to stop. */
    wasmtime_context_set_epoch_deadline(instance->context, 1);
    bhd_status status = bhd__held_check(instance, error);
    if (status == BHD_OK)
        status = instance->is_here ? prepare_here(instance, way == BHD__CALL_START, error)
                                   : prepare_submitted(instance, error);
    if (status == BHD_OK && instance->code->metered)
        status = refuel(instance, error);
    if (status == BHD_OK)
        bhd__calls_here += instance->is_here;
    return status;
}

void bhd__call_undo(bhd__instance *instance)
{
    bhd__store_limiter_end(&instance->limiter);
    bhd__calls_here -= instance->is_here;
}

static void count_fuel(bhd__instance *instance)
{
    uint64_t left;
    wasmtime_error_t *failure = wasmtime_context_get_fuel(instance->context, &left);
    if (failure)
        wasmtime_error_delete(failure);
    else
        atomic_fetch_add_explicit(&instance->fuel_consumed, instance->max_fuel - left,
                                  memory_order_relaxed);
}

bhd_status bhd__call_end(bhd__instance *instance, bool ended, wasmtime_error_t *failure,
                         wasm_trap_t *trap, bhd_error *error)
{
    bhd__store_limiter_end(&instance->limiter);
    if (instance->code->metered)
        count_fuel(instance);
    ended = ended && !instance->gave_up;
    bhd_status status = BHD_OK;
    if (failure || trap)
        status = bhd__fault(instance, failure, trap, error);
    else if (!ended)
        status = bhd__fault_given_up(instance, error);
    if (status != BHD_OK)
        atomic_store_explicit(&instance->has_ended, true, memory_order_relaxed);
    if (instance->on_fiber)
        bhd__threads_after_waiting();
    bhd__held_note(instance);
    bhd__calls_here -= instance->is_here;
    return status;
}
