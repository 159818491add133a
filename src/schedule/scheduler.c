#include "schedule/scheduler.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/fail.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

/* A group that is new is placed this far behind the one that runs now. Without it, a stream of
 * new ones, each at the front, would keep all others from their turn. */
#define NEW_GROUP_NS (BHD__SLICE_NS / 4)

/* Whose step began just before a tick goes on until the next one. */
#define MIN_SLICE_NS (BHD__SLICE_NS / 2)

/* Asking for processor time costs most of a microsecond, so steps that are shorter than this are
 * charged with the time that passed. */
#define SHORT_STEP_NS (BHD__SLICE_NS / 8)

/* How many tasks end beneath each other on one thread, whose stack they share with what is called
 * at their ends. */
#define NESTED_MAX 32

#define NOTHING UINT64_MAX

typedef struct bhd__worker {
    pthread_t thread;
    bhd__task *task; /* on this thread; lock */
} bhd__worker;

struct bhd__scheduler {
    bhd__scheduler_options options;
    pthread_mutex_t lock;
    pthread_cond_t work;    /* something is queued, or the end has come */
    pthread_cond_t changed; /* a task is gone, or a worker has begun */

    /* Under the lock. */
    bhd__heap queue;      /* tasks that could run, by what their group has used */
    bhd__heap timers;     /* tasks that are not gone and not late, by deadline */
    uint64_t min_used_ns; /* what those that want to run have used at the least; never steps back */
    size_t tasks;         /* not gone */
    bhd__worker *workers;
    unsigned worker_count;
    bool is_starting; /* somebody starts workers */
    enum { WORKER_STARTS, WORKER_WORKS, WORKER_FAILED } newest;
    bhd_error *newest_error; /* of whoever starts it */
    bool is_ending;

    /* Written under the lock, read without it. */
    atomic_uint_fast64_t least_used; /* of the first in the queue; NOTHING: it is empty */
    atomic_uint on_threads;          /* tasks; sequentially consistent, for the clock */
};

/* The scheduler whose worker this thread is, and which of its workers. */
static _Thread_local bhd__scheduler *own_scheduler;
static _Thread_local unsigned own_number;
/* Tasks that end beneath the end of another one on this thread. */
static _Thread_local unsigned nested;

#define TASK_OF(item, member) ((bhd__task *)(void *)((char *)(item)-offsetof(bhd__task, member)))

bhd_status bhd__scheduler_new(const bhd__scheduler_options *options, bhd__scheduler **scheduler,
                              bhd_error *error)
{
    bhd__scheduler *s = bhd__calloc(1, sizeof *s);
    if (!s)
        return bhd__fail_no_memory(error);
    s->options = *options;
    s->workers = bhd__calloc(options->threads, sizeof *s->workers);
    if (!s->workers || pthread_mutex_init(&s->lock, NULL) != 0) {
        bhd__free(s->workers);
        bhd__free(s);
        return bhd__fail_no_memory(error);
    }
    if (pthread_cond_init(&s->work, NULL) != 0 || pthread_cond_init(&s->changed, NULL) != 0) {
        pthread_mutex_destroy(&s->lock);
        bhd__free(s->workers);
        bhd__free(s);
        return bhd__fail_no_memory(error);
    }
    atomic_init(&s->least_used, NOTHING);
    atomic_init(&s->on_threads, 0);
    *scheduler = s;
    return BHD_OK;
}

/* A worker that ends its own scheduler cannot wait for itself; it leaves when it comes back. */
static void end_workers(bhd__scheduler *s)
{
    pthread_mutex_lock(&s->lock);
    s->is_ending = true;
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < s->worker_count; i++)
        if (pthread_equal(s->workers[i].thread, pthread_self()))
            pthread_detach(s->workers[i].thread);
        else
            pthread_join(s->workers[i].thread, NULL);
    if (own_scheduler == s)
        own_scheduler = NULL;
}

void bhd__scheduler_free(bhd__scheduler *scheduler)
{
    if (!scheduler)
        return;
    assert(scheduler->tasks == 0);
    end_workers(scheduler);
    bhd__heap_fini(&scheduler->queue);
    bhd__heap_fini(&scheduler->timers);
    pthread_cond_destroy(&scheduler->changed);
    pthread_cond_destroy(&scheduler->work);
    pthread_mutex_destroy(&scheduler->lock);
    bhd__free(scheduler->workers);
    bhd__free(scheduler);
}

