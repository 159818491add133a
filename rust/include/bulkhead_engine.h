/*
 * What the engine crate adds to Wasmtime's C API. Included by src/engine/ only.
 *
 * Ownership and threads are as in Wasmtime's headers: a wasmtime_error_t that is returned belongs
 * to the caller, a store is used by one thread at a time.
 */
#ifndef BULKHEAD_ENGINE_H
#define BULKHEAD_ENGINE_H

#include "bulkhead_toml.h" /* bhd_engine_str_t */

#include <wasm.h>
#include <wasmtime.h>

/* -- configuration ------------------------------------------------------------------------- */

/* Switches every proposal off that the engine knows, also those that it has on by default. */
void bhd_engine_config_features_none(wasm_config_t *config);
/* Switches one on, by the name that wasmparser gives it: "BULK_MEMORY". False: no such name. */
bool bhd_engine_config_feature(wasm_config_t *config, const char *name, size_t size);

typedef struct bhd_engine_config {
    size_t backtrace_max_frames; /* 0: no backtraces */
    uint64_t gc_heap_initial_bytes;
    uint64_t memory_guaranteed_dense_image_bytes;
    bool guard_before_linear_memory;
    bool generate_address_map;
    bool table_lazy_init;
    bool async_stack_zeroing;
} bhd_engine_config_t;

/* Settings that the C API does not bind. Also: no DWARF is read for backtraces, the collector is
 * deferred reference counting, and artefacts of another bhd_engine_build are refused. */
void bhd_engine_config_set(wasm_config_t *config, const bhd_engine_config_t *settings);

/* wasm_engine_new_with_config without the panic. Consumes `config` either way. */
wasmtime_error_t *bhd_engine_new(wasm_config_t *config, wasm_engine_t **engine);

/* -- compiling ----------------------------------------------------------------------------- */

/* Hash of all that this engine was made of. Static storage. */
const char *bhd_engine_build(void);

/* Compiles, and loads nothing: no memory becomes executable. `artifact` is the caller's to delete;
 * wasmtime_module_deserialize or wasmtime_component_deserialize of any engine with the same
 * configuration loads it. */
wasmtime_error_t *bhd_engine_precompile(const wasm_engine_t *engine, const uint8_t *binary,
                                        size_t size, bool is_component, wasm_byte_vec_t *artifact);

/* Nothing that is loaded with engines of this configuration may run: their memory for code stays
 * as it is. */
void bhd_engine_config_never_run(wasm_config_t *config);

/* Loads an artefact with such an engine, gives it up again, and says how much of the heap it held
 * at the most: blocks with what a C library has around them. Nearly all of that is held for as long
 * as it is loaded. It is read where it lies, at a multiple of 8; there is no system call but for
 * the heap. Other engines also copy it, which is not of the heap. */
wasmtime_error_t *bhd_engine_load_bytes(const wasm_engine_t *engine, const uint8_t *artifact,
                                        size_t size, bool is_component, size_t *held);

/* Starts the threads on which engines with parallel compilation compile, once in a process, instead
 * of at the first compilation. False: they cannot be started, or are there already. */
bool bhd_engine_compiler_threads(size_t count, size_t stack_bytes);

/* -- threads ------------------------------------------------------------------------------- */

/* Maps the signal stack of the calling thread, which the engine would do at the thread's first
 * guest; without memory for it the process is aborted. Does nothing the second time. */
void bhd_engine_prepare_thread(void);

/* -- limits -------------------------------------------------------------------------------- */

/* 0 refuses, 1 allows, anything else ends the guest with that stop code and the text `*message`,
 * which is copied. `maximum` is SIZE_MAX when nothing is declared. */
typedef int32_t (*bhd_engine_growing_fn)(void *env, size_t current, size_t desired, size_t maximum,
                                         const char **message);
typedef void (*bhd_engine_grow_failed_fn)(void *env);

