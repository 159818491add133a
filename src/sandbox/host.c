/*
 * The process-wide part: options that make sense together, an engine, and a count of what lives.
 */
#include "sandbox/host.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/sized.h"
#include "engine/engine.h"
#include "engine/host/imports.h"
#include "grants/copies.h"
#include "grants/rules.h"
#include "sandbox/fork_guard.h"
#include "sandbox/life.h"

#include <inttypes.h>

#define STACK_BYTES_MIN (UINT64_C(64) << 10)
#define STACK_BYTES_MAX (UINT64_C(4) << 20)
#define COUNT_MAX 1000
#define WORKERS_MAX 1000
#define FUNCTIONS_MAX 1000000
#define COMPONENT_BYTES_MAX (UINT64_C(1) << 32)
#define COMPILATIONS_MAX 1000
#define COMPILE_SECONDS_MAX 86400
/* What the compiler has before it has read anything, and as much again. */
#define COMPILE_BYTES_MIN (UINT64_C(16) << 20)
#define COMPILE_BYTES_MAX (UINT64_C(1) << 40)

static bhd_status check_range(const char *option, uint64_t value, uint64_t minimum,
                              uint64_t maximum, bhd_error *error)
{
    if (value >= minimum && value <= maximum)
        return BHD_OK;
    (void)bhd__fail(error, BHD_INVALID_ARGUMENT,
                    "host option %s: %" PRIu64 " is outside the range %" PRIu64 " to %" PRIu64,
                    option, value, minimum, maximum);
    bhd__error_range(error, value, minimum, maximum);
    return BHD_INVALID_ARGUMENT;
}

static bhd_status check_grants(const bhd_grants *grants, bhd_error *error)
{
    bhd_error inner = BHD_ERROR_INIT;
    bhd_status status = bhd__grants_check(grants, &inner);
    if (status != BHD_OK)
        (void)bhd__fail(error, status, "host option grants: %s", inner.message);
    bhd_error_fini(&inner);
    return status;
}

static bhd_status check_options(const bhd_host_options *options, bhd_error *error)
{
    const struct {
        const char *name;
        uint64_t value, minimum, maximum;
    } ranges[] = {
        {"max_sandboxes", options->max_sandboxes, 1, UINT32_MAX},
        {"max_memories", options->max_memories, 1, COUNT_MAX},
        {"max_tables", options->max_tables, 1, COUNT_MAX},
        {"max_instances", options->max_instances, 1, COUNT_MAX},
        {"max_component_bytes", options->max_component_bytes, 1, COMPONENT_BYTES_MAX},
        {"max_functions", options->max_functions, 1, FUNCTIONS_MAX},
        {"max_function_bytes", options->max_function_bytes, 1, COMPONENT_BYTES_MAX},
        {"max_stack_bytes", options->max_stack_bytes, STACK_BYTES_MIN, STACK_BYTES_MAX},
        {"slot_keep_bytes", options->slot_keep_bytes, 0, BHD_POLICY_MAX_BYTES},
        {"slots_keep_bytes", options->slots_keep_bytes, 0, UINT64_MAX / 2},
        {"features", options->features, 0, BHD_FEATURE_GC},
        {"max_instance_bytes", options->max_instance_bytes, 1, BHD_POLICY_MAX_BYTES},
        {"worker_threads", options->worker_threads, 0, WORKERS_MAX},
        {"compile", options->compile, BHD_COMPILE_APART, BHD_COMPILE_HERE},
        {"max_compilations", options->max_compilations, 1, COMPILATIONS_MAX},
        {"max_compile_seconds", options->max_compile_seconds, 1, COMPILE_SECONDS_MAX},
        {"max_compile_bytes", options->max_compile_bytes, COMPILE_BYTES_MIN, COMPILE_BYTES_MAX},
        {"max_artifact_bytes", options->max_artifact_bytes, 1, COMPILE_BYTES_MAX},
        {"max_cache_bytes", options->max_cache_bytes, 1, UINT64_MAX / 2},
    };
    bhd_status status = bhd_policy_check(&options->policy, error);
    if (status == BHD_OK)
        status = check_grants(options->grants, error);
    for (size_t i = 0; status == BHD_OK && i < sizeof ranges / sizeof *ranges; i++)
        status = check_range(ranges[i].name, ranges[i].value, ranges[i].minimum, ranges[i].maximum,
                             error);
    return status;
}

