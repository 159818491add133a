/*
 * The limiter under many threads, while another thread reads: no interleaving exceeds the limit,
 * no snapshot contradicts itself, and at the end the books balance.
 *
 * Threads note what they see and the test asserts after they have ended, because cmocka's asserts
 * belong to one thread. Meant to be run under ThreadSanitizer too.
 */
#include "unit_test.h"

#include "bulkhead/limiter.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 8
#define ROUNDS 20000
#define PAGE UINT64_C(65536)
#define LIMIT_PAGES UINT64_C(64)
#define LIMIT (LIMIT_PAGES * PAGE)
#define TABLE_LIMIT UINT64_C(1000)
#define THRESHOLD (LIMIT / 2)

typedef struct worker {
    pthread_t thread;
    bhd_limiter *limiter;
    pthread_barrier_t *barrier;
    uint64_t random;
    uint64_t held, held_elements; /* charged and not given back */
    uint64_t growths, denied;     /* as this thread saw them */
} worker;

typedef struct reader {
    pthread_t thread;
    const bhd_limiter *limiter;
    atomic_bool stop;  /* written by the test, read by the reader */
    atomic_bool begun; /* written by the reader once it reads */
    bool peak_never_falls;
    uint64_t snapshots, contradictions;
} reader;

/* Crossings that were reported; written by whichever thread crosses. */
static _Atomic uint64_t warnings;
/* Reports whose numbers contradict themselves. */
static _Atomic uint64_t bad_warnings;

static void on_threshold(void *user_data, const bhd_memory_metrics *metrics)
{
    (void)user_data;
    atomic_fetch_add(&warnings, 1);
    if (!metrics->above_threshold || metrics->current_bytes < THRESHOLD ||
        metrics->peak_bytes < metrics->current_bytes || metrics->peak_bytes > LIMIT)
        atomic_fetch_add(&bad_warnings, 1);
}

static bhd_limiter *new_limiter(void)
{
    bhd_limits limits = {LIMIT, TABLE_LIMIT, 0, 30.0, BHD_ON_EXCEED_DENY};
    bhd_limiter_options options = {sizeof options, 50.0, NULL, on_threshold, NULL};
    bhd_limiter *limiter;
    assert_int_equal(bhd_limiter_new(&limits, &options, &limiter, NULL), BHD_OK);
    atomic_store(&warnings, 0);
    atomic_store(&bad_warnings, 0);
    return limiter;
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static bool contradicts(const bhd_memory_metrics *m)
{
    return m->max_bytes != LIMIT || m->current_bytes > m->peak_bytes ||
           m->peak_bytes > m->max_bytes || m->remaining_bytes != m->max_bytes - m->current_bytes ||
           m->above_threshold != (m->current_bytes >= THRESHOLD) ||
           m->usage_percent != 100.0 * ((double)m->current_bytes / (double)m->max_bytes) ||
           m->peak_percent < m->usage_percent || m->peak_percent > 100.0 ||
           m->table_elements > TABLE_LIMIT || m->growth_count > THREADS * ROUNDS;
}

static void *read_all_the_time(void *argument)
{
    reader *r = argument;
    uint64_t last_peak = 0, last_denied = 0;
    do {
        bhd_memory_metrics metrics;
        bhd_limiter_metrics(r->limiter, &metrics);
        r->snapshots++;
        r->contradictions += contradicts(&metrics);
        r->contradictions += metrics.denied_count < last_denied;
        r->contradictions += r->peak_never_falls && metrics.peak_bytes < last_peak;
        last_peak = metrics.peak_bytes;
        last_denied = metrics.denied_count;
        atomic_store(&r->begun, true);
    } while (!atomic_load(&r->stop));
    return NULL;
}

/* Runs `body` on all threads at once, with a reader beside them, and checks what the reader saw. */
static void hammer(worker *workers, bhd_limiter *limiter, void *(*body)(void *),
                   bool peak_never_falls)
{
    pthread_barrier_t barrier;
    reader watching = {.limiter = limiter, .peak_never_falls = peak_never_falls};
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    assert_int_equal(pthread_create(&watching.thread, NULL, read_all_the_time, &watching), 0);
    while (!atomic_load(&watching.begun))
        ;
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){.limiter = limiter, .barrier = &barrier, .random = 77 * (i + 1)};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, body, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    atomic_store(&watching.stop, true);
    assert_int_equal(pthread_join(watching.thread, NULL), 0);
    pthread_barrier_destroy(&barrier);
    assert_true(watching.snapshots > 0);
    assert_int_equal(watching.contradictions, 0);
    assert_int_equal(atomic_load(&bad_warnings), 0);
}

