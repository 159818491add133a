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
        cmocka_unit_test(test_no_file_system_is_asked),
        cmocka_unit_test(test_without_that_call_it_is_the_same),
        cmocka_unit_test(test_what_is_ours_is_closed_once),
        cmocka_unit_test(test_what_became_somebody_elses_is_not_closed),
        cmocka_unit_test(test_none_is_none),
    };
    return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
