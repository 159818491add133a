/*
 * Components that were compiled before: they run as those that are compiled here, only where they
 * are allowed, and only when they are whole, of this build and its options, and nobody else's.
 */
#include "support/precompiled_kit.h"

#include "base/alloc.h"
#include "compile/cache_entry.h"
#include "compile/compiled_file.h"

#include <bulkhead_digest.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bhd_component_options options_of(uint64_t max_bytes, uint64_t max_fuel)
{
    bhd_component_options options = BHD_COMPONENT_OPTIONS_INIT;
    options.name = "precompiled";
    options.limits = guest_limits(max_bytes);
    options.limits.max_fuel = max_fuel;
    return options;
}

static bhd_status try_file(bhd_host *host, const char *path, uint64_t max_fuel,
                           bhd_component **component, bhd_error *error)
{
    bhd_component_options options = options_of(MIB(8), max_fuel);
    return bhd_component_load_file(host, path, &options, component, error);
}

static void refused_file(bhd_host *host, const char *path, uint64_t max_fuel, bhd_status wanted,
                         const char *part)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    expect_status(wanted, try_file(host, path, max_fuel, &component, &error), &error);
    assert_null(component);
    expect_in(error.message, part);
    bhd_error_fini(&error);
}

static bhd_status try_bytes(bhd_host *host, const void *data, size_t size, bhd_error *error)
{
    bhd_component_options options = options_of(MIB(8), 0);
    bhd_component *component = NULL;
    bhd_status status = bhd_component_new(host, &options, data, size, &component, error);
    bhd_component_free(component);
    return status;
}

static void refused_bytes(bhd_host *host, const void *data, size_t size, bhd_status wanted,
                          const char *part)
{
    bhd_error error = BHD_ERROR_INIT;
    expect_status(wanted, try_bytes(host, data, size, &error), &error);
    expect_in(error.message, part);
    bhd_error_fini(&error);
}

/* -- what it is for --------------------------------------------------------------------------- */

/* How a command ended, what it wrote and used. */
typedef struct outcome {
    int code;
    uint64_t fuel;
    bhd_memory_metrics metrics;
    guest_output output;
} outcome;

static outcome run(bhd_component *component)
{
    outcome o = {.code = -1};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output = guest_stream_to(&o.output);
    bhd_sandbox *sandbox = guest_sandbox_with(component, &options);
    o.code = guest_run(sandbox);
    o.fuel = bhd_sandbox_fuel_consumed(sandbox);
    o.metrics = guest_metrics(sandbox);
    bhd_sandbox_free(sandbox);
    return o;
}

static void it_runs_as_what_is_compiled_here(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        uint64_t fuel;
        const char *writes;
    } guests[] = {
        {"(module (memory 1) (func (export \"_start\") (drop (memory.grow (i32.const 3)))))", 0,
         ""},
        {"component/run_ok.wat", 0, ""},
        {"wasi/print.wasm", 0, "a line on stdout\n"},
        {"wasi/print.wasm", 10000000, "a line on stdout\n"},
        {"wasi/print.core.wasm", 0, "a line on stdout\n"},
    };
    precompiled_path p = precompiled_place("same");
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_host *hosts[] = {guest_host(), precompiled_host()};
        bhd_component *components[3];
        outcome outcomes[3];
        bhd_component_options options = options_of(MIB(8), guests[i].fuel);
        bhd__file binary = precompiled_source(guests[i].source);
        expect_ok(
            bhd_component_new(hosts[0], &options, binary.data, binary.size, &components[0], &error),
            &error);
        precompiled_make(guests[i].source, guests[i].fuel > 0, p.path);
        expect_ok(try_file(hosts[1], p.path, guests[i].fuel, &components[1], &error), &error);
        bhd__file file = precompiled_read(p.path);
        assert_true(bhd_is_precompiled(file.data, file.size));
        assert_false(bhd_is_precompiled(binary.data, binary.size));
        expect_ok(
            bhd_component_new(hosts[1], &options, file.data, file.size, &components[2], &error),
            &error);
        /* Nothing of the bytes is kept. */
        memset(file.data, 0, file.size);
        bhd__free(file.data);
        bhd__free(binary.data);
        assert_int_equal(unlink(p.path), 0);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(bhd_component_get_kind(components[k]),
                             bhd_component_get_kind(components[0]));
            outcomes[k] = run(components[k]);
            assert_int_equal(outcomes[k].code, 0);
            assert_string_equal(outcomes[k].output.text, guests[i].writes);
            assert_int_equal(outcomes[k].fuel, outcomes[0].fuel);
            assert_int_equal(outcomes[k].fuel > 0, guests[i].fuel > 0);
            assert_int_equal(outcomes[k].metrics.peak_bytes, outcomes[0].metrics.peak_bytes);
        }
        for (size_t k = 0; k < 3; k++)
            bhd_component_free(components[k]);
        bhd_host_free(hosts[0]);
        bhd_host_free(hosts[1]);
        bhd_error_fini(&error);
    }
}

