#include "compile/turns.h"

#include <time.h>

/* A flag cannot wake anybody, so who waits looks at it. */
#define LOOK_NS 20000000L

static bool init_waiting(bhd__turns *turns)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return false;
    bool made = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0 &&
                pthread_mutex_init(&turns->lock, NULL) == 0;
    if (made && pthread_cond_init(&turns->granted, &monotonic) != 0) {
        (void)pthread_mutex_destroy(&turns->lock);
        made = false;
    }
    (void)pthread_condattr_destroy(&monotonic);
    return made;
}

bool bhd__turns_init(bhd__turns *turns, uint32_t most)
{
    atomic_init(&turns->closed, false);
    if (!bhd__fair_queue_init(&turns->queue, most))
        return false;
    if (init_waiting(turns))
        return true;
    bhd__fair_queue_fini(&turns->queue);
    return false;
}

void bhd__turns_fini(bhd__turns *turns)
{
    bhd__fair_queue_fini(&turns->queue);
    (void)pthread_cond_destroy(&turns->granted);
    (void)pthread_mutex_destroy(&turns->lock);
}

/* -- under the lock ---------------------------------------------------------------------------- */

static bool is_over(bhd__turns *turns, const atomic_bool *cancelled)
{
    return atomic_load_explicit(&turns->closed, memory_order_relaxed) ||
           (cancelled != NULL && atomic_load_explicit(cancelled, memory_order_acquire));
}

/* Whoever is served finds out when it wakes. */
static void serve(bhd__turns *turns)
{
    bool is_any = false;
    while (!is_over(turns, NULL) && bhd__fair_queue_serve(&turns->queue) != NULL)
        is_any = true;
    if (is_any)
        (void)pthread_cond_broadcast(&turns->granted);
}

/* Whoever is served, and everybody when it is over, is woken; who sets a mark wakes nobody. */
static void wait_a_little(bhd__turns *turns, bool may_be_cancelled)
{
    if (!may_be_cancelled) {
        (void)pthread_cond_wait(&turns->granted, &turns->lock);
        return;
    }
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_NS;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&turns->granted, &turns->lock, &until);
}

/* NULL: it is over. */
static bhd__place *wait_for_place(bhd__turns *turns, const bhd__compile_client *client)
{
    bhd__queue_entry own;
    if (is_over(turns, client->cancelled))
        return NULL;
    bhd__fair_queue_add(&turns->queue, &own, client->group);
    serve(turns);
    while (own.place == NULL && !is_over(turns, client->cancelled))
        wait_a_little(turns, client->cancelled != NULL);
    if (own.place == NULL)
        bhd__fair_queue_remove(&turns->queue, &own);
    return own.place;
}

/* ---------------------------------------------------------------------------------------------- */

bool bhd__turns_take(bhd__turns *turns, const bhd__compile_client *client, bhd__turn *turn)
{
    (void)pthread_mutex_lock(&turns->lock);
    bhd__place *place = wait_for_place(turns, client);
    (void)pthread_mutex_unlock(&turns->lock);
    if (place != NULL)
        *turn = (bhd__turn){turns, place};
    return place != NULL;
}

void bhd__turn_end(bhd__turn *turn)
{
    bhd__turns *turns = turn->of;
    if (turns == NULL)
        return;
    (void)pthread_mutex_lock(&turns->lock);
    bhd__fair_queue_give_back(&turns->queue, turn->place);
    serve(turns);
    (void)pthread_mutex_unlock(&turns->lock);
    *turn = (bhd__turn){NULL, NULL};
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
    (void)pthread_mutex_lock(&turns->lock);
    uint32_t waiting = turns->queue.waiting;
    (void)pthread_mutex_unlock(&turns->lock);
    return waiting;
}
