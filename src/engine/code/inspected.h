/*
 * From an artefact to a bhd_inspection.
 */
#ifndef BHD_ENGINE_CODE_INSPECTED_H
#define BHD_ENGINE_CODE_INSPECTED_H

#include "bulkhead/inspection.h"
#include "engine/code/artifact.h"

/* What the binary declares, with the names and types of the items of its code, which is loaded as
 * one of the two; neither when there is none. */
bhd_status bhd__artifact_inspect(const bhd_host_options *options, const bhd__artifact *artifact,
                                 const wasmtime_module_t *module,
                                 const wasmtime_component_t *component, wasm_engine_t *of,
                                 bhd_inspection *inspection, bhd_error *error);

#endif
