/*
 * One component lifts functions of types drawn from all that there are, another one lowers them,
 * and a third connects the two: for each function and each instance of the second the engine makes
 * an adapter, which reads every value in the one's encoding and writes it in the other's.
 */
#include "support/bomb_component.h"
#include "support/bomb_module.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* More core values than these go through memory. */
#define FLAT_MAX 16
#define TYPES_MAX 2000
#define FUNCTIONS_MAX 20000
#define PARAMETERS_MAX 24

typedef struct flat {
    uint8_t kinds[FLAT_MAX];
    uint32_t count; /* FLAT_MAX + 1: too many */
} flat;

typedef struct function {
    flat takes, gives;
    size_t begin, size; /* its type in `functions_text` */
} function;

typedef struct plan {
    bomb_chance chance;
    /* Definitions in which type k is numbered 2 k + 1: what an export or import made of it. */
    bomb_text types_text, functions_text;
    size_t type_ends[TYPES_MAX];
    flat flats[TYPES_MAX];
    uint32_t type_count;
    function *functions;
    uint32_t function_count;
} plan;

/* -- types --------------------------------------------------------------------------------- */

static void flat_add(flat *to, uint8_t kind)
{
    if (to->count < FLAT_MAX)
        to->kinds[to->count] = kind;
    if (to->count <= FLAT_MAX)
        to->count++;
}

static void flat_append(flat *to, const flat *more)
{
    if (more->count > FLAT_MAX)
        to->count = FLAT_MAX + 1;
    for (uint32_t i = 0; i < more->count && i < FLAT_MAX; i++)
        flat_add(to, more->kinds[i]);
}

/* What both fit in, as the component model says it. */
static uint8_t join(uint8_t a, uint8_t b)
{
    if (a == b)
        return a;
    if ((a == BOMB_I32 && b == BOMB_F32) || (a == BOMB_F32 && b == BOMB_I32))
        return BOMB_I32;
    return BOMB_I64;
}

static void flat_join(flat *cases, const flat *more)
{
    if (more->count > FLAT_MAX)
        cases->count = FLAT_MAX + 1;
    for (uint32_t i = 0; i < more->count && i < FLAT_MAX && cases->count <= FLAT_MAX; i++) {
        if (i < cases->count)
            cases->kinds[i] = join(cases->kinds[i], more->kinds[i]);
        else
            flat_add(cases, more->kinds[i]);
    }
}

/* A primitive or a type that exists, written; what it is flat. */
static flat put_value_type(plan *p, bomb_text *text)
{
    static const struct {
        uint8_t code, kind, count;
    } primitives[] = {
        {0x7f, BOMB_I32, 1}, {0x7e, BOMB_I32, 1}, {0x7d, BOMB_I32, 1}, {0x7c, BOMB_I32, 1},
        {0x7b, BOMB_I32, 1}, {0x7a, BOMB_I32, 1}, {0x79, BOMB_I32, 1}, {0x78, BOMB_I64, 1},
        {0x77, BOMB_I64, 1}, {0x76, BOMB_F32, 1}, {0x75, BOMB_F64, 1}, {0x74, BOMB_I32, 1},
        {0x73, BOMB_I32, 2}, {0x73, BOMB_I32, 2},
    };
    flat f = {{0}, 0};
    if (p->type_count && bomb_one_in(&p->chance, 2)) {
        uint32_t of = (uint32_t)bomb_below(&p->chance, p->type_count);
        bomb_signed(text, 2 * (int64_t)of + 1);
        return p->flats[of];
    }
    size_t at = (size_t)bomb_below(&p->chance, sizeof primitives / sizeof *primitives);
    bomb_byte(text, primitives[at].code);
    for (unsigned i = 0; i < primitives[at].count; i++)
        flat_add(&f, primitives[at].kind);
    return f;
}

static flat with_discriminant(const flat *cases)
{
    flat f = {{0}, 0};
    flat_add(&f, BOMB_I32);
    flat_append(&f, cases);
    return f;
}

