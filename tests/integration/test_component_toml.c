/*
 * Suite 6: Component.toml. Manifests are files in a directory of their own; the limits of the good
 * ones are shown on a guest in a sandbox, the bad ones by every word that a user sees.
 */
#include "support/real_guest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMPONENT "[component]\nname = \"grow\"\nversion = \"1.2.3\"\n"
#define MEMORY(bytes) "[resources.memory]\nmax_bytes = " bytes "\n"

static char directory[] = "/tmp/component-toml-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL || chdir(directory) != 0 ? -1 : 0;
}

static int leave_directory(void **state)
{
    (void)state;
    static const char *const files[] = {"Component.toml", "pipe", "app/Component.toml"};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        (void)unlink(files[i]);
    (void)rmdir("app");
    return chdir("/") != 0 || rmdir(directory) != 0 ? -1 : 0;
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* -- good manifests, on a guest --------------------------------------------------------------- */

static const char *guest_source(void)
{
    static char path[1024];
#ifdef BHD_SOURCE_DIR
    const char *root = BHD_SOURCE_DIR;
#else
    const char *root = getenv("BHD_SOURCE_DIR");
#endif
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/guests/basic/grow.wat", root);
    return path;
}

/* A manifest for the guest with the given rest, read back. */
static bhd_manifest *load(const char *rest)
{
    char text[4096];
    int length = snprintf(text, sizeof text, COMPONENT "source = \"%s\"\n%s", guest_source(), rest);
    assert_true(length > 0 && (size_t)length < sizeof text);
    write_bytes("Component.toml", text, (size_t)length);
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_manifest_load("Component.toml", NULL, &manifest, &error), &error);
    return manifest;
}

/* The guest of the manifest reaches `max_bytes` and not a page more. */
static void expect_enforced(const bhd_manifest *manifest, uint64_t max_bytes)
{
    bhd_host *host = guest_host();
    bhd_component *component = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_component_load(host, manifest, &component, &error), &error);
    assert_string_equal(bhd_component_name(component), "grow");
    assert_string_equal(bhd_component_version(component), "1.2.3");
    bhd_sandbox *sandbox = guest_sandbox(component);
    int32_t pages = (int32_t)(max_bytes / PAGE);
    assert_int_equal(guest_i32(sandbox, "grow", pages - 1), 1);
    assert_int_equal(guest_i32(sandbox, "grow", 1), -1);
    expect_metrics(sandbox, max_bytes, max_bytes, 2, 1);
    assert_int_equal(guest_metrics(sandbox).max_bytes, max_bytes);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void a_valid_manifest_is_read_and_enforced(void **state)
{
    (void)state;
    bhd_manifest *manifest = load(MEMORY("2_097_152") "on_exceed = \"deny\"\n"
                                                      "max_table_elements = 77\n"
                                                      "[resources.cpu]\n"
                                                      "timeout_seconds = 2.5\n"
                                                      "max_fuel = 1_000_000\n");
    const bhd_limits *limits = bhd_manifest_limits(manifest);
    assert_string_equal(bhd_manifest_name(manifest), "grow");
    assert_string_equal(bhd_manifest_version(manifest), "1.2.3");
    assert_string_equal(bhd_manifest_source(manifest), guest_source());
    assert_string_equal(bhd_manifest_path(manifest), "Component.toml");
    assert_int_equal(limits->max_memory_bytes, 2097152);
    assert_int_equal(limits->max_table_elements, 77);
    assert_int_equal(limits->max_fuel, 1000000);
    assert_true(limits->timeout_seconds == 2.5);
    assert_int_equal(limits->on_exceed, BHD_ON_EXCEED_DENY);
    expect_enforced(manifest, 2097152);
    bhd_manifest_free(manifest);
}

