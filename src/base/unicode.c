/*
 * UTF-8 and visibility of characters; see the header.
 *
 * Why a table of our own: iswprint depends on the process's locale, which belongs to the embedder.
 * The table lists what can hide, reorder or imitate text (the characters that Unicode calls default
 * ignorable, the bidirectional controls, the separators), not everything that is unassigned.
 */
#include "base/unicode.h"

#include <string.h>

typedef struct character_range {
    uint32_t first, last;
} character_range;

/* In ascending order. */
static const character_range hidden[] = {
    {0x0000, 0x001F},   /* C0 */
    {0x007F, 0x009F},   /* DEL, C1 */
    {0x00AD, 0x00AD},   /* soft hyphen */
    {0x034F, 0x034F},   /* combining grapheme joiner */
    {0x061C, 0x061C},   /* Arabic letter mark */
    {0x115F, 0x1160},   /* Hangul fillers */
    {0x17B4, 0x17B5},   /* Khmer inherent vowels */
    {0x180B, 0x180F},   /* Mongolian selectors and vowel separator */
    {0x200B, 0x200F},   /* zero-width characters, left-to-right and right-to-left marks */
    {0x2028, 0x202E},   /* line and paragraph separators, embeddings and overrides */
    {0x2060, 0x206F},   /* word joiner, invisible operators, isolates, deprecated formats */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xD800, 0xF8FF},   /* surrogates, private use */
    {0xFDD0, 0xFDEF},   /* noncharacters */
    {0xFE00, 0xFE0F},   /* variation selectors */
    {0xFEFF, 0xFEFF},   /* byte order mark */
    {0xFFA0, 0xFFA0},   /* halfwidth Hangul filler */
    {0xFFF0, 0xFFFB},   /* unassigned specials, interlinear annotations */
    {0xFFFE, 0xFFFF},   /* noncharacters */
    {0x1BCA0, 0x1BCA3}, /* shorthand formats */
    {0x1D173, 0x1D17A}, /* musical formats */
    {0xE0000, 0xE0FFF}, /* tags, more variation selectors */
};

/* From here on: private use, and then no characters at all. */
#define LAST_PLANES 0xF0000u

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0u) == 0x80u;
}

size_t bhd__utf8_decode(const char *bytes, size_t length, uint32_t *character)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

    if (length == 0)
        return 0;
    const unsigned char *in = (const unsigned char *)bytes;
    size_t size;
    uint32_t value;
    if (in[0] < 0x80) {
        *character = in[0];
        return 1;
    } else if ((in[0] & 0xE0u) == 0xC0u) {
        size = 2;
        value = in[0] & 0x1Fu;
    } else if ((in[0] & 0xF0u) == 0xE0u) {
        size = 3;
        value = in[0] & 0x0Fu;
    } else if ((in[0] & 0xF8u) == 0xF0u) {
        size = 4;
        value = in[0] & 0x07u;
    } else {
        return 0;
    }
    if (size > length)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if (!is_continuation(in[i]))
            return 0;
        value = value << 6 | (in[i] & 0x3Fu);
    }
    if (value < smallest[size] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *character = value;
    return size;
}

/* Bytes at the beginning that are ASCII: a multiple of eight, most text being all of it. */
static size_t ascii_ahead(const char *bytes, size_t length)
{
    uint64_t eight;
    size_t at = 0;
    for (; length - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, bytes + at, sizeof eight);
        if (eight & UINT64_C(0x8080808080808080))
            break;
    }
    return at;
}

bool bhd__utf8_is_valid(const char *bytes, size_t length)
{
    uint32_t character;
    for (size_t at = 0; at < length;) {
        at += ascii_ahead(bytes + at, length - at);
        if (at == length)
            break;
        size_t size = bhd__utf8_decode(bytes + at, length - at, &character);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

bool bhd__unicode_is_visible(uint32_t character)
{
    /* The last two of every plane are noncharacters. */
    if ((character & 0xFFFEu) == 0xFFFEu)
        return false;
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (character <= hidden[i].last)
            return character < hidden[i].first;
    return character < LAST_PLANES;
}
