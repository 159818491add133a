/*
 * The real system calls under slots and stacks: what os.h promises of each.
 */
#include "slots_kit.h"

#include "memory/stacks.h"

#define BYTES (2 * MIB)

static uint8_t *reserved(bool accessible)
{
    const bhd__os *os = bhd__os_get();
    uint8_t *address = os->reserve(BYTES);
    assert_non_null(address);
    if (accessible)
        assert_int_equal(os->protect(address, BYTES, 1), 0);
    return address;
}

static void test_reserved_space_is_out_of_reach_until_protected(void **state)
{
    (void)state;
    const bhd__os *os = bhd__os_get();
    uint8_t *address = reserved(false);
    assert_true(faults(address, false));
    assert_int_equal(os->protect(address + page_bytes(), page_bytes(), 1), 0);
    assert_true(faults(address, false));
    assert_false(faults(address + page_bytes(), true));
    assert_true(faults(address + 2 * page_bytes(), false));
    assert_int_equal(os->protect(address + page_bytes(), page_bytes(), 0), 0);
    assert_true(faults(address + page_bytes(), false));
    assert_int_equal(os->unmap(address, BYTES), 0);
}

static void test_reserving_the_impossible_fails_with_a_reason(void **state)
{
    (void)state;
    if (under_valgrind())
        skip();
    errno = 0;
    assert_null(bhd__os_get()->reserve((size_t)1 << 60));
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(bhd__os_get()->protect((void *)page_bytes(), page_bytes(), 1), -1);
    assert_int_equal(bhd__os_get()->discard((void *)1, page_bytes()), -1);
}

static void test_discarded_pages_read_as_zero(void **state)
{
    (void)state;
    uint8_t *address = reserved(true);
    memset(address, 7, 4 * page_bytes());
    assert_int_equal(bhd__os_get()->discard(address + page_bytes(), 2 * page_bytes()), 0);
    assert_int_equal(held_pages(address, 4 * page_bytes()), 2);
    assert_int_equal(address[0], 7);
    assert_int_equal(first_dirt(address + page_bytes(), 2 * page_bytes()), 2 * page_bytes());
    assert_int_equal(address[3 * page_bytes()], 7);
    assert_int_equal(bhd__os_get()->unmap(address, BYTES), 0);
}

static uint64_t said_to_be_resident(uint8_t *address)
{
    static unsigned char pages[BYTES / 4096];
    uint64_t count = 0;
    assert_int_equal(bhd__os_get()->resident(address, BYTES, pages), 0);
    for (uint64_t i = 0; i < BYTES / page_bytes(); i++)
        count += pages[i] & 1;
    return count;
}

static void test_what_was_touched_is_said_to_be_resident(void **state)
{
    (void)state;
    uint8_t *address = reserved(true);
    assert_int_equal(said_to_be_resident(address), 0);
    address[3 * page_bytes() + 17] = 1;
    address[4 * page_bytes()] = 1;
    address[BYTES - 1] = 1;
    assert_int_equal(said_to_be_resident(address), 3);
    assert_int_equal(bhd__os_get()->discard(address, 4 * page_bytes()), 0);
    assert_int_equal(said_to_be_resident(address), 2);
    assert_int_equal(bhd__os_get()->unmap(address, BYTES), 0);
}

static void test_there_is_no_answer_about_what_is_not_mapped(void **state)
{
    (void)state;
    unsigned char page;
    uint8_t *address = reserved(true);
    assert_int_equal(bhd__os_get()->unmap(address, BYTES), 0);
    assert_int_equal(bhd__os_get()->resident(address, page_bytes(), &page), -1);
}

static uint64_t descriptors(void)
{
    uint64_t count = 0;
    for (int number = 0; number < 256; number++)
        count += fcntl(number, F_GETFD) >= 0;
    return count;
}

