/*
 * Suite 4: limits hold under load and at their edges: tens of thousands of attempts, a hundred
 * components at once, a thousand out-of-memories in a row, and growths of odd sizes.
 */
#include "support/crew.h"
#include "support/real_guest.h"

/* -- many attempts ------------------------------------------------------------------------- */

static void ten_thousand_rapid_attempts_are_all_answered(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    /* One call each. */
    for (int i = 0; i < 10000; i++)
        assert_int_equal(i < 15 ? i + 1 : -1, guest_i32(g.sandbox, "grow", 1));
    expect_metrics(g.sandbox, MIB(1), MIB(1), 16, 9985);
    /* All in one call. */
    assert_int_equal(100000, guest_i32(g.sandbox, "refusals", 1, 100000));
    expect_metrics(g.sandbox, MIB(1), MIB(1), 16, 109985);
    guest_end(&g);
}

static void refusals_with_trap_end_ten_thousand_sandboxes(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    for (int i = 0; i < ROUNDS(10000); i++) {
        bhd_sandbox *sandbox = guest_sandbox(component);
        guest_ends(sandbox, BHD_OUT_OF_MEMORY, NULL, "grow", 16);
        expect_metrics(sandbox, PAGES(1), PAGES(1), 1, 1);
        bhd_sandbox_free(sandbox);
    }
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* -- a hundred at once --------------------------------------------------------------------- */

enum { HUNDRED = 100 };

typedef struct hundred {
    bhd_component *components[HUNDRED];
} hundred;

/* Component n may have 2 + n % 62 pages; half of them run into their limit and die of it. */
static void work_of_hundred(crew_member *member)
{
    hundred *shared = member->shared;
    int32_t pages = 2 + (int32_t)(member->number % 62);
    for (int i = 0; i < ROUNDS(20); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_value grown = {.type = BHD_I32, .of.i32 = 0}, nonzero = {.type = BHD_I64, .of.i64 = 0};
        bhd_sandbox *sandbox = NULL;
        bhd_memory_metrics m = {0};
        bool ok = crew_check_ok(
            member, bhd_sandbox_new(shared->components[member->number], NULL, &sandbox, &error),
            &error);
        if (ok) {
            ok = crew_check_ok(member, guest_call(sandbox, &error, &nonzero, "first_nonzero"),
                               &error) &&
                 crew_check(member, nonzero.of.i64 == -1);
            bhd_status status = guest_call(sandbox, &error, &grown, "grow_until", 1, 1000);
            bhd_sandbox_metrics(sandbox, &m);
            if (member->number % 2)
                ok = ok && crew_check(member, status == BHD_OUT_OF_MEMORY);
            else
                ok = ok && crew_check_ok(member, status, &error) &&
                     crew_check(member, grown.of.i32 == pages - 1);
            ok = ok && crew_check(member, m.current_bytes == PAGES(pages)) &&
                 crew_check(member, m.growth_count == (uint64_t)pages) &&
                 crew_check(member, m.denied_count == 1);
        }
        bhd_sandbox_free(sandbox);
        bhd_error_fini(&error);
        if (!ok)
            return;
    }
}

static void a_hundred_components_run_at_once_on_threads(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    static hundred shared;
    for (unsigned i = 0; i < HUNDRED; i++) {
        bhd_limits limits = guest_limits(PAGES(2 + i % 62));
        limits.on_exceed = i % 2 ? BHD_ON_EXCEED_TRAP : BHD_ON_EXCEED_DENY;
        shared.components[i] = guest_component(host, "basic/grow.wat", &limits);
    }
    crew_run(HUNDRED, work_of_hundred, &shared);
    for (unsigned i = 0; i < HUNDRED; i++)
        bhd_component_free(shared.components[i]);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* Threads that make, use and free the whole chain by themselves, at the same time. */
static void work_with_own_component(crew_member *member)
{
    bhd_host *host = member->shared;
    for (int i = 0; i < ROUNDS(10); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_limits limits = guest_limits(MIB(1));
        bhd_component *component = NULL;
        bhd_sandbox *sandbox = NULL;
        limits.max_fuel = i % 2 ? UINT64_C(1000000) : 0;
        int exit_code = -1;
        (void)(crew_check_ok(member,
                             guest_try_component(host, "component/two_memories.wat", &limits,
                                                 &component, &error),
                             &error) &&
               crew_check_ok(member, bhd_sandbox_new(component, NULL, &sandbox, &error), &error) &&
               crew_check_ok(member, bhd_sandbox_run(sandbox, &exit_code, &error), &error) &&
               crew_check(member, exit_code == 0));
        bhd_component_free(component);
        bhd_sandbox_free(sandbox);
        bhd_error_fini(&error);
    }
}

static void threads_may_compile_and_run_in_one_host(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    crew_run(8, work_with_own_component, host);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

/* A sandbox may move between threads, one at a time. */
static void work_on_handed_over(crew_member *member)
{
    bhd_sandbox **at = member->shared;
    bhd_error error = BHD_ERROR_INIT;
    bhd_value result = {.type = BHD_I32, .of.i32 = 0};
    (void)(crew_check_ok(member, guest_call(*at, &error, &result, "grow", 1), &error) &&
           crew_check(member, result.of.i32 > 0));
    bhd_error_fini(&error);
}

static void a_sandbox_may_move_from_thread_to_thread(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(2));
    guest g = guest_begin("basic/grow.wat", &limits);
    for (int i = 0; i < 20; i++)
        crew_run(1, work_on_handed_over, &g.sandbox);
    expect_metrics(g.sandbox, PAGES(21), PAGES(21), 21, 0);
    guest_end(&g);
}

/* -- out of memory, again and again -------------------------------------------------------- */

static void a_thousand_out_of_memories_and_recoveries(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/deny_then_unreachable.wat", &limits);
    bhd_sandbox *witness = guest_sandbox(component);
    for (int i = 0; i < ROUNDS(1000); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_sandbox *sandbox = guest_sandbox(component);
        assert_int_equal(1, guest_i32(sandbox, "try", 8));
        guest_run_ends(sandbox, BHD_OUT_OF_MEMORY, &error);
        assert_non_null(error.out_of_memory);
        assert_true(error.out_of_memory->requested == PAGES(1024));
        assert_true(error.out_of_memory->in_use == PAGES(9));
        assert_true(error.out_of_memory->sandbox == bhd_sandbox_id(sandbox));
        guest_ends(sandbox, BHD_SANDBOX_DEAD, NULL, "try", 1);
        expect_metrics(sandbox, PAGES(9), PAGES(9), 2, 1);
        bhd_sandbox_free(sandbox);
        bhd_error_fini(&error);
    }
    assert_int_equal(1, guest_i32(witness, "try", 15));
    expect_metrics(witness, MIB(1), MIB(1), 2, 0);
    bhd_sandbox_free(witness);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void a_guest_recovers_from_a_thousand_refusals_by_itself(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    uint64_t refused = 0;
    for (int32_t pages = 1; pages < 16; pages++) {
        assert_int_equal(67, guest_i32(g.sandbox, "refusals", 17 - pages, 67));
        refused += 67;
        assert_int_equal(pages, guest_i32(g.sandbox, "grow", 1));
        expect_metrics(g.sandbox, PAGES(pages + 1), PAGES(pages + 1), (uint64_t)pages + 1, refused);
    }
    assert_true(refused == 1005);
    guest_end(&g);
}

/* -- edges --------------------------------------------------------------------------------- */

static void growth_by_nothing_is_no_growth(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(1, guest_i32(g.sandbox, "grow", 0));
    expect_metrics(g.sandbox, PAGES(1), PAGES(1), 1, 0);
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 15));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(16, guest_i32(g.sandbox, "grow", 0));
    expect_metrics(g.sandbox, MIB(1), MIB(1), 2, 0);
    guest_end(&g);
}

static void growth_by_one_page_is_the_smallest_that_counts(void **state)
{
    (void)state;
    /* One byte below two pages: the second page does not fit. */
    bhd_limits limits = guest_limits(PAGES(2) - 1);
    guest g = guest_begin("basic/grow.wat", &limits);
    assert_int_equal(-1, guest_i32(g.sandbox, "grow", 1));
    expect_metrics(g.sandbox, PAGES(1), PAGES(1), 1, 1);
    guest_end(&g);
    limits = guest_limits(PAGES(2));
    g = guest_begin("basic/grow.wat", &limits);
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 1));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow", 1));
    expect_metrics(g.sandbox, PAGES(2), PAGES(2), 2, 1);
    guest_end(&g);
}

