/*
 * Calls that may wait: driven on the caller's thread, which sleeps while the guest waits and gives
 * up at the deadline. Epochs do not fire inside a host call; this does.
 */
#include "base/alloc.h"
#include "base/fail.h"
#include "engine/engine_room.h"

#include <time.h>

/* Shared by the instance and by every waker that the engine has cloned, on any thread. */
struct bhd__waiter {
    pthread_mutex_t lock;
    pthread_cond_t condition;
    bool woken;                 /* lock */
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
    if (instance->waiter)
        return BHD_OK;
    bhd__waiter *waiter = waiter_new();
    if (!waiter)
        return bhd__fail_no_memory(error);
    instance->waiter = waiter;
    instance->waker = bhd_engine_waker_new(waiter_wake, waiter, waiter_release);
    return BHD_OK;
}

void bhd__instance_end_wait(bhd__instance *instance)
{
    if (!instance->waiter)
        return;
    bhd_engine_waker_delete(instance->waker);
    waiter_release(instance->waiter);
}

/* Sleeps until woken; false at the deadline. */
static bool waiter_sleep(bhd__waiter *waiter, uint64_t deadline_ns)
{
    struct timespec until = {(time_t)(deadline_ns / 1000000000u),
                             (long)(deadline_ns % 1000000000u)};
    bool woken = true;
    pthread_mutex_lock(&waiter->lock);
    while (!waiter->woken && woken)
        woken = pthread_cond_timedwait(&waiter->condition, &waiter->lock, &until) == 0;
    woken = woken || waiter->woken;
    waiter->woken = false;
    pthread_mutex_unlock(&waiter->lock);
    return woken;
}

bool bhd__instance_wait(bhd__instance *instance, wasmtime_call_future_t *future)
{
    bool in_time = true;
    while (in_time && !bhd_engine_future_poll(future, instance->waker))
        in_time =
            waiter_sleep(instance->waiter, instance->deadline_ns) && !bhd__clock_is_late(instance);
    /* An unfinished call is cancelled here: its fiber unwinds, and the store is not used again. */
    wasmtime_call_future_delete(future);
    return in_time;
}
