/*
 * Submitted calls: made by a worker, not by the thread that asks for them.
 */
#ifndef BHD_ENGINE_RUN_SUBMIT_H
#define BHD_ENGINE_RUN_SUBMIT_H

#include "bulkhead/value.h"
#include "engine/types.h"

/* The scheduler of a host. */
bhd_status bhd__submissions_init(bhd__engine *engine, bhd_error *error);

/* What a submitted call came to. `results` and `error` are the receiver's from then on. */
typedef struct bhd__outcome {
    bhd_status status;
    int exit_code;      /* of a run */
    bhd_value *results; /* of a call that succeeded; from bhd__calloc */
    size_t result_count;
    bhd_error error;
} bhd__outcome;

typedef struct bhd__submit_options {
    const bhd__export *exported; /* outlives the call; NULL: drop, or run the command */
    const bhd_value *arguments;  /* of `exported`; checked; copied */
    const bhd_value *drop;       /* as bhd__instance_drop; copied; NULL: run the command */
    uint64_t timeout_ns;
    void *env;
    /* Both on a worker, one after the other. `ended`: the guest has ended or was ended; leaves the
     * instance. `over`: the call is forgotten here, and the instance is not used by it any more. */
    void (*ended)(void *env, bhd__outcome *outcome);
    void (*over)(void *env);
} bhd__submit_options;

/* The instance was entered, not to run; after a success it is the call's to leave. Errors as
 * bhd__instance_call, before anything runs, and BHD_NO_CAPACITY. */
bhd_status bhd__instance_submit(bhd__instance *instance, const bhd__submit_options *options,
                                bhd__submission **submission, bhd_error *error);
/* Any thread, also when it is over. */
void bhd__submission_cancel(bhd__submission *submission);
/* The same, and sooner; see bhd__scheduler_end. */
void bhd__submission_end(bhd__submission *submission);
/* When it is over. */
void bhd__submission_free(bhd__submission *submission);

#endif
