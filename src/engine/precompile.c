/*
 * Compiles, and writes what came of it for a host that has no compiler.
 */
#include "engine/precompile.h"

#include "base/fail.h"
#include "compile/compiled_file.h"
#include "engine/code/obtain.h"

bhd_status bhd__engine_precompile(bhd__engine *engine, bool metered, const void *binary,
                                  size_t size, const bhd__compile_client *client, const char *path,
                                  bhd_error *error)
{
    if (bhd__is_precompiled(binary, size))
        return bhd__fail(error, BHD_COMPONENT_INVALID,
                         "the component is precompiled already; name the WebAssembly that it was "
                         "made of");
    bhd__artifact artifact;
    bhd_status status =
        bhd__artifact_get(engine, metered, false, binary, size, client, &artifact, error);
    if (status != BHD_OK)
        return status;
    bhd__cache_identity identity = bhd__artifact_identity(engine, metered);
    const bhd__precompiled parts = {
        .artifact = artifact.code,
        .description = artifact.translated.description,
        .artifact_bytes = artifact.code_bytes,
        .description_bytes = artifact.translated.description_bytes,
        .key = bhd__cache_key_of(&identity, binary, size),
    };
    status = bhd__precompiled_write(&parts, path, error);
    bhd__artifact_fini(&artifact);
    return status;
}
