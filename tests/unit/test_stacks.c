/*
 * Stacks of fibers: guarded below, recycled, and refused with a reason.
 */
#include "slots_kit.h"

#include "base/alloc.h"
#include "memory/stacks.h"

#include <pthread.h>
#include <stdatomic.h>

#define GUARD (64 * KIB)

static bhd__stacks *stacks_of(uint64_t bytes, uint64_t keep)
{
    bhd__stacks *stacks = NULL;
    assert_int_equal(bhd__stacks_new(bytes, keep, &stacks, NULL), BHD_OK);
    return stacks;
}

static bhd__stack *acquired_stack(bhd__stacks *stacks)
{
    bhd__stack *stack = NULL;
    bhd_error error = BHD_ERROR_INIT;
    if (bhd__stacks_acquire(stacks, &stack, &error) != BHD_OK)
        fail_msg("%s", error.message);
    return stack;
}

static void test_a_stack_is_usable_from_top_to_bottom(void **state)
{
    (void)state;
    bhd__stacks *stacks = stacks_of(256 * KIB, 4);
    bhd__stack *stack = acquired_stack(stacks);
    uint8_t *top = bhd__stack_top(stack);
    assert_int_equal(bhd__stack_bytes(stack), 256 * KIB);
    assert_int_equal((uintptr_t)top % page_bytes(), 0);
    assert_false(faults(top - 1, true));
    assert_false(faults(top - 256 * KIB, true));
    bhd__stacks_release(stacks, stack);
    bhd__stacks_free(stacks);
}

static void test_the_guard_below_is_out_of_reach(void **state)
{
    (void)state;
    bhd__stacks *stacks = stacks_of(256 * KIB, 4);
    bhd__stack *stack = acquired_stack(stacks);
    uint8_t *bottom = bhd__stack_top(stack) - bhd__stack_bytes(stack);
    uint64_t first, mapped;
    assert_true(faults(bottom - 1, true));
    assert_true(faults(bottom - GUARD, true));
    assert_int_equal(
        accessible_bytes((uintptr_t)bottom - GUARD, (uintptr_t)bottom, &first, &mapped), 0);
    assert_int_equal(mapped, GUARD);
    bhd__stacks_release(stacks, stack);
    bhd__stacks_free(stacks);
}

static void test_sizes_are_rounded_up_to_pages(void **state)
{
    (void)state;
    const uint64_t sizes[][2] = {{1, 4096}, {4096, 4096}, {4097, 8192}, {524288, 524288}};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        bhd__stacks *stacks = stacks_of(sizes[i][0], 1);
        bhd__stack *stack = acquired_stack(stacks);
        assert_int_equal(bhd__stack_bytes(stack), sizes[i][1]);
        bhd__stacks_release(stacks, stack);
        bhd__stacks_free(stacks);
    }
}

