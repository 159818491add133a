/*
 * How binaries are translated: what is the same for every binary of a host.
 */
#ifndef BHD_ENGINE_CODE_TRANSLATION_H
#define BHD_ENGINE_CODE_TRANSLATION_H

#include "bulkhead/host.h"

/* Host and process exchange it as bytes. */
typedef struct bhd__translation {
    uint64_t max_function_bytes, max_instance_bytes, max_stack_bytes;
    uint32_t max_functions, features;
    bool metered; /* compiled with fuel */
    /* For an inspection: a binary that is valid and not allowed is described without an
     * artefact. */
    bool describe;
} bhd__translation;

#endif
