#include "commands.h"

#include <stdio.h>

static const struct argp_option options[] = {
    {NULL, 'h', NULL, OPTION_HIDDEN, NULL, -1},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    (void)argument;
    if (key != 'h')
        return ARGP_ERR_UNKNOWN;
    argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
    return 0;
}

const struct argp cli_short_help_argp = {options, parse_option, NULL, NULL, NULL, NULL, NULL};
