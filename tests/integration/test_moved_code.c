/*
 * A component around a module with thousands of data segments, as Go's linker makes them, and with
 * code behind it, which moves when they are joined: it has the same memory, and what ends a guest
 * is shown where it is in the binary that was given.
 */
#include "support/real_guest.h"

#include "bulkhead_engine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEGMENTS = 12000, BYTES = 2, STRIDE = 20, BEGIN = 4096 };

/* In front of the instruction that traps, and nowhere else. */
#define MARK "\x41\xfb\xca\xb6\x9a\x05"
#define MARK_TEXT "i32.const 0x534da57b"

static char *text;
static size_t text_size;

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
    enum { CAPACITY = 1 << 20 };
    va_list arguments;
    if (!text)
        text = malloc(CAPACITY);
    assert_non_null(text);
    va_start(arguments, format);
    int n = vsnprintf(text + text_size, CAPACITY - text_size, format, arguments);
    va_end(arguments);
    assert_true(n >= 0 && (size_t)n < CAPACITY - text_size);
    text_size += (size_t)n;
}

static unsigned byte_of(uint32_t segment, uint32_t at)
{
    return (segment * 31 + at * 7 + 1) & 0xff;
}

/* `depth` components around the module with the data. */
static wasm_byte_vec_t component(uint32_t segments, int depth, const char *trap)
{
    text_size = 0;
    add("(component ");
    for (int i = 0; i < depth; i++)
        add("(component ");
    add("(core module (@custom \"before\" \"x\") (memory (export \"m\") 4)");
    for (uint32_t i = 0; i < segments; i++)
        add("(data (i32.const %u) \"\\%02x\\%02x\")", BEGIN + i * STRIDE, byte_of(i, 0),
            byte_of(i, 1));
    add(")");
    for (int i = 0; i < depth; i++)
        add(")");
    add("(core module $data (memory (export \"m\") 4)");
    for (uint32_t i = 0; i < segments; i++)
        add("(data (i32.const %u) \"\\%02x\\%02x\")", BEGIN + i * STRIDE, byte_of(i, 0),
            byte_of(i, 1));
    add(")"
        "(core module $code (import \"d\" \"m\" (memory 4))"
        "  (func (export \"hash\") (result i64) (local $p i32) (local $h i64)"
        "    (loop $l (local.set $h (i64.add (i64.load8_u (local.get $p))"
        "        (i64.mul (local.get $h) (i64.const 1099511628211))))"
        "      (br_if $l (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 1)))"
        "        (i32.const 262144)))) (local.get $h))"
        "  (func (export \"trap\") (drop (" MARK_TEXT ")) %s))"
        "(core instance $d (instantiate $data))"
        "(core instance $c (instantiate $code (with \"d\" (instance $d))))"
        "(func (export \"hash\") (result u64) (canon lift (core func $c \"hash\")))"
        "(func (export \"trap\") (canon lift (core func $c \"trap\"))))",
        trap);
    wasm_byte_vec_t binary;
    wasmtime_error_t *error = wasmtime_wat2wasm(text, text_size, &binary);
    if (error) {
        wasm_name_t message;
        wasmtime_error_message(error, &message);
        print_error("%.*s\n", (int)message.size, message.data);
        fail();
    }
    free(text);
    text = NULL;
    return binary;
}

static uint64_t hash_of(uint32_t segments)
{
    static uint8_t memory[PAGES(4)];
    uint64_t hash = 0;
    memset(memory, 0, sizeof memory);
    for (uint32_t i = 0; i < segments; i++)
        for (uint32_t at = 0; at < BYTES; at++)
            memory[BEGIN + i * STRIDE + at] = (uint8_t)byte_of(i, at);
    for (size_t i = 0; i < sizeof memory; i++)
        hash = hash * UINT64_C(1099511628211) + memory[i];
    return hash;
}

static size_t place_of_trap(const wasm_byte_vec_t *binary)
{
    const char *at = memmem(binary->data, binary->size, MARK, sizeof MARK - 1);
    assert_non_null(at);
    /* `drop`, and then it. */
    return (size_t)(at - binary->data) + sizeof MARK;
}

/* How far behind the place that is told the trap is: it may be that of the instructions before. The
 * compiler makes two traps of it, and the one behind a tick of the clock is told exactly; a tick
 * does not come with each of so many tries. */
#define TRIES 5

static size_t run(uint32_t segments, int depth)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_instance_bytes = MIB(1);
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(MIB(2));
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *loaded;
    wasm_byte_vec_t binary = component(segments, depth, "unreachable");
    size_t place = place_of_trap(&binary);
    const bhd_component_options of = {
        .size = sizeof of, .name = "moved", .version = "1.2.3", .limits = limits};
    expect_ok(bhd_component_new(host, &of, binary.data, binary.size, &loaded, &error), &error);
    size_t farthest = 0;
    for (int tries = 0; tries < TRIES; tries++) {
        bhd_sandbox *sandbox = guest_sandbox(loaded);
        bhd_value hash;
        expect_ok(guest_call(sandbox, &error, &hash, "hash"), &error);
        assert_true(hash.of.u64 == hash_of(segments));
        guest_ends(sandbox, BHD_TRAP, &error, "trap");
        assert_true(error.frame_count >= 1);
        assert_true(error.frames[0].module_offset <= place);
        size_t behind = place - error.frames[0].module_offset;
        farthest = behind > farthest ? behind : farthest;
        bhd_error_fini(&error);
        bhd_sandbox_free(sandbox);
    }
    bhd_component_free(loaded);
    bhd_host_free(host);
    wasm_byte_vec_delete(&binary);
    return farthest;
}

/* Two segments move nothing. */
static void check(uint32_t segments, int depth)
{
    assert_int_equal(run(2, 0), run(segments, depth));
}

static void code_behind_joined_segments_is_where_it_was(void **state)
{
    (void)state;
    check(SEGMENTS, 0);
}

static void also_behind_components(void **state)
{
    (void)state;
    check(SEGMENTS, 3);
}

/* The size of what is around takes one byte more than before. */
static void whatever_sizes_there_are(void **state)
{
    (void)state;
    for (uint32_t segments = 10; segments < 24; segments++)
        check(segments, 2);
    for (uint32_t segments = 1800; segments < 1802; segments++)
        check(segments, 1);
}

/* How far behind the mark the place is that is told of an invalid instruction. */
static size_t refused(uint32_t segments)
{
    bhd_host *host = guest_host();
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *loaded;
    bhd_component_options of = {
        .size = sizeof of, .name = "moved", .version = "1.2.3", .limits = guest_limits(MIB(2))};
    wasm_byte_vec_t binary = component(segments, 1, "(i32.add (i32.const 1) (i64.const 2)) drop");
    expect_status(BHD_COMPONENT_INVALID,
                  bhd_component_new(host, &of, binary.data, binary.size, &loaded, &error), &error);
    const char *offset = strstr(error.message, "at offset ");
    assert_non_null(offset);
    size_t place = (size_t)strtoull(offset + strlen("at offset "), NULL, 10);
    assert_true(place >= place_of_trap(&binary));
    place -= place_of_trap(&binary);
    bhd_error_fini(&error);
    bhd_host_free(host);
    wasm_byte_vec_delete(&binary);
    return place;
}

static void what_is_refused_is_named_where_it_was_read(void **state)
{
    (void)state;
    assert_int_equal(refused(2), refused(SEGMENTS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_behind_joined_segments_is_where_it_was),
        cmocka_unit_test(also_behind_components),
        cmocka_unit_test(whatever_sizes_there_are),
        cmocka_unit_test(what_is_refused_is_named_where_it_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
