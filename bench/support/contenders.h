/*
 * The ways to run one guest that the benches hold against each other, behind one interface.
 *
 * Bulkhead through its public API (as it is shipped, and with the limiter switched on and off);
 * Bulkhead's engine, with its configuration and its slots, through Wasmtime's C API and without a
 * limiter; Wasmtime configured for the same safety by its own means: a store limiter, epochs, and
 * memories made on demand or taken from its pool.
 *
 * Anything that goes wrong ends the program: a number that was measured on the way to a failure is
 * worth nothing. Contenders live as long as the program. One thread, except for the one that
 * advances the epochs of the engines that are not Bulkhead's to advance.
 */
#ifndef BENCH_CONTENDERS_H
#define BENCH_CONTENDERS_H

#include "switched.h"

#include "bulkhead/bulkhead.h"
#include "bulkhead_engine.h"
#include "engine/engine.h"
#include "engine/load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GUEST_PAGES_LIMIT 64 /* 4 MiB, the most that the default policy allows */
#define GUEST_BYTES_LIMIT ((int64_t)GUEST_PAGES_LIMIT * 65536)
#define GUEST_GROWTHS (GUEST_PAGES_LIMIT - 2) /* from its two pages to the limit */
#define EPOCH_NS 5000000
#define EPOCHS_TO_DEADLINE 6000 /* 30 s, Bulkhead's default timeout */
/* What Bulkhead's slots keep resident, for the pool that is told to do the same. */
#define KEPT_BYTES 262144

typedef struct contender contender;

/* One live instance, with the function that was looked up last. */
typedef struct box {
    bhd_sandbox *sandbox;
    bhd_function *sandbox_function;
    wasmtime_store_t *store;
    wasmtime_context_t *context;
    wasmtime_instance_t instance;
    wasmtime_func_t function;
} box;

/* Instantiates, gives an exported function a name, calls it, deletes. Functions take and give one
 * i32. `repeat` calls so many times and gives the last result. */
typedef struct contender_calls {
    void (*open)(const contender *self, box *b);
    void (*look_up)(const contender *self, box *b, const char *name);
    int32_t (*call)(const contender *self, box *b, int32_t argument);
    int32_t (*repeat)(const contender *self, box *b, int32_t argument, int times);
    void (*close)(const contender *self, box *b);
} contender_calls;

struct contender {
    const char *key, *title;
    const contender_calls *calls;
    /* Bulkhead */
    const bulkhead_api *api;
    bhd_component *component;
    bool switched_on;
    /* Wasmtime */
    wasm_engine_t *engine;
    wasmtime_instance_pre_t *pre;
    bool limited, has_deadline;
};

/* -- failures ------------------------------------------------------------------------------ */

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

static void must_bulkhead(bhd_status status, const char *what, const bhd_error *error)
{
    if (status != BHD_OK)
        give_up(what, error->message);
}

static void must_wasmtime(const char *what, wasmtime_error_t *failure, wasm_trap_t *trap)
{
    if (!failure && !trap)
        return;
    wasm_byte_vec_t text;
    if (failure)
        wasmtime_error_message(failure, &text);
    else
        wasm_trap_message(trap, &text);
    fprintf(stderr, "bench: %s: %.*s\n", what, (int)text.size, text.data);
    exit(1);
}

/* -- Bulkhead through its public API ------------------------------------------------------- */

static void bulkhead_open(const contender *self, box *b)
{
    bhd_error error = BHD_ERROR_INIT;
    must_bulkhead(self->api->make(self->component, NULL, &b->sandbox, &error), self->title, &error);
}

static void bulkhead_look_up(const contender *self, box *b, const char *name)
{
    bhd_error error = BHD_ERROR_INIT;
    must_bulkhead(self->api->function(b->sandbox, name, &b->sandbox_function, &error), self->title,
                  &error);
}

static int32_t bulkhead_repeat(const contender *self, box *b, int32_t argument, int times)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value in = {BHD_I32, BHD_I32, {.i32 = argument}}, out = {BHD_I32, BHD_I32, {.i32 = 0}};
    for (int i = 0; i < times; i++) {
        bhd_status status =
            self->api->call(b->sandbox, b->sandbox_function, &in, 1, &out, 1, &error);
        if (status != BHD_OK)
            give_up(self->title, error.message);
    }
    return out.of.i32;
}

static int32_t bulkhead_call(const contender *self, box *b, int32_t argument)
{
    return bulkhead_repeat(self, b, argument, 1);
}

static void bulkhead_close(const contender *self, box *b)
{
    self->api->end(b->sandbox);
}

static const contender_calls bulkhead_calls = {bulkhead_open, bulkhead_look_up, bulkhead_call,
                                               bulkhead_repeat, bulkhead_close};

