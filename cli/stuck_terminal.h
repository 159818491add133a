/*
 * The last words of a command whose guest was out of time, on a terminal that nobody reads: they
 * would wait for ever, and the deadline would be none.
 */
#ifndef BHD_CLI_STUCK_TERMINAL_H
#define BHD_CLI_STUCK_TERMINAL_H

/* From now on the process ends with this exit code after some seconds. */
void cli_stuck_terminal_watch(int exit_code);
/* It does not: everything was said. */
void cli_stuck_terminal_unwatch(void);

#endif
