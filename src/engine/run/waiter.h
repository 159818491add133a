/*
 * Who waits for an instance's call, and how it is woken: the thread that calls, or the task of a
 * submitted call.
 */
#ifndef BHD_ENGINE_RUN_WAITER_H
#define BHD_ENGINE_RUN_WAITER_H

#include "engine/types.h"

typedef struct bhd__task bhd__task;
typedef struct bhd__waiter bhd__waiter;

/* Before a call that may wait; does nothing the second time. */
bhd_status bhd__instance_prepare_wait(bhd__instance *instance, bhd_error *error);
void bhd__instance_end_wait(bhd__instance *instance);
/* Wakes whoever waits for the instance's future. Any thread, while the instance lives. */
void bhd__instance_wake(bhd__instance *instance);
/* From now on wakers wake this task; NULL: the thread that waits. */
void bhd__instance_wakes(bhd__instance *instance, bhd__task *task);
/* Sleeps until woken or until the deadline, CLOCK_MONOTONIC. */
void bhd__waiter_sleep(bhd__waiter *waiter, uint64_t deadline_ns);

#endif
