#include "engine/run/component_exports.h"

#include "base/fail.h"
#include "engine/code/functions.h"
#include "engine/host/handles.h"
#include "engine/run/call.h"
#include "engine/run/wait.h"

#include <string.h>

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