static void exactly_the_minimum_is_accepted_and_enforced(void **state)
{
    (void)state;
    bhd_manifest *manifest = load(MEMORY("524288"));
    assert_int_equal(bhd_manifest_limits(manifest)->max_memory_bytes, BHD_MIN_MEMORY_BYTES);
    expect_enforced(manifest, BHD_MIN_MEMORY_BYTES);
    bhd_manifest_free(manifest);
}

static void exactly_the_maximum_is_accepted_and_enforced(void **state)
{
    (void)state;
    bhd_manifest *manifest = load(MEMORY("\"4MiB\""));
    assert_int_equal(bhd_manifest_limits(manifest)->max_memory_bytes, BHD_MAX_MEMORY_BYTES);
    expect_enforced(manifest, BHD_MAX_MEMORY_BYTES);
    bhd_manifest_free(manifest);
}

static void without_cpu_the_default_timeout_holds_and_fuel_is_not_metered(void **state)
{
    (void)state;
    bhd_manifest *manifest = load(MEMORY("1_048_576"));
    const bhd_limits *limits = bhd_manifest_limits(manifest);
    assert_true(limits->timeout_seconds == BHD_DEFAULT_TIMEOUT_SECONDS);
    assert_int_equal(limits->max_fuel, 0);
    assert_int_equal(limits->max_table_elements, BHD_DEFAULT_TABLE_ELEMENTS);
    assert_int_equal(limits->on_exceed, BHD_ON_EXCEED_DENY);
    expect_enforced(manifest, 1048576);
    bhd_manifest_free(manifest);
}

static void on_exceed_trap_ends_the_guest_at_the_growth(void **state)
{
    (void)state;
    bhd_manifest *manifest = load(MEMORY("524288") "on_exceed = \"trap\"\n");
    bhd_host *host = guest_host();
    bhd_component *component = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_component_load(host, manifest, &component, &error), &error);
    bhd_sandbox *sandbox = guest_sandbox(component);
    guest_ends(sandbox, BHD_OUT_OF_MEMORY, &error, "grow", 8);
    bhd_error_fini(&error);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
    bhd_manifest_free(manifest);
}

static void the_source_is_beside_the_manifest(void **state)
{
    (void)state;
    static const char text[] = COMPONENT MEMORY("524288");
    assert_int_equal(mkdir("app", 0700), 0);
    write_bytes("app/Component.toml", text, strlen(text));
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_manifest_load("app/Component.toml", NULL, &manifest, &error), &error);
    assert_string_equal(bhd_manifest_path(manifest), "app/Component.toml");
    assert_string_equal(bhd_manifest_source(manifest), "app/grow.wasm");
    bhd_manifest_free(manifest);
}

static void a_policy_moves_the_range(void **state)
{
    (void)state;
    static const char text[] = COMPONENT MEMORY("\"8MiB\"");
    const bhd_policy wide = {65536, UINT64_C(8388608)}, narrow = {65536, UINT64_C(8388607)};
    write_bytes("Component.toml", text, strlen(text));
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_manifest_load("Component.toml", &wide, &manifest, &error), &error);
    assert_int_equal(bhd_manifest_limits(manifest)->max_memory_bytes, 8388608);
    bhd_manifest_free(manifest);
    manifest = NULL;
    expect_status(BHD_MANIFEST_INVALID,
                  bhd_manifest_load("Component.toml", &narrow, &manifest, &error), &error);
    assert_null(manifest);
    expect_in(error.message, "65536 to 8388607 bytes");
    bhd_error_fini(&error);
}

/* -- bad manifests ---------------------------------------------------------------------------- */

/* Loading the file ends in `wanted`; `text` is what bhd_error_to_text then writes. */
static void expect_file(const char *path, bhd_status wanted, const char *text)
{
    char actual[4096];
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(wanted, bhd_manifest_load(path, NULL, &manifest, &error), &error);
    assert_null(manifest);
    assert_int_equal(error.code, wanted);
    assert_true(bhd_error_to_text(&error, path, actual, sizeof actual) < sizeof actual);
    assert_string_equal(actual, text);
    bhd_error_fini(&error);
    /* Without a place for the account the status is the same. */
    assert_int_equal(bhd_manifest_load(path, NULL, &manifest, NULL), wanted);
}

