/*
 * What no component can ask for and no host can grant, and how the two are compared.
 */
#include "grants/denials.h"
#include "grants/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static bhd_capabilities asked;
static bhd_grants granted;

static int fresh(void **state)
{
    (void)state;
    asked = (bhd_capabilities)BHD_CAPABILITIES_INIT;
    granted = (bhd_grants)BHD_GRANTS_INIT;
    return 0;
}

/* Refused with exactly this message; without an error to fill, too. */
static void refuses(const char *message)
{
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(BHD_INVALID_ARGUMENT, bhd__capabilities_check(&asked, &error));
    assert_string_equal(message, error.message);
    assert_int_equal(BHD_INVALID_ARGUMENT, bhd__capabilities_check(&asked, NULL));
    bhd_error_fini(&error);
    (void)fresh(NULL);
}

static void refuses_grant(const char *message)
{
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(BHD_INVALID_ARGUMENT, bhd__grants_check(&granted, &error));
    assert_string_equal(message, error.message);
    bhd_error_fini(&error);
    (void)fresh(NULL);
}

static void lists_that_are_none_are_refused(void **state)
{
    (void)state;
    asked.arg_count = 2;
    refuses("args is NULL and has 2 entries");
    asked.env_count = 1;
    refuses("env is NULL and has 1 entries");
    asked.directory_count = 1;
    refuses("directories is NULL and has 1 entries");
    asked.endpoint_count = 1;
    refuses("network is NULL and has 1 entries");
    static const char *many[BHD__CAPABILITY_ENTRIES_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = "";
    asked.args = many;
    asked.arg_count = COUNT_OF(many);
    refuses("args has 257 entries; there may be 256");
    asked.args = many;
    asked.arg_count = COUNT_OF(many) - 1;
    assert_int_equal(BHD_OK, bhd__capabilities_check(&asked, NULL));
    granted.env_count = 1;
    refuses_grant("env is NULL and has 1 entries");
    granted.directory_count = 1;
    refuses_grant("directories is NULL and has 1 entries");
    granted.endpoint_count = 1;
    refuses_grant("network is NULL and has 1 entries");
}

static void texts_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const args[] = {"fine", NULL, "\xff"};
    asked.args = args;
    asked.arg_count = 2;
    refuses("args[1] is NULL");
    asked.args = args + 2;
    asked.arg_count = 1;
    refuses("args[0] is not UTF-8 text");
    static const struct {
        bhd_variable variable;
        const char *message;
    } variables[] = {
        {{NULL, "a"}, "env[0] is NULL"},
        {{"\xff", "a"}, "env[0] is not UTF-8 text"},
        {{"", "a"}, "env[0] has an empty name"},
        {{"a=b", "a"}, "env[0] has a \"=\" in its name"},
        {{"a", "\xff"}, "env[0] is not UTF-8 text"},
    };
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        asked.env = &variables[i].variable;
        asked.env_count = 1;
        refuses(variables[i].message);
    }
    static const bhd_variable twice[] = {{"a", NULL}, {"b", NULL}, {"a", "1"}};
    asked.env = twice;
    asked.env_count = COUNT_OF(twice);
    refuses("env[2] has the name of another one");
    granted.env = (const char *const[]){"a", "b=c"};
    granted.env_count = 2;
    refuses_grant("env[1] has a \"=\" in its name");
}

static void directories_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        bhd_directory directory;
        const char *message;
    } directories[] = {
        {{NULL, "/a", BHD_ACCESS_READ}, "directories[0] has no host path"},
        {{"", "/a", BHD_ACCESS_READ}, "directories[0] has no host path"},
        {{"a", "/a", (bhd_access)7}, "directories[0] has an access that is no bhd_access"},
        {{"a", NULL, BHD_ACCESS_READ}, "directories[0] is NULL"},
        {{"a", "", BHD_ACCESS_READ}, "directories[0] has an empty guest path"},
        {{"a", "\xff", BHD_ACCESS_READ}, "directories[0] is not UTF-8 text"},
    };
    for (size_t i = 0; i < COUNT_OF(directories); i++) {
        asked.directories = &directories[i].directory;
        asked.directory_count = 1;
        refuses(directories[i].message);
    }
    static const bhd_directory same[] = {
        {"a", "/x", BHD_ACCESS_READ}, {"b", "/y", BHD_ACCESS_READ}, {"c", "/x", BHD_ACCESS_READ}};
    asked.directories = same;
    asked.directory_count = COUNT_OF(same);
    refuses("directories[2] has the guest path of another one");
    /* Nobody looks at the guest path of a grant. */
    static const bhd_directory given[] = {{"a", NULL, BHD_ACCESS_READ_WRITE}};
    granted.directories = given;
    granted.directory_count = 1;
    assert_int_equal(BHD_OK, bhd__grants_check(&granted, NULL));
}

