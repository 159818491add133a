/*
 * Components for a host that has no compiler.
 */
#ifndef BHD_ENGINE_PRECOMPILE_H
#define BHD_ENGINE_PRECOMPILE_H

#include "engine/types.h"

/* Compiles, and writes what came of it to the file. Errors as bhd_precompile. */
bhd_status bhd__engine_precompile(bhd__engine *engine, bool metered, const void *binary,
                                  size_t size, const char *path, bhd_error *error);

#endif
