/*
 * Calls of a component's exports, and the end of what they gave by handle.
 */
#include "base/alloc.h"
#include "base/fail.h"
#include "engine/code/functions.h"
#include "engine/structs.h"
#include "values/value_tree.h"

#include <string.h>

/* What the engine's crate believes of our structs. */
static_assert(sizeof(bhd_value) == 24 && offsetof(bhd_value, element) == 4 &&
                  offsetof(bhd_value, of) == 8 && offsetof(bhd_value, of.string.size) == 16 &&
                  offsetof(bhd_value, of.variant.payload) == 16 && sizeof(bhd_value_type) == 4,
              "bhd_value is as rust/src/value.rs has it");
static_assert(sizeof(struct bhd_type) == 32 && offsetof(struct bhd_type, parts) == 8 &&
                  offsetof(struct bhd_type, name) == 16 &&
                  offsetof(struct bhd_type, resource) == 24 && sizeof(bhd__type_part) == 16,
              "bhd_type is as rust/src/value_type.rs has it");
static_assert(sizeof(struct bhd_resource) == 120 && offsetof(struct bhd_resource, any) == 16 &&
                  offsetof(struct bhd_resource, instance) == 80,
              "bhd_resource is as rust/src/value.rs has it");

void bhd__values_prepare(void)
{
    bhd_engine_set_heap(bhd__malloc, bhd_value_fini, bhd_type_free);
}

/* A resource type that the component's own type has no name for cannot be told from others. */
static bool has_nameless_resource(const bhd_type *type)
{
    if (type->type == BHD_OWN || type->type == BHD_BORROW)
        return type->resource == 0;
    for (uint32_t i = 0; i < type->count; i++)
        if (type->parts[i].type && has_nameless_resource(type->parts[i].type))
            return true;
    return false;
}

bhd_status bhd__component_export(bhd__instance *instance, const char *name, bhd__export *e,
                                 bhd_error *error)
{
    const bhd__function *function = NULL;
    bhd_status status = bhd__functions_find(&instance->code->functions, name, &function, error);
    if (status != BHD_OK)
        return status;
    if (has_nameless_resource(function->parameters) || has_nameless_resource(function->results))
        return bhd__fail(error, BHD_NOT_SUPPORTED,
                         "the function takes or gives a resource of an interface that is nested in "
                         "another one");
    e->takes_resources = bhd__type_has_resource(function->parameters);
    e->gives_resources = bhd__type_has_resource(function->results);
    const wasmtime_component_t *component = instance->code->component;
    wasmtime_component_export_index_t *outer = NULL, *inner;
    if (function->instance[0] != '\0')
        outer = wasmtime_component_get_export_index(component, NULL, function->instance,
                                                    strlen(function->instance));
    inner = wasmtime_component_get_export_index(component, outer, function->name,
                                                strlen(function->name));
    bool found = inner && wasmtime_component_instance_get_func(
                              &instance->of.component, instance->context, inner, &e->of.component);
    if (inner)
        wasmtime_component_export_index_delete(inner);
    if (outer)
        wasmtime_component_export_index_delete(outer);
    if (!found)
        return bhd__fail(error, BHD_INTERNAL, "an export that is there cannot be found");
    e->parameter_types = function->parameters;
    e->result_types = function->results;
    e->parameter_count = function->parameters->count;
    e->result_count = function->results->count;
    return BHD_OK;
}

void bhd__values_unpack(bhd_value *tuple, bhd_value *results)
{
    size_t count = tuple->of.items.count;
    if (count > 0)
        memcpy(results, tuple->of.items.data, count * sizeof *results);
    tuple->of.items.count = 0;
    bhd_value_fini(tuple);
}

bhd_status bhd__component_call(bhd__instance *instance, const bhd__export *e,
                               const bhd_value *arguments, bhd_value *results, bhd_error *error)
{
    wasmtime_error_t *failure = NULL;
    bhd_value tuple = bhd_value_bool(false);
    bool ended = true;
    bhd_status status = bhd__call_begin(instance, BHD__CALL_HERE, error);
    if (status != BHD_OK)
        return status;
    if (e->takes_resources) {
        status = bhd__handles_check_arguments(instance, arguments, e->parameter_count,
                                              e->parameter_types, error);
        if (status != BHD_OK) {
            bhd__call_undo(instance);
            return status;
        }
        bhd__handles_give(instance, arguments, e->parameter_count);
    }
    if (instance->on_fiber)
        ended = bhd__instance_wait(instance, bhd_engine_component_call_async(
                                                 &e->of.component, instance->context, arguments,
                                                 e->parameter_count, &tuple, &failure));
    else
        failure = bhd_engine_component_call(&e->of.component, instance->context, arguments,
                                            e->parameter_count, &tuple);
    if (ended && !failure && e->gives_resources)
        bhd__handles_take(instance, &tuple, e->result_types);
    status = bhd__call_end(instance, ended, failure, NULL, error);
    if (status == BHD_OK)
        bhd__values_unpack(&tuple, results);
    else
        bhd_value_fini(&tuple);
    return status;
}

bhd_status bhd__instance_drop(bhd__instance *instance, const bhd_value *value, bhd_error *error)
{
    wasmtime_error_t *failure = NULL;
    bool ended = true;
    bhd__owned owned = {NULL, 0};
    bhd_status status = bhd__call_begin(instance, BHD__CALL_HERE, error);
    if (status != BHD_OK)
        return status;
    status = bhd__handles_collect(instance, value, &owned, error);
    if (status != BHD_OK) {
        bhd__call_undo(instance);
        return status;
    }
    bhd__owned_give(&owned);
    if (owned.count > 0 && instance->on_fiber)
        ended = bhd__instance_wait(
            instance,
            bhd_engine_resources_drop_async(owned.list, owned.count, instance->context, &failure));
    else if (owned.count > 0)
        failure = bhd_engine_resources_drop(owned.list, owned.count, instance->context);
    bhd__handles_settle(instance, value);
    bhd__owned_fini(&owned);
    return bhd__call_end(instance, ended, failure, NULL, error);
}

static bool fits_module(const bhd__export *e, const bhd_value *arguments)
{
    for (size_t i = 0; i < e->parameter_count; i++)
        if (arguments[i].type != e->parameters[i])
            return false;
    return true;
}

bhd_status bhd__export_check(const bhd__export *e, const bhd_value *arguments,
                             size_t argument_count, bhd_error *error)
{
    if (argument_count != e->parameter_count)
        return bhd__fail(error, BHD_SIGNATURE_MISMATCH,
                         "the function takes %zu arguments, %zu were given", e->parameter_count,
                         argument_count);
    if (argument_count > 0 && !arguments)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "arguments is NULL");
    /* Numbers are all that a core function takes, and its calls are cheap. */
    if (e->own_parameter_types && fits_module(e, arguments))
        return BHD_OK;
    return bhd__values_check(arguments, argument_count, e->parameter_types, "parameter", NULL,
                             error);
}
