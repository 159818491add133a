/*
 * Ctrl-C while a component is compiled or a guest runs: that is cancelled, so that no compiler is
 * left behind, and what a guest used is still reported.
 *
 * While a watch is on, the first SIGINT or SIGTERM cancels what is being done, and the second one
 * ends the process as it would without a watch. One watch at a time.
 */
#ifndef BHD_CLI_INTERRUPT_H
#define BHD_CLI_INTERRUPT_H

#include "bulkhead/sandbox.h"

/* For the options of the component or sandbox that is made next. NULL: there is no watch, and a
 * signal ends the process at once. */
bhd_cancellation *cli_interrupt_watch(void);
/* The sandbox is there: its calls are cancelled too. */
void cli_interrupt_watch_calls(bhd_sandbox *sandbox);
/* Before the sandbox is freed. Does nothing without a watch. */
void cli_interrupt_unwatch(void);
/* Ends a watch over the compilation of the binary at `path`, which came to `status`. If it could
 * have gone on but for a signal, also one that came when it was done: BHD_CANCELLED, and `error`
 * says so. Otherwise `status`. */
bhd_status cli_interrupt_end_compiling(bhd_status status, const char *path, bhd_error *error);

#endif
