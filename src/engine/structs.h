/*
 * The structs that the files of this room share. Nobody outside includes this.
 *
 * Locks: engine->variants_lock guards the making of variants; engine->clock has its own lock, which
 * also guards the list of instances. Neither is held while guest code runs.
 */
#ifndef BHD_ENGINE_STRUCTS_H
#define BHD_ENGINE_STRUCTS_H

#include "base/standard.h"
#include "compile/apart.h"
#include "compile/cache.h"
#include "engine/code/functions.h"
#include "engine/run/resource_limiter.h"
#include "engine/host/handles.h"
#include "engine/host/imports.h"
#include "memory/slots.h"
#include "memory/stacks.h"
#include "schedule/scheduler.h"

#include <pthread.h>
#include <stdatomic.h>

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
    bhd__gate gate;
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
    int *directories;       /* the engine's descriptors of granted->directories; NULL: none */
    uint64_t held_digest;   /* of all descriptors that the guest has; for whoever has the call */
    uint64_t written_bytes; /* into directories, so far */
    /* What the running or last call asked for and was not given: BHD__DENIED_... Written by whoever
     * has the call, read by anybody; relaxed, nothing hangs on it. */
    atomic_uint_fast32_t denied;
    uint64_t timeout_ns;
    uint64_t deadline_ns; /* of the running call, CLOCK_MONOTONIC; 0: not yet known */
    uint64_t max_fuel;
    atomic_uint_fast64_t fuel_consumed; /* as has_ended */
    /* Made for the first call on a fiber, by the thread that calls; read by whoever cancels. */
    _Atomic(bhd__waiter *) waiter;
    bhd_engine_waker_t *waker;
    bhd__task_group task_group; /* of submitted calls; the scheduler's */
    /* The submitted call that is under way. For the thread that runs the guest. */
    bhd__submission *submission;
    /* Whether a call is under way, see BHD__IDLE. Taken and given back by whoever calls, read by
     * the clock, marked by whoever cancels. */
    atomic_uint activity;
    struct bhd__instance *previous, *next; /* clock lock */
};

/* engine.c */
bhd_status bhd__engine_variant(bhd__engine *engine, bool metered, bhd__variant **variant,
                               bhd_error *error);

/* engine/run/memory.c */
void bhd__engine_creators(bhd__engine *engine, wasmtime_memory_creator_t *memories,
                          wasmtime_stack_creator_t *stacks);

/* engine/run/clock.c */
bhd_status bhd__clock_init(bhd__clock *clock, bhd_error *error);
void bhd__clock_fini(bhd__clock *clock);
/* Starts the thread if it is the first. */
bhd_status bhd__clock_add(bhd__engine *engine, bhd__instance *instance, bhd_error *error);
void bhd__clock_remove(bhd__engine *engine, bhd__instance *instance);
/* The guest begins to wait in the host: ticks are of no use to it. And comes back. */
void bhd__clock_pause(bhd__instance *instance);
void bhd__clock_resume(bhd__instance *instance);
/* The deadline counts from now: for calls that may wait. Other calls do not ask for the time when
 * they begin, which would take half as long as they do: their deadline counts from their first
 * tick, so that they end a tick late and never early. */
void bhd__clock_set_deadline(bhd__instance *instance);
/* The deadline of the running call has passed. */
bool bhd__clock_is_late(bhd__instance *instance);
/* The running call was cancelled, or its deadline has passed. */
bool bhd__clock_must_stop(bhd__instance *instance);
/* Ticks are needed; see bhd__scheduler_is_busy. */
void bhd__clock_be_awake(bhd__clock *clock);

/* engine/run/held.c */
/* After WASI was given to the store. BHD_NOT_SUPPORTED when what the engine opened is not what was
 * granted. */
bhd_status bhd__held_init(bhd__instance *instance, bhd_error *error);
void bhd__held_fini(bhd__instance *instance);
/* Between a note and a check nobody runs the guest. BHD_NOT_SUPPORTED when a descriptor of the
 * guest's is not what it was. */
void bhd__held_note(bhd__instance *instance);
bhd_status bhd__held_check(const bhd__instance *instance, bhd_error *error);
bhd_status bhd__held_replaced(const char *guest_name, bhd_error *error);

/* engine/run/submit.c */
bhd_status bhd__submissions_init(bhd__engine *engine, bhd_error *error);
/* The submitted call that is under way, if there is one, has been on a thread for long enough. */
bool bhd__submission_should_yield(const bhd__instance *instance);
/* It was cancelled. */
bool bhd__submission_is_cancelled(const bhd__submission *submission);
double bhd__submission_timeout(const bhd__submission *submission); /* seconds */

static inline bool bhd__instance_is_cancelled(const bhd__instance *instance)
{
    return (atomic_load_explicit(&instance->activity, memory_order_seq_cst) & BHD__CANCELLED) ||
           (instance->submission && bhd__submission_is_cancelled(instance->submission));
}

/* engine/run/instance.c */
/* Every call into an instance, however it is made, is between these two, on one thread or on
 * several, one after the other; whoever makes it has entered the instance. Nothing that an earlier
 * call was refused, asked for in vain or came to is left. */
bhd_status bhd__call_begin(bhd__instance *instance, bhd__call_way way, bhd_error *error);
/* Nothing ran after all. */
void bhd__call_undo(bhd__instance *instance);
/* What the call left behind, as a status. `ended` is false when it was given up. Consumes failure
 * and trap, of which one may be set. */
