/*
 * What others notice of a compilation: calls of another tenant while a binary made to be dear is
 * compiled, in a process of its own and in that of the tenants; and whole runs of the command, with
 * an empty cache, a full one and none. docs/BENCHMARKS.md explains the numbers.
 *
 *     beside [--runs=N]                            both
 *     beside [--runs=N] [[OPTION...] TARGET...]    the command alone, with hello and these; an
 *                                                  option is one of `bulkhead run`, for all that
 *                                                  come after it
 *
 * How it measures. Runs of the command are done once in each round, in turn, and ratios are taken
 * inside a round; printed are medians with the smallest and the largest.
 */
#include "bulkhead/bulkhead.h"

#include "support/machine.h"
#include "support/samples.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int runs = 11;

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

static double now_ms(void)
{
    return machine_now_ns() / 1e6;
}

typedef struct file {
    const char *name;
    uint8_t *data;
    size_t size;
} file;

static bhd_host *make_host(bhd_compile where)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    options.compile = where;
    options.max_function_bytes = options.max_component_bytes;
    if (bhd_host_new(&options, &host, &error) != BHD_OK)
        give_up("a host", error.message);
    return host;
}

/* What the component may have is decided after it is compiled: it may ask for more than it gets. */
static double load_ms(bhd_host *host, const file *f, bhd_component **kept)
{
    bhd_component_options options = {.size = sizeof options, .name = "bench"};
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    options.limits = (bhd_limits){
        .max_memory_bytes = 4194304, .max_table_elements = 10000, .timeout_seconds = 30};
    double began = now_ms();
    bhd_status status = bhd_component_new(host, &options, f->data, f->size, &component, &error);
    double took = now_ms() - began;
    if (status != BHD_OK && status != BHD_IMPORT_UNKNOWN && status != BHD_CAPABILITY_DENIED &&
        status != BHD_COMPONENT_TOO_LARGE)
        give_up(f->name, error.message);
    bhd_error_fini(&error);
    if (kept)
        *kept = component;
    else
        bhd_component_free(component);
    return took;
}

static void print_ms(const samples *series)
{
    summary s = samples_summary(series);
    printf(" %9.2f (%.2f to %.2f)", s.median, s.minimum, s.maximum);
}

/* -- another tenant ------------------------------------------------------------------------- */

#define CALLS_MAX 20000

typedef struct tenant {
    bhd_sandbox *sandbox;
    bhd_function *function;
    atomic_bool stop;
    size_t count;
    double us[CALLS_MAX];
} tenant;

static const char tenant_text[] =
    "(module (func $fib (export \"fib\") (param i32) (result i32)"
    " (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))"
    "  (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))"
    "   (call $fib (i32.sub (local.get 0) (i32.const 2))))))))";

static void *call_and_call(void *shared)
{
    tenant *t = shared;
    bhd_error error = BHD_ERROR_INIT;
    while (!atomic_load_explicit(&t->stop, memory_order_relaxed) && t->count < CALLS_MAX) {
        bhd_value argument = bhd_value_i32(15), result;
        double began = machine_now_ns();
        if (bhd_sandbox_call(t->sandbox, t->function, &argument, 1, &result, 1, &error) != BHD_OK)
            give_up("a call", error.message);
        t->us[t->count++] = (machine_now_ns() - began) / 1e3;
        if (result.of.i32 != 610)
            give_up("a call", "a wrong number");
        usleep(500);
    }
    return NULL;
}

/* Two of what the optimiser is slow with, so that two threads have something to do: `count` loops,
 * one after the other. */
