/*
 * TOML text into a document. The parser is the engine crate's; this file bounds what it may say and
 * finds out which key it means when it says "duplicate key" at an offset.
 *
 * The parser may call back on a thread of its own while the caller waits for its end.
 */
#include "manifest/toml_document.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

/* Parts of a dotted key that are looked at before a duplicate. */
#define MOST_PARTS 16
/* Bytes of a value without quotes that a message shows with them. */
#define LONGEST_UNQUOTED 40

/* A mistake that the parser reported. */
typedef struct syntax_error {
    uint32_t offset;
    bool is_duplicate;
    char message[160];
} syntax_error;

typedef struct reading {
    bhd__document *document;
    bhd__report *report;
    syntax_error errors[BHD__REPORT_MOST];
    size_t kept;
    size_t total;
    bool has_syntax_error;
    /* Calls back so far. Each one adds 1 when it is done, and the caller reads it when the parser
     * is: the order that the end of the parser's thread makes too, written down where a tool that
     * does not see into the engine can find it. */
    atomic_size_t calls;
} reading;

static void call_is_done(reading *r)
{
    atomic_fetch_add_explicit(&r->calls, 1, memory_order_release);
}

/* -- the parser's words ---------------------------------------------------------------------- */

static bool is_message(bhd_engine_str_t message, const char *words)
{
    size_t length = strlen(words);
    return message.size >= length && memcmp(message.data, words, length) == 0;
}

/* Characters around a value that was written without quotes. */
static bool is_value_end(char c)
{
    return c == '\n' || c == '\r' || c == '#' || c == ',' || c == ']' || c == '}' || c == '=' ||
           c == '[' || c == '{';
}

/* The value around `offset`, as far as it reaches on its line; empty if there is none. */
static bhd_engine_str_t value_around(const bhd__document *document, size_t offset)
{
    const char *source = document->source;
    size_t begin = offset < document->size ? offset : document->size;
    size_t end = begin;
    while (end < document->size && !is_value_end(source[end]))
        end++;
    while (begin > 0 && !is_value_end(source[begin - 1]))
        begin--;
    while (begin < end && (source[begin] == ' ' || source[begin] == '\t'))
        begin++;
    while (end > begin && (source[end - 1] == ' ' || source[end - 1] == '\t'))
        end--;
    return (bhd_engine_str_t){source + begin, end - begin};
}

/* "; write "2MiB"", unless the value has quotes of its own. */
static void add_quoted_value(bhd__text *text, bhd_engine_str_t value)
{
    if (value.size == 0 || value.size > LONGEST_UNQUOTED)
        return;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] == '"' || value.data[i] == '\'' || value.data[i] == '\\')
            return;
    bhd__text_add(text, "; write ");
    bhd__text_add_json(text, value.data, value.size);
}

/* The parser's message, except where it does not tell what to do. */
static void add_message(bhd__text *text, const bhd__document *document, size_t offset,
                        bhd_engine_str_t message)
{
    static const struct {
        const char *theirs, *ours;
    } better[] = {
        {"recursion limit", "a dotted key has more than 80 parts"},
        {"cannot recurse further; max recursion depth met",
         "arrays and inline tables nest more than 80 levels deep"},
        {"invalid basic string, expected `\"`", "the string does not end; close it with \""},
        {"invalid literal string, expected `'`", "the string does not end; close it with '"},
        {"invalid basic string, expected non-double-quote visible characters",
         "a control character in a string; write it as an escape, such as \\u0007"},
    };
    for (size_t i = 0; i < sizeof better / sizeof better[0]; i++)
        if (is_message(message, better[i].theirs)) {
            bhd__text_add(text, better[i].ours);
            return;
        }
    bhd_engine_str_t value = value_around(document, offset);
    if (is_message(message, "string values must be quoted")) {
        bhd__text_add(text, value.size == 0 ? "the value is missing behind the equals sign"
                                            : "text needs quotes");
        add_quoted_value(text, value);
        return;
    }
    /* What begins like a number, true, false, inf or nan. */
    bool is_number = is_message(message, "invalid float, expected");
    if (is_number || is_message(message, "invalid boolean")) {
        bhd__text_add(text, is_number ? "not a number, and text needs quotes"
                                      : "neither true nor false, and text needs quotes");
        add_quoted_value(text, value);
        return;
    }
    for (size_t i = 0; i < message.size; i++)
        if (message.data[i] < ' ' || message.data[i] > '~') {
            bhd__text_add_escaped(text, message.data, message.size, SIZE_MAX);
            return;
        }
    /* Nothing to escape; a backslash among the characters that were expected stays one. */
    bhd__text_add_bytes(text, message.data, message.size);
}

