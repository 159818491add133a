/*
 * What the library knows of values beyond bulkhead/value.h.
 */
#ifndef BHD_VALUES_VALUE_TREE_H
#define BHD_VALUES_VALUE_TREE_H

#include "bulkhead/value.h"

#include <stdatomic.h>

/* A handle; copies share it. The engine's crate makes it too, so its layout is fixed: the crate
 * keeps in `any` what the engine calls a resource of the guest. */
struct bhd_resource {
    atomic_uint holds;
    uint32_t host;     /* the number of the host's resource type; 0: a resource of the guest */
    uint32_t rep;      /* of the host's */
    uint32_t is_owned; /* of the guest's */
    uint64_t any[8];
};

bhd_resource *bhd__resource_hold(bhd_resource *resource);
/* NULL does nothing. */
void bhd__resource_release(bhd_resource *resource);

/* `of.items` holds what it is made of. */
bool bhd__value_has_items(const bhd_value *value);
/* `of.variant` does. */
bool bhd__value_has_case(const bhd_value *value);

/* Values against a tuple or record of types, as many as it has: bhd_value_check with "parameter
 * NAME: " or "parameter N: " (or whatever `what` is) before the place. */
bhd_status bhd__values_check(const bhd_value *values, size_t count, const bhd_type *types,
                             const char *what, bhd_error *error);

#endif
