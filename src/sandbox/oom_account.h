/*
 * What is added to the error of a call that has failed.
 */
#ifndef BHD_SANDBOX_OOM_ACCOUNT_H
#define BHD_SANDBOX_OOM_ACCOUNT_H

#include "bulkhead/sandbox.h"

/* `error` has the engine's text. An out-of-memory gets its account; the host counts what it had no
 * capacity for. Gives `status` back. */
bhd_status bhd__sandbox_failed(bhd_sandbox *sandbox, bhd_status status, bhd_error *error);

#endif
