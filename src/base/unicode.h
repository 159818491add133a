/*
 * Just enough of Unicode to show text from outside safely: a strict UTF-8 decoder and the question
 * whether a character can be seen. Pure functions; any thread.
 */
#ifndef BHD_BASE_UNICODE_H
#define BHD_BASE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decodes the character at the start of `bytes` into `*character` and returns its length, 1 to 4.
 * Returns 0 when the bytes do not begin with well-formed UTF-8: overlong forms, surrogates, values
 * above U+10FFFF, a missing or stray continuation byte, or length 0.
 */
size_t bhd__utf8_decode(const char *bytes, size_t length, uint32_t *character);

/* The whole text is well-formed UTF-8. */
bool bhd__utf8_is_valid(const char *bytes, size_t length);

/*
 * Whether a character shows itself and nothing but itself. False for control characters, line and
 * paragraph separators, bidirectional and invisible formatting marks, variation selectors, tags,
 * private use, surrogates and noncharacters. Where in doubt it says false.
 */
bool bhd__unicode_is_visible(uint32_t character);

#endif
