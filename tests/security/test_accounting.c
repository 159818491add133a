/*
 * The books cannot be cooked: the limit is on the sum, a growth that did not happen costs nothing,
 * and a failed growth never takes back what an earlier one was charged.
 */
#include "support/crew.h"
#include "support/real_guest.h"

#include <stdatomic.h>

/* -- the sum of all memories ---------------------------------------------------------------- */

static void memories_that_sum_above_the_limit_are_refused_at_load(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        unsigned pages; /* in all */
    } sums[] = {
        {"basic/three_big_memories.wat", 18}, {"component/three_instances.wat", 18},
        {"component/nested.wat", 11},         {"component/two_memories.wat", 8},
        {"basic/big_initial.wat", 17},
    };
    bhd_host *host = guest_host();
    for (size_t i = 0; i < COUNT_OF(sums); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_component *component = NULL;
        bhd_limits limits = guest_limits(PAGES(sums[i].pages) - 1);
        expect_status(BHD_COMPONENT_TOO_LARGE,
                      guest_try_component(host, sums[i].source, &limits, &component, &error),
                      &error);
        assert_true(error.has_range);
        assert_true(error.value == PAGES(sums[i].pages));
        assert_true(error.range_maximum == PAGES(sums[i].pages) - 1);
        limits = guest_limits(PAGES(sums[i].pages));
        component = guest_component(host, sums[i].source, &limits);
        bhd_sandbox *sandbox = guest_sandbox(component);
        assert_true(guest_metrics(sandbox).current_bytes == PAGES(sums[i].pages));
        assert_true(guest_metrics(sandbox).remaining_bytes == 0);
        bhd_sandbox_free(sandbox);
        bhd_component_free(component);
        bhd_error_fini(&error);
    }
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void the_message_about_the_fit_has_both_numbers(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    guest_refused(host, "basic/three_big_memories.wat", &limits, BHD_COMPONENT_TOO_LARGE,
                  "the component starts with 1179648 bytes of memory; its limit (max_bytes) is "
                  "1048576 bytes");
    limits.max_memory_bytes = MIB(2);
    guest_refused(host, "basic/big_table.wat", &limits, BHD_COMPONENT_TOO_LARGE,
                  "the component starts with 11000 table elements; its limit "
                  "(max_table_elements) is 10000");
    bhd_host_free(host);
}

static void growth_over_several_memories_is_limited_by_their_sum(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/three_memories.wat", &limits);
    expect_metrics(g.sandbox, PAGES(3), PAGES(3), 3, 0);
    assert_int_equal(1, guest_i32(g.sandbox, "grow_a", 6));
    assert_int_equal(1, guest_i32(g.sandbox, "grow_b", 6));
    expect_metrics(g.sandbox, PAGES(15), PAGES(15), 5, 0);
    /* Each is far below the limit; two pages more are too many, one is not. */
    assert_int_equal(-1, guest_i32(g.sandbox, "grow_c", 2));
    assert_int_equal(1, guest_i32(g.sandbox, "grow_c", 1));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow_a", 1));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow_b", 1));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow_c", 1));
    assert_int_equal(16, guest_i32(g.sandbox, "total"));
    expect_metrics(g.sandbox, MIB(1), MIB(1), 6, 4);
    guest_end(&g);

    limits = guest_limits(MIB(2));
    g = guest_begin("basic/three_memories.wat", &limits);
    assert_int_equal(32, guest_i32(g.sandbox, "exhaust"));
    expect_metrics(g.sandbox, MIB(2), MIB(2), 32, 1);
    guest_end(&g);
}

/* -- growths that do not happen ------------------------------------------------------------- */

static void growth_beyond_the_own_maximum_is_not_charged_and_not_counted(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = BHD_ON_EXCEED_TRAP; /* and does not end the guest */
    guest g = guest_begin("basic/grow_then_fail.wat", &limits);
    assert_int_equal(3, guest_i32(g.sandbox, "run"));
    expect_metrics(g.sandbox, PAGES(4), PAGES(4), 4, 0);
    assert_int_equal(6, guest_i32(g.sandbox, "run"));
    expect_metrics(g.sandbox, PAGES(4), PAGES(4), 4, 0);
    guest_end(&g);
}

/* Growths that the engine reports as failed, some of them without having asked. A limiter that
 * believed all of them would take back charges of growths that did happen, and the guest could
 * have its limit again and again. */
