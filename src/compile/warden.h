/*
 * Starts a program, waits for it, ends it when it is late: a process between the host and the
 * program, which never calls exec.
 *
 * Why a process between: exec makes of every child one whose end is a SIGCHLD to the program around
 * the host, and one that its waitpid(-1) takes. The warden has children, pending signals and signal
 * dispositions of its own; its end sends no signal and only a wait for such children (__WCLONE,
 * __WALL) sees it. It shares memory and descriptors with the host, so that it needs no copy of
 * either.
 */
#ifndef BHD_COMPILE_WARDEN_H
#define BHD_COMPILE_WARDEN_H

#include "compile/verdict.h"

#include <stdatomic.h>

/* So much longer than it should, the warden may take to end the program, before it is ended with
 * it. Nobody knows then how the program would have ended. */
#define BHD__WARDEN_GRACE_SECONDS 2

typedef struct bhd__ward {
    int program;        /* to be executed */
    int descriptors[3]; /* what it gets as 0, 1 and 2; it gets no other */
    const char *name;   /* its only argument */
    uint64_t max_ns;
    uint64_t max_file_bytes; /* of what it writes; RLIMIT_FSIZE */
    /* Either ends it; looked at every few milliseconds. */
    const atomic_bool *cancelled; /* may be NULL */
    const atomic_bool *closed;
} bhd__ward;

/* What could not be done: a system call's name, and its errno. */
typedef struct bhd__start_failure {
    const char *step;
    int number;
} bhd__start_failure;

/*
 * The program begins with no environment, in a process group of its own, with the default action
 * for every signal and none blocked. What it leaves in its group ends with it.
 *
 * Waits for its end; handlers of signals may run on this thread meanwhile, it is not cancelled.
 * False when it could not be started. 16 KiB of stack are enough.
 */
bool bhd__warden_run(const bhd__ward *ward, bhd__ending *ending, bhd__start_failure *failure);

#endif
