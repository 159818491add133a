/*
 * The structs that the files of this room share, and nothing else. Nobody outside includes this.
 *
 * Locks: engine->variants_lock guards the making of variants; engine->clock has its own lock, which
 * also guards the list of instances. Neither is held while guest code runs.
 */
#ifndef BHD_ENGINE_STRUCTS_H
#define BHD_ENGINE_STRUCTS_H

#include "base/standard.h"
#include "bulkhead/host.h"
#include "bulkhead/imports.h"
#include "bulkhead/limiter.h"
#include "bulkhead/resource.h"
#include "bulkhead/sandbox.h"
#include "bulkhead_engine.h"
#include "bulkhead_values.h"
#include "compile/apart.h"
#include "compile/cache.h"
#include "engine/types.h"
#include "grants/disk_quota.h"
#include "memory/slots.h"
#include "memory/stacks.h"
#include "schedule/scheduler.h"
#include "values/type.h"

#include <pthread.h>
#include <stdatomic.h>

/* -- engine -------------------------------------------------------------------------------- */

/* One Wasmtime engine with its linkers. A host has at most two: code that meters fuel and code that
 * does not are compiled differently. */
typedef struct bhd__variant {
    wasm_engine_t *engine;
    wasmtime_linker_t *module_linker;              /* WASI preview 1 */
    wasmtime_component_linker_t *component_linker; /* WASI 0.2 */
} bhd__variant;

/* Advances the epochs of a host while some guest runs, and sleeps otherwise. */
typedef struct bhd__clock {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool has_thread; /* lock */
    bool stopping;   /* lock */
    /* Written under the lock by the clock, read by every call without it: somebody has to wake the
     * clock. Sequentially consistent with bhd__instance.activity; see engine/run/clock.c. */
    atomic_bool is_asleep;
    struct bhd__instance *instances; /* lock */
} bhd__clock;

struct bhd__engine {
    bhd_host_options options;
    bhd__slots *slots;
    bhd__stacks *stacks;
    pthread_mutex_t variants_lock;
    /* [metered]. Written once under variants_lock, then read without it. */
    _Atomic(bhd__variant *) variants[2];
    bhd__clock clock;
    bhd__scheduler *scheduler; /* of submitted calls */
    /* As they were when the host was made, for sandboxes that are made where nothing can be opened
     * any more. Only read after that. */
    bhd__standard standard[3];
    bhd__compiler *compiler; /* NULL: it compiles here */
    bhd__cache *cache;       /* NULL: nothing is kept */
};

/* -- functions and resources of the host --------------------------------------------------- */

typedef struct bhd__import_resource {
    struct bhd__import_resource *next;
    char *interface, *name;
    bhd_resource_destructor destructor;
    void *user_data;
    uint32_t number; /* unique in the process; not 0 */
} bhd__import_resource;

typedef struct bhd__import {
    struct bhd__import *next;
    char *interface, *name;
    bhd_type *parameters, *results;
    bhd_host_callback callback;
    void *user_data;
    bool may_wait;
    bool has_resources; /* in its types */
    bhd_imports *set;
} bhd__import;

/* Written by one thread until it is named, and immutable from then on. */
struct bhd_imports {
    atomic_uint holds;
    atomic_bool is_named; /* by a host or component: nothing is added any more */
    bhd__import *functions;
    bhd__import_resource *resources;
};

typedef enum bhd__resource_state {
    BHD__RESOURCE_FREE,
    BHD__RESOURCE_WITH_HOST,
    BHD__RESOURCE_WITH_GUEST,
} bhd__resource_state;

typedef struct bhd__resource {
    const bhd__import_resource *type;
    void *data;
    bhd__resource_state state;
    /* Changes whenever it comes to the host, so that an older handle is none any more. */
    uint64_t turn;
} bhd__resource;

typedef struct bhd__resources {
    bhd__resource *list; /* `rep` is the index and 1 */
    uint32_t capacity, live;
    uint64_t turns; /* so far */
} bhd__resources;

