/*
 * The engine room as the rest of the library sees it: no Wasmtime type leaves this room.
 *
 *     bhd__engine    one for a host: configurations, slots and stacks, linkers, clock
 *     bhd__code      compiled and linked once, instantiated many times; shared between threads
 *     bhd__instance  a store with one instance in it; one thread at a time
 *     bhd__submission  a call that a worker makes
 *
 * The order of freeing is instances, codes, engine; the sandbox room sees to it.
 */
#ifndef BHD_ENGINE_ENGINE_H
#define BHD_ENGINE_ENGINE_H

#include "bulkhead/inspection.h"
#include "bulkhead/sandbox.h"
#include "engine/host/imports.h"
#include "grants/granted.h"
#include "memory/slots.h"

#include <stdatomic.h>

typedef struct bhd__engine bhd__engine;
typedef struct bhd__code bhd__code;
typedef struct bhd__instance bhd__instance;
typedef struct bhd__submission bhd__submission;

/* -- engine (engine.c) --------------------------------------------------------------------- */

/* `options` has been checked except for what only the slots can tell. */
bhd_status bhd__engine_new(const bhd_host_options *options, bhd__engine **engine, bhd_error *error);
/* Ends what is being compiled and refuses what comes, with BHD_CANCELLED. Does not wait. */
void bhd__engine_close(bhd__engine *engine);
void bhd__engine_free(bhd__engine *engine);
void bhd__engine_slots_stats(const bhd__engine *engine, bhd__slots_stats *stats);

/* Runs `work` here if this thread has stack enough to compile, otherwise on a thread made for it,
 * and gives what it gives; BHD_NO_CAPACITY without such a thread. (engine/process/stack.c) */
bhd_status bhd__engine_on_deep_stack(bhd_status (*work)(void *env, bhd_error *error), void *env,
                                     bhd_error *error);

/* The compiler's threads can be started, or have been; otherwise BHD_NO_CAPACITY. And then: they
 * have been. (engine/process/threads.c) */
bhd_status bhd__engine_before_compiling(bhd_error *error);
void bhd__engine_after_compiling(void);

/* -- code (engine/code/load.c) */

/* Compiles, checks the fit to `limits`, checks the imports, links. Fuel is metered when
 * limits->max_fuel is not 0. The sets of `providers` are held. `cancelled` may be NULL. Errors as
 * bhd_component_new. */
bhd_status bhd__code_new(bhd__engine *engine, const bhd_limits *limits,
                         const bhd__providers *providers, const void *binary, size_t size,
                         const atomic_bool *cancelled, bhd__code **code, bhd_error *error);
void bhd__code_free(bhd__code *code);
bhd_component_kind bhd__code_kind(const bhd__code *code);

/* -- precompiled components (engine/code/precompiled.c) */

/* Compiles, and writes what came of it to the file. Errors as bhd_precompile. */
bhd_status bhd__engine_precompile(bhd__engine *engine, bool metered, const void *binary,
                                  size_t size, const char *path, bhd_error *error);

/* -- inspection (engine/code/inspect.c) */

bhd_status bhd__engine_inspect(bhd__engine *engine, const void *data, size_t size,
                               bhd_inspection *inspection, bhd_error *error);

/* -- instances (engine/run/instance.c) */

/* The last growth that was refused in a call. */
typedef struct bhd__refusal {
    bool happened;
    bool was_the_end; /* the growth itself ended the guest, no later trap */
    bhd_memory_kind kind;
    uint64_t requested, in_use, limit;
    uint64_t current; /* of the one memory or table that wanted to grow */
    bhd_memory_metrics metrics;
} bhd__refusal;

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

/* A store without an instance; nothing runs yet. */
bhd_status bhd__instance_new(bhd__code *code, const bhd__instance_options *options,
                             bhd__instance **instance, bhd_error *error);
void bhd__instance_free(bhd__instance *instance);

/* -- whose it is at the moment (engine/run/clock.c) */

typedef enum bhd__entry {
    BHD__ENTERED,
    BHD__ENTERED_ENDED, /* the guest has ended: nothing may be called */
    BHD__ENTRY_BUSY,    /* somebody is in it, on another thread or beneath this one */
    BHD__ENTRY_CLOSED,
} bhd__entry;

/* Any thread. Whoever is in an instance has it alone until it leaves, and may hand it to another
 * thread, which then leaves in its place. What follows below, up to "submitted calls", is for
 * whoever is in it, unless it says "any thread". `to_run`: guest code runs on this thread now. */
bhd__entry bhd__instance_enter(bhd__instance *instance, bool to_run);
/* `to_run` as it was entered. True: it was closed meanwhile, and closing left it to this one. */
bool bhd__instance_leave(bhd__instance *instance, bool to_run);
/* Nobody enters any more, and the call under way, if there is one, is to end; see
 * bhd__scheduler_end_group. True: somebody is in it, or was a moment ago, who is told when leaving.
 * The instance is there until this returns: that is the caller's to see to. */
bool bhd__instance_close(bhd__instance *instance);

/* The library has called the program on this thread, and what it called comes from a worker or from
 * beneath a guest: others may wait for it to return, so that it must wait for nobody. */
bool bhd__engine_is_inside(void);
/* It comes from beneath a guest. */
bool bhd__engine_is_beneath_guest(void);
/* The thread is a worker, of whichever engine. */
bool bhd__engine_is_worker(void);

