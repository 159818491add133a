/*
 * Values as text in WAVE.
 */
#include "engine/run/wave.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "bulkhead_values.h"
#include "engine/code/values.h"
#include "engine/run/exports.h"
#include "values/type.h"
#include "values/value_tree.h"

#include <string.h>

#define TEXT_MAX ((size_t)1024 * 1024)
#define PROBLEM_BYTES 600

static bool kind_has_text(uint32_t kind)
{
    return kind != BHD_I32 && kind != BHD_I64 && kind != BHD_OWN && kind != BHD_BORROW;
}

static bool type_has_text(const bhd_type *type)
{
    for (uint32_t i = 0; i < type->count; i++)
        if (type->parts[i].type && !type_has_text(type->parts[i].type))
            return false;
    return kind_has_text(type->type);
}

static bool value_has_text(const bhd_value *value)
{
    if (bhd__value_has_items(value))
        for (size_t i = 0; i < value->of.items.count; i++)
            if (!value_has_text(&value->of.items.data[i]))
                return false;
    if (bhd__value_has_case(value) && value->of.variant.payload)
        return value_has_text(value->of.variant.payload);
    return kind_has_text(value->type);
}

static bhd_status parse(const char *text, const bhd_type *type, bhd_value *value, bhd_error *error)
{
    char problem[PROBLEM_BYTES], shown[PROBLEM_BYTES];
    size_t length = 0, size = strnlen(text, TEXT_MAX + 1);
    if (size > TEXT_MAX)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "a value of more than %zu bytes of text",
                         TEXT_MAX);
    if (!type_has_text(type))
        return bhd__fail(error, BHD_NOT_SUPPORTED,
                         "resources, i32 and i64 have no text from which they could be read");
    int32_t answer =
        bhd_engine_wave_parse(text, size, type, value, problem, sizeof problem, &length);
    if (answer == 0)
        return BHD_OK;
    if (answer == 2)
        return bhd__fail_no_memory(error);
    bhd__text out;
    bhd__text_init(&out, shown, sizeof shown);
    bhd__text_add_escaped(&out, problem, length < sizeof problem ? length : sizeof problem,
                          sizeof problem);
    bhd__text_ellipsis(&out);
    return bhd__fail(error, BHD_SIGNATURE_MISMATCH, "%s", shown);
}

bhd_status bhd_value_parse(const char *text, const bhd_type *type, bhd_value *value,
                           bhd_error *error)
{
    if (!text || !type || !value)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_value_parse: text, type or value is NULL");
    bhd__values_prepare();
    bhd_value fresh;
    bhd_status status = parse(text, type, &fresh, error);
    if (status == BHD_OK)
        *value = fresh;
    return status;
}

/* The crate says where a value is wrong and not what would be right. */
static void add_parameters(const bhd_type *parameters, bhd_error *error)
{
    char takes[PROBLEM_BYTES], problem[PROBLEM_BYTES], type[PROBLEM_BYTES];
    bhd__text text;
    if (!error)
        return;
    bhd__text_init(&text, problem, sizeof problem);
    bhd__text_add(&text, error->message);
    bhd__text_init(&text, takes, sizeof takes);
    for (uint32_t i = 0; i < parameters->count; i++) {
        (void)bhd_type_to_text(parameters->parts[i].type, type, sizeof type);
        bhd__text_printf(&text, "%s%s: %s", i > 0 ? ", " : "", bhd_type_part_name(parameters, i),
                         type);
    }
    bhd__text_ellipsis(&text);
    (void)bhd__fail(error, BHD_SIGNATURE_MISMATCH, "%s; the function takes (%s)", problem, takes);
}

bhd_status bhd__export_arguments(const bhd__export *exported, const char *text,
                                 bhd_value *arguments, bhd_error *error)
{
    const bhd_type *parameters = bhd__export_parameters(exported);
    /* The same parts as a tuple. */
    bhd_type tuple = {BHD_TUPLE, parameters->count, parameters->parts, NULL, 0, 1};
    if (parameters->count > 0) {
        bhd_status status = parse(text, &tuple, arguments, error);
        if (status == BHD_SIGNATURE_MISMATCH)
            add_parameters(parameters, error);
        return status;
    }
    const char *inside = text + strspn(text, " \t\n");
    if (*inside == '(')
        inside += 1 + strspn(inside + 1, " \t\n");
    if (strcmp(inside, ")") != 0)
        return bhd__fail(error, BHD_SIGNATURE_MISMATCH, "the function takes no arguments");
    *arguments = bhd_value_tuple(NULL, 0);
    return BHD_OK;
}

static void add_piece(void *env, const char *piece, size_t size)
{
    bhd__text_add_bytes(env, piece, size);
}

size_t bhd_value_format(const bhd_value *value, const bhd_type *type, char *buffer, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    /* The crate panics at what has no text. */
    if (!value || !type || bhd_value_check(value, type, NULL) != BHD_OK || !value_has_text(value))
        return 0;
    if (!bhd_engine_wave_format(value, type, &text, add_piece)) {
        bhd__text_init(&text, buffer, capacity);
        return 0;
    }
    return text.length;
}
