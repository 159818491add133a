/*
 * Threads for a test. cmocka's assertions are for the thread that runs the test, so the members of
 * a crew check with crew_check, which keeps the first failure, and crew_run reports it afterwards.
 */
#ifndef BHD_TESTS_CREW_H
#define BHD_TESTS_CREW_H

#include "bulkhead/error.h"

#include <pthread.h>

typedef struct crew_member {
    unsigned number; /* from 0 */
    void *shared;
    pthread_t thread;
    void (*work)(struct crew_member *member);
    pthread_barrier_t *start;
    char failure[512]; /* empty: none */
} crew_member;

/* Runs `work` on `count` threads that begin together, and fails the test if a member failed. */
void crew_run(unsigned count, void (*work)(crew_member *member), void *shared);

/* True when `holds`; otherwise records where. A member should return after a false. */
bool crew_note(crew_member *member, bool holds, const char *what, const bhd_error *error,
               const char *file, int line);
#define crew_check(member, condition)                                                              \
    crew_note((member), (condition), #condition, NULL, __FILE__, __LINE__)
#define crew_check_ok(member, status, error)                                                       \
    crew_note((member), (status) == BHD_OK, #status, (error), __FILE__, __LINE__)

#endif
