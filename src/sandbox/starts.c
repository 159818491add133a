/*
 * The starts that one cancellation may end. The lock guards list and mark, and is held while
 * instances are marked, so that none of them is gone by then.
 */
#include "sandbox/starts.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "engine/run/cancel.h"
#include "sandbox/fork_guard.h"

#include <pthread.h>

struct bhd_cancellation {
    pthread_mutex_t lock;
    /* Set under the lock; whoever compiles reads it without, now and then. */
    atomic_bool is_cancelled;
    bhd__start *starts;
};

bhd_status bhd_cancellation_new(bhd_cancellation **cancellation, bhd_error *error)
{
    if (!cancellation)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_cancellation_new: cancellation is NULL");
    bhd_cancellation *c = bhd__calloc(1, sizeof *c);
    if (!c || pthread_mutex_init(&c->lock, NULL) != 0) {
        bhd__free(c);
        return bhd__fail_no_memory(error);
    }
    *cancellation = c;
    return BHD_OK;
}

void bhd_cancellation_cancel(bhd_cancellation *cancellation)
{
    if (!cancellation || bhd__fork_is_child())
        return;
    pthread_mutex_lock(&cancellation->lock);
    atomic_store_explicit(&cancellation->is_cancelled, true, memory_order_relaxed);
    for (bhd__start *s = cancellation->starts; s; s = s->next)
        bhd__instance_cancel(s->instance);
    pthread_mutex_unlock(&cancellation->lock);
}

void bhd_cancellation_free(bhd_cancellation *cancellation)
{
    if (!cancellation)
        return;
    (void)pthread_mutex_destroy(&cancellation->lock);
    bhd__free(cancellation);
}

const atomic_bool *bhd__cancellation_flag(const bhd_cancellation *cancellation)
{
    return cancellation ? &cancellation->is_cancelled : NULL;
}

bhd_status bhd__cancellation_watch(bhd_cancellation *cancellation, bhd__start *start,
                                   bhd_error *error)
{
    if (!cancellation)
        return BHD_OK;
    pthread_mutex_lock(&cancellation->lock);
    bool is_cancelled = atomic_load_explicit(&cancellation->is_cancelled, memory_order_relaxed);
    if (!is_cancelled) {
        start->previous = NULL;
        start->next = cancellation->starts;
        if (start->next)
            start->next->previous = start;
        cancellation->starts = start;
    }
    pthread_mutex_unlock(&cancellation->lock);
    return is_cancelled
               ? bhd__fail(error, BHD_CANCELLED,
                           "cancelled: the call was ended from outside, before its guest ran")
               : BHD_OK;
}

void bhd__cancellation_unwatch(bhd_cancellation *cancellation, bhd__start *start)
{
    if (!cancellation)
        return;
    pthread_mutex_lock(&cancellation->lock);
    if (start->previous)
        start->previous->next = start->next;
    else
        cancellation->starts = start->next;
    if (start->next)
        start->next->previous = start->previous;
    pthread_mutex_unlock(&cancellation->lock);
}
