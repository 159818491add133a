/*
 * --max-bytes, --timeout, --fuel and --max-table-elements; see limit_options.h.
 */
#include "limit_options.h"

#include "host_options.h"
#include "shown_text.h"
#include "terminal.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEY_MAX_BYTES = 0x300,
    KEY_TIMEOUT,
    KEY_FUEL,
    KEY_TABLE_ELEMENTS,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "Limits, to tighten what the manifest says (never to loosen it):", 1},
    {"max-bytes", KEY_MAX_BYTES, "SIZE", 0,
     "Memory limit, in bytes or with KiB or MiB: 1048576, 1MiB, 512KiB. Needed when there is no "
     "manifest",
     1},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0, "Wall-clock limit; 0.5 is half a second", 1},
    {"fuel", KEY_FUEL, "N", 0, "Meter fuel, and end the guest when N units are used", 1},
    {"max-table-elements", KEY_TABLE_ELEMENTS, "N", 0,
     "Elements that all tables may have together (default 10000)", 1},
    {0},
};

/* Digits with at most one point between or beside them: no sign, exponent, blank or unit. */
static bool parse_seconds(const char *text, double *seconds)
{
    size_t digits = strspn(text, "0123456789");
    size_t length = digits;
    if (text[length] == '.') {
        size_t fraction = strspn(text + length + 1, "0123456789");
        digits += fraction;
        length += 1 + fraction;
    }
    if (digits == 0 || text[length] != '\0')
        return false;
    *seconds = strtod(text, NULL);
    return true;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    cli_stated_limits *stated = state->input;

    switch (key) {
    case KEY_MAX_BYTES:
        stated->max_bytes = cli_option_size(state, "max-bytes", argument);
        stated->has_max_bytes = true;
        return 0;
    case KEY_TIMEOUT:
        if (!parse_seconds(argument, &stated->timeout_seconds))
            argp_error(state, "--timeout: %s is not a number of seconds: write 30 or 0.5",
                       cli_show(argument).text);
        stated->has_timeout = true;
        return 0;
    case KEY_FUEL:
        if (!cli_count_parse(argument, &stated->fuel))
            argp_error(state, "--fuel: %s is not a number of units: write 1000000 or 1_000_000",
                       cli_show(argument).text);
        if (stated->fuel == 0)
            argp_error(state, "--fuel: 0 would end the guest before its first instruction; write "
                              "at least 1");
        stated->has_fuel = true;
        return 0;
    case KEY_TABLE_ELEMENTS:
        if (!cli_count_parse(argument, &stated->table_elements))
            argp_error(state, "--max-table-elements: %s is not a number: write 20000 or 20_000",
                       cli_show(argument).text);
        stated->has_table_elements = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_limits_argp = {options, parse_option, NULL, NULL, NULL, NULL, NULL};

/* The library speaks of limits; whoever typed an option is told about the option. */
static cli_exit fail_option(bhd_error *error)
{
    static const struct {
        const char *limit, *option;
    } names[] = {
        {"max_memory_bytes: ", "--max-bytes: "},
        {"timeout_seconds: ", "--timeout: "},
        {"max_fuel: ", "--fuel: "},
        {"max_table_elements: ", "--max-table-elements: "},
    };
    char message[BHD_MESSAGE_SIZE];
    const char *what = message, *option = "";
    const char *remedy = "";

    (void)snprintf(message, sizeof message, "%s", error->message);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(message, names[i].limit, strlen(names[i].limit)) == 0) {
            what = message + strlen(names[i].limit);
            option = names[i].option;
        }
    }
    if (error->code == BHD_LIMIT_TOO_HIGH)
        remedy = ", or widen the range with --ceiling";
    else if (error->code == BHD_LIMIT_TOO_LOW)
        remedy = ", or widen the range with --floor";
    (void)cli_fail(error, error->code, "%s%.900s%s", option, what, remedy);
    return CLI_EXIT_USAGE;
}

cli_exit cli_stated_limits_apply(const cli_stated_limits *stated, const bhd_manifest *manifest,
                                 const bhd_policy *policy, bhd_limits *limits, bhd_error *error)
{
    bhd_limits_builder builder = BHD_LIMITS_BUILDER_INIT;
    bhd_limits tightened;

    if (manifest != NULL) {
        const bhd_limits *base = bhd_manifest_limits(manifest);
        bhd_limits_builder_max_memory_bytes(&builder, base->max_memory_bytes);
        bhd_limits_builder_max_table_elements(&builder, base->max_table_elements);
        bhd_limits_builder_timeout_seconds(&builder, base->timeout_seconds);
        bhd_limits_builder_on_exceed(&builder, base->on_exceed);
        if (base->max_fuel != 0)
            bhd_limits_builder_max_fuel(&builder, base->max_fuel);
    }
    if (stated->has_max_bytes)
        bhd_limits_builder_max_memory_bytes(&builder, stated->max_bytes);
    if (stated->has_timeout)
        bhd_limits_builder_timeout_seconds(&builder, stated->timeout_seconds);
    if (stated->has_fuel)
        bhd_limits_builder_max_fuel(&builder, stated->fuel);
    if (stated->has_table_elements)
        bhd_limits_builder_max_table_elements(&builder, stated->table_elements);

    /* What loosens is told before what is out of range: it is the nearer mistake. */
    if (manifest != NULL && bhd_limits_tighten(bhd_manifest_limits(manifest), &builder.limits,
                                               &tightened, error) != BHD_OK)
        return fail_option(error);
    if (bhd_limits_builder_build(&builder, policy, limits, error) != BHD_OK)
        return fail_option(error);
    return CLI_EXIT_OK;
}