/* Compiled in the process or apart, it is the same file. */
static void where_it_was_compiled_makes_no_difference(void **state)
{
    (void)state;
    precompiled_path p = precompiled_place("apart"), q = precompiled_place("here");
    bhd_host_options here = precompiled_compiling();
    here.compile = BHD_COMPILE_HERE;
    precompiled_make("wasi/print.wasm", false, p.path);
    precompiled_make_under(&here, "wasi/print.wasm", false, q.path);
    bhd__file one = precompiled_read(p.path), other = precompiled_read(q.path);
    assert_int_equal(one.size, other.size);
    assert_memory_equal(one.data, other.data, one.size);
    bhd__free(one.data);
    bhd__free(other.data);
    assert_int_equal(unlink(p.path), 0);
    assert_int_equal(unlink(q.path), 0);
}

/* A host that loads them compiles as before, and says what is missing when it cannot. */
static void other_components_are_compiled(void **state)
{
    (void)state;
    bhd_host_options options = precompiled_loading();
    bhd_host *host = guest_host_with(&options);
    refused_bytes(host, "(module)", 8, BHD_NO_COMPILER, PRECOMPILED_NOWHERE);
    bhd_host_free(host);
    options.compiler_path = NULL;
    host = guest_host_with(&options);
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(try_bytes(host, "(module)", 8, &error), &error);
    bhd_host_free(host);
}

static void limits_and_imports_are_judged(void **state)
{
    (void)state;
    precompiled_path p = precompiled_place("judged");
    bhd_host_options options = precompiled_loading();
    precompiled_make("(module (memory 200))", false, p.path);
    bhd_host *host = guest_host_with(&options);
    refused_file(host, p.path, 0, BHD_COMPONENT_TOO_LARGE, "max_bytes");
    precompiled_make("(module (import \"nobody\" \"f\" (func)))", false, p.path);
    refused_file(host, p.path, 0, BHD_IMPORT_UNKNOWN, "nobody.f");
    bhd_host_free(host);

    precompiled_make("wasi/print.wasm", false, p.path);
    bhd__file file = precompiled_read(p.path);
    options.max_artifact_bytes = 1000;
    host = guest_host_with(&options);
    refused_bytes(host, file.data, file.size, BHD_FILE_TOO_LARGE, "max_artifact_bytes");
    bhd_host_free(host);
    options = precompiled_loading();
    options.max_component_bytes = 1000;
    host = guest_host_with(&options);
    refused_bytes(host, file.data, file.size, BHD_FILE_TOO_LARGE, "max_component_bytes");
    bhd_host_free(host);
    bhd__free(file.data);
    assert_int_equal(unlink(p.path), 0);
}

/* Code is larger than the binary; what bounds the one does not bound the other. */
static void a_file_may_be_larger_than_a_binary(void **state)
{
    (void)state;
    precompiled_path p = precompiled_place("larger");
    bhd_host_options options = precompiled_compiling();
    options.max_component_bytes = 8;
    precompiled_make_under(&options, "(module)", false, p.path);
    options = precompiled_loading();
    options.max_component_bytes = 8;
    bhd_host *host = guest_host_with(&options);
    bhd_component *component;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(try_file(host, p.path, 0, &component, &error), &error);
    bhd_component_free(component);
    bhd_host_free(host);
    assert_int_equal(unlink(p.path), 0);
}

