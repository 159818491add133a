#include "engine/run/waiter.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "engine/structs.h"

#include <time.h>

/* Shared by the instance and by every waker that the engine has cloned, on any thread. */
struct bhd__waiter {
    pthread_mutex_t lock;
    pthread_cond_t condition;
    bool woken;      /* lock */
    bhd__task *task; /* lock; to wake instead of the thread that waits */
    bhd__scheduler *scheduler;
    atomic_uint_fast32_t holds; /* the instance and the waker; the last one frees */
};

static void waiter_release(void *env)
{
    bhd__waiter *waiter = env;
    if (atomic_fetch_sub_explicit(&waiter->holds, 1, memory_order_acq_rel) != 1)
        return;
    pthread_cond_destroy(&waiter->condition);
    pthread_mutex_destroy(&waiter->lock);
    bhd__free(waiter);
}

static void waiter_wake(void *env)
{
    bhd__waiter *waiter = env;
    pthread_mutex_lock(&waiter->lock);
    waiter->woken = true;
    if (waiter->task)
        bhd__scheduler_wake(waiter->scheduler, waiter->task);
    else
        pthread_cond_signal(&waiter->condition);
    pthread_mutex_unlock(&waiter->lock);
}

static bhd__waiter *waiter_new(void)
{
    bhd__waiter *waiter = bhd__calloc(1, sizeof *waiter);
    if (!waiter)
        return NULL;
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) {
        bhd__free(waiter);
        return NULL;
    }
    int failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed = failed ? failed : pthread_cond_init(&waiter->condition, &attributes);
    pthread_condattr_destroy(&attributes);
    if (failed) {
        bhd__free(waiter);
        return NULL;
    }
    if (pthread_mutex_init(&waiter->lock, NULL) != 0) {
        pthread_cond_destroy(&waiter->condition);
        bhd__free(waiter);
        return NULL;
    }
    atomic_init(&waiter->holds, 2);
    return waiter;
}

bhd_status bhd__instance_prepare_wait(bhd__instance *instance, bhd_error *error)
{
    if (atomic_load_explicit(&instance->waiter, memory_order_relaxed))
        return BHD_OK;
    bhd__waiter *waiter = waiter_new();
    if (!waiter)
        return bhd__fail_no_memory(error);
    waiter->scheduler = instance->code->engine->scheduler;
    instance->waker = bhd_engine_waker_new(waiter_wake, waiter, waiter_release);
    /* Before the call looks whether it is cancelled; who cancels sets the mark and looks here. */
    atomic_store_explicit(&instance->waiter, waiter, memory_order_seq_cst);
    return BHD_OK;
}

void bhd__instance_end_wait(bhd__instance *instance)
{
    bhd__waiter *waiter = atomic_load_explicit(&instance->waiter, memory_order_relaxed);
    if (!waiter)
        return;
    bhd_engine_waker_delete(instance->waker);
    waiter_release(waiter);
}

void bhd__instance_wake(bhd__instance *instance)
{
    bhd__waiter *waiter = atomic_load_explicit(&instance->waiter, memory_order_seq_cst);
    if (waiter)
        waiter_wake(waiter);
}

void bhd__instance_wakes(bhd__instance *instance, bhd__task *task)
{
    bhd__waiter *waiter = atomic_load_explicit(&instance->waiter, memory_order_relaxed);
    pthread_mutex_lock(&waiter->lock);
    waiter->task = task;
    waiter->woken = false;
    pthread_mutex_unlock(&waiter->lock);
}

/* Sleeps until woken or until the deadline. */
void bhd__waiter_sleep(bhd__waiter *waiter, uint64_t deadline_ns)
{
    struct timespec until = {(time_t)(deadline_ns / 1000000000u),
                             (long)(deadline_ns % 1000000000u)};
    pthread_mutex_lock(&waiter->lock);
    while (!waiter->woken && pthread_cond_timedwait(&waiter->condition, &waiter->lock, &until) == 0)
        continue;
    waiter->woken = false;
    pthread_mutex_unlock(&waiter->lock);
}