static flat put_parts(plan *p, bomb_text *text, unsigned code)
{
    uint64_t parts = bomb_about(&p->chance, code == 0x6e                  ? 32
                                            : bomb_one_in(&p->chance, 16) ? 300
                                                                          : 6);
    flat sum = {{0}, 0}, cases = {{0}, 0};
    bomb_number(text, parts);
    for (uint64_t i = 0; i < parts; i++) {
        if (code != 0x6f)
            bomb_numbered(text, 'n', i);
        bool has_value = code == 0x72 || code == 0x6f || bomb_one_in(&p->chance, 2);
        if (code == 0x71)
            bomb_byte(text, has_value);
        if (code == 0x6e || code == 0x6d || !has_value) {
            if (code == 0x71)
                bomb_byte(text, 0);
            continue;
        }
        flat one = put_value_type(p, text);
        flat_append(&sum, &one);
        flat_join(&cases, &one);
        if (code == 0x71)
            bomb_byte(text, 0);
    }
    if (code == 0x72 || code == 0x6f)
        return sum;
    if (code == 0x6e) {
        flat_add(&sum, BOMB_I32);
        return sum;
    }
    return with_discriminant(&cases);
}

static void add_type(plan *p)
{
    static const uint8_t codes[] = {0x72, 0x71, 0x70, 0x6f, 0x6e, 0x6d, 0x6b, 0x6a};
    uint8_t code = codes[bomb_below(&p->chance, sizeof codes)];
    flat f = {{0}, 0}, cases = {{0}, 0}, one;
    bomb_byte(&p->types_text, code);
    switch (code) {
    case 0x70:
        (void)put_value_type(p, &p->types_text);
        flat_add(&f, BOMB_I32);
        flat_add(&f, BOMB_I32);
        break;
    case 0x6b:
        cases = put_value_type(p, &p->types_text);
        f = with_discriminant(&cases);
        break;
    case 0x6a:
        for (unsigned i = 0; i < 2; i++) {
            bomb_byte(&p->types_text, 1);
            one = put_value_type(p, &p->types_text);
            flat_join(&cases, &one);
        }
        f = with_discriminant(&cases);
        break;
    default:
        f = put_parts(p, &p->types_text, code);
        break;
    }
    p->flats[p->type_count] = f;
    p->type_ends[p->type_count++] = p->types_text.size;
}

static void add_function(plan *p)
{
    function *f = &p->functions[p->function_count++];
    uint64_t parameters = bomb_below(&p->chance, bomb_one_in(&p->chance, 4) ? PARAMETERS_MAX : 4);
    flat one;
    f->begin = p->functions_text.size;
    bomb_byte(&p->functions_text, 0x40);
    bomb_number(&p->functions_text, parameters);
    for (uint64_t i = 0; i < parameters; i++) {
        bomb_numbered(&p->functions_text, 'p', i);
        one = put_value_type(p, &p->functions_text);
        flat_append(&f->takes, &one);
    }
    if (bomb_one_in(&p->chance, 4)) {
        bomb_bytes(&p->functions_text, "\1\0", 2);
    } else {
        bomb_byte(&p->functions_text, 0);
        f->gives = put_value_type(p, &p->functions_text);
    }
    f->size = p->functions_text.size - f->begin;
}

/* -- what the core functions are ------------------------------------------------------------ */

static void put_core_type(bomb_text *text, const function *f, bool is_lowered)
{
    static const char pointer = BOMB_I32;
    uint32_t takes = f->takes.count > FLAT_MAX ? 1 : f->takes.count;
    bool by_pointer = f->gives.count > 1;
    bomb_byte(text, 0x60);
    bomb_number(text, takes + (by_pointer && is_lowered));
    bomb_bytes(text, f->takes.count > FLAT_MAX ? &pointer : (const char *)f->takes.kinds, takes);
    if (by_pointer && is_lowered)
        bomb_byte(text, BOMB_I32);
    bomb_number(text, by_pointer ? !is_lowered : f->gives.count);
    if (by_pointer && !is_lowered)
        bomb_byte(text, BOMB_I32);
    else if (!by_pointer)
        bomb_bytes(text, (const char *)f->gives.kinds, f->gives.count);
}

