/*
 * From the engine's errors and traps to ours: what kind of end it was, its text, the guest's stack.
 */
#include "engine/run/fault.h"

#include "base/fail.h"
#include "base/text.h"
#include "engine/code/config.h"
#include "engine/code/description.h"
#include "engine/code/failure.h"
#include "engine/host/deadline.h"
#include "engine/host/stops.h"
#include "engine/run/denied.h"

#include <string.h>

#define NAME_MAX_BYTES 256

static void escaped_name(const char *name, size_t size, char *out, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, out, capacity);
    bhd__text_add_escaped(&text, name, size, NAME_MAX_BYTES);
    bhd__text_ellipsis(&text);
}

static void demangled_name(bhd_engine_str_t name, char *out, size_t capacity)
{
    /* One more than is shown, so that what is cut is seen to be. */
    char plain[NAME_MAX_BYTES + 1];
    size_t size = bhd_engine_demangle(name.data, name.size, plain, sizeof plain);
    escaped_name(plain, size, out, capacity);
}

static void add_line(bhd_error *error, const bhd_engine_line_t *line)
{
    char path[NAME_MAX_BYTES * 4];
    bhd__text text;
    if (!line->file.data)
        return;
    bhd__text_init(&text, path, sizeof path);
    bool is_relative = line->file.size > 0 && line->file.data[0] != '/';
    if (is_relative && line->directory.size > 0) {
        bhd__text_add_escaped(&text, line->directory.data, line->directory.size,
                              NAME_MAX_BYTES / 2);
        bhd__text_add(&text, "/");
    }
    bhd__text_add_escaped(&text, line->file.data, line->file.size, NAME_MAX_BYTES / 2);
    bhd__text_ellipsis(&text);
    bhd__error_frame_line(error, path, line->line);
}

static void add_frames(const bhd__instance *instance, const void *either, bhd_error *error)
{
    bhd_engine_frame_t frames[BHD__FRAMES_MAX];
    bhd_engine_line_t lines[BHD__FRAMES_MAX] = {0};
    size_t offsets[BHD__FRAMES_MAX], count = 0;
    const bhd__code *code = instance->code;
    while (count < BHD__FRAMES_MAX && bhd_engine_error_frame(either, count, &frames[count])) {
        bhd_engine_frame_t *frame = &frames[count];
        if (frame->module_offset != SIZE_MAX)
            frame->module_offset =
                bhd__place_as_read(code->moves, code->move_count, frame->module_offset);
        offsets[count] = frame->module_offset;
        count++;
    }
    bool is_unreachable =
        bhd_engine_error_trap_code(either) == WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED;
    if (count > 0 && code->lines)
        bhd_engine_lines_find(code->lines, offsets, count, is_unreachable, lines);
    for (size_t i = 0; i < count; i++) {
        char function[NAME_MAX_BYTES * 4], module[NAME_MAX_BYTES * 4];
        const bhd_engine_frame_t *frame = &frames[i];
        if (frame->function.data)
            demangled_name(frame->function, function, sizeof function);
        if (frame->module.data)
            escaped_name(frame->module.data, frame->module.size, module, sizeof module);
        if (bhd__error_frame(error, frame->function.data ? function : NULL,
                             frame->module.data ? module : NULL, frame->function_index,
                             frame->module_offset))
            add_line(error, &lines[i]);
    }
}

/* The engine grows the GC heap as it grows a linear memory and does not say which it is. A heap
 * that is as large as the memory that wanted to grow was that memory; a linear memory of just the
 * same size in the same store is the one case that this cannot tell apart. */
static void name_refused_memory(bhd__instance *instance, bool has_frames)
{
    bhd__refusal *refusal = &instance->limiter.refusal;
    /* Only what was refused before any guest code ran had yet to begin, and was the end by itself;
     * an empty memory that grows in a start function looks the same when it asks. */
    if (!has_frames)
        refusal->was_the_end = true;
    else if (refusal->kind == BHD_MEMORY_INITIAL)
        refusal->kind = BHD_MEMORY_LINEAR;
    if (refusal->happened && refusal->kind == BHD_MEMORY_LINEAR && refusal->current > 0 &&
        refusal->current == bhd_engine_gc_heap_bytes(instance->store))
        refusal->kind = BHD_MEMORY_GC_HEAP;
}

/* An object that no heap could hold fails before the limiter is asked. */
static void note_heap_refusal(bhd__instance *instance, const void *either)
{
    bhd__refusal *refusal = &instance->limiter.refusal;
    uint64_t bytes = bhd_engine_error_gc_bytes(either);
    if (bytes == 0 || refusal->happened)
        return;
    *refusal = (bhd__refusal){.happened = true, .was_the_end = true, .kind = BHD_MEMORY_GC_HEAP};
    bhd_limiter_metrics(instance->limiter.ledger, &refusal->metrics);
    refusal->requested = bytes;
    refusal->in_use = refusal->metrics.current_bytes;
    refusal->limit = refusal->metrics.max_bytes;
}

