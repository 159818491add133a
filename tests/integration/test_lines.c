/*
 * Frames of guests that were built with -g have files and lines: of core modules and of modules in
 * components, unless the host's options say no; and whatever the guest has put into its debugging
 * information, an end costs what an end costs.
 */
#include "support/real_guest.h"

#include <stdio.h>
#include <time.h>

/* Far above what reading 4 MiB takes. */
#define MOST_SECONDS 10.0

/* -- binaries ------------------------------------------------------------------------------ */

typedef struct binary {
    uint8_t *bytes;
    size_t size, capacity;
} binary;

static void put(binary *b, const void *bytes, size_t size)
{
    if (b->capacity - b->size < size) {
        b->capacity = (b->size + size) * 2;
        b->bytes = test_realloc(b->bytes, b->capacity);
    }
    if (size > 0)
        memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

#define PUT(b, text) put((b), (text), sizeof(text) - 1)

static void put_repeated(binary *b, const char *part, size_t size, size_t times)
{
    for (size_t i = 0; i < times; i++)
        put(b, part, size);
}

/* LEB128 of five bytes, so that its size is known beforehand. */
static void put_size(binary *b, size_t size)
{
    uint8_t bytes[5];
    for (int i = 0; i < 5; i++)
        bytes[i] = (uint8_t)((size >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
    put(b, bytes, sizeof bytes);
}

static void put_section(binary *b, uint8_t id, const binary *content)
{
    put(b, &id, 1);
    put_size(b, content->size);
    put(b, content->bytes, content->size);
}

static void put_custom(binary *b, const char *name, const binary *content)
{
    uint8_t length = (uint8_t)strlen(name);
    PUT(b, "\0");
    put_size(b, 1 + length + content->size);
    put(b, &length, 1);
    put(b, name, length);
    put(b, content->bytes, content->size);
}

static binary read_guest(const char *name)
{
    char path[512];
    binary b = {0};
    (void)snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char part[4096];
    for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;)
        put(&b, part, size);
    (void)fclose(file);
    return b;
}

/* A component around a core module, with its function `run` from s32 to s32, and as many bytes in
 * front of the module as one likes. */
static binary component_around(const binary *module, size_t before)
{
    binary b = {0}, padding = {0};
    PUT(&b, "\0asm\x0d\0\1\0");
    put_repeated(&padding, "x", 1, before);
    put_custom(&b, "padding", &padding);
    put_section(&b, 1, module);
    PUT(&b, "\2\4\1\0\0\0"                /* instantiated without anything */
            "\6\x09\1\0\0\1\0\3run"       /* core func 0 is its export */
            "\7\x08\1\x40\1\1n\x7a\0\x7a" /* (func (param "n" s32) (result s32)) */
            "\x08\6\1\0\0\0\0\0"          /* lifted */
            "\x0b\x09\1\0\3run\1\0\0");   /* exported */
    test_free(padding.bytes);
    return b;
}

/* -- ends ---------------------------------------------------------------------------------- */

static void trap_in(const binary *b, const bhd_host_options *options, const char *name,
                    bhd_error *error)
{
    bhd_host *host = guest_host_with(options);
    bhd_component *component = NULL;
    bhd_component_options its = {
        .size = sizeof its, .name = "lines", .limits = guest_limits(MIB(1))};
    expect_ok(bhd_component_new(host, &its, b->bytes, b->size, &component, error), error);
    bhd_sandbox *sandbox = guest_sandbox(component);
    bhd_function *function = NULL;
    expect_ok(bhd_sandbox_function(sandbox, name, &function, error), error);
    bool has_number = bhd_type_count(bhd_function_parameters(function)) > 0;
    bhd_value number = {.type = BHD_I32}, result;
    number.type = bhd_component_get_kind(component) == BHD_KIND_MODULE ? BHD_I32 : BHD_S32;
    number.of.i32 = 1;
    struct timespec before, after;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    bhd_status status =
        bhd_sandbox_call(sandbox, function, &number, has_number, &result, has_number, error);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    expect_status(BHD_TRAP, status, error);
    assert_true((double)(after.tv_sec - before.tv_sec) < MOST_SECONDS);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void expect_frame(const bhd_error *error, size_t number, const char *file, uint32_t line)
{
    assert_true(number < error->frame_count);
    const bhd_frame *frame = &error->frames[number];
    if (file == NULL) {
        assert_null(frame->file);
    } else {
        assert_non_null(frame->file);
        assert_string_equal(file, frame->file);
    }
    assert_int_equal(line, frame->line);
}

static void expect_lines_of_run(const bhd_error *error)
{
    assert_int_equal(4, error->frame_count);
    expect_frame(error, 0, "./inner/divide.h", 4);
    expect_frame(error, 1, "lines.c", 10);
    expect_frame(error, 2, "lines.c", 11);
    expect_frame(error, 3, "lines.c", 18);
}

static const char *const guests[] = {"debug/lines_4.core.wasm", "debug/lines_5.core.wasm"};

static void frames_of_a_module_have_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        binary b = read_guest(guests[i]);
        bhd_error error = BHD_ERROR_INIT;
        trap_in(&b, NULL, "run", &error);
        expect_lines_of_run(&error);
        char text[4096];
        (void)bhd_error_to_text(&error, NULL, text, sizeof text);
        expect_in(text, "#0 divide at ./inner/divide.h:4\n");
        bhd_error_fini(&error);
        test_free(b.bytes);
    }
}

static void frames_of_a_component_have_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(guests); i++)
        for (size_t before = 0; before <= 100000; before += 50000) {
            binary module = read_guest(guests[i]), b = component_around(&module, before);
            bhd_error error = BHD_ERROR_INIT;
            trap_in(&b, NULL, "run", &error);
            expect_lines_of_run(&error);
            bhd_error_fini(&error);
            test_free(module.bytes);
            test_free(b.bytes);
        }
}

