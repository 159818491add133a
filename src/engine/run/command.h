/*
 * Commands: what runs as a program does, from its beginning to its end.
 */
#ifndef BHD_ENGINE_RUN_COMMAND_H
#define BHD_ENGINE_RUN_COMMAND_H

#include "bulkhead/error.h"
#include "engine/types.h"

struct wasmtime_component_func;
struct wasmtime_func;

/* Runs guest code as bhd__instance_start does; a guest that calls exit is BHD_OK here. */
bhd_status bhd__instance_run(bhd__instance *instance, int *exit_code, bhd_error *error);

/* What a command is: _start, wasi:cli/run. BHD_EXPORT_NOT_FOUND, BHD_SIGNATURE_MISMATCH. */
bhd_status bhd__find_start(bhd__instance *instance, struct wasmtime_func *function,
                           bhd_error *error);
bhd_status bhd__find_run(bhd__instance *instance, struct wasmtime_component_func *function,
                         bhd_error *error);

#endif
