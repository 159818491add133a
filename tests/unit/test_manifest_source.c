/*
 * Where the component's binary is: relative to the manifest, not to the current directory.
 */
#include "unit_test.h"

#include "bulkhead/manifest.h"

#include <stdio.h>

static void expect_source(const char *path, const char *source, const char *joined)
{
    char text[512], line[256] = "";
    if (source != NULL)
        snprintf(line, sizeof line, "source = \"%s\"\n", source);
    snprintf(text, sizeof text,
             "[component]\nname = \"app\"\nversion = \"1.0.0\"\n%s[resources.memory]\n"
             "max_bytes = 524288\n",
             line);
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    if (bhd_manifest_parse(text, strlen(text), path, NULL, &manifest, &error) != BHD_OK)
        fail_msg("%s", error.message);
    assert_string_equal(bhd_manifest_source(manifest), joined);
    assert_string_equal(bhd_manifest_path(manifest), path != NULL ? path : "Component.toml");
    bhd_manifest_free(manifest);
}

static void test_a_relative_source_is_beside_the_manifest(void **state)
{
    (void)state;
    expect_source("Component.toml", "a.wasm", "a.wasm");
    expect_source("app/Component.toml", "a.wasm", "app/a.wasm");
    expect_source("../app/Component.toml", "build/a.wasm", "../app/build/a.wasm");
    expect_source("app/Component.toml", "../a.wasm", "app/../a.wasm");
    expect_source("/srv/app/Component.toml", "a.wasm", "/srv/app/a.wasm");
    expect_source("/Component.toml", "a.wasm", "/a.wasm");
    expect_source("./Component.toml", "./a.wasm", "././a.wasm");
    expect_source(NULL, "a.wasm", "a.wasm");
}

static void test_an_absolute_source_is_itself(void **state)
{
    (void)state;
    expect_source("Component.toml", "/opt/a.wasm", "/opt/a.wasm");
    expect_source("app/Component.toml", "/opt/a.wasm", "/opt/a.wasm");
    expect_source("/srv/app/Component.toml", "/a.wasm", "/a.wasm");
}

static void test_without_a_source_it_is_the_name(void **state)
{
    (void)state;
    expect_source("Component.toml", NULL, "app.wasm");
    expect_source("x/y/Component.toml", NULL, "x/y/app.wasm");
    expect_source(NULL, NULL, "app.wasm");
}

/* The path is shown safely, and kept as it was given. */
static void test_a_strange_path_is_escaped_in_messages_only(void **state)
{
    (void)state;
    expect_source("d\x1b[31m/Component.toml", "a.wasm", "d\x1b[31m/a.wasm");
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd_manifest_parse("x", 1, "d\x1b[31m\n.toml", NULL, &manifest, &error),
                     BHD_MANIFEST_SYNTAX);
    assert_non_null(strstr(error.message, "d\\x1b[31m\\n.toml:1:2: "));
    bhd_error_fini(&error);
}

static void test_no_text_and_no_place_for_the_manifest(void **state)
{
    (void)state;
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd_manifest_parse(NULL, 1, NULL, NULL, &manifest, &error),
                     BHD_INVALID_ARGUMENT);
    assert_int_equal(bhd_manifest_parse("", 0, NULL, NULL, NULL, &error), BHD_INVALID_ARGUMENT);
    /* Nothing at all is a text without keys. */
    assert_int_equal(bhd_manifest_parse(NULL, 0, NULL, NULL, &manifest, &error),
                     BHD_MANIFEST_INVALID);
    assert_null(manifest);
    bhd_error_fini(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_relative_source_is_beside_the_manifest),
        cmocka_unit_test(test_an_absolute_source_is_itself),
        cmocka_unit_test(test_without_a_source_it_is_the_name),
        cmocka_unit_test(test_a_strange_path_is_escaped_in_messages_only),
        cmocka_unit_test(test_no_text_and_no_place_for_the_manifest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
