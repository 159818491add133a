/*
 * How much stack the calling thread has left. The engine takes it on trust: guest code that
 * recurses to its limit on a thread with a smaller stack would run into whatever lies below.
 *
 * The bounds of a thread's stack do not change, so each thread looks them up once and keeps them in
 * a thread-local variable.
 */
#include "engine/engine_room.h"

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
