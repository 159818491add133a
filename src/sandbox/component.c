/*
 * A component: code, limits and a name, held by its sandboxes.
 */
#include "sandbox/component.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/identity.h"
#include "base/sized.h"
#include "base/text.h"
#include "compile/compiled_file.h"
#include "engine/load.h"
#include "engine/process/stack.h"
#include "sandbox/fork_guard.h"
#include "sandbox/host.h"
#include "sandbox/inspection.h"
#include "sandbox/life.h"
#include "sandbox/starts.h"

#include <string.h>

/* What a precompiled component has beside its code: the description, the trailer. */
#define BESIDE_CODE_BYTES UINT64_C(65536)

static bhd_status check_options(const bhd_host *host, const bhd_component_options *options,
                                bhd_error *error)
{
    const char *why = bhd__name_problem(options->name ? options->name : "");
    if (why)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "the component's name %s", why);
    if (options->version && strlen(options->version) >= BHD_VERSION_SIZE)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "the component's version is longer than %d characters",
                         BHD_VERSION_SIZE - 1);
    return bhd_limits_check(&options->limits, &host->options.policy, error);
}

typedef struct compilation {
    bhd_host *host;
    bhd_component *component;
    const bhd_capabilities *asked;
    bhd__providers providers;
    const void *binary;
    size_t size;
    bhd__compile_client client;
    bhd_inspection *inspection;
} compilation;

static bhd_status compile(void *env, bhd_error *error)
{
    compilation *c = env;
    bhd_status status =
        bhd__granted_init(&c->component->granted, c->asked, &c->host->grants, error);
    if (status == BHD_OK)
        status = bhd__code_new(c->host->engine, &c->component->limits, &c->providers, c->binary,
                               c->size, &c->client, c->inspection, &c->component->code, error);
    return status;
}

/* What WASI preview 1 has no calls for cannot be given to a core module. */
static bhd_status check_kind(const bhd_component *component, bhd_error *error)
{
    if (component->granted.capabilities.endpoint_count > 0 &&
        bhd__code_kind(component->code) == BHD_KIND_MODULE)
        return bhd__fail(error, BHD_NOT_SUPPORTED,
                         "capabilities.network: a core module has no way to open a connection, "
                         "because WASI preview 1 has none; make it a component of the component "
                         "model, or leave the key out");
    return BHD_OK;
}

bhd_status bhd_component_new(bhd_host *host, const bhd_component_options *options,
                             const void *binary, size_t size, bhd_component **component,
                             bhd_error *error)
{
    if (!host || !options || !binary || !component)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_component_new: host, options, binary or component is NULL");
    bhd_component_options own = BHD_COMPONENT_OPTIONS_INIT;
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    bhd_status status = bhd__fork_check(error);
    if (status == BHD_OK)
        status =
            bhd__sized_take(&own, sizeof own, options, BHD__THROUGH(bhd_component_options, imports),
                            "bhd_component_options", error);
    if (status == BHD_OK)
        status = bhd__sized_take(&asked, sizeof asked, own.capabilities,
                                 BHD__THROUGH(bhd_capabilities, max_connections),
                                 "bhd_capabilities", error);
    if (status == BHD_OK)
        status = bhd__inspection_check(own.inspection, error);
    if (status == BHD_OK)
        status = check_options(host, &own, error);
    if (status != BHD_OK)
        return status;
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_component *c = bhd__calloc(1, sizeof *c);
    if (!c)
        return bhd__fail_no_memory(error);
    c->limits = own.limits;
    (void)bhd__text_show(c->name, sizeof c->name, own.name, sizeof c->name);
    (void)bhd__text_show(c->version, sizeof c->version, own.version ? own.version : "0.0.0",
                         sizeof c->version);
    compilation work = {
        .host = host,
        .component = c,
        .asked = &asked,
        .providers = {{own.imports, host->options.imports}},
        .binary = binary,
        .size = size,
        .client = {own.compile_group, bhd__cancellation_flag(own.cancellation)},
        .inspection = own.inspection ? &inspection : NULL,
    };
    /* Whoever frees the host meanwhile ends this, and the host when this has ended. */
    bhd__host_hold(host);
    status = bhd__stack_run_deep(compile, &work, error);
    if (status == BHD_OK)
        status = check_kind(c, error);
    if (status != BHD_OK) {
        bhd_inspection_fini(&inspection);
        bhd__code_free(c->code);
        bhd__granted_fini(&c->granted);
        bhd__free(c);
        bhd__host_release(host);
        return status;
    }
    bhd__inspection_give(own.inspection, &inspection);
    c->host = host;
    atomic_init(&c->holds, 1);
    *component = c;
    return BHD_OK;
}

/* The most that is read: of a precompiled one the code, and a little beside it. */
static uint64_t most_bytes(const bhd_host_options *options)
{
    uint64_t most = options->max_component_bytes;
    if (options->allow_precompiled && options->max_artifact_bytes + BESIDE_CODE_BYTES > most)
        most = options->max_artifact_bytes + BESIDE_CODE_BYTES;
    return most;
}

bhd_status bhd_component_load_file(bhd_host *host, const char *path,
                                   const bhd_component_options *options, bhd_component **component,
                                   bhd_error *error)
{
    if (!host || !path)
        return bhd__fail(error, BHD_INVALID_ARGUMENT,
                         "bhd_component_load_file: host or path is NULL");
    bhd__file file;
    bhd_status status = bhd__file_read(path, "component", most_bytes(&host->options), &file, error);
    if (status != BHD_OK)
        return status;
    if (host->options.allow_precompiled && bhd__is_precompiled(file.data, file.size))
        status = bhd__precompiled_check_owner(&file.about, path, error);
    if (status == BHD_OK)
        status = bhd_component_new(host, options, file.data, file.size, component, error);
    bhd__free(file.data);
    return status;
}

bhd_status bhd_component_load(bhd_host *host, const bhd_manifest *manifest,
                              bhd_component **component, bhd_error *error)
{
    if (!manifest)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_component_load: manifest is NULL");
    bhd_component_options options = {
        .size = sizeof options,
        .name = bhd_manifest_name(manifest),
        .version = bhd_manifest_version(manifest),
        .limits = *bhd_manifest_limits(manifest),
        .capabilities = bhd_manifest_capabilities(manifest),
    };
    return bhd_component_load_file(host, bhd_manifest_source(manifest), &options, component, error);
}

void bhd__component_hold(bhd_component *component)
{
    atomic_fetch_add_explicit(&component->holds, 1, memory_order_relaxed);
}

void bhd_component_free(bhd_component *component)
{
    if (!component || bhd__fork_is_child() ||
        atomic_fetch_sub_explicit(&component->holds, 1, memory_order_acq_rel) != 1)
        return;
    bhd__code_free(component->code);
    bhd__granted_fini(&component->granted);
    bhd__host_release(component->host);
    bhd__free(component);
}

const char *bhd_component_name(const bhd_component *component)
{
    return component->name;
}

const char *bhd_component_version(const bhd_component *component)
{
    return component->version;
}

bhd_component_kind bhd_component_get_kind(const bhd_component *component)
{
    return bhd__code_kind(component->code);
}

const bhd_limits *bhd_component_limits(const bhd_component *component)
{
    return &component->limits;
}

const bhd_capabilities *bhd_component_capabilities(const bhd_component *component)
{
    return &component->granted.capabilities;
}