static void an_inspection_shows_what_there_is(void **state)
{
    (void)state;
    precompiled_path p = precompiled_place("inspected");
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *hosts[] = {guest_host(), precompiled_host()};
    bhd__file binary = precompiled_source("wasi/print.wasm");
    for (int with_fuel = 0; with_fuel <= 1; with_fuel++) {
        bhd_inspection one = BHD_INSPECTION_INIT, other = BHD_INSPECTION_INIT;
        precompiled_make("wasi/print.wasm", with_fuel != 0, p.path);
        bhd__file file = precompiled_read(p.path);
        expect_ok(bhd_inspect(hosts[0], binary.data, binary.size, &one, &error), &error);
        expect_ok(bhd_inspect(hosts[1], file.data, file.size, &other, &error), &error);
        assert_int_equal(one.kind, other.kind);
        assert_int_equal(one.binary_size, other.binary_size);
        assert_int_equal(one.import_count, other.import_count);
        assert_int_equal(one.export_count, other.export_count);
        assert_true(one.export_count > 0);
        for (size_t i = 0; i < one.export_count; i++)
            assert_string_equal(one.exports[i].name, other.exports[i].name);
        assert_int_equal(one.initial_memory_bytes, other.initial_memory_bytes);
        assert_string_equal(one.wit, other.wit);
        assert_int_equal(one.memory_count, other.memory_count);
        assert_true(one.memory_count > 0);
        assert_int_equal(one.memories[0].minimum, other.memories[0].minimum);
        assert_true(one.compile_ns > 0);
        assert_int_equal(other.compile_ns, 0);
        bhd_inspection_fini(&one);
        bhd_inspection_fini(&other);
        refused_bytes(hosts[0], file.data, file.size, BHD_NOT_SUPPORTED, "--allow-precompiled");
        bhd__free(file.data);
    }
    bhd__free(binary.data);
    bhd_host_free(hosts[0]);
    bhd_host_free(hosts[1]);
    assert_int_equal(unlink(p.path), 0);
}

/* -- who may ---------------------------------------------------------------------------------- */

static void nobody_loads_it_unasked(void **state)
{
    (void)state;
    precompiled_path p = precompiled_place("unasked");
    precompiled_make("(module)", false, p.path);
    for (uint32_t compile = BHD_COMPILE_APART; compile <= BHD_COMPILE_HERE; compile++) {
        bhd_host_options options = precompiled_compiling();
        options.compile = compile;
        bhd_host *host = guest_host_with(&options);
        refused_file(host, p.path, 0, BHD_NOT_SUPPORTED,
                     "it is machine code, and whoever wrote it can run anything in this process");
        refused_file(host, p.path, 0, BHD_NOT_SUPPORTED,
                     "(host option allow_precompiled, --allow-precompiled)");
        bhd_host_free(host);
    }
    assert_int_equal(unlink(p.path), 0);
}

static void a_file_that_others_may_write_is_refused(void **state)
{
    (void)state;
    static const mode_t bad[] = {0602, 0620, 0666, 0422, 0777};
    static const mode_t good[] = {0400, 0600, 0644, 0755, 0444};
    precompiled_path p = precompiled_place("modes");
    bhd_host *host = precompiled_host();
    precompiled_make("(module)", false, p.path);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(chmod(p.path, bad[i]), 0);
        refused_file(host, p.path, 0, BHD_FILE_UNREADABLE, "others may write to it; whoever can");
        refused_file(host, p.path, 0, BHD_FILE_UNREADABLE, p.path);
    }
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component;
        assert_int_equal(chmod(p.path, good[i]), 0);
        expect_ok(try_file(host, p.path, 0, &component, &error), &error);
        bhd_component_free(component);
    }
    bhd_host_free(host);
    assert_int_equal(unlink(p.path), 0);
}

