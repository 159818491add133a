#include "soak_guests.h"

#include "support/process_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Waiting for a deadline costs a soak its time and shows nothing more when it is long. */
#define DEADLINE_SECONDS 0.005
/* What takes longer than this comes rarely. */
#define QUICK_SECONDS 0.001

/* Guests that do what an honest component does, endings that are no success included. */
static const struct good {
    const char *file, *call; /* "run": a command */
    const char *argument;    /* argv[1], or the number for a function */
    bhd_status status;
    int64_t value;
} goods[] = {
    {"basic/data.wat", "check", "", BHD_OK, 1},
    {"basic/data.wat", "scribble", "", BHD_OK, 0},
    {"basic/counter.wat", "bump_global", "", BHD_OK, 1},
    {"basic/counter.wat", "bump_memory", "", BHD_OK, 1},
    {"basic/counter.wat", "bump_table", "", BHD_OK, 1},
    {"basic/grow.wat", "grow", "15", BHD_OK, 1},
    {"basic/grow.wat", "size", "", BHD_OK, 1},
    {"basic/grow.wat", "first_nonzero", "", BHD_OK, -1},
    {"basic/loop.wat", "count", "1000", BHD_OK, 1000},
    {"basic/recurse.wat", "depth", "1000", BHD_OK, 1000},
    {"basic/table_grow.wat", "grow_a", "9986", BHD_OK, 4},
    {"basic/exceptions.wat", "catch", "1", BHD_OK, 2},
    {"basic/start_trap.wat", "new", "", BHD_TRAP, 0},
    {"hostile/leftovers.wat", "clean", "", BHD_OK, 1},
    {"hostile/leftovers.wat", "live", "0", BHD_OK, 0},
    {"hostile/leftovers.wat", "live", "1", BHD_TRAP, 0},
    {"hostile/leftovers.wat", "live", "2", BHD_OUT_OF_MEMORY, 0},
    {"hostile/leftovers.wat", "live", "4", BHD_EXIT, 0},
    {"component/run_ok.wat", "run", "", BHD_OK, 0},
    {"component/run_err.wat", "run", "", BHD_OK, 1},
    {"component/run_trap.wat", "run", "", BHD_TRAP, 0},
    {"wasi/print.core.wasm", "run", "", BHD_OK, 0},
    {"wasi/print.wasm", "run", "", BHD_OK, 0},
    {"wasi/args.core.wasm", "run", "7", BHD_OK, 0},
    {"wasi/args.wasm", "run", "7", BHD_OK, 0},
    {"wasi/exit_code.core.wasm", "run", "7", BHD_OK, 7},
    {"wasi/exit_code.wasm", "run", "7", BHD_OK, 1},
    {"wasi/churn.core.wasm", "run", "64", BHD_OK, 0},
    {"wasi/churn.wasm", "run", "64", BHD_OK, 0},
    {"wasi/env_files.core.wasm", "run", "", BHD_OK, 0},
    {"wasi/env_files.wasm", "run", "", BHD_OK, 0},
    {"wasi/flood.core.wasm", "run", "", BHD_OK, 0},
    {"wasi/flood.wasm", "run", "", BHD_OK, 0},
    /* Cancelled in the middle of a host call. */
    {"wasi/sleep.core.wasm", "run", "", BHD_TIMEOUT, 0},
    {"wasi/sleep.wasm", "run", "", BHD_TIMEOUT, 0},
};

/* -- one life ------------------------------------------------------------------------------ */

static bool count_output(void *user_data, const void *data, size_t size)
{
    (void)data;
    *(uint64_t *)user_data += size;
    return true;
}

static bool is_new(const soak_guest *g)
{
    return strcmp(g->entry.attack, "new") == 0;
}

static void call(const soak_guest *g, bhd_sandbox *sandbox, soak_end *end, bhd_error *error)
{
    const char *name = g->entry.attack;
    if (strncmp(name, "run", 3) == 0 && (name[3] == '\0' || name[3] == ':')) {
        int exit_code = 0;
        end->status = bhd_sandbox_run(sandbox, &exit_code, error);
        end->value = end->status == BHD_OK ? exit_code : 0;
        return;
    }
    bhd_value value = {.type = BHD_I64, .of.i64 = g->wanted.value};
    bhd_function *function;
    end->status = bhd_sandbox_function(sandbox, name, &function, error);
    if (end->status != BHD_OK)
        return;
    const bhd_type *types = bhd_function_parameters(function);
    if (bhd_type_count(types) == 1 && bhd_type_get(bhd_type_part(types, 0)) == BHD_I64)
        end->status = guest_call(sandbox, error, &value, name, g->number);
    else
        end->status = guest_call(sandbox, error, &value, name, (int32_t)g->number);
    /* Of what components give, only that it came. */
    if (end->status == BHD_OK)
        end->value = value.type == BHD_I32   ? value.of.i32
                     : value.type == BHD_I64 ? value.of.i64
                                             : g->wanted.value;
    bhd_value_fini(&value);
}

