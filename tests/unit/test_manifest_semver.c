/*
 * Versions: what SemVer 2.0 allows, what it refuses, and what was probably meant.
 */
#include "unit_test.h"

#include "manifest/semver.h"

static void test_versions_of_the_grammar_are_valid(void **state)
{
    (void)state;
    static const char *const versions[] = {
        "0.0.0",
        "0.0.4",
        "1.2.3",
        "10.20.30",
        "99999999999999999999999.999999999999999999.99999999999999999",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-0.3.7",
        "1.0.0-0",
        "1.0.0-x.7.z.92",
        "1.0.0-x-y-z.--",
        "1.0.0--",
        "1.0.0-0a",
        "1.0.0-00a",
        "1.0.0+20130313144700",
        "1.0.0-beta+exp.sha.5114f85",
        "1.0.0+21AF26D3----117B344092BD",
        "1.0.0+001",
        "1.0.0-rc.1+0.00.000",
    };
    for (size_t i = 0; i < COUNT_OF(versions); i++)
        if (!bhd__semver_is_valid(versions[i], strlen(versions[i])))
            fail_msg("%s is refused", versions[i]);
}

static void test_everything_else_is_not(void **state)
{
    (void)state;
    static const char *const versions[] = {
        "",
        "1",
        "1.2",
        "1.2.",
        "1.2.3.",
        "1.2.3.4",
        "01.2.3",
        "1.02.3",
        "1.2.03",
        "-1.2.3",
        "+1.2.3",
        "1.-2.3",
        "1.2.3-",
        "1.2.3+",
        "1.2.3-+b",
        "1.2.3-a+",
        "1.2.3-01",
        "1.2.3-a.01",
        "1.2.3-a.",
        "1.2.3-.a",
        "1.2.3-a..b",
        "1.2.3+a..b",
        "1.2.3+a+b",
        "1.2.3-a_b",
        " 1.2.3",
        "1.2.3 ",
        "1. 2.3",
        "v1.2.3",
        "1.2.3-\xc3\xa4",
        "1.2.x",
        "a.b.c",
        "1.2.3-a/../b",
        "1..3",
        ".1.2",
        "1.2.3\n",
        "1,2,3",
    };
    for (size_t i = 0; i < COUNT_OF(versions); i++)
        if (bhd__semver_is_valid(versions[i], strlen(versions[i])))
            fail_msg("\"%s\" is accepted", versions[i]);
    /* A NUL inside is a character like others. */
    assert_false(bhd__semver_is_valid("1.2.3\0", 6));
    assert_false(bhd__semver_is_valid("1.2.3-a\0b", 9));
}

static void test_a_near_miss_gets_a_suggestion(void **state)
{
    (void)state;
    static const struct {
        const char *text, *suggestion;
    } cases[] = {
        {"1", "1.0.0"},
        {"1.2", "1.2.0"},
        {"v1.2.3", "1.2.3"},
        {"V2", "2.0.0"},
        {" 1.2.3 ", "1.2.3"},
        {"01.002.3", "1.2.3"},
        {"0", "0.0.0"},
        {"000.1", "0.1.0"},
        {"1.2-rc.1", "1.2.0-rc.1"},
        {"v1+build", "1.0.0+build"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char buffer[64];
        assert_true(
            bhd__semver_suggest(cases[i].text, strlen(cases[i].text), buffer, sizeof buffer));
        assert_string_equal(buffer, cases[i].suggestion);
    }
}

static void test_nonsense_gets_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"",       "latest", "1.2.3.4", "1.x",        "1.", "^1.2.3",
                                        "1.2.3-", "v",      "  ",      "1.2.3 beta", "-1"};
    char buffer[64];
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (bhd__semver_suggest(texts[i], strlen(texts[i]), buffer, sizeof buffer))
            fail_msg("\"%s\" -> %s", texts[i], buffer);
    /* A suggestion that does not fit is none. */
    assert_true(bhd__semver_suggest("1.2", 3, buffer, 6));
    assert_false(bhd__semver_suggest("1.2", 3, buffer, 5));
}

/* Whatever is suggested is valid, and what is valid is suggested as it is. */
static void test_suggestions_are_valid(void **state)
{
    (void)state;
    static const char alphabet[] = "0019.-+av ";
    uint64_t seed = 1;
    for (int round = 0; round < 200000; round++) {
        char text[12], buffer[64];
        size_t size = (size_t)(round % (int)sizeof text);
        for (size_t i = 0; i < size; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            text[i] = alphabet[(seed >> 33) % (sizeof alphabet - 1)];
        }
        bool valid = bhd__semver_is_valid(text, size);
        bool suggested = bhd__semver_suggest(text, size, buffer, sizeof buffer);
        if (suggested)
            assert_true(bhd__semver_is_valid(buffer, strlen(buffer)));
        if (valid) {
            assert_true(suggested);
            assert_int_equal(strlen(buffer), size);
            assert_memory_equal(buffer, text, size);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_of_the_grammar_are_valid),
        cmocka_unit_test(test_everything_else_is_not),
        cmocka_unit_test(test_a_near_miss_gets_a_suggestion),
        cmocka_unit_test(test_nonsense_gets_none),
        cmocka_unit_test(test_suggestions_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
