/*
 * What is refused before any code runs, with which status and which words; and that names which a
 * guest has chosen reach nobody unescaped.
 */
#include "support/bomb_text.h"
#include "support/real_guest.h"

#include <stdio.h>
#include <stdlib.h>

/* -- features ------------------------------------------------------------------------------ */

static void features_that_escape_the_limits_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *source, *part;
    } refused[] = {
        {"basic/shared_memory.wat", "threads"},
        {"basic/memory64.wat", "memory64"},
        {"basic/custom_page_size.wat", "custom page sizes"},
        {"(module (table i64 1 funcref))", "memory64"},
        {"(module (memory i64 1 1))", "memory64"},
        {"(module (func (result v128) (i32x4.relaxed_trunc_f32x4_s (v128.const i64x2 0 0))))",
         "relaxed SIMD"},
        {"(module (func (param i64 i64) (result i64 i64)"
         " (i64.mul_wide_u (local.get 0) (local.get 1))))",
         "wide arithmetic"},
        {"(module (memory 1) (func (result i32)"
         " (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))",
         "threads"},
        {"(module (type $f (func)) (type $c (cont $f)))", NULL},
    };
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(4));
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        bhd_status status =
            guest_try_component(host, refused[i].source, &limits, &component, &error);
        if (status != BHD_COMPONENT_UNSUPPORTED)
            print_error("%s\n", refused[i].source);
        expect_status(BHD_COMPONENT_UNSUPPORTED, status, &error);
        expect_in(error.message, "the component uses a WebAssembly feature that is not allowed: ");
        if (refused[i].part)
            expect_in(error.message, refused[i].part);
        bhd_error_fini(&error);
    }
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void what_garbage_collection_would_allow_says_so(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(4));
    guest_refused(host, "basic/gc_heap.wat", &limits, BHD_COMPONENT_UNSUPPORTED, "--enable=gc");
    guest_refused(host, "(module (type $f (func)) (func (param (ref $f))))", &limits,
                  BHD_COMPONENT_UNSUPPORTED, "BHD_FEATURE_GC");
    bhd_host_free(host);
}

/* What the engine has no room for is no feature that somebody could allow. */
static void what_the_engine_cannot_compile_is_said_to_be_valid(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    for (unsigned gc = 0; gc < 2; gc++) {
        bomb_text text = {0};
        options.features = gc ? BHD_FEATURE_GC : 0;
        bhd_host *host = guest_host_with(&options);
        bhd_limits limits = guest_limits(MIB(1));
        bomb_put(&text, "(module (func (br_table");
        for (unsigned i = 0; i < 65522; i++)
            bomb_put(&text, " 0");
        bomb_put(&text, " (i32.const 0))))");
        guest_refused(
            host, text.data, &limits, BHD_COMPONENT_UNSUPPORTED,
            "the component is valid, but the engine cannot compile it: failed to compile: "
            "wasm[0]::function[0]: WebAssembly translation error: Unsupported feature: "
            "`br_table` has 65521 targets");
        bomb_free(&text);
        bhd_host_free(host);
    }
}

static void garbage_collection_is_allowed_when_the_host_asks(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.features = BHD_FEATURE_GC;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin_with(&options, "basic/gc_heap.wat", &limits, NULL);
    assert_int_equal(3, guest_i32(g.sandbox, "keep", 3));
    /* And nothing else with it. */
    guest_refused(g.host, "basic/memory64.wat", &limits, BHD_COMPONENT_UNSUPPORTED, NULL);
    guest_refused(g.host, "basic/shared_memory.wat", &limits, BHD_COMPONENT_UNSUPPORTED, NULL);
    guest_end(&g);
}

static void finished_features_work(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/exceptions.wat", &limits);
    assert_int_equal(42, guest_i32(g.sandbox, "catch", 41));
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_TRAP, &error, "throw", 1);
    bhd_error_fini(&error);
    guest_end(&g);
    g = guest_begin("basic/tail_call.wat", &limits);
    assert_true(guest_i64(g.sandbox, "count_down", INT64_C(3000000)) == 0);
    assert_true(guest_i64(g.sandbox, "through_table", INT64_C(3000000)) == 0);
    guest_end(&g);
}

/* -- imports ------------------------------------------------------------------------------- */

static void a_module_that_imports_its_memory_is_refused(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(4));
    guest_refused(host, "basic/memory_import.wat", &limits, BHD_COMPONENT_UNSUPPORTED,
                  "the module imports a memory; a memory that comes from outside would escape its "
                  "limit, so a module has to define its own");
    bhd_host_free(host);
}

