/*
 * See grammar_sweep.h. Each binary has a process of its own, with a bound on its memory so that a
 * test that fails does not take the machine with it.
 */
#include "support/grammar_sweep.h"

#include "support/child.h"
#include "support/hostile.h"
#include "support/process_facts.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

/* A page for each of the instances, when there are many. */
#define LIMIT_BYTES MIB(1)
#define LIMIT_OF_MANY PAGES(GRAMMAR_TIMES)
/* What a sandbox may cost beyond what it is charged. */
#define COST_BYTES MIB(1)
/* What loading may keep: the limit and 1 MiB, and this for each byte of the binary. A type of three
 * bytes is 66 in the engine; one of four in a group of types 490; one of 23 bytes, with its entry
 * in the engine's register, 1,400. */
#define KEPT_FOR_BYTE 160
/* What is measured is measured again when it is too much. */
#define TRIES 4
#define DATA_BYTES MIB(3072)
#define TIMEOUT_SECONDS 1.0
/* A binary within the default options takes some ten seconds, and is loaded twice. */
#define ALARM_SECONDS 300
/* In time of the processor: a busy machine does not make it more. */
#define SECONDS_PAST_DEADLINE 1.0
/* What compiling may take by default, twice. */
#define INSPECTION_SECONDS 20.0

typedef struct outcome {
    bool ended;
    bhd_status load, live, called, inspection;
    char message[BHD_MESSAGE_SIZE];
    /* What loading keeps and what a sandbox cost beyond what it was charged. */
    uint64_t kept, beyond, peak;
    double load_seconds, live_seconds, call_seconds, inspection_seconds;
} outcome;

typedef struct attempt {
    const grammar_vector *vector;
    uint64_t n;
    bool many;
    uint8_t *binary;
    size_t size;
    outcome *out; /* shared with the child */
} attempt;

/* -- one binary, in its own process -------------------------------------------------------- */

static double processor_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Compiled code lies in mappings without a name that nobody may write. */
static uint64_t code_bytes(void)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    CHECK(file);
    char line[512], rights[8] = "";
    uint64_t kib, inode = 1, sum = 0;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%*x-%*x %7s %*x %*s %" SCNu64, rights, &inode) == 2)
            continue;
        if (sscanf(line, "Rss: %" SCNu64, &kib) == 1 && inode == 0 && rights[1] != 'w' &&
            !strchr(rights, 's'))
            sum += KIB(kib);
    }
    fclose(file);
    return sum;
}

static uint64_t resident_without_code(void)
{
    (void)malloc_trim(0);
    uint64_t resident = process_resident_bytes(), code = code_bytes();
    return resident > code ? resident - code : 0;
}

static uint64_t above(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static uint64_t limit_of(const attempt *a)
{
    return a->many ? LIMIT_OF_MANY : LIMIT_BYTES;
}

static bhd_status load(const attempt *a, bhd_host *host, bhd_component **component)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component_options options = {
        .size = sizeof options, .name = "vector", .limits = guest_limits(limit_of(a))};
    options.limits.timeout_seconds = TIMEOUT_SECONDS;
    bhd_status status = bhd_component_new(host, &options, a->binary, a->size, component, &error);
    (void)snprintf(a->out->message, sizeof a->out->message, "%s", error.message);
    bhd_error_fini(&error);
    return status;
}

/* What some of them export: large frames and many handlers are nothing until they run. Their
 * parameters are all i64. */
static void call(const attempt *a, bhd_sandbox *sandbox)
{
    static bhd_value arguments[1000], results[1000];
    bhd_function *function;
    for (size_t i = 0; i < COUNT_OF(arguments); i++)
        arguments[i] = bhd_value_i64(0);
    if (bhd_sandbox_function(sandbox, "f", &function, NULL) != BHD_OK)
        return;
    size_t takes = bhd_type_count(bhd_function_parameters(function));
    size_t gives = bhd_type_count(bhd_function_results(function));
    CHECK(takes <= COUNT_OF(arguments) && gives <= COUNT_OF(results));
    double began = processor_seconds();
    a->out->called = bhd_sandbox_call(sandbox, function, arguments, takes, results, gives, NULL);
    a->out->call_seconds = processor_seconds() - began;
}