static void growth_to_exactly_the_limit_works_and_one_page_more_does_not(void **state)
{
    (void)state;
    for (int32_t pages = 2; pages <= 64; pages++) {
        bhd_limits limits = guest_limits(PAGES(pages));
        guest g = guest_begin("basic/grow.wat", &limits);
        assert_int_equal(-1, guest_i32(g.sandbox, "grow", pages));
        expect_metrics(g.sandbox, PAGES(1), PAGES(1), 1, 1);
        assert_int_equal(1, guest_i32(g.sandbox, "grow", pages - 1));
        expect_metrics(g.sandbox, PAGES(pages), PAGES(pages), 2, 1);
        assert_int_equal(-1, guest_i32(g.sandbox, "grow", 1));
        expect_metrics(g.sandbox, PAGES(pages), PAGES(pages), 2, 2);
        guest_end(&g);
    }
}

static void bare_limiter_takes_every_size_down_to_a_byte(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_limits limits = guest_limits(MIB(1));
    bhd_limiter *limiter;
    bhd_memory_metrics m;
    expect_ok(bhd_limiter_new(&limits, NULL, &limiter, &error), &error);
    assert_int_equal(BHD_GROWTH_ALLOW, bhd_limiter_memory_growing(limiter, 0, 0, UINT64_MAX));
    bhd_limiter_metrics(limiter, &m);
    guest_expect_metrics(&m, 0, 0, 0, 0, __FILE__, __LINE__);
    /* One byte at a time. */
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal(BHD_GROWTH_ALLOW,
                         bhd_limiter_memory_growing(limiter, i, i + 1, UINT64_MAX));
    bhd_limiter_metrics(limiter, &m);
    guest_expect_metrics(&m, 10000, 10000, 10000, 0, __FILE__, __LINE__);
    /* One byte over, exactly the limit, one byte over, and the most that a number can say. */
    assert_int_equal(BHD_GROWTH_DENY,
                     bhd_limiter_memory_growing(limiter, 10000, MIB(1) + 1, UINT64_MAX));
    assert_int_equal(BHD_GROWTH_ALLOW,
                     bhd_limiter_memory_growing(limiter, 10000, MIB(1), UINT64_MAX));
    assert_int_equal(BHD_GROWTH_DENY,
                     bhd_limiter_memory_growing(limiter, MIB(1), MIB(1) + 1, UINT64_MAX));
    assert_int_equal(BHD_GROWTH_DENY,
                     bhd_limiter_memory_growing(limiter, 0, UINT64_MAX, UINT64_MAX));
    bhd_limiter_metrics(limiter, &m);
    guest_expect_metrics(&m, MIB(1), MIB(1), 10001, 3, __FILE__, __LINE__);
    bhd_limiter_free(limiter);
}

