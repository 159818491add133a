/*
 * The stacks of the calling thread: its own, and the one on which the engine handles signals.
 *
 * How much of its own is left, the engine takes on trust: guest code that recurses to its limit on
 * a thread with a smaller stack would run into whatever lies below.
 *
 * The bounds of a thread's stack do not change, so each thread looks them up once and keeps them in
 * a thread-local variable.
 */
#include "engine/process/stack.h"

#include "base/fail.h"
#include "bulkhead_engine.h"
#include "memory/address_space.h"
#include "memory/os.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* For the host's own frames beneath the guest's: signal handlers, host calls. */
#define HOST_ROOM_BYTES (UINT64_C(128) << 10)
/* What a call takes whose guest runs on a fiber: half of it, without what callbacks take. */
#define CALL_BYTES (UINT64_C(32) << 10)
/* Compiling takes 60 KiB as a rule, and more the deeper a binary is nested; no thread whose
 * program was sparing with stacks may run into its end for that. */
#define DEEP_BYTES (UINT64_C(1) << 20)
#define DEEP_THREAD_BYTES ((size_t)8 << 20)

/* Usable addresses of this thread's stack; high is 1 when they are not known. */
static _Thread_local uintptr_t stack_low, stack_high;

static void find_stack(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0, guard = 0;
    stack_high = 1;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    int failed = pthread_attr_getstack(&attributes, &low, &size) ||
                 pthread_attr_getguardsize(&attributes, &guard);
    pthread_attr_destroy(&attributes);
    if (failed)
        return;
    stack_low = (uintptr_t)low + guard;
    stack_high = (uintptr_t)low + size;
}

/* False on a stack of the program's own making, of which nothing is known. */
static bool stack_left(uint64_t *bytes)
{
    if (stack_high == 0)
        find_stack();
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (here < stack_low || here >= stack_high)
        return false;
    *bytes = here - stack_low;
    return true;
}

bhd_status bhd__stack_choose(uint64_t guest_bytes, bool *is_enough, bhd_error *error)
{
    uint64_t left;
    bool is_known = stack_left(&left);
    if (is_known && left < CALL_BYTES)
        return bhd__fail(
            error, BHD_NOT_SUPPORTED,
            "this thread has %llu bytes of stack left, and a call into a sandbox takes "
            "%llu; give the thread a larger stack",
            (unsigned long long)left, (unsigned long long)CALL_BYTES);
    *is_enough = is_known && left >= guest_bytes + HOST_ROOM_BYTES;
    return BHD_OK;
}

typedef struct deep {
    bhd_status (*work)(void *env, bhd_error *error);
    void *env;
    bhd_error *error;
    bhd_status status;
} deep;

static void *deep_main(void *env)
{
    deep *d = env;
    d->status = d->work(d->env, d->error);
    return NULL;
}

static int deep_thread(deep *d)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int failed = pthread_attr_init(&attributes);
    if (failed)
        return failed;
    failed = pthread_attr_setstacksize(&attributes, DEEP_THREAD_BYTES);
    /* The program's signals are for its own threads. */
    sigfillset(&all);
    failed = failed ? failed : pthread_sigmask(SIG_SETMASK, &all, &before);
    if (!failed) {
        failed = pthread_create(&thread, &attributes, deep_main, d);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    pthread_attr_destroy(&attributes);
    return failed ? failed : pthread_join(thread, NULL);
}

bhd_status bhd__stack_run_deep(bhd_status (*work)(void *env, bhd_error *error), void *env,
                               bhd_error *error)
{
    uint64_t left;
    if (stack_left(&left) && left >= DEEP_BYTES)
        return work(env, error);
    deep d = {.work = work, .env = env, .error = error};
    int failed = deep_thread(&d);
    if (failed)
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "a thread with enough stack to compile on cannot be started: %s; "
                         "try again when the process has fewer threads",
                         bhd__errno_text(failed));
    return d.status;
}

/* What the engine maps for a thread's signals: a guard page and 64 pages of 4 KiB. */
#define SIGNAL_STACK_BYTES ((size_t)64 * 4096)

static int try_signal_stack(void)
{
    const bhd__os *os = bhd__os_get();
    size_t guard = bhd__os_page_bytes();
    uint8_t *mapping = os->reserve(guard + SIGNAL_STACK_BYTES);
    if (!mapping)
        return errno;
    int reason = os->protect(mapping + guard, SIGNAL_STACK_BYTES, 1) == 0 ? 0 : errno;
    (void)os->unmap(mapping, guard + SIGNAL_STACK_BYTES);
    return reason;
}

/* What the handlers of the engine take besides the frame that the kernel lays there: 1 KiB. */
#define HANDLER_BYTES 4096

/* A program may give a thread a signal stack after the engine has given it one. On a stack that is
 * too small the handler would fault, in it the handler again, and so on without end. */
static bhd_status check_signal_stack(bhd_error *error)
{
    stack_t stack;
    size_t needed = bhd__os_get()->signal_frame_bytes() + HANDLER_BYTES;
    if (sigaltstack(NULL, &stack) != 0 || (stack.ss_flags & SS_DISABLE) || stack.ss_size >= needed)
        return BHD_OK;
    return bhd__fail(error, BHD_NOT_SUPPORTED,
                     "this thread's signal stack (sigaltstack) has %zu bytes, and faults of guests "
                     "need %zu; give it a larger one, or none",
                     stack.ss_size, needed);
}

/* A fault whose signal is blocked ends the process, whatever the handler. */
static void unblock_faults(void)
{
    sigset_t faults;
    sigemptyset(&faults);
    sigaddset(&faults, SIGSEGV);
    sigaddset(&faults, SIGILL);
    sigaddset(&faults, SIGFPE);
    (void)pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
}

bool bhd__thread_is_due(void)
{
    static _Thread_local uint64_t looked;
    struct timespec now;
    /* Steps every few milliseconds, and is read without a system call. */
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    uint64_t tick = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    bool is_due = tick != looked;
    looked = tick;
    return is_due;
}

/* Trying first and letting the engine do it then leaves a moment in between in which another thread
 * may take the last mapping; the engine offers nothing better. */
bhd_status bhd__stack_prepare_thread(bool starting, bhd_error *error)
{
    static _Thread_local bool is_prepared;
    if (is_prepared && !starting)
        return BHD_OK;
    if (!is_prepared) {
        int reason = try_signal_stack();
        if (reason != 0)
            return bhd__fail_reserve(error, "signal stack", SIGNAL_STACK_BYTES, reason);
        bhd_engine_prepare_thread();
        is_prepared = true;
    }
    unblock_faults();
    return check_signal_stack(error);
}
