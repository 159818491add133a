/*
 * One walk over the tables of a document: what is there has a row, and what has to be there is.
 */
#include "manifest/walk.h"

#include "manifest/complaint.h"
#include "base/nearest.h"
#include "manifest/types.h"

#include <string.h>

/* -- rows ------------------------------------------------------------------------------------ */

/* The table itself, or something in it; "" is all. */
static bool is_within(const char *path, const char *table)
{
    size_t size = strlen(table);
    return size == 0 ||
           (strncmp(path, table, size) == 0 && (path[size] == '\0' || path[size] == '.'));
}

static bool is_known(const bhd__schema *schema, const bhd__row *row)
{
    return is_within(row->path, schema->top) &&
           (is_within(row->path, schema->scope) || is_within(schema->scope, row->path));
}

/* The row is a key of that very table, in this schema. */
static bool is_key_of(const bhd__schema *schema, const bhd__row *row, const char *table)
{
    size_t size = strlen(table), before = (size_t)(bhd__row_name(row) - row->path);
    return is_known(schema, row) && before == (size > 0 ? size + 1 : 0) &&
           memcmp(row->path, table, size) == 0;
}

static bool has_name(const bhd__row *row, const char *name, size_t size)
{
    const char *own = bhd__row_name(row);
    return strlen(own) == size && memcmp(own, name, size) == 0;
}

/* NULL: the table has no such key. */
static const bhd__row *find_row(const bhd__schema *schema, const char *table, const char *name,
                                size_t size)
{
    for (size_t i = 0; i < schema->count; i++)
        if (is_key_of(schema, &schema->rows[i], table) && has_name(&schema->rows[i], name, size))
            return &schema->rows[i];
    return NULL;
}

/* The same name in whichever table: the key stands in the wrong place. */
static const bhd__row *find_elsewhere(const bhd__schema *schema, const char *name, size_t size)
{
    for (size_t i = 0; i < schema->count; i++)
        if (is_known(schema, &schema->rows[i]) && has_name(&schema->rows[i], name, size))
            return &schema->rows[i];
    return NULL;
}

/* -- unknown keys ---------------------------------------------------------------------------- */

/* The table has keys of its own, not only tables. */
static bool has_keys(const bhd__schema *schema, const bhd__row *table)
{
    for (size_t i = 0; i < schema->count; i++)
        if (schema->rows[i].type != BHD__TYPE_TABLE &&
            is_key_of(schema, &schema->rows[i], table->path))
            return true;
    return false;
}

/* The tables that a text may have, as people are to write them. */
static void add_tables(const bhd__schema *schema, bhd__text *text)
{
    const bhd__row *tables[BHD__ROWS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < schema->count; i++) {
        const bhd__row *row = &schema->rows[i];
        if (row->type == BHD__TYPE_TABLE && is_known(schema, row) && has_keys(schema, row))
            tables[count++] = row;
    }
    bhd__text_add(text, count == 1 ? "only" : "this version knows");
    for (size_t i = 0; i < count; i++)
        bhd__text_printf(text, "%s[%s]",
                         i == 0           ? " "
                         : i + 1 == count ? " and "
                                          : ", ",
                         tables[i]->path);
    if (count == 1)
        bhd__text_add(text, " belongs here");
}

/* The keys of a table. */
static void add_keys(const bhd__schema *schema, const char *table, bhd__text *text)
{
    if (schema->is_json)
        bhd__text_add(text, "known here are");
    else
        bhd__text_printf(text, "[%s] has", table);
    const char *separator = " ";
    for (size_t i = 0; i < schema->count; i++) {
        if (!is_key_of(schema, &schema->rows[i], table))
            continue;
        bhd__text_printf(text, "%s%s", separator, bhd__row_name(&schema->rows[i]));
        separator = ", ";
    }
}

/* What to write in its place. */
static void add_advice(const bhd__schema *schema, const char *table, const bhd__row *meant,
                       const bhd__row *elsewhere, bhd__text *text)
{
    if (meant != NULL)
        bhd__text_printf(text, "did you mean %s?", bhd__row_name(meant));
    else if (elsewhere != NULL && elsewhere->type == BHD__TYPE_TABLE)
        bhd__text_printf(text, "write [%s]", elsewhere->path);
    else if (elsewhere != NULL)
        bhd__text_printf(text, "%s belongs in [%.*s]", bhd__row_name(elsewhere),
                         (int)(bhd__row_name(elsewhere) - elsewhere->path) - 1, elsewhere->path);
    else if (*table == '\0')
        add_tables(schema, text);
    else
        add_keys(schema, table, text);
}

