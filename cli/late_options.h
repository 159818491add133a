/*
 * Options end at TARGET, and what comes after it is the guest's. Somebody who writes an option
 * there gets a guest that does not know it, and a command that never saw it; so when something
 * fails, the arguments are looked at for what was meant for us.
 */
#ifndef BHD_CLI_LATE_OPTIONS_H
#define BHD_CLI_LATE_OPTIONS_H

#include <argp.h>

/* Says on standard error which of the guest's arguments is the first that has the name of an option
 * of `parser` or its children, if one has. */
void cli_late_options_note(const struct argp *parser, char *const *arguments, size_t count,
                           const char *target);

#endif
