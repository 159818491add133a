/*
 * What a binary declares, as a bhd_inspection.
 */
#ifndef BHD_ENGINE_INSPECT_H
#define BHD_ENGINE_INSPECT_H

#include "bulkhead/inspection.h"
#include "compile/client.h"
#include "engine/types.h"

/* `inspection` is fresh; it is partly filled when this fails. `client` may be NULL. Errors as
 * bhd_inspect. */
bhd_status bhd__engine_inspect(bhd__engine *engine, const void *data, size_t size,
                               const bhd__compile_client *client, bhd_inspection *inspection,
                               bhd_error *error);

#endif
