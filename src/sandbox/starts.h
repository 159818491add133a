/*
 * What bhd_sandbox_new does with a cancellation: it is in its list while it runs.
 */
#ifndef BHD_SANDBOX_STARTS_H
#define BHD_SANDBOX_STARTS_H

#include "bulkhead/cancellation.h"
#include "engine/types.h"

#include <stdatomic.h>

/* Of one bhd_sandbox_new, on its stack. */
typedef struct bhd__start {
    bhd__instance *instance;
    struct bhd__start *previous, *next;
} bhd__start;

/* After this thread has entered the instance, so that a mark stays. BHD_CANCELLED, and the start is
 * not in the list: it was cancelled before. NULL: nobody can cancel. */
bhd_status bhd__cancellation_watch(bhd_cancellation *cancellation, bhd__start *start,
                                   bhd_error *error);
/* True once it was cancelled, for ever. NULL: nobody can. */
const atomic_bool *bhd__cancellation_flag(const bhd_cancellation *cancellation);

/* Before this thread leaves the instance. */
void bhd__cancellation_unwatch(bhd_cancellation *cancellation, bhd__start *start);

#endif
