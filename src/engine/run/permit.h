/*
 * The answers to a guest's calls that need a permit, one call at a time: clocks, random numbers,
 * space in directories, open files, connections, names.
 */
#ifndef BHD_ENGINE_RUN_PERMIT_H
#define BHD_ENGINE_RUN_PERMIT_H

#include "engine/structs.h"

const bhd_engine_permits_t *bhd__permits(void);
/* Who asks for names, and how many at once. */
bhd_engine_lookups_t bhd__lookups(const bhd__granted *granted);
/* For the engine, bhd_engine_network_t. */
bhd_engine_answer_t bhd__may_use_address(void *env, bhd_engine_use_t use,
                                         const bhd_engine_address_t *address, uint16_t port,
                                         size_t *at, bhd_engine_str_t *name);

#endif
