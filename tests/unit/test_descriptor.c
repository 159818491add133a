/*
 * A descriptor that somebody else has closed or replaced is known to be another one, and is left
 * alone; and no file system is asked about it.
 */
#include "unit_test.h"

#include "base/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In front of the C library's: how a descriptor was looked at. */
static unsigned asked_the_kernel, asked_the_file_system;
static bool is_filtered;
/* What is said of every descriptor, if anything. */
static const struct statx *pretended;

int statx(int fd, const char *restrict path, int flags, unsigned mask, struct statx *restrict found)
{
    if (flags & AT_STATX_DONT_SYNC)
        asked_the_kernel++;
    else
        asked_the_file_system++;
    if (is_filtered) {
        errno = EPERM;
        return -1;
    }
    if (pretended) {
        *found = *pretended;
        return 0;
    }
    return (int)syscall(SYS_statx, fd, path, flags, mask, found);
}

static int opened(const char *path)
{
    int number = open(path, O_PATH | O_CLOEXEC);
    assert_true(number >= 0);
    return number;
}

static void test_a_descriptor_is_what_it_was(void **state)
{
    (void)state;
    bhd__descriptor d = bhd__descriptor_of(opened("/"));
    int same = opened("/"), other = opened("/proc");
    assert_true(d.number >= 0);
    assert_true(bhd__descriptor_is(&d, d.number));
    assert_true(bhd__descriptor_is(&d, same));
    assert_false(bhd__descriptor_is(&d, other));
    assert_false(bhd__descriptor_is(&d, -1));
    (void)close(same);
    assert_false(bhd__descriptor_is(&d, same));
    (void)close(other);
    bhd__descriptor_close(&d);
    assert_int_equal(d.number, -1);
}

/* Each of these alone makes it another file: a number of a file means nothing without its file
 * system, and a device may have the same number in two places. */
static void test_what_makes_another_file(void **state)
{
    static const struct statx one = {.stx_mode = S_IFCHR | 0600,
                                     .stx_ino = 5,
                                     .stx_dev_major = 8,
                                     .stx_dev_minor = 1,
                                     .stx_rdev_major = 4,
                                     .stx_rdev_minor = 64};
    struct statx others[6];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        others[i] = one;
    others[0].stx_mode = S_IFBLK | 0600;
    others[1].stx_ino = 6;
    others[2].stx_dev_major = 9;
    others[3].stx_dev_minor = 2;
    others[4].stx_rdev_major = 5;
    others[5].stx_rdev_minor = 65;
    pretended = &one;
    bhd__identity was = bhd__identity_of(0);
    assert_true(bhd__identity_is(&was, 0));
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        pretended = &others[i];
        assert_false(bhd__identity_is(&was, 0));
    }
    /* Its rights are not what it is. */
    others[0] = one;
    others[0].stx_mode = S_IFCHR | 0444;
    pretended = &others[0];
    assert_true(bhd__identity_is(&was, 0));
    pretended = NULL;
}

static void test_no_file_system_is_asked(void **state)
{
    (void)state;
    asked_the_kernel = asked_the_file_system = 0;
    bhd__descriptor d = bhd__descriptor_of(opened("/"));
    assert_true(bhd__descriptor_is(&d, d.number));
    bhd__descriptor_close(&d);
    assert_int_equal(3, asked_the_kernel);
    assert_int_equal(0, asked_the_file_system);
}

static void test_without_that_call_it_is_the_same(void **state)
{
    (void)state;
    bhd__descriptor d = bhd__descriptor_of(opened("/"));
    int other = opened("/proc");
    is_filtered = true;
    assert_true(bhd__descriptor_is(&d, d.number));
    assert_false(bhd__descriptor_is(&d, other));
    is_filtered = false;
    (void)close(other);
    bhd__descriptor_close(&d);
}

static void test_what_is_ours_is_closed_once(void **state)
{
    (void)state;
    bhd__descriptor d = bhd__descriptor_of(opened("/"));
    int number = d.number;
    bhd__descriptor_close(&d);
    assert_int_equal(fcntl(number, F_GETFD), -1);
    assert_int_equal(opened("/"), number);
    bhd__descriptor_close(&d);
    assert_true(fcntl(number, F_GETFD) >= 0);
    (void)close(number);
}

static void test_what_became_somebody_elses_is_not_closed(void **state)
{
    (void)state;
    bhd__descriptor d = bhd__descriptor_of(opened("/"));
    int number = d.number;
    (void)close(number);
    assert_int_equal(opened("/proc"), number);
    bhd__descriptor_close(&d);
    assert_true(fcntl(number, F_GETFD) >= 0);
    (void)close(number);
}

static void test_none_is_none(void **state)
{
    (void)state;
    bhd__descriptor none = bhd__descriptor_of(-1);
    assert_int_equal(none.number, -1);
    assert_false(bhd__descriptor_is(&none, none.number));
    bhd__descriptor_close(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_descriptor_is_what_it_was),
        cmocka_unit_test(test_what_makes_another_file),
        cmocka_unit_test(test_no_file_system_is_asked),
        cmocka_unit_test(test_without_that_call_it_is_the_same),
        cmocka_unit_test(test_what_is_ours_is_closed_once),
        cmocka_unit_test(test_what_became_somebody_elses_is_not_closed),
        cmocka_unit_test(test_none_is_none),
    };
    return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
