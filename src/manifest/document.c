/*
 * Building and showing the tree; see the header.
 *
 * Nodes lie in one array in the order in which they were announced and all their texts in one
 * buffer, so that a tree is two allocations whatever the text is.
 */
#include "manifest/document.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

/* Bytes of a key and of a value that messages show. */
#define SHOWN_KEY_BYTES 64
#define SHOWN_VALUE_BYTES 48

void bhd__document_init(bhd__document *document, const char *source, size_t size)
{
    memset(document, 0, sizeof *document);
    document->source = source;
    document->size = size;
    bhd_toml_item_t root = {.key = {"", 0}, .kind = BHD_TOML_TABLE, .text = {"", 0}};
    bhd__document_item(document, &root);
    document->depth = 0;
}

void bhd__document_fini(bhd__document *document)
{
    bhd__free(document->nodes);
    bhd__free(document->strings);
    memset(document, 0, sizeof *document);
}

static bool is_container(uint32_t kind)
{
    return kind == BHD_TOML_ARRAY || kind == BHD_TOML_TABLE;
}

/* Copies a text behind the others, with a terminator. */
static bool keep_string(bhd__document *document, bhd_engine_str_t string, uint32_t *at,
                        uint32_t *size)
{
    size_t needed = document->strings_size + string.size + 1;
    if (needed > document->strings_capacity) {
        size_t capacity = needed < 512 ? 1024 : needed * 2;
        char *strings = bhd__realloc_array(document->strings, capacity, 1);
        if (strings == NULL)
            return false;
        document->strings = strings;
        document->strings_capacity = capacity;
    }
    *at = (uint32_t)document->strings_size;
    *size = (uint32_t)string.size;
    if (string.size > 0)
        memcpy(document->strings + document->strings_size, string.data, string.size);
    document->strings[needed - 1] = '\0';
    document->strings_size = needed;
    return true;
}

static bool room_for_node(bhd__document *document)
{
    if (document->count < document->capacity)
        return true;
    uint32_t capacity = document->capacity == 0 ? 32 : document->capacity * 2;
    bhd__node *nodes = bhd__realloc_array(document->nodes, capacity, sizeof *nodes);
    if (nodes == NULL)
        return false;
    document->nodes = nodes;
    document->capacity = capacity;
    return true;
}

static uint32_t place_of(size_t offset)
{
    return offset < BHD__NOWHERE ? (uint32_t)offset : BHD__NOWHERE;
}

/* Appends the node to the open table. False without memory. */
static bool append(bhd__document *document, const bhd_toml_item_t *item, uint32_t *index)
{
    bhd__node node = {
        .parent = document->open,
        .kind = item->kind,
        .key_offset = place_of(item->key_offset),
        .value_offset = place_of(item->value_offset),
        .value_end = place_of(item->value_end),
        .integer = item->integer,
        .number = item->number,
        .boolean = item->boolean,
        .out_of_range = item->out_of_range,
    };
    if (!room_for_node(document) || !keep_string(document, item->key, &node.key, &node.key_size) ||
        !keep_string(document, item->text, &node.text, &node.text_size))
        return false;
    *index = document->count++;
    document->nodes[*index] = node;
    if (*index == 0)
        return true;
    bhd__node *parent = &document->nodes[node.parent];
    if (parent->first_child == 0)
        parent->first_child = *index;
    else
        document->nodes[parent->last_child].next = *index;
    parent->last_child = *index;
    return true;
}

/* Leaves the item and its content out. */
static void skip(bhd__document *document, const bhd_toml_item_t *item)
{
    if (is_container(item->kind))
        document->skipped++;
}

static void note_cut(bhd__document *document, uint32_t offset)
{
    bool deep = document->depth >= BHD__DOCUMENT_MAX_DEPTH;
    bool *noted = deep ? &document->too_deep : &document->too_many;
    if (*noted)
        return;
    *noted = true;
    *(deep ? &document->too_deep_at : &document->too_many_at) = offset;
}

void bhd__document_item(bhd__document *document, const bhd_toml_item_t *item)
{
    uint32_t index = 0;
    if (document->skipped > 0 || document->no_memory) {
        skip(document, item);
        return;
    }
    if (document->depth >= BHD__DOCUMENT_MAX_DEPTH || document->count >= BHD__DOCUMENT_MAX_NODES) {
        note_cut(document, place_of(item->key_offset));
        skip(document, item);
        return;
    }
    if (!append(document, item, &index)) {
        document->no_memory = true;
        skip(document, item);
        return;
    }
    if (is_container(item->kind)) {
        document->open = index;
        document->depth++;
    }
}

void bhd__document_leave(bhd__document *document)
{
    if (document->skipped > 0) {
        document->skipped--;
        return;
    }
    if (document->no_memory)
        return;
    assert(document->depth > 0);
    document->open = document->nodes[document->open].parent;
    document->depth--;
}

const bhd__node *bhd__document_node(const bhd__document *document, uint32_t index)
{
    assert(index < document->count);
    return &document->nodes[index];
}

