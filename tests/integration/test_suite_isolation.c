/*
 * Suite 2: sandboxes do not touch each other: not their memory, not their limits, not their counts,
 * and not when one of them ends badly.
 */
#include "support/crew.h"
#include "support/real_guest.h"

#include <stdio.h>

/* Two sandboxes of one component. */
typedef struct pair {
    bhd_host *host;
    bhd_component *component;
    bhd_sandbox *a, *b;
} pair;

static pair pair_begin(const char *source, const bhd_limits *limits)
{
    pair p;
    p.host = guest_host();
    p.component = guest_component(p.host, source, limits);
    p.a = guest_sandbox(p.component);
    p.b = guest_sandbox(p.component);
    return p;
}

static void pair_end(pair *p)
{
    bhd_sandbox_free(p->a);
    bhd_sandbox_free(p->b);
    bhd_component_free(p->component);
    expect_stats(p->host, 0, 0);
    bhd_host_free(p->host);
}

static void two_sandboxes_have_their_own_memory(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    pair p = pair_begin("basic/grow.wat", &limits);
    assert_int_equal(1, guest_i32(p.a, "grow", 15));
    guest_void(p.a, "fill", 0, (int)MIB(1), 0xaa);
    assert_int_equal(1, guest_i32(p.b, "size"));
    assert_true(guest_i64(p.b, "first_nonzero") == -1);
    assert_int_equal(1, guest_i32(p.b, "grow", 15));
    assert_true(guest_i64(p.b, "first_nonzero") == -1);
    guest_void(p.b, "fill", 0, (int)MIB(1), 0x55);
    assert_true(guest_i64(p.a, "sum", 0, (int)MIB(1)) == (int64_t)MIB(1) * 0xaa);
    assert_true(guest_i64(p.b, "sum", 0, (int)MIB(1)) == (int64_t)MIB(1) * 0x55);
    pair_end(&p);
}

static void two_sandboxes_have_their_own_counts(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    pair p = pair_begin("basic/grow.wat", &limits);
    assert_int_equal(1, guest_i32(p.a, "grow", 15));
    assert_int_equal(100, guest_i32(p.a, "refusals", 1, 100));
    expect_metrics(p.a, PAGES(16), PAGES(16), 2, 100);
    expect_metrics(p.b, PAGES(1), PAGES(1), 1, 0);
    assert_int_equal(1, guest_i32(p.b, "grow", 2));
    expect_metrics(p.a, PAGES(16), PAGES(16), 2, 100);
    expect_metrics(p.b, PAGES(3), PAGES(3), 2, 0);
    assert_true(bhd_sandbox_id(p.a) != bhd_sandbox_id(p.b));
    pair_end(&p);
}

static void each_sandbox_has_the_whole_limit(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    bhd_host *host = guest_host();
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    bhd_sandbox *all[20];
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        all[i] = guest_sandbox(component);
        assert_int_equal(15, guest_i32(all[i], "grow_until", 1, 100));
    }
    for (size_t i = 0; i < COUNT_OF(all); i++)
        expect_metrics(all[i], PAGES(16), PAGES(16), 16, 1);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        bhd_sandbox_free(all[i]);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* A ends in `wanted`; B has state, keeps it, and can still use all of its limit. */
