/*
 * Who is next, against a plain model: groups of any number, who come, give up and leave at any
 * time. And what follows of it: nobody is passed over, and how long one waits at most.
 */
#include "unit_test.h"

#include "compile/fair_queue.h"

#include <stdlib.h>

enum { CLIENTS = 48, STEPS = 400, SEEDS = 100 };

typedef struct client {
    bhd__queue_entry waiter;
    uint64_t group;
    enum { AWAY, WAITS, HOLDS } state;
    uint64_t arrival;
    /* When its group got behind the others; equal for all of a group. */
    uint64_t turn;
    bool came_alone;           /* its group had nothing in the queue and no place */
    uint32_t ahead;            /* groups that waited when it came, and held no place */
    uint32_t passed;           /* who was served since */
    uint64_t came_at, ends_at; /* in the simulation of time */
} client;

typedef struct world {
    bhd__fair_queue queue;
    client clients[CLIENTS];
    uint32_t most;
    uint64_t clock; /* of arrivals and turns */
    unsigned seed;
} world;

static unsigned pick(world *w, unsigned below)
{
    return (unsigned)rand_r(&w->seed) % below;
}

static void world_init(world *w, uint32_t most, unsigned seed)
{
    memset(w, 0, sizeof *w);
    w->most = most;
    w->seed = seed;
    assert_true(bhd__fair_queue_init(&w->queue, most));
}

/* -- the model --------------------------------------------------------------------------------- */

static bool are_together(const client *a, const client *b)
{
    return a == b || (a->group != 0 && a->group == b->group);
}

static uint32_t held_by(const world *w, const client *c)
{
    uint32_t held = 0;
    for (size_t i = 0; i < CLIENTS; i++)
        held += w->clients[i].state == HOLDS && are_together(&w->clients[i], c);
    return held;
}

static uint32_t count(const world *w, int state)
{
    uint32_t all = 0;
    for (size_t i = 0; i < CLIENTS; i++)
        all += (int)w->clients[i].state == state;
    return all;
}

static bool may_have_one(const world *w, const client *c)
{
    return c->state == WAITS && held_by(w, c) < w->most - count(w, HOLDS);
}

/* The group whose turn is oldest; of it, who came first. */
static client *model_next(world *w)
{
    client *next = NULL;
    for (size_t i = 0; i < CLIENTS; i++) {
        client *c = &w->clients[i];
        if (!may_have_one(w, c))
            continue;
        if (next == NULL || c->turn < next->turn ||
            (c->turn == next->turn && c->arrival < next->arrival))
            next = c;
    }
    return next;
}

/* All others, or those that hold no place. */
static uint32_t groups_that_wait(const world *w, const client *but, bool all)
{
    uint32_t groups = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        const client *c = &w->clients[i];
        bool is_first = c->state == WAITS && !are_together(c, but) && (all || held_by(w, c) == 0);
        for (size_t k = 0; k < i && is_first; k++)
            is_first = w->clients[k].state != WAITS || !are_together(c, &w->clients[k]);
        groups += is_first;
    }
    return groups;
}

/* -- both -------------------------------------------------------------------------------------- */

static void come(world *w, client *c, uint64_t group)
{
    const client *before = NULL;
    memset(c, 0, sizeof *c);
    c->group = group;
    for (size_t i = 0; i < CLIENTS; i++)
        if (w->clients[i].state == WAITS && are_together(&w->clients[i], c))
            before = &w->clients[i];
    c->arrival = ++w->clock;
    c->turn = before != NULL ? before->turn : c->arrival;
    c->came_alone = before == NULL && held_by(w, c) == 0;
    c->ahead = groups_that_wait(w, c, false);
    c->state = WAITS;
    bhd__fair_queue_add(&w->queue, &c->waiter, group);
    assert_null(c->waiter.place);
}

static void give_up(world *w, client *c)
{
    c->state = AWAY;
    bhd__fair_queue_remove(&w->queue, &c->waiter);
}

static void leave(world *w, client *c)
{
    uint64_t turn = ++w->clock;
    c->state = AWAY;
    bhd__fair_queue_give_back(&w->queue, c->waiter.place);
    for (size_t i = 0; i < CLIENTS; i++)
        if (w->clients[i].state == WAITS && are_together(&w->clients[i], c))
            w->clients[i].turn = turn;
}

