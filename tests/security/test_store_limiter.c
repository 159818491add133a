/*
 * The limiter between engine and ledger, asked by an engine that is worse than the real one: it
 * reports failures of growths that it never asked about, reports them twice, or not at all. No
 * charge may be lost for that. The real engine's door is replaced, so that the callbacks are
 * called from here.
 */
#include "engine/host/stops.h"
#include "engine/run/store_limiter.h"
#include "support/real_guest.h"

static bhd_engine_limiter_t engine;

/* Takes the place of the engine's. */
void bhd_engine_store_limiter(wasmtime_store_t *store, const bhd_engine_limiter_t *limiter)
{
    (void)store;
    engine = *limiter;
}

typedef struct books {
    bhd__store_limiter limiter;
    bhd_limiter *ledger;
} books;

static void books_begin(books *b, bhd_on_exceed on_exceed)
{
    static const bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_limits limits = guest_limits(MIB(1));
    limits.max_table_elements = 100;
    limits.on_exceed = on_exceed;
    memset(b, 0, sizeof *b);
    expect_ok(bhd_limiter_new(&limits, NULL, &b->ledger, NULL), NULL);
    b->limiter.ledger = b->ledger;
    bhd__store_limiter_attach(&b->limiter, NULL, &options);
    bhd__store_limiter_begin(&b->limiter, false);
}

static void books_end(books *b)
{
    bhd__store_limiter_end(&b->limiter);
    bhd_limiter_free(b->ledger);
}

static int32_t ask_memory(books *b, uint64_t from, uint64_t to)
{
    const char *message = NULL;
    (void)b;
    return engine.memory_growing(engine.env, from, to, SIZE_MAX, &message);
}

static int32_t ask_table(books *b, uint64_t from, uint64_t to)
{
    const char *message = NULL;
    (void)b;
    return engine.table_growing(engine.env, from, to, SIZE_MAX, &message);
}

static void grow(books *b, uint64_t from, uint64_t to)
{
    assert_int_equal(1, ask_memory(b, from, to));
    bhd__store_limiter_grown();
}

static void expect_books(const books *b, uint64_t bytes, uint64_t growths, uint64_t elements)
{
    bhd_memory_metrics m;
    bhd_limiter_metrics(b->ledger, &m);
    assert_true(m.current_bytes == bytes);
    assert_true(m.growth_count == growths);
    assert_true(m.table_elements == elements);
}

static void a_failure_that_was_not_asked_about_takes_nothing_back(void **state)
{
    (void)state;
    books b;
    books_begin(&b, BHD_ON_EXCEED_DENY);
    grow(&b, 0, PAGES(1));
    grow(&b, PAGES(1), PAGES(9));
    for (int i = 0; i < 5; i++) {
        engine.memory_grow_failed(engine.env);
        engine.table_grow_failed(engine.env);
        expect_books(&b, PAGES(9), 2, 0);
    }
    /* After a refusal neither. */
    assert_int_equal(0, ask_memory(&b, PAGES(9), PAGES(17)));
    engine.memory_grow_failed(engine.env);
    expect_books(&b, PAGES(9), 2, 0);
    /* After a growth beyond the memory's own maximum neither. */
    const char *message = NULL;
    assert_int_equal(0, engine.memory_growing(engine.env, PAGES(9), PAGES(10), PAGES(9), &message));
    engine.memory_grow_failed(engine.env);
    expect_books(&b, PAGES(9), 2, 0);
    books_end(&b);
}

static void a_failure_takes_its_own_growth_back_once(void **state)
{
    (void)state;
    books b;
    books_begin(&b, BHD_ON_EXCEED_DENY);
    grow(&b, 0, PAGES(4));
    assert_int_equal(1, ask_memory(&b, PAGES(4), PAGES(8)));
    expect_books(&b, PAGES(8), 2, 0);
    for (int i = 0; i < 3; i++) {
        engine.memory_grow_failed(engine.env);
        expect_books(&b, PAGES(4), 1, 0);
    }
    books_end(&b);
}

static void a_growth_that_nobody_confirms_is_taken_back_at_the_end_of_the_call(void **state)
{
    (void)state;
    books b;
    books_begin(&b, BHD_ON_EXCEED_DENY);
    grow(&b, 0, PAGES(4));
    assert_int_equal(1, ask_memory(&b, PAGES(4), PAGES(8)));
    bhd__store_limiter_end(&b.limiter);
    expect_books(&b, PAGES(4), 1, 0);
    /* And once: a failure that comes in the next call is another's. */
    bhd__store_limiter_begin(&b.limiter, false);
    engine.memory_grow_failed(engine.env);
    bhd__store_limiter_end(&b.limiter);
    expect_books(&b, PAGES(4), 1, 0);
    books_end(&b);
}

static void a_growth_by_nothing_leaves_nothing_to_take_back(void **state)
{
    (void)state;
    books b;
    books_begin(&b, BHD_ON_EXCEED_DENY);
    grow(&b, 0, PAGES(4));
    assert_int_equal(1, ask_memory(&b, PAGES(4), PAGES(4)));
    engine.memory_grow_failed(engine.env);
    expect_books(&b, PAGES(4), 1, 0);
    books_end(&b);
}

