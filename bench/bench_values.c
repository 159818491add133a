/*
 * What a call with values of a component costs, against the same call through Wasmtime's C API
 * with its own component values, on an engine with a deadline.
 *
 * Each round does the same calls on both sides, in an order that changes from round to round, on
 * one processor; ratios are taken inside each round; a run gives the medians of its rounds. Every
 * result is checked and freed, and the arguments are made before.
 */
#include "bulkhead/bulkhead.h"
#include "bulkhead_engine.h"
#include "support/machine.h"
#include "support/samples.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wasmtime/component.h>

#define GUEST BHD_SOURCE_DIR "/guests/component/values.wat"
#define RUNS 15
#define ROUNDS 21
#define EPOCH_NS 5000000
#define EPOCHS_TO_DEADLINE 6000
#define TEXT_BYTES 100
#define LIST_BYTES 65536

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "values: %s: %s\n", what, why);
    exit(1);
}

static void must(bhd_status status, const char *what, const bhd_error *error)
{
    if (status != BHD_OK)
        give_up(what, error->message);
}

static void must_wasmtime(const char *what, wasmtime_error_t *failure)
{
    wasm_byte_vec_t text;
    if (!failure)
        return;
    wasmtime_error_message(failure, &text);
    fprintf(stderr, "values: %s: %.*s\n", what, (int)text.size, text.data);
    exit(1);
}

/* -- both sides ---------------------------------------------------------------------------- */

typedef struct sides {
    bhd_host *host;
    bhd_component *component;
    bhd_sandbox *sandbox;
    wasm_engine_t *engine;
    wasmtime_component_t *wasmtime_component;
    wasmtime_store_t *store;
    wasmtime_context_t *context;
    wasmtime_component_instance_t instance;
} sides;

static void bulkhead_start(sides *s)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component_options options = {.size = sizeof options, .name = "values"};
    bhd_limits_builder limits = BHD_LIMITS_BUILDER_INIT;
    bhd_limits_builder_max_memory_bytes(&limits, 1 << 20);
    must(bhd_limits_builder_build(&limits, NULL, &options.limits, &error), "limits", &error);
    must(bhd_host_new(NULL, &s->host, &error), "host", &error);
    must(bhd_component_load_file(s->host, GUEST, &options, &s->component, &error), GUEST, &error);
    must(bhd_sandbox_new(s->component, NULL, &s->sandbox, &error), "sandbox", &error);
}

static void *advance_epochs(void *env)
{
    struct timespec tick = {0, EPOCH_NS};
    for (;;) {
        nanosleep(&tick, NULL);
        wasmtime_engine_increment_epoch(env);
    }
    return NULL;
}

static char *read_guest(size_t *size)
{
    static char text[65536];
    FILE *file = fopen(GUEST, "re");
    if (!file)
        give_up(GUEST, "cannot be opened");
    *size = fread(text, 1, sizeof text, file);
    fclose(file);
    return text;
}

static void wasmtime_start(sides *s)
{
    size_t size;
    const char *text = read_guest(&size);
    wasm_byte_vec_t binary;
    pthread_t thread;
    wasm_config_t *config = wasm_config_new();
    wasmtime_config_cranelift_opt_level_set(config, WASMTIME_OPT_LEVEL_SPEED);
    wasmtime_config_epoch_interruption_set(config, true);
    wasmtime_config_concurrency_support_set(config, false); /* as Bulkhead has it */
    must_wasmtime("engine", bhd_engine_new(config, &s->engine));
    must_wasmtime("text", wasmtime_wat2wasm(text, size, &binary));
    must_wasmtime("component", wasmtime_component_new(s->engine, (const uint8_t *)binary.data,
                                                      binary.size, &s->wasmtime_component));
    wasm_byte_vec_delete(&binary);
    s->store = wasmtime_store_new(s->engine, NULL, NULL);
    s->context = wasmtime_store_context(s->store);
    wasmtime_store_limiter(s->store, 1 << 20, -1, -1, -1, -1);
    wasmtime_context_set_epoch_deadline(s->context, EPOCHS_TO_DEADLINE);
    must_wasmtime("instance", wasmtime_component_linker_instantiate(
                                  wasmtime_component_linker_new(s->engine), s->context,
                                  s->wasmtime_component, &s->instance));
    if (pthread_create(&thread, NULL, advance_epochs, s->engine) != 0)
        give_up("the thread that advances epochs", "cannot be started");
    pthread_detach(thread);
}