static void expect_refused(const char *manifest, bhd_status wanted, const char *text)
{
    write_bytes("Component.toml", manifest, strlen(manifest));
    expect_file("Component.toml", wanted, text);
}

static void a_missing_memory_limit_is_answered_with_an_example(void **state)
{
    (void)state;
    expect_refused(COMPONENT, BHD_MANIFEST_INVALID,
                   "Component.toml: resources.memory: missing; the memory limit is mandatory on "
                   "purpose, so that whoever ships a component thinks about what it needs "
                   "(ADR-WASM-002); write a limit of 524288 to 4194304 bytes (512 KiB to 4 MiB), "
                   "for example:\n"
                   "    [resources.memory]\n"
                   "    max_bytes = 1_048_576  # 1 MiB\n");
}

/* What the example says is a manifest. */
static void the_example_can_be_pasted(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_manifest *manifest = NULL;
    expect_status(BHD_MANIFEST_INVALID, bhd_manifest_parse("", 0, NULL, NULL, &manifest, &error),
                  &error);
    assert_int_equal(error.diagnostic_count, 2);
    char text[4096] = "";
    size_t length = 0;
    for (size_t i = 0; i < error.diagnostic_count; i++) {
        const char *example = strchr(error.diagnostics[i].message, '\n');
        assert_non_null(example);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s", example);
    }
    bhd_error_fini(&error);
    expect_ok(bhd_manifest_parse(text, length, NULL, NULL, &manifest, &error), &error);
    assert_int_equal(bhd_manifest_limits(manifest)->max_memory_bytes, 1048576);
    bhd_manifest_free(manifest);
}

static void a_limit_below_the_minimum_is_refused(void **state)
{
    (void)state;
    expect_refused(COMPONENT MEMORY("524287"), BHD_MANIFEST_INVALID,
                   "Component.toml:5:13: resources.memory.max_bytes: 524287 bytes is below the "
                   "allowed range of 524288 to 4194304 bytes (512 KiB to 4 MiB); write at least "
                   "524288; this is the default range, and whoever runs the host may widen it\n");
}

static void a_limit_above_the_maximum_is_refused(void **state)
{
    (void)state;
    expect_refused(COMPONENT MEMORY("4194305"), BHD_MANIFEST_INVALID,
                   "Component.toml:5:13: resources.memory.max_bytes: 4194305 bytes is above the "
                   "allowed range of 524288 to 4194304 bytes (512 KiB to 4 MiB); write at most "
                   "4194304; this is the default range, and whoever runs the host may widen it\n");
}

static void a_range_error_carries_the_numbers(void **state)
{
    (void)state;
    static const char text[] = COMPONENT MEMORY("8_000_000");
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_MANIFEST_INVALID,
                  bhd_manifest_parse(text, strlen(text), NULL, NULL, &manifest, &error), &error);
    assert_true(error.has_range);
    assert_int_equal(error.value, 8000000);
    assert_int_equal(error.range_minimum, 524288);
    assert_int_equal(error.range_maximum, 4194304);
    bhd_error_fini(&error);
}

static void a_missing_name_is_refused(void **state)
{
    (void)state;
    expect_refused("[component]\nversion = \"1.2.3\"\n" MEMORY("524288"), BHD_MANIFEST_INVALID,
                   "Component.toml: component.name: missing; write a string of 1 to 128 characters "
                   "out of A-Z a-z 0-9 . _ -, for example name = \"resizer\"\n");
}

static void a_value_of_the_wrong_type_is_refused(void **state)
{
    (void)state;
    expect_refused(COMPONENT MEMORY("true"), BHD_MANIFEST_INVALID,
                   "Component.toml:5:13: resources.memory.max_bytes: must be a whole number of "
                   "bytes, or a string with KiB or MiB, not a boolean (true); write max_bytes = "
                   "1_048_576\n");
}

