/*
 * A walk: at each step one item is added of what can be added then. What exists so far is counted,
 * as far as later items refer to it.
 */
#include "support/bomb_component.h"
#include "support/bomb_module.h"

#include <string.h>

enum { CORE_FUNCTION = 0x00, FUNCTION = 0x01, TYPE = 0x03, COMPONENT = 0x04, INSTANCE = 0x05 };

#define VALUES_MAX 4096

typedef struct scope {
    bomb_chance *chance;
    bomb_text *text;
    const struct scope *outer;
    unsigned depth;
    bool may_import;
    /* Core functions that take and give nothing are `plain`; functions all do, and have type 0. */
    uint32_t core_functions, plain[64], plain_count;
    uint32_t modules, core_instances, core_memories, core_tables, core_globals;
    uint32_t types, functions, components, instances;
    /* Instances that have the exports of every component here. */
    uint32_t rich[64], rich_count;
    /* Types of values and of resources; the last ones that came. */
    uint32_t values[VALUES_MAX], value_count, resources[64], resource_count;
    uint64_t names;
} scope;

static void remember(uint32_t *list, uint32_t most, uint32_t *count, uint32_t index)
{
    list[*count % most] = index;
    *count += 1;
}

static uint32_t recall(scope *s, const uint32_t *list, uint32_t most, uint32_t count)
{
    return list[bomb_below(s->chance, count < most ? count : most)];
}

/* -- types --------------------------------------------------------------------------------- */

static void put_value_type(scope *s, bomb_text *text)
{
    static const uint8_t primitives[] = {0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x7a, 0x79,
                                         0x78, 0x77, 0x76, 0x75, 0x74, 0x73};
    if (s->value_count && bomb_one_in(s->chance, 2))
        bomb_signed(text, recall(s, s->values, VALUES_MAX, s->value_count));
    else
        bomb_byte(text, primitives[bomb_below(s->chance, sizeof primitives)]);
}

/* Types grow in depth and in size; the engine has bounds on both, and refuses beyond. */
static void put_defined_type(scope *s, bomb_text *text)
{
    static const uint8_t codes[] = {0x72, 0x71, 0x70, 0x6f, 0x6e, 0x6d, 0x6b, 0x6a};
    uint8_t code = codes[bomb_below(s->chance, sizeof codes)];
    bool is_flags = code == 0x6e;
    uint64_t parts = bomb_about(s->chance, is_flags ? 32 : bomb_one_in(s->chance, 16) ? 500 : 6);
    bomb_byte(text, code);
    if (code == 0x70 || code == 0x6b) {
        put_value_type(s, text);
        return;
    }
    if (code == 0x6a) {
        for (unsigned i = 0; i < 2; i++) {
            bomb_byte(text, 1);
            put_value_type(s, text);
        }
        return;
    }
    bomb_number(text, parts);
    for (uint64_t i = 0; i < parts; i++) {
        if (code != 0x6f)
            bomb_numbered(text, 'n', i);
        if (code == 0x71)
            bomb_byte(text, 1);
        if (code == 0x72 || code == 0x71 || code == 0x6f)
            put_value_type(s, text);
        if (code == 0x71)
            bomb_byte(text, 0);
    }
}

static void put_function_type(scope *s, bomb_text *text)
{
    uint64_t parameters = bomb_about(s->chance, bomb_one_in(s->chance, 16) ? 200 : 6);
    bomb_byte(text, 0x40);
    bomb_number(text, parameters);
    for (uint64_t i = 0; i < parameters; i++) {
        bomb_numbered(text, 'p', i);
        put_value_type(s, text);
    }
    bomb_byte(text, 0);
    put_value_type(s, text);
}

/* Of a component or of an instance, with types in it to some depth. */
static void put_declarations(scope *s, bomb_text *text, unsigned depth)
{
    bool is_component = bomb_one_in(s->chance, 2);
    uint64_t count = bomb_about(s->chance, bomb_one_in(s->chance, 8) ? 300 : 5);
    bool goes_deeper = depth < 20 && !bomb_one_in(s->chance, 3);
    bomb_byte(text, is_component ? 0x41 : 0x42);
    bomb_number(text, 2 * count + goes_deeper);
    for (uint64_t i = 0; i < count; i++) {
        bomb_bytes(text, "\1\x40\0\1\0", 5);
        bomb_bytes(text, "\4\0", 2);
        bomb_numbered(text, 'd', i);
        bomb_byte(text, FUNCTION);
        bomb_number(text, i);
    }
    if (goes_deeper) {
        bomb_byte(text, 1);
        put_declarations(s, text, depth + 1);
    }
}

