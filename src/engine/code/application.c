/*
 * _initialize runs the constructors of C++ and begins the runtime of Go; what is called before it
 * computes with zeros and fails in no other way, so it is part of making an instance (run/start.c).
 */
#include "engine/code/application.h"

#include "base/fail.h"
#include "base/text.h"
#include "engine/code/name.h"

#include <string.h>

#define TYPE_SHOWN_BYTES 128

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
    found->starts = found->starts || bhd__name_is(name, "_start");
    if (!bhd__name_is(name, "_initialize"))
        return;
    found->initializes = true;
    found->is_plain = bhd__name_is(type, "func()");
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
