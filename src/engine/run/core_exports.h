/*
 * What a core module exports: functions of numbers, memories.
 */
#ifndef BHD_ENGINE_RUN_CORE_EXPORTS_H
#define BHD_ENGINE_RUN_CORE_EXPORTS_H

#include "bulkhead/value.h"
#include "engine/types.h"

struct wasmtime_val;

/* Fills `e`. BHD_EXPORT_NOT_FOUND names what there is. */
bhd_status bhd__core_export(bhd__instance *instance, const char *name, bhd__export *e,
                            bhd_error *error);
bhd_status bhd__core_call(bhd__instance *instance, const bhd__export *e, const bhd_value *arguments,
                          bhd_value *results, bhd_error *error);
/* Numbers as the engine has them, where a call may wait. */
void bhd__core_argument(const bhd_value *value, struct wasmtime_val *out);
void bhd__core_result(const struct wasmtime_val *value, bhd_value_type type, bhd_value *out);

/* The bytes of an exported memory now; valid until the guest runs again. */
bhd_status bhd__instance_memory(bhd__instance *instance, const char *name, uint8_t **base,
                                size_t *size, bhd_error *error);

#endif
