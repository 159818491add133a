/*
 * The list of keys: whole in itself, described in docs/MANIFEST.md, with examples that are valid.
 */
#include "unit_test.h"

#include "bulkhead/manifest.h"
#include "manifest/schema.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef BHD_SOURCE_DIR
#define BHD_SOURCE_DIR getenv("BHD_SOURCE_DIR")
#endif

static char *read_file(const char *name)
{
    const char *root = BHD_SOURCE_DIR;
    assert_non_null(root);
    char path[2048];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is not there", path);
    size_t capacity = 1048576;
    char *text = calloc(1, capacity);
    assert_non_null(text);
    assert_true(fread(text, 1, capacity - 1, file) < capacity - 1);
    fclose(file);
    return text;
}

static void test_paths_are_made_of_names(void **state)
{
    (void)state;
    for (unsigned i = 1; i < BHD__KEY_COUNT; i++) {
        const bhd__schema_key *key = bhd__schema_get((bhd__key)i);
        const bhd__schema_key *parent = bhd__schema_get(key->parent);
        char path[128];
        assert_int_equal(parent->type, BHD__TYPE_TABLE);
        assert_true((unsigned)key->parent < i);
        snprintf(path, sizeof path, "%s%s%s", parent->path, parent->path[0] == '\0' ? "" : ".",
                 key->name);
        assert_string_equal(key->path, path);
        assert_non_null(key->allowed);
    }
}

/* Required or with a default: nothing is left open. */
static void test_every_key_is_required_or_has_a_default(void **state)
{
    (void)state;
    for (unsigned i = 1; i < BHD__KEY_COUNT; i++) {
        const bhd__schema_key *key = bhd__schema_get((bhd__key)i);
        if (key->type != BHD__TYPE_TABLE)
            assert_int_equal(key->is_required, key->fallback == NULL);
    }
}

/* One manifest out of all examples in the list. */
static void test_every_example_is_valid(void **state)
{
    (void)state;
    char text[1024];
    size_t used = 0;
    for (unsigned i = 1; i < BHD__KEY_COUNT; i++) {
        const bhd__schema_key *key = bhd__schema_get((bhd__key)i);
        if (key->type != BHD__TYPE_TABLE)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s = %s\n", key->path,
                                     key->example != NULL ? key->example : "524288");
    }
    assert_true(used < sizeof text);
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    if (bhd_manifest_parse(text, used, NULL, NULL, &manifest, &error) != BHD_OK)
        fail_msg("%s\n%s", text, error.message);
    bhd_manifest_free(manifest);
}

/* The row of the key in the table of docs/MANIFEST.md, cut off at its end. */
static char *row_of(const char *docs, const char *path)
{
    char begin[128];
    snprintf(begin, sizeof begin, "\n| `%s` |", path);
    const char *row = strstr(docs, begin);
    if (row == NULL)
        fail_msg("docs/MANIFEST.md has no row for %s", path);
    return strndup(row + 1, strcspn(row + 1, "\n"));
}

static void expect_in_row(const char *row, const char *part)
{
    if (strstr(row, part) == NULL)
        fail_msg("\"%s\" is not in %s", part, row);
}

static void test_the_docs_have_every_key_with_its_default(void **state)
{
    (void)state;
    char *docs = read_file("docs/MANIFEST.md");
    size_t rows = 0;
    for (unsigned i = 1; i < BHD__KEY_COUNT; i++) {
        const bhd__schema_key *key = bhd__schema_get((bhd__key)i);
        if (key->type == BHD__TYPE_TABLE)
            continue;
        char *row = row_of(docs, key->path);
        expect_in_row(row, key->is_required ? "| error |" : key->fallback);
        free(row);
        rows++;
    }
    for (const char *at = docs; (at = strstr(at, "\n| `component.")) != NULL; at++)
        rows--;
    for (const char *at = docs; (at = strstr(at, "\n| `resources.")) != NULL; at++)
        rows--;
    for (const char *at = docs; (at = strstr(at, "\n| `capabilities.")) != NULL; at++)
        rows--;
    assert_int_equal(rows, 0); /* and no others */
    free(docs);
}

