/*
 * A descriptor that somebody else has closed or replaced is known to be another one, and is left
 * alone.
 */
#include "unit_test.h"

#include "base/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

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
        cmocka_unit_test(test_what_is_ours_is_closed_once),
        cmocka_unit_test(test_what_became_somebody_elses_is_not_closed),
        cmocka_unit_test(test_none_is_none),
    };
    return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
