/*
 * Every call into an instance, however it is made, is between these two, on one thread or on
 * several, one after the other; whoever makes it has entered the instance.
 */
#ifndef BHD_ENGINE_RUN_CALL_H
#define BHD_ENGINE_RUN_CALL_H

#include "engine/structs.h"

/* Nothing that an earlier call was refused, asked for in vain or came to is left. */
bhd_status bhd__call_begin(bhd__instance *instance, bhd__call_way way, bhd_error *error);
/* Nothing ran after all. */
void bhd__call_undo(bhd__instance *instance);
/* What the call left behind, as a status. `ended` is false when it was given up. Consumes failure
 * and trap, of which one may be set. */
bhd_status bhd__call_end(bhd__instance *instance, bool ended, wasmtime_error_t *failure,
                         wasm_trap_t *trap, bhd_error *error);

#endif
