/*
 * A text buffer over memory of the caller, for functions that behave like snprintf: it writes what
 * fits, keeps the terminator in place, and counts the length that the whole text has.
 *
 * Used by one thread at a time; never allocates.
 */
#ifndef BHD_BASE_TEXT_H
#define BHD_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bhd__text {
    char *buffer;
    size_t capacity;
    size_t length; /* of the whole text; may exceed capacity */
} bhd__text;

/* `buffer` may be NULL when capacity is 0. Terminates at once. */
void bhd__text_init(bhd__text *text, char *buffer, size_t capacity);
void bhd__text_add(bhd__text *text, const char *string);
void bhd__text_add_bytes(bhd__text *text, const char *bytes, size_t length);
void bhd__text_printf(bhd__text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void bhd__text_vprintf(bhd__text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/*
 * Adds text that came from outside so that it is safe on a terminal and in a report: printable
 * ASCII and well-formed UTF-8 letters as they are; control characters, DEL, C1, bidirectional and
 * invisible formatting marks, and bytes that are not UTF-8 as \n, \t, \r, \xNN or \u{NNNN}; a
 * backslash doubled. At most `most` bytes of input are shown, then "...".
 */
void bhd__text_add_escaped(bhd__text *text, const char *bytes, size_t length, size_t most);

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD. */
void bhd__text_add_json(bhd__text *text, const char *bytes, size_t length);

/* Cuts the text to what fits and ends it in "..." if it did not fit. */
void bhd__text_ellipsis(bhd__text *text);

#endif
