/*
 * Modules of types: groups of types that refer to each other, structures below structures, arrays,
 * and functions that make, read and cast what they are. For hosts with garbage collection.
 */
#include "support/bomb_module.h"

#include <assert.h>
#include <stdlib.h>

enum shape { STRUCTURE, ARRAY, FUNCTION };

#define FIELDS_MAX 40

typedef struct field {
    uint8_t kind; /* 0x63: a reference, or null, to `of` */
    uint32_t of;
} field;

typedef struct type {
    enum shape shape;
    bool is_open; /* others may be below it */
    unsigned depth;
    uint32_t field_count;
    field fields[FIELDS_MAX];
} type;

typedef struct plan {
    bomb_chance chance;
    type *types;
    uint32_t count, most;
} plan;

/* -- types ----------------------------------------------------------------------------------- */

/* Of what came before and of its own group. */
static field draw_field(plan *p, uint32_t group_end)
{
    if (bomb_one_in(&p->chance, 2))
        return (field){0x63, (uint32_t)bomb_below(&p->chance, group_end)};
    return (field){bomb_kinds[bomb_below(&p->chance, 5)], 0};
}

static void put_field(bomb_text *text, const field *f)
{
    bomb_byte(text, f->kind);
    if (f->kind == 0x63)
        bomb_signed(text, f->of);
}

/* A structure may be below an earlier one that is open: its fields, and more. */
static const type *draw_above(plan *p, uint32_t *number)
{
    for (unsigned tries = 0; p->count && tries < 8; tries++) {
        *number = (uint32_t)bomb_below(&p->chance, p->count);
        const type *above = &p->types[*number];
        if (above->shape == STRUCTURE && above->is_open && above->depth < 60)
            return above;
    }
    return NULL;
}

static void put_structure(plan *p, bomb_text *text, type *t, uint32_t group_end)
{
    uint32_t number = 0;
    const type *above = bomb_one_in(&p->chance, 2) ? draw_above(p, &number) : NULL;
    uint64_t more = bomb_about(&p->chance, bomb_one_in(&p->chance, 16) ? FIELDS_MAX : 4);
    t->is_open = above || bomb_one_in(&p->chance, 2);
    if (above) {
        t->depth = above->depth + 1;
        t->field_count = above->field_count;
        for (uint32_t i = 0; i < above->field_count; i++)
            t->fields[i] = above->fields[i];
    }
    for (; more > 0 && t->field_count < FIELDS_MAX; more--)
        t->fields[t->field_count++] = draw_field(p, group_end);
    if (t->is_open) {
        bomb_byte(text, 0x50);
        bomb_number(text, above != NULL);
        if (above)
            bomb_number(text, number);
    }
    bomb_byte(text, 0x5f);
    bomb_number(text, t->field_count);
    for (uint32_t i = 0; i < t->field_count; i++) {
        put_field(text, &t->fields[i]);
        bomb_byte(text, 1);
    }
}

static void put_type(plan *p, bomb_text *text, uint32_t group_end)
{
    type *t = &p->types[p->count];
    t->shape = (enum shape)bomb_below(&p->chance, 3);
    switch (t->shape) {
    case STRUCTURE:
        put_structure(p, text, t, group_end);
        break;
    case ARRAY:
        t->fields[t->field_count++] = draw_field(p, group_end);
        bomb_byte(text, 0x5e);
        put_field(text, &t->fields[0]);
        bomb_byte(text, 1);
        break;
    case FUNCTION:
        t->field_count = (uint32_t)bomb_below(&p->chance, 6);
        bomb_byte(text, 0x60);
        bomb_number(text, t->field_count);
        for (uint32_t i = 0; i < t->field_count; i++) {
            t->fields[i] = draw_field(p, group_end);
            put_field(text, &t->fields[i]);
        }
        bomb_byte(text, 0);
        break;
    }
    p->count++;
}

/* -- code ------------------------------------------------------------------------------------ */

/* Makes one of a type, reads it, casts it, and forgets it. */
static void put_use(plan *p, bomb_text *text)
{
    uint32_t number = (uint32_t)bomb_below(&p->chance, p->count);
    const type *t = &p->types[number];
    if (t->shape == FUNCTION) {
        bomb_bytes(text, "\xd0\x70", 2);
        bomb_bytes(text, bomb_one_in(&p->chance, 2) ? "\xfb\x14" : "\xfb\x15", 2);
        bomb_signed(text, number);
        bomb_byte(text, 0x1a);
        return;
    }
    if (t->shape == ARRAY) {
        bomb_bytes(text, "\x41\4\xfb\7", 4);
        bomb_number(text, number);
        bomb_bytes(text, "\x41\0\xfb\x0b", 4);
        bomb_number(text, number);
        bomb_byte(text, 0x1a);
        return;
    }
    bomb_bytes(text, "\xfb\1", 2);
    bomb_number(text, number);
    if (bomb_one_in(&p->chance, 2)) {
        uint32_t below = (uint32_t)bomb_below(&p->chance, p->count);
        /* To any structure, which may be below this one or not be. */
        if (p->types[below].shape == STRUCTURE) {
            bomb_bytes(text, "\xfb\x15", 2);
            bomb_signed(text, below);
            bomb_byte(text, 0x1a);
            return;
        }
    }
    if (t->field_count) {
        bomb_bytes(text, "\xfb\2", 2);
        bomb_number(text, number);
        bomb_number(text, bomb_below(&p->chance, t->field_count));
    }
    bomb_byte(text, 0x1a);
}

void bomb_module_make_types(size_t bytes, uint64_t seed, bomb_text *text)
{
    plan p = {.chance = {seed}, .most = bytes < 400000 ? (uint32_t)bytes / 4 + 2 : 100000};
    size_t of_types = (size_t)bomb_below(&p.chance, bytes + 1), of_code = bytes - of_types;
    bomb_text types = {0}, functions = {0}, code = {0};
    uint64_t groups = 1, function_count = 0;
    p.types = calloc(p.most, sizeof *p.types);
    assert(p.types);
    /* Type 0 is that of the functions. */
    p.types[p.count++].shape = FUNCTION;
    bomb_bytes(&types, "\x60\0\0", 3);
    while (types.size < of_types && p.count < p.most) {
        uint64_t size = bomb_about(&p.chance, bomb_one_in(&p.chance, 16) ? of_types / 8 + 1 : 4);
        size = size < p.most - p.count ? size : p.most - p.count;
        bomb_byte(&types, 0x4e);
        bomb_number(&types, size);
        uint32_t group_end = p.count + (uint32_t)size;
        for (uint64_t i = 0; i < size; i++)
            put_type(&p, &types, group_end);
        groups++;
    }
    uint64_t each = bomb_about(&p.chance, of_code + 1);
    do {
        bomb_text body = {0};
        bomb_byte(&body, 0);
        while (body.size < each)
            put_use(&p, &body);
        bomb_byte(&body, 0x0b);
        bomb_sized(&code, &body);
        bomb_number(&functions, 0);
        function_count++;
    } while (code.size < of_code);
    bomb_module_header(text);
    bomb_vector(text, 1, groups, &types);
    bomb_vector(text, 3, function_count, &functions);
    bomb_vector(text, 10, function_count, &code);
    free(p.types);
}
