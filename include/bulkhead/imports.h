/**
 * \file bulkhead/imports.h
 *
 * Functions and resources of the host that a component imports.
 *
 *     static void greet(void *user_data, bhd_invocation *invocation, const bhd_value *arguments,
 *                       size_t count)
 *     {
 *         bhd_value answer = bhd_value_string("ahoy");
 *         if (bhd_invocation_return(invocation, &answer, 1, NULL) != BHD_OK)
 *             bhd_invocation_fail(invocation, "no memory");
 *     }
 *
 *     bhd_host_function function = BHD_HOST_FUNCTION_INIT;
 *     function.interface = "my:app/greeter";
 *     function.name = "greet";
 *     function.type = "func(name: string) -> string";
 *     function.callback = greet;
 *
 * A bhd_imports is a set of them: made, filled, and then named in bhd_host_options (for every
 * component of the host) or in bhd_component_options (for one). From then on it does not change.
 * When a component is loaded, what it imports is held against the types given here; what does not
 * fit is refused before anything runs.
 *
 * A callback runs on the thread that runs the guest, inside the call that its embedder made: it
 * must not call into that sandbox, and nothing ends it, so that the call's deadline is noticed when
 * it returns. What waits for something else defers its answer and gives it later, from any thread.
 */
#ifndef BULKHEAD_IMPORTS_H
#define BULKHEAD_IMPORTS_H

#include "value.h"

/** Resources of the host that one sandbox may have at once. */
#define BHD_RESOURCES_MAX 1024

typedef struct bhd_imports bhd_imports;

/** One call of a function of the host. */
typedef struct bhd_invocation bhd_invocation;

/**
 * Answers one call: with bhd_invocation_return, with bhd_invocation_fail, or later, after
 * bhd_invocation_defer. A function without result that does none of it has answered; any other has
 * failed. `arguments` are of the function's types and the library's: they are gone when the
 * callback returns, unless the answer is deferred: then when it has been given.
 */
typedef void (*bhd_host_callback)(void *user_data, bhd_invocation *invocation,
                                  const bhd_value *arguments, size_t argument_count);

typedef struct bhd_host_function {
    size_t size; /**< of this struct; see bulkhead.h */
    /** "my:app/greeter@1.0.0", as the component writes it; without "@...", any version. NULL: the
     *  function is imported by itself. Of a core module: the module's name. */
    const char *interface;
    const char *name;
    /** "func(size: u32, name: string) -> result<list<u8>, string>", in the form of bhd_type_parse;
     *  own<R> and borrow<R> for a resource R of the same interface. Of a core module: i32, i64, f32
     *  and f64, whatever the parameters are called, and at most one result. */
    const char *type;
    bhd_host_callback callback;
    void *user_data; /**< handed to the callback; not owned */
    /** The answer may be deferred; the guest runs on a stack of its own. */
    bool may_wait;
} bhd_host_function;

#define BHD_HOST_FUNCTION_INIT                                                                     \
    {                                                                                              \
        sizeof(bhd_host_function), NULL, NULL, NULL, NULL, NULL, false                             \
    }

/** Ends a resource: called once for each, when the guest drops it, when the program does
 *  (resource.h; a submitted drop on a worker), when it was given to a function that kept it, or
 *  when the sandbox is freed. Must not call into the sandbox. */
typedef void (*bhd_resource_destructor)(void *user_data, void *data);

typedef struct bhd_host_resource {
    size_t size;                        /**< of this struct; see bulkhead.h */
    const char *interface;              /**< as of a function */
    const char *name;                   /**< "image" */
    bhd_resource_destructor destructor; /**< may be NULL */
    void *user_data;                    /**< handed to the destructor; not owned */
} bhd_host_resource;

#define BHD_HOST_RESOURCE_INIT                                                                     \
    {                                                                                              \
        sizeof(bhd_host_resource), NULL, NULL, NULL, NULL                                          \
    }

BHD_BEGIN_DECLS

/** BHD_HOST_OUT_OF_MEMORY. The caller frees `*imports`; hosts and components that name it hold it.
 *  */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_imports_new(bhd_imports **imports, bhd_error *error);
