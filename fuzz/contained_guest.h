/*
 * One binary, loaded and run under limits, and what must hold whatever it is.
 */
#ifndef BHD_FUZZ_CONTAINED_GUEST_H
#define BHD_FUZZ_CONTAINED_GUEST_H

#include "fuzz_input.h"

/* The same bytes are always treated in the same way. Not thread-safe; keeps two hosts. */
void fuzz_contain(const uint8_t *binary, size_t size);

#endif
