/*
 * The process's handlers of SIGSEGV, SIGILL and SIGFPE, as far as the engine needs them: faults of
 * guest code are traps only if its own handlers see them.
 *
 * The engine installs them once in a process, with the first host, and passes on what is not a
 * guest's. A program that replaces them later would be handed guests' faults. That cannot be
 * prevented, but it can be seen when a sandbox is made, some milliseconds later at the latest;
 * before each call it would cost more than the call.
 */
#include "engine/process/signals.h"

#include "base/fail.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#define SIGNALS 3
static const int signals[SIGNALS] = {SIGSEGV, SIGILL, SIGFPE};
static const char *const names[SIGNALS] = {"SIGSEGV", "SIGILL", "SIGFPE"};

/* 0 until known. Written once with the first host, read before each sandbox. */
static atomic_uintptr_t engines[SIGNALS];

static uintptr_t current(int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0)
        return 0;
    /* Both members are one pointer in a union. */
    uintptr_t handler;
    memcpy(&handler, &action.sa_sigaction, sizeof handler);
    return handler;
}

void bhd__signals_remember(void)
{
    for (size_t i = 0; i < SIGNALS; i++) {
        uintptr_t unknown = 0;
        atomic_compare_exchange_strong_explicit(&engines[i], &unknown, current(signals[i]),
                                                memory_order_relaxed, memory_order_relaxed);
    }
}

bhd_status bhd__signals_check(bhd_error *error)
{
    for (size_t i = 0; i < SIGNALS; i++)
        if (current(signals[i]) != atomic_load_explicit(&engines[i], memory_order_relaxed))
            return bhd__fail(
                error, BHD_NOT_SUPPORTED,
                "the program has replaced the handler of %s after it made its first host, and "
                "faults of guests would reach it; install handlers before that, or set the host "
                "option chained_signals if they pass on to the handler that they replaced",
                names[i]);
    return BHD_OK;
}
