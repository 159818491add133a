/*
 * As many core instances as a host allows run, whatever the engine adds to let components call each
 * other and whoever gives the core modules, and one more is refused before anything runs, with both
 * numbers.
 */
#include "support/bomb_bytes.h"
#include "support/bomb_text.h"
#include "support/real_guest.h"

#include <stdio.h>

/* Two components, each of one core instance; between them the engine puts an adapter, which is an
 * instance of its own. What is exported goes through it. */
static const char pair[] =
    "(component $a%u (core module $m (func (export \"f\") (param i32) (result i32)"
    "  (i32.add (local.get 0) (i32.const 1))))"
    " (core instance $i (instantiate $m))"
    " (func (export \"f\") (param \"n\" s32) (result s32) (canon lift (core func $i \"f\"))))"
    "(component $b%u (import \"f\" (func $f (param \"n\" s32) (result s32)))"
    " (core func $g (canon lower (func $f)))"
    " (core module $m (import \"\" \"f\" (func $f (param i32) (result i32)))"
    "  (func (export \"f\") (param i32) (result i32) (call $f (local.get 0))))"
    " (core instance $i (instantiate $m (with \"\" (instance (export \"f\" (func $g))))))"
    " (func (export \"f\") (param \"n\" s32) (result s32) (canon lift (core func $i \"f\"))))"
    "(instance $ia%u (instantiate $a%u))"
    "(instance $ib%u (instantiate $b%u (with \"f\" (func $ia%u \"f\"))))"
    "(export \"f%u\" (func $ib%u \"f\"))";

static wasm_byte_vec_t component_of(unsigned instances, unsigned pairs)
{
    bomb_text t = {0};
    bomb_put(&t, "(component (core module $m)");
    for (unsigned i = 0; i < pairs; i++)
        bomb_printf(&t, pair, i, i, i, i, i, i, i, i, i);
    for (unsigned i = 2 * pairs; i < instances; i++)
        bomb_put(&t, "(core instance (instantiate $m))");
    bomb_put(&t, ")");
    return bomb_binary(&t);
}

static void expect_runs(bhd_component *component, unsigned pairs)
{
    bhd_sandbox *sandbox = guest_sandbox(component);
    for (unsigned i = 0; i < pairs; i++) {
        char name[16];
        bhd_error error = BHD_ERROR_INIT;
        bhd_function *function = NULL;
        bhd_value in = bhd_value_s32((int32_t)i), out = bhd_value_s32(0);
        (void)snprintf(name, sizeof name, "f%u", i);
        expect_ok(bhd_sandbox_function(sandbox, name, &function, &error), &error);
        expect_ok(bhd_sandbox_call(sandbox, function, &in, 1, &out, 1, &error), &error);
        assert_int_equal(out.of.s32, i + 1);
    }
    bhd_sandbox_free(sandbox);
}

static void expect_refusal(const bhd_error *error, unsigned instances, unsigned allowed)
{
    char text[64];
    (void)snprintf(text, sizeof text, " %u core instances", instances);
    expect_in(error->message, text);
    (void)snprintf(text, sizeof text, " allows %u ", allowed);
    expect_in(error->message, text);
    expect_in(error->message, "(host option max_instances, --max-instances)");
    assert_true(error->value == instances);
    assert_true(error->range_maximum == allowed);
}

static void expect_count(bhd_host *host, unsigned instances, unsigned pairs, unsigned allowed)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    wasm_byte_vec_t binary = component_of(instances, pairs);
    bhd_component_options options = {
        .size = sizeof options, .name = "counted", .limits = guest_limits(MIB(1))};
    bhd_status status =
        bhd_component_new(host, &options, binary.data, binary.size, &component, &error);
    if (instances > allowed) {
        expect_status(BHD_COMPONENT_TOO_LARGE, status, &error);
        expect_refusal(&error, instances, allowed);
    } else {
        expect_ok(status, &error);
        expect_runs(component, pairs);
    }
    bhd_component_free(component);
    bhd_error_fini(&error);
    wasm_byte_vec_delete(&binary);
}

static void as_many_as_allowed_run_whatever_the_engine_adds(void **state)
{
    static const unsigned bounds[] = {1, 2, 3, 8, 64};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        bhd_host_options options = BHD_HOST_OPTIONS_INIT;
        unsigned allowed = bounds[i];
        /* The default is 64. */
        if (allowed != options.max_instances)
            options.max_instances = allowed;
        bhd_host *host = guest_host_with(&options);
        const unsigned pairs[] = {0, 1, allowed / 4, allowed / 2};
        for (size_t j = 0; j < COUNT_OF(pairs); j++)
            for (unsigned instances = allowed - 1; instances <= allowed + 1; instances++)
                if (2 * pairs[j] <= instances && instances > 0)
                    expect_count(host, instances, pairs[j], allowed);
        expect_stats(host, 0, 0);
        bhd_host_free(host);
    }
}

/* A core module that a component is given, or takes out of an instance, makes instances too: the
 * larger one here, four times in each of two instances. */