static void check_end_of_one(bhd_on_exceed on_exceed, const char *end, bhd_status wanted)
{
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = on_exceed;
    bhd_host *host = guest_host();
    bhd_component *bad = guest_component(host, "basic/deny_then_unreachable.wat", &limits);
    bhd_component *good = guest_component(host, "basic/grow.wat", &limits);
    bhd_sandbox *a = guest_sandbox(bad);
    bhd_sandbox *b = guest_sandbox(good);
    bhd_sandbox *other_of_a = guest_sandbox(bad);
    assert_int_equal(1, guest_i32(b, "grow", 3));
    guest_void(b, "fill", 1000, 200000, 0x33);

    bhd_error error = BHD_ERROR_INIT;
    guest_ends(a, wanted, &error, end, 1024);
    assert_true(bhd_sandbox_is_dead(a));
    bhd_error_fini(&error);

    assert_false(bhd_sandbox_is_dead(b));
    expect_metrics(b, PAGES(4), PAGES(4), 2, 0);
    assert_true(guest_i64(b, "sum", 0, (int)PAGES(4)) == INT64_C(200000) * 0x33);
    assert_int_equal(4, guest_i32(b, "grow", 12));
    expect_metrics(b, PAGES(16), PAGES(16), 3, 0);
    assert_false(bhd_sandbox_is_dead(other_of_a));
    assert_int_equal(1, guest_i32(other_of_a, "try", 15));
    bhd_sandbox_free(a);
    assert_true(guest_i64(b, "sum", 0, (int)PAGES(16)) == INT64_C(200000) * 0x33);
    bhd_sandbox_free(other_of_a);
    bhd_sandbox_free(b);
    bhd_component_free(bad);
    bhd_component_free(good);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void out_of_memory_of_one_leaves_the_other_alone(void **state)
{
    (void)state;
    check_end_of_one(BHD_ON_EXCEED_DENY, "collect_rows", BHD_OUT_OF_MEMORY);
    check_end_of_one(BHD_ON_EXCEED_TRAP, "collect_rows", BHD_OUT_OF_MEMORY);
}

static void trap_of_one_leaves_the_other_alone(void **state)
{
    (void)state;
    check_end_of_one(BHD_ON_EXCEED_DENY, "unrelated", BHD_TRAP);
}

static void limits_of_different_components_do_not_mix(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_component *components[4];
    bhd_sandbox *sandboxes[4];
    for (unsigned i = 0; i < 4; i++) {
        bhd_limits limits = guest_limits(KIB(512) << i);
        components[i] = guest_component(host, "basic/grow.wat", &limits);
        sandboxes[i] = guest_sandbox(components[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        int32_t most = 8 << i;
        assert_int_equal(most - 1, guest_i32(sandboxes[i], "grow_until", 1, 1000));
    }
    for (unsigned i = 0; i < 4; i++) {
        expect_metrics(sandboxes[i], KIB(512) << i, KIB(512) << i, UINT64_C(8) << i, 1);
        bhd_sandbox_free(sandboxes[i]);
        bhd_component_free(components[i]);
    }
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* -- ten at once --------------------------------------------------------------------------- */

typedef struct ten {
    bhd_component *components[10];
} ten;

static bool step(crew_member *member, bhd_sandbox *sandbox, int64_t wanted, const char *name,
                 int32_t first, int32_t second, int32_t third)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value result = {.type = BHD_I64, .of.i64 = 0};
    bhd_status status = guest_call(sandbox, &error, &result, name, first, second, third);
    bool ok = crew_check_ok(member, status, &error) &&
              crew_check(member, (result.type == BHD_I32 ? (int64_t)result.of.i32
                                                         : result.of.i64) == wanted);
    bhd_error_fini(&error);
    return ok;
}

/* Component n has 8 + n pages: fills them with its own number and finds nothing else there. */
static bool one_life(crew_member *member, bhd_sandbox *sandbox)
{
    int32_t n = (int32_t)member->number;
    int32_t pages = 8 + n;
    int32_t bytes = pages * (int32_t)PAGE;
    bhd_memory_metrics m;
    bool ok = step(member, sandbox, -1, "first_nonzero", 0, 0, 0) &&
              step(member, sandbox, 1, "grow", pages - 1, 0, 0) &&
              step(member, sandbox, -1, "first_nonzero", 0, 0, 0) &&
              step(member, sandbox, 0, "fill", 0, bytes, n + 1) &&
              step(member, sandbox, n + 1, "refusals", 1, n + 1, 0) &&
              step(member, sandbox, (int64_t)bytes * (n + 1), "sum", 0, bytes, 0);
    bhd_sandbox_metrics(sandbox, &m);
    return ok && crew_check(member, m.current_bytes == (uint64_t)bytes) &&
           crew_check(member, m.peak_bytes == (uint64_t)bytes) &&
           crew_check(member, m.growth_count == 2) &&
           crew_check(member, m.denied_count == (uint64_t)n + 1);
}

static void work_of_ten(crew_member *member)
{
    ten *shared = member->shared;
    for (int i = 0; i < ROUNDS(40); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_sandbox *sandbox = NULL;
        bool ok = crew_check_ok(
            member, bhd_sandbox_new(shared->components[member->number], NULL, &sandbox, &error),
            &error);
        bhd_error_fini(&error);
        ok = ok && one_life(member, sandbox);
        bhd_sandbox_free(sandbox);
        if (!ok)
            return;
    }
}

static void ten_components_run_at_once_on_ten_threads(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    ten shared;
    for (unsigned i = 0; i < 10; i++) {
        bhd_limits limits = guest_limits(PAGES(8 + i));
        shared.components[i] = guest_component(host, "basic/grow.wat", &limits);
    }
    crew_run(10, work_of_ten, &shared);
    for (unsigned i = 0; i < 10; i++)
        bhd_component_free(shared.components[i]);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* -- WASI ---------------------------------------------------------------------------------- */

static void output_and_arguments_stay_apart(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "wasi/args.wasm", &limits);
    guest_output outputs[5];
    bhd_sandbox *sandboxes[5];
    for (size_t i = 0; i < COUNT_OF(sandboxes); i++) {
        char number[2] = {(char)('0' + i), '\0'};
        const char *const argv[] = {"args", number};
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.argv = argv;
        options.argc = COUNT_OF(argv);
        options.standard_output = guest_stream_to(&outputs[i]);
        sandboxes[i] = guest_sandbox_with(component, &options);
    }
    for (size_t i = COUNT_OF(sandboxes); i-- > 0;)
        assert_int_equal(0, guest_run(sandboxes[i]));
    for (size_t i = 0; i < COUNT_OF(sandboxes); i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "2 arguments\n0: [args]\n1: [%zu]\n", i);
        assert_string_equal(wanted, outputs[i].text);
        bhd_sandbox_free(sandboxes[i]);
    }
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void two_hosts_share_nothing(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest a = guest_begin("basic/grow.wat", &limits);
    guest b = guest_begin("basic/grow.wat", &limits);
    assert_true(bhd_sandbox_id(a.sandbox) == 1);
    assert_true(bhd_sandbox_id(b.sandbox) == 1);
    guest_void(a.sandbox, "fill", 0, (int)PAGE, 1);
    guest_end(&a);
    expect_stats(b.host, 1, 1);
    assert_true(guest_i64(b.sandbox, "first_nonzero") == -1);
    assert_int_equal(1, guest_i32(b.sandbox, "grow", 15));
    guest_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sandboxes_have_their_own_memory),
        cmocka_unit_test(two_sandboxes_have_their_own_counts),
        cmocka_unit_test(each_sandbox_has_the_whole_limit),
        cmocka_unit_test(out_of_memory_of_one_leaves_the_other_alone),
        cmocka_unit_test(trap_of_one_leaves_the_other_alone),
        cmocka_unit_test(limits_of_different_components_do_not_mix),
        cmocka_unit_test(ten_components_run_at_once_on_ten_threads),
        cmocka_unit_test(output_and_arguments_stay_apart),
        cmocka_unit_test(two_hosts_share_nothing),
    };
    return cmocka_run_group_tests_name("suite 2: isolation", tests, NULL, NULL);
}
