/*
 * The body of a function while it is made: what lies on the stack, which blocks are open, which
 * locals there are. Whatever is put leaves this as the engine's validator will see it.
 */
#ifndef BHD_TESTS_BOMB_FUNCTION_H
#define BHD_TESTS_BOMB_FUNCTION_H

#include "support/bomb_module.h"

#define BOMB_FRAMES_MAX 60000
#define BOMB_STACK_MAX 300000
#define BOMB_GROUPS_MAX 64

typedef struct bomb_frame {
    uint8_t opcode;
    uint32_t base;
    bomb_signature type; /* takes and gives */
} bomb_frame;

/* Locals of one type that follow one another. */
typedef struct bomb_group {
    uint32_t first, count;
    uint8_t kind;
} bomb_group;

typedef struct bomb_function {
    bomb_module *m;
    bomb_text out;
    uint8_t *stack;
    uint32_t height, most_values;
    bomb_frame *frames;
    uint32_t depth, most_frames;
    bomb_group groups[BOMB_GROUPS_MAX];
    uint32_t group_count, local_count;
    unsigned dropped, folded; /* of a hundred values that are left over */
    size_t bytes;
} bomb_function;

/* The type that a letter of bomb_operators.h means. */
uint8_t bomb_kind_of(char letter);

/* What is on the stack below the innermost block. */
uint32_t bomb_base(const bomb_function *b);
void bomb_push(bomb_function *b, uint8_t kind);
void bomb_push_all(bomb_function *b, bomb_kind_list list);
/* Without noting it. */
void bomb_put_constant(bomb_function *b, uint8_t kind);
/* From wherever there is one. */
void bomb_put_value(bomb_function *b, uint8_t kind);
/* Values of these types lie on top afterwards, as they did or new ones. */
void bomb_need(bomb_function *b, bomb_kind_list list);
void bomb_need_one(bomb_function *b, uint8_t kind);
void bomb_need_letters(bomb_function *b, const char *letters);
/* Takes the value on top away. */
void bomb_sink(bomb_function *b);

#endif
