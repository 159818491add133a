/*
 * Joining data segments changes nothing that a module does, says where functions are moved to, and
 * moves none for little; it joins whatever may be joined (a plain model on a map of bytes says
 * what) and nothing else. Layouts are random; each module runs as it was and joined, and its
 * memories are compared, also when instantiating ends with a trap in the middle and only a function
 * in somebody else's table can still read them.
 */
#include "bulkhead_engine.h"

#include "support/joined_moves.h"
#include "unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>

#define MEMORY_BYTES 65536u

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS(n) ((n) / 20)
#else
#define ROUNDS(n) (n)
#endif

/* -- numbers -------------------------------------------------------------------------------- */

static uint32_t seed;

static uint32_t below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % n;
}

/* -- binaries ------------------------------------------------------------------------------- */

static wasm_byte_vec_t binary_of(const char *text)
{
    wasm_byte_vec_t binary;
    wasmtime_error_t *error = wasmtime_wat2wasm(text, strlen(text), &binary);
    if (error) {
        wasm_name_t message;
        wasmtime_error_message(error, &message);
        print_error("%.*s\n", (int)message.size, message.data);
        fail();
    }
    return binary;
}

/* Reads LEB128 of 32 bits at `*at`, which has to be there. */
static uint32_t leb(const uint8_t *bytes, size_t size, size_t *at)
{
    uint32_t n = 0;
    for (int shift = 0; shift < 35; shift += 7) {
        assert_true(*at < size);
        uint8_t byte = bytes[(*at)++];
        n |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return n;
    }
    fail();
    return 0;
}

enum { CUSTOM = 0, CODE = 10, DATA = 11, DATA_COUNT = 12, MODULES_MAX = 8 };

/* What is in a binary; nested modules in their order. */
typedef struct facts {
    size_t modules;
    struct {
        size_t begin, size, code, code_size;
        uint32_t segments, counted;
    } module[MODULES_MAX];
} facts;

static void read_level(const uint8_t *bytes, size_t begin, size_t end, facts *f)
{
    assert_true(end - begin >= 8);
    bool is_component = bytes[begin + 6] == 1;
    size_t m = 0;
    if (!is_component) {
        m = f->modules++;
        assert_true(m < MODULES_MAX);
        f->module[m].begin = begin;
        f->module[m].size = end - begin;
        f->module[m].counted = UINT32_MAX;
    }
    for (size_t at = begin + 8; at < end;) {
        uint8_t id = bytes[at++];
        uint32_t size = leb(bytes, end, &at);
        assert_true(size <= end - at);
        size_t inside = at;
        if (is_component && (id == 1 || id == 4))
            read_level(bytes, at, at + size, f);
        if (!is_component && id == CODE) {
            f->module[m].code = at;
            f->module[m].code_size = size;
        }
        if (!is_component && id == DATA)
            f->module[m].segments = leb(bytes, end, &inside);
        if (!is_component && id == DATA_COUNT)
            f->module[m].counted = leb(bytes, end, &inside);
        at += size;
    }
}

static facts facts_of(const void *bytes, size_t size)
{
    facts f = {0};
    read_level(bytes, 0, size, &f);
    return f;
}

typedef struct builder {
    uint8_t bytes[1 << 18];
    size_t size;
} builder;