static void an_unknown_value_is_refused(void **state)
{
    (void)state;
    expect_refused(COMPONENT MEMORY("524288") "on_exceed = \"tarp\"\n", BHD_MANIFEST_INVALID,
                   "Component.toml:6:13: resources.memory.on_exceed: \"tarp\" is neither \"deny\" "
                   "(memory.grow gives -1; the default) nor \"trap\" (the guest ends there); did "
                   "you mean \"trap\"?\n");
}

static void a_duplicate_key_is_refused(void **state)
{
    (void)state;
    expect_refused(COMPONENT MEMORY("524288") "max_bytes = 1_048_576\n", BHD_MANIFEST_INVALID,
                   "Component.toml:6:1: resources.memory.max_bytes: given twice, first at 5:1; "
                   "keep one\n");
}

static void all_errors_are_reported_at_once(void **state)
{
    (void)state;
    expect_refused("[component]\n"
                   "name = \"a b\"\n"
                   "vresion = \"1.2.3\"\n"
                   "[resources.memory]\n"
                   "max_bytes = \"2MB\"\n"
                   "[resources.cpu]\n"
                   "timeout_seconds = nan\n"
                   "[privileges]\n",
                   BHD_MANIFEST_INVALID,
                   "Component.toml:2:8: component.name: \"a b\" has a character other than A-Z a-z "
                   "0-9 . _ -; write for example name = \"a-b\"\n"
                   "Component.toml:3:1: component.vresion: unknown key; did you mean version?\n"
                   "Component.toml:5:13: resources.memory.max_bytes: \"2MB\" is not a size; the "
                   "units are KiB and MiB: write \"2MiB\" (2097152 bytes)\n"
                   "Component.toml:7:19: resources.cpu.timeout_seconds: nan is not a number of "
                   "seconds from 0.001 to 86400; write for example timeout_seconds = 30\n"
                   "Component.toml:8:2: privileges: unknown table; this version knows "
                   "[component], [resources.memory], [resources.cpu] and [capabilities]\n");
}

static void a_syntax_error_has_its_place(void **state)
{
    (void)state;
    expect_refused(COMPONENT "[resources.memory\nmax_bytes = 524288\n", BHD_MANIFEST_SYNTAX,
                   "Component.toml:4:18: unclosed table, expected `]`\n");
}

/* -- files that are no manifests -------------------------------------------------------------- */

static void a_missing_file_is_named(void **state)
{
    (void)state;
    expect_file("nowhere/Component.toml", BHD_FILE_NOT_FOUND,
                "manifest nowhere/Component.toml: file not found; a component needs a "
                "Component.toml that states its limits\n");
}

static void a_directory_is_not_a_manifest(void **state)
{
    (void)state;
    expect_file(".", BHD_FILE_UNREADABLE,
                "manifest .: cannot be read: it is a directory; name a regular file that this user "
                "may read\n");
}

static void a_pipe_that_nobody_writes_to_is_not_waited_for(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    expect_file("pipe", BHD_FILE_UNREADABLE,
                "manifest pipe: cannot be read: it is not a regular file; name a regular file that "
                "this user may read\n");
}

static void a_file_without_permission_is_refused(void **state)
{
    (void)state;
    write_bytes("Component.toml", "", 0);
    assert_int_equal(chmod("Component.toml", 0), 0);
    int descriptor = open("Component.toml", O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) { /* this user may read everything; the directory above stands in */
        close(descriptor);
        assert_int_equal(unlink("Component.toml"), 0);
        skip();
    }
    expect_file("Component.toml", BHD_FILE_UNREADABLE,
                "manifest Component.toml: cannot be read: Permission denied; name a regular file "
                "that this user may read\n");
    assert_int_equal(unlink("Component.toml"), 0);
}

