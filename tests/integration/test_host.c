/*
 * Hosts: options that make sense and options that do not, lives that end in any order, figures.
 */
#include "support/crew.h"
#include "support/process_facts.h"
#include "support/real_guest.h"

static void a_host_with_defaults_is_what_its_header_says(void **state)
{
    (void)state;
    const bhd_host_options defaults = BHD_HOST_OPTIONS_INIT;
    bhd_host *host = guest_host_with(NULL);
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(bhd_host_policy(host)->min_memory_bytes == BHD_MIN_MEMORY_BYTES);
    assert_true(bhd_host_policy(host)->max_memory_bytes == BHD_MAX_MEMORY_BYTES);
    assert_true(stats.max_sandboxes == defaults.max_sandboxes);
    assert_true(stats.live_sandboxes == 0 && stats.slots == 0 && stats.slots_in_use == 0);
    assert_true(stats.slots_retired == 0 && stats.reserved_bytes == 0);
    assert_true(stats.refused_capacity == 0);
    bhd_host_free(host);
}

static void options_outside_their_range_are_refused_by_name(void **state)
{
    (void)state;
    const bhd_host_options good = BHD_HOST_OPTIONS_INIT;
    bhd_host_options bad[16];
    static const char *const names[] = {
        "max_sandboxes",      "max_memories",        "max_tables",
        "max_instances",      "max_component_bytes", "max_stack_bytes",
        "max_stack_bytes",    "slot_keep_bytes",     "features",
        "max_memories",       "max_compile_seconds", "max_compile_bytes",
        "max_artifact_bytes", "max_compilations",    "compile",
        "max_cache_bytes",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        bad[i] = good;
    bad[0].max_sandboxes = 0;
    bad[1].max_memories = 0;
    bad[2].max_tables = 0;
    bad[3].max_instances = 0;
    bad[4].max_component_bytes = 0;
    bad[5].max_stack_bytes = 1000;
    bad[6].max_stack_bytes = UINT64_C(1) << 40;
    bad[7].slot_keep_bytes = UINT64_MAX;
    bad[8].features = 1u << 31;
    bad[9].max_memories = UINT32_MAX;
    bad[10].max_compile_seconds = 0;
    bad[11].max_compile_bytes = 1;
    bad[12].max_artifact_bytes = 0;
    bad[13].max_compilations = 0;
    bad[14].compile = BHD_COMPILE_HERE + 1;
    bad[15].max_cache_bytes = 0;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_host *host = NULL;
        expect_status(BHD_INVALID_ARGUMENT, bhd_host_new(&bad[i], &host, &error), &error);
        assert_null(host);
        expect_in(error.message, names[i]);
        assert_true(error.has_range);
        assert_true(error.value < error.range_minimum || error.value > error.range_maximum);
        bhd_error_fini(&error);
    }
}

static void a_policy_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const bhd_policy policies[] = {
        {BHD_POLICY_MIN_BYTES - 1, MIB(1)},
        {MIB(2), MIB(1)},
        {MIB(1), BHD_POLICY_MAX_BYTES + 1},
        {0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        bhd_host_options options = BHD_HOST_OPTIONS_INIT;
        bhd_error error = BHD_ERROR_INIT;
        bhd_host *host = NULL;
        options.policy = policies[i];
        expect_status(BHD_POLICY_INVALID, bhd_host_new(&options, &host, &error), &error);
        assert_null(host);
        bhd_error_fini(&error);
    }
}

static void the_policy_of_a_host_may_be_wider_or_narrower(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.policy = (bhd_policy){KIB(128), MIB(1)};
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(KIB(128));
    bhd_component_free(guest_component(host, "basic/grow.wat", &limits));
    limits.max_memory_bytes = MIB(1);
    bhd_component_free(guest_component(host, "basic/grow.wat", &limits));
    limits.max_memory_bytes = MIB(1) + 1;
    guest_refused(host, "basic/grow.wat", &limits, BHD_LIMIT_TOO_HIGH, "1048577");
    limits.max_memory_bytes = KIB(128) - 1;
    guest_refused(host, "basic/grow.wat", &limits, BHD_LIMIT_TOO_LOW, "131071");
    bhd_host_free(host);
}

static void options_are_copied(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_sandboxes = 7;
    bhd_host *host = guest_host_with(&options);
    memset(&options, 0, sizeof options);
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_true(stats.max_sandboxes == 7);
    assert_true(bhd_host_policy(host)->max_memory_bytes == BHD_MAX_MEMORY_BYTES);
    bhd_host_free(host);
}