soak_end soak_live(const soak_guest *g, bhd_sandbox **sandbox, bhd_error *error)
{
    const char *argv[] = {"guest", g->argument};
    soak_end end = {0};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output = (bhd_stream){BHD_OUTPUT_CALLBACK, count_output, &end.output_bytes};
    options.standard_error = options.standard_output;
    options.argv = argv;
    options.argc = g->argument[0] ? 2 : 1;
    *sandbox = NULL;
    end.status = bhd_sandbox_new(g->component, &options, sandbox, error);
    if (end.status == BHD_OK && !is_new(g))
        call(g, *sandbox, &end, error);
    if (*sandbox) {
        bhd_memory_metrics metrics;
        bhd_sandbox_metrics(*sandbox, &metrics);
        end.growths = metrics.growth_count;
        end.denials = metrics.denied_count;
        end.peak_bytes = metrics.peak_bytes;
        end.table_elements = metrics.table_elements;
    }
    return end;
}

static bool differs(const char *what, uint64_t wanted, uint64_t got, char *why, size_t capacity)
{
    if (wanted == got)
        return false;
    snprintf(why, capacity, "%s: %" PRId64 " wanted, got %" PRId64, what, (int64_t)wanted,
             (int64_t)got);
    return true;
}

bool soak_end_is_right(const soak_guest *g, const soak_end *end, char *why, size_t capacity)
{
    const soak_end *wanted = &g->wanted;
    if (end->status != wanted->status) {
        snprintf(why, capacity, "%s wanted, got %s", bhd_status_name(wanted->status),
                 bhd_status_name(end->status));
        return false;
    }
    if (g->may_wait)
        return true;
    return !differs("value", (uint64_t)wanted->value, (uint64_t)end->value, why, capacity) &&
           !differs("growth_count", wanted->growths, end->growths, why, capacity) &&
           !differs("denied_count", wanted->denials, end->denials, why, capacity) &&
           !differs("peak_bytes", wanted->peak_bytes, end->peak_bytes, why, capacity) &&
           !differs("table_elements", wanted->table_elements, end->table_elements, why, capacity) &&
           !differs("bytes written", wanted->output_bytes, end->output_bytes, why, capacity);
}

/* -- all of them --------------------------------------------------------------------------- */

static _Noreturn void end_process(const soak_guest *g, const char *why, const char *message)
{
    fprintf(stderr, "soak: %s %s %s: %s; %s\n", g->entry.file, g->entry.attack,
            bhd_on_exceed_text(g->entry.limits.on_exceed), why, message);
    exit(1);
}

static soak_guest *next_guest(soak_plan *plan, soak_class class)
{
    if (plan->count == SOAK_GUESTS_MAX) {
        fprintf(stderr, "soak: more guests than there is room for\n");
        exit(1);
    }
    soak_guest *g = &plan->guests[plan->count++];
    g->class = class;
    return g;
}

static void add_hostile(soak_plan *plan)
{
    static hostile_entry entries[SOAK_GUESTS_MAX / 2];
    size_t count = hostile_index(entries, COUNT_OF(entries));
    for (size_t i = 0; i < count * 2; i++) {
        soak_guest *g = next_guest(plan, SOAK_HOSTILE);
        bhd_on_exceed on_exceed = i % 2 ? BHD_ON_EXCEED_TRAP : BHD_ON_EXCEED_DENY;
        g->entry = entries[i / 2];
        g->entry.limits.on_exceed = on_exceed;
        g->wanted.status = g->entry.wanted[on_exceed];
        /* A function of the catalogue gives 1 when it is content, a command 0. */
        if (g->wanted.status == BHD_OK && strncmp(g->entry.attack, "run", 3) != 0 && !is_new(g))
            g->wanted.value = 1;
        g->host = g->entry.gc ? 2 : (unsigned)(i / 2 % 2);
    }
}

static void add_good(soak_plan *plan)
{
    for (size_t i = 0; i < COUNT_OF(goods) * 2; i++) {
        const struct good *good = &goods[i / 2];
        soak_guest *g = next_guest(plan, SOAK_GOOD);
        snprintf(g->entry.file, sizeof g->entry.file, "%s", good->file);
        snprintf(g->entry.attack, sizeof g->entry.attack, "%s", good->call);
        snprintf(g->argument, sizeof g->argument, "%s", good->argument);
        g->number = strtoll(good->argument, NULL, 10);
        g->entry.limits = guest_limits(MIB(1));
        g->entry.limits.on_exceed = i % 2 ? BHD_ON_EXCEED_TRAP : BHD_ON_EXCEED_DENY;
        g->wanted.status = good->status;
        g->wanted.value = good->value;
        g->host = (unsigned)(i / 2 % 2);
    }
}

