/*
 * What joining the data segments of a binary says to have moved. For one thread.
 */
#ifndef BHD_TESTS_JOINED_MOVES_H
#define BHD_TESTS_JOINED_MOVES_H

#include "bulkhead_engine.h"

#include "unit/unit_test.h"

enum { MOVES_MAX = 64 };
static bhd_engine_move_t moves[MOVES_MAX];
static size_t move_count;

static void add_move(void *env, const bhd_engine_move_t *move)
{
    (void)env;
    assert_true(move_count < MOVES_MAX);
    if (move_count > 0) {
        assert_true(moves[move_count - 1].place < move->place);
        assert_true(moves[move_count - 1].growth < move->growth);
    }
    moves[move_count++] = *move;
}

static bool join_bytes(const void *bytes, size_t size, wasm_byte_vec_t *joined)
{
    move_count = 0;
    return bhd_engine_join_segments(bytes, size, joined, NULL, add_move);
}

static size_t as_read(size_t offset)
{
    size_t growth = 0;
    for (size_t i = 0; i < move_count && moves[i].place <= offset; i++)
        growth = moves[i].growth;
    return offset - growth;
}

#endif