/* -- the queue; under the lock --------------------------------------------------------------- */

static void publish_least(bhd__scheduler *s)
{
    const bhd__heap_item *first = bhd__heap_first(&s->queue);
    atomic_store_explicit(&s->least_used, first ? first->key : NOTHING, memory_order_relaxed);
}

static void enqueue(bhd__scheduler *s, bhd__task *task, uint64_t key)
{
    task->state = BHD__TASK_QUEUED;
    bhd__heap_put(&s->queue, &task->queued, key);
    publish_least(s);
    pthread_cond_signal(&s->work);
}

/* Up to what whoever has had least has by now, in the queue and on a thread. */
static void advance_min_used(bhd__scheduler *s)
{
    const bhd__heap_item *first = bhd__heap_first(&s->queue);
    uint64_t least = first ? first->key : NOTHING;
    for (unsigned i = 0; i < s->worker_count; i++) {
        const bhd__task *task = s->workers[i].task;
        if (!task)
            continue;
        uint64_t used = atomic_load_explicit(&task->used_ns, memory_order_relaxed);
        least = used < least ? used : least;
    }
    if (least != NOTHING && least > s->min_used_ns)
        s->min_used_ns = least;
}

/* Who was away does not get back what others used meanwhile. */
static void place(bhd__scheduler *s, bhd__task *task)
{
    uint64_t *used = &task->group->used_ns;
    advance_min_used(s);
    if (*used == 0)
        *used = s->min_used_ns + NEW_GROUP_NS;
    else if (*used < s->min_used_ns)
        *used = s->min_used_ns;
    enqueue(s, task, *used);
}

/* What was decided ends before anything else runs: ending is short and gives memory back. */
static void queue_first(bhd__scheduler *s, bhd__task *task)
{
    if (task->state == BHD__TASK_ON_THREAD || task->state == BHD__TASK_GONE)
        return;
    bhd__heap_remove(&s->queue, &task->queued);
    enqueue(s, task, 0);
}

static void dispatch(bhd__scheduler *s, bhd__task *task)
{
    bhd__heap_remove(&s->queue, &task->queued);
    publish_least(s);
    task->state = BHD__TASK_ON_THREAD;
    task->was_woken = false;
    task->used_before_ns = task->group->used_ns;
    atomic_store_explicit(&task->used_ns, task->used_before_ns, memory_order_relaxed);
    s->workers[own_number].task = task;
    if (task->used_before_ns > s->min_used_ns && bhd__task_verdict(task) == BHD__OPEN)
        s->min_used_ns = task->used_before_ns;
    atomic_fetch_add_explicit(&s->on_threads, 1, memory_order_seq_cst);
}

/* -- what a step took ------------------------------------------------------------------------ */

/* This worker's processor time when it was last read, and what was charged since then. */
static _Thread_local uint64_t read_ns, charged_ns;

static uint64_t measure(const bhd__scheduler *s, const bhd__task *task, bool is_charged)
{
    uint64_t passed = s->options.now(s->options.env) - task->step_began_ns;
    if (passed < SHORT_STEP_NS) {
        charged_ns += is_charged ? passed : 0;
        return passed;
    }
    uint64_t now = s->options.used(s->options.env);
    uint64_t used = bhd__sub_floor_u64(now - read_ns, charged_ns);
    if (is_charged) {
        read_ns = now;
        charged_ns = 0;
    }
    return used < passed ? used : passed; /* a callback before it may have used some, too */
}

/* -- workers --------------------------------------------------------------------------------- */

/* The task has been dispatched. Comes and goes with the lock; returns without it when the task has
 * ended, because then anything may have happened. True: it has. */
static bool run_step(bhd__scheduler *s, bhd__task *task)
{
    pthread_mutex_unlock(&s->lock);
    s->options.before_step(s->options.env);
    task->step_began_ns = s->options.now(s->options.env);
    bool has_ended = task->step(task);
    uint64_t used = measure(s, task, true);
    pthread_mutex_lock(&s->lock);
    s->workers[own_number].task = NULL;
    atomic_fetch_sub_explicit(&s->on_threads, 1, memory_order_seq_cst);
    task->group->used_ns += used;
    if (!has_ended) {
        if (bhd__task_verdict(task) != BHD__OPEN)
            enqueue(s, task, 0);
        else if (task->was_woken)
            place(s, task);
        else
            task->state = BHD__TASK_ASLEEP;
        return false;
    }
    bhd__heap_remove(&s->timers, &task->timed);
    task->state = BHD__TASK_GONE;
    task->group->task = NULL;
    s->tasks--;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    task->end(task);
    return true;
}

