/*
 * When the variables of a guest are read: once, when its component is loaded.
 */
#include "support/real_guest.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const kinds[] = {"wasi/ask.core.wasm", "wasi/ask.wasm"};

/* What the process does to its environment later is no component's affair. */
static void variables_are_as_they_were_when_the_component_was_loaded(void **state)
{
    (void)state;
    static const bhd_variable env[] = {{"BHD_TEST_CHANGED", NULL}, {"BHD_TEST_GONE", NULL}};
    static const char *const argv[] = {"ask", "env", "BHD_TEST_CHANGED", "env", "BHD_TEST_GONE"};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    bhd_host *host = guest_host();
    asked.env = env;
    asked.env_count = COUNT_OF(env);
    options.argv = argv;
    options.argc = COUNT_OF(argv);
    options.standard_output.output = BHD_OUTPUT_CAPTURE;
    for (size_t k = 0; k < COUNT_OF(kinds); k++) {
        char path[512];
        bhd_component_options its = {.size = sizeof its,
                                     .name = "ask",
                                     .limits = guest_limits(MIB(2)),
                                     .capabilities = &asked};
        snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, kinds[k]);
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        assert_int_equal(0, setenv("BHD_TEST_CHANGED", "before", 1));
        assert_int_equal(0, setenv("BHD_TEST_GONE", "there", 1));
        expect_ok(bhd_component_load_file(host, path, &its, &component, &error), &error);
        assert_int_equal(0, setenv("BHD_TEST_CHANGED", "after", 1));
        assert_int_equal(0, unsetenv("BHD_TEST_GONE"));
        bhd_sandbox *sandbox = guest_sandbox_with(component, &options);
        assert_int_equal(0, guest_run(sandbox));
        static const char told[] = "env BHD_TEST_CHANGED: before\nenv BHD_TEST_GONE: there\n";
        size_t size;
        const void *output = bhd_sandbox_output(sandbox, 1, &size, NULL);
        assert_int_equal(sizeof told - 1, size);
        assert_memory_equal(told, output, size);
        bhd_sandbox_free(sandbox);
        bhd_component_free(component);
    }
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_as_they_were_when_the_component_was_loaded),
    };
    return cmocka_run_group_tests_name("variables", tests, NULL, NULL);
}
