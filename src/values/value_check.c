/*
 * A value against its type. The path to the place that does not fit is only put together when there
 * is one: every level that a complaint passes on its way up adds its own part in front.
 */
#include "base/fail.h"
#include "base/text.h"
#include "base/unicode.h"
#include "values/type.h"
#include "values/value_tree.h"

#include <inttypes.h>
#include <string.h>

#define TYPE_SHOWN_BYTES 200
#define PATH_BYTES 400

typedef struct complaint {
    const bhd__handle_judge *judge; /* may be NULL */
    char path[PATH_BYTES];
    char text[TYPE_SHOWN_BYTES * 2];
} complaint;

static bool check(const bhd_value *value, const bhd_type *type, complaint *c);

static void show_type(const bhd_type *type, char *buffer, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    text.length = bhd_type_to_text(type, buffer, capacity);
    bhd__text_ellipsis(&text);
}

static const char *shown_word(const bhd_value *value)
{
    return bhd__type_word(value->type);
}

/* Always false, so that a check can end in it. */
static bool complain(complaint *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool complain(complaint *c, const char *format, ...)
{
    bhd__text text;
    va_list arguments;
    bhd__text_init(&text, c->text, sizeof c->text);
    va_start(arguments, format);
    bhd__text_vprintf(&text, format, arguments);
    va_end(arguments);
    bhd__text_ellipsis(&text);
    c->path[0] = '\0';
    return false;
}

static bool wrong_type(const bhd_type *type, const bhd_value *value, complaint *c)
{
    char expected[TYPE_SHOWN_BYTES];
    show_type(type, expected, sizeof expected);
    return complain(c, "expected %s, got %s", expected, shown_word(value));
}

/* Puts "WHAT NAME: " in front of the path; false. */
static bool inside(complaint *c, const char *what, const char *name, size_t index)
{
    char longer[PATH_BYTES];
    bhd__text text;
    bhd__text_init(&text, longer, sizeof longer);
    if (name[0] != '\0')
        bhd__text_printf(&text, "%s %s: %s", what, name, c->path);
    else
        bhd__text_printf(&text, "%s %zu: %s", what, index, c->path);
    bhd__text_ellipsis(&text);
    memcpy(c->path, longer, sizeof longer);
    return false;
}

static bool check_string(const bhd_value *value, complaint *c)
{
    if (!value->of.string.data && value->of.string.size > 0)
        return complain(c, "expected string, got a string whose data is NULL");
    if (!bhd__utf8_is_valid(value->of.string.data, value->of.string.size))
        return complain(c, "expected string, got bytes that are not UTF-8");
    return true;
}

static bool is_character(uint32_t character)
{
    return character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
}

static bool check_character(uint32_t character, complaint *c)
{
    return is_character(character) ||
           complain(c, "expected char, got %#" PRIx32 ", which is no Unicode scalar value",
                    character);
}

static bool check_characters(const bhd_value *value, complaint *c)
{
    const uint32_t *characters = value->of.list.data;
    for (size_t i = 0; i < value->of.list.count; i++)
        if (!check_character(characters[i], c))
            return inside(c, "element", "", i);
    return true;
}

static bool check_list(const bhd_value *value, const bhd_type *type, complaint *c)
{
    const bhd_type *element = type->parts[0].type;
    size_t count = value->of.list.count;
    if (count == 0)
        return true;
    if ((uint32_t)value->element != element->type) {
        char expected[TYPE_SHOWN_BYTES];
        show_type(type, expected, sizeof expected);
        return complain(c, "expected %s, got a list of %s", expected,
                        bhd__type_word(value->element));
    }
    if (!value->of.list.data)
        return complain(c, "expected list, got a list whose data is NULL");
    if (element->type == BHD_CHAR)
        return check_characters(value, c);
    if (bhd__type_plain_bytes(value->element) > 0)
        return true;
    for (size_t i = 0; i < count; i++)
        if (!check(&value->of.items.data[i], element, c))
            return inside(c, "element", "", i);
    return true;
}

static bool check_items(const bhd_value *value, const bhd_type *type, complaint *c)
{
    bool is_record = type->type == BHD_RECORD;
    if (value->of.items.count != type->count)
        return complain(c, "expected %" PRIu32 " %s, got %zu", type->count,
                        is_record ? "fields" : "items", value->of.items.count);
    if (type->count > 0 && !value->of.items.data)
        return complain(c, "expected %s, got one whose data is NULL",
                        bhd__type_word((bhd_value_type)type->type));
    for (uint32_t i = 0; i < type->count; i++)
        if (!check(&value->of.items.data[i], type->parts[i].type, c))
            return inside(c, is_record ? "field" : "item", bhd_type_part_name(type, i), i);
    return true;
}

/* The case's name, and what it carries. */
static void find_case(const bhd_type *type, uint32_t index, const char **name,
                      const bhd_type **payload)
{
    static const char *const results[] = {"ok", "error"}, *const options[] = {"none", "some"};
    *payload = bhd_type_part(type, index);
    *name = bhd_type_part_name(type, index);
    if (type->type == BHD_RESULT)
        *name = results[index];
    if (type->type == BHD_OPTION) {
        *name = options[index];
        *payload = index == BHD_SOME ? type->parts[0].type : NULL;
    }
}

static bool check_case(const bhd_value *value, const bhd_type *type, complaint *c)
{
    uint32_t count = type->type == BHD_OPTION ? 2 : type->count;
    uint32_t index = value->of.variant.index;
    if (index >= count)
        return complain(c, "expected one of %" PRIu32 " cases, got case %" PRIu32, count, index);
    const char *name;
    const bhd_type *payload;
    find_case(type, index, &name, &payload);
    if (!payload && value->of.variant.payload)
        return complain(c, "expected nothing in case %s, got %s", name,
                        shown_word(value->of.variant.payload));
    if (payload && !value->of.variant.payload) {
        char expected[TYPE_SHOWN_BYTES];
        show_type(payload, expected, sizeof expected);
        return complain(c, "expected %s in case %s, got nothing", expected, name);
    }
    return !payload || check(value->of.variant.payload, payload, c) || inside(c, "case", name, 0);
}

static bool check_flags(const bhd_value *value, const bhd_type *type, complaint *c)
{
    if (type->count < 64 && value->of.flags >> type->count != 0)
        return complain(c, "expected %" PRIu32 " flags, got bits %#" PRIx64, type->count,
                        value->of.flags);
    return true;
}

static bool check_handle(const bhd_value *value, const bhd_type *type, complaint *c)
{
    char expected[TYPE_SHOWN_BYTES], found[TYPE_SHOWN_BYTES] = "NULL";
    const bhd__handle_judge *judge = c->judge;
    if (value->of.resource && (!judge || judge->fits(judge->env, value, type, found, sizeof found)))
        return true;
    show_type(type, expected, sizeof expected);
    return complain(c, "expected %s, got %s", expected, found);
}

static bool check(const bhd_value *value, const bhd_type *type, complaint *c)
{
    if ((uint32_t)value->type != type->type)
        return wrong_type(type, value, c);
    switch (value->type) {
    case BHD_STRING:
        return check_string(value, c);
    case BHD_CHAR:
        return check_character(value->of.character, c);
    case BHD_LIST:
        return check_list(value, type, c);
    case BHD_RECORD:
    case BHD_TUPLE:
        return check_items(value, type, c);
    case BHD_VARIANT:
    case BHD_ENUM:
    case BHD_OPTION:
    case BHD_RESULT:
        return check_case(value, type, c);
    case BHD_FLAGS:
        return check_flags(value, type, c);
    case BHD_OWN:
    case BHD_BORROW:
        return check_handle(value, type, c);
    default:
        return true;
    }
}

bhd_status bhd_value_check(const bhd_value *value, const bhd_type *type, bhd_error *error)
{
    if (!value || !type)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_value_check: value or type is NULL");
    complaint c;
    c.judge = NULL;
    if (check(value, type, &c))
        return BHD_OK;
    return bhd__fail(error, BHD_SIGNATURE_MISMATCH, "%s%s", c.path, c.text);
}

bhd_status bhd__values_check(const bhd_value *values, size_t count, const bhd_type *types,
                             const char *what, const bhd__handle_judge *judge, bhd_error *error)
{
    complaint c;
    c.judge = judge;
    for (size_t i = 0; i < count; i++) {
        if (check(&values[i], types->parts[i].type, &c))
            continue;
        (void)inside(&c, what, bhd_type_part_name(types, i), i + 1);
        return bhd__fail(error, BHD_SIGNATURE_MISMATCH, "%s%s", c.path, c.text);
    }
    return BHD_OK;
}
