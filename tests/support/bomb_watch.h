/*
 * What the processes are like that a test process's hosts compile in, seen from outside: a thread
 * looks for them in /proc every few milliseconds and keeps the most that it saw. A test that cannot
 * see them proves nothing, so what cannot be read ends the program.
 */
#ifndef BHD_TESTS_BOMB_WATCH_H
#define BHD_TESTS_BOMB_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct bomb_watch {
    pthread_t thread;
    atomic_bool stop;
    /* Written by the thread, read when it has ended. */
    uint64_t looks;           /* at a process that compiled */
    uint64_t data_bytes;      /* what RLIMIT_DATA counts */
    uint64_t anonymous_bytes; /* resident, without files and memory files */
    uint64_t resident_bytes;  /* resident at all */
    unsigned at_once;
} bomb_watch;

void bomb_watch_begin(bomb_watch *watch);
void bomb_watch_end(bomb_watch *watch);

/* Processes of which this one is the parent, whatever they are; zombies too. */
unsigned bomb_watch_children(void);

#endif
