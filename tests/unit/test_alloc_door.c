/*
 * The door to the heap: counters, injected failures, overflow.
 */
#include "unit_test.h"

#include "base/alloc.h"

#include <pthread.h>

static int switch_failure_off(void **state)
{
    (void)state;
    bhd__alloc_fail_at(0, 0);
    return 0;
}

static void test_live_counts_what_is_not_freed(void **state)
{
    (void)state;
    uint64_t before = bhd__alloc_live();
    void *a = bhd__malloc(10);
    void *b = bhd__calloc(3, 4);
    void *c = bhd__realloc_array(NULL, 5, 2);
    char *d = bhd__strdup("text");
    assert_int_equal(bhd__alloc_live(), before + 4);
    bhd__free(a);
    bhd__free(b);
    bhd__free(c);
    bhd__free(d);
    assert_int_equal(bhd__alloc_live(), before);
}

static void test_a_block_that_is_resized_counts_once(void **state)
{
    (void)state;
    uint64_t before = bhd__alloc_live();
    void *block = bhd__malloc(1);
    block = bhd__realloc_array(block, 100, 100);
    block = bhd__realloc_array(block, 1, 1);
    assert_int_equal(bhd__alloc_live(), before + 1);
    bhd__free(block);
    assert_int_equal(bhd__alloc_live(), before);
}

static void test_count_grows_with_every_attempt(void **state)
{
    (void)state;
    uint64_t before = bhd__alloc_count();
    void *a = bhd__malloc(1);
    bhd__alloc_fail_at(1, 0);
    assert_null(bhd__malloc(1));
    a = bhd__realloc_array(a, 2, 1);
    bhd__free(a);
    assert_int_equal(bhd__alloc_count(), before + 3);
}

static void test_free_of_null_counts_nothing(void **state)
{
    (void)state;
    uint64_t before = bhd__alloc_live();
    bhd__free(NULL);
    assert_int_equal(bhd__alloc_live(), before);
}

static void test_zero_bytes_are_a_real_allocation(void **state)
{
    (void)state;
    void *a = bhd__malloc(0);
    void *b = bhd__calloc(0, 8);
    void *c = bhd__realloc_array(NULL, 0, 8);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    c = bhd__realloc_array(c, 0, 8);
    assert_non_null(c);
    bhd__free(a);
    bhd__free(b);
    bhd__free(c);
}

static void test_calloc_gives_zeros(void **state)
{
    (void)state;
    unsigned char zeros[64] = {0};
    void *dirty = bhd__malloc(sizeof zeros);
    memset(dirty, 0xAA, sizeof zeros);
    bhd__free(dirty);
    void *clean = bhd__calloc(8, 8);
    assert_memory_equal(clean, zeros, sizeof zeros);
    bhd__free(clean);
}

static void test_overflow_is_null_and_keeps_the_old_block(void **state)
{
    (void)state;
    uint64_t before = bhd__alloc_live();
    assert_null(bhd__calloc(SIZE_MAX, 2));
    assert_null(bhd__realloc_array(NULL, SIZE_MAX / 2, 3));
    char *kept = bhd__strdup("kept");
    assert_null(bhd__realloc_array(kept, SIZE_MAX, SIZE_MAX));
    assert_string_equal(kept, "kept");
    assert_null(bhd__strndup(kept, SIZE_MAX));
    bhd__free(kept);
    assert_int_equal(bhd__alloc_live(), before);
}

static void test_only_the_nth_allocation_fails(void **state)
{
    (void)state;
    bhd__alloc_fail_at(3, 0);
    void *a = bhd__malloc(1);
    void *b = bhd__calloc(1, 1);
    void *c = bhd__malloc(1);
    void *d = bhd__malloc(1);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(c);
    assert_non_null(d);
    bhd__free(a);
    bhd__free(b);
    bhd__free(d);
}

static void test_onwards_fails_until_switched_off(void **state)
{
    (void)state;
    bhd__alloc_fail_at(2, 1);
    void *a = bhd__malloc(1);
    assert_non_null(a);
    assert_null(bhd__malloc(1));
    assert_null(bhd__calloc(1, 1));
    assert_null(bhd__strdup("x"));
    assert_null(bhd__realloc_array(NULL, 1, 1));
    bhd__alloc_fail_at(0, 0);
    void *b = bhd__malloc(1);
    assert_non_null(b);
    bhd__free(a);
    bhd__free(b);
}

static void test_failed_realloc_keeps_the_old_block(void **state)
{
    (void)state;
    uint64_t before = bhd__alloc_live();
    char *text = bhd__strdup("still there");
    bhd__alloc_fail_at(1, 0);
    assert_null(bhd__realloc_array(text, 1000, 1));
    assert_string_equal(text, "still there");
    bhd__free(text);
    assert_int_equal(bhd__alloc_live(), before);
}

static void test_strndup_stops_at_the_terminator_and_at_the_length(void **state)
{
    (void)state;
    char *shorter = bhd__strndup("abcdef", 3);
    char *longer = bhd__strndup("ab", 100);
    char *none = bhd__strndup("ab", 0);
    assert_string_equal(shorter, "abc");
    assert_string_equal(longer, "ab");
    assert_string_equal(none, "");
    bhd__free(shorter);
    bhd__free(longer);
    bhd__free(none);
}

#define THREADS 4
#define PER_THREAD 2000

static void *allocate_and_count_failures(void *argument)
{
    uint64_t *failures = argument;
    for (int i = 0; i < PER_THREAD; i++) {
        void *block = bhd__malloc(1);
        *failures += block == NULL;
        bhd__free(block);
    }
    return NULL;
}

static void test_exactly_one_of_many_threads_sees_the_failure(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint64_t failures[THREADS] = {0};
    uint64_t live = bhd__alloc_live(), count = bhd__alloc_count(), total = 0;
    bhd__alloc_fail_at(THREADS * PER_THREAD / 2, 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, allocate_and_count_failures, &failures[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        total += failures[i];
    }
    assert_int_equal(total, 1);
    assert_int_equal(bhd__alloc_count(), count + THREADS * PER_THREAD);
    assert_int_equal(bhd__alloc_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_counts_what_is_not_freed),
        cmocka_unit_test(test_a_block_that_is_resized_counts_once),
        cmocka_unit_test_teardown(test_count_grows_with_every_attempt, switch_failure_off),
        cmocka_unit_test(test_free_of_null_counts_nothing),
        cmocka_unit_test(test_zero_bytes_are_a_real_allocation),
        cmocka_unit_test(test_calloc_gives_zeros),
        cmocka_unit_test(test_overflow_is_null_and_keeps_the_old_block),
        cmocka_unit_test_teardown(test_only_the_nth_allocation_fails, switch_failure_off),
        cmocka_unit_test_teardown(test_onwards_fails_until_switched_off, switch_failure_off),
        cmocka_unit_test_teardown(test_failed_realloc_keeps_the_old_block, switch_failure_off),
        cmocka_unit_test(test_strndup_stops_at_the_terminator_and_at_the_length),
        cmocka_unit_test_teardown(test_exactly_one_of_many_threads_sees_the_failure,
                                  switch_failure_off),
    };
    return cmocka_run_group_tests_name("alloc door", tests, NULL, NULL);
}
