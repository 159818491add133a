/*
 * Arguments as text in WAVE.
 */
#ifndef BHD_ENGINE_RUN_WAVE_H
#define BHD_ENGINE_RUN_WAVE_H

#include "bulkhead/value.h"
#include "engine/types.h"

/* The arguments out of WAVE, "(1, \"two\")", as a tuple. BHD_SIGNATURE_MISMATCH. */
bhd_status bhd__export_arguments(const bhd__export *exported, const char *text,
                                 bhd_value *arguments, bhd_error *error);

#endif
