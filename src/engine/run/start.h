/*
 * How an instance begins: instantiation, the start function, _initialize of a reactor.
 */
#ifndef BHD_ENGINE_RUN_START_H
#define BHD_ENGINE_RUN_START_H

#include "bulkhead/error.h"
#include "engine/types.h"

struct wasm_trap_t;
struct wasmtime_error;
struct wasmtime_func;

/*
 * What follows runs guest code. Each gives BHD_OK or how the guest ended: BHD_OUT_OF_MEMORY,
 * BHD_TIMEOUT, BHD_OUT_OF_FUEL, BHD_TRAP, BHD_EXIT (code in error->value, and in *exit_code where
 * there is one), BHD_NO_CAPACITY, BHD_INTERNAL; with message and frames in `error`. The account of
 * an out-of-memory is the caller's to write, from bhd__instance_refusal.
 */
bhd_status bhd__instance_start(bhd__instance *instance, bhd_error *error);

/* Calls a function of no parameters and no results, between bhd__call_begin and bhd__call_end.
 * False: it was given up. */
bool bhd__call_plain(bhd__instance *instance, const struct wasmtime_func *function,
                     struct wasmtime_error **failure, struct wasm_trap_t **trap);

#endif
