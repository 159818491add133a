/*
 * What a component exports: functions of values of any type.
 */
#ifndef BHD_ENGINE_RUN_COMPONENT_EXPORTS_H
#define BHD_ENGINE_RUN_COMPONENT_EXPORTS_H

#include "engine/structs.h"

/* Fills `e`. */
bhd_status bhd__component_export(bhd__instance *instance, const char *name, bhd__export *e,
                                 bhd_error *error);
bhd_status bhd__component_call(bhd__instance *instance, const bhd__export *e,
                               const bhd_value *arguments, bhd_value *results, bhd_error *error);
/* The results out of their tuple, which is freed. */
void bhd__values_unpack(bhd_value *tuple, bhd_value *results);

#endif