static void check_held(const world *w, const client *served)
{
    uint32_t held = held_by(w, served);
    assert_true(count(w, HOLDS) <= w->most);
    assert_true(held <= (w->most + 1) / 2);
    if (count(w, HOLDS) == w->most)
        assert_int_equal(1, held);
    for (size_t i = 0; i < CLIENTS; i++)
        for (size_t k = 0; k < i; k++)
            if (w->clients[i].state == HOLDS && w->clients[k].state == HOLDS)
                assert_ptr_not_equal(w->clients[i].waiter.place, w->clients[k].waiter.place);
}

static void served(world *w, client *c)
{
    uint64_t turn = ++w->clock;
    assert_non_null(c->waiter.place);
    c->state = HOLDS;
    for (size_t i = 0; i < CLIENTS; i++) {
        if (w->clients[i].state != WAITS)
            continue;
        w->clients[i].passed++;
        if (are_together(&w->clients[i], c))
            w->clients[i].turn = turn;
    }
    check_held(w, c);
    /* Those groups that were there before, each once. */
    if (c->came_alone)
        assert_true(c->passed <= c->ahead);
}

/* All whose turn it is, as the model has them; then nobody waits who might have a place. */
static void serve(world *w)
{
    for (;;) {
        client *expected = model_next(w);
        bhd__queue_entry *next = bhd__fair_queue_serve(&w->queue);
        assert_ptr_equal(expected != NULL ? &expected->waiter : NULL, next);
        if (expected == NULL)
            return;
        served(w, expected);
    }
}

static void empty(world *w)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        if (w->clients[i].state == WAITS)
            give_up(w, &w->clients[i]);
        else if (w->clients[i].state == HOLDS)
            leave(w, &w->clients[i]);
    }
    assert_null(bhd__fair_queue_serve(&w->queue));
    assert_int_equal(0, w->queue.waiting);
    bhd__fair_queue_fini(&w->queue);
}

static void test_it_does_what_the_model_does(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        static world w;
        world_init(&w, 1 + seed % 9, seed);
        unsigned groups = 1 + pick(&w, 6), coming = 1 + pick(&w, 9), leaving = 1 + pick(&w, 9);
        for (int step = 0; step < STEPS; step++) {
            client *c = &w.clients[pick(&w, CLIENTS)];
            if (c->state == AWAY && pick(&w, 10) < coming)
                come(&w, c, pick(&w, groups));
            else if (c->state == WAITS && pick(&w, 8) == 0)
                give_up(&w, c);
            else if (c->state == HOLDS && pick(&w, 10) < leaving)
                leave(&w, c);
            serve(&w);
            assert_int_equal(count(&w, WAITS), w.queue.waiting);
            assert_int_equal(count(&w, HOLDS), w.queue.held);
        }
        empty(&w);
    }
}

/* -- how long it takes ------------------------------------------------------------------------- */

enum { LONGEST = 60 };

static const client nobody;

typedef struct simulation {
    bool is_greedy; /* everybody takes as long as may be */
    uint32_t most_groups;
    uint64_t longest_wait;
} simulation;

static void serve_at(world *w, uint64_t now, simulation *s)
{
    bhd__queue_entry *next;
    while ((next = bhd__fair_queue_serve(&w->queue)) != NULL) {
        client *c = (client *)(void *)next;
        served(w, c);
        c->ends_at = now + (s->is_greedy ? LONGEST : 1 + pick(w, LONGEST));
        uint64_t waited = now - c->came_at;
        if (c->came_alone) {
            assert_true(waited <= LONGEST * ((c->ahead + w->most) / w->most));
            s->longest_wait = waited > s->longest_wait ? waited : s->longest_wait;
        }
        /* And nobody at all is forgotten: before each of its own group there are at most the end
         * of the one before and a round of all others. */
        assert_true(waited <= (uint64_t)CLIENTS * LONGEST * (2 + s->most_groups / w->most));
    }
}

