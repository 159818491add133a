/*
 * Sizes as people write them: "2097152", "2_097_152", "512KiB", "1.5 MiB".
 *
 * Why so strict: "2MB", "2M" and "2m" mean 2,000,000 bytes to some and 2,097,152 to others, and
 * 2 millibytes in a neighbouring format. A limit that is read otherwise than it was meant is found
 * out in production, so everything but the two binary units is refused, with what to write.
 *
 * The arithmetic is exact: a fraction is kept as its decimal digits and doubled as often as the
 * unit has bits.
 */
#include "bulkhead/limits.h"

#include "base/checked.h"
#include "base/fail.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define KIB_BITS 10
#define MIB_BITS 20
#define KIB UINT64_C(1024)
#define MIB UINT64_C(1048576)
/* Digits of a fraction that are looked at. A whole number of bytes never has more than MIB_BITS
 * digits, trailing zeros aside. */
#define FRACTION_DIGITS 32
/* Bytes of a bad size that a message shows. */
#define SHOWN_BYTES 64

/* What a unit means. The strict ones are the grammar; the others are guesses for a suggestion. */
typedef struct size_unit {
    const char *name; /* in lower case */
    int bits;
} size_unit;

static const size_unit guesses[] = {
    {"", 0},         {"b", 0},         {"byte", 0},      {"bytes", 0},
    {"k", KIB_BITS}, {"kb", KIB_BITS}, {"ki", KIB_BITS}, {"kib", KIB_BITS},
    {"m", MIB_BITS}, {"mb", MIB_BITS}, {"mi", MIB_BITS}, {"mib", MIB_BITS},
    {"g", 30},       {"gb", 30},       {"gi", 30},       {"gib", 30},
};

/* A text cut into its parts. Pointers into the text. */
typedef struct size_parts {
    const char *whole; /* digits, perhaps with underscores */
    size_t whole_length;
    bool has_point;
    const char *fraction;
    size_t fraction_length;
    size_t spaces; /* between number and unit */
    const char *unit;
    size_t unit_length;
} size_parts;

/* Why a number cannot be what it says. */
typedef enum number_fault {
    NUMBER_FINE = 0,
    NUMBER_NOT_WRITTEN_SO, /* no digits, a leading zero, an underscore that is not between digits */
    NUMBER_TOO_LARGE,
    NUMBER_NOT_WHOLE, /* the number of bytes has a fraction; the value is rounded down */
} number_fault;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_digit_or_underscore(char c)
{
    return is_digit(c) || c == '_';
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c;
}

/* NUMBER [SPACES] UNIT, where UNIT is all that is left. */
static size_parts cut(const char *text, size_t length)
{
    const char *at = text, *end = text + length;
    size_parts parts = {.whole = text};
    while (at < end && is_digit_or_underscore(*at))
        at++;
    parts.whole_length = (size_t)(at - text);
    if (at < end && *at == '.') {
        parts.has_point = true;
        parts.fraction = ++at;
        while (at < end && is_digit_or_underscore(*at))
            at++;
        parts.fraction_length = (size_t)(at - parts.fraction);
    }
    while (at < end && *at == ' ') {
        at++;
        parts.spaces++;
    }
    parts.unit = at;
    parts.unit_length = (size_t)(end - at);
    return parts;
}

/* Digits with single underscores between them. */
static bool is_digit_run(const char *digits, size_t length)
{
    if (length == 0 || !is_digit(digits[0]) || !is_digit(digits[length - 1]))
        return false;
    for (size_t i = 1; i < length; i++)
        if (digits[i] == '_' && digits[i - 1] == '_')
            return false;
    return true;
}

static bool read_whole(const char *digits, size_t length, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] == '_')
            continue;
        if (!bhd__mul_u64(value, 10, &value) ||
            !bhd__add_u64(value, (uint64_t)(digits[i] - '0'), &value))
            return false;
    }
    *number = value;
    return true;
}

/* 0.DIGITS times 2 to the power of `bits`, rounded down; `*is_whole` says whether anything was cut
 * off. Doubling all digits once is one bit of the result. */
