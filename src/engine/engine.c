/*
 * One host's engines, made when first needed.
 */
#include "engine/engine.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/fail.h"
#include "bulkhead/version.h"
#include "engine/code/build.h"
#include "engine/code/config.h"
#include "engine/code/failure.h"
#include "engine/code/values.h"
#include "engine/process/signals.h"
#include "engine/run/clock.h"
#include "engine/run/memory.h"
#include "engine/run/permit.h"
#include "engine/run/submit.h"
#include "engine/structs.h"
#include "memory/address_space.h"

#include <string.h>

/* Free stacks that stay mapped; each costs the pages that its guests have touched. */
#define STACKS_KEPT 64

const char *bhd_version(void)
{
    return BHD_LIBRARY_VERSION;
}

const char *bhd_engine_version(void)
{
    return "Wasmtime " WASMTIME_VERSION;
}

static void variant_free(bhd__variant *variant)
{
    if (!variant)
        return;
    if (variant->component_linker)
        wasmtime_component_linker_delete(variant->component_linker);
    if (variant->module_linker)
        wasmtime_linker_delete(variant->module_linker);
    if (variant->engine)
        wasm_engine_delete(variant->engine);
    bhd__free(variant);
}

static bhd_status variant_link(bhd__variant *variant, bhd_error *error)
{
    variant->module_linker = wasmtime_linker_new(variant->engine);
    wasmtime_error_t *failure = bhd_engine_linker_define_wasi_async(variant->module_linker);
    if (!failure)
        failure = bhd_engine_linker_define_permits(variant->module_linker, bhd__permits());
    if (failure)
        return bhd__failure_message(BHD_INTERNAL, "WASI preview 1", failure, error);
    variant->component_linker = wasmtime_component_linker_new(variant->engine);
    failure = wasmtime_component_linker_add_wasip2_async(variant->component_linker);
    if (!failure)
        failure =
            bhd_engine_component_linker_define_permits(variant->component_linker, bhd__permits());
    if (failure)
        return bhd__failure_message(BHD_INTERNAL, "WASI 0.2", failure, error);
    return BHD_OK;
}

static bhd_status variant_new(bhd__engine *engine, bool metered, bhd__variant **variant,
                              bhd_error *error)
{
    wasmtime_memory_creator_t memories;
    wasmtime_stack_creator_t stacks;
    bhd__engine_creators(engine, &memories, &stacks);
    wasm_config_t *config;
    bhd_status status =
        bhd__engine_config(&engine->options, metered, &memories, &stacks, &config, error);
    if (status != BHD_OK)
        return status;
    bhd__variant *v = bhd__calloc(1, sizeof *v);
    if (!v) {
        wasm_config_delete(config);
        return bhd__fail_no_memory(error);
    }
    wasmtime_error_t *failure = bhd_engine_new(config, &v->engine);
    if (failure)
        status = bhd__failure_message(BHD_INTERNAL, "the engine cannot start", failure, error);
    else
        status = variant_link(v, error);
    if (status != BHD_OK) {
        variant_free(v);
        return status;
    }
    bhd__signals_remember();
    *variant = v;
    return BHD_OK;
}

bhd_status bhd__engine_variant(bhd__engine *engine, bool metered, bhd__variant **variant,
                               bhd_error *error)
{
    bhd_status status = BHD_OK;
    pthread_mutex_lock(&engine->variants_lock);
    bhd__variant *v = atomic_load_explicit(&engine->variants[metered], memory_order_relaxed);
    if (!v) {
        status = variant_new(engine, metered, &v, error);
        if (status == BHD_OK)
            atomic_store_explicit(&engine->variants[metered], v, memory_order_release);
    }
    pthread_mutex_unlock(&engine->variants_lock);
    if (status == BHD_OK)
        *variant = v;
    return status;
}

/* One slot for each sandbox has to fit the address space, or max_sandboxes is an error. Sandboxes
 * may have more memories than one: as many slots as could be asked for, or as many as fit. Slots
 * are mapped when they are needed, and when they end, that is "no capacity". */
static uint64_t slots_wanted(const bhd_host_options *options)
{
    bhd__address_space space;
    bhd__address_space_get(&space);
    uint64_t free = bhd__sub_floor_u64(space.limit, space.used);
    uint64_t fit = (free < space.usable ? free : space.usable) /
                   (BHD__RESERVATION_BYTES + 2 * BHD__GUARD_BYTES);
    uint64_t all = (uint64_t)options->max_sandboxes * options->max_memories;
    uint64_t most = all < fit ? all : fit;
    return most > options->max_sandboxes ? most : options->max_sandboxes;
}

