#include "value_kit.h"

static size_t plain_bytes(bhd_value_type type)
{
    static const size_t bytes[] = {
        [BHD_F32] = 4, [BHD_F64] = 8, [BHD_BOOL] = 1, [BHD_S8] = 1,  [BHD_U8] = 1,  [BHD_S16] = 2,
        [BHD_U16] = 2, [BHD_S32] = 4, [BHD_U32] = 4,  [BHD_S64] = 8, [BHD_U64] = 8, [BHD_CHAR] = 4};
    return type < COUNT_OF(bytes) ? bytes[type] : 0;
}

static bool items_equal(const bhd_value *a, const bhd_value *b)
{
    if (a->of.items.count != b->of.items.count)
        return false;
    for (size_t i = 0; i < a->of.items.count; i++)
        if (!value_equals(&a->of.items.data[i], &b->of.items.data[i]))
            return false;
    return true;
}

static bool same_bytes(const void *a, const void *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

static bool cases_equal(const bhd_value *a, const bhd_value *b)
{
    const bhd_value *x = a->of.variant.payload, *y = b->of.variant.payload;
    return a->of.variant.index == b->of.variant.index && !x == !y && (!x || value_equals(x, y));
}

static bool lists_equal(const bhd_value *a, const bhd_value *b)
{
    size_t bytes = plain_bytes(a->element);
    if (a->of.list.count == 0 || b->of.list.count == 0)
        return a->of.list.count == b->of.list.count;
    if (a->element != b->element)
        return false;
    return bytes == 0 ? items_equal(a, b)
                      : a->of.list.count == b->of.list.count &&
                            same_bytes(a->of.list.data, b->of.list.data, bytes * a->of.list.count);
}

bool value_equals(const bhd_value *a, const bhd_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case BHD_STRING:
        return a->of.string.size == b->of.string.size &&
               same_bytes(a->of.string.data, b->of.string.data, a->of.string.size);
    case BHD_LIST:
        return lists_equal(a, b);
    case BHD_RECORD:
    case BHD_TUPLE:
        return items_equal(a, b);
    case BHD_VARIANT:
    case BHD_ENUM:
    case BHD_OPTION:
    case BHD_RESULT:
        return cases_equal(a, b);
    case BHD_I64:
        return a->of.i64 == b->of.i64;
    case BHD_FLAGS:
        return a->of.flags == b->of.flags;
    default:
        return same_bytes(&a->of, &b->of, a->type == BHD_I32 ? 4 : plain_bytes(a->type));
    }
}

static bhd_status call(bhd_sandbox *sandbox, const char *name, const bhd_value *arguments,
                       size_t count, bhd_value *result, bhd_error *error)
{
    bhd_function *function;
    *result = bhd_value_bool(false);
    bhd_status status = bhd_sandbox_function(sandbox, name, &function, error);
    return status == BHD_OK
               ? bhd_sandbox_call(sandbox, function, arguments, count, result, 1, error)
               : status;
}

bhd_value value_call(bhd_sandbox *sandbox, const char *name, const bhd_value *arguments,
                     size_t count)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value result;
    expect_ok(call(sandbox, name, arguments, count, &result, &error), &error);
    bhd_error_fini(&error);
    return result;
}

void value_ends(bhd_sandbox *sandbox, bhd_status wanted, const char *part, const char *name,
                const bhd_value *arguments, size_t count)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value result;
    expect_status(wanted, call(sandbox, name, arguments, count, &result, &error), &error);
    if (part)
        expect_in(error.message, part);
    bhd_error_fini(&error);
    bhd_value_fini(&result);
}
