/*
 * What a guest asked for in vain.
 */
#ifndef BHD_ENGINE_RUN_DENIED_H
#define BHD_ENGINE_RUN_DENIED_H

#include "engine/types.h"

/* The end of "it asked ..." for the first thing that the running or last call was denied; NULL:
 * there is none. Any thread. */
const char *bhd__instance_denied(const bhd__instance *instance);

#endif
