/*
 * The next tenant finds nothing: not in memory, not in tables, not in globals, whatever the last
 * one did and however it ended. The same slots serve all of them, so the memory in front of the
 * next is that of the last. 500 tenants by default, 10,000 with BHD_LONG=1.
 */
#include "support/real_guest.h"

#include <stdlib.h>

/* How the guest is told to end, and how often: what waits for a deadline comes rarely. */
static const struct end {
    int32_t how;
    bhd_status deny, trap;
    unsigned every;
} ends[] = {
    {0, BHD_OK, BHD_OK, 1},
    {1, BHD_TRAP, BHD_TRAP, 1},
    {2, BHD_OUT_OF_MEMORY, BHD_OUT_OF_MEMORY, 1},
    {3, BHD_TRAP, BHD_TRAP, 1},
    {4, BHD_EXIT, BHD_EXIT, 1},
    {5, BHD_TIMEOUT, BHD_TIMEOUT, 10},
    {6, BHD_TIMEOUT, BHD_TIMEOUT, 10},
};

static int rounds(void)
{
    return getenv("BHD_LONG") ? 10000 : ROUNDS(500);
}

static void tenants_follow_tenants(bhd_on_exceed on_exceed, uint64_t max_fuel, uint64_t keep_bytes)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.slot_keep_bytes = keep_bytes;
    bhd_host *host = guest_host_with(&options);
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = on_exceed;
    limits.max_fuel = max_fuel;
    bhd_component *patient = guest_component(host, "hostile/leftovers.wat", &limits);
    limits.timeout_seconds = 0.05;
    bhd_component *hasty = guest_component(host, "hostile/leftovers.wat", &limits);
    int lived = 0;
    for (unsigned turn = 0; lived < rounds(); turn++) {
        const struct end *end = &ends[turn % COUNT_OF(ends)];
        if (turn / COUNT_OF(ends) % end->every != 0)
            continue;
        bool waits = end->deny == BHD_TIMEOUT;
        bhd_status wanted = on_exceed == BHD_ON_EXCEED_DENY ? end->deny : end->trap;
        if (max_fuel && end->how == 5)
            wanted = BHD_OUT_OF_FUEL;
        bhd_sandbox *sandbox = guest_sandbox(waits && wanted == BHD_TIMEOUT ? hasty : patient);
        guest_ends(sandbox, wanted, NULL, "live", end->how);
        bhd_sandbox_free(sandbox);
        sandbox = guest_sandbox(patient);
        assert_int_equal(1, guest_i32(sandbox, "clean"));
        bhd_sandbox_free(sandbox);
        lived++;
    }
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    assert_int_equal(2, stats.slots); /* its memory, and its heap of references to the host */
    bhd_component_free(patient);
    bhd_component_free(hasty);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void nothing_is_left_with_deny(void **state)
{
    (void)state;
    tenants_follow_tenants(BHD_ON_EXCEED_DENY, 0, KIB(256));
}

static void nothing_is_left_with_trap(void **state)
{
    (void)state;
    tenants_follow_tenants(BHD_ON_EXCEED_TRAP, 0, KIB(256));
}

static void nothing_is_left_when_every_page_is_kept(void **state)
{
    (void)state;
    tenants_follow_tenants(BHD_ON_EXCEED_DENY, 0, MIB(64));
}

static void nothing_is_left_when_fuel_ends_it(void **state)
{
    (void)state;
    tenants_follow_tenants(BHD_ON_EXCEED_DENY, 5000000, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_with_deny),
        cmocka_unit_test(nothing_is_left_with_trap),
        cmocka_unit_test(nothing_is_left_when_every_page_is_kept),
        cmocka_unit_test(nothing_is_left_when_fuel_ends_it),
    };
    return cmocka_run_group_tests_name("leftovers of hostile guests", tests, NULL, NULL);
}