static void put(builder *b, const void *bytes, size_t size)
{
    assert_true(size <= sizeof b->bytes - b->size);
    if (size > 0)
        memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

#define PUT(b, text) put((b), (text), sizeof(text) - 1)

static void put_section(builder *b, uint8_t id, const void *bytes, size_t size)
{
    put(b, &id, 1);
    for (size_t n = size, more = 1; more; n >>= 7) {
        more = n >= 0x80;
        uint8_t byte = (uint8_t)((n & 0x7f) | (more ? 0x80 : 0));
        put(b, &byte, 1);
    }
    put(b, bytes, size);
}

static void begin_component(builder *b)
{
    b->size = 0;
    PUT(b, "\0asm\x0d\0\1\0");
}

static bool is_valid(const void *bytes, size_t size)
{
    return bhd_engine_valid_with_everything(bytes, size);
}

/* Joins; checks what holds for every input. False as the function does, `*joined` is empty then. */
static bool join(const void *bytes, size_t size, wasm_byte_vec_t *joined)
{
    *joined = (wasm_byte_vec_t){0};
    if (!join_bytes(bytes, size, joined)) {
        assert_null(joined->data);
        return false;
    }
    assert_int_equal(is_valid(bytes, size), is_valid(joined->data, joined->size));
    facts old = facts_of(bytes, size), new = facts_of(joined->data, joined->size);
    assert_int_equal(old.modules, new.modules);
    size_t left = 0, segments = 0;
    for (size_t i = 0; i < old.modules; i++) {
        assert_int_equal(old.module[i].begin, as_read(new.module[i].begin));
        assert_int_equal(old.module[i].code, as_read(new.module[i].code));
        size_t last = new.module[i].code + new.module[i].code_size - 1;
        if (old.module[i].code_size > 0)
            assert_int_equal(old.module[i].code + old.module[i].code_size - 1, as_read(last));
        assert_int_equal(old.module[i].code_size, new.module[i].code_size);
        assert_memory_equal((const char *)bytes + old.module[i].code,
                            joined->data + new.module[i].code, old.module[i].code_size);
        if (old.module[i].counted == UINT32_MAX)
            assert_int_equal(UINT32_MAX, new.module[i].counted);
        else
            assert_int_equal(new.module[i].segments, new.module[i].counted);
        assert_true(new.module[i].segments <= old.module[i].segments);
        segments += old.module[i].segments;
        left += new.module[i].segments;
        if (((const uint8_t *)bytes)[6] == 1 && move_count == 0)
            assert_int_equal(old.module[i].size, new.module[i].size);
    }
    assert_true(left < segments);
    assert_true(joined->size <= size + 64 * segments);
    if (((const uint8_t *)bytes)[6] == 1)
        assert_int_equal(size, as_read(joined->size));
    wasm_byte_vec_t again;
    bhd_engine_move_t kept[MOVES_MAX];
    size_t kept_count = move_count;
    memcpy(kept, moves, sizeof kept);
    assert_false(join_bytes(joined->data, joined->size, &again));
    move_count = kept_count;
    memcpy(moves, kept, sizeof kept);
    return true;
}

/* -- running -------------------------------------------------------------------------------- */

static wasm_engine_t *engine;
/* What every module here imports. */
static wasmtime_module_t *around;

static void stop(wasmtime_error_t *error)
{
    wasm_name_t message;
    wasmtime_error_message(error, &message);
    print_error("%.*s\n", (int)message.size, message.data);
    fail();
}

static wasmtime_module_t *module_of(const void *bytes, size_t size)
{
    wasmtime_module_t *module;
    wasmtime_error_t *error = wasmtime_module_new(engine, bytes, size, &module);
    if (error)
        stop(error);
    return module;
}

/* Its table keeps the function that reads the memories of the
 * module, also when instantiating that failed. */
static const char surroundings[] =
    "(module (type $h (func (result i64)))"
    "  (table (export \"t\") 1 funcref) (memory (export \"m\") 1)"
    "  (global (export \"g\") i32 (i32.const 300))"
    "  (data (i32.const 100) \"what was there before\")"
    "  (func (export \"hash\") (result i64) (call_indirect (type $h) (i32.const 0))))";

typedef struct outcome {
    bool ok;
    uint64_t hash;
} outcome;

static outcome run(const void *bytes, size_t size)
{
    wasmtime_store_t *store = wasmtime_store_new(engine, NULL, NULL);
    wasmtime_context_t *context = wasmtime_store_context(store);
    wasmtime_linker_t *linker = wasmtime_linker_new(engine);
    wasmtime_module_t *module = module_of(bytes, size);
    wasmtime_instance_t instance;
    wasm_trap_t *trap = NULL;
    wasmtime_error_t *error =
        wasmtime_linker_instantiate(linker, context, around, &instance, &trap);
    assert_null(trap);
    if (!error)
        error = wasmtime_linker_define_instance(linker, context, "e", 1, &instance);
    if (error)
        stop(error);

    wasmtime_instance_t tested;
    error = wasmtime_linker_instantiate(linker, context, module, &tested, &trap);
    if (error)
        stop(error);
    outcome came = {.ok = !trap};
    if (trap)
        wasm_trap_delete(trap);

    wasmtime_extern_t hash;
    assert_true(wasmtime_instance_export_get(context, &instance, "hash", 4, &hash));
    wasmtime_val_t result;
    trap = NULL;
    error = wasmtime_func_call(context, &hash.of.func, NULL, 0, &result, 1, &trap);
    if (error)
        stop(error);
    assert_null(trap);
    came.hash = (uint64_t)result.of.i64;

    wasmtime_module_delete(module);
    wasmtime_linker_delete(linker);
    wasmtime_store_delete(store);
    return came;
}

static void expect_same(outcome a, outcome b)
{
    assert_int_equal(a.ok, b.ok);
    assert_true(a.hash == b.hash);
}

/* -- layouts -------------------------------------------------------------------------------- */

typedef enum where { CONSTANT, SUM, GLOBAL, PASSIVE } where;

typedef struct segment {
    where where;
    uint32_t memory, offset, size;
} segment;

enum { SEGMENTS_MAX = 48, SEGMENT_MAX = 300 };

typedef struct layout {
    bool first_is_imported, has_start, has_second, names_one;
    size_t count;
    segment segments[SEGMENTS_MAX];
} layout;

static void random_layout(layout *l)
{
    *l = (layout){.first_is_imported = below(8) == 0,
                  .has_start = below(3) == 0,
                  .has_second = below(2) == 0,
                  .names_one = below(8) == 0,
                  .count = 1 + below(SEGMENTS_MAX)};
    uint32_t end = below(1000);
    for (size_t i = 0; i < l->count; i++) {
        segment *s = &l->segments[i];
        uint32_t chance = below(100);
        s->where = chance < 2 ? PASSIVE : chance < 4 ? GLOBAL : chance < 6 ? SUM : CONSTANT;
        s->memory = l->has_second && below(6) == 0;
        s->size = below(10) == 0 ? 0 : below(below(4) == 0 ? SEGMENT_MAX : 12);
        chance = below(100);
        if (chance < 40)
            s->offset = end;
        else if (chance < 75)
            s->offset = end + below(66);
        else if (chance < 88)
            s->offset = end + below(400);
        else if (chance < 97)
            s->offset = end - below(end < 300 ? end + 1 : 300);
        else if (chance < 98)
            s->offset = MEMORY_BYTES - below(2 * s->size + 2);
        else if (chance < 99)
            s->offset = MEMORY_BYTES + below(3);
        else
            s->offset = UINT32_MAX - below(100);
        if (s->where == GLOBAL)
            s->offset = 300;
        if (s->offset < MEMORY_BYTES)
            end = s->offset + s->size;
    }
}

/* The number of segments afterwards, out of a map of every byte. */
static size_t model(const layout *l)
{
    static bool written[2][MEMORY_BYTES + SEGMENT_MAX];
    memset(written, 0, sizeof written);
    bool is_unclear[2] = {false, false};
    size_t left = 0;
    const segment *before = NULL;
    for (size_t i = 0; i < l->count; i++) {
        const segment *s = &l->segments[i];
        bool is_inside = s->where == CONSTANT && (uint64_t)s->offset + s->size <= MEMORY_BYTES &&
                         !(s->memory == 0 && l->first_is_imported);
        bool joins = is_inside && before && before->memory == s->memory &&
                     s->offset >= before->offset + before->size &&
                     s->offset - (before->offset + before->size) <= 64;
        for (uint32_t at = joins ? before->offset + before->size : 0; joins && at < s->offset; at++)
            joins = !is_unclear[s->memory] && !written[s->memory][at];
        if (is_inside)
            memset(written[s->memory] + s->offset, 1, s->size);
        else if (s->where != PASSIVE)
            is_unclear[s->memory] = true;
        before = is_inside ? s : NULL;
        left += !joins;
    }
    return l->names_one ? l->count : left;
}

static char text[1 << 18];
static size_t text_size;

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text + text_size, sizeof text - text_size, format, arguments);
    va_end(arguments);
    assert_true(n >= 0 && (size_t)n < sizeof text - text_size);
    text_size += (size_t)n;
}