static void check_is(int file, bhd_status wanted, const char *part)
{
    bhd_error error = BHD_ERROR_INIT;
    expect_status(wanted, bhd_precompiled_check_file(file, &error), &error);
    expect_in(error.message, part);
    bhd_error_fini(&error);
}

/* Only root can give a file away; another user sees the rest of this test. */
static void a_file_of_another_user_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    precompiled_path p = precompiled_place("owners");
    bhd_host *host = precompiled_host();
    precompiled_make("(module)", false, p.path);
    int file = open(p.path, O_RDONLY | O_CLOEXEC);
    check_is(file, BHD_OK, "");
    /* What is root's, another user takes; not what is a third one's. */
    assert_int_equal(seteuid(PRECOMPILED_NOBODY), 0);
    check_is(file, BHD_OK, "");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(fchown(file, PRECOMPILED_NOBODY, (gid_t)-1), 0);
    check_is(file, BHD_FILE_UNREADABLE, "it belongs to another user; whoever can write");
    refused_file(host, p.path, 0, BHD_FILE_UNREADABLE, "it belongs to another user; whoever can");
    assert_int_equal(seteuid(PRECOMPILED_NOBODY), 0);
    check_is(file, BHD_OK, "");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(seteuid(PRECOMPILED_NOBODY - 1), 0);
    check_is(file, BHD_FILE_UNREADABLE, "it belongs to another user");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(close(file), 0);
    bhd_host_free(host);
    assert_int_equal(unlink(p.path), 0);
}

static void only_a_regular_file_is_read(void **state)
{
    (void)state;
    precompiled_path p = precompiled_place("real"), link = precompiled_place("link"),
                     pipe = precompiled_place("pipe");
    bhd_host *host = precompiled_host();
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component;
    precompiled_make("(module)", false, p.path);
    /* What counts is what a link leads to. */
    assert_int_equal(symlink(p.path, link.path), 0);
    expect_ok(try_file(host, link.path, 0, &component, &error), &error);
    bhd_component_free(component);
    assert_int_equal(chmod(p.path, 0622), 0);
    refused_file(host, link.path, 0, BHD_FILE_UNREADABLE, "others may write to it");
    assert_int_equal(mkfifo(pipe.path, 0600), 0);
    refused_file(host, pipe.path, 0, BHD_FILE_UNREADABLE, "it is not a regular file");
    refused_file(host, precompiled_directory(), 0, BHD_FILE_UNREADABLE, "it is a directory");
    int file = open(pipe.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    check_is(file, BHD_FILE_UNREADABLE, "it is not a regular file");
    assert_int_equal(close(file), 0);
    check_is(-1, BHD_FILE_UNREADABLE, "it cannot be looked at");
    bhd_host_free(host);
    assert_int_equal(unlink(p.path), 0);
    assert_int_equal(unlink(link.path), 0);
    assert_int_equal(unlink(pipe.path), 0);
}

/* -- what it is ------------------------------------------------------------------------------- */

/* It is either told what it is and that it is damaged, or not taken for it at all. */
static void expect_damaged(bhd_host *host, const void *data, size_t size, const char *what,
                           size_t at)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status = try_bytes(host, data, size, &error);
    bool is_told = status == BHD_COMPONENT_INVALID && strstr(error.message, "compile it again");
    if (bhd_is_precompiled(data, size) ? !is_told : status == BHD_OK)
        fail_msg("%s at %zu: %s (%s)", what, at, bhd_status_name(status), error.message);
    bhd_error_fini(&error);
}

