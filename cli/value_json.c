/*
 * Values as JSON; see value_json.h.
 */
#include "value_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Digits that a double holds for certain, and digits that tell any two of them apart. */
enum { DIGITS_CERTAIN = 15, DIGITS_ALL = 17 };

static json_t *value_json(const bhd_value *value, const bhd_type *type);

static json_t *unsigned_json(uint64_t number)
{
    char digits[24];
    if (number <= INT64_MAX)
        return json_integer((json_int_t)number);
    (void)snprintf(digits, sizeof digits, "%" PRIu64, number);
    return json_string(digits);
}

static json_t *real_json(double number)
{
    if (isnan(number))
        return json_string("nan");
    if (isinf(number))
        return json_string(number < 0 ? "-inf" : "inf");
    return json_real(number);
}

/* The shortest number that is the float. */
static json_t *float_json(float number)
{
    char digits[40];
    double shortest = (double)number;
    if (!isfinite(number))
        return real_json(shortest);
    for (int precision = 6; precision <= 9; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*g", precision, (double)number);
        shortest = strtod(digits, NULL);
        if ((float)shortest == number)
            break;
    }
    return json_real(shortest);
}

static json_t *character_json(uint32_t c)
{
    char bytes[5] = {0};
    if (c < 0x80) {
        bytes[0] = (char)c;
        return json_stringn(bytes, 1);
    }
    int length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (int i = length - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    bytes[0] = (char)(leads[length] | c);
    return json_stringn(bytes, (size_t)length);
}

/* Element `index` of a list that is an array of its own type. */
static bhd_value element_of(const bhd_value *list, size_t index)
{
    static const size_t sizes[] = {
        [BHD_F32] = 4, [BHD_F64] = 8, [BHD_BOOL] = 1, [BHD_S8] = 1,  [BHD_U8] = 1,  [BHD_S16] = 2,
        [BHD_U16] = 2, [BHD_S32] = 4, [BHD_U32] = 4,  [BHD_S64] = 8, [BHD_U64] = 8, [BHD_CHAR] = 4};
    size_t size = (size_t)list->element < sizeof sizes / sizeof *sizes ? sizes[list->element] : 0;
    if (size == 0)
        return list->of.items.data[index];
    bhd_value value = bhd_value_u64(0);
    value.type = list->element;
    memcpy(&value.of, (const char *)list->of.list.data + index * size, size);
    return value;
}

static json_t *array_json(const bhd_value *value, const bhd_type *type)
{
    json_t *array = json_array();
    bool is_list = value->type == BHD_LIST;
    size_t count = is_list ? value->of.list.count : value->of.items.count;
    for (size_t i = 0; i < count; i++) {
        bhd_value one = is_list ? element_of(value, i) : value->of.items.data[i];
        if (json_array_append_new(array, value_json(&one, bhd_type_part(type, is_list ? 0 : i)))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *record_json(const bhd_value *value, const bhd_type *type)
{
    json_t *object = json_object();
    for (size_t i = 0; i < value->of.items.count; i++) {
        json_t *field = value_json(&value->of.items.data[i], bhd_type_part(type, i));
        if (json_object_set_new(object, bhd_type_part_name(type, i), field) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *wrapped(const char *name, const bhd_value *payload, const bhd_type *type)
{
    json_t *object = json_object();
    if (json_object_set_new(object, name, payload ? value_json(payload, type) : json_null())) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *case_json(const bhd_value *value, const bhd_type *type)
{
    uint32_t index = value->of.variant.index;
    const bhd_value *payload = value->of.variant.payload;
    const bhd_type *carried = bhd_type_part(type, index);
    switch (value->type) {
    case BHD_ENUM:
        return json_string(bhd_type_part_name(type, index));
    case BHD_RESULT:
        return wrapped(index == BHD_RESULT_OK ? "ok" : "error", payload, carried);
    case BHD_OPTION:
        if (index == BHD_NONE)
            return json_null();
        carried = bhd_type_part(type, 0);
        return bhd_type_get(carried) == BHD_OPTION ? wrapped("some", payload, carried)
                                                   : value_json(payload, carried);
    default:
        return wrapped(bhd_type_part_name(type, index), payload, carried);
    }
}

static json_t *flags_json(const bhd_value *value, const bhd_type *type)
{
    json_t *array = json_array();
    for (size_t i = 0; i < bhd_type_count(type); i++)
        if (value->of.flags >> i & 1)
            (void)json_array_append_new(array, json_string(bhd_type_part_name(type, i)));
    return array;
}

static json_t *value_json(const bhd_value *value, const bhd_type *type)
{
    switch (value->type) {
    case BHD_BOOL:
        return json_boolean(value->of.boolean);
    case BHD_S8:
        return json_integer(value->of.s8);
    case BHD_U8:
        return json_integer(value->of.u8);
    case BHD_S16:
        return json_integer(value->of.s16);
    case BHD_U16:
        return json_integer(value->of.u16);
    case BHD_I32:
    case BHD_S32:
        return json_integer(value->of.s32);
    case BHD_U32:
        return json_integer(value->of.u32);
    case BHD_I64:
    case BHD_S64:
        return json_integer(value->of.s64);
    case BHD_U64:
        return unsigned_json(value->of.u64);
    case BHD_F32:
        return float_json(value->of.f32);
    case BHD_F64:
        return real_json(value->of.f64);
    case BHD_CHAR:
        return character_json(value->of.character);
    case BHD_STRING:
        return json_stringn(value->of.string.data, value->of.string.size);
    case BHD_LIST:
    case BHD_TUPLE:
        return array_json(value, type);
    case BHD_RECORD:
        return record_json(value, type);
    case BHD_FLAGS:
        return flags_json(value, type);
    case BHD_VARIANT:
    case BHD_ENUM:
    case BHD_OPTION:
    case BHD_RESULT:
        return case_json(value, type);
    default:
        return NULL;
    }
}

static int digits_of(double number)
{
    char text[40];
    for (int digits = DIGITS_CERTAIN; digits < DIGITS_ALL; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            return digits;
    }
    return DIGITS_ALL;
}

/* What the number in it with most digits needs. */
static int digits_needed(json_t *json)
{
    int most = json_is_real(json) ? digits_of(json_real_value(json)) : DIGITS_CERTAIN;
    size_t index;
    const char *key;
    json_t *inner;
    json_array_foreach(json, index, inner)
    {
        int digits = digits_needed(inner);
        most = digits > most ? digits : most;
    }
    json_object_foreach(json, key, inner)
    {
        int digits = digits_needed(inner);
        most = digits > most ? digits : most;
    }
    return most;
}

char *cli_value_json(const bhd_value *value, const bhd_type *type)
{
    json_t *json = value_json(value, type);
    size_t flags = JSON_ENSURE_ASCII | JSON_ENCODE_ANY;
    char *text =
        json ? json_dumps(json, flags | JSON_REAL_PRECISION((size_t)digits_needed(json))) : NULL;
    json_decref(json);
    return text;
}