static void live(const attempt *a, bhd_component *component)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    (void)malloc_trim(0);
    uint64_t before = process_resident_bytes(), own = limit_of(a);
    process_forget_peak();
    double began = processor_seconds();
    a->out->live = bhd_sandbox_new(component, NULL, &sandbox, &error);
    a->out->live_seconds = processor_seconds() - began;
    if (sandbox)
        call(a, sandbox);
    uint64_t peak = process_peak_bytes();
    if (sandbox) {
        bhd_memory_metrics metrics;
        bhd_sandbox_metrics(sandbox, &metrics);
        own = metrics.peak_bytes;
    }
    a->out->beyond = above(peak, before + own);
    if (error.message[0])
        (void)snprintf(a->out->message, sizeof a->out->message, "%s", error.message);
    bhd_sandbox_free(sandbox);
    bhd_error_fini(&error);
}

/* What tells about a binary reads more of it than what runs it. */
static void inspect(const attempt *a, bhd_host *host)
{
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    double began = processor_seconds();
    a->out->inspection = bhd_inspect(host, a->binary, a->size, &inspection, NULL);
    a->out->inspection_seconds = processor_seconds() - began;
    bhd_inspection_fini(&inspection);
}

static void bound_itself(void)
{
    const struct rlimit data = {DATA_BYTES, DATA_BYTES}, none = {0, 0};
    CHECK(setrlimit(RLIMIT_DATA, &data) == 0);
    CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
}

static uint64_t kept_allowed(const attempt *a)
{
    return LIMIT_BYTES + COST_BYTES + a->size * KEPT_FOR_BYTE;
}

/* Again and again: what is made once for each thread, as what the compiler works in, is there some
 * time. */
static bhd_component *keep_loading(const attempt *a, bhd_host *host, bhd_component *component)
{
    for (int tries = 0; tries < TRIES && (tries == 0 || a->out->kept > kept_allowed(a)); tries++) {
        bhd_component_free(component);
        uint64_t before = resident_without_code();
        CHECK(load(a, host, &component) == BHD_OK);
        a->out->kept = above(resident_without_code(), before);
    }
    return component;
}

static void try_in_child(void *env)
{
    const attempt *a = env;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    bhd_component *component = NULL;
    bound_itself();
    (void)alarm(ALARM_SECONDS);
    options.policy.min_memory_bytes = BHD_POLICY_MIN_BYTES;
    options.slot_keep_bytes = 0;
    options.max_memories = GRAMMAR_TIMES;
    options.max_tables = GRAMMAR_TIMES;
    options.features = a->vector->gc ? BHD_FEATURE_GC : 0;
    CHECK_STATUS(BHD_OK, bhd_host_new(&options, &host, &error), &error);
    double began = processor_seconds();
    a->out->load = load(a, host, &component);
    a->out->load_seconds = processor_seconds() - began;
    a->out->peak = process_peak_bytes();
    if (a->out->load == BHD_OK) {
        component = keep_loading(a, host, component);
        live(a, component);
        for (int tries = 0; tries == 0 || (tries < TRIES && a->out->beyond > COST_BYTES); tries++)
            live(a, component);
    }
    bhd_component_free(component);
    inspect(a, host);
    bhd_host_free(host);
    a->out->ended = true;
}

/* -- what is right ------------------------------------------------------------------------- */

static bool is_refusal(bhd_status status)
{
    switch (status) {
    case BHD_COMPONENT_INVALID:
    case BHD_COMPONENT_UNSUPPORTED:
    case BHD_COMPONENT_TOO_LARGE:
    case BHD_FILE_TOO_LARGE:
    case BHD_IMPORT_UNKNOWN:
        return true;
    default:
        return false;
    }
}

