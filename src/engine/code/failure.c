/*
 * The engine's errors that did not come from guest code, as ours.
 */
#include "engine/code/failure.h"

#include "base/fail.h"
#include "base/text.h"
#include "bulkhead_engine.h"

/* The engine's text, escaped: traps carry names out of the binary. */
void bhd__failure_text(const void *failure, char *out, size_t capacity)
{
    char raw[BHD__FAILURE_TEXT_MAX];
    size_t size = bhd_engine_error_text(failure, raw, sizeof raw);
    bhd__text text;
    bhd__text_init(&text, out, capacity);
    bhd__text_add_escaped(&text, raw, size, sizeof raw);
    bhd__text_ellipsis(&text);
}

bhd_status bhd__failure_message(bhd_status code, const char *what, wasmtime_error_t *failure,
                                bhd_error *error)
{
    char text[BHD__FAILURE_TEXT_MAX];
    bhd__failure_text(failure, text, sizeof text);
    wasmtime_error_delete(failure);
    return bhd__fail(error, code, "%s: %s", what, text);
}