const char *bhd__document_key(const bhd__document *document, uint32_t index, size_t *size)
{
    const bhd__node *node = bhd__document_node(document, index);
    *size = node->key_size;
    return document->strings + node->key;
}

const char *bhd__document_text(const bhd__document *document, uint32_t index, size_t *size)
{
    const bhd__node *node = bhd__document_node(document, index);
    *size = node->text_size;
    return document->strings + node->text;
}

uint32_t bhd__document_child(const bhd__document *document, uint32_t parent, const char *key,
                             size_t size)
{
    uint32_t child = bhd__document_node(document, parent)->first_child;
    for (; child != 0; child = document->nodes[child].next) {
        size_t child_size;
        const char *child_key = bhd__document_key(document, child, &child_size);
        if (child_size == size && memcmp(child_key, key, size) == 0)
            return child;
    }
    return 0;
}

bool bhd__document_is_array_of_tables(const bhd__document *document, uint32_t index)
{
    const bhd__node *node = bhd__document_node(document, index);
    /* In `key = [...]` the key comes first, in `[[key]]` the value's brackets do. */
    return node->kind == BHD_TOML_ARRAY && node->value_offset < node->key_offset;
}

static bool is_plain(const char *key, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = key[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-';
        if (!plain)
            return false;
    }
    return size > 0;
}

/* At most `most` bytes of the text, cut at the end of a character. */
static size_t shorten(const char *string, size_t size, size_t most)
{
    if (size <= most)
        return size;
    while (most > 0 && ((unsigned char)string[most] & 0xC0u) == 0x80u)
        most--;
    return most;
}

void bhd__document_add_key(bhd__text *text, const char *key, size_t size)
{
    size_t shown = shorten(key, size, SHOWN_KEY_BYTES);
    if (is_plain(key, size))
        bhd__text_add_bytes(text, key, shown);
    else
        bhd__text_add_json(text, key, shown);
    if (shown < size)
        bhd__text_add(text, "...");
}

/* Number of the element in its array, from 0. */
static size_t element_number(const bhd__document *document, uint32_t index)
{
    size_t number = 0;
    uint32_t at = document->nodes[document->nodes[index].parent].first_child;
    for (; at != index; at = document->nodes[at].next)
        number++;
    return number;
}

void bhd__document_add_path(const bhd__document *document, uint32_t index, bhd__text *text)
{
    uint32_t path[BHD__DOCUMENT_MAX_DEPTH + 1];
    size_t length = 0;
    for (; index != 0; index = document->nodes[index].parent) {
        assert(length < sizeof path / sizeof path[0]);
        path[length++] = index;
    }
    for (size_t i = length; i-- > 0;) {
        if (document->nodes[document->nodes[path[i]].parent].kind == BHD_TOML_ARRAY) {
            bhd__text_printf(text, "[%zu]", element_number(document, path[i]));
            continue;
        }
        size_t size;
        const char *key = bhd__document_key(document, path[i], &size);
        if (i + 1 < length)
            bhd__text_add(text, ".");
        bhd__document_add_key(text, key, size);
    }
}

void bhd__document_add_value(const bhd__document *document, uint32_t index, bhd__text *text)
{
    const bhd__node *node = bhd__document_node(document, index);
    size_t size;
    const char *written = bhd__document_text(document, index, &size);
    if (node->kind == BHD_TOML_STRING) {
        size_t shown = shorten(written, size, SHOWN_VALUE_BYTES);
        bhd__text_add_json(text, written, shown);
        if (shown < size)
            bhd__text_add(text, "...");
        return;
    }
    if (document->source != NULL && node->value_offset != BHD__NOWHERE) {
        written = document->source + node->value_offset;
        size = node->value_end - node->value_offset;
    }
    bhd__text_add_escaped(text, written, size, SHOWN_VALUE_BYTES);
}

void bhd__place_advance(bhd__place *place, const char *source, size_t size, size_t offset)
{
    if (place->line == 0) {
        place->line = 1;
        place->column = 1;
        /* A byte order mark is not a character of the first line. */
        if (size >= 3 && memcmp(source, "\xEF\xBB\xBF", 3) == 0)
            place->offset = 3;
    }
    if (offset > size)
        offset = size;
    for (; place->offset < offset; place->offset++) {
        unsigned char byte = (unsigned char)source[place->offset];
        if (byte == '\n') {
            place->line++;
            place->column = 1;
        } else if (place->offset + 1 >= size ||
                   ((unsigned char)source[place->offset + 1] & 0xC0u) != 0x80u) {
            /* Counted at its last byte, so that a place inside a character is that character. */
            place->column++;
        }
    }
}

bool bhd__document_is_too_rich(const char *source, size_t size)
{
    static const char marks[] = "=[]{},.:\"'\\\x7F";
    bool is_mark[256] = {false};
    for (unsigned i = 0; i < 0x20; i++)
        is_mark[i] = i != '\t';
    for (size_t i = 0; marks[i] != '\0'; i++)
        is_mark[(unsigned char)marks[i]] = true;
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += is_mark[(unsigned char)source[i]] ? 1 : 0;
    return count > BHD__DOCUMENT_MAX_MARKS;
}