static void add_hash(bool has_second)
{
    add("(elem (i32.const 0) $hash) (func $hash (result i64) (local $p i32) (local $h i64)"
        "  (loop $l (local.set $h (i64.add (i64.load (local.get $p))"
        "      (i64.mul (local.get $h) (i64.const 1099511628211))))");
    if (has_second)
        add("(local.set $h (i64.add (i64.load 1 (local.get $p))"
            "      (i64.mul (local.get $h) (i64.const 1099511628211))))");
    add("  (br_if $l (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 8)))"
        "      (i32.const 65536)))) (local.get $h))");
}

static void add_segment(const segment *s)
{
    if (s->where == PASSIVE)
        add("(data \"");
    else if (s->where == GLOBAL)
        add("(data (memory %u) (global.get $g) \"", s->memory);
    else if (s->where == SUM)
        add("(data (memory %u) (offset (i32.add (i32.const %u) (i32.const 1))) \"", s->memory,
            s->offset - 1);
    else
        add("(data (memory %u) (i32.const %u) \"", s->memory, s->offset);
    for (uint32_t i = 0; i < s->size; i++)
        add("\\%02x", below(4) == 0 ? 0 : below(256));
    add("\")");
}

static wasm_byte_vec_t module_with(const layout *l)
{
    text_size = 0;
    add("(module (import \"e\" \"t\" (table 1 funcref)) (import \"e\" \"g\" (global $g i32))");
    add("%s", l->first_is_imported ? "(import \"e\" \"m\" (memory 1))" : "(memory 1)");
    if (l->has_second)
        add("(memory 1)");
    add_hash(l->has_second);
    if (l->names_one)
        /* What was active has no bytes left, so only the right number does nothing here. */
        add("(start $s) (func $s (memory.init %u (i32.const 64) (i32.const 0) (i32.const 0))"
            "  (data.drop %u))",
            below((uint32_t)l->count), below((uint32_t)l->count));
    else if (l->has_start)
        add("(start $s) (func $s (i64.store (i32.const %u) (i64.const -1)))", below(2000));
    for (size_t i = 0; i < l->count; i++)
        add_segment(&l->segments[i]);
    add(")");
    return binary_of(text);
}

