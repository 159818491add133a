#include "precompiled_option.h"

#include "bulkhead/host.h"

enum { KEY_ALLOW_PRECOMPILED = 0x800 };

static const struct argp_option options[] = {
    {"allow-precompiled", KEY_ALLOW_PRECOMPILED, NULL, 0,
     "Take also what `bulkhead compile' wrote. It is machine code, and whoever wrote it can run "
     "anything as you: never use this with a file that somebody gave you",
     2},
    {0},
};

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    bhd_host_options *host = state->input;
    (void)argument;
    if (key != KEY_ALLOW_PRECOMPILED)
        return ARGP_ERR_UNKNOWN;
    host->allow_precompiled = true;
    return 0;
}

const struct argp cli_precompiled_argp = {options, parse_option, NULL, NULL, NULL, NULL, NULL};
