/*
 * The engine ends the process where it finds itself broken (a panic, no memory): abort, after a
 * text on standard error. That is an internal error of the command and no trap of the guest, which
 * has the exit code that a shell shows for SIGABRT.
 */
#ifndef BHD_CLI_ENGINE_ABORT_H
#define BHD_CLI_ENGINE_ABORT_H

/* Once, for the process. */
void cli_engine_abort_init(void);

#endif
