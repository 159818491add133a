/*
 * Who uses a sandbox, and who frees it.
 *
 * Two things are counted apart. In the instance is one at a time: whoever calls, reads or looks
 * something up enters and leaves, in one atomic step each, since every call pays for them. Around
 * it are holds: the owner's, and one for each submitted call until its callback has returned.
 *
 * bhd_sandbox_free closes the instance and gives the owner's hold up; whoever is in the instance
 * just then gives it up in its place, when it leaves. The last hold frees. So nothing is freed
 * under a guest or a callback, whoever comes first. What differs is who waits for that: a thread
 * of the program does. A thread that the library has called the program on does not, because others
 * may be waiting for it: two callbacks that free each other's sandboxes would wait for ever.
 *
 * Lock: sandbox->lock guards the holds; it is held for nothing else.
 */
#include "sandbox/use.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "engine/run/cancel.h"
#include "engine/run/exports.h"
#include "engine/run/store.h"
#include "sandbox/host.h"

bhd_status bhd__sandbox_use_init(bhd_sandbox *sandbox, bhd_error *error)
{
    if (pthread_mutex_init(&sandbox->lock, NULL) != 0)
        return bhd__fail_no_memory(error);
    if (pthread_cond_init(&sandbox->changed, NULL) != 0) {
        pthread_mutex_destroy(&sandbox->lock);
        return bhd__fail_no_memory(error);
    }
    sandbox->holds = 1;
    return BHD_OK;
}

void bhd__sandbox_hold(bhd_sandbox *sandbox)
{
    pthread_mutex_lock(&sandbox->lock);
    sandbox->holds++;
    pthread_mutex_unlock(&sandbox->lock);
}

/* Nobody holds it. Copes with one that is half made. */
static void sandbox_delete(bhd_sandbox *sandbox)
{
    while (sandbox->functions) {
        bhd_function *next = sandbox->functions->next;
        bhd__export_free(sandbox->functions->exported);
        bhd__free(sandbox->functions->name);
        bhd__free(sandbox->functions);
        sandbox->functions = next;
    }
    bhd__instance_free(sandbox->instance);
    bhd_limiter_free(sandbox->limiter);
    bhd__host_leave(sandbox->component->host);
    bhd_component_free(sandbox->component);
    pthread_cond_destroy(&sandbox->changed);
    pthread_mutex_destroy(&sandbox->lock);
    bhd__free(sandbox);
}

void bhd__sandbox_release(bhd_sandbox *sandbox)
{
    pthread_mutex_lock(&sandbox->lock);
    unsigned left = --sandbox->holds;
    if (left == 1)
        pthread_cond_signal(&sandbox->changed); /* somebody may wait to be the last */
    pthread_mutex_unlock(&sandbox->lock);
    if (left == 0)
        sandbox_delete(sandbox);
}

bhd_status bhd__sandbox_refuse(bhd__entry entry, bhd_error *error)
{
    switch (entry) {
    case BHD__ENTERED:
        break;
    case BHD__ENTERED_ENDED:
        return bhd__fail(error, BHD_SANDBOX_DEAD,
                         "the guest in this sandbox has ended; make a new sandbox");
    case BHD__ENTRY_CLOSED:
        return bhd__fail(error, BHD_SANDBOX_DEAD, "this sandbox is being freed");
    case BHD__ENTRY_BUSY:
        return bhd__fail(
            error, BHD_BUSY,
            "a call into this sandbox is under way; a sandbox runs one call at a time, "
            "and a callback or a function of the host must not call into the sandbox that it "
            "serves");
    }
    return BHD_OK;
}

void bhd__sandbox_wait_to_be_the_last(bhd_sandbox *sandbox)
{
    pthread_mutex_lock(&sandbox->lock);
    while (sandbox->holds > 1)
        pthread_cond_wait(&sandbox->changed, &sandbox->lock);
    pthread_mutex_unlock(&sandbox->lock);
}
