/*
 * Property: what the command prints for a value of a core function reads back as the same bits,
 * whatever they are; any other text is read into a value that does so too, or refused without
 * touching the value; and a whole number is accepted exactly when it fits.
 */
#include "fuzz_input.h"

#include "value_text.h"

#include <string.h>

#define MOST_TEXT 400

static uint64_t bits_of(const bhd_value *value)
{
    uint32_t half;
    uint64_t bits;
    if (value->type == BHD_I64 || value->type == BHD_F64) {
        memcpy(&bits, &value->of, sizeof bits);
        return bits;
    }
    memcpy(&half, &value->of, sizeof half);
    return half;
}

static bhd_value value_of(bhd_value_type type, uint64_t bits)
{
    bhd_value value = {.type = type};
    uint32_t half = (uint32_t)bits;
    if (type == BHD_I64 || type == BHD_F64)
        memcpy(&value.of, &bits, sizeof bits);
    else
        memcpy(&value.of, &half, sizeof half);
    return value;
}

static void require_round_trip(const bhd_value *value)
{
    char text[64] = {0};
    bhd_value again = {.type = BHD_I32};
    FILE *stream = fmemopen(text, sizeof text, "w");
    FUZZ_REQUIRE(stream != NULL);
    cli_value_print(stream, value);
    FUZZ_REQUIRE(fclose(stream) == 0 && text[0] != '\0' && strlen(text) < sizeof text - 1);
    FUZZ_REQUIRE(cli_value_parse(text, value->type, &again) == NULL);
    FUZZ_REQUIRE(again.type == value->type && bits_of(&again) == bits_of(value));
}

/* A whole number as two's complement of 64 bits, and whether it fits `bits`; by adding digit after
 * digit in 128 bits. */
static bool model_integer(const char *text, unsigned bits, uint64_t *pattern)
{
    static const char digits[] = "0123456789abcdef";
    __extension__ unsigned __int128 number = 0, most = (unsigned __int128)1 << bits;
    bool negative = text[0] == '-';
    unsigned base = 10;
    text += text[0] == '-' || text[0] == '+';
    if (text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        text += 2;
    }
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        char small = *text >= 'A' && *text <= 'F' ? (char)(*text | 0x20) : *text;
        const char *digit = strchr(digits, small);
        if (digit == NULL || digit - digits >= (int)base)
            return false;
        number = number * base + (unsigned)(digit - digits);
        if (number > most)
            number = most; /* too large, and stays so */
    }
    if (number >= most || (negative && number > most / 2))
        return false;
    *pattern = negative ? 0 - (uint64_t)number : (uint64_t)number;
    if (bits == 32)
        *pattern &= UINT32_MAX;
    return true;
}

static void try_text(const char *text, bhd_value_type type)
{
    static const bhd_value untouched = {.type = BHD_I64, .of.i64 = 0x5a5a5a5a5a5a5a5a};
    bhd_value value = untouched;
    uint64_t expected = 0;
    const char *problem = cli_value_parse(text, type, &value);
    if (type == BHD_I32 || type == BHD_I64) {
        bool fits = model_integer(text, type == BHD_I32 ? 32 : 64, &expected);
        FUZZ_REQUIRE(fits == (problem == NULL));
        FUZZ_REQUIRE(!fits || bits_of(&value) == expected);
    }
    if (problem == NULL) {
        FUZZ_REQUIRE(value.type == type);
        require_round_trip(&value);
        return;
    }
    FUZZ_REQUIRE(strncmp(problem, "is ", 3) == 0);
    FUZZ_REQUIRE(value.type == untouched.type && value.of.i64 == untouched.of.i64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[MOST_TEXT + 1];
    size_t length = size < MOST_TEXT ? size : MOST_TEXT;
    fuzz_input input = {data, data + size};
    uint64_t bits = fuzz_number(&input, 8);
    if (size > 0)
        memcpy(text, data, length);
    text[length] = '\0';
    for (int type = BHD_I32; type <= BHD_F64; type++) {
        bhd_value value = value_of((bhd_value_type)type, bits);
        require_round_trip(&value);
        try_text(text, (bhd_value_type)type);
    }
    return 0;
}
