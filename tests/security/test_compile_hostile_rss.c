/*
 * Whatever a binary is, compiling it ends in a verdict, in bounded time and memory, and nobody else
 * notices: not the process that asked, whose memory, descriptors, mappings and children are after
 * it what they were before, and not another tenant of the same host, who computes meanwhile. The
 * process that compiles never has more than max_compile_bytes.
 *
 * Every binary is loaded on a host whose other limits are as wide as they can be, so that as much
 * as possible is compiled. What becomes of it is not the point: it may be compiled, refused with
 * what is wrong with it, run out of time or of memory, or end its compiler. Binaries come from
 * compile_bombs.h.
 *
 *     PROGRAM [NAME]          those in whose name it is
 *     BHD_LONG=1              default limits, sizes up to 16 MiB, every vector of the binary
 *                             format, many seeds, verdicts in time: `make bombs`
 *     BHD_SEED=N              begins with another seed
 *     BHD_BOMBS_KEEP=DIRECTORY keeps each binary while it is compiled, and those that failed
 *     BHD_VERBOSE=1           prints what became of each
 */
#include "support/bomb_watch.h"
#include "support/compile_bombs.h"
#include "support/hostile.h"
#include "support/process_facts.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What a process may have beside the memory that is bounded: its stack, and pages of the program
 * and of its files. */
#define STACK_BYTES MIB(8)
#define PROGRAM_BYTES MIB(32)
/* What the engine and the C library keep, once, of what passed through them. */
#define LEFT_BYTES MIB(24)
#define LEFT_MAPPINGS 64
/* Processor time of the thread that asks: reading, checking, linking. */
#define HOST_SECONDS 5.0

static bool is_long;
static uint64_t first_seed;
/* Without garbage collection, and with it. */
static bhd_host *hosts[2];
static bhd_host_options host_options;
static neighbours beside;

/* At the beginning, when everything has been used once; and again after a binary that left
 * something, so that the next one is judged by itself. */
static struct facts {
    uint64_t resident, descriptors, mappings, threads;
} before;

typedef struct tally {
    uint64_t binaries, by_status[128];
    double longest;
    /* Of those that took a while: seen while they were compiled, and another tenant computed. */
    uint64_t slow, seen, beside;
} tally;
static tally all;

/* -- the host ------------------------------------------------------------------------------ */

static void draw_options(void)
{
    host_options = (bhd_host_options)BHD_HOST_OPTIONS_INIT;
    host_options.policy.min_memory_bytes = BHD_POLICY_MIN_BYTES;
    host_options.policy.max_memory_bytes = BHD_POLICY_MAX_BYTES;
    host_options.slot_keep_bytes = 0;
    host_options.max_memories = host_options.max_tables = 1000;
    host_options.max_instances = 1000;
    host_options.max_component_bytes = MIB(17);
    host_options.max_functions = 1000000;
    host_options.max_function_bytes = MIB(17);
    host_options.max_instance_bytes = MIB(512);
    if (is_long)
        return;
    host_options.max_compile_seconds = 1;
    host_options.max_compile_bytes = MIB(128);
    host_options.max_artifact_bytes = MIB(16);
}

static bhd_status load(bhd_host *host, const bomb_text *binary, bhd_component **component,
                       bhd_error *error)
{
    bhd_component_options options = {
        .size = sizeof options, .name = "bomb", .limits = guest_limits(MIB(64))};
    options.limits.max_table_elements = 1000000;
    return bhd_component_new(host, &options, binary->data, binary->size, component, error);
}

static struct facts facts_now(void)
{
    (void)malloc_trim(0);
    return (struct facts){process_resident_bytes(), process_descriptors(), process_mappings(),
                          process_threads()};
}

/* A binary that is compiled, and one that is not: what is made once is made. */
static int begin(void **state)
{
    static const char *const texts[] = {"(module (func))", "(module (func (result i32)))"};
    (void)state;
    draw_options();
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        host_options.features = i ? BHD_FEATURE_GC : 0;
        hosts[i] = guest_host_with(&host_options);
    }
    for (size_t i = 0; i < 2 * COUNT_OF(texts); i++) {
        bhd_component *component = NULL;
        bomb_text text = {(char *)(uintptr_t)texts[i / 2], strlen(texts[i / 2]), 0};
        bhd_error error = BHD_ERROR_INIT;
        (void)load(hosts[i % 2], &text, &component, &error);
        bhd_component_free(component);
        bhd_error_fini(&error);
    }
    guest_keep_signals();
    neighbours_begin(&beside, hosts[0]);
    before = facts_now();
    return 0;
}

static int end(void **state)
{
    (void)state;
    neighbours_end(&beside);
    bhd_host_free(hosts[0]);
    bhd_host_free(hosts[1]);
    return 0;
}

/* -- one binary ----------------------------------------------------------------------------- */

typedef struct one {
    const char *name;
    size_t bytes;
    uint64_t seed;
    bool gc;
} one;

