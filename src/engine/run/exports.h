/*
 * The exported functions of an instance, and calls of them.
 *
 * For whoever has entered the instance (cancel.h). What runs guest code gives what
 * bhd__instance_start gives.
 */
#ifndef BHD_ENGINE_RUN_EXPORTS_H
#define BHD_ENGINE_RUN_EXPORTS_H

#include "bulkhead/value.h"
#include "engine/types.h"

/* BHD_EXPORT_NOT_FOUND, BHD_SIGNATURE_MISMATCH, BHD_NOT_SUPPORTED. Freed by the caller. */
bhd_status bhd__instance_export(bhd__instance *instance, const char *name, bhd__export **exported,
                                bhd_error *error);
void bhd__export_free(bhd__export *exported);
/* A record and a tuple; they live as long as the export. */
const bhd_type *bhd__export_parameters(const bhd__export *exported);
const bhd_type *bhd__export_results(const bhd__export *exported);
/* Holds arguments against the export's types: BHD_SIGNATURE_MISMATCH, BHD_INVALID_ARGUMENT. */
bhd_status bhd__export_check(const bhd__export *exported, const bhd_value *arguments,
                             size_t argument_count, bhd_error *error);
/* The values have been checked. Results are the caller's to free. */
bhd_status bhd__instance_call(bhd__instance *instance, const bhd__export *exported,
                              const bhd_value *arguments, bhd_value *results, bhd_error *error);

/* Ends every resource that a value owns: those of the guest in the guest, in one call, and then
 * those of the host. BHD_INVALID_ARGUMENT: one is of another sandbox, and nothing ran. */
bhd_status bhd__instance_drop(bhd__instance *instance, const bhd_value *value, bhd_error *error);

#endif