/* -- tests ---------------------------------------------------------------------------------- */

static void random_modules_do_the_same(void **state)
{
    (void)state;
    size_t joined_some = 0, trapped = 0;
    for (uint32_t round = 0; round < ROUNDS(1000); round++) {
        seed = 0x9e3779b9u * (round + 1);
        layout l;
        random_layout(&l);
        wasm_byte_vec_t before = module_with(&l), after;
        size_t wanted = model(&l);
        bool is_joined = join(before.data, before.size, &after);
        size_t left = is_joined ? facts_of(after.data, after.size).module[0].segments : l.count;
        if (left != wanted)
            print_error("round %u: %zu segments, %zu wanted\n", round, left, wanted);
        assert_int_equal(wanted, left);
        assert_int_equal(wanted < l.count, is_joined);
        if (is_joined) {
            outcome old = run(before.data, before.size);
            expect_same(old, run(after.data, after.size));
            trapped += !old.ok;
            joined_some++;
            wasm_byte_vec_delete(&after);
        }
        wasm_byte_vec_delete(&before);
    }
    /* The rounds are of any use. */
    assert_true(joined_some > ROUNDS(500));
    assert_true(trapped > ROUNDS(50));
}

/* Two in one component, with more behind each: what is said to have moved has, and no more. */
static void random_components_do_the_same(void **state)
{
    (void)state;
    size_t joined_some = 0, moved_some = 0;
    static builder b;
    for (uint32_t round = 0; round < ROUNDS(300); round++) {
        seed = 0x85ebca6bu * (round + 1);
        begin_component(&b);
        for (int i = 0; i < 2; i++) {
            layout l;
            random_layout(&l);
            l.names_one = false;
            wasm_byte_vec_t module = module_with(&l);
            put_section(&b, 1, module.data, module.size);
            wasm_byte_vec_delete(&module);
        }
        PUT(&b, "\0\5\4tail");
        wasm_byte_vec_t after;
        if (!join(b.bytes, b.size, &after))
            continue;
        joined_some++;
        moved_some += move_count > 0;
        assert_memory_equal(after.data + after.size - 7, "\0\5\4tail", 7);
        facts old = facts_of(b.bytes, b.size), f = facts_of(after.data, after.size);
        assert_int_equal(2, f.modules);
        for (size_t i = 0; i < 2; i++)
            expect_same(run(b.bytes + old.module[i].begin, old.module[i].size),
                        run((uint8_t *)after.data + f.module[i].begin, f.module[i].size));
        wasm_byte_vec_delete(&after);
    }
    assert_true(joined_some > ROUNDS(150));
    assert_true(moved_some > ROUNDS(20));
    assert_true(joined_some - moved_some > ROUNDS(20));
}

