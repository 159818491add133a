/*
 * Sets of functions and resources of the host: filled, found by name, shared.
 */
#include "engine/host/imports.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "engine/structs.h"
#include "values/type_parse.h"

#include <string.h>

bhd_status bhd_imports_new(bhd_imports **imports, bhd_error *error)
{
    if (!imports)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_imports_new: imports is NULL");
    bhd_imports *set = bhd__calloc(1, sizeof *set);
    if (!set)
        return bhd__fail_no_memory(error);
    atomic_init(&set->holds, 1);
    *imports = set;
    return BHD_OK;
}

static void function_free(bhd__import *function)
{
    bhd__free(function->interface);
    bhd__free(function->name);
    bhd_type_free(function->parameters);
    bhd_type_free(function->results);
    bhd__free(function);
}

static void resource_free(bhd__import_resource *resource)
{
    bhd__free(resource->interface);
    bhd__free(resource->name);
    bhd__free(resource);
}

void bhd_imports_free(bhd_imports *imports)
{
    if (!imports || atomic_fetch_sub_explicit(&imports->holds, 1, memory_order_acq_rel) != 1)
        return;
    for (bhd__import *f = imports->functions, *next; f; f = next) {
        next = f->next;
        function_free(f);
    }
    for (bhd__import_resource *r = imports->resources, *next; r; r = next) {
        next = r->next;
        resource_free(r);
    }
    bhd__free(imports);
}

bhd_imports *bhd__imports_hold(bhd_imports *imports)
{
    if (!imports)
        return NULL;
    atomic_store_explicit(&imports->is_named, true, memory_order_relaxed);
    atomic_fetch_add_explicit(&imports->holds, 1, memory_order_relaxed);
    return imports;
}

/* -- names --------------------------------------------------------------------------------- */

static bool same(const char *text, const char *bytes, size_t size)
{
    return strlen(text) == size && memcmp(text, bytes, size) == 0;
}

/* `given` is what the embedder wrote; without a version it means any. */
static bool is_interface(const char *given, const char *bytes, size_t size)
{
    if (same(given, bytes, size))
        return true;
    const char *version = size > 0 ? memchr(bytes, '@', size) : NULL;
    return version && same(given, bytes, (size_t)(version - bytes));
}

const bhd__import *bhd__imports_find(const bhd_imports *imports, const char *interface,
                                     size_t interface_size, const char *name, size_t name_size)
{
    for (const bhd__import *f = imports ? imports->functions : NULL; f; f = f->next)
        if (is_interface(f->interface, interface, interface_size) && same(f->name, name, name_size))
            return f;
    return NULL;
}

const bhd__import_resource *bhd__imports_find_resource(const bhd_imports *imports,
                                                       const char *interface, size_t interface_size,
                                                       const char *name, size_t name_size)
{
    for (const bhd__import_resource *r = imports ? imports->resources : NULL; r; r = r->next)
        if (is_interface(r->interface, interface, interface_size) && same(r->name, name, name_size))
            return r;
    return NULL;
}

/* -- adding -------------------------------------------------------------------------------- */

static bhd_status check_new(const bhd_imports *imports, const char *interface, const char *name,
                            bhd_error *error)
{
    if (!imports || !name || name[0] == '\0')
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "an import of the host lacks its name");
    if (atomic_load_explicit(&imports->is_named, memory_order_relaxed))
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "a host or component uses this set of imports; it cannot change any more");
    if (bhd__imports_find(imports, interface, strlen(interface), name, strlen(name)) ||
        bhd__imports_find_resource(imports, interface, strlen(interface), name, strlen(name)))
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "the import is there already");
    return BHD_OK;
}

/* Every resource that a type mentions is one of the interface's. */
static bhd_status check_resources(bhd__import *f, const bhd_type *type, bhd_error *error)
{
    if (type->type == BHD_OWN || type->type == BHD_BORROW) {
        f->has_resources = true;
        if (!bhd__imports_find_resource(f->set, f->interface, strlen(f->interface), type->name,
                                        strlen(type->name)))
            return bhd__fail(error, BHD_INVALID_ARGUMENT,
                             "the type mentions the resource %s, which the interface does not have",
                             type->name);
    }
    for (uint32_t i = 0; i < type->count; i++) {
        bhd_status status =
            type->parts[i].type ? check_resources(f, type->parts[i].type, error) : BHD_OK;
        if (status != BHD_OK)
            return status;
    }
    return BHD_OK;
}

bhd_status bhd_imports_function(bhd_imports *imports, const bhd_host_function *function,
                                bhd_error *error)
{
    bhd_host_function own = BHD_HOST_FUNCTION_INIT;
    bhd_status status =
        bhd__sized_take(&own, sizeof own, function, BHD__THROUGH(bhd_host_function, may_wait),
                        "bhd_host_function", error);
    if (status != BHD_OK)
        return status;
    function = &own;
    if (!function->callback || !function->type)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "a function of the host lacks its type or its callback");
    const char *interface = function->interface ? function->interface : "";
    status = check_new(imports, interface, function->name, error);
    if (status != BHD_OK)
        return status;
    bhd__import *f = bhd__calloc(1, sizeof *f);
    if (!f)
        return bhd__fail_no_memory(error);
    f->interface = bhd__strdup(interface);
    f->name = bhd__strdup(function->name);
    f->callback = function->callback;
    f->user_data = function->user_data;
    f->may_wait = function->may_wait;
    f->set = imports;
    if (!f->interface || !f->name) {
        function_free(f);
        return bhd__fail_no_memory(error);
    }
    status = bhd__type_parse_function(function->type, &f->parameters, &f->results, error);
    if (status == BHD_OK)
        status = check_resources(f, f->parameters, error);
    if (status == BHD_OK)
        status = check_resources(f, f->results, error);
    if (status != BHD_OK) {
        function_free(f);
        return status;
    }
    f->next = imports->functions;
    imports->functions = f;
    return BHD_OK;
}

/* Numbers of resource types; a type of one set is never taken for one of another. */
static atomic_uint_fast32_t numbers; /* given out so far; relaxed, only unique */

bhd_status bhd_imports_resource(bhd_imports *imports, const bhd_host_resource *resource,
                                bhd_error *error)
{
    if (!resource)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_imports_resource: resource is NULL");
    bhd_host_resource own = BHD_HOST_RESOURCE_INIT;
    bhd_status status =
        bhd__sized_take(&own, sizeof own, resource, BHD__THROUGH(bhd_host_resource, user_data),
                        "bhd_host_resource", error);
    if (status != BHD_OK)
        return status;
    resource = &own;
    const char *interface = resource->interface ? resource->interface : "";
    status = check_new(imports, interface, resource->name, error);
    if (status != BHD_OK)
        return status;
    bhd__import_resource *r = bhd__calloc(1, sizeof *r);
    if (!r)
        return bhd__fail_no_memory(error);
    r->interface = bhd__strdup(interface);
    r->name = bhd__strdup(resource->name);
    if (!r->interface || !r->name) {
        resource_free(r);
        return bhd__fail_no_memory(error);
    }
    r->destructor = resource->destructor;
    r->user_data = resource->user_data;
    r->number = (uint32_t)atomic_fetch_add_explicit(&numbers, 1, memory_order_relaxed) + 1;
    r->next = imports->resources;
    imports->resources = r;
    return BHD_OK;
}
