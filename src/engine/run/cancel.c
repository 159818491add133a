#include "engine/run/cancel.h"

#include "engine/run/reentry.h"
#include "engine/run/waiter.h"
#include "engine/structs.h"

/* False: nobody is in it. */
static bool mark_cancelled(bhd__instance *instance)
{
    unsigned now = atomic_load_explicit(&instance->activity, memory_order_relaxed);
    do {
        if (!(now & (BHD__RUNNING | BHD__WAITING)))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&instance->activity, &now, now | BHD__CANCELLED,
                                                    memory_order_seq_cst, memory_order_relaxed));
    return true;
}

bhd__entry bhd__instance_enter(bhd__instance *instance, bool to_run)
{
    unsigned now = BHD__IDLE;
    if (!atomic_compare_exchange_strong_explicit(&instance->activity, &now,
                                                 to_run ? BHD__RUNNING : BHD__WAITING,
                                                 memory_order_seq_cst, memory_order_relaxed))
        return now & BHD__CLOSED ? BHD__ENTRY_CLOSED : BHD__ENTRY_BUSY;
    return atomic_load_explicit(&instance->has_ended, memory_order_relaxed) ? BHD__ENTERED_ENDED
                                                                            : BHD__ENTERED;
}

bool bhd__instance_leave(bhd__instance *instance, bool to_run)
{
    unsigned now = to_run ? BHD__RUNNING : BHD__WAITING;
    while (!atomic_compare_exchange_weak_explicit(&instance->activity, &now, now & BHD__CLOSED,
                                                  memory_order_acq_rel, memory_order_relaxed))
        continue;
    return now & BHD__CLOSED;
}

bool bhd__instance_close(bhd__instance *instance)
{
    unsigned before =
        atomic_fetch_or_explicit(&instance->activity, BHD__CLOSED, memory_order_seq_cst);
    if (before == BHD__IDLE)
        return false;
    (void)mark_cancelled(instance);
    bhd__scheduler *scheduler = instance->code->engine->scheduler;
    /* A guest's stack is not one for callbacks of the program. */
    if (bhd__engine_is_beneath_guest())
        bhd__scheduler_cancel_group(scheduler, &instance->task_group);
    else
        bhd__scheduler_end_group(scheduler, &instance->task_group);
    /* After that: a submitted call that is woken may be another worker's before it is ended. */
    bhd__instance_wake(instance);
    return true;
}

void bhd__instance_cancel(bhd__instance *instance)
{
    if (!mark_cancelled(instance))
        return;
    bhd__instance_wake(instance);
    bhd__scheduler_cancel_group(instance->code->engine->scheduler, &instance->task_group);
}

bool bhd__instance_has_ended(const bhd__instance *instance)
{
    return atomic_load_explicit(&instance->has_ended, memory_order_relaxed) ||
           (atomic_load_explicit(&instance->activity, memory_order_relaxed) & BHD__CLOSED);
}
