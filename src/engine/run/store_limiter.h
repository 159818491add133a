/*
 * Between one store and its limiter: the engine's callbacks on one side
 * (wasmtime::ResourceLimiter), the ledger of the sandbox (bhd_limiter) on the other.
 *
 * The engine asks before a growth and tells about a failure after it, but never about success, and
 * it reports failures of growths that it never asked about. So this keeps the one growth that
 * was allowed and has not happened yet (`pending`): the memory creator confirms it when the slot
 * has grown, and a failure takes back only what is pending. Without that, a guest could have its
 * charge taken back for a growth that was never charged.
 *
 * Used by the thread that runs the store. The memory creator is not told for which store it works;
 * both run on the same thread one after the other, so the limiter leaves itself in a thread-local
 * variable between the two.
 */
#ifndef BHD_ENGINE_RUN_STORE_LIMITER_H
#define BHD_ENGINE_RUN_STORE_LIMITER_H

#include "engine/structs.h"

/* Ties it to the store for good. Both outlive every call. */
void bhd__store_limiter_attach(bhd__store_limiter *limiter, wasmtime_store_t *store,
                               const bhd_host_options *options);
/* What bhd__store_limiter_begin and bhd__store_limiter_end do when there is something to do. */
void bhd__store_limiter_forget(bhd__store_limiter *limiter, bool starting);
void bhd__store_limiter_settle(bhd__store_limiter *limiter);

/* A call begins: what an earlier call was refused is forgotten. */
static inline void bhd__store_limiter_begin(bhd__store_limiter *limiter, bool starting)
{
    if (limiter->was_asked || starting)
        bhd__store_limiter_forget(limiter, starting);
}

/* A call has ended: takes back a growth that was allowed and never happened. */
static inline void bhd__store_limiter_end(bhd__store_limiter *limiter)
{
    if (limiter->was_asked)
        bhd__store_limiter_settle(limiter);
}

/* For the memory creator, on the thread of the growth: it has happened; or it could not. */
void bhd__store_limiter_grown(void);
void bhd__store_limiter_no_capacity(const bhd_error *error);

#endif
