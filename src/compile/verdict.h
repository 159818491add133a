/*
 * What became of a compilation: a pure function of how the process ended, what it has written, and
 * what it was allowed.
 *
 * The process read a binary that nobody trusts, so nothing that it says is believed by itself. Its
 * report counts only together with the exit code that goes with it, its sizes only when the file
 * has them, and its texts are made safe to show and cut. What it can choose is which of these
 * verdicts it gets, and the words in it; an artefact that it calls one is as trustworthy as it is.
 */
#ifndef BHD_COMPILE_VERDICT_H
#define BHD_COMPILE_VERDICT_H

#include "bulkhead/error.h"
#include "compile/exchange.h"

#include <stdbool.h>

/* Why the host ended it, or its warden. */
typedef enum bhd__stop {
    BHD__STOP_NONE,
    BHD__STOP_LATE,
    BHD__STOP_CANCELLED,
} bhd__stop;

typedef struct bhd__ending {
    bool is_known; /* how it ended; otherwise neither of the next two is */
    int exit_code; /* -1: it did not exit */
    int signal;    /* 0: it was not one */
    bhd__stop stop;
    uint64_t wall_ns, cpu_ns;
} bhd__ending;

/* What host and program agreed on, for what is decided and for the messages. */
typedef struct bhd__terms {
    const char *program; /* safe to show */
    const char *build;   /* the host's own */
    uint64_t max_seconds, max_bytes;
    uint64_t max_output_bytes; /* of the host's options */
    uint64_t max_file_bytes;   /* what the system lets it write, if that is less */
} bhd__terms;

/* A copy: the process, or one that it left behind, may still write to the file. */
typedef struct bhd__words {
    bhd__compile_report report;
    char text[BHD__REPORT_TEXT_BYTES];
} bhd__words;

typedef struct bhd__outcome {
    bhd__ending ending;
    uint64_t output_bytes;  /* that the file has, whatever the report says */
    bool is_output_fixed;   /* nobody can change it any more */
    const bhd__words *said; /* as the process left it */
} bhd__outcome;

bhd__verdict bhd__verdict_of(const bhd__outcome *outcome, const bhd__terms *terms);

/* The status and message of a verdict on this outcome; BHD_OK for BHD__VERDICT_COMPILED. */
bhd_status bhd__verdict_status(bhd__verdict verdict, const bhd__outcome *outcome,
                               const bhd__terms *terms, bhd_error *error);

#endif