static void one_mebibyte_is_read_and_a_byte_more_is_not(void **state)
{
    (void)state;
    static const char manifest[] = COMPONENT MEMORY("524288");
    size_t size = BHD_MANIFEST_MAX_BYTES;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, '#', size + 1);
    memcpy(text, manifest, strlen(manifest));
    write_bytes("Component.toml", text, size);
    bhd_manifest *made = NULL;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_manifest_load("Component.toml", NULL, &made, &error), &error);
    bhd_manifest_free(made);
    made = NULL;

    write_bytes("Component.toml", text, size + 1);
    expect_file("Component.toml", BHD_FILE_TOO_LARGE,
                "manifest Component.toml: too large: at most 1048576 bytes are read; a manifest is "
                "a few lines, is this the right file?\n");
    expect_status(BHD_FILE_TOO_LARGE, bhd_manifest_parse(text, size + 1, "x", NULL, &made, &error),
                  &error);
    assert_string_equal(error.message, "x: too large: 1048577 bytes, at most 1048576 are read");
    bhd_error_fini(&error);
    free(text);
}

static void bytes_that_are_not_utf8_have_their_place(void **state)
{
    (void)state;
    expect_refused(COMPONENT "# gr\xc3\xb6\xc3\x9f"
                             "e\n"
                             "# gr\xf6\xdf"
                             "e\n",
                   BHD_FILE_NOT_UTF8,
                   "Component.toml:5:5: not UTF-8: the byte 0xf6 at offset 58 is not part of a "
                   "character; save the text as UTF-8\n");
}

static void arguments_are_checked(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_manifest *manifest = NULL;
    const bhd_policy upside_down = {4194304, 524288};
    expect_status(BHD_INVALID_ARGUMENT, bhd_manifest_load(NULL, NULL, &manifest, &error), &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_manifest_load("x", NULL, NULL, &error), &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_manifest_parse("", 0, NULL, NULL, NULL, &error),
                  &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_manifest_parse(NULL, 1, NULL, NULL, &manifest, &error),
                  &error);
    expect_status(BHD_POLICY_INVALID,
                  bhd_manifest_parse("", 0, NULL, &upside_down, &manifest, &error), &error);
    assert_null(manifest);
    bhd_manifest_free(NULL);
    bhd_error_fini(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_manifest_is_read_and_enforced),
        cmocka_unit_test(a_missing_memory_limit_is_answered_with_an_example),
        cmocka_unit_test(a_limit_below_the_minimum_is_refused),
        cmocka_unit_test(a_limit_above_the_maximum_is_refused),
        cmocka_unit_test(exactly_the_minimum_is_accepted_and_enforced),
        cmocka_unit_test(exactly_the_maximum_is_accepted_and_enforced),
        cmocka_unit_test(a_missing_name_is_refused),
        cmocka_unit_test(without_cpu_the_default_timeout_holds_and_fuel_is_not_metered),
        cmocka_unit_test(a_value_of_the_wrong_type_is_refused),
        cmocka_unit_test(an_unknown_value_is_refused),
        cmocka_unit_test(on_exceed_trap_ends_the_guest_at_the_growth),
        cmocka_unit_test(the_source_is_beside_the_manifest),
        cmocka_unit_test(a_policy_moves_the_range),
        cmocka_unit_test(the_example_can_be_pasted),
        cmocka_unit_test(a_range_error_carries_the_numbers),
        cmocka_unit_test(a_duplicate_key_is_refused),
        cmocka_unit_test(all_errors_are_reported_at_once),
        cmocka_unit_test(a_syntax_error_has_its_place),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_directory_is_not_a_manifest),
        cmocka_unit_test(a_pipe_that_nobody_writes_to_is_not_waited_for),
        cmocka_unit_test(a_file_without_permission_is_refused),
        cmocka_unit_test(one_mebibyte_is_read_and_a_byte_more_is_not),
        cmocka_unit_test(bytes_that_are_not_utf8_have_their_place),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
