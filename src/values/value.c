/*
 * Values: made of what the caller has, copied, and freed.
 */
#include "bulkhead/value.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "values/type.h"
#include "values/value_tree.h"

#include <string.h>

#define DEPTH_MAX 100

bhd_value bhd_value_text(const char *data, size_t size)
{
    bhd_value value = {.type = BHD_STRING, .element = BHD_STRING};
    value.of.string.data = data;
    value.of.string.size = size;
    return value;
}

bhd_value bhd_value_string(const char *text)
{
    return bhd_value_text(text, strlen(text));
}

bhd_value bhd_value_list(bhd_value_type element, const void *data, size_t count)
{
    bhd_value value = {.type = BHD_LIST, .element = element};
    value.of.list.data = data;
    value.of.list.count = count;
    return value;
}

bhd_value bhd_value_bytes(const void *data, size_t size)
{
    return bhd_value_list(BHD_U8, data, size);
}

static bhd_value of_items(bhd_value_type type, const bhd_value *items, size_t count)
{
    bhd_value value = {.type = type, .element = type};
    value.of.items.data = items;
    value.of.items.count = count;
    return value;
}

bhd_value bhd_value_record(const bhd_value *fields, size_t count)
{
    return of_items(BHD_RECORD, fields, count);
}

bhd_value bhd_value_tuple(const bhd_value *items, size_t count)
{
    return of_items(BHD_TUPLE, items, count);
}

static bhd_value of_case(bhd_value_type type, uint32_t index, const bhd_value *payload)
{
    bhd_value value = {.type = type, .element = type};
    value.of.variant.index = index;
    value.of.variant.payload = payload;
    return value;
}

bhd_value bhd_value_variant(uint32_t index, const bhd_value *payload)
{
    return of_case(BHD_VARIANT, index, payload);
}

bhd_value bhd_value_enum(uint32_t index)
{
    return of_case(BHD_ENUM, index, NULL);
}

bhd_value bhd_value_option(const bhd_value *some)
{
    return of_case(BHD_OPTION, some ? BHD_SOME : BHD_NONE, some);
}

bhd_value bhd_value_ok(const bhd_value *payload)
{
    return of_case(BHD_RESULT, BHD_RESULT_OK, payload);
}

bhd_value bhd_value_error(const bhd_value *payload)
{
    return of_case(BHD_RESULT, BHD_RESULT_ERROR, payload);
}

/* -- resources ----------------------------------------------------------------------------- */

bhd_resource *bhd__resource_hold(bhd_resource *resource)
{
    atomic_fetch_add_explicit(&resource->holds, 1, memory_order_relaxed);
    return resource;
}

void bhd__resource_release(bhd_resource *resource)
{
    if (resource && atomic_fetch_sub_explicit(&resource->holds, 1, memory_order_acq_rel) == 1)
        bhd__free(resource);
}

/* -- freeing ------------------------------------------------------------------------------- */

bool bhd__value_has_items(const bhd_value *value)
{
    return value->type == BHD_RECORD || value->type == BHD_TUPLE ||
           (value->type == BHD_LIST && bhd__type_plain_bytes(value->element) == 0);
}

bool bhd__value_has_case(const bhd_value *value)
{
    return value->type == BHD_VARIANT || value->type == BHD_ENUM || value->type == BHD_OPTION ||
           value->type == BHD_RESULT;
}

/* What the library made it may free: `const` is for those who read. Values are as deep as their
 * types, and types are bounded. */
static void *unconst(const void *pointer)
{
    void *plain;
    memcpy(&plain, &pointer, sizeof plain);
    return plain;
}

void bhd_value_fini(bhd_value *value)
{
    if (!value)
        return;
    if (bhd__value_has_items(value)) {
        bhd_value *items = unconst(value->of.items.data);
        for (size_t i = 0; i < value->of.items.count; i++)
            bhd_value_fini(&items[i]);
        bhd__free(items);
    } else if (value->type == BHD_LIST) {
        bhd__free(unconst(value->of.list.data));
    } else if (value->type == BHD_STRING) {
        bhd__free(unconst(value->of.string.data));
    } else if (bhd__value_has_case(value)) {
        bhd_value_fini(unconst(value->of.variant.payload));
        bhd__free(unconst(value->of.variant.payload));
    } else if (value->type == BHD_OWN || value->type == BHD_BORROW) {
        bhd__resource_release(value->of.resource);
    }
    *value = bhd_value_bool(false);
}

