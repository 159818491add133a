/*
 * One value at a time: wrong type, wrong range, and what to write. The rules for limits themselves
 * are in limit_check.h and size.c, for names in base/identity.h; here they get a key and a place.
 */
#include "manifest/values.h"

#include "base/identity.h"
#include "limits/limit_check.h"
#include "manifest/capabilities.h"
#include "manifest/nearest.h"
#include "manifest/semver.h"

#include <inttypes.h>
#include <string.h>

#define EXAMPLE_BYTES UINT64_C(1048576)
/* Longest path of a binary, as the system has it; the terminator not counted. */
#define LONGEST_SOURCE 4095u

void bhd__complaint_begin(bhd__complaint *complaint)
{
    bhd__text_init(&complaint->text, complaint->buffer, sizeof complaint->buffer);
}

void bhd__complaint_at_value(bhd__checking *checking, bhd__complaint *complaint, uint32_t node)
{
    char path[512];
    bhd__text shown;
    bhd__text_init(&shown, path, sizeof path);
    bhd__document_add_path(checking->document, node, &shown);
    bhd__text_ellipsis(&shown);
    bhd__text_ellipsis(&complaint->text);
    bhd__report_add(checking->report, checking->document->nodes[node].value_offset, path,
                    complaint->buffer, NULL);
}

void bhd__add_policy_range(bhd__text *text, const bhd_policy *policy)
{
    char low[32], high[32];
    bhd_size_to_text(policy->min_memory_bytes, low, sizeof low);
    bhd_size_to_text(policy->max_memory_bytes, high, sizeof high);
    bhd__text_printf(text, "%" PRIu64 " to %" PRIu64 " bytes (%s to %s)", policy->min_memory_bytes,
                     policy->max_memory_bytes, low, high);
}

uint64_t bhd__example_bytes(const bhd_policy *policy)
{
    if (EXAMPLE_BYTES < policy->min_memory_bytes)
        return policy->min_memory_bytes;
    return EXAMPLE_BYTES > policy->max_memory_bytes ? policy->max_memory_bytes : EXAMPLE_BYTES;
}

void bhd__add_number(bhd__text *text, bhd__schema_part part, uint64_t number)
{
    char digits[32];
    bhd__text written;
    bhd__text_init(&written, digits, sizeof digits);
    bhd__text_printf(&written, "%" PRIu64, number);
    for (size_t i = 0; i < written.length; i++) {
        bool is_thousand = i > 0 && (written.length - i) % 3 == 0;
        if (is_thousand && part != BHD__SCHEMA_MEMORY_JSON)
            bhd__text_add(text, "_");
        bhd__text_add_bytes(text, &digits[i], 1);
    }
}

/* -- wrong types ----------------------------------------------------------------------------- */

static const char *type_name(const bhd__checking *checking, uint32_t node)
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
        return checking->part == BHD__SCHEMA_MEMORY_JSON ? "an object" : "a table";
    default:
        return "null";
    }
}

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
static bool could_be(const bhd__checking *checking, const bhd__schema_key *schema, uint64_t number)
{
    if (schema->type == BHD__TYPE_SIZE)
        return number >= checking->policy->min_memory_bytes &&
               number <= checking->policy->max_memory_bytes;
    if (schema->type == BHD__TYPE_NUMBER)
        return number >= 1 && number <= (uint64_t)BHD_MAX_TIMEOUT_SECONDS;
    bool is_integer = schema->type == BHD__TYPE_INTEGER || schema->type == BHD__TYPE_BYTES;
    return is_integer && number >= schema->minimum && number <= schema->maximum;
}

/* What the value was probably meant to be, as it is to be written; false: no idea. */
static bool add_meant(const bhd__checking *checking, bhd__key key, uint32_t node, bhd__text *text)
{
    size_t size;
    const char *content = bhd__document_text(checking->document, node, &size);
    const bhd__schema_key *schema = bhd__schema_get(key);
    const bhd__node *about = &checking->document->nodes[node];
    uint32_t kind = about->kind;
    bool is_number = kind == BHD_TOML_INTEGER || kind == BHD_TOML_FLOAT;
    char version[64];

    if (key == BHD__KEY_VERSION && is_number &&
        bhd__semver_suggest(content, size, version, sizeof version)) {
        bhd__text_printf(text, "\"%s\"", version);
        return true;
    }
    if (key == BHD__KEY_NAME && kind == BHD_TOML_INTEGER && bhd__name_problem(content) == NULL) {
        bhd__text_printf(text, "\"%s\"", content);
        return true;
    }
    uint64_t whole;
    bool is_whole = kind == BHD_TOML_STRING ? is_whole_number(content, size, &whole)
                                            : is_whole_float(about, &whole);
    if (!is_whole || !could_be(checking, schema, whole))
        return false;
    bhd__add_number(text, checking->part, whole);
    return true;
}

