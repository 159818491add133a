/*
 * Bodies of functions made by chance, valid by construction: what lies on the stack is known, an
 * operator that needs something else gets it pushed first, and a block is left with exactly what it
 * has to give. Code that cannot be reached is made in the same way.
 *
 * How often what kind of operator comes is drawn anew for each function, over some orders of
 * magnitude, and so is how many values may lie on the stack, how deep blocks nest, and how what is
 * left over ends: dropped, kept in a local, or computed into something. One thread at a time.
 */
#include "support/bomb_function.h"
#include "support/bomb_operators.h"
#include "support/real_guest.h"

#include <stdlib.h>
#include <string.h>

enum kind_of_code {
    CONSTANT,
    LOCAL_GET,
    LOCAL_SET,
    LOCAL_TEE,
    GLOBAL_GET,
    GLOBAL_SET,
    SCALAR,
    VECTOR,
    SHUFFLE,
    ACCESS,
    MEMORY,
    TABLE,
    CALL,
    CALL_INDIRECT,
    TAIL_CALL,
    BLOCK,
    LOOP,
    CONDITION,
    HANDLER,
    BR,
    BR_IF,
    BR_TABLE,
    THROW,
    SELECT,
    DROP,
    REFERENCE,
    RETURN,
    UNREACHABLE,
    NOP,
    END,
    KINDS_OF_CODE,
};

/* -- blocks -------------------------------------------------------------------------------- */

static bool same(bomb_kind_list a, bomb_kind_list b)
{
    return a.count == b.count && (a.count == 0 || memcmp(a.kinds, b.kinds, a.count) == 0);
}

static bomb_kind_list label_of(const bomb_frame *f)
{
    return f->opcode == 0x03 ? f->type.parameters : f->type.results;
}

static void open_frame(bomb_function *b, uint8_t opcode, bomb_signature type)
{
    b->frames[b->depth++] = (bomb_frame){opcode, b->height - type.parameters.count, type};
}

/* What a block takes and gives, written: nothing, one value, or a type of the module. */
static bomb_signature draw_block_type(bomb_function *b, bomb_text *text)
{
    bomb_chance *c = &b->m->chance;
    uint64_t way = bomb_below(c, 4);
    if (way == 0 && b->m->type_count) {
        uint32_t type = (uint32_t)bomb_below(c, b->m->type_count);
        if (b->m->types[type].parameters.count + b->m->types[type].results.count < 2000) {
            bomb_signed(text, type);
            return b->m->types[type];
        }
    }
    if (way == 1) {
        const uint8_t *kind = &bomb_kinds[bomb_below(c, BOMB_KINDS)];
        bomb_byte(text, *kind);
        return (bomb_signature){{NULL, 0}, {kind, 1}};
    }
    bomb_byte(text, 0x40);
    return (bomb_signature){{NULL, 0}, {NULL, 0}};
}

static void put_block(bomb_function *b, uint8_t opcode)
{
    bomb_text type = {0};
    bomb_signature takes = draw_block_type(b, &type);
    bomb_need(b, takes.parameters);
    if (opcode == 0x04) {
        bomb_put_value(b, BOMB_I32);
        b->height--;
    }
    bomb_byte(&b->out, opcode);
    bomb_bytes(&b->out, type.data, type.size);
    bomb_free(&type);
    open_frame(b, opcode, takes);
}

