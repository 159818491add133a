#include "support/compile_bombs.h"

#include "support/bomb_component.h"
#include "support/bomb_module.h"

#include <stdlib.h>

/* -- made by chance -------------------------------------------------------------------------- */

static void make_module(const compile_bomb *bomb, size_t bytes, uint64_t seed, bomb_text *binary)
{
    (void)bomb;
    bomb_module_make(bytes, seed, binary);
}

static void make_function(const compile_bomb *bomb, size_t bytes, uint64_t seed, bomb_text *binary)
{
    (void)bomb;
    bomb_module_make_code(bytes, seed, 1, binary);
}

static void make_functions(const compile_bomb *bomb, size_t bytes, uint64_t seed, bomb_text *binary)
{
    (void)bomb;
    bomb_module_make_code(bytes, seed, 900000, binary);
}

static void make_component(const compile_bomb *bomb, size_t bytes, uint64_t seed, bomb_text *binary)
{
    (void)bomb;
    bomb_component_make(bytes, seed, binary);
}

static void make_adapters(const compile_bomb *bomb, size_t bytes, uint64_t seed, bomb_text *binary)
{
    (void)bomb;
    bomb_component_make_adapters(bytes, seed, binary);
}

static void make_types(const compile_bomb *bomb, size_t bytes, uint64_t seed, bomb_text *binary)
{
    (void)bomb;
    bomb_module_make_types(bytes, seed, binary);
}

#define DRAWN(name_, make_)                                                                        \
    {                                                                                              \
        .name = (name_), .has_sizes = true, .has_seeds = true, .make = (make_)                     \
    }

const compile_bomb drawn_bombs[] = {
    DRAWN("any module", make_module),
    DRAWN("one function", make_function),
    DRAWN("any functions", make_functions),
    DRAWN("any component", make_component),
    DRAWN("any adapters", make_adapters),
    {.name = "any types", .has_sizes = true, .has_seeds = true, .gc = true, .make = make_types},
};
const size_t drawn_bomb_count = COUNT_OF(drawn_bombs);

/* -- known to be dear ------------------------------------------------------------------------ */

#define ONE "01[01 60 00 00] 03[01 00] 05[01 00 01] "
#define BODY(text) ONE "0a[01 [" text " 0b]]"
/* n locals, each loaded from memory before and stored after. */
#define WITH_LOCALS(text)                                                                          \
    ONE "0a[01 [01 I 7f R{41 00 28 02 i 21 i} " text " R{41 00 20 i 36 02 i} 0b]]"
#define COUNTS "20 i 41 01 6a 22 i 0d 00 0b"
#define WITH_TAG(text) "01[01 60 00 00] 03[01 00] 05[01 00 01] 0d[01 00 00] 0a[01 [" text " 0b]]"
/* n values on the stack, alive over n times what comes then, and added up. */
#define ALIVE(text)                                                                                \
    "01[02 60 01 7f 01 7f 60 00 00] 03[02 00 01]"                                                  \
    " 0a[02 [00 20 00 R{20 00 41 i 6c} R{" text "} R{6a} 0b] [00 0b]]"
/* A table of references, a function of nothing and one that keeps them. */
#define KEEPS(text)                                                                                \
    "01[02 60 00 00 60 00 02 6f 6f] 03[03 00 01 00] 04[01 6f 00 01]"                               \
    " 0a[03 [00 0b] [00 00 0b] [" text " 0b]]"
#define COMPUTED "41 00 41 00 6a 0b"

#define KNOWN(name_, most_, text_)                                                                 \
    {                                                                                              \
        .name = (name_), .has_sizes = true, .most = (most_), .text = (text_)                       \
    }

