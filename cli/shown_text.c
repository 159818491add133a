/*
 * Text from outside, made safe for a terminal; see cli_show in terminal.h. Pure functions.
 *
 * The library escapes what comes from guests and manifests. Paths and arguments reach the command
 * without passing through it, and a glob may bring in names that somebody else chose.
 */
#include "terminal.h"

#include <string.h>

/*
 * Decodes one well-formed UTF-8 sequence and returns its length; 0 for a byte that begins none.
 * `text` is terminated, so a cut sequence ends at the terminator.
 */
static size_t decode(const unsigned char *text, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length;

    if (text[0] < 0x80) {
        *code = text[0];
        return 1;
    }
    if (text[0] >= 0xC2 && text[0] <= 0xDF)
        length = 2;
    else if ((text[0] & 0xF0) == 0xE0)
        length = 3;
    else if (text[0] >= 0xF0 && text[0] <= 0xF4)
        length = 4;
    else
        return 0;
    uint32_t value = text[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3Fu);
    }
    if (value < smallest[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code = value;
    return length;
}

/* Characters that move the cursor, change the direction of text, or are not seen at all. */
static bool is_hidden(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1F},       {0x7F, 0x9F},       {0xAD, 0xAD},     {0x61C, 0x61C},
        {0x180E, 0x180E},   {0x200B, 0x200F},   {0x2028, 0x202E}, {0x2060, 0x206F},
        {0xFEFF, 0xFEFF},   {0xFFF0, 0xFFFB},   {0xFFFE, 0xFFFF}, {0x1BCA0, 0x1BCA3},
        {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

/* Writes one character of the text to `piece` and returns how many bytes of the text it was. */
static size_t show_one(const unsigned char *text, char *piece, size_t capacity)
{
    uint32_t code = 0;
    size_t length = decode(text, &code);

    if (length == 0) {
        (void)snprintf(piece, capacity, "\\x%02x", text[0]);
        return 1;
    }
    if (code == '\n')
        (void)snprintf(piece, capacity, "\\n");
    else if (code == '\t')
        (void)snprintf(piece, capacity, "\\t");
    else if (code == '\r')
        (void)snprintf(piece, capacity, "\\r");
    else if (code == '\\')
        (void)snprintf(piece, capacity, "\\\\");
    else if (is_hidden(code) && code < 0x80)
        (void)snprintf(piece, capacity, "\\x%02x", (unsigned)code);
    else if (is_hidden(code))
        (void)snprintf(piece, capacity, "\\u{%x}", (unsigned)code);
    else
        (void)snprintf(piece, capacity, "%.*s", (int)length, (const char *)text);
    return length;
}

bool cli_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    uint32_t code;
    for (size_t length; *at != '\0'; at += length)
        if ((length = decode(at, &code)) == 0)
            return false;
    return true;
}

cli_shown cli_show(const char *text)
{
    cli_shown shown = {{0}};
    const unsigned char *at = (const unsigned char *)text;
    size_t used = 0;

    if (at[0] == '\0')
        memcpy(shown.text, "\"\"", 3);
    while (*at != '\0') {
        char piece[16];
        size_t taken = show_one(at, piece, sizeof piece);
        size_t length = strlen(piece);
        /* Always leaves room for the "..." that tells that something is missing. */
        if (used + length + sizeof "..." > sizeof shown.text) {
            memcpy(shown.text + used, "...", 4);
            break;
        }
        memcpy(shown.text + used, piece, length + 1);
        used += length;
        at += taken;
    }
    return shown;
}
