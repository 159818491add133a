/*
 * Ctrl-C while a guest runs: its start function or its call is cancelled, so that what it used is
 * still reported.
 *
 * While a watch is on, the first SIGINT or SIGTERM cancels what the guest does, and the second one
 * ends the process as it would without a watch. One watch at a time.
 */
#ifndef BHD_CLI_INTERRUPT_H
#define BHD_CLI_INTERRUPT_H

#include "bulkhead/sandbox.h"

/* For the options of the sandbox that is made next. NULL: there is no watch, and a signal ends the
 * process at once. */
bhd_cancellation *cli_interrupt_watch(void);
/* The sandbox is there: its calls are cancelled too. */
void cli_interrupt_watch_calls(bhd_sandbox *sandbox);
/* Before the sandbox is freed. Does nothing without a watch. */
void cli_interrupt_unwatch(void);

#endif
