/*
 * Property: arbitrary bytes as a component are refused with a clear error, or load and stay within
 * their limits; whatever they do, the next tenant of their memory finds zeros (contained_guest.c).
 */
#include "contained_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_contain(data, size);
    return 0;
}
