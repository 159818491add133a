/*
 * See bomb_function.h.
 */
#include "support/bomb_function.h"

#include <stdlib.h>
#include <string.h>

uint8_t bomb_kind_of(char letter)
{
    switch (letter) {
    case 'i':
        return BOMB_I32;
    case 'I':
        return BOMB_I64;
    case 'f':
        return BOMB_F32;
    case 'F':
        return BOMB_F64;
    default:
        return BOMB_V128;
    }
}

void bomb_push(bomb_function *b, uint8_t kind)
{
    if (b->height == BOMB_STACK_MAX)
        abort();
    b->stack[b->height++] = kind;
}

uint32_t bomb_base(const bomb_function *b)
{
    return b->frames[b->depth - 1].base;
}

/* -- values -------------------------------------------------------------------------------- */

/* One of this type, or -1. */
static int64_t local_of(bomb_function *b, uint8_t kind)
{
    for (unsigned tries = 0; b->group_count && tries < 4; tries++) {
        const bomb_group *g = &b->groups[bomb_below(&b->m->chance, b->group_count)];
        if (g->kind == kind && g->count)
            return g->first + (int64_t)bomb_below(&b->m->chance, g->count);
    }
    return -1;
}

static int64_t global_of(bomb_function *b, uint8_t kind, bool is_mutable)
{
    const bomb_module *m = b->m;
    for (unsigned tries = 0; m->global_count && tries < 4; tries++) {
        uint32_t at = (uint32_t)bomb_below(&b->m->chance, m->global_count);
        if (m->globals[at].kind == kind && (m->globals[at].is_mutable || !is_mutable))
            return at;
    }
    return -1;
}

void bomb_put_constant(bomb_function *b, uint8_t kind)
{
    bomb_chance *c = &b->m->chance;
    char bits[16];
    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = (char)bomb_draw(c);
    switch (kind) {
    case BOMB_I32:
        bomb_byte(&b->out, 0x41);
        bomb_signed(&b->out, bomb_one_in(c, 4) ? (int32_t)bomb_draw(c) : (int)bomb_below(c, 64));
        return;
    case BOMB_I64:
        bomb_byte(&b->out, 0x42);
        bomb_signed(&b->out, (int64_t)bomb_draw(c) >> bomb_below(c, 64));
        return;
    case BOMB_F32:
        bomb_byte(&b->out, 0x43);
        bomb_bytes(&b->out, bits, 4);
        return;
    case BOMB_F64:
        bomb_byte(&b->out, 0x44);
        bomb_bytes(&b->out, bits, 8);
        return;
    case BOMB_V128:
        bomb_bytes(&b->out, "\xfd\x0c", 2);
        bomb_bytes(&b->out, bits, 16);
        return;
    case BOMB_FUNCREF:
        if (b->m->declared && bomb_one_in(c, 2)) {
            bomb_byte(&b->out, 0xd2);
            bomb_number(&b->out, bomb_below(c, b->m->declared));
            return;
        }
        break;
    default:
        break;
    }
    bomb_byte(&b->out, 0xd0);
    bomb_byte(&b->out, kind);
}

/* From wherever there is one. */
void bomb_put_value(bomb_function *b, uint8_t kind)
{
    int64_t local = bomb_one_in(&b->m->chance, 8) ? -1 : local_of(b, kind), global;
    if (local >= 0) {
        bomb_byte(&b->out, 0x20);
        bomb_number(&b->out, (uint64_t)local);
    } else if (bomb_one_in(&b->m->chance, 4) && (global = global_of(b, kind, false)) >= 0) {
        bomb_byte(&b->out, 0x23);
        bomb_number(&b->out, (uint64_t)global);
    } else {
        bomb_put_constant(b, kind);
    }
    bomb_push(b, kind);
}

/* Values of these types lie on top afterwards, as they did or new ones. */
void bomb_need(bomb_function *b, bomb_kind_list list)
{
    bool there = b->height - bomb_base(b) >= list.count;
    for (uint32_t i = 0; there && i < list.count; i++)
        there = b->stack[b->height - list.count + i] == list.kinds[i];
    for (uint32_t i = 0; !there && i < list.count; i++)
        bomb_put_value(b, list.kinds[i]);
}

void bomb_need_one(bomb_function *b, uint8_t kind)
{
    bomb_need(b, (bomb_kind_list){&kind, 1});
}

void bomb_need_letters(bomb_function *b, const char *letters)
{
    uint8_t kinds[4];
    uint32_t count = 0;
    for (; letters[count]; count++)
        kinds[count] = bomb_kind_of(letters[count]);
    bomb_need(b, (bomb_kind_list){kinds, count});
}

void bomb_push_all(bomb_function *b, bomb_kind_list list)
{
    for (uint32_t i = 0; i < list.count; i++)
        bomb_push(b, list.kinds[i]);
}

/* An operator that takes two of a type and gives one of it, or 0. */
static unsigned folding(uint8_t kind)
{
    switch (kind) {
    case BOMB_I32:
        return 0x6a;
    case BOMB_I64:
        return 0x85;
    case BOMB_F32:
        return 0x92;
    case BOMB_F64:
        return 0xa2;
    default:
        return 0;
    }
}

/* Takes the value on top away. */
void bomb_sink(bomb_function *b)
{
    uint8_t kind = b->stack[b->height - 1];
    uint64_t way = bomb_below(&b->m->chance, 100);
    int64_t to = -1;
    bool is_pair = b->height - bomb_base(b) >= 2 && b->stack[b->height - 2] == kind;
    b->height--;
    if (way >= b->dropped && way < b->dropped + b->folded && is_pair && folding(kind)) {
        bomb_byte(&b->out, folding(kind));
    } else if (way >= b->dropped && (to = local_of(b, kind)) >= 0) {
        bomb_byte(&b->out, 0x21);
        bomb_number(&b->out, (uint64_t)to);
    } else if (way >= b->dropped && (to = global_of(b, kind, true)) >= 0) {
        bomb_byte(&b->out, 0x24);
        bomb_number(&b->out, (uint64_t)to);
    } else {
        bomb_byte(&b->out, 0x1a);
    }
}
