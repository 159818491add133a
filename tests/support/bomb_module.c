/*
 * The sections of a module. How many bytes each gets is drawn over some orders of magnitude, and
 * with them how many items there are of what.
 */
#include "support/bomb_module.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const uint8_t bomb_kinds[BOMB_KINDS] = {BOMB_I32,  BOMB_I64,     BOMB_F32,       BOMB_F64,
                                        BOMB_V128, BOMB_FUNCREF, BOMB_EXTERNREF, BOMB_EXNREF};

/* Custom sections come between the others. */
enum part { TYPES, GLOBALS, EXPORTS, ELEMENTS, CODE, DATA, NAMES, CUSTOM, PARTS };

typedef struct writer {
    bomb_module m;
    bomb_text text;
    size_t bytes[PARTS];
    uint32_t function_max;
    bool has_large;
    uint8_t *kinds; /* of all signatures, one after the other */
    size_t kind_count, kind_max;
} writer;

static void *room_for(size_t count, size_t size)
{
    void *room = calloc(count ? count : 1, size);
    assert(room);
    return room;
}

/* -- types --------------------------------------------------------------------------------- */

static bomb_kind_list draw_kinds(writer *w, uint64_t most)
{
    bomb_chance *c = &w->m.chance;
    uint64_t count = bomb_one_in(c, 4) ? 0 : bomb_about(c, bomb_one_in(c, 16) ? most : 8);
    if (count > w->kind_max - w->kind_count)
        count = w->kind_max - w->kind_count;
    bomb_kind_list list = {w->kinds + w->kind_count, (uint32_t)count};
    uint8_t kind = bomb_kinds[bomb_below(c, BOMB_KINDS)];
    bool is_mixed = bomb_one_in(c, 2);
    for (uint64_t i = 0; i < count; i++) {
        w->kinds[w->kind_count++] = kind;
        if (is_mixed)
            kind = bomb_kinds[bomb_below(c, BOMB_KINDS)];
    }
    return list;
}

static void put_kinds(bomb_text *text, bomb_kind_list list)
{
    bomb_number(text, list.count);
    bomb_bytes(text, (const char *)list.kinds, list.count);
}

static void add_type(writer *w, bomb_text *items, bomb_signature type)
{
    w->m.types[w->m.type_count++] = type;
    bomb_byte(items, 0x60);
    put_kinds(items, type.parameters);
    put_kinds(items, type.results);
}

/* With what a handler of it gives. */
static void add_tag_types(writer *w, bomb_text *items)
{
    bomb_kind_list takes = draw_kinds(w, 100), none = {NULL, 0};
    if (w->kind_count + takes.count + 1 > w->kind_max)
        return;
    uint8_t *with = w->kinds + w->kind_count;
    memcpy(with, takes.kinds, takes.count);
    with[takes.count] = BOMB_EXNREF;
    w->kind_count += takes.count + 1;
    add_type(w, items, (bomb_signature){takes, none});
    add_type(w, items, (bomb_signature){none, takes});
    add_type(w, items, (bomb_signature){none, {with, takes.count + 1}});
    w->m.tag_count++;
}

static void put_types(writer *w)
{
    bomb_chance *c = &w->m.chance;
    bomb_text items = {0};
    const uint32_t most = 400000;
    w->kind_max = w->bytes[TYPES] + 4096;
    w->kinds = room_for(w->kind_max, 1);
    w->m.types = room_for(most, sizeof *w->m.types);
    for (uint64_t tags = bomb_one_in(c, 2) ? 0 : bomb_about(c, 100); tags > 0; tags--)
        add_tag_types(w, &items);
    add_type(w, &items, (bomb_signature){{NULL, 0}, {NULL, 0}});
    while (items.size < w->bytes[TYPES] && w->m.type_count < most) {
        bomb_kind_list takes = draw_kinds(w, 1000);
        add_type(w, &items, (bomb_signature){takes, draw_kinds(w, 1000)});
    }
    bomb_vector(&w->text, 1, w->m.type_count, &items);
}

/* -- what a module has --------------------------------------------------------------------- */

/* Sizes are drawn before functions, so that each of them gets its share. */
static uint32_t draw_functions(writer *w)
{
    uint64_t most = w->bytes[CODE] / 8 + 1;
    if (most > w->function_max)
        most = w->function_max;
    return (uint32_t)(w->function_max == 1 ? 1 : bomb_about(&w->m.chance, most));
}

