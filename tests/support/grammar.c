#include "support/grammar.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct bytes {
    uint8_t *data;
    size_t size, capacity;
} bytes;

/* What a text means depends on. */
typedef struct place {
    uint64_t n, times, index;
} place;

static bool is_full(const bytes *b)
{
    return b->size > GRAMMAR_BYTES_MAX;
}

static void put(bytes *b, const void *data, size_t size)
{
    if (size == 0 || is_full(b))
        return;
    if (b->size + size > b->capacity) {
        b->capacity = (b->size + size) * 2 + 64;
        b->data = realloc(b->data, b->capacity);
        if (!b->data)
            abort();
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static size_t number(uint64_t value, uint8_t text[10])
{
    size_t size = 0;
    do {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        text[size++] = (uint8_t)(byte | (value ? 0x80 : 0));
    } while (value);
    return size;
}

static void put_number(bytes *b, uint64_t value)
{
    uint8_t text[10];
    put(b, text, number(value, text));
}

static void put_letters(bytes *b, uint64_t count)
{
    static const char letters[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    put_number(b, count);
    for (; count > 0 && !is_full(b); count -= count < 32 ? count : 32)
        put(b, letters, count < 32 ? (size_t)count : 32);
}

/* Made from the innermost outwards, into the end of a buffer. */
static void put_components(bytes *b, uint64_t depth)
{
    static const uint8_t head[] = {0, 'a', 's', 'm', 13, 0, 1, 0};
    uint8_t *room = malloc(GRAMMAR_BYTES_MAX + 64);
    if (!room)
        abort();
    size_t size = 0, end = GRAMMAR_BYTES_MAX + 64;
    for (; depth > 0 && size < GRAMMAR_BYTES_MAX; depth--) {
        uint8_t text[10];
        size += sizeof head;
        memcpy(room + end - size, head, sizeof head);
        size_t digits = number(size, text);
        size += digits;
        memcpy(room + end - size, text, digits);
        room[end - ++size] = 4;
    }
    put(b, room + end - size, size);
    free(room);
}

/* A row with a mistake ends the test. */
static _Noreturn void mistake(const char *at)
{
    fprintf(stderr, "a vector of the grammar is wrong here: %.40s\n", at);
    exit(1);
}

static const char *closing(const char *open)
{
    int depth = 0;
    for (const char *at = open; *at; at++) {
        if (*at == '\'') {
            at = strchr(at + 1, '\'');
            if (!at)
                break;
        }
        depth += *at == '[' || *at == '{';
        depth -= *at == ']' || *at == '}';
        if (depth == 0)
            return at;
    }
    mistake(open);
}

static void expand(bytes *b, const char *from, const char *to, place p);

/* Capital letters are words. */
static bool is_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Of "N{...}", "R{...}", "T{...}"; gives its end. */
static const char *put_repeated(bytes *b, const char *at, place p)
{
    const char *end = closing(at + 1);
    uint64_t count = *at == 'T' ? p.times : p.n;
    if (*at != 'R')
        put_number(b, count);
    for (p.index = 0; p.index < count && !is_full(b); p.index++)
        expand(b, at + 2, end, p);
    return end;
}

static const char *put_sized(bytes *b, const char *at, place p)
{
    bytes inside = {0};
    const char *end = closing(at);
    expand(&inside, at + 1, end, p);
    put_number(b, inside.size);
    put(b, inside.data, inside.size);
    free(inside.data);
    return end;
}

static const char *put_name(bytes *b, const char *at)
{
    const char *end = strchr(at + 1, '\'');
    if (!end)
        mistake(at);
    put_number(b, (uint64_t)(end - at - 1));
    put(b, at + 1, (size_t)(end - at - 1));
    return end;
}

static void put_word(bytes *b, char word, place p)
{
    char text[32];
    switch (word) {
    case 'I':
        put_number(b, p.n);
        return;
    case 'J':
        put_number(b, p.n + 1);
        return;
    case 'i':
        put_number(b, p.index);
        return;
    case 's':
        put_letters(b, p.n);
        return;
    case 'D':
        put_components(b, p.n);
        return;
    case '$':
        put_number(b, (uint64_t)snprintf(text, sizeof text, "n%llu", (unsigned long long)p.index));
        put(b, text, strlen(text));
        return;
    case 'B':
        for (unsigned bit = 0; bit < 20; bit++)
            put(b, p.index >> bit & 1 ? "\x7e" : "\x7f", 1);
        return;
    case 'M':
        put(b, "\0asm\1\0\0\0", 8);
        return;
    case 'C':
        put(b, "\0asm\x0d\0\1\0", 8);
        return;
    default:
        fprintf(stderr, "'%c' means nothing\n", word);
        exit(1);
    }
}

static void expand(bytes *b, const char *from, const char *to, place p)
{
    for (const char *at = from; at < to && !is_full(b); at++) {
        char *end;
        if (*at == ' ')
            continue;
        if (*at == '[') {
            at = put_sized(b, at, p);
        } else if (*at == '\'') {
            at = put_name(b, at);
        } else if (*at == '#') {
            put_number(b, strtoull(at + 1, &end, 10));
            at = end - 1;
        } else if (at[1] == '{') {
            at = put_repeated(b, at, p);
        } else if (is_digit(*at) && is_digit(at[1])) {
            char pair[3] = {at[0], at[1], '\0'};
            uint8_t byte = (uint8_t)strtoul(pair, NULL, 16);
            put(b, &byte, 1);
            at++;
        } else {
            put_word(b, *at, p);
        }
    }
}

size_t grammar_binary(const grammar_vector *vector, uint64_t n, bool many, uint8_t **binary)
{
    static const char *const wrapped[] = {
        [GRAMMAR_MODULE] = "C01[M%s]02[T{00 00 00}]",
        [GRAMMAR_COMPONENT] = "C04[C%s]05[T{00 00 00}]",
    };
    place p = {.n = n, .times = many ? GRAMMAR_TIMES : 1};
    bytes b = {0}, text = {0};
    if (vector->kind == GRAMMAR_INSTANCES || !many) {
        put(&text, vector->kind == GRAMMAR_MODULE ? "M" : "C", 1);
        put(&text, vector->text, strlen(vector->text));
        p.times = many ? GRAMMAR_TIMES_GIVEN : 1;
    } else {
        const char *around = wrapped[vector->kind], *at = strstr(around, "%s");
        put(&text, around, (size_t)(at - around));
        put(&text, vector->text, strlen(vector->text));
        put(&text, at + 2, strlen(at + 2));
    }
    put(&text, "", 1);
    expand(&b, (const char *)text.data, (const char *)text.data + text.size - 1, p);
    free(text.data);
    *binary = b.data;
    return b.size;
}
