/*
 * What a component imports of the host's functions and resources: held against their types, and
 * linked.
 */
#include "engine/host/link.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "engine/code/failure.h"
#include "engine/code/functions.h"
#include "engine/code/wasi_imports.h"
#include "engine/host/imports.h"
#include "engine/host/invocation.h"
#include "engine/host/resources.h"

#include <stdlib.h>
#include <string.h>

#define TYPE_SHOWN_BYTES 300

static const bhd__import *find(const bhd__code *code, const char *interface, const char *name)
{
    const bhd__import *found = NULL;
    for (size_t i = 0; !found && i < 2; i++)
        found = bhd__imports_find(code->providers.sets[i], interface, strlen(interface), name,
                                  strlen(name));
    return found;
}

static const bhd__import_resource *find_resource(const bhd__code *code, const char *interface,
                                                 const char *name)
{
    const bhd__import_resource *found = NULL;
    for (size_t i = 0; !found && i < 2; i++)
        found = bhd__imports_find_resource(code->providers.sets[i], interface, strlen(interface),
                                           name, strlen(name));
    return found;
}

/* A resource that another interface has made is only named again in this one. */
static bool provides(const bhd__code *code, const bhd__function *f)
{
    if (f->what == BHD__FUNCTION_RESOURCE)
        return f->is_again || find_resource(code, f->instance, f->name);
    return find(code, f->instance, f->name) != NULL;
}

static int compare_name(const bhd__function *f, const char *name, size_t size)
{
    const char *its = bhd__function_import(f);
    int order = strncmp(its, name, size);
    return order != 0 ? order : its[strnlen(its, size)] != '\0';
}