static void put_functions(writer *w)
{
    bomb_chance *c = &w->m.chance;
    bomb_text items = {0};
    w->m.function_count = draw_functions(w);
    w->m.functions = room_for(w->m.function_count, sizeof *w->m.functions);
    for (uint32_t i = 0; i < w->m.function_count; i++) {
        w->m.functions[i] =
            (uint32_t)(bomb_one_in(c, 2) ? bomb_below(c, w->m.type_count)
                                         : w->m.type_count - bomb_about(c, w->m.type_count));
        bomb_number(&items, w->m.functions[i]);
    }
    bomb_vector(&w->text, 3, w->m.function_count, &items);
}

static void put_tables_and_memories(writer *w)
{
    bomb_chance *c = &w->m.chance;
    bomb_text tables = {0}, memories = {0}, tags = {0};
    w->m.table_count = 2 + (uint32_t)bomb_below(c, 7);
    w->m.memory_count = 1 + (uint32_t)(bomb_one_in(c, 3) ? bomb_below(c, 15) : 0);
    for (uint32_t i = 0; i < w->m.table_count; i++) {
        w->m.tables[i] = i == 0 ? BOMB_FUNCREF : i == 1 ? BOMB_EXTERNREF : bomb_kinds[5 + i % 2];
        bomb_byte(&tables, w->m.tables[i]);
        bomb_byte(&tables, 0);
        bomb_number(&tables, bomb_below(c, 100));
    }
    for (uint32_t i = 0; i < w->m.memory_count; i++) {
        bomb_byte(&memories, 0);
        bomb_number(&memories, i == 0);
    }
    for (uint32_t i = 0; i < w->m.tag_count; i++) {
        bomb_byte(&tags, 0);
        bomb_number(&tags, 3 * i);
    }
    bomb_vector(&w->text, 4, w->m.table_count, &tables);
    bomb_vector(&w->text, 5, w->m.memory_count, &memories);
    bomb_vector(&w->text, 13, w->m.tag_count, &tags);
}

/* An expression that is an integer, with operators for what is left of the bytes. */
static void put_integer(writer *w, bomb_text *text, bool is_long, uint64_t operators)
{
    bomb_chance *c = &w->m.chance;
    static const uint8_t codes[] = {0x6a, 0x6b, 0x6c};
    for (uint64_t i = 0; i <= operators; i++) {
        bomb_byte(text, is_long ? 0x42 : 0x41);
        bomb_signed(text, (int64_t)bomb_below(c, 128));
        if (i > 0)
            bomb_byte(text, codes[bomb_below(c, 3)] + (is_long ? 0x12u : 0u));
    }
}

static void put_initial(writer *w, bomb_text *text, uint8_t kind)
{
    bomb_chance *c = &w->m.chance;
    static const char zeros[16];
    uint64_t operators = bomb_one_in(c, 2) ? 0 : bomb_about(c, bomb_one_in(c, 64) ? 2000 : 4);
    switch (kind) {
    case BOMB_I32:
    case BOMB_I64:
        put_integer(w, text, kind == BOMB_I64, operators);
        break;
    case BOMB_F32:
        bomb_byte(text, 0x43);
        bomb_bytes(text, zeros, 4);
        break;
    case BOMB_F64:
        bomb_byte(text, 0x44);
        bomb_bytes(text, zeros, 8);
        break;
    case BOMB_V128:
        bomb_bytes(text, "\xfd\x0c", 2);
        bomb_bytes(text, zeros, 16);
        break;
    case BOMB_FUNCREF:
        if (bomb_one_in(c, 2)) {
            bomb_byte(text, 0xd2);
            bomb_number(text, bomb_below(c, w->m.function_count));
            break;
        }
        bomb_bytes(text, "\xd0\x70", 2);
        break;
    default:
        bomb_byte(text, 0xd0);
        bomb_byte(text, kind);
        break;
    }
    bomb_byte(text, 0x0b);
}