/** NULL does nothing. */
BHD_PUBLIC void bhd_imports_free(bhd_imports *imports);

/** Adds a function or a resource; everything but the user data is copied. BHD_INVALID_ARGUMENT for
 *  a type that is none, a name that is there already, and after a host or component has named the
 *  set. Resources come before the functions that mention them. One thread at a time. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_imports_function(bhd_imports *imports,
                                                        const bhd_host_function *function,
                                                        bhd_error *error);
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_imports_resource(bhd_imports *imports,
                                                        const bhd_host_resource *resource,
                                                        bhd_error *error);

/* -- who calls ----------------------------------------------------------------------------- */

/** The sandbox that calls: its number (bhd_sandbox_id) and what the program gave it
 *  (bhd_sandbox_options.user_data). Until the answer is given; any thread. Also in a start
 *  function, when bhd_sandbox_new has not returned yet. */
BHD_PUBLIC uint64_t bhd_invocation_sandbox_id(const bhd_invocation *invocation);
BHD_PUBLIC void *bhd_invocation_user_data(const bhd_invocation *invocation);

/**
 * Copies between the program and a linear memory that the core module that calls exports. `memory`
 * NULL means "memory". What the guest says of places and lengths is held against the memory's
 * current size: BHD_OUT_OF_BOUNDS unless all `size` bytes lie inside it; then nothing is copied.
 *
 * Only in the function's callback, on its thread, before the answer is given (BHD_INVALID_ARGUMENT
 * otherwise: the guest may run then). BHD_EXPORT_NOT_FOUND; BHD_NOT_SUPPORTED when a component
 * calls, whose values are copied already.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_invocation_read(bhd_invocation *invocation,
                                                       const char *memory, uint64_t offset,
                                                       void *data, size_t size, bhd_error *error);
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_invocation_write(bhd_invocation *invocation,
                                                        const char *memory, uint64_t offset,
                                                        const void *data, size_t size,
                                                        bhd_error *error);

/* -- answers ------------------------------------------------------------------------------- */

/**
 * Answers with the results, which are copied. BHD_SIGNATURE_MISMATCH and BHD_INVALID_ARGUMENT (an
 * answer was given; the results are larger than one call may carry, 1 MiB or the component's memory
 * limit), BHD_HOST_OUT_OF_MEMORY: nothing was answered.
 *
 * From the callback, or after bhd_invocation_defer from any thread; the invocation is gone then.
 * When the call, its sandbox or its host has ended meanwhile, it does nothing and gives BHD_OK.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_invocation_return(bhd_invocation *invocation,
                                                         const bhd_value *results, size_t count,
                                                         bhd_error *error);

/** Answers with an error: the guest ends with a trap that says `text`. As bhd_invocation_return. */
BHD_PUBLIC void bhd_invocation_fail(bhd_invocation *invocation, const char *text);

/** From the callback: the answer comes later, exactly once, by bhd_invocation_return or _fail.
 *  Until then the guest waits, at most until its deadline. BHD_NOT_SUPPORTED without `may_wait`. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_invocation_defer(bhd_invocation *invocation,
                                                        bhd_error *error);

/* -- resources ----------------------------------------------------------------------------- */

/**
 * Makes a resource of the type `name` of the function's interface around `data`, as an own handle
 * to return. It belongs to the host until it is returned; bhd_value_fini frees the handle, not the
 * resource. BHD_NO_CAPACITY when the sandbox has BHD_RESOURCES_MAX, BHD_INVALID_ARGUMENT for a type
 * that is not there, BHD_SANDBOX_DEAD when nobody waits for the answer any more: `data` is the
 * caller's then.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_invocation_resource(bhd_invocation *invocation,
                                                           const char *name, void *data,
                                                           bhd_value *handle, bhd_error *error);

/** The data of a resource of the host that the function was given (own or borrow); NULL for another
 *  value, and when nobody waits for the answer any more. */
BHD_PUBLIC void *bhd_invocation_data(bhd_invocation *invocation, const bhd_value *handle);

BHD_END_DECLS

#endif
