/*
 * Manifests that somebody wrote to hurt the host: large, deep, full of mistakes. Each is refused,
 * in a time that grows with its size only, with as many words as somebody reads, on a small stack.
 */
#include "unit_test.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "bulkhead/manifest.h"
#include "manifest/document.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define GOOD                                                                                       \
    "[component]\nname = \"a\"\nversion = \"1.0.0\"\n[resources.memory]\nmax_bytes = 524288\n"
/* A pass for each byte would take hours. */
#define MOST_SECONDS 20.0

/* What the library says of one text; the error is the caller's. */
static bhd_status try_text(const char *text, size_t size, bhd_error *error)
{
    bhd_manifest *manifest = NULL;
    uint64_t begin = bhd__monotonic_ns();
    bhd_status status = bhd_manifest_parse(text, size, NULL, NULL, &manifest, error);
    double seconds = (double)(bhd__monotonic_ns() - begin) / 1e9;
    if (seconds > MOST_SECONDS)
        fail_msg("%.40s... took %.1f seconds", text, seconds);
    assert_int_equal(status == BHD_OK, manifest != NULL);
    assert_true(error->diagnostic_count <= 51);
    bhd_manifest_free(manifest);
    return status;
}

/* `prefix` and then `unit` as often as fits, up to `size` bytes. */
static char *repeat(const char *prefix, const char *unit, size_t size)
{
    char *text = malloc(size + 1);
    assert_non_null(text);
    size_t used = strlen(prefix), step = strlen(unit);
    memcpy(text, prefix, used);
    for (; used + step <= size; used += step)
        memcpy(text + used, unit, step);
    memset(text + used, ' ', size - used);
    text[size] = '\0';
    return text;
}

static const struct {
    const char *prefix, *unit;
} shapes[] = {
    {"", "["},
    {"", "[["},
    {"", "]"},
    {"", "{"},
    {"", "."},
    {"", "a."},
    {"", " ."},
    {"", "="},
    {"", "=\n"},
    {"", "a=\n"},
    {"", "a=1\n"},
    {"", "a\n"},
    {"", "a "},
    {"", ","},
    {"", "\""},
    {"", "'"},
    {"", "\r"},
    {"", "\x01"},
    {"", "[a]\n"},
    {"", "[[a]]\n"},
    {"", "[[a]\n"},
    {"", "[a.b.c.d.e.f]\n"},
    {"", "a.b.c.d.e.f=1\n"},
    {"", "\"\\u0000\".a\n"},
    {"a=", "["},
    {"a=", "{"},
    {"a=", "{a="},
    {"a=", "9"},
    {"a=", "9_"},
    {"a=", "1e"},
    {"a=[", "1,"},
    {"a=[", "[],"},
    {"a=[", "{a=1},"},
    {"a=[", "#\n"},
    {"a={", "a=1,"},
    {"a={", "."},
    {"a={", "="},
    {"a=\"", "\\"},
    {"a=\"", "\\q"},
    {"a=\"", "\\uD800"},
    {"a=\"\"\"", "\"\" "},
    {"#", "\x7f"},
    {"a=1\n", "[[a]]\n"},
    {"[component]\n", "name.x=1\n"},
    {"[[component]]\n", "[[component]]\nname=1\n"},
    {GOOD, "\xc3\xa4=1\n"},
};

static void test_full_size_texts_are_refused_quickly(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        uint64_t live = bhd__alloc_live();
        char *text = repeat(shapes[i].prefix, shapes[i].unit, BHD_MANIFEST_MAX_BYTES);
        bhd_error error = BHD_ERROR_INIT;
        assert_int_not_equal(try_text(text, BHD_MANIFEST_MAX_BYTES, &error), BHD_OK);
        bhd_error_fini(&error);
        free(text);
        assert_int_equal(bhd__alloc_live(), live);
    }
}

/* As rich as a text may be, so that all of it is parsed. */
static void test_the_richest_texts_are_refused_quickly(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        size_t size = BHD__DOCUMENT_MAX_MARKS;
        char *text = repeat(shapes[i].prefix, shapes[i].unit, size);
        assert_false(bhd__document_is_too_rich(text, size));
        bhd_error error = BHD_ERROR_INIT;
        bhd_status status = try_text(text, size, &error);
        if (status != BHD_MANIFEST_SYNTAX)
            assert_int_equal(status, BHD_MANIFEST_INVALID);
        assert_true(error.diagnostic_count > 0);
        bhd_error_fini(&error);
        free(text);
    }
}

