/*
 * What it takes to load a component: compiled in this process, compiled in a process of its own,
 * and found in the cache. docs/BENCHMARKS.md explains the numbers.
 *
 *     apart [FILE...]
 *
 * Each round loads the same binary in all three ways, one after the other, and frees it again, so
 * that other work on the machine meets all of them. The first load, which fills the cache, is none
 * of the rounds.
 */
#include "bulkhead/bulkhead.h"
#include "support/machine.h"
#include "support/samples.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS_MAX 201
#define ROUNDS_MIN 3
#define SECONDS_MAX 20 /* for one binary */

static const char tiny[] = "(module (func (export \"f\") (result i32) i32.const 1))";

static const char *const usual[] = {
    BHD_SOURCE_DIR "/examples/hello/hello.wasm",
    BHD_SOURCE_DIR "/guests/wasi/ask.wasm",
    BHD_SOURCE_DIR "/guests/languages/words_rust.wasm",
};

enum { HERE, APART, KEPT, WAYS };

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
    options.compile = way == HERE ? BHD_COMPILE_HERE : BHD_COMPILE_APART;
    options.cache_directory = way == KEPT ? directory : NULL;
    if (bhd_host_new(&options, &host, &error) != BHD_OK)
        give_up("host", error.message);
    return host;
}

/* Milliseconds. */
static double load(bhd_host *host, const char *name, const void *binary, size_t size)
{
    bhd_component_options options = BHD_COMPONENT_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    options.name = "measured";
    options.limits = (bhd_limits){
        .max_memory_bytes = UINT64_C(1) << 26, .max_table_elements = 100000, .timeout_seconds = 30};
    double begin = machine_now_ns();
    if (bhd_component_new(host, &options, binary, size, &component, &error) != BHD_OK)
        give_up(name, error.message);
    double end = machine_now_ns();
    bhd_component_free(component);
    return (end - begin) / 1e6;
}

static void measure(bhd_host *const hosts[], const char *name, const void *binary, size_t size)
{
    static samples taken[WAYS];
    const char *slash = strrchr(name, '/');
    double begin = machine_now_ns();
    for (int way = 0; way < WAYS; way++) {
        taken[way].count = 0;
        (void)load(hosts[way], name, binary, size);
    }
    for (int round = 0;
         round < ROUNDS_MAX && (round < ROUNDS_MIN || machine_now_ns() - begin < SECONDS_MAX * 1e9);
         round++)
        for (int way = 0; way < WAYS; way++)
            samples_add(&taken[way], load(hosts[way], name, binary, size));
    printf("%-24s %9zu %7zu", slash ? slash + 1 : name, size, taken[HERE].count);
    for (int way = 0; way < WAYS; way++) {
        summary s = samples_summary(&taken[way]);
        printf("  %8.2f %8.2f", s.median, s.minimum);
    }
    printf("\n");
    fflush(stdout);
}

static void measure_file(bhd_host *const hosts[], const char *path)
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
    measure(hosts, path, bytes, (size_t)size);
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
    char directory[] = "/tmp/bulkhead-bench-XXXXXX";
    bhd_host *hosts[WAYS];
    machine here;
    machine_describe(&here);
    if (!mkdtemp(directory))
        give_up(directory, "cannot be made");
    for (int way = 0; way < WAYS; way++)
        hosts[way] = host_for(way, directory);
    printf("%s, %s, %ld processors; ms, median and minimum\n", here.kernel, here.processor,
           here.processors);
    printf("%-24s %9s %7s  %17s  %17s  %17s\n", "", "bytes", "rounds", "here", "apart", "kept");
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            measure_file(hosts, argv[i]);
    } else {
        measure(hosts, "one function", tiny, sizeof tiny - 1);
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
            measure_file(hosts, usual[i]);
    }
    for (int way = 0; way < WAYS; way++)
        bhd_host_free(hosts[way]);
    return nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
