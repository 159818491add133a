/*
 * A signal handler may do next to nothing, so it posts a semaphore, and a thread cancels. It does
 * so again until the watch ends: a signal may come between two calls of the command, when there is
 * nothing to cancel yet. The cancellation keeps it in mind for a sandbox that is not there yet.
 */
#include "interrupt.h"

#include "shown_text.h"
#include "terminal.h"

#include "bulkhead/call.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define AGAIN_AFTER_NS 20000000L

static const int signals[] = {SIGINT, SIGTERM};

enum { SIGNALS = sizeof signals / sizeof *signals };

static struct {
    bool is_on;
    bhd_cancellation *cancellation;
    _Atomic(bhd_sandbox *) sandbox; /* NULL until it is there */
    pthread_t thread;
    sem_t posted;
    atomic_bool is_ending;
    atomic_int number; /* of the signal that came; 0: none */
    struct sigaction before[SIGNALS];
} watch;

static void on_signal(int number)
{
    atomic_store_explicit(&watch.number, number, memory_order_relaxed);
    (void)sem_post(&watch.posted);
}

static void *cancel_when_posted(void *unused)
{
    const struct timespec pause = {0, AGAIN_AFTER_NS};
    (void)unused;
    while (sem_wait(&watch.posted) != 0 && errno == EINTR)
        continue;
    while (!atomic_load_explicit(&watch.is_ending, memory_order_acquire)) {
        bhd_cancellation_cancel(watch.cancellation);
        bhd_sandbox_cancel(atomic_load_explicit(&watch.sandbox, memory_order_acquire));
        (void)nanosleep(&pause, NULL);
    }
    return NULL;
}

static void restore_handlers(void)
{
    for (size_t i = 0; i < SIGNALS; i++)
        (void)sigaction(signals[i], &watch.before[i], NULL);
}

bhd_cancellation *cli_interrupt_watch(void)
{
    /* Ended system calls begin again; the second signal finds what was there before. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    atomic_store_explicit(&watch.sandbox, NULL, memory_order_relaxed);
    atomic_store_explicit(&watch.is_ending, false, memory_order_relaxed);
    atomic_store_explicit(&watch.number, 0, memory_order_relaxed);
    if (bhd_cancellation_new(&watch.cancellation, NULL) != BHD_OK)
        return NULL;
    if (sem_init(&watch.posted, 0, 0) != 0 ||
        pthread_create(&watch.thread, NULL, cancel_when_posted, NULL) != 0) {
        bhd_cancellation_free(watch.cancellation);
        return NULL;
    }
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], NULL, &watch.before[i]);
        /* Who started the command in the background may have it ignore Ctrl-C. */
        if (watch.before[i].sa_handler != SIG_IGN)
            (void)sigaction(signals[i], &action, NULL);
    }
    watch.is_on = true;
    return watch.cancellation;
}

void cli_interrupt_watch_calls(bhd_sandbox *sandbox)
{
    atomic_store_explicit(&watch.sandbox, sandbox, memory_order_release);
}

void cli_interrupt_unwatch(void)
{
    if (!watch.is_on)
        return;
    restore_handlers();
    atomic_store_explicit(&watch.is_ending, true, memory_order_release);
    (void)sem_post(&watch.posted);
    (void)pthread_join(watch.thread, NULL);
    bhd_cancellation_free(watch.cancellation);
    watch.is_on = false; /* the semaphore stays: a handler may just be running */
}

bhd_status cli_interrupt_end_compiling(bhd_status status, const char *path, bhd_error *error)
{
    cli_interrupt_unwatch();
    int number = atomic_load_explicit(&watch.number, memory_order_relaxed);
    /* What is wrong with the component is more than that somebody did not wait for it. */
    if (number == 0 || (status != BHD_OK && status != BHD_CANCELLED))
        return status;
    return cli_fail(error, BHD_CANCELLED, "%s: compiling it was interrupted by %s",
                    cli_show(path).text, number == SIGINT ? "Ctrl-C (SIGINT)" : "SIGTERM");
}