static file make_dear(unsigned count)
{
    static const uint8_t head[] = {0, 'a',  's', 'm', 1, 0, 0, 0, 1, 4,
                                   1, 0x60, 0,   0,   3, 3, 2, 0, 0, 10};
    size_t body = 3 * (size_t)count + 2;
    file f = {.name = "dear", .data = malloc(sizeof head + 2 * body + 32)};
    if (!f.data)
        give_up("dear", "no memory");
    memcpy(f.data, head, sizeof head);
    f.size = sizeof head;
#define NUMBER(value)                                                                              \
    do {                                                                                           \
        size_t number_ = (value);                                                                  \
        f.data[f.size++] = (uint8_t)((number_ & 0x7f) | 0x80);                                     \
        f.data[f.size++] = (uint8_t)((number_ >> 7 & 0x7f) | 0x80);                                \
        f.data[f.size++] = (uint8_t)(number_ >> 14);                                               \
    } while (0)
    NUMBER(1 + 2 * (3 + body));
    f.data[f.size++] = 2;
    for (int i = 0; i < 2; i++) {
        NUMBER(body);
        f.data[f.size++] = 0;
        for (unsigned k = 0; k < count; k++) {
            memcpy(f.data + f.size, "\x03\x40\x0b", 3);
            f.size += 3;
        }
        f.data[f.size++] = 0x0b;
    }
#undef NUMBER
    return f;
}

static int order(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Calls for as long as `f` compiles, or for a second where there is nothing to compile. */
static void bench_tenant(const char *name, bhd_compile where, const file *f)
{
    static tenant t;
    bhd_host *host = make_host(where);
    bhd_component *component = NULL;
    bhd_error error = BHD_ERROR_INIT;
    pthread_t thread;
    const file text = {"tenant", (uint8_t *)(uintptr_t)tenant_text, sizeof tenant_text - 1};
    (void)load_ms(host, &text, &component);
    memset(&t, 0, sizeof t);
    if (!component || bhd_sandbox_new(component, NULL, &t.sandbox, &error) != BHD_OK ||
        bhd_sandbox_function(t.sandbox, "fib", &t.function, &error) != BHD_OK)
        give_up("a tenant", error.message);
    if (pthread_create(&thread, NULL, call_and_call, &t) != 0)
        give_up("a tenant", "no thread");
    double began = now_ms();
    if (f)
        (void)load_ms(host, f, NULL);
    else
        sleep(2);
    double took = now_ms() - began;
    atomic_store(&t.stop, true);
    pthread_join(thread, NULL);
    qsort(t.us, t.count, sizeof *t.us, order);
    printf("%-36s %8.0f ms %7zu %9.1f %9.1f %9.1f %9.1f\n", name, took, t.count, t.us[t.count / 2],
           t.us[t.count * 9 / 10], t.us[t.count * 99 / 100], t.us[t.count - 1]);
    bhd_sandbox_free(t.sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

/* -- the command ---------------------------------------------------------------------------- */

static char command[PATH_MAX], scratch[] = "/tmp/bulkhead-bench-XXXXXX";

static double command_ms(const char *const *arguments, int wanted)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) != 0)
        give_up(command, "no memory");
    double began = now_ms();
    if (posix_spawn(&child, command, &actions, NULL, (char *const *)(uintptr_t)arguments,
                    environ) != 0 ||
        waitpid(child, &status, 0) != child)
        give_up(command, "cannot be run");
    double took = now_ms() - began;
    posix_spawn_file_actions_destroy(&actions);
    if (!WIFEXITED(status) || (wanted >= 0 && WEXITSTATUS(status) != wanted))
        give_up(command, "ended in an unexpected way");
    return took;
}

static void remove_tree(const char *path)
{
    const char *const arguments[] = {"rm", "-rf", path, NULL};
    pid_t child;
    int status;
    if (posix_spawn(&child, "/bin/rm", NULL, NULL, (char *const *)(uintptr_t)arguments, environ) ==
        0)
        (void)waitpid(child, &status, 0);
}

#define OPTIONS_MAX 16

/* Of `bulkhead run`. */
typedef struct run_options {
    int count;
    const char *of[OPTIONS_MAX];
} run_options;