/* A block to go to, and a block with handlers in it. */
static void put_handlers(bomb_function *b)
{
    bomb_chance *c = &b->m->chance;
    static const uint8_t exception[] = {BOMB_EXNREF};
    uint64_t way = b->m->tag_count ? bomb_below(c, 4) : 2 + bomb_below(c, 2);
    uint32_t tag = b->m->tag_count ? (uint32_t)bomb_below(c, b->m->tag_count) : 0;
    uint64_t count = bomb_one_in(c, 8) ? bomb_about(c, 1000) : 1 + bomb_below(c, 3);
    bomb_signature to = {{NULL, 0}, {NULL, 0}};
    bomb_byte(&b->out, 0x02);
    if (way < 2) {
        bomb_signed(&b->out, (int64_t)(3 * tag + 1 + way));
        to = b->m->types[3 * tag + 1 + way];
    } else if (way == 3) {
        bomb_byte(&b->out, BOMB_EXNREF);
        to.results = (bomb_kind_list){exception, 1};
    } else {
        bomb_byte(&b->out, 0x40);
    }
    open_frame(b, 0x02, to);
    bomb_text type = {0};
    bomb_signature takes = draw_block_type(b, &type);
    bomb_need(b, takes.parameters);
    bomb_byte(&b->out, 0x1f);
    bomb_bytes(&b->out, type.data, type.size);
    bomb_free(&type);
    bomb_number(&b->out, count);
    for (uint64_t i = 0; i < count; i++) {
        bomb_byte(&b->out, (unsigned)way);
        if (way < 2)
            bomb_number(&b->out, tag);
        bomb_number(&b->out, 0);
    }
    open_frame(b, 0x1f, takes);
}

/* Leaves the innermost block with what it gives on top of what was there before. */
static void settle(bomb_function *b, bomb_kind_list gives)
{
    if (b->height - bomb_base(b) == gives.count) {
        bomb_need(b, gives);
        if (b->height - bomb_base(b) == gives.count)
            return;
    }
    while (b->height > bomb_base(b))
        bomb_sink(b);
    for (uint32_t i = 0; i < gives.count; i++)
        bomb_put_value(b, gives.kinds[i]);
}

static void put_end(bomb_function *b)
{
    bomb_frame *f = &b->frames[b->depth - 1];
    bool has_to = !same(f->type.parameters, f->type.results);
    settle(b, f->type.results);
    b->height = f->base;
    if (f->opcode == 0x04 && (has_to || bomb_one_in(&b->m->chance, 2))) {
        bomb_byte(&b->out, 0x05);
        f->opcode = 0x05;
        bomb_push_all(b, f->type.parameters);
        return;
    }
    bomb_byte(&b->out, 0x0b);
    bomb_signature type = f->type;
    b->depth--;
    if (b->depth)
        bomb_push_all(b, type.results);
}

/* -- operators ----------------------------------------------------------------------------- */

static void put_operator(bomb_function *b, const bomb_operator *table, size_t count)
{
    bomb_chance *c = &b->m->chance;
    const bomb_operator *o = &table[bomb_below(c, count)];
    bomb_need_letters(b, o->takes);
    b->height -= (uint32_t)strlen(o->takes);
    uint64_t code = o->first + bomb_below(c, (uint64_t)(o->last - o->first) + 1);
    if (o->prefix)
        bomb_byte(&b->out, o->prefix);
    if (o->prefix)
        bomb_number(&b->out, code);
    else
        bomb_byte(&b->out, (unsigned)code);
    if (o->lanes)
        bomb_byte(&b->out, (unsigned)bomb_below(c, o->lanes));
    bomb_push(b, bomb_kind_of(o->gives));
}

static void put_access(bomb_function *b)
{
    bomb_chance *c = &b->m->chance;
    const bomb_access *a = &bomb_accesses[bomb_below(c, COUNT_OF(bomb_accesses))];
    const char takes[] = {'i', a->takes[0], '\0'};
    bomb_need_letters(b, takes);
    b->height -= (uint32_t)strlen(takes);
    if (a->prefix)
        bomb_byte(&b->out, a->prefix);
    bomb_byte(&b->out, a->operator);
    uint64_t memory = bomb_below(c, b->m->memory_count);
    bomb_number(&b->out, bomb_below(c, a->align + 1u) | (memory ? 0x40u : 0u));
    if (memory)
        bomb_number(&b->out, memory);
    bomb_number(&b->out, bomb_one_in(c, 8) ? (uint32_t)bomb_draw(c) : bomb_below(c, 4096));
    if (a->lanes)
        bomb_byte(&b->out, (unsigned)bomb_below(c, a->lanes));
    if (a->gives)
        bomb_push(b, bomb_kind_of(a->gives));
}

