/*
 * One call of a function of the host, as the engine sees it.
 */
#ifndef BHD_ENGINE_HOST_INVOCATION_H
#define BHD_ENGINE_HOST_INVOCATION_H

#include "bulkhead_values.h"
#include "engine/host/imports.h"

/* The callbacks for the engine, with `function` as their environment. */
bhd_engine_host_t bhd__invocation_callbacks(const bhd__import *function);

#endif
