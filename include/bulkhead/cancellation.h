/**
 * \file bulkhead/cancellation.h
 *
 * Ends guests in their start functions, and compilations. While bhd_sandbox_new runs a guest's
 * start function or its _initialize, there is no sandbox yet that another thread could cancel, and
 * while bhd_component_new compiles, there is no component. A cancellation is there before, is named
 * in bhd_sandbox_options and bhd_component_options (and in bhd_inspection and
 * bhd_precompile_options), and serves any number of them, one after the other or at once. Calls
 * into a sandbox that exists are cancelled by bhd_sandbox_cancel.
 *
 *     bhd_cancellation *stop = NULL;
 *     bhd_cancellation_new(&stop, &error);      // before any thread may want to cancel
 *     options.cancellation = stop;
 *     status = bhd_sandbox_new(component, &options, &sandbox, &error);
 *     ...                                       // elsewhere: bhd_cancellation_cancel(stop)
 *     bhd_cancellation_free(stop);              // when no thread can cancel any more
 */
#ifndef BULKHEAD_CANCELLATION_H
#define BULKHEAD_CANCELLATION_H

#include "error.h"

typedef struct bhd_cancellation bhd_cancellation;

BHD_BEGIN_DECLS

/** BHD_INVALID_ARGUMENT, BHD_HOST_OUT_OF_MEMORY. The caller frees it. */
BHD_PUBLIC bhd_status bhd_cancellation_new(bhd_cancellation **cancellation, bhd_error *error);

/**
 * Ends every bhd_sandbox_new that names this cancellation, now and for ever: those under way end
 * their guest as bhd_sandbox_cancel does, within some milliseconds, with BHD_CANCELLED and an
 * account; later ones give BHD_CANCELLED before their guest runs. Every bhd_component_new,
 * bhd_inspect and bhd_precompile that names it ends its compilation the same way, unless it
 * compiles in this process. One that has all but ended may still succeed, and one that finds its
 * code in the cache does; nothing is done to sandboxes and components that exist.
 *
 * From any thread, at any time before it is freed, as often as one likes; never waits for a guest.
 * Not from a signal handler: it takes a lock. NULL does nothing, and neither does a child of fork.
 */
BHD_PUBLIC void bhd_cancellation_cancel(bhd_cancellation *cancellation);

/** When nothing that names it is under way, and nobody will cancel. NULL does nothing. */
BHD_PUBLIC void bhd_cancellation_free(bhd_cancellation *cancellation);

BHD_END_DECLS

#endif
