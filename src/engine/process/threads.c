/*
 * The engine starts threads of its own, once in a process: the compiler's pool when something is
 * compiled for the first time, WASI's runtime when a guest runs on a fiber for the first time. When
 * a thread cannot be started, or the runtime's files not opened, the engine aborts the process.
 *
 * So it is tried before, with as many threads as the engine takes at most, until it has worked
 * once. In between another thread of the program may take the last place; the engine offers
 * nothing better.
 */
#include "engine/process/threads.h"

#include "base/alloc.h"
#include "base/fail.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What the runtime opens: an epoll file, its duplicate, an event file, and one to spare. */
#define FILES 4

/* Only ever set, and only after the engine has what it needs; so relaxed. */
static atomic_bool has_compiled, has_waited;

static void *pass(void *barrier)
{
    pthread_mutex_lock(barrier);
    pthread_mutex_unlock(barrier);
    return NULL;
}

/* Both start one for each processor that they may use. */
static bhd_status try_threads(const char *whose, bhd_error *error)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t wanted = processors < 1 ? 1 : (size_t)processors;
    pthread_t *threads = bhd__calloc(wanted, sizeof *threads);
    if (!threads)
        return bhd__fail_no_memory(error);
    pthread_mutex_t barrier = PTHREAD_MUTEX_INITIALIZER;
    size_t started = 0;
    int failed = 0;
    /* All of them at once. */
    pthread_mutex_lock(&barrier);
    while (started < wanted && !failed) {
        failed = pthread_create(&threads[started], NULL, pass, &barrier);
        started += !failed;
    }
    pthread_mutex_unlock(&barrier);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    bhd__free(threads);
    if (!failed)
        return BHD_OK;
    return bhd__fail(error, BHD_NO_CAPACITY,
                     "the threads of %s cannot be started: %s; "
                     "try again when the process has fewer threads",
                     whose, bhd__errno_text(failed));
}

static int try_files(void)
{
    int files[FILES];
    size_t opened = 0;
    int failed = 0;
    while (opened < FILES && !failed) {
        files[opened] = eventfd(0, EFD_CLOEXEC);
        failed = files[opened] < 0 ? errno : 0;
        opened += !failed;
    }
    for (size_t i = 0; i < opened; i++)
        close(files[i]);
    return failed;
}

bhd_status bhd__threads_before_compiling(bhd_error *error)
{
    if (atomic_load_explicit(&has_compiled, memory_order_relaxed))
        return BHD_OK;
    return try_threads("the compiler", error);
}

void bhd__threads_after_compiling(void)
{
    atomic_store_explicit(&has_compiled, true, memory_order_relaxed);
}

bhd_status bhd__threads_before_waiting(bhd_error *error)
{
    if (atomic_load_explicit(&has_waited, memory_order_relaxed))
        return BHD_OK;
    bhd_status status = try_threads("WASI's runtime", error);
    if (status != BHD_OK)
        return status;
    int failed = try_files();
    if (failed)
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "the files of WASI's runtime cannot be opened: %s; "
                         "try again when the process has fewer open files",
                         bhd__errno_text(failed));
    return BHD_OK;
}

void bhd__threads_after_waiting(void)
{
    atomic_store_explicit(&has_waited, true, memory_order_relaxed);
}
