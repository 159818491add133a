/*
 * What the library knows of values beyond bulkhead/value.h.
 */
#ifndef BHD_VALUES_VALUE_TREE_H
#define BHD_VALUES_VALUE_TREE_H

#include "bulkhead/value.h"

#include <stdatomic.h>

/* A handle; copies share it. The engine's crate makes it too, so its layout is fixed: the crate
 * keeps in `any` what the engine calls a resource of the guest, and leaves what follows 0.
 *
 * `holds` is for any thread. What is noted belongs to the sandbox that `instance` names: whoever
 * has its one call writes and reads it (engine/host/handles.c). */
struct bhd_resource {
    atomic_uint holds;
    uint32_t host;     /* the number of the host's resource type; 0: not one of the host's */
    uint32_t rep;      /* of the host's */
    uint32_t is_owned; /* not only borrowed */
    uint64_t any[8];
    uint64_t instance;    /* whose it is; from then on unchanged */
    uint64_t turn;        /* of the host's: bhd__resource.turn when it came here */
    uint64_t given, lent; /* the last call that it was given and lent to */
    uint32_t type;        /* of the guest's: bhd_type.resource */
    bool is_gone;         /* of the guest's: given away or dropped */
};

bhd_resource *bhd__resource_hold(bhd_resource *resource);
/* NULL does nothing. */
void bhd__resource_release(bhd_resource *resource);

/* `of.items` holds what it is made of. */
bool bhd__value_has_items(const bhd_value *value);
/* `of.variant` does. */
bool bhd__value_has_case(const bhd_value *value);

/* Whether a handle may be where its type is wanted. If not, `text` becomes what it is instead: "a
 * resource of another sandbox". */
typedef struct bhd__handle_judge {
    bool (*fits)(void *env, const bhd_value *handle, const bhd_type *type, char *text,
                 size_t capacity);
    void *env;
} bhd__handle_judge;

/* Values against a tuple or record of types, as many as it has: bhd_value_check with "parameter
 * NAME: " or "parameter N: " (or whatever `what` is) before the place. `judge` may be NULL. */
bhd_status bhd__values_check(const bhd_value *values, size_t count, const bhd_type *types,
                             const char *what, const bhd__handle_judge *judge, bhd_error *error);

#endif