/* -- code ---------------------------------------------------------------------------------- */

typedef struct bhd__function {
    bool is_export;
    uint32_t what;
    uint32_t resource; /* the number of a resource type */
    bool is_again;     /* a resource that an import before it has made */
    char *instance;    /* "" for what is not inside an instance */
    char *name;
    bhd_type *parameters, *results; /* a record and a tuple */
} bhd__function;

typedef struct bhd__functions {
    bhd__function *list;
    size_t count;
    /* The imports by the name of what is imported as a whole, so that a component that imports a
     * great many things is judged in the time that it takes to sort them. */
    const bhd__function **imports;
    size_t import_count;
    size_t most; /* that are read */
    bool has_more;
} bhd__functions;

struct bhd__code {
    bhd__engine *engine;
    bhd__variant *variant;
    bhd_component_kind kind;
    bool needs_wasi; /* runs on a fiber, because its host calls may wait */
    bool may_wait;   /* the same for functions of the host */
    bool metered;
    bool is_large;             /* see BHD__LARGE_CODE_BYTES */
    bool initializes;          /* a reactor: its instances begin with _initialize */
    bhd_engine_lines_t *lines; /* for the frames of a guest that ends; NULL: none */
    bhd_engine_move_t *moves;  /* from places in the compiled binary to those in the one read */
    size_t move_count;
    wasmtime_module_t *module;
    wasmtime_instance_pre_t *module_pre;
    wasmtime_component_t *component;
    bhd_engine_component_pre_t *component_pre;
    /* wasi:cli/run, looked up once; NULL when the component is not a command. */
    wasmtime_component_export_index_t *run;
    bhd__functions functions; /* of a component */
    bhd__providers providers; /* of functions and resources of the host */
    /* [bhd_type.resource]: the number of the host's resource type; 0: not one of the host's. */
    uint32_t *host_types;
    size_t host_type_count;
    struct bhd__resource_name *resource_names; /* sorted; see engine/host/link.c */
    size_t resource_name_count;
};

/* -- instances ----------------------------------------------------------------------------- */

/* The limiter as the engine asks it: see run/store_limiter.h. */
typedef struct bhd__store_limiter {
    bhd_limiter *ledger;
    /* Something was asked, or begins, since the last call began. A call in which nothing was must
     * not pay for what follows. */
    bool was_asked;
    bool starting; /* instantiation is under way: a memory that begins is an initial size */
    struct {
        bool is_set;
        uint64_t current, desired;
    } pending;
    bhd__refusal refusal;
    /* The limit allowed a growth and the system could not provide it: why. Otherwise BHD_OK. */
    bhd_status capacity;
    char capacity_text[256];
    char stop_text[256];
} bhd__store_limiter;

/* Parameters or results of one exported function of a core module. */
#define BHD__VALUES_MAX 64

struct bhd__export {
    union {
        wasmtime_func_t module;
        wasmtime_component_func_t component;
    } of;
    size_t parameter_count, result_count;
    const bhd_type *parameter_types, *result_types; /* a record and a tuple */
    bool takes_resources, gives_resources;
    /* Of a core module: */
    bhd_type *own_parameter_types, *own_result_types;
    bhd_value_type parameters[BHD__VALUES_MAX], results[BHD__VALUES_MAX];
};

/* What a call asked for in vain. */
enum {
    BHD__DENIED_CLOCKS = 1 << 0,
    BHD__DENIED_RANDOM = 1 << 1,
    BHD__DENIED_WRITTEN = 1 << 2,
    BHD__DENIED_OPEN_FILES = 1 << 3,
    BHD__DENIED_CONNECTIONS = 1 << 4,
    BHD__DENIED_NETWORK = 1 << 5,
    BHD__DENIED_NO_FILE = 1 << 6,
    BHD__DENIED_ADDRESS = 1 << 7,
};

