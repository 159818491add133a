#include "stuck_terminal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_SECONDS 5

/* Set by the command, read by the thread when its time has come; nothing else depends on it. */
static atomic_bool is_over;

static void *wait_and_leave(void *exit_code)
{
    const struct timespec pause = {PATIENCE_SECONDS, 0};
    (void)nanosleep(&pause, NULL);
    if (!atomic_load_explicit(&is_over, memory_order_relaxed))
        _exit((int)(intptr_t)exit_code);
    return NULL;
}

void cli_stuck_terminal_watch(int exit_code)
{
    pthread_t thread;
    atomic_store_explicit(&is_over, false, memory_order_relaxed);
    if (pthread_create(&thread, NULL, wait_and_leave, (void *)(intptr_t)exit_code) == 0)
        (void)pthread_detach(thread);
}

void cli_stuck_terminal_unwatch(void)
{
    atomic_store_explicit(&is_over, true, memory_order_relaxed);
}