/* Grows page by page until it is refused. */
static void *fill_up(void *argument)
{
    worker *w = argument;
    pthread_barrier_wait(w->barrier);
    while (bhd_limiter_memory_growing(w->limiter, w->held, w->held + PAGE, UINT64_MAX) ==
           BHD_GROWTH_ALLOW) {
        w->held += PAGE;
        w->growths++;
    }
    w->denied++;
    return NULL;
}

static void test_together_they_get_exactly_the_limit(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        bhd_limiter *limiter = new_limiter();
        worker workers[THREADS];
        hammer(workers, limiter, fill_up, true);
        uint64_t held = 0;
        for (int i = 0; i < THREADS; i++)
            held += workers[i].held;
        assert_int_equal(held, LIMIT);
        bhd_memory_metrics metrics;
        bhd_limiter_metrics(limiter, &metrics);
        assert_int_equal(metrics.current_bytes, LIMIT);
        assert_int_equal(metrics.growth_count, LIMIT_PAGES);
        assert_int_equal(metrics.denied_count, THREADS);
        assert_int_equal(atomic_load(&warnings), 1);
        bhd_limiter_free(limiter);
    }
}

static void grow_or_not(worker *w, bool may_fail)
{
    uint64_t pages = 1 + next_random(&w->random) % 24;
    if (bhd_limiter_memory_growing(w->limiter, w->held, w->held + pages * PAGE, UINT64_MAX) !=
        BHD_GROWTH_ALLOW) {
        w->denied++;
        return;
    }
    if (may_fail && next_random(&w->random) % 3 == 0) {
        bhd_limiter_memory_grow_failed(w->limiter, w->held, w->held + pages * PAGE);
        return;
    }
    w->held += pages * PAGE;
    w->growths++;
}

static void grow_table_or_not(worker *w)
{
    uint64_t wanted = w->held_elements + next_random(&w->random) % 200 + 1;
    if (bhd_limiter_table_growing(w->limiter, w->held_elements, wanted, UINT64_MAX) !=
        BHD_GROWTH_ALLOW)
        w->denied++;
    else if (next_random(&w->random) % 3 == 0)
        bhd_limiter_table_grow_failed(w->limiter, w->held_elements, wanted);
    else
        w->held_elements = wanted;
}

static void work(worker *w, bool may_fail)
{
    pthread_barrier_wait(w->barrier);
    for (int i = 0; i < ROUNDS; i++) {
        switch (next_random(&w->random) % 4) {
        case 0:
        case 1:
            grow_or_not(w, may_fail);
            break;
        case 2:
            grow_table_or_not(w);
            break;
        default:
            bhd_limiter_memory_released(w->limiter, w->held);
            bhd_limiter_table_released(w->limiter, w->held_elements);
            w->held = w->held_elements = 0;
            break;
        }
    }
}

static void *work_with_failures(void *argument)
{
    work(argument, true);
    return NULL;
}

static void *work_without_failures(void *argument)
{
    work(argument, false);
    return NULL;
}

static void check_books(const worker *workers, bhd_limiter *limiter)
{
    uint64_t held = 0, elements = 0, growths = 0, denied = 0;
    for (int i = 0; i < THREADS; i++) {
        held += workers[i].held;
        elements += workers[i].held_elements;
        growths += workers[i].growths;
        denied += workers[i].denied;
    }
    bhd_memory_metrics metrics;
    bhd_limiter_metrics(limiter, &metrics);
    assert_int_equal(metrics.current_bytes, held);
    assert_int_equal(metrics.table_elements, elements);
    assert_int_equal(metrics.growth_count, growths);
    assert_int_equal(metrics.denied_count, denied);
    assert_true(growths > 0 && denied > 0);
    assert_true(atomic_load(&warnings) > 0);
}

