/*
 * How a bhd_error is filled. Every function takes error == NULL.
 *
 *     return bhd__fail(error, BHD_INVALID_ARGUMENT, "name: \"%s\" ...", name);
 *
 * bhd__fail replaces what the error held. What comes after it (a range, a diagnostic, an account)
 * adds to it. Texts from outside must have gone through bhd__text_add_escaped.
 */
#ifndef BHD_BASE_FAIL_H
#define BHD_BASE_FAIL_H

#include "bulkhead/error.h"

#include <stdarg.h>

/* Returns `code`. */
bhd_status bhd__fail(bhd_error *error, bhd_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bhd_status bhd__vfail(bhd_error *error, bhd_status code, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* BHD_HOST_OUT_OF_MEMORY with the standard message; allocates nothing. Here, so that who analyses
 * one file sees what it returns. */
void bhd__note_no_memory(bhd_error *error);
static inline bhd_status bhd__fail_no_memory(bhd_error *error)
{
    bhd__note_no_memory(error);
    return BHD_HOST_OUT_OF_MEMORY;
}

/* What an errno means, in English in every locale; never NULL. */
const char *bhd__errno_text(int number);

/* Records the offending value and the range. */
void bhd__error_range(bhd_error *error, uint64_t value, uint64_t minimum, uint64_t maximum);

/* `size` bytes at `offset` lie inside a memory of `bytes` bytes; otherwise BHD_OUT_OF_BOUNDS, with
 * all three. */
bhd_status bhd__check_inside(uint64_t offset, size_t size, size_t bytes, bhd_error *error);

/* Appends a diagnostic; without memory for it the message stays and the diagnostic is dropped. */
void bhd__error_diagnostic(bhd_error *error, uint32_t line, uint32_t column, const char *key,
                           const char *message);

/* Appends a frame; `function` and `module` may be NULL; both are copied. False without memory for
 * it, or without error. */
bool bhd__error_frame(bhd_error *error, const char *function, const char *module,
                      uint32_t function_index, size_t module_offset);
/* Says where in source text the last frame is; without memory it stays unknown. */
void bhd__error_frame_line(bhd_error *error, const char *file, uint32_t line);

/* A zeroed account that belongs to the error, or NULL without memory or without error. */
bhd_out_of_memory *bhd__error_out_of_memory(bhd_error *error);
/* Replaces the message by the account's one line: "out of memory: component hog 0.1.0 (sandbox 1)
 * asked for 65,536 more bytes of linear memory". Once the account is filled; allocates nothing. */
void bhd__error_out_of_memory_message(bhd_error *error);

#endif
