/*
 * The engine's memory and stack creators over the slots and stacks of the host.
 *
 * They run on the thread whose guest asked, between the store's limiter's yes and the engine's
 * success, and tell the store's limiter what became of it. They know nothing of limits.
 */
#include "engine/run/memory.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "engine/code/config.h"
#include "engine/host/stops.h"
#include "engine/run/store_limiter.h"

#include <string.h>

/* What the engine calls a memory, and a stack: our object and where it goes back to. */
typedef struct lease {
    bhd__engine *engine;
    bhd__slot *slot;
    bhd__stack *stack;
} lease;

static wasmtime_error_t *refuse(const bhd_error *error)
{
    bhd__store_limiter_no_capacity(error);
    return wasmtime_error_new(error->message);
}

static uint8_t *get_memory(void *env, size_t *bytes, size_t *capacity)
{
    lease *memory = env;
    *bytes = bhd__slot_bytes(memory->slot);
    *capacity = bhd__slot_reservation(memory->slot);
    return bhd__slot_base(memory->slot);
}

static wasmtime_error_t *grow_memory(void *env, size_t bytes)
{
    lease *memory = env;
    bhd_error error = BHD_ERROR_INIT;
    if (bhd__slot_grow(memory->slot, bytes, &error) == BHD_OK) {
        bhd__store_limiter_grown();
        return NULL;
    }
    wasmtime_error_t *failure = refuse(&error);
    bhd_error_fini(&error);
    return failure;
}

static void end_memory(void *env)
{
    lease *memory = env;
    bhd__slots_release(memory->engine->slots, memory->slot);
    bhd__free(memory);
}

static bhd_status lease_slot(bhd__engine *engine, size_t bytes, size_t reserved, size_t guard,
                             lease **memory, bhd_error *error)
{
    if (reserved > BHD__RESERVATION_BYTES || guard > BHD__GUARD_BYTES)
        return bhd__fail(error, BHD_INTERNAL,
                         "the engine wants %zu bytes and a guard of %zu for a memory", reserved,
                         guard);
    lease *m = bhd__calloc(1, sizeof *m);
    if (!m)
        return bhd__fail_no_memory(error);
    m->engine = engine;
    bhd_status status = bhd__slots_acquire(engine->slots, bytes, &m->slot, error);
    if (status != BHD_OK) {
        bhd__free(m);
        return status;
    }
    *memory = m;
    return BHD_OK;
}

static wasmtime_error_t *new_memory(void *env, const wasm_memorytype_t *type, size_t minimum,
                                    size_t maximum, size_t reserved, size_t guard,
                                    wasmtime_linear_memory_t *out)
{
    (void)type;
    (void)maximum;
    bhd_error error = BHD_ERROR_INIT;
    wasmtime_error_t *failure = NULL;
    lease *memory = NULL;
    if (lease_slot(env, minimum, reserved, guard, &memory, &error) == BHD_OK) {
        out->env = memory;
        out->get_memory = get_memory;
        out->grow_memory = grow_memory;
        out->finalizer = end_memory;
        bhd__store_limiter_grown();
    } else {
        failure = refuse(&error);
    }
    bhd_error_fini(&error);
    return failure;
}

static uint8_t *get_stack(void *env, size_t *bytes)
{
    lease *stack = env;
    *bytes = bhd__stack_bytes(stack->stack);
    return bhd__stack_top(stack->stack);
}

static void end_stack(void *env)
{
    lease *stack = env;
    bhd__stacks_release(stack->engine->stacks, stack->stack);
    bhd__free(stack);
}

static bhd_status lease_stack(bhd__engine *engine, lease **stack, bhd_error *error)
{
    lease *s = bhd__calloc(1, sizeof *s);
    if (!s)
        return bhd__fail_no_memory(error);
    s->engine = engine;
    bhd_status status = bhd__stacks_acquire(engine->stacks, &s->stack, error);
    if (status != BHD_OK) {
        bhd__free(s);
        return status;
    }
    *stack = s;
    return BHD_OK;
}

static wasmtime_error_t *new_stack(void *env, size_t bytes, bool zeroed,
                                   wasmtime_stack_memory_t *out)
{
    (void)bytes; /* the pool is made of stacks of the configured size */
    (void)zeroed;
    bhd_error error = BHD_ERROR_INIT;
    wasmtime_error_t *failure = NULL;
    lease *stack = NULL;
    bhd_status status = lease_stack(env, &stack, &error);
    if (status == BHD_OK) {
        out->env = stack;
        out->get_stack_memory = get_stack;
        out->finalizer = end_stack;
    } else {
        /* A code of ours, because no limiter is between a stack and its call. */
        failure = bhd_engine_stop_new(
            status == BHD_HOST_OUT_OF_MEMORY ? BHD__STOP_HOST_OUT_OF_MEMORY : BHD__STOP_NO_CAPACITY,
            error.message, strlen(error.message));
    }
    bhd_error_fini(&error);
    return failure;
}

void bhd__engine_creators(bhd__engine *engine, wasmtime_memory_creator_t *memories,
                          wasmtime_stack_creator_t *stacks)
{
    *memories = (wasmtime_memory_creator_t){engine, new_memory, NULL};
    *stacks = (wasmtime_stack_creator_t){engine, new_stack, NULL};
}
