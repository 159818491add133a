/*
 * The stacks of the calling thread: its own, and the one on which the engine handles signals.
 *
 * How much of its own is left, the engine takes on trust: guest code that recurses to its limit on
 * a thread with a smaller stack would run into whatever lies below.
 *
 * The bounds of a thread's stack do not change, so each thread looks them up once and keeps them in
 * a thread-local variable.
 */
#include "engine/engine_room.h"
#include "memory/address_space.h"
#include "memory/os.h"

#include <errno.h>

/* For the host's own frames beneath the guest's: signal handlers, host calls. */
#define HOST_ROOM_BYTES (UINT64_C(128) << 10)

/* Lowest usable address of this thread's stack; 1 when it is not known. */
static _Thread_local uintptr_t stack_low;

static uintptr_t find_stack_low(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0, guard = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return 1;
    int failed = pthread_attr_getstack(&attributes, &low, &size) ||
                 pthread_attr_getguardsize(&attributes, &guard);
    pthread_attr_destroy(&attributes);
    return failed ? 1 : (uintptr_t)low + guard;
}

bool bhd__stack_has_room(uint64_t bytes)
{
    if (stack_low == 0)
        stack_low = find_stack_low();
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    /* A thread that runs on a stack of its own making has none that we know of. */
    return stack_low != 1 && here > stack_low && here - stack_low >= bytes + HOST_ROOM_BYTES;
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

/* Trying first and letting the engine do it then leaves a moment in between in which another thread
 * may take the last mapping; the engine offers nothing better. */
bhd_status bhd__stack_prepare_thread(bhd_error *error)
{
    static _Thread_local bool is_prepared;
    if (is_prepared)
        return BHD_OK;
    int reason = try_signal_stack();
    if (reason != 0)
        return bhd__fail_reserve(error, "signal stack", SIGNAL_STACK_BYTES, reason);
    bhd_engine_prepare_thread();
    is_prepared = true;
    return BHD_OK;
}
