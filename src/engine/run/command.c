#include "engine/run/command.h"

#include "base/fail.h"
#include "base/text.h"
#include "engine/code/functions.h"
#include "engine/code/name.h"
#include "engine/run/call.h"
#include "engine/run/start.h"
#include "engine/run/wait.h"
#include "engine/structs.h"

#include <string.h>

#define NAME_SHOWN_BYTES 64
#define TYPE_SHOWN_BYTES 128

static bool is_function(bhd_engine_str_t type)
{
    return type.size >= 5 && memcmp(type.data, "func(", 5) == 0;
}

typedef struct function_names {
    bhd__text text;
    size_t count;
    char buffer[600];
} function_names;

/* "square(i32) -> i32" */
static void name_function(void *env, bool is_export, bhd_engine_str_t module, bhd_engine_str_t name,
                          bhd_engine_str_t type)
{
    function_names *names = env;
    (void)module;
    if (!is_export || !is_function(type) || bhd__name_is(name, "_initialize"))
        return;
    bhd__text_add(&names->text, names->count++ == 0 ? "" : ", ");
    bhd__text_add_escaped(&names->text, name.data, name.size, NAME_SHOWN_BYTES);
    bhd__text_add_escaped(&names->text, type.data + 4, type.size - 4, TYPE_SHOWN_BYTES);
}

/* The exported functions are named, because one of them may be what was meant. */
static bhd_status not_a_command(const bhd__code *code, const char *what, bhd_error *error)
{
    function_names names = {.count = 0};
    bhd__text_init(&names.text, names.buffer, sizeof names.buffer);
    if (code->component)
        names.count = bhd__functions_name(&code->functions, &names.text);
    else
        bhd_engine_module_items(code->module, &names, name_function);
    bhd__text_ellipsis(&names.text);
    if (names.count == 0)
        return bhd__fail(error, BHD_EXPORT_NOT_FOUND, "%s, nor any other function", what);
    return bhd__fail(error, BHD_EXPORT_NOT_FOUND, "%s; the functions that it exports: %s", what,
                     names.buffer);
}

bhd_status bhd__find_start(bhd__instance *instance, wasmtime_func_t *function, bhd_error *error)
{
    wasmtime_extern_t start;
    bool found =
        wasmtime_instance_export_get(instance->context, &instance->of.module, "_start", 6, &start);
    if (!found || start.kind != WASMTIME_EXTERN_FUNC)
        return not_a_command(instance->code,
                             instance->code->initializes
                                 ? "the module is a reactor and not a command: beside _initialize, "
                                   "which was called, it exports no function _start"
                                 : "the module is not a command: it exports no function _start",
                             error);
    wasm_functype_t *type = wasmtime_func_type(instance->context, &start.of.func);
    bool is_plain = wasm_functype_params(type)->size == 0 && wasm_functype_results(type)->size == 0;
    wasm_functype_delete(type);
    if (!is_plain)
        return bhd__fail(error, BHD_SIGNATURE_MISMATCH,
                         "_start takes parameters or gives results; a command's does not");
    *function = start.of.func;
    return BHD_OK;
}

/* It exports wasi:cli/run, if not in a version that can be run. */
static bool exports_other_run(const bhd__functions *functions)
{
    static const char run[] = "wasi:cli/run@";
    for (size_t i = 0; i < functions->count; i++)
        if (functions->list[i].is_export &&
            strncmp(functions->list[i].instance, run, sizeof run - 1) == 0)
            return true;
    return false;
}

bhd_status bhd__find_run(bhd__instance *instance, wasmtime_component_func_t *function,
                         bhd_error *error)
{
    if (!instance->code->run ||
        !wasmtime_component_instance_get_func(&instance->of.component, instance->context,
                                              instance->code->run, function))
        return not_a_command(instance->code,
                             exports_other_run(&instance->code->functions)
                                 ? "the component is a command of another version of WASI than "
                                   "this host's: it does not export wasi:cli/run@0.2"
                                 : "the component is not a command: it does not export "
                                   "wasi:cli/run@0.2",
                             error);
    return BHD_OK;
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
    bool ended = bhd__call_plain(instance, &start, &failure, &trap);
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