bhd_status soak_compile(const soak_plan *plan, const soak_guest *g, bhd_error *error)
{
    bhd_component *component = NULL;
    bhd_status status =
        hostile_component(&g->entry, plan->hosts[g->host], &g->entry.limits, &component, error);
    bhd_component_free(component);
    return status;
}

/* The component of an earlier guest of the same file with the same limits in the same host. */
static bhd_component *known_component(const soak_plan *plan, const soak_guest *g)
{
    const bhd_limits *limits = &g->entry.limits;
    if (strchr(g->entry.attack, ':'))
        return NULL;
    for (const soak_guest *known = plan->guests; known < g; known++) {
        const bhd_limits *other = &known->entry.limits;
        if (known->component && known->host == g->host && known->may_wait == g->may_wait &&
            !strchr(known->entry.attack, ':') && strcmp(known->entry.file, g->entry.file) == 0 &&
            other->max_memory_bytes == limits->max_memory_bytes &&
            other->max_table_elements == limits->max_table_elements &&
            other->max_fuel == limits->max_fuel && other->on_exceed == limits->on_exceed)
            return known->component;
    }
    return NULL;
}

/* Compiles one guest, lets it live twice, of which the faster one counts, and sorts it in. */
static void try_guest(soak_plan *plan, soak_guest *g, uint64_t lives[SOAK_HOSTS])
{
    char why[128] = "";
    bhd_error error = BHD_ERROR_INIT;
    g->may_wait = g->wanted.status == BHD_TIMEOUT;
    /* Only those that are meant to: a machine that is busy must not end the others. */
    g->entry.limits.timeout_seconds = g->may_wait ? DEADLINE_SECONDS : 30;
    bhd_status status = BHD_OK;
    g->component = known_component(plan, g);
    g->owns_component = !g->component;
    if (g->owns_component)
        status = hostile_component(&g->entry, plan->hosts[g->host], &g->entry.limits, &g->component,
                                   &error);
    bool refused = strcmp(g->entry.attack, "load") == 0;
    if (status != (refused ? g->wanted.status : BHD_OK))
        end_process(g, bhd_status_name(status), error.message);
    double seconds = 1e9;
    for (int i = 0; i < 2 && !refused; i++) {
        bhd_sandbox *sandbox;
        double began = process_seconds();
        soak_end end = soak_live(g, &sandbox, &error);
        bhd_sandbox_free(sandbox);
        double took = process_seconds() - began;
        seconds = took < seconds ? took : seconds;
        lives[g->host]++;
        if (i == 0) {
            /* Status and value were known; what it used is compared from now on. */
            bhd_status status_wanted = g->wanted.status;
            int64_t value_wanted = g->wanted.value;
            g->wanted = end;
            g->wanted.status = status_wanted;
            g->wanted.value = value_wanted;
        }
        if (!soak_end_is_right(g, &end, why, sizeof why))
            end_process(g, why, error.message);
    }
    if (refused)
        g->class = SOAK_REFUSED;
    else if (g->may_wait || seconds > QUICK_SECONDS)
        g->class = SOAK_SLOW;
    plan->of_class[g->class][plan->counts[g->class]++] = (size_t)(g - plan->guests);
    bhd_error_fini(&error);
}

void soak_plan_make(soak_plan *plan, uint64_t lives[SOAK_HOSTS])
{
    memset(plan, 0, sizeof *plan);
    /* One as it is by default, one whose slots keep nothing, one with garbage collection. */
    for (unsigned i = 0; i < SOAK_HOSTS; i++) {
        bhd_host_options options = BHD_HOST_OPTIONS_INIT;
        options.policy = (bhd_policy){BHD_POLICY_MIN_BYTES, BHD_MAX_MEMORY_BYTES};
        if (i == 1)
            options.slot_keep_bytes = 0;
        if (i == 2)
            options.features = BHD_FEATURE_GC;
        plan->hosts[i] = guest_host_with(&options);
        lives[i] = 0;
    }
    add_good(plan);
    add_hostile(plan);
    for (size_t i = 0; i < plan->count; i++)
        try_guest(plan, &plan->guests[i], lives);
}

void soak_plan_free(soak_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->guests[i].owns_component)
            bhd_component_free(plan->guests[i].component);
    for (unsigned i = 0; i < SOAK_HOSTS; i++)
        bhd_host_free(plan->hosts[i]);
}
