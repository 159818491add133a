/*
 * Who compiles and who waits: never more at once than allowed, in the order in which they came or,
 * with groups, by turns, and whoever gives up is out of the line.
 */
#include "support/real_guest.h"

#include "compile/turns.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAITERS = 12 };

typedef struct waiter {
    pthread_t thread;
    bhd__turns *turns;
    uint64_t group;
    atomic_bool cancelled;
    bool had_a_turn;
    unsigned served_as; /* 1 is the first */
} waiter;

static atomic_uint served, at_once, most_at_once;

static void *wait_and_leave(void *argument)
{
    waiter *w = argument;
    const bhd__compile_client client = {w->group, &w->cancelled};
    bhd__turn turn = {NULL, NULL};
    w->had_a_turn = bhd__turns_take(w->turns, &client, &turn);
    if (w->had_a_turn)
        w->served_as = atomic_fetch_add(&served, 1) + 1;
    bhd__turn_end(&turn);
    return NULL;
}

/* Returns when it is in line, behind all that were started before. */
static void start(waiter *w, bhd__turns *turns, uint64_t group)
{
    uint32_t before = bhd__turns_waiting(turns);
    *w = (waiter){.turns = turns, .group = group};
    assert_int_equal(0, pthread_create(&w->thread, NULL, wait_and_leave, w));
    while (bhd__turns_waiting(turns) == before)
        (void)usleep(100);
}

static bhd__turn taken(bhd__turns *turns, uint64_t group)
{
    const bhd__compile_client client = {group, NULL};
    bhd__turn turn;
    assert_true(bhd__turns_take(turns, &client, &turn));
    return turn;
}

static void join(waiter *w)
{
    assert_int_equal(0, pthread_join(w->thread, NULL));
}

static void await_waiting(bhd__turns *turns, uint32_t count)
{
    while (bhd__turns_waiting(turns) != count)
        (void)usleep(100);
}

static void test_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    bhd__turns turns;
    waiter waiters[WAITERS];
    assert_true(bhd__turns_init(&turns, 1));
    bhd__turn own = taken(&turns, 0);
    atomic_store(&served, 0);
    for (size_t i = 0; i < WAITERS; i++)
        start(&waiters[i], &turns, 0);
    bhd__turn_end(&own);
    for (size_t i = 0; i < WAITERS; i++) {
        join(&waiters[i]);
        assert_true(waiters[i].had_a_turn);
        assert_int_equal(i + 1, waiters[i].served_as);
    }
    bhd__turns_fini(&turns);
}

/* Each place in line, alone and all of a pattern: the others keep their order. */
static void test_who_gives_up_is_out_of_the_line(void **state)
{
    (void)state;
    for (unsigned gone = 0; gone < 1U << 4; gone++) {
        bhd__turns turns;
        waiter waiters[4], newcomer;
        unsigned next = 1;
        assert_true(bhd__turns_init(&turns, 1));
        bhd__turn own = taken(&turns, 0);
        atomic_store(&served, 0);
        for (size_t i = 0; i < COUNT_OF(waiters); i++)
            start(&waiters[i], &turns, 0);
        for (size_t i = 0; i < COUNT_OF(waiters); i++)
            if ((gone >> i & 1) != 0) {
                uint32_t before = bhd__turns_waiting(&turns);
                atomic_store(&waiters[i].cancelled, true);
                await_waiting(&turns, before - 1);
            }
        start(&newcomer, &turns, 0);
        bhd__turn_end(&own);
        join(&newcomer);
        for (size_t i = 0; i < COUNT_OF(waiters); i++) {
            join(&waiters[i]);
            assert_int_equal((gone >> i & 1) == 0, waiters[i].had_a_turn);
            if (waiters[i].had_a_turn)
                assert_int_equal(next++, waiters[i].served_as);
        }
        assert_int_equal(next, newcomer.served_as);
        bhd__turns_fini(&turns);
    }
}

/* One group has the only place and asks for many more; each of another group's comes in between. */
static void test_groups_take_turns(void **state)
{
    (void)state;
    static const uint64_t groups[] = {1, 1, 1, 2, 2, 0};
    static const unsigned served_as[] = {3, 5, 6, 1, 4, 2};
    bhd__turns turns;
    waiter waiters[COUNT_OF(groups)];
    assert_true(bhd__turns_init(&turns, 1));
    bhd__turn own = taken(&turns, 1);
    atomic_store(&served, 0);
    for (size_t i = 0; i < COUNT_OF(groups); i++)
        start(&waiters[i], &turns, groups[i]);
    bhd__turn_end(&own);
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        join(&waiters[i]);
        assert_int_equal(served_as[i], waiters[i].served_as);
    }
    bhd__turns_fini(&turns);
}

