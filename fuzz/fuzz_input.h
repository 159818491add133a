/*
 * What the fuzz targets share: an input that is taken apart piece by piece, and the check that ends
 * the process when a property does not hold.
 *
 * An input never runs out: after its end everything is 0, so that every prefix of an input means
 * something and a fuzzer can shorten what it has found.
 */
#ifndef BHD_FUZZ_INPUT_H
#define BHD_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct fuzz_input {
    const uint8_t *at, *end;
} fuzz_input;

/* Ends the process, with the place and the property on standard error. */
#define FUZZ_REQUIRE(holds) ((holds) ? (void)0 : fuzz_broken(__FILE__, __LINE__, #holds))

static inline void fuzz_broken(const char *file, int line, const char *property)
{
    dprintf(2, "%s:%d: does not hold: %s\n", file, line, property);
    abort();
}

static inline bool fuzz_has_more(const fuzz_input *input)
{
    return input->at < input->end;
}

static inline uint8_t fuzz_byte(fuzz_input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

/* A number of `bytes` bytes, little end first. */
static inline uint64_t fuzz_number(fuzz_input *input, int bytes)
{
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++)
        number |= (uint64_t)fuzz_byte(input) << (8 * i);
    return number;
}

/* A number from 0 to `most`. */
static inline uint32_t fuzz_choice(fuzz_input *input, uint32_t most)
{
    uint64_t number = fuzz_number(input, most < 256 ? 1 : 4);
    return (uint32_t)(number % ((uint64_t)most + 1));
}

#endif
