/*
 * Handles in values that go into a guest and come out of it: whose they are, and who has what they
 * stand for.
 *
 * A handle is made when a value comes out of the guest, or around a resource of the host, and notes
 * whose it is; copies share it. A resource of the guest is held by one handle only, which notes
 * when it has been given away. Of a resource of the host the instance's table knows who has it.
 *
 * Nothing here needs a lock: whoever has the instance's one call may read and write what its
 * handles note. Another instance's handle shows its number and nothing else.
 */
#include "engine/host/handles.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "engine/code/functions.h"
#include "engine/host/imports.h"
#include "engine/host/resources.h"
#include "engine/structs.h"
#include "values/value_tree.h"

#include <string.h>

#define NAME_SHOWN_BYTES 64

static atomic_uint_fast64_t instances; /* numbered so far; relaxed, only unique */

uint64_t bhd__handles_instance(void)
{
    return atomic_fetch_add_explicit(&instances, 1, memory_order_relaxed) + 1;
}

/* -- every handle in a value --------------------------------------------------------------- */

typedef struct visitor {
    /* False ends the visit. */
    bool (*one)(void *env, bhd_value_type kind, bhd_resource *handle, const bhd_type *type);
    void *env;
} visitor;

static const bhd_type *part_of(const bhd_type *type, size_t index)
{
    return type ? bhd_type_part(type, index) : NULL;
}

static bool visit(const bhd_value *value, const bhd_type *type, const visitor *v)
{
    if (bhd__value_has_items(value)) {
        for (size_t i = 0; i < value->of.items.count; i++) {
            const bhd_type *part = part_of(type, value->type == BHD_LIST ? 0 : i);
            if (!visit(&value->of.items.data[i], part, v))
                return false;
        }
        return true;
    }
    if (bhd__value_has_case(value)) {
        size_t index = value->type == BHD_OPTION ? 0 : value->of.variant.index;
        const bhd_value *payload = value->of.variant.payload;
        return !payload || visit(payload, part_of(type, index), v);
    }
    if ((value->type != BHD_OWN && value->type != BHD_BORROW) || !value->of.resource)
        return true;
    return v->one(v->env, value->type, value->of.resource, type);
}

/* -- out of the guest ---------------------------------------------------------------------- */

static bool take(void *env, bhd_value_type kind, bhd_resource *handle, const bhd_type *type)
{
    bhd__instance *instance = env;
    (void)kind;
    handle->instance = instance->number;
    if (handle->host != 0)
        bhd__resources_take(instance, handle);
    else
        handle->type = type ? type->resource : 0;
    return true;
}

void bhd__handles_take(bhd__instance *instance, const bhd_value *value, const bhd_type *type)
{
    (void)visit(value, type, &(visitor){take, instance});
}

/* -- into the guest: may it? --------------------------------------------------------------- */

typedef struct judge {
    bhd__instance *instance;
    const bhd__import *import; /* whose results they are; NULL: arguments of an export */
    uint64_t call;
} judge;

/* The number of the host's resource type that a type means; 0: it is not one of the host's. */
static uint32_t host_type(const judge *j, const bhd_type *type)
{
    const bhd__code *code = j->instance->code;
    if (!j->import)
        return type->resource < code->host_type_count ? code->host_types[type->resource] : 0;
    const bhd__import_resource *meant =
        bhd__imports_find_resource(j->import->set, j->import->interface,
                                   strlen(j->import->interface), type->name, strlen(type->name));
    return meant ? meant->number : 0;
}

static bool is_of_type(const judge *j, const bhd_resource *handle, const bhd_type *type)
{
    uint32_t host = host_type(j, type);
    return host == handle->host && (host != 0 || handle->type == type->resource);
}

/* The name of what a handle stands for. */
static const char *name_of(const bhd__instance *instance, const bhd_resource *handle)
{
    const bhd__functions *functions = &instance->code->functions;
    const bhd__resource *resource = bhd__resources_get(instance, handle);
    for (size_t i = 0; !resource && i < functions->count; i++)
        if (functions->list[i].what == BHD__FUNCTION_RESOURCE &&
            functions->list[i].resource == handle->type)
            return functions->list[i].name;
    return resource ? resource->type->name : "resource";
}

static bool is_gone(const bhd__instance *instance, const bhd_resource *handle)
{
    return handle->host != 0 ? !bhd__resources_held(instance, handle) : handle->is_gone;
}

/* NULL: it may be given or lent. */
static const char *problem_of(const judge *j, bhd_value_type kind, const bhd_resource *handle)
{
    if (handle->instance != j->instance->number)
        return "a resource of another sandbox";
    if (is_gone(j->instance, handle))
        return "a resource that was given away or dropped";
    if (!handle->is_owned)
        return "a resource that was only borrowed";
    if (handle->given == j->call || (kind == BHD_OWN && handle->lent == j->call))
        return "a resource that the call has elsewhere";
    return NULL;
}