static void test_sizes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd__stacks *stacks = NULL;
    assert_int_equal(bhd__stacks_new(0, 1, &stacks, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, "stack_bytes: a stack of 0 bytes is none");
    assert_int_equal(bhd__stacks_new(UINT64_MAX, 1, &stacks, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message, "stack_bytes: 18446744073709551615 and a guard are more "
                                       "than 64 bits can count");
    assert_int_equal(bhd__stacks_new(UINT64_MAX - GUARD, 1, &stacks, NULL), BHD_INVALID_ARGUMENT);
    assert_null(stacks);
    bhd_error_fini(&error);
}

static void test_the_stack_given_back_last_is_taken_first(void **state)
{
    (void)state;
    bhd__stacks *stacks = stacks_of(64 * KIB, 4);
    bhd__stack *stack[3];
    for (int i = 0; i < 3; i++)
        stack[i] = acquired_stack(stacks);
    bhd__stacks_release(stacks, stack[1]);
    bhd__stacks_release(stacks, stack[2]);
    bhd__stacks_release(stacks, stack[0]);
    assert_ptr_equal(acquired_stack(stacks), stack[0]);
    assert_ptr_equal(acquired_stack(stacks), stack[2]);
    assert_ptr_equal(acquired_stack(stacks), stack[1]);
    for (int i = 0; i < 3; i++)
        bhd__stacks_release(stacks, stack[i]);
    bhd__stacks_free(stacks);
}

static void test_stacks_in_use_do_not_overlap(void **state)
{
    (void)state;
    bhd__stacks *stacks = stacks_of(64 * KIB, 4);
    bhd__stack *stack[10];
    for (int i = 0; i < 10; i++) {
        stack[i] = acquired_stack(stacks);
        memset(bhd__stack_top(stack[i]) - 64 * KIB, i + 1, 64 * KIB);
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(*(bhd__stack_top(stack[i]) - 64 * KIB), i + 1);
        assert_int_equal(*(bhd__stack_top(stack[i]) - 1), i + 1);
        bhd__stacks_release(stacks, stack[i]);
    }
    bhd__stacks_free(stacks);
}

static void test_no_more_than_keep_stay_mapped(void **state)
{
    (void)state;
    bhd__stacks *stacks = stacks_of(64 * KIB, 2);
    bhd__stack *stack[5];
    uint8_t *top[5];
    uint64_t live = bhd__alloc_live(), first, mapped, still = 0;
    for (int i = 0; i < 5; i++) {
        stack[i] = acquired_stack(stacks);
        top[i] = bhd__stack_top(stack[i]);
    }
    for (int i = 0; i < 5; i++)
        bhd__stacks_release(stacks, stack[i]);
    assert_int_equal(bhd__alloc_live(), live + 2);
    for (int i = 0; i < 5; i++) {
        accessible_bytes((uintptr_t)top[i] - 64 * KIB, (uintptr_t)top[i], &first, &mapped);
        still += mapped != 0;
    }
    assert_int_equal(still, 2);
    bhd__stacks_free(stacks);
    bhd__stacks_free(NULL);
}

static void test_keeping_none_unmaps_at_once(void **state)
{
    (void)state;
    bhd__stacks *stacks = stacks_of(64 * KIB, 0);
    bhd__stack *stack = acquired_stack(stacks);
    uint8_t *top = bhd__stack_top(stack);
    uint64_t live = bhd__alloc_live();
    bhd__stacks_release(stacks, stack);
    assert_int_equal(bhd__alloc_live(), live - 1);
    assert_true(faults(top - 1, false));
    bhd__stacks_free(stacks);
}

static void refused(bhd__stacks *stacks, const char *message)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__stack *stack = NULL;
    uint64_t live = bhd__alloc_live();
    assert_int_equal(bhd__stacks_acquire(stacks, &stack, &error), BHD_NO_CAPACITY);
    assert_string_equal(error.message, message);
    assert_null(stack);
    assert_int_equal(bhd__alloc_live(), live);
    bhd_error_fini(&error);
}

static void test_failing_calls_are_no_capacity_and_leave_nothing(void **state)
{
    (void)state;
    take_orders();
    bhd__stacks *stacks = stacks_of(64 * KIB, 4);
    order_failure(CALL_RESERVE, 1);
    refused(stacks, "no address space for another stack of 131072 bytes: no gap of that size is "
                    "left in the process; use fewer at once");
    uint64_t unmapped = orders.calls[CALL_UNMAP];
    orders.reason = EACCES;
    order_failure(CALL_OPEN, 1);
    refused(stacks,
            "the system refuses to make 65536 bytes of a stack accessible: Permission denied");
    assert_int_equal(orders.calls[CALL_UNMAP], unmapped + 1);
    bhd__stacks_release(stacks, acquired_stack(stacks));
    bhd__stacks_free(stacks);
}

