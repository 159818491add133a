/*
 * A store with one instance in it.
 *
 * Whoever has entered the instance (cancel.h) has it alone; what is declared here is for it, unless
 * it says "any thread".
 */
#ifndef BHD_ENGINE_RUN_STORE_H
#define BHD_ENGINE_RUN_STORE_H

#include "engine/types.h"

/* A store without an instance; nothing runs yet. */
bhd_status bhd__instance_new(bhd__code *code, const bhd__instance_options *options,
                             bhd__instance **instance, bhd_error *error);
void bhd__instance_free(bhd__instance *instance);

/* What was captured of standard output (0) or error (1) so far. */
const uint8_t *bhd__instance_output(const bhd__instance *instance, int which, size_t *size,
                                    uint64_t *dropped);

/* The last growth that was refused in the running or last call. */
const bhd__refusal *bhd__instance_refusal(const bhd__instance *instance);
/* Of calls that are over. Any thread. */
uint64_t bhd__instance_fuel_consumed(const bhd__instance *instance);

#endif
