/*
 * Who compiles now and who waits: so many at once, and the others as fair_queue.h has it.
 */
#ifndef BHD_COMPILE_TURNS_H
#define BHD_COMPILE_TURNS_H

#include "compile/client.h"
#include "compile/fair_queue.h"

#include <pthread.h>

/* Any thread, between init and fini. */
typedef struct bhd__turns {
    pthread_mutex_t lock;
    pthread_cond_t granted;
    bhd__fair_queue queue; /* under the lock */
    /* Written under the lock, also read without it, by who has a turn: it never becomes false. */
    atomic_bool closed;
} bhd__turns;

/* A place that is held. Zeroed: none. */
typedef struct bhd__turn {
    bhd__turns *of;
    bhd__place *place;
} bhd__turn;

/* False without memory. */
bool bhd__turns_init(bhd__turns *turns, uint32_t most);
/* When nobody has a turn or waits. */
void bhd__turns_fini(bhd__turns *turns);

/* Waits. False, without a turn, when the client cancelled or they were closed. No cancellation of
 * threads meanwhile. */
bool bhd__turns_take(bhd__turns *turns, const bhd__compile_client *client, bhd__turn *turn);
/* Any thread. Does nothing to a turn that has ended. */
void bhd__turn_end(bhd__turn *turn);
/* Nobody gets a turn any more. */
void bhd__turns_close(bhd__turns *turns);

/* How many wait. */
uint32_t bhd__turns_waiting(bhd__turns *turns);

#endif
