/*
 * What an instance holds in the host beside its memories and tables has a bound, whatever it is and
 * however often it is instantiated: it is counted before anything is compiled, one more than fits
 * is refused with both numbers and with what there is too much of, and as many as fit run.
 */
#include "support/held_shapes.h"

#include <inttypes.h>
#include <stdio.h>

static void expect_number(const char *message, uint64_t number)
{
    char text[32];
    (void)snprintf(text, sizeof text, " %" PRIu64 " ", number);
    expect_in(message, text);
}

static void as_many_as_fit_run_and_one_more_is_refused(void **state)
{
    (void)state;
    bhd_host *host = held_host(HELD_BYTES);
    for (size_t i = 0; i < held_shape_count; i++) {
        const held_shape *shape = &held_shapes[i];
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        unsigned most = held_most(host, shape);
        print_message("%s: %u\n", shape->name, most);
        expect_ok(held_load(host, shape, most, &component, &error), &error);
        bhd_sandbox_free(guest_sandbox(component));
        bhd_component_free(component);
        component = NULL;
        expect_status(BHD_COMPONENT_TOO_LARGE, held_load(host, shape, most + 1, &component, &error),
                      &error);
        assert_null(component);
        expect_in(error.message, "(host option max_instance_bytes, --max-instance-bytes)");
        expect_in(error.message, shape->said);
        expect_number(error.message, HELD_BYTES);
        assert_true(error.value > HELD_BYTES);
        assert_true(error.range_maximum == HELD_BYTES);
        expect_number(error.message, error.value);
        bhd_error_fini(&error);
    }
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void the_default_is_a_quarter_of_a_mebibyte(void **state)
{
    static const bhd_host_options defaults = BHD_HOST_OPTIONS_INIT;
    (void)state;
    assert_true(defaults.max_instance_bytes == KIB(256));
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_host *host = guest_host();
    expect_ok(held_load(host, &held_shapes[0], 16000, &component, &error), &error);
    bhd_component_free(component);
    expect_status(BHD_COMPONENT_TOO_LARGE,
                  held_load(host, &held_shapes[0], 16400, &component, &error), &error);
    expect_in(error.message, "this host allows 262144 "
                             "(host option max_instance_bytes, --max-instance-bytes)");
    bhd_error_fini(&error);
    bhd_host_free(host);
}

static void a_host_may_allow_more_or_less(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_instance_bytes = KIB(1);
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(MIB(1));
    guest_refused(host, "(module (func (export \"a\")) (table 1 funcref) (memory 0))", &limits,
                  BHD_COMPONENT_TOO_LARGE, "this host allows 1024 "
                  "(host option max_instance_bytes, --max-instance-bytes)");
    bhd_component_free(guest_component(host, "(module (func (export \"a\")))", &limits));
    bhd_host_free(host);
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    options.max_instance_bytes = MIB(1);
    host = guest_host_with(&options);
    expect_ok(held_load(host, &held_shapes[0], 60000, &component, &error), &error);
    bhd_sandbox_free(guest_sandbox(component));
    bhd_component_free(component);
    bhd_host_free(host);
}

/* What languages compile to: many functions in a table, many exports, many pieces of data. */
static void a_large_program_fits(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_host *host = guest_host();
    bomb_text text = {0};
    bomb_put(&text, "(module (memory 4)(table 6001 funcref)(global (mut i32) (i32.const 65536))");
    for (unsigned i = 0; i < 6000; i++)
        bomb_put(&text, "(func)");
    bomb_put(&text, "(elem (i32.const 1) func ");
    for (unsigned i = 0; i < 6000; i++)
        bomb_printf(&text, "%u ", i);
    bomb_put(&text, ")");
    for (unsigned i = 0; i < 2000; i++)
        bomb_printf(&text, "(data (i32.const %u) \"bytes\")", i * 64);
    bomb_put(&text, "(export \"memory\" (memory 0)))");
    wasm_byte_vec_t binary = bomb_binary(&text);
    bhd_component_options options = {
        .size = sizeof options, .name = "large", .limits = guest_limits(MIB(1))};
    expect_ok(bhd_component_new(host, &options, binary.data, binary.size, &component, &error),
              &error);
    bhd_sandbox_free(guest_sandbox(component));
    bhd_component_free(component);
    wasm_byte_vec_delete(&binary);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_fit_run_and_one_more_is_refused),
        cmocka_unit_test(the_default_is_a_quarter_of_a_mebibyte),
        cmocka_unit_test(a_host_may_allow_more_or_less),
        cmocka_unit_test(a_large_program_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
