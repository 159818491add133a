/*
 * What limits cost: growths, refusals, calls and life cycles in Bulkhead, in its engine without a
 * limiter and in Wasmtime configured for the same safety; the limiter switched on and off on guests
 * that do nothing but call and grow; and what guard regions and deadlines cost a guest that
 * computes. docs/BENCHMARKS.md explains the numbers.
 *
 * How it measures. A run is a process of its own. In it, every task is done in many short rounds,
 * and in each round every contender does the same piece of work once, in an order that is drawn
 * anew for each round. The run gives the median of its rounds for each contender, and the median of
 * the ratios inside the rounds, so that whatever slows the machine down for a while slows both
 * sides of a ratio. Printed are the median of the runs and the smallest and the largest run.
 */
#include "support/contenders.h"
#include "support/fresh_process.h"
#include "support/machine.h"
#include "support/samples.h"

#include <argp.h>
#include <jansson.h>

#define RUNS_MIN 9
#define RUNS_DEFAULT 15
#define CONTENDERS_MAX 6
#define WARM_UP_ROUNDS 5
#define UNUSED_ADDRESS 70000 /* in a page of the guest that nothing has been written to */

typedef struct settings {
    int runs;
    bool json;
    int this_run; /* 0: this is the process that starts the runs */
} settings;

/* -- tasks --------------------------------------------------------------------------------- */

/* One piece of work that is measured, and what of it is one operation. */
typedef struct task task;
struct task {
    const char *key, *title;
    const char *function;
    int32_t argument, expected;
    int times;         /* that the function is called, or instances are made, in a round */
    double operations; /* in a round */
    int rounds;        /* in a run */
    /* Gives the nanoseconds of one round. */
    double (*work)(const task *self, const contender *c, box *b);
    bool in_one_life; /* all rounds in one instance, in which the function has been looked up */
    bool full;        /* that instance has grown to its limit */
};

static void expect(const task *self, const contender *c, int32_t got)
{
    if (got == self->expected)
        return;
    fprintf(stderr, "bench: %s, %s: %s(%d) gave %d instead of %d\n", self->title, c->title,
            self->function, (int)self->argument, (int)got, (int)self->expected);
    exit(1);
}

static double work_calls(const task *self, const contender *c, box *b)
{
    double start = machine_now_ns();
    int32_t got = c->calls->repeat(c, b, self->argument, self->times);
    double spent = machine_now_ns() - start;
    expect(self, c, got);
    return spent;
}

/* One call in each of several fresh instances; only the calls are timed. The guest has written to
 * its memory before, as guests have: the system takes longer to extend a memory that is in use. */
static double work_first_calls(const task *self, const contender *c, box *b)
{
    double spent = 0;
    for (int i = 0; i < self->times; i++) {
        c->calls->open(c, b);
        c->calls->look_up(c, b, "touch");
        (void)c->calls->call(c, b, UNUSED_ADDRESS);
        c->calls->look_up(c, b, self->function);
        double start = machine_now_ns();
        int32_t got = c->calls->call(c, b, self->argument);
        spent += machine_now_ns() - start;
        expect(self, c, got);
        c->calls->close(c, b);
    }
    return spent;
}

/* Instantiated, one call unless there is no function, deleted. */
static double work_lives(const task *self, const contender *c, box *b)
{
    double start = machine_now_ns();
    for (int i = 0; i < self->times; i++) {
        c->calls->open(c, b);
        if (self->function) {
            c->calls->look_up(c, b, self->function);
            expect(self, c, c->calls->call(c, b, self->argument));
        }
        c->calls->close(c, b);
    }
    return machine_now_ns() - start;
}

/* -- measuring ----------------------------------------------------------------------------- */

/* A task, who does it, and what the runs gave. */
typedef struct contest {
    const task *of;
    size_t count;
    const contender *contenders[CONTENDERS_MAX];
    samples times[CONTENDERS_MAX];  /* nanoseconds of one operation */
    samples ratios[CONTENDERS_MAX]; /* to the first contender */
} contest;

static uint64_t drawn = UINT64_C(0x9e3779b97f4a7c15);

