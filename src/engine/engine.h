/*
 * One host's engines, made when first needed.
 */
#ifndef BHD_ENGINE_ENGINE_H
#define BHD_ENGINE_ENGINE_H

#include "bulkhead/host.h"
#include "engine/types.h"
#include "memory/slots.h"

/* `options` has been checked except for what only the slots can tell. */
bhd_status bhd__engine_new(const bhd_host_options *options, bhd__engine **engine, bhd_error *error);
/* Ends what is being compiled and refuses what comes, with BHD_CANCELLED. Does not wait. */
void bhd__engine_close(bhd__engine *engine);
void bhd__engine_free(bhd__engine *engine);
void bhd__engine_slots_stats(const bhd__engine *engine, bhd__slots_stats *stats);

/* The engine whose code meters fuel, or the other one. */
struct bhd__variant;
bhd_status bhd__engine_variant(bhd__engine *engine, bool metered, struct bhd__variant **variant,
                               bhd_error *error);

#endif