static void failed_growths_do_not_take_back_earlier_charges(void **state)
{
    (void)state;
    static const uint32_t absurd[] = {
        0xffffffff, 0x80000000, 0x7fffffff, 0x10000, 0x10001, 0xffff0000,
    };
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 3));
    for (size_t i = 0; i < COUNT_OF(absurd); i++) {
        assert_int_equal(-1, guest_i32(g.sandbox, "grow", (int32_t)absurd[i]));
        bhd_memory_metrics m = guest_metrics(g.sandbox);
        guest_expect_metrics(&m, PAGES(4), PAGES(4), 2, m.denied_count, __FILE__, __LINE__);
        assert_true(m.denied_count <= i + 1);
        /* In one call too, where nothing settles in between. */
        assert_int_equal(50, guest_i32(g.sandbox, "refusals", (int32_t)absurd[i], 50));
        assert_true(guest_metrics(g.sandbox).current_bytes == PAGES(4));
    }
    /* What is left is what was left. */
    assert_int_equal(-1, guest_i32(g.sandbox, "grow", 13));
    assert_int_equal(12, guest_i32(g.sandbox, "grow_until", 1, 100));
    assert_int_equal(16, guest_i32(g.sandbox, "size"));
    assert_true(guest_metrics(g.sandbox).current_bytes == MIB(1));
    guest_end(&g);
}

/* The same in one call: grow, fail, grow, fail ..., with every byte of what was got written to. */
static void a_loop_of_failing_growths_gets_no_more_than_the_limit(void **state)
{
    (void)state;
    static const char attack[] =
        "(module (memory 1)"
        " (func (export \"attack\") (param $absurd i32) (result i32) (local $i i32)"
        "  (loop $next"
        "   (drop (memory.grow (local.get $absurd)))"
        "   (drop (memory.grow (i32.const 1)))"
        "   (drop (memory.grow (local.get $absurd)))"
        "   (drop (memory.grow (i32.const 0)))"
        "   (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1))"
        "    (i32.const 1))"
        "   (local.set $i (i32.add (local.get $i) (i32.const 1)))"
        "   (br_if $next (i32.lt_u (local.get $i) (i32.const 1000))))"
        "  (memory.size)))";
    static const uint32_t absurd[] = {0xffffffff, 0x80000000, 0x10000, 0xffff};
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(attack, &limits);
    for (size_t i = 0; i < COUNT_OF(absurd); i++) {
        guest_again(&g);
        assert_int_equal(16, guest_i32(g.sandbox, "attack", (int32_t)absurd[i]));
        bhd_memory_metrics m = guest_metrics(g.sandbox);
        guest_expect_metrics(&m, MIB(1), MIB(1), 16, m.denied_count, __FILE__, __LINE__);
    }
    guest_end(&g);
}

/* Failed growths of one memory while another one has just grown. */
static void failures_of_one_memory_do_not_give_back_another(void **state)
{
    (void)state;
    static const char attack[] =
        "(module (memory $a 1) (memory $b 1 2) (table $t 1 4 funcref)"
        " (func (export \"attack\") (result i32) (local $i i32)"
        "  (loop $next"
        "   (drop (memory.grow $a (i32.const 1)))"
        "   (drop (memory.grow $b (i32.const 5)))"  /* beyond its own maximum */
        "   (drop (memory.grow $b (i32.const -1)))" /* beyond everything */
        "   (drop (table.grow $t (ref.null func) (i32.const 9)))"
        "   (drop (table.grow $t (ref.null func) (i32.const -1)))"
        "   (local.set $i (i32.add (local.get $i) (i32.const 1)))"
        "   (br_if $next (i32.lt_u (local.get $i) (i32.const 100))))"
        "  (i32.add (memory.size $a) (memory.size $b))))";
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(attack, &limits);
    assert_int_equal(16, guest_i32(g.sandbox, "attack"));
    expect_metrics(g.sandbox, MIB(1), MIB(1), 16, 86);
    assert_true(guest_metrics(g.sandbox).table_elements == 1);
    guest_end(&g);
}

static void ended_sandboxes_keep_exact_books(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.on_exceed = BHD_ON_EXCEED_TRAP;
    guest g = guest_begin("basic/grow.wat", &limits);
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 7));
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, NULL, "grow_until", 3, 100);
    expect_metrics(g.sandbox, PAGES(14), PAGES(14), 4, 1);
    guest_end(&g);
}

/* -- tables --------------------------------------------------------------------------------- */

static void tables_are_limited_over_all_tables(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_table_elements = 100;
    guest g = guest_begin("basic/table_grow.wat", &limits);
    assert_true(guest_metrics(g.sandbox).table_elements == 14);
    assert_int_equal(10, guest_i32(g.sandbox, "grow_b", 40));
    assert_int_equal(0, guest_i32(g.sandbox, "grow_c", 40));
    assert_true(guest_metrics(g.sandbox).table_elements == 94);
    assert_int_equal(-1, guest_i32(g.sandbox, "grow_a", 7));
    assert_int_equal(4, guest_i32(g.sandbox, "grow_a", 6));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow_a", 1));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow_b", 1));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow_c", 50000000));
    assert_int_equal(100, guest_i32(g.sandbox, "total"));
    bhd_memory_metrics m = guest_metrics(g.sandbox);
    assert_true(m.table_elements == 100);
    /* A table of host references needs a heap for them, which begins with one page and counts. */
    guest_expect_metrics(&m, PAGE, PAGE, 1, 4, __FILE__, __LINE__);
    guest_end(&g);
}

