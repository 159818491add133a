/*
 * Valid components made by chance. The same size and seed give the same bytes.
 */
#ifndef BHD_TESTS_BOMB_COMPONENT_H
#define BHD_TESTS_BOMB_COMPONENT_H

#include "support/bomb_bytes.h"

/* Of everything that a component has sections for, in any order: types, modules, instances,
 * components in components, aliases, lifted and lowered functions, resources, exports, names. */
void bomb_component_make(size_t bytes, uint64_t seed, bomb_text *text);

/* A component with functions of types drawn from all that there are, called by another one, so that
 * the engine makes an adapter for each: texts in all encodings, lists, records, variants. */
void bomb_component_make_adapters(size_t bytes, uint64_t seed, bomb_text *text);

#endif
