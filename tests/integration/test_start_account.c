/*
 * A guest that ends in its start function has no sandbox that could be asked, but what it used is
 * known: as a module, in a component, on the caller's stack and on a fiber.
 */
#include "support/real_guest.h"

#include <stdio.h>

/* Two pages, three more, then two growths that are refused, and the end. */
#define GROWS                                                                                      \
    "(memory (export \"memory\") 2)"                                                               \
    "(func $begin (drop (memory.grow (i32.const 3))) (drop (memory.grow (i32.const 60)))"          \
    "(drop (memory.grow (i32.const 100))) %s) (start $begin)"
#define WAITS "(import \"wasi_snapshot_preview1\" \"sched_yield\" (func (result i32)))"

static const char *const shapes[] = {
    "(module " GROWS ")",
    "(module " WAITS GROWS ")",
    "(component (core module $m " GROWS ")(core instance (instantiate $m)))",
};

typedef struct ending {
    const char *name, *end;
    bhd_on_exceed on_exceed;
    double timeout;
    uint64_t fuel;
    bhd_status wanted;
    uint64_t refused;
} ending;

static const ending endings[] = {
    {"a trap", "unreachable", BHD_ON_EXCEED_DENY, 30, 0, BHD_OUT_OF_MEMORY, 2},
    {"a refusal", "", BHD_ON_EXCEED_TRAP, 30, 0, BHD_OUT_OF_MEMORY, 1},
    {"the deadline", "(loop $l (br $l))", BHD_ON_EXCEED_DENY, 0.1, 0, BHD_TIMEOUT, 2},
    {"no fuel", "(loop $l (br $l))", BHD_ON_EXCEED_DENY, 30, 5000, BHD_OUT_OF_FUEL, 2},
};

static bhd_component *component_of(bhd_host *host, const char *shape, const char *end,
                                   const bhd_limits *limits)
{
    char text[1024];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, shape, end);
#pragma GCC diagnostic pop
    bhd_error error = BHD_ERROR_INIT;
    bhd_component_options options = {.size = sizeof options, .name = "starter", .limits = *limits};
    bhd_component *component = NULL;
    expect_ok(bhd_component_new(host, &options, text, strlen(text), &component, &error), &error);
    return component;
}

static void what_a_start_function_used_is_known(void **state)
{
    const ending *it = *state;
    bhd_host *host = guest_host();
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        bhd_limits limits = guest_limits(MIB(1));
        limits.on_exceed = it->on_exceed;
        limits.timeout_seconds = it->timeout;
        limits.max_fuel = it->fuel;
        bhd_component *component = component_of(host, shapes[i], it->end, &limits);
        bhd_sandbox *sandbox = NULL;
        bhd_error error = BHD_ERROR_INIT;
        bhd_start_account account = {0};
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.account = &account;
        bhd_status status = bhd_sandbox_new(component, &options, &sandbox, &error);
        expect_status(it->wanted, status, &error);
        assert_null(sandbox);
        assert_true(account.is_known);
        assert_int_equal(i + 1, account.sandbox_id);
        assert_int_equal(PAGES(5), account.metrics.current_bytes);
        assert_int_equal(PAGES(5), account.metrics.peak_bytes);
        assert_int_equal(MIB(1), account.metrics.max_bytes);
        assert_int_equal(2, account.metrics.growth_count);
        assert_int_equal(it->refused, account.metrics.denied_count);
        assert_int_equal(it->fuel, account.fuel_consumed);
        /* The account is all that is left. */
        expect_stats(host, 0, 0);
        bhd_error_fini(&error);
        bhd_component_free(component);
    }
    bhd_host_free(host);
}

static void without_a_guest_there_is_no_account(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = component_of(host, shapes[0], "", &limits);
    bhd_sandbox *sandbox = NULL;
    bhd_error error = BHD_ERROR_INIT;
    bhd_start_account account = {.is_known = true, .fuel_consumed = 7};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.account = &account;
    options.argc = 1; /* and argv is NULL */
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_new(component, &options, &sandbox, &error),
                  &error);
    assert_false(account.is_known);
    assert_int_equal(0, account.fuel_consumed);
    /* Nor when the sandbox lives. */
    options.argc = 0;
    account.is_known = true;
    expect_ok(bhd_sandbox_new(component, &options, &sandbox, &error), &error);
    assert_false(account.is_known);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(endings) + 1];
    for (size_t i = 0; i < COUNT_OF(endings); i++)
        tests[i] = (struct CMUnitTest){endings[i].name, what_a_start_function_used_is_known, NULL,
                                       NULL, (void *)(uintptr_t)&endings[i]};
    tests[COUNT_OF(endings)] =
        (struct CMUnitTest)cmocka_unit_test(without_a_guest_there_is_no_account);
    return _cmocka_run_group_tests("start account", tests, COUNT_OF(tests), NULL, NULL);
}
