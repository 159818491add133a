/*
 * What a component asks for, shown.
 */
#ifndef BHD_CLI_CAPABILITIES_OUTPUT_H
#define BHD_CLI_CAPABILITIES_OUTPUT_H

#include "bulkhead/capabilities.h"

#include <jansson.h>
#include <stdio.h>

/* A line for each thing that it needs a grant for, with the option that grants it; nothing when
 * there is none. */
void cli_capabilities_print(FILE *stream, const bhd_capabilities *asked);
/* The manifest's keys, with their defaults. */
json_t *cli_capabilities_json(const bhd_capabilities *asked);

#endif