/* What is left of the segments of a text; 0: nothing was joined. */
static uint32_t left_of(const char *wat, bool is_nested)
{
    wasm_byte_vec_t binary = binary_of(wat), joined;
    static builder b;
    begin_component(&b);
    put_section(&b, 1, binary.data, binary.size);
    bool is_joined =
        is_nested ? join(b.bytes, b.size, &joined) : join(binary.data, binary.size, &joined);
    uint32_t left = is_joined ? facts_of(joined.data, joined.size).module[0].segments : 0;
    if (is_joined)
        wasm_byte_vec_delete(&joined);
    wasm_byte_vec_delete(&binary);
    return left;
}

#define AB "(data (i32.const 0) \"a\") (data (i32.const 1) \"b\")"

static void only_under_all_conditions(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t left;
    } cases[] = {
        {"(module (memory 1) " AB ")", 1},
        {"(module (memory 1) (data (i32.const 0) \"a\") (data (i32.const 65) \"b\"))", 1},
        {"(module (memory 1) (data (i32.const 0) \"a\") (data (i32.const 66) \"b\"))", 0},
        /* Backwards, overlapping, and upon what an earlier one has put into the gap. */
        {"(module (memory 1) (data (i32.const 1) \"b\") (data (i32.const 0) \"a\"))", 0},
        {"(module (memory 1) (data (i32.const 0) \"aa\") (data (i32.const 1) \"b\"))", 0},
        {"(module (memory 1) (data (i32.const 6) \"x\") (data (i32.const 0) \"a\")"
         "  (data (i32.const 9) \"b\"))",
         0},
        {"(module (memory 1) (data (i32.const 20) \"x\") (data (i32.const 0) \"a\")"
         "  (data (i32.const 5) \"b\"))",
         2},
        /* Memories: imported, of 64 bits, shared, none, too small, another one between. */
        {"(module (import \"e\" \"m\" (memory 1)) " AB ")", 0},
        {"(module (import \"e\" \"m\" (memory 1)) (memory 1)"
         "  (data (memory 1) (i32.const 0) \"a\") (data (memory 1) (i32.const 1) \"b\"))",
         1},
        {"(module (memory i64 1) (data (i64.const 0) \"a\") (data (i64.const 1) \"b\"))", 0},
        {"(module (memory 1 1 shared) " AB ")", 1},
        {"(module " AB ")", 0},
        {"(module (memory 0) " AB ")", 0},
        {"(module (memory 1 (pagesize 1)) " AB ")", 0},
        {"(module (memory 2 (pagesize 1)) " AB ")", 1},
        {"(module (memory 1) (data (i32.const 65535) \"a\") (data (i32.const 65536) \"b\"))", 0},
        {"(module (memory 1) (data (i32.const -2) \"a\") (data (i32.const -1) \"b\"))", 0},
        {"(module (memory 65536) (data (i32.const -2) \"a\") (data (i32.const -1) \"b\"))", 1},
        {"(module (memory 1) (memory 1) (data (i32.const 0) \"a\")"
         "  (data (memory 1) (i32.const 1) \"b\"))",
         0},
        {"(module (memory 1) (data (i32.const 0) \"a\") (data \"passive\")"
         "  (data (i32.const 1) \"b\"))",
         0},
        /* Offsets that are no constant: themselves, and what they may have covered. */
        {"(module (import \"e\" \"g\" (global i32)) (memory 1) (data (global.get 0) \"a\")"
         "  (data (i32.const 1) \"b\"))",
         0},
        {"(module (import \"e\" \"g\" (global i32)) (memory 1) (data (i32.const 0) \"a\")"
         "  (data (global.get 0) \"b\"))",
         0},
        {"(module (import \"e\" \"g\" (global i32)) (memory 1) (data (global.get 0) \"x\")"
         "  (data (i32.const 0) \"a\") (data (i32.const 2) \"b\"))",
         0},
        {"(module (import \"e\" \"g\" (global i32)) (memory 1) (data (global.get 0) \"x\") " AB ")",
         2},
        {"(module (memory 1) (data (offset (i32.add (i32.const 0) (i32.const 0))) \"a\")"
         "  (data (i32.const 1) \"b\"))",
         0},
        /* Instructions that name a segment. */
        {"(module (memory 1) (func (data.drop 0)) " AB ")", 0},
        {"(module (memory 1) (func (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 0))) " AB
         ")",
         0},
        {"(module (memory 1) (type $a (array i8)) (func (drop (array.new_data $a 1 (i32.const 0)"
         "  (i32.const 0)))) " AB ")",
         0},
        {"(module (memory 1) (type $a (array (mut i8))) (func (array.init_data $a 1"
         "  (ref.null $a) (i32.const 0) (i32.const 0) (i32.const 0))) " AB ")",
         0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int is_nested = 0; is_nested < 2; is_nested++) {
            /* 64 zeros have no place inside of a component. */
            uint32_t wanted = is_nested && i == 1 ? 0 : cases[i].left;
            uint32_t left = left_of(cases[i].text, is_nested);
            if (left != wanted)
                print_error("%s: %u left, nested %d\n", cases[i].text, left, is_nested);
            assert_int_equal(wanted, left);
        }
}