static void add_type(scope *s)
{
    bomb_text item = {0};
    switch (bomb_below(s->chance, 6)) {
    case 0:
        put_function_type(s, &item);
        break;
    case 1:
        put_declarations(s, &item, 0);
        break;
    case 2:
        bomb_bytes(&item, "\x3f\x7f\0", 3);
        remember(s->resources, 64, &s->resource_count, s->types);
        break;
    case 3:
        if (s->resource_count) {
            bomb_byte(&item, 0x69);
            bomb_number(&item, recall(s, s->resources, 64, s->resource_count));
            remember(s->values, VALUES_MAX, &s->value_count, s->types);
            break;
        }
        /* fall through */
    default:
        put_defined_type(s, &item);
        remember(s->values, VALUES_MAX, &s->value_count, s->types);
        break;
    }
    s->types++;
    bomb_vector(s->text, 7, 1, &item);
}

/* -- functions ----------------------------------------------------------------------------- */

static void add_canonical(scope *s)
{
    bomb_text items = {0};
    uint64_t count = bomb_about(s->chance, bomb_one_in(s->chance, 8) ? 200 : 3);
    unsigned what = (unsigned)bomb_below(s->chance, s->resource_count ? 5 : 2);
    for (uint64_t i = 0; i < count; i++)
        if (what == 0) {
            bomb_bytes(&items, "\0\0", 2);
            bomb_number(&items, recall(s, s->plain, 64, s->plain_count));
            bomb_bytes(&items, "\0\0", 2);
            s->functions++;
        } else if (what == 1) {
            bomb_bytes(&items, "\1\0", 2);
            bomb_number(&items, bomb_below(s->chance, s->functions));
            bomb_byte(&items, 0);
            remember(s->plain, 64, &s->plain_count, s->core_functions++);
        } else {
            bomb_byte(&items, what);
            bomb_number(&items, recall(s, s->resources, 64, s->resource_count));
            s->core_functions++;
        }
    bomb_vector(s->text, 8, count, &items);
}

/* -- instances and aliases ----------------------------------------------------------------- */

/* What every module that is instantiated here has: one of each kind. */
static void put_giver(bomb_text *text)
{
    static const char parts[] = "\1\4\1\x60\0\0"
                                "\3\2\1\0"
                                "\4\4\1\x70\0\1"
                                "\5\3\1\0\0"
                                "\6\6\1\x7f\0\x41\0\x0b"
                                "\7\x11\4\1f\0\0\1t\1\0\1m\2\0\1g\3\0"
                                "\x0a\4\1\2\0\x0b";
    bomb_text module = {0};
    bomb_module_header(&module);
    bomb_bytes(&module, parts, sizeof parts - 1);
    bomb_section(text, 1, &module);
}

static void add_core_alias(scope *s)
{
    static const char *const names[] = {"f", "t", "m", "g"};
    bomb_text items = {0};
    uint64_t count = bomb_about(s->chance, bomb_one_in(s->chance, 8) ? 300 : 3);
    unsigned kind = (unsigned)bomb_below(s->chance, 4);
    for (uint64_t i = 0; i < count; i++) {
        bomb_byte(&items, CORE_FUNCTION);
        bomb_byte(&items, kind);
        bomb_bytes(&items, "\1\0", 2);
        bomb_name(&items, names[kind]);
        if (kind == 0)
            remember(s->plain, 64, &s->plain_count, s->core_functions++);
    }
    bomb_vector(s->text, 6, count, &items);
}

static void add_core_instance(scope *s)
{
    bomb_text item = {0};
    if (bomb_one_in(s->chance, 2)) {
        bomb_bytes(&item, "\0\0\0", 3);
    } else {
        uint64_t exports = bomb_about(s->chance, 500);
        bomb_byte(&item, 1);
        bomb_number(&item, exports);
        for (uint64_t i = 0; i < exports; i++) {
            bomb_numbered(&item, 'e', i);
            bomb_byte(&item, CORE_FUNCTION);
            bomb_number(&item, bomb_below(s->chance, s->core_functions));
        }
    }
    s->core_instances++;
    bomb_vector(s->text, 2, 1, &item);
}

