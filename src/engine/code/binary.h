/*
 * The bytes of a component, whether they came as a binary or as text.
 */
#ifndef BHD_ENGINE_CODE_BINARY_H
#define BHD_ENGINE_CODE_BINARY_H

#include "bulkhead_engine.h"
#include "engine/code/translation.h"

/* Components in components, and types in types, together: what reads types recurs as deep, here and
 * in the process that loads the code. */
#define BHD__NESTING_MAX 100

typedef struct bhd__binary {
    const uint8_t *data; /* those that were read, or `joined` */
    size_t size;
    const uint8_t *read; /* the caller's bytes, or `of_text`; before segments were joined */
    size_t read_bytes;
    wasm_byte_vec_t of_text, joined;
    bhd_engine_move_t *moves; /* where functions of `data` are not where they were read */
    size_t move_count, move_capacity;
    bool is_component;
    bool imports_memory;
    bool allows_gc; /* the host does */
    bhd_engine_totals_t totals;
    /* What it declares of memories and tables, as in a description. */
    bhd_engine_extent_t *extents;
    size_t extent_count, extent_capacity;
    uint64_t unlisted_count;
    bool lacks_memory; /* while it was read */
} bhd__binary;

/* WebAssembly in its binary form; otherwise it may be text. */
bool bhd__is_binary(const void *data, size_t size);

/* What costs nothing to see, before anybody compiles: BHD_FILE_TOO_LARGE above the host's
 * max_component_bytes and for text above 1 MiB, BHD_COMPONENT_INVALID for other kinds of files. */
bhd_status bhd__binary_screen(const bhd_host_options *options, const void *data, size_t size,
                              bhd_error *error);

/* Everything that is judged before it is compiled: BHD_COMPONENT_TOO_LARGE above max_functions,
 * max_function_bytes and max_instance_bytes, for what is nested too deep, and for a function that
 * the compiler cannot bear, BHD_COMPONENT_UNSUPPORTED for components whose needs cannot be told,
 * BHD_COMPONENT_INVALID for text that is not WAT and for bytes that cannot be read. It is walked
 * once. The binary is usable as long as `data` is. A failure leaves nothing to free. */
bhd_status bhd__binary_init(bhd__binary *binary, const bhd__translation *options, const void *data,
                            size_t size, bhd_error *error);
void bhd__binary_fini(bhd__binary *binary);
/* Back to the bytes as they were read, when something is wrong with `data`: messages name places.
 * False: they name the right ones. */
bool bhd__binary_unjoin(bhd__binary *binary);

/* What one instance holds in the host beside its memories and the elements of its tables; rather
 * too much than too little. */
uint64_t bhd__binary_held(const bhd_engine_totals_t *totals);

/* BHD_COMPONENT_TOO_LARGE when it has more of `what` than the host's `option` allows. */
bhd_status bhd__binary_check_count(const char *what, uint64_t has, uint64_t allowed,
                                   const char *option, bhd_error *error);

/* The engine refused it with `failure`, which is consumed: BHD_COMPONENT_UNSUPPORTED if a proposal
 * that is off is the reason, otherwise BHD_COMPONENT_INVALID. */
bhd_status bhd__binary_refuse(const bhd__binary *binary, wasmtime_error_t *failure,
                              bhd_error *error);

#endif
