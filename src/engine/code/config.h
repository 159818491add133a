/*
 * Everything that Wasmtime would decide by default, decided here, in one place, with the reason.
 */
#ifndef BHD_ENGINE_CODE_CONFIG_H
#define BHD_ENGINE_CODE_CONFIG_H

#include "bulkhead/host.h"
#include "bulkhead_engine.h"

/* What compiled code may address without a check, and the guard that follows it. The slots are
 * made of the same numbers. */
#define BHD__RESERVATION_BYTES (UINT64_C(4) << 30)
#define BHD__GUARD_BYTES (UINT64_C(32) << 20)

/* Of the host's own functions on a fiber, beside the guest's stack. */
#define BHD__HOST_STACK_BYTES (UINT64_C(512) << 10)

/* The heap of collected objects begins with it, where there is one; it is charged as memory is. */
#define BHD__HEAP_INITIAL_BYTES UINT64_C(65536)

/* Of a guest's stack, in an error. */
#define BHD__FRAMES_MAX 32

/* A new configuration, owned by the caller. An engine that only compiles needs no creators (NULL);
 * what it compiles is the same. BHD_INTERNAL if the engine lacks a proposal that is
 * named in config.c. */
bhd_status bhd__engine_config(const bhd_host_options *options, bool metered,
                              wasmtime_memory_creator_t *memories, wasmtime_stack_creator_t *stacks,
                              wasm_config_t **config, bhd_error *error);

/* Whether a binary is valid for a host without BHD_FEATURE_GC, or with it. Not all that is valid
 * can be compiled. */
bool bhd__config_valid(const uint8_t *binary, size_t size, bool gc);

#endif
