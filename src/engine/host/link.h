/*
 * What a component imports of the host's functions and resources: held against their types, and
 * linked.
 */
#ifndef BHD_ENGINE_HOST_LINK_H
#define BHD_ENGINE_HOST_LINK_H

#include "engine/structs.h"

/* A component imports the whole of `interface`, which WASI does not have: false if something in it
 * is not there. One with types alone is always there. */
bool bhd__link_is_provided(const bhd__code *code, const char *interface, size_t size);
/* Links what the component or module imports of the sets. BHD_SIGNATURE_MISMATCH for types that
 * differ. */
bhd_status bhd__link_component(bhd__code *code, wasmtime_component_linker_t *linker,
                               bhd_error *error);
bhd_status bhd__link_module(bhd__code *code, wasmtime_linker_t *linker, bhd_error *error);

#endif
