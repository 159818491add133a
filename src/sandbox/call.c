/*
 * Calls from outside.
 */
#include "bulkhead/call.h"

#include "sandbox/life.h"

void bhd_sandbox_cancel(bhd_sandbox *sandbox)
{
    if (sandbox)
        bhd__instance_cancel(sandbox->instance);
}
