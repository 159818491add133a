#include "sandbox/fork_guard.h"

#include "base/fail.h"

#include <pthread.h>

atomic_bool bhd__in_forked_child;

static void in_child(void)
{
    atomic_store_explicit(&bhd__in_forked_child, true, memory_order_relaxed);
}

bhd_status bhd__fork_watch(bhd_error *error)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool is_watching; /* lock */
    /* Not with pthread_once: a registration that failed is tried again. */
    pthread_mutex_lock(&lock);
    if (!is_watching)
        is_watching = pthread_atfork(NULL, NULL, in_child) == 0;
    bool succeeded = is_watching;
    pthread_mutex_unlock(&lock);
    return succeeded ? BHD_OK : bhd__fail_no_memory(error);
}

bhd_status bhd__fork_refuse(bhd_error *error)
{
    return bhd__fail(error, BHD_NOT_SUPPORTED,
                     "this process is a child of fork, and its parent had made a host before: a "
                     "host's threads do not exist here; make the first host after fork, or exec");
}
