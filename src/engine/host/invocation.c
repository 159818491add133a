/*
 * One call of a function of the host. The engine holds it while the guest waits; the embedder holds
 * it from bhd_invocation_defer until it answers. Whoever comes last frees it: an answer that comes
 * when nobody waits any more finds `is_abandoned` and does nothing.
 *
 * Lock: `lock` guards everything below it, and the instance's resources while the guest waits. It
 * is not held while a callback or a destructor of the embedder runs, except for a destructor at the
 * end of the invocation.
 */
#include "engine/host/invocation.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "engine/host/deadline.h"
#include "engine/host/handles.h"
#include "engine/host/imports.h"
#include "engine/host/resources.h"
#include "engine/host/stops.h"
#include "engine/structs.h"
#include "values/value_tree.h"

#include <string.h>

struct bhd_invocation {
    const bhd__import *function;
    bhd_imports *set;        /* of the function; held */
    bhd__instance *instance; /* only while it is not abandoned */
    uint64_t sandbox_id;
    void *user_data;
    pthread_t thread;            /* of the callback */
    bhd_engine_caller_t *caller; /* lock; of a core module, in the callback */
    bool in_callback;            /* lock */
    bhd_value arguments;         /* a tuple */
    atomic_uint holds;
    pthread_mutex_t lock;
    bool is_deferred, is_answered, is_abandoned;
    bool has_failed;
    bhd_value results; /* a tuple */
    char text[512];    /* of a failure */
    bhd_engine_task_t *task;
};

static void release(bhd_invocation *invocation)
{
    if (atomic_fetch_sub_explicit(&invocation->holds, 1, memory_order_acq_rel) != 1)
        return;
    bhd_value_fini(&invocation->arguments);
    bhd_value_fini(&invocation->results);
    bhd_imports_free(invocation->set);
    pthread_mutex_destroy(&invocation->lock);
    bhd__free(invocation);
}

static wasmtime_error_t *stop(int32_t code, const char *text)
{
    return bhd_engine_stop_new(code, text, strlen(text));
}

/* -- for the engine ------------------------------------------------------------------------ */

static void fail_locked(bhd_invocation *invocation, const char *text)
{
    const bhd__import *function = invocation->function;
    bhd__text out;
    bhd__text_init(&out, invocation->text, sizeof invocation->text);
    bhd__text_printf(&out, "host function %s%s%s: ", function->interface,
                     function->interface[0] != '\0' ? "#" : "", function->name);
    bhd__text_add(&out, text); /* escaped with the rest of what the engine says */
    bhd__text_ellipsis(&out);
    invocation->has_failed = true;
    invocation->is_answered = true;
}

static void run_callback(bhd_invocation *invocation, bhd_engine_caller_t *caller)
{
    const bhd__import *function = invocation->function;
    invocation->thread = pthread_self();
    invocation->caller = caller;
    invocation->in_callback = true;
    function->callback(function->user_data, invocation, invocation->arguments.of.items.data,
                       invocation->arguments.of.items.count);
    pthread_mutex_lock(&invocation->lock);
    invocation->caller = NULL;
    invocation->in_callback = false;
    if (!invocation->is_answered && !invocation->is_deferred) {
        if (function->results->count > 0)
            fail_locked(invocation, "it gave no answer");
        invocation->is_answered = true;
    }
    pthread_mutex_unlock(&invocation->lock);
}

static void *begin(void *env, void *data, bhd_engine_caller_t *caller, bhd_value *arguments,
                   wasmtime_error_t **error)
{
    const bhd__import *function = env;
    bhd__instance *instance = data;
    bhd_invocation *invocation = bhd__calloc(1, sizeof *invocation);
    if (!invocation || pthread_mutex_init(&invocation->lock, NULL) != 0) {
        bhd__free(invocation);
        bhd_value_fini(arguments);
        *error = stop(BHD__STOP_HOST_OUT_OF_MEMORY, "the host process is out of memory");
        return NULL;
    }
    invocation->function = function;
    invocation->set = bhd__imports_hold(function->set);
    invocation->instance = instance;
    invocation->sandbox_id = instance->sandbox_id;
    invocation->user_data = instance->user_data;
    invocation->arguments = *arguments;
    invocation->results = bhd_value_tuple(NULL, 0);
    atomic_init(&invocation->holds, 1);
    if (function->has_resources)
        bhd__handles_take(instance, arguments, NULL);
    run_callback(invocation, caller);
    return invocation;
}

/* The answer, moved out. */
static int32_t hand_over(bhd_invocation *invocation, bhd_value *results, wasmtime_error_t **error)
{
    bhd__instance *instance = invocation->instance;
    if (bhd__instance_must_stop(instance)) {
        instance->gave_up = true;
        *error = stop(BHD__STOP_TIMEOUT, "out of time");
    } else if (invocation->has_failed) {
        *error = stop(BHD__STOP_HOST_FUNCTION, invocation->text);
    } else {
        if (invocation->function->has_resources)
            bhd__handles_give(instance, &invocation->results, 1);
        *results = invocation->results;
        invocation->results = bhd_value_tuple(NULL, 0);
        return 1;
    }
    return 2;
}