static void unknown_imports_are_refused_and_all_named(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(4));
    guest_refused(host, "basic/unknown_import.wat", &limits, BHD_IMPORT_UNKNOWN,
                  "the component imports what nobody here provides: env.launch, env.speed, "
                  "moon.landing_sites");
    guest_refused(host, "component/imports_unknown.wat", &limits, BHD_IMPORT_UNKNOWN,
                  "the component imports what nobody here provides: acme:robots/arm@1.0.0, "
                  "acme:robots/leg@1.0.0, launch");
    /* What only looks like something that is provided. */
    static const char *const sources[] = {
        "(module (import \"wasi_snapshot_preview1\" \"fd_write2\" (func)))",
        "(module (import \"wasi_snapshot_preview\" \"fd_write\" (func)))",
        "(module (import \"wasi_unstable\" \"fd_write\" (func)))",
        "(module (import \"\" \"\" (func)))",
    };
    for (size_t i = 0; i < COUNT_OF(sources); i++)
        guest_refused(host, sources[i], &limits, BHD_IMPORT_UNKNOWN, NULL);
    /* The right name with the wrong type. */
    guest_refused(host,
                  "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func (param i64))))",
                  &limits, BHD_IMPORT_UNKNOWN, "does not fit");
    guest_refused(host, "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (global i32)))",
                  &limits, BHD_IMPORT_UNKNOWN, NULL);
    bhd_host_free(host);
}

static void imports_that_nothing_can_grant_are_denied(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(4));
    guest_refused(host,
                  "(component (import \"wasi:http/types@0.2.0\""
                  " (instance (export \"f\" (func)))))",
                  &limits, BHD_CAPABILITY_DENIED,
                  "the component needs a capability that this version cannot grant: "
                  "wasi:http/types@0.2.0 (HTTP)");
    bhd_host_free(host);
}

/* -- too much of everything ---------------------------------------------------------------- */

static void too_many_memories_tables_and_instances_are_refused(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_memories = 2;
    options.max_tables = 2;
    options.max_instances = 2;
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(MIB(4));
    guest_refused(host, "basic/three_memories.wat", &limits, BHD_COMPONENT_TOO_LARGE,
                  "the component has 3 linear memories; this host allows 2 "
                  "(host option max_memories, --max-memories)");
    guest_refused(host, "basic/table_grow.wat", &limits, BHD_COMPONENT_TOO_LARGE,
                  "the component has 3 tables; this host allows 2 "
                  "(host option max_tables, --max-tables)");
    guest_refused(host, "component/three_instances.wat", &limits, BHD_COMPONENT_TOO_LARGE,
                  "(host option max_memories, --max-memories)");
    guest_refused(host,
                  "(component (core module $m) (core instance (instantiate $m))"
                  " (core instance (instantiate $m)) (core instance (instantiate $m)))",
                  &limits, BHD_COMPONENT_TOO_LARGE,
                  "the component has 3 core instances; this host allows 2 "
                  "(host option max_instances, --max-instances)");
    bhd_host_free(host);
}

static void memories_and_tables_that_cannot_be_are_refused(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(4));
    guest_refused(host, "(module (memory 65536))", &limits, BHD_COMPONENT_TOO_LARGE, "4294967296");
    guest_refused(host, "(module (memory 65537))", &limits, BHD_COMPONENT_INVALID, NULL);
    guest_refused(host, "(module (memory 2 1))", &limits, BHD_COMPONENT_INVALID, NULL);
    guest_refused(host, "(module (table 4294967295 funcref))", &limits, BHD_COMPONENT_TOO_LARGE,
                  "4294967295");
    guest_refused(host, "(module (memory 60000) (memory 60000))", &limits, BHD_COMPONENT_TOO_LARGE,
                  "7864320000");
    bhd_host_free(host);
}

static void a_large_binary_is_refused_by_its_size(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_component_bytes = 100;
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(MIB(4));
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    expect_status(BHD_FILE_TOO_LARGE,
                  guest_try_component(host, "basic/grow.wat", &limits, &component, &error), &error);
    char text[102];
    memset(text, ' ', sizeof text);
    memcpy(text, "(module)", 8);
    bhd_component_options its = {.size = sizeof its, .name = "x", .limits = limits};
    expect_status(BHD_FILE_TOO_LARGE, bhd_component_new(host, &its, text, 101, &component, &error),
                  &error);
    assert_string_equal("the component has 101 bytes; this host compiles at most 100 "
                        "(host option max_component_bytes, --max-component-bytes)",
                        error.message);
    expect_ok(bhd_component_new(host, &its, text, 100, &component, &error), &error);
    bhd_component_free(component);
    bhd_error_fini(&error);
    bhd_host_free(host);
}

