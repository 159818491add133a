/*
 * Binaries that may be dear to compile: made by chance (bomb_module.h, bomb_component.h), every
 * vector of the binary format repeated (grammar.h), and those that were found to be dear or to end
 * a compiler. What has to become of all of them is the same, so a row says nothing about it.
 */
#ifndef BHD_TESTS_COMPILE_BOMBS_H
#define BHD_TESTS_COMPILE_BOMBS_H

#include "support/bomb_text.h"
#include "support/grammar.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct compile_bomb compile_bomb;
struct compile_bomb {
    const char *name;
    /* About as many bytes, with every seed another one; or always the same. */
    bool has_sizes, has_seeds;
    /* Sections of a module in the notation of grammar.h, of which n is what the size gives. */
    const char *text;
    /* In 64 instances. */
    bool many;
    /* On a host with garbage collection. */
    bool gc;
    /* The most that n may be for the engine's reader; 0: any number. */
    uint64_t most;
    void (*make)(const compile_bomb *bomb, size_t bytes, uint64_t seed, bomb_text *binary);
    /* The text of a component, which `make` translates. */
    void (*put)(bomb_text *text);
};

extern const compile_bomb drawn_bombs[], known_bombs[], linking_bombs[];
extern const size_t drawn_bomb_count, known_bomb_count, linking_bomb_count;

/* The caller frees `*binary`. */
void compile_bomb_make(const compile_bomb *bomb, size_t bytes, uint64_t seed, bomb_text *binary);
/* So many items of a vector as make about so many bytes, alone or in many instances. */
void compile_bomb_repeat(const grammar_vector *vector, bool many, size_t bytes, bomb_text *binary);

#endif