void bhd__value_wrong_type(bhd__checking *checking, bhd__key key, uint32_t node)
{
    const bhd__schema_key *schema = bhd__schema_get(key);
    bool is_json = checking->part == BHD__SCHEMA_MEMORY_JSON;
    uint32_t kind = checking->document->nodes[node].kind;
    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bhd__text *text = &complaint.text;

    bhd__text_printf(text, "must be %s, not %s", schema->allowed, type_name(checking, node));
    if (kind != BHD_TOML_ARRAY && kind != BHD_TOML_TABLE && kind != BHD__KIND_NULL) {
        bhd__text_add(text, " (");
        bhd__document_add_value(checking->document, node, text);
        bhd__text_add(text, ")");
    }
    bhd__text_printf(text, is_json ? "; write \"%s\": " : "; write %s = ", schema->name);
    if (!add_meant(checking, key, node, text)) {
        if (schema->example != NULL)
            bhd__text_add(text, schema->example);
        else
            bhd__add_number(text, checking->part, bhd__example_bytes(checking->policy));
    }
    bhd__complaint_at_value(checking, &complaint, node);
}

void bhd__value_not_a_table(bhd__checking *checking, bhd__key key, uint32_t node)
{
    const bhd__schema_key *schema = bhd__schema_get(key);
    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bhd__text_printf(&complaint.text, "must be a table, not %s", type_name(checking, node));
    if (key == BHD__KEY_RESOURCES)
        bhd__text_add(&complaint.text, "; write [resources.memory] and its keys below it");
    else
        bhd__text_printf(&complaint.text, "; write [%s] and its keys below it", schema->path);
    bhd__complaint_at_value(checking, &complaint, node);
}

/* -- strings --------------------------------------------------------------------------------- */

void bhd__complaint_begin_value(const bhd__checking *checking, uint32_t node,
                                bhd__complaint *complaint)
{
    bhd__complaint_begin(complaint);
    bhd__document_add_value(checking->document, node, &complaint->text);
    bhd__text_add(&complaint->text, " ");
}

/* The name with a hyphen for every character that it may not have. */
static bool suggest_name(const char *name, size_t size, char *buffer, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    for (size_t i = 0; i < size; i++) {
        char one[2] = {name[i], '\0'};
        bool continues = ((unsigned char)one[0] & 0xC0u) == 0x80u;
        bool is_allowed = one[0] == '.' || bhd__name_problem(one) == NULL;
        if (!is_allowed)
            one[0] = '-';
        /* A character has one hyphen, and a name begins with something to read. */
        if (!continues && (text.length > 0 || (one[0] != '.' && one[0] != '-')))
            bhd__text_add(&text, one);
    }
    return text.length < capacity && bhd__name_problem(buffer) == NULL;
}

static void check_name(bhd__checking *checking, uint32_t node)
{
    size_t size;
    const char *name = bhd__document_text(checking->document, node, &size);
    bool has_nul = strlen(name) != size;
    const char *problem =
        has_nul ? "has a character other than A-Z a-z 0-9 . _ -" : bhd__name_problem(name);
    if (problem == NULL)
        return;
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, node, &complaint);
    bhd__text_add(&complaint.text, problem);
    char suggestion[BHD_NAME_SIZE];
    if (suggest_name(name, size, suggestion, sizeof suggestion))
        bhd__text_printf(&complaint.text, "; write for example name = \"%s\"", suggestion);
    bhd__complaint_at_value(checking, &complaint, node);
}

static void check_version(bhd__checking *checking, uint32_t node)
{
    size_t size;
    const char *version = bhd__document_text(checking->document, node, &size);
    bool is_valid = bhd__semver_is_valid(version, size);
    if (is_valid && size < BHD_VERSION_SIZE)
        return;
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, node, &complaint);
    char suggestion[BHD_VERSION_SIZE];
    if (is_valid)
        bhd__text_printf(&complaint.text, "is longer than %d characters", BHD_VERSION_SIZE - 1);
    else
        bhd__text_add(&complaint.text, "is not a version by SemVer 2.0 (MAJOR.MINOR.PATCH)");
    bool knows = !is_valid && bhd__semver_suggest(version, size, suggestion, sizeof suggestion);
    bhd__text_printf(&complaint.text, "; write %sversion = \"%s\"", knows ? "" : "for example ",
                     knows ? suggestion : "0.1.0");
    bhd__complaint_at_value(checking, &complaint, node);
}

