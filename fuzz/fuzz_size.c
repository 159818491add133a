/*
 * Property: a text is a size if and only if a plain reading of the grammar says so, with the same
 * number of bytes; what is refused is explained in one safe line; and what the formatter writes for
 * a number reads as that number.
 *
 * The model reads with other means than the library: a table of states for the form, and a 128-bit
 * fraction of decimal digits for the value.
 */
#include "fuzz_input.h"

#include "base/unicode.h"
#include "bulkhead/limits.h"

#include <inttypes.h>
#include <string.h>

/* Digits after the point that the model keeps: a whole number of bytes in MiB has 20 at most, and
 * 10 to the power of 20 times 2 to the power of 20 fits into 128 bits. */
#define DECIMALS 20

__extension__ typedef unsigned __int128 wide;

typedef enum state { BEGIN, WHOLE, WHOLE_GAP, POINT, FRACTION, FRACTION_GAP, BLANK, UNIT } state;

typedef struct reading {
    size_t first_whole, end_whole, first_fraction, end_fraction;
    const char *unit;
    size_t unit_length;
    bool blank;
} reading;

/* The next state of the number part; UNIT for everything that is no part of it. */
static state next_state(state now, char c)
{
    bool digit = c >= '0' && c <= '9';
    switch (now) {
    case BEGIN:
    case WHOLE_GAP:
        return digit ? WHOLE : UNIT;
    case WHOLE:
        return digit ? WHOLE : c == '_' ? WHOLE_GAP : c == '.' ? POINT : UNIT;
    case POINT:
    case FRACTION_GAP:
        return digit ? FRACTION : UNIT;
    case FRACTION:
        return digit ? FRACTION : c == '_' ? FRACTION_GAP : UNIT;
    default:
        return UNIT;
    }
}

/* Cuts the text; false when the number part is not written as the grammar has it. */
static bool model_cut(const char *text, size_t length, reading *parts)
{
    state now = BEGIN;
    size_t at = 0;
    *parts = (reading){0};
    for (; at < length; at++) {
        state next = next_state(now, text[at]);
        if (next == UNIT)
            break;
        if (next == POINT) {
            parts->end_whole = at;
            parts->first_fraction = at + 1;
        }
        now = next;
    }
    if (now != WHOLE && now != FRACTION)
        return false;
    if (now == WHOLE)
        parts->end_whole = at;
    else
        parts->end_fraction = at;
    if (at < length && text[at] == ' ') {
        parts->blank = true;
        at++;
    }
    parts->unit = text + at;
    parts->unit_length = length - at;
    return !(parts->end_whole > 1 && text[0] == '0');
}

static bool model_value(const char *text, const reading *parts, uint64_t unit, uint64_t *bytes)
{
    wide whole = 0, numerator = 0, denominator = 1;
    for (size_t i = parts->first_whole; i < parts->end_whole; i++) {
        if (text[i] == '_')
            continue;
        whole = whole * 10 + (unsigned char)(text[i] - '0');
        if (whole > UINT64_MAX)
            return false;
    }
    /* Trailing zeros say nothing. */
    size_t end = parts->end_fraction;
    while (end > parts->first_fraction && (text[end - 1] == '0' || text[end - 1] == '_'))
        end--;
    int decimals = 0;
    for (size_t i = parts->first_fraction; i < end; i++) {
        if (text[i] == '_')
            continue;
        if (++decimals > DECIMALS)
            return false;
        numerator = numerator * 10 + (unsigned char)(text[i] - '0');
        denominator *= 10;
    }
    /* Both are below 10^20 < 2^67; times 2^20 that is below 2^87. */
    if (numerator * unit % denominator != 0)
        return false;
    wide total = whole * unit + numerator * unit / denominator;
    if (total > UINT64_MAX)
        return false;
    *bytes = (uint64_t)total;
    return true;
}

static bool model_parse(const char *text, size_t length, uint64_t *bytes)
{
    reading parts;
    if (!model_cut(text, length, &parts))
        return false;
    if (parts.unit_length == 3 && memcmp(parts.unit, "KiB", 3) == 0)
        return model_value(text, &parts, UINT64_C(1) << 10, bytes);
    if (parts.unit_length == 3 && memcmp(parts.unit, "MiB", 3) == 0)
        return model_value(text, &parts, UINT64_C(1) << 20, bytes);
    if (parts.unit_length != 0 || parts.blank || parts.first_fraction != 0)
        return false;
    return model_value(text, &parts, 1, bytes);
}

static void require_explanation(const bhd_error *error)
{
    size_t length = strlen(error->message);
    FUZZ_REQUIRE(error->code == BHD_LIMIT_INVALID);
    FUZZ_REQUIRE(length > 0 && length < BHD_MESSAGE_SIZE);
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t size = bhd__utf8_decode(error->message + at, length - at, &character);
        FUZZ_REQUIRE(size != 0 && bhd__unicode_is_visible(character));
        at += size;
    }
}

static void try_text(const char *text, size_t length)
{
    uint64_t expected = 0, bytes = 42;
    bhd_error error = BHD_ERROR_INIT;
    bool is_size = model_parse(text, length, &expected);
    bhd_status status = bhd_size_parse(text, length, &bytes, &error);
    FUZZ_REQUIRE((status == BHD_OK) == is_size);
    if (is_size) {
        FUZZ_REQUIRE(bytes == expected);
        FUZZ_REQUIRE(error.code == BHD_OK);
    } else {
        FUZZ_REQUIRE(bytes == 42);
        require_explanation(&error);
    }
    bhd_error_fini(&error);
}

/* "1.5 MiB" and "512 KiB" are sizes; "1000 bytes" is one without its word. */
static void try_number(uint64_t number)
{
    char text[64], cut[8];
    uint64_t bytes = 0;
    size_t length = bhd_size_to_text(number, text, sizeof text);
    FUZZ_REQUIRE(length == strlen(text) && length < sizeof text);
    FUZZ_REQUIRE(bhd_size_to_text(number, NULL, 0) == length);
    FUZZ_REQUIRE(bhd_size_to_text(number, cut, sizeof cut) == length);
    FUZZ_REQUIRE(strncmp(cut, text, sizeof cut - 1) == 0);
    char *word = strstr(text, " byte");
    if (word != NULL)
        length = (size_t)(word - text);
    FUZZ_REQUIRE(bhd_size_parse(text, length, &bytes, NULL) == BHD_OK);
    FUZZ_REQUIRE(bytes == number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    uint64_t number = fuzz_number(&input, 8);
    try_text((const char *)data, size);
    try_number(number);
    /* Numbers with few digits in KiB and MiB, which random ones never are. */
    try_number((number & 0xFFFF) << (number >> 16 & 31));
    return 0;
}