static void put_memory(bomb_function *b)
{
    bomb_chance *c = &b->m->chance;
    uint64_t memory = bomb_below(c, b->m->memory_count);
    switch (bomb_below(c, 6)) {
    case 0:
        bomb_byte(&b->out, 0x3f);
        bomb_number(&b->out, memory);
        bomb_push(b, BOMB_I32);
        return;
    case 1:
        bomb_need_one(b, BOMB_I32);
        bomb_byte(&b->out, 0x40);
        bomb_number(&b->out, memory);
        return;
    case 2:
        bomb_need_letters(b, "iii");
        bomb_bytes(&b->out, "\xfc\x0b", 2);
        bomb_number(&b->out, memory);
        break;
    case 3:
        bomb_need_letters(b, "iii");
        bomb_bytes(&b->out, "\xfc\x0a", 2);
        bomb_number(&b->out, memory);
        bomb_number(&b->out, bomb_below(c, b->m->memory_count));
        break;
    case 4:
        if (b->m->data_count == 0)
            return;
        bomb_need_letters(b, "iii");
        bomb_bytes(&b->out, "\xfc\x08", 2);
        bomb_number(&b->out, bomb_below(c, b->m->data_count));
        bomb_number(&b->out, memory);
        break;
    default:
        if (b->m->data_count == 0)
            return;
        bomb_bytes(&b->out, "\xfc\x09", 2);
        bomb_number(&b->out, bomb_below(c, b->m->data_count));
        return;
    }
    b->height -= 3;
}

/* Table 0 has functions, table 1 other references. */
static void put_table(bomb_function *b)
{
    bomb_chance *c = &b->m->chance;
    uint32_t table = (uint32_t)bomb_below(c, b->m->table_count);
    uint8_t kind = b->m->tables[table];
    const uint8_t index_value[] = {BOMB_I32, kind}, value_count[] = {kind, BOMB_I32},
                  fill[] = {BOMB_I32, kind, BOMB_I32};
    switch (bomb_below(c, 7)) {
    case 0:
        bomb_need_one(b, BOMB_I32);
        b->height--;
        bomb_byte(&b->out, 0x25);
        bomb_number(&b->out, table);
        bomb_push(b, kind);
        return;
    case 1:
        bomb_need(b, (bomb_kind_list){index_value, 2});
        b->height -= 2;
        bomb_byte(&b->out, 0x26);
        bomb_number(&b->out, table);
        return;
    case 2:
        bomb_bytes(&b->out, "\xfc\x10", 2);
        bomb_number(&b->out, table);
        bomb_push(b, BOMB_I32);
        return;
    case 3:
        bomb_need(b, (bomb_kind_list){value_count, 2});
        b->height -= 2;
        bomb_bytes(&b->out, "\xfc\x0f", 2);
        bomb_number(&b->out, table);
        bomb_push(b, BOMB_I32);
        return;
    case 4:
        bomb_need(b, (bomb_kind_list){fill, 3});
        b->height -= 3;
        bomb_bytes(&b->out, "\xfc\x11", 2);
        bomb_number(&b->out, table);
        return;
    case 5:
        bomb_need_letters(b, "iii");
        b->height -= 3;
        bomb_bytes(&b->out, "\xfc\x0e", 2);
        bomb_number(&b->out, table);
        bomb_number(&b->out, table);
        return;
    default:
        if (b->m->segment_count == 0)
            return;
        uint32_t segment = (uint32_t)bomb_below(c, b->m->segment_count);
        if (b->m->segments[segment] == kind) {
            bomb_need_letters(b, "iii");
            b->height -= 3;
            bomb_bytes(&b->out, "\xfc\x0c", 2);
            bomb_number(&b->out, segment);
            bomb_number(&b->out, table);
        } else {
            bomb_bytes(&b->out, "\xfc\x0d", 2);
            bomb_number(&b->out, segment);
        }
        return;
    }
}

/* After what never comes back: the block mostly ends there too, or nearly everything would be code
 * that cannot be reached. */
