/*
 * Types of values as trees. The engine's crate builds the same struct from a binary (its layout is
 * held together in engine/code/values.c), type_parse.c builds it from text.
 *
 * A tree belongs to whoever made it and is immutable once it is made; any thread may read it.
 */
#ifndef BHD_VALUES_TYPE_H
#define BHD_VALUES_TYPE_H

#include "bulkhead/value.h"

/* Nested deeper than this is refused wherever a type comes from. */
#define BHD__TYPE_DEPTH_MAX 64

typedef struct bhd__type_part {
    char *name;     /* NULL: none */
    bhd_type *type; /* NULL: carries nothing */
} bhd__type_part;

struct bhd_type {
    uint32_t type; /* bhd_value_type */
    uint32_t count;
    bhd__type_part *parts;
    char *name;         /* of a resource type; or NULL */
    uint32_t resource;  /* tells resource types of one component apart; 0: unknown */
    uint32_t is_shared; /* belongs to nobody: one of the types below */
};

/* The types that need no memory: numbers, bool, char and string. NULL for others. */
bhd_type *bhd__type_simple(bhd_value_type type);
/* "u32", "record": the word for it. Never NULL. */
const char *bhd__type_word(bhd_value_type type);
/* A type with room for `count` parts, none of which is set. NULL without memory. */
bhd_type *bhd__type_new(bhd_value_type type, size_t count);
/* The same type, names included; resources by their names. */
bool bhd__type_equals(const bhd_type *a, const bhd_type *b);
/* Values on the stack that a value of the type is flattened to in a call. */
size_t bhd__type_flat_count(const bhd_type *type);
/* The type is a resource or has one in it. */
bool bhd__type_has_resource(const bhd_type *type);
/* How many bytes an element of a list takes that C keeps as an array of its own type; 0: an array
 * of bhd_value. */
size_t bhd__type_plain_bytes(bhd_value_type type);

#endif