bhd_status bhd__call_end(bhd__instance *instance, bool ended, wasmtime_error_t *failure,
                         wasm_trap_t *trap, bhd_error *error);

/* engine/code/application.c */
/* Whether a core module is a command or a reactor. BHD_COMPONENT_INVALID: neither or both. */
bhd_status bhd__application_read(bhd__code *code, bhd_error *error);
/* What a command is: _start, wasi:cli/run. BHD_EXPORT_NOT_FOUND, BHD_SIGNATURE_MISMATCH. */
bhd_status bhd__find_start(bhd__instance *instance, wasmtime_func_t *function, bhd_error *error);
bhd_status bhd__find_run(bhd__instance *instance, wasmtime_component_func_t *function,
                         bhd_error *error);
/* False: nothing has to be called before everything else. */
bool bhd__find_initialize(bhd__instance *instance, wasmtime_func_t *function);

/* engine/process/stack.c */
/* Whether the calling thread has `guest_bytes` of stack left, and some for the host; if not, guest
 * code runs on a fiber. BHD_NOT_SUPPORTED when there is too little even for that. */
bhd_status bhd__stack_choose(uint64_t guest_bytes, bool *is_enough, bhd_error *error);
/* What the program may have done to this thread and to the handlers is looked at again: with the
 * thread's first guest, and then at most once in some milliseconds, since it costs as much as half
 * a sandbox. */
bool bhd__thread_is_due(void);
/* Before guest code runs on a thread, and all of it again when a new guest is `starting` on it. The
 * engine maps a signal stack for each thread at its first guest and aborts when it cannot, so this
 * finds out before: BHD_NO_CAPACITY. Unblocks the signals of faults. BHD_NOT_SUPPORTED: the program
 * has given the thread a signal stack that is too small. */
bhd_status bhd__stack_prepare_thread(bool starting, bhd_error *error);

/* engine/process/signals.c */
/* After an engine was made: its handlers are those that are installed now. */
void bhd__signals_remember(void);
/* They still are; otherwise BHD_NOT_SUPPORTED. */
bhd_status bhd__signals_check(bhd_error *error);

/* engine/process/threads.c */
/* The same as bhd__engine_before_compiling, for the runtime of what may wait. */
bhd_status bhd__threads_before_waiting(bhd_error *error);
void bhd__threads_after_waiting(void);

/* engine/run/wait.c */
/* Polls until the call has ended or has to stop, and deletes the future. False: it was given up at
 * its deadline or cancelled; the store must not be used again. */
bool bhd__instance_wait(bhd__instance *instance, wasmtime_call_future_t *future);
/* Before a call that may wait; does nothing the second time. */
bhd_status bhd__instance_prepare_wait(bhd__instance *instance, bhd_error *error);
void bhd__instance_end_wait(bhd__instance *instance);
/* Wakes whoever waits for the instance's future. Any thread, while the instance lives. */
void bhd__instance_wake(bhd__instance *instance);
/* From now on wakers wake this task; NULL: the thread that waits. */
void bhd__instance_wakes(bhd__instance *instance, bhd__task *task);

/* engine/code/functions.c */
bhd_status bhd__functions_read(bhd__code *code, bhd_error *error);

/* engine/run/values.c */
/* Fills `e`. */
bhd_status bhd__component_export(bhd__instance *instance, const char *name, bhd__export *e,
                                 bhd_error *error);
/* The results out of their tuple, which is freed. */
void bhd__values_unpack(bhd_value *tuple, bhd_value *results);
bhd_status bhd__component_call(bhd__instance *instance, const bhd__export *e,
                               const bhd_value *arguments, bhd_value *results, bhd_error *error);

/* engine/run/permit.c */
const bhd_engine_permits_t *bhd__permits(void);
/* Who asks for names, and how many at once. */
bhd_engine_lookups_t bhd__lookups(const bhd__granted *granted);
/* For the engine: the guest wanted to connect to an address that it may not. */
void bhd__deny_address(void *env);

/* engine/code/wasi_imports.c */
/* Looks at the import `name` of `module` (of a component when `module` is NULL). */
typedef enum bhd__grant {
    BHD__GRANT_YES,
    BHD__GRANT_UNKNOWN, /* nobody provides it */
    BHD__GRANT_DENIED,  /* known, needs a capability that cannot be given */
} bhd__grant;
bhd__grant bhd__wasi_grant(const char *module, size_t module_size, const char *name,
                           size_t name_size, const char **capability);
/* What host calls may copy and how many handles a component may hold, also one without WASI: its
 * own resources are handles too. */
void bhd__wasi_bound(bhd__instance *instance, const bhd_limits *limits);
bhd_status bhd__wasi_attach(bhd__instance *instance, const bhd__instance_options *options,
                            bhd_error *error);

/* When the guest has ended: whether all that it wrote is written; if not, the instance is woken to
 * ask again. */
bool bhd__wasi_settle(bhd__instance *instance);
void bhd__wasi_detach(bhd__instance *instance);

/* engine/run/fault.c */
/* Consumes both (either may be NULL, not both); fills `error` with message and frames. */
bhd_status bhd__fault(bhd__instance *instance, wasmtime_error_t *failure, wasm_trap_t *trap,
                      bhd_error *error);
/* A call was given up: BHD_CANCELLED or BHD_TIMEOUT. */
bhd_status bhd__fault_given_up(const bhd__instance *instance, bhd_error *error);
/* The message of an error that did not come from guest code. Consumes it. */
bhd_status bhd__fault_message(bhd_status code, const char *what, wasmtime_error_t *failure,
                              bhd_error *error);

#endif