/* A number below `limit`. */
static size_t draw(size_t limit)
{
    drawn ^= drawn << 13;
    drawn ^= drawn >> 7;
    drawn ^= drawn << 17;
    return (size_t)(drawn >> 33) % limit;
}

/* A permutation, so that nobody is always the one after the slowest. */
static void draw_order(size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = draw(i + 1);
        order[i] = order[at];
        order[at] = i;
    }
}

static double work_once(const task *t, const contender *c, box *b)
{
    switched_limiter = c->switched_on;
    return t->work(t, c, b) / t->operations;
}

static void open_boxes(const contest *o, box *boxes)
{
    for (size_t i = 0; i < o->count && o->of->in_one_life; i++) {
        const contender *c = o->contenders[i];
        switched_limiter = c->switched_on;
        c->calls->open(c, &boxes[i]);
        if (o->of->full) {
            c->calls->look_up(c, &boxes[i], "grow");
            (void)c->calls->call(c, &boxes[i], GUEST_PAGES_LIMIT);
        }
        c->calls->look_up(c, &boxes[i], o->of->function);
    }
}

static void close_boxes(const contest *o, box *boxes)
{
    for (size_t i = 0; i < o->count && o->of->in_one_life; i++) {
        switched_limiter = o->contenders[i]->switched_on;
        o->contenders[i]->calls->close(o->contenders[i], &boxes[i]);
    }
}

static void one_round(const contest *o, box *boxes, double *spent)
{
    size_t order[CONTENDERS_MAX] = {0};
    draw_order(order, o->count);
    for (size_t i = 0; i < o->count; i++)
        spent[order[i]] = work_once(o->of, o->contenders[order[i]], &boxes[order[i]]);
}

/* Writes the time and the ratio of every contender, in the order that collect() reads. */
static void one_run(const contest *o)
{
    static samples times[CONTENDERS_MAX], ratios[CONTENDERS_MAX];
    box boxes[CONTENDERS_MAX];
    for (size_t i = 0; i < o->count; i++)
        times[i].count = ratios[i].count = 0;
    open_boxes(o, boxes);
    for (int round = -WARM_UP_ROUNDS; round < o->of->rounds; round++) {
        double spent[CONTENDERS_MAX];
        one_round(o, boxes, spent);
        for (size_t i = 0; i < o->count && round >= 0; i++) {
            samples_add(&times[i], spent[i]);
            samples_add(&ratios[i], spent[i] / spent[0]);
        }
    }
    close_boxes(o, boxes);
    for (size_t i = 0; i < o->count; i++) {
        double numbers[] = {samples_summary(&times[i]).median, samples_summary(&ratios[i]).median};
        if (fwrite(numbers, sizeof numbers, 1, stdout) != 1)
            give_up("standard output", "cannot be written");
    }
}

/* Adds what one run wrote to the contests. */
static void collect(contest *contests, size_t count, const double *numbers)
{
    for (size_t o = 0; o < count; o++)
        for (size_t i = 0; i < contests[o].count; i++) {
            samples_add(&contests[o].times[i], *numbers++);
            samples_add(&contests[o].ratios[i], *numbers++);
        }
}

/* -- what is measured ---------------------------------------------------------------------- */

#define COST_ROUNDS 60
#define OVERHEAD_ROUNDS 200

static const task growth = {
    .key = "growth",
    .title = "growth by 64 KiB",
    .function = "grow",
    .argument = GUEST_GROWTHS,
    .work = work_first_calls,
    .times = 2,
    .operations = 2.0 * GUEST_GROWTHS,
    .rounds = COST_ROUNDS,
};
static const task refusal = {
    .key = "refused_growth",
    .title = "refused growth",
    .function = "grow",
    .argument = 500,
    .expected = 500,
    .work = work_calls,
    .times = 1,
    .operations = 500,
    .rounds = COST_ROUNDS,
    .in_one_life = true,
    .full = true,
};
static const task call = {
    .key = "call",
    .title = "call of an exported function",
    .function = "same",
    .argument = 7,
    .expected = 7,
    .work = work_calls,
    .times = 2000,
    .operations = 2000,
    .rounds = COST_ROUNDS,
    .in_one_life = true,
};
static const task life = {
    .key = "life",
    .title = "instantiate, delete",
    .work = work_lives,
    .times = 20,
    .operations = 20,
    .rounds = COST_ROUNDS,
};
static const task touching_life = {
    .key = "life_touching",
    .title = "instantiate, call, touch a page, delete",
    .function = "touch",
    .argument = UNUSED_ADDRESS,
    .expected = UNUSED_ADDRESS,
    .work = work_lives,
    .times = 20,
    .operations = 20,
    .rounds = COST_ROUNDS,
};

