/*
 * How a guest ended: from the engine's errors and traps to ours.
 */
#ifndef BHD_ENGINE_RUN_FAULT_H
#define BHD_ENGINE_RUN_FAULT_H

#include "engine/structs.h"

/* Consumes both (either may be NULL, not both); fills `error` with message and frames. */
bhd_status bhd__fault(bhd__instance *instance, wasmtime_error_t *failure, wasm_trap_t *trap,
                      bhd_error *error);
/* A call was given up: BHD_CANCELLED or BHD_TIMEOUT. */
bhd_status bhd__fault_given_up(const bhd__instance *instance, bhd_error *error);

#endif
