/*
 * The limits that options state: --max-bytes, --timeout, --fuel, --max-table-elements. They
 * tighten what a manifest says, or stand alone where there is none. An argp child parser whose
 * input is cli_stated_limits.
 */
#ifndef BHD_CLI_LIMIT_OPTIONS_H
#define BHD_CLI_LIMIT_OPTIONS_H

#include "exit_codes.h"

#include "bulkhead/manifest.h"

#include <argp.h>

typedef struct cli_stated_limits {
    bool has_max_bytes, has_timeout, has_fuel, has_table_elements;
    uint64_t max_bytes, fuel, table_elements;
    double timeout_seconds;
} cli_stated_limits;

extern const struct argp cli_limits_argp;

/*
 * Writes the limits to run with. `manifest` may be NULL; then max_bytes must be stated. What an
 * option asks for and may not have is a usage error. Fills `error` and returns the exit code.
 */
cli_exit cli_stated_limits_apply(const cli_stated_limits *stated, const bhd_manifest *manifest,
                                 const bhd_policy *policy, bhd_limits *limits, bhd_error *error);

#endif