static const task calls_from_host = {
    .key = "calls_from_host",
    .title = "calls from the host",
    .function = "same",
    .argument = 7,
    .expected = 7,
    .work = work_calls,
    .times = 2000,
    .operations = 2000,
    .rounds = OVERHEAD_ROUNDS,
    .in_one_life = true,
};
/* fib(18) makes 8361 calls. */
static const task calls_inside = {
    .key = "calls_inside",
    .title = "calls inside the guest",
    .function = "fib",
    .argument = 18,
    .expected = 2584,
    .work = work_calls,
    .times = 5,
    .operations = 5.0 * 8361,
    .rounds = OVERHEAD_ROUNDS,
    .in_one_life = true,
};
static const task growing_use = {
    .key = "growing_use",
    .title = "life: grows to 4 MiB and uses it",
    .function = "grow_use",
    .argument = GUEST_GROWTHS,
    .work = work_lives,
    .times = 1,
    .operations = 1,
    .rounds = OVERHEAD_ROUNDS,
};
static const task growing_idle = {
    .key = "growing_idle",
    .title = "life: grows to 4 MiB, touches nothing",
    .function = "grow",
    .argument = GUEST_GROWTHS,
    .work = work_lives,
    .times = 1,
    .operations = 1,
    .rounds = OVERHEAD_ROUNDS,
};
static const task empty_life = {
    .key = "empty_life",
    .title = "life: instantiate, delete",
    .work = work_lives,
    .times = 20,
    .operations = 20,
    .rounds = OVERHEAD_ROUNDS,
};