static void test_a_stack_that_cannot_be_unmapped_is_locked_away(void **state)
{
    (void)state;
    take_orders();
    bhd__stacks *stacks = stacks_of(64 * KIB, 0);
    bhd__stack *stack = acquired_stack(stacks);
    uint8_t *top = bhd__stack_top(stack);
    memset(top - 64 * KIB, 1, 64 * KIB);
    order_failure(CALL_UNMAP, 1);
    bhd__stacks_release(stacks, stack);
    assert_true(faults(top - 1, false));
    assert_int_equal(held_pages(top - 64 * KIB, 64 * KIB), 0);
    assert_ptr_not_equal(bhd__stack_top(stack = acquired_stack(stacks)), top);
    bhd__stacks_release(stacks, stack);
    bhd__stacks_free(stacks);
    assert_int_equal(orders.real->unmap(top - 64 * KIB - GUARD, 64 * KIB + GUARD), 0);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t live = bhd__alloc_live();
    for (uint64_t nth = 1; nth <= 3; nth++) {
        bhd__stacks *stacks = NULL;
        bhd__stack *stack = NULL;
        bhd_error error = BHD_ERROR_INIT;
        bhd__alloc_fail_at(nth, 1);
        bhd_status made = bhd__stacks_new(64 * KIB, 1, &stacks, &error);
        bhd_status got =
            made == BHD_OK ? bhd__stacks_acquire(stacks, &stack, &error) : BHD_INTERNAL;
        bhd__alloc_fail_at(0, 0);
        assert_int_equal(made, nth == 1 ? BHD_HOST_OUT_OF_MEMORY : BHD_OK);
        if (nth > 1)
            assert_int_equal(got, nth == 2 ? BHD_HOST_OUT_OF_MEMORY : BHD_OK);
        if (stack != NULL)
            bhd__stacks_release(stacks, stack);
        bhd__stacks_free(stacks);
        bhd_error_fini(&error);
        assert_int_equal(bhd__alloc_live(), live);
    }
}

struct shared {
    bhd__stacks *stacks;
    atomic_uint wrong;
};

static void *use_stacks(void *argument)
{
    struct shared *shared = argument;
    uintptr_t mark = (uintptr_t)&mark;
    for (int i = 0; i < 2000; i++) {
        bhd__stack *stack = NULL;
        if (bhd__stacks_acquire(shared->stacks, &stack, NULL) != BHD_OK) {
            atomic_fetch_add(&shared->wrong, 1);
            continue;
        }
        uintptr_t *high = (uintptr_t *)(void *)bhd__stack_top(stack) - 1;
        uintptr_t *low = (uintptr_t *)(void *)(bhd__stack_top(stack) - bhd__stack_bytes(stack));
        *high = *low = mark;
        for (volatile int wait = 0; wait < 50; wait = wait + 1)
            ;
        atomic_fetch_add(&shared->wrong, *high != mark || *low != mark);
        bhd__stacks_release(shared->stacks, stack);
    }
    return NULL;
}

static void test_eight_threads_never_share_a_stack(void **state)
{
    (void)state;
    struct shared shared = {stacks_of(64 * KIB, 3), 0};
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_stacks, &shared), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    bhd__stacks_free(shared.stacks);
}

#define STACK_TEST(name) cmocka_unit_test_teardown(test_##name, no_more_orders)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STACK_TEST(a_stack_is_usable_from_top_to_bottom),
        STACK_TEST(the_guard_below_is_out_of_reach),
        STACK_TEST(sizes_are_rounded_up_to_pages),
        STACK_TEST(sizes_that_cannot_be_are_refused),
        STACK_TEST(the_stack_given_back_last_is_taken_first),
        STACK_TEST(stacks_in_use_do_not_overlap),
        STACK_TEST(no_more_than_keep_stay_mapped),
        STACK_TEST(keeping_none_unmaps_at_once),
        STACK_TEST(failing_calls_are_no_capacity_and_leave_nothing),
        STACK_TEST(a_stack_that_cannot_be_unmapped_is_locked_away),
        STACK_TEST(every_allocation_may_fail),
        STACK_TEST(eight_threads_never_share_a_stack),
    };
    return cmocka_run_group_tests_name("stacks", tests, NULL, NULL);
}
