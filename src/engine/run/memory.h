/*
 * The engine's memory and stack creators over the slots and stacks of the host.
 */
#ifndef BHD_ENGINE_RUN_MEMORY_H
#define BHD_ENGINE_RUN_MEMORY_H

#include "engine/structs.h"

void bhd__engine_creators(bhd__engine *engine, wasmtime_memory_creator_t *memories,
                          wasmtime_stack_creator_t *stacks);

#endif
