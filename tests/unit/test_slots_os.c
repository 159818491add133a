/*
 * The real system calls under slots and stacks: what os.h promises of each.
 */
#include "slots_kit.h"

#include "memory/stacks.h"

#include <pthread.h>
#include <sys/utsname.h>

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

/* All runs of the range, however many questions it takes; -1 when the kernel cannot say. */
static long all_runs(const uint8_t *address, bhd__os_run *runs, size_t room)
{
    uint64_t at = (uint64_t)(uintptr_t)address, end = at + BYTES, walked = 0;
    long found = 0;
    while (at < end) {
        long count = bhd__os_get()->dirty(at, end, runs + found, room - (size_t)found, &walked);
        if (count < 0)
            return -1;
        found += count;
        if (walked <= at)
            fail_msg("the scan does not move");
        at = walked;
    }
    return found;
}

/* Otherwise a mistake in the scan would only make other tests skip. */
static void test_a_kernel_that_can_scan_is_made_to(void **state)
{
    (void)state;
    struct utsname system;
    int major = 0, minor = 0;
    assert_int_equal(uname(&system), 0);
    assert_int_equal(sscanf(system.release, "%d.%d", &major, &minor), 2);
    if (major < 6 || (major == 6 && minor < 7) || access("/proc/self/pagemap", R_OK) != 0)
        skip();
    assert_true(can_scan());
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

static void test_the_scan_finds_what_was_written_and_not_what_was_read(void **state)
{
    (void)state;
    bhd__os_run runs[16];
    uint8_t *address = reserved(true);
    if (!can_scan())
        skip();
    assert_int_equal(all_runs(address, runs, 16), 0);
    assert_int_equal(first_dirt(address, BYTES), BYTES);
    assert_int_equal(all_runs(address, runs, 16), 0);
    address[3 * page_bytes() + 17] = 1;
    address[4 * page_bytes()] = 1;
    address[BYTES - 1] = 1;
    assert_int_equal(all_runs(address, runs, 16), 2);
    assert_int_equal(runs[0].start, (uintptr_t)address + 3 * page_bytes());
    assert_int_equal(runs[0].end, (uintptr_t)address + 5 * page_bytes());
    assert_int_equal(runs[1].start, (uintptr_t)address + BYTES - page_bytes());
    assert_int_equal(runs[1].end, (uintptr_t)address + BYTES);
    assert_false(runs[0].swapped || runs[1].swapped);
    /* Written zeros are written. */
    ((volatile uint8_t *)address)[0] = 0;
    assert_int_equal(all_runs(address, runs, 16), 3);
    assert_int_equal(bhd__os_get()->unmap(address, BYTES), 0);
}

static void test_the_scan_sees_pages_that_are_out_of_reach(void **state)
{
    (void)state;
    bhd__os_run runs[16];
    uint8_t *address = reserved(true);
    if (!can_scan())
        skip();
    address[5 * page_bytes()] = 1;
    assert_int_equal(bhd__os_get()->protect(address, BYTES, 0), 0);
    assert_int_equal(all_runs(address, runs, 16), 1);
    assert_int_equal(bhd__os_get()->unmap(address, BYTES), 0);
}

static void test_the_scan_goes_on_where_its_room_ended(void **state)
{
    (void)state;
    static bhd__os_run runs[300];
    uint8_t *address = reserved(true);
    uint64_t start = (uint64_t)(uintptr_t)address, walked = 0;
    if (!can_scan())
        skip();
    for (uint64_t i = 0; i < 250; i++)
        address[2 * i * page_bytes()] = 1;
    assert_int_equal(bhd__os_get()->dirty(start, start + BYTES, runs, 300, &walked), 64);
    assert_true(walked >= runs[63].end && walked <= start + 2 * 64 * page_bytes());
    assert_int_equal(bhd__os_get()->dirty(start, start + BYTES, runs, 3, &walked), 3);
    assert_true(walked >= runs[2].end && walked <= start + 6 * page_bytes());
    assert_int_equal(all_runs(address, runs, 300), 250);
    for (uint64_t i = 0; i < 250; i++) {
        assert_int_equal(runs[i].start, start + 2 * i * page_bytes());
        assert_int_equal(runs[i].end, runs[i].start + page_bytes());
    }
    assert_int_equal(bhd__os_get()->unmap(address, BYTES), 0);
}

/* A page table entry that marks a guard (Linux 6.13) is in the form of a swap entry, and shows that
 * the mask of the scan asks for those too, on a machine without swap. */
static void test_the_scan_reports_swap_entries_as_swapped(void **state)
{
    (void)state;
    enum { GUARD_INSTALL = 102 }; /* MADV_GUARD_INSTALL */
    bhd__os_run runs[16];
    uint8_t *address = reserved(true);
    if (!can_scan() || madvise(address + 8 * page_bytes(), 2 * page_bytes(), GUARD_INSTALL) != 0)
        skip();
    address[7 * page_bytes()] = 1;
    assert_int_equal(all_runs(address, runs, 16), 2);
    assert_int_equal(runs[0].start, (uintptr_t)address + 7 * page_bytes());
    assert_int_equal(runs[0].end, (uintptr_t)address + 8 * page_bytes());
    assert_false(runs[0].swapped);
    assert_int_equal(runs[1].start, (uintptr_t)address + 8 * page_bytes());
    assert_int_equal(runs[1].end, (uintptr_t)address + 10 * page_bytes());
    assert_true(runs[1].swapped);
    assert_int_equal(bhd__os_get()->unmap(address, BYTES), 0);
}

/* The last open descriptor of a pagemap (its link reads "/proc/1234/pagemap"), or -1. */
static int pagemap_descriptor(int *count)
{
    int found = -1;
    *count = 0;
    for (int number = 0; number < 256; number++) {
        char name[32], target[64];
        snprintf(name, sizeof name, "/proc/self/fd/%d", number);
        ssize_t length = readlink(name, target, sizeof target - 1);
        if (length < 8)
            continue;
        target[length] = 0;
        if (strstr(target, "/pagemap") != NULL) {
            found = number;
            ++*count;
        }
    }
    return found;
}

static void test_one_descriptor_is_kept_and_closed_by_exec(void **state)
{
    (void)state;
    int count;
    if (!can_scan() || !can_scan())
        skip();
    int descriptor = pagemap_descriptor(&count);
    assert_int_equal(count, 1);
    assert_true((fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
}

static void test_a_descriptor_that_somebody_closed_is_opened_again(void **state)
{
    (void)state;
    int count;
    if (!can_scan())
        skip();
    close(pagemap_descriptor(&count));
    assert_false(can_scan());
    assert_true(can_scan());
    assert_true(pagemap_descriptor(&count) >= 0);
    assert_int_equal(count, 1);
}

static void test_a_descriptor_that_became_another_file_says_nothing(void **state)
{
    (void)state;
    int count;
    if (!can_scan())
        skip();
    int descriptor = pagemap_descriptor(&count), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup2(null, descriptor), descriptor);
    assert_false(can_scan());
    close(descriptor);
    assert_false(can_scan());
    assert_true(can_scan());
    close(null);
}

static void scan_in_a_child(void *argument)
{
    uint8_t *address = argument;
    bhd__os_run runs[8];
    address[20 * page_bytes()] = 1;
    CHILD_CHECK(all_runs(address, runs, 8) == 2);
    CHILD_CHECK(runs[1].start == (uintptr_t)address + 20 * page_bytes());
}

static void test_a_child_of_fork_scans_itself(void **state)
{
    (void)state;
    if (under_valgrind())
        skip();
    bhd__os_run runs[8];
    uint8_t *address = reserved(true);
    if (!can_scan())
        skip();
    address[0] = 1;
    assert_true(in_child(scan_in_a_child, address));
    assert_int_equal(all_runs(address, runs, 8), 1);
    assert_int_equal(bhd__os_get()->unmap(address, BYTES), 0);
}

static pthread_barrier_t together;

static void *scan_in_a_thread(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&together);
    return can_scan() ? &together : NULL;
}

/* In a child, where nothing is opened yet. */
static void scan_in_eight_threads(void *argument)
{
    pthread_t threads[8];
    int before, after;
    (void)argument;
    (void)pagemap_descriptor(&before);
    pthread_barrier_init(&together, NULL, 8);
    for (int i = 0; i < 8; i++)
        CHILD_CHECK(pthread_create(&threads[i], NULL, scan_in_a_thread, NULL) == 0);
    for (int i = 0; i < 8; i++) {
        void *could;
        CHILD_CHECK(pthread_join(threads[i], &could) == 0 && could != NULL);
    }
    (void)pagemap_descriptor(&after);
    CHILD_CHECK(after == before + 1);
}

static void test_threads_that_scan_first_open_one_descriptor(void **state)
{
    (void)state;
    if (under_valgrind())
        skip();
    if (!can_scan())
        skip();
    for (int i = 0; i < 20; i++)
        assert_true(in_child(scan_in_eight_threads, NULL));
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
        cmocka_unit_test(test_a_kernel_that_can_scan_is_made_to),
        cmocka_unit_test(test_reserved_space_is_out_of_reach_until_protected),
        cmocka_unit_test(test_reserving_the_impossible_fails_with_a_reason),
        cmocka_unit_test(test_discarded_pages_read_as_zero),
        cmocka_unit_test(test_the_scan_finds_what_was_written_and_not_what_was_read),
        cmocka_unit_test(test_the_scan_sees_pages_that_are_out_of_reach),
        cmocka_unit_test(test_the_scan_goes_on_where_its_room_ended),
        cmocka_unit_test(test_the_scan_reports_swap_entries_as_swapped),
        cmocka_unit_test(test_one_descriptor_is_kept_and_closed_by_exec),
        cmocka_unit_test(test_a_descriptor_that_somebody_closed_is_opened_again),
        cmocka_unit_test(test_a_descriptor_that_became_another_file_says_nothing),
        cmocka_unit_test(test_a_child_of_fork_scans_itself),
        cmocka_unit_test(test_threads_that_scan_first_open_one_descriptor),
        cmocka_unit_test(test_slots_stay_out_of_core_dumps_and_stacks_do_not),
        cmocka_unit_test(test_one_touched_byte_costs_one_page),
        cmocka_unit_test(test_calls_are_replaced_and_put_back),
    };
    return cmocka_run_group_tests_name("slots_os", tests, NULL, NULL);
}