static void add_instance(scope *s)
{
    bomb_text item = {0};
    if (s->components && bomb_one_in(s->chance, 2)) {
        bomb_byte(&item, 0);
        bomb_number(&item, bomb_below(s->chance, s->components));
        bomb_number(&item, 0);
        remember(s->rich, 64, &s->rich_count, s->instances);
    } else {
        uint64_t exports = bomb_about(s->chance, 300);
        bomb_byte(&item, 1);
        bomb_number(&item, exports);
        for (uint64_t i = 0; i < exports; i++) {
            bomb_byte(&item, 0);
            bomb_numbered(&item, 'e', i);
            bomb_byte(&item, FUNCTION);
            bomb_number(&item, bomb_below(s->chance, s->functions));
        }
    }
    s->instances++;
    bomb_vector(s->text, 5, 1, &item);
}

static void add_alias(scope *s)
{
    bomb_text items = {0};
    uint64_t count = bomb_about(s->chance, bomb_one_in(s->chance, 8) ? 200 : 3);
    bool is_function = bomb_one_in(s->chance, 2);
    if (s->rich_count == 0)
        return;
    for (uint64_t i = 0; i < count; i++) {
        bomb_byte(&items, is_function ? FUNCTION : INSTANCE);
        bomb_byte(&items, 0);
        bomb_number(&items, recall(s, s->rich, 64, s->rich_count));
        bomb_name(&items, is_function ? "f" : "i");
        *(is_function ? &s->functions : &s->instances) += 1;
    }
    bomb_vector(s->text, 6, count, &items);
}

/* Of type 0 of any component around, and of their first modules and components. */
static void add_outer_alias(scope *s)
{
    bomb_text item = {0};
    unsigned up = (unsigned)bomb_below(s->chance, s->depth + 1), what;
    const scope *from = s;
    for (unsigned i = 0; i < up; i++)
        from = from->outer;
    what = (unsigned)bomb_below(s->chance, from->components ? 3 : 2);
    bomb_bytes(&item, what == 0 ? "\3\2" : what == 1 ? "\0\x11\2" : "\4\2", what == 1 ? 3 : 2);
    bomb_number(&item, up);
    bomb_number(&item, what == 2 ? bomb_below(s->chance, from->components) : 0);
    *(what == 0 ? &s->types : what == 1 ? &s->modules : &s->components) += 1;
    bomb_vector(s->text, 6, 1, &item);
}

/* -- imports, exports, and what is inside --------------------------------------------------- */

static void add_import(scope *s)
{
    bomb_text item = {0};
    if (!s->may_import)
        return;
    bomb_byte(&item, 0);
    bomb_numbered(&item, 'i', s->names++);
    if (bomb_one_in(s->chance, 2)) {
        bomb_bytes(&item, "\1\0", 2);
        s->functions++;
    } else {
        bomb_bytes(&item, "\3\1", 2);
        s->types++;
    }
    bomb_vector(s->text, 10, 1, &item);
}

static void add_export(scope *s)
{
    bomb_text item = {0};
    bool is_function = bomb_one_in(s->chance, 2) || s->instances == 0;
    bomb_byte(&item, 0);
    bomb_numbered(&item, 'x', s->names++);
    bomb_byte(&item, is_function ? FUNCTION : INSTANCE);
    bomb_number(&item, bomb_below(s->chance, is_function ? s->functions : s->instances));
    bomb_byte(&item, 0);
    *(is_function ? &s->functions : &s->instances) += 1;
    bomb_vector(s->text, 11, 1, &item);
}

static void add_module(scope *s, size_t bytes)
{
    bomb_text module = {0};
    bomb_module_make(bytes, bomb_draw(s->chance), &module);
    bomb_section(s->text, 1, &module);
    s->modules++;
}

static void put_component(bomb_chance *chance, const scope *outer, size_t bytes, bomb_text *text);

