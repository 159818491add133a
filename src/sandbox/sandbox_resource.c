/*
 * Resources that the embedder holds of a sandbox, and gives to it.
 */
#include "bulkhead/resource.h"

#include "base/fail.h"
#include "sandbox/life.h"

bhd_status bhd_sandbox_drop(bhd_sandbox *sandbox, const bhd_value *value, bhd_error *error)
{
    if (!sandbox || !value)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_sandbox_drop: sandbox or value is NULL");
    bhd_status status = bhd__sandbox_check_alive(sandbox, error);
    if (status != BHD_OK)
        return status;
    status = bhd__instance_drop(sandbox->instance, value, error);
    return status == BHD_OK ? BHD_OK : bhd__sandbox_failed(sandbox, status, error);
}

bhd_status bhd_sandbox_resource(bhd_sandbox *sandbox, const char *interface, const char *name,
                                void *data, bhd_value *handle, bhd_error *error)
{
    if (!sandbox || !name || !handle)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_sandbox_resource: sandbox, name or handle is NULL");
    bhd_status status = bhd__sandbox_check_alive(sandbox, error);
    if (status != BHD_OK)
        return status;
    return bhd__instance_resource(sandbox->instance, interface ? interface : "", name, data, handle,
                                  error);
}

void *bhd_sandbox_data(bhd_sandbox *sandbox, const bhd_value *handle)
{
    if (!sandbox || !handle || bhd__fork_is_child())
        return NULL;
    return bhd__instance_data(sandbox->instance, handle);
}