static bhd_component *bulkhead_component(const char *wat, size_t size)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_limits_builder builder = BHD_LIMITS_BUILDER_INIT;
    bhd_component_options options = {.size = sizeof options, .name = "bench-guest"};
    bhd_host *host;
    bhd_component *component;
    bhd_limits_builder_max_memory_bytes(&builder, GUEST_BYTES_LIMIT);
    must_bulkhead(bhd_limits_builder_build(&builder, NULL, &options.limits, &error), "limits",
                  &error);
    must_bulkhead(bhd_host_new(NULL, &host, &error), "host", &error);
    must_bulkhead(bhd_component_new(host, &options, wat, size, &component, &error), "component",
                  &error);
    bhd_host_free(host);
    return component;
}

/* -- Wasmtime through its C API ------------------------------------------------------------ */

static void wasmtime_open(const contender *self, box *b)
{
    wasm_trap_t *trap = NULL;
    b->store = wasmtime_store_new(self->engine, NULL, NULL);
    b->context = wasmtime_store_context(b->store);
    if (self->limited)
        wasmtime_store_limiter(b->store, GUEST_BYTES_LIMIT, (int64_t)BHD_DEFAULT_TABLE_ELEMENTS, 64,
                               16, 16);
    if (self->has_deadline)
        wasmtime_context_set_epoch_deadline(b->context, EPOCHS_TO_DEADLINE);
    wasmtime_error_t *failure =
        wasmtime_instance_pre_instantiate(self->pre, b->context, &b->instance, &trap);
    must_wasmtime(self->title, failure, trap);
}

static void wasmtime_look_up(const contender *self, box *b, const char *name)
{
    wasmtime_extern_t found;
    if (!wasmtime_instance_export_get(b->context, &b->instance, name, strlen(name), &found) ||
        found.kind != WASMTIME_EXTERN_FUNC)
        give_up(self->title, "no such function");
    b->function = found.of.func;
}

static int32_t wasmtime_repeat(const contender *self, box *b, int32_t argument, int times)
{
    wasmtime_val_raw_t raw[1];
    wasm_trap_t *trap = NULL;
    raw[0].i32 = 0;
    for (int i = 0; i < times; i++) {
        raw[0].i32 = argument;
        if (self->has_deadline)
            wasmtime_context_set_epoch_deadline(b->context, EPOCHS_TO_DEADLINE);
        wasmtime_error_t *failure =
            wasmtime_func_call_unchecked(b->context, &b->function, raw, 1, &trap);
        if (failure || trap)
            must_wasmtime(self->title, failure, trap);
    }
    return raw[0].i32;
}

static int32_t wasmtime_call(const contender *self, box *b, int32_t argument)
{
    return wasmtime_repeat(self, b, argument, 1);
}

static void wasmtime_close(const contender *self, box *b)
{
    (void)self;
    wasmtime_store_delete(b->store);
}

static const contender_calls wasmtime_calls = {wasmtime_open, wasmtime_look_up, wasmtime_call,
                                               wasmtime_repeat, wasmtime_close};

/* Bulkhead's own engine with its configuration, slots and pre-linked code. */
static void engine_room_init(contender *c, const char *wat, size_t size)
{
    static const bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_limits limits = *bhd_component_limits(bulkhead_component(wat, size));
    bhd__engine *engine;
    bhd__code *code;
    must_bulkhead(bhd__engine_new(&options, &engine, &error), c->title, &error);
    must_bulkhead(bhd__code_new(engine, &limits, &(bhd__providers){{NULL, NULL}}, wat, size, NULL,
                                NULL, &code, &error),
                  c->title, &error);
    c->engine = code->variant->engine;
    c->pre = code->module_pre;
}

/* What an embedder of Wasmtime sets for the safety that Bulkhead gives; the rest as Wasmtime has
 * it, which for memories is the same reservation and the same guards. */
static wasm_config_t *wasmtime_config(bool has_deadline)
{
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_strategy_set(config, WASMTIME_STRATEGY_CRANELIFT);
    wasmtime_config_cranelift_opt_level_set(config, WASMTIME_OPT_LEVEL_SPEED);
    wasmtime_config_epoch_interruption_set(config, has_deadline);
    return config;
}

