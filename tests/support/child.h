/*
 * Tests whose subject is the whole process: its signals, its threads, fork. Each runs in a child of
 * its own, so that what it breaks is gone with it, and the test is told how the child ended.
 *
 * The parent must not have made a host: its threads would not be there in a child.
 */
#ifndef BHD_TESTS_CHILD_H
#define BHD_TESTS_CHILD_H

#include "support/real_guest.h"

#include <stdio.h>
#include <unistd.h>

/* In a child cmocka's assertions have nowhere to jump to. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define CHECK_STATUS(wanted, status, error)                                                        \
    do {                                                                                           \
        bhd_status check_status_ = (status);                                                       \
        if (check_status_ != (wanted)) {                                                           \
            fprintf(stderr, "%s:%d: wanted %s, got %s: %s\n", __FILE__, __LINE__,                  \
                    bhd_status_name(wanted), bhd_status_name(check_status_), (error)->message);    \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

/* Runs `body` in a child with the default action for every signal, and gives waitpid's status. A
 * child that does not end is ended after two minutes by SIGALRM. */
int child_status(void (*body)(void *env), void *env);
/* Fails the test unless the child came to the end of `body`. */
void child_succeeds(void (*body)(void *env), void *env);

/* The command beside this test; a build of the tests alone has none. */
bool child_find_command(char *path, size_t size);

/* In the child: longer than it takes until the library looks at thread and handlers again. */
void child_pause(void);
/* In the child: a host, and what these tests need of it; failures end the child. */
bhd_host *child_host(bool chained_signals);
bhd_component *child_component(bhd_host *host, const char *source);
bhd_sandbox *child_sandbox(bhd_component *component);
/* Calls a function without parameters of a new sandbox, which has to end like this. */
void child_call_ends(bhd_component *component, bhd_status wanted, const char *name);

#endif
