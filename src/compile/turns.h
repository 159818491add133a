/*
 * Who compiles now and who waits: so many at once, the others in the order in which they came.
 */
#ifndef BHD_COMPILE_TURNS_H
#define BHD_COMPILE_TURNS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct bhd__turn bhd__turn;

/* Any thread, between init and fini. */
typedef struct bhd__turns {
    pthread_mutex_t lock;
    pthread_cond_t granted;
    uint32_t most;
    /* Under the lock. */
    uint32_t taken;
    bhd__turn *first, *last; /* of those who wait */
    /* Written under the lock, also read without it, by who has a turn: it never becomes false. */
    atomic_bool closed;
} bhd__turns;

/* False without memory. */
bool bhd__turns_init(bhd__turns *turns, uint32_t most);
/* When nobody has a turn or waits. */
void bhd__turns_fini(bhd__turns *turns);

/* Waits. False, without a turn, when `cancelled` (may be NULL) became true or they were closed. No
 * cancellation of threads meanwhile. */
bool bhd__turns_take(bhd__turns *turns, const atomic_bool *cancelled);
void bhd__turns_leave(bhd__turns *turns);
/* Nobody gets a turn any more. */
void bhd__turns_close(bhd__turns *turns);

/* How many wait. */
uint32_t bhd__turns_waiting(bhd__turns *turns);

#endif