/* Inside a component what is saved becomes padding, of every size that there can be; and what is
 * not moves what follows, for sixteen segments or more. */
static void nested_sections_keep_their_size(void **state)
{
    (void)state;
    for (uint32_t segments = 2; segments < 80; segments += segments < 8 ? 1 : 24)
        for (uint32_t gap = 0; gap <= 12; gap++) {
            text_size = 0;
            add("(module (memory 1)");
            for (uint32_t i = 0; i < segments; i++)
                add("(data (i32.const %u) \"x\")", 4096 + i * (1 + gap));
            add(")");
            /* Kind, constant and end take three bytes, offsets two, sizes one. */
            bool is_joined = gap <= 5 || segments > 16;
            assert_int_equal(is_joined ? 1 : 0, left_of(text, true));
            assert_int_equal(is_joined && gap > 5, move_count > 0);
            assert_int_equal(1, left_of(text, false));
        }
}

/* A module out of bytes: a memory, `count` in the section of counts when it is not 0, a function,
 * and two segments with LEB128 longer than they need to be. */
static size_t odd_module(builder *b, uint8_t count, const char *last, size_t last_size)
{
    b->size = 0;
    PUT(b, "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\5\3\1\0\1");
    if (count > 0) {
        PUT(b, "\x0c\3");
        uint8_t bytes[3] = {count | 0x80, 0x80, 0};
        put(b, bytes, 3);
    }
    PUT(b, "\x0a\4\1\2\0\x0b");
    size_t code = b->size - 4;
    PUT(b, "\x0b\x91\0\x82\0\0\x41\x80\0\x0b\x81\0a\2\0\x41\1\x0b\1b");
    put(b, last, last_size);
    return code;
}

