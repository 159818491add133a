/*
 * Values as text; see value_text.h. Pure functions; the process stays in the C locale.
 */
#include "value_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_decimal(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hexadecimal(char c)
{
    return is_decimal(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static unsigned digit_value(char c)
{
    if (is_decimal(c))
        return (unsigned)(c - '0');
    return (unsigned)((c | 0x20) - 'a') + 10;
}

static bool is_hexadecimal_prefix(const char *at)
{
    return at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
}

const char *cli_value_type_text(bhd_value_type type)
{
    switch (type) {
    case BHD_I32:
        return "i32";
    case BHD_I64:
        return "i64";
    case BHD_F32:
        return "f32";
    default:
        break;
    }
    return "f64";
}

/* Reads digits up to the end of the text; saturates and tells. False when it is not a number. */
static bool parse_digits(const char *at, uint64_t *number, bool *too_big)
{
    unsigned base = 10;
    if (is_hexadecimal_prefix(at)) {
        base = 16;
        at += 2;
    }
    if (*at == '\0')
        return false;
    *number = 0;
    *too_big = false;
    for (; *at != '\0'; at++) {
        if (base == 16 ? !is_hexadecimal(*at) : !is_decimal(*at))
            return false;
        if (__builtin_mul_overflow(*number, base, number) ||
            __builtin_add_overflow(*number, digit_value(*at), number))
            *too_big = true;
    }
    return true;
}

/* Reads a signed or unsigned integer of `bits` bits as its two's complement. */
static const char *parse_integer(const char *text, unsigned bits, uint64_t *pattern)
{
    uint64_t number, most;
    bool too_big;
    bool negative = text[0] == '-';

    if (!parse_digits(text + (text[0] == '-' || text[0] == '+'), &number, &too_big))
        return bits == 32 ? "is not an i32: write a whole number, decimal or 0x..."
                          : "is not an i64: write a whole number, decimal or 0x...";
    most = negative ? UINT64_C(1) << (bits - 1) : UINT64_MAX >> (64 - bits);
    if (too_big || number > most)
        return bits == 32 ? "is outside i32: -2147483648 to 4294967295"
                          : "is outside i64: -9223372036854775808 to 18446744073709551615";
    *pattern = negative ? UINT64_C(0) - number : number;
    return NULL;
}

/* Skips digits and one point; at least one digit must be there. NULL otherwise. */
static const char *skip_mantissa(const char *at, bool (*is_digit)(char))
{
    size_t digits = 0;
    for (; is_digit(*at); at++)
        digits++;
    if (*at == '.')
        at++;
    for (; is_digit(*at); at++)
        digits++;
    return digits > 0 ? at : NULL;
}

/* A finite number as strtod reads it, without its leniencies: no blanks, nothing after it. */
static bool is_finite_text(const char *at)
{
    bool hexadecimal = is_hexadecimal_prefix(at);
    at = hexadecimal ? skip_mantissa(at + 2, is_hexadecimal) : skip_mantissa(at, is_decimal);
    if (at == NULL)
        return false;
    char exponent = (char)(*at | 0x20);
    if (*at != '\0' && exponent == (hexadecimal ? 'p' : 'e')) {
        at++;
        at += *at == '-' || *at == '+';
        if (!is_decimal(*at))
            return false;
        while (is_decimal(*at))
            at++;
    }
    return *at == '\0';
}

/* "nan" and "nan:0x..." as bits of a float with `mantissa` payload bits; false for other texts. */
static bool parse_nan(const char *at, unsigned mantissa, uint64_t *payload)
{
    bool too_big;
    if (strcmp(at, "nan") == 0) {
        *payload = UINT64_C(1) << (mantissa - 1);
        return true;
    }
    return strncmp(at, "nan:0x", 6) == 0 && parse_digits(at + 4, payload, &too_big) && !too_big &&
           *payload > 0 && *payload >> mantissa == 0;
}

static const char *parse_f32(const char *text, float *number)
{
    const char *at = text + (text[0] == '-' || text[0] == '+');
    uint64_t payload;

    if (parse_nan(at, 23, &payload)) {
        uint32_t bits = (uint32_t)payload | UINT32_C(0x7f800000);
        bits |= text[0] == '-' ? UINT32_C(1) << 31 : 0;
        memcpy(number, &bits, sizeof bits);
        return NULL;
    }
    bool infinite = strcmp(at, "inf") == 0;
    if (!infinite && !is_finite_text(at))
        return "is not an f32: write a number, inf, -inf or nan";
    *number = strtof(text, NULL);
    return infinite || isfinite(*number) ? NULL : "is too large for f32; inf is written inf";
}

static const char *parse_f64(const char *text, double *number)
{
    const char *at = text + (text[0] == '-' || text[0] == '+');
    uint64_t payload;

    if (parse_nan(at, 52, &payload)) {
        uint64_t bits = payload | UINT64_C(0x7ff0000000000000);
        bits |= text[0] == '-' ? UINT64_C(1) << 63 : 0;
        memcpy(number, &bits, sizeof bits);
        return NULL;
    }
    bool infinite = strcmp(at, "inf") == 0;
    if (!infinite && !is_finite_text(at))
        return "is not an f64: write a number, inf, -inf or nan";
    *number = strtod(text, NULL);
    return infinite || isfinite(*number) ? NULL : "is too large for f64; inf is written inf";
}

const char *cli_value_parse(const char *text, bhd_value_type type, bhd_value *value)
{
    bhd_value parsed = {.type = type, .of = {.i64 = 0}};
    uint64_t pattern = 0;
    const char *problem = NULL;

    switch (type) {
    case BHD_I32: {
        problem = parse_integer(text, 32, &pattern);
        uint32_t low = (uint32_t)pattern;
        memcpy(&parsed.of.i32, &low, sizeof low);
        break;
    }
    case BHD_I64:
        problem = parse_integer(text, 64, &pattern);
        memcpy(&parsed.of.i64, &pattern, sizeof pattern);
        break;
    case BHD_F32:
        problem = parse_f32(text, &parsed.of.f32);
        break;
    case BHD_F64:
        problem = parse_f64(text, &parsed.of.f64);
        break;
    default:
        return "cannot be given to a core function";
    }
    if (problem == NULL)
        *value = parsed;
    return problem;
}

/* "nan", "-nan", or with the payload when it is not the usual one. */
static void print_nan(FILE *stream, bool negative, uint64_t payload, unsigned mantissa)
{
    fputs(negative ? "-nan" : "nan", stream);
    if (payload != UINT64_C(1) << (mantissa - 1))
        fprintf(stream, ":0x%" PRIx64, payload);
}

static void print_f32(FILE *stream, const float *number)
{
    uint32_t bits;
    memcpy(&bits, number, sizeof bits);
    if (isnan(*number))
        print_nan(stream, bits >> 31 != 0, bits & UINT32_C(0x7fffff), 23);
    else
        fprintf(stream, "%.9g", (double)*number);
}

static void print_f64(FILE *stream, const double *number)
{
    uint64_t bits;
    memcpy(&bits, number, sizeof bits);
    if (isnan(*number))
        print_nan(stream, bits >> 63 != 0, bits & UINT64_C(0xfffffffffffff), 52);
    else
        fprintf(stream, "%.17g", *number);
}

void cli_value_print(FILE *stream, const bhd_value *value)
{
    switch (value->type) {
    case BHD_I32:
        fprintf(stream, "%" PRId32, value->of.i32);
        break;
    case BHD_I64:
        fprintf(stream, "%" PRId64, value->of.i64);
        break;
    case BHD_F32:
        print_f32(stream, &value->of.f32);
        break;
    case BHD_F64:
        print_f64(stream, &value->of.f64);
        break;
    default:
        break;
    }
}