static double run_ms(const run_options *options, const char *cache, const char *component,
                     int wanted)
{
    const char *arguments[OPTIONS_MAX + 5] = {"bulkhead", "run", cache};
    memcpy(arguments + 3, options->of, sizeof options->of);
    arguments[3 + options->count] = component;
    arguments[4 + options->count] = NULL;
    return command_ms(arguments, wanted);
}

/* A directory of its own for each cold run: what one has left is not what the next one finds. */
static void bench_command(const run_options *options, const char *component, int wanted)
{
    samples version = {0}, cold = {0}, warm = {0}, none = {0}, ratios = {0};
    char warm_option[64], cold_option[64];
    const char *const say[] = {"bulkhead", "--version", NULL};
    (void)snprintf(warm_option, sizeof warm_option, "--cache-dir=%s/warm", scratch);
    (void)run_ms(options, warm_option, component, wanted);
    for (int run = 0; run < runs; run++) {
        (void)snprintf(cold_option, sizeof cold_option, "--cache-dir=%s/cold%d", scratch, run);
        samples_add(&version, command_ms(say, 0));
        samples_add(&none, run_ms(options, "--no-cache", component, wanted));
        double first = run_ms(options, cold_option, component, wanted);
        double second = run_ms(options, warm_option, component, wanted);
        samples_add(&cold, first);
        samples_add(&warm, second);
        samples_add(&ratios, first / second);
    }
    const char *name = strrchr(component, '/');
    printf("%-28.28s", name ? name + 1 : component);
    print_ms(&cold);
    print_ms(&warm);
    print_ms(&none);
    print_ms(&version);
    print_ms(&ratios);
    printf("\n");
    fflush(stdout);
    remove_tree(scratch);
    if (mkdir(scratch, 0700) != 0)
        give_up(scratch, "cannot be made");
}

/* -- all of it ------------------------------------------------------------------------------ */

static void find_command(void)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        give_up("/proc/self/exe", "cannot be read");
    self[length] = '\0';
    if (snprintf(command, sizeof command, "%s/../bulkhead", dirname(self)) >= (int)sizeof command)
        give_up(self, "too long");
    if (!mkdtemp(scratch))
        give_up(scratch, "cannot be made");
}

static void bench_tenants(void)
{
    printf("CALLS of another tenant, in us\n%-36s %11s %7s %9s %9s %9s %9s\n", "", "", "calls",
           "median", "90 %", "99 %", "longest");
    file f = make_dear(5000);
    bench_tenant("nothing is compiled", BHD_COMPILE_APART, NULL);
    bench_tenant("compiled apart", BHD_COMPILE_APART, &f);
    bench_tenant("compiled here", BHD_COMPILE_HERE, &f);
    bench_tenant("nothing is compiled, again", BHD_COMPILE_APART, NULL);
    free(f.data);
    printf("\n");
}

int main(int argc, char **argv)
{
    machine m;
    run_options options = {0};
    int first = 1;
    if (argc > 1 && sscanf(argv[1], "--runs=%d", &runs) == 1)
        first = 2;
    if (runs < 1 || runs > BENCH_SAMPLES_MAX)
        give_up("--runs", "1 to 512");
    machine_describe(&m);
    find_command();
    printf("%s, %s, %ld processors; medians of %d rounds, the smallest and the largest\n\n",
           m.kernel, m.processor, m.processors, runs);
    if (first == argc)
        bench_tenants();
    printf("THE COMMAND, from its start to its end, in ms\n%-28s%s\n", "",
           "  empty cache              full cache               no cache                 "
           "--version                empty / full");
    bench_command(&options, BHD_SOURCE_DIR "/examples/hello", 0);
    for (int i = first; i < argc; i++) {
        if (argv[i][0] != '-')
            bench_command(&options, argv[i], -1);
        else if (options.count < OPTIONS_MAX)
            options.of[options.count++] = argv[i];
        else
            give_up(argv[i], "too many options");
    }
    remove_tree(scratch);
    return 0;
}
