/*
 * The options that say how the host is made, shared by every command that makes one: the policy
 * range and the proposals that guests may use. An argp child parser; its input is bhd_host_options.
 */
#ifndef BHD_CLI_HOST_OPTIONS_H
#define BHD_CLI_HOST_OPTIONS_H

#include "exit_codes.h"

#include "bulkhead/host.h"

#include <argp.h>

extern const struct argp cli_host_argp;

/* Those of them that mean something where nothing is held against limits: what bounds compiling,
 * and the stack, which is compiled into the code; where something is inspected also the least
 * limit, which is shown, and the cache. */
extern const struct argp cli_inspecting_argp, cli_precompiling_argp;

/* A size that an option gave; a usage error (argp exits) when it is not one. */
uint64_t cli_option_size(struct argp_state *state, const char *option, const char *text);

/* Decimal digits with single underscores between them, as in a manifest. */
bool cli_count_parse(const char *text, uint64_t *count);

/*
 * What every command starts from: room for one sandbox, the default policy. The number of sandboxes
 * is one because the command runs one guest; less address space is then enough.
 */
bhd_host_options cli_host_defaults(void);

/* Makes the host, or fills `error` and returns the exit code. */
cli_exit cli_host_make(const bhd_host_options *options, bhd_host **host, bhd_error *error);

#endif
