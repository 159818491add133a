/*
 * Trees of types: made, compared, freed, and read by their owners.
 */
#include "values/type.h"

#include "base/alloc.h"

#include <string.h>

#define SIMPLE(identifier)                                                                         \
    {                                                                                              \
        identifier, 0, NULL, NULL, 0, 1                                                            \
    }

static bhd_type simple_types[] = {
    SIMPLE(BHD_I32), SIMPLE(BHD_I64), SIMPLE(BHD_F32), SIMPLE(BHD_F64),  SIMPLE(BHD_BOOL),
    SIMPLE(BHD_S8),  SIMPLE(BHD_U8),  SIMPLE(BHD_S16), SIMPLE(BHD_U16),  SIMPLE(BHD_S32),
    SIMPLE(BHD_U32), SIMPLE(BHD_S64), SIMPLE(BHD_U64), SIMPLE(BHD_CHAR), SIMPLE(BHD_STRING),
};

static const char *const words[] = {
    "i32",     "i64",  "f32",    "f64",    "bool",  "s8",     "u8",     "s16",    "u16",
    "s32",     "u32",  "s64",    "u64",    "char",  "string", "list",   "record", "tuple",
    "variant", "enum", "option", "result", "flags", "own",    "borrow",
};

bhd_type *bhd__type_simple(bhd_value_type type)
{
    return (unsigned)type <= BHD_STRING ? &simple_types[type] : NULL;
}

const char *bhd__type_word(bhd_value_type type)
{
    return (unsigned)type <= BHD_BORROW ? words[type] : "no value";
}

bhd_type *bhd__type_new(bhd_value_type type, size_t count)
{
    if (count > UINT32_MAX)
        return NULL;
    bhd_type *t = bhd__calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->type = type;
    if (count > 0) {
        t->parts = bhd__calloc(count, sizeof *t->parts);
        if (!t->parts) {
            bhd__free(t);
            return NULL;
        }
        t->count = (uint32_t)count;
    }
    return t;
}

/* Recursion is bounded: whoever makes a type keeps to BHD__TYPE_DEPTH_MAX. */
static void free_parts(bhd_type *type)
{
    for (uint32_t i = 0; i < type->count; i++) {
        bhd__free(type->parts[i].name);
        bhd_type_free(type->parts[i].type);
    }
    bhd__free(type->parts);
    bhd__free(type->name);
}

void bhd_type_free(bhd_type *type)
{
    if (!type || bhd__type_simple((bhd_value_type)type->type) == type)
        return;
    free_parts(type);
    if (!type->is_shared)
        bhd__free(type);
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

bool bhd__type_equals(const bhd_type *a, const bhd_type *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->type != b->type || a->count != b->count || !same_text(a->name, b->name))
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!same_text(a->parts[i].name, b->parts[i].name) ||
            !bhd__type_equals(a->parts[i].type, b->parts[i].type))
            return false;
    return true;
}

size_t bhd__type_flat_count(const bhd_type *type)
{
    size_t sum = 0, most = 0;
    for (uint32_t i = 0; i < type->count; i++) {
        size_t one = type->parts[i].type ? bhd__type_flat_count(type->parts[i].type) : 0;
        sum += one;
        most = one > most ? one : most;
    }
    switch (type->type) {
    case BHD_STRING:
    case BHD_LIST:
        return 2;
    case BHD_RECORD:
    case BHD_TUPLE:
        return sum;
    case BHD_FLAGS:
        return (type->count + 31) / 32;
    default:
        return 1 + most;
    }
}

bool bhd__type_has_resource(const bhd_type *type)
{
    if (type == NULL)
        return false;
    if (type->type == BHD_OWN || type->type == BHD_BORROW)
        return true;
    for (uint32_t i = 0; i < type->count; i++)
        if (bhd__type_has_resource(type->parts[i].type))
            return true;
    return false;
}

size_t bhd__type_plain_bytes(bhd_value_type type)
{
    switch (type) {
    case BHD_BOOL:
    case BHD_S8:
    case BHD_U8:
        return 1;
    case BHD_S16:
    case BHD_U16:
        return 2;
    case BHD_S32:
    case BHD_U32:
    case BHD_F32:
    case BHD_CHAR:
        return 4;
    case BHD_S64:
    case BHD_U64:
    case BHD_F64:
        return 8;
    default:
        return 0;
    }
}

bhd_value_type bhd_type_get(const bhd_type *type)
{
    return (bhd_value_type)type->type;
}

size_t bhd_type_count(const bhd_type *type)
{
    return type->count;
}

const bhd_type *bhd_type_part(const bhd_type *type, size_t index)
{
    return index < type->count ? type->parts[index].type : NULL;
}

const char *bhd_type_part_name(const bhd_type *type, size_t index)
{
    return index < type->count && type->parts[index].name ? type->parts[index].name : "";
}

bool bhd_type_find(const bhd_type *type, const char *name, size_t *index)
{
    for (uint32_t i = 0; i < type->count; i++) {
        if (type->parts[i].name && strcmp(type->parts[i].name, name) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

const char *bhd_type_resource(const bhd_type *type)
{
    return type->name ? type->name : "";
}