static const task hash = {
    .key = "hash",
    .title = "FNV-1a, a byte",
    .function = "hash",
    .argument = 1,
    .expected = 1971396389, /* of the first page, as the guest declares it */
    .work = work_calls,
    .times = 2,
    .operations = 2.0 * 65536,
    .rounds = COST_ROUNDS,
    .in_one_life = true,
};
static const task sieve = {
    .key = "sieve",
    .title = "sieve of the numbers below 65536",
    .function = "sieve",
    .argument = 1,
    .expected = 6542,
    .work = work_calls,
    .times = 1,
    .operations = 1,
    .rounds = COST_ROUNDS,
    .in_one_life = true,
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define COSTS 5
#define OVERHEADS 5
#define COMPUTATIONS 2

/* The tables, in the order in which they are measured and printed. */
typedef union plan {
    contest all[COSTS + OVERHEADS + COMPUTATIONS];
    struct {
        contest costs[COSTS], overheads[OVERHEADS], computations[COMPUTATIONS];
    } of;
} plan;

static void enter(contest *o, const task *t, const contender *const *list, size_t count)
{
    o->of = t;
    o->count = count;
    for (size_t i = 0; i < count; i++)
        o->contenders[i] = list[i];
}

static void plan_init(plan *p, const contenders *c)
{
    static const task *const costs[COSTS] = {&growth, &refusal, &call, &life, &touching_life};
    static const task *const overheads[OVERHEADS] = {&calls_from_host, &calls_inside, &growing_use,
                                                     &growing_idle, &empty_life};
    static const task *const computations[COMPUTATIONS] = {&hash, &sieve};
    const contender *with_cost[] = {&c->shipped, &c->engine_room, &c->on_demand, &c->pool,
                                    &c->pool_keeping};
    const contender *with_overhead[] = {&c->switched_off, &c->switched_on, &c->shipped};
    const contender *computing[] = {&c->on_demand, &c->shipped, &c->engine_room, &c->pool,
                                    &c->no_deadline};
    for (size_t i = 0; i < COSTS; i++) {
        with_cost[1] = costs[i] == &refusal ? &c->engine_room_declared : &c->engine_room;
        enter(&p->of.costs[i], costs[i], with_cost, LENGTH(with_cost));
    }
    for (size_t i = 0; i < OVERHEADS; i++)
        enter(&p->of.overheads[i], overheads[i], with_overhead, LENGTH(with_overhead));
    for (size_t i = 0; i < COMPUTATIONS; i++)
        enter(&p->of.computations[i], computations[i], computing, LENGTH(computing));
}

/* -- as text ------------------------------------------------------------------------------- */

static const char *nanoseconds(double value, char *text, size_t capacity)
{
    if (value < 1e4)
        snprintf(text, capacity, value < 100 ? "%.2f ns" : "%.0f ns", value);
    else
        snprintf(text, capacity, "%.1f us", value / 1e3);
    return text;
}

static void print_contest(const contest *o)
{
    printf("\n%s\n", o->of->title);
    for (size_t i = 0; i < o->count; i++) {
        char median[32], minimum[32], maximum[32];
        summary time = samples_summary(&o->times[i]), ratio = samples_summary(&o->ratios[i]);
        printf("    %-14s %9s (%s to %s)", o->contenders[i]->title,
               nanoseconds(time.median, median, sizeof median),
               nanoseconds(time.minimum, minimum, sizeof minimum),
               nanoseconds(time.maximum, maximum, sizeof maximum));
        if (i > 0)
            printf(", %.2f of %s (%.2f to %.2f)", ratio.median, o->contenders[0]->title,
                   ratio.minimum, ratio.maximum);
        printf("\n");
    }
}

static void print_overhead(const contest *o)
{
    char off[32], on[32];
    summary limited = samples_summary(&o->ratios[1]), shipped = samples_summary(&o->ratios[2]);
    printf("%-38s %10s %10s   %+6.2f %% (%+.2f to %+.2f)   %+6.2f %% (%+.2f to %+.2f)\n",
           o->of->title, nanoseconds(samples_summary(&o->times[0]).median, off, sizeof off),
           nanoseconds(samples_summary(&o->times[1]).median, on, sizeof on),
           (limited.median - 1) * 100, (limited.minimum - 1) * 100, (limited.maximum - 1) * 100,
           (shipped.median - 1) * 100, (shipped.minimum - 1) * 100, (shipped.maximum - 1) * 100);
}

static void print_text(const machine *m, const settings *wanted, const plan *p)
{
    printf("Bulkhead %s, %s; %s, %ld processors (%s), ", bhd_version(), bhd_engine_version(),
           m->kernel, m->processors, m->processor);
    if (m->pinned_to >= 0)
        printf("on number %d\n", m->pinned_to);
    else
        printf("not pinned\n");
    printf("Medians of %d runs, with the smallest and the largest run.\n", wanted->runs);
    printf("\nCOSTS of one operation\n");
    for (size_t i = 0; i < COSTS; i++)
        print_contest(&p->of.costs[i]);
    printf("\nOVERHEAD of the limiter: the same code, limiter off and on\n\n");
    printf("%-38s %10s %10s   %-26s   %s\n", "", "off", "on", "on against off",
           "as shipped against off");
    for (size_t i = 0; i < OVERHEADS; i++)
        print_overhead(&p->of.overheads[i]);
    printf("\nCOMPUTATION: guard regions and deadlines\n");
    for (size_t i = 0; i < COMPUTATIONS; i++)
        print_contest(&p->of.computations[i]);
}

/* -- as JSON ------------------------------------------------------------------------------- */

static json_t *summary_json(const samples *series)
{
    summary s = samples_summary(series);
    return json_pack("{s:f, s:f, s:f}", "median", s.median, "minimum", s.minimum, "maximum",
                     s.maximum);
}

static json_t *contests_json(const contest *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        const contest *o = &list[i];
        json_t *by_contender = json_object();
        for (size_t c = 0; c < o->count; c++)
            json_object_set_new(by_contender, o->contenders[c]->key,
                                json_pack("{s:o, s:o}", "nanoseconds", summary_json(&o->times[c]),
                                          "ratio", summary_json(&o->ratios[c])));
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:o}", "key", o->of->key, "title",
                                               o->of->title, "ratio_to", o->contenders[0]->key,
                                               "contenders", by_contender));
    }
    return array;
}

