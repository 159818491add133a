/*
 * What a user sees of every manifest in tests/golden/manifest: NN-name.toml is parsed, and all that
 * comes out of it is compared with NN-name.expected. A first line "# policy MINIMUM MAXIMUM" sets
 * the range.
 *
 * With BHD_GOLDEN_WRITE=1 in the environment the .expected files are written instead; read them.
 */
#include "unit_test.h"

#include "bulkhead/manifest.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef BHD_SOURCE_DIR
#define BHD_SOURCE_DIR getenv("BHD_SOURCE_DIR")
#endif

#define MOST_CASES 200
#define FILE_CAPACITY 65536

static char directory[1024];

static size_t read_file(const char *path, char *buffer, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is not there", path);
    size_t size = fread(buffer, 1, capacity - 1, file);
    assert_true(feof(file) != 0 || size < capacity - 1);
    fclose(file);
    buffer[size] = '\0';
    return size;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static const char *output_word(bhd_output output)
{
    return output == BHD_OUTPUT_NONE      ? "none"
           : output == BHD_OUTPUT_CAPTURE ? "capture"
                                          : "inherit";
}

/* Nothing when it asks for nothing. */
static void render_capabilities(const bhd_capabilities *c, char *out, size_t capacity)
{
    size_t used = strlen(out);
#define ADD(...) used += (size_t)snprintf(out + used, capacity - used, __VA_ARGS__)
    for (size_t i = 0; i < c->arg_count; i++)
        ADD("arg: %s\n", c->args[i]);
    for (size_t i = 0; i < c->env_count; i++)
        ADD("env: %s = %s\n", c->env[i].name, c->env[i].value ? c->env[i].value : "(the host's)");
    for (size_t i = 0; i < c->directory_count; i++)
        ADD("directory: %s as %s, %s\n", c->directories[i].host, c->directories[i].guest,
            c->directories[i].access == BHD_ACCESS_READ_WRITE ? "rw" : "ro");
    for (size_t i = 0; i < c->endpoint_count; i++)
        ADD("network: %s %u\n", c->network[i].host, c->network[i].port);
    if (c->clocks || c->random || c->standard_input)
        ADD("clocks: %d, random: %d, stdin: %d, stdout: %s, stderr: %s\n", c->clocks, c->random,
            c->standard_input, output_word(c->standard_output), output_word(c->standard_error));
    if (c->directory_count > 0)
        ADD("quotas: %" PRIu64 " bytes, %" PRIu32 " files, %" PRIu32 " connections\n",
            c->max_written_bytes, c->max_open_files, c->max_connections);
#undef ADD
    assert_true(used < capacity);
}

static void render_manifest(const bhd_manifest *manifest, char *out, size_t capacity)
{
    const bhd_limits *limits = bhd_manifest_limits(manifest);
    int length = snprintf(out, capacity,
                          "status: OK\n"
                          "name: %s\nversion: %s\nsource: %s\npath: %s\n"
                          "max_memory_bytes: %" PRIu64 "\nmax_table_elements: %" PRIu64 "\n"
                          "max_fuel: %" PRIu64 "\ntimeout_seconds: %.17g\non_exceed: %s\n",
                          bhd_manifest_name(manifest), bhd_manifest_version(manifest),
                          bhd_manifest_source(manifest), bhd_manifest_path(manifest),
                          limits->max_memory_bytes, limits->max_table_elements, limits->max_fuel,
                          limits->timeout_seconds, bhd_on_exceed_text(limits->on_exceed));
    assert_true(length > 0 && (size_t)length < capacity);
    render_capabilities(bhd_manifest_capabilities(manifest), out, capacity);
}

static void render_error(const bhd_error *error, char *out, size_t capacity)
{
    int length = snprintf(out, capacity, "status: %s\nmessage: %s\n", bhd_status_name(error->code),
                          error->message);
    if (error->has_range)
        length += snprintf(out + length, capacity - (size_t)length,
                           "range: %" PRIu64 " in %" PRIu64 " to %" PRIu64 "\n", error->value,
                           error->range_minimum, error->range_maximum);
    length += snprintf(out + length, capacity - (size_t)length, "text:\n");
    size_t used = (size_t)length;
    size_t text = bhd_error_to_text(error, "Component.toml", out + used, capacity - used);
    assert_true(used + text < capacity);
}

static void render(const char *text, size_t size, char *out, size_t capacity)
{
    bhd_policy policy;
    bool has_policy = sscanf(text, "# policy %" SCNu64 " %" SCNu64, &policy.min_memory_bytes,
                             &policy.max_memory_bytes) == 2;
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status =
        bhd_manifest_parse(text, size, NULL, has_policy ? &policy : NULL, &manifest, &error);
    assert_int_equal(status, error.code);
    if (status == BHD_OK) {
        render_manifest(manifest, out, capacity);
    } else {
        assert_null(manifest);
        render_error(&error, out, capacity);
    }
    bhd_manifest_free(manifest);
    bhd_error_fini(&error);
}

/* -- the order that every error obeys, whatever it says ---------------------------------------- */

static void check_order(const char *text, size_t size)
{
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    (void)!bhd_manifest_parse(text, size, NULL, NULL, &manifest, &error);
    uint64_t last = 0;
    for (size_t i = 0; i < error.diagnostic_count; i++) {
        const bhd_diagnostic *diagnostic = &error.diagnostics[i];
        assert_int_equal(diagnostic->line == 0, diagnostic->column == 0);
        uint64_t place = diagnostic->line == 0
                             ? UINT64_MAX
                             : (uint64_t)diagnostic->line << 32 | diagnostic->column;
        assert_true(place >= last);
        assert_true(diagnostic->message[0] != '\0');
        last = place;
    }
    bhd_manifest_free(manifest);
    bhd_error_fini(&error);
}

static void golden_case(const char *stem)
{
    static char text[FILE_CAPACITY], expected[FILE_CAPACITY], actual[FILE_CAPACITY];
    char path[2048];
    snprintf(path, sizeof path, "%s/%s.toml", directory, stem);
    size_t size = read_file(path, text, sizeof text);
    render(text, size, actual, sizeof actual);
    check_order(text, size);
    snprintf(path, sizeof path, "%s/%s.expected", directory, stem);
    if (getenv("BHD_GOLDEN_WRITE") != NULL) {
        write_file(path, actual);
        return;
    }
    read_file(path, expected, sizeof expected);
    if (strcmp(actual, expected) != 0)
        fail_msg("%s.toml says:\n%s\nand was expected to say:\n%s", stem, actual, expected);
}

static void test_golden(void **state)
{
    golden_case(*state);
}

static void test_every_expected_file_has_its_manifest(void **state)
{
    (void)state;
    DIR *open_directory = opendir(directory);
    assert_non_null(open_directory);
    size_t manifests = 0, expected = 0;
    for (struct dirent *entry; (entry = readdir(open_directory)) != NULL;) {
        const char *dot = strrchr(entry->d_name, '.');
        manifests += dot != NULL && strcmp(dot, ".toml") == 0;
        expected += dot != NULL && strcmp(dot, ".expected") == 0;
    }
    closedir(open_directory);
    assert_true(manifests >= 60);
    assert_int_equal(manifests, expected);
}

static int is_toml(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".toml") == 0;
}

int main(void)
{
    static char names[MOST_CASES][128];
    static struct CMUnitTest tests[MOST_CASES + 1];
    const char *root = BHD_SOURCE_DIR;
    if (root == NULL) {
        fprintf(stderr, "BHD_SOURCE_DIR is not set\n");
        return 1;
    }
    snprintf(directory, sizeof directory, "%s/tests/golden/manifest", root);

    struct dirent **entries;
    int count = scandir(directory, &entries, is_toml, alphasort);
    if (count < 1 || count > MOST_CASES) {
        fprintf(stderr, "%s: %d manifests\n", directory, count);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "%.*s", (int)strlen(entries[i]->d_name) - 5,
                 entries[i]->d_name);
        tests[i] = (struct CMUnitTest){names[i], test_golden, NULL, NULL, names[i]};
        free(entries[i]);
    }
    free(entries);
    tests[count] = (struct CMUnitTest)cmocka_unit_test(test_every_expected_file_has_its_manifest);
    return _cmocka_run_group_tests("manifest goldens", tests, (size_t)count + 1, NULL, NULL);
}
