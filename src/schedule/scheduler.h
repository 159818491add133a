/*
 * Many tasks on few threads. It knows nothing of guests: a task is a function that runs until it
 * has ended, has to wait, or gives way.
 *
 *     queued ----> running ----> gone
 *        ^  ^        |  ^
 *        |  '-yields-'  | (a worker takes the task that has used least)
 *      woken            |
 *        '--- asleep <--'   no thread is held
 *
 * Fair by what was used, not by turns: every task group (a sandbox) counts the processor time that
 * its tasks took, and the task whose group has used least comes next. (Not the time that they were
 * on a thread: a machine that is busy with other things would charge one of them for all.) A group
 * that is new or was away does not catch up on what it never asked for: it is placed where the
 * others are.
 *
 * What a task comes to is decided once, in one step of an atomic word (bhd__task_end): it
 * completed, was cancelled, or ran out of time. Whoever is second finds out that it was second.
 *
 * One lock guards queue, timers and states; no task and no callback runs under it. Where another
 * lock is held together with this one, this one is taken last.
 */
#ifndef BHD_SCHEDULE_SCHEDULER_H
#define BHD_SCHEDULE_SCHEDULER_H

#include "bulkhead/error.h"
#include "schedule/heap.h"

#include <stdatomic.h>

/* Whoever has used this much more than the first in the queue gives way at the next tick. */
#define BHD__SLICE_NS UINT64_C(2000000)

typedef struct bhd__scheduler bhd__scheduler;
typedef struct bhd__task bhd__task;

typedef enum bhd__task_end {
    BHD__OPEN = 0,
    BHD__COMPLETED,
    BHD__STOPPED, /* cancelled */
    BHD__LATE,    /* its deadline passed */
} bhd__task_end;

/* On whose account tasks run, one at a time. Zeroed: new. Guarded by the scheduler's lock. */
typedef struct bhd__task_group {
    uint64_t used_ns; /* 0: new */
    bhd__task *task;  /* submitted and not gone */
} bhd__task_group;

typedef enum bhd__task_state {
    BHD__TASK_QUEUED,
    BHD__TASK_ON_THREAD,
    BHD__TASK_ASLEEP,
    BHD__TASK_GONE,
} bhd__task_state;

struct bhd__task {
    /* Set by the owner; zero the rest. */

    /* On a worker. True: the task has ended and does not use its group any more. False: it waits
     * for bhd__scheduler_wake, or was woken meanwhile and only gave way. When the verdict is not
     * open any more, it has to end. */
    bool (*step)(bhd__task *task);
    /* On a worker, after the last step, when the scheduler has forgotten the task. */
    void (*end)(bhd__task *task);
    bhd__task_group *group;
    uint64_t deadline_ns;

    /* Decided once by compare-and-swap from BHD__OPEN; any thread. */
    atomic_int verdict;

    /* What the group had used when this step began, and when that was. The worker's alone. */
    uint64_t used_before_ns, step_began_ns;
    /* What it had used at the last tick; written by the worker, read under the lock. */
    atomic_uint_fast64_t used_ns;

    /* The scheduler's, under its lock. */
    bhd__task_state state;
    bool was_woken; /* while it was on a thread */
    bhd__heap_item queued, timed;
};

typedef struct bhd__scheduler_options {
    unsigned threads; /* started with the first task */
    void *env;
    uint64_t (*now)(void *env);  /* for deadlines: nanoseconds; never steps back */
    uint64_t (*used)(void *env); /* processor time of the calling thread, nanoseconds */
    /* On each worker before its first task. */
    bhd_status (*prepare)(void *env, bhd_error *error);
    /* On a worker, before each step of a task: ticks are needed. No lock is held. */
    void (*before_step)(void *env);
} bhd__scheduler_options;

bhd_status bhd__scheduler_new(const bhd__scheduler_options *options, bhd__scheduler **scheduler,
                              bhd_error *error);
/* All tasks are gone. Joins the workers; called by one of them (in the end of a task), that one
 * ends after it. NULL does nothing. */
void bhd__scheduler_free(bhd__scheduler *scheduler);

/* Takes the task over until its end. BHD_NO_CAPACITY (no thread can be started),
 * BHD_HOST_OUT_OF_MEMORY; then nothing has happened. */
bhd_status bhd__scheduler_submit(bhd__scheduler *scheduler, bhd__task *task, bhd_error *error);

/* What the task waited for is there. Any thread, until its last step has returned. */
void bhd__scheduler_wake(bhd__scheduler *scheduler, bhd__task *task);
/* Ends the task soon, if it is not gone; any thread. False: it was decided already. */
bool bhd__scheduler_cancel(bhd__scheduler *scheduler, bhd__task *task);
/* The same for the group's task, if it has one. */
void bhd__scheduler_cancel_group(bhd__scheduler *scheduler, bhd__task_group *group);
/* The same two, and sooner: a worker of this scheduler that calls this in the end of another task
 * ends the task beneath itself, before this returns, unless another thread has it. It waits for
 * nobody: two workers that end each other's tasks would wait for ever. */
void bhd__scheduler_end(bhd__scheduler *scheduler, bhd__task *task);
void bhd__scheduler_end_group(bhd__scheduler *scheduler, bhd__task_group *group);

/* The calling thread is a worker, of whichever scheduler. */
bool bhd__scheduler_is_worker(void);
/* And in the step of a task. */
bool bhd__scheduler_runs_task(void);

/* For whoever keeps time: decides tasks whose deadline has passed, and gives the next deadline
 * (UINT64_MAX: none). */
uint64_t bhd__scheduler_expire(bhd__scheduler *scheduler);
/* Tasks are on threads: ticks are needed. / More tasks can run than there are threads. Hints, read
 * without the lock; the first one is sequentially consistent. */
bool bhd__scheduler_is_busy(const bhd__scheduler *scheduler);
bool bhd__scheduler_is_crowded(const bhd__scheduler *scheduler);

/* For a step at a tick: another task should have the thread. */
bool bhd__scheduler_should_yield(const bhd__scheduler *scheduler, bhd__task *task);

/* Decides; false when it was decided already. Any thread. */
static inline bool bhd__task_decide(bhd__task *task, bhd__task_end verdict)
{
    int open = BHD__OPEN;
    return atomic_compare_exchange_strong_explicit(&task->verdict, &open, (int)verdict,
                                                   memory_order_acq_rel, memory_order_acquire);
}
static inline bhd__task_end bhd__task_verdict(const bhd__task *task)
{
    return (bhd__task_end)atomic_load_explicit(&task->verdict, memory_order_acquire);
}

#endif