typedef struct bhd_engine_limiter {
    void *env; /* outlives the store */
    bhd_engine_growing_fn memory_growing;
    bhd_engine_grow_failed_fn memory_grow_failed;
    bhd_engine_growing_fn table_growing;
    bhd_engine_grow_failed_fn table_grow_failed;
    size_t max_instances, max_tables, max_memories;
} bhd_engine_limiter_t;

void bhd_engine_store_limiter(wasmtime_store_t *store, const bhd_engine_limiter_t *limiter);

/* Bytes that one host call may copy out of the guest, and handles that components may hold. */
void bhd_engine_set_hostcall_budget(wasmtime_context_t *context, size_t bytes,
                                    size_t component_handles);

typedef struct bhd_engine_resources {
    size_t entries; /* of WASI's resource table */
    /* The same for all sandboxes of one component, and no other's, also later. */
    uint64_t component;
    /* Operations on files that may wait at the same time, each on a thread: of a sandbox, of all
     * sandboxes of the component together, and of the process; in a process those of its first
     * sandbox count, of a component those of its first. The engine's runtime has 512 threads. */
    size_t file_threads_of_sandbox, file_threads_of_component, file_threads_of_host;
} bhd_engine_resources_t;

/* Only after wasmtime_context_set_wasi, and once. */
void bhd_engine_set_wasi_resources(wasmtime_context_t *context,
                                   const bhd_engine_resources_t *resources);

/* Size of the store's heap of collected objects; 0 while it has none. */
size_t bhd_engine_gc_heap_bytes(const wasmtime_store_t *store);

/* -- errors -------------------------------------------------------------------------------- */

/* An error that ends the guest for a reason of ours; code is neither 0 nor 1. */
wasmtime_error_t *bhd_engine_stop_new(int32_t code, const char *text, size_t size);
/* These take a wasmtime_error_t or a wasm_trap_t. The stop code, or 0 when it is none of ours. */
int32_t bhd_engine_error_stop_code(const void *error_or_trap);
/* The trap code of wasmtime/trap.h, or -1. */
int32_t bhd_engine_error_trap_code(const void *error_or_trap);
/* Bytes that the GC heap had no room for, when it failed without asking to grow; otherwise 0. */
uint64_t bhd_engine_error_gc_bytes(const void *error_or_trap);
/* The chain of causes, outermost first, without the backtrace and without a terminator. Returns
 * what was written, which is all or fills the buffer. */
size_t bhd_engine_error_text(const void *error_or_trap, char *buffer, size_t capacity);

/* A function on the guest's stack. Texts belong to the error; without data there is none. */
typedef struct bhd_engine_frame_t {
    bhd_engine_str_t function, module;
    uint32_t function_index;
    size_t module_offset; /* SIZE_MAX: unknown */
} bhd_engine_frame_t;

/* False when the stack has fewer; number 0 is the innermost. */
bool bhd_engine_error_frame(const void *error_or_trap, size_t number, bhd_engine_frame_t *frame);

/* A branch that leads straight to an `unreachable`, as offsets into the binary: the compiler makes
 * one trap of both, which is at the branch. */
typedef struct bhd_engine_branch {
    uint64_t branch, unreachable;
} bhd_engine_branch_t;

/* Tells those of the modules that have line programs, in the order of the binary: at most 65,536 of
 * one module, and 262,144 of all. Decodes all code of these modules. */
void bhd_engine_branches(const void *binary, size_t size, void *env,
                         void (*found)(void *env, const bhd_engine_branch_t *branch));

/* Lines of source text, out of the line programs of the core modules in a binary: at most
 * `max_bytes` of them are kept, and one bhd_engine_lines_find takes at most `max_steps` of reading,
 * about one for each byte that it looks at. `branches` as bhd_engine_branches tells them; copied.
 * NULL when there are none. */
typedef struct bhd_engine_lines_t bhd_engine_lines_t;
bhd_engine_lines_t *bhd_engine_lines_new(const void *binary, size_t size,
                                         const bhd_engine_branch_t *branches, size_t branch_count,
                                         size_t max_bytes, size_t max_steps);
void bhd_engine_lines_delete(bhd_engine_lines_t *lines);

