/*
 * How long a value is as text; see value_size.h.
 */
#include "value_size.h"

#include <string.h>

typedef struct {
    size_t left;
    bool as_json;
} text_room;

static bool take(text_room *room, size_t bytes)
{
    bool enough = bytes <= room->left;
    room->left -= enough ? bytes : room->left;
    return enough;
}

/* Looks no further into a name than there is room. */
static bool take_name(text_room *room, const bhd_type *type, size_t index)
{
    return take(room, strnlen(bhd_type_part_name(type, index), room->left + 1));
}

static bool take_value(text_room *room, const bhd_value *value, const bhd_type *type);

static bool is_array(const bhd_value *list)
{
    return list->element >= BHD_F32 && list->element <= BHD_CHAR;
}

static bool take_list(text_room *room, const bhd_value *list, const bhd_type *type)
{
    if (!take(room, list->of.list.count))
        return false;
    for (size_t i = 0; !is_array(list) && i < list->of.items.count; i++)
        if (!take_value(room, &list->of.items.data[i], bhd_type_part(type, 0)))
            return false;
    return true;
}

/* WAVE leaves fields out that are none. */
static bool is_left_out(const text_room *room, const bhd_value *field)
{
    return !room->as_json && field->type == BHD_OPTION && field->of.variant.index == BHD_NONE;
}

static bool take_fields(text_room *room, const bhd_value *value, const bhd_type *type)
{
    for (size_t i = 0; i < value->of.items.count; i++) {
        const bhd_value *field = &value->of.items.data[i];
        if (value->type == BHD_RECORD && is_left_out(room, field))
            continue;
        if (!take_name(room, type, i) || !take_value(room, field, bhd_type_part(type, i)))
            return false;
    }
    return true;
}

static bool take_case(text_room *room, const bhd_value *value, const bhd_type *type)
{
    uint32_t index = value->of.variant.index;
    const bhd_value *payload = value->of.variant.payload;
    /* What some carries is the only part of an option. */
    const bhd_type *carried = bhd_type_part(type, value->type == BHD_OPTION ? 0 : index);
    bool has_name = value->type == BHD_VARIANT || value->type == BHD_ENUM;
    if (has_name && !take_name(room, type, index))
        return false;
    return payload == NULL || take_value(room, payload, carried);
}

static bool take_flags(text_room *room, const bhd_value *value, const bhd_type *type)
{
    for (size_t i = 0; i < bhd_type_count(type); i++)
        if ((value->of.flags >> i & 1) != 0 && !take_name(room, type, i))
            return false;
    return true;
}

static bool take_value(text_room *room, const bhd_value *value, const bhd_type *type)
{
    switch (value->type) {
    case BHD_STRING:
        return take(room, value->of.string.size);
    case BHD_LIST:
        return take_list(room, value, type);
    case BHD_RECORD:
    case BHD_TUPLE:
        return take_fields(room, value, type);
    case BHD_VARIANT:
    case BHD_ENUM:
    case BHD_OPTION:
    case BHD_RESULT:
        return take_case(room, value, type);
    case BHD_FLAGS:
        return take_flags(room, value, type);
    default:
        break;
    }
    return take(room, 1);
}

bool cli_value_may_fit(const bhd_value *value, const bhd_type *type, bool as_json)
{
    text_room room = {CLI_VALUE_TEXT_MAX, as_json};
    return take_value(&room, value, type);
}
