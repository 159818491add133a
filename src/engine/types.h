/*
 * The engine room's types as the rest of the library sees them: no Wasmtime type leaves this room.
 *
 *     bhd__engine      one for a host: configurations, slots and stacks, linkers, clock
 *     bhd__code        compiled and linked once, instantiated many times; shared between threads
 *     bhd__instance    a store with one instance in it; one thread at a time
 *     bhd__export      an exported function of an instance, resolved and checked once
 *     bhd__submission  a call that a worker makes
 *
 * The order of freeing is instances, codes, engine; the sandbox room sees to it.
 */
#ifndef BHD_ENGINE_TYPES_H
#define BHD_ENGINE_TYPES_H

#include "bulkhead/capabilities.h"
#include "bulkhead/imports.h"
#include "bulkhead/limiter.h"
#include "bulkhead/metrics.h"
#include "bulkhead/sandbox.h"
#include "grants/granted.h"

typedef struct bhd__engine bhd__engine;
typedef struct bhd__code bhd__code;
typedef struct bhd__instance bhd__instance;
typedef struct bhd__export bhd__export;
typedef struct bhd__submission bhd__submission;

/* Where functions and resources of the host are looked for, in this order: the component's own set,
 * the host's. */
typedef struct bhd__providers {
    bhd_imports *sets[2]; /* held; may be NULL */
} bhd__providers;

/* The last growth that was refused in a call. */
typedef struct bhd__refusal {
    bool happened;
    bool was_the_end; /* the growth itself ended the guest, no later trap */
    bhd_memory_kind kind;
    uint64_t requested, in_use, limit;
    uint64_t current; /* of the one memory or table that wanted to grow */
    bhd_memory_metrics metrics;
} bhd__refusal;

/* What an instance is made with. */
typedef struct bhd__instance_options {
    const char *const *argv; /* copied; what the component asks for follows them */
    size_t argc;
    bhd_input standard_input;
    bhd_stream standard_output, standard_error;
    size_t capture_bytes;        /* of each stream that is captured */
    const bhd__granted *granted; /* outlives the instance */
    bhd_limiter *limiter;        /* outlives the instance */
    uint64_t timeout_ns;         /* of each call */
    uint64_t max_fuel;           /* of each call; 0: not metered */
    uint64_t sandbox_id;         /* for functions of the host, as the next one */
    void *user_data;
} bhd__instance_options;

#endif
