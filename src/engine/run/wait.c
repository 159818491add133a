/*
 * Calls that may wait: driven on the caller's thread, which sleeps while the guest waits and gives
 * up at the deadline or when somebody cancels. Epochs do not fire inside a host call; this does.
 */
#include "engine/run/wait.h"

#include "engine/host/deadline.h"
#include "engine/run/clock.h"
#include "engine/run/waiter.h"
#include "engine/run/wasi.h"

bool bhd__instance_wait(bhd__instance *instance, wasmtime_call_future_t *future)
{
    bhd__waiter *waiter = atomic_load_explicit(&instance->waiter, memory_order_relaxed);
    bool ended = false, is_settled = false;
    for (;;) {
        ended = ended || bhd_engine_future_poll(future, instance->waker);
        is_settled = ended && bhd__wasi_settle(instance);
        if (is_settled || bhd__instance_must_stop(instance))
            break;
        bhd__clock_pause(instance);
        bhd__waiter_sleep(waiter, instance->deadline_ns);
        bhd__clock_resume(instance);
    }
    /* An unfinished call is given up here: its fiber unwinds, and the store is not used again. */
    wasmtime_call_future_delete(future);
    instance->gave_up = instance->gave_up || (ended && !is_settled);
    return ended;
}
