/*
 * A store with one instance in it, and the calls into it.
 *
 * Code whose imports may wait runs on a fiber and is polled (run/wait.c); all other code runs
 * directly on the caller's stack, where a call costs a few nanoseconds, if there is enough of it.
 */
#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "engine/structs.h"

#include <string.h>

/* Of whoever frees, for a file system of the network or of a program; others never wait. */
#define CLOSING_MS 100

/* -- life ---------------------------------------------------------------------------------- */

static wasmtime_error_t *at_epoch(wasmtime_context_t *context, void *data, uint64_t *delta,
                                  wasmtime_update_deadline_kind_t *kind)
{
    bhd__instance *instance = data;
    (void)context;
    if (bhd__instance_is_cancelled(instance))
        return bhd_engine_stop_new(BHD__STOP_CANCELLED, NULL, 0);
    if (bhd__clock_is_late(instance))
        return bhd_engine_stop_new(BHD__STOP_TIMEOUT, NULL, 0);
    *delta = 1;
    *kind = bhd__submission_should_yield(instance) ? WASMTIME_UPDATE_DEADLINE_YIELD
                                                   : WASMTIME_UPDATE_DEADLINE_CONTINUE;
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
    i->gate.limiter = options->limiter;
    i->granted = options->granted;
    i->sandbox_id = options->sandbox_id;
    i->user_data = options->user_data;
    i->store = wasmtime_store_new(code->variant->engine, i, NULL);
    i->context = wasmtime_store_context(i->store);
    bhd__gate_attach(&i->gate, i->store, &code->engine->options);
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

/* -- calls --------------------------------------------------------------------------------- */

/* Calls that this thread makes itself, one beneath the other. A shared library may not have the
 * model by default, and each call would pay for a function that finds the variable. */
static _Thread_local unsigned calls_here __attribute__((tls_model("initial-exec")));

bool bhd__engine_is_beneath_guest(void)
{
    return calls_here > 0 || bhd__scheduler_runs_task();
}

bool bhd__engine_is_inside(void)
{
    return calls_here > 0 || bhd__scheduler_is_worker();
}

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
    bhd__clock_set_deadline(instance);
    status = bhd__threads_before_waiting(error);
    return status == BHD_OK ? bhd__instance_prepare_wait(instance, error) : status;
}

static bhd_status refuel(bhd__instance *instance, bhd_error *error)
{
    wasmtime_error_t *failure = wasmtime_context_set_fuel(instance->context, instance->max_fuel);
    return failure ? bhd__fault_message(BHD_INTERNAL, "fuel", failure, error) : BHD_OK;
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
    instance->is_here = way != BHD__CALL_SUBMITTED;
    bhd__gate_begin(&instance->gate, way == BHD__CALL_START);
    /* The guest asks at every tick whether it has to stop. */
    wasmtime_context_set_epoch_deadline(instance->context, 1);
    bhd_status status = bhd__held_check(instance, error);
    if (status == BHD_OK)
        status = instance->is_here ? prepare_here(instance, way == BHD__CALL_START, error)
                                   : prepare_submitted(instance, error);
    if (status == BHD_OK && instance->code->metered)
        status = refuel(instance, error);
    if (status == BHD_OK)
        calls_here += instance->is_here;
    return status;
}

