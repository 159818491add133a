/*
 * Handles in values that go into a guest and come out of it.
 */
#ifndef BHD_ENGINE_HOST_HANDLES_H
#define BHD_ENGINE_HOST_HANDLES_H

#include "bulkhead/resource.h"
#include "engine/host/imports.h"
#include "engine/types.h"

/* A number for a new instance, unique in the process. */
uint64_t bhd__handles_instance(void);

/* The guest gave `value`: its handles are this instance's from now on, and what it owns is the
 * embedder's. `type` tells resources of the guest apart; NULL where there can be none. */
void bhd__handles_take(bhd__instance *instance, const bhd_value *value, const bhd_type *type);
/* Every handle in values that fit their types otherwise: it is this instance's, of that resource
 * type, not gone, and not given twice. BHD_SIGNATURE_MISMATCH with its place. The first is for
 * arguments of an export, the second for results of a function of the host. */
bhd_status bhd__handles_check_arguments(bhd__instance *instance, const bhd_value *values,
                                        size_t count, const bhd_type *types, bhd_error *error);
bhd_status bhd__handles_check_results(bhd__instance *instance, const bhd__import *import,
                                      const bhd_value *values, size_t count, bhd_error *error);
/* What values own, all of which has been checked, is the guest's from now on. */
void bhd__handles_give(bhd__instance *instance, const bhd_value *values, size_t count);
/* Ends resources of the host that a value owns and that are still the host's. */
void bhd__handles_settle(bhd__instance *instance, const bhd_value *value);

/* The data of the resource of the host that a handle stands for; NULL. */
void *bhd__handles_data(const bhd__instance *instance, const bhd_value *handle);

/* Resources of the guest that a value owns, each once. */
typedef struct bhd__owned {
    bhd_resource **list;
    size_t count;
} bhd__owned;

/* BHD_INVALID_ARGUMENT: one is of another sandbox. BHD_HOST_OUT_OF_MEMORY. */
bhd_status bhd__handles_collect(bhd__instance *instance, const bhd_value *value, bhd__owned *owned,
                                bhd_error *error);
/* They are the embedder's no more. */
void bhd__owned_give(const bhd__owned *owned);
void bhd__owned_fini(bhd__owned *owned);

#endif
