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

/* A number with a comma between thousands: "1,048,576". */
void bhd__text_add_grouped(bhd__text *text, uint64_t number);

/*
 * Numbers with a fraction, with a point in every locale. printf's %f and %g follow the process's
 * locale, which belongs to the embedder; nothing in the library uses them.
 */

/* The shortest text that reads back as `number`: "30", "0.001", "1e+300", "nan". */
void bhd__text_add_double(bhd__text *text, double number);
/* A percentage from 0 to 100, rounded to at most `decimals` (up to 4), without trailing zeros.
 * What is below 100 is never rounded up to 100. No sign is added. */
void bhd__text_add_percent(bhd__text *text, double percent, unsigned decimals);

/*
 * Adds text that came from outside so that it is safe on a terminal and in a report: printable
 * ASCII and well-formed UTF-8 letters as they are; control characters, DEL, C1, bidirectional and
 * invisible formatting marks, and bytes that are not UTF-8 as \n, \t, \r, \xNN or \u{NNNN}; a
 * backslash doubled. At most `most` bytes of input are shown, then "...".
 */
void bhd__text_add_escaped(bhd__text *text, const char *bytes, size_t length, size_t most);

/* A JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD; characters that cannot be
 * seen are written as \uNNNN, so that the string is safe on a terminal too. */
void bhd__text_add_json(bhd__text *text, const char *bytes, size_t length);

/* Cuts the text to what fits, at the end of a whole character, and ends it in "..." if it did not
 * fit. */
void bhd__text_ellipsis(bhd__text *text);

/* A whole text from outside in `buffer`, for a message: escaped, at most `most` bytes of it, cut to
 * what fits. Gives `buffer`. */
const char *bhd__text_show(char *buffer, size_t capacity, const char *string, size_t most);

#endif
