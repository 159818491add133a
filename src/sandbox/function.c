/*
 * The functions of a sandbox; see the header.
 */
#include "sandbox/function.h"

#include "base/alloc.h"
#include "engine/run/exports.h"
#include "engine/run/wave.h"
#include "sandbox/use.h"

#include <string.h>

static bhd_function *known_function(const bhd_sandbox *sandbox, const char *name)
{
    for (bhd_function *f = sandbox->functions; f; f = f->next)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

static bhd_status find_function(bhd_sandbox *sandbox, const char *name, bhd_function **function,
                                bhd_error *error)
{
    bhd_function *f = known_function(sandbox, name);
    if (f) {
        *function = f;
        return BHD_OK;
    }
    f = bhd__calloc(1, sizeof *f);
    if (!f)
        return bhd__fail_no_memory(error);
    f->sandbox = sandbox;
    f->name = bhd__strdup(name);
    bhd_status status = f->name ? bhd__instance_export(sandbox->instance, name, &f->exported, error)
                                : bhd__fail_no_memory(error);
    if (status != BHD_OK) {
        bhd__free(f->name);
        bhd__free(f);
        return status;
    }
    f->next = sandbox->functions;
    sandbox->functions = f;
    *function = f;
    return BHD_OK;
}

bhd_status bhd_sandbox_function(bhd_sandbox *sandbox, const char *name, bhd_function **function,
                                bhd_error *error)
{
    if (!sandbox || !name || !function)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_function: sandbox, name or function is NULL");
    bhd_status status = bhd__sandbox_enter(sandbox, false, error);
    if (status != BHD_OK)
        return status;
    status = find_function(sandbox, name, function, error);
    bhd__sandbox_leave(sandbox, false);
    return status;
}

const bhd_type *bhd_function_parameters(const bhd_function *function)
{
    return bhd__export_parameters(function->exported);
}

const bhd_type *bhd_function_results(const bhd_function *function)
{
    return bhd__export_results(function->exported);
}

bhd_status bhd_function_arguments(const bhd_function *function, const char *text,
                                  bhd_value *arguments, bhd_error *error)
{
    if (!function || !text || !arguments)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_function_arguments: function, text or arguments is NULL");
    bhd_value fresh;
    bhd_status status = bhd__export_arguments(function->exported, text, &fresh, error);
    if (status == BHD_OK)
        *arguments = fresh;
    return status;
}