static bhd_status kind_of(const bhd__instance *instance, const wasmtime_error_t *failure,
                          const void *either, bool has_frames, int *exit_code)
{
    /* Whatever else came of it. */
    if (instance->gave_up)
        return bhd__instance_is_cancelled(instance) ? BHD_CANCELLED : BHD_TIMEOUT;
    switch (bhd_engine_error_stop_code(either)) {
    case BHD__STOP_OUT_OF_MEMORY:
        return BHD_OUT_OF_MEMORY;
    case BHD__STOP_TIMEOUT:
        return BHD_TIMEOUT;
    case BHD__STOP_NO_CAPACITY:
        return BHD_NO_CAPACITY;
    case BHD__STOP_HOST_OUT_OF_MEMORY:
        return BHD_HOST_OUT_OF_MEMORY;
    case BHD__STOP_CANCELLED:
        return BHD_CANCELLED;
    case BHD__STOP_DENIED:
        return BHD_CAPABILITY_DENIED;
    case BHD__STOP_TOO_MUCH:
    case BHD__STOP_HOST_FUNCTION:
        return BHD_TRAP;
    default:
        break;
    }
    if (failure && wasmtime_error_exit_status(failure, exit_code))
        return BHD_EXIT;
    int32_t trap = bhd_engine_error_trap_code(either);
    if (trap == WASMTIME_TRAP_CODE_OUT_OF_FUEL)
        return BHD_OUT_OF_FUEL;
    if (trap == WASMTIME_TRAP_CODE_INTERRUPT)
        return BHD_TIMEOUT;
    if (instance->limiter.capacity != BHD_OK)
        return instance->limiter.capacity;
    if (instance->limiter.refusal.happened)
        return BHD_OUT_OF_MEMORY;
    /* What a component gives is checked when none of its code is on the stack any more: a result
     * that is none, text that is not UTF-8. A module may export a function of WASI as its own, and
     * WASI then finds no guest that calls it. */
    bool is_in_call = instance->code->component || instance->of.module.store_id != 0;
    return trap >= 0 || has_frames || is_in_call ? BHD_TRAP : BHD_INTERNAL;
}

static bhd_status timed_out(const bhd__instance *instance, bhd_error *error)
{
    return bhd__fail(error, BHD_TIMEOUT, "out of time: still running after %g seconds",
                     (double)instance->call_timeout_ns / 1e9);
}

static bhd_status cancelled(bhd_error *error)
{
    return bhd__fail(error, BHD_CANCELLED, "cancelled: the call was ended from outside");
}

bhd_status bhd__fault_given_up(const bhd__instance *instance, bhd_error *error)
{
    return bhd__instance_is_cancelled(instance) ? cancelled(error) : timed_out(instance, error);
}

/* A guest that was denied something and then gave up seldom says why. */
static bhd_status describe_trap(const bhd__instance *instance, const char *text, bool by_stack,
                                bhd_error *error)
{
    const char *denied = bhd__instance_denied(instance);
    if (by_stack)
        return bhd__fail(error, BHD_TRAP,
                         "%s; the guest has %llu bytes of it (host option max_stack_bytes, "
                         "--max-stack-bytes)",
                         text, (unsigned long long)instance->code->engine->options.max_stack_bytes);
    if (!denied)
        return bhd__fail(error, BHD_TRAP, "%s", text);
    return bhd__fail(error, BHD_TRAP, "%s; before that, it asked %s", text, denied);
}

/* The engine's text is the function that was called. */
static bhd_status describe_denied(const bhd__instance *instance, const char *text, bhd_error *error)
{
    const char *denied = bhd__instance_denied(instance);
    return bhd__fail(error, BHD_CAPABILITY_DENIED, "the guest called %s: it asks %s", text,
                     denied ? denied : "for what it does not declare");
}

static void too_much(const bhd__instance *instance, char *out, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, out, capacity);
    bhd__text_printf(&text,
                     "the component gives more than one call may carry: %llu bytes, its memory "
                     "limit and at most 1 MiB",
                     (unsigned long long)instance->hostcall_bytes);
}

static bhd_status describe(const bhd__instance *instance, bhd_status status, const char *text,
                           bool by_stack, int exit_code, bhd_error *error)
{
    switch (status) {
    case BHD_TIMEOUT:
        return timed_out(instance, error);
    case BHD_CANCELLED:
        return cancelled(error);
    case BHD_OUT_OF_FUEL:
        return bhd__fail(error, status, "out of fuel: the call used its %llu unit%s",
                         (unsigned long long)instance->max_fuel,
                         instance->max_fuel == 1 ? "" : "s");
    case BHD_EXIT:
        (void)bhd__fail(error, status, "the guest ended itself with exit code %d", exit_code);
        if (error)
            error->value = (uint32_t)exit_code;
        return status;
    case BHD_TRAP:
        return describe_trap(instance, text, by_stack, error);
    case BHD_CAPABILITY_DENIED:
        return describe_denied(instance, text, error);
    case BHD_HOST_OUT_OF_MEMORY:
        if (status != instance->limiter.capacity)
            return bhd__fail_no_memory(error);
        /* fall through */
    default:
        return bhd__fail(error, status, "%s",
                         status == instance->limiter.capacity ? instance->limiter.capacity_text
                                                              : text);
    }
}

bhd_status bhd__fault(bhd__instance *instance, wasmtime_error_t *failure, wasm_trap_t *trap,
                      bhd_error *error)
{
    const void *either = failure ? (const void *)failure : (const void *)trap;
    bhd_engine_frame_t innermost;
    bool has_frames = bhd_engine_error_frame(either, 0, &innermost);
    int exit_code = 0;
    note_heap_refusal(instance, either);
    name_refused_memory(instance, has_frames);
    bhd_status status = kind_of(instance, failure, either, has_frames, &exit_code);
    char text[BHD__FAILURE_TEXT_MAX];
    if (bhd_engine_error_stop_code(either) == BHD__STOP_TOO_MUCH)
        too_much(instance, text, sizeof text);
    else
        bhd__failure_text(either, text, sizeof text);
    bool by_stack = bhd_engine_error_trap_code(either) == WASMTIME_TRAP_CODE_STACK_OVERFLOW;
    describe(instance, status, text, by_stack, exit_code, error);
    if (status != BHD_EXIT)
        add_frames(instance, either, error);
    if (failure)
        wasmtime_error_delete(failure);
    if (trap)
        wasm_trap_delete(trap);
    return status;
}