static int32_t poll_answer(void *env, bhd_engine_task_t *task, bhd_value *results,
                           wasmtime_error_t **error)
{
    bhd_invocation *invocation = env;
    pthread_mutex_lock(&invocation->lock);
    bhd_engine_task_t *old = invocation->task;
    invocation->task = NULL;
    int32_t answer = 0;
    if (invocation->is_answered) {
        answer = hand_over(invocation, results, error);
    } else {
        invocation->task = task;
        task = NULL;
    }
    pthread_mutex_unlock(&invocation->lock);
    if (old)
        bhd_engine_task_delete(old);
    if (task)
        bhd_engine_task_delete(task);
    return answer;
}

static void end(void *env)
{
    bhd_invocation *invocation = env;
    pthread_mutex_lock(&invocation->lock);
    invocation->is_abandoned = true;
    bhd_engine_task_t *task = invocation->task;
    invocation->task = NULL;
    if (invocation->function->has_resources)
        bhd__handles_settle(invocation->instance, &invocation->arguments);
    pthread_mutex_unlock(&invocation->lock);
    if (task)
        bhd_engine_task_delete(task);
    release(invocation);
}

bhd_engine_host_t bhd__invocation_callbacks(const bhd__import *function)
{
    void *env;
    memcpy(&env, &function, sizeof env);
    return (bhd_engine_host_t){env, begin, poll_answer, end};
}

/* -- for the embedder ---------------------------------------------------------------------- */

/* Bytes that a copy takes. */
static uint64_t bytes_of(const bhd_value *value)
{
    uint64_t bytes = sizeof *value;
    if (bhd__value_has_items(value)) {
        for (size_t i = 0; i < value->of.items.count; i++)
            bytes += bytes_of(&value->of.items.data[i]);
    } else if (bhd__value_has_case(value)) {
        bytes += value->of.variant.payload ? bytes_of(value->of.variant.payload) : 0;
    } else if (value->type == BHD_STRING) {
        bytes += value->of.string.size;
    } else if (value->type == BHD_LIST) {
        bytes += value->of.list.count * bhd__type_plain_bytes(value->element);
    }
    return bytes;
}

/* Wakes the guest, and gives the embedder's hold up if there is one. With the lock held, which is
 * released. */
static void publish(bhd_invocation *invocation)
{
    invocation->is_answered = true;
    bool is_deferred = invocation->is_deferred;
    bhd_engine_task_t *task = invocation->task;
    invocation->task = NULL;
    pthread_mutex_unlock(&invocation->lock);
    if (task)
        bhd_engine_task_wake(task);
    if (is_deferred)
        release(invocation);
}

static bhd_status check_results(bhd_invocation *invocation, const bhd_value *results, size_t count,
                                bhd_error *error)
{
    const bhd_type *types = invocation->function->results;
    if (count != types->count || (count > 0 && !results))
        return bhd__fail(error, BHD_SIGNATURE_MISMATCH,
                         "the function gives %u results, %zu were returned", types->count, count);
    bhd_status status = bhd__values_check(results, count, types, "result", NULL, error);
    if (status == BHD_OK && invocation->function->has_resources)
        status = bhd__handles_check_results(invocation->instance, invocation->function, results,
                                            count, error);
    uint64_t bytes = 0, most = invocation->instance->hostcall_bytes;
    for (size_t i = 0; status == BHD_OK && i < count; i++)
        bytes += bytes_of(&results[i]);
    if (status == BHD_OK && bytes > most)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "the results take %llu bytes, one call may carry %llu",
                         (unsigned long long)bytes, (unsigned long long)most);
    return status;
}

bhd_status bhd_invocation_return(bhd_invocation *invocation, const bhd_value *results, size_t count,
                                 bhd_error *error)
{
    if (!invocation)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_invocation_return: no invocation");
    pthread_mutex_lock(&invocation->lock);
    bhd_status status = BHD_OK;
    if (invocation->is_answered && !invocation->is_abandoned)
        status = bhd__fail(error, BHD_INVALID_ARGUMENT, "the function has answered already");
    if (status == BHD_OK && !invocation->is_abandoned)
        status = check_results(invocation, results, count, error);
    if (status == BHD_OK && !invocation->is_abandoned) {
        bhd_value tuple = bhd_value_tuple(results, count), copy;
        status = bhd_value_copy(&tuple, &copy, error);
        if (status == BHD_OK)
            invocation->results = copy;
    }
    if (status == BHD_OK)
        publish(invocation);
    else
        pthread_mutex_unlock(&invocation->lock);
    return status;
}