static void add_component(scope *s, size_t bytes)
{
    bomb_text inside = {0};
    put_component(s->chance, s, bytes, &inside);
    bomb_section(s->text, 4, &inside);
    s->components++;
}

static void add_names(scope *s)
{
    bomb_text whole = {0}, names = {0};
    uint64_t count = bomb_about(s->chance, 300);
    bomb_bytes(&names, "\1", 1);
    bomb_number(&names, count);
    for (uint64_t i = 0; i < count; i++) {
        bomb_number(&names, i);
        bomb_numbered(&names, 'c', i);
    }
    bomb_name(&whole, "component-name");
    bomb_section(&whole, 1, &names);
    bomb_section(s->text, 0, &whole);
}

/* -- the walk ------------------------------------------------------------------------------ */

enum {
    ADD_TYPE,
    ADD_CANONICAL,
    ADD_CORE_ALIAS,
    ADD_CORE_INSTANCE,
    ADD_INSTANCE,
    ADD_ALIAS,
    ADD_OUTER_ALIAS,
    ADD_IMPORT,
    ADD_EXPORT,
    ADD_MODULE,
    ADD_COMPONENT,
    ADD_NAMES,
    WAYS,
};

static void add_one(scope *s, unsigned way, size_t rest)
{
    switch (way) {
    case ADD_TYPE:
        add_type(s);
        return;
    case ADD_CANONICAL:
        add_canonical(s);
        return;
    case ADD_CORE_ALIAS:
        add_core_alias(s);
        return;
    case ADD_CORE_INSTANCE:
        add_core_instance(s);
        return;
    case ADD_INSTANCE:
        add_instance(s);
        return;
    case ADD_ALIAS:
        add_alias(s);
        return;
    case ADD_OUTER_ALIAS:
        add_outer_alias(s);
        return;
    case ADD_IMPORT:
        add_import(s);
        return;
    case ADD_EXPORT:
        add_export(s);
        return;
    case ADD_MODULE:
        add_module(s, (size_t)bomb_about(s->chance, rest / 2 + 64));
        return;
    case ADD_COMPONENT:
        if (s->depth < 60)
            add_component(s, (size_t)bomb_about(s->chance, rest / 2 + 64));
        return;
    default:
        add_names(s);
        return;
    }
}

/* Core function 0, type 0, function 0 and instance 0. */
static void begin(scope *s)
{
    static const char parts[] = "\2\4\1\0\0\0"       /* an instance */
                                "\6\7\1\0\0\1\0\1f"  /* its function */
                                "\7\5\1\x40\0\1\0"   /* the type of it */
                                "\x08\6\1\0\0\0\0\0" /* lifted */
                                "\5\3\1\1\0";        /* and an instance of nothing */
    bomb_component_header(s->text);
    put_giver(s->text);
    bomb_bytes(s->text, parts, sizeof parts - 1);
    s->modules = s->core_instances = s->types = s->functions = s->instances = 1;
    remember(s->plain, 64, &s->plain_count, s->core_functions++);
}

static void put_component(bomb_chance *chance, const scope *outer, size_t bytes, bomb_text *text)
{
    scope s = {.chance = chance, .text = text, .outer = outer};
    uint32_t weights[WAYS], sum = 0;
    s.depth = outer ? outer->depth + 1 : 0;
    s.may_import = !outer && bomb_one_in(chance, 4);
    for (unsigned i = 0; i < WAYS; i++)
        sum += weights[i] = bomb_one_in(chance, 3) ? 0 : 1u << bomb_below(chance, 6);
    begin(&s);
    for (size_t tries = 0; sum && text->size < bytes && tries < bytes; tries++) {
        uint64_t at = bomb_below(chance, sum);
        unsigned way = 0;
        while (at >= weights[way])
            at -= weights[way++];
        add_one(&s, way, bytes - text->size);
    }
    bomb_text exports = {0};
    bomb_bytes(&exports, "\0\1f\1\0\0", 6);
    bomb_bytes(&exports, "\0\1i\5\0\0", 6);
    bomb_vector(text, 11, 2, &exports);
}

void bomb_component_make(size_t bytes, uint64_t seed, bomb_text *text)
{
    bomb_chance chance = {seed};
    put_component(&chance, NULL, bytes, text);
}
