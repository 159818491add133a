/*
 * Calls that may wait, driven on the caller's thread.
 */
#ifndef BHD_ENGINE_RUN_WAIT_H
#define BHD_ENGINE_RUN_WAIT_H

#include "engine/structs.h"

/* Polls until the call has ended or has to stop, and deletes the future. False: it was given up at
 * its deadline or cancelled; the store must not be used again. */
bool bhd__instance_wait(bhd__instance *instance, wasmtime_call_future_t *future);

#endif