static void every_damage_is_refused(void **state)
{
    (void)state;
    enum { STEP = BHD_TESTS_SANITIZED ? 61 : 3 };
    precompiled_path p = precompiled_place("damaged");
    bhd_host *host = precompiled_host();
    precompiled_make("(module (func (export \"f\") (result i32) i32.const 7))", false, p.path);
    bhd__file file = precompiled_read(p.path);
    assert_int_equal(unlink(p.path), 0);
    const size_t trailer = file.size - sizeof(bhd__cache_trailer);
    for (size_t at = 0; at < file.size; at += at < trailer ? STEP : 1) {
        file.data[at] ^= (char)(1 << (at % 8));
        expect_damaged(host, file.data, file.size, "flipped", at);
        file.data[at] ^= (char)(1 << (at % 8));
    }
    for (size_t size = 0; size < file.size; size += STEP)
        expect_damaged(host, file.data, size, "cut", size);
    /* A piece out of the middle: both ends are as they should be. */
    char *copy = malloc(file.size + 256);
    assert_non_null(copy);
    for (size_t at = 4; at < trailer; at += (size_t)STEP * 7) {
        memcpy(copy, file.data, at);
        memcpy(copy + at, file.data + at + 1, file.size - at - 1);
        expect_damaged(host, copy, file.size - 1, "taken out", at);
        memset(copy + at, 0, 16);
        memcpy(copy + at + 16, file.data + at, file.size - at);
        expect_damaged(host, copy, file.size + 16, "put in", at);
    }
    free(copy);
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(try_bytes(host, file.data, file.size, &error), &error);
    bhd__free(file.data);
    bhd_host_free(host);
}

/* With a checksum that is right, as somebody would write it who knows the form. */
static void rewrite(bhd__file *file, void (*change)(char *data, bhd__cache_trailer *trailer))
{
    bhd__cache_trailer trailer;
    char *end = file->data + file->size - sizeof trailer;
    memcpy(&trailer, end, sizeof trailer);
    change(file->data, &trailer);
    uint32_t crc = bhd_engine_crc32c(0, file->data, file->size - sizeof trailer);
    trailer.crc = bhd_engine_crc32c(crc, &trailer, offsetof(bhd__cache_trailer, crc));
    memcpy(end, &trailer, sizeof trailer);
}

static char other_digit(char digit)
{
    return digit == '0' ? '1' : '0';
}

static void other_build(char *data, bhd__cache_trailer *trailer)
{
    (void)data;
    trailer->identity[31] = other_digit(trailer->identity[31]);
}

static void other_configuration(char *data, bhd__cache_trailer *trailer)
{
    (void)data;
    trailer->identity[63] = other_digit(trailer->identity[63]);
}

static void no_code(char *data, bhd__cache_trailer *trailer)
{
    memset(data + 4, 0, trailer->artifact_bytes - 4);
}

static void no_description(char *data, bhd__cache_trailer *trailer)
{
    memset(data + trailer->artifact_bytes, 0xff, trailer->description_bytes);
}

static void all_is_description(char *data, bhd__cache_trailer *trailer)
{
    (void)data;
    trailer->description_bytes += trailer->artifact_bytes;
    trailer->artifact_bytes = 0;
}

static void all_is_code(char *data, bhd__cache_trailer *trailer)
{
    (void)data;
    trailer->artifact_bytes += trailer->description_bytes;
    trailer->description_bytes = 0;
}

static void sizes_that_overflow(char *data, bhd__cache_trailer *trailer)
{
    (void)data;
    trailer->artifact_bytes += UINT64_C(1) << 63;
    trailer->description_bytes += UINT64_C(1) << 63;
}

static void a_right_checksum_is_not_enough(void **state)
{
    (void)state;
    static const struct {
        void (*change)(char *data, bhd__cache_trailer *trailer);
        bhd_status status;
        const char *part;
    } changes[] = {
        {other_build, BHD_COMPONENT_UNSUPPORTED, "another build of Bulkhead than this one ("},
        {other_configuration, BHD_COMPONENT_UNSUPPORTED,
         "another processor, or under other host options than these (features, max_stack_bytes"},
        {no_code, BHD_COMPONENT_INVALID, "cannot be loaded; compile it again"},
        {no_description, BHD_COMPONENT_INVALID, "its description has not the form"},
        {all_is_description, BHD_COMPONENT_INVALID, "its description has not the form"},
        {all_is_code, BHD_COMPONENT_INVALID, "its description has not the form"},
        {sizes_that_overflow, BHD_COMPONENT_INVALID, "its size is another than it says"},
    };
    precompiled_path p = precompiled_place("forged");
    bhd_host *host = precompiled_host();
    precompiled_make("(module)", false, p.path);
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        bhd__file file = precompiled_read(p.path);
        rewrite(&file, changes[i].change);
        refused_bytes(host, file.data, file.size, changes[i].status, changes[i].part);
        bhd__free(file.data);
    }
    bhd_host_free(host);
    assert_int_equal(unlink(p.path), 0);
}

