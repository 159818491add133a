/**
 * \file bulkhead/call.h
 *
 * Calls from outside: to end one from another thread.
 */
#ifndef BULKHEAD_CALL_H
#define BULKHEAD_CALL_H

#include "sandbox.h"

BHD_BEGIN_DECLS

/**
 * Ends the call that is under way in the sandbox, if there is one: whoever made it gets
 * BHD_CANCELLED, and the sandbox has ended, unless the call is over before it notices. A guest
 * notices within some milliseconds, whether it computes or waits; a callback or host function of
 * yours is not interrupted. Does not wait; does nothing between calls, and nothing to a later call.
 *
 * Any thread, at any time between bhd_sandbox_new and bhd_sandbox_free; not from a signal handler.
 * NULL does nothing.
 */
BHD_PUBLIC void bhd_sandbox_cancel(bhd_sandbox *sandbox);

BHD_END_DECLS

#endif
