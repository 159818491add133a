/*
 * TOML for C: the parser of the engine crate. Knows nothing of Wasmtime.
 *
 * bhd_toml_visit parses `size` bytes and calls the visitor: first `error` for every syntax error
 * and duplicate key (whose message is "duplicate key"), in the order of the text, then `item` for
 * every key of a table in the order of the text. A table or an array is announced by its item, then
 * its content follows, then `leave`; content more than `max_depth` levels deep, which is at most
 * 100, is left out. Pointers are valid during the call. Offsets are bytes from the start of the
 * text; an error whose place is not known has SIZE_MAX and comes last. Returns false, and calls
 * nothing, if the text is not UTF-8. With syntax errors the items are what could be made out.
 *
 * The visitor may be called on another thread, while the caller waits: text that could nest deeply
 * is read on a stack that is large enough. The caller's own stack needs 256 KiB.
 */
#ifndef BULKHEAD_TOML_H
#define BULKHEAD_TOML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bhd_engine_str {
    const char *data; /* not terminated */
    size_t size;
} bhd_engine_str_t;

enum bhd_toml_kind {
    BHD_TOML_STRING = 0,
    BHD_TOML_INTEGER = 1,
    BHD_TOML_FLOAT = 2,
    BHD_TOML_BOOLEAN = 3,
    BHD_TOML_DATETIME = 4,
    BHD_TOML_ARRAY = 5,
    BHD_TOML_TABLE = 6,
};

typedef struct bhd_toml_item {
    bhd_engine_str_t key; /* empty for an element of an array */
    size_t key_offset;
    uint32_t kind;
    size_t value_offset, value_end;
    bhd_engine_str_t text; /* content of a string; digits of a number or date */
    int64_t integer;
    double number; /* of an integer too */
    bool boolean;
    bool out_of_range; /* a number that fits neither */
} bhd_toml_item_t;

typedef struct bhd_toml_visitor {
    void *env;
    void (*item)(void *env, const bhd_toml_item_t *item);
    void (*leave)(void *env);
    void (*error)(void *env, size_t offset, bhd_engine_str_t message);
    size_t max_depth;
} bhd_toml_visitor_t;

bool bhd_toml_visit(const char *text, size_t size, const bhd_toml_visitor_t *visitor);

#endif
