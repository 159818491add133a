/*
 * An artefact for a binary, wherever it comes from: the cache, the compiler process, a compiler in
 * this process when the host says so, or a file that was compiled before, likewise.
 */
#ifndef BHD_ENGINE_CODE_OBTAIN_H
#define BHD_ENGINE_CODE_OBTAIN_H

#include "engine/code/artifact.h"

/* `describe`: an inspection, which may come to a description without code. `client` may be NULL.
 * Errors as bhd_component_new and, with `describe`, bhd_inspect. Ended by bhd__artifact_fini; until
 * then it may have a turn of the compiler. */
bhd_status bhd__artifact_get(bhd__engine *engine, bool metered, bool describe, const void *binary,
                             size_t size, const bhd__compile_client *client,
                             bhd__artifact *artifact, bhd_error *error);
/* What the cache gave, `is_cached`, could not be loaded: the entry goes, and the artefact becomes a
 * new one. On failure it is ended. */
bhd_status bhd__artifact_renew(bhd__engine *engine, bool metered, bool describe, const void *binary,
                               size_t size, const bhd__compile_client *client,
                               bhd__artifact *artifact, bhd_error *error);

#endif
