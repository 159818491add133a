#include "compile/turns.h"

#include <assert.h>
#include <time.h>

/* A flag cannot wake anybody, so who waits looks at it. */
#define LOOK_NS 20000000L

/* On the stack of who waits. */
struct bhd__turn {
    bhd__turn *next;
    bool is_granted;
};

bool bhd__turns_init(bhd__turns *turns, uint32_t most)
{
    assert(most > 0);
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return false;
    *turns = (bhd__turns){.most = most};
    atomic_init(&turns->closed, false);
    bool made = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
                pthread_mutex_init(&turns->lock, NULL) == 0;
    if (made && pthread_cond_init(&turns->granted, &monotonic) != 0) {
        (void)pthread_mutex_destroy(&turns->lock);
        made = false;
    }
    (void)pthread_condattr_destroy(&monotonic);
    return made;
}

void bhd__turns_fini(bhd__turns *turns)
{
    assert(turns->taken == 0 && turns->first == NULL);
    (void)pthread_cond_destroy(&turns->granted);
    (void)pthread_mutex_destroy(&turns->lock);
}

/* -- under the lock ---------------------------------------------------------------------------- */

static bool is_over(bhd__turns *turns, const atomic_bool *cancelled)
{
    return atomic_load_explicit(&turns->closed, memory_order_relaxed) ||
           (cancelled != NULL && atomic_load_explicit(cancelled, memory_order_acquire));
}

static void enqueue(bhd__turns *turns, bhd__turn *turn)
{
    if (turns->last != NULL)
        turns->last->next = turn;
    else
        turns->first = turn;
    turns->last = turn;
}

static void dequeue(bhd__turns *turns, bhd__turn *turn)
{
    bhd__turn *before = NULL;
    for (bhd__turn *at = turns->first; at != turn; at = at->next)
        before = at;
    if (before != NULL)
        before->next = turn->next;
    else
        turns->first = turn->next;
    if (turns->last == turn)
        turns->last = before;
}

static void grant(bhd__turns *turns)
{
    while (turns->first != NULL && turns->taken < turns->most) {
        bhd__turn *turn = turns->first;
        dequeue(turns, turn);
        turn->is_granted = true;
        turns->taken++;
    }
    (void)pthread_cond_broadcast(&turns->granted);
}

static void wait_a_little(bhd__turns *turns)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_NS;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&turns->granted, &turns->lock, &until);
}

/* ---------------------------------------------------------------------------------------------- */

bool bhd__turns_take(bhd__turns *turns, const atomic_bool *cancelled)
{
    bhd__turn own = {NULL, false};
    (void)pthread_mutex_lock(&turns->lock);
    if (!is_over(turns, cancelled)) {
        enqueue(turns, &own);
        grant(turns);
        while (!own.is_granted && !is_over(turns, cancelled))
            wait_a_little(turns);
        if (!own.is_granted)
            dequeue(turns, &own);
    }
    (void)pthread_mutex_unlock(&turns->lock);
    return own.is_granted;
}

void bhd__turns_leave(bhd__turns *turns)
{
    (void)pthread_mutex_lock(&turns->lock);
    assert(turns->taken > 0);
    turns->taken--;
    grant(turns);
    (void)pthread_mutex_unlock(&turns->lock);
}

void bhd__turns_close(bhd__turns *turns)
{
    (void)pthread_mutex_lock(&turns->lock);
    atomic_store_explicit(&turns->closed, true, memory_order_release);
    (void)pthread_cond_broadcast(&turns->granted);
    (void)pthread_mutex_unlock(&turns->lock);
}

uint32_t bhd__turns_waiting(bhd__turns *turns)
{
    uint32_t waiting = 0;
    (void)pthread_mutex_lock(&turns->lock);
    for (const bhd__turn *turn = turns->first; turn != NULL; turn = turn->next)
        waiting++;
    (void)pthread_mutex_unlock(&turns->lock);
    return waiting;
}