static void tables_that_sum_above_their_limit_are_refused_at_load(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_table_elements = 10999;
    guest_refused(host, "basic/big_table.wat", &limits, BHD_COMPONENT_TOO_LARGE, "11000");
    limits.max_table_elements = 11000;
    bhd_component_free(guest_component(host, "basic/big_table.wat", &limits));
    bhd_host_free(host);
}

static void failed_table_growths_do_not_take_back_earlier_charges(void **state)
{
    (void)state;
    static const char tables[] = "(module (table $a 10 20 funcref) (table $b 10 externref)"
                                 " (func (export \"a\") (param i32) (result i32)"
                                 "  (table.grow $a (ref.null func) (local.get 0)))"
                                 " (func (export \"b\") (param i32) (result i32)"
                                 "  (table.grow $b (ref.null extern) (local.get 0))))";
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_table_elements = 100;
    guest g = guest_begin(tables, &limits);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(i == 0 ? 10 : -1, guest_i32(g.sandbox, "a", 10));
        assert_int_equal(-1, guest_i32(g.sandbox, "a", 11));
        assert_int_equal(-1, guest_i32(g.sandbox, "a", -1));
        assert_int_equal(-1, guest_i32(g.sandbox, "b", -1));
        assert_true(guest_metrics(g.sandbox).table_elements == 30);
    }
    assert_int_equal(-1, guest_i32(g.sandbox, "b", 71));
    assert_int_equal(10, guest_i32(g.sandbox, "b", 70));
    assert_true(guest_metrics(g.sandbox).table_elements == 100);
    guest_end(&g);
}

/* -- the heap of garbage-collected objects --------------------------------------------------- */

static void the_gc_heap_counts_and_is_limited(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.features = BHD_FEATURE_GC;
    bhd_limits limits = guest_limits(MIB(2));
    guest g = guest_begin_with(&options, "basic/gc_heap.wat", &limits, NULL);
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(50, guest_i32(g.sandbox, "keep", 50));
    uint64_t used = guest_metrics(g.sandbox).current_bytes;
    assert_true(used >= 50 * KIB(8) && used <= MIB(2));
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error, "hoard");
    assert_non_null(error.out_of_memory);
    assert_int_equal(BHD_MEMORY_GC_HEAP, error.out_of_memory->kind);
    bhd_memory_metrics m = guest_metrics(g.sandbox);
    assert_true(m.peak_bytes <= MIB(2) && m.denied_count >= 1);
    guest_again(&g);
    /* 80 MiB of garbage fit in 2 MiB. */
    guest_void(g.sandbox, "churn", 10000);
    assert_true(guest_metrics(g.sandbox).peak_bytes <= MIB(2));
    bhd_error_fini(&error);
    guest_end(&g);
}

static void objects_of_exceptions_cannot_pass_the_limit(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/exceptions.wat", &limits);
    assert_int_equal(100000, guest_i32(g.sandbox, "throw_many", 100000));
    assert_true(guest_metrics(g.sandbox).peak_bytes <= MIB(1));
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_OUT_OF_MEMORY, &error, "hoard");
    assert_true(guest_metrics(g.sandbox).peak_bytes <= MIB(1));
    assert_true(guest_metrics(g.sandbox).table_elements <= limits.max_table_elements);
    bhd_error_fini(&error);
    guest_end(&g);
}

/* -- watched from outside -------------------------------------------------------------------- */

typedef struct watched {
    guest g;
    atomic_bool done;
    bhd_status status;
    bhd_value growths;
    uint64_t snapshots, different;
} watched;

static void grow_or_watch(crew_member *member)
{
    watched *w = member->shared;
    if (member->number == 0) {
        w->status = guest_call(w->g.sandbox, NULL, &w->growths, "climb", 8);
        atomic_store(&w->done, true);
        return;
    }
    uint64_t last = 0;
    uint64_t last_growths = 0;
    while (!atomic_load(&w->done)) {
        bhd_memory_metrics m;
        bhd_sandbox_metrics(w->g.sandbox, &m);
        if (!crew_check(member, m.current_bytes <= m.peak_bytes) ||
            !crew_check(member, m.peak_bytes <= m.max_bytes) ||
            !crew_check(member, m.current_bytes + m.remaining_bytes == m.max_bytes) ||
            !crew_check(member, m.current_bytes % PAGE == 0) ||
            !crew_check(member, m.peak_bytes >= last) ||
            !crew_check(member, m.growth_count >= last_growths))
            return;
        if (member->number == 1) {
            w->snapshots++;
            w->different += m.current_bytes != last;
        }
        last = m.peak_bytes;
        last_growths = m.growth_count;
    }
}

