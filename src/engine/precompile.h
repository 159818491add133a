/*
 * Components for a host that has no compiler.
 */
#ifndef BHD_ENGINE_PRECOMPILE_H
#define BHD_ENGINE_PRECOMPILE_H

#include "compile/client.h"
#include "engine/types.h"

/* Compiles, and writes what came of it to the file. `client` may be NULL. Errors as
 * bhd_precompile. */
bhd_status bhd__engine_precompile(bhd__engine *engine, bool metered, const void *binary,
                                  size_t size, const bhd__compile_client *client, const char *path,
                                  bhd_error *error);

#endif
