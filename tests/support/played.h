/*
 * Compilations by a program that does what its binary says (played/played_compiler.c).
 */
#ifndef BHD_TESTS_PLAYED_H
#define BHD_TESTS_PLAYED_H

#include "support/real_guest.h"

#include "compile/apart.h"

#include <sys/types.h>

/* Where it is. */
extern const char played_path[];

/* That program, a minute, 64 MiB of memory, 1 MiB of output, 8 at once. */
bhd__compiler_options played_options(void);
/* Fails the test when there is none. */
bhd__compiler *played_compiler_new(const bhd__compiler_options *options);

/* Any thread. */
bhd_status played_compile(bhd__compiler *compiler, const char *script, bhd__compiled *compiled,
                          bhd_error *error);

/* What came of one that went well. */
void played_release(bhd__compiled *compiled);

/* What a compilation could leave in this process. */
typedef struct played_traces {
    uint64_t descriptors, mappings, allocations;
} played_traces;

played_traces played_look(void);
/* Fails the test when there is more of anything than before, or a child. */
void played_expect_no_traces(const played_traces *before);

/* A compilation that `host` has under way: its warden and its process; false while there is none. A
 * process is itself as soon as it is found: exec has happened. */
bool played_find(pid_t host, pid_t *warden, pid_t *process);
/* Waits until there is one; the test ends by its time limit otherwise. */
void played_await(pid_t host, pid_t *warden, pid_t *process);
/* Waits until a process has stopped itself. */
void played_await_stop(pid_t process);
/* Waits until a process is gone, or a zombie. */
void played_await_end(pid_t process);

/* What ends well: 60 bytes of artefact, 40 of description. */
#define PLAYED_GOOD "began\noutput 100\nartifact 60\ndescription 40\nverdict 1\nmagic\nexit 65\n"

#endif
