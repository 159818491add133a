/*
 * The clock of a host: a thread that advances the engines' epochs, so that guest code looks up and
 * asks whether its deadline has passed.
 *
 * It ticks while guests run and sleeps when none has run for a while. A call must find it awake
 * without a lock: the call sets its activity, then reads is_asleep; the clock stores is_asleep,
 * then reads every activity. Both are sequentially consistent, so at least one sees the other.
 */
#include "engine/run/clock.h"

#include "base/clock.h"
#include "base/fail.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define TICK_NS UINT64_C(5000000)
/* While submitted calls wait for a thread. */
#define CROWDED_TICK_NS BHD__SLICE_NS
/* Idle ticks before the clock goes to sleep. */
#define IDLE_TICKS 40

static struct timespec to_timespec(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
}

static void advance(bhd__engine *engine)
{
    for (int metered = 0; metered < 2; metered++) {
        bhd__variant *v = atomic_load_explicit(&engine->variants[metered], memory_order_acquire);
        if (v)
            wasmtime_engine_increment_epoch(v->engine);
    }
}

static bool somebody_runs(const bhd__engine *engine)
{
    const bhd__clock *clock = &engine->clock;
    if (bhd__scheduler_is_busy(engine->scheduler))
        return true;
    for (const bhd__instance *i = clock->instances; i; i = i->next)
        if (atomic_load_explicit(&i->activity, memory_order_seq_cst) & BHD__RUNNING)
            return true;
    return false;
}

/* Until somebody runs. Submitted calls that wait have deadlines, which are kept here too. */
static void sleep_until_needed(bhd__engine *engine)
{
    bhd__clock *clock = &engine->clock;
    atomic_store_explicit(&clock->is_asleep, true, memory_order_seq_cst);
    while (!clock->stopping && !somebody_runs(engine)) {
        uint64_t deadline = bhd__scheduler_expire(engine->scheduler);
        struct timespec until = to_timespec(deadline);
        if (deadline == UINT64_MAX)
            pthread_cond_wait(&clock->wake, &clock->lock);
        else
            (void)pthread_cond_timedwait(&clock->wake, &clock->lock, &until);
    }
    atomic_store_explicit(&clock->is_asleep, false, memory_order_seq_cst);
}

static void *clock_main(void *env)
{
    bhd__engine *engine = env;
    bhd__clock *clock = &engine->clock;
    unsigned idle = 0;
    pthread_mutex_lock(&clock->lock);
    while (!clock->stopping) {
        if (somebody_runs(engine)) {
            idle = 0;
        } else if (++idle >= IDLE_TICKS) {
            sleep_until_needed(engine);
            idle = 0;
            continue;
        }
        uint64_t tick = bhd__scheduler_is_crowded(engine->scheduler) ? CROWDED_TICK_NS : TICK_NS;
        struct timespec until = to_timespec(bhd__monotonic_ns() + tick);
        while (!clock->stopping &&
               pthread_cond_timedwait(&clock->wake, &clock->lock, &until) != ETIMEDOUT)
            continue;
        advance(engine);
        (void)bhd__scheduler_expire(engine->scheduler);
    }
    pthread_mutex_unlock(&clock->lock);
    return NULL;
}

bhd_status bhd__clock_init(bhd__clock *clock, bhd_error *error)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return bhd__fail_no_memory(error);
    int failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed = failed ? failed : pthread_cond_init(&clock->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (failed)
        return bhd__fail_no_memory(error);
    if (pthread_mutex_init(&clock->lock, NULL) != 0) {
        pthread_cond_destroy(&clock->wake);
        return bhd__fail_no_memory(error);
    }
    atomic_init(&clock->is_asleep, false);
    return BHD_OK;
}

void bhd__clock_fini(bhd__clock *clock)
{
    pthread_mutex_lock(&clock->lock);
    clock->stopping = true;
    bool has_thread = clock->has_thread;
    pthread_cond_signal(&clock->wake);
    pthread_mutex_unlock(&clock->lock);
    if (has_thread)
        pthread_join(clock->thread, NULL);
    pthread_mutex_destroy(&clock->lock);
    pthread_cond_destroy(&clock->wake);
}

/* The embedding program's signals are for its own threads. */
static int start_thread(bhd__engine *engine)
{
    sigset_t all, before;
    sigfillset(&all);
    int failed = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (failed)
        return failed;
    failed = pthread_create(&engine->clock.thread, NULL, clock_main, engine);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

bhd_status bhd__clock_add(bhd__engine *engine, bhd__instance *instance, bhd_error *error)
{
    bhd__clock *clock = &engine->clock;
    int failed = 0;
    pthread_mutex_lock(&clock->lock);
    if (!clock->has_thread) {
        failed = start_thread(engine);
        clock->has_thread = !failed;
    }
    if (!failed) {
        instance->previous = NULL;
        instance->next = clock->instances;
        if (instance->next)
            instance->next->previous = instance;
        clock->instances = instance;
    }
    pthread_mutex_unlock(&clock->lock);
    if (failed)
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "the thread that watches deadlines cannot be started: %s; "
                         "try again when the process has fewer threads",
                         bhd__errno_text(failed));
    return BHD_OK;
}

void bhd__clock_remove(bhd__engine *engine, bhd__instance *instance)
{
    bhd__clock *clock = &engine->clock;
    pthread_mutex_lock(&clock->lock);
    if (instance->previous)
        instance->previous->next = instance->next;
    else
        clock->instances = instance->next;
    if (instance->next)
        instance->next->previous = instance->previous;
    pthread_mutex_unlock(&clock->lock);
}

void bhd__clock_be_awake(bhd__clock *clock)
{
    if (!atomic_load_explicit(&clock->is_asleep, memory_order_seq_cst))
        return;
    pthread_mutex_lock(&clock->lock);
    pthread_cond_signal(&clock->wake);
    pthread_mutex_unlock(&clock->lock);
}

/* One step, which keeps a mark that somebody may set meanwhile. */
#define RUNNING_TO_WAITING_AND_BACK (BHD__RUNNING | BHD__WAITING)

void bhd__clock_pause(bhd__instance *instance)
{
    (void)atomic_fetch_xor_explicit(&instance->activity, RUNNING_TO_WAITING_AND_BACK,
                                    memory_order_seq_cst);
}

void bhd__clock_resume(bhd__instance *instance)
{
    (void)atomic_fetch_xor_explicit(&instance->activity, RUNNING_TO_WAITING_AND_BACK,
                                    memory_order_seq_cst);
    bhd__clock_be_awake(&instance->code->engine->clock);
}
