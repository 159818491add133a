/*
 * Valid modules made by chance: what a module has of everything that there is, and bodies of
 * functions that use it. Whoever draws decides nothing about what is dear for a compiler; that is
 * the point. The same size and seed give the same bytes.
 */
#ifndef BHD_TESTS_BOMB_MODULE_H
#define BHD_TESTS_BOMB_MODULE_H

#include "support/bomb_bytes.h"

/* Types of values are their bytes in the binary. */
enum {
    BOMB_I32 = 0x7f,
    BOMB_I64 = 0x7e,
    BOMB_F32 = 0x7d,
    BOMB_F64 = 0x7c,
    BOMB_V128 = 0x7b,
    BOMB_FUNCREF = 0x70,
    BOMB_EXTERNREF = 0x6f,
    BOMB_EXNREF = 0x69,
};
#define BOMB_KINDS 8
extern const uint8_t bomb_kinds[BOMB_KINDS];

typedef struct bomb_kind_list {
    const uint8_t *kinds;
    uint32_t count;
} bomb_kind_list;

typedef struct bomb_signature {
    bomb_kind_list parameters, results;
} bomb_signature;

typedef struct bomb_global {
    uint8_t kind;
    bool is_mutable;
} bomb_global;

typedef struct bomb_module {
    bomb_chance chance;
    bomb_signature *types;
    uint32_t type_count;
    uint32_t *functions; /* types */
    uint32_t function_count;
    /* Functions below this number may be named by ref.func. */
    uint32_t declared;
    uint8_t tables[16]; /* BOMB_FUNCREF or BOMB_EXTERNREF */
    uint32_t table_count, memory_count;
    bomb_global *globals;
    uint32_t global_count;
    uint8_t *segments; /* of elements: BOMB_FUNCREF or BOMB_EXTERNREF */
    uint32_t segment_count, data_count;
    /* Tag i has type 3 i, whose parameters types 3 i + 1 and 3 i + 2 give, the last with an
     * exception behind them. */
    uint32_t tag_count;
} bomb_module;

/* The body of function `number`, its size before it, of about `bytes` bytes. */
void bomb_body(bomb_module *module, uint32_t number, size_t bytes, bomb_text *text);

/* A whole module of about `bytes` bytes. */
void bomb_module_make(size_t bytes, uint64_t seed, bomb_text *text);
/* One in which nearly all bytes are of so many functions, of which one may take half. */
void bomb_module_make_code(size_t bytes, uint64_t seed, uint32_t functions, bomb_text *text);

/* Groups of types and what may be done with them, for hosts with garbage collection. */
void bomb_module_make_types(size_t bytes, uint64_t seed, bomb_text *text);

#endif