/* What the program gave, or the defaults; `grants` is what they name. */
static bhd_status take_options(const bhd_host_options *given, bhd_host_options *options,
                               bhd_grants *grants, bhd_error *error)
{
    bhd_status status =
        bhd__sized_take(options, sizeof *options, given, BHD__THROUGH(bhd_host_options, imports),
                        "bhd_host_options", error);
    if (status == BHD_OK)
        status = bhd__sized_take(grants, sizeof *grants, options->grants,
                                 BHD__THROUGH(bhd_grants, standard_input), "bhd_grants", error);
    options->grants = grants;
    return status == BHD_OK ? check_options(options, error) : status;
}

bhd_status bhd_host_options_check(const bhd_host_options *options, bhd_error *error)
{
    bhd_host_options own = BHD_HOST_OPTIONS_INIT;
    bhd_grants grants = BHD_GRANTS_INIT;
    if (!options)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_host_options_check: options is NULL");
    return take_options(options, &own, &grants, error);
}

bhd_status bhd_host_new(const bhd_host_options *options, bhd_host **host, bhd_error *error)
{
    if (!host)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "bhd_host_new: host is NULL");
    bhd_host_options chosen = BHD_HOST_OPTIONS_INIT;
    bhd_grants grants = BHD_GRANTS_INIT;
    bhd_status status = bhd__fork_check(error);
    if (status == BHD_OK)
        status = take_options(options, &chosen, &grants, error);
    if (status == BHD_OK)
        status = bhd__fork_watch(error);
    if (status != BHD_OK)
        return status;
    bhd_host *h = bhd__calloc(1, sizeof *h);
    if (!h)
        return bhd__fail_no_memory(error);
    h->options = chosen;
    h->options.imports = bhd__imports_hold(chosen.imports);
    h->options.grants = &h->grants;
    status = bhd__grants_copy(&grants, &h->grants, &h->grants_block, error);
    if (status == BHD_OK)
        status = bhd__engine_new(&h->options, &h->engine, error);
    /* The program's; whoever needs them has copied them. */
    h->options.compiler_path = h->options.cache_directory = NULL;
    if (status != BHD_OK) {
        bhd_imports_free(h->options.imports);
        bhd__free(h->grants_block);
        bhd__free(h);
        return status;
    }
    atomic_init(&h->holds, 1);
    *host = h;
    return BHD_OK;
}

void bhd__host_hold(bhd_host *host)
{
    atomic_fetch_add_explicit(&host->holds, 1, memory_order_relaxed);
}

void bhd_host_free(bhd_host *host)
{
    if (!host || bhd__fork_is_child())
        return;
    bhd__engine_close(host->engine);
    bhd__host_release(host);
}

void bhd__host_release(bhd_host *host)
{
    if (!host || bhd__fork_is_child() ||
        atomic_fetch_sub_explicit(&host->holds, 1, memory_order_acq_rel) != 1)
        return;
    bhd__engine_free(host->engine);
    bhd__free(host->grants_block);
    bhd_imports_free(host->options.imports);
    bhd__free(host);
}

bhd_status bhd__host_enter(bhd_host *host, bhd_error *error)
{
    uint64_t most = host->options.max_sandboxes;
    uint64_t live = atomic_load_explicit(&host->live_sandboxes, memory_order_relaxed);
    do {
        if (live >= most) {
            atomic_fetch_add_explicit(&host->refused_capacity, 1, memory_order_relaxed);
            (void)bhd__fail(error, BHD_NO_CAPACITY,
                            "%" PRIu64 " sandboxes live, which is as many as this host allows "
                            "(max_sandboxes); try again when one has ended",
                            live);
            bhd__error_range(error, live + 1, 0, most);
            return BHD_NO_CAPACITY;
        }
    } while (!atomic_compare_exchange_weak_explicit(&host->live_sandboxes, &live, live + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return BHD_OK;
}

void bhd__host_leave(bhd_host *host)
{
    atomic_fetch_sub_explicit(&host->live_sandboxes, 1, memory_order_relaxed);
}

const bhd_policy *bhd_host_policy(const bhd_host *host)
{
    return &host->options.policy;
}

void bhd_host_get_stats(const bhd_host *host, bhd_host_stats *stats, size_t size)
{
    bhd__slots_stats slots = {0};
    if (!bhd__fork_is_child())
        bhd__engine_slots_stats(host->engine, &slots);
    bhd_host_stats now = {
        .live_sandboxes = atomic_load_explicit(&host->live_sandboxes, memory_order_relaxed),
        .max_sandboxes = host->options.max_sandboxes,
        .slots = slots.slots,
        .slots_in_use = slots.in_use,
        .slots_retired = slots.retired,
        .reserved_bytes = slots.reserved_bytes,
        .refused_capacity = atomic_load_explicit(&host->refused_capacity, memory_order_relaxed),
    };
    bhd__sized_give(stats, size, &now, sizeof now);
}
