/*
 * What a submitted call has of its sandbox.
 */
#ifndef BHD_SANDBOX_CALL_H
#define BHD_SANDBOX_CALL_H

#include "bulkhead/call.h"

/* The callback that runs on this thread, if it is one of a call of this sandbox, needs it no more.
 */
void bhd__calls_let_go(bhd_sandbox *sandbox);

#endif