/* A memory, an allocator and the functions; the last two as types 0 and 1 + i. */
static void put_callee(plan *p, bomb_text *text)
{
    bomb_text module = {0}, types = {0}, functions = {0}, exports = {0}, code = {0}, memory = {0};
    bomb_module_header(&module);
    bomb_bytes(&types, "\x60\4\x7f\x7f\x7f\x7f\1\x7f", 8);
    bomb_bytes(&functions, "\0", 1);
    bomb_bytes(&exports, "\1m\2\0\1r\0\0", 8);
    bomb_bytes(&code, "\3\0\0\x0b", 4);
    for (uint32_t i = 0; i < p->function_count; i++) {
        put_core_type(&types, &p->functions[i], false);
        bomb_number(&functions, i + 1);
        bomb_numbered(&exports, 'f', i);
        bomb_byte(&exports, 0);
        bomb_number(&exports, i + 1);
        bomb_bytes(&code, "\3\0\0\x0b", 4);
    }
    bomb_bytes(&memory, "\0\1", 2);
    bomb_vector(&module, 1, p->function_count + 1, &types);
    bomb_vector(&module, 3, p->function_count + 1, &functions);
    bomb_vector(&module, 5, 1, &memory);
    bomb_vector(&module, 7, p->function_count + 2, &exports);
    bomb_vector(&module, 10, p->function_count + 1, &code);
    bomb_section(text, 1, &module);
}

/* A module that imports them, lowered. */
static void put_caller(plan *p, bomb_text *text)
{
    bomb_text module = {0}, types = {0}, imports = {0};
    bomb_module_header(&module);
    for (uint32_t i = 0; i < p->function_count; i++) {
        put_core_type(&types, &p->functions[i], true);
        bomb_name(&imports, "");
        bomb_numbered(&imports, 'f', i);
        bomb_byte(&imports, 0);
        bomb_number(&imports, i);
    }
    bomb_vector(&module, 1, p->function_count, &types);
    bomb_vector(&module, 2, p->function_count, &imports);
    bomb_section(text, 1, &module);
}

/* -- the components ------------------------------------------------------------------------- */

static void put_options(plan *p, bomb_text *text)
{
    bomb_byte(text, 3);
    bomb_byte(text, (unsigned)bomb_below(&p->chance, 3));
    bomb_bytes(text, "\3\0\4\0", 4);
}

/* Memory 0 and the allocator as core function 0, of core instance 0. */
static void put_memory_aliases(bomb_text *text)
{
    bomb_text aliases = {0};
    bomb_bytes(&aliases, "\0\2\1\0\1m\0\0\1\0\1r", 12);
    bomb_vector(text, 6, 2, &aliases);
}

static void put_instance(bomb_text *text)
{
    bomb_text instance = {0};
    bomb_bytes(&instance, "\0\0\0", 3);
    bomb_vector(text, 2, 1, &instance);
}

static void put_types(plan *p, bomb_text *text, bool as_declarations)
{
    for (uint32_t i = 0; i < p->type_count; i++) {
        size_t begin = i ? p->type_ends[i - 1] : 0;
        bomb_text type = {0}, name = {0};
        bomb_bytes(&type, p->types_text.data + begin, p->type_ends[i] - begin);
        bomb_byte(&name, 0);
        bomb_numbered(&name, 't', i);
        bomb_byte(&name, 3);
        if (as_declarations) {
            bomb_byte(text, 1);
            bomb_bytes(text, type.data, type.size);
            bomb_free(&type);
            bomb_byte(&name, 0);
            bomb_number(&name, 2 * i);
            bomb_byte(text, 4);
            bomb_bytes(text, name.data, name.size);
            bomb_free(&name);
        } else {
            bomb_vector(text, 7, 1, &type);
            bomb_number(&name, 2 * i);
            bomb_byte(&name, 0);
            bomb_vector(text, 11, 1, &name);
        }
    }
}

static void put_lifting(plan *p, bomb_text *text)
{
    bomb_text inside = {0}, aliases = {0}, types = {0}, lifted = {0}, exports = {0};
    bomb_component_header(&inside);
    put_callee(p, &inside);
    put_instance(&inside);
    put_memory_aliases(&inside);
    put_types(p, &inside, false);
    for (uint32_t i = 0; i < p->function_count; i++) {
        bomb_bytes(&aliases, "\0\0\1\0", 4);
        bomb_numbered(&aliases, 'f', i);
        bomb_bytes(&types, p->functions_text.data + p->functions[i].begin, p->functions[i].size);
        bomb_bytes(&lifted, "\0\0", 2);
        bomb_number(&lifted, i + 1);
        put_options(p, &lifted);
        bomb_number(&lifted, 2 * p->type_count + i);
        bomb_byte(&exports, 0);
        bomb_numbered(&exports, 'f', i);
        bomb_byte(&exports, 1);
        bomb_number(&exports, i);
        bomb_byte(&exports, 0);
    }
    bomb_vector(&inside, 6, p->function_count, &aliases);
    bomb_vector(&inside, 7, p->function_count, &types);
    bomb_vector(&inside, 8, p->function_count, &lifted);
    bomb_vector(&inside, 11, p->function_count, &exports);
    bomb_section(text, 4, &inside);
}

