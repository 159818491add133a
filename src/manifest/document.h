/*
 * A configuration text as a small tree: what was written, of which type, and where.
 *
 * The schema (manifest/schema.h) looks only at this, so TOML and JSON obey one set of rules. The
 * texts may be hostile: a document holds a bounded number of nodes and levels and notes where it
 * had to stop.
 *
 * Belongs to the function that made it; one thread at a time. The source text is borrowed.
 */
#ifndef BHD_MANIFEST_DOCUMENT_H
#define BHD_MANIFEST_DOCUMENT_H

#include "base/text.h"
#include "bulkhead_toml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A manifest has a dozen keys on three levels. */
#define BHD__DOCUMENT_MAX_NODES 10000u
#define BHD__DOCUMENT_MAX_DEPTH 32u
/* Line ends, quotes, punctuation marks and control characters that a text may have. A parser's
 * memory grows with these, and a hostile text of 1 MiB has nothing else. */
#define BHD__DOCUMENT_MAX_MARKS 131072u

/* No place in the text; larger than every place. */
#define BHD__NOWHERE UINT32_MAX
/* JSON's null, beside the kinds of bulkhead_toml.h. */
#define BHD__KIND_NULL 7u

/* Relations are indices of nodes; the root is 0, so 0 stands for "none" everywhere else. */
typedef struct bhd__node {
    uint32_t parent, first_child, last_child, next;
    uint32_t kind;
    uint32_t key, key_size;   /* in the document's strings; empty for an element of an array */
    uint32_t text, text_size; /* there too: content of a string, digits of a number */
    uint32_t key_offset, value_offset, value_end; /* in the source; BHD__NOWHERE in JSON */
    int64_t integer;
    double number; /* of an integer too */
    bool boolean;
    bool out_of_range; /* a number that fits neither */
} bhd__node;

typedef struct bhd__document {
    const char *source; /* NULL: places are not known */
    size_t size;
    bhd__node *nodes;
    uint32_t count, capacity;
    char *strings;
    size_t strings_size, strings_capacity;
    uint32_t open, depth, skipped;     /* while it is built: the open table, and levels left out */
    bool too_many, too_deep;           /* something was left out, ... */
    uint32_t too_many_at, too_deep_at; /* ... and where first; BHD__NOWHERE in JSON */
    bool no_memory;                    /* the tree is not complete */
} bhd__document;

/* With a root that is a table without content. */
void bhd__document_init(bhd__document *document, const char *source, size_t size);
void bhd__document_fini(bhd__document *document);

/* Build in the order that bulkhead_toml.h describes; `leave` follows the content of a table or an
 * array. Offsets of SIZE_MAX mean that the place is not known. */
void bhd__document_item(bhd__document *document, const bhd_toml_item_t *item);
void bhd__document_leave(bhd__document *document);

const bhd__node *bhd__document_node(const bhd__document *document, uint32_t index);
const char *bhd__document_key(const bhd__document *document, uint32_t index, size_t *size);
/* Content of a string, digits of a number. Terminated, but may hold a NUL. */
const char *bhd__document_text(const bhd__document *document, uint32_t index, size_t *size);
/* The child of that name, or 0. */
uint32_t bhd__document_child(const bhd__document *document, uint32_t parent, const char *key,
                             size_t size);
/* An array that was written as [[headers]]. */
bool bhd__document_is_array_of_tables(const bhd__document *document, uint32_t index);

/* "resources.memory.max_bytes", "list[2].name"; a key that is not plain is quoted. Safe to show. */
void bhd__document_add_path(const bhd__document *document, uint32_t index, bhd__text *text);
/* One key as a path shows it. */
void bhd__document_add_key(bhd__text *text, const char *key, size_t size);
/* The value as it was written, in quotes if it is a string; the beginning of a long one. */
void bhd__document_add_value(const bhd__document *document, uint32_t index, bhd__text *text);

/* A place in a text. Lines and columns count from 1, columns in characters. */
typedef struct bhd__place {
    size_t offset;
    uint32_t line, column;
} bhd__place;

/* Moves `place` forward to `offset`; a zeroed place is at the beginning. */
void bhd__place_advance(bhd__place *place, const char *source, size_t size, size_t offset);

/* Whether a text is too rich for BHD__DOCUMENT_MAX_MARKS. */
bool bhd__document_is_too_rich(const char *source, size_t size);

#endif
