/*
 * The stacks of the calling thread: its own, and the one on which the engine handles signals.
 */
#ifndef BHD_ENGINE_PROCESS_STACK_H
#define BHD_ENGINE_PROCESS_STACK_H

#include "bulkhead/error.h"

/* Runs `work` here if this thread has stack enough to compile, otherwise on a thread made for it,
 * and gives what it gives; BHD_NO_CAPACITY without such a thread. */
bhd_status bhd__stack_run_deep(bhd_status (*work)(void *env, bhd_error *error), void *env,
                               bhd_error *error);

/* Whether the calling thread has `guest_bytes` of stack left, and some for the host; if not, guest
 * code runs on a fiber. BHD_NOT_SUPPORTED when there is too little even for that. */
bhd_status bhd__stack_choose(uint64_t guest_bytes, bool *is_enough, bhd_error *error);
/* What the program may have done to this thread and to the handlers is looked at again: with the
 * thread's first guest, and then at most once in some milliseconds, since it costs as much as half
 * a sandbox. */
bool bhd__thread_is_due(void);
/* Before guest code runs on a thread, and all of it again when a new guest is `starting` on it. The
 * engine maps a signal stack for each thread at its first guest and aborts when it cannot, so this
 * finds out before: BHD_NO_CAPACITY. Unblocks the signals of faults. BHD_NOT_SUPPORTED: the program
 * has given the thread a signal stack that is too small. */
bhd_status bhd__stack_prepare_thread(bool starting, bhd_error *error);

#endif
