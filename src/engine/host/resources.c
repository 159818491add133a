/*
 * Resources of the host that one sandbox knows. Each is the host's or the guest's at any time, and
 * its destructor runs once: when the guest drops it, when a function that got it kept it, when the
 * embedder drops it, or when the sandbox is freed.
 */
#include "engine/host/resources.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "engine/structs.h"
#include "values/value_tree.h"

#include <string.h>

static const bhd__resource nothing = {NULL, NULL, BHD__RESOURCE_FREE, 0};

/* The index of a free place; `capacity` when there is no memory for one. */
static uint32_t find_place(bhd__resources *resources)
{
    uint32_t index = 0;
    while (index < resources->capacity && resources->list[index].state != BHD__RESOURCE_FREE)
        index++;
    if (index < resources->capacity)
        return index;
    uint32_t capacity = index ? index * 2 : 4;
    bhd__resource *list = bhd__realloc_array(resources->list, capacity, sizeof *list);
    if (!list)
        return index;
    for (uint32_t i = index; i < capacity; i++)
        list[i] = nothing;
    resources->list = list;
    resources->capacity = capacity;
    return index;
}

bhd_status bhd__resources_add(bhd__instance *instance, const bhd__import_resource *type, void *data,
                              bhd_value *handle, bhd_error *error)
{
    bhd__resources *resources = &instance->resources;
    if (resources->live >= BHD_RESOURCES_MAX)
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "the sandbox has %d resources of the host, which is as many as it may",
                         BHD_RESOURCES_MAX);
    bhd_resource *made = bhd__calloc(1, sizeof *made);
    uint32_t index = made ? find_place(resources) : resources->capacity;
    if (index == resources->capacity) {
        bhd__free(made);
        return bhd__fail_no_memory(error);
    }
    resources->list[index] =
        (bhd__resource){type, data, BHD__RESOURCE_WITH_HOST, ++resources->turns};
    resources->live++;
    atomic_init(&made->holds, 1);
    made->host = type->number;
    made->rep = index + 1;
    made->is_owned = 1;
    made->instance = instance->number;
    made->turn = resources->turns;
    *handle = bhd_value_own(made);
    return BHD_OK;
}

/* What the guest calls `rep`. */
static bhd__resource *find(const bhd__resources *resources, uint32_t rep)
{
    bhd__resource *found = rep > 0 && rep <= resources->capacity ? &resources->list[rep - 1] : NULL;
    return found && found->state != BHD__RESOURCE_FREE ? found : NULL;
}

bhd__resource *bhd__resources_get(const bhd__instance *instance, const bhd_resource *handle)
{
    if (handle->host == 0 || handle->instance != instance->number)
        return NULL;
    bhd__resource *found = find(&instance->resources, handle->rep);
    return found && found->turn == handle->turn ? found : NULL;
}

bhd__resource *bhd__resources_held(const bhd__instance *instance, const bhd_resource *handle)
{
    bhd__resource *found = bhd__resources_get(instance, handle);
    return found && (!handle->is_owned || found->state == BHD__RESOURCE_WITH_HOST) ? found : NULL;
}

void bhd__resources_take(bhd__instance *instance, bhd_resource *handle)
{
    bhd__resources *resources = &instance->resources;
    bhd__resource *found = find(resources, handle->rep);
    if (!found)
        return;
    if (handle->is_owned) {
        found->state = BHD__RESOURCE_WITH_HOST;
        found->turn = ++resources->turns;
    }
    handle->turn = found->turn;
}

/* Free before the destructor runs, so that nobody meets it again. */
void bhd__resources_end(bhd__resources *resources, bhd__resource *resource)
{
    bhd__resource gone = *resource;
    *resource = nothing;
    resources->live--;
    if (gone.type->destructor)
        gone.type->destructor(gone.type->user_data, gone.data);
}

void bhd__resources_drop(bhd__resources *resources, uint32_t rep)
{
    bhd__resource *found = find(resources, rep);
    if (found && found->state == BHD__RESOURCE_WITH_GUEST)
        bhd__resources_end(resources, found);
}

void bhd__resources_fini(bhd__resources *resources)
{
    for (uint32_t rep = 1; rep <= resources->capacity; rep++) {
        bhd__resource *found = find(resources, rep);
        if (found)
            bhd__resources_end(resources, found);
    }
    bhd__free(resources->list);
    *resources = (bhd__resources){NULL, 0, 0, 0};
}

/* -- for the embedder, between calls ------------------------------------------------------- */

bhd_status bhd__instance_resource(bhd__instance *instance, const char *interface, const char *name,
                                  void *data, bhd_value *handle, bhd_error *error)
{
    const bhd__import_resource *type = NULL;
    for (size_t i = 0; !type && i < 2; i++)
        type = bhd__imports_find_resource(instance->code->providers.sets[i], interface,
                                          strlen(interface), name, strlen(name));
    if (!type)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "neither the component nor its host was given a set of imports with this "
                         "resource");
    return bhd__resources_add(instance, type, data, handle, error);
}
