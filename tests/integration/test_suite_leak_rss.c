/*
 * Suite 3: nothing is left behind. Counters are exact after thousands of rounds, the pool of slots
 * is as it was, and the process holds no more than after the warm-up.
 *
 * The bound: after the warm-up, resident memory may grow by 1 MiB over the rest of a test, whatever
 * the number of rounds. One page leaked in each of 1,000 rounds is 4 MiB; what the C library, the
 * engine and the kernel's own rough counting (64 pages for each thread) move is below 300 KiB.
 */
#include "base/alloc.h"
#include "support/process_facts.h"
#include "support/real_guest.h"

#include <stdio.h>

#define BOUND_BYTES MIB(1)

/* What must be the same before and after. */
typedef struct traces {
    uint64_t resident, mappings, threads, descriptors, live_allocations;
    bhd_host_stats stats;
} traces;

static traces traces_of(const bhd_host *host)
{
    traces t = {
        .resident = process_resident_bytes(),
        .mappings = process_mappings(),
        .threads = process_threads(),
        .descriptors = process_descriptors(),
        .live_allocations = bhd__alloc_live(),
    };
    bhd_host_get_stats(host, &t.stats, sizeof t.stats);
    return t;
}

static void expect_flat(const char *what, const traces *before, const bhd_host *host)
{
    traces after = traces_of(host);
    int64_t grown = (int64_t)after.resident - (int64_t)before->resident;
    print_message("%s: resident %lld KiB, then %+lld KiB\n", what,
                  (long long)before->resident / 1024, (long long)grown / 1024);
    assert_true(grown < (int64_t)BOUND_BYTES);
    assert_true(after.mappings <= before->mappings + 4);
    assert_true(after.threads == before->threads);
    assert_true(after.descriptors == before->descriptors);
    /* A waker may be let go of a little later, by a thread of the engine. */
    assert_true(after.live_allocations <= before->live_allocations);
    assert_true(after.stats.live_sandboxes == before->stats.live_sandboxes);
    assert_true(after.stats.slots == before->stats.slots);
    assert_true(after.stats.slots_in_use == before->stats.slots_in_use);
    assert_true(after.stats.slots_retired == before->stats.slots_retired);
    assert_true(after.stats.reserved_bytes == before->stats.reserved_bytes);
    assert_true(after.stats.refused_capacity == before->stats.refused_capacity);
}

/* -- allocations --------------------------------------------------------------------------- */

static void a_thousand_allocations_count_exactly(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(4));
    guest g = guest_begin("basic/grow.wat", &limits);
    uint64_t growths = 1, denials = 0;
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 0));
    traces warm = traces_of(g.host);
    for (int i = 0; i < 1000; i++) {
        int32_t before = guest_i32(g.sandbox, "grow", 1);
        if (i < 63) {
            assert_int_equal(i + 1, before);
            growths++;
        } else {
            assert_int_equal(-1, before);
            denials++;
        }
    }
    assert_true(growths == 64 && denials == 937);
    expect_metrics(g.sandbox, MIB(4), MIB(4), growths, denials);
    expect_flat("1,000 allocations", &warm, g.host);
    guest_end(&g);
}

/* One churn: argv[2] rounds of malloc, fill, check, free of 64 KiB. */
static void churn(bhd_component *component, uint64_t *peak)
{
    const char *const argv[] = {"churn", "64", "1000"};
    guest_output output;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = COUNT_OF(argv);
    options.standard_output = guest_stream_to(&output);
    bhd_sandbox *sandbox = guest_sandbox_with(component, &options);
    assert_int_equal(0, guest_run(sandbox));
    assert_string_equal("64 KiB: 1000 rounds succeeded, 0 failed\n", output.text);
    bhd_memory_metrics m = guest_metrics(sandbox);
    assert_true(m.denied_count == 0);
    assert_true(m.current_bytes == m.peak_bytes);
    *peak = m.peak_bytes;
    bhd_sandbox_free(sandbox);
}

