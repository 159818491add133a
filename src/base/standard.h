/*
 * The standard streams of the process, read and written without ever waiting.
 *
 * A terminal or a pipe is shared: with other threads, other programs, and with nobody who reads.
 * Whether it takes bytes can change between the question and the write, so poll alone is no answer,
 * and O_NONBLOCK on the descriptor would change what the others see. What is used instead depends
 * on what the descriptor is: RWF_NOWAIT on pipes, MSG_DONTWAIT on sockets, and elsewhere the same
 * terminal or named pipe opened a second time, for this process alone.
 *
 * A descriptor is not believed by its number: the program may put another file there at any time.
 * Each call looks which file it is and, when it is another, begins anew.
 *
 * SIGPIPE and SIGXFSZ of a write are its error number and nothing else; the program's handlers, its
 * masks and what was pending stay as they are.
 *
 * A struct is used by one thread at a time; any number of structs may be for one descriptor.
 */
#ifndef BHD_BASE_STANDARD_H
#define BHD_BASE_STANDARD_H

#include "base/descriptor.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef enum bhd__standard_means {
    BHD__STANDARD_PLAIN,  /* a file, or a device that never waits */
    BHD__STANDARD_QUICK,  /* the kernel has a way not to wait */
    BHD__STANDARD_SOCKET, /* the same */
    BHD__STANDARD_AGAIN,  /* through `own` */
    BHD__STANDARD_ASKED,  /* none: asked before, and then little at a time */
} bhd__standard_means;

typedef struct bhd__standard {
    int fd; /* 0, 1 or 2; below 0: nothing was opened */
    bhd__standard_means means;
    int own;       /* for AGAIN */
    bool is_owner; /* of `own` */
    bhd__identity is, own_is;
} bhd__standard;

#define BHD__STANDARD_INIT                                                                         \
    {                                                                                              \
        -1, BHD__STANDARD_PLAIN, -1, false, {false, 0, 0, 0, 0},                                   \
        {                                                                                          \
            false, 0, 0, 0, 0                                                                      \
        }                                                                                          \
    }

/* `earlier` (may be NULL) is one for the same descriptor that lives longer; if it is still the same
 * file, what it has opened is used. Never fails: what cannot be had is found out when it is used.
 */
void bhd__standard_init(bhd__standard *standard, int fd, const bhd__standard *earlier);
void bhd__standard_fini(bhd__standard *standard);

/* How many bytes went, -EAGAIN when it would have to wait, or another negative errno. Never 0 for a
 * size above 0. */
ssize_t bhd__standard_write(bhd__standard *standard, const void *data, size_t size);
/* The same; 0 is the end. */
ssize_t bhd__standard_read(bhd__standard *standard, void *data, size_t size);

bool bhd__standard_is_terminal(const bhd__standard *standard);

#endif