static void test_books_balance_with_failures(void **state)
{
    (void)state;
    bhd_limiter *limiter = new_limiter();
    worker workers[THREADS];
    hammer(workers, limiter, work_with_failures, false);
    check_books(workers, limiter);
    bhd_limiter_free(limiter);
}

static void test_books_balance_and_the_peak_never_falls_without_failures(void **state)
{
    (void)state;
    bhd_limiter *limiter = new_limiter();
    worker workers[THREADS];
    hammer(workers, limiter, work_without_failures, true);
    check_books(workers, limiter);
    bhd_limiter_free(limiter);
}

#define TIDES 500

/* All threads rise together to the limit and fall together to nothing, again and again. */
static void *rise_and_fall(void *argument)
{
    worker *w = argument;
    for (int tide = 0; tide < TIDES; tide++) {
        pthread_barrier_wait(w->barrier);
        while (w->held < LIMIT / THREADS &&
               bhd_limiter_memory_growing(w->limiter, w->held, w->held + PAGE, UINT64_MAX) ==
                   BHD_GROWTH_ALLOW)
            w->held += PAGE;
        w->denied += w->held != LIMIT / THREADS;
        pthread_barrier_wait(w->barrier);
        for (; w->held > 0; w->held -= PAGE)
            bhd_limiter_memory_released(w->limiter, PAGE);
    }
    return NULL;
}

static void test_every_tide_warns_exactly_once(void **state)
{
    (void)state;
    bhd_limiter *limiter = new_limiter();
    worker workers[THREADS];
    hammer(workers, limiter, rise_and_fall, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(workers[i].denied, 0);
    assert_int_equal(atomic_load(&warnings), TIDES);
    bhd_memory_metrics metrics;
    bhd_limiter_metrics(limiter, &metrics);
    assert_int_equal(metrics.current_bytes, 0);
    assert_int_equal(metrics.peak_bytes, LIMIT);
    assert_int_equal(metrics.growth_count, TIDES * LIMIT_PAGES);
    bhd_limiter_free(limiter);
}

/* Everybody wants more than all can have and gives back at once: the limit is met all the time. */
static void *crowd(void *argument)
{
    worker *w = argument;
    pthread_barrier_wait(w->barrier);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t bytes = LIMIT - next_random(&w->random) % PAGE;
        if (bhd_limiter_memory_growing(w->limiter, 0, bytes, UINT64_MAX) == BHD_GROWTH_ALLOW) {
            w->growths++;
            bhd_limiter_memory_released(w->limiter, bytes);
        } else {
            w->denied++;
        }
    }
    return NULL;
}

static void test_nothing_is_lost_when_all_want_everything(void **state)
{
    (void)state;
    bhd_limiter *limiter = new_limiter();
    worker workers[THREADS];
    hammer(workers, limiter, crowd, true);
    uint64_t growths = 0, denied = 0;
    for (int i = 0; i < THREADS; i++) {
        growths += workers[i].growths;
        denied += workers[i].denied;
    }
    assert_int_equal(growths + denied, THREADS * ROUNDS);
    /* Every one of them crossed the threshold. */
    assert_int_equal(atomic_load(&warnings), growths);
    bhd_memory_metrics metrics;
    bhd_limiter_metrics(limiter, &metrics);
    assert_int_equal(metrics.current_bytes, 0);
    assert_int_equal(metrics.growth_count, growths);
    assert_int_equal(metrics.denied_count, denied);
    bhd_limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_together_they_get_exactly_the_limit),
        cmocka_unit_test(test_books_balance_with_failures),
        cmocka_unit_test(test_books_balance_and_the_peak_never_falls_without_failures),
        cmocka_unit_test(test_every_tide_warns_exactly_once),
        cmocka_unit_test(test_nothing_is_lost_when_all_want_everything),
    };
    return cmocka_run_group_tests_name("limiter hammer", tests, NULL, NULL);
}
