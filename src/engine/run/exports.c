#include "engine/run/exports.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "engine/host/handles.h"
#include "engine/run/call.h"
#include "engine/run/component_exports.h"
#include "engine/run/core_exports.h"
#include "engine/run/wait.h"
#include "values/value_tree.h"

bhd_status bhd__instance_export(bhd__instance *instance, const char *name, bhd__export **exported,
                                bhd_error *error)
{
    bhd__export *e = bhd__calloc(1, sizeof *e);
    if (!e)
        return bhd__fail_no_memory(error);
    bhd_status status = instance->code->component ? bhd__component_export(instance, name, e, error)
                                                  : bhd__core_export(instance, name, e, error);
    if (status != BHD_OK) {
        bhd__export_free(e);
        return status;
    }
    *exported = e;
    return BHD_OK;
}

void bhd__export_free(bhd__export *exported)
{
    if (!exported)
        return;
    bhd_type_free(exported->own_parameter_types);
    bhd_type_free(exported->own_result_types);
    bhd__free(exported);
}

const bhd_type *bhd__export_parameters(const bhd__export *exported)
{
    return exported->parameter_types;
}

const bhd_type *bhd__export_results(const bhd__export *exported)
{
    return exported->result_types;
}

bhd_status bhd__instance_call(bhd__instance *instance, const bhd__export *exported,
                              const bhd_value *arguments, bhd_value *results, bhd_error *error)
{
    return instance->code->component
               ? bhd__component_call(instance, exported, arguments, results, error)
               : bhd__core_call(instance, exported, arguments, results, error);
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