/* A descriptor is a number that the program may close, and that is another file's then. */
static void test_the_room_holds_no_descriptor(void **state)
{
    (void)state;
    uint64_t before = descriptors();
    bhd__slots *slots = pool_of(MIB, 1, 64 * KIB);
    for (int tenant = 0; tenant < 3; tenant++) {
        bhd__slot *slot = acquired(slots, MIB);
        memset(bhd__slot_base(slot), 1, MIB);
        assert_int_equal(descriptors(), before);
        bhd__slots_release(slots, slot);
        assert_int_equal(descriptors(), before);
    }
    bhd__slots_free(slots);
    assert_int_equal(descriptors(), before);
}

/* The flags of the mapping at that address, by /proc/self/smaps. */
static void flags_at(const void *address, char *flags, size_t size)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[1024];
    uint64_t from, to, at = (uint64_t)(uintptr_t)address;
    bool inside = false;
    assert_non_null(maps);
    flags[0] = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2)
            inside = from <= at && at < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            snprintf(flags, size, "%.200s", line + 8);
    }
    fclose(maps);
}

static void test_slots_stay_out_of_core_dumps_and_stacks_do_not(void **state)
{
    (void)state;
    char flags[256];
    bhd__slots *slots = pool_of(MIB, 1, 0);
    bhd__slot *slot = acquired(slots, 64 * KIB);
    bhd__stacks *stacks = NULL;
    bhd__stack *stack = NULL;
    assert_int_equal(bhd__stacks_new(256 * KIB, 1, &stacks, NULL), BHD_OK);
    assert_int_equal(bhd__stacks_acquire(stacks, &stack, NULL), BHD_OK);
    flags_at(bhd__slot_base(slot), flags, sizeof flags);
    assert_non_null(strstr(flags, " dd"));
    assert_non_null(strstr(flags, " nr")); /* not reserved in memory */
    flags_at(bhd__stack_top(stack) - 1, flags, sizeof flags);
    assert_non_null(strstr(flags, " rd wr"));
    assert_null(strstr(flags, " dd"));
    bhd__stacks_release(stacks, stack);
    bhd__stacks_free(stacks);
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void test_one_touched_byte_costs_one_page(void **state)
{
    (void)state;
    bhd__slots *slots = pool_of(16 * MIB, 1, 0);
    bhd__slot *slot = acquired(slots, 16 * MIB);
    uint8_t *base = bhd__slot_base(slot);
    base[8 * MIB] = 1;
    assert_int_equal(resident_bytes(base, 16 * MIB), page_bytes());
    /* Also where huge pages are the rule. */
    FILE *huge = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    if (huge != NULL) {
        char flags[256];
        fclose(huge);
        flags_at(base, flags, sizeof flags);
        assert_non_null(strstr(flags, " nh"));
    }
    bhd__slots_release(slots, slot);
    bhd__slots_free(slots);
}

static void *no_reserve(size_t bytes)
{
    (void)bytes;
    errno = ENOMEM;
    return NULL;
}

static void test_calls_are_replaced_and_put_back(void **state)
{
    (void)state;
    const bhd__os *real = bhd__os_get();
    bhd__os none = *real;
    none.reserve = no_reserve;
    bhd__os_replace(&none);
    assert_ptr_equal(bhd__os_get(), &none);
    assert_null(bhd__os_get()->reserve(page_bytes()));
    bhd__os_replace(NULL);
    assert_ptr_equal(bhd__os_get(), real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserved_space_is_out_of_reach_until_protected),
        cmocka_unit_test(test_reserving_the_impossible_fails_with_a_reason),
        cmocka_unit_test(test_discarded_pages_read_as_zero),
        cmocka_unit_test(test_what_was_touched_is_said_to_be_resident),
        cmocka_unit_test(test_there_is_no_answer_about_what_is_not_mapped),
        cmocka_unit_test(test_the_room_holds_no_descriptor),
        cmocka_unit_test(test_slots_stay_out_of_core_dumps_and_stacks_do_not),
        cmocka_unit_test(test_one_touched_byte_costs_one_page),
        cmocka_unit_test(test_calls_are_replaced_and_put_back),
    };
    return cmocka_run_group_tests_name("slots_os", tests, NULL, NULL);
}