static void memories_and_tables_do_not_pay_for_each_other(void **state)
{
    (void)state;
    books b;
    books_begin(&b, BHD_ON_EXCEED_DENY);
    grow(&b, 0, PAGES(4));
    assert_int_equal(1, ask_table(&b, 0, 10));
    engine.memory_grow_failed(engine.env);
    expect_books(&b, PAGES(4), 1, 10);
    /* Nobody confirms the growth of a table, so a failure is not believed. */
    assert_int_equal(1, ask_table(&b, 10, 20));
    engine.table_grow_failed(engine.env);
    engine.table_grow_failed(engine.env);
    expect_books(&b, PAGES(4), 1, 20);
    /* A table's failure does not settle the memory's growth. */
    assert_int_equal(1, ask_memory(&b, PAGES(4), PAGES(5)));
    engine.table_grow_failed(engine.env);
    expect_books(&b, PAGES(5), 2, 20);
    engine.memory_grow_failed(engine.env);
    expect_books(&b, PAGES(4), 1, 20);
    books_end(&b);
}

static void only_the_growth_under_way_is_confirmed(void **state)
{
    (void)state;
    books b;
    books_begin(&b, BHD_ON_EXCEED_DENY);
    bhd__store_limiter_grown(); /* nothing is under way */
    assert_int_equal(1, ask_memory(&b, 0, PAGES(2)));
    bhd__store_limiter_grown();
    bhd__store_limiter_grown();
    assert_int_equal(1, ask_memory(&b, PAGES(2), PAGES(3)));
    engine.memory_grow_failed(engine.env);
    bhd__store_limiter_grown();
    expect_books(&b, PAGES(2), 1, 0);
    books_end(&b);
}

static void only_the_growth_under_way_ran_out_of_capacity(void **state)
{
    (void)state;
    books b;
    bhd_error error = BHD_ERROR_INIT;
    error.code = BHD_NO_CAPACITY;
    books_begin(&b, BHD_ON_EXCEED_DENY);
    bhd__store_limiter_no_capacity(&error); /* nothing is under way */
    assert_int_equal(BHD_OK, b.limiter.capacity);
    assert_int_equal(1, ask_memory(&b, 0, PAGES(2)));
    bhd__store_limiter_no_capacity(&error);
    engine.memory_grow_failed(engine.env);
    assert_int_equal(BHD_NO_CAPACITY, b.limiter.capacity);
    expect_books(&b, 0, 0, 0);
    bhd__store_limiter_end(&b.limiter);
    bhd__store_limiter_begin(&b.limiter, false);
    assert_int_equal(BHD_OK, b.limiter.capacity);
    books_end(&b);
}

static void a_refusal_is_kept_with_its_numbers_until_the_next_call(void **state)
{
    (void)state;
    books b;
    books_begin(&b, BHD_ON_EXCEED_DENY);
    grow(&b, 0, PAGES(4));
    assert_int_equal(0, ask_memory(&b, PAGES(2), PAGES(20)));
    assert_true(b.limiter.refusal.happened && !b.limiter.refusal.was_the_end);
    assert_int_equal(BHD_MEMORY_LINEAR, b.limiter.refusal.kind);
    assert_true(b.limiter.refusal.requested == PAGES(18));
    assert_true(b.limiter.refusal.in_use == PAGES(4) && b.limiter.refusal.limit == MIB(1));
    assert_int_equal(0, ask_table(&b, 0, 101));
    assert_int_equal(BHD_MEMORY_TABLE, b.limiter.refusal.kind);
    assert_true(b.limiter.refusal.requested == 101 && b.limiter.refusal.limit == 100);
    bhd__store_limiter_end(&b.limiter);
    assert_true(b.limiter.refusal.happened);
    bhd__store_limiter_begin(&b.limiter, false);
    assert_false(b.limiter.refusal.happened);
    books_end(&b);
}

static void on_exceed_trap_stops_with_a_text(void **state)
{
    (void)state;
    books b;
    const char *message = NULL;
    books_begin(&b, BHD_ON_EXCEED_TRAP);
    grow(&b, 0, PAGES(4));
    assert_int_equal(BHD__STOP_OUT_OF_MEMORY,
                     engine.memory_growing(engine.env, PAGES(4), PAGES(17), SIZE_MAX, &message));
    assert_string_equal("out of memory: linear memory asked for 851968 more bytes with 262144 of "
                        "1048576 in use",
                        message);
    assert_true(b.limiter.refusal.was_the_end);
    message = NULL;
    /* Its own maximum is the guest's affair and stops nobody. */
    assert_int_equal(0, engine.memory_growing(engine.env, PAGES(4), PAGES(17), PAGES(8), &message));
    assert_null(message);
    books_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_that_was_not_asked_about_takes_nothing_back),
        cmocka_unit_test(a_failure_takes_its_own_growth_back_once),
        cmocka_unit_test(a_growth_that_nobody_confirms_is_taken_back_at_the_end_of_the_call),
        cmocka_unit_test(a_growth_by_nothing_leaves_nothing_to_take_back),
        cmocka_unit_test(memories_and_tables_do_not_pay_for_each_other),
        cmocka_unit_test(only_the_growth_under_way_is_confirmed),
        cmocka_unit_test(only_the_growth_under_way_ran_out_of_capacity),
        cmocka_unit_test(a_refusal_is_kept_with_its_numbers_until_the_next_call),
        cmocka_unit_test(on_exceed_trap_stops_with_a_text),
    };
    return cmocka_run_group_tests_name("limiter", tests, NULL, NULL);
}
