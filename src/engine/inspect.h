/*
 * What a binary declares, as a bhd_inspection.
 */
#ifndef BHD_ENGINE_INSPECT_H
#define BHD_ENGINE_INSPECT_H

#include "bulkhead/inspection.h"
#include "engine/types.h"

/* Errors as bhd_inspect. */
bhd_status bhd__engine_inspect(bhd__engine *engine, const void *data, size_t size,
                               bhd_inspection *inspection, bhd_error *error);

#endif
