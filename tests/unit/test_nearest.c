/*
 * "Did you mean ...?": alike words are found, unlike ones are not.
 */
#include "unit_test.h"

#include "base/nearest.h"

static const char *const keys[] = {"max_bytes", NULL,      "on_exceed",       "max_table_elements",
                                   "name",      "version", "timeout_seconds", "cpu"};

static const char *nearest(const char *word)
{
    return bhd__nearest(word, strlen(word), keys, COUNT_OF(keys));
}

static void test_one_change_is_overlooked(void **state)
{
    (void)state;
    assert_string_equal(nearest("max_byte"), "max_bytes");
    assert_string_equal(nearest("max_bytess"), "max_bytes");
    assert_string_equal(nearest("mix_bytes"), "max_bytes");
    assert_string_equal(nearest("amx_bytes"), "max_bytes");
    assert_string_equal(nearest("max_bytse"), "max_bytes");
    assert_string_equal(nearest("cpus"), "cpu");
}

static void test_case_and_hyphens_are_overlooked(void **state)
{
    (void)state;
    assert_string_equal(nearest("MAX_BYTES"), "max_bytes");
    assert_string_equal(nearest("Name"), "name");
    assert_string_equal(nearest("max-table-elements"), "max_table_elements");
}

static void test_a_word_cut_short_is_its_word(void **state)
{
    (void)state;
    assert_string_equal(nearest("timeout"), "timeout_seconds");
    assert_string_equal(nearest("Max"), "max_bytes");
    assert_string_equal(nearest("max_t"), "max_table_elements");
    assert_null(nearest("ti"));
    assert_null(nearest("seconds"));
}

static void test_unlike_words_have_no_nearest(void **state)
{
    (void)state;
    assert_null(nearest("colour"));
    assert_null(nearest(""));
    assert_null(nearest("memory"));
    assert_null(nearest("gpu8"));
    assert_null(nearest("same_bits"));
    assert_null(nearest("max_bytes_max_bytes_max_bytes_max_bytes_max_bytes"));
}

static void test_the_least_change_wins(void **state)
{
    (void)state;
    static const char *const near[] = {"abcdef", "abcdeg", "abcdxx"};
    assert_string_equal(bhd__nearest("abcdeg", 6, near, 3), "abcdeg");
    assert_string_equal(bhd__nearest("abcdxy", 6, near, 3), "abcdxx");
    /* Of equals, the first. */
    assert_string_equal(bhd__nearest("abcdeh", 6, near, 3), "abcdef");
}

static void test_bytes_beyond_ascii_are_only_bytes(void **state)
{
    (void)state;
    assert_string_equal(bhd__nearest("n\0me", 4, keys, COUNT_OF(keys)), "name");
    assert_null(nearest("\xff\xfe\xfd\xfc\xfb"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_change_is_overlooked),
        cmocka_unit_test(test_case_and_hyphens_are_overlooked),
        cmocka_unit_test(test_a_word_cut_short_is_its_word),
        cmocka_unit_test(test_unlike_words_have_no_nearest),
        cmocka_unit_test(test_the_least_change_wins),
        cmocka_unit_test(test_bytes_beyond_ascii_are_only_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
