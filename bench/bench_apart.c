/*
 * What it takes to load a component: compiled in this process, compiled in a process of its own,
 * and found in the cache. docs/BENCHMARKS.md explains the numbers.
 *
 *     apart [--seconds=N] [FILE...]
 *
 * Each round loads the same binary in all three ways, one after the other, and frees it again, so
 * that other work on the machine meets all of them. What comes before the rounds fills the cache
 * and says how much memory the compiler took.
 *
 * A file may be any module or component. One that imports what no host here has is refused when it
 * is loaded, after all that is measured but the last step, which links it; its name has a star.
 */
#include "bulkhead/bulkhead.h"
#include "support/machine.h"
#include "support/samples.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUNDS_MAX 201
#define ROUNDS_MIN 3

static double seconds_max = 20; /* for one binary */

static const char tiny[] = "(module (func (export \"f\") (result i32) i32.const 1))";

static const char *const usual[] = {
    BHD_SOURCE_DIR "/examples/hello/hello.wasm",
    BHD_SOURCE_DIR "/guests/wasi/ask.wasm",
    BHD_SOURCE_DIR "/guests/languages/words_rust.wasm",
};

enum { HERE, APART, KEPT, WAYS };

typedef struct spent {
    double wall_ms, processor_ms;
    bool is_refused;
} spent;

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "apart: %s: %s\n", what, why);
    exit(1);
}

static bhd_host *host_for(int way, const char *directory)
{
    static const bhd_grants everything = {.size = sizeof everything, .everything = true};
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    options.grants = &everything;
    options.policy.max_memory_bytes = UINT64_C(1) << 30;
    /* What a binary costs is measured, and not what a host should allow. */
    options.max_component_bytes = options.max_function_bytes = UINT64_C(1) << 28;
    options.max_functions = 1000000;
    options.max_instance_bytes = UINT64_C(1) << 24;
    options.max_compile_seconds = 3600;
    options.max_compile_bytes = options.max_artifact_bytes = UINT64_C(1) << 34;
    options.max_cache_bytes = UINT64_C(1) << 34;
    options.features = BHD_FEATURE_GC;
    options.compile = way == HERE ? BHD_COMPILE_HERE : BHD_COMPILE_APART;
    options.cache_directory = way == KEPT ? directory : NULL;
    if (bhd_host_new(&options, &host, &error) != BHD_OK)
        give_up("host", error.message);
    return host;
}

static double timeval_ms(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

/* Of this process and of the compilers that it had. */
static double processor_ms(void)
{
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    double sum = 0;
    for (int i = 0; i < 2; i++) {
        struct rusage usage;
        if (getrusage(whose[i], &usage) == 0)
            sum += timeval_ms(usage.ru_utime) + timeval_ms(usage.ru_stime);
    }
    return sum;
}

static spent load(bhd_host *host, const char *name, const void *binary, size_t size)
{
    bhd_component_options options = BHD_COMPONENT_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    options.name = "measured";
    options.limits = (bhd_limits){.max_memory_bytes = UINT64_C(1) << 30,
                                  .max_table_elements = 1000000,
                                  .timeout_seconds = 30};
    double processor = processor_ms(), begin = machine_now_ns();
    bhd_status status = bhd_component_new(host, &options, binary, size, &component, &error);
    spent s = {.wall_ms = (machine_now_ns() - begin) / 1e6,
               .processor_ms = processor_ms() - processor,
               .is_refused = status == BHD_IMPORT_UNKNOWN || status == BHD_CAPABILITY_DENIED};
    if (status != BHD_OK && !s.is_refused)
        give_up(name, error.message);
    bhd_error_fini(&error);
    bhd_component_free(component);
    return s;
}

/* Bytes of the compiler's heap. */
static uint64_t compiler_bytes(bhd_host *host, const char *name, const void *binary, size_t size)
{
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_error error = BHD_ERROR_INIT;
    if (bhd_inspect(host, binary, size, &inspection, &error) != BHD_OK)
        give_up(name, error.message);
    uint64_t bytes = inspection.compile_bytes;
    bhd_inspection_fini(&inspection);
    return bytes;
}

static uint64_t entries_bytes;

static int add_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)path;
    (void)place;
    entries_bytes += kind == FTW_F ? (uint64_t)about->st_size : 0;
    return 0;
}