/* Gives the row that seems to be meant, or NULL. */
static const bhd__row *report_unknown(bhd__checking *checking, const char *table, uint32_t node)
{
    const bhd__schema *schema = checking->schema;
    const bhd__document *document = checking->document;
    size_t size;
    const char *name = bhd__document_key(document, node, &size);
    const char *candidates[BHD__ROWS_MAX] = {NULL};
    for (size_t i = 0; i < schema->count; i++)
        if (is_key_of(schema, &schema->rows[i], table))
            candidates[i] = bhd__row_name(&schema->rows[i]);
    const char *nearest = bhd__nearest(name, size, candidates, schema->count);
    const bhd__row *meant =
        nearest != NULL ? find_row(schema, table, nearest, strlen(nearest)) : NULL;
    if (!bhd__report_wants(checking->report, document->nodes[node].key_offset))
        return meant;

    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bool is_table = document->nodes[node].kind == BHD_TOML_TABLE && !schema->is_json;
    bhd__text_add(&complaint.text, is_table ? "unknown table; " : "unknown key; ");
    add_advice(schema, table, meant, find_elsewhere(schema, name, size), &complaint.text);
    bhd__complaint_at_key(checking, &complaint, node);
    return meant;
}

/* -- the walk -------------------------------------------------------------------------------- */

static void report_missing(bhd__checking *checking, const bhd__row *row)
{
    if (row->missing != NULL) {
        row->missing(checking, row);
        return;
    }
    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bhd__text_printf(&complaint.text, "missing; write %s, for example %s = %s", row->allowed,
                     bhd__row_name(row), row->example);
    bhd__text_ellipsis(&complaint.text);
    bhd__report_add(checking->report, BHD__NOWHERE, row->path, complaint.buffer, NULL);
}

static void check_value(bhd__checking *checking, const bhd__row *row, bhd__stated *stated,
                        uint32_t node)
{
    bhd__found found = {.node = node};
    row->check(checking, row, &found);
    row->keep(stated, &found);
}

static void check_table(bhd__checking *checking, const char *table, bhd__stated *stated,
                        uint32_t node)
{
    const bhd__schema *schema = checking->schema;
    const bhd__document *document = checking->document;
    bool is_mistyped[BHD__ROWS_MAX] = {false}; /* an unknown key seems to be this one */
    for (uint32_t child = document->nodes[node].first_child; child != 0;
         child = document->nodes[child].next) {
        size_t size;
        const char *name = bhd__document_key(document, child, &size);
        const bhd__row *row = find_row(schema, table, name, size);
        if (row == NULL) {
            const bhd__row *meant = report_unknown(checking, table, child);
            if (meant != NULL)
                is_mistyped[meant - schema->rows] = true;
        } else if (!bhd__type_takes(row->type, document->nodes[child].kind)) {
            bhd__report_wrong_type(checking, row, child);
        } else if (row->type == BHD__TYPE_TABLE) {
            check_table(checking, row->path, stated, child);
        } else {
            check_value(checking, row, stated, child);
        }
    }
    /* What was left out might have had it. */
    if (document->too_many || document->too_deep)
        return;
    for (size_t i = 0; i < schema->count; i++) {
        const bhd__row *row = &schema->rows[i];
        const char *name = bhd__row_name(row);
        if (row->is_required && !is_mistyped[i] && is_key_of(schema, row, table) &&
            bhd__document_child(document, node, name, strlen(name)) == 0)
            report_missing(checking, row);
    }
}

void bhd__schema_check(const bhd__schema *schema, const bhd__document *document,
                       const bhd_policy *policy, bhd__stated *stated, bhd__report *report)
{
    bhd__checking checking = {schema, document, policy, report};
    *stated = (bhd__stated){
        .limits = BHD_LIMITS_BUILDER_INIT,
        .capabilities = BHD_CAPABILITIES_INIT,
    };
    check_table(&checking, schema->top, stated, 0);
}