/* The engine makes one trap of a branch and the `unreachable` to which it leads, at the place of
 * the branch; what is shown is the line of the `unreachable`. */
static void an_unreachable_behind_a_branch_has_its_own_line(void **state)
{
    static const char *const optimised[] = {"debug/traps_0.core.wasm", "debug/traps_1.core.wasm"};
    static const struct {
        const char *function;
        uint32_t line;
    } traps[] = {{"run", 13}, {"otherwise", 22}, {"behind", 29}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(optimised); i++) {
        binary module = read_guest(optimised[i]);
        bhd_error error = BHD_ERROR_INIT;
        for (size_t j = 0; j < COUNT_OF(traps); j++) {
            trap_in(&module, NULL, traps[j].function, &error);
            expect_frame(&error, 0, "traps.c", traps[j].line);
        }
        binary b = component_around(&module, 1000);
        trap_in(&b, NULL, "run", &error);
        expect_frame(&error, 0, "traps.c", 13);
        bhd_error_fini(&error);
        test_free(module.bytes);
        test_free(b.bytes);
    }
}

static void the_host_may_want_none(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.debug_info = false;
    binary b = read_guest(guests[0]);
    bhd_error error = BHD_ERROR_INIT;
    trap_in(&b, &options, "run", &error);
    for (size_t i = 0; i < 4; i++)
        expect_frame(&error, i, NULL, 0);
    bhd_error_fini(&error);
    test_free(b.bytes);
}

/* -- hostile ------------------------------------------------------------------------------- */

static void put_little(binary *b, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(number >> (8 * i));
        put(b, &byte, 1);
    }
}

/* A unit of version 4 or 5 out of its tables and its program. */
static void put_unit(binary *b, unsigned version, const binary *tables, const binary *program)
{
    static const char lengths[] = "\0\1\1\1\1\0\0\0\1\0\0\1";
    binary rest = {0};
    PUT(&rest, "\1\1\1\xfb\x0e\x0d"); /* step, operations, is_stmt, line base, range, opcodes */
    put(&rest, lengths, 12);
    put(&rest, tables->bytes, tables->size);
    size_t length = 2 + (version == 5 ? 2u : 0u) + 4 + rest.size + program->size;
    put_little(b, length, 4);
    put_little(b, version, 2);
    if (version == 5)
        PUT(b, "\4\0");
    put_little(b, rest.size, 4);
    put(b, rest.bytes, rest.size);
    put(b, program->bytes, program->size);
    test_free(rest.bytes);
}