bool bhd__link_is_provided(const bhd__code *code, const char *interface, size_t size)
{
    const bhd__functions *functions = &code->functions;
    size_t first = 0, end = functions->import_count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (compare_name(functions->imports[middle], interface, size) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    for (; first < functions->import_count &&
           compare_name(functions->imports[first], interface, size) == 0;
         first++)
        if (!provides(code, functions->imports[first]))
            return false;
    return true;
}

/* -- types --------------------------------------------------------------------------------- */

/* One of the names under which a component imports a resource type means this of the host's. */
typedef struct bhd__resource_name {
    uint32_t resource;
    const bhd__import_resource *meant;
} resource_name;

static int compare_resource_names(const void *a, const void *b)
{
    const resource_name *x = a, *y = b;
    if (x->resource != y->resource)
        return x->resource < y->resource ? -1 : 1;
    return x->meant == y->meant ? 0 : (uintptr_t)x->meant < (uintptr_t)y->meant ? -1 : 1;
}

static bhd_status note_resource_names(bhd__code *code, bhd_error *error)
{
    const bhd__functions *functions = &code->functions;
    resource_name *names = bhd__calloc(functions->import_count + 1, sizeof *names);
    if (!names)
        return bhd__fail_no_memory(error);
    size_t count = 0;
    for (size_t i = 0; i < functions->import_count; i++) {
        const bhd__function *f = functions->imports[i];
        if (f->what == BHD__FUNCTION_RESOURCE)
            names[count++] =
                (resource_name){f->resource, find_resource(code, f->instance, f->name)};
    }
    qsort(names, count, sizeof *names, compare_resource_names);
    code->resource_names = names;
    code->resource_name_count = count;
    return BHD_OK;
}

/* The resource in a component's type is the one that the host's function means. */
static bool is_same_resource(const bhd__code *code, const bhd__import *import, const bhd_type *type)
{
    const bhd__import_resource *meant = bhd__imports_find_resource(
        import->set, import->interface, strlen(import->interface), type->name, strlen(type->name));
    resource_name key = {type->resource, meant};
    return bsearch(&key, code->resource_names, code->resource_name_count, sizeof key,
                   compare_resource_names) != NULL;
}

static bool resources_fit(const bhd__code *code, const bhd__import *import, const bhd_type *type)
{
    if (type->type == BHD_OWN || type->type == BHD_BORROW)
        return type->name && is_same_resource(code, import, type);
    for (uint32_t i = 0; i < type->count; i++)
        if (type->parts[i].type && !resources_fit(code, import, type->parts[i].type))
            return false;
    return true;
}

static void show(const bhd_type *parameters, const bhd_type *results, char *buffer, size_t capacity)
{
    bhd__text text;
    char part[TYPE_SHOWN_BYTES];
    bhd__text_init(&text, buffer, capacity);
    bhd__text_add(&text, "func(");
    for (uint32_t i = 0; i < parameters->count; i++) {
        (void)bhd_type_to_text(parameters->parts[i].type, part, sizeof part);
        bhd__text_printf(&text, "%s%s: %s", i > 0 ? ", " : "", bhd_type_part_name(parameters, i),
                         part);
    }
    bhd__text_add(&text, ")");
    if (results->count > 0) {
        (void)bhd_type_to_text(results->parts[0].type, part, sizeof part);
        bhd__text_printf(&text, " -> %s", part);
    }
    bhd__text_ellipsis(&text);
}

static bhd_status check_types(const bhd__code *code, const bhd__function *f,
                              const bhd__import *import, bhd_error *error)
{
    char wants[TYPE_SHOWN_BYTES], has[TYPE_SHOWN_BYTES];
    show(import->parameters, import->results, has, sizeof has);
    if (f->what != BHD__FUNCTION_TYPED)
        return bhd__fail(error, BHD_SIGNATURE_MISMATCH,
                         "the component imports %s with a type that cannot be passed; the host has "
                         "%s",
                         import->name, has);
    if (bhd__type_equals(f->parameters, import->parameters) &&
        bhd__type_equals(f->results, import->results) &&
        (!import->has_resources ||
         (resources_fit(code, import, f->parameters) && resources_fit(code, import, f->results))))
        return BHD_OK;
    show(f->parameters, f->results, wants, sizeof wants);
    return bhd__fail(error, BHD_SIGNATURE_MISMATCH,
                     "the component imports %s%s%s as %s; the host has %s", import->interface,
                     import->interface[0] != '\0' ? "#" : "", import->name, wants, has);
}

/* -- components ---------------------------------------------------------------------------- */

static void drop_resource(void *data, uint32_t rep)
{
    bhd__instance *instance = data;
    bhd__resources_drop(&instance->resources, rep);
}

static wasmtime_error_t *link_resource(const bhd__code *code, const bhd__function *f,
                                       wasmtime_component_linker_t *linker)
{
    const bhd__import_resource *resource = find_resource(code, f->instance, f->name);
    if (!resource || f->is_again)
        return NULL;
    return bhd_engine_component_linker_resource(linker, f->instance, strlen(f->instance), f->name,
                                                strlen(f->name), resource->number, drop_resource);
}

static bhd_status link_function(bhd__code *code, const bhd__function *f,
                                wasmtime_component_linker_t *linker, bhd_error *error)
{
    const bhd__import *import = find(code, f->instance, f->name);
    if (!import)
        return BHD_OK;
    bhd_status status = check_types(code, f, import, error);
    if (status != BHD_OK)
        return status;
    bhd_engine_host_t host = bhd__invocation_callbacks(import);
    code->may_wait = code->may_wait || import->may_wait;
    wasmtime_error_t *failure = bhd_engine_component_linker_function(
        linker, f->instance, strlen(f->instance), f->name, strlen(f->name), &host,
        bhd__type_flat_count(import->results) == 1, import->may_wait);
    return failure ? bhd__failure_message(BHD_INTERNAL, "a function of the host", failure, error)
                   : BHD_OK;
}

/* Which of the component's resource types are the host's. */
static bhd_status note_host_types(bhd__code *code, bhd_error *error)
{
    const bhd__functions *functions = &code->functions;
    uint32_t most = 0;
    for (size_t i = 0; i < functions->count; i++)
        most = functions->list[i].resource > most ? functions->list[i].resource : most;
    code->host_types = bhd__calloc((size_t)most + 1, sizeof *code->host_types);
    if (!code->host_types)
        return bhd__fail_no_memory(error);
    code->host_type_count = (size_t)most + 1;
    for (size_t i = 0; i < functions->count; i++) {
        const bhd__function *f = &functions->list[i];
        if (f->is_export || f->what != BHD__FUNCTION_RESOURCE || f->is_again)
            continue;
        const bhd__import_resource *resource = find_resource(code, f->instance, f->name);
        code->host_types[f->resource] = resource ? resource->number : 0;
    }
    return BHD_OK;
}

bhd_status bhd__link_component(bhd__code *code, wasmtime_component_linker_t *linker,
                               bhd_error *error)
{
    bhd_status status = note_host_types(code, error);
    if (status == BHD_OK)
        status = note_resource_names(code, error);
    for (size_t i = 0; status == BHD_OK && i < code->functions.count; i++) {
        const bhd__function *f = &code->functions.list[i];
        const char *capability;
        /* What WASI has stays WASI's. */
        if (f->is_export || bhd__wasi_grant(NULL, 0, f->instance, strlen(f->instance),
                                            &capability) == BHD__GRANT_YES)
            continue;
        if (f->what != BHD__FUNCTION_RESOURCE) {
            status = link_function(code, f, linker, error);
            continue;
        }
        wasmtime_error_t *failure = link_resource(code, f, linker);
        if (failure)
            status = bhd__failure_message(BHD_INTERNAL, "a resource of the host", failure, error);
    }
    return status;
}

/* -- core modules -------------------------------------------------------------------------- */

typedef struct module_link {
    bhd__code *code;
    wasmtime_linker_t *linker;
    bhd_error *error;
    bhd_status status;
} module_link;

static bool core_kinds(const bhd_type *types, uint32_t *kinds)
{
    for (uint32_t i = 0; i < types->count; i++) {
        if (i == BHD__VALUES_MAX || types->parts[i].type->type > BHD_F64)
            return false;
        kinds[i] = types->parts[i].type->type;
    }
    return true;
}

static bhd_status link_core(module_link *link, const bhd__import *import)
{
    uint32_t parameters[BHD__VALUES_MAX], results[BHD__VALUES_MAX];
    if (!core_kinds(import->parameters, parameters) || !core_kinds(import->results, results))
        return bhd__fail(link->error, BHD_SIGNATURE_MISMATCH,
                         "a core module imports %s.%s, whose type is not made of i32, i64, f32 and "
                         "f64",
                         import->interface, import->name);
    bhd_engine_host_t host = bhd__invocation_callbacks(import);
    link->code->may_wait = link->code->may_wait || import->may_wait;
    wasmtime_error_t *failure = bhd_engine_module_linker_function(
        link->linker, import->interface, strlen(import->interface), import->name,
        strlen(import->name), &host, parameters, import->parameters->count, results,
        import->results->count, import->may_wait);
    return failure
               ? bhd__failure_message(BHD_INTERNAL, "a function of the host", failure, link->error)
               : BHD_OK;
}

static void link_item(void *env, bool is_export, bhd_engine_str_t module, bhd_engine_str_t name,
                      bhd_engine_str_t type)
{
    module_link *link = env;
    const bhd__import *import = NULL;
    const char *capability;
    (void)type;
    if (is_export || link->status != BHD_OK ||
        bhd__wasi_grant(module.data, module.size, name.data, name.size, &capability) ==
            BHD__GRANT_YES)
        return;
    for (size_t i = 0; !import && i < 2; i++)
        import = bhd__imports_find(link->code->providers.sets[i], module.data, module.size,
                                   name.data, name.size);
    if (import)
        link->status = link_core(link, import);
}

bhd_status bhd__link_module(bhd__code *code, wasmtime_linker_t *linker, bhd_error *error)
{
    module_link link = {code, linker, error, BHD_OK};
    bhd_engine_module_items(code->module, &link, link_item);
    return link.status;
}
