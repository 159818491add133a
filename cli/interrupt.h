/*
 * Ctrl-C while a guest runs: the call is cancelled, so that what it used is still reported.
 *
 * While a watch is on, the first SIGINT or SIGTERM cancels the guest's call, and the second one
 * ends the process as it would without a watch. One watch at a time.
 */
#ifndef BHD_CLI_INTERRUPT_H
#define BHD_CLI_INTERRUPT_H

#include "bulkhead/sandbox.h"

/* False: there is no watch, and a signal ends the process at once. */
bool cli_interrupt_watch(bhd_sandbox *sandbox);
/* Before the sandbox is freed. Does nothing without a watch. */
void cli_interrupt_unwatch(void);

#endif
