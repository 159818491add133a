/*
 * Who is in a sandbox at a moment, and who frees it: the last one out. See use.c.
 */
#ifndef BHD_SANDBOX_USE_H
#define BHD_SANDBOX_USE_H

#include "engine/run/cancel.h"
#include "sandbox/fork_guard.h"
#include "sandbox/life.h"

/* With one hold, the owner's. BHD_HOST_OUT_OF_MEMORY. */
bhd_status bhd__sandbox_use_init(bhd_sandbox *sandbox, bhd_error *error);
/* The sandbox stays until this is given back. The last one to do so frees it, also when it is half
 * made. Any thread that has a hold, or is in the instance. */
void bhd__sandbox_hold(bhd_sandbox *sandbox);
void bhd__sandbox_release(bhd_sandbox *sandbox);
/* Returns when the caller's hold is the last one. */
void bhd__sandbox_wait_to_be_the_last(bhd_sandbox *sandbox);
/* BHD_BUSY or BHD_SANDBOX_DEAD, with a text. */
bhd_status bhd__sandbox_refuse(bhd__entry entry, bhd_error *error);

/* After its use of the sandbox, which may be gone then. */
static inline void bhd__sandbox_leave(bhd_sandbox *sandbox, bool to_run)
{
    if (bhd__instance_leave(sandbox->instance, to_run))
        bhd__sandbox_release(sandbox);
}

/* The sandbox is this thread's alone until it leaves, and its guest has not ended. BHD_BUSY,
 * BHD_SANDBOX_DEAD, BHD_NOT_SUPPORTED. */
static inline bhd_status bhd__sandbox_enter(bhd_sandbox *sandbox, bool to_run, bhd_error *error)
{
    bhd_status status = bhd__fork_check(error);
    if (status != BHD_OK)
        return status;
    bhd__entry entry = bhd__instance_enter(sandbox->instance, to_run);
    if (entry == BHD__ENTERED)
        return BHD_OK;
    if (entry == BHD__ENTERED_ENDED)
        bhd__sandbox_leave(sandbox, to_run);
    return bhd__sandbox_refuse(entry, error);
}

#endif