/* -- nonsense ------------------------------------------------------------------------------ */

static void nonsense_is_not_a_component(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } nonsense[] = {
        {"", 0},
        {"\0", 1},
        {"\0asm", 4},
        {"\0asm\1\0\0", 7},
        {"\0asm\2\0\0\0", 8},
        {"\0asm\1\0\0\0\1", 9},
        {"\0asm\1\0\0\0\x05\xff\xff\xff\xff\x0f", 14},
        {"\0asm\x0d\0\1\0\xff\xff", 10},
        {"\x7f"
         "ELF\2\1\1\0",
         8},
        {"(module", 7},
        {"(module (memory", 15},
        {"{}", 2},
        {"\xff\xfe\xfd", 3},
        {"#!/bin/sh\n", 10},
    };
    bhd_host *host = guest_host();
    bhd_component_options options = {
        .size = sizeof options, .name = "x", .limits = guest_limits(MIB(1))};
    for (size_t i = 0; i < COUNT_OF(nonsense); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        expect_status(BHD_COMPONENT_INVALID,
                      bhd_component_new(host, &options, nonsense[i].bytes, nonsense[i].size,
                                        &component, &error),
                      &error);
        assert_true(error.message[0] != '\0');
        bhd_error_fini(&error);
    }
    bhd_host_free(host);
}

/* Every prefix and many single-byte changes of a real component are refused or load, and nothing
 * else happens. */
static void check_damaged(const char *source, int rounds)
{
    char path[512];
    snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, source);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    static uint8_t bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(size > 1000 && size < sizeof bytes);
    bhd_host *host = guest_host();
    bhd_component_options options = {
        .size = sizeof options, .name = "x", .limits = guest_limits(MIB(4))};
    unsigned refused = 0;
    uint32_t random = 12345;
    for (int i = 0; i < rounds; i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        random = random * 1664525 + 1013904223;
        size_t at = (random >> 8) % size;
        uint8_t kept = bytes[at];
        /* Half of them are cut off there, half have another byte there. */
        size_t length = i % 2 ? at : size;
        if (i % 2 == 0)
            bytes[at] = (uint8_t)(kept ^ (1u << (random % 8)));
        bhd_status status = bhd_component_new(host, &options, bytes, length, &component, &error);
        bytes[at] = kept;
        if (status != BHD_OK) {
            refused++;
            assert_true(error.message[0] != '\0');
        }
        bhd_component_free(component);
        bhd_error_fini(&error);
    }
    assert_true(refused >= (unsigned)rounds / 2);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void damaged_components_are_refused_or_load(void **state)
{
    (void)state;
    check_damaged("wasi/print.core.wasm", ROUNDS(50));
    check_damaged("wasi/print.wasm", ROUNDS(20));
}

/* -- names --------------------------------------------------------------------------------- */

/* Fails the test if the text holds anything but printable ASCII and whole UTF-8 letters. */
static void expect_clean(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool control = *c < 0x20 || *c == 0x7f;
        /* C1, and the marks that turn text around or hide it: U+200B to U+200F, U+2028 to U+202E,
         * U+2060 to U+2069. */
        bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;
        bool mark = c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0x8b && c[2] <= 0x8f) ||
                                     (c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
                                     (c[1] == 0x81 && c[2] >= 0xa0 && c[2] <= 0xa9));
        if (control || c1 || mark) {
            print_error("byte 0x%02x in \"%s\"\n", *c, text);
            fail();
        }
    }
}