static void check_churn(const char *what, const char *source)
{
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, source, &limits);
    uint64_t first, peak;
    churn(component, &first);
    /* Freed memory is used again: 1,000 times 64 KiB fit into what a few of them need. */
    assert_true(first <= KIB(320));
    traces warm = traces_of(host);
    for (int i = 0; i < 10; i++) {
        churn(component, &peak);
        assert_true(peak == first);
    }
    expect_flat(what, &warm, host);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void a_guest_that_frees_its_memory_stays_level(void **state)
{
    (void)state;
    check_churn("1,000 malloc and free, 10 times, core module", "wasi/churn.core.wasm");
    check_churn("1,000 malloc and free, 10 times, component", "wasi/churn.wasm");
}

/* -- allocation and release ---------------------------------------------------------------- */

/* A sandbox that grows to its limit, touches both ends of every page, and is refused once. */
static void fill_and_free(bhd_component *component)
{
    bhd_sandbox *sandbox = guest_sandbox(component);
    assert_int_equal(15, guest_i32(sandbox, "grow_until", 1, 100));
    expect_metrics(sandbox, MIB(1), MIB(1), 16, 1);
    bhd_sandbox_free(sandbox);
}

static void cycles_of_allocation_and_release_leave_nothing(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    for (int i = 0; i < 100; i++)
        fill_and_free(component);
    traces warm = traces_of(host);
    for (int i = 0; i < 1000; i++)
        fill_and_free(component);
    expect_flat("1,000 sandboxes to the limit", &warm, host);
    assert_true(warm.stats.slots == 1);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void many_at_once_give_everything_back(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    static bhd_sandbox *all[100];
    traces warm = {0};
    for (int round = 0; round < 11; round++) {
        for (size_t i = 0; i < COUNT_OF(all); i++) {
            all[i] = guest_sandbox(component);
            assert_int_equal(15, guest_i32(all[i], "grow_until", 1, 100));
        }
        expect_stats(host, COUNT_OF(all), COUNT_OF(all));
        for (size_t i = 0; i < COUNT_OF(all); i++)
            bhd_sandbox_free(all[i]);
        if (round == 0)
            warm = traces_of(host);
    }
    assert_true(warm.stats.slots == COUNT_OF(all));
    expect_flat("10 times 100 sandboxes", &warm, host);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void pages_of_a_sandbox_go_back_to_the_system(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.policy.max_memory_bytes = MIB(64);
    bhd_limits limits = guest_limits(MIB(64));
    guest g = guest_begin_with(&options, "basic/grow.wat", &limits, NULL);
    uint64_t before = process_resident_bytes();
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 1023));
    guest_void(g.sandbox, "fill", 0, (int)MIB(64), 1);
    assert_true(process_resident_bytes() > before + MIB(60));
    guest_again(&g);
    /* All but what a free slot may keep. */
    assert_true(process_resident_bytes() < before + options.slot_keep_bytes + BOUND_BYTES);
    guest_end(&g);
}

static void components_leave_nothing(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    traces warm = {0};
    for (int i = 0; i < 120; i++) {
        if (i == 20)
            warm = traces_of(host);
        bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
        bhd_sandbox *sandbox = guest_sandbox(component);
        bhd_component_free(component);
        assert_int_equal(1, guest_i32(sandbox, "grow", 1));
        bhd_sandbox_free(sandbox);
    }
    expect_flat("100 compilations", &warm, host);
    bhd_host_free(host);
}

static void hosts_leave_nothing(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    traces warm = {0};
    bhd_host *last = guest_host();
    for (int i = 0; i < 120; i++) {
        if (i == 20)
            warm = traces_of(last);
        guest g = guest_begin("basic/grow.wat", &limits);
        assert_int_equal(1, guest_i32(g.sandbox, "grow", 1));
        guest_end(&g);
    }
    expect_flat("100 hosts", &warm, last);
    bhd_host_free(last);
}

/* -- long run ------------------------------------------------------------------------------ */

