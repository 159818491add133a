/*
 * --allow-precompiled, for every command that loads a component. An argp child parser; its input is
 * bhd_host_options.
 */
#ifndef BHD_CLI_PRECOMPILED_OPTION_H
#define BHD_CLI_PRECOMPILED_OPTION_H

#include <argp.h>

extern const struct argp cli_precompiled_argp;

#endif
