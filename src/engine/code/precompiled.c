/*
 * See precompiled.h.
 */
#include "engine/code/precompiled.h"

#include "base/fail.h"
#include "bulkhead/version.h"
#include "compile/compiled_file.h"

#include <inttypes.h>
#include <string.h>

/* The first half of an identity is the build's (cache.h). */
#define BUILD_DIGITS 32

static bhd_status check_fuel(bool metered, bhd_error *error)
{
    if (metered)
        return bhd__fail(error, BHD_COMPONENT_UNSUPPORTED,
                         "the component was precompiled with fuel, and its limits have none: state "
                         "one (max_fuel, --fuel), or compile it again without (bulkhead compile)");
    return bhd__fail(error, BHD_COMPONENT_UNSUPPORTED,
                     "the component was precompiled without fuel, and its limits have some "
                     "(max_fuel): compile it again with it (bulkhead compile --fuel), or leave the "
                     "limit out");
}

/* Whether it was compiled by this build, under these options and for this processor. */
static bhd_status check_identity(const bhd__engine *engine, bool wanted, bool describe,
                                 const char *identity, bool *metered, bhd_error *error)
{
    for (int with = 0; with <= 1; with++) {
        bhd__cache_identity ours = bhd__artifact_identity(engine, with != 0);
        if (memcmp(ours.digits, identity, BUILD_DIGITS) != 0)
            return bhd__fail(error, BHD_COMPONENT_UNSUPPORTED,
                             "the component was precompiled by another build of Bulkhead than this "
                             "one (%s): compile it again with this one (bulkhead compile)",
                             bhd_version());
        *metered = with != 0;
        if (strcmp(ours.digits, identity) == 0)
            return describe || *metered == wanted ? BHD_OK : check_fuel(*metered, error);
    }
    return bhd__fail(error, BHD_COMPONENT_UNSUPPORTED,
                     "the component was precompiled for another processor, or under other host "
                     "options than these (features, max_stack_bytes, max_functions, "
                     "max_function_bytes, max_instance_bytes; --enable, --max-stack-bytes and so "
                     "on): compile it again on this machine with the same options (bulkhead "
                     "compile)");
}

static bhd_status too_large(bhd_error *error, const char *what, uint64_t has, uint64_t allowed,
                            const char *option)
{
    (void)bhd__fail(error, BHD_FILE_TOO_LARGE,
                    "the precompiled component has %" PRIu64 " bytes of %s; this host allows "
                    "%" PRIu64 " (%s)",
                    has, what, allowed, option);
    bhd__error_range(error, has, 0, allowed);
    return BHD_FILE_TOO_LARGE;
}

static bhd_status damaged(bhd_error *error, const char *problem)
{
    return bhd__fail(error, BHD_COMPONENT_INVALID,
                     "the precompiled component cannot be used: %s; compile it again (bulkhead "
                     "compile)",
                     problem);
}

static bhd_status take(const bhd__engine *engine, const bhd__precompiled *parts,
                       bhd__artifact *artifact, bhd_error *error)
{
    const bhd_host_options *options = &engine->options;
    if (parts->artifact_bytes > options->max_artifact_bytes)
        return too_large(error, "code", parts->artifact_bytes, options->max_artifact_bytes,
                         "host option max_artifact_bytes, --max-artifact-bytes");
    artifact->code = parts->artifact;
    artifact->code_bytes = parts->artifact_bytes;
    if (!bhd__artifact_describe(artifact, parts->description, parts->description_bytes))
        return bhd__fail_no_memory(error);
    if (!bhd__description_read(artifact->translated.description, parts->description_bytes,
                               &artifact->description))
        return damaged(error, "its description has not the form that it should have");
    uint64_t binary_bytes = artifact->description.binary_bytes;
    if (binary_bytes > options->max_component_bytes)
        return too_large(error, "the binary that it was made of", binary_bytes,
                         options->max_component_bytes,
                         "host option max_component_bytes, --max-component-bytes");
    return BHD_OK;
}

bhd_status bhd__artifact_read(bhd__engine *engine, bool metered, bool describe, const void *data,
                              size_t size, bhd__artifact *artifact, bhd_error *error)
{
    *artifact = (bhd__artifact){.is_precompiled = true};
    if (!engine->options.allow_precompiled)
        return bhd__fail(error, BHD_NOT_SUPPORTED,
                         "the component is precompiled: it is machine code, and whoever wrote it "
                         "can run anything in this process. Load the WebAssembly that it was made "
                         "of; or, if nobody but you can have written it, say so (host option "
                         "allow_precompiled, --allow-precompiled)");
    bhd__precompiled parts;
    const char *problem = bhd__precompiled_read(data, size, &parts);
    if (problem)
        return damaged(error, problem);
    bhd_status status =
        check_identity(engine, metered, describe, parts.key.identity, &artifact->metered, error);
    if (status == BHD_OK)
        status = take(engine, &parts, artifact, error);
    if (status != BHD_OK)
        bhd__artifact_fini(artifact);
    return status;
}