/* A module that traps in `run`, with these line programs. */
static binary module_with(const binary *lines)
{
    binary b = {0};
    PUT(&b, "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\5\3\1\0\1\7\7\1\3run\0\0\x0a\5\1\3\0\0\x0b");
    put_custom(&b, ".debug_line", lines);
    return b;
}

static void expect_one(binary *tables, binary *program, unsigned version, const char *file,
                       uint32_t line)
{
    binary lines = {0};
    put_unit(&lines, version, tables, program);
    binary b = module_with(&lines);
    bhd_error error = BHD_ERROR_INIT;
    trap_in(&b, NULL, "run", &error);
    expect_frame(&error, 0, file, line);
    bhd_error_fini(&error);
    test_free(b.bytes);
    test_free(lines.bytes);
    test_free(tables->bytes);
    test_free(program->bytes);
    *tables = *program = (binary){0};
}

/* The same, but 41 calls deep. */
static binary deep_module_with(const binary *lines)
{
    binary b = {0};
    PUT(&b, "\0asm\1\0\0\0\1\x08\2\x60\1\x7f\0\x60\0\0\3\3\2\0\1\5\3\1\0\1"
            "\7\7\1\3run\0\1\x0a\x19\2"
            "\x10\0\x20\0\x45\4\x40\0\x0b\x20\0\x41\1\x6b\x10\0\x0b" /* itself, down to 0 */
            "\6\0\x41\x28\x10\0\x0b");
    put_custom(&b, ".debug_line", lines);
    return b;
}

/* From address 1 to 101, line 5 of file 1. */
#define ADDRESS_1 "\0\5\2\1\0\0\0"
#define LINE_5 "\3\4\1"
#define TO_101 "\2\x64"
#define END "\0\1\1"

/* One file, whose entry has that many parts: its name, and numbers that mean nothing. */
static void put_parts(binary *tables, uint8_t parts)
{
    PUT(tables, "\1\1\x08\1.\0");
    put(tables, &parts, 1);
    PUT(tables, "\1\x08");
    put_repeated(tables, "\x7f\x0b", 2, parts - 1u);
    PUT(tables, "\1a.c\0");
    put_repeated(tables, "\0", 1, parts - 1u);
}

static void lines_are_what_the_program_says(void **state)
{
    (void)state;
    binary tables = {0}, program = {0};
    PUT(&tables, "dir\0\0a.c\0\1\0\0b.c\0\0\0\0\0");
    PUT(&program, ADDRESS_1 LINE_5 TO_101 END);
    expect_one(&tables, &program, 4, "dir/a.c", 5);
    PUT(&tables, "dir\0\0a.c\0\1\0\0b.c\0\0\0\0\0");
    PUT(&program, ADDRESS_1 "\4\2" LINE_5 TO_101 END);
    expect_one(&tables, &program, 4, "b.c", 5);
    /* A name that could be taken for something else is escaped, and a path of its own stays. */
    PUT(&tables, "dir\0\0/a\n\x1b.c\0\1\0\0\0");
    PUT(&program, ADDRESS_1 LINE_5 TO_101 END);
    expect_one(&tables, &program, 4, "/a\\n\\x1b.c", 5);
    /* No file of that number; no line; code that was left out; the end before the place. */
    PUT(&tables, "\0a.c\0\0\0\0\0");
    PUT(&program, ADDRESS_1 "\4\7" LINE_5 TO_101 END);
    expect_one(&tables, &program, 4, NULL, 0);
    PUT(&tables, "\0a.c\0\0\0\0\0");
    PUT(&program, ADDRESS_1 "\3\x7f\1" TO_101 END);
    expect_one(&tables, &program, 4, NULL, 0);
    PUT(&tables, "\0a.c\0\0\0\0\0");
    PUT(&program, "\0\5\2\0\0\0\0" LINE_5 TO_101 END);
    expect_one(&tables, &program, 4, NULL, 0);
    PUT(&tables, "\0a.c\0\0\0\0\0");
    PUT(&program, ADDRESS_1 LINE_5 "\2\1" END);
    expect_one(&tables, &program, 4, NULL, 0);
    /* Version 5: a directory, a file in it, names in place. */
    PUT(&tables, "\1\1\x08\2.\0in\0"
                 "\2\1\x08\2\x0b\1a.c\0\1");
    PUT(&program, ADDRESS_1 "\4\0" LINE_5 TO_101 END);
    expect_one(&tables, &program, 5, "in/a.c", 5);
    /* Numbers of as many bytes as one can need, entries of as many parts as are read. */
    PUT(&tables, "\1\x81\x80\x80\x80\x80\x80\x80\x80\x80\0\x08\1.\0\1\1\x08\1a.c\0");
    PUT(&program, ADDRESS_1 "\4\0" LINE_5 TO_101 END);
    expect_one(&tables, &program, 5, "a.c", 5);
    put_parts(&tables, 16);
    PUT(&program, ADDRESS_1 "\4\0" LINE_5 TO_101 END);
    expect_one(&tables, &program, 5, "a.c", 5);
}

