/*
 * What the command line grants to a component: --allow-dir, --allow-env, --allow-net,
 * --allow-clocks, --allow-random, --allow-stdin, --allow-manifest. An argp child parser whose input
 * is cli_grants.
 *
 * With a manifest the options are the host's key, and the manifest is the component's. A binary
 * alone asks for just what the options grant.
 */
#ifndef BHD_CLI_GRANTS_H
#define BHD_CLI_GRANTS_H

#include "bulkhead/capabilities.h"

#include <argp.h>

#define CLI_GRANTS_MAX 64
/* Of directories and endpoints. */
#define CLI_TEXTS_MAX (2 * CLI_GRANTS_MAX)

typedef struct cli_grants {
    bhd_grants grants; /* into the lists below */
    const char *env[CLI_GRANTS_MAX];
    bhd_directory directories[CLI_GRANTS_MAX];
    bhd_endpoint network[CLI_GRANTS_MAX];
    char *texts[CLI_TEXTS_MAX]; /* what was cut out of arguments */
    size_t text_count;
} cli_grants;

extern const struct argp cli_grants_argp;

/* Moves nothing: `grants` has to stay where it is. */
void cli_grants_init(cli_grants *grants);
void cli_grants_fini(cli_grants *grants);

/* What a binary without a manifest asks for. `env` has room for CLI_GRANTS_MAX.
 * BHD_INVALID_ARGUMENT: everything that a manifest asks for. That, BHD_FILE_NOT_FOUND,
 * BHD_FILE_UNREADABLE: a directory that no guest could be given. */
bhd_status cli_grants_as_request(const cli_grants *grants, bhd_variable *env,
                                 bhd_capabilities *asked, bhd_error *error);

#endif