static void keep(const one *it, const bomb_text *binary, char *path, size_t size)
{
    const char *directory = getenv("BHD_BOMBS_KEEP");
    *path = '\0';
    if (!directory)
        return;
    int length = snprintf(path, size, "%s/%s-%zu-%" PRIu64 ".wasm", directory, it->name, it->bytes,
                          it->seed);
    assert_true(length > 0 && (size_t)length < size);
    for (char *c = path + strlen(directory) + 1; *c; c++)
        if (*c == ' ' || *c == '/' || *c == ',' || *c == ':')
            *c = '_';
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(binary->size, fwrite(binary->data, 1, binary->size, file));
    fclose(file);
}

/* How a binary may end. That the host has no compiler, no memory or a mistake is no verdict. */
static bool is_verdict(bhd_status status)
{
    static const bhd_status verdicts[] = {
        BHD_OK,
        BHD_COMPONENT_INVALID,
        BHD_COMPONENT_UNSUPPORTED,
        BHD_COMPONENT_TOO_LARGE,
        BHD_FILE_TOO_LARGE,
        BHD_IMPORT_UNKNOWN,
        BHD_CAPABILITY_DENIED,
        BHD_COMPILER_FAILED,
    };
    for (size_t i = 0; i < COUNT_OF(verdicts); i++)
        if (verdicts[i] == status)
            return true;
    return false;
}

static double thread_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#define WRONG(...)                                                                                 \
    do {                                                                                           \
        print_error("%s, %zu bytes, seed %" PRIu64 ": ", it->name, it->bytes, it->seed);           \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
        return false;                                                                              \
    } while (0)

static bool process_was_bounded(const one *it, const bomb_watch *w, size_t binary_bytes)
{
    uint64_t most = host_options.max_compile_bytes;
    if (w->data_bytes > most)
        WRONG("compiling took %" PRIu64 " bytes of %" PRIu64, w->data_bytes, most);
    if (w->anonymous_bytes > most + STACK_BYTES)
        WRONG("%" PRIu64 " bytes were resident of %" PRIu64, w->anonymous_bytes, most);
    if (w->resident_bytes >
        most + STACK_BYTES + PROGRAM_BYTES + binary_bytes + host_options.max_artifact_bytes)
        WRONG("with files %" PRIu64 " bytes were resident", w->resident_bytes);
    if (w->at_once > 1)
        WRONG("%u processes compiled", w->at_once);
    return true;
}

static bool nothing_is_left(const one *it)
{
    struct facts now = facts_now();
    if (bomb_watch_children() != 0)
        WRONG("a child is left");
    if (now.descriptors != before.descriptors)
        WRONG("%" PRIu64 " descriptors instead of %" PRIu64, now.descriptors, before.descriptors);
    if (now.threads != before.threads)
        WRONG("%" PRIu64 " threads instead of %" PRIu64, now.threads, before.threads);
    if (now.mappings > before.mappings + LEFT_MAPPINGS)
        WRONG("%" PRIu64 " mappings instead of %" PRIu64, now.mappings, before.mappings);
    if (now.resident > before.resident + LEFT_BYTES)
        WRONG("%" PRIu64 " KiB are resident, and were %" PRIu64, now.resident / 1024,
              before.resident / 1024);
    return true;
}

static bool ends_well(const one *it, const bomb_text *binary)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bomb_watch watch;
    bomb_watch_begin(&watch);
    unsigned computed = atomic_load(&beside.computed);
    double cpu = thread_seconds(), began = process_seconds();
    bhd_status status = load(hosts[it->gc], binary, &component, &error);
    double took = process_seconds() - began;
    cpu = thread_seconds() - cpu;
    computed = atomic_load(&beside.computed) - computed;
    bomb_watch_end(&watch);
    bhd_component_free(component);
    if (getenv("BHD_VERBOSE"))
        print_message("  %s, %zu bytes (%zu), seed %" PRIu64 ": %s, %.2f s (host %.3f s), %" PRIu64
                      " KiB, %u calls beside it: %.200s\n",
                      it->name, binary->size, it->bytes, it->seed, bhd_status_name(status), took,
                      cpu, watch.data_bytes / 1024, computed, error.message);
    all.slow += took > 0.5;
    all.seen += took > 0.5 && watch.looks > 0;
    all.beside += took > 0.5 && computed > 0;
    bool says = status == BHD_OK || error.message[0];
    bhd_error_fini(&error);
    all.binaries++;
    all.by_status[status]++;
    if (took > all.longest)
        all.longest = took;
    if (!is_verdict(status) || !says)
        WRONG("ended in %s", bhd_status_name(status));
    if (cpu > HOST_SECONDS)
        WRONG("took the host %.1f s of processor time", cpu);
    if (is_long && took > 1.5 * (double)(host_options.max_compile_seconds + 1))
        WRONG("took %.1f s", took);
    return process_was_bounded(it, &watch, binary->size);
}

