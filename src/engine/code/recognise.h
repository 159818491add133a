/*
 * What a file is that is no WebAssembly, or not yet: most of what is refused is something else than
 * was meant, and its name helps more than the offset at which a parser gave up. Looks at a bounded
 * part of the bytes, decides nothing, owns nothing. Any thread.
 */
#ifndef BHD_ENGINE_CODE_RECOGNISE_H
#define BHD_ENGINE_CODE_RECOGNISE_H

#include "bulkhead/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the bytes are, and what to do about it, as the end of "this is "; NULL when they may be
 * WebAssembly, binary or text. Static storage. */
const char *bhd__recognise(const uint8_t *data, size_t size);

/* What a core module is instead of one that can run: an object file that has yet to be linked, a
 * library that another module loads. */
typedef enum bhd__unlinked {
    BHD__LINKED = 0,
    BHD__LIBRARY,
    BHD__OBJECT,
} bhd__unlinked;

/* By its sections. */
bhd__unlinked bhd__recognise_unlinked(const uint8_t *data, size_t size);
/* Adds that to a refusal. */
void bhd__refuse_unlinked(bhd__unlinked what, bhd_error *error);

/* The first interface of WASI that the binary names with another version than 0.2, such as
 * "wasi:cli/run@0.3.0", into `name`. False: there is none. */
bool bhd__recognise_wasi(const uint8_t *data, size_t size, char *name, size_t capacity);

/* Whether `name` is an interface of WASI ("wasi:...") whose version is not 0.2. */
bool bhd__is_other_wasi(const char *name, size_t size);

#endif
