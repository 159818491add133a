/*
 * What WASI gives to a guest of what was granted to it: arguments, variables, directories, standard
 * streams, addresses to connect to.
 */
#ifndef BHD_ENGINE_RUN_WASI_H
#define BHD_ENGINE_RUN_WASI_H

#include "engine/structs.h"

/* What host calls may copy and how many handles a component may hold, also one without WASI: its
 * own resources are handles too. */
void bhd__wasi_bound(bhd__instance *instance, const bhd_limits *limits);
bhd_status bhd__wasi_attach(bhd__instance *instance, const bhd__instance_options *options,
                            bhd_error *error);

/* When the guest has ended: whether all that it wrote is written; if not, the instance is woken to
 * ask again. */
bool bhd__wasi_settle(bhd__instance *instance);
void bhd__wasi_detach(bhd__instance *instance);

#endif
