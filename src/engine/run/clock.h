/*
 * The clock of a host: a thread that advances the epochs of its engines while guests run.
 */
#ifndef BHD_ENGINE_RUN_CLOCK_H
#define BHD_ENGINE_RUN_CLOCK_H

#include "engine/structs.h"

bhd_status bhd__clock_init(bhd__clock *clock, bhd_error *error);
void bhd__clock_fini(bhd__clock *clock);
/* Starts the thread if it is the first. */
bhd_status bhd__clock_add(bhd__engine *engine, bhd__instance *instance, bhd_error *error);
void bhd__clock_remove(bhd__engine *engine, bhd__instance *instance);
/* The guest begins to wait in the host: ticks are of no use to it. And comes back. */
void bhd__clock_pause(bhd__instance *instance);
void bhd__clock_resume(bhd__instance *instance);
/* Ticks are needed; see bhd__scheduler_is_busy. */
void bhd__clock_be_awake(bhd__clock *clock);

#endif