static unsigned try_one(const one *it, bomb_text *binary)
{
    char path[512];
    keep(it, binary, path, sizeof path);
    bool is_well = ends_well(it, binary);
    bomb_free(binary);
    is_well = nothing_is_left(it) && is_well;
    if (!is_well)
        before = facts_now();
    if (is_well && path[0])
        (void)unlink(path);
    return is_well ? 0 : 1;
}

/* -- the rows ------------------------------------------------------------------------------- */

static const size_t short_sizes[] = {1000, 60000, 400000};
static const size_t long_sizes[] = {1000, 10000, 100000, 1000000, 4000000, 16000000};

static void the_bomb_ends_in_a_verdict(void **state)
{
    const compile_bomb *bomb = *state;
    const size_t *sizes = is_long ? long_sizes : short_sizes;
    size_t count = is_long ? COUNT_OF(long_sizes) : COUNT_OF(short_sizes);
    /* What was known to be dear was so at one of these sizes; chance needs more of them. */
    size_t first = is_long || bomb->has_seeds ? 0 : 1;
    size_t last = !bomb->has_sizes ? first + 1 : is_long || bomb->has_seeds ? count : 2;
    unsigned wrong = 0;
    for (size_t i = first; i < last; i++) {
        uint64_t seeds = !bomb->has_seeds ? 1 : is_long ? 12 : sizes[i] < 100000 ? 2 : 1;
        for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++) {
            one it = {bomb->name, sizes[i], seed, bomb->gc};
            bomb_text binary = {0};
            compile_bomb_make(bomb, it.bytes, seed, &binary);
            wrong += try_one(&it, &binary);
        }
    }
    assert_int_equal(0, wrong);
}

static void the_vector_ends_in_a_verdict(void **state)
{
    const grammar_vector *vector = *state;
    unsigned wrong = 0;
    for (unsigned many = 0; many < 2; many++)
        for (size_t i = 2; i < COUNT_OF(long_sizes); i += 2) {
            one it = {vector->name, long_sizes[i], many, vector->gc};
            bomb_text binary = {0};
            compile_bomb_repeat(vector, many, it.bytes, &binary);
            wrong += try_one(&it, &binary);
        }
    assert_int_equal(0, wrong);
}

static struct CMUnitTest tests[600];
static size_t test_count;

static void add(const char *name, CMUnitTestFunction function, const void *row)
{
    assert_true(test_count < COUNT_OF(tests));
    tests[test_count++] = (struct CMUnitTest){name, function, NULL, NULL, (void *)(uintptr_t)row};
}

static void add_vectors(const grammar_vector *vectors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(vectors[i].name, the_vector_ends_in_a_verdict, &vectors[i]);
}

int main(int argc, char **argv)
{
    char pattern[128];
    is_long = getenv("BHD_LONG") != NULL;
    first_seed = getenv("BHD_SEED") ? strtoull(getenv("BHD_SEED"), NULL, 10) : 1;
    /* What threads leave in arenas of their own is not what the library keeps. */
    if (!mallopt(M_ARENA_MAX, 1))
        return 1;
    for (size_t i = 0; i < drawn_bomb_count; i++)
        add(drawn_bombs[i].name, the_bomb_ends_in_a_verdict, &drawn_bombs[i]);
    for (size_t i = 0; i < known_bomb_count; i++)
        add(known_bombs[i].name, the_bomb_ends_in_a_verdict, &known_bombs[i]);
    for (size_t i = 0; i < linking_bomb_count; i++)
        add(linking_bombs[i].name, the_bomb_ends_in_a_verdict, &linking_bombs[i]);
    if (is_long) {
        add_vectors(grammar_modules, grammar_module_count);
        add_vectors(grammar_code, grammar_code_count);
        add_vectors(grammar_components, grammar_component_count);
        add_vectors(grammar_types, grammar_type_count);
        add_vectors(grammar_canonicals, grammar_canonical_count);
    }
    if (argc > 1) {
        (void)snprintf(pattern, sizeof pattern, "*%s*", argv[1]);
        cmocka_set_test_filter(pattern);
    }
    int failed = _cmocka_run_group_tests("hostile binaries", tests, test_count, begin, end);
    printf("%" PRIu64 " binaries, the longest %.1f s:", all.binaries, all.longest);
    for (size_t i = 0; i < COUNT_OF(all.by_status); i++)
        if (all.by_status[i])
            printf(" %s %" PRIu64, bhd_status_name((bhd_status)i), all.by_status[i]);
    printf("\n");
    /* On a busy machine a thread may not run for half a second; most of the time it does. */
    if (2 * all.seen < all.slow || 2 * all.beside < all.slow) {
        printf("%" PRIu64 " took long; %" PRIu64 " of them were seen to be compiled apart, and "
               "beside %" PRIu64 " another tenant computed: too few\n",
               all.slow, all.seen, all.beside);
        return 1;
    }
    return failed;
}