static void test_the_docs_have_every_range(void **state)
{
    (void)state;
    static const struct {
        const char *path, *range;
    } ranges[] = {
        {"component.name", "1 to 128 characters"},
        {"component.version", "at most 256 characters"},
        {"component.source", "at most 4095 bytes"},
        {"resources.memory.max_bytes", "524288 to 4194304 (512 KiB to 4 MiB)"},
        {"resources.memory.on_exceed", "`\"deny\"` or `\"trap\"`"},
        {"resources.memory.max_table_elements", "0 to 1000000"},
        {"resources.cpu.timeout_seconds", "0.001 to 86400"},
        {"resources.cpu.max_fuel", "1 to 9223372036854775807"},
    };
    char *docs = read_file("docs/MANIFEST.md");
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        char *row = row_of(docs, ranges[i].path);
        expect_in_row(row, ranges[i].range);
        free(row);
    }
    free(docs);
    /* The words of the schema follow the public constants. */
    assert_int_equal(BHD_MIN_MEMORY_BYTES, 524288);
    assert_int_equal(BHD_MAX_MEMORY_BYTES, 4194304);
    assert_int_equal(BHD_MAX_TABLE_ELEMENTS, 1000000);
    assert_int_equal(BHD_DEFAULT_TABLE_ELEMENTS, 10000);
    assert_true(BHD_DEFAULT_TIMEOUT_SECONDS == 30.0);
    assert_true(BHD_MIN_TIMEOUT_SECONDS == 0.001);
    assert_true(BHD_MAX_TIMEOUT_SECONDS == 86400.0);
}

/* All .expected files in one text. */
static char *read_goldens(void)
{
    char path[1024];
    const char *root = BHD_SOURCE_DIR;
    assert_non_null(root);
    snprintf(path, sizeof path, "%s/tests/golden/manifest", root);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    size_t capacity = 1048576, used = 0;
    char *all = calloc(1, capacity);
    assert_non_null(all);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strstr(entry->d_name, ".expected") == NULL)
            continue;
        snprintf(path, sizeof path, "tests/golden/manifest/%.200s", entry->d_name);
        char *text = read_file(path);
        used += (size_t)snprintf(all + used, capacity - used, "%s", text);
        assert_true(used < capacity);
        free(text);
    }
    closedir(directory);
    return all;
}

/* Every message that the docs show is one that somebody gets. */
static void test_errors_in_the_docs_are_real(void **state)
{
    (void)state;
    char *docs = read_file("docs/MANIFEST.md"), *goldens = read_goldens();
    size_t shown = 0;
    for (const char *at = docs; (at = strstr(at, "\n    Component.toml:")) != NULL; at++) {
        const char *line = at + strlen("\n    ");
        char *message = strndup(line, strcspn(line, "\n"));
        if (strstr(goldens, message) == NULL)
            fail_msg("nobody gets: %s", message);
        free(message);
        shown++;
    }
    assert_true(shown >= 15);
    free(docs);
    free(goldens);
}

/* The blocks of TOML in the docs are manifests. */
static void test_manifests_in_the_docs_are_valid(void **state)
{
    (void)state;
    char *docs = read_file("docs/MANIFEST.md");
    size_t blocks = 0;
    for (char *at = docs; (at = strstr(at, "```toml\n")) != NULL;) {
        at += strlen("```toml\n");
        size_t size = (size_t)(strstr(at, "```") - at);
        bhd_manifest *manifest = NULL;
        bhd_error error = BHD_ERROR_INIT;
        if (bhd_manifest_parse(at, size, "docs/MANIFEST.md", NULL, &manifest, &error) != BHD_OK)
            fail_msg("%s", error.message);
        bhd_manifest_free(manifest);
        blocks++;
    }
    assert_int_equal(blocks, 2);
    free(docs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_are_made_of_names),
        cmocka_unit_test(test_every_key_is_required_or_has_a_default),
        cmocka_unit_test(test_every_example_is_valid),
        cmocka_unit_test(test_the_docs_have_every_key_with_its_default),
        cmocka_unit_test(test_the_docs_have_every_range),
        cmocka_unit_test(test_errors_in_the_docs_are_real),
        cmocka_unit_test(test_manifests_in_the_docs_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