static void cut(bomb_function *b)
{
    b->height = bomb_base(b);
    if (b->depth > 1 && !bomb_one_in(&b->m->chance, 8))
        put_end(b);
}

static void put_call(bomb_function *b, bool is_indirect, bool is_tail)
{
    bomb_chance *c = &b->m->chance;
    bomb_module *m = b->m;
    uint32_t function = (uint32_t)bomb_below(c, m->function_count);
    uint32_t type = is_indirect ? (uint32_t)bomb_below(c, m->type_count) : m->functions[function];
    const bomb_signature *s = &m->types[type];
    if (is_tail && !same(s->results, b->frames[0].type.results))
        return;
    bomb_need(b, s->parameters);
    if (is_indirect) {
        bomb_put_value(b, BOMB_I32);
        b->height--;
    }
    bomb_byte(&b->out, (is_indirect ? 0x11u : 0x10u) + (is_tail ? 2 : 0));
    bomb_number(&b->out, is_indirect ? type : function);
    if (is_indirect)
        bomb_number(&b->out, 0);
    b->height -= s->parameters.count;
    if (is_tail)
        cut(b);
    else
        bomb_push_all(b, s->results);
}

static void put_branch(bomb_function *b, bool is_conditional)
{
    uint32_t up = (uint32_t)bomb_below(&b->m->chance, bomb_one_in(&b->m->chance, 4) ? b->depth
                                                      : b->depth < 4                ? b->depth
                                                                                    : 4);
    bomb_need(b, label_of(&b->frames[b->depth - 1 - up]));
    if (is_conditional) {
        bomb_put_value(b, BOMB_I32);
        b->height--;
    }
    bomb_byte(&b->out, is_conditional ? 0x0d : 0x0c);
    bomb_number(&b->out, up);
    if (!is_conditional)
        cut(b);
}

static void put_branch_table(bomb_function *b)
{
    bomb_chance *c = &b->m->chance;
    uint32_t all[16], count = 0, first = (uint32_t)bomb_below(c, b->depth);
    bomb_kind_list label = label_of(&b->frames[b->depth - 1 - first]);
    all[count++] = first;
    for (unsigned tries = 0; tries < 64 && count < COUNT_OF(all); tries++) {
        uint32_t up = (uint32_t)bomb_below(c, b->depth);
        if (same(label, label_of(&b->frames[b->depth - 1 - up])))
            all[count++] = up;
    }
    size_t room = b->out.size < b->bytes ? b->bytes - b->out.size : 1;
    uint64_t targets = bomb_about(c, bomb_one_in(c, 16) ? 1 + room / 2 : 64);
    bomb_need(b, label);
    bomb_put_value(b, BOMB_I32);
    bomb_byte(&b->out, 0x0e);
    bomb_number(&b->out, targets);
    for (uint64_t i = 0; i <= targets; i++)
        bomb_number(&b->out, all[bomb_below(c, count)]);
    cut(b);
}

static void put_throw(bomb_function *b)
{
    if (b->m->tag_count && !bomb_one_in(&b->m->chance, 4)) {
        uint32_t tag = (uint32_t)bomb_below(&b->m->chance, b->m->tag_count);
        bomb_need(b, b->m->types[3 * tag].parameters);
        bomb_byte(&b->out, 0x08);
        bomb_number(&b->out, tag);
    } else {
        bomb_need_one(b, BOMB_EXNREF);
        bomb_byte(&b->out, 0x0a);
    }
    cut(b);
}

static void put_select(bomb_function *b)
{
    uint8_t kind = bomb_kinds[bomb_below(&b->m->chance, BOMB_KINDS)];
    const uint8_t takes[] = {kind, kind, BOMB_I32};
    bomb_need(b, (bomb_kind_list){takes, 3});
    b->height -= 2;
    bomb_bytes(&b->out, "\x1c\1", 2);
    bomb_byte(&b->out, kind);
}

