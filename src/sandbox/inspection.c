#include "sandbox/inspection.h"

#include "base/fail.h"
#include "base/sized.h"
#include "engine/inspect.h"
#include "engine/process/stack.h"
#include "sandbox/fork_guard.h"
#include "sandbox/host.h"
#include "sandbox/life.h"
#include "sandbox/starts.h"

bhd_status bhd__inspection_check(const bhd_inspection *inspection, bhd_error *error)
{
    return inspection ? bhd__sized_check(inspection, BHD__THROUGH(bhd_inspection, wit),
                                         "bhd_inspection", error)
                      : BHD_OK;
}

/* What the caller says in it, as far as its header knows that. */
static bhd_cancellation *cancellation_of(const bhd_inspection *inspection)
{
    return inspection->size >= BHD__THROUGH(bhd_inspection, cancellation) ? inspection->cancellation
                                                                          : NULL;
}

static uint64_t group_of(const bhd_inspection *inspection)
{
    return inspection->size >= BHD__THROUGH(bhd_inspection, compile_group)
               ? inspection->compile_group
               : 0;
}

void bhd__inspection_give(bhd_inspection *inspection, bhd_inspection *fresh)
{
    if (!inspection)
        return;
    fresh->cancellation = cancellation_of(inspection);
    fresh->compile_group = group_of(inspection);
    bhd_inspection_fini(inspection);
    fresh->size = inspection->size;
    bhd__sized_give(inspection, inspection->size, fresh, sizeof *fresh);
}

typedef struct inspecting {
    bhd_host *host;
    const void *binary;
    size_t size;
    bhd__compile_client client;
    bhd_inspection *inspection;
} inspecting;

static bhd_status inspect(void *env, bhd_error *error)
{
    const inspecting *i = env;
    return bhd__engine_inspect(i->host->engine, i->binary, i->size, &i->client, i->inspection,
                               error);
}

bhd_status bhd_inspect(bhd_host *host, const void *binary, size_t size, bhd_inspection *inspection,
                       bhd_error *error)
{
    if (!host || !binary || !inspection)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_inspect: host, binary or inspection is NULL");
    bhd_status status = bhd__inspection_check(inspection, error);
    if (status == BHD_OK)
        status = bhd__fork_check(error);
    if (status != BHD_OK)
        return status;
    bhd_inspection fresh = BHD_INSPECTION_INIT;
    inspecting work = {
        .host = host,
        .binary = binary,
        .size = size,
        .client = {group_of(inspection), bhd__cancellation_flag(cancellation_of(inspection))},
        .inspection = &fresh,
    };
    bhd__host_hold(host);
    status = bhd__stack_run_deep(inspect, &work, error);
    bhd__host_release(host);
    if (status == BHD_OK)
        bhd__inspection_give(inspection, &fresh);
    else
        bhd_inspection_fini(&fresh);
    return status;
}
