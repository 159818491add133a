/*
 * The list of keys: whole in itself, described in docs/MANIFEST.md, with examples that are valid.
 */
#include "unit_test.h"

#include "bulkhead/manifest.h"
#include "grants/rules.h"
#include "manifest/component_keys.h"
#include "manifest/types.h"

#include <dirent.h>
#include <inttypes.h>
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

static const bhd__row *row_at(size_t i)
{
    return &bhd__component_schema.rows[i];
}

static const bhd__row *row_called(const char *path, size_t size)
{
    for (size_t i = 0; i < bhd__component_schema.count; i++)
        if (strlen(row_at(i)->path) == size && memcmp(row_at(i)->path, path, size) == 0)
            return row_at(i);
    return NULL;
}

/* Each lies in a table that stands before it, and no two are the same. */
static void test_rows_lie_in_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < bhd__component_schema.count; i++) {
        const bhd__row *row = row_at(i);
        const char *name = bhd__row_name(row);
        assert_ptr_equal(row_called(row->path, strlen(row->path)), row);
        assert_true(*name != '\0');
        if (name == row->path)
            continue;
        const bhd__row *table = row_called(row->path, (size_t)(name - row->path) - 1);
        assert_non_null(table);
        assert_true(table < row);
        assert_int_equal(table->type, BHD__TYPE_TABLE);
    }
}

/* A key without a check, or whose value goes nowhere, is no key. */
static void test_every_row_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < bhd__component_schema.count; i++) {
        const bhd__row *row = row_at(i);
        bool is_key = row->type != BHD__TYPE_TABLE;
        assert_non_null(row->allowed);
        assert_int_equal(row->check != NULL, is_key);
        assert_int_equal(row->keep != NULL, is_key);
        assert_int_equal(row->choices[0] != NULL, row->type == BHD__TYPE_CHOICE);
        /* Required or with a default: nothing is left open. */
        if (is_key)
            assert_int_equal(row->is_required, row->fallback == NULL);
        if (row->is_required)
            assert_true(row->missing != NULL || row->example != NULL);
    }
}

/* What is said is what holds. */
static void test_words_have_the_ranges_of_their_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < bhd__component_schema.count; i++) {
        const bhd__row *row = row_at(i);
        char words[128] = "";
        if (row->type == BHD__TYPE_INTEGER || row->type == BHD__TYPE_BYTES)
            snprintf(words, sizeof words, "from %" PRIu64 " to %" PRIu64, row->minimum,
                     row->maximum);
        if (row->type == BHD__TYPE_NUMBER)
            snprintf(words, sizeof words, "from %g to %.0f", row->least, row->most);
        if (strstr(row->allowed, words) == NULL)
            fail_msg("%s: \"%s\" is not in \"%s\"", row->path, words, row->allowed);
        for (size_t c = 0; c < BHD__CHOICES_MAX && row->choices[c] != NULL; c++) {
            snprintf(words, sizeof words, "\"%s\"", row->choices[c]);
            if (strstr(row->allowed, words) == NULL)
                fail_msg("%s: %s is not in \"%s\"", row->path, words, row->allowed);
        }
    }
}

/* One manifest out of all examples in the list. */
static void test_every_example_is_valid(void **state)
{
    (void)state;
    char text[1024];
    size_t used = 0;
    for (size_t i = 0; i < bhd__component_schema.count; i++) {
        const bhd__row *key = row_at(i);
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
    for (size_t i = 0; i < bhd__component_schema.count; i++) {
        const bhd__row *key = row_at(i);
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

static const char *const type_words[] = {
    [BHD__TYPE_STRING] = "| string",
    [BHD__TYPE_INTEGER] = "| integer, ",
    [BHD__TYPE_NUMBER] = "| integer or float, ",
    [BHD__TYPE_SIZE] = "| integer, bytes; or a string with a unit |",
    [BHD__TYPE_BYTES] = "| integer, bytes; or a string with a unit |",
    [BHD__TYPE_CHOICE] = "| string |",
    [BHD__TYPE_BOOLEAN] = "| boolean | `true` or `false` |",
    [BHD__TYPE_STRINGS] = "| array of strings |",
    [BHD__TYPE_TABLES] = "| array of tables |",
};

/* What the row says of its key. */
static void expect_range(const char *row, const bhd__row *key)
{
    char words[64] = "";
    if (key->type == BHD__TYPE_INTEGER || key->type == BHD__TYPE_BYTES)
        snprintf(words, sizeof words, "| %" PRIu64 " to %" PRIu64 " |", key->minimum, key->maximum);
    if (key->type == BHD__TYPE_NUMBER)
        snprintf(words, sizeof words, "| %g to %.0f |", key->least, key->most);
    if (key->type == BHD__TYPE_STRINGS || key->type == BHD__TYPE_TABLES)
        snprintf(words, sizeof words, "| at most %u, ", BHD__CAPABILITY_ENTRIES_MAX);
    expect_in_row(row, words);
    for (size_t c = 0; c < BHD__CHOICES_MAX && key->choices[c] != NULL; c++) {
        snprintf(words, sizeof words, "`\"%s\"`", key->choices[c]);
        expect_in_row(row, words);
    }
}

static void test_the_docs_have_every_type_and_range(void **state)
{
    (void)state;
    static const struct {
        const char *path, *range;
    } ranges[] = {
        {"component.name", "1 to 128 characters"},
        {"component.version", "at most 256 characters"},
        {"component.source", "at most 4095 bytes"},
        {"resources.memory.max_bytes", "524288 to 4194304 (512 KiB to 4 MiB)"},
    };
    char *docs = read_file("docs/MANIFEST.md");
    for (size_t i = 0; i < bhd__component_schema.count; i++) {
        if (row_at(i)->type == BHD__TYPE_TABLE)
            continue;
        char *row = row_of(docs, row_at(i)->path);
        expect_in_row(row, type_words[row_at(i)->type]);
        expect_range(row, row_at(i));
        free(row);
    }
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        char *row = row_of(docs, ranges[i].path);
        expect_in_row(row, ranges[i].range);
        free(row);
    }
    free(docs);
    /* The words of the schema follow the public constants. */
    static const bhd_capabilities defaults = BHD_CAPABILITIES_INIT;
    assert_int_equal(BHD_MIN_MEMORY_BYTES, 524288);
    assert_int_equal(BHD_MAX_MEMORY_BYTES, 4194304);
    assert_int_equal(BHD_DEFAULT_TABLE_ELEMENTS, 10000);
    assert_true(BHD_DEFAULT_TIMEOUT_SECONDS == 30.0);
    assert_int_equal(defaults.max_written_bytes, 16777216);
    assert_int_equal(defaults.max_open_files, 64);
    assert_int_equal(defaults.max_connections, 8);
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
        cmocka_unit_test(test_rows_lie_in_tables),
        cmocka_unit_test(test_every_row_is_whole),
        cmocka_unit_test(test_words_have_the_ranges_of_their_rows),
        cmocka_unit_test(test_every_example_is_valid),
        cmocka_unit_test(test_the_docs_have_every_key_with_its_default),
        cmocka_unit_test(test_the_docs_have_every_type_and_range),
        cmocka_unit_test(test_errors_in_the_docs_are_real),
        cmocka_unit_test(test_manifests_in_the_docs_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
