/*
 * Resources that the embedder holds of a sandbox, and gives to it.
 */
#include "bulkhead/resource.h"

#include "base/fail.h"
#include "engine/host/handles.h"
#include "engine/host/resources.h"
#include "engine/run/cancel.h"
#include "engine/run/exports.h"
#include "sandbox/oom_account.h"
#include "sandbox/use.h"

bhd_status bhd_sandbox_drop(bhd_sandbox *sandbox, const bhd_value *value, bhd_error *error)
{
    if (!sandbox || !value)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_sandbox_drop: sandbox or value is NULL");
    bhd_status status = bhd__sandbox_enter(sandbox, true, error);
    if (status != BHD_OK)
        return status;
    status = bhd__instance_drop(sandbox->instance, value, error);
    if (status != BHD_OK)
        status = bhd__sandbox_failed(sandbox, status, error);
    bhd__sandbox_leave(sandbox, true);
    return status;
}

bhd_status bhd_sandbox_resource(bhd_sandbox *sandbox, const char *interface, const char *name,
                                void *data, bhd_value *handle, bhd_error *error)
{
    if (!sandbox || !name || !handle)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_resource: sandbox, name or handle is NULL");
    bhd_status status = bhd__sandbox_enter(sandbox, false, error);
    if (status == BHD_BUSY)
        return bhd__fail(error, BHD_BUSY,
                         "a call into this sandbox is under way; a function of the host makes "
                         "resources with bhd_invocation_resource");
    if (status != BHD_OK)
        return status;
    status = bhd__instance_resource(sandbox->instance, interface ? interface : "", name, data,
                                    handle, error);
    bhd__sandbox_leave(sandbox, false);
    return status;
}

void *bhd_sandbox_data(bhd_sandbox *sandbox, const bhd_value *handle)
{
    if (!sandbox || !handle || bhd__fork_is_child())
        return NULL;
    bhd__entry entry = bhd__instance_enter(sandbox->instance, false);
    if (entry != BHD__ENTERED && entry != BHD__ENTERED_ENDED)
        return NULL;
    void *data = bhd__handles_data(sandbox->instance, handle);
    bhd__sandbox_leave(sandbox, false);
    return data;
}
