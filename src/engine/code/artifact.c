#include "engine/code/artifact.h"

#include "base/alloc.h"
#include "engine/code/build.h"
#include "engine/code/failure.h"

#include <string.h>
#include <sys/mman.h>

bhd__translation bhd__artifact_settings(const bhd_host_options *options, bool metered,
                                        bool describe)
{
    bhd__translation settings;
    /* Padding too: it travels as bytes, and names an entry of the cache. */
    memset(&settings, 0, sizeof settings);
    settings.max_function_bytes = options->max_function_bytes;
    settings.max_instance_bytes = options->max_instance_bytes;
    settings.max_stack_bytes = options->max_stack_bytes;
    settings.max_functions = options->max_functions;
    settings.features = options->features;
    settings.metered = metered;
    settings.describe = describe;
    return settings;
}

bhd__cache_identity bhd__artifact_identity(const bhd__engine *engine, bool metered)
{
    bhd__translation settings = bhd__artifact_settings(&engine->options, metered, false);
    return bhd__cache_identity_of(bhd__engine_build(), &settings, sizeof settings);
}

bool bhd__artifact_describe(bhd__artifact *artifact, const uint8_t *description, size_t size)
{
    uint8_t *copy = bhd__malloc(size);
    if (!copy)
        return false;
    memcpy(copy, description, size);
    artifact->translated.owned[1] = copy;
    artifact->translated.description = copy;
    artifact->translated.description_bytes = size;
    return true;
}

void bhd__artifact_fini(bhd__artifact *artifact)
{
    if (artifact->mapping)
        (void)munmap(artifact->mapping, artifact->mapping_bytes);
    bhd__turn_end(&artifact->turn);
    bhd__translated_fini(&artifact->translated);
    if (artifact->mapping ? artifact->mapping_bytes >= BHD__LARGE_CODE_BYTES
                          : artifact->compile_ns >= BHD__TRIM_NS)
        bhd__alloc_trim();
    *artifact = (bhd__artifact){0};
}

bhd_status bhd__artifact_load(const bhd__artifact *artifact, wasm_engine_t *engine,
                              wasmtime_module_t **module, wasmtime_component_t **component,
                              bhd_error *error)
{
    wasmtime_error_t *failure =
        artifact->description.is_component
            ? wasmtime_component_deserialize(engine, artifact->code, artifact->code_bytes,
                                             component)
            : wasmtime_module_deserialize(engine, artifact->code, artifact->code_bytes, module);
    if (failure && artifact->is_precompiled)
        return bhd__failure_message(BHD_COMPONENT_INVALID,
                                    "the precompiled component cannot be loaded; compile it again",
                                    failure, error);
    if (failure)
        return bhd__failure_message(BHD_COMPILER_FAILED,
                                    "what the compiler made cannot be loaded; the compiler may be "
                                    "damaged, or was taken over by the component",
                                    failure, error);
    return BHD_OK;
}
