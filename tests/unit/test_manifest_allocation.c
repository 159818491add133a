/*
 * The 1st, 2nd, ... allocation fails: the status says so, nothing is half done, nothing leaks.
 */
#include "unit_test.h"

#include "base/alloc.h"
#include "bulkhead/manifest.h"
#include "bulkhead/memory_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GOOD                                                                                       \
    "[component]\nname = \"a\"\nversion = \"1.0.0\"\n[resources.memory]\nmax_bytes = 524288\n"     \
    "[capabilities]\nargs = [\"a\"]\nenv = [\"A\", \"B=c\"]\nnetwork = [\"a.example:1\"]\n"        \
    "directories = [{ host = \"h\", guest = \"/g\" }]\n"
#define BAD                                                                                        \
    "[component]\nname = \"a b\"\nvresion = \"1\"\nname = \"c\"\n[resources.memory]\n"             \
    "max_bytes = \"2MB\"\non_exceed = 1\n[capabilities]\n"
/* No text here needs as many. */
#define MOST_ALLOCATIONS 1000

typedef bhd_status (*attempt)(const char *text, bhd_error *error);

static bhd_status parse_manifest(const char *text, bhd_error *error)
{
    bhd_manifest *manifest = NULL;
    bhd_status status =
        bhd_manifest_parse(text, strlen(text), "dir/Component.toml", NULL, &manifest, error);
    assert_int_equal(status == BHD_OK, manifest != NULL);
    bhd_manifest_free(manifest);
    return status;
}

static bhd_status load_manifest(const char *path, bhd_error *error)
{
    bhd_manifest *manifest = NULL;
    bhd_status status = bhd_manifest_load(path, NULL, &manifest, error);
    assert_int_equal(status == BHD_OK, manifest != NULL);
    bhd_manifest_free(manifest);
    return status;
}

static bhd_status read_config(const char *text, bhd_error *error)
{
    bhd_memory_config config = {.max_bytes = 1, .max_table_elements = 2};
    bhd_status status = text[0] == '{'
                            ? bhd_memory_config_from_json(text, strlen(text), NULL, &config, error)
                            : bhd_memory_config_from_toml(text, strlen(text), NULL, &config, error);
    bool is_written = config.max_bytes != 1 || config.max_table_elements != 2;
    assert_int_equal(is_written, status == BHD_OK);
    return status;
}

/* Fails every allocation in turn until the attempt ends as it would with all of them. */
static void sweep(attempt try, const char *text, bhd_status usual)
{
    for (int onwards = 0; onwards <= 1; onwards++) {
        uint64_t nth = 1;
        for (; nth < MOST_ALLOCATIONS; nth++) {
            uint64_t live = bhd__alloc_live();
            bhd_error error = BHD_ERROR_INIT;
            uint64_t before = bhd__alloc_count();
            bhd__alloc_fail_at(nth, onwards);
            bhd_status status = try(text, &error);
            bhd__alloc_fail_at(0, 0);
            bool has_failed = bhd__alloc_count() - before >= nth;
            if (status != (has_failed ? BHD_HOST_OUT_OF_MEMORY : usual))
                fail_msg("allocation %d: %s: %s", (int)nth, bhd_status_name(status), error.message);
            assert_int_equal(error.code, status);
            if (has_failed)
                assert_int_equal(error.diagnostic_count, 0);
            bhd_error_fini(&error);
            assert_int_equal(bhd__alloc_live(), live);
            if (!has_failed)
                break;
        }
        assert_true(nth > 2);
        assert_true(nth < MOST_ALLOCATIONS);
    }
}

static void test_a_good_manifest(void **state)
{
    (void)state;
    sweep(parse_manifest, GOOD, BHD_OK);
    sweep(parse_manifest, GOOD "[resources.cpu]\nmax_fuel = 1\n", BHD_OK);
}

static void test_a_bad_manifest(void **state)
{
    (void)state;
    sweep(parse_manifest, BAD, BHD_MANIFEST_INVALID);
    sweep(parse_manifest, "", BHD_MANIFEST_INVALID);
    sweep(parse_manifest, "a = \n[b\n", BHD_MANIFEST_SYNTAX);
}

static void test_more_findings_than_are_kept(void **state)
{
    (void)state;
    static char text[2048] = GOOD;
    size_t used = strlen(text);
    for (int i = 0; i < 60; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "k%d = 1\n", i);
    sweep(parse_manifest, text, BHD_MANIFEST_INVALID);
}

static void test_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/manifest-allocation-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, GOOD, strlen(GOOD)), strlen(GOOD));
    assert_int_equal(close(descriptor), 0);
    sweep(load_manifest, path, BHD_OK);
    assert_int_equal(unlink(path), 0);
}

static void test_a_memory_configuration(void **state)
{
    (void)state;
    sweep(read_config, "[resources.memory]\nmax_bytes = 524288\n", BHD_OK);
    sweep(read_config, "[resources.memory]\nmax_bytes = 1\nx = 1\n", BHD_MANIFEST_INVALID);
    sweep(read_config, "[resources.memory", BHD_CONFIG_SYNTAX);
    sweep(read_config, "{\"max_bytes\": 524288}", BHD_OK);
    sweep(read_config, "{\"max_bytes\": 1, \"x\": null}", BHD_MANIFEST_INVALID);
    sweep(read_config, "{\"max_bytes\"", BHD_CONFIG_SYNTAX);
}

/* Nobody has to ask for the account. */
static void test_without_an_error(void **state)
{
    (void)state;
    uint64_t live = bhd__alloc_live();
    for (uint64_t nth = 1; nth < 20; nth++) {
        bhd__alloc_fail_at(nth, 1);
        bhd_status status = parse_manifest(BAD, NULL);
        bhd__alloc_fail_at(0, 0);
        if (status != BHD_MANIFEST_INVALID)
            assert_int_equal(status, BHD_HOST_OUT_OF_MEMORY);
    }
    assert_int_equal(parse_manifest(BAD, NULL), BHD_MANIFEST_INVALID);
    assert_int_equal(bhd__alloc_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_manifest),
        cmocka_unit_test(test_a_bad_manifest),
        cmocka_unit_test(test_more_findings_than_are_kept),
        cmocka_unit_test(test_a_file),
        cmocka_unit_test(test_a_memory_configuration),
        cmocka_unit_test(test_without_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
