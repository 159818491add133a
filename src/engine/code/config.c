#include "engine/code/config.h"

#include "base/fail.h"

#include <string.h>

/* Proposals that guests may use: finished in WebAssembly 3.0 and covered by the limits. Everything
 * that is not named is off, whatever a later engine may have on by default. Off on purpose: threads
 * and shared memory (shared memories skip the limiter), memory64 and custom page sizes (sizes that
 * the accounting of slots does not expect), stack switching, relaxed SIMD (results differ between
 * machines), wide arithmetic, legacy exceptions, and the component model's own async. */
static const char *const always_on[] = {
    "MUTABLE_GLOBAL",
    "SATURATING_FLOAT_TO_INT",
    "SIGN_EXTENSION",
    "MULTI_VALUE",
    "BULK_MEMORY",
    "BULK_MEMORY_OPT",
    "FLOATS",
    "SIMD",
    "TAIL_CALL",
    "MULTI_MEMORY",
    "EXTENDED_CONST",
    "REFERENCE_TYPES",
    "CALL_INDIRECT_OVERLONG",
    "EXCEPTIONS",
    "COMPONENT_MODEL",
    /* Not a proposal but the engine's name for "references may exist": tables of references and
     * exceptions need it. Their heap goes through the limiter. */
    "GC_TYPES",
};

/* Only when the host's options ask: garbage collection. Its heap goes through the limiter. */
static const char *const with_gc[] = {"FUNCTION_REFERENCES", "GC"};

static bhd_status enable(wasm_config_t *config, const char *const *names, size_t count,
                         bhd_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (!bhd_engine_config_feature(config, names[i], strlen(names[i])))
            return bhd__fail(error, BHD_INTERNAL, "the engine knows no proposal named %s",
                             names[i]);
    return BHD_OK;
}

static void set_code(wasm_config_t *config, const bhd_host_options *options, bool metered)
{
    /* One compiler, the one whose output is fuzzed most; Winch has had escapes of its own. */
    wasmtime_config_strategy_set(config, WASMTIME_STRATEGY_CRANELIFT);
    wasmtime_config_cranelift_opt_level_set(config, WASMTIME_OPT_LEVEL_SPEED);
    wasmtime_config_cranelift_regalloc_algorithm_set(config, WASMTIME_REGALLOC_BACKTRACKING);
    wasmtime_config_cranelift_debug_verifier_set(config, false);
    /* The same input gives the same bits on every machine only with canonical NaNs, which cost up
     * to a few percent in floating point; nothing here promises that. */
    wasmtime_config_cranelift_nan_canonicalization_set(config, false);
    wasmtime_config_parallel_compilation_set(config, true);
    wasmtime_config_debug_info_set(config, false);
    wasmtime_config_profiler_set(config, WASMTIME_PROFILING_STRATEGY_NONE);
    wasmtime_config_native_unwind_info_set(config, true);
    /* Deadlines come from epochs, always; fuel costs more, so only when asked. */
    wasmtime_config_epoch_interruption_set(config, true);
    wasmtime_config_consume_fuel_set(config, metered);
    wasmtime_config_max_wasm_stack_set(config, options->max_stack_bytes);
    wasmtime_config_async_stack_size_set(config, options->max_stack_bytes + BHD__HOST_STACK_BYTES);
    /* Faults of guest code become traps: no explicit checks where the guard regions suffice. */
    wasmtime_config_signals_based_traps_set(config, true);
}

static void set_memory(wasm_config_t *config)
{
    /* A 32-bit address cannot leave the reservation, and what an offset adds is caught by the
     * guard; memories never move. */
    wasmtime_config_memory_reservation_set(config, BHD__RESERVATION_BYTES);
    wasmtime_config_memory_guard_size_set(config, BHD__GUARD_BYTES);
    wasmtime_config_memory_reservation_for_growth_set(config, 0);
    wasmtime_config_memory_may_move_set(config, false);
    /* Copy-on-write images and a memory creator together abort the process (Wasmtime 10740). */
    wasmtime_config_memory_init_cow_set(config, false);
    wasmtime_config_shared_memory_set(config, false);

    bhd_engine_config_t settings = {
        /* Enough to see who asked for memory, little enough to cost nothing. */
        .backtrace_max_frames = BHD__FRAMES_MAX,
        /* The heap begins when the first object is made, with one page that counts. */
        .gc_heap_initial_bytes = BHD__HEAP_INITIAL_BYTES,
        /* Images are off; no module may make the engine build a dense one. */
        .memory_guaranteed_dense_image_bytes = 0,
        /* The slots guard both sides themselves; this covers memories that are not ours, of which
         * there are none. */
        .guard_before_linear_memory = true,
        /* Needed for the function and offset of a frame. */
        .generate_address_map = true,
        /* Instantiation does not pay for function tables that are never called through. */
        .table_lazy_init = true,
        /* Guests cannot address their stack. */
        .async_stack_zeroing = false,
    };
    bhd_engine_config_set(config, &settings);
}

bhd_status bhd__engine_config(const bhd_host_options *options, bool metered,
                              wasmtime_memory_creator_t *memories, wasmtime_stack_creator_t *stacks,
                              wasm_config_t **config, bhd_error *error)
{
    wasm_config_t *c = wasm_config_new();
    bhd_engine_config_features_none(c);
    bhd_status status = enable(c, always_on, sizeof always_on / sizeof *always_on, error);
    if (status == BHD_OK && (options->features & BHD_FEATURE_GC))
        status = enable(c, with_gc, sizeof with_gc / sizeof *with_gc, error);
    if (status != BHD_OK) {
        wasm_config_delete(c);
        return status;
    }
    /* Guests' own concurrency stays off; the host's asynchronous calls do not need it. */
    wasmtime_config_concurrency_support_set(c, false);
    wasmtime_config_gc_support_set(c, true);
    set_code(c, options, metered);
    set_memory(c);
    if (memories)
        wasmtime_config_host_memory_creator_set(c, memories);
    if (stacks)
        wasmtime_config_host_stack_creator_set(c, stacks);
    *config = c;
    return BHD_OK;
}

bool bhd__config_valid(const uint8_t *binary, size_t size, bool gc)
{
    enum { ALWAYS = sizeof always_on / sizeof *always_on, GC = sizeof with_gc / sizeof *with_gc };
    const char *names[ALWAYS + GC];
    memcpy(names, always_on, sizeof always_on);
    memcpy(names + ALWAYS, with_gc, sizeof with_gc);
    return bhd_engine_valid_with(names, gc ? ALWAYS + GC : ALWAYS, binary, size);
}
