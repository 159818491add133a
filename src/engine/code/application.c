/*
 * What makes a component a command, and what a core module is by WASI's application ABI: a command,
 * which exports _start and is run once, or a reactor, which may export _initialize and is called
 * afterwards. _initialize runs the constructors of C++ and begins the runtime of Go; what is called
 * before it computes with zeros and fails in no other way, so it is part of making an instance
 * (engine/run/instance.c).
 */
#include "base/fail.h"
#include "base/text.h"
#include "engine/structs.h"

#include <string.h>

#define NAME_SHOWN_BYTES 64
#define TYPE_SHOWN_BYTES 128

static bool equals(bhd_engine_str_t bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static bool is_function(bhd_engine_str_t type)
{
    return type.size >= 5 && memcmp(type.data, "func(", 5) == 0;
}

/* -- when a module is loaded --------------------------------------------------------------- */

typedef struct kinds {
    bool starts, initializes, is_plain;
    char type[TYPE_SHOWN_BYTES * 4]; /* of _initialize */
} kinds;

static void look_at_export(void *env, bool is_export, bhd_engine_str_t module,
                           bhd_engine_str_t name, bhd_engine_str_t type)
{
    kinds *found = env;
    (void)module;
    if (!is_export)
        return;
    found->starts = found->starts || equals(name, "_start");
    if (!equals(name, "_initialize"))
        return;
    found->initializes = true;
    found->is_plain = equals(type, "func()");
    bhd__text text;
    bhd__text_init(&text, found->type, sizeof found->type);
    bhd__text_add_escaped(&text, type.data, type.size, TYPE_SHOWN_BYTES);
    bhd__text_ellipsis(&text);
}

bhd_status bhd__application_read(bhd__code *code, bhd_error *error)
{
    kinds found = {0};
    if (code->component)
        return BHD_OK;
    bhd_engine_module_items(code->module, &found, look_at_export);
    if (found.initializes && found.starts)
        return bhd__fail(error, BHD_COMPONENT_INVALID,
                         "the module exports _start and _initialize: a command has the first and a "
                         "reactor the second, and no module is both (WASI's application ABI)");
    if (found.initializes && !found.is_plain)
        return bhd__fail(error, BHD_COMPONENT_INVALID,
                         "the module exports _initialize as %s; that of a reactor is func(), "
                         "because it is called once before everything else (WASI's application "
                         "ABI); give what takes or gives values another name",
                         found.type);
    code->initializes = found.initializes;
    return BHD_OK;
}

/* -- when it is run as a command ----------------------------------------------------------- */

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
    if (!is_export || !is_function(type) || equals(name, "_initialize"))
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

/* -- when it is begun ---------------------------------------------------------------------- */

bool bhd__find_initialize(bhd__instance *instance, wasmtime_func_t *function)
{
    wasmtime_extern_t initialize;
    if (!instance->code->initializes ||
        !wasmtime_instance_export_get(instance->context, &instance->of.module, "_initialize", 11,
                                      &initialize))
        return false;
    *function = initialize.of.func;
    return true;
}