void bhd_invocation_fail(bhd_invocation *invocation, const char *text)
{
    if (!invocation)
        return;
    pthread_mutex_lock(&invocation->lock);
    if (invocation->is_answered && !invocation->is_abandoned) {
        pthread_mutex_unlock(&invocation->lock);
        return;
    }
    fail_locked(invocation, text ? text : "failed");
    publish(invocation);
}

bhd_status bhd_invocation_defer(bhd_invocation *invocation, bhd_error *error)
{
    if (!invocation)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_invocation_defer: no invocation");
    if (!invocation->function->may_wait)
        return bhd__fail(error, BHD_NOT_SUPPORTED,
                         "the function was added without may_wait: it has to answer at once");
    pthread_mutex_lock(&invocation->lock);
    bool ok = !invocation->is_answered && !invocation->is_deferred;
    if (ok) {
        invocation->is_deferred = true;
        atomic_fetch_add_explicit(&invocation->holds, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&invocation->lock);
    return ok ? BHD_OK
              : bhd__fail(error, BHD_INVALID_ARGUMENT,
                          "the function has answered already, or its "
                          "answer is deferred already");
}

uint64_t bhd_invocation_sandbox_id(const bhd_invocation *invocation)
{
    return invocation ? invocation->sandbox_id : 0;
}

void *bhd_invocation_user_data(const bhd_invocation *invocation)
{
    return invocation ? invocation->user_data : NULL;
}

static bhd_status no_memory_named(const char *name, bhd_error *error)
{
    char shown[300];
    return bhd__fail(error, BHD_EXPORT_NOT_FOUND,
                     "the module that calls exports no memory named \"%s\"",
                     bhd__text_show(shown, sizeof shown, name, 64));
}

/* Where the bytes are, in the memory of the module that waits for this callback. */
static bhd_status memory_at(bhd_invocation *invocation, const char *memory, uint64_t offset,
                            const void *data, size_t size, uint8_t **at, bhd_error *error)
{
    if (!invocation || (!data && size > 0))
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "invocation or data is NULL");
    const char *name = memory ? memory : "memory";
    pthread_mutex_lock(&invocation->lock);
    bool in_callback = invocation->in_callback && !invocation->is_answered &&
                       pthread_equal(invocation->thread, pthread_self());
    bhd_engine_caller_t *caller = invocation->caller;
    pthread_mutex_unlock(&invocation->lock);
    uint8_t *base = NULL;
    size_t bytes = 0;
    if (!in_callback)
        return bhd__fail(
            error, BHD_INVALID_ARGUMENT,
            "memory of the guest can be reached in the function's callback only, on its "
            "thread and before the answer");
    if (!caller)
        return bhd__fail(error, BHD_NOT_SUPPORTED,
                         "a component calls this function; only a core module shares its memory");
    if (!bhd_engine_caller_memory(caller, name, strlen(name), &base, &bytes))
        return no_memory_named(name, error);
    bhd_status status = bhd__check_inside(offset, size, bytes, error);
    if (status == BHD_OK)
        *at = base + offset;
    return status;
}

bhd_status bhd_invocation_read(bhd_invocation *invocation, const char *memory, uint64_t offset,
                               void *data, size_t size, bhd_error *error)
{
    uint8_t *at = NULL;
    bhd_status status = memory_at(invocation, memory, offset, data, size, &at, error);
    if (at && size > 0)
        memcpy(data, at, size);
    return status;
}

bhd_status bhd_invocation_write(bhd_invocation *invocation, const char *memory, uint64_t offset,
                                const void *data, size_t size, bhd_error *error)
{
    uint8_t *at = NULL;
    bhd_status status = memory_at(invocation, memory, offset, data, size, &at, error);
    if (at && size > 0)
        memcpy(at, data, size);
    return status;
}

bhd_status bhd_invocation_resource(bhd_invocation *invocation, const char *name, void *data,
                                   bhd_value *handle, bhd_error *error)
{
    if (!invocation || !name || !handle)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_invocation_resource: invocation, name or handle is NULL");
    const bhd__import *function = invocation->function;
    const bhd__import_resource *type = bhd__imports_find_resource(
        function->set, function->interface, strlen(function->interface), name, strlen(name));
    if (!type)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "the function's interface has no resource of that name");
    pthread_mutex_lock(&invocation->lock);
    bhd_status status =
        invocation->is_abandoned
            ? bhd__fail(error, BHD_SANDBOX_DEAD, "nobody waits for the answer any more")
            : bhd__resources_add(invocation->instance, type, data, handle, error);
    pthread_mutex_unlock(&invocation->lock);
    return status;
}

void *bhd_invocation_data(bhd_invocation *invocation, const bhd_value *handle)
{
    if (!invocation || !handle)
        return NULL;
    pthread_mutex_lock(&invocation->lock);
    void *data = invocation->is_abandoned ? NULL : bhd__handles_data(invocation->instance, handle);
    pthread_mutex_unlock(&invocation->lock);
    return data;
}
