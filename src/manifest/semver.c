/*
 * SemVer 2.0: the grammar, and a guess for what misses it.
 */
#include "manifest/semver.h"

#include "base/text.h"

#define CORE_NUMBERS 3

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_identifier_character(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
}

/* Where the digits that begin at `at` end. */
static size_t digits_end(const char *text, size_t size, size_t at)
{
    while (at < size && is_digit(text[at]))
        at++;
    return at;
}

/* "1.2.3": false, or true with the end in `*at`. */
static bool read_core(const char *text, size_t size, size_t *at)
{
    for (int number = 0; number < CORE_NUMBERS; number++) {
        if (number > 0 && (*at == size || text[(*at)++] != '.'))
            return false;
        size_t end = digits_end(text, size, *at);
        bool has_leading_zero = end - *at > 1 && text[*at] == '0';
        if (end == *at || has_leading_zero)
            return false;
        *at = end;
    }
    return true;
}

/* "alpha.1": identifiers with dots between them. Only builds may have numbers that begin with 0. */
static bool read_identifiers(const char *text, size_t size, size_t *at, bool is_build)
{
    for (;;) {
        size_t begin = *at;
        while (*at < size && is_identifier_character(text[*at]))
            (*at)++;
        if (*at == begin)
            return false;
        bool is_number = digits_end(text, *at, begin) == *at;
        if (!is_build && is_number && *at - begin > 1 && text[begin] == '0')
            return false;
        if (*at == size || text[*at] != '.')
            return true;
        (*at)++;
    }
}

bool bhd__semver_is_valid(const char *text, size_t size)
{
    size_t at = 0;
    if (!read_core(text, size, &at))
        return false;
    if (at < size && text[at] == '-') {
        at++;
        if (!read_identifiers(text, size, &at, false))
            return false;
    }
    if (at < size && text[at] == '+') {
        at++;
        if (!read_identifiers(text, size, &at, true))
            return false;
    }
    return at == size;
}

bool bhd__semver_suggest(const char *text, size_t size, char *buffer, size_t capacity)
{
    bhd__text version;
    bhd__text_init(&version, buffer, capacity);
    size_t at = 0;
    while (at < size && text[at] == ' ')
        at++;
    while (size > at && text[size - 1] == ' ')
        size--;
    if (at < size && (text[at] == 'v' || text[at] == 'V'))
        at++;
    int numbers = 0;
    while (numbers < CORE_NUMBERS) {
        size_t end = digits_end(text, size, at);
        if (end == at)
            return false;
        while (end - at > 1 && text[at] == '0')
            at++;
        bhd__text_add(&version, numbers == 0 ? "" : ".");
        bhd__text_add_bytes(&version, text + at, end - at);
        numbers++;
        at = end;
        if (at == size || text[at] != '.' || numbers == CORE_NUMBERS)
            break;
        at++;
    }
    for (; numbers < CORE_NUMBERS; numbers++)
        bhd__text_add(&version, ".0");
    bhd__text_add_bytes(&version, text + at, size - at);
    return version.length < capacity && bhd__semver_is_valid(buffer, version.length);
}
