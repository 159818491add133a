/*
 * Code of a component, judged and linked.
 */
#ifndef BHD_ENGINE_LOAD_H
#define BHD_ENGINE_LOAD_H

#include "bulkhead/inspection.h"
#include "compile/client.h"
#include "engine/types.h"

/* Compiles, checks the fit to `limits`, checks the imports, links. Fuel is metered when
 * limits->max_fuel is not 0. The sets of `providers` are held. `client` may be NULL, and so may
 * `inspection`, which is fresh and filled when nothing fails. Errors as bhd_component_new. */
bhd_status bhd__code_new(bhd__engine *engine, const bhd_limits *limits,
                         const bhd__providers *providers, const void *binary, size_t size,
                         const bhd__compile_client *client, bhd_inspection *inspection,
                         bhd__code **code, bhd_error *error);
void bhd__code_free(bhd__code *code);
bhd_component_kind bhd__code_kind(const bhd__code *code);

#endif
