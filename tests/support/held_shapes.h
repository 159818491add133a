/*
 * Modules and components with so many of one thing that an instance holds in the host: what
 * max_instance_bytes is about.
 */
#ifndef BHD_TESTS_HELD_SHAPES_H
#define BHD_TESTS_HELD_SHAPES_H

#include "support/bomb_text.h"
#include "support/real_guest.h"

typedef struct held_shape {
    const char *name;
    const char *before;
    const char *part; /* `count` times; %u in it is the number, from 0 */
    const char *after;
    /* Once more so many times, in the middle of `after`; NULL: nothing. */
    const char *again, *end;
    /* Bytes that one of them takes at least, and how the largest part is named when they are too
     * many. */
    uint64_t least;
    const char *said;
} held_shape;

extern const held_shape held_shapes[];
extern const size_t held_shape_count;

/* Less than the default, so that what fits is compiled quickly. */
#define HELD_BYTES KIB(32)

/* With max_instance_bytes as given, and a thousand instances of core modules. */
bhd_host *held_host(uint64_t max_instance_bytes);
/* The binary, which the caller deletes. */
wasm_byte_vec_t held_binary(const held_shape *shape, unsigned count);
/* What it is said to hold. */
uint64_t held_bytes(bhd_host *host, const held_shape *shape, unsigned count);
/* The largest count that fits HELD_BYTES. */
unsigned held_most(bhd_host *host, const held_shape *shape);
bhd_status held_load(bhd_host *host, const held_shape *shape, unsigned count,
                     bhd_component **component, bhd_error *error);

#endif