/* Of four places it has two; the next group need not wait. */
static void test_one_group_leaves_places_free(void **state)
{
    (void)state;
    bhd__turns turns;
    waiter third;
    assert_true(bhd__turns_init(&turns, 4));
    bhd__turn first = taken(&turns, 1), second = taken(&turns, 1);
    start(&third, &turns, 1);
    bhd__turn other = taken(&turns, 2);
    assert_int_equal(1, bhd__turns_waiting(&turns));
    bhd__turn_end(&first);
    join(&third);
    bhd__turn_end(&second);
    bhd__turn_end(&other);
    bhd__turns_fini(&turns);
}

static void test_closing_ends_all_waits(void **state)
{
    (void)state;
    bhd__turns turns;
    waiter waiters[WAITERS];
    const bhd__compile_client late = {0, NULL};
    bhd__turn own, other, none;
    assert_true(bhd__turns_init(&turns, 2));
    own = taken(&turns, 0);
    other = taken(&turns, 0);
    for (size_t i = 0; i < WAITERS; i++)
        start(&waiters[i], &turns, 0);
    bhd__turns_close(&turns);
    for (size_t i = 0; i < WAITERS; i++) {
        join(&waiters[i]);
        assert_false(waiters[i].had_a_turn);
    }
    assert_false(bhd__turns_take(&turns, &late, &none));
    bhd__turn_end(&own);
    bhd__turn_end(&other);
    assert_false(bhd__turns_take(&turns, &late, &none));
    bhd__turns_fini(&turns);
}

static void test_who_is_cancelled_before_gets_no_turn(void **state)
{
    (void)state;
    bhd__turns turns;
    atomic_bool cancelled = true;
    const bhd__compile_client client = {0, &cancelled};
    bhd__turn turn;
    assert_true(bhd__turns_init(&turns, 1));
    assert_false(bhd__turns_take(&turns, &client, &turn));
    atomic_store(&cancelled, false);
    assert_true(bhd__turns_take(&turns, &client, &turn));
    bhd__turn_end(&turn);
    bhd__turn_end(&turn);
    bhd__turns_fini(&turns);
}

typedef struct crowd {
    bhd__turns turns;
    uint32_t most;
    atomic_uint served, given_up;
} crowd;

static void *come_and_go(void *argument)
{
    crowd *c = argument;
    unsigned seed = (unsigned)(uintptr_t)pthread_self();
    for (int i = 0; i < ROUNDS(400); i++) {
        atomic_bool cancelled = rand_r(&seed) % 4 == 0;
        const bhd__compile_client client = {(unsigned)rand_r(&seed) % 4, &cancelled};
        bhd__turn turn;
        if (!bhd__turns_take(&c->turns, &client, &turn)) {
            atomic_fetch_add(&c->given_up, 1);
            continue;
        }
        unsigned now = atomic_fetch_add(&at_once, 1) + 1;
        unsigned most = atomic_load(&most_at_once);
        while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now))
            continue;
        if (rand_r(&seed) % 8 == 0)
            (void)usleep(50);
        atomic_fetch_sub(&at_once, 1);
        bhd__turn_end(&turn);
        atomic_fetch_add(&c->served, 1);
    }
    return NULL;
}

static void test_never_more_than_allowed(void **state)
{
    (void)state;
    for (uint32_t most = 1; most <= 4; most++) {
        pthread_t threads[8];
        crowd c = {.most = most};
        atomic_store(&most_at_once, 0);
        assert_true(bhd__turns_init(&c.turns, most));
        for (size_t i = 0; i < COUNT_OF(threads); i++)
            assert_int_equal(0, pthread_create(&threads[i], NULL, come_and_go, &c));
        for (size_t i = 0; i < COUNT_OF(threads); i++)
            assert_int_equal(0, pthread_join(threads[i], NULL));
        assert_true(atomic_load(&most_at_once) <= most);
        assert_int_equal(COUNT_OF(threads) * ROUNDS(400),
                         atomic_load(&c.served) + atomic_load(&c.given_up));
        assert_true(atomic_load(&c.served) > 0 && atomic_load(&c.given_up) > 0);
        assert_int_equal(0, bhd__turns_waiting(&c.turns));
        bhd__turns_fini(&c.turns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_the_order_in_which_they_came),
        cmocka_unit_test(test_who_gives_up_is_out_of_the_line),
        cmocka_unit_test(test_groups_take_turns),
        cmocka_unit_test(test_one_group_leaves_places_free),
        cmocka_unit_test(test_closing_ends_all_waits),
        cmocka_unit_test(test_who_is_cancelled_before_gets_no_turn),
        cmocka_unit_test(test_never_more_than_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
