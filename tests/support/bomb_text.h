/*
 * Texts of modules and components that are too large to write down: put together piece by piece
 * and translated. A test that runs out of memory here fails.
 */
#ifndef BHD_TESTS_BOMB_TEXT_H
#define BHD_TESTS_BOMB_TEXT_H

#include <stddef.h>

#include <wasm.h>

/* Zeroed is empty; `data` ends with a zero that does not count. */
typedef struct bomb_text {
    char *data;
    size_t size, capacity;
} bomb_text;

void bomb_bytes(bomb_text *text, const char *more, size_t size);
void bomb_put(bomb_text *text, const char *more);
void bomb_printf(bomb_text *text, const char *format, ...);
void bomb_free(bomb_text *text);

/* The text as a binary, which the caller deletes; frees the text. */
wasm_byte_vec_t bomb_binary(bomb_text *text);

#endif
