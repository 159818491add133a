/*
 * Binaries put together by chance: numbers of WebAssembly at the end of a bomb_text, sections of
 * it, and a source of numbers that gives the same for the same seed on every machine.
 */
#ifndef BHD_TESTS_BOMB_BYTES_H
#define BHD_TESTS_BOMB_BYTES_H

#include "support/bomb_text.h"

#include <stdbool.h>
#include <stdint.h>

/* -- chance -------------------------------------------------------------------------------- */

/* Any value is a seed. */
typedef struct bomb_chance {
    uint64_t state;
} bomb_chance;

uint64_t bomb_draw(bomb_chance *chance);
/* Below `n`, which is not 0. */
uint64_t bomb_below(bomb_chance *chance, uint64_t n);
/* From 1 to `most`; every order of magnitude is as likely as every other one. */
uint64_t bomb_about(bomb_chance *chance, uint64_t most);
bool bomb_one_in(bomb_chance *chance, uint64_t n);

/* -- bytes --------------------------------------------------------------------------------- */

void bomb_byte(bomb_text *text, unsigned byte);
/* LEB128. */
void bomb_number(bomb_text *text, uint64_t value);
void bomb_signed(bomb_text *text, int64_t value);
void bomb_name(bomb_text *text, const char *name);
/* The number of an item as a name, with a letter before it. */
void bomb_numbered(bomb_text *text, char letter, uint64_t number);
/* What is inside, after its size; frees it. */
void bomb_sized(bomb_text *text, bomb_text *inside);
/* The same as a section. */
void bomb_section(bomb_text *text, unsigned id, bomb_text *inside);
/* A section that is a vector: how many, and then the items. Nothing when there are none. */
void bomb_vector(bomb_text *text, unsigned id, uint64_t count, bomb_text *items);
void bomb_module_header(bomb_text *text);
void bomb_component_header(bomb_text *text);

#endif
