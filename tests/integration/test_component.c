/*
 * Components: from memory, from a file, from a manifest; what they say of themselves; and errors
 * that have nothing to do with the code in them.
 */
#include "support/crew.h"
#include "support/real_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void text_and_binary_modules_and_components_load(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        bhd_component_kind kind;
    } sources[] = {
        {"basic/grow.wat", BHD_KIND_MODULE},
        {"wasi/print.core.wasm", BHD_KIND_MODULE},
        {"component/run_ok.wat", BHD_KIND_COMPONENT},
        {"wasi/print.wasm", BHD_KIND_COMPONENT},
        {"(module)", BHD_KIND_MODULE},
        {"(component)", BHD_KIND_COMPONENT},
    };
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        bhd_component *component = guest_component(host, sources[i].source, &limits);
        assert_int_equal(sources[i].kind, bhd_component_get_kind(component));
        bhd_sandbox_free(guest_sandbox(component));
        bhd_component_free(component);
    }
    bhd_host_free(host);
}

static void a_component_knows_its_name_version_and_limits(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component;
    char name[] = "resizer";
    bhd_component_options options = {
        .size = sizeof options, .name = name, .limits = guest_limits(MIB(1))};
    options.limits.timeout_seconds = 1.5;
    expect_ok(bhd_component_new(host, &options, "(module)", 8, &component, &error), &error);
    memset(name, 'x', sizeof name - 1);
    assert_string_equal("resizer", bhd_component_name(component));
    assert_string_equal("0.0.0", bhd_component_version(component));
    assert_true(bhd_limits_equal(&options.limits, bhd_component_limits(component)));
    bhd_component_free(component);
    options.name = "a";
    options.version = "1.2.3-rc.1+build";
    expect_ok(bhd_component_new(host, &options, "(module)", 8, &component, &error), &error);
    assert_string_equal("1.2.3-rc.1+build", bhd_component_version(component));
    bhd_component_free(component);
    bhd_error_fini(&error);
    bhd_host_free(host);
}

static void names_that_are_no_names_are_refused(void **state)
{
    (void)state;
    char too_long[130];
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[129] = '\0';
    const char *const names[] = {NULL, "", "two words", "a/b", "\x1b[31m", "gr\xc3\xbcn", too_long};
    bhd_host *host = guest_host();
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        bhd_component_options options = {
            .size = sizeof options, .name = names[i], .limits = guest_limits(MIB(1))};
        expect_status(BHD_INVALID_ARGUMENT,
                      bhd_component_new(host, &options, "(module)", 8, &component, &error), &error);
        assert_null(component);
        expect_in(error.message, "the component's name");
        bhd_error_fini(&error);
    }
    bhd_host_free(host);
}

static void limits_are_checked_again(void **state)
{
    (void)state;
    bhd_host *host = guest_host_with(NULL);
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 0;
    guest_refused(host, "(module)", &limits, BHD_LIMIT_INVALID, "timeout_seconds");
    limits = guest_limits(MIB(1));
    limits.max_table_elements = BHD_MAX_TABLE_ELEMENTS + 1;
    guest_refused(host, "(module)", &limits, BHD_LIMIT_INVALID, "max_table_elements");
    limits = guest_limits(MIB(1));
    limits.on_exceed = (bhd_on_exceed)7;
    guest_refused(host, "(module)", &limits, BHD_LIMIT_INVALID, "on_exceed");
    limits = guest_limits(0);
    guest_refused(host, "(module)", &limits, BHD_LIMIT_TOO_LOW, NULL);
    bhd_host_free(host);
}

static void files_that_are_not_there_are_said_so(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    guest_refused(host, "basic/there-is-none.wat", &limits, BHD_FILE_NOT_FOUND,
                  "there-is-none.wat");
    guest_refused(host, "basic", &limits, BHD_FILE_UNREADABLE, "basic");
    bhd_host_free(host);
}