static void what_is_broken_has_no_lines(void **state)
{
    (void)state;
    /* Tables without an end, entries that take no byte, sections that are not there. */
    static const struct {
        const char *bytes;
        size_t size;
        unsigned version;
    } tables[] = {
        {"", 0, 4},
        {"dir", 3, 4},
        {"\0a.c", 4, 4},
        {"\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10, 5},
        {"\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 12, 5},
        {"\1\1\x0e\1\xff\xff\xff\xff\1\1\x1f\xff\xff\xff\xff\x0f\1\1\1\1", 20, 5},
        {"\1\1\x99\1\1\1\1\1", 8, 5},
        {"\xff\1\x08", 3, 5},
        /* A number of eleven bytes. */
        {"\1\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\x08\1.\0\1\1\x08\1a.c\0", 24, 5},
    };
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        binary its = {0}, program = {0};
        put(&its, tables[i].bytes, tables[i].size);
        PUT(&program, ADDRESS_1 LINE_5 TO_101 END);
        expect_one(&its, &program, tables[i].version, NULL, 0);
    }
    binary its = {0}, program = {0};
    put_parts(&its, 17);
    PUT(&program, ADDRESS_1 "\4\0" LINE_5 TO_101 END);
    expect_one(&its, &program, 5, NULL, 0);
}

/* Every prefix and every byte changed: an end, and nothing else. */
static void changed_debugging_information_is_harmless(void **state)
{
    (void)state;
    binary good = read_guest(guests[1]);
    /* Behind the code there is only what is changed. */
    size_t first = good.size / 3;
    for (size_t at = first; at < good.size; at += BHD_TESTS_SANITIZED ? 37 : 7) {
        bhd_error error = BHD_ERROR_INIT;
        good.bytes[at] ^= 0x55;
        bhd_host *host = guest_host();
        bhd_component *component = NULL;
        bhd_component_options its = {
            .size = sizeof its, .name = "lines", .limits = guest_limits(MIB(1))};
        if (bhd_component_new(host, &its, good.bytes, good.size, &component, &error) == BHD_OK) {
            bhd_sandbox *sandbox = guest_sandbox(component);
            bhd_status status = guest_call(sandbox, &error, NULL, "run", INT32_C(1));
            assert_true(status == BHD_TRAP || status == BHD_EXPORT_NOT_FOUND || status == BHD_OK);
            bhd_sandbox_free(sandbox);
        }
        bhd_component_free(component);
        bhd_host_free(host);
        bhd_error_fini(&error);
        good.bytes[at] ^= 0x55;
    }
    test_free(good.bytes);
}

static void four_mebibytes_are_read_once(void **state)
{
    (void)state;
    /* Rows that all have the place, units that all have it with tables of names without end, and
     * one byte more than is kept. */
    static const char row[] = ADDRESS_1 "\1";
    enum { KEPT = 4 << 20 };
    for (int shape = 0; shape < 3; shape++) {
        binary lines = {0}, tables = {0}, program = {0};
        if (shape == 1) {
            PUT(&program, ADDRESS_1 "\4\xff\xff\x7f" LINE_5 TO_101 END);
            PUT(&tables, "\0");
            put_repeated(&tables, "a\0\0\0\0", 5, 6000);
            while (lines.size + tables.size + 100 < KEPT)
                put_unit(&lines, 4, &tables, &program);
        } else {
            put_repeated(&program, row, sizeof row - 1, (KEPT - 100) / (sizeof row - 1));
            PUT(&program, LINE_5 TO_101 END);
            PUT(&tables, "\0a.c\0\0\0\0\0");
            put_unit(&lines, 4, &tables, &program);
            if (shape == 2)
                put_repeated(&lines, "", 1, KEPT + 1 - lines.size);
        }
        binary b = module_with(&lines);
        bhd_error error = BHD_ERROR_INIT;
        trap_in(&b, NULL, "run", &error);
        expect_frame(&error, 0, shape == 0 ? "a.c" : NULL, shape == 0 ? 5 : 0);
        bhd_error_fini(&error);
        test_free(b.bytes);
        test_free(lines.bytes);
        test_free(tables.bytes);
        test_free(program.bytes);
    }
}

/* Rows that go over all places and back, so that each takes more steps than it has bytes. */
static void put_cycles(binary *program, size_t cycles)
{
    static const char cycle[] = "\0\5\2\x65\0\0\0\1" ADDRESS_1 "\1";
    PUT(program, ADDRESS_1 LINE_5 "\1");
    put_repeated(program, cycle, sizeof cycle - 1, cycles);
    PUT(program, END);
}

static void expect_all(const binary *tables, const binary *program, const char *file, uint32_t line)
{
    binary lines = {0};
    put_unit(&lines, 4, tables, program);
    binary b = deep_module_with(&lines);
    bhd_error error = BHD_ERROR_INIT;
    trap_in(&b, NULL, "run", &error);
    assert_int_equal(32, error.frame_count);
    for (size_t i = 0; i < 32; i++)
        expect_frame(&error, i, file, line);
    bhd_error_fini(&error);
    test_free(b.bytes);
    test_free(lines.bytes);
}

static void who_takes_too_many_steps_has_no_lines(void **state)
{
    (void)state;
    for (size_t cycles = 130000; cycles <= 260000; cycles += 130000) {
        bool is_shown = cycles == 130000;
        binary tables = {0}, program = {0};
        PUT(&tables, "\0a.c\0\0\0\0\0");
        put_cycles(&program, cycles);
        expect_all(&tables, &program, is_shown ? "a.c" : NULL, is_shown ? 5 : 0);
        test_free(tables.bytes);
        test_free(program.bytes);
    }
}

/* What is left of the steps is enough for some readings of the tables, but not for one a frame. */
static void a_file_is_looked_up_once_for_all_frames(void **state)
{
    (void)state;
    binary tables = {0}, program = {0};
    put_repeated(&tables, "d\0", 2, 15000);
    PUT(&tables, "\0");
    put_repeated(&tables, "a\0\0\0\0", 5, 5999);
    PUT(&tables, "a\0\x98\x75\0\0\0");
    PUT(&program, "\4\xf0\x2e");
    put_cycles(&program, 150000);
    expect_all(&tables, &program, "d/a", 5);
    test_free(tables.bytes);
    test_free(program.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_a_module_have_lines),
        cmocka_unit_test(frames_of_a_component_have_lines),
        cmocka_unit_test(an_unreachable_behind_a_branch_has_its_own_line),
        cmocka_unit_test(the_host_may_want_none),
        cmocka_unit_test(lines_are_what_the_program_says),
        cmocka_unit_test(what_is_broken_has_no_lines),
        cmocka_unit_test(changed_debugging_information_is_harmless),
        cmocka_unit_test(four_mebibytes_are_read_once),
        cmocka_unit_test(who_takes_too_many_steps_has_no_lines),
        cmocka_unit_test(a_file_is_looked_up_once_for_all_frames),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