static void put_local(bomb_function *b, unsigned opcode)
{
    if (b->group_count == 0)
        return;
    const bomb_group *g = &b->groups[bomb_below(&b->m->chance, b->group_count)];
    if (g->count == 0)
        return;
    if (opcode != 0x20)
        bomb_need_one(b, g->kind);
    if (opcode == 0x21)
        b->height--;
    if (opcode == 0x20)
        bomb_push(b, g->kind);
    bomb_byte(&b->out, opcode);
    bomb_number(&b->out, g->first + bomb_below(&b->m->chance, g->count));
}

static void put_global(bomb_function *b, bool is_set)
{
    if (b->m->global_count == 0)
        return;
    uint32_t at = (uint32_t)bomb_below(&b->m->chance, b->m->global_count);
    if (is_set && !b->m->globals[at].is_mutable)
        return;
    if (is_set) {
        bomb_need_one(b, b->m->globals[at].kind);
        b->height--;
    } else {
        bomb_push(b, b->m->globals[at].kind);
    }
    bomb_byte(&b->out, is_set ? 0x24 : 0x23);
    bomb_number(&b->out, at);
}

static void put_shuffle(bomb_function *b)
{
    bomb_need_letters(b, "vv");
    b->height--;
    bomb_bytes(&b->out, "\xfd\x0d", 2);
    for (unsigned i = 0; i < 16; i++)
        bomb_byte(&b->out, (unsigned)bomb_below(&b->m->chance, 32));
}

static void put_reference(bomb_function *b)
{
    uint8_t kind = bomb_kinds[5 + bomb_below(&b->m->chance, 3)];
    if (bomb_one_in(&b->m->chance, 2)) {
        bomb_need_one(b, kind);
        b->height--;
        bomb_byte(&b->out, 0xd1);
        bomb_push(b, BOMB_I32);
    } else {
        bomb_put_value(b, kind);
    }
}

static void put_return(bomb_function *b, bool is_trap)
{
    if (!is_trap)
        bomb_need(b, b->frames[0].type.results);
    bomb_byte(&b->out, is_trap ? 0x00 : 0x0f);
    cut(b);
}

static bool never_comes_back(enum kind_of_code what)
{
    return what == BR || what == BR_TABLE || what == THROW || what == RETURN ||
           what == UNREACHABLE || what == TAIL_CALL;
}

static void put_one(bomb_function *b, enum kind_of_code what)
{
    if (b->depth == 1 && never_comes_back(what))
        return;
    bool may_open = b->depth + 2 < b->most_frames && b->height < b->most_values;
    switch (what) {
    case CONSTANT:
        bomb_put_constant(b, BOMB_I32);
        bomb_push(b, BOMB_I32);
        return;
    case LOCAL_GET:
        put_local(b, 0x20);
        return;
    case LOCAL_SET:
        put_local(b, 0x21);
        return;
    case LOCAL_TEE:
        put_local(b, 0x22);
        return;
    case GLOBAL_GET:
    case GLOBAL_SET:
        put_global(b, what == GLOBAL_SET);
        return;
    case SCALAR:
        put_operator(b, bomb_scalars, COUNT_OF(bomb_scalars));
        return;
    case VECTOR:
        put_operator(b, bomb_vectors, COUNT_OF(bomb_vectors));
        return;
    case SHUFFLE:
        put_shuffle(b);
        return;
    case ACCESS:
        put_access(b);
        return;
    case MEMORY:
        put_memory(b);
        return;
    case TABLE:
        put_table(b);
        return;
    case CALL:
    case CALL_INDIRECT:
        put_call(b, what == CALL_INDIRECT, false);
        return;
    case TAIL_CALL:
        put_call(b, bomb_one_in(&b->m->chance, 2), true);
        return;
    case BLOCK:
    case LOOP:
    case CONDITION:
        if (may_open)
            put_block(b, what == BLOCK ? 0x02 : what == LOOP ? 0x03 : 0x04);
        return;
    case HANDLER:
        if (may_open)
            put_handlers(b);
        return;
    case BR:
    case BR_IF:
        put_branch(b, what == BR_IF);
        return;
    case BR_TABLE:
        put_branch_table(b);
        return;
    case THROW:
        put_throw(b);
        return;
    case SELECT:
        put_select(b);
        return;
    case DROP:
        if (b->height > bomb_base(b))
            bomb_sink(b);
        return;
    case REFERENCE:
        put_reference(b);
        return;
    case RETURN:
    case UNREACHABLE:
        put_return(b, what == UNREACHABLE);
        return;
    case END:
        if (b->depth > 1)
            put_end(b);
        return;
    default:
        bomb_byte(&b->out, 0x01);
        return;
    }
}