/* Texts belong to the lines; without a directory it is that of the compilation. */
typedef struct bhd_engine_line_t {
    bhd_engine_str_t directory, file;
    uint32_t line;
} bhd_engine_line_t;

/* Writes what is known of at most 64 offsets into the binary, and leaves the others alone. With
 * `is_unreachable` the first is of a trap of `unreachable`, whose place may be that of a branch. */
void bhd_engine_lines_find(const bhd_engine_lines_t *lines, const size_t *offsets, size_t count,
                           bool is_unreachable, bhd_engine_line_t *out);

/* A function's name as a person wrote it, without a terminator; as it is, when it is not mangled
 * or could be dear to expand. Returns what was written, which is all or fills the buffer. */
size_t bhd_engine_demangle(const char *name, size_t size, char *buffer, size_t capacity);

/* -- functions ----------------------------------------------------------------------------- */

/* Kinds of the parameters and results of a core function: 0 i32, 1 i64, 2 f32, 3 f64, 4 something
 * else. Writes at most `capacity` of each; the counts are of all. (wasm_valtype_kind aborts the
 * process on vectors and most references.) */
void bhd_engine_func_types(wasmtime_context_t *context, const wasmtime_func_t *func,
                           size_t capacity, uint8_t *parameters, size_t *parameter_count,
                           uint8_t *results, size_t *result_count);

/* -- WASI and components ------------------------------------------------------------------- */

/* The guest's standard output and error, written on the thread that runs the guest; the C API's own
 * write on another one, also after the guest has ended. `env` outlives the store. A function never
 * waits: it takes all bytes, writes what goes, keeps the rest and gives `size`, or gives a negative
 * errno. While it keeps something, it gives -EAGAIN; a write of nothing tries again, and gives 0
 * when nothing is kept. It is given at most `most` bytes. */
typedef ptrdiff_t (*bhd_engine_write_fn)(void *env, const unsigned char *data, size_t size);
void bhd_engine_wasi_streams(wasi_config_t *config, void *env, size_t most,
                             bhd_engine_write_fn standard_output, bool output_is_terminal,
                             bhd_engine_write_fn standard_error, bool error_is_terminal);

/* The guest's standard input out of a descriptor of the process. `read` never waits: bytes, 0 at
 * the end, or a negative errno, -EAGAIN when there is nothing; size 0 asks whether there is
 * something. `env` outlives the store. It is asked for at most `most` bytes. */
typedef ptrdiff_t (*bhd_engine_read_fn)(void *env, unsigned char *data, size_t size);
void bhd_engine_wasi_input(wasi_config_t *config, void *env, size_t most, int fd,
                           bhd_engine_read_fn read, bool is_terminal);
/* The same out of bytes, which are copied. */
void bhd_engine_wasi_input_bytes(wasi_config_t *config, const void *data, size_t size);

/* Threads that look names up, because the system's resolver waits: for all sandboxes with the same
 * key at most `share` at once, `most` in the process, of all keys. */
typedef struct bhd_engine_lookups {
    uint64_t key;
    uint32_t share, most;
    uint32_t addresses; /* of one name; more are left out */
    size_t stack_bytes; /* of each thread */
} bhd_engine_lookups_t;

/* As 16 bytes of version 6, as the network has them; version 4 in ::ffff:0:0/96. */
typedef struct bhd_engine_address {
    uint8_t bytes[16];
} bhd_engine_address_t;

typedef enum bhd_engine_use {
    BHD_ENGINE_CONNECT = 0,
    BHD_ENGINE_BIND = 1,
    BHD_ENGINE_OTHER_USE = 2, /* datagrams */
} bhd_engine_use_t;

typedef enum bhd_engine_answer {
    BHD_ENGINE_NO = 0,
    BHD_ENGINE_YES = 1,
    BHD_ENGINE_IF_NAMED = 2,
} bhd_engine_answer_t;