static void every_snapshot_from_another_thread_is_consistent(void **state)
{
    (void)state;
    /* Grows to 1 GiB by one page, refused now and then; touches nothing. */
    static const char climber[] =
        "(module (memory 1) (func (export \"climb\") (param i32) (result i32) (local $n i32)"
        " (block $full (loop $next"
        "  (drop (memory.grow (i32.const 20000)))"
        "  (br_if $full (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))"
        "  (local.set $n (i32.add (local.get $n) (i32.const 1)))"
        "  (br $next)))"
        " (local.get $n)))";
    bhd_limits limits = guest_limits(MIB(1024));
    watched w = {.g = guest_begin(climber, &limits)};
    for (int i = 0; i < 5; i++) {
        guest_again(&w.g);
        atomic_store(&w.done, false);
        crew_run(3, grow_or_watch, &w);
        expect_ok(w.status, NULL);
        assert_int_equal(16383, w.growths.of.i32);
        expect_metrics(w.g.sandbox, MIB(1024), MIB(1024), 16384, 16385);
    }
    assert_true(w.snapshots > 100);
    assert_true(w.different > 10); /* it did watch a guest that grows */
    guest_end(&w.g);
}

/* -- an embedder who says no ------------------------------------------------------------------ */

static bool at_most_eight_pages(void *user_data, const bhd_growth_request *request)
{
    unsigned *asked = user_data;
    (*asked)++;
    return request->kind == BHD_MEMORY_TABLE || request->desired <= PAGES(8);
}

static void an_embedder_may_refuse_what_the_limit_allows(void **state)
{
    (void)state;
    unsigned asked = 0;
    bhd_limits limits = guest_limits(MIB(1));
    const bhd_limiter_options limiter = {sizeof limiter, 0, at_most_eight_pages, NULL, &asked};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.limiter = &limiter;
    guest g = guest_begin_with(NULL, "basic/grow.wat", &limits, &options);
    assert_int_equal(1, asked);
    assert_int_equal(7, guest_i32(g.sandbox, "grow_until", 1, 100));
    assert_int_equal(9, asked);
    expect_metrics(g.sandbox, PAGES(8), PAGES(8), 8, 1);
    /* What the limit refuses, nobody else is asked about. */
    assert_int_equal(-1, guest_i32(g.sandbox, "grow", 9));
    assert_int_equal(9, asked);
    guest_end(&g);
}

static bool never(void *user_data, const bhd_growth_request *request)
{
    (void)user_data;
    (void)request;
    return false;
}

static void an_embedder_may_refuse_the_initial_memory(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    const bhd_limiter_options limiter = {sizeof limiter, 0, never, NULL, NULL};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.limiter = &limiter;
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    expect_status(BHD_OUT_OF_MEMORY, bhd_sandbox_new(component, &options, &sandbox, &error),
                  &error);
    assert_null(sandbox);
    assert_non_null(error.out_of_memory);
    assert_int_equal(BHD_MEMORY_INITIAL, error.out_of_memory->kind);
    assert_true(error.out_of_memory->requested == PAGE);
    assert_string_equal("", error.out_of_memory->cause);
    assert_string_equal("out of memory: component guest 1.2.3 (sandbox 1) asked for 65,536 bytes "
                        "of initial memory",
                        error.message);
    bhd_error_fini(&error);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memories_that_sum_above_the_limit_are_refused_at_load),
        cmocka_unit_test(the_message_about_the_fit_has_both_numbers),
        cmocka_unit_test(growth_over_several_memories_is_limited_by_their_sum),
        cmocka_unit_test(growth_beyond_the_own_maximum_is_not_charged_and_not_counted),
        cmocka_unit_test(failed_growths_do_not_take_back_earlier_charges),
        cmocka_unit_test(a_loop_of_failing_growths_gets_no_more_than_the_limit),
        cmocka_unit_test(failures_of_one_memory_do_not_give_back_another),
        cmocka_unit_test(ended_sandboxes_keep_exact_books),
        cmocka_unit_test(tables_are_limited_over_all_tables),
        cmocka_unit_test(tables_that_sum_above_their_limit_are_refused_at_load),
        cmocka_unit_test(failed_table_growths_do_not_take_back_earlier_charges),
        cmocka_unit_test(the_gc_heap_counts_and_is_limited),
        cmocka_unit_test(objects_of_exceptions_cannot_pass_the_limit),
        cmocka_unit_test(every_snapshot_from_another_thread_is_consistent),
        cmocka_unit_test(an_embedder_may_refuse_what_the_limit_allows),
        cmocka_unit_test(an_embedder_may_refuse_the_initial_memory),
    };
    return cmocka_run_group_tests_name("accounting", tests, NULL, NULL);
}