/* -- functions ----------------------------------------------------------------------------- */

/* How often which kind of operator comes. */
typedef struct habits {
    uint32_t weights[KINDS_OF_CODE], weight;
} habits;

static void draw_locals(bomb_function *b, const bomb_signature *type)
{
    bomb_chance *c = &b->m->chance;
    for (uint32_t i = 0; i < type->parameters.count; i++, b->local_count++)
        if (b->group_count < BOMB_GROUPS_MAX / 2)
            b->groups[b->group_count++] =
                (bomb_group){b->local_count, 1, type->parameters.kinds[i]};
    uint32_t groups = bomb_one_in(c, 4) ? 0 : (uint32_t)bomb_about(c, BOMB_GROUPS_MAX / 2);
    uint64_t room = 50000 - b->local_count;
    bomb_number(&b->out, groups);
    for (uint32_t i = 0; i < groups; i++) {
        uint64_t most = bomb_one_in(c, 16) ? room : b->bytes / 4 + 1;
        uint32_t count = (uint32_t)(room ? bomb_about(c, most < room ? most : room) : 0);
        uint8_t kind = bomb_kinds[bomb_below(c, BOMB_KINDS)];
        room -= count;
        bomb_number(&b->out, count);
        bomb_byte(&b->out, kind);
        b->groups[b->group_count++] = (bomb_group){b->local_count, count, kind};
        b->local_count += count;
    }
}

static void draw_habits(bomb_function *b, habits *h)
{
    bomb_chance *c = &b->m->chance;
    for (unsigned i = 0; i < KINDS_OF_CODE; i++) {
        h->weights[i] = bomb_one_in(c, 3) ? 0 : 1u << bomb_below(c, 8);
        h->weight += h->weights[i];
    }
    h->weights[SCALAR] += h->weight == 0;
    h->weight += h->weight == 0;
    b->most_values = (uint32_t)bomb_about(c, 50000);
    b->most_frames = 2 + (uint32_t)bomb_about(c, BOMB_FRAMES_MAX - 10);
    b->dropped = (unsigned)bomb_below(c, 101);
    b->folded = (unsigned)bomb_below(c, 101 - b->dropped);
}

static enum kind_of_code draw_code(bomb_function *b, const habits *h)
{
    uint64_t at = bomb_below(&b->m->chance, h->weight);
    unsigned i = 0;
    while (at >= h->weights[i])
        at -= h->weights[i++];
    return (enum kind_of_code)i;
}

void bomb_body(bomb_module *module, uint32_t number, size_t bytes, bomb_text *text)
{
    const bomb_signature *type = &module->types[module->functions[number]];
    static uint8_t stack[BOMB_STACK_MAX];
    static bomb_frame frames[BOMB_FRAMES_MAX];
    habits h = {{0}, 0};
    bomb_function b = {.m = module, .bytes = bytes, .stack = stack, .frames = frames};
    if (bytes < 2 * (size_t)type->results.count + 4) {
        bomb_bytes(text, "\3\0\0\x0b", 4);
        return;
    }
    draw_habits(&b, &h);
    draw_locals(&b, type);
    open_frame(&b, 0x02, (bomb_signature){{NULL, 0}, type->results});
    /* Each block that is open needs some bytes at the end; blocks that add nothing come to an end
     * too. */
    for (size_t tries = 0; b.out.size + b.depth < bytes && tries < bytes; tries++) {
        put_one(&b, draw_code(&b, &h));
        while (b.height > b.most_values && b.height > bomb_base(&b))
            bomb_sink(&b);
    }
    while (b.depth)
        put_end(&b);
    bomb_sized(text, &b.out);
}