static void ten_thousand_sandboxes_leave_nothing(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    for (int i = 0; i < 500; i++)
        fill_and_free(component);
    traces warm = traces_of(host);
    uint64_t ids = 500;
    for (int i = 0; i < 10000; i++) {
        bhd_sandbox *sandbox = guest_sandbox(component);
        assert_true(bhd_sandbox_id(sandbox) == ++ids);
        int32_t pages = i % 15 + 1;
        assert_int_equal(1, guest_i32(sandbox, "grow", pages));
        guest_void(sandbox, "fill", (int)PAGE * pages, 4096, i);
        assert_int_equal(i % 3, guest_i32(sandbox, "refusals", 16, i % 3));
        expect_metrics(sandbox, PAGES(pages + 1), PAGES(pages + 1), 2, (uint64_t)(i % 3));
        bhd_sandbox_free(sandbox);
    }
    expect_flat("10,000 sandboxes", &warm, host);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void ten_thousand_calls_in_one_sandbox_leave_nothing(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    assert_int_equal(15, guest_i32(g.sandbox, "grow_until", 1, 100));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow", 1));
    guest_void(g.sandbox, "fill", 0, (int)MIB(1), 0xff);
    traces warm = traces_of(g.host);
    for (int i = 0; i < 10000; i++) {
        guest_void(g.sandbox, "fill", (i % 16) * (int)PAGE, (int)PAGE, i);
        assert_int_equal(-1, guest_i32(g.sandbox, "grow", 1));
    }
    expect_metrics(g.sandbox, MIB(1), MIB(1), 16, 10002);
    expect_flat("10,000 calls", &warm, g.host);
    guest_end(&g);
}

static void a_thousand_wasi_sandboxes_leave_nothing(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    const char *const sources[] = {"wasi/print.core.wasm", "wasi/print.wasm"};
    for (size_t s = 0; s < COUNT_OF(sources); s++) {
        bhd_component *component = guest_component(host, sources[s], &limits);
        traces warm = {0};
        for (int i = 0; i < 1100; i++) {
            if (i == 100)
                warm = traces_of(host);
            guest_output output;
            bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
            options.standard_output = guest_stream_to(&output);
            bhd_sandbox *sandbox = guest_sandbox_with(component, &options);
            assert_int_equal(0, guest_run(sandbox));
            assert_string_equal("a line on stdout\n", output.text);
            bhd_sandbox_free(sandbox);
        }
        expect_flat(sources[s], &warm, host);
        bhd_component_free(component);
    }
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void a_bare_limiter_counts_ten_thousand_cycles(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_limits limits = guest_limits(MIB(1));
    bhd_limiter *limiter;
    expect_ok(bhd_limiter_new(&limits, NULL, &limiter, &error), &error);
    for (uint64_t i = 0; i < 10000; i++) {
        assert_int_equal(BHD_GROWTH_ALLOW,
                         bhd_limiter_memory_growing(limiter, 0, i % MIB(1) + 1, UINT64_MAX));
        assert_int_equal(BHD_GROWTH_DENY,
                         bhd_limiter_memory_growing(limiter, 0, MIB(1), UINT64_MAX));
        bhd_limiter_memory_released(limiter, i % MIB(1) + 1);
    }
    bhd_memory_metrics m;
    bhd_limiter_metrics(limiter, &m);
    guest_expect_metrics(&m, 0, 10000, 10000, 10000, __FILE__, __LINE__);
    bhd_limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_allocations_count_exactly),
        cmocka_unit_test(a_guest_that_frees_its_memory_stays_level),
        cmocka_unit_test(cycles_of_allocation_and_release_leave_nothing),
        cmocka_unit_test(many_at_once_give_everything_back),
        cmocka_unit_test(pages_of_a_sandbox_go_back_to_the_system),
        cmocka_unit_test(components_leave_nothing),
        cmocka_unit_test(hosts_leave_nothing),
        cmocka_unit_test(ten_thousand_sandboxes_leave_nothing),
        cmocka_unit_test(ten_thousand_calls_in_one_sandbox_leave_nothing),
        cmocka_unit_test(a_thousand_wasi_sandboxes_leave_nothing),
        cmocka_unit_test(a_bare_limiter_counts_ten_thousand_cycles),
    };
    return cmocka_run_group_tests_name("suite 3: leak", tests, NULL, NULL);
}