/* -- the bare limiter under threads -------------------------------------------------------- */

static void work_on_shared_limiter(crew_member *member)
{
    bhd_limiter *limiter = member->shared;
    for (int i = 0; i < ROUNDS(20000); i++) {
        uint64_t bytes = 1 + (uint64_t)(member->number * 7919 + (unsigned)i * 104729) % KIB(100);
        bhd_memory_metrics m;
        bhd_growth answer = bhd_limiter_memory_growing(limiter, 0, bytes, UINT64_MAX);
        bhd_limiter_metrics(limiter, &m);
        if (!crew_check(member, m.current_bytes <= m.peak_bytes) ||
            !crew_check(member, m.peak_bytes <= m.max_bytes))
            return;
        if (answer == BHD_GROWTH_ALLOW && i % 5)
            bhd_limiter_memory_released(limiter, bytes);
        else if (answer == BHD_GROWTH_ALLOW)
            bhd_limiter_memory_grow_failed(limiter, 0, bytes);
    }
}

static void threads_on_one_limiter_never_exceed_it(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_limits limits = guest_limits(KIB(256));
    bhd_limiter *limiter;
    expect_ok(bhd_limiter_new(&limits, NULL, &limiter, &error), &error);
    crew_run(8, work_on_shared_limiter, limiter);
    bhd_memory_metrics m;
    bhd_limiter_metrics(limiter, &m);
    assert_true(m.current_bytes == 0);
    assert_true(m.peak_bytes <= KIB(256));
    bhd_limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_rapid_attempts_are_all_answered),
        cmocka_unit_test(refusals_with_trap_end_ten_thousand_sandboxes),
        cmocka_unit_test(a_hundred_components_run_at_once_on_threads),
        cmocka_unit_test(threads_may_compile_and_run_in_one_host),
        cmocka_unit_test(a_sandbox_may_move_from_thread_to_thread),
        cmocka_unit_test(a_thousand_out_of_memories_and_recoveries),
        cmocka_unit_test(a_guest_recovers_from_a_thousand_refusals_by_itself),
        cmocka_unit_test(growth_by_nothing_is_no_growth),
        cmocka_unit_test(growth_by_one_page_is_the_smallest_that_counts),
        cmocka_unit_test(growth_to_exactly_the_limit_works_and_one_page_more_does_not),
        cmocka_unit_test(bare_limiter_takes_every_size_down_to_a_byte),
        cmocka_unit_test(threads_on_one_limiter_never_exceed_it),
    };
    return cmocka_run_group_tests_name("suite 4: stress", tests, NULL, NULL);
}
