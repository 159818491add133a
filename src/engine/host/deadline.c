#include "engine/host/deadline.h"

#include "base/clock.h"
#include "engine/structs.h"

bool bhd__instance_is_cancelled(const bhd__instance *instance)
{
    return (atomic_load_explicit(&instance->activity, memory_order_seq_cst) & BHD__CANCELLED) ||
           (instance->task && bhd__task_verdict(instance->task) == BHD__STOPPED);
}

void bhd__deadline_set(bhd__instance *instance)
{
    instance->deadline_ns = bhd__monotonic_ns() + instance->timeout_ns;
}

bool bhd__deadline_has_passed(bhd__instance *instance)
{
    if (instance->deadline_ns == 0) {
        bhd__deadline_set(instance);
        return false;
    }
    return bhd__monotonic_ns() >= instance->deadline_ns;
}

bool bhd__instance_must_stop(bhd__instance *instance)
{
    return bhd__instance_is_cancelled(instance) || bhd__deadline_has_passed(instance);
}