static void null_is_answered(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_INVALID_ARGUMENT, bhd_host_new(NULL, NULL, &error), &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_host_new(NULL, NULL, NULL), NULL);
    bhd_host_free(NULL);
    bhd_error_fini(&error);
}

static void host_component_and_sandbox_may_be_freed_in_any_order(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    uint64_t threads = process_threads();
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        guest g = guest_begin("basic/grow.wat", &limits);
        for (size_t k = 0; k < 3; k++) {
            if (orders[i][k] == 0)
                bhd_host_free(g.host);
            if (orders[i][k] == 1)
                bhd_component_free(g.component);
            /* What is left works. */
            if (orders[i][k] == 2)
                bhd_sandbox_free(g.sandbox);
            else if (k == 0 || (k == 1 && orders[i][0] != 2))
                assert_int_equal((int)k + 1, guest_i32(g.sandbox, "grow", 1));
        }
    }
    /* The clock of a host ends with it. */
    assert_true(process_threads() <= threads + 4);
}

static void the_clock_of_a_host_ends_with_it(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    guest_end(&g);
    uint64_t threads = process_threads();
    for (int i = 0; i < 10; i++) {
        g = guest_begin("basic/grow.wat", &limits);
        assert_int_equal(1, guest_i32(g.sandbox, "grow", 1));
        assert_true(process_threads() == threads + 1);
        guest_end(&g);
        assert_true(process_threads() == threads);
    }
}

static void figures_follow_what_lives(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    bhd_host_stats stats;
    bhd_sandbox *more[3];
    for (size_t i = 0; i < COUNT_OF(more); i++)
        more[i] = guest_sandbox(g.component);
    bhd_host_get_stats(g.host, &stats, sizeof stats);
    assert_true(stats.live_sandboxes == 4 && stats.slots == 4 && stats.slots_in_use == 4);
    assert_true(stats.reserved_bytes >= 4 * (UINT64_C(4) << 30));
    uint64_t reserved = stats.reserved_bytes;
    for (size_t i = 0; i < COUNT_OF(more); i++)
        bhd_sandbox_free(more[i]);
    bhd_host_get_stats(g.host, &stats, sizeof stats);
    assert_true(stats.live_sandboxes == 1 && stats.slots == 4 && stats.slots_in_use == 1);
    assert_true(stats.reserved_bytes == reserved);
    guest_end(&g);
}

static void sandboxes_are_numbered_from_one(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    for (uint64_t i = 1; i <= 10; i++) {
        assert_true(bhd_sandbox_id(g.sandbox) == i);
        guest_again(&g);
    }
    guest_end(&g);
}

static void read_figures(crew_member *member)
{
    guest *g = member->shared;
    for (int i = 0; i < 2000; i++) {
        bhd_host_stats stats;
        if (member->number == 0) {
            bhd_sandbox *sandbox = NULL;
            if (!crew_check_ok(member, bhd_sandbox_new(g->component, NULL, &sandbox, NULL), NULL))
                return;
            bhd_sandbox_free(sandbox);
        }
        bhd_host_get_stats(g->host, &stats, sizeof stats);
        if (!crew_check(member, stats.live_sandboxes >= 1 && stats.live_sandboxes <= 2) ||
            !crew_check(member, stats.slots_in_use <= stats.slots && stats.slots <= 2))
            return;
    }
}

static void figures_may_be_read_from_any_thread(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    crew_run(4, read_figures, &g);
    guest_end(&g);
}

static void versions_are_known(void **state)
{
    (void)state;
    assert_string_equal(BHD_LIBRARY_VERSION, bhd_version());
    assert_string_equal("Wasmtime 48.0.8", bhd_engine_version());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_with_defaults_is_what_its_header_says),
        cmocka_unit_test(options_outside_their_range_are_refused_by_name),
        cmocka_unit_test(a_policy_that_cannot_be_is_refused),
        cmocka_unit_test(the_policy_of_a_host_may_be_wider_or_narrower),
        cmocka_unit_test(options_are_copied),
        cmocka_unit_test(null_is_answered),
        cmocka_unit_test(host_component_and_sandbox_may_be_freed_in_any_order),
        cmocka_unit_test(the_clock_of_a_host_ends_with_it),
        cmocka_unit_test(figures_follow_what_lives),
        cmocka_unit_test(sandboxes_are_numbered_from_one),
        cmocka_unit_test(figures_may_be_read_from_any_thread),
        cmocka_unit_test(versions_are_known),
    };
    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