static void put_globals(writer *w)
{
    bomb_chance *c = &w->m.chance;
    bomb_text items = {0};
    size_t most = w->bytes[GLOBALS] / 5 + 1;
    unsigned mutables = (unsigned)bomb_below(c, 101);
    w->m.globals = room_for(most, sizeof *w->m.globals);
    while (items.size < w->bytes[GLOBALS] && w->m.global_count < most) {
        bomb_global g = {bomb_kinds[bomb_below(c, BOMB_KINDS)], bomb_below(c, 100) < mutables};
        bomb_byte(&items, g.kind);
        bomb_byte(&items, g.is_mutable);
        put_initial(w, &items, g.kind);
        w->m.globals[w->m.global_count++] = g;
    }
    bomb_vector(&w->text, 6, w->m.global_count, &items);
}

static void put_exports(writer *w)
{
    bomb_chance *c = &w->m.chance;
    bomb_text items = {0};
    uint64_t count = 0;
    static char letters[5000];
    memset(letters, 'x', sizeof letters - 1);
    while (items.size < w->bytes[EXPORTS]) {
        uint32_t of[] = {w->m.function_count, w->m.table_count, w->m.memory_count,
                         w->m.global_count, w->m.tag_count};
        unsigned kind = bomb_one_in(c, 2) ? 0 : (unsigned)bomb_below(c, 5);
        uint64_t more = bomb_one_in(c, 16) ? bomb_about(c, sizeof letters - 1) : 0;
        bomb_text name = {0};
        bomb_printf(&name, "e%llu-%.*s", (unsigned long long)count, (int)more, letters);
        bomb_name(&items, name.data);
        bomb_free(&name);
        kind = of[kind] ? kind : 0;
        bomb_byte(&items, kind);
        bomb_number(&items, bomb_below(c, of[kind]));
        count++;
    }
    bomb_vector(&w->text, 7, count, &items);
}

/* Of functions or of expressions; active, passive or declared. */
static void put_segment(writer *w, bomb_text *items, uint8_t kind, uint64_t count)
{
    bomb_chance *c = &w->m.chance;
    bool is_plain = kind == BOMB_FUNCREF && bomb_one_in(c, 2);
    unsigned mode = (unsigned)bomb_below(c, 3); /* active, passive, declared */
    bomb_number(items, (mode == 0 ? 2u : mode == 1 ? 1u : 3u) + (is_plain ? 0 : 4));
    if (mode == 0) {
        bomb_number(items, kind == BOMB_EXTERNREF);
        put_initial(w, items, BOMB_I32);
    }
    bomb_byte(items, is_plain ? 0 : kind);
    bomb_number(items, count);
    for (uint64_t i = 0; i < count; i++) {
        if (is_plain)
            bomb_number(items, bomb_below(c, w->m.function_count));
        else
            put_initial(w, items, kind);
    }
}

static void put_elements(writer *w)
{
    bomb_chance *c = &w->m.chance;
    bomb_text items = {0};
    size_t most = w->bytes[ELEMENTS] / 4 + 2;
    w->m.segments = room_for(most, 1);
    w->m.declared =
        (uint32_t)bomb_below(c, (w->m.function_count < 1000 ? w->m.function_count : 1000) + 1);
    /* What bodies may name. */
    bomb_bytes(&items, "\3\0", 2);
    bomb_number(&items, w->m.declared);
    for (uint32_t i = 0; i < w->m.declared; i++)
        bomb_number(&items, i);
    w->m.segments[w->m.segment_count++] = BOMB_FUNCREF;
    while (items.size < w->bytes[ELEMENTS] && w->m.segment_count < most &&
           w->m.segment_count < 90000) {
        uint8_t kind = bomb_one_in(c, 4) ? BOMB_EXTERNREF : BOMB_FUNCREF;
        w->m.segments[w->m.segment_count++] = kind;
        put_segment(w, &items, kind,
                    bomb_about(c, bomb_one_in(c, 64) ? w->bytes[ELEMENTS] / 2 + 1 : 16));
    }
    bomb_vector(&w->text, 9, w->m.segment_count, &items);
}

static void put_data(writer *w, bomb_text *items)
{
    bomb_chance *c = &w->m.chance;
    uint64_t most = bomb_one_in(c, 2) ? 16 : w->bytes[DATA] / 2 + 1;
    while (items->size < w->bytes[DATA] && w->m.data_count < 90000) {
        unsigned mode = (unsigned)bomb_below(c, 3);
        uint64_t size = bomb_about(c, most);
        bomb_number(items, mode);
        if (mode == 2)
            bomb_number(items, bomb_below(c, w->m.memory_count));
        if (mode != 1)
            put_initial(w, items, BOMB_I32);
        bomb_number(items, size);
        for (uint64_t i = 0; i < size; i++)
            bomb_byte(items, (unsigned)bomb_draw(c) & 0xff);
        w->m.data_count++;
    }
}

