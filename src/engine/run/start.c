#include "engine/run/start.h"

#include "engine/run/call.h"
#include "engine/run/wait.h"
#include "engine/structs.h"

/* When it is begun. False: nothing has to be called before everything else. */
static bool find_initialize(bhd__instance *instance, wasmtime_func_t *function)
{
    wasmtime_extern_t initialize;
    if (!instance->code->initializes ||
        !wasmtime_instance_export_get(instance->context, &instance->of.module, "_initialize", 11,
                                      &initialize))
        return false;
    *function = initialize.of.func;
    return true;
}

bool bhd__call_plain(bhd__instance *instance, const wasmtime_func_t *function,
                     wasmtime_error_t **failure, wasm_trap_t **trap)
{
    if (instance->on_fiber)
        return bhd__instance_wait(
            instance,
            wasmtime_func_call_async(instance->context, function, NULL, 0, NULL, 0, trap, failure));
    *failure = wasmtime_func_call_unchecked(instance->context, function, NULL, 0, trap);
    return true;
}

/* False: it was given up. */
static bool instantiate(bhd__instance *instance, wasmtime_error_t **failure, wasm_trap_t **trap)
{
    bhd__code *code = instance->code;
    wasmtime_context_t *context = instance->context;
    if (code->component && instance->on_fiber)
        return bhd__instance_wait(
            instance, bhd_engine_component_pre_instantiate_async(code->component_pre, context,
                                                                 &instance->of.component, failure));
    if (instance->on_fiber)
        return bhd__instance_wait(
            instance, wasmtime_instance_pre_instantiate_async(code->module_pre, context,
                                                              &instance->of.module, trap, failure));
    if (code->component)
        *failure = bhd_engine_component_pre_instantiate(code->component_pre, context,
                                                        &instance->of.component);
    else
        *failure = wasmtime_instance_pre_instantiate(code->module_pre, context,
                                                     &instance->of.module, trap);
    return true;
}

/* A reactor is begun by one call: what its start function and _initialize take counts together. */
bhd_status bhd__instance_start(bhd__instance *instance, bhd_error *error)
{
    wasmtime_error_t *failure = NULL;
    wasm_trap_t *trap = NULL;
    wasmtime_func_t initialize;
    bhd_status status = bhd__call_begin(instance, BHD__CALL_START, error);
    if (status != BHD_OK)
        return status;
    bool ended = instantiate(instance, &failure, &trap);
    if (ended && !failure && !trap && find_initialize(instance, &initialize)) {
        /* All memories have begun. */
        instance->limiter.starting = false;
        ended = bhd__call_plain(instance, &initialize, &failure, &trap);
    }
    return bhd__call_end(instance, ended, failure, trap, error);
}
