#include "engine/run/store.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "engine/host/deadline.h"
#include "engine/host/handles.h"
#include "engine/host/resources.h"
#include "engine/host/stops.h"
#include "engine/run/clock.h"
#include "engine/run/held.h"
#include "engine/run/reentry.h"
#include "engine/run/store_limiter.h"
#include "engine/run/waiter.h"
#include "engine/run/wasi.h"

/* Of whoever frees, for a file system of the network or of a program; others never wait. */
#define CLOSING_MS 100

/* A submitted call has been on a thread for long enough. */
static bool should_yield(const bhd__instance *instance)
{
    return instance->task &&
           bhd__scheduler_should_yield(instance->code->engine->scheduler, instance->task);
}

static wasmtime_error_t *at_epoch(wasmtime_context_t *context, void *data, uint64_t *delta,
                                  wasmtime_update_deadline_kind_t *kind)
{
    bhd__instance *instance = data;
    (void)context;
    if (bhd__instance_is_cancelled(instance))
        return bhd_engine_stop_new(BHD__STOP_CANCELLED, NULL, 0);
    if (bhd__deadline_has_passed(instance))
        return bhd_engine_stop_new(BHD__STOP_TIMEOUT, NULL, 0);
    *delta = 1;
    *kind =
        should_yield(instance) ? WASMTIME_UPDATE_DEADLINE_YIELD : WASMTIME_UPDATE_DEADLINE_CONTINUE;
    return NULL;
}

bhd_status bhd__instance_new(bhd__code *code, const bhd__instance_options *options,
                             bhd__instance **instance, bhd_error *error)
{
    bhd__instance *i = bhd__calloc(1, sizeof *i);
    if (!i)
        return bhd__fail_no_memory(error);
    i->code = code;
    i->number = bhd__handles_instance();
    i->timeout_ns = options->timeout_ns;
    i->max_fuel = options->max_fuel;
    i->limiter.ledger = options->limiter;
    i->granted = options->granted;
    i->sandbox_id = options->sandbox_id;
    i->user_data = options->user_data;
    i->store = wasmtime_store_new(code->variant->engine, i, NULL);
    i->context = wasmtime_store_context(i->store);
    bhd__store_limiter_attach(&i->limiter, i->store, &code->engine->options);
    wasmtime_store_epoch_deadline_callback(i->store, at_epoch, i, NULL);
    bhd_status status = BHD_OK;
    bhd__wasi_bound(i, bhd_limiter_limits(options->limiter));
    if (code->needs_wasi)
        status = bhd__wasi_attach(i, options, error);
    if (status == BHD_OK)
        status = bhd__clock_add(code->engine, i, error);
    if (status != BHD_OK) {
        wasmtime_store_delete(i->store);
        bhd__held_fini(i);
        bhd__wasi_detach(i);
        bhd__free(i);
        return status;
    }
    *instance = i;
    return BHD_OK;
}

/* What its guest left open is closed when this returns, if its file system answers in time. A
 * thread that the library has called the program on does not wait for that: others may be waiting
 * for it. */
static void delete_store(bhd__instance *instance)
{
    if (instance->code->needs_wasi)
        (void)bhd_engine_store_delete(instance->store, bhd__engine_is_inside() ? 0 : CLOSING_MS);
    else
        wasmtime_store_delete(instance->store);
}

void bhd__instance_free(bhd__instance *instance)
{
    if (!instance)
        return;
    bhd__clock_remove(instance->code->engine, instance);
    delete_store(instance);
    bhd__resources_fini(&instance->resources);
    bhd__instance_end_wait(instance);
    bhd__held_fini(instance);
    bhd__wasi_detach(instance);
    bhd__free(instance);
}

const bhd__refusal *bhd__instance_refusal(const bhd__instance *instance)
{
    return &instance->limiter.refusal;
}

uint64_t bhd__instance_fuel_consumed(const bhd__instance *instance)
{
    return atomic_load_explicit(&instance->fuel_consumed, memory_order_relaxed);
}

const uint8_t *bhd__instance_output(const bhd__instance *instance, int which, size_t *size,
                                    uint64_t *dropped)
{
    const bhd__captured *captured = &instance->captured[which];
    *size = captured->size;
    *dropped = captured->dropped;
    return captured->data;
}
