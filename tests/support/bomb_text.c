#include "support/bomb_text.h"

#include "support/real_guest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <wasmtime.h>

void bomb_bytes(bomb_text *text, const char *more, size_t size)
{
    if (text->size + size + 1 > text->capacity) {
        text->capacity = (text->size + size) * 2 + 64;
        text->data = realloc(text->data, text->capacity);
        assert_non_null(text->data);
    }
    if (size > 0)
        memcpy(text->data + text->size, more, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void bomb_put(bomb_text *text, const char *more)
{
    bomb_bytes(text, more, strlen(more));
}

void bomb_printf(bomb_text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int size = vsnprintf(NULL, 0, format, arguments);
    assert_true(size >= 0);
    char *piece = malloc((size_t)size + 1);
    assert_non_null(piece);
    (void)vsnprintf(piece, (size_t)size + 1, format, again);
#pragma GCC diagnostic pop
    va_end(again);
    va_end(arguments);
    bomb_bytes(text, piece, (size_t)size);
    free(piece);
}

void bomb_free(bomb_text *text)
{
    free(text->data);
    *text = (bomb_text){0};
}

wasm_byte_vec_t bomb_binary(bomb_text *text)
{
    wasm_byte_vec_t binary;
    wasmtime_error_t *failure = wasmtime_wat2wasm(text->data, text->size, &binary);
    if (failure) {
        wasm_name_t message;
        wasmtime_error_message(failure, &message);
        fail_msg("%.*s", (int)message.size, message.data);
    }
    bomb_free(text);
    return binary;
}
