/*
 * Calls of components with values of C, and the types of their functions. Included by src/engine/
 * only.
 *
 * A value is a bhd_value of bulkhead/value.h, a type a bhd_type of src/values/type.h; the crate has
 * both layouts too, and src/engine/run/values.c asserts that they agree.
 */
#ifndef BULKHEAD_VALUES_H
#define BULKHEAD_VALUES_H

#include "bulkhead_toml.h" /* bhd_engine_str_t */

#include <wasm.h>
#include <wasmtime.h>

struct bhd_value;
struct bhd_type;
struct bhd_resource;

/* Where values and types for C come from; before anything else here, once. `allocate` gives NULL
 * without memory, and blocks that bhd_value_fini and bhd_type_free can free. */
void bhd_engine_set_heap(void *(*allocate)(size_t size),
                         void (*free_value)(struct bhd_value *value),
                         void (*free_type)(struct bhd_type *type));

/* -- types --------------------------------------------------------------------------------- */

typedef struct bhd_engine_typed {
    bool is_export;
    uint32_t what; /* 0: typed; 1: too large; 2: a type that is not offered; 3: a resource type */
    bhd_engine_str_t instance; /* empty for what is not inside an instance */
    bhd_engine_str_t name;
    struct bhd_type *parameters, *results; /* the visitor's to free; NULL unless `what` is 0 */
    uint32_t resource;                     /* the number of a resource type in types */
} bhd_engine_typed_t;

/* Of the types of all functions of a component together; what goes beyond is told without them. */
typedef struct bhd_engine_type_bounds {
    size_t nodes, name_bytes;
    uint32_t depth; /* of each */
} bhd_engine_type_bounds_t;

/* Tells every function and every resource type that a component imports and exports. The visitor
 * gives false when it has no memory. False: somebody had none. */
bool bhd_engine_component_functions(const wasmtime_component_t *component,
                                    const wasm_engine_t *engine,
                                    const bhd_engine_type_bounds_t *bounds, void *env,
                                    bool (*visit)(void *env, const bhd_engine_typed_t *function));

/* -- calls --------------------------------------------------------------------------------- */

/* `*results` becomes a tuple, on success only. Arguments that do not fit the function are an error
 * of the call. */
wasmtime_error_t *bhd_engine_component_call(const wasmtime_component_func_t *function,
                                            wasmtime_context_t *context,
                                            const struct bhd_value *arguments, size_t count,
                                            struct bhd_value *results);
/* All arguments outlive the future. `*error` is set when it failed. */
wasmtime_call_future_t *bhd_engine_component_call_async(const wasmtime_component_func_t *function,
                                                        wasmtime_context_t *context,
                                                        const struct bhd_value *arguments,
                                                        size_t count, struct bhd_value *results,
                                                        wasmtime_error_t **error);

/* Drops resources of the guest, one after the other: their destructors run in the guest. Stops at
 * the first that fails. */
wasmtime_error_t *bhd_engine_resources_drop(struct bhd_resource *const *resources, size_t count,
                                            wasmtime_context_t *context);
wasmtime_call_future_t *bhd_engine_resources_drop_async(struct bhd_resource *const *resources,
                                                        size_t count, wasmtime_context_t *context,
                                                        wasmtime_error_t **error);

/* -- text ---------------------------------------------------------------------------------- */

/* Reads a value of `type` in WAVE. 0: `*value` is the caller's; 1: what is wrong is in the buffer,
 * without a terminator, and `*length` is the length of all of it; 2: no memory. */
int32_t bhd_engine_wave_parse(const char *text, size_t size, const struct bhd_type *type,
                              struct bhd_value *value, char *buffer, size_t capacity,
                              size_t *length);
/* Writes a value of `type`, in pieces. False: it has no text. */
bool bhd_engine_wave_format(const struct bhd_value *value, const struct bhd_type *type, void *env,
                            void (*write)(void *env, const char *piece, size_t size));

/* -- functions of the host ----------------------------------------------------------------- */

/* Wakes a guest that waits for an answer. */
typedef struct bhd_engine_task_t bhd_engine_task_t;
void bhd_engine_task_wake(bhd_engine_task_t *task); /* and deletes */
void bhd_engine_task_delete(bhd_engine_task_t *task);

/* The instance of a core module that calls a function of the host. */
typedef struct bhd_engine_caller bhd_engine_caller_t;
/* The linear memory that it exports under a name, as it is until guest code runs again. False:
 * there is none. */
bool bhd_engine_caller_memory(bhd_engine_caller_t *caller, const char *name, size_t name_size,
                              uint8_t **base, size_t *size);

/* A function of the host. `env` lives as long as the linker and all that was linked with it. */
typedef struct bhd_engine_host {
    void *env;
    /* A call begins; `data` is the store's, `caller` NULL for a component and not valid after
     * this, the tuple of arguments the callee's. NULL: `*error` is set. On the thread that runs the
     * guest, as the next one is. */
    void *(*begin)(void *env, void *data, bhd_engine_caller_t *caller, struct bhd_value *arguments,
                   wasmtime_error_t **error);
    /* 0: not yet; `task`, which is the callee's, is woken when it is worth asking again. 1: it
     * answered with the tuple `*results`. 2: `*error` is set. `task` is NULL when nobody can wait.
     */
    int32_t (*poll)(void *invocation, bhd_engine_task_t *task, struct bhd_value *results,
                    wasmtime_error_t **error);
    /* Nobody asks any more. Called once for each that began, on any thread. */
    void (*end)(void *invocation);
} bhd_engine_host_t;

/* A new linker with all that `linker` has. */
wasmtime_component_linker_t *
bhd_engine_component_linker_clone(const wasmtime_component_linker_t *linker);
/* `interface` of size 0: not inside one. `has_flat_result`: the result is one flat value. */
wasmtime_error_t *bhd_engine_component_linker_function(wasmtime_component_linker_t *linker,
                                                       const char *interface, size_t interface_size,
                                                       const char *function, size_t function_size,
                                                       const bhd_engine_host_t *host,
                                                       bool has_flat_result, bool may_wait);
/* A resource type with a number of its own, not 0. `drop` is called when the guest drops one. */
wasmtime_error_t *bhd_engine_component_linker_resource(wasmtime_component_linker_t *linker,
                                                       const char *interface, size_t interface_size,
                                                       const char *resource, size_t resource_size,
                                                       uint32_t number,
                                                       void (*drop)(void *data, uint32_t rep));
/* For a core module; the kinds are bhd_value_type's, i32 to f64. */
wasmtime_error_t *bhd_engine_module_linker_function(
    wasmtime_linker_t *linker, const char *module, size_t module_size, const char *function,
    size_t function_size, const bhd_engine_host_t *host, const uint32_t *parameters,
    size_t parameter_count, const uint32_t *results, size_t result_count, bool may_wait);

#endif