static const char given[] = "(component (core module $small)(core module $large "
                            "(func (export \"f\"))%s)"
                            "(component $out (core module $m (func (export \"f\")))"
                            "(export \"m\" (core module $m)))(instance $o (instantiate $out))"
                            "(component $c (import \"m\" (core module $m))"
                            "(core instance (instantiate $m))(core instance (instantiate $m))"
                            "(core instance (instantiate $m))(core instance (instantiate $m)))"
                            "(instance (instantiate $c (with \"m\" (core module $large))))"
                            "(instance (instantiate $c (with \"m\" (core module $o \"m\")))))";

static bhd_status load_given(bhd_host *host, const char *part, bhd_component **component,
                             bhd_error *error)
{
    bomb_text t = {0};
    bomb_printf(&t, given, part);
    wasm_byte_vec_t binary = bomb_binary(&t);
    bhd_component_options options = {
        .size = sizeof options, .name = "given", .limits = guest_limits(MIB(1))};
    bhd_status status =
        bhd_component_new(host, &options, binary.data, binary.size, component, error);
    wasm_byte_vec_delete(&binary);
    return status;
}

static void core_modules_that_are_given_are_counted(void **state)
{
    (void)state;
    for (unsigned allowed = 7; allowed <= 8; allowed++) {
        bhd_host_options options = BHD_HOST_OPTIONS_INIT;
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        options.max_instances = allowed;
        bhd_host *host = guest_host_with(&options);
        bhd_status status = load_given(host, "", &component, &error);
        if (allowed < 8) {
            expect_status(BHD_COMPONENT_TOO_LARGE, status, &error);
            expect_refusal(&error, 8, allowed);
        } else {
            expect_ok(status, &error);
            bhd_sandbox_free(guest_sandbox(component));
        }
        bhd_component_free(component);
        bhd_error_fini(&error);
        bhd_host_free(host);
    }
}

/* Nobody follows which one is given, so each may be the one that holds most. */
static void core_modules_that_are_given_hold_as_the_largest(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bomb_text part = {0};
    /* Of 256 KiB, 8 times so many globals of 16 bytes are 125 KiB and 281 KiB. */
    for (unsigned i = 0; i < 1000; i++)
        bomb_put(&part, "(global i32 (i32.const 0))");
    expect_ok(load_given(host, part.data, &component, &error), &error);
    bhd_sandbox_free(guest_sandbox(component));
    bhd_component_free(component);
    component = NULL;
    for (unsigned i = 1000; i < 2250; i++)
        bomb_put(&part, "(global i32 (i32.const 0))");
    expect_status(BHD_COMPONENT_TOO_LARGE, load_given(host, part.data, &component, &error), &error);
    expect_in(error.message, "max_instance_bytes");
    expect_in(error.message, "is for its globals and tags");
    bomb_free(&part);
    bhd_error_fini(&error);
    bhd_host_free(host);
}

/* Whatever it makes cannot be summed, so it is refused wherever it comes from. */
static void components_that_are_given_are_refused(void **state)
{
    static const char *const texts[] = {
        "(component (component $a)(component $c (import \"c\" (component $c))"
        "(instance (instantiate $c)))(instance (instantiate $c (with \"c\" (component $a)))))",
        "(component (component $a (component $b)(export \"b\" (component $b)))"
        "(instance $i (instantiate $a))(alias export $i \"b\" (component $b))"
        "(instance (instantiate $b)))",
    };
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        guest_refused(host, texts[i], &limits, BHD_COMPONENT_UNSUPPORTED,
                      "instantiates a component that it is given or that an instance exports");
    bhd_host_free(host);
}

/* More items than anybody needs are counted all the same: a million instances of nothing. */
static void a_million_instances_are_counted(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bomb_text binary = {0}, inner = {0}, instances = {0};
    const unsigned count = 1000100;
    bomb_component_header(&inner);
    bomb_component_header(&binary);
    bomb_byte(&binary, 4);
    bomb_number(&binary, inner.size);
    bomb_bytes(&binary, inner.data, inner.size);
    for (unsigned i = 0; i < count; i++)
        bomb_bytes(&instances, "\0\0\0", 3);
    bomb_vector(&binary, 5, count, &instances);
    bhd_component_options options = {
        .size = sizeof options, .name = "million", .limits = guest_limits(MIB(1))};
    expect_status(BHD_COMPONENT_TOO_LARGE,
                  bhd_component_new(host, &options, binary.data, binary.size, &component, &error),
                  &error);
    expect_in(error.message, "max_instance_bytes");
    assert_true(error.value > (uint64_t)count * 512);
    bomb_free(&binary);
    bomb_free(&inner);
    bhd_error_fini(&error);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_instances_are_counted),
        cmocka_unit_test(core_modules_that_are_given_are_counted),
        cmocka_unit_test(core_modules_that_are_given_hold_as_the_largest),
        cmocka_unit_test(components_that_are_given_are_refused),
        cmocka_unit_test(as_many_as_allowed_run_whatever_the_engine_adds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
