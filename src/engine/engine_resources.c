/*
 * Resources of the host that one sandbox knows. Each is the host's or the guest's at any time, and
 * its destructor runs once: when the guest drops it, when a function that got it kept it, or when
 * the sandbox is freed.
 */
#include "base/alloc.h"
#include "base/fail.h"
#include "engine/engine_imports.h"
#include "values/value_tree.h"

bhd_status bhd__resources_add(bhd__resources *resources, const bhd__import_resource *type,
                              void *data, bhd_value *handle, bhd_error *error)
{
    if (resources->live >= BHD_RESOURCES_MAX)
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "the sandbox has %d resources of the host, which is as many as it may",
                         BHD_RESOURCES_MAX);
    uint32_t index = 0;
    while (index < resources->capacity && resources->list[index].state != BHD__RESOURCE_FREE)
        index++;
    bhd_resource *made = bhd__calloc(1, sizeof *made);
    if (made && index == resources->capacity) {
        uint32_t capacity = index ? index * 2 : 4;
        bhd__resource *list = bhd__realloc_array(resources->list, capacity, sizeof *list);
        if (!list) {
            bhd__free(made);
            made = NULL;
        } else {
            for (uint32_t i = index; i < capacity; i++)
                list[i] = (bhd__resource){NULL, NULL, BHD__RESOURCE_FREE};
            resources->list = list;
            resources->capacity = capacity;
        }
    }
    if (!made)
        return bhd__fail_no_memory(error);
    atomic_init(&made->holds, 1);
    made->host = type->number;
    made->rep = index + 1;
    made->is_owned = 1;
    resources->list[index] = (bhd__resource){type, data, BHD__RESOURCE_WITH_HOST};
    resources->live++;
    *handle = bhd_value_own(made);
    return BHD_OK;
}

bhd__resource *bhd__resources_get(const bhd__resources *resources, const bhd_value *handle)
{
    if (handle->type != BHD_OWN && handle->type != BHD_BORROW)
        return NULL;
    const bhd_resource *resource = handle->of.resource;
    if (!resource || resource->host == 0 || resource->rep == 0 ||
        resource->rep > resources->capacity)
        return NULL;
    bhd__resource *found = &resources->list[resource->rep - 1];
    return found->state != BHD__RESOURCE_FREE && found->type->number == resource->host ? found
                                                                                       : NULL;
}

/* Free before the destructor runs, so that nobody meets it again. */
static void destroy(bhd__resources *resources, bhd__resource *resource)
{
    bhd__resource gone = *resource;
    *resource = (bhd__resource){NULL, NULL, BHD__RESOURCE_FREE};
    resources->live--;
    if (gone.type->destructor)
        gone.type->destructor(gone.type->user_data, gone.data);
}

void bhd__resources_drop(bhd__resources *resources, uint32_t rep)
{
    if (rep > 0 && rep <= resources->capacity &&
        resources->list[rep - 1].state == BHD__RESOURCE_WITH_GUEST)
        destroy(resources, &resources->list[rep - 1]);
}

/* -- handles inside a value ---------------------------------------------------------------- */

typedef bool (*visit_fn)(bhd__resources *resources, bhd__resource *resource);

/* Visits every own handle of the host; false as soon as the visitor is. */
static bool visit(bhd__resources *resources, const bhd_value *value, visit_fn one)
{
    if (bhd__value_has_items(value)) {
        for (size_t i = 0; i < value->of.items.count; i++)
            if (!visit(resources, &value->of.items.data[i], one))
                return false;
        return true;
    }
    if (bhd__value_has_case(value))
        return !value->of.variant.payload || visit(resources, value->of.variant.payload, one);
    if (value->type != BHD_OWN || !value->of.resource || value->of.resource->host == 0)
        return true;
    return one(resources, bhd__resources_get(resources, value));
}

static bool give(bhd__resources *resources, bhd__resource *resource)
{
    (void)resources;
    if (!resource || resource->state != BHD__RESOURCE_WITH_HOST)
        return false;
    resource->state = BHD__RESOURCE_WITH_GUEST;
    return true;
}

static bool take(bhd__resources *resources, bhd__resource *resource)
{
    (void)resources;
    if (resource)
        resource->state = BHD__RESOURCE_WITH_HOST;
    return true;
}

static bool settle(bhd__resources *resources, bhd__resource *resource)
{
    if (resource && resource->state == BHD__RESOURCE_WITH_HOST)
        destroy(resources, resource);
    return true;
}

bool bhd__resources_give(bhd__resources *resources, const bhd_value *value)
{
    return visit(resources, value, give);
}

void bhd__resources_take(bhd__resources *resources, const bhd_value *value)
{
    (void)visit(resources, value, take);
}

void bhd__resources_settle(bhd__resources *resources, const bhd_value *value)
{
    (void)visit(resources, value, settle);
}

void bhd__resources_fini(bhd__resources *resources)
{
    for (uint32_t i = 0; i < resources->capacity; i++)
        if (resources->list[i].state != BHD__RESOURCE_FREE)
            destroy(resources, &resources->list[i]);
    bhd__free(resources->list);
    *resources = (bhd__resources){NULL, 0, 0};
}
