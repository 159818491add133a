/*
 * How the command ends: the one list of its exit codes, and which failure of the library is which.
 *
 * A guest that ends by itself gives its own code, so a code alone does not prove who it came from;
 * the report (--report) does.
 */
#ifndef BHD_CLI_EXIT_CODES_H
#define BHD_CLI_EXIT_CODES_H

#include "bulkhead/status.h"

#include <stdio.h>

/* X(identifier, value, what it means) */
#define CLI_EXIT_MAP(X)                                                                            \
    X(OK, 0, "success")                                                                            \
    X(USAGE, 2, "wrong usage, or an option that asks for more than the manifest allows")           \
    X(COMPONENT, 65, "not a valid component, or one that does not fit its limits")                 \
    X(NO_FILE, 66, "file not found or not readable")                                               \
    X(INTERNAL, 70, "internal error, or output that cannot be written")                            \
    X(CAPACITY, 75, "no capacity, try again")                                                      \
    X(DENIED, 77, "the component needs a capability that it was not given")                        \
    X(MANIFEST, 78, "invalid manifest, or no manifest and no --max-bytes")                         \
    X(TIMEOUT, 124, "out of time or out of fuel")                                                  \
    X(CANCELLED, 130, "the guest, or compiling it, was ended by SIGINT (Ctrl-C) or SIGTERM")       \
    X(TRAP, 134, "the guest trapped")                                                              \
    X(OUT_OF_MEMORY, 137, "the guest is out of memory")

typedef enum cli_exit {
#define CLI_EXIT_VALUE(identifier, value, text) CLI_EXIT_##identifier = (value),
    CLI_EXIT_MAP(CLI_EXIT_VALUE)
#undef CLI_EXIT_VALUE
} cli_exit;

/*
 * The exit code of a failure whose origin is what TARGET names. A caller that knows better (a limit
 * that came from an option, a file that is a manifest) says so itself. BHD_EXIT has no code of its
 * own here: the guest's is in the error.
 */
cli_exit cli_exit_code(bhd_status status);

/*
 * What the command ends with when the guest ended itself with `said`. A process has eight bits for
 * it; what would look like success in them and is not becomes 255.
 */
int cli_exit_of_guest(int said);

/* The list for a person, one line each. */
void cli_exit_codes_print(FILE *stream);

#endif