static void set_pool(wasm_config_t *config, size_t kept_bytes)
{
    wasmtime_pooling_allocation_config_t *pool = wasmtime_pooling_allocation_config_new();
    wasmtime_pooling_allocation_config_total_memories_set(pool, 1000);
    wasmtime_pooling_allocation_config_total_tables_set(pool, 1000);
    wasmtime_pooling_allocation_config_total_core_instances_set(pool, 1000);
    wasmtime_pooling_allocation_config_max_memory_size_set(pool, (size_t)GUEST_BYTES_LIMIT);
    wasmtime_pooling_allocation_config_table_elements_set(pool, BHD_DEFAULT_TABLE_ELEMENTS);
    wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, kept_bytes);
    wasmtime_pooling_allocation_config_table_keep_resident_set(pool, kept_bytes ? 4096 : 0);
    wasmtime_pooling_allocation_strategy_set(config, pool);
    wasmtime_pooling_allocation_config_delete(pool);
}

static void wasmtime_init(contender *c, wasm_config_t *config, const char *wat, size_t size)
{
    wasmtime_module_t *module;
    wasm_byte_vec_t wasm;
    must_wasmtime(c->title, bhd_engine_new(config, &c->engine), NULL);
    must_wasmtime(c->title, wasmtime_wat2wasm(wat, size, &wasm), NULL);
    must_wasmtime(c->title,
                  wasmtime_module_new(c->engine, (const uint8_t *)wasm.data, wasm.size, &module),
                  NULL);
    wasm_byte_vec_delete(&wasm);
    must_wasmtime(c->title,
                  wasmtime_linker_instantiate_pre(wasmtime_linker_new(c->engine), module, &c->pre),
                  NULL);
}

/* -- all of them --------------------------------------------------------------------------- */

typedef struct contenders {
    contender shipped, switched_on, switched_off;
    contender engine_room;
    contender engine_room_declared; /* a guest that declares its own maximum */
    contender on_demand, pool, pool_keeping;
    contender no_deadline; /* neither limiter nor epochs: not safe, for comparison */
} contenders;

static void *advance_epochs(void *env)
{
    const contenders *all = env;
    struct timespec tick = {0, EPOCH_NS};
    for (;;) {
        nanosleep(&tick, NULL);
        wasmtime_engine_increment_epoch(all->engine_room.engine);
        wasmtime_engine_increment_epoch(all->engine_room_declared.engine);
        wasmtime_engine_increment_epoch(all->on_demand.engine);
        wasmtime_engine_increment_epoch(all->pool.engine);
        wasmtime_engine_increment_epoch(all->pool_keeping.engine);
    }
    return NULL;
}

static contender named_bulkhead(const char *key, const char *title, const bulkhead_api *api,
                                bool switched_on)
{
    contender c = {.key = key, .title = title, .calls = &bulkhead_calls};
    c.api = api;
    c.switched_on = switched_on;
    return c;
}

static contender named_wasmtime(const char *key, const char *title, bool limited, bool has_deadline)
{
    contender c = {.key = key, .title = title, .calls = &wasmtime_calls};
    c.limited = limited;
    c.has_deadline = has_deadline;
    return c;
}

/* Who they are, enough to print about them. */
static void contenders_name(contenders *all)
{
    *all = (contenders){
        .shipped = named_bulkhead("bulkhead", "Bulkhead", &shipped_api, true),
        .switched_on = named_bulkhead("limiter_on", "limiter on", &switched_api, true),
        .switched_off = named_bulkhead("limiter_off", "limiter off", &switched_api, false),
        .engine_room = named_wasmtime("engine_room", "engine room", false, true),
        .engine_room_declared = named_wasmtime("engine_room", "engine room", false, true),
        .on_demand = named_wasmtime("on_demand", "on demand", true, true),
        .pool = named_wasmtime("pool", "pool", true, true),
        .pool_keeping = named_wasmtime("pool_keeping", "pool, keeping", true, true),
        .no_deadline = named_wasmtime("no_deadline", "no deadline", false, false),
    };
}

/* Engines, compiled guests, and a thread for epochs. */
static void contenders_start(contenders *all, const char *wat, const char *declared_wat)
{
    size_t size = strlen(wat);
    bhd_component *component = bulkhead_component(wat, size);
    all->shipped.component = all->switched_on.component = all->switched_off.component = component;
    engine_room_init(&all->engine_room, wat, size);
    engine_room_init(&all->engine_room_declared, declared_wat, strlen(declared_wat));
    wasmtime_init(&all->on_demand, wasmtime_config(true), wat, size);
    wasmtime_init(&all->no_deadline, wasmtime_config(false), wat, size);
    wasm_config_t *config = wasmtime_config(true);
    set_pool(config, 0);
    wasmtime_init(&all->pool, config, wat, size);
    config = wasmtime_config(true);
    set_pool(config, KEPT_BYTES);
    wasmtime_init(&all->pool_keeping, config, wat, size);

    pthread_t thread;
    if (pthread_create(&thread, NULL, advance_epochs, all) != 0)
        give_up("epochs", "no thread");
    pthread_detach(thread);
}

#endif