static uint64_t read_fraction(const char *digits, size_t length, int bits, bool *is_whole)
{
    unsigned char decimal[FRACTION_DIGITS] = {0};
    size_t used = 0;
    *is_whole = true;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] == '_')
            continue;
        if (used < FRACTION_DIGITS)
            decimal[used++] = (unsigned char)(digits[i] - '0');
        else if (digits[i] != '0')
            *is_whole = false;
    }
    uint64_t value = 0;
    for (int bit = 0; bit < bits; bit++) {
        unsigned carry = 0;
        for (size_t i = used; i-- > 0;) {
            unsigned doubled = decimal[i] * 2u + carry;
            decimal[i] = (unsigned char)(doubled % 10);
            carry = doubled / 10;
        }
        value = value << 1 | carry;
    }
    for (size_t i = 0; i < used; i++)
        if (decimal[i] != 0)
            *is_whole = false;
    return value;
}

/* The number of bytes that the parts say in a unit of 2 to the power of `bits`. */
static number_fault read_number(const size_parts *parts, int bits, uint64_t *bytes)
{
    bool leading_zero = parts->whole_length > 1 && parts->whole[0] == '0';
    if (leading_zero || !is_digit_run(parts->whole, parts->whole_length))
        return NUMBER_NOT_WRITTEN_SO;
    if (parts->has_point && !is_digit_run(parts->fraction, parts->fraction_length))
        return NUMBER_NOT_WRITTEN_SO;

    uint64_t whole, fraction = 0;
    bool is_whole = true;
    if (parts->has_point)
        fraction = read_fraction(parts->fraction, parts->fraction_length, bits, &is_whole);
    if (!read_whole(parts->whole, parts->whole_length, &whole) ||
        !bhd__mul_u64(whole, UINT64_C(1) << bits, &whole) || !bhd__add_u64(whole, fraction, bytes))
        return NUMBER_TOO_LARGE;
    return is_whole ? NUMBER_FINE : NUMBER_NOT_WHOLE;
}

static bool unit_is(const size_parts *parts, const char *name)
{
    return parts->unit_length == strlen(name) && memcmp(parts->unit, name, parts->unit_length) == 0;
}

/* The bits of a unit that the grammar has, in the place where it has it; -1 for every other. */
static int strict_unit(const size_parts *parts)
{
    if (parts->unit_length == 0)
        return parts->spaces == 0 && !parts->has_point ? 0 : -1;
    if (parts->spaces > 1)
        return -1;
    if (unit_is(parts, "KiB"))
        return KIB_BITS;
    return unit_is(parts, "MiB") ? MIB_BITS : -1;
}

/* What a unit was probably meant to be, or -1. */
static int guessed_unit(const size_parts *parts)
{
    for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) {
        const char *name = guesses[i].name;
        size_t length = strlen(name), same = 0;
        if (length != parts->unit_length)
            continue;
        while (same < length && lower(parts->unit[same]) == name[same])
            same++;
        if (same == length)
            return guesses[i].bits;
    }
    return -1;
}

/* The shortest text of the grammar for a number of bytes: "2MiB", "1.5MiB", "1000". */
static void add_grammar(bhd__text *text, uint64_t bytes)
{
    static const struct {
        uint64_t bytes;
        const char *name;
    } units[] = {{MIB, "MiB"}, {KIB, "KiB"}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        uint64_t unit = units[i].bytes;
        uint64_t hundredths = bytes % unit * 100;
        if (bytes < unit || hundredths % unit != 0)
            continue;
        bhd__text_printf(text, "%" PRIu64, bytes / unit);
        hundredths /= unit;
        if (hundredths % 10 != 0)
            bhd__text_printf(text, ".%02" PRIu64, hundredths);
        else if (hundredths != 0)
            bhd__text_printf(text, ".%" PRIu64, hundredths / 10);
        bhd__text_add(text, units[i].name);
        return;
    }
    bhd__text_printf(text, "%" PRIu64, bytes);
}