/* Of all that is kept. */
static uint64_t kept_bytes(const char *directory)
{
    entries_bytes = 0;
    (void)nftw(directory, add_entry, 16, FTW_PHYS);
    return entries_bytes;
}

typedef struct bench {
    char directory[40]; /* the cache */
    bhd_host *hosts[WAYS];
} bench;

static void measure(const bench *b, const char *name, const void *binary, size_t size)
{
    static samples wall[WAYS], processor[WAYS];
    const char *slash = strrchr(name, '/');
    uint64_t before = kept_bytes(b->directory);
    double begin = machine_now_ns();
    bool is_refused = load(b->hosts[KEPT], name, binary, size).is_refused;
    uint64_t code = kept_bytes(b->directory) - before;
    uint64_t peak = compiler_bytes(b->hosts[APART], name, binary, size);
    for (int way = 0; way < WAYS; way++)
        wall[way].count = processor[way].count = 0;
    for (int round = 0;
         round < ROUNDS_MAX && (round < ROUNDS_MIN || machine_now_ns() - begin < seconds_max * 1e9);
         round++)
        for (int way = 0; way < WAYS; way++) {
            spent s = load(b->hosts[way], name, binary, size);
            samples_add(&wall[way], s.wall_ms);
            samples_add(&processor[way], s.processor_ms);
        }
    printf("%-22.22s%s %7.0f %7.0f %5.1f %6zu", slash ? slash + 1 : name, is_refused ? "*" : " ",
           (double)size / 1024, (double)code / 1024, (double)peak / 1048576, wall[HERE].count);
    for (int way = 0; way < WAYS; way++) {
        summary s = samples_summary(&wall[way]);
        printf("  %8.2f %8.2f %8.2f", s.median, s.minimum, samples_summary(&processor[way]).median);
    }
    printf("\n");
    fflush(stdout);
}

static void measure_file(const bench *b, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        give_up(path, "cannot be read");
    long size = ftell(file);
    char *bytes = size > 0 ? malloc((size_t)size) : NULL;
    rewind(file);
    if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size)
        give_up(path, "cannot be read");
    fclose(file);
    measure(b, path, bytes, (size_t)size);
    free(bytes);
}

static int remove_entry(const char *path, const struct stat *about, int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

int main(int argc, char **argv)
{
    bench b = {.directory = "/tmp/bulkhead-bench-XXXXXX"};
    machine here;
    int first = argc > 1 && sscanf(argv[1], "--seconds=%lf", &seconds_max) == 1 ? 2 : 1;
    machine_describe(&here);
    if (!mkdtemp(b.directory))
        give_up(b.directory, "cannot be made");
    for (int way = 0; way < WAYS; way++)
        b.hosts[way] = host_for(way, b.directory);
    printf("%s, %s, %ld processors\n\n", here.kernel, here.processor, here.processors);
    printf("%-23s %7s %7s %5s %6s  %-26s  %-26s  kept, ms\n", "", "binary", "code", "heap", "",
           "here, ms", "apart, ms");
    printf("%-23s %7s %7s %5s %6s", "", "KiB", "KiB", "MiB", "rounds");
    for (int way = 0; way < WAYS; way++)
        printf("  %8s %8s %8s", "median", "minimum", "cpu");
    printf("\n");
    if (first < argc) {
        for (int i = first; i < argc; i++)
            measure_file(&b, argv[i]);
    } else {
        measure(&b, "one function", tiny, sizeof tiny - 1);
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
            measure_file(&b, usual[i]);
    }
    for (int way = 0; way < WAYS; way++)
        bhd_host_free(b.hosts[way]);
    return nftw(b.directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