/* -- copying ------------------------------------------------------------------------------- */

static bhd_status copy_value(const bhd_value *value, bhd_value *copy, unsigned depth,
                             bhd_error *error);

static bhd_status no_memory(bhd_value *copy, bhd_error *error)
{
    bhd_value_fini(copy);
    return bhd__fail_no_memory(error);
}

static bhd_status copy_items(const bhd_value *value, bhd_value *copy, unsigned depth,
                             bhd_error *error)
{
    size_t count = value->of.items.count;
    *copy = of_items(value->type, NULL, 0);
    copy->element = value->element;
    if (count == 0)
        return BHD_OK;
    bhd_value *items = bhd__calloc(count, sizeof *items);
    if (!items)
        return no_memory(copy, error);
    copy->of.items.data = items;
    for (size_t i = 0; i < count; i++) {
        bhd_status status = copy_value(&value->of.items.data[i], &items[i], depth, error);
        if (status != BHD_OK) {
            bhd_value_fini(copy);
            return status;
        }
        copy->of.items.count = i + 1;
    }
    return BHD_OK;
}

/* With `spare` bytes of 0 behind it. */
static const void *copy_bytes(const void *data, size_t count, size_t size, size_t spare)
{
    if (count > (SIZE_MAX - spare) / size)
        return NULL;
    unsigned char *bytes = bhd__malloc(count * size + spare);
    if (bytes && count > 0)
        memcpy(bytes, data, count * size);
    if (bytes && spare > 0)
        memset(bytes + count * size, 0, spare);
    return bytes;
}

static bhd_status copy_case(const bhd_value *value, bhd_value *copy, unsigned depth,
                            bhd_error *error)
{
    *copy = of_case(value->type, value->of.variant.index, NULL);
    if (!value->of.variant.payload)
        return BHD_OK;
    bhd_value *payload = bhd__malloc(sizeof *payload);
    if (!payload)
        return bhd__fail_no_memory(error);
    bhd_status status = copy_value(value->of.variant.payload, payload, depth, error);
    if (status != BHD_OK) {
        bhd__free(payload);
        return status;
    }
    copy->of.variant.payload = payload;
    return BHD_OK;
}

static bhd_status copy_value(const bhd_value *value, bhd_value *copy, unsigned depth,
                             bhd_error *error)
{
    *copy = bhd_value_bool(false);
    if ((unsigned)value->type > BHD_BORROW || depth > DEPTH_MAX)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         depth > DEPTH_MAX ? "a value that is nested deeper than %d"
                                           : "a value that has no type, or more than %d",
                         DEPTH_MAX);
    if (bhd__value_has_items(value))
        return copy_items(value, copy, depth + 1, error);
    if (bhd__value_has_case(value))
        return copy_case(value, copy, depth + 1, error);
    *copy = *value;
    if (value->type == BHD_STRING) {
        copy->of.string.data = copy_bytes(value->of.string.data, value->of.string.size, 1, 1);
        return copy->of.string.data ? BHD_OK : no_memory(copy, error);
    }
    if (value->type == BHD_LIST && value->of.list.count > 0) {
        copy->of.list.data = copy_bytes(value->of.list.data, value->of.list.count,
                                        bhd__type_plain_bytes(value->element), 0);
        return copy->of.list.data ? BHD_OK : no_memory(copy, error);
    }
    if (value->type == BHD_LIST)
        copy->of.list.data = NULL;
    if ((value->type == BHD_OWN || value->type == BHD_BORROW) && value->of.resource)
        bhd__resource_hold(value->of.resource);
    return BHD_OK;
}

bhd_status bhd_value_copy(const bhd_value *value, bhd_value *copy, bhd_error *error)
{
    if (!value || !copy)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_value_copy: value or copy is NULL");
    bhd_value fresh;
    bhd_status status = copy_value(value, &fresh, 0, error);
    if (status == BHD_OK)
        *copy = fresh;
    return status;
}