static void other_options_are_told(void **state)
{
    (void)state;
    precompiled_path p = precompiled_place("options");
    bhd_host_options plain = precompiled_loading(),
                     options[5] = {plain, plain, plain, plain, plain};
    options[0].features = BHD_FEATURE_GC;
    options[1].max_stack_bytes *= 2;
    options[2].max_functions -= 1;
    options[3].max_function_bytes -= 1;
    options[4].max_instance_bytes -= 1;
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component;
        bhd_host *other = guest_host_with(&options[i]), *host = guest_host_with(&plain);
        precompiled_make("(module)", false, p.path);
        refused_file(other, p.path, 0, BHD_COMPONENT_UNSUPPORTED,
                     "compile it again on this machine with the same options");
        bhd_host_options compiling = options[i];
        compiling.compiler_path = NULL;
        precompiled_make_under(&compiling, "(module)", false, p.path);
        refused_file(host, p.path, 0, BHD_COMPONENT_UNSUPPORTED,
                     "compile it again on this machine with the same options");
        expect_ok(try_file(other, p.path, 0, &component, &error), &error);
        bhd_component_free(component);
        bhd_host_free(other);
        bhd_host_free(host);
    }
    bhd_host *host = guest_host_with(&plain);
    precompiled_make("(module)", false, p.path);
    refused_file(host, p.path, 1000, BHD_COMPONENT_UNSUPPORTED, "precompiled without fuel");
    refused_file(host, p.path, 1000, BHD_COMPONENT_UNSUPPORTED, "bulkhead compile --fuel");
    precompiled_make("(module)", true, p.path);
    refused_file(host, p.path, 0, BHD_COMPONENT_UNSUPPORTED, "precompiled with fuel");
    bhd_host_free(host);
    assert_int_equal(unlink(p.path), 0);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    precompiled_path p = precompiled_place("memory");
    bhd_host *host = precompiled_host();
    precompiled_make("(module)", false, p.path);
    /* The host's engine is made with the first. */
    bhd_component *component = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(try_file(host, p.path, 0, &component, &error), &error);
    bhd_component_free(component);
    bhd_status status = BHD_HOST_OUT_OF_MEMORY;
    for (unsigned nth = 1; status != BHD_OK; nth++) {
        uint64_t before = bhd__alloc_live();
        component = NULL;
        bhd__alloc_fail_at(nth, 0);
        status = try_file(host, p.path, 0, &component, &error);
        bhd__alloc_fail_at(0, 0);
        bhd_component_free(component);
        assert_true(status == BHD_OK || status == BHD_HOST_OUT_OF_MEMORY);
        bhd_error_fini(&error);
        assert_int_equal(bhd__alloc_live(), before);
        assert_true(nth < 200);
    }
    bhd_host_free(host);
    assert_int_equal(unlink(p.path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_as_what_is_compiled_here),
        cmocka_unit_test(where_it_was_compiled_makes_no_difference),
        cmocka_unit_test(other_components_are_compiled),
        cmocka_unit_test(limits_and_imports_are_judged),
        cmocka_unit_test(a_file_may_be_larger_than_a_binary),
        cmocka_unit_test(an_inspection_shows_what_there_is),
        cmocka_unit_test(nobody_loads_it_unasked),
        cmocka_unit_test(a_file_that_others_may_write_is_refused),
        cmocka_unit_test(a_file_of_another_user_is_refused),
        cmocka_unit_test(only_a_regular_file_is_read),
        cmocka_unit_test(every_damage_is_refused),
        cmocka_unit_test(a_right_checksum_is_not_enough),
        cmocka_unit_test(other_options_are_told),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, precompiled_begin, precompiled_end);
}