static void test_marks_are_counted_exactly(void **state)
{
    (void)state;
    size_t size = 2 * BHD__DOCUMENT_MAX_MARKS;
    char *text = repeat("", "#,", size);
    assert_false(bhd__document_is_too_rich(text, size));
    text[0] = ',';
    assert_true(bhd__document_is_too_rich(text, size));
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(try_text(text, size, &error), BHD_FILE_TOO_LARGE);
    assert_string_equal(error.message,
                        "Component.toml: too large: more than 131072 line ends, quotes and "
                        "punctuation marks; a few dozen are usual");
    bhd_error_fini(&error);
    free(text);
}

static void test_a_long_comment_is_no_attack(void **state)
{
    (void)state;
    char *text = repeat(GOOD, "# words of a licence that nobody reads to the end of it\n",
                        BHD_MANIFEST_MAX_BYTES);
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status = try_text(text, BHD_MANIFEST_MAX_BYTES, &error);
    assert_int_equal(status, BHD_OK);
    free(text);
}

/* -- many mistakes ----------------------------------------------------------------------------- */

static void test_duplicates_are_counted_to_the_end(void **state)
{
    (void)state;
    char *text = repeat(GOOD, "max_bytes=9\n", strlen(GOOD) + 12 * 1000);
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(try_text(text, strlen(text), &error), BHD_MANIFEST_INVALID);
    assert_int_equal(error.diagnostic_count, 51);
    assert_string_equal(error.diagnostics[49].key, "resources.memory.max_bytes");
    assert_int_equal(error.diagnostics[49].line, 55);
    assert_string_equal(error.diagnostics[49].message, "given twice, first at 5:1; keep one");
    assert_string_equal(error.diagnostics[50].message, "and 950 more");
    assert_string_equal(error.message, "Component.toml: 1000 errors, the first at 6:1: "
                                       "resources.memory.max_bytes: given twice, first at 5:1; "
                                       "keep one");
    bhd_error_fini(&error);
    free(text);
}

static void test_more_keys_than_anybody_needs_are_one_finding(void **state)
{
    (void)state;
    /* The good manifest has seven nodes with the root, and x is one. */
    for (unsigned keys = 9993; keys <= 9994; keys++) {
        char *text = malloc(256 * 1024);
        assert_non_null(text);
        size_t used = (size_t)snprintf(text, 256 * 1024, "%s[x]\n", GOOD);
        for (unsigned i = 1; i < keys; i++)
            used += (size_t)snprintf(text + used, 256 * 1024 - used, "k%u=1\n", i);
        bhd_error error = BHD_ERROR_INIT;
        assert_int_equal(try_text(text, used, &error), BHD_MANIFEST_INVALID);
        bool is_cut = keys == 9994;
        assert_int_equal(error.diagnostic_count, is_cut ? 2 : 1);
        assert_string_equal(error.diagnostics[0].key, "x");
        if (is_cut)
            assert_string_equal(error.diagnostics[1].message, "more than 10000 keys and values");
        bhd_error_fini(&error);
        free(text);
    }
}

/* What was left out is not missing. */
static void test_a_cut_text_is_not_said_to_lack_anything(void **state)
{
    (void)state;
    char *text = malloc(256 * 1024);
    assert_non_null(text);
    size_t used = (size_t)snprintf(text, 256 * 1024, "[a]\n");
    for (unsigned i = 0; i < 10001; i++)
        used += (size_t)snprintf(text + used, 256 * 1024 - used, "k%u=1\n", i);
    used += (size_t)snprintf(text + used, 256 * 1024 - used, "%s", GOOD);
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(try_text(text, used, &error), BHD_MANIFEST_INVALID);
    for (size_t i = 0; i < error.diagnostic_count; i++)
        assert_null(strstr(error.diagnostics[i].message, "missing"));
    bhd_error_fini(&error);
    free(text);
}

/* -- deep ------------------------------------------------------------------------------------- */

/* The deepest text that TOML's parser accepts: a header, a dotted key and inline tables, each with
 * 80 parts. About 6,400 levels in 13 KiB. */
static size_t write_deep(char *text, size_t capacity)
{
    char key[200] = "";
    size_t length = 0;
    for (int i = 0; i < 80; i++)
        length += (size_t)snprintf(key + length, sizeof key - length, i == 0 ? "k" : ".k");
    size_t used = (size_t)snprintf(text, capacity, "[%s]\n%s = ", key, key);
    for (int i = 0; i < 79; i++)
        used += (size_t)snprintf(text + used, capacity - used, "{ %s = ", key);
    used += (size_t)snprintf(text + used, capacity - used, "1");
    for (int i = 0; i < 79; i++)
        used += (size_t)snprintf(text + used, capacity - used, " }");
    return used;
}

