/*
 * Binaries made to hurt whoever compiles or keeps them: huge in one dimension, cut off anywhere,
 * with flipped bits. Each is refused with a clear error or compiled within seconds, neighbours
 * compute on meanwhile, what was compiled stays within the bounds of a sandbox, and nothing is
 * left afterwards.
 *
 * The binaries are put together here, at the default options of a host. Damaged ones, which are
 * many and small, are compiled in this process, where what they do to the compiler and the host
 * would be done to the test; some of them apart. BHD_VERBOSE=1 prints what each costs, BHD_LONG=1
 * damages every byte.
 */
#include "support/bomb_host.h"
#include "support/process_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <wasm.h>
#include <wasmtime.h>

/* What one binary within the default options may take. */
#define SECONDS_MAX 20.0
/* What takes less is compiled again and again, and what the process holds has to become flat. */
#define SECONDS_AGAIN 0.5
/* Beyond its limit, while one sandbox of it lives. */
#define COST_BYTES MIB(1)
#define LEFT_BYTES MIB(4)

/* -- putting a binary together ------------------------------------------------------------- */

typedef struct bytes {
    uint8_t *data;
    size_t size, capacity;
} bytes;

static void put(bytes *b, const void *data, size_t size)
{
    if (size == 0)
        return;
    if (b->size + size > b->capacity) {
        b->capacity = (b->size + size) * 2 + 64;
        b->data = realloc(b->data, b->capacity);
        assert_non_null(b->data);
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

#define PUT(b, text) put((b), (text), sizeof(text) - 1)

static void put_number(bytes *b, uint64_t value)
{
    do {
        uint8_t byte = value & 0x7f;
        value >>= 7;
        byte |= value ? 0x80 : 0;
        put(b, &byte, 1);
    } while (value);
}

/* Appends a section and empties `content`. */
static void put_section(bytes *b, uint8_t id, bytes *content)
{
    put(b, &id, 1);
    put_number(b, content->size);
    put(b, content->data, content->size);
    free(content->data);
    *content = (bytes){0};
}

/* A vector of `count` items that are all the same. */
static void put_same(bytes *b, uint64_t count, const void *item, size_t size)
{
    put_number(b, count);
    for (uint64_t i = 0; i < count; i++)
        put(b, item, size);
}
#define PUT_SAME(b, count, text) put_same((b), (count), (text), sizeof(text) - 1)

static void begin_module(bytes *b)
{
    PUT(b, "\0asm\1\0\0\0");
    bytes types = {0};
    PUT_SAME(&types, 1, "\x60\0\0");
    put_section(b, 1, &types);
}

/* `count` functions with the same body, locals included and `end` too. */
static void put_functions(bytes *b, uint64_t count, const bytes *body)
{
    bytes types = {0}, code = {0};
    PUT_SAME(&types, count, "\0");
    put_section(b, 3, &types);
    put_number(&code, count);
    for (uint64_t i = 0; i < count; i++) {
        put_number(&code, body->size);
        put(&code, body->data, body->size);
    }
    put_section(b, 10, &code);
}

static void bodies(bytes *b, uint64_t count, bytes *body)
{
    begin_module(b);
    put_functions(b, count, body);
    free(body->data);
}

static void empty_functions(bytes *b, uint64_t count)
{
    bytes body = {0};
    PUT(&body, "\0\x0b");
    bodies(b, count, &body);
}

static void with_locals(bytes *b, uint64_t functions, uint64_t locals)
{
    bytes body = {0};
    PUT(&body, "\1");
    put_number(&body, locals);
    PUT(&body, "\x7e\x0b");
    bodies(b, functions, &body);
}

static void with_branch_table(bytes *b, uint64_t functions, uint64_t targets)
{
    bytes body = {0};
    PUT(&body, "\0\x41\0\x0e");
    PUT_SAME(&body, targets, "\0");
    PUT(&body, "\0\x0b");
    bodies(b, functions, &body);
}

static void with_nesting(bytes *b, uint64_t functions, uint64_t depth)
{
    bytes body = {0};
    PUT(&body, "\0");
    for (uint64_t i = 0; i < depth; i++)
        put(&body, i % 2 ? "\x02\x40" : "\x03\x40", 2);
    for (uint64_t i = 0; i <= depth; i++)
        PUT(&body, "\x0b");
    bodies(b, functions, &body);
}

/* As many loads and stores as fit, one after the other, so that one basic block has all of them. */
static void with_one_block(bytes *b, uint64_t functions, uint64_t instructions)
{
    bytes body = {0}, memory = {0};
    PUT(&body, "\1\1\x7f");
    for (uint64_t i = 0; i < instructions; i++)
        PUT(&body, "\x20\0\x28\2\0\x22\0\x20\0\x6a\x21\0");
    PUT(&body, "\x0b");
    begin_module(b);
    bytes types = {0};
    PUT_SAME(&types, functions, "\0");
    put_section(b, 3, &types);
    PUT_SAME(&memory, 1, "\0\1");
    put_section(b, 5, &memory);
    bytes code = {0};
    put_number(&code, functions);
    for (uint64_t i = 0; i < functions; i++) {
        put_number(&code, body.size);
        put(&code, body.data, body.size);
    }
    put_section(b, 10, &code);
    free(body.data);
}

static void with_imports(bytes *b, uint64_t count, uint64_t unused)
{
    (void)unused;
    bytes imports = {0};
    begin_module(b);
    PUT_SAME(&imports, count, "\1a\1b\0\0");
    put_section(b, 2, &imports);
}

/* Every export of a function is a reference that each instance keeps. */
static void with_exports(bytes *b, uint64_t functions, uint64_t exports)
{
    bytes types = {0}, out = {0}, code = {0};
    begin_module(b);
    PUT_SAME(&types, functions, "\0");
    put_section(b, 3, &types);
    put_number(&out, exports);
    for (uint64_t i = 0; i < exports; i++) {
        char name[16];
        int size = snprintf(name, sizeof name, "%" PRIu64, i);
        put_number(&out, (uint64_t)size);
        put(&out, name, (size_t)size);
        PUT(&out, "\0");
        put_number(&out, i % functions);
    }
    put_section(b, 7, &out);
    PUT_SAME(&code, functions, "\2\0\x0b");
    put_section(b, 10, &code);
}

static void with_types(bytes *b, uint64_t count, uint64_t parameters)
{
    PUT(b, "\0asm\1\0\0\0");
    bytes types = {0};
    put_number(&types, count);
    for (uint64_t i = 0; i < count; i++) {
        PUT(&types, "\x60");
        put_number(&types, parameters);
        for (uint64_t k = 0; k < parameters; k++) {
            uint8_t type = (uint8_t)(0x7c + (((k < 20 ? i >> k : 0) & 1) ? 1 : 3));
            put(&types, &type, 1);
        }
        PUT(&types, "\0");
    }
    put_section(b, 1, &types);
}

static void with_globals(bytes *b, uint64_t count, uint64_t unused)
{
    (void)unused;
    bytes globals = {0};
    begin_module(b);
    PUT_SAME(&globals, count, "\x7e\1\x42\0\x0b");
    put_section(b, 6, &globals);
}

/* Passive segments of functions, each of which an instance keeps. */
static void with_elements(bytes *b, uint64_t segments, uint64_t each)
{
    bytes types = {0}, elements = {0}, code = {0};
    begin_module(b);
    PUT_SAME(&types, 1, "\0");
    put_section(b, 3, &types);
    put_number(&elements, segments);
    for (uint64_t i = 0; i < segments; i++) {
        PUT(&elements, "\1\0");
        PUT_SAME(&elements, each, "\0");
    }
    put_section(b, 9, &elements);
    PUT_SAME(&code, 1, "\2\0\x0b");
    put_section(b, 10, &code);
}

static void with_data(bytes *b, uint64_t segments, uint64_t each)
{
    bytes data = {0}, count = {0};
    begin_module(b);
    put_number(&count, segments);
    put_section(b, 12, &count);
    put_number(&data, segments);
    for (uint64_t i = 0; i < segments; i++) {
        PUT(&data, "\1");
        PUT_SAME(&data, each, "x");
    }
    put_section(b, 11, &data);
}

static void with_tags(bytes *b, uint64_t count, uint64_t unused)
{
    (void)unused;
    bytes tags = {0};
    begin_module(b);
    PUT_SAME(&tags, count, "\0\0");
    put_section(b, 13, &tags);
}

/* A section that says there are more items than bytes in the world. */
static void with_lies(bytes *b, uint64_t section, uint64_t unused)
{
    (void)unused;
    bytes content = {0};
    PUT(b, "\0asm\1\0\0\0");
    PUT(&content, "\xff\xff\xff\xff\x0f");
    put_section(b, (uint8_t)section, &content);
}

/* -- text ---------------------------------------------------------------------------------- */

static void repeated(bytes *b, const char *head, const char *part, uint64_t count, const char *tail)
{
    put(b, head, strlen(head));
    for (uint64_t i = 0; i < count; i++)
        put(b, part, strlen(part));
    put(b, tail, strlen(tail));
}

static void parentheses(bytes *b, uint64_t count, uint64_t unused)
{
    (void)unused;
    repeated(b, "(module ", "(", count, "");
}

static void folded_blocks(bytes *b, uint64_t count, uint64_t unused)
{
    (void)unused;
    repeated(b, "(module (func ", "(block ", count, "");
}

static void nested_comments(bytes *b, uint64_t count, uint64_t unused)
{
    (void)unused;
    repeated(b, "(module ", "(;", count, "");
}

static void nested_components(bytes *b, uint64_t count, uint64_t unused)
{
    (void)unused;
    repeated(b, "", "(component ", count, "");
    repeated(b, "", ")", count, "");
}

/* Types that double: the last one has 2^count fields. */
static void doubling_types(bytes *b, uint64_t count, uint64_t unused)
{
    (void)unused;
    char line[96];
    PUT(b, "(component (type $t0 u8)");
    for (uint64_t i = 1; i <= count; i++) {
        int size =
            snprintf(line, sizeof line, "(type $t%" PRIu64 " (tuple $t%" PRIu64 " $t%" PRIu64 "))",
                     i, i - 1, i - 1);
        put(b, line, (size_t)size);
    }
    PUT(b, ")");
}

static void component_types(bytes *b, uint64_t count, uint64_t unused)
{
    (void)unused;
    repeated(b, "(component ", "(type (func (param \"a\" (list string))))", count, ")");
}

/* -- one bomb ------------------------------------------------------------------------------ */

typedef struct bomb {
    const char *name;
    void (*make)(bytes *b, uint64_t a, uint64_t c);
    uint64_t a, c;
    bhd_status wanted;
    const char *text;
} bomb;

static void functions_of(bytes *b, uint64_t count, uint64_t unused)
{
    (void)unused;
    empty_functions(b, count);
}

static const bomb bombs[] = {
    {"5,000 functions", functions_of, 5000, 0, BHD_OK, NULL},
    {"functions above the limit", functions_of, 50001, 0, BHD_COMPONENT_TOO_LARGE, "max_functions"},
    {"a million functions", functions_of, 1000000, 0, BHD_COMPONENT_TOO_LARGE, "max_functions"},
    {"50,000 locals", with_locals, 1, 50000, BHD_OK, NULL},
    {"50,000 locals fifty times", with_locals, 50, 50000, BHD_OK, NULL},
    {"2^32 - 1 locals", with_locals, 1, 0xffffffff, BHD_COMPONENT_INVALID, "too many locals"},
    {"giant branch tables", with_branch_table, 15, 60000, BHD_OK, NULL},
    {"a branch table of a million", with_branch_table, 1, 1000000, BHD_COMPONENT_UNSUPPORTED,
     "`br_table` has 1000000 targets"},
    {"a branch table above the limit", with_branch_table, 1, 2000000, BHD_COMPONENT_TOO_LARGE,
     "max_function_bytes"},
    {"nesting", with_nesting, 1, 1000, BHD_OK, NULL},
    {"one block", with_one_block, 1, 20000, BHD_OK, NULL},
    {"2,000 imports", with_imports, 2000, 0, BHD_IMPORT_UNKNOWN, "and more"},
    {"100,000 imports", with_imports, 100000, 0, BHD_COMPONENT_TOO_LARGE,
     "for the imports of its core modules"},
    {"100,000 exports", with_exports, 1, 100000, BHD_OK, NULL},
    {"5,000 types", with_types, 5000, 13, BHD_OK, NULL},
    {"types of a thousand parameters", with_types, 10, 1000, BHD_OK, NULL},
    {"10,000 globals", with_globals, 10000, 0, BHD_OK, NULL},
    {"5,000 exported functions", with_exports, 5000, 5000, BHD_OK, NULL},
    {"10,000 passive elements", with_elements, 100, 100, BHD_OK, NULL},
    {"15 MiB of data", with_data, 1, 15 << 20, BHD_OK, NULL},
    {"20,000 data segments", with_data, 20000, 1, BHD_OK, NULL},
    {"100,000 data segments", with_data, 100000, 1, BHD_COMPONENT_TOO_LARGE,
     "for its data segments"},
    {"17 MiB of data", with_data, 1, 17 << 20, BHD_FILE_TOO_LARGE, "max_component_bytes"},
    {"60,000 tags", with_tags, 60000, 0, BHD_OK, NULL},
    {"100,000 tags", with_tags, 100000, 0, BHD_COMPONENT_TOO_LARGE, "for its globals and tags"},
    {"types that are not there", with_lies, 1, 0, BHD_COMPONENT_INVALID, ""},
    {"imports that are not there", with_lies, 2, 0, BHD_COMPONENT_INVALID, ""},
    {"functions that are not there", with_lies, 3, 0, BHD_COMPONENT_INVALID, ""},
    {"globals that are not there", with_lies, 6, 0, BHD_COMPONENT_INVALID, ""},
    {"elements that are not there", with_lies, 9, 0, BHD_COMPONENT_INVALID, ""},
    {"code that is not there", with_lies, 10, 0, BHD_COMPONENT_INVALID, ""},
    {"data that is not there", with_lies, 11, 0, BHD_COMPONENT_INVALID, ""},
    {"parentheses", parentheses, 1000000, 0, BHD_COMPONENT_INVALID, ""},
    {"folded blocks", folded_blocks, 100000, 0, BHD_COMPONENT_INVALID, ""},
    {"nested comments", nested_comments, 500000, 0, BHD_COMPONENT_INVALID, ""},
    {"nested components", nested_components, 80000, 0, BHD_COMPONENT_INVALID, ""},
    {"types that double", doubling_types, 60, 0, BHD_COMPONENT_INVALID, ""},
    {"10,000 types of components", component_types, 10000, 0, BHD_OK, NULL},
};

/* A sandbox of what was compiled costs no more than any other. */
static uint64_t live_once(bhd_component *component)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    uint64_t before = process_resident_bytes();
    process_forget_peak();
    expect_ok(bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    uint64_t peak = process_peak_bytes(), own = guest_metrics(sandbox).peak_bytes;
    bhd_sandbox_free(sandbox);
    return peak > before + own ? peak - before - own : 0;
}

/* The allocator keeps what a compilation used, once; more of them do not make it more. */
static void compile_again(const bhd_component_options *options, const bytes *b)
{
    uint64_t before = 0, after = 0;
    for (int tries = 0; tries < 10; tries++) {
        before = process_resident_bytes();
        for (int i = 0; i < 3; i++) {
            bhd_component *component = NULL;
            bhd_status status =
                bhd_component_new(bomb_host, options, b->data, b->size, &component, NULL);
            assert_int_equal(status == BHD_OK, component != NULL);
            bhd_component_free(component);
        }
        after = process_resident_bytes();
        if (after <= before + LEFT_BYTES)
            return;
    }
    assert_true(after <= before + LEFT_BYTES);
}

static void bombs_are_refused_or_cost_seconds(void **state)
{
    const bomb *it = *state;
    guest_keep_signals();
    bytes b = {0};
    it->make(&b, it->a, it->c);
    neighbours_begin(&bomb_neighbours, bomb_host);
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options options = {
        .size = sizeof options, .name = "bomb", .limits = guest_limits(MIB(1))};
    uint64_t before = process_resident_bytes();
    process_forget_peak();
    double began = process_seconds();
    bhd_status status = bhd_component_new(bomb_host, &options, b.data, b.size, &component, &error);
    double seconds = process_seconds() - began;
    uint64_t peak = process_peak_bytes(), beyond = 0;
    if (component) {
        (void)live_once(component);
        beyond = live_once(component);
    }
    bhd_component_free(component);
    uint64_t after = process_resident_bytes();
    if (getenv("BHD_VERBOSE"))
        print_message("  %s: %zu bytes, %.2f s, %" PRIu64 " KiB at most, %" PRIu64
                      " KiB a sandbox, %" PRId64 " KiB left: %s %s\n",
                      it->name, b.size, seconds, (peak - before) / 1024, beyond / 1024,
                      ((int64_t)after - (int64_t)before) / 1024, bhd_status_name(status),
                      error.message);
    if (!BHD_TESTS_SANITIZED && seconds < SECONDS_AGAIN)
        compile_again(&options, &b);
    free(b.data);
    expect_status(it->wanted, status, &error);
    if (it->text)
        expect_in(error.message, it->text);
    bhd_error_fini(&error);
    if (!BHD_TESTS_SANITIZED) {
        assert_true(seconds < SECONDS_MAX);
        assert_in_range(beyond, 0, COST_BYTES);
    }
    neighbours_end(&bomb_neighbours);
    expect_stats(bomb_host, 0, 0);
}

/* -- cut off and with flipped bits --------------------------------------------------------- */

typedef struct victim {
    const char *file;
    const char *calls[4];
    unsigned step; /* every step-th byte is flipped */
    bhd_compile where;
} victim;

static const victim victims[] = {
    {"basic/data.wat", {"check"}, 8, BHD_COMPILE_APART},
    {"component/nested.wat", {NULL}, 16, BHD_COMPILE_APART},
    {"wasi/print.core.wasm", {NULL}, 1999, BHD_COMPILE_APART},
    {"basic/add.wat", {"add", "answer"}, 1, BHD_COMPILE_HERE},
    {"basic/data.wat", {"check"}, 1, BHD_COMPILE_HERE},
    {"basic/table_grow.wat", {"total", "grow_a"}, 1, BHD_COMPILE_HERE},
    {"basic/tail_call.wat", {"_start"}, 1, BHD_COMPILE_HERE},
    {"basic/exceptions.wat", {"_start"}, 1, BHD_COMPILE_HERE},
    {"basic/recurse.wat", {"_start"}, 3, BHD_COMPILE_HERE},
    {"hostile/bulk_edge.wat", {"nothing_at_the_edge", "fill_one"}, 1, BHD_COMPILE_HERE},
    {"hostile/p1_poll.wat", {"none", "overlapping"}, 2, BHD_COMPILE_HERE},
    {"component/two_memories.wat", {NULL}, 1, BHD_COMPILE_HERE},
    {"component/nested.wat", {NULL}, 1, BHD_COMPILE_HERE},
    {"hostile/comp_resources.wat", {NULL}, 2, BHD_COMPILE_HERE},
    {"wasi/print.wasm", {NULL}, 1201, BHD_COMPILE_HERE},
    {"wasi/print.core.wasm", {NULL}, 401, BHD_COMPILE_HERE},
};

static bytes binary_of(const char *file)
{
    uint8_t *data;
    size_t size = hostile_read(file, &data);
    bytes b = {0};
    if (size >= 4 && memcmp(data, "\0asm", 4) == 0) {
        put(&b, data, size);
    } else {
        wasm_byte_vec_t binary;
        assert_null(wasmtime_wat2wasm((const char *)data, size, &binary));
        put(&b, binary.data, binary.size);
        wasm_byte_vec_delete(&binary);
    }
    free(data);
    return b;
}

typedef struct tally {
    unsigned refused, ran;
} tally;

static unsigned step_of(const victim *v)
{
    /* A process of its own has no sanitizer. */
    bool is_slow = BHD_TESTS_SANITIZED && v->where == BHD_COMPILE_HERE;
    return getenv("BHD_LONG") ? 1 : v->step * (is_slow ? 10 : 1);
}

/* Whatever the binary is, it is refused with a text or stays within its limits. */
static void try_binary(const victim *v, const uint8_t *data, size_t size, tally *t)
{
    bhd_component_options options = {
        .size = sizeof options, .name = "guest", .limits = guest_limits(MIB(1))};
    options.limits.max_fuel = 200000;
    options.limits.timeout_seconds = 2;
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    bhd_status status = bhd_component_new(bomb_host, &options, data, size, &component, &error);
    if (status != BHD_OK) {
        t->refused++;
        assert_null(component);
        assert_true(error.message[0] != '\0');
        assert_int_not_equal(BHD_INTERNAL, status);
        bhd_error_fini(&error);
        return;
    }
    t->ran++;
    status = bhd_sandbox_new(component, NULL, &sandbox, &error);
    int exit_code;
    if (status == BHD_OK)
        status = bhd_sandbox_run(sandbox, &exit_code, &error);
    for (size_t i = 0; sandbox && i < COUNT_OF(v->calls) && v->calls[i]; i++)
        (void)guest_call(sandbox, NULL, NULL, v->calls[i], 0, 0, 0);
    assert_int_not_equal(BHD_INTERNAL, status);
    if (sandbox) {
        bhd_memory_metrics metrics = guest_metrics(sandbox);
        assert_true(metrics.peak_bytes <= metrics.max_bytes);
    }
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_error_fini(&error);
}

static void cut_off_binaries_are_refused(void **state)
{
    const victim *v = *state;
    guest_keep_signals();
    bomb_host_compiles(v->where);
    neighbours_begin(&bomb_neighbours, bomb_host);
    bytes b = binary_of(v->file);
    unsigned step = step_of(v);
    tally t = {0, 0};
    for (size_t size = 0; size < b.size; size += step) {
        /* On the heap, so that a sanitizer sees a read past it. */
        uint8_t *copy = malloc(size ? size : 1);
        assert_non_null(copy);
        memcpy(copy, b.data, size);
        try_binary(v, copy, size, &t);
        free(copy);
    }
    /* Cut off between two sections it may still be whole. */
    assert_true(t.refused > t.ran);
    free(b.data);
    neighbours_end(&bomb_neighbours);
    expect_stats(bomb_host, 0, 0);
}

static void flipped_bits_are_refused_or_contained(void **state)
{
    const victim *v = *state;
    guest_keep_signals();
    bomb_host_compiles(v->where);
    neighbours_begin(&bomb_neighbours, bomb_host);
    bytes b = binary_of(v->file);
    unsigned step = step_of(v);
    tally t = {0, 0};
    for (size_t at = 8; at < b.size; at += step) {
        uint8_t bit = (uint8_t)(1u << ((at * 7 + at / 8) % 8));
        b.data[at] ^= bit;
        try_binary(v, b.data, b.size, &t);
        b.data[at] ^= bit;
    }
    if (getenv("BHD_VERBOSE"))
        print_message("  %s: %zu bytes, %u refused, %u ran\n", v->file, b.size, t.refused, t.ran);
    assert_true(t.refused > 0);
    free(b.data);
    neighbours_end(&bomb_neighbours);
    expect_stats(bomb_host, 0, 0);
}

/* -- names --------------------------------------------------------------------------------- */

static void expect_printable(const bhd_error *error)
{
    char text[65536];
    (void)bhd_error_to_text(error, NULL, text, sizeof text);
    assert_true(strlen(error->message) < BHD_MESSAGE_SIZE);
    for (const char *c = text; *c; c++)
        assert_true((*c >= ' ' && *c != 0x7f) || *c == '\n');
    assert_null(strstr(text, "\xe2\x80\xae"));
}

/* A name of 64 KiB: terminal escapes and a mark that turns the direction of text, again and
 * again. */
static void put_long_name(bytes *b)
{
    for (int i = 0; i < 8192; i++)
        PUT(b, "\\1b[31m\\e2\\80\\ae");
}

static void long_names_are_cut_and_escaped(void **state)
{
    (void)state;
    guest_keep_signals();
    bomb_host_compiles(BHD_COMPILE_APART);
    static const char *const shapes[][2] = {
        {"(module (import \"", "\" \"f\" (func)))"},
        {"(module (import \"wasi_snapshot_preview1\" \"", "\" (func)))"},
        {"(module (func $f (@name \"", "\") (export \"f\") (unreachable)))"},
        {"(module (@name \"", "\") (func (export \"f\") (unreachable)))"},
        {"(module (func (export \"", "\")))"},
    };
    bhd_component_options options = {
        .size = sizeof options, .name = "guest", .limits = guest_limits(MIB(1))};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        bytes b = {0};
        put(&b, shapes[i][0], strlen(shapes[i][0]));
        put_long_name(&b);
        put(&b, shapes[i][1], strlen(shapes[i][1]));
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        bhd_status status =
            bhd_component_new(bomb_host, &options, b.data, b.size, &component, &error);
        free(b.data);
        if (i < 2) {
            expect_status(BHD_IMPORT_UNKNOWN, status, &error);
        } else {
            expect_ok(status, &error);
            bhd_sandbox *sandbox = guest_sandbox(component);
            guest_ends(sandbox, i == 4 ? BHD_EXPORT_NOT_FOUND : BHD_TRAP, &error, "f");
            bhd_sandbox_free(sandbox);
            bhd_component_free(component);
        }
        expect_printable(&error);
        bhd_error_fini(&error);
    }
    expect_stats(bomb_host, 0, 0);
}

/* -- all of them --------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[COUNT_OF(bombs) + 2 * COUNT_OF(victims) + 1];
    static char names[2 * COUNT_OF(victims)][96];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(bombs); i++)
        tests[count++] = (struct CMUnitTest){bombs[i].name, bombs_are_refused_or_cost_seconds, NULL,
                                             bomb_host_after_each, (void *)(uintptr_t)&bombs[i]};
    for (size_t i = 0; i < 2 * COUNT_OF(victims); i++) {
        const victim *v = &victims[i / 2];
        snprintf(names[i], sizeof names[i], "%s %s%s", v->file, i % 2 ? "flipped" : "cut off",
                 v->where == BHD_COMPILE_APART ? ", apart" : "");
        tests[count++] = (struct CMUnitTest){
            names[i], i % 2 ? flipped_bits_are_refused_or_contained : cut_off_binaries_are_refused,
            NULL, bomb_host_after_each, (void *)(uintptr_t)v};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(long_names_are_cut_and_escaped);
    return bomb_host_run("hostile binaries", tests, count, argc, argv);
}
