/*
 * Resources of the host that one instance knows.
 *
 * The table is used by whoever has the instance's one call: the thread that calls or runs the
 * guest, and whoever answers an invocation, under the invocation's lock, while that thread waits.
 */
#ifndef BHD_ENGINE_HOST_RESOURCES_H
#define BHD_ENGINE_HOST_RESOURCES_H

#include "bulkhead/resource.h"
#include "engine/host/imports.h"
#include "engine/types.h"

typedef struct bhd__resource bhd__resource;
typedef struct bhd__resources bhd__resources;

/* A new one, which is the host's. BHD_NO_CAPACITY, BHD_HOST_OUT_OF_MEMORY. */
bhd_status bhd__resources_add(bhd__instance *instance, const bhd__import_resource *type, void *data,
                              bhd_value *handle, bhd_error *error);
/* The resource of the host that a handle means, which may be the guest's by now; NULL. */
bhd__resource *bhd__resources_get(const bhd__instance *instance, const bhd_resource *handle);
/* The same if whoever has the handle has the resource: it was borrowed, or it is the host's. */
bhd__resource *bhd__resources_held(const bhd__instance *instance, const bhd_resource *handle);
/* The guest gave a handle: it stands for the resource, and an own handle takes it to the host. */
void bhd__resources_take(bhd__instance *instance, bhd_resource *handle);
/* Its destructor runs. */
void bhd__resources_end(bhd__resources *resources, bhd__resource *resource);
/* The guest drops one. */
void bhd__resources_drop(bhd__resources *resources, uint32_t rep);
void bhd__resources_fini(bhd__resources *resources);

/* A resource of the host, made for this instance; see bhd_sandbox_resource. */
bhd_status bhd__instance_resource(bhd__instance *instance, const char *interface, const char *name,
                                  void *data, bhd_value *handle, bhd_error *error);

#endif
