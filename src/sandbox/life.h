/*
 * The structs of host, component and sandbox, shared by the files of this room.
 *
 * A sandbox holds its component, a component holds its host; each holder counts, and the last one
 * frees. Nothing here needs a lock: what changes after creation is atomic or belongs to the one
 * thread that uses the sandbox.
 */
#ifndef BHD_SANDBOX_LIFE_H
#define BHD_SANDBOX_LIFE_H

#include "engine/engine.h"
#include "limits/capability_rules.h"
#include "sandbox/fork_guard.h"

#include <stdatomic.h>

/* What a component has, and what that is made of. Immutable. */
typedef struct bhd__had {
    bhd__given given;
    void *block;
    int *fds;
} bhd__had;

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
    bhd__had had;
    char name[BHD_NAME_SIZE];
    char version[BHD_VERSION_SIZE];
};

struct bhd_function {
    bhd_function *next;
    char *name;
    bhd__export *exported;
};

struct bhd_sandbox {
    bhd_component *component;
    bhd_limiter *limiter;
    bhd__instance *instance;
    uint64_t id;
    bhd_function *functions; /* every one that was looked up */
};

/* host.c */
void bhd__host_hold(bhd_host *host);
/* A place for one more sandbox, or BHD_NO_CAPACITY. */
bhd_status bhd__host_enter(bhd_host *host, bhd_error *error);
void bhd__host_leave(bhd_host *host);

/* given.c */
/* Errors as bhd_component_new: BHD_CAPABILITY_DENIED with everything that is not granted. */
bhd_status bhd__had_init(bhd__had *had, const bhd_capabilities *asked, const bhd_grants *granted,
                         bhd_error *error);
void bhd__had_fini(bhd__had *had);

/* component.c */
void bhd__component_hold(bhd_component *component);

/* sandbox.c */
bhd_status bhd__sandbox_check_alive(const bhd_sandbox *sandbox, bhd_error *error);
/* A call has failed: an out-of-memory gets its account. Gives `status` back. */
bhd_status bhd__sandbox_failed(bhd_sandbox *sandbox, bhd_status status, bhd_error *error);
/* Holds arguments against the function's types. */
bhd_status bhd__function_check_arguments(const bhd_function *function, const bhd_value *arguments,
                                         size_t argument_count, bhd_error *error);

/* oom_account.c */
/* The guest of `sandbox` ran out of memory: completes `error`, which has the engine's text. */
void bhd__account_write(const bhd_sandbox *sandbox, bhd_error *error);

#endif
