/*
 * The public functions for components that were compiled before.
 */
#include "bulkhead/precompiled.h"

#include "base/fail.h"
#include "base/sized.h"
#include "compile/compiled_file.h"
#include "engine/precompile.h"
#include "engine/process/stack.h"
#include "sandbox/fork_guard.h"
#include "sandbox/host.h"
#include "sandbox/life.h"
#include "sandbox/starts.h"

#include <errno.h>

typedef struct precompilation {
    bhd_host *host;
    const void *binary;
    size_t size;
    const bhd_precompile_options *options;
    const char *path;
} precompilation;

static bhd_status precompile(void *env, bhd_error *error)
{
    const precompilation *p = env;
    const bhd__compile_client client = {p->options->compile_group,
                                        bhd__cancellation_flag(p->options->cancellation)};
    return bhd__engine_precompile(p->host->engine, p->options->with_fuel, p->binary, p->size,
                                  &client, p->path, error);
}

bhd_status bhd_precompile(bhd_host *host, const bhd_precompile_options *options, const void *binary,
                          size_t size, const char *path, bhd_error *error)
{
    if (!host || !binary || !path)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_precompile: host, binary or path is NULL");
    bhd_precompile_options own = BHD_PRECOMPILE_OPTIONS_INIT;
    bhd_status status = bhd__sized_take(&own, sizeof own, options,
                                        BHD__THROUGH(bhd_precompile_options, cancellation),
                                        "bhd_precompile_options", error);
    if (status == BHD_OK)
        status = bhd__fork_check(error);
    if (status != BHD_OK)
        return status;
    precompilation p = {host, binary, size, &own, path};
    /* Whoever frees the host meanwhile ends this, and the host when this has ended. */
    bhd__host_hold(host);
    status = bhd__stack_run_deep(precompile, &p, error);
    bhd__host_release(host);
    return status;
}

bool bhd_is_precompiled(const void *binary, size_t size)
{
    return binary && bhd__is_precompiled(binary, size);
}

bhd_status bhd_precompiled_check_file(int file, bhd_error *error)
{
    struct stat about;
    if (fstat(file, &about) != 0)
        return bhd__fail(error, BHD_FILE_UNREADABLE,
                         "precompiled component: it cannot be looked at: %s",
                         bhd__errno_text(errno));
    return bhd__precompiled_check_owner(&about, NULL, error);
}