static void sections_that_are_odd(void **state)
{
    (void)state;
    static builder b;
    wasm_byte_vec_t joined;
    for (uint8_t count = 0; count < 4; count++) {
        size_t code = odd_module(&b, count, NULL, 0);
        assert_int_equal(count == 0 || count == 2, is_valid(b.bytes, b.size));
        assert_int_equal(count == 0 || count == 2, join(b.bytes, b.size, &joined));
        if (!joined.data)
            continue;
        assert_int_equal(code, facts_of(joined.data, joined.size).module[0].code);
        /* The number of segments takes as many bytes as before. */
        if (count == 2)
            assert_memory_equal(joined.data + 23, "\x0c\3\x81\x80\0", 5);
        wasm_byte_vec_delete(&joined);
    }
    /* Custom sections may follow; nothing else may, and sections come once and in order. */
    odd_module(&b, 0, "\0\5\4name", 7);
    assert_true(join(b.bytes, b.size, &joined));
    assert_memory_equal(joined.data + joined.size - 7, "\0\5\4name", 7);
    wasm_byte_vec_delete(&joined);
    static const char data[] = "\x0b\x0d\2\0\x41\0\x0b\1a\0\x41\1\x0b\1b";
    odd_module(&b, 0, data, sizeof data - 1);
    assert_false(join(b.bytes, b.size, &joined));
    odd_module(&b, 0, "\x0a\4\1\2\0\x0b", 6);
    assert_false(join(b.bytes, b.size, &joined));
    odd_module(&b, 0, "\x0c\1\2", 3);
    assert_false(join(b.bytes, b.size, &joined));
}