typedef struct bhd_engine_network {
    void *env; /* outlives the store */
    /* Whether a guest's TCP socket may be used with an address, on the thread that runs the guest.
     * IF_NAMED: if `*name`, which stays valid, has the address now. If it has not, it is asked
     * again; `*at` is 0 the first time, and then what it was set to. */
    bhd_engine_answer_t (*may_use)(void *env, bhd_engine_use_t use,
                                   const bhd_engine_address_t *address, uint16_t port, size_t *at,
                                   bhd_engine_str_t *name);
    bhd_engine_lookups_t lookups;
} bhd_engine_network_t;

/* TCP; without it there is no network. Copied. */
void bhd_engine_wasi_network(wasi_config_t *config, const bhd_engine_network_t *network);

/* The descriptors of the directories that the guest was given, in the order in which they were; at
 * most `capacity` of them are written. Returns how many there are. After wasmtime_context_set_wasi
 * and before the guest runs; they stay the same until the store ends. */
size_t bhd_engine_wasi_directories(wasmtime_context_t *context, int *numbers, size_t capacity);
/* Files and directories that guests open from now on have at least this number. */
void bhd_engine_files_floor(int number);
/* Those of the files and directories that the guest itself has open. */
void bhd_engine_wasi_files(wasmtime_context_t *context, void *env, void (*each)(void *env, int fd));

/* Deletes a store after bhd_engine_set_wasi_resources, as wasmtime_store_delete. What its guest has
 * open where a file system may wait is closed by threads that may, one place of the component for
 * each; this waits for them so long and no longer, and not at all while earlier ones of the
 * component are overdue. False: something is still open. */
bool bhd_engine_store_delete(wasmtime_store_t *store, uint32_t milliseconds);

/* Taken out of what a guest may still write, before it does; the numbers are C's to read. */
typedef struct bhd_engine_reserved {
    uint64_t space, credit;
} bhd_engine_reserved_t;

/* What is asked call by call; `env` is the store's data. */
typedef struct bhd_engine_permits {
    bool (*clocks)(void *env);
    bool (*random)(void *env, unsigned char *buffer, size_t size); /* fills it, or says no */
    /* A new entry of a directory: whether there could be one; one, and one that did not come to be
     * after all. */
    bool (*has_entry)(void *env);
    bool (*take_entry)(void *env);
    void (*give_entry)(void *env);
    uint64_t (*writable)(void *env); /* bytes, where the disk has space for them already */
    bool (*may_write)(void *env, uint64_t bytes);
    /* Before a write of so many bytes, which may take as much space of the disk: what there is of
     * that. `reserve_whole` after it did not pay: all, or a no. Each is settled once, when it is
     * known what was written and what space that took. */
    bhd_engine_reserved_t (*reserve)(void *env, uint64_t space, uint64_t bytes);
    bool (*reserve_whole)(void *env, uint64_t space, uint64_t bytes,
                          bhd_engine_reserved_t *reserved);
    void (*settle)(void *env, bhd_engine_reserved_t reserved, uint64_t space, uint64_t bytes);
    /* Any thread. Whether it pays for these bytes that would take that space; earlier parts of the
     * same write have taken `spent` of the space. */
    bool (*pays)(bhd_engine_reserved_t reserved, uint64_t spent, uint64_t space, uint64_t bytes);
    /* One more, beside so many files, directories and listings, and so many streams, those among
     * them that every guest has. */
    bool (*open)(void *env, size_t files, size_t streams);
    void (*no_file)(void *env); /* what was to be opened is neither file nor directory */
    bool (*connect)(void *env, size_t connections);
    bool (*resolve)(void *env, const char *name, size_t size);
    /* Any thread. Whether a guest that asks for a name may be told this address of it. */
    bool (*name_reaches)(bhd_engine_str_t name, const bhd_engine_address_t *address);
    bhd_engine_lookups_t (*lookups)(void *env);
    uint64_t hole_bytes; /* written, when a file grows by a hole of as much or more */
    size_t random_max;   /* bytes that one call of WASI 0.2 may ask for */
    /* Bytes of a guest that the host holds: of one operation on a file, of one stream of a file,
     * and of the entries of a directory. */
    size_t file_max, file_stream_max, listed_max;
    int32_t stop_code; /* ends the guest where WASI has no error for "no" */
} bhd_engine_permits_t;