/* A module whose segment lies outside traps while it is instantiated. */
static bool may_end_a_sandbox(bhd_status status)
{
    switch (status) {
    case BHD_OK:
    case BHD_OUT_OF_MEMORY:
    case BHD_NO_CAPACITY:
    case BHD_TIMEOUT:
    case BHD_TRAP:
        return true;
    default:
        return false;
    }
}

/* NULL, or what is wrong. */
static const char *wrong_with(const attempt *a, int status)
{
    const outcome *o = a->out;
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? "did not end" : "the process died";
    if (WEXITSTATUS(status) != 0 || !o->ended)
        return "the child failed";
    if (a->n == 1 && !a->many && o->load != a->vector->one)
        return "one item does not come to what the row says";
    if (o->inspection != BHD_OK && !is_refusal(o->inspection))
        return "an inspection that ends with a status that is no refusal";
    if (o->inspection_seconds > INSPECTION_SECONDS)
        return "an inspection that took too long";
    if (o->load != BHD_OK)
        return !is_refusal(o->load) ? "a status that is no refusal"
               : o->message[0]      ? NULL
                                    : "refused without a word";
    if (!may_end_a_sandbox(o->live))
        return "a status that no sandbox may end with";
    if (o->live_seconds > TIMEOUT_SECONDS + SECONDS_PAST_DEADLINE)
        return "the sandbox was not made by its deadline";
    if (!may_end_a_sandbox(o->called))
        return "a status that no call may end with";
    if (o->call_seconds > TIMEOUT_SECONDS + SECONDS_PAST_DEADLINE)
        return "a call went on after its deadline";
    if (o->beyond > COST_BYTES)
        return "the sandbox cost more than it may";
    if (o->kept > kept_allowed(a))
        return "what was loaded keeps more than it may";
    return NULL;
}

static void keep(const attempt *a)
{
    const char *directory = getenv("BHD_GRAMMAR_KEEP");
    char path[512];
    if (!directory)
        return;
    int size = snprintf(path, sizeof path, "%s/%s-%" PRIu64 "%s.wasm", directory, a->vector->name,
                        a->n, a->many ? "-64" : "");
    assert_true(size > 0 && (size_t)size < sizeof path);
    for (char *c = path + strlen(directory) + 1; *c; c++)
        if (*c == ' ' || *c == '/' || *c == ',' || *c == ':')
            *c = '_';
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(a->size, fwrite(a->binary, 1, a->size, file));
    fclose(file);
}

/* -- a vector ------------------------------------------------------------------------------ */

typedef struct tally {
    unsigned tried, refused, wrong;
    uint64_t accepted, kept, beyond, peak; /* the most of each */
    double load_seconds, live_seconds, inspection_seconds;
} tally;

static outcome *shared;

/* Gives whether it was loaded. */
static bool attempt_one(const grammar_vector *vector, uint64_t n, bool many, tally *t)
{
    attempt a = {.vector = vector, .n = n, .many = many, .out = shared};
    memset(shared, 0, sizeof *shared);
    a.size = grammar_binary(vector, n, many, &a.binary);
    int status = child_status(try_in_child, &a);
    const char *wrong = wrong_with(&a, status);
    bool loaded = !wrong && shared->load == BHD_OK;
    if (wrong || getenv("BHD_VERBOSE"))
        print_message(
            "  %s%s, %" PRIu64 "%s: %zu bytes, %s, %s, kept %" PRIu64 " KiB, sandbox %" PRIu64
            " KiB, peak %" PRIu64 " KiB, %.2f s, %.2f s and %.2f s: %s\n",
            wrong ? "WRONG: " : "", vector->name, n, many ? " times 64" : "", a.size,
            bhd_status_name(shared->load), bhd_status_name(shared->live), shared->kept / 1024,
            shared->beyond / 1024, shared->peak / 1024, shared->load_seconds, shared->live_seconds,
            shared->inspection_seconds, wrong ? wrong : shared->message);
    if (wrong) {
        print_message("    %s\n", shared->message);
        keep(&a);
        t->wrong++;
    }
    free(a.binary);
    t->tried++;
    t->refused += shared->load != BHD_OK;
    if (loaded && n > t->accepted)
        t->accepted = n;
#define MOST(field) t->field = shared->field > t->field ? shared->field : t->field
    MOST(kept);
    MOST(beyond);
    MOST(peak);
    MOST(load_seconds);
    MOST(live_seconds);
    MOST(inspection_seconds);
#undef MOST
    return shared->load == BHD_OK;
}

