/**
 * \file bulkhead/sandbox.h
 *
 * One live, isolated instance of a component: its own memories, tables, globals and limiter.
 *
 * A sandbox is used by one thread at a time; it need not be the same thread. Whoever comes while
 * another one uses it, or from beneath its guest, is refused with BHD_BUSY, and nothing else
 * happens. What may be called from any thread at any time, also while the guest runs, says so. A
 * table in docs/EMBEDDING.md has every function, what the sandbox may be doing, and every thread.
 *
 * A guest that traps, exits, runs out of memory, time or fuel has ended: later calls give
 * BHD_SANDBOX_DEAD. Its metrics stay readable, and the sandbox still has to be freed. A refused
 * growth alone (on_exceed = deny) ends nothing.
 */
#ifndef BULKHEAD_SANDBOX_H
#define BULKHEAD_SANDBOX_H

#include "cancellation.h"
#include "component.h"
#include "limiter.h"
#include "value.h"

typedef struct bhd_sandbox bhd_sandbox;

/** Takes `size` bytes that the guest wrote; runs on the thread that runs the guest and must not
 *  call into the sandbox. Return false for "cannot": the guest sees an I/O error. */
typedef bool (*bhd_output_callback)(void *user_data, const void *data, size_t size);

typedef struct bhd_stream {
    bhd_output output;
    bhd_output_callback callback; /**< for BHD_OUTPUT_CALLBACK */
    void *user_data;              /**< handed to the callback; not owned */
} bhd_stream;

/** Where the guest's standard input comes from, if its component has that capability. */
typedef enum bhd_input_source {
    BHD_INPUT_NONE = 0,    /**< it is at its end */
    BHD_INPUT_INHERIT = 1, /**< the process's own; nothing is read ahead */
    BHD_INPUT_BYTES = 2,   /**< `size` bytes at `data`, then the end */
} bhd_input_source;

typedef struct bhd_input {
    bhd_input_source source;
    const void *data; /**< for BHD_INPUT_BYTES; copied by bhd_sandbox_new */
    size_t size;
} bhd_input;

/** What a guest had used when it ended before its sandbox came to be: in its start function or in
 *  _initialize. */
typedef struct bhd_start_account {
    /** The rest is written. False: the failure came before there was anything to count. */
    bool is_known;
    bhd_memory_metrics metrics;
    uint64_t fuel_consumed; /**< as bhd_sandbox_fuel_consumed */
    uint64_t sandbox_id;    /**< as bhd_sandbox_id */
} bhd_start_account;

typedef struct bhd_sandbox_options {
    size_t size; /**< of this struct; see bulkhead.h */
    /** Arguments of the guest, argv[0] included; copied. NULL: the component's name alone. Those
     *  that the component itself declares follow them. */
    const char *const *argv;
    size_t argc;
    bhd_stream standard_output, standard_error;
    const bhd_limiter_options *limiter; /**< copied; NULL: BHD_LIMITER_OPTIONS_INIT */
    bhd_input standard_input;
    /** Most that is kept of each stream that is captured; what comes after it is dropped and
     *  counted. */
    size_t capture_bytes;
    /** Written when bhd_sandbox_new fails, because there is no sandbox to ask then. Not kept. NULL:
     *  nobody wants to know. */
    bhd_start_account *account;
    /** The program's own; functions of the host get it from bhd_invocation_user_data, and so know
     *  which sandbox calls. Not owned. */
    void *user_data;
    /** With what other threads may end bhd_sandbox_new. Not owned. NULL: nobody can, and a start
     *  function ends by itself or at its deadline. */
    bhd_cancellation *cancellation;
} bhd_sandbox_options;

#define BHD_SANDBOX_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(bhd_sandbox_options), NULL, 0, {BHD_OUTPUT_NONE, NULL, NULL},                       \
            {BHD_OUTPUT_NONE, NULL, NULL}, NULL, {BHD_INPUT_NONE, NULL, 0}, 65536, NULL, NULL,     \
            NULL                                                                                   \
    }

/** An exported function of one sandbox. Owned by the sandbox and valid as long as it is. */
typedef struct bhd_function bhd_function;

BHD_BEGIN_DECLS

