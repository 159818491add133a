/*
 * Writes that fail with an error number and nothing else: SIGPIPE and SIGXFSZ, which end a program
 * that does not expect them, are held back around them.
 *
 * The program's handlers and masks, and what was pending before, stay as they are. On one thread,
 * and not for long: both signals are blocked on it in between.
 */
#ifndef BHD_BASE_QUIET_H
#define BHD_BASE_QUIET_H

#include <signal.h>

typedef struct bhd__quiet {
    sigset_t mask, pending; /* before */
} bhd__quiet;

void bhd__quiet_begin(bhd__quiet *quiet);
/* `failed` is the error number of a write that failed, otherwise 0. Keeps errno. */
void bhd__quiet_end(const bhd__quiet *quiet, int failed);

#endif