/*
 * What follows runs guest code. Each gives BHD_OK or how the guest ended: BHD_OUT_OF_MEMORY,
 * BHD_TIMEOUT, BHD_OUT_OF_FUEL, BHD_TRAP, BHD_EXIT (code in error->value, and in *exit_code where
 * there is one), BHD_NO_CAPACITY, BHD_INTERNAL; with message and frames in `error`. The account of
 * an out-of-memory is the caller's to write, from bhd__instance_refusal.
 */
bhd_status bhd__instance_start(bhd__instance *instance, bhd_error *error);
bhd_status bhd__instance_run(bhd__instance *instance, int *exit_code, bhd_error *error);

/* An exported function, resolved and checked once. */
typedef struct bhd__export bhd__export;
/* BHD_EXPORT_NOT_FOUND, BHD_SIGNATURE_MISMATCH, BHD_NOT_SUPPORTED. Freed by the caller. */
bhd_status bhd__instance_export(bhd__instance *instance, const char *name, bhd__export **exported,
                                bhd_error *error);
void bhd__export_free(bhd__export *exported);
/* A record and a tuple; they live as long as the export. */
const bhd_type *bhd__export_parameters(const bhd__export *exported);
const bhd_type *bhd__export_results(const bhd__export *exported);
/* Holds arguments against the export's types: BHD_SIGNATURE_MISMATCH, BHD_INVALID_ARGUMENT. */
bhd_status bhd__export_check(const bhd__export *exported, const bhd_value *arguments,
                             size_t argument_count, bhd_error *error);
/* The arguments out of WAVE, "(1, \"two\")", as a tuple. BHD_SIGNATURE_MISMATCH. */
bhd_status bhd__export_arguments(const bhd__export *exported, const char *text,
                                 bhd_value *arguments, bhd_error *error);
/* Before the crate makes any value or type; does nothing the second time. */
void bhd__values_prepare(void);
/* The values have been checked. Results are the caller's to free. */
bhd_status bhd__instance_call(bhd__instance *instance, const bhd__export *exported,
                              const bhd_value *arguments, bhd_value *results, bhd_error *error);

/* Ends every resource that a value owns: those of the guest in the guest, in one call, and then
 * those of the host. BHD_INVALID_ARGUMENT: one is of another sandbox, and nothing ran. */
bhd_status bhd__instance_drop(bhd__instance *instance, const bhd_value *value, bhd_error *error);
/* A resource of the host, made for this instance; see bhd_sandbox_resource. */
bhd_status bhd__instance_resource(bhd__instance *instance, const char *interface, const char *name,
                                  void *data, bhd_value *handle, bhd_error *error);
void *bhd__instance_data(bhd__instance *instance, const bhd_value *handle);

/* Ends the call under way, if there is one, with BHD_CANCELLED. Any thread, while the instance
 * lives; does not wait. */
void bhd__instance_cancel(bhd__instance *instance);

/* -- submitted calls (engine/run/submit.c) */

/* What a submitted call came to. `results` and `error` are the receiver's from then on. */
typedef struct bhd__outcome {
    bhd_status status;
    int exit_code;      /* of a run */
    bhd_value *results; /* of a call that succeeded; from bhd__calloc */
    size_t result_count;
    bhd_error error;
} bhd__outcome;

typedef struct bhd__submit_options {
    const bhd__export *exported; /* outlives the call; NULL: drop, or run the command */
    const bhd_value *arguments;  /* of `exported`; checked; copied */
    const bhd_value *drop;       /* as bhd__instance_drop; copied; NULL: run the command */
    uint64_t timeout_ns;
    void *env;
    /* Both on a worker, one after the other. `ended`: the guest has ended or was ended; leaves the
     * instance. `over`: the call is forgotten here, and the instance is not used by it any more. */
    void (*ended)(void *env, bhd__outcome *outcome);
    void (*over)(void *env);
} bhd__submit_options;

/* The instance was entered, not to run; after a success it is the call's to leave. Errors as
 * bhd__instance_call, before anything runs, and BHD_NO_CAPACITY. */
bhd_status bhd__instance_submit(bhd__instance *instance, const bhd__submit_options *options,
                                bhd__submission **submission, bhd_error *error);
/* Any thread, also when it is over. */
void bhd__submission_cancel(bhd__submission *submission);
/* The same, and sooner; see bhd__scheduler_end. */
void bhd__submission_end(bhd__submission *submission);
/* When it is over. */
void bhd__submission_free(bhd__submission *submission);

/* The bytes of an exported memory now; valid until the guest runs again. */
bhd_status bhd__instance_memory(bhd__instance *instance, const char *name, uint8_t **base,
                                size_t *size, bhd_error *error);

/* What was captured of standard output (0) or error (1) so far. */
const uint8_t *bhd__instance_output(const bhd__instance *instance, int which, size_t *size,
                                    uint64_t *dropped);

/* The guest has ended, in whatever way, or the instance is closed; nothing may be called any more.
 * Any thread. */
bool bhd__instance_has_ended(const bhd__instance *instance);
const bhd__refusal *bhd__instance_refusal(const bhd__instance *instance);
/* Of calls that are over. Any thread. */
uint64_t bhd__instance_fuel_consumed(const bhd__instance *instance);
/* The end of "it asked ..." for the first thing that the running or last call was denied; NULL:
 * there is none. Any thread. */
const char *bhd__instance_denied(const bhd__instance *instance);

#endif
