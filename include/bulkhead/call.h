/**
 * \file bulkhead/call.h
 *
 * Calls that others make: submitted to the host's worker threads, waited for, cancelled.
 *
 * bhd_sandbox_call and bhd_sandbox_run keep the calling thread until the call is over. A submitted
 * call keeps none: worker threads of the host (bhd_host_options.worker_threads) run all submitted
 * calls by turns. A guest that computes gives way every few milliseconds, to the sandbox that has
 * used least; one that waits in WASI holds no thread at all. A thousand guests that sleep and one
 * that never stops cost the others nothing but their share.
 *
 *     bhd_call *call;
 *     if (bhd_sandbox_submit(sandbox, resize, arguments, 2, NULL, &call, &error) == BHD_OK) {
 *         bhd_call_wait(call, BHD_WAIT_FOREVER);
 *         status = bhd_call_result(call, &results, &count, &failure);
 *         bhd_call_free(call);
 *     }
 *
 * **Threads.** Until the guest has ended, the sandbox is the call's: whoever comes is refused
 * (BHD_BUSY), except for what any thread may do (metrics, cancel) and for bhd_sandbox_free, which
 * ends the call. A bhd_call may be used from any thread, by several at once; it is freed once, when
 * nobody uses it any more. It outlives its sandbox.
 *
 * In a child of fork no call is ever over, and cancelling and freeing do nothing (host.h).
 *
 * **Who owns what.** Arguments are copied. Results, error and the call itself belong to the call
 * until bhd_call_free; copy what you keep.
 */
#ifndef BULKHEAD_CALL_H
#define BULKHEAD_CALL_H

#include "sandbox.h"

typedef struct bhd_call bhd_call;

/**
 * A call is over. Runs on a worker thread of the host, never on a thread of yours, and holds that
 * worker until it returns. The result is there; the sandbox is free for the next call. It may
 * submit calls, also to the same sandbox, and free everything: this call, the sandbox, the host,
 * other calls and other sandboxes (bhd_call_free, bhd_sandbox_free). It waits for no other call
 * (bhd_call_wait).
 */
typedef void (*bhd_call_callback)(void *user_data, bhd_call *call);

typedef struct bhd_call_options {
    size_t size; /**< of this struct; see bulkhead.h */
    /** Less than the component's own timeout_seconds; more is BHD_LIMIT_LOOSENED. 0: the
     *  component's. Counted from the submission, waiting for a worker included. */
    double timeout_seconds;
    bhd_call_callback callback; /**< may be NULL */
    void *user_data;            /**< handed to the callback; not owned */
} bhd_call_options;

#define BHD_CALL_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof(bhd_call_options), 0, NULL, NULL                                                    \
    }

/** For bhd_call_wait. */
#define BHD_WAIT_FOREVER (-1.0)

BHD_BEGIN_DECLS

/**
 * Submits a call of an exported function; see bhd_sandbox_call. `options` NULL means
 * BHD_CALL_OPTIONS_INIT. Does not wait for anything.
 *
 * Errors, before anything runs: BHD_SIGNATURE_MISMATCH, BHD_SANDBOX_DEAD, BHD_BUSY (a call is under
 * way in this sandbox), BHD_LIMIT_LOOSENED, BHD_NO_CAPACITY (no worker thread can be started),
 * BHD_HOST_OUT_OF_MEMORY, BHD_INVALID_ARGUMENT. What becomes of the call is in the call. The caller
 * frees `*call`.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_submit(
    bhd_sandbox *sandbox, const bhd_function *function, const bhd_value *arguments,
    size_t argument_count, const bhd_call_options *options, bhd_call **call, bhd_error *error);

/** The same for a command; see bhd_sandbox_run. Also BHD_EXPORT_NOT_FOUND. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_submit_run(bhd_sandbox *sandbox,
                                                          const bhd_call_options *options,
                                                          bhd_call **call, bhd_error *error);

/** The same for the end of resources; see bhd_sandbox_drop (resource.h). `value` is copied. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_sandbox_submit_drop(bhd_sandbox *sandbox,
                                                           const bhd_value *value,
                                                           const bhd_call_options *options,
                                                           bhd_call **call, bhd_error *error);

/** The call is over and its callback has returned. In the callback of the call itself: true. */
BHD_PUBLIC bool bhd_call_poll(bhd_call *call);

/** Waits for that, at most `timeout_seconds`; without end for BHD_WAIT_FOREVER and any negative
 *  number. False: not yet. On a worker thread, of whichever host, it does not wait and is
 *  bhd_call_poll: the call may need that very worker. Callbacks run there, and what submitted calls
 *  call in the program. */
BHD_PUBLIC bool bhd_call_wait(bhd_call *call, double timeout_seconds);

/**
 * Ends the call: it is over soon, with BHD_CANCELLED, whether it waits for a worker, computes, or
 * sleeps; what it took is given back. A call that has completed before stays completed; either way
 * there is one end, one result and one callback. Does not wait. NULL does nothing.
 */
BHD_PUBLIC void bhd_call_cancel(bhd_call *call);

/**
 * What the call came to: what bhd_sandbox_call or bhd_sandbox_run would have given. `results`,
 * `result_count` and `error` may be NULL; what they point to lives as long as the call. After a
 * success there are as many results as the function has, and `*error` has code BHD_OK; otherwise
 * there are none. BHD_INVALID_ARGUMENT, and nothing written: the call is not over.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_call_result(bhd_call *call, const bhd_value **results,
                                                   size_t *result_count, const bhd_error **error);

/** What a command ended with, as bhd_sandbox_run gives it; 0 when it has not ended by itself. */
BHD_PUBLIC int bhd_call_exit_code(bhd_call *call);

/**
 * Frees the call, its results and its error. One that is not over is cancelled first and waited
 * for, its callback included, so that nothing of it runs afterwards. NULL does nothing.
 *
 * In code that the library calls it waits for no other thread, as bhd_sandbox_free: a call that is
 * on no thread ends beneath, its callback included; any other is freed after its callback has
 * returned, which may be later than this. The call in whose callback this is lives until then, too.
 */
BHD_PUBLIC void bhd_call_free(bhd_call *call);

/**
 * Ends the call that is under way in the sandbox, submitted or not, if there is one: whoever made
 * it gets BHD_CANCELLED, and the sandbox has ended, unless the call is over before it notices. A
 * guest notices within some milliseconds, whether it computes or waits; a callback or host function
 * of yours is not interrupted. Does not wait; does nothing between calls, and nothing to a later
 * call.
 *
 * Any thread, at any time between bhd_sandbox_new and bhd_sandbox_free; not from a signal handler.
 * NULL does nothing.
 */
BHD_PUBLIC void bhd_sandbox_cancel(bhd_sandbox *sandbox);

BHD_END_DECLS

#endif
