/*
 * Types as text, in the form that type_parse.c reads.
 */
#include "base/text.h"
#include "values/type.h"

static void add_type(bhd__text *text, const bhd_type *type);

static void add_named(bhd__text *text, const char *open, const bhd_type *type)
{
    bhd__text_add(text, open);
    for (uint32_t i = 0; i < type->count; i++) {
        bhd__text_add(text, i == 0 ? " " : ", ");
        bhd__text_add(text, bhd_type_part_name(type, i));
        if (!type->parts[i].type)
            continue;
        bool is_case = type->type == BHD_VARIANT;
        bhd__text_add(text, is_case ? "(" : ": ");
        add_type(text, type->parts[i].type);
        bhd__text_add(text, is_case ? ")" : "");
    }
    bhd__text_add(text, type->count > 0 ? " }" : "}");
}

static void add_angled(bhd__text *text, const bhd_type *type)
{
    bhd__text_add(text, "<");
    for (uint32_t i = 0; i < type->count; i++) {
        bhd__text_add(text, i == 0 ? "" : ", ");
        add_type(text, type->parts[i].type);
    }
    bhd__text_add(text, ">");
}

static void add_result(bhd__text *text, const bhd_type *type)
{
    const bhd_type *ok = type->parts[0].type, *error = type->parts[1].type;
    if (!ok && !error)
        return;
    bhd__text_add(text, "<");
    if (ok)
        add_type(text, ok);
    else
        bhd__text_add(text, "_");
    if (error) {
        bhd__text_add(text, ", ");
        add_type(text, error);
    }
    bhd__text_add(text, ">");
}

static void add_type(bhd__text *text, const bhd_type *type)
{
    bhd__text_add(text, bhd__type_word((bhd_value_type)type->type));
    switch (type->type) {
    case BHD_RECORD:
    case BHD_VARIANT:
    case BHD_ENUM:
    case BHD_FLAGS:
        add_named(text, " {", type);
        break;
    case BHD_LIST:
    case BHD_TUPLE:
    case BHD_OPTION:
        add_angled(text, type);
        break;
    case BHD_RESULT:
        add_result(text, type);
        break;
    case BHD_OWN:
    case BHD_BORROW:
        bhd__text_printf(text, "<%s>", type->name ? type->name : "resource");
        break;
    default:
        break;
    }
}

size_t bhd_type_to_text(const bhd_type *type, char *buffer, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    add_type(&text, type);
    return text.length;
}
