/*
 * Arguments of the command made out of an input, and what they mean as far as that is known.
 *
 * Most arguments are options with values from a table that says what each value is; what `bulkhead
 * run` has to make of those is computed here, without the command's own parsers. Others are any
 * bytes; with one of them nothing is expected but what must always hold.
 */
#ifndef BHD_FUZZ_OPTIONS_MODEL_H
#define BHD_FUZZ_OPTIONS_MODEL_H

#include "fuzz_input.h"

#include "bulkhead/limits.h"

/* What `run` was told, in the order of the command line: the last one counts. */
typedef struct options_model {
    bool is_known; /* everything below is all there is */
    bool is_wrong; /* some value is none */
    bool has_max_bytes, has_timeout, has_fuel, has_table_elements, gc;
    uint64_t max_bytes, fuel, table_elements, floor, ceiling;
    double timeout;
    int target; /* number of the target; -1: none yet */
} options_model;

#define OPTIONS_MODEL_INIT                                                                         \
    {                                                                                              \
        .is_known = true, .floor = BHD_MIN_MEMORY_BYTES, .ceiling = BHD_MAX_MEMORY_BYTES,          \
        .target = -1                                                                               \
    }

typedef struct options_outcome {
    bool usage_error; /* the parsers refuse */
    bool runs;        /* a component is made, of what follows */
    bhd_limits limits;
    bhd_policy policy;
    bool gc;
    const char *binary;
} options_outcome;

/* Fills `arguments`, each on the heap, with a NULL after the last; returns how many there are. */
int options_arguments(fuzz_input *input, options_model *model, char **arguments, int capacity);

options_outcome options_expect(const options_model *model);

/* The limits in the manifest of the binary with that content; false: it has none. */
bool options_declared(const char *binary, bhd_limits *limits);

#endif
