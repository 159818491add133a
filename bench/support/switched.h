/*
 * The library's sandboxes once more, with a switch for the limiter.
 *
 * What a limiter costs can only be seen beside the same thing without it. Two builds would differ
 * in where their code lies, which alone moves a call of 50 ns by more than the percent that is
 * looked for. So the files that every sandbox and every call goes through are compiled a
 * second time here, under other names, and everything that exists for the limiter's sake is made
 * conditional: one copy of the code, the limiter on or off. The benches also hold this copy
 * against the library as it is shipped, so that a bias of the switch itself would show.
 *
 * From here on the names of these functions mean the copies; shipped_api has the originals. A
 * shared function that is new in one of them needs a pair of lines below; without it the link
 * fails with "multiple definition".
 *
 * One thread; a sandbox is used with the switch as it was when the sandbox was made.
 */
#ifndef BENCH_SWITCHED_H
#define BENCH_SWITCHED_H

#include "bulkhead/call.h"
#include "engine/run/call.h"
#include "engine/run/core_exports.h"
#include "engine/run/exports.h"
#include "engine/run/start.h"
#include "engine/run/store.h"
#include "engine/run/store_limiter.h"
#include "engine/structs.h"
#include "sandbox/function.h"
#include "sandbox/life.h"
#include "sandbox/use.h"

/* What the benches use of the public API: as shipped, or switched. */
typedef struct bulkhead_api {
    bhd_status (*make)(bhd_component *, const bhd_sandbox_options *, bhd_sandbox **, bhd_error *);
    void (*end)(bhd_sandbox *);
    bhd_status (*function)(bhd_sandbox *, const char *, bhd_function **, bhd_error *);
    bhd_status (*call)(bhd_sandbox *, const bhd_function *, const bhd_value *, size_t, bhd_value *,
                       size_t, bhd_error *);
} bulkhead_api;

static const bulkhead_api shipped_api = {bhd_sandbox_new, bhd_sandbox_free, bhd_sandbox_function,
                                         bhd_sandbox_call};

static bool switched_limiter = true;
/* On is the straight way through, as in the library. Off takes a jump for it. */
#define SWITCHED_ON __builtin_expect(switched_limiter, true)

static bhd_status switched_limiter_new(const bhd_limits *limits, const bhd_limiter_options *options,
                                       bhd_limiter **limiter, bhd_error *error)
{
    if (switched_limiter)
        return bhd_limiter_new(limits, options, limiter, error);
    *limiter = NULL;
    return BHD_OK;
}

/* What else a sandbox is told of its limits is the same without a limiter. */
static const bhd_limits *switched_limiter_limits(const bhd_limiter *limiter)
{
    static const bhd_limits plain = {
        .max_memory_bytes = BHD_MAX_MEMORY_BYTES,
        .max_table_elements = BHD_DEFAULT_TABLE_ELEMENTS,
        .timeout_seconds = BHD_DEFAULT_TIMEOUT_SECONDS,
    };
    return limiter ? bhd_limiter_limits(limiter) : &plain;
}

#define bhd_limiter_new switched_limiter_new
#define bhd_limiter_limits switched_limiter_limits
#define bhd__store_limiter_attach(limiter, store, options)                                         \
    (SWITCHED_ON ? bhd__store_limiter_attach(limiter, store, options) : (void)0)
#define bhd__store_limiter_begin(limiter, starting)                                                \
    (SWITCHED_ON ? bhd__store_limiter_begin(limiter, starting) : (void)0)
#define bhd__store_limiter_end(limiter) (SWITCHED_ON ? bhd__store_limiter_end(limiter) : (void)0)

/* Declares the copy of a function, private to the program. They are one translation unit here and
 * several in the library: calls from one to the other must not become something else for that. */
#define SWITCHED(original, copy) static __attribute__((used, noinline)) __typeof__(original) copy

