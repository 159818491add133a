/*
 * The structs of host, component and sandbox, shared by the files of this room, which have headers
 * of their own for what they do.
 *
 * A sandbox holds its component, a component holds its host; each holder counts, and the last one
 * frees. What changes after creation is atomic, is a sandbox's count of holds under its lock, or
 * belongs to whoever is in the sandbox's instance (use.c).
 */
#ifndef BHD_SANDBOX_LIFE_H
#define BHD_SANDBOX_LIFE_H

#include "bulkhead/sandbox.h"
#include "engine/types.h"
#include "grants/granted.h"

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

#endif