/* -- tasks --------------------------------------------------------------------------------- */

typedef struct task {
    const char *title, *function;
    int calls; /* a round */
    bhd_value argument;
    wasmtime_component_val_t wasmtime_argument;
    const bhd_function *called;
    wasmtime_component_func_t wasmtime_called;
} task;

static bool is_right(const task *t, const bhd_value *result)
{
    const bhd_value *given = &t->argument;
    switch (given->type) {
    case BHD_U32:
        return result->of.u32 == given->of.u32;
    case BHD_STRING:
        return result->of.string.size == TEXT_BYTES;
    case BHD_RECORD:
        return result->of.items.data[0].of.string.size == TEXT_BYTES;
    default:
        return result->of.list.count == LIST_BYTES;
    }
}

static bool is_right_wasmtime(const task *t, const wasmtime_component_val_t *result)
{
    switch (t->argument.type) {
    case BHD_U32:
        return result->of.u32 == t->argument.of.u32;
    case BHD_STRING:
        return result->of.string.size == TEXT_BYTES;
    case BHD_RECORD:
        return result->of.record.data[0].val.of.string.size == TEXT_BYTES;
    default:
        return result->of.list.size == LIST_BYTES;
    }
}

static double bulkhead_calls(const sides *s, const task *t)
{
    bhd_error error = BHD_ERROR_INIT;
    double began = machine_now_ns();
    for (int i = 0; i < t->calls; i++) {
        bhd_value result;
        must(bhd_sandbox_call(s->sandbox, t->called, &t->argument, 1, &result, 1, &error), t->title,
             &error);
        if (!is_right(t, &result))
            give_up(t->title, "Bulkhead gave something else");
        bhd_value_fini(&result);
    }
    return (machine_now_ns() - began) / t->calls;
}

static double wasmtime_calls(const sides *s, const task *t)
{
    double began = machine_now_ns();
    for (int i = 0; i < t->calls; i++) {
        wasmtime_component_val_t result = {0};
        wasmtime_context_set_epoch_deadline(s->context, EPOCHS_TO_DEADLINE);
        must_wasmtime(t->title, wasmtime_component_func_call(&t->wasmtime_called, s->context,
                                                             &t->wasmtime_argument, 1, &result, 1));
        if (!is_right_wasmtime(t, &result))
            give_up(t->title, "Wasmtime gave something else");
        wasmtime_component_val_delete(&result);
    }
    return (machine_now_ns() - began) / t->calls;
}

static void look_up(sides *s, task *t)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *function;
    must(bhd_sandbox_function(s->sandbox, t->function, &function, &error), t->title, &error);
    t->called = function;
    wasmtime_component_export_index_t *index = wasmtime_component_get_export_index(
        s->wasmtime_component, NULL, t->function, strlen(t->function));
    if (!index ||
        !wasmtime_component_instance_get_func(&s->instance, s->context, index, &t->wasmtime_called))
        give_up(t->title, "no such function");
    wasmtime_component_export_index_delete(index);
}

static void print_time(const samples *times)
{
    summary s = samples_summary(times);
    printf("  %9.0f (%7.0f to %8.0f)", s.median, s.minimum, s.maximum);
}

/* The medians of its rounds. */
static void one_run(const sides *s, const task *t, double *ours, double *theirs, double *ratio)
{
    static samples a, b, ratios;
    a.count = b.count = ratios.count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        bool we_first = rand() % 2 == 0;
        double x = we_first ? bulkhead_calls(s, t) : 0;
        double y = wasmtime_calls(s, t);
        if (!we_first)
            x = bulkhead_calls(s, t);
        samples_add(&a, x);
        samples_add(&b, y);
        samples_add(&ratios, x / y);
    }
    *ours = samples_summary(&a).median;
    *theirs = samples_summary(&b).median;
    *ratio = samples_summary(&ratios).median;
}

