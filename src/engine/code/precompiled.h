/*
 * Components that were compiled before, as artefacts.
 */
#ifndef BHD_ENGINE_CODE_PRECOMPILED_H
#define BHD_ENGINE_CODE_PRECOMPILED_H

#include "engine/code/artifact.h"

/* Of bytes that bhd__is_precompiled; they outlive the artefact. With `describe` it may be compiled
 * with fuel or without. BHD_NOT_SUPPORTED: the host loads no such thing. BHD_COMPONENT_INVALID:
 * they are damaged. BHD_COMPONENT_UNSUPPORTED: they are of another build or configuration. */
bhd_status bhd__artifact_read(bhd__engine *engine, bool metered, bool describe, const void *data,
                              size_t size, bhd__artifact *artifact, bhd_error *error);

#endif