/* As many as are allowed, to a half. */
static void attempt_most(const grammar_vector *vector, bool many, uint64_t low, tally *t)
{
    uint64_t high = vector->most;
    if (attempt_one(vector, high, many, t))
        return;
    while (high > 2 * low + 1) {
        uint64_t middle = high > 5 * (low + 1) ? 4 * (low + 1) : low + (high - low) / 2;
        if (attempt_one(vector, middle, many, t))
            low = middle;
        else
            high = middle;
    }
}

static void sweep_one(const grammar_vector *vector, bool many, tally *t)
{
    static const uint64_t counts[] = {0, 1, 10, 1000, 100000};
    bool is_long = getenv("BHD_LONG") != NULL;
    uint64_t loaded = 0;
    for (size_t i = 0; i < COUNT_OF(counts) - !is_long; i++)
        if (counts[i] < vector->most && attempt_one(vector, counts[i], many, t))
            loaded = counts[i];
    if (is_long)
        attempt_most(vector, many, loaded, t);
}

static void print_row(const grammar_vector *vector, const tally t[2])
{
    const char *path = getenv("BHD_GRAMMAR_TABLE");
    if (!path)
        return;
#define MOST(field) (t[0].field > t[1].field ? t[0].field : t[1].field)
    FILE *file = fopen(path, "ae");
    assert_non_null(file);
    fprintf(file,
            "| %s | %u | %u | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64
            " | %.1f | %.2f | %.1f |\n",
            vector->name, t[0].tried + t[1].tried, t[0].refused + t[1].refused, t[0].accepted,
            t[1].accepted, MOST(beyond) / 1024, MOST(kept) / 1024, MOST(load_seconds),
            MOST(live_seconds), MOST(inspection_seconds));
    fclose(file);
#undef MOST
}

static void the_vector_costs_what_it_may(void **state)
{
    const grammar_vector *vector = *state;
    tally t[2] = {{0}, {0}};
    sweep_one(vector, false, &t[0]);
    sweep_one(vector, true, &t[1]);
    print_row(vector, t);
    assert_int_equal(0, t[0].wrong + t[1].wrong);
}

int grammar_sweep(const char *name, const grammar_part *parts, size_t part_count, int argc,
                  char **argv)
{
    static struct CMUnitTest tests[512];
    char pattern[128];
    size_t count = 0;
    /* What threads leave in arenas of their own is not what the library keeps. */
    if (!mallopt(M_ARENA_MAX, 1))
        return 1;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 1;
    for (size_t p = 0; p < part_count; p++)
        for (size_t i = 0; i < parts[p].count; i++) {
            if (count == COUNT_OF(tests))
                return 1;
            tests[count++] =
                (struct CMUnitTest){parts[p].rows[i].name, the_vector_costs_what_it_may, NULL, NULL,
                                    (void *)(uintptr_t)&parts[p].rows[i]};
        }
    if (argc > 1) {
        (void)snprintf(pattern, sizeof pattern, "*%s*", argv[1]);
        cmocka_set_test_filter(pattern);
    }
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}