static void null_is_answered(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_component_options options = {
        .size = sizeof options, .name = "x", .limits = guest_limits(MIB(1))};
    bhd_component *component = NULL;
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_component_new(NULL, &options, "(module)", 8, &component, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_component_new(host, NULL, "(module)", 8, &component, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_component_new(host, &options, NULL, 8, &component, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_component_new(host, &options, "(module)", 8, NULL, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_component_load(host, NULL, &component, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_component_load_file(host, NULL, &options, &component, NULL), NULL);
    assert_null(component);
    bhd_component_free(NULL);
    bhd_host_free(host);
}

/* -- manifests ----------------------------------------------------------------------------- */

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(0, fclose(file));
}

static void remove_directory(const char *directory, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

/* Every key of a manifest is in force on the guest that it names. */
static void a_manifest_loads_its_component_and_is_in_force(void **state)
{
    (void)state;
    static const char *const files[] = {"Component.toml", "module.wat"};
    char directory[] = "/tmp/bulkhead-test-XXXXXX";
    char path[512];
    assert_non_null(mkdtemp(directory));
    write_file(directory, "Component.toml",
               "[component]\nname = \"worker\"\nversion = \"3.2.1\"\nsource = \"module.wat\"\n"
               "[resources.memory]\nmax_bytes = \"1MiB\"\non_exceed = \"trap\"\n"
               "max_table_elements = 50\n"
               "[resources.cpu]\ntimeout_seconds = 0.1\nmax_fuel = 40_000_000_000\n");
    write_file(directory, "module.wat",
               "(module (memory 1) (table 1 funcref)"
               " (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0)))"
               " (func (export \"grow_table\") (param i32) (result i32)"
               "  (table.grow (ref.null func) (local.get 0)))"
               " (func (export \"spin\") (loop $l (br $l))))");
    snprintf(path, sizeof path, "%s/Component.toml", directory);
    bhd_error error = BHD_ERROR_INIT;
    bhd_manifest *manifest;
    expect_ok(bhd_manifest_load(path, NULL, &manifest, &error), &error);
    guest g = {.host = guest_host_with(NULL)};
    expect_ok(bhd_component_load(g.host, manifest, &g.component, &error), &error);
    bhd_manifest_free(manifest);
    remove_directory(directory, files, COUNT_OF(files));
    assert_string_equal("worker", bhd_component_name(g.component));
    assert_string_equal("3.2.1", bhd_component_version(g.component));

    g.sandbox = guest_sandbox(g.component);
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 15));
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error, "grow", 1); /* max_bytes, on_exceed */
    assert_string_equal("worker", error.out_of_memory->component);
    assert_string_equal("3.2.1", error.out_of_memory->version);
    guest_again(&g);
    assert_int_equal(1, guest_i32(g.sandbox, "grow_table", 49));
    assert_true(bhd_sandbox_fuel_consumed(g.sandbox) > 0);             /* max_fuel */
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error, "grow_table", 1); /* max_table_elements */
    guest_again(&g);
    guest_ends(g.sandbox, BHD_TIMEOUT, &error, "spin"); /* timeout_seconds */
    bhd_error_fini(&error);
    guest_end(&g);
}

static void a_manifest_without_its_component_is_said_so(void **state)
{
    (void)state;
    static const char text[] = "[component]\nname = \"gone\"\nversion = \"1.0.0\"\n"
                               "[resources.memory]\nmax_bytes = 1048576\n";
    bhd_error error = BHD_ERROR_INIT;
    bhd_manifest *manifest;
    bhd_component *component = NULL;
    expect_ok(bhd_manifest_parse(text, sizeof text - 1, "/nowhere/Component.toml", NULL, &manifest,
                                 &error),
              &error);
    bhd_host *host = guest_host();
    expect_status(BHD_FILE_NOT_FOUND, bhd_component_load(host, manifest, &component, &error),
                  &error);
    expect_in(error.message, "/nowhere/gone.wasm");
    assert_null(component);
    bhd_manifest_free(manifest);
    bhd_error_fini(&error);
    bhd_host_free(host);
}

/* -- shared -------------------------------------------------------------------------------- */

static void use_component(crew_member *member)
{
    bhd_component *component = member->shared;
    for (int i = 0; i < ROUNDS(200); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_sandbox *sandbox = NULL;
        bhd_value sum = {.type = BHD_I32, .of.i32 = 0};
        bool ok =
            crew_check_ok(member, bhd_sandbox_new(component, NULL, &sandbox, &error), &error) &&
            crew_check_ok(member, guest_call(sandbox, &error, &sum, "add", i, 1), &error) &&
            crew_check(member, sum.of.i32 == i + 1) &&
            crew_check(member, strcmp(bhd_component_name(component), "guest") == 0);
        bhd_sandbox_free(sandbox);
        bhd_error_fini(&error);
        if (!ok)
            return;
    }
}

static void a_component_is_shared_between_threads(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/add.wat", &limits);
    crew_run(8, use_component, component);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_binary_modules_and_components_load),
        cmocka_unit_test(a_component_knows_its_name_version_and_limits),
        cmocka_unit_test(names_that_are_no_names_are_refused),
        cmocka_unit_test(limits_are_checked_again),
        cmocka_unit_test(files_that_are_not_there_are_said_so),
        cmocka_unit_test(null_is_answered),
        cmocka_unit_test(a_manifest_loads_its_component_and_is_in_force),
        cmocka_unit_test(a_manifest_without_its_component_is_said_so),
        cmocka_unit_test(a_component_is_shared_between_threads),
    };
    return cmocka_run_group_tests_name("component", tests, NULL, NULL);
}
