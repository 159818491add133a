/*
 * The text buffer: everything that the library writes into memory of a caller goes through here.
 */
#include "base/text.h"

#include "base/unicode.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bhd__text_init(bhd__text *text, char *buffer, size_t capacity)
{
    assert(buffer != NULL || capacity == 0);
    text->buffer = buffer;
    text->capacity = capacity;
    text->length = 0;
    if (capacity > 0)
        buffer[0] = '\0';
}

/* Bytes that still fit in front of the terminator. */
static size_t room(const bhd__text *text)
{
    return text->length < text->capacity ? text->capacity - text->length - 1 : 0;
}

/* Counts what was added; a length that cannot be counted stays at the largest. */
static void count(bhd__text *text, size_t added)
{
    if (__builtin_add_overflow(text->length, added, &text->length))
        text->length = SIZE_MAX;
}

void bhd__text_add_bytes(bhd__text *text, const char *bytes, size_t length)
{
    size_t fits = room(text);
    if (fits > length)
        fits = length;
    if (fits > 0) {
        memcpy(text->buffer + text->length, bytes, fits);
        text->buffer[text->length + fits] = '\0';
    }
    count(text, length);
}

void bhd__text_add(bhd__text *text, const char *string)
{
    bhd__text_add_bytes(text, string, strlen(string));
}

void bhd__text_vprintf(bhd__text *text, const char *format, va_list arguments)
{
    bool visible = text->length < text->capacity;
    int added = vsnprintf(visible ? text->buffer + text->length : NULL,
                          visible ? text->capacity - text->length : 0, format, arguments);
    /* Formats are ours, so the only failure is a text above INT_MAX. */
    if (added > 0)
        count(text, (size_t)added);
}

void bhd__text_printf(bhd__text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bhd__text_vprintf(text, format, arguments);
    va_end(arguments);
}

void bhd__text_add_grouped(bhd__text *text, uint64_t number)
{
    char digits[21];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            bhd__text_add_bytes(text, ",", 1);
        bhd__text_add_bytes(text, &digits[i], 1);
    }
}

void bhd__text_add_double(bhd__text *text, double number)
{
    char written[64];
    int length = 0;
    for (int precision = 15; precision <= 17; precision++) {
        length = snprintf(written, sizeof written, "%.*g", precision, number);
        if (strtod(written, NULL) == number)
            break;
    }
    /* The locale's decimal point, of one byte or more, becomes ".". */
    bool in_point = false;
    for (int i = 0; i < length; i++) {
        char c = written[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '+' || c == '-';
        if (plain)
            bhd__text_add_bytes(text, &c, 1);
        else if (!in_point)
            bhd__text_add_bytes(text, ".", 1);
        in_point = !plain;
    }
}

void bhd__text_add_percent(bhd__text *text, double percent, unsigned decimals)
{
    static const unsigned scales[] = {1, 10, 100, 1000, 10000};
    assert(decimals < sizeof scales / sizeof scales[0]);
    unsigned scale = scales[decimals];

    unsigned whole;
    if (!(percent > 0))
        whole = 0; /* NaN too */
    else if (percent >= 100)
        whole = 100 * scale;
    else
        whole = (unsigned)(percent * scale + 0.5);
    if (percent < 100 && whole >= 100 * scale)
        whole = 100 * scale - 1;

    bhd__text_printf(text, "%u", whole / scale);
    unsigned fraction = whole % scale;
    if (fraction == 0)
        return;
    for (; fraction % 10 == 0; fraction /= 10)
        decimals--;
    bhd__text_printf(text, ".%0*u", (int)decimals, fraction);
}

static void add_escaped_character(bhd__text *text, const char *bytes, size_t size,
                                  uint32_t character)
{
    switch (character) {
    case '\n':
        bhd__text_add(text, "\\n");
        return;
    case '\t':
        bhd__text_add(text, "\\t");
        return;
    case '\r':
        bhd__text_add(text, "\\r");
        return;
    case '\\':
        bhd__text_add(text, "\\\\");
        return;
    default:
        break;
    }
    if (bhd__unicode_is_visible(character))
        bhd__text_add_bytes(text, bytes, size);
    else if (size == 1)
        bhd__text_printf(text, "\\x%02x", (unsigned)character);
    else
        bhd__text_printf(text, "\\u{%04" PRIx32 "}", character);
}

void bhd__text_add_escaped(bhd__text *text, const char *bytes, size_t length, size_t most)
{
    for (size_t at = 0; at < length;) {
        uint32_t character = 0;
        size_t size = bhd__utf8_decode(bytes + at, length - at, &character);
        size_t used = size == 0 ? 1 : size;
        if (at + used > most) {
            bhd__text_add(text, "...");
            return;
        }
        if (size == 0)
            bhd__text_printf(text, "\\x%02x", (unsigned)(unsigned char)bytes[at]);
        else
            add_escaped_character(text, bytes + at, size, character);
        at += used;
    }
}

static void add_json_character(bhd__text *text, const char *bytes, size_t size, uint32_t character)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";

    for (size_t i = 0; i + 1 < sizeof short_forms; i += 2)
        if (character == (unsigned char)short_forms[i]) {
            bhd__text_printf(text, "\\%c", short_forms[i + 1]);
            return;
        }
    if (bhd__unicode_is_visible(character)) {
        bhd__text_add_bytes(text, bytes, size);
    } else if (character < 0x10000) {
        bhd__text_printf(text, "\\u%04" PRIx32, character);
    } else {
        uint32_t offset = character - 0x10000;
        bhd__text_printf(text, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xD800 + (offset >> 10),
                         0xDC00 + (offset & 0x3FF));
    }
}

void bhd__text_add_json(bhd__text *text, const char *bytes, size_t length)
{
    bhd__text_add(text, "\"");
    for (size_t at = 0; at < length;) {
        uint32_t character = 0;
        size_t size = bhd__utf8_decode(bytes + at, length - at, &character);
        if (size == 0)
            bhd__text_add(text, "\xEF\xBF\xBD");
        else
            add_json_character(text, bytes + at, size, character);
        at += size == 0 ? 1 : size;
    }
    bhd__text_add(text, "\"");
}

void bhd__text_ellipsis(bhd__text *text)
{
    static const char dots[] = "...";
    const size_t dots_length = sizeof dots - 1;

    if (text->capacity == 0 || text->length < text->capacity)
        return;
    size_t end = text->capacity - 1;
    size_t cut = end > dots_length ? end - dots_length : 0;
    /* Not inside a character: the byte at the cut must not continue one. */
    for (int i = 0; i < 3 && cut > 0 && ((unsigned char)text->buffer[cut] & 0xC0u) == 0x80u; i++)
        cut--;
    size_t shown = end - cut < dots_length ? end - cut : dots_length;
    memcpy(text->buffer + cut, dots, shown);
    text->buffer[cut + shown] = '\0';
    text->length = cut + shown;
}

const char *bhd__text_show(char *buffer, size_t capacity, const char *string, size_t most)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    bhd__text_add_escaped(&text, string, strlen(string), most);
    bhd__text_ellipsis(&text);
    return buffer;
}