static bool fits(void *env, const bhd_value *value, const bhd_type *type, char *text,
                 size_t capacity)
{
    const judge *j = env;
    bhd_resource *handle = value->of.resource;
    bhd__text out;
    bhd__text_init(&out, text, capacity);
    const char *problem = problem_of(j, value->type, handle);
    if (problem) {
        bhd__text_add(&out, problem);
        return false;
    }
    if (!is_of_type(j, handle, type)) {
        const char *name = name_of(j->instance, handle);
        bhd__text_printf(&out, "%s<", bhd__type_word(value->type));
        bhd__text_add_escaped(&out, name, strlen(name), NAME_SHOWN_BYTES);
        bhd__text_add(&out, ">");
        return false;
    }
    *(value->type == BHD_OWN ? &handle->given : &handle->lent) = j->call;
    return true;
}

static bhd_status check(judge *j, const bhd_value *values, size_t count, const bhd_type *types,
                        const char *what, bhd_error *error)
{
    bhd__handle_judge judged = {fits, j};
    j->call = ++j->instance->handle_calls;
    return bhd__values_check(values, count, types, what, &judged, error);
}

bhd_status bhd__handles_check_arguments(bhd__instance *instance, const bhd_value *values,
                                        size_t count, const bhd_type *types, bhd_error *error)
{
    judge j = {instance, NULL, 0};
    return check(&j, values, count, types, "parameter", error);
}

bhd_status bhd__handles_check_results(bhd__instance *instance, const bhd__import *import,
                                      const bhd_value *values, size_t count, bhd_error *error)
{
    judge j = {instance, import, 0};
    return check(&j, values, count, import->results, "result", error);
}

/* -- into the guest ------------------------------------------------------------------------ */

static bool give(void *env, bhd_value_type kind, bhd_resource *handle, const bhd_type *type)
{
    bhd__instance *instance = env;
    (void)type;
    if (kind != BHD_OWN)
        return true;
    bhd__resource *resource = bhd__resources_held(instance, handle);
    if (resource)
        resource->state = BHD__RESOURCE_WITH_GUEST;
    handle->is_gone = true;
    return true;
}

void bhd__handles_give(bhd__instance *instance, const bhd_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)visit(&values[i], NULL, &(visitor){give, instance});
}

/* -- the end of what the embedder has ------------------------------------------------------ */

static bool settle(void *env, bhd_value_type kind, bhd_resource *handle, const bhd_type *type)
{
    bhd__instance *instance = env;
    (void)type;
    bhd__resource *resource =
        kind == BHD_OWN && handle->is_owned ? bhd__resources_held(instance, handle) : NULL;
    if (resource)
        bhd__resources_end(&instance->resources, resource);
    return true;
}

void bhd__handles_settle(bhd__instance *instance, const bhd_value *value)
{
    (void)visit(value, NULL, &(visitor){settle, instance});
}

void *bhd__handles_data(const bhd__instance *instance, const bhd_value *handle)
{
    if ((handle->type != BHD_OWN && handle->type != BHD_BORROW) || !handle->of.resource)
        return NULL;
    bhd__resource *resource = bhd__resources_held(instance, handle->of.resource);
    return resource ? resource->data : NULL;
}

typedef struct collection {
    bhd__instance *instance;
    uint64_t call;
    size_t count;
    bhd__owned *owned; /* NULL: they are counted only */
} collection;

static bool collect(void *env, bhd_value_type kind, bhd_resource *handle, const bhd_type *type)
{
    collection *c = env;
    (void)type;
    if (kind != BHD_OWN)
        return true;
    if (handle->instance != c->instance->number)
        return false;
    if (handle->host != 0 || !handle->is_owned || handle->is_gone)
        return true;
    c->count++;
    if (c->owned && handle->given != c->call) {
        handle->given = c->call;
        c->owned->list[c->owned->count++] = handle;
    }
    return true;
}

bhd_status bhd__handles_collect(bhd__instance *instance, const bhd_value *value, bhd__owned *owned,
                                bhd_error *error)
{
    collection c = {instance, ++instance->handle_calls, 0, NULL};
    visitor v = {collect, &c};
    if (!visit(value, NULL, &v))
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "the value owns a resource of another sandbox");
    *owned = (bhd__owned){NULL, 0};
    if (c.count == 0)
        return BHD_OK;
    owned->list = bhd__calloc(c.count, sizeof *owned->list);
    if (!owned->list)
        return bhd__fail_no_memory(error);
    c.owned = owned;
    (void)visit(value, NULL, &v);
    return BHD_OK;
}

void bhd__owned_give(const bhd__owned *owned)
{
    for (size_t i = 0; i < owned->count; i++)
        owned->list[i]->is_gone = true;
}

void bhd__owned_fini(bhd__owned *owned)
{
    bhd__free(owned->list);
    *owned = (bhd__owned){NULL, 0};
}
