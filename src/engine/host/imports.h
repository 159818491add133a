/*
 * Functions and resources of the host: the set, and one call of one function.
 *
 * A set is written by one thread until it is named, and is immutable from then on. A resource lives
 * in the table of its instance, which whoever has the instance's one call uses: the thread that
 * calls or runs the guest, and whoever answers an invocation, under the invocation's lock, while
 * that thread waits.
 */
#ifndef BHD_ENGINE_HOST_IMPORTS_H
#define BHD_ENGINE_HOST_IMPORTS_H

#include "bulkhead/imports.h"
#include "bulkhead_values.h"
#include "values/type.h"

#include <stdatomic.h>

struct bhd__instance;
struct bhd__code;

typedef struct bhd__import_resource {
    struct bhd__import_resource *next;
    char *interface, *name;
    bhd_resource_destructor destructor;
    void *user_data;
    uint32_t number; /* unique in the process; not 0 */
} bhd__import_resource;

typedef struct bhd__import {
    struct bhd__import *next;
    char *interface, *name;
    bhd_type *parameters, *results;
    bhd_host_callback callback;
    void *user_data;
    bool may_wait;
    bool has_resources; /* in its types */
    bhd_imports *set;
} bhd__import;

struct bhd_imports {
    atomic_uint holds;
    atomic_bool is_named; /* by a host or component: nothing is added any more */
    bhd__import *functions;
    bhd__import_resource *resources;
};

/* Names the set: it does not change any more. NULL gives NULL. */
bhd_imports *bhd__imports_hold(bhd_imports *imports);
/* What is looked at in this order: the component's own set, the host's. */
typedef struct bhd__providers {
    bhd_imports *sets[2]; /* held; may be NULL */
} bhd__providers;

/* The function that a component or module imports as `name` of `interface` ("" for none); NULL. */
const bhd__import *bhd__imports_find(const bhd_imports *imports, const char *interface,
                                     size_t interface_size, const char *name, size_t name_size);
const bhd__import_resource *bhd__imports_find_resource(const bhd_imports *imports,
                                                       const char *interface, size_t interface_size,
                                                       const char *name, size_t name_size);
/* A component imports the whole of `interface`, which WASI does not have: false if something in it
 * is not there. One with types alone is always there. */
bool bhd__imports_provide(const struct bhd__code *code, const char *interface, size_t size);
/* Links what the component or module imports of the sets. BHD_SIGNATURE_MISMATCH for types that
 * differ. */
bhd_status bhd__imports_link_component(struct bhd__code *code, wasmtime_component_linker_t *linker,
                                       bhd_error *error);
bhd_status bhd__imports_link_module(struct bhd__code *code, wasmtime_linker_t *linker,
                                    bhd_error *error);
/* The callbacks for the engine, with `function` as their environment. */
bhd_engine_host_t bhd__imports_host(const bhd__import *function);

/* -- resources of one instance (engine/host/resources.c) */

typedef enum bhd__resource_state {
    BHD__RESOURCE_FREE,
    BHD__RESOURCE_WITH_HOST,
    BHD__RESOURCE_WITH_GUEST,
} bhd__resource_state;

typedef struct bhd__resource {
    const bhd__import_resource *type;
    void *data;
    bhd__resource_state state;
    /* Changes whenever it comes to the host, so that an older handle is none any more. */
    uint64_t turn;
} bhd__resource;

typedef struct bhd__resources {
    bhd__resource *list; /* `rep` is the index and 1 */
    uint32_t capacity, live;
    uint64_t turns; /* so far */
} bhd__resources;

/* A new one, which is the host's. BHD_NO_CAPACITY, BHD_HOST_OUT_OF_MEMORY. */
bhd_status bhd__resources_add(struct bhd__instance *instance, const bhd__import_resource *type,
                              void *data, bhd_value *handle, bhd_error *error);
/* The resource of the host that a handle means, which may be the guest's by now; NULL. */
bhd__resource *bhd__resources_get(const struct bhd__instance *instance, const bhd_resource *handle);
/* The same if whoever has the handle has the resource: it was borrowed, or it is the host's. */
bhd__resource *bhd__resources_held(const struct bhd__instance *instance,
                                   const bhd_resource *handle);
/* The guest gave a handle: it stands for the resource, and an own handle takes it to the host. */
void bhd__resources_take(struct bhd__instance *instance, bhd_resource *handle);
/* Its destructor runs. */
void bhd__resources_end(bhd__resources *resources, bhd__resource *resource);
/* The guest drops one. */
void bhd__resources_drop(bhd__resources *resources, uint32_t rep);
void bhd__resources_fini(bhd__resources *resources);

#endif