/* "write "2MiB" (2097152 bytes)", or "write 1000". */
static void add_suggestion(bhd__text *text, uint64_t bytes)
{
    char grammar[40];
    bhd__text form;
    bhd__text_init(&form, grammar, sizeof grammar);
    add_grammar(&form, bytes);
    if (is_digit(grammar[form.length - 1]))
        bhd__text_printf(text, "write %s", grammar);
    else
        bhd__text_printf(text, "write \"%s\" (%" PRIu64 " bytes)", grammar, bytes);
}

/* What was probably meant, with blanks around it and a plus sign overlooked. False: no idea. */
static bool add_guess(bhd__text *message, const char *text, size_t length)
{
    while (length > 0 && (*text == ' ' || *text == '\t' || *text == '+')) {
        text++;
        length--;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    size_parts parts = cut(text, length);
    while (parts.whole_length > 1 && parts.whole[0] == '0') {
        parts.whole++;
        parts.whole_length--;
    }
    int bits = guessed_unit(&parts);
    uint64_t bytes;
    if (bits < 0 || read_number(&parts, bits, &bytes) != NUMBER_FINE)
        return false;
    add_suggestion(message, bytes);
    return true;
}

/* Why the text is not a size and what to write. */
static void add_reason(bhd__text *message, const char *text, size_t length)
{
    size_parts parts = cut(text, length);
    uint64_t bytes = 0;
    int bits = strict_unit(&parts);
    number_fault fault = read_number(&parts, bits < 0 ? 0 : bits, &bytes);

    if (length == 0) {
        bhd__text_add(message, "is empty; write a number of bytes, or one with KiB or MiB");
    } else if (text[0] == '-') {
        bhd__text_add(message, "is negative; a size is 0 bytes or more");
    } else if (bits >= 0 && fault == NUMBER_TOO_LARGE) {
        bhd__text_printf(message, "is too large; a size is at most %" PRIu64 " bytes", UINT64_MAX);
    } else if (bits >= 0 && fault == NUMBER_NOT_WHOLE) {
        bhd__text_printf(message, "is not a whole number of bytes; write %" PRIu64, bytes);
        if (bytes < UINT64_MAX)
            bhd__text_printf(message, " or %" PRIu64, bytes + 1);
    } else if (parts.unit_length == 0 && parts.has_point && fault == NUMBER_NOT_WHOLE) {
        bhd__text_add(message, "is not a whole number of bytes; write one, or add KiB or MiB");
    } else {
        bhd__text_add(message, "is not a size; ");
        if (parts.unit_length > 0)
            bhd__text_add(message, "the units are KiB and MiB: ");
        if (!add_guess(message, text, length))
            bhd__text_add(message, "write for example 2097152, \"512KiB\" or \"1.5MiB\"");
    }
}

bhd_status bhd_size_parse(const char *text, size_t length, uint64_t *bytes, bhd_error *error)
{
    if (text == NULL || bytes == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "size: %s is NULL",
                         text == NULL ? "the text" : "the place for the bytes");
    size_parts parts = cut(text, length);
    int bits = strict_unit(&parts);
    uint64_t value;
    if (bits >= 0 && read_number(&parts, bits, &value) == NUMBER_FINE) {
        *bytes = value;
        return BHD_OK;
    }
    char reason[BHD_MESSAGE_SIZE];
    bhd__text message;
    bhd__text_init(&message, reason, sizeof reason);
    bhd__text_add(&message, "\"");
    bhd__text_add_escaped(&message, text, length, SHOWN_BYTES);
    bhd__text_add(&message, "\" ");
    add_reason(&message, text, length);
    return bhd__fail(error, BHD_LIMIT_INVALID, "%s", reason);
}

size_t bhd_size_to_text(uint64_t bytes, char *buffer, size_t capacity)
{
    char grammar[40];
    bhd__text form;
    bhd__text_init(&form, grammar, sizeof grammar);
    add_grammar(&form, bytes);

    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    size_t number = strspn(grammar, "0123456789.");
    bhd__text_add_bytes(&text, grammar, number);
    if (grammar[number] != '\0')
        bhd__text_printf(&text, " %s", grammar + number);
    else
        bhd__text_add(&text, bytes == 1 ? " byte" : " bytes");
    return text.length;
}
