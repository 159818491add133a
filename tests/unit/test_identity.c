/*
 * What a component may be called, for every character there is.
 */
#include "unit_test.h"

#include "bulkhead/error.h"
#include "base/identity.h"

static void test_every_character_is_allowed_or_not(void **state)
{
    (void)state;
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    for (int c = 1; c < 256; c++) {
        const char name[] = {'a', (char)c, '\0'};
        bool is_allowed = strchr(allowed, c) != NULL;
        if ((bhd__name_problem(name) == NULL) != is_allowed)
            fail_msg("0x%02x", (unsigned)c);
    }
}

static void test_the_length_has_bounds(void **state)
{
    (void)state;
    char name[BHD_NAME_SIZE + 1];
    memset(name, 'a', sizeof name);
    name[BHD_NAME_SIZE] = '\0';
    assert_string_equal(bhd__name_problem(name), "is longer than 128 characters");
    name[BHD_NAME_SIZE - 1] = '\0';
    assert_null(bhd__name_problem(name));
    assert_non_null(bhd__name_problem(""));
}

static void test_a_name_does_not_begin_with_a_dot(void **state)
{
    (void)state;
    assert_string_equal(bhd__name_problem(".a"), "begins with a dot");
    assert_null(bhd__name_problem("a.b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character_is_allowed_or_not),
        cmocka_unit_test(test_the_length_has_bounds),
        cmocka_unit_test(test_a_name_does_not_begin_with_a_dot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
