#include "engine/run/core_exports.h"

#include "base/fail.h"
#include "base/text.h"
#include "engine/run/call.h"
#include "engine/run/wait.h"
#include "engine/structs.h"

#include <string.h>

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
    (void)bhd__text_show(shown, sizeof shown, name, 64);
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

bhd_status bhd__core_export(bhd__instance *instance, const char *name, bhd__export *e,
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

void bhd__core_argument(const bhd_value *value, wasmtime_val_t *out)
{
    switch (value->type) {
    case BHD_I32:
        out->kind = WASMTIME_I32;
        out->of.i32 = value->of.i32;
        break;
    case BHD_I64:
        out->kind = WASMTIME_I64;
        out->of.i64 = value->of.i64;
        break;
    case BHD_F32:
        out->kind = WASMTIME_F32;
        out->of.f32 = value->of.f32;
        break;
    case BHD_F64:
        out->kind = WASMTIME_F64;
        out->of.f64 = value->of.f64;
        break;
    default:
        break;
    }
}

void bhd__core_result(const wasmtime_val_t *value, bhd_value_type type, bhd_value *out)
{
    out->type = type;
    out->element = type;
    switch (type) {
    case BHD_I32:
        out->of.i32 = value->of.i32;
        break;
    case BHD_I64:
        out->of.i64 = value->of.i64;
        break;
    case BHD_F32:
        out->of.f32 = value->of.f32;
        break;
    case BHD_F64:
        out->of.f64 = value->of.f64;
        break;
    default:
        break;
    }
}

static bhd_status call_on_fiber(bhd__instance *instance, const bhd__export *e,
                                const bhd_value *arguments, bhd_value *results, bhd_error *error)
{
    wasmtime_val_t in[BHD__VALUES_MAX], out[BHD__VALUES_MAX];
    for (size_t i = 0; i < e->parameter_count; i++)
        bhd__core_argument(&arguments[i], &in[i]);
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *failure = NULL;
    bool ended = bhd__instance_wait(
        instance, wasmtime_func_call_async(instance->context, &e->of.module, in, e->parameter_count,
                                           out, e->result_count, &trap, &failure));
    bhd_status status = bhd__call_end(instance, ended, failure, trap, error);
    if (status == BHD_OK)
        for (size_t i = 0; i < e->result_count; i++)
            bhd__core_result(&out[i], e->results[i], &results[i]);
    return status;
}

bhd_status bhd__core_call(bhd__instance *instance, const bhd__export *e, const bhd_value *arguments,
                          bhd_value *results, bhd_error *error)
{
    bhd_status status = bhd__call_begin(instance, BHD__CALL_HERE, error);
    if (status != BHD_OK)
        return status;
    return instance->on_fiber ? call_on_fiber(instance, e, arguments, results, error)
                              : call_direct(instance, e, arguments, results, error);
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