static void measure(sides *s, task *t)
{
    static samples ours, theirs, ratios;
    ours.count = theirs.count = ratios.count = 0;
    look_up(s, t);
    for (int i = 0; i < RUNS; i++) {
        double a, b, ratio;
        one_run(s, t, &a, &b, &ratio);
        samples_add(&ours, a);
        samples_add(&theirs, b);
        samples_add(&ratios, ratio);
    }
    summary ratio = samples_summary(&ratios);
    printf("%-30s", t->title);
    print_time(&ours);
    print_time(&theirs);
    printf("  %.4f (%.4f to %.4f)\n", ratio.median, ratio.minimum, ratio.maximum);
}

/* -- the values ---------------------------------------------------------------------------- */

static wasmtime_component_valrecord_entry_t field(const char *name, wasmtime_component_val_t value)
{
    wasmtime_component_valrecord_entry_t entry = {.val = value};
    wasm_name_new_from_string(&entry.name, name);
    return entry;
}

int main(void)
{
    static sides s;
    static char text[TEXT_BYTES];
    static uint8_t bytes[LIST_BYTES];
    static wasmtime_component_val_t elements[LIST_BYTES];
    machine m;
    machine_describe(&m);
    bulkhead_start(&s);
    wasmtime_start(&s);
    machine_pin(&m);
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < LIST_BYTES; i++) {
        bytes[i] = (uint8_t)i;
        elements[i] = (wasmtime_component_val_t){WASMTIME_COMPONENT_U8, {.u8 = (uint8_t)i}};
    }
    bhd_value fields[] = {bhd_value_text(text, sizeof text), bhd_value_u16(3), bhd_value_f64(1.5),
                          bhd_value_bool(true)};
    wasmtime_component_val_t name = {WASMTIME_COMPONENT_STRING, {.string = {sizeof text, text}}};
    wasmtime_component_valrecord_entry_t entries[] = {
        field("name", name),
        field("size", (wasmtime_component_val_t){WASMTIME_COMPONENT_U16, {.u16 = 3}}),
        field("ratio", (wasmtime_component_val_t){WASMTIME_COMPONENT_F64, {.f64 = 1.5}}),
        field("ready", (wasmtime_component_val_t){WASMTIME_COMPONENT_BOOL, {.boolean = true}}),
    };
    task tasks[] = {
        {.title = "u32 -> u32",
         .function = "echo-u32",
         .calls = 200,
         .argument = bhd_value_u32(7),
         .wasmtime_argument = {WASMTIME_COMPONENT_U32, {.u32 = 7}}},
        {.title = "string of 100 bytes, and back",
         .function = "echo-string",
         .calls = 200,
         .argument = fields[0],
         .wasmtime_argument = name},
        {.title = "record of 4 fields, and back",
         .function = "echo-photo",
         .calls = 200,
         .argument = bhd_value_record(fields, 4),
         .wasmtime_argument = {WASMTIME_COMPONENT_RECORD, {.record = {4, entries}}}},
        {.title = "list<u8> of 64 KiB, and back",
         .function = "echo-bytes",
         .calls = 4,
         .argument = bhd_value_bytes(bytes, sizeof bytes),
         .wasmtime_argument = {WASMTIME_COMPONENT_LIST, {.list = {LIST_BYTES, elements}}}},
    };
    printf("Bulkhead %s, %s; %s, %ld processors (%s)\n\n", bhd_version(), bhd_engine_version(),
           m.kernel, m.processors, m.processor);
    printf("A CALL WITH VALUES, in ns: the median, and the least to the most of %d runs\n\n", RUNS);
    printf("%-30s  %31s  %31s  %s\n", "", "Bulkhead", "Wasmtime's C API", "ratio");
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        measure(&s, &tasks[i]);
    bhd_sandbox_free(s.sandbox);
    bhd_component_free(s.component);
    bhd_host_free(s.host);
    return 0;
}
