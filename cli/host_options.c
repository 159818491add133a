/*
 * --ceiling, --floor, --max-compile-work and --enable; see host_options.h.
 */
#include "host_options.h"

#include "terminal.h"

#include <inttypes.h>
#include <string.h>

enum {
    KEY_CEILING = 0x200,
    KEY_FLOOR,
    KEY_WORK,
    KEY_ENABLE,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Policy of this host:", 2},
    {"ceiling", KEY_CEILING, "SIZE", 0,
     "Largest memory limit that a component may have (default 4MiB)", 2},
    {"floor", KEY_FLOOR, "SIZE", 0,
     "Smallest memory limit that a component may have (default 512KiB)", 2},
    {"max-compile-work", KEY_WORK, "UNITS", 0,
     "Largest work that compiling a component may take, about a microsecond a unit "
     "(default 10000000); `inspect` shows it",
     2},
    {"enable", KEY_ENABLE, "FEATURE", 0,
     "Allow what is off by default: gc (garbage-collected objects; their heap counts)", 2},
    {0},
};

uint64_t cli_option_size(struct argp_state *state, const char *option, const char *text)
{
    bhd_error error = BHD_ERROR_INIT;
    uint64_t bytes = 0;
    if (bhd_size_parse(text, strlen(text), &bytes, &error) != BHD_OK)
        argp_error(state, "--%s: %s", option, error.message);
    bhd_error_fini(&error);
    return bytes;
}

bool cli_count_parse(const char *text, uint64_t *count)
{
    uint64_t number = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '_' && at > text && at[-1] != '_' && at[1] != '\0')
            continue;
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            return false;
    }
    *count = number;
    return text[0] != '\0';
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    bhd_host_options *host = state->input;
    bhd_error error = BHD_ERROR_INIT;

    switch (key) {
    case KEY_CEILING:
        host->policy.max_memory_bytes = cli_option_size(state, "ceiling", argument);
        return 0;
    case KEY_FLOOR:
        host->policy.min_memory_bytes = cli_option_size(state, "floor", argument);
        return 0;
    case KEY_WORK:
        if (!cli_count_parse(argument, &host->max_compile_work) || host->max_compile_work == 0 ||
            host->max_compile_work > BHD_COMPILE_WORK_MAX)
            argp_error(state,
                       "--max-compile-work: %s is not a number of units from 1 to %" PRIu64
                       ": write 20000000 or 20_000_000",
                       cli_show(argument).text, BHD_COMPILE_WORK_MAX);
        return 0;
    case KEY_ENABLE:
        if (strcmp(argument, "gc") != 0)
            argp_error(state, "--enable: no feature is called %s; there is: gc",
                       cli_show(argument).text);
        host->features |= (uint32_t)BHD_FEATURE_GC;
        return 0;
    case ARGP_KEY_SUCCESS:
        if (bhd_policy_check(&host->policy, &error) != BHD_OK)
            argp_error(state, "--floor and --ceiling: %s", error.message);
        bhd_error_fini(&error);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_host_argp = {options, parse_option, NULL, NULL, NULL, NULL, NULL};

bhd_host_options cli_host_defaults(void)
{
    bhd_host_options host = BHD_HOST_OPTIONS_INIT;
    host.max_sandboxes = 1;
    return host;
}

cli_exit cli_host_make(const bhd_host_options *host_options, bhd_host **host, bhd_error *error)
{
    bhd_status status = bhd_host_new(host_options, host, error);
    /* The numbers are ours and modest: when one cannot be, the process has too little room. */
    if (status == BHD_INVALID_ARGUMENT)
        return CLI_EXIT_CAPACITY;
    return cli_exit_code(status);
}
