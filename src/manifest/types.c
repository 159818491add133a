/*
 * Types against kinds of nodes; see the header.
 */
#include "manifest/types.h"

#include "manifest/complaint.h"

#include <string.h>

bool bhd__type_takes(bhd__type type, uint32_t kind)
{
#define KIND(kind) (1u << (kind))
    static const uint32_t takes[] = {
        [BHD__TYPE_TABLE] = KIND(BHD_TOML_TABLE),
        [BHD__TYPE_STRING] = KIND(BHD_TOML_STRING),
        [BHD__TYPE_INTEGER] = KIND(BHD_TOML_INTEGER),
        [BHD__TYPE_NUMBER] = KIND(BHD_TOML_INTEGER) | KIND(BHD_TOML_FLOAT),
        [BHD__TYPE_SIZE] = KIND(BHD_TOML_INTEGER) | KIND(BHD_TOML_STRING),
        [BHD__TYPE_BYTES] = KIND(BHD_TOML_INTEGER) | KIND(BHD_TOML_STRING),
        [BHD__TYPE_CHOICE] = KIND(BHD_TOML_STRING),
        [BHD__TYPE_BOOLEAN] = KIND(BHD_TOML_BOOLEAN),
        [BHD__TYPE_STRINGS] = KIND(BHD_TOML_ARRAY),
        [BHD__TYPE_TABLES] = KIND(BHD_TOML_ARRAY),
    };
    return (takes[type] & KIND(kind)) != 0;
#undef KIND
}

const char *bhd__row_name(const bhd__row *row)
{
    const char *dot = strrchr(row->path, '.');
    return dot != NULL ? dot + 1 : row->path;
}

static const char *kind_name(const bhd__checking *checking, uint32_t node)
{
    switch (checking->document->nodes[node].kind) {
    case BHD_TOML_STRING:
        return "a string";
    case BHD_TOML_INTEGER:
        return "an integer";
    case BHD_TOML_FLOAT:
        return "a float";
    case BHD_TOML_BOOLEAN:
        return "a boolean";
    case BHD_TOML_DATETIME:
        return "a date or time";
    case BHD_TOML_ARRAY:
        return bhd__document_is_array_of_tables(checking->document, node) ? "an array of tables"
                                                                          : "an array";
    case BHD_TOML_TABLE:
        return checking->schema->is_json ? "an object" : "a table";
    default:
        return "null";
    }
}

/* -- what was meant -------------------------------------------------------------------------- */

static bool is_whole_number(const char *text, size_t size, uint64_t *whole)
{
    *whole = 0;
    for (size_t i = 0; i < size && i < 18; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *whole = *whole * 10 + (uint64_t)(text[i] - '0');
    }
    return size > 0 && size <= 18;
}

/* A float that is a whole number, up to where floats hold every one. */
static bool is_whole_float(const bhd__node *node, uint64_t *whole)
{
    if (node->kind != BHD_TOML_FLOAT || !(node->number >= 0 && node->number <= 9007199254740992.0))
        return false;
    *whole = (uint64_t)node->number;
    return (double)*whole == node->number;
}

/* A key whose value is a number may have this one. */
static bool could_be(const bhd__checking *checking, const bhd__row *row, uint64_t number)
{
    if (row->type == BHD__TYPE_SIZE)
        return number >= checking->policy->min_memory_bytes &&
               number <= checking->policy->max_memory_bytes;
    if (row->type == BHD__TYPE_NUMBER)
        return (double)number >= row->least && (double)number <= row->most;
    bool is_integer = row->type == BHD__TYPE_INTEGER || row->type == BHD__TYPE_BYTES;
    return is_integer && number >= row->minimum && number <= row->maximum;
}

/* What the value was probably meant to be, as it is to be written; false: no idea. */
static bool add_meant(const bhd__checking *checking, const bhd__row *row, uint32_t node,
                      bhd__text *text)
{
    if (row->meant != NULL && row->meant(checking, node, text))
        return true;
    size_t size;
    const char *content = bhd__document_text(checking->document, node, &size);
    const bhd__node *about = &checking->document->nodes[node];
    uint64_t whole;
    bool is_whole = about->kind == BHD_TOML_STRING ? is_whole_number(content, size, &whole)
                                                   : is_whole_float(about, &whole);
    if (!is_whole || !could_be(checking, row, whole))
        return false;
    bhd__add_number(text, checking->schema, whole);
    return true;
}

/* -- messages -------------------------------------------------------------------------------- */

static void add_what_to_write(const bhd__checking *checking, const bhd__row *row, uint32_t node,
                              bhd__text *text)
{
    uint32_t kind = checking->document->nodes[node].kind;
    if (kind != BHD_TOML_ARRAY && kind != BHD_TOML_TABLE && kind != BHD__KIND_NULL) {
        bhd__text_add(text, " (");
        bhd__document_add_value(checking->document, node, text);
        bhd__text_add(text, ")");
    }
    bhd__text_printf(
        text, checking->schema->is_json ? "; write \"%s\": " : "; write %s = ", bhd__row_name(row));
    if (add_meant(checking, row, node, text))
        return;
    if (row->example != NULL)
        bhd__text_add(text, row->example);
    else
        bhd__add_number(text, checking->schema, bhd__example_bytes(checking->policy));
}

void bhd__report_wrong_type(bhd__checking *checking, const bhd__row *row, uint32_t node)
{
    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bhd__text_printf(&complaint.text, "must be %s, not %s", row->allowed,
                     kind_name(checking, node));
    if (row->type == BHD__TYPE_TABLE)
        bhd__text_printf(&complaint.text, "; write %s and its keys below it", row->example);
    else
        add_what_to_write(checking, row, node, &complaint.text);
    bhd__complaint_at_value(checking, &complaint, node);
}