/* Bodies need to know how many segments there are. */
static void put_code(writer *w)
{
    bomb_chance *c = &w->m.chance;
    bomb_text items = {0}, data = {0}, count = {0};
    put_data(w, &data);
    bomb_number(&count, w->m.data_count);
    bomb_section(&w->text, 12, &count);
    size_t rest = w->bytes[CODE];
    for (uint32_t i = 0; i < w->m.function_count; i++) {
        size_t share = rest / (w->m.function_count - i);
        size_t size = w->has_large && i == 0 ? rest / 2 : 2 + bomb_below(c, 2 * share + 1);
        if (size > 7000000)
            size = 7000000;
        size_t before = items.size;
        bomb_body(&w->m, i, size < rest ? size : rest, &items);
        rest -= rest < items.size - before ? rest : items.size - before;
    }
    bomb_vector(&w->text, 10, w->m.function_count, &items);
    bomb_vector(&w->text, 11, w->m.data_count, &data);
}

static void put_names(writer *w)
{
    bomb_text whole = {0}, names = {0}, section = {0};
    uint32_t count = 0;
    for (; count < w->m.function_count && names.size < w->bytes[NAMES]; count++) {
        bomb_number(&names, count);
        bomb_numbered(&names, 'f', count);
    }
    bomb_number(&section, count);
    bomb_bytes(&section, names.data ? names.data : "", names.size);
    bomb_free(&names);
    bomb_name(&whole, "name");
    bomb_section(&whole, 1, &section);
    bomb_section(&w->text, 0, &whole);
}

static void put_custom(writer *w)
{
    bomb_chance *c = &w->m.chance;
    for (size_t rest = w->bytes[CUSTOM]; rest > 8;) {
        bomb_text section = {0};
        size_t size = (size_t)bomb_about(c, rest);
        bomb_name(&section, bomb_one_in(c, 2) ? "custom" : "producers");
        for (size_t i = 0; i < size; i++)
            bomb_byte(&section, (unsigned)bomb_draw(c) & 0xff);
        bomb_section(&w->text, 0, &section);
        rest -= size < rest ? size : rest;
    }
}

/* -- all of it ----------------------------------------------------------------------------- */

static void write_module(writer *w, bomb_text *text)
{
    bomb_module_header(&w->text);
    put_types(w);
    put_functions(w);
    put_tables_and_memories(w);
    put_globals(w);
    put_exports(w);
    if (bomb_one_in(&w->m.chance, 8) && w->m.types[w->m.functions[0]].parameters.count == 0 &&
        w->m.types[w->m.functions[0]].results.count == 0) {
        bomb_text start = {0};
        bomb_number(&start, 0);
        bomb_section(&w->text, 8, &start);
    }
    put_elements(w);
    put_code(w);
    put_names(w);
    put_custom(w);
    bomb_bytes(text, w->text.data, w->text.size);
    bomb_free(&w->text);
    free(w->m.types);
    free(w->m.functions);
    free(w->m.globals);
    free(w->m.segments);
    free(w->kinds);
}

void bomb_module_make(size_t bytes, uint64_t seed, bomb_text *text)
{
    writer w = {.m.chance = {seed}, .function_max = 900000};
    uint64_t shares[PARTS], sum = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        shares[i] = bomb_one_in(&w.m.chance, 2) ? 0 : UINT64_C(1) << bomb_below(&w.m.chance, 8);
        sum += shares[i];
    }
    shares[CODE] += sum == 0;
    sum += sum == 0;
    for (unsigned i = 0; i < PARTS; i++)
        w.bytes[i] = (size_t)(bytes * shares[i] / sum);
    w.has_large = bomb_one_in(&w.m.chance, 2);
    write_module(&w, text);
}

void bomb_module_make_code(size_t bytes, uint64_t seed, uint32_t functions, bomb_text *text)
{
    writer w = {.m.chance = {seed}, .function_max = functions};
    w.bytes[CODE] = bytes - bytes / 64;
    w.bytes[TYPES] = w.bytes[GLOBALS] = bytes / 128;
    w.has_large = bomb_one_in(&w.m.chance, 4);
    write_module(&w, text);
}