/* What a stream wrote, up to a bound, and how much more it wrote. */
typedef struct bhd__captured {
    uint8_t *data;
    size_t size, capacity;
    uint64_t dropped;
} bhd__captured;

/* What an inherited stream has taken of the guest and nobody of the stream yet. */
typedef struct bhd__unwritten {
    uint8_t *data;
    size_t begin, end, capacity;
} bhd__unwritten;

/* Wakes the thread that waits for a future. Lives as long as anybody may wake it. */
typedef struct bhd__waiter bhd__waiter;

/* What an instance is doing. One of the first three; the marks come on top. Whoever uses it goes in
 * with IDLE -> RUNNING or WAITING in one step and out with one step back, which takes the mark of
 * cancellation away, so that it never outlives the call for which it was meant, and tells whether
 * the instance was closed meanwhile. */
enum {
    BHD__IDLE = 0,
    BHD__RUNNING = 1,   /* guest code runs; the clock has to tick */
    BHD__WAITING = 2,   /* the guest waits in the host, or no guest code runs */
    BHD__CANCELLED = 4, /* the call has to stop */
    BHD__CLOSED = 8,    /* nobody goes in any more; stays */
};

/* How a call is made. */
typedef enum bhd__call_way {
    BHD__CALL_HERE = 0,  /* on the thread that asks for it */
    BHD__CALL_START = 1, /* the same; instantiation */
    BHD__CALL_SUBMITTED = 2,
} bhd__call_way;

struct bhd__instance {
    bhd__code *code;
    wasmtime_store_t *store;
    wasmtime_context_t *context;
    bhd__store_limiter limiter;
    bool on_fiber; /* the running call */
    bool is_here;  /* the running call was not submitted */
    bool gave_up;  /* a host call of the running call saw that the call has to stop */
    /* Written by whoever has the instance, read by any thread as a fact of its own: relaxed. */
    atomic_bool has_ended;
    union {
        wasmtime_instance_t module;
        wasmtime_component_instance_t component;
    } of;
    uint64_t number;     /* unique in the process */
    uint64_t sandbox_id; /* for functions of the host, as the next one */
    void *user_data;
    bhd__resources resources; /* of the host */
    uint64_t handle_calls;    /* calls whose handles were looked at */
    uint64_t hostcall_bytes;  /* what one call may carry out of the guest */
    bhd_stream streams[2];    /* standard output, standard error */
    bhd__captured captured[2];
    bhd__standard standard[3]; /* those that are inherited */
    bhd__unwritten unwritten[2];
    size_t capture_bytes; /* of each */
    const bhd__granted *granted;
    int *directories;     /* the engine's descriptors of granted->directories; NULL: none */
    uint64_t held_digest; /* of all descriptors that the guest has; for whoever has the call */
    bhd__quota written;   /* into directories, so far */
    /* What the running or last call asked for and was not given: BHD__DENIED_... Written by whoever
     * has the call, read by anybody; relaxed, nothing hangs on it. */
    atomic_uint_fast32_t denied;
    uint64_t timeout_ns;      /* of a call that was not submitted */
    uint64_t call_timeout_ns; /* of the running call */
    uint64_t deadline_ns;     /* of the running call, CLOCK_MONOTONIC; 0: not yet known */
    uint64_t max_fuel;
    atomic_uint_fast64_t fuel_consumed; /* as has_ended */
    /* Made for the first call on a fiber, by the thread that calls; read by whoever cancels. */
    _Atomic(bhd__waiter *) waiter;
    bhd_engine_waker_t *waker;
    bhd__task_group task_group; /* of submitted calls; the scheduler's */
    /* Of the submitted call that is under way, or NULL. For the thread that runs the guest. */
    bhd__task *task;
    /* Whether a call is under way, see BHD__IDLE. Taken and given back by whoever calls, read by
     * the clock, marked by whoever cancels. */
    atomic_uint activity;
    struct bhd__instance *previous, *next; /* clock lock */
};

#endif