static void check_source(bhd__checking *checking, uint32_t node)
{
    size_t size;
    const char *source = bhd__document_text(checking->document, node, &size);
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, node, &complaint);
    if (size == 0)
        bhd__text_add(&complaint.text, "is empty; write the path of the component's binary, or "
                                       "leave the key out for <name>.wasm beside the manifest");
    else if (strlen(source) != size)
        bhd__text_add(&complaint.text, "has a NUL character, which no path can have");
    else if (size > LONGEST_SOURCE)
        bhd__text_printf(&complaint.text, "is longer than a path may be, %u bytes", LONGEST_SOURCE);
    else
        return;
    bhd__complaint_at_value(checking, &complaint, node);
}

static void check_on_exceed(bhd__checking *checking, uint32_t node)
{
    static const bhd_on_exceed values[] = {BHD_ON_EXCEED_DENY, BHD_ON_EXCEED_TRAP};
    const char *const *choices = bhd__schema_get(BHD__KEY_ON_EXCEED)->choices;
    size_t size;
    const char *word = bhd__document_text(checking->document, node, &size);
    for (size_t i = 0; i < 2; i++)
        if (strlen(choices[i]) == size && memcmp(choices[i], word, size) == 0) {
            bhd_limits_builder_on_exceed(&checking->values->builder, values[i]);
            return;
        }
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, node, &complaint);
    bhd__text_add(&complaint.text, "is neither \"deny\" (memory.grow gives -1; the default) nor "
                                   "\"trap\" (the guest ends there)");
    const char *nearest = bhd__nearest(word, size, choices, 2);
    if (nearest != NULL)
        bhd__text_printf(&complaint.text, "; did you mean \"%s\"?", nearest);
    bhd__complaint_at_value(checking, &complaint, node);
}

/* -- numbers --------------------------------------------------------------------------------- */

void bhd__value_refused(bhd__checking *checking, uint32_t node, bhd_error *refusal,
                        const char *advice)
{
    bhd__complaint complaint;
    bhd__complaint_begin(&complaint);
    bhd__text_add(&complaint.text, refusal->message);
    bhd__text_add(&complaint.text, advice);
    bhd__complaint_at_value(checking, &complaint, node);
    if (refusal->has_range)
        bhd__report_range(checking->report, checking->document->nodes[node].value_offset,
                          refusal->value, refusal->range_minimum, refusal->range_maximum);
    bhd_error_fini(refusal);
}

static bool is_default_policy(const bhd_policy *policy)
{
    return policy->min_memory_bytes == BHD_MIN_MEMORY_BYTES &&
           policy->max_memory_bytes == BHD_MAX_MEMORY_BYTES;
}

static const char *policy_advice(const bhd_policy *policy)
{
    return is_default_policy(policy)
               ? "; this is the default range, and whoever runs the host may widen it"
               : "; whoever runs the host has set this range";
}

/* An integer that no uint64_t holds, or a negative one. */
static void report_unreachable(bhd__checking *checking, bhd__key key, uint32_t node)
{
    const bhd__node *about = &checking->document->nodes[node];
    const bhd__schema_key *schema = bhd__schema_get(key);
    size_t size;
    const char *digits = bhd__document_text(checking->document, node, &size);
    bool is_below = about->out_of_range ? size > 0 && digits[0] == '-' : about->integer < 0;
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, node, &complaint);
    bhd__text *text = &complaint.text;
    if (key == BHD__KEY_MAX_BYTES) {
        bhd__text_printf(text, "bytes is %s the allowed range of ", is_below ? "below" : "above");
        bhd__add_policy_range(text, checking->policy);
        bhd__text_add(text, is_below ? "; \"no limit\" cannot be expressed (ADR-WASM-002)"
                                     : policy_advice(checking->policy));
    } else {
        bhd__text_printf(text, "is %s the allowed range of %" PRIu64 " to %" PRIu64,
                         is_below ? "below" : "above", schema->minimum, schema->maximum);
    }
    bhd__complaint_at_value(checking, &complaint, node);
}

bool bhd__value_integer(bhd__checking *checking, bhd__key key, uint32_t node, uint64_t *number)
{
    const bhd__node *about = &checking->document->nodes[node];
    if (about->out_of_range || about->integer < 0) {
        report_unreachable(checking, key, node);
        return false;
    }
    *number = (uint64_t)about->integer;
    return true;
}

static void check_max_bytes(bhd__checking *checking, uint32_t node)
{
    bhd_error refusal = BHD_ERROR_INIT;
    uint64_t bytes;
    size_t size;
    const char *text = bhd__document_text(checking->document, node, &size);
    if (checking->document->nodes[node].kind == BHD_TOML_STRING) {
        if (bhd_size_parse(text, size, &bytes, &refusal) != BHD_OK) {
            bhd__value_refused(checking, node, &refusal, "");
            return;
        }
    } else if (!bhd__value_integer(checking, BHD__KEY_MAX_BYTES, node, &bytes)) {
        return;
    }
    if (bhd__limit_check_memory(NULL, bytes, checking->policy, &refusal) != BHD_OK)
        bhd__value_refused(checking, node, &refusal, policy_advice(checking->policy));
    else
        bhd_limits_builder_max_memory_bytes(&checking->values->builder, bytes);
}

