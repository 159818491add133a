/*
 * --invoke 'name(1, 2)': an export and the arguments to call it with.
 *
 * Of a core module, the name is everything before the last parenthesis, so that names with
 * parentheses, blanks and commas can be called too, and the arguments are numbers. Of a component,
 * the name ends at the first parenthesis, and the arguments are WAVE. Both are read when the types
 * of the parameters are known.
 */
#ifndef BHD_CLI_INVOKE_H
#define BHD_CLI_INVOKE_H

#include "bulkhead/sandbox.h"

/* Begin with {0}; cli_invocation_fini frees what it holds. */
typedef struct cli_invocation {
    char *text; /* all of it */
    char *name;
    char **arguments;
    size_t count;
} cli_invocation;

/* Reads the text of the option. NULL, or what is wrong with it. */
const char *cli_invocation_parse(const char *text, cli_invocation *invocation);

void cli_invocation_fini(cli_invocation *invocation);

/*
 * Looks the export up, reads the arguments, calls it and prints the results on standard output, one
 * a line, as JSON if that is asked for. Fills `error` on failure: BHD_SIGNATURE_MISMATCH also for
 * arguments that do not fit.
 */
bhd_status cli_invocation_call(const cli_invocation *invocation, bhd_component_kind kind,
                               bool as_json, bhd_sandbox *sandbox, bhd_error *error);

#endif
