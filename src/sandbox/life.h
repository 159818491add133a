/*
 * The structs of host, component and sandbox, shared by the files of this room.
 *
 * A sandbox holds its component, a component holds its host; each holder counts, and the last one
 * frees. What changes after creation is atomic, is a sandbox's count of holds under its lock, or
 * belongs to whoever is in the sandbox's instance (use.c).
 */
#ifndef BHD_SANDBOX_LIFE_H
#define BHD_SANDBOX_LIFE_H

#include "engine/engine.h"
#include "grants/granted.h"
#include "sandbox/fork_guard.h"

#include <pthread.h>
#include <stdatomic.h>

struct bhd_host {
    atomic_uint_fast64_t holds; /* the caller and every component; any thread */
    bhd_host_options options;
    bhd_grants grants; /* into grants_block */
    void *grants_block;
    bhd__engine *engine;
    atomic_uint_fast64_t live_sandboxes;   /* taken with compare-and-swap up to max_sandboxes */
    atomic_uint_fast64_t next_sandbox;     /* numbers given out so far */
    atomic_uint_fast64_t refused_capacity; /* answers BHD_NO_CAPACITY */
};

struct bhd_component {
    atomic_uint_fast64_t holds; /* the caller and every sandbox; any thread */
    bhd_host *host;
    bhd__code *code;
    bhd_limits limits;
    bhd__granted granted;
    char name[BHD_NAME_SIZE];
    char version[BHD_VERSION_SIZE];
};

struct bhd_function {
    bhd_function *next;
    const bhd_sandbox *sandbox;
    char *name;
    bhd__export *exported;
};

struct bhd_sandbox {
    bhd_component *component;
    bhd_limiter *limiter;
    bhd__instance *instance;
    uint64_t id;
    bhd_function *functions; /* every one that was looked up; of whoever is in the instance */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* one hold is left */
    unsigned holds;         /* lock */
};

/* host.c */
void bhd__host_hold(bhd_host *host);
/* Gives up such a hold; bhd_host_free gives up the program's, and ends compilations. */
void bhd__host_release(bhd_host *host);
/* A place for one more sandbox, or BHD_NO_CAPACITY. */
bhd_status bhd__host_enter(bhd_host *host, bhd_error *error);
void bhd__host_leave(bhd_host *host);

/* component.c */
void bhd__component_hold(bhd_component *component);

/* use.c */
bhd_status bhd__sandbox_use_init(bhd_sandbox *sandbox, bhd_error *error);
void bhd__sandbox_use_fini(bhd_sandbox *sandbox);
/* The sandbox stays until this is given back. The last one to do so frees it. Any thread that has
 * a hold, or is in the instance. */
void bhd__sandbox_hold(bhd_sandbox *sandbox);
void bhd__sandbox_release(bhd_sandbox *sandbox);
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

/* call.c */
/* The callback that runs on this thread, if it is one of a call of this sandbox, needs it no more.
 */
void bhd__calls_let_go(bhd_sandbox *sandbox);

/* sandbox.c */
/* Nobody holds it. Copes with one that is half made. */
void bhd__sandbox_delete(bhd_sandbox *sandbox);
/* A call has failed: an out-of-memory gets its account. Gives `status` back. */
bhd_status bhd__sandbox_failed(bhd_sandbox *sandbox, bhd_status status, bhd_error *error);
/* The function is one of this sandbox, and takes these arguments. */
bhd_status bhd__sandbox_check_arguments(const bhd_sandbox *sandbox, const bhd_function *function,
                                        const bhd_value *arguments, size_t argument_count,
                                        bhd_error *error);

/* oom_account.c */
/* The guest of `sandbox` ran out of memory: completes `error`, which has the engine's text. */
void bhd__account_write(const bhd_sandbox *sandbox, bhd_error *error);

#endif