/**
 * Makes a sandbox: memories, tables and globals come to be, and the start function runs, under the
 * component's limits and deadline. So does `_initialize` of a core module that exports it, which
 * is a reactor by WASI's application ABI: its constructors have run before anything else of it is
 * called. Both together have the time and the fuel of one call.
 *
 * `options` NULL means BHD_SANDBOX_OPTIONS_INIT; copied.
 *
 * Errors: BHD_NO_CAPACITY (max_sandboxes live, no slot, no address space: try again when others
 * have ended), BHD_OUT_OF_MEMORY, BHD_TIMEOUT, BHD_OUT_OF_FUEL, BHD_TRAP, BHD_EXIT and
 * BHD_CANCELLED (in the start function or _initialize), BHD_HOST_OUT_OF_MEMORY,
 * BHD_INVALID_ARGUMENT, and BHD_NOT_SUPPORTED where faults of the guest could not be traps: in a
 * child of fork, on a thread with too little stack or too small a signal stack, and when the
 * program has replaced the engine's handlers (host.h); and where it has closed a descriptor of the
 * library's, which names something else then. After an error nothing of the sandbox remains but
 * what `options->account` says. The caller frees `*sandbox`.
 *
 * Unblocks SIGSEGV, SIGILL and SIGFPE on the calling thread: blocked, a fault would end the
 * process.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_new(bhd_component *component,
                                                   const bhd_sandbox_options *options,
                                                   bhd_sandbox **sandbox, bhd_error *error);

/**
 * Gives every slot back, clean. A call that is under way is cancelled, by whomever it was made, and
 * no other begins: a callback that still runs and asks for something gets BHD_SANDBOX_DEAD. Waits
 * until nobody is in the sandbox any more: its guest, and the callbacks of its calls. NULL does
 * nothing.
 *
 * Files that the guest left open are closed. Those on a file system that has to be asked for that,
 * of the network or of a program, are closed on threads of the library: this waits up to 100 ms for
 * them, and not at all in code that the library calls or while earlier ones of the component are
 * overdue.
 *
 * **In code that the library calls** (callbacks of calls and of output, functions and destructors
 * of the host) it does not wait for other threads, since they may be waiting for this one; the last
 * one out frees the sandbox instead. In the callback of a call into this sandbox that is the
 * callback itself, now. In other callbacks of calls of the same host, a call into this sandbox that
 * is on no thread ends beneath this function, its own callback included (up to 32 of them beneath
 * each other). Everything else ends soon after.
 *
 * Any thread, once. Nobody but those that it waits for may use the sandbox any more.
 */
BHD_PUBLIC void bhd_sandbox_free(bhd_sandbox *sandbox);

/**
 * Looks up an exported function. Of a core module: one whose parameters and results are i32, i64,
 * f32 and f64. Of a component: `name` is "function", or "interface#function" for one that is
 * inside an exported interface ("my:photos/images@1.0.0#resize"); the interface may be written
 * without its version, as its last part alone ("images#resize"), or be left out, as long as that
 * means one function.
 *
 * BHD_EXPORT_NOT_FOUND names those that there are; BHD_SIGNATURE_MISMATCH for a core function with
 * other types; BHD_NOT_SUPPORTED for asynchronous functions, streams and futures, and for
 * `_initialize` of a core module, which has been called; BHD_BUSY, BHD_SANDBOX_DEAD. Resources go
 * by handle, see resource.h.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_function(bhd_sandbox *sandbox, const char *name,
                                                        bhd_function **function, bhd_error *error);

/** The parameters, as a record: names (empty for a core module) and types. The results, as a tuple;
 *  a component's function has at most one. Valid as long as the function. Any thread. */
BHD_PUBLIC const bhd_type *bhd_function_parameters(const bhd_function *function);
BHD_PUBLIC const bhd_type *bhd_function_results(const bhd_function *function);

