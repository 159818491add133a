/*
 * What a binary declares, asked of its code.
 */
#include "engine/inspect.h"

#include "engine/code/config.h"
#include "engine/code/inspected.h"
#include "engine/code/obtain.h"
#include "engine/engine.h"

/* Loaded only for its types; nothing is linked and nothing runs. */
static bhd_status load_and_inspect(bhd__engine *engine, const bhd__artifact *artifact,
                                   bhd_inspection *inspection, bhd_error *error)
{
    bhd__variant *variant;
    wasmtime_module_t *module = NULL;
    wasmtime_component_t *component = NULL;
    bhd_status status = bhd__engine_variant(engine, artifact->metered, &variant, error);
    if (status == BHD_OK && artifact->code)
        status = bhd__artifact_load(artifact, variant->engine, &module, &component, error);
    if (status == BHD_OK)
        status = bhd__artifact_inspect(&engine->options, artifact, module, component,
                                       variant->engine, inspection, error);
    if (component)
        wasmtime_component_delete(component);
    if (module)
        wasmtime_module_delete(module);
    return status;
}

bhd_status bhd__engine_inspect(bhd__engine *engine, const void *data, size_t size,
                               const bhd__compile_client *client, bhd_inspection *inspection,
                               bhd_error *error)
{
    bhd__artifact artifact;
    bhd_status status =
        bhd__artifact_get(engine, false, true, data, size, client, &artifact, error);
    if (status == BHD_OK)
        status = load_and_inspect(engine, &artifact, inspection, error);
    if (status == BHD_COMPILER_FAILED && artifact.is_cached) {
        status = bhd__artifact_renew(engine, false, true, data, size, client, &artifact, error);
        if (status == BHD_OK)
            status = load_and_inspect(engine, &artifact, inspection, error);
    }
    bhd__artifact_fini(&artifact);
    return status;
}
