/*
 * What the tests of compiling are made of: binaries made by chance are valid, or they would be
 * refused before anything is compiled, and the same seed gives the same bytes, so that what one of
 * them breaks can be looked at.
 */
#include "support/compile_bombs.h"

#include "engine/code/config.h"

#include <stdlib.h>

static void expect_valid(const compile_bomb *bomb, size_t bytes, uint64_t seed)
{
    bomb_text binary = {0}, again = {0};
    compile_bomb_make(bomb, bytes, seed, &binary);
    if (!bhd__config_valid((const uint8_t *)binary.data, binary.size, bomb->gc))
        fail_msg("%s of %zu bytes, seed %llu: not valid", bomb->name, bytes,
                 (unsigned long long)seed);
    compile_bomb_make(bomb, bytes, seed, &again);
    assert_int_equal(binary.size, again.size);
    assert_memory_equal(binary.data, again.data, binary.size);
    bomb_free(&binary);
    bomb_free(&again);
}

static void what_is_drawn_is_valid(void **state)
{
    static const size_t sizes[] = {100, 1000, 20000};
    (void)state;
    for (size_t i = 0; i < drawn_bomb_count; i++)
        for (size_t k = 0; k < COUNT_OF(sizes); k++)
            for (uint64_t seed = 0; seed < ROUNDS(40); seed++)
                expect_valid(&drawn_bombs[i], sizes[k], seed);
}

static void seeds_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < drawn_bomb_count; i++) {
        bomb_text one = {0}, other = {0};
        compile_bomb_make(&drawn_bombs[i], 1000, 1, &one);
        compile_bomb_make(&drawn_bombs[i], 1000, 2, &other);
        assert_false(one.size == other.size && memcmp(one.data, other.data, one.size) == 0);
        bomb_free(&one);
        bomb_free(&other);
    }
}

static void what_is_known_is_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < known_bomb_count; i++) {
        expect_valid(&known_bombs[i], 1000, 0);
        expect_valid(&known_bombs[i], 30000, 0);
    }
    for (size_t i = 0; i < linking_bomb_count; i++)
        expect_valid(&linking_bombs[i], 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_drawn_is_valid),
        cmocka_unit_test(seeds_differ),
        cmocka_unit_test(what_is_known_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