static void add_error(reading *r, size_t offset, bhd_engine_str_t message)
{
    bool is_duplicate = is_message(message, "duplicate key");
    r->has_syntax_error |= !is_duplicate;
    r->total++;
    if (r->kept == BHD__REPORT_MOST)
        return;
    syntax_error *error = &r->errors[r->kept++];
    error->offset = offset < BHD__NOWHERE ? (uint32_t)offset : BHD__NOWHERE;
    error->is_duplicate = is_duplicate;
    bhd__text text;
    bhd__text_init(&text, error->message, sizeof error->message);
    add_message(&text, r->document, offset, message);
    bhd__text_ellipsis(&text);
}

static void on_error(void *env, size_t offset, bhd_engine_str_t message)
{
    reading *r = env;
    add_error(r, offset, message);
    call_is_done(r);
}

static void on_item(void *env, const bhd_toml_item_t *item)
{
    reading *r = env;
    bhd__document_item(r->document, item);
    call_is_done(r);
}

static void on_leave(void *env)
{
    reading *r = env;
    bhd__document_leave(r->document);
    call_is_done(r);
}

/* -- duplicate keys -------------------------------------------------------------------------- */

static bool is_bare(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static size_t bare_end(const bhd__document *document, size_t at)
{
    while (at < document->size && is_bare(document->source[at]))
        at++;
    return at;
}

/* The table in whose text the offset lies: the innermost inline table around it, or else the one
 * under whose header it stands. */
static uint32_t table_at(const bhd__document *document, uint32_t offset)
{
    uint32_t found = 0;
    bool found_inline = false;
    for (uint32_t i = 1; i < document->count; i++) {
        const bhd__node *node = &document->nodes[i];
        if (node->kind != BHD_TOML_TABLE || node->value_offset > offset ||
            node->value_offset >= document->size)
            continue;
        char first = document->source[node->value_offset];
        bool is_inline = first == '{' && offset < node->value_end;
        bool is_header = first == '[' && offset >= node->value_end;
        if (!is_inline && !(is_header && !found_inline))
            continue;
        if (found == 0 || is_inline > found_inline ||
            node->value_offset > document->nodes[found].value_offset) {
            found = i;
            found_inline = is_inline;
        }
    }
    return found;
}

static size_t skip_blanks_back(const bhd__document *document, size_t at)
{
    while (at > 0 && (document->source[at - 1] == ' ' || document->source[at - 1] == '\t'))
        at--;
    return at;
}

/* From the table in which a key stands to the one that the bare parts before its last one name, at
 * `offset`. False: unknown. */
static bool follow_dots(const bhd__document *document, uint32_t offset, uint32_t *table)
{
    size_t begins[MOST_PARTS], ends[MOST_PARTS];
    size_t parts = 0;
    size_t at = offset;
    for (;;) {
        at = skip_blanks_back(document, at);
        if (at == 0 || document->source[at - 1] != '.')
            break;
        size_t end = skip_blanks_back(document, at - 1);
        size_t begin = end;
        while (begin > 0 && is_bare(document->source[begin - 1]))
            begin--;
        if (begin == end || parts == MOST_PARTS)
            return false;
        begins[parts] = begin;
        ends[parts++] = end;
        at = begin;
    }
    /* The key of a header begins at the top. */
    bool is_header = at > 0 && document->source[at - 1] == '[';
    *table = is_header ? 0 : table_at(document, offset);
    while (parts-- > 0) {
        *table = bhd__document_child(document, *table, document->source + begins[parts],
                                     ends[parts] - begins[parts]);
        if (*table == 0)
            return false;
    }
    return true;
}

/* The node that a key at `offset` would be if it were not a duplicate; 0: unknown. */
static uint32_t node_of_duplicate(const bhd__document *document, uint32_t offset)
{
    for (uint32_t i = 1; i < document->count; i++)
        if (document->nodes[i].key_offset == offset && document->nodes[i].key_size > 0)
            return i;
    uint32_t table;
    size_t end = bare_end(document, offset);
    if (end == offset || !follow_dots(document, offset, &table))
        return 0;
    return bhd__document_child(document, table, document->source + offset, end - offset);
}

static bool is_header(const bhd__document *document, uint32_t index)
{
    const bhd__node *node = &document->nodes[index];
    return index != 0 && node->kind == BHD_TOML_TABLE &&
           document->source[node->value_offset] == '[';
}

static void report_duplicate(reading *r, const syntax_error *error)
{
    const bhd__document *document = r->document;
    char key[512], message[640];
    bhd__text shown_key, shown;
    bhd__text_init(&shown_key, key, sizeof key);
    bhd__text_init(&shown, message, sizeof message);

    uint32_t index =
        error->offset < document->size ? node_of_duplicate(document, error->offset) : 0;
    if (index != 0) {
        bhd__document_add_path(document, index, &shown_key);
    } else if (error->offset < document->size) {
        size_t end = bare_end(document, error->offset);
        bhd__document_add_key(&shown_key, document->source + error->offset, end - error->offset);
    }
    bhd__text_ellipsis(&shown_key);

    uint32_t first = index == 0 ? BHD__NOWHERE : document->nodes[index].key_offset;
    if (first < error->offset) {
        bhd__place place = {0, 0, 0};
        bhd__place_advance(&place, document->source, document->size, first);
        bhd__text_printf(&shown, "given twice, first at %" PRIu32 ":%" PRIu32 "; keep one",
                         place.line, place.column);
    } else if (is_header(document, index)) {
        bhd__text_printf(&shown, "given twice; write all its keys below one [%s]", key);
    } else {
        bhd__text_add(&shown, "given twice; keep one");
    }
    bhd__report_add(r->report, error->offset, key, message, NULL);
}

/* -- the whole text -------------------------------------------------------------------------- */

static void report_errors(reading *r)
{
    for (size_t i = 0; i < r->kept; i++) {
        const syntax_error *error = &r->errors[i];
        if (error->is_duplicate)
            report_duplicate(r, error);
        else
            bhd__report_add(r->report, error->offset, "", error->message, NULL);
    }
    r->report->total += r->total - r->kept;
}

bhd__parsed bhd__toml_document(const char *text, size_t size, bhd__document *document,
                               bhd__report *report)
{
    reading r = {.document = document, .report = report};
    bhd__document_init(document, text, size);
    const bhd_toml_visitor_t visitor = {&r, on_item, on_leave, on_error,
                                        .max_depth = BHD__DOCUMENT_MAX_DEPTH + 1};
    if (!bhd_toml_visit(text, size, &visitor))
        return BHD__PARSED_NOT;
    (void)atomic_load_explicit(&r.calls, memory_order_acquire);
    if (document->no_memory)
        return BHD__PARSED_MEMORY;
    report_errors(&r);
    if (r.has_syntax_error)
        return BHD__PARSED_SYNTAX;
    bhd__report_cuts(report, document);
    return BHD__PARSED;
}