const compile_bomb known_bombs[] = {
    KNOWN("blocks and loops", 0, BODY("00 R{02 40 03 40} R{0b 0b}")),
    KNOWN("loops, each with a local", 40000, WITH_LOCALS("R{03 40 " COUNTS "}")),
    KNOWN("branches, each with a local", 40000, WITH_LOCALS("R{20 i 04 40 41 01 21 i 0b}")),
    KNOWN("locals that change in nested loops", 40000, WITH_LOCALS("R{03 40} R{" COUNTS "}")),
    KNOWN("instructions in nested loops", 0,
          BODY("01 01 7f R{03 40} R{20 00 41 03 73 21 00} R{20 00 0d 00 0b}")),
    KNOWN("calls under nested handlers", 0,
          WITH_TAG("00 R{02 40 1f 40 01 00 00 00 10 00} R{0b 0b}")),
    KNOWN("calls and locals under a handler", 40000,
          WITH_TAG("01 I 7f 02 40 1f 40 01 00 00 00 R{10 00 20 i 41 01 6a 21 i} 0b 0b"
                   " R{41 00 20 i 36 02 i}")),
    KNOWN("values that meet", 0, BODY("01 02 7f R{20 00 04 7f 20 00 05 20 01 0b 21 00}")),
    KNOWN("branches", 0, BODY("01 01 7f R{02 40 20 00 0d 00 0b}")),
    KNOWN("blocks with many values", 1000,
          "01[02 60 N{7e} N{7e} 60 00 00] 03[01 01] 0a[01 [00 R{42 00} R{02 00 0b} R{1a} 0b]]"),
    KNOWN("locals in every function", 0, "01[01 60 00 00] 03[N{00}] 0a[N{[01 #1000 7e 0b]}]"),
    KNOWN("values alive over blocks", 0, ALIVE("02 40 20 00 0d 00 0b")),
    KNOWN("values alive over calls", 0, ALIVE("10 01")),
    KNOWN("values alive over conditions", 0, ALIVE("20 00 04 40 0b")),
    KNOWN("a branch table of values", 0,
          "01[01 60 00 01 7f] 03[01 00]"
          " 0a[01 [00 R{02 7f} 41 00 41 00 0e N{i} 00 R{0b 41 01 6a} 0b]]"),

    KNOWN("globals that are computed", 0, "06[N{7f 01 " COMPUTED "}]"),
    {.name = "globals that are computed in 64 instances",
     .has_sizes = true,
     .many = true,
     .text = "06[N{7f 01 " COMPUTED "}]"},
    KNOWN("functions of segments that are computed", 10000,
          "01[01 60 00 00] 03[01 00] 04[01 70 00 I] 09[N{00 " COMPUTED " N{00}}] 0a[01 [00 0b]]"),
    KNOWN("data at places that are computed", 100000, "05[01 00 01] 0b[N{00 " COMPUTED " 01 61}]"),
    KNOWN("references that are kept", 0, KEEPS("00 R{41 00 41 00 25 00} 10 00 R{26 00}")),
    KNOWN("references that calls give", 0, KEEPS("00 R{10 01} R{1a 1a}")),
    KNOWN("references that blocks give", 0, KEEPS("01 01 6f R{02 6f 20 00 0b 21 00}")),
    KNOWN("references in locals that differ", 0,
          KEEPS("02 01 7f 03 6f R{20 00 04 40 41 00 25 00 21 01 41 00 25 00 21 02 0b}")),
    KNOWN("calls of types that differ", 0,
          "01[N{60 14 B 00}] 03[01 00] 04[01 70 00 01] 0a[01 [00 R{00 11 i 00} 0b]]"),
};
const size_t known_bomb_count = COUNT_OF(known_bombs);

/* -- all ------------------------------------------------------------------------------------- */

/* The largest number whose binary is not larger, to an eighth. Some do not grow with it, such as
 * the pages of a memory. */
static uint64_t repetitions(const grammar_vector *vector, bool many, size_t bytes)
{
    const uint64_t most = vector->most ? vector->most : UINT64_C(1) << 32;
    uint64_t low = 1, high = 1, step;
    uint8_t *data;
    while (high < most) {
        low = high;
        high = 2 * high < most ? 2 * high : most;
        size_t size = grammar_binary(vector, high, many, &data);
        free(data);
        if (size > bytes)
            break;
        low = high;
    }
    for (step = (high - low) / 2; step > low / 16; step /= 2) {
        size_t size = grammar_binary(vector, low + step, many, &data);
        free(data);
        if (size <= bytes)
            low += step;
    }
    return low;
}

void compile_bomb_repeat(const grammar_vector *vector, bool many, size_t bytes, bomb_text *binary)
{
    uint8_t *data = NULL;
    size_t size = grammar_binary(vector, repetitions(vector, many, bytes), many, &data);
    bomb_bytes(binary, (const char *)data, size);
    free(data);
}

void compile_bomb_make(const compile_bomb *bomb, size_t bytes, uint64_t seed, bomb_text *binary)
{
    if (bomb->make) {
        bomb->make(bomb, bytes, seed, binary);
        return;
    }
    const grammar_vector vector = {
        .name = bomb->name, .kind = GRAMMAR_MODULE, .most = bomb->most, .text = bomb->text};
    compile_bomb_repeat(&vector, bomb->many, bytes, binary);
}