static void names_of_functions_are_escaped_in_reports(void **state)
{
    (void)state;
    static const struct {
        const char *name, *shown;
    } names[] = {
        {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
        {"\x1b[2J\x1b[H", "\\x1b[2J\\x1b[H"},
        {"\x1b]0;title\x07", "\\x1b]0;title\\x07"},
        {"one\nerror: two", "one\\nerror: two"},
        {"safe\revil", "safe\\revil"},
        {"a\tb", "a\\tb"},
        {"a\x7f"
         "b",
         "a\\x7fb"},
        {"gnp\xe2\x80\xaelmth.exe", "gnp\\u{202e}lmth.exe"},
        {"\xe2\x81\xa6user\xe2\x81\xa9", "\\u{2066}user\\u{2069}"},
        {"ad\xe2\x80\x8bmin", "ad\\u{200b}min"},
        {"a\xe2\x80\xa8"
         "b",
         "a\\u{2028}b"},
        {"%s%n%x", "%s%n%x"},
        {"gr\xc3\xb6\xc3\x9f"
         "e",
         "gr\xc3\xb6\xc3\x9f"
         "e"},
    };
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/names.wat", &limits);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        bhd_error error = BHD_ERROR_INIT;
        char text[4096];
        guest_ends(g.sandbox, BHD_TRAP, &error, names[i].name);
        assert_true(error.frame_count == 1);
        assert_string_equal(names[i].shown, error.frames[0].function);
        assert_string_equal("\\x1b]0;owned\\x07module", error.frames[0].module);
        expect_clean(error.message);
        (void)bhd_error_to_text(&error, NULL, text, sizeof text);
        /* Of its own, the account has only line feeds. */
        for (char *line_feed = strchr(text, '\n'); line_feed; line_feed = strchr(text, '\n'))
            *line_feed = ' ';
        expect_clean(text);
        bhd_error_fini(&error);
        guest_again(&g);
    }
    guest_end(&g);
}

static void names_of_imports_and_exports_are_escaped_in_messages(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/names.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *function;
    expect_status(BHD_EXPORT_NOT_FOUND,
                  bhd_sandbox_function(g.sandbox, "\x1b[0mnone\n", &function, &error), &error);
    expect_clean(error.message);
    expect_in(error.message, "\\x1b[0mnone\\n");
    bhd_component *component = NULL;
    expect_status(BHD_IMPORT_UNKNOWN,
                  guest_try_component(g.host, "basic/name_import.wat", &limits, &component, &error),
                  &error);
    expect_clean(error.message);
    expect_in(error.message, "\\x1b[31menv.line\\nfeed\\x1b[0m");
    bhd_error_fini(&error);
    guest_end(&g);
}

static void long_names_are_cut(void **state)
{
    (void)state;
    /* A function whose name has 100,000 bytes, in the binary and in a backtrace. */
    enum { NAME = 100000 };
    char *text = malloc(2 * NAME + 500);
    assert_non_null(text);
    char *name = malloc(NAME + 1);
    assert_non_null(name);
    memset(name, 'n', NAME);
    name[NAME] = '\0';
    snprintf(text, 2 * NAME + 500,
             "(module (func $%s (unreachable)) (func (export \"bad\") (call $%s)))", name, name);
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(text, &limits);
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_TRAP, &error, "bad");
    assert_true(strlen(error.frames[0].function) <= 1024);
    assert_true(strlen(error.message) < BHD_MESSAGE_SIZE);
    bhd_error_fini(&error);
    guest_end(&g);
    snprintf(text, 2 * NAME + 500, "(module (import \"%s\" \"x\" (func)))", name);
    bhd_host *host = guest_host();
    guest_refused(host, text, &limits, BHD_IMPORT_UNKNOWN, "...");
    bhd_host_free(host);
    free(name);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_that_escape_the_limits_are_refused),
        cmocka_unit_test(what_garbage_collection_would_allow_says_so),
        cmocka_unit_test(what_the_engine_cannot_compile_is_said_to_be_valid),
        cmocka_unit_test(garbage_collection_is_allowed_when_the_host_asks),
        cmocka_unit_test(finished_features_work),
        cmocka_unit_test(a_module_that_imports_its_memory_is_refused),
        cmocka_unit_test(unknown_imports_are_refused_and_all_named),
        cmocka_unit_test(imports_that_nothing_can_grant_are_denied),
        cmocka_unit_test(too_many_memories_tables_and_instances_are_refused),
        cmocka_unit_test(memories_and_tables_that_cannot_be_are_refused),
        cmocka_unit_test(a_large_binary_is_refused_by_its_size),
        cmocka_unit_test(nonsense_is_not_a_component),
        cmocka_unit_test(damaged_components_are_refused_or_load),
        cmocka_unit_test(names_of_functions_are_escaped_in_reports),
        cmocka_unit_test(names_of_imports_and_exports_are_escaped_in_messages),
        cmocka_unit_test(long_names_are_cut),
    };
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