/* Who is served may come again at once. */
static void test_nobody_waits_for_longer_than_is_said(void **state)
{
    (void)state;
    simulation simulated = {.longest_wait = 0};
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        static world w;
        world_init(&w, 1 + seed % 8, seed);
        unsigned groups = 2 + pick(&w, 5);
        simulated.is_greedy = pick(&w, 2) == 0;
        simulated.most_groups = 1;
        for (uint64_t now = 0; now < STEPS; now++) {
            for (size_t i = 0; i < CLIENTS; i++)
                if (w.clients[i].state == HOLDS && w.clients[i].ends_at <= now) {
                    leave(&w, &w.clients[i]);
                    serve_at(&w, now, &simulated);
                }
            for (size_t i = 0; i < CLIENTS; i++) {
                /* Group 1 has always all that it can; the others come now and then. */
                bool is_first = i < CLIENTS / 3;
                if (w.clients[i].state != AWAY || (!is_first && pick(&w, 100) > 0))
                    continue;
                come(&w, &w.clients[i], is_first ? 1 : pick(&w, groups) * (pick(&w, 9) > 0));
                w.clients[i].came_at = now;
                serve_at(&w, now, &simulated);
            }
            uint32_t waiting = groups_that_wait(&w, &nobody, true);
            simulated.most_groups =
                waiting > simulated.most_groups ? waiting : simulated.most_groups;
        }
        empty(&w);
    }
    /* It was near what is said, so that the bound is none that anything would keep. */
    assert_true(simulated.longest_wait >= LONGEST);
}

/* -- what is said in words --------------------------------------------------------------------- */

static bhd__queue_entry *added(bhd__fair_queue *queue, bhd__queue_entry *waiter, uint64_t group)
{
    bhd__fair_queue_add(queue, waiter, group);
    return bhd__fair_queue_serve(queue);
}

/* How many places one group alone gets, and how many groups it takes to have all. */
static void test_one_group_leaves_half_and_some_leave_one(void **state)
{
    (void)state;
    static const struct {
        uint32_t most, of_one, groups;
    } rows[] = {{1, 1, 1}, {2, 1, 2},  {3, 2, 2},   {4, 2, 3},      {5, 3, 3},
                {8, 4, 4}, {16, 8, 5}, {64, 32, 7}, {1000, 500, 10}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static bhd__queue_entry waiters[2100];
        bhd__fair_queue queue;
        uint32_t group = 0, at = 0;
        assert_true(bhd__fair_queue_init(&queue, rows[i].most));
        while (queue.held < rows[i].most) {
            uint32_t before = queue.held;
            group++;
            while (added(&queue, &waiters[at++], group) != NULL)
                continue;
            bhd__fair_queue_remove(&queue, &waiters[at - 1]);
            if (group == 1)
                assert_int_equal(rows[i].of_one, queue.held);
            assert_true(queue.held > before);
        }
        assert_int_equal(rows[i].groups, group);
        for (uint32_t k = 0; k < at; k++)
            if (waiters[k].place != NULL)
                bhd__fair_queue_give_back(&queue, waiters[k].place);
        bhd__fair_queue_fini(&queue);
    }
}

/* Who names no group has all places, in the order of coming. */
static void test_without_groups_all_places_are_for_everybody(void **state)
{
    (void)state;
    bhd__fair_queue queue;
    bhd__queue_entry waiters[12];
    assert_true(bhd__fair_queue_init(&queue, 4));
    for (size_t i = 0; i < COUNT_OF(waiters); i++)
        assert_ptr_equal(i < 4 ? &waiters[i] : NULL, added(&queue, &waiters[i], 0));
    for (size_t i = 0; i < COUNT_OF(waiters); i++) {
        bhd__fair_queue_give_back(&queue, waiters[i].place);
        assert_ptr_equal(i + 4 < COUNT_OF(waiters) ? &waiters[i + 4] : NULL,
                         bhd__fair_queue_serve(&queue));
    }
    bhd__fair_queue_fini(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_does_what_the_model_does),
        cmocka_unit_test(test_nobody_waits_for_longer_than_is_said),
        cmocka_unit_test(test_one_group_leaves_half_and_some_leave_one),
        cmocka_unit_test(test_without_groups_all_places_are_for_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
