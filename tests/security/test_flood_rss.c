/*
 * What a guest does a great many times costs the host nothing that stays: output, refusals, traps,
 * host calls, handles.
 */
#include "support/process_facts.h"
#include "support/real_guest.h"

#define BOUND_BYTES MIB(2)

static bool count_bytes(void *user_data, const void *data, size_t size)
{
    uint64_t *total = user_data;
    (void)data;
    *total += size;
    return true;
}

static void expect_flat(const char *what, uint64_t before)
{
    int64_t grown = (int64_t)process_resident_bytes() - (int64_t)before;
    print_message("%s: %+lld KiB\n", what, (long long)grown / 1024);
    assert_true(grown < (int64_t)BOUND_BYTES);
}

static void check_flood(const char *source)
{
    const char *const argv[] = {"flood", "64"}; /* MiB */
    bhd_limits limits = guest_limits(MIB(1));
    for (int keep = 0; keep < 2; keep++) {
        uint64_t total = 0;
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.argv = argv;
        options.argc = COUNT_OF(argv);
        if (keep)
            options.standard_output = (bhd_stream){BHD_OUTPUT_CALLBACK, count_bytes, &total};
        guest g = guest_begin_with(NULL, source, &limits, &options);
        uint64_t before = process_resident_bytes();
        assert_int_equal(0, guest_run(g.sandbox));
        expect_flat(source, before);
        assert_true(total == (keep ? MIB(64) : 0));
        assert_true(guest_metrics(g.sandbox).peak_bytes <= MIB(1));
        guest_end(&g);
    }
}

static void a_flood_of_output_passes_through(void **state)
{
    (void)state;
    check_flood("wasi/flood.core.wasm");
    check_flood("wasi/flood.wasm");
}

static void a_million_refusals_cost_nothing(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    assert_int_equal(1000, guest_i32(g.sandbox, "refusals", 16, 1000));
    uint64_t before = process_resident_bytes();
    assert_int_equal(1000000, guest_i32(g.sandbox, "refusals", 16, 1000000));
    expect_flat("refusals", before);
    expect_metrics(g.sandbox, PAGE, PAGE, 1, 1001000);
    guest_end(&g);
}

static void thousands_of_traps_with_backtraces_cost_nothing(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/recurse.wat", &limits);
    uint64_t before = 0;
    for (int i = 0; i < 2200; i++) {
        bhd_error error = BHD_ERROR_INIT;
        if (i == 200)
            before = process_resident_bytes();
        guest_ends(g.sandbox, BHD_TRAP, &error, "endless", INT64_C(0));
        bhd_error_fini(&error);
        guest_again(&g);
    }
    expect_flat("traps", before);
    guest_end(&g);
}

/* Timeouts cancel calls half-way; what they held has to go too. */
static void hundreds_of_cancelled_sleepers_cost_nothing(void **state)
{
    (void)state;
    static const char *const sources[] = {"wasi/sleep.core.wasm", "wasi/sleep.wasm"};
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 0.02;
    for (size_t s = 0; s < COUNT_OF(sources); s++) {
        guest g = guest_begin(sources[s], &limits);
        uint64_t before = 0;
        for (int i = 0; i < 150; i++) {
            if (i == 50)
                before = process_resident_bytes();
            guest_run_ends(g.sandbox, BHD_TIMEOUT, NULL);
            guest_again(&g);
        }
        expect_flat(sources[s], before);
        guest_end(&g);
    }
}

static void handles_of_a_guest_are_bounded(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("component/handles.wat", &limits);
    uint64_t before = process_resident_bytes();
    guest_run_ends(g.sandbox, BHD_TRAP, NULL);
    expect_flat("handles", before);
    guest_end(&g);
}

static void a_large_table_costs_what_its_limit_says(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/table_grow.wat", &limits);
    uint64_t before = process_resident_bytes();
    /* 50 million elements would be 400 MB. */
    for (int i = 0; i < 1000; i++)
        assert_int_equal(-1, guest_i32(g.sandbox, "grow_b", 50000000));
    assert_int_equal(10, guest_i32(g.sandbox, "grow_b", 9986));
    expect_flat("tables", before);
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_output_passes_through),
        cmocka_unit_test(a_million_refusals_cost_nothing),
        cmocka_unit_test(thousands_of_traps_with_backtraces_cost_nothing),
        cmocka_unit_test(hundreds_of_cancelled_sleepers_cost_nothing),
        cmocka_unit_test(handles_of_a_guest_are_bounded),
        cmocka_unit_test(a_large_table_costs_what_its_limit_says),
    };
    return cmocka_run_group_tests_name("flood", tests, NULL, NULL);
}
