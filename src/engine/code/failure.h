/*
 * The engine's errors that did not come from guest code, as ours.
 */
#ifndef BHD_ENGINE_CODE_FAILURE_H
#define BHD_ENGINE_CODE_FAILURE_H

#include "bulkhead/error.h"

#include <stddef.h>

/* As much of the engine's text as is shown. */
#define BHD__FAILURE_TEXT_MAX 768

struct wasmtime_error;

/* The engine's text of an error or trap, escaped: both carry names out of the binary. */
void bhd__failure_text(const void *failure, char *out, size_t capacity);
/* `what`: what was tried. Consumes the failure. Gives `code`. */
bhd_status bhd__failure_message(bhd_status code, const char *what, struct wasmtime_error *failure,
                                bhd_error *error);

#endif
