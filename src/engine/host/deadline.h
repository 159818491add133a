/*
 * Whether the running call of an instance has to stop: it was cancelled, or its time is over. Asked
 * by the guest at every tick, by the host before and after every wait.
 */
#ifndef BHD_ENGINE_HOST_DEADLINE_H
#define BHD_ENGINE_HOST_DEADLINE_H

#include "engine/types.h"

/* The running call was cancelled. */
bool bhd__instance_is_cancelled(const bhd__instance *instance);
/* The deadline counts from now: for calls that may wait. Other calls do not ask for the time when
 * they begin, which would take half as long as they do: their deadline counts from their first
 * tick, so that they end a tick late and never early. */
void bhd__deadline_set(bhd__instance *instance);
/* The deadline of the running call has passed. */
bool bhd__deadline_has_passed(bhd__instance *instance);
/* The running call was cancelled, or its deadline has passed. */
bool bhd__instance_must_stop(bhd__instance *instance);

#endif