/** Reads the arguments of a component's function from WAVE (see bhd_value_parse), with their
 *  parentheses: "({width: 3, height: 4}, \"photo\")". Gives a tuple, whose items are what
 *  bhd_sandbox_call takes; the caller frees it. BHD_SIGNATURE_MISMATCH says what does not fit;
 *  BHD_NOT_SUPPORTED for a function that takes resources. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_function_arguments(const bhd_function *function,
                                                          const char *text, bhd_value *arguments,
                                                          bhd_error *error);

/**
 * Calls an exported function. `arguments` has the parameters in order; they are read and stay the
 * caller's. `results` has room for the function's results and is written on success only; each is
 * freed with bhd_value_fini (numbers need not be).
 *
 * Errors: BHD_SIGNATURE_MISMATCH, with the parameter, the place inside it and the type that is
 * expected there (nothing ran), BHD_SANDBOX_DEAD, BHD_OUT_OF_MEMORY with the account, BHD_TIMEOUT,
 * BHD_OUT_OF_FUEL, BHD_TRAP, BHD_EXIT with the exit code in `error->value`; BHD_BUSY, and
 * BHD_INVALID_ARGUMENT for a function of another sandbox (nothing ran). The deadline is the
 * component's timeout from now; with max_fuel each call has that much. What one call may carry out
 * of a component is bounded by the component's memory limit, at most 1 MiB; more is BHD_TRAP.
 * BHD_NOT_SUPPORTED as bhd_sandbox_new; nothing ran.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_call(bhd_sandbox *sandbox,
                                                    const bhd_function *function,
                                                    const bhd_value *arguments,
                                                    size_t argument_count, bhd_value *results,
                                                    size_t result_count, bhd_error *error);

/**
 * Runs a command: `_start` of a core module, `wasi:cli/run` of a component. `*exit_code` is what
 * the guest ended with, also when it called exit: all 32 bits of what it said, so that 0 alone is
 * success. A process can pass on the lowest eight, which are 0 for 256. Errors as bhd_sandbox_call,
 * without BHD_EXIT, and BHD_EXPORT_NOT_FOUND for a binary that is not a command.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_run(bhd_sandbox *sandbox, int *exit_code,
                                                   bhd_error *error);

/**
 * Copies between the host and an exported linear memory of a core module. `memory` NULL means
 * "memory". BHD_OUT_OF_BOUNDS unless all `size` bytes lie inside the memory's current size; then
 * nothing is copied. BHD_EXPORT_NOT_FOUND, BHD_NOT_SUPPORTED, BHD_SANDBOX_DEAD, BHD_BUSY (functions
 * of the host have bhd_invocation_read and bhd_invocation_write).
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_read(bhd_sandbox *sandbox, const char *memory,
                                                    uint64_t offset, void *data, size_t size,
                                                    bhd_error *error);
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_write(bhd_sandbox *sandbox, const char *memory,
                                                     uint64_t offset, const void *data, size_t size,
                                                     bhd_error *error);

/** A snapshot of what the sandbox uses. Any thread, also while the guest runs. */
BHD_PUBLIC void bhd_sandbox_metrics(const bhd_sandbox *sandbox, bhd_memory_metrics *metrics);

/** What was captured so far of standard output (`stream` 1) or error (2). The bytes live until the
 *  guest runs again or the sandbox is freed; they are the guest's and may hold anything. `*dropped`
 *  (may be NULL) is how many more there were. NULL and 0: nothing, or a call is under way. */
BHD_PUBLIC const void *bhd_sandbox_output(const bhd_sandbox *sandbox, int stream, size_t *size,
                                          uint64_t *dropped);

/**
 * Fuel that all calls so far have used; 0 when fuel is not metered. The same input uses the same
 * fuel on every run. Of a call that was ended at its deadline or cancelled it is what the guest had
 * used when it last called a function or came back from one: between two calls, compiled code keeps
 * its count where nobody else can see it. Any thread; a call that is not over counts as nothing.
 */
BHD_PUBLIC uint64_t bhd_sandbox_fuel_consumed(const bhd_sandbox *sandbox);

/**
 * What the guest asked for in the running or last call and was not given, as the end of a sentence
 * that begins with "it asked": "for the time, which it does not declare (capabilities.clocks =
 * true)". Of several things the first in a fixed order; NULL when there was none. A guest that is
 * refused something seldom says so when it ends. The text is never freed. Any thread.
 */
BHD_PUBLIC const char *bhd_sandbox_denied(const bhd_sandbox *sandbox);

/** Number of the sandbox, from 1, unique in its host; the number in an out-of-memory account. Any
 *  thread. */
BHD_PUBLIC uint64_t bhd_sandbox_id(const bhd_sandbox *sandbox);

/** The guest has ended, or the sandbox is being freed: what is left are metrics, output and
 *  bhd_sandbox_free. Any thread. */
BHD_PUBLIC bool bhd_sandbox_is_dead(const bhd_sandbox *sandbox);

BHD_END_DECLS

#endif
