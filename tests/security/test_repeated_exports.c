/*
 * A component may export one instance under many names, and each of them has all functions and
 * types of the instance for itself: 12 KB held 190 MB of the host. What comes of so little is
 * refused where it is compiled, what the host would hold is counted there, and the functions are
 * counted where it is loaded.
 */
#include "support/hostile.h"
#include "support/process_facts.h"
#include "support/real_guest.h"

#include <inttypes.h>
#include <malloc.h>
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

static bhd_status load_with(const bhd_host_options *host_options, char *text, bhd_error *error)
{
    bhd_host *host = guest_host_with(host_options);
    bhd_component *component = NULL;
    bhd_component_options options = {
        .size = sizeof options, .name = "repeats", .limits = guest_limits(MIB(1))};
    bhd_status status = bhd_component_new(host, &options, text, strlen(text), &component, error);
    bhd_component_free(component);
    bhd_host_free(host);
    free(text);
    return status;
}

static bhd_status load(char *text, bhd_error *error)
{
    return load_with(NULL, text, error);
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
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_functions = 400;
    expect_ok(load_with(&options, text_of(20, 20, "a"), &error), &error);
    options.max_functions = 399;
    expect_status(BHD_COMPONENT_TOO_LARGE, load_with(&options, text_of(20, 20, "a"), &error),
                  &error);
    expect_in(error.message, "imports and exports more than 399 functions");
    expect_in(error.message, "max_functions, --max-functions");
    assert_int_equal(399, error.range_maximum);
    bhd_error_fini(&error);
}

/* What a component of so many functions, each exported under so many names, would hold in the host.
 * 0: no more than it may. */
static uint64_t would_hold(bhd_host *host, unsigned functions, unsigned names)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options options = {
        .size = sizeof options, .name = "repeats", .limits = guest_limits(MIB(1))};
    char *text = text_of(functions, names, "a");
    bhd_status status = bhd_component_new(host, &options, text, strlen(text), &component, &error);
    uint64_t held = 0, bytes = 0;
    bhd_component_free(component);
    free(text);
    if (status != BHD_OK) {
        expect_status(BHD_COMPONENT_TOO_LARGE, status, &error);
        assert_int_equal(2, sscanf(error.message,
                                   "the component has %" SCNu64
                                   " bytes, and the host would hold %" SCNu64
                                   " to run it, beside its code; at most 1 MiB and 128 for each of "
                                   "its own are held.",
                                   &bytes, &held));
        expect_in(error.message, "Make fewer of them, or export less");
        assert_true(error.value == held && held > error.range_maximum);
        assert_true(error.range_maximum == (UINT64_C(1) << 20) + bytes * 128);
    }
    bhd_error_fini(&error);
    return held;
}

static void what_the_host_would_hold_is_counted_and_bounded(void **state)
{
    (void)state;
    for (int here = 0; here < 2; here++) {
        bhd_host_options options = BHD_HOST_OPTIONS_INIT;
        options.compile = here ? BHD_COMPILE_HERE : BHD_COMPILE_APART;
        bhd_host *host = guest_host_with(&options);
        unsigned most = 1;
        while (would_hold(host, 100, 2 * most) == 0)
            most *= 2;
        uint64_t twice = would_hold(host, 100, 4 * most), once = would_hold(host, 100, 2 * most);
        assert_true(once > MIB(1) && twice > once);
        /* It is so much for each of them. */
        assert_true(twice > once + once / 2 && twice < 2 * once + once / 2);
        assert_true(most >= 16);
        bhd_host_free(host);
    }
}

/* Not by what it takes to load it: what is refused has not been. */
static void what_is_refused_was_not_loaded(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    (void)would_hold(host, 10, 10);
    (void)would_hold(host, 100, 600);
    (void)malloc_trim(0);
    process_forget_peak();
    uint64_t before = process_resident_bytes();
    uint64_t held = would_hold(host, 100, 600);
    uint64_t peak = process_peak_bytes();
    assert_true(held > MIB(8));
    if (!BHD_TESTS_SANITIZED)
        assert_true(peak < before + held / 2);
    bhd_host_free(host);
}

/* What is told of it is told without what it imports and exports. */
static void what_is_refused_can_be_inspected(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_error error = BHD_ERROR_INIT;
    char *text = text_of(100, 600, "a");
    expect_ok(bhd_inspect(host, text, strlen(text), &inspection, &error), &error);
    expect_in(inspection.refusal, "and the host would hold");
    bhd_inspection_fini(&inspection);
    free(text);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_few_are_loaded),
        cmocka_unit_test(code_out_of_all_proportion_is_refused),
        cmocka_unit_test(functions_are_counted_for_each_name),
        cmocka_unit_test(what_the_host_would_hold_is_counted_and_bounded),
        cmocka_unit_test(what_is_refused_was_not_loaded),
        cmocka_unit_test(what_is_refused_can_be_inspected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