/* The room below speaks of slots; who called set max_sandboxes. */
static void name_option(bhd_error *error)
{
    if (!error || !error->has_range)
        return;
    bhd_error inner = *error;
    *error = (bhd_error)BHD_ERROR_INIT;
    const char *colon = strstr(inner.message, ": ");
    (void)bhd__fail(error, inner.code, "host option max_sandboxes: %s",
                    colon ? colon + 2 : inner.message);
    bhd__error_range(error, inner.value, inner.range_minimum, inner.range_maximum);
    bhd_error_fini(&inner);
}

static bhd_status pools_new(bhd__engine *engine, bhd_error *error)
{
    uint64_t least = engine->options.max_sandboxes;
    bhd__slots_options options = {
        .mode = BHD__SLOTS_GUARD,
        .reservation_bytes = BHD__RESERVATION_BYTES,
        .guard_bytes = BHD__GUARD_BYTES,
        .max_slots = slots_wanted(&engine->options),
        .keep_bytes = engine->options.slot_keep_bytes,
        .keep_all_bytes = engine->options.slots_keep_bytes,
    };
    bhd_status status = bhd__slots_new(&options, &engine->slots, error);
    if (status == BHD_INVALID_ARGUMENT && options.max_slots > least) {
        /* Somebody has mapped something in between. */
        options.max_slots = least;
        status = bhd__slots_new(&options, &engine->slots, error);
    }
    if (status == BHD_INVALID_ARGUMENT)
        name_option(error);
    if (status != BHD_OK)
        return status;
    return bhd__stacks_new(engine->options.max_stack_bytes + BHD__HOST_STACK_BYTES, STACKS_KEPT,
                           &engine->stacks, error);
}

static bhd_status compiler_new(bhd__engine *engine, bhd_error *error)
{
    const bhd_host_options *host = &engine->options;
    bhd__compiler_options options = {
        .path = host->compiler_path,
        .build = bhd__engine_build(),
        .max_seconds = host->max_compile_seconds,
        .max_bytes = host->max_compile_bytes,
        .max_output_bytes = host->max_artifact_bytes,
        .max_at_once = host->max_compilations,
    };
    bhd_status status = BHD_OK;
    if (host->compile == BHD_COMPILE_APART)
        status = bhd__compiler_new(&options, &engine->compiler, error);
    if (status == BHD_OK && host->compile == BHD_COMPILE_APART && host->cache_directory)
        status =
            bhd__cache_new(host->cache_directory, host->max_cache_bytes, &engine->cache, error);
    /* The program's, and copied by now. */
    engine->options.compiler_path = engine->options.cache_directory = NULL;
    return status;
}

bhd_status bhd__engine_new(const bhd_host_options *options, bhd__engine **engine, bhd_error *error)
{
    bhd__engine *e = bhd__calloc(1, sizeof *e);
    if (!e)
        return bhd__fail_no_memory(error);
    e->options = *options;
    bhd__values_prepare();
    bhd_engine_files_floor(bhd__descriptor_floor());
    bhd_status status = bhd__clock_init(&e->clock, error);
    if (status != BHD_OK) {
        bhd__free(e);
        return status;
    }
    if (pthread_mutex_init(&e->variants_lock, NULL) != 0) {
        bhd__clock_fini(&e->clock);
        bhd__free(e);
        return bhd__fail_no_memory(error);
    }
    for (int fd = 0; fd < 3; fd++)
        bhd__standard_init(&e->standard[fd], fd, NULL);
    status = bhd__submissions_init(e, error);
    if (status == BHD_OK)
        status = pools_new(e, error);
    if (status == BHD_OK)
        status = compiler_new(e, error);
    bhd__variant *variant;
    if (status == BHD_OK)
        status = bhd__engine_variant(e, false, &variant, error);
    if (status != BHD_OK) {
        bhd__engine_free(e);
        return status;
    }
    *engine = e;
    return BHD_OK;
}

void bhd__engine_free(bhd__engine *engine)
{
    if (!engine)
        return;
    bhd__clock_fini(&engine->clock);
    bhd__scheduler_free(engine->scheduler);
    for (int metered = 0; metered < 2; metered++)
        variant_free(atomic_load_explicit(&engine->variants[metered], memory_order_acquire));
    bhd__stacks_free(engine->stacks);
    bhd__slots_free(engine->slots);
    pthread_mutex_destroy(&engine->variants_lock);
    for (int fd = 0; fd < 3; fd++)
        bhd__standard_fini(&engine->standard[fd]);
    bhd__cache_free(engine->cache);
    bhd__compiler_free(engine->compiler);
    bhd__free(engine);
}

void bhd__engine_slots_stats(const bhd__engine *engine, bhd__slots_stats *stats)
{
    bhd__slots_get_stats(engine->slots, stats);
}

void bhd__engine_close(bhd__engine *engine)
{
    if (engine->compiler)
        bhd__compiler_close(engine->compiler);
}
