/*
 * JSON text into a document, read by jansson. jansson stops at the first mistake and does not tell
 * where values stand, so a document of JSON has no places.
 */
#include "manifest/json_document.h"

#include <jansson.h>
#include <string.h>

static bhd_engine_str_t string_of(const char *data, size_t size)
{
    return (bhd_engine_str_t){data, size};
}

/* An item for the value without its content; `digits` has room for a number. */
static bhd_toml_item_t item_of(bhd_engine_str_t key, const json_t *value, bhd__text *digits)
{
    bhd_toml_item_t item = {
        .key = key,
        .key_offset = SIZE_MAX,
        .kind = BHD__KIND_NULL,
        .value_offset = SIZE_MAX,
        .value_end = SIZE_MAX,
        .text = string_of("", 0),
    };
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        item.kind = BHD_TOML_TABLE;
        break;
    case JSON_ARRAY:
        item.kind = BHD_TOML_ARRAY;
        break;
    case JSON_STRING:
        item.kind = BHD_TOML_STRING;
        item.text = string_of(json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        item.kind = BHD_TOML_INTEGER;
        item.integer = json_integer_value(value);
        item.number = (double)item.integer;
        bhd__text_printf(digits, "%lld", (long long)item.integer);
        item.text = string_of(digits->buffer, digits->length);
        break;
    case JSON_REAL:
        item.kind = BHD_TOML_FLOAT;
        item.number = json_real_value(value);
        bhd__text_add_double(digits, item.number);
        item.text = string_of(digits->buffer, digits->length);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        item.kind = BHD_TOML_BOOLEAN;
        item.boolean = json_is_true(value);
        item.text = item.boolean ? string_of("true", 4) : string_of("false", 5);
        break;
    case JSON_NULL:
        break;
    }
    return item;
}

/* The members of the top object. What lies deeper is never a value of ours, so a container is
 * announced without its content. */
static void add_members(bhd__document *document, json_t *object)
{
    const char *key;
    size_t key_size;
    json_t *value;
    json_object_keylen_foreach(object, key, key_size, value)
    {
        char number[64];
        bhd__text digits;
        bhd__text_init(&digits, number, sizeof number);
        bhd_toml_item_t item = item_of(string_of(key, key_size), value, &digits);
        bhd__document_item(document, &item);
        if (item.kind == BHD_TOML_TABLE || item.kind == BHD_TOML_ARRAY)
            bhd__document_leave(document);
    }
}

static void report_error(const json_error_t *error, bhd__report *report)
{
    char message[2 * JSON_ERROR_TEXT_LENGTH];
    bhd__text text;
    bhd__text_init(&text, message, sizeof message);
    /* It quotes the text that it did not expect. */
    bhd__text_add_escaped(&text, error->text, strlen(error->text), SIZE_MAX);
    bhd__text_ellipsis(&text);
    uint32_t line = error->line > 0 ? (uint32_t)error->line : 1;
    uint32_t column = error->column > 0 ? (uint32_t)error->column : 1;
    bhd__report_add_at(report, line, column, message);
}

bhd__parsed bhd__json_document(const char *text, size_t size, bhd__document *document,
                               bhd__report *report, bhd_status *code)
{
    bhd__document_init(document, NULL, 0);
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (root == NULL) {
        enum json_error_code kind = json_error_code(&error);
        if (kind == json_error_out_of_memory || document->no_memory)
            return BHD__PARSED_MEMORY;
        bool is_value = kind == json_error_duplicate_key || kind == json_error_numeric_overflow;
        *code = is_value ? BHD_MANIFEST_INVALID : BHD_CONFIG_SYNTAX;
        report_error(&error, report);
        return BHD__PARSED_SYNTAX;
    }
    bhd__parsed parsed = BHD__PARSED;
    if (!json_is_object(root)) {
        *code = BHD_MANIFEST_INVALID;
        bhd__report_add(report, BHD__NOWHERE, "",
                        "the text must be one JSON object, for example {\"max_bytes\": 1048576}",
                        NULL);
        parsed = BHD__PARSED_SYNTAX;
    } else {
        add_members(document, root);
        bhd__report_cuts(report, document);
        if (document->no_memory)
            parsed = BHD__PARSED_MEMORY;
    }
    json_decref(root);
    return parsed;
}