/* After bhd_engine_linker_define_wasi_async; wasmtime_component_linker_add_wasip2_async. */
wasmtime_error_t *bhd_engine_linker_define_permits(wasmtime_linker_t *linker,
                                                   const bhd_engine_permits_t *permits);
wasmtime_error_t *bhd_engine_component_linker_define_permits(wasmtime_component_linker_t *linker,
                                                             const bhd_engine_permits_t *permits);

/* wasmtime_linker_define_wasi on fibers: its calls can be cancelled. */
wasmtime_error_t *bhd_engine_linker_define_wasi_async(wasmtime_linker_t *linker);

typedef struct bhd_engine_component_pre_t bhd_engine_component_pre_t;
wasmtime_error_t *bhd_engine_component_pre_new(const wasmtime_component_linker_t *linker,
                                               const wasmtime_component_t *component,
                                               bhd_engine_component_pre_t **pre);
void bhd_engine_component_pre_delete(bhd_engine_component_pre_t *pre);
wasmtime_error_t *bhd_engine_component_pre_instantiate(const bhd_engine_component_pre_t *pre,
                                                       wasmtime_context_t *context,
                                                       wasmtime_component_instance_t *instance);
/* All arguments outlive the future. `*error` is set when it failed. */
wasmtime_call_future_t *bhd_engine_component_pre_instantiate_async(
    const bhd_engine_component_pre_t *pre, wasmtime_context_t *context,
    wasmtime_component_instance_t *instance, wasmtime_error_t **error);

/* -- futures ------------------------------------------------------------------------------- */

typedef struct bhd_engine_waker_t bhd_engine_waker_t;
/* `wake` may be called from any thread, also after bhd_engine_waker_delete; `release` is called
 * once, from any thread, when nobody can call `wake` any more. */
bhd_engine_waker_t *bhd_engine_waker_new(void (*wake)(void *env), void *env,
                                         void (*release)(void *env));
void bhd_engine_waker_delete(bhd_engine_waker_t *waker);
/* Wakes after so long. */
void bhd_engine_wake_later(const bhd_engine_waker_t *waker, uint32_t milliseconds);
/* True when the future has ended. Inside the runtime that WASI's timers need. */
bool bhd_engine_future_poll(wasmtime_call_future_t *future, const bhd_engine_waker_t *waker);

/* -- translation --------------------------------------------------------------------------- */

/* From an offset `place` of the joined binary on, everything lies `growth` bytes further than it
 * did, until the next such place. */
typedef struct bhd_engine_move {
    uint64_t place, growth;
} bhd_engine_move_t;

/* The binary with neighbouring data segments of its core modules joined, also of modules inside of
 * components: up to 64 zeros between two become data. It does the same, and nothing more can be
 * joined in it. `moved` is told, in their order, where functions do not stay at their offset; at
 * most one such place for each hundred bytes of the binary, or so. False: nothing to join, or not
 * readable. The binary need not be valid, and is not made so. Free `*joined` with
 * wasm_byte_vec_delete. */
bool bhd_engine_join_segments(const void *binary, size_t size, wasm_byte_vec_t *joined, void *env,
                              void (*moved)(void *env, const bhd_engine_move_t *move));

/* -- inspection ---------------------------------------------------------------------------- */

typedef struct bhd_engine_extent {
    uint32_t module, index;
    bool imported;
    uint64_t minimum, maximum;
    bool has_maximum;
    uint64_t page_bytes; /* 0: a table */
    bool is_64, is_shared;
} bhd_engine_extent_t;