static void print_json(const machine *m, const settings *wanted, const plan *p)
{
    json_t *root = json_pack(
        "{s:s, s:s, s:{s:s, s:s, s:i, s:i}, s:i, s:o, s:o, s:o}", "version", bhd_version(),
        "engine", bhd_engine_version(), "machine", "kernel", m->kernel, "processor", m->processor,
        "processors", (int)m->processors, "pinned_to", m->pinned_to, "runs", wanted->runs, "costs",
        contests_json(p->of.costs, COSTS), "overhead", contests_json(p->of.overheads, OVERHEADS),
        "computation", contests_json(p->of.computations, COMPUTATIONS));
    if (!root || json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) != 0)
        give_up("JSON", "cannot be written");
    printf("\n");
    json_decref(root);
}

/* -- main ---------------------------------------------------------------------------------- */

static char *read_guest(const char *name)
{
    char path[1024];
    char *text = calloc(1, 65536);
    snprintf(path, sizeof path, "%s/bench/support/%s", BHD_SOURCE_DIR, name);
    FILE *file = fopen(path, "re");
    if (!text || !file || fread(text, 1, 65535, file) == 0)
        give_up(path, "cannot be read");
    fclose(file);
    return text;
}

/* The key of the option by which the program calls itself. */
#define THIS_RUN 256

static error_t take_option(int key, char *argument, struct argp_state *state)
{
    settings *wanted = state->input;
    char *end;
    switch (key) {
    case 'j':
        wanted->json = true;
        return 0;
    case 'r': {
        long runs = strtol(argument, &end, 10);
        if (*end != '\0' || runs < RUNS_MIN || runs > BENCH_SAMPLES_MAX)
            argp_error(state, "--runs: %s is not a number from %d to %d", argument, RUNS_MIN,
                       BENCH_SAMPLES_MAX);
        wanted->runs = (int)runs;
        return 0;
    }
    case THIS_RUN:
        wanted->this_run = (int)strtol(argument, NULL, 10);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* One run, in its own process. */
static void do_run(const plan *p, contenders *all, machine *m, int number)
{
    drawn += (uint64_t)number;
    contenders_start(all, read_guest("bench_guest.wat"), read_guest("declared_maximum.wat"));
    /* The clock of the host starts with its first sandbox, and stays off this processor. */
    box first;
    all->shipped.calls->open(&all->shipped, &first);
    all->shipped.calls->close(&all->shipped, &first);
    machine_pin(m);
    for (size_t o = 0; o < LENGTH(p->all); o++)
        one_run(&p->all[o]);
}

static void start_runs(plan *p, char *program, int runs)
{
    double numbers[LENGTH(p->all) * CONTENDERS_MAX * 2];
    size_t count = 0;
    for (size_t o = 0; o < LENGTH(p->all); o++)
        count += p->all[o].count * 2;
    for (int run = 1; run <= runs; run++) {
        char option[32];
        snprintf(option, sizeof option, "--this-run=%d", run);
        char *argv[] = {program, option, NULL};
        if (!fresh_process_numbers(argv, numbers, count))
            give_up(option, "the run of this program with this option failed");
        collect(p->all, LENGTH(p->all), numbers);
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"json", 'j', NULL, 0, "Print one JSON object instead of tables", 0},
        {"runs", 'r', "N", 0, "Measure N times, 9 at least (default: 15)", 0},
        {"this-run", THIS_RUN, "N", OPTION_HIDDEN, NULL, 0},
        {NULL, 0, NULL, 0, NULL, 0},
    };
    static const struct argp parser = {options, take_option, NULL, "What limits cost.",
                                       NULL,    NULL,        NULL};
    settings wanted = {RUNS_DEFAULT, false, 0};
    argp_parse(&parser, argc, argv, 0, NULL, &wanted);

    static contenders all;
    static plan contests;
    machine m;
    machine_describe(&m);
    contenders_name(&all);
    plan_init(&contests, &all);
    if (wanted.this_run > 0) {
        do_run(&contests, &all, &m, wanted.this_run);
        return 0;
    }
    start_runs(&contests, argv[0], wanted.runs);
    machine_pin(&m); /* as the runs were */
    if (wanted.json)
        print_json(&m, &wanted, &contests);
    else
        print_text(&m, &wanted, &contests);
    return 0;
}