static void put_lowering(plan *p, bomb_text *text)
{
    static const char giver[] = "\0asm\1\0\0\0"
                                "\1\x09\1\x60\4\x7f\x7f\x7f\x7f\1\x7f\3\2\1\0\5\3\1\0\1"
                                "\7\x09\2\1m\2\0\1r\0\0\x0a\5\1\3\0\0\x0b";
    bomb_text inside = {0}, module = {0}, type = {0}, import = {0}, aliases = {0}, lowered = {0},
              instances = {0};
    bomb_component_header(&inside);
    bomb_bytes(&module, giver, sizeof giver - 1);
    bomb_section(&inside, 1, &module);
    put_instance(&inside);
    put_memory_aliases(&inside);
    bomb_byte(&type, 0x42);
    bomb_number(&type, 2 * ((uint64_t)p->type_count + p->function_count));
    put_types(p, &type, true);
    for (uint32_t i = 0; i < p->function_count; i++) {
        bomb_byte(&type, 1);
        bomb_bytes(&type, p->functions_text.data + p->functions[i].begin, p->functions[i].size);
        bomb_bytes(&type, "\4\0", 2);
        bomb_numbered(&type, 'f', i);
        bomb_byte(&type, 1);
        bomb_number(&type, 2 * p->type_count + i);
        bomb_bytes(&aliases, "\1\0\0", 3);
        bomb_numbered(&aliases, 'f', i);
        bomb_bytes(&lowered, "\1\0", 2);
        bomb_number(&lowered, i);
        put_options(p, &lowered);
    }
    bomb_vector(&inside, 7, 1, &type);
    bomb_bytes(&import, "\0\1a\5\0", 5);
    bomb_vector(&inside, 10, 1, &import);
    bomb_vector(&inside, 6, p->function_count, &aliases);
    bomb_vector(&inside, 8, p->function_count, &lowered);
    put_caller(p, &inside);
    bomb_byte(&instances, 1);
    bomb_number(&instances, p->function_count);
    for (uint32_t i = 0; i < p->function_count; i++) {
        bomb_numbered(&instances, 'f', i);
        bomb_byte(&instances, 0);
        bomb_number(&instances, i + 1);
    }
    bomb_bytes(&instances, "\0\1\1\0\x12\1", 6);
    bomb_vector(&inside, 2, 2, &instances);
    bomb_section(text, 4, &inside);
}

void bomb_component_make_adapters(size_t bytes, uint64_t seed, bomb_text *text)
{
    plan *p = calloc(1, sizeof *p);
    assert(p);
    p->functions = calloc(FUNCTIONS_MAX, sizeof *p->functions);
    assert(p->functions);
    p->chance.state = seed;
    /* A type is written twice, and a function in eight places. */
    size_t of_types = (size_t)bomb_below(&p->chance, bytes / 2 + 1);
    while (2 * p->types_text.size < of_types && p->type_count < TYPES_MAX)
        add_type(p);
    do {
        add_function(p);
    } while (2 * (p->types_text.size + p->functions_text.size) + 100 * (size_t)p->function_count <
                 bytes &&
             p->function_count < FUNCTIONS_MAX);
    uint64_t callers = bomb_about(&p->chance, 8);
    bomb_text instances = {0};
    bomb_component_header(text);
    put_lifting(p, text);
    put_lowering(p, text);
    bomb_bytes(&instances, "\0\0\0", 3);
    for (uint64_t i = 0; i < callers; i++)
        bomb_bytes(&instances, "\0\1\1\1a\5\0", 7);
    bomb_vector(text, 5, callers + 1, &instances);
    bomb_free(&p->types_text);
    bomb_free(&p->functions_text);
    free(p->functions);
    free(p);
}