static void check_max_table_elements(bhd__checking *checking, uint32_t node)
{
    bhd_error refusal = BHD_ERROR_INIT;
    uint64_t elements;
    if (!bhd__value_integer(checking, BHD__KEY_MAX_TABLE_ELEMENTS, node, &elements))
        return;
    if (bhd__limit_check_table(NULL, elements, &refusal) != BHD_OK)
        bhd__value_refused(checking, node, &refusal, "");
    else
        bhd_limits_builder_max_table_elements(&checking->values->builder, elements);
}

static void check_max_fuel(bhd__checking *checking, uint32_t node)
{
    bhd_error refusal = BHD_ERROR_INIT;
    uint64_t fuel;
    if (!bhd__value_integer(checking, BHD__KEY_MAX_FUEL, node, &fuel))
        return;
    if (bhd__limit_check_fuel(NULL, fuel, &refusal) != BHD_OK) {
        refusal.range_maximum = bhd__schema_get(BHD__KEY_MAX_FUEL)->maximum;
        bhd__value_refused(checking, node, &refusal, "");
        return;
    }
    bhd_limits_builder_max_fuel(&checking->values->builder, fuel);
}

static void check_timeout(bhd__checking *checking, uint32_t node)
{
    bhd_error refusal = BHD_ERROR_INIT;
    const bhd__node *about = &checking->document->nodes[node];
    /* An integer that does not fit has no number. */
    double seconds =
        about->kind == BHD_TOML_INTEGER && about->out_of_range ? (double)UINT64_MAX : about->number;
    if (bhd__limit_check_timeout(NULL, seconds, &refusal) == BHD_OK) {
        bhd_limits_builder_timeout_seconds(&checking->values->builder, seconds);
        return;
    }
    bhd__complaint complaint;
    bhd__complaint_begin_value(checking, node, &complaint);
    bhd__text_printf(&complaint.text, "is not %s; write for example timeout_seconds = 30",
                     bhd__schema_get(BHD__KEY_TIMEOUT_SECONDS)->allowed);
    bhd__complaint_at_value(checking, &complaint, node);
    bhd_error_fini(&refusal);
}

/* -- all ------------------------------------------------------------------------------------- */

static bool has_type(bhd__type type, uint32_t kind)
{
    switch (type) {
    case BHD__TYPE_BOOLEAN:
        return kind == BHD_TOML_BOOLEAN;
    case BHD__TYPE_STRINGS:
    case BHD__TYPE_TABLES:
        return kind == BHD_TOML_ARRAY;
    case BHD__TYPE_STRING:
    case BHD__TYPE_CHOICE:
        return kind == BHD_TOML_STRING;
    case BHD__TYPE_INTEGER:
        return kind == BHD_TOML_INTEGER;
    case BHD__TYPE_NUMBER:
        return kind == BHD_TOML_INTEGER || kind == BHD_TOML_FLOAT;
    case BHD__TYPE_SIZE:
    case BHD__TYPE_BYTES:
        return kind == BHD_TOML_INTEGER || kind == BHD_TOML_STRING;
    case BHD__TYPE_TABLE:
        return kind == BHD_TOML_TABLE;
    }
    return false;
}

void bhd__value_check(bhd__checking *checking, bhd__key key, uint32_t node)
{
    static void (*const checks[BHD__KEY_COUNT])(bhd__checking *, uint32_t) = {
        [BHD__KEY_NAME] = check_name,
        [BHD__KEY_VERSION] = check_version,
        [BHD__KEY_SOURCE] = check_source,
        [BHD__KEY_MAX_BYTES] = check_max_bytes,
        [BHD__KEY_ON_EXCEED] = check_on_exceed,
        [BHD__KEY_MAX_TABLE_ELEMENTS] = check_max_table_elements,
        [BHD__KEY_TIMEOUT_SECONDS] = check_timeout,
        [BHD__KEY_MAX_FUEL] = check_max_fuel,
    };
    if (!has_type(bhd__schema_get(key)->type, checking->document->nodes[node].kind))
        bhd__value_wrong_type(checking, key, node);
    else if (bhd__schema_get(key)->parent == BHD__KEY_CAPABILITIES)
        bhd__capability_check(checking, key, node);
    else
        checks[key](checking, node);
}
