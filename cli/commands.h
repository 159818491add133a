/*
 * The commands, one source file each, and what their argp parsers share.
 *
 * argv[0] of a command is "bulkhead NAME", as its messages begin. Each returns the exit code of the
 * process; argp itself exits for --help, --version and wrong usage.
 */
#ifndef BHD_CLI_COMMANDS_H
#define BHD_CLI_COMMANDS_H

#include <argp.h>

int cli_run_main(int argc, char **argv);
int cli_check_main(int argc, char **argv);
int cli_inspect_main(int argc, char **argv);
int cli_compile_main(int argc, char **argv);
int cli_cache_main(int argc, char **argv);

/* -h, which is not argp's own: a child of every parser. */
extern const struct argp cli_short_help_argp;

#endif
