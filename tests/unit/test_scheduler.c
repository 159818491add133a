/*
 * The scheduler with tasks that are plain functions: who comes when, who is fair to whom, and that
 * everything ends once.
 *
 * Where an order is tested there is one worker and a clock that only the tasks move, so that the
 * outcome is the same on every machine. The tasks are put into the queue while a first one holds
 * the worker.
 */
#include "base/alloc.h"
#include "schedule/scheduler.h"
#include "support/real_guest.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#define MS UINT64_C(1000000)

/* -- a clock that stands still ------------------------------------------------------------- */

static atomic_uint_fast64_t fake_ns;

static uint64_t fake_now(void *env)
{
    (void)env;
    return atomic_load(&fake_ns);
}

static uint64_t real_now(void *env)
{
    struct timespec now;
    (void)env;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bhd_status prepare(void *env, bhd_error *error)
{
    (void)env;
    (void)error;
    return BHD_OK;
}

static void before_step(void *env)
{
    (void)env;
}

static bhd__scheduler *scheduler_with(unsigned threads, uint64_t (*now)(void *env))
{
    bhd__scheduler *scheduler = NULL;
    bhd__scheduler_options options = {threads, NULL, now, now, prepare, before_step};
    expect_ok(bhd__scheduler_new(&options, &scheduler, NULL), NULL);
    return scheduler;
}

static void submit(bhd__scheduler *scheduler, bhd__task *task)
{
    expect_ok(bhd__scheduler_submit(scheduler, task, NULL), NULL);
}

/* -- a task that holds its worker ---------------------------------------------------------- */

typedef struct holder {
    bhd__task task;
    bhd__task_group group;
    sem_t began, may_end, ended;
} holder;

static bool hold(bhd__task *task)
{
    holder *h = (holder *)task;
    (void)sem_post(&h->began);
    (void)sem_wait(&h->may_end);
    (void)bhd__task_decide(task, BHD__COMPLETED);
    return true;
}

static void held(bhd__task *task)
{
    (void)sem_post(&((holder *)task)->ended);
}

static void holder_begin(holder *h, bhd__scheduler *scheduler)
{
    *h = (holder){.task = {.step = hold, .end = held, .deadline_ns = UINT64_MAX}};
    h->task.group = &h->group;
    (void)sem_init(&h->began, 0, 0);
    (void)sem_init(&h->may_end, 0, 0);
    (void)sem_init(&h->ended, 0, 0);
    submit(scheduler, &h->task);
    (void)sem_wait(&h->began);
}

static void holder_end(holder *h)
{
    (void)sem_post(&h->may_end);
    (void)sem_wait(&h->ended);
}

/* -- a task that uses time ----------------------------------------------------------------- */

enum { WORKS_MAX = 64 };

typedef struct trace trace;

/* Uses `tick_ns` at a time, `ticks` times (0: for ever), and gives way when it should. */
typedef struct worker_task {
    bhd__task task;
    bhd__task_group own_group;
    bhd__scheduler *scheduler;
    trace *trace;
    uint64_t tick_ns, ticks;
    uint64_t used_ns;
    bool sleeps;       /* after each tick */
    bool never_yields; /* when it should */
    uint64_t ended_ns; /* when it came to its end */
    bhd__task_end came_to;
} worker_task;

/* All tasks of a test, which end when the clock has come to `until_ns`. */
struct trace {
    bhd__scheduler *scheduler;
    worker_task tasks[WORKS_MAX];
    size_t count;
    size_t joining; /* tasks that are submitted by others */
    uint64_t until_ns;
    sem_t ended;
};

static bool work(bhd__task *task)
{
    worker_task *w = (worker_task *)task;
    for (;;) {
        if (bhd__task_verdict(task) != BHD__OPEN)
            return true;
        uint64_t now = atomic_fetch_add(&fake_ns, w->tick_ns) + w->tick_ns;
        w->used_ns += w->tick_ns;
        if (now >= w->trace->until_ns || (w->ticks > 0 && --w->ticks == 0)) {
            (void)bhd__task_decide(task, BHD__COMPLETED);
            return true;
        }
        if (w->sleeps)
            return false;
        if (bhd__scheduler_should_yield(w->scheduler, task) && !w->never_yields) {
            bhd__scheduler_wake(w->scheduler, task);
            return false;
        }
    }
}

static void worked(bhd__task *task)
{
    worker_task *w = (worker_task *)task;
    w->ended_ns = atomic_load(&fake_ns);
    w->came_to = bhd__task_verdict(task);
    (void)sem_post(&w->trace->ended);
}

static worker_task *add(trace *t, uint64_t tick_ns, uint64_t ticks)
{
    worker_task *w = &t->tasks[t->count++];
    *w = (worker_task){.task = {.step = work, .end = worked, .deadline_ns = UINT64_MAX},
                       .scheduler = t->scheduler,
                       .trace = t,
                       .tick_ns = tick_ns,
                       .ticks = ticks};
    w->task.group = &w->own_group;
    return w;
}

static void trace_begin(trace *t, uint64_t until_ns)
{
    memset(t, 0, sizeof *t);
    atomic_store(&fake_ns, 1000 * MS);
    t->until_ns = 1000 * MS + until_ns;
    t->scheduler = scheduler_with(1, fake_now);
    (void)sem_init(&t->ended, 0, 0);
}

/* Queues all tasks at once, and waits until all have ended. */
static void trace_run(trace *t)
{
    holder h;
    holder_begin(&h, t->scheduler);
    for (size_t i = 0; i < t->count; i++)
        submit(t->scheduler, &t->tasks[i].task);
    holder_end(&h);
    for (size_t i = 0; i < t->count + t->joining; i++)
        (void)sem_wait(&t->ended);
    bhd__scheduler_free(t->scheduler);
}

/* -- fairness ------------------------------------------------------------------------------ */

static void equal_tasks_get_equal_time(void **state)
{
    (void)state;
    trace t;
    trace_begin(&t, 10000 * MS);
    for (int i = 0; i < 50; i++)
        (void)add(&t, 2 * MS, 0);
    trace_run(&t);
    for (size_t i = 0; i < t.count; i++)
        assert_in_range(t.tasks[i].used_ns / MS, 195, 205);
}

/* Turns of different length, which is what ticks that come at any moment make of them. */
static void turns_of_different_length_even_out(void **state)
{
    (void)state;
    trace t;
    trace_begin(&t, 12000 * MS);
    for (uint64_t i = 0; i < 40; i++)
        (void)add(&t, (1 + i % 10) * MS, 0);
    trace_run(&t);
    /* In turns, the last would get ten times as much as the first. */
    for (size_t i = 0; i < t.count; i++)
        assert_in_range(t.tasks[i].used_ns / MS, 280, 320);
}

static void a_short_request_is_served_within_one_round(void **state)
{
    (void)state;
    trace t;
    trace_begin(&t, 2000 * MS);
    for (int i = 0; i < 50; i++)
        (void)add(&t, 2 * MS, 0);
    worker_task *request = add(&t, MS, 1);
    trace_run(&t);
    assert_int_equal(BHD__COMPLETED, request->came_to);
    assert_in_range((request->ended_ns - 1000 * MS) / MS, 1, 2 * 51);
}

/* A request that comes when the others have used much, and one of a group that was away. */
typedef struct late_request {
    worker_task request;
    bool is_in;
} late_request;

static trace *late_trace;
static late_request late;

static bool work_and_submit(bhd__task *task)
{
    if (!late.is_in && atomic_load(&fake_ns) > 1500 * MS) {
        late.is_in = true;
        late.request.used_ns = 0;
        (void)!bhd__scheduler_submit(late_trace->scheduler, &late.request.task, NULL);
    }
    return work(task);
}

static void who_comes_late_is_served_soon_and_does_not_catch_up(void **state)
{
    (void)state;
    for (int was_away = 0; was_away < 2; was_away++) {
        static trace t;
        trace_begin(&t, 2000 * MS);
        late_trace = &t;
        t.joining = 1;
        for (int i = 0; i < 10; i++)
            add(&t, 2 * MS, 0)->task.step = work_and_submit;
        late = (late_request){.is_in = false};
        late.request = t.tasks[0];
        late.request.task.step = work;
        late.request.task.group = &late.request.own_group;
        late.request.own_group = (bhd__task_group){.used_ns = was_away ? 1 : 0};
        trace_run(&t);
        /* From 1500 on a tenth or an eleventh of the time each: catching up would take all of it.
         * */
        assert_true(late.is_in);
        assert_in_range(late.request.used_ns / MS, 100, 180);
    }
}

/* One after the other, always new ones: no flood of newcomers keeps a task from its turn. */
enum { FLOOD = 20 };
static atomic_int flood_left;

static void resubmit_as_new(bhd__task *task)
{
    worker_task *w = (worker_task *)task;
    if (atomic_fetch_sub(&flood_left, 1) <= 0) {
        (void)sem_post(&w->trace->ended);
        return;
    }
    bhd__task fresh = {
        .step = work, .end = resubmit_as_new, .deadline_ns = UINT64_MAX, .group = &w->own_group};
    w->task = fresh;
    w->own_group = (bhd__task_group){0};
    w->ticks = 1;
    (void)!bhd__scheduler_submit(w->scheduler, task, NULL);
}

static void a_flood_of_newcomers_starves_nobody(void **state)
{
    (void)state;
    static trace t;
    trace_begin(&t, 1000000 * MS);
    atomic_store(&flood_left, 5000);
    for (int i = 0; i < FLOOD; i++)
        add(&t, MS / 2, 1)->task.end = resubmit_as_new;
    worker_task *spinner = add(&t, 2 * MS, 0);
    spinner->ticks = 50;
    trace_run(&t);
    /* 5000 newcomers use 2500 ms. A starved task would come to its 100 ms after all of them. */
    assert_int_equal(BHD__COMPLETED, spinner->came_to);
    assert_in_range((spinner->ended_ns - 1000 * MS) / MS, 100, 2000);
}

/* -- verdicts ------------------------------------------------------------------------------ */

static void a_queued_task_is_cancelled_and_ends_first(void **state)
{
    (void)state;
    trace t;
    holder h;
    trace_begin(&t, 100 * MS);
    (void)add(&t, 2 * MS, 0);
    worker_task *victim = add(&t, 2 * MS, 0);
    holder_begin(&h, t.scheduler);
    submit(t.scheduler, &t.tasks[0].task);
    submit(t.scheduler, &victim->task);
    assert_true(bhd__scheduler_cancel(t.scheduler, &victim->task));
    assert_false(bhd__scheduler_cancel(t.scheduler, &victim->task));
    holder_end(&h);
    (void)sem_wait(&t.ended);
    (void)sem_wait(&t.ended);
    assert_int_equal(BHD__STOPPED, victim->came_to);
    assert_true(victim->used_ns == 0 && victim->ended_ns == 1000 * MS);
    assert_false(bhd__scheduler_cancel(t.scheduler, &victim->task));
    bhd__scheduler_free(t.scheduler);
}

static void tasks_asleep_and_queued_end_at_their_deadline(void **state)
{
    (void)state;
    trace t;
    holder h;
    trace_begin(&t, 100000 * MS);
    worker_task *sleeper = add(&t, 0, 0), *queued = add(&t, 0, 0), *later = add(&t, 0, 0);
    sleeper->sleeps = later->sleeps = true;
    sleeper->task.deadline_ns = 1300 * MS;
    queued->task.deadline_ns = 1200 * MS;
    later->task.deadline_ns = 5000 * MS;
    submit(t.scheduler, &sleeper->task);
    submit(t.scheduler, &later->task);
    holder_begin(&h, t.scheduler);
    submit(t.scheduler, &queued->task);
    assert_true(bhd__scheduler_expire(t.scheduler) == 1200 * MS);
    atomic_store(&fake_ns, 1300 * MS);
    assert_true(bhd__scheduler_expire(t.scheduler) == 5000 * MS);
    holder_end(&h);
    (void)sem_wait(&t.ended);
    (void)sem_wait(&t.ended);
    assert_int_equal(BHD__LATE, sleeper->came_to);
    assert_int_equal(BHD__LATE, queued->came_to);
    assert_int_equal(BHD__OPEN, bhd__task_verdict(&later->task));
    bhd__scheduler_end_group(t.scheduler, &later->own_group);
    (void)sem_wait(&t.ended);
    assert_int_equal(BHD__STOPPED, later->came_to);
    assert_true(bhd__scheduler_expire(t.scheduler) == UINT64_MAX);
    bhd__scheduler_free(t.scheduler);
}

static void a_wake_before_the_sleep_is_not_lost(void **state)
{
    (void)state;
    trace t;
    trace_begin(&t, 100000 * MS);
    worker_task *sleeper = add(&t, MS, 1000);
    sleeper->sleeps = true;
    submit(t.scheduler, &sleeper->task);
    /* At any moment of its step, and more often than it sleeps. */
    while (sem_trywait(&t.ended) != 0)
        bhd__scheduler_wake(t.scheduler, &sleeper->task);
    assert_int_equal(BHD__COMPLETED, sleeper->came_to);
    assert_true(sleeper->used_ns == 1000 * MS);
    bhd__scheduler_free(t.scheduler);
}

/* -- races --------------------------------------------------------------------------------- */

enum { RACERS = 32 };

typedef struct racer {
    bhd__task task;
    bhd__task_group group;
    struct arena *arena;
    unsigned steps;
    atomic_uint ends;
} racer;

typedef struct arena {
    bhd__scheduler *scheduler;
    racer racers[RACERS];
    atomic_uint left;
    atomic_uint_fast64_t completed, stopped, late;
    sem_t ended;
} arena;

static bool race_step(bhd__task *task)
{
    racer *r = (racer *)task;
    if (bhd__task_verdict(task) != BHD__OPEN)
        return true;
    if (r->steps-- > 0) {
        if (r->steps % 2)
            bhd__scheduler_wake(r->arena->scheduler, task);
        return false; /* or asleep, until somebody wakes or ends it */
    }
    (void)bhd__task_decide(task, BHD__COMPLETED);
    return true;
}

static void race_end(bhd__task *task)
{
    racer *r = (racer *)task;
    atomic_fetch_add(&r->ends, 1);
    switch (bhd__task_verdict(task)) {
    case BHD__COMPLETED:
        atomic_fetch_add(&r->arena->completed, 1);
        break;
    case BHD__STOPPED:
        atomic_fetch_add(&r->arena->stopped, 1);
        break;
    case BHD__LATE:
        atomic_fetch_add(&r->arena->late, 1);
        break;
    case BHD__OPEN:
        break;
    }
    if (atomic_fetch_sub(&r->arena->left, 1) == 1)
        (void)sem_post(&r->arena->ended);
}

typedef struct meddler {
    arena *arena;
    unsigned kind;
    pthread_t thread;
} meddler;

static void *meddle(void *env)
{
    meddler *m = env;
    unsigned seed = m->kind * 77 + 5;
    while (atomic_load(&m->arena->left) > 0) {
        seed = seed * 1664525u + 1013904223u;
        racer *r = &m->arena->racers[(seed >> 16) % RACERS];
        if (m->kind == 0)
            bhd__scheduler_wake(m->arena->scheduler, &r->task);
        else if (m->kind == 1)
            (void)(seed % 7 == 0 && bhd__scheduler_cancel(m->arena->scheduler, &r->task));
        else
            (void)bhd__scheduler_expire(m->arena->scheduler);
        (void)sched_yield();
    }
    return NULL;
}

static void every_task_ends_exactly_once(void **state)
{
    (void)state;
    static arena a;
    uint64_t completed = 0, stopped = 0, late_ones = 0;
    for (int round = 0; round < 40; round++) {
        memset(&a, 0, sizeof a);
        a.scheduler = scheduler_with(3, real_now);
        (void)sem_init(&a.ended, 0, 0);
        atomic_store(&a.left, RACERS);
        meddler meddlers[3];
        for (unsigned i = 0; i < RACERS; i++) {
            racer *r = &a.racers[i];
            r->task.step = race_step;
            r->task.end = race_end;
            r->task.group = &r->group;
            r->task.deadline_ns = real_now(NULL) + (i % 3 == 0 ? 20 * MS / 1000 : 100000 * MS);
            r->arena = &a;
            r->steps = i % 6;
        }
        for (unsigned i = 0; i < RACERS; i++)
            submit(a.scheduler, &a.racers[i].task);
        for (unsigned i = 0; i < 3; i++) {
            meddlers[i] = (meddler){.arena = &a, .kind = i};
            assert_int_equal(0, pthread_create(&meddlers[i].thread, NULL, meddle, &meddlers[i]));
        }
        (void)sem_wait(&a.ended);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(0, pthread_join(meddlers[i].thread, NULL));
        bhd__scheduler_free(a.scheduler);
        for (unsigned i = 0; i < RACERS; i++)
            assert_int_equal(1, atomic_load(&a.racers[i].ends));
        assert_true(a.completed + a.stopped + a.late == RACERS);
        completed += a.completed;
        stopped += a.stopped;
        late_ones += a.late;
    }
    /* All three happen; otherwise this would prove little. */
    assert_true(completed > 0 && stopped > 0 && late_ones > 0);
}

/* -- threads ------------------------------------------------------------------------------- */

static bhd_status refuse(void *env, bhd_error *error)
{
    (void)env;
    (void)error;
    return BHD_NO_CAPACITY;
}

static void without_a_thread_nothing_is_submitted(void **state)
{
    (void)state;
    bhd__scheduler *scheduler = NULL;
    bhd__scheduler_options options = {2, NULL, real_now, real_now, refuse, before_step};
    uint64_t live = bhd__alloc_live();
    holder h = {.task = {.step = hold, .end = held}};
    h.task.group = &h.group;
    expect_ok(bhd__scheduler_new(&options, &scheduler, NULL), NULL);
    assert_int_equal(BHD_NO_CAPACITY, bhd__scheduler_submit(scheduler, &h.task, NULL));
    assert_null(h.group.task);
    bhd__scheduler_free(scheduler);
    assert_true(bhd__alloc_live() == live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_tasks_get_equal_time),
        cmocka_unit_test(turns_of_different_length_even_out),
        cmocka_unit_test(a_short_request_is_served_within_one_round),
        cmocka_unit_test(who_comes_late_is_served_soon_and_does_not_catch_up),
        cmocka_unit_test(a_flood_of_newcomers_starves_nobody),
        cmocka_unit_test(a_queued_task_is_cancelled_and_ends_first),
        cmocka_unit_test(tasks_asleep_and_queued_end_at_their_deadline),
        cmocka_unit_test(a_wake_before_the_sleep_is_not_lost),
        cmocka_unit_test(every_task_ends_exactly_once),
        cmocka_unit_test(without_a_thread_nothing_is_submitted),
    };
    return cmocka_run_group_tests_name("scheduler", tests, NULL, NULL);
}