void bhd__call_undo(bhd__instance *instance)
{
    bhd__gate_end(&instance->gate);
    calls_here -= instance->is_here;
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
    bhd__gate_end(&instance->gate);
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
    calls_here -= instance->is_here;
    return status;
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

/* A function of no parameters and no results. False: it was given up. */
static bool call_plain(bhd__instance *instance, const wasmtime_func_t *function,
                       wasmtime_error_t **failure, wasm_trap_t **trap)
{
    if (instance->on_fiber)
        return bhd__instance_wait(
            instance,
            wasmtime_func_call_async(instance->context, function, NULL, 0, NULL, 0, trap, failure));
    *failure = wasmtime_func_call_unchecked(instance->context, function, NULL, 0, trap);
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
    if (ended && !failure && !trap && bhd__find_initialize(instance, &initialize)) {
        /* All memories have begun. */
        instance->gate.starting = false;
        ended = call_plain(instance, &initialize, &failure, &trap);
    }
    return bhd__call_end(instance, ended, failure, trap, error);
}

static bhd_status run_module(bhd__instance *instance, bhd_error *error)
{
    wasmtime_func_t start;
    wasmtime_error_t *failure = NULL;
    wasm_trap_t *trap = NULL;
    bhd_status status = bhd__find_start(instance, &start, error);
    if (status != BHD_OK)
        return status;
    status = bhd__call_begin(instance, BHD__CALL_HERE, error);
    if (status != BHD_OK)
        return status;
    bool ended = call_plain(instance, &start, &failure, &trap);
    return bhd__call_end(instance, ended, failure, trap, error);
}

static bhd_status run_component(bhd__instance *instance, int *exit_code, bhd_error *error)
{
    wasmtime_component_func_t run;
    wasmtime_component_val_t result = {0};
    wasmtime_error_t *failure = NULL;
    bool ended = true;
    bhd_status status = bhd__find_run(instance, &run, error);
    if (status != BHD_OK)
        return status;
    status = bhd__call_begin(instance, BHD__CALL_HERE, error);
    if (status != BHD_OK)
        return status;
    if (instance->on_fiber)
        ended = bhd__instance_wait(instance,
                                   wasmtime_component_func_call_async(&run, instance->context, NULL,
                                                                      0, &result, 1, &failure));
    else
        failure = wasmtime_component_func_call(&run, instance->context, NULL, 0, &result, 1);
    bool ran = ended && !failure;
    status = bhd__call_end(instance, ended, failure, NULL, error);
    if (ran) {
        *exit_code = result.kind == WASMTIME_COMPONENT_RESULT && !result.of.result.is_ok;
        wasmtime_component_val_delete(&result);
    }
    return status;
}

bhd_status bhd__instance_run(bhd__instance *instance, int *exit_code, bhd_error *error)
{
    /* A guest that calls exit is no error to whoever asked for the exit code. */
    bhd_error inner = BHD_ERROR_INIT;
    *exit_code = 0;
    bhd_status status = instance->code->component ? run_component(instance, exit_code, &inner)
                                                  : run_module(instance, &inner);
    if (status == BHD_EXIT) {
        *exit_code = (int)(uint32_t)inner.value;
    } else if (status != BHD_OK && error) {
        bhd_error_fini(error);
        *error = inner;
        return status;
    }
    bhd_error_fini(&inner);
    return status;
}

/* -- exports of core modules --------------------------------------------------------------- */

static bool value_types(const uint8_t *kinds, size_t count, bhd_value_type *out)
{
    for (size_t i = 0; i < count; i++) {
        if (i == BHD__VALUES_MAX || kinds[i] > BHD_F64)
            return false;
        out[i] = (bhd_value_type)kinds[i];
    }
    return true;
}

/* False: it takes or gives what cannot be passed here. */
static bool read_types(bhd__instance *instance, bhd__export *e)
{
    uint8_t parameters[BHD__VALUES_MAX], results[BHD__VALUES_MAX];
    bhd_engine_func_types(instance->context, &e->of.module, BHD__VALUES_MAX, parameters,
                          &e->parameter_count, results, &e->result_count);
    return value_types(parameters, e->parameter_count, e->parameters) &&
           value_types(results, e->result_count, e->results);
}

static bhd_status only_modules(const bhd__instance *instance, bhd_error *error)
{
    if (instance->code->component)
        return bhd__fail(error, BHD_NOT_SUPPORTED,
                         "a component of the component model exports no memory");
    return BHD_OK;
}

/* Names the exports of that kind that there are, because a wrong name is usually a misspelt one. */
typedef struct export_names {
    const char *what; /* "function" or "memory" */
    bhd__text text;
    size_t count;
    char buffer[512];
} export_names;

static void name_export(void *env, bool is_export, bhd_engine_str_t module, bhd_engine_str_t name,
                        bhd_engine_str_t type)
{
    export_names *names = env;
    (void)module;
    if (!is_export || type.size < 4 || memcmp(type.data, names->what, 4) != 0)
        return;
    bhd__text_add(&names->text, names->count++ == 0 ? "" : ", ");
    bhd__text_add_escaped(&names->text, name.data, name.size, 64);
}

static bhd_status no_export(const bhd__instance *instance, const char *name, const char *what,
                            bhd_error *error)
{
    char shown[300];
    bhd__text text;
    bhd__text_init(&text, shown, sizeof shown);
    bhd__text_add_escaped(&text, name, strlen(name), 64);
    bhd__text_ellipsis(&text);
    export_names names = {.what = what};
    bhd__text_init(&names.text, names.buffer, sizeof names.buffer);
    bhd_engine_module_items(instance->code->module, &names, name_export);
    bhd__text_ellipsis(&names.text);
    return bhd__fail(error, BHD_EXPORT_NOT_FOUND,
                     "the module exports no %s named \"%s\"; what it exports of that kind: %s",
                     what, shown, names.count > 0 ? names.buffer : "nothing");
}

static bhd_status find_export(bhd__instance *instance, const char *name,
                              wasmtime_extern_kind_t kind, const char *what,
                              wasmtime_extern_t *found, bhd_error *error)
{
    bhd_status status = only_modules(instance, error);
    if (status != BHD_OK)
        return status;
    if (wasmtime_instance_export_get(instance->context, &instance->of.module, name, strlen(name),
                                     found) &&
        found->kind == kind)
        return BHD_OK;
    return no_export(instance, name, what, error);
}

/* Core modules have no names for parameters; the types belong to nobody. */
static bhd_type *describe_types(bhd_value_type type, const bhd_value_type *types, size_t count)
{
    bhd_type *t = bhd__type_new(type, count);
    for (size_t i = 0; t && i < count; i++)
        t->parts[i].type = bhd__type_simple(types[i]);
    return t;
}

static bhd_status module_export(bhd__instance *instance, const char *name, bhd__export *e,
                                bhd_error *error)
{
    wasmtime_extern_t found;
    if (instance->code->initializes && strcmp(name, "_initialize") == 0)
        return bhd__fail(error, BHD_NOT_SUPPORTED,
                         "_initialize was called when the sandbox was made, and may be called once "
                         "(WASI's application ABI)");
    bhd_status status =
        find_export(instance, name, WASMTIME_EXTERN_FUNC, "function", &found, error);
    if (status != BHD_OK)
        return status;
    e->of.module = found.of.func;
    if (!read_types(instance, e))
        return bhd__fail(error, BHD_SIGNATURE_MISMATCH,
                         "the function takes or gives something else than i32, i64, f32 and f64, "
                         "or more than %d of them",
                         BHD__VALUES_MAX);
    e->own_parameter_types = describe_types(BHD_RECORD, e->parameters, e->parameter_count);
    e->own_result_types = describe_types(BHD_TUPLE, e->results, e->result_count);
    e->parameter_types = e->own_parameter_types;
    e->result_types = e->own_result_types;
    return e->parameter_types && e->result_types ? BHD_OK : bhd__fail_no_memory(error);
}

bhd_status bhd__instance_export(bhd__instance *instance, const char *name, bhd__export **exported,
                                bhd_error *error)
{
    bhd__export *e = bhd__calloc(1, sizeof *e);
    if (!e)
        return bhd__fail_no_memory(error);
    bhd_status status = instance->code->component ? bhd__component_export(instance, name, e, error)
                                                  : module_export(instance, name, e, error);
    if (status != BHD_OK) {
        bhd__export_free(e);
        return status;
    }
    *exported = e;
    return BHD_OK;
}

void bhd__export_free(bhd__export *exported)
{
    if (!exported)
        return;
    bhd_type_free(exported->own_parameter_types);
    bhd_type_free(exported->own_result_types);
    bhd__free(exported);
}

const bhd_type *bhd__export_parameters(const bhd__export *exported)
{
    return exported->parameter_types;
}

const bhd_type *bhd__export_results(const bhd__export *exported)
{
    return exported->result_types;
}

/* The four types share their first bytes in both unions; the kind decides which are read. */
static void to_raw(const bhd_value *value, wasmtime_val_raw_t *raw)
{
    memset(raw, 0, sizeof *raw);
    switch (value->type) {
    default:
    case BHD_I32:
        raw->i32 = value->of.i32;
        break;
    case BHD_I64:
        raw->i64 = value->of.i64;
        break;
    case BHD_F32:
        memcpy(&raw->f32, &value->of.f32, sizeof value->of.f32);
        break;
    case BHD_F64:
        memcpy(&raw->f64, &value->of.f64, sizeof value->of.f64);
        break;
    }
}

static void from_raw(const wasmtime_val_raw_t *raw, bhd_value_type type, bhd_value *value)
{
    value->type = type;
    value->element = type;
    switch (type) {
    default:
    case BHD_I32:
        value->of.i32 = raw->i32;
        break;
    case BHD_I64:
        value->of.i64 = raw->i64;
        break;
    case BHD_F32:
        memcpy(&value->of.f32, &raw->f32, sizeof value->of.f32);
        break;
    case BHD_F64:
        memcpy(&value->of.f64, &raw->f64, sizeof value->of.f64);
        break;
    }
}

static wasmtime_valkind_t val_kind(bhd_value_type type)
{
    static const wasmtime_valkind_t kinds[] = {WASMTIME_I32, WASMTIME_I64, WASMTIME_F32,
                                               WASMTIME_F64};
    return kinds[type];
}

static bhd_status call_direct(bhd__instance *instance, const bhd__export *e,
                              const bhd_value *arguments, bhd_value *results, bhd_error *error)
{
    wasmtime_val_raw_t raw[BHD__VALUES_MAX];
    size_t slots = e->parameter_count > e->result_count ? e->parameter_count : e->result_count;
    for (size_t i = 0; i < e->parameter_count; i++)
        to_raw(&arguments[i], &raw[i]);
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *failure =
        wasmtime_func_call_unchecked(instance->context, &e->of.module, raw, slots, &trap);
    bhd_status status = bhd__call_end(instance, true, failure, trap, error);
    if (status == BHD_OK)
        for (size_t i = 0; i < e->result_count; i++)
            from_raw(&raw[i], e->results[i], &results[i]);
    return status;
}

static bhd_status call_on_fiber(bhd__instance *instance, const bhd__export *e,
                                const bhd_value *arguments, bhd_value *results, bhd_error *error)
{
    wasmtime_val_t in[BHD__VALUES_MAX], out[BHD__VALUES_MAX];
    for (size_t i = 0; i < e->parameter_count; i++) {
        wasmtime_val_raw_t raw;
        to_raw(&arguments[i], &raw);
        in[i].kind = val_kind(e->parameters[i]);
        memcpy(&in[i].of, &raw, sizeof in[i].of < sizeof raw ? sizeof in[i].of : sizeof raw);
    }
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *failure = NULL;
    bool ended = bhd__instance_wait(
        instance, wasmtime_func_call_async(instance->context, &e->of.module, in, e->parameter_count,
                                           out, e->result_count, &trap, &failure));
    bhd_status status = bhd__call_end(instance, ended, failure, trap, error);
    if (status == BHD_OK)
        for (size_t i = 0; i < e->result_count; i++) {
            wasmtime_val_raw_t raw;
            memcpy(&raw, &out[i].of, sizeof out[i].of < sizeof raw ? sizeof out[i].of : sizeof raw);
            from_raw(&raw, e->results[i], &results[i]);
        }
    return status;
}

bhd_status bhd__instance_call(bhd__instance *instance, const bhd__export *exported,
                              const bhd_value *arguments, bhd_value *results, bhd_error *error)
{
    if (instance->code->component)
        return bhd__component_call(instance, exported, arguments, results, error);
    bhd_status status = bhd__call_begin(instance, BHD__CALL_HERE, error);
    if (status != BHD_OK)
        return status;
    return instance->on_fiber ? call_on_fiber(instance, exported, arguments, results, error)
                              : call_direct(instance, exported, arguments, results, error);
}

bhd_status bhd__instance_memory(bhd__instance *instance, const char *name, uint8_t **base,
                                size_t *size, bhd_error *error)
{
    wasmtime_extern_t found;
    bhd_status status =
        find_export(instance, name, WASMTIME_EXTERN_MEMORY, "memory", &found, error);
    if (status != BHD_OK)
        return status;
    *base = wasmtime_memory_data(instance->context, &found.of.memory);
    *size = wasmtime_memory_data_size(instance->context, &found.of.memory);
    return BHD_OK;
}

bool bhd__instance_has_ended(const bhd__instance *instance)
{
    return atomic_load_explicit(&instance->has_ended, memory_order_relaxed) ||
           (atomic_load_explicit(&instance->activity, memory_order_relaxed) & BHD__CLOSED);
}

const uint8_t *bhd__instance_output(const bhd__instance *instance, int which, size_t *size,
                                    uint64_t *dropped)
{
    const bhd__captured *captured = &instance->captured[which];
    *size = captured->size;
    *dropped = captured->dropped;
    return captured->data;
}

const bhd__refusal *bhd__instance_refusal(const bhd__instance *instance)
{
    return &instance->gate.refusal;
}

uint64_t bhd__instance_fuel_consumed(const bhd__instance *instance)
{
    return atomic_load_explicit(&instance->fuel_consumed, memory_order_relaxed);
}