SWITCHED(bhd__call_begin, switched_call_begin);
#define bhd__call_begin switched_call_begin
SWITCHED(bhd__call_undo, switched_call_undo);
#define bhd__call_undo switched_call_undo
SWITCHED(bhd__call_end, switched_call_end);
#define bhd__call_end switched_call_end
SWITCHED(bhd__core_export, switched_core_export);
#define bhd__core_export switched_core_export
SWITCHED(bhd__core_argument, switched_core_argument);
#define bhd__core_argument switched_core_argument
SWITCHED(bhd__core_result, switched_core_result);
#define bhd__core_result switched_core_result
SWITCHED(bhd__core_call, switched_core_call);
#define bhd__core_call switched_core_call
SWITCHED(bhd__instance_memory, switched_instance_memory);
#define bhd__instance_memory switched_instance_memory
SWITCHED(bhd__instance_export, switched_instance_export);
#define bhd__instance_export switched_instance_export
SWITCHED(bhd__export_free, switched_export_free);
#define bhd__export_free switched_export_free
SWITCHED(bhd__export_parameters, switched_export_parameters);
#define bhd__export_parameters switched_export_parameters
SWITCHED(bhd__export_results, switched_export_results);
#define bhd__export_results switched_export_results
SWITCHED(bhd__instance_call, switched_instance_call);
#define bhd__instance_call switched_instance_call
SWITCHED(bhd__instance_drop, switched_instance_drop);
#define bhd__instance_drop switched_instance_drop
SWITCHED(bhd__export_check, switched_export_check);
#define bhd__export_check switched_export_check
SWITCHED(bhd__call_plain, switched_call_plain);
#define bhd__call_plain switched_call_plain
SWITCHED(bhd__instance_start, switched_instance_start);
#define bhd__instance_start switched_instance_start
SWITCHED(bhd__instance_new, switched_instance_new);
#define bhd__instance_new switched_instance_new
SWITCHED(bhd__instance_free, switched_instance_free);
#define bhd__instance_free switched_instance_free
SWITCHED(bhd__instance_refusal, switched_instance_refusal);
#define bhd__instance_refusal switched_instance_refusal
SWITCHED(bhd__instance_fuel_consumed, switched_instance_fuel_consumed);
#define bhd__instance_fuel_consumed switched_instance_fuel_consumed
SWITCHED(bhd__instance_output, switched_instance_output);
#define bhd__instance_output switched_instance_output
SWITCHED(bhd_sandbox_function, switched_sandbox_function);
#define bhd_sandbox_function switched_sandbox_function
SWITCHED(bhd_function_parameters, switched_function_parameters);
#define bhd_function_parameters switched_function_parameters
SWITCHED(bhd_function_results, switched_function_results);
#define bhd_function_results switched_function_results
SWITCHED(bhd_function_arguments, switched_function_arguments);
#define bhd_function_arguments switched_function_arguments
SWITCHED(bhd_sandbox_new, switched_sandbox_new);
#define bhd_sandbox_new switched_sandbox_new
SWITCHED(bhd_sandbox_free, switched_sandbox_free);
#define bhd_sandbox_free switched_sandbox_free
SWITCHED(bhd_sandbox_cancel, switched_sandbox_cancel);
#define bhd_sandbox_cancel switched_sandbox_cancel
SWITCHED(bhd_sandbox_call, switched_sandbox_call);
#define bhd_sandbox_call switched_sandbox_call
SWITCHED(bhd_sandbox_run, switched_sandbox_run);
#define bhd_sandbox_run switched_sandbox_run
SWITCHED(bhd_sandbox_read, switched_sandbox_read);
#define bhd_sandbox_read switched_sandbox_read
SWITCHED(bhd_sandbox_write, switched_sandbox_write);
#define bhd_sandbox_write switched_sandbox_write
SWITCHED(bhd_sandbox_metrics, switched_sandbox_metrics);
#define bhd_sandbox_metrics switched_sandbox_metrics
SWITCHED(bhd_sandbox_output, switched_sandbox_output);
#define bhd_sandbox_output switched_sandbox_output
SWITCHED(bhd_sandbox_fuel_consumed, switched_sandbox_fuel_consumed);
#define bhd_sandbox_fuel_consumed switched_sandbox_fuel_consumed
SWITCHED(bhd_sandbox_denied, switched_sandbox_denied);
#define bhd_sandbox_denied switched_sandbox_denied
SWITCHED(bhd_sandbox_id, switched_sandbox_id);
#define bhd_sandbox_id switched_sandbox_id
SWITCHED(bhd_sandbox_is_dead, switched_sandbox_is_dead);
#define bhd_sandbox_is_dead switched_sandbox_is_dead
SWITCHED(bhd__sandbox_use_init, switched_sandbox_use_init);
#define bhd__sandbox_use_init switched_sandbox_use_init
SWITCHED(bhd__sandbox_hold, switched_sandbox_hold);
#define bhd__sandbox_hold switched_sandbox_hold
SWITCHED(bhd__sandbox_release, switched_sandbox_release);
#define bhd__sandbox_release switched_sandbox_release
SWITCHED(bhd__sandbox_refuse, switched_sandbox_refuse);
#define bhd__sandbox_refuse switched_sandbox_refuse
SWITCHED(bhd__sandbox_wait_to_be_the_last, switched_sandbox_wait_to_be_the_last);
#define bhd__sandbox_wait_to_be_the_last switched_sandbox_wait_to_be_the_last

#include "engine/run/call.c"
#include "engine/run/core_exports.c"
#include "engine/run/exports.c"
#include "engine/run/start.c"
#include "engine/run/store.c"
#include "sandbox/function.c"
#include "sandbox/sandbox.c"
#include "sandbox/use.c"

static const bulkhead_api switched_api = {bhd_sandbox_new, bhd_sandbox_free, bhd_sandbox_function,
                                          bhd_sandbox_call};

#endif
