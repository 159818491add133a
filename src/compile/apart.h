/*
 * Compiling in a process of its own: starts it, waits for it, says what became of it.
 *
 * The process gets three descriptors and nothing else: the binary, sealed, as standard input; a
 * memory file for its output as standard output; the report (exchange.h) as standard error. It is
 * started, awaited and killed by a warden, a process that shares this one's memory, never calls
 * exec and ends without a signal, so that the program around the host sees neither SIGCHLD nor a
 * child (`waitpid(-1)` finds none).
 */
#ifndef BHD_COMPILE_APART_H
#define BHD_COMPILE_APART_H

#include "bulkhead/error.h"
#include "compile/exchange.h"
#include "compile/turns.h"

/* One for a host; any thread. */
typedef struct bhd__compiler bhd__compiler;

typedef struct bhd__compiler_options {
    const char *path;          /* of the program; NULL: it is looked for where it was installed */
    const char *build;         /* which build it has to be; outlives the compiler */
    uint64_t max_seconds;      /* from its start to its end */
    uint64_t max_bytes;        /* of its memory */
    uint64_t max_output_bytes; /* artefact and description */
    uint32_t max_at_once;      /* more wait for their turn (fair_queue.h) */
} bhd__compiler_options;

/* Opens the program now, so that a later chroot or a new installation changes nothing. That it is
 * missing is no error here but BHD_NO_COMPILER of each compilation. BHD_HOST_OUT_OF_MEMORY. */
bhd_status bhd__compiler_new(const bhd__compiler_options *options, bhd__compiler **compiler,
                             bhd_error *error);
/* Ends what is under way and refuses what comes, with BHD_CANCELLED. Does not wait. Any thread. */
void bhd__compiler_close(bhd__compiler *compiler);
/* When nobody compiles any more. NULL does nothing. */
void bhd__compiler_free(bhd__compiler *compiler);

typedef struct bhd__compile_request {
    const void *binary;
    size_t size;
    const void *settings; /* at most BHD__SETTINGS_BYTES; what they mean is the engine room's */
    size_t settings_bytes;
    bhd__compile_client client;
} bhd__compile_request;

typedef struct bhd__compiled {
    int output; /* a memory file, sealed: artefact, then description; closed by the caller */
    /* Goes on, and is ended by the caller when neither this nor a mapping of it holds the output
     * any more: so there are never more outputs in memory than turns. Who has one compiles nothing
     * else, or might wait for itself. */
    bhd__turn turn;
    uint64_t artifact_bytes, description_bytes;
    uint64_t wall_ns, cpu_ns;
    uint64_t peak_bytes;
} bhd__compiled;

/*
 * Waits. Handlers of signals may run on this thread meanwhile; it is not cancelled.
 *
 * BHD_OK also for a description without an artefact. The process's refusal with its own status
 * (BHD_COMPONENT_INVALID, _UNSUPPORTED, _TOO_LARGE, BHD_FILE_TOO_LARGE; any other is
 * BHD_COMPILER_FAILED). BHD_COMPONENT_TOO_LARGE: it wanted more memory, time or output than the
 * options allow; the message names max_compile_bytes, max_compile_seconds, max_artifact_bytes and
 * their options of the command. BHD_COMPILER_FAILED: it crashed, did what it may not, could not
 * confine itself, or was killed by the system. BHD_NO_COMPILER: there is none, or one of another
 * build. BHD_NO_CAPACITY: the system has no memory file or process to give. BHD_CANCELLED.
 */
bhd_status bhd__compile_apart(bhd__compiler *compiler, const bhd__compile_request *request,
                              bhd__compiled *compiled, bhd_error *error);

#endif