/* More segments than are valid stay as they are: joined, they would be. */
static void invalid_numbers_stay_invalid(void **state)
{
    (void)state;
    enum { MOST = 100000 };
    size_t capacity = 8 * (MOST + 8), size = 0;
    uint8_t *bytes = test_malloc(capacity);
    for (uint32_t count = MOST; count <= MOST + 1; count++) {
        static const uint8_t head[] = "\0asm\1\0\0\0\5\3\1\0\1\x0b";
        size = sizeof head - 1;
        memcpy(bytes, head, size);
        uint32_t contents = 5 + 5 * count;
        for (int i = 0; i < 5; i++)
            bytes[size++] = (uint8_t)((contents >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
        for (int i = 0; i < 5; i++)
            bytes[size++] = (uint8_t)((count >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
        for (uint32_t i = 0; i < count; i++, size += 5)
            memcpy(bytes + size, "\0\x41\0\x0b\0", 5);
        wasm_byte_vec_t joined;
        assert_int_equal(count == MOST, is_valid(bytes, size));
        assert_int_equal(count == MOST, join(bytes, size, &joined));
        if (joined.data)
            wasm_byte_vec_delete(&joined);
    }
    test_free(bytes);
}

/* -- bytes that are none of a compiler -------------------------------------------------------- */

static void make_sample(builder *b)
{
    static const char sample[] =
        "(component (core module $a (memory (export \"m\") 1) (table 1 funcref)"
        "    (elem (i32.const 0) $f) (func $f (export \"f\") (result i32) (i32.load (i32.const 0)))"
        "    (data (i32.const 8) \"one\") (data (i32.const 16) \"two\") (data (i32.const 19) "
        "\"3\"))"
        "  (core instance $i (instantiate $a))"
        "  (component (core module (memory 1) (data (i32.const 0) \"a\") (data (i32.const 2) \"b\")"
        "    (@custom \"c\" \"more\")))"
        "  (func (export \"f\") (result u32) (canon lift (core func $i \"f\"))))";
    wasm_byte_vec_t binary = binary_of(sample);
    b->size = 0;
    put(b, binary.data, binary.size);
    wasm_byte_vec_delete(&binary);
}

static void cut_binaries(void **state)
{
    (void)state;
    static builder b;
    make_sample(&b);
    wasm_byte_vec_t joined;
    assert_true(join(b.bytes, b.size, &joined));
    facts f = facts_of(joined.data, joined.size);
    assert_int_equal(2, f.modules);
    assert_int_equal(1, f.module[0].segments);
    assert_int_equal(1, f.module[1].segments);
    wasm_byte_vec_delete(&joined);
    for (size_t size = 0; size < b.size; size++) {
        /* Exactly as long as it says, so that a sanitizer sees a step too far. */
        uint8_t *cut = test_malloc(size + 1);
        memcpy(cut + 1, b.bytes, size);
        if (join(cut + 1, size, &joined))
            wasm_byte_vec_delete(&joined);
        test_free(cut);
    }
    assert_false(join_bytes(NULL, 0, &joined));
}

static void changed_binaries(void **state)
{
    (void)state;
    static builder sample, b;
    make_sample(&sample);
    facts alone = facts_of(sample.bytes, sample.size);
    size_t joined_some = 0;
    for (uint32_t round = 0; round < ROUNDS(60000); round++) {
        seed = 0xc2b2ae35u * (round + 1);
        b.size = 0;
        if (below(2))
            put(&b, sample.bytes + alone.module[0].begin, alone.module[0].size);
        else
            put(&b, sample.bytes, sample.size);
        for (uint32_t n = 1 + below(3); n > 0; n--) {
            size_t at = below((uint32_t)b.size);
            b.bytes[at] = (uint8_t)(below(2) ? below(256) : b.bytes[at] ^ 1u << below(8));
        }
        wasm_byte_vec_t joined = {0};
        if (join_bytes(b.bytes, b.size, &joined)) {
            joined_some++;
            assert_int_equal(is_valid(b.bytes, b.size), is_valid(joined.data, joined.size));
            wasm_byte_vec_t again;
            assert_false(join_bytes(joined.data, joined.size, &again));
            wasm_byte_vec_delete(&joined);
        }
    }
    assert_true(joined_some > ROUNDS(10000));
}

static int make_engine(void **state)
{
    (void)state;
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_cranelift_opt_level_set(config, WASMTIME_OPT_LEVEL_NONE);
    wasmtime_config_wasm_multi_memory_set(config, true);
    wasmtime_config_memory_init_cow_set(config, false);
    wasmtime_config_signals_based_traps_set(config, false);
    engine = wasm_engine_new_with_config(config);
    wasm_byte_vec_t binary = binary_of(surroundings);
    around = module_of(binary.data, binary.size);
    wasm_byte_vec_delete(&binary);
    return 0;
}

static int free_engine(void **state)
{
    (void)state;
    wasmtime_module_delete(around);
    wasm_engine_delete(engine);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_modules_do_the_same),
        cmocka_unit_test(random_components_do_the_same),
        cmocka_unit_test(only_under_all_conditions),
        cmocka_unit_test(nested_sections_keep_their_size),
        cmocka_unit_test(sections_that_are_odd),
        cmocka_unit_test(invalid_numbers_stay_invalid),
        cmocka_unit_test(cut_binaries),
        cmocka_unit_test(changed_binaries),
    };
    return cmocka_run_group_tests(tests, make_engine, free_engine);
}
