/*
 * What the cache of compiled code costs: the name of a binary, an entry found and checked, one kept
 * among few and among many. Without the engine; what is kept is made up.
 *
 * Each line is the median of the runs and the fastest and slowest run, in microseconds. Files are
 * in memory (the page cache), as those of a command that runs again and again are.
 */
#include "support/machine.h"
#include "support/samples.h"

#include "bulkhead/code_cache.h"
#include "compile/cache.h"

#include <ftw.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>

#define RUNS 31
#define KIB(n) ((size_t)(n)*1024)
#define BOUND (UINT64_C(1) << 32)
#define LARGEST KIB(20480)

static const size_t sizes[] = {KIB(10), KIB(200), KIB(1500), LARGEST};
static char directory[] = "/tmp/bulkhead-bench-XXXXXX";
static bhd__cache *cache;
static bhd__cache_identity identity;
static unsigned char *bytes;
static int output;

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "bench: %s failed\n", what);
    exit(1);
}

static bhd__cache_key key_of(unsigned number)
{
    return bhd__cache_key_of(&identity, &number, sizeof number);
}

static void show(const char *what, size_t size, const samples *series)
{
    summary s = samples_summary(series);
    printf("%-36s %8zu KiB %9.1f %9.1f %9.1f\n", what, size / 1024, s.median, s.minimum, s.maximum);
}

static void measure_name(size_t size)
{
    samples series = {0};
    for (int i = 0; i < RUNS; i++) {
        double start = machine_now_ns();
        bhd__cache_key key = bhd__cache_key_of(&identity, bytes, size);
        samples_add(&series, (machine_now_ns() - start) / 1e3);
        must(key.binary[0] != '\0', "naming");
    }
    show("the name of a binary", size, &series);
}

static void measure_find(size_t size)
{
    samples series = {0};
    bhd__cache_key key = key_of((unsigned)size);
    bhd__cache_keep(cache, &key, &(bhd__cache_entry){.file = output, .artifact_bytes = size});
    for (int i = 0; i < RUNS; i++) {
        bhd__cache_entry entry;
        double start = machine_now_ns();
        must(bhd__cache_find(cache, &key, &entry), "finding");
        samples_add(&series, (machine_now_ns() - start) / 1e3);
        must(close(entry.file) == 0, "closing");
    }
    show("found and checked", size, &series);
}

static void measure_keep(const char *what, size_t size)
{
    static unsigned next = 1u << 30;
    samples series = {0};
    bhd__cache_stats stats;
    for (int i = 0; i < RUNS; i++) {
        bhd__cache_key key = key_of(next++);
        double start = machine_now_ns();
        bhd__cache_keep(cache, &key, &(bhd__cache_entry){.file = output, .artifact_bytes = size});
        samples_add(&series, (machine_now_ns() - start) / 1e3);
    }
    bhd__cache_get_stats(cache, &stats);
    must(stats.evicted == 0 && stats.damaged == 0, "keeping");
    show(what, size, &series);
}

static void ignore(void *env, const bhd_code_cache_entry *entry)
{
    (void)env;
    (void)entry;
}

/* What a keep takes more, once an hour and when there is no room. */
static void measure_count(void)
{
    samples series = {0};
    for (int i = 0; i < RUNS; i++) {
        double start = machine_now_ns();
        must(bhd_code_cache_list(directory, ignore, NULL, NULL) == BHD_OK, "listing");
        samples_add(&series, (machine_now_ns() - start) / 1e3);
    }
    show("10,000 looked at", sizes[0], &series);
}

static void fill(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bhd__cache_key key = key_of(i << 8 | 1);
        bhd__cache_keep(cache, &key, &(bhd__cache_entry){.file = output, .artifact_bytes = 100});
    }
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

int main(void)
{
    bhd_error error = BHD_ERROR_INIT;
    machine here;
    machine_describe(&here);
    machine_pin(&here);
    printf("%s, %s\n", here.processor, here.kernel);
    printf("%-36s %12s %9s %9s %9s\n", "microseconds", "size", "median", "min", "max");

    must(mkdtemp(directory) != NULL, "a directory");
    identity = bhd__cache_identity_of("bench", NULL, 0);
    must(bhd__cache_new(directory, BOUND, &cache, &error) == BHD_OK, error.message);
    output = memfd_create("output", MFD_CLOEXEC);
    must(output >= 0 && ftruncate(output, (off_t)LARGEST) == 0, "memory");
    bytes = mmap(NULL, LARGEST, PROT_READ | PROT_WRITE, MAP_SHARED, output, 0);
    must(bytes != MAP_FAILED, "memory");
    for (size_t i = 0; i < LARGEST; i++)
        bytes[i] = (unsigned char)(i * 7 + (i >> 8));

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        measure_name(sizes[i]);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        measure_find(sizes[i]);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        measure_keep("kept among few", sizes[i]);
    fill(1000);
    measure_keep("kept among 1,000", sizes[0]);
    fill(10000);
    measure_keep("kept among 10,000", sizes[0]);
    measure_count();
    bhd__cache_free(cache);
    (void)nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}