static void *read_deep(void *result)
{
    static char text[65536];
    size_t size = write_deep(text, sizeof text / 2);
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    bhd_status *status = result;
    status[0] = bhd_manifest_parse(text, size, NULL, NULL, &manifest, &error);
    /* Twice, so that the parser has to drop one. */
    text[size++] = '\n';
    size_t line = (size_t)(strchr(text, '\n') - text) + 1;
    memcpy(text + size, text + line, size - line);
    size += size - line;
    status[1] = bhd_manifest_parse(text, size, NULL, NULL, &manifest, &error);
    bhd_error_fini(&error);
    return NULL;
}

static void test_a_deep_text_does_not_overflow_a_small_stack(void **state)
{
    (void)state;
    bhd_status status[2] = {BHD_OK, BHD_OK};
    pthread_attr_t attributes;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attributes, read_deep, status), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    assert_int_equal(status[0], BHD_MANIFEST_INVALID);
    assert_int_equal(status[1], BHD_MANIFEST_INVALID);
}

static void test_depth_is_bounded_where_it_begins_to_be_absurd(void **state)
{
    (void)state;
    for (int levels = 31; levels <= 33; levels++) {
        char text[256];
        size_t used = (size_t)snprintf(text, sizeof text, "%sx", GOOD "[y]\n");
        for (int i = 2; i < levels; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, ".x");
        used += (size_t)snprintf(text + used, sizeof text - used, " = 1\n");
        bhd_error error = BHD_ERROR_INIT;
        assert_int_equal(try_text(text, used, &error), BHD_MANIFEST_INVALID);
        bool is_deep = levels > 32;
        assert_int_equal(error.diagnostic_count, is_deep ? 2 : 1);
        if (is_deep)
            assert_string_equal(error.diagnostics[1].message,
                                "tables and arrays nest more than 32 levels deep");
        bhd_error_fini(&error);
    }
}

/* -- noise ------------------------------------------------------------------------------------- */

static void test_noise_is_refused_or_read_but_never_worse(void **state)
{
    (void)state;
    static const char *const words[] = {
        "[component]",
        "[resources.memory]",
        "[resources.cpu]",
        "name",
        "version",
        "max_bytes",
        "=",
        "=",
        "\n",
        "\n",
        "\n",
        "\"a\"",
        "\"1.0.0\"",
        "524288",
        ".",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        "\"\"\"",
        "\\",
        "#",
        "-1",
        "1e9",
        "nan",
        "true",
        "\xc3\xa4",
        "\xe2\x80\xae",
        "\t",
        "on_exceed",
        "\"trap\"",
        "timeout_seconds",
        "1979-05-27",
        "source",
        "resources",
        "memory",
    };
    uint64_t seed = 20240607;
    uint64_t live = bhd__alloc_live();
    for (int round = 0; round < 20000; round++) {
        char text[512];
        size_t used = 0;
        size_t count = 1 + seed % 40;
        for (size_t i = 0; i < count; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            const char *word = words[(seed >> 33) % COUNT_OF(words)];
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", word);
        }
        bhd_error error = BHD_ERROR_INIT;
        bhd_status status = try_text(text, used, &error);
        char account[16];
        assert_true(status == BHD_OK ||
                    bhd_error_to_text(&error, "x", account, sizeof account) > 0);
        bhd_error_fini(&error);
    }
    assert_int_equal(bhd__alloc_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_size_texts_are_refused_quickly),
        cmocka_unit_test(test_the_richest_texts_are_refused_quickly),
        cmocka_unit_test(test_marks_are_counted_exactly),
        cmocka_unit_test(test_a_long_comment_is_no_attack),
        cmocka_unit_test(test_duplicates_are_counted_to_the_end),
        cmocka_unit_test(test_more_keys_than_anybody_needs_are_one_finding),
        cmocka_unit_test(test_a_cut_text_is_not_said_to_lack_anything),
        cmocka_unit_test(test_a_deep_text_does_not_overflow_a_small_stack),
        cmocka_unit_test(test_depth_is_bounded_where_it_begins_to_be_absurd),
        cmocka_unit_test(test_noise_is_refused_or_read_but_never_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