static void endpoints_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        bhd_endpoint endpoint;
        const char *message;
    } endpoints[] = {
        {{NULL, 1}, "network[0] is NULL"},
        {{"\xff", 1}, "network[0] is not UTF-8 text"},
        {{"", 1}, "network[0] has no host"},
        {{"a", 0}, "network[0] has port 0"},
    };
    for (size_t i = 0; i < COUNT_OF(endpoints); i++) {
        asked.network = granted.network = &endpoints[i].endpoint;
        asked.endpoint_count = granted.endpoint_count = 1;
        bhd_grants grants = granted;
        refuses(endpoints[i].message);
        granted = grants;
        refuses_grant(endpoints[i].message);
    }
}

static void numbers_and_outputs_have_their_range(void **state)
{
    (void)state;
    asked.standard_output = BHD_OUTPUT_CALLBACK;
    refuses("standard_output: a component asks for none, inherit or capture");
    asked.standard_error = (bhd_output)9;
    refuses("standard_error: a component asks for none, inherit or capture");
    asked.max_written_bytes = BHD__CAPABILITY_WRITTEN_MAX + 1;
    refuses("max_written_bytes: 1125899906842625 is outside the range 0 to 1125899906842624");
    asked.max_open_files = 0;
    refuses("max_open_files: 0 is outside the range 1 to 1000");
    asked.max_open_files = 1001;
    refuses("max_open_files: 1001 is outside the range 1 to 1000");
    asked.max_connections = 0;
    refuses("max_connections: 0 is outside the range 1 to 256");
    asked.max_connections = 257;
    refuses("max_connections: 257 is outside the range 1 to 256");
    asked.standard_output = BHD_OUTPUT_NONE;
    asked.standard_error = BHD_OUTPUT_CAPTURE;
    assert_int_equal(BHD_OK, bhd__capabilities_check(&asked, NULL));
}

/* How many of what is asked for are not granted. */
static size_t denied(bhd_error *error)
{
    bhd__denials denials = {0, error};
    bhd__capabilities_compare(&asked, &granted, &denials);
    return denials.count;
}

static void what_is_asked_for_is_held_against_what_is_granted(void **state)
{
    (void)state;
    static const bhd_variable env[] = {{"A", NULL}, {"B", NULL}, {"C", "set"}};
    static const bhd_endpoint network[] = {{"Example.org", 80}, {"example.org", 81}, {"a", 80}};
    asked.env = env;
    asked.env_count = COUNT_OF(env);
    asked.network = network;
    asked.endpoint_count = COUNT_OF(network);
    asked.clocks = asked.random = asked.standard_input = true;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(8, denied(&error));
    assert_int_equal(BHD_CAPABILITY_DENIED, error.code);
    assert_int_equal(8, error.diagnostic_count);
    bhd_error_fini(&error);

    granted.env = (const char *const[]){"C", "B"};
    granted.env_count = 2;
    static const bhd_endpoint given[] = {{"b", 80}, {"EXAMPLE.ORG", 80}};
    granted.network = given;
    granted.endpoint_count = COUNT_OF(given);
    granted.random = true;
    assert_int_equal(5, denied(&error)); /* A, :81, a, clocks, stdin */
    assert_string_equal("capabilities.env", error.diagnostics[0].key);
    assert_string_equal("capabilities.network", error.diagnostics[1].key);
    bhd_error_fini(&error);
    granted.clocks = granted.standard_input = true;
    assert_int_equal(3, denied(NULL));
    granted.everything = true;
    assert_int_equal(0, denied(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(lists_that_are_none_are_refused, fresh),
        cmocka_unit_test_setup(texts_that_are_none_are_refused, fresh),
        cmocka_unit_test_setup(directories_that_are_none_are_refused, fresh),
        cmocka_unit_test_setup(endpoints_that_are_none_are_refused, fresh),
        cmocka_unit_test_setup(numbers_and_outputs_have_their_range, fresh),
        cmocka_unit_test_setup(what_is_asked_for_is_held_against_what_is_granted, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
