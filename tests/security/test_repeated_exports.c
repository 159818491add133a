/*
 * A component may export one instance under many names, and each of them has all functions and
 * types of the instance for itself: 12 KB held 190 MB of the host. What comes of so little is
 * refused where it is compiled, and the functions are counted where it is loaded.
 */
#include "support/real_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text_of(unsigned functions, unsigned names, const char *long_name)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fputs("(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))"
          "(func $f (canon lift (core func $i \"f\"))) (instance $x",
          out);
    for (unsigned i = 0; i < functions; i++)
        fprintf(out, "(export \"%s%u\" (func $f))", long_name, i);
    fputs(")", out);
    for (unsigned i = 0; i < names; i++)
        fprintf(out, "(export \"n%u\" (instance $x))", i);
    fputs(")", out);
    assert_int_equal(0, fclose(out));
    return text;
}

static bhd_status load(char *text, bhd_error *error)
{
    bhd_host *host = guest_host();
    bhd_component *component = NULL;
    bhd_component_options options = {
        .size = sizeof options, .name = "repeats", .limits = guest_limits(MIB(1))};
    bhd_status status = bhd_component_new(host, &options, text, strlen(text), &component, error);
    bhd_component_free(component);
    bhd_host_free(host);
    free(text);
    return status;
}

static void a_few_are_loaded(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(load(text_of(20, 20, "a"), &error), &error);
}

static void code_out_of_all_proportion_is_refused(void **state)
{
    (void)state;
    char name[4001];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_COMPONENT_TOO_LARGE, load(text_of(500, 990, "a"), &error), &error);
    expect_in(error.message, "at most 4 MiB and 16 for each of its own are loaded");
    assert_true(error.value > error.range_maximum);
    expect_status(BHD_COMPONENT_TOO_LARGE, load(text_of(5, 990, name), &error), &error);
    expect_in(error.message, "at most 4 MiB and 16 for each of its own are loaded");
    bhd_error_fini(&error);
}

static void functions_are_counted_for_each_name(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_COMPONENT_TOO_LARGE, load(text_of(100, 600, "a"), &error), &error);
    expect_in(error.message, "imports and exports more than 50000 functions");
    expect_in(error.message, "max_functions, --max-functions");
    assert_int_equal(50000, error.range_maximum);
    bhd_error_fini(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_are_loaded),
        cmocka_unit_test(code_out_of_all_proportion_is_refused),
        cmocka_unit_test(functions_are_counted_for_each_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
