/*
 * Every vector of the binary format, each as a text from which a binary with any number of items is
 * made. The rows are data, so that a new vector is a new line; tests/structure/grammar.sh compares
 * what they say that they cover with what the engine's reader knows.
 *
 * The notation of a row, with n the number of items that is wanted:
 *
 *     61 0b         bytes
 *     #300          a number as LEB128
 *     'abc'         a name: its length and its bytes
 *     s             a name of n letters
 *     [...]         the size in bytes of what is inside, and what is inside
 *     N{...} R{...} the inside n times, i and $ being different each time; N begins with n
 *     T{...}        the same for the instances that the row makes of itself, beginning with their
 *                   number
 *     I J           n and n + 1, as LEB128
 *     i             which time it is, from 0, as LEB128
 *     $             a name made of that
 *     B             twenty types of values made of that
 *     D             n components inside one another, the first as a section
 *     M C           what modules and components begin with
 */
#ifndef BHD_TESTS_GRAMMAR_H
#define BHD_TESTS_GRAMMAR_H

#include "support/real_guest.h"

/* Above every max_component_bytes; an expansion stops there. */
#define GRAMMAR_BYTES_MAX MIB(18)
/* Instances of a row, where it is not alone: as many as a sandbox may have by default, and with one
 * that gives what they import and one that the engine makes between components. */
#define GRAMMAR_TIMES 64
#define GRAMMAR_TIMES_GIVEN 62

typedef enum grammar_kind {
    GRAMMAR_MODULE,    /* sections of a module */
    GRAMMAR_COMPONENT, /* sections of a component */
    GRAMMAR_INSTANCES, /* sections of a component that makes the instances itself */
} grammar_kind;

typedef struct grammar_vector {
    const char *name;
    /* What of the reader it covers, "Enum::Variant" or the name of a limit, separated by spaces. */
    const char *covers;
    grammar_kind kind;
    /* What loading one item has to come to, so that a row with a mistake in it is seen. */
    bhd_status one;
    /* The most that is tried: a little more than the reader or a host allows. */
    uint64_t most;
    /* On a host with garbage collection. */
    bool gc;
    const char *text;
} grammar_vector;

extern const grammar_vector grammar_modules[], grammar_code[], grammar_components[],
    grammar_types[], grammar_canonicals[];
extern const size_t grammar_module_count, grammar_code_count, grammar_component_count,
    grammar_type_count, grammar_canonical_count;

/* The binary of a row with `n` items, alone or in many instances; the caller frees `*binary`. */
size_t grammar_binary(const grammar_vector *vector, uint64_t n, bool many, uint8_t **binary);

#endif