/* What an instance holds in the host beside its memories and the elements of its tables. */
typedef enum bhd_engine_part {
    BHD_ENGINE_INSTANCES, /* core instances by themselves, with their memories and tables */
    BHD_ENGINE_GLOBALS,   /* and tags */
    BHD_ENGINE_ELEMENTS,  /* passive segments */
    BHD_ENGINE_FUNCTIONS, /* that are exported or in a segment: a record of each */
    BHD_ENGINE_IMPORTS,
    BHD_ENGINE_DATA,  /* a record of each segment */
    BHD_ENGINE_LINKS, /* what components and their functions need to find each other */
    BHD_ENGINE_PARTS,
} bhd_engine_part_t;

/* Private globals, types and references to objects that one function has: the compiler tells at
 * most so many apart and ends the process at one more. */
typedef struct bhd_engine_accesses {
    uint64_t count, most;
    uint32_t module, index;
    bool is_set_up; /* no function of the module, but what it does when it is instantiated */
} bhd_engine_accesses_t;

typedef struct bhd_engine_totals {
    /* False: instantiates core modules that it, or a component in it, is given or that an instance
     * exports. Memories and tables are then those of the others; instances and bytes are never
     * less than they can be. */
    bool is_exact;
    uint64_t memories, memory_bytes, tables, table_elements, instances;
    bool needs_heap;                            /* of collected objects, from the beginning */
    uint64_t functions, largest_function_bytes; /* of the binary, compiled once */
    bool is_nested_too_deep;         /* components or types; nothing else is known then */
    bool is_unbounded;               /* instantiates a component that comes from elsewhere */
    uint64_t held[BHD_ENGINE_PARTS]; /* bytes; never less than it is */
    bhd_engine_accesses_t accesses;  /* of the function that has most; never less */
} bhd_engine_totals_t;

/* Calls `extent` for every memory and table of every core module in the binary, and fills `*totals`
 * with what one instance needs when it begins and holds, and with what would end the compiler.
 * Components in components and types in types may be nested `max_nesting` deep, together. The
 * binary need not be valid; whatever it is, this takes time and memory as its size. */
wasmtime_error_t *bhd_engine_extents(const uint8_t *binary, size_t size, size_t max_nesting,
                                     void *env,
                                     void (*extent)(void *env, const bhd_engine_extent_t *extent),
                                     bhd_engine_totals_t *totals);

/* The name of a function in the names of its module, without a terminator; for messages. Returns
 * the whole length, 0 when it has none. */
size_t bhd_engine_function_name(const uint8_t *binary, size_t size, uint32_t module, uint32_t index,
                                char *buffer, size_t capacity);

/* The binary would be valid if every proposal were on. */
bool bhd_engine_valid_with_everything(const uint8_t *binary, size_t size);
/* It would be if just these proposals were on, by the names of bhd_engine_config_feature. */
bool bhd_engine_valid_with(const char *const *names, size_t count, const uint8_t *binary,
                           size_t size);

/* Imports and exports with their types as text. Functions inside an instance follow it as
 * "INSTANCE#FUNCTION". `module` is empty but for imports of core modules. */
typedef void (*bhd_engine_item_fn)(void *env, bool is_export, bhd_engine_str_t module,
                                   bhd_engine_str_t name, bhd_engine_str_t type);
void bhd_engine_module_items(const wasmtime_module_t *module, void *env, bhd_engine_item_fn item);
void bhd_engine_component_items(const wasmtime_component_t *component, const wasm_engine_t *engine,
                                void *env, bhd_engine_item_fn item);

typedef struct bhd_engine_wit_bounds {
    size_t text_bytes; /* and a little more, which says that it was cut */
    size_t name_bytes; /* memory for the names of imports, exports, and what instances export */
    uint32_t depth;    /* of types without a name in types */
    uint32_t renames;  /* names one after the other that are followed for one type */
} bhd_engine_wit_bounds_t;

/* Calls `text` once with the world of a component as WIT: printable ASCII and newlines. The binary
 * is valid with every proposal on. */
wasmtime_error_t *bhd_engine_component_wit(const uint8_t *binary, size_t size,
                                           const bhd_engine_wit_bounds_t *bounds, void *env,
                                           void (*text)(void *env, bhd_engine_str_t wit));

#endif