static void work(bhd__scheduler *s)
{
    for (;;) {
        const bhd__heap_item *first;
        while (!(first = bhd__heap_first(&s->queue)) && !s->is_ending)
            pthread_cond_wait(&s->work, &s->lock);
        if (!first)
            break;
        bhd__task *task = TASK_OF(first, queued);
        dispatch(s, task);
        if (!run_step(s, task))
            continue;
        if (own_scheduler != s)
            return; /* the end of the task was that of the scheduler */
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

static void *worker_main(void *env)
{
    bhd__scheduler *s = env;
    own_scheduler = s;
    read_ns = s->options.used(s->options.env);
    own_number = s->worker_count; /* which does not change while this one starts */
    bhd_status status = s->options.prepare(s->options.env, s->newest_error);
    pthread_mutex_lock(&s->lock);
    s->newest = status == BHD_OK ? WORKER_WORKS : WORKER_FAILED;
    pthread_cond_broadcast(&s->changed);
    if (status == BHD_OK)
        work(s);
    else
        pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* The embedding program's signals are for its own threads. Faults are not blocked: what a task does
 * may have handlers for its own, and a blocked one would end the process. */
static int create_thread(pthread_t *thread, void *env)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&blocked, faults[i]);
    int failed = pthread_sigmask(SIG_SETMASK, &blocked, &before);
    if (failed)
        return failed;
    failed = pthread_create(thread, NULL, worker_main, env);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

/* Under the lock, which is given up meanwhile. */
static bhd_status start_worker(bhd__scheduler *s, bhd_error *error)
{
    pthread_t thread;
    s->newest = WORKER_STARTS;
    s->newest_error = error;
    int failed = create_thread(&thread, s);
    if (failed)
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "a worker thread cannot be started: %s; try again when the process has "
                         "fewer threads",
                         bhd__errno_text(failed));
    while (s->newest == WORKER_STARTS)
        pthread_cond_wait(&s->changed, &s->lock);
    if (s->newest == WORKER_WORKS) {
        s->workers[s->worker_count++].thread = thread;
        return BHD_OK;
    }
    pthread_join(thread, NULL);
    return BHD_NO_CAPACITY;
}

/* One thread is enough to go on; the next submission tries again for the others. */
static bhd_status start_workers(bhd__scheduler *s, bhd_error *error)
{
    bhd_error inner = BHD_ERROR_INIT;
    bhd_status status = BHD_OK;
    while (s->is_starting)
        pthread_cond_wait(&s->changed, &s->lock);
    if (s->worker_count == s->options.threads)
        return BHD_OK;
    s->is_starting = true;
    while (status == BHD_OK && s->worker_count < s->options.threads)
        status = start_worker(s, s->worker_count == 0 ? error : &inner);
    bhd_error_fini(&inner);
    s->is_starting = false;
    pthread_cond_broadcast(&s->changed);
    return s->worker_count > 0 ? BHD_OK : status;
}

/* -- tasks ----------------------------------------------------------------------------------- */

bhd_status bhd__scheduler_submit(bhd__scheduler *scheduler, bhd__task *task, bhd_error *error)
{
    pthread_mutex_lock(&scheduler->lock);
    bhd_status status = start_workers(scheduler, error);
    /* The last task of this group may have ended a moment ago and not be gone yet. */
    while (status == BHD_OK && task->group->task)
        pthread_cond_wait(&scheduler->changed, &scheduler->lock);
    if (status == BHD_OK && (!bhd__heap_reserve(&scheduler->queue, scheduler->tasks + 1) ||
                             !bhd__heap_reserve(&scheduler->timers, scheduler->tasks + 1)))
        status = bhd__fail_no_memory(error);
    if (status == BHD_OK) {
        scheduler->tasks++;
        task->group->task = task;
        bhd__heap_put(&scheduler->timers, &task->timed, task->deadline_ns);
        place(scheduler, task);
    }
    pthread_mutex_unlock(&scheduler->lock);
    return status;
}

void bhd__scheduler_wake(bhd__scheduler *scheduler, bhd__task *task)
{
    pthread_mutex_lock(&scheduler->lock);
    if (task->state == BHD__TASK_ASLEEP)
        place(scheduler, task);
    else
        task->was_woken = true;
    pthread_mutex_unlock(&scheduler->lock);
}

bool bhd__scheduler_cancel(bhd__scheduler *scheduler, bhd__task *task)
{
    if (!bhd__task_decide(task, BHD__STOPPED))
        return false;
    pthread_mutex_lock(&scheduler->lock);
    queue_first(scheduler, task);
    pthread_mutex_unlock(&scheduler->lock);
    return true;
}

void bhd__scheduler_cancel_group(bhd__scheduler *scheduler, bhd__task_group *group)
{
    pthread_mutex_lock(&scheduler->lock);
    if (group->task && bhd__task_decide(group->task, BHD__STOPPED))
        queue_first(scheduler, group->task);
    pthread_mutex_unlock(&scheduler->lock);
}

/* This thread is between two tasks of its own: in the end of one. */
static bool can_run_nested(const bhd__scheduler *s, const bhd__task *task)
{
    return own_scheduler == s && !s->workers[own_number].task && nested < NESTED_MAX &&
           (task->state == BHD__TASK_QUEUED || task->state == BHD__TASK_ASLEEP);
}

/* With the lock, which is released. */
static void end_now(bhd__scheduler *s, bhd__task *task)
{
    if (!can_run_nested(s, task)) {
        queue_first(s, task);
        pthread_mutex_unlock(&s->lock);
        return;
    }
    dispatch(s, task);
    nested++;
    bool has_ended = run_step(s, task);
    nested--;
    if (!has_ended)
        pthread_mutex_unlock(&s->lock);
}

void bhd__scheduler_end(bhd__scheduler *scheduler, bhd__task *task)
{
    pthread_mutex_lock(&scheduler->lock);
    (void)bhd__task_decide(task, BHD__STOPPED);
    end_now(scheduler, task);
}

void bhd__scheduler_end_group(bhd__scheduler *scheduler, bhd__task_group *group)
{
    pthread_mutex_lock(&scheduler->lock);
    if (group->task) {
        (void)bhd__task_decide(group->task, BHD__STOPPED);
        end_now(scheduler, group->task);
    } else {
        pthread_mutex_unlock(&scheduler->lock);
    }
}

bool bhd__scheduler_runs_task(void)
{
    return own_scheduler && own_scheduler->workers[own_number].task;
}

bool bhd__scheduler_is_worker(void)
{
    return own_scheduler != NULL;
}

/* -- time ------------------------------------------------------------------------------------ */

uint64_t bhd__scheduler_expire(bhd__scheduler *scheduler)
{
    uint64_t now = scheduler->options.now(scheduler->options.env);
    uint64_t next = NOTHING;
    pthread_mutex_lock(&scheduler->lock);
    for (;;) {
        bhd__heap_item *first = bhd__heap_first(&scheduler->timers);
        next = first ? first->key : NOTHING;
        if (next > now || !first)
            break;
        bhd__task *task = TASK_OF(first, timed);
        bhd__heap_remove(&scheduler->timers, first);
        if (bhd__task_decide(task, BHD__LATE))
            queue_first(scheduler, task);
    }
    pthread_mutex_unlock(&scheduler->lock);
    return next;
}

bool bhd__scheduler_is_busy(const bhd__scheduler *scheduler)
{
    return atomic_load_explicit(&scheduler->on_threads, memory_order_seq_cst) > 0;
}

bool bhd__scheduler_is_crowded(const bhd__scheduler *scheduler)
{
    return atomic_load_explicit(&scheduler->least_used, memory_order_relaxed) != NOTHING;
}

bool bhd__scheduler_should_yield(const bhd__scheduler *scheduler, bhd__task *task)
{
    uint64_t least = atomic_load_explicit(&scheduler->least_used, memory_order_relaxed);
    uint64_t turn = measure(scheduler, task, false);
    uint64_t used = task->used_before_ns + turn;
    atomic_store_explicit(&task->used_ns, used, memory_order_relaxed);
    return turn >= MIN_SLICE_NS && used > least;
}
