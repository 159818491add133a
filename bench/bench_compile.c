/*
 * What compiling attacks takes, held against what was estimated of it (engine/src/work.rs and
 * linking.rs): units, processor time, units for each microsecond of it, and memory at the most.
 * docs/BENCHMARKS.md explains the numbers, docs/THREATS.md the attacks.
 *
 * How it measures. Each binary is compiled in a process of its own, on a host that allows
 * everything; user and system time of all threads count, so that the compiler's threads are no
 * advantage. A process that takes more than CPU_MAX_SECONDS is ended and said to.
 */
#include "bulkhead/bulkhead.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wasm.h>
#include <wasmtime.h>

#define CPU_MAX_SECONDS 120

/* -- the attacks --------------------------------------------------------------------------- */

/* In `part`, # is the number of the repetition, modulo `of` unless that is 0. */
static void repeat(FILE *out, const char *part, unsigned count, unsigned of)
{
    for (unsigned i = 0; i < count; i++)
        for (const char *c = part; *c; c++)
            if (*c == '#')
                fprintf(out, "%u", of ? i % of : i);
            else
                fputc(*c, out);
}

typedef struct attack attack;
struct attack {
    const char *name;
    void (*write)(FILE *out, const attack *it);
    unsigned count, locals;
    const char *first, *then; /* `count` times each, one after the other */
    const char *module;       /* before the function */
};

static void write_function(FILE *out, const attack *it)
{
    fprintf(out, "(module (memory 1) %s (func $f ", it->module ? it->module : "");
    repeat(out, "(local i32)", it->locals, 0);
    repeat(out, "(local.set # (i32.load (i32.const #)))", it->locals, 0);
    repeat(out, it->first, it->count, it->locals);
    if (it->then)
        repeat(out, it->then, it->count, it->locals);
    repeat(out, "(i32.store (i32.const #) (local.get #))", it->locals, 0);
    fputs("))", out);
}

static void write_functions(FILE *out, const attack *it)
{
    fputs("(module ", out);
    repeat(out, it->first, it->count, 0);
    fputs(")", out);
}

/* Types of `locals` parameters, of which the first 16 tell them apart. */
static void write_signatures(FILE *out, const attack *it)
{
    fputs("(module ", out);
    for (unsigned i = 0; i < it->count; i++) {
        fputs("(type (func (param", out);
        for (unsigned k = 0; k < it->locals; k++)
            fputs(k < 16 && (i >> k & 1) ? " i64" : " i32", out);
        fputs(")))", out);
    }
    fputs(")", out);
}

/* A core module that imports $g0 and so on; what nobody imports is not compiled. */
static void write_user(FILE *out, unsigned count, const char *parameters)
{
    fputs("(core module $u ", out);
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "(import \"\" \"%u\" (func %s))", i, parameters);
    fputs(")(core instance $e ", out);
    repeat(out, "(export \"#\" (func $g#))", count, 0);
    fputs(")(core instance (instantiate $u (with \"\" (instance $e))))", out);
}

/* `count` functions of one component, lowered in another, which pass `locals` of `first`. */
static void write_adapters(FILE *out, const attack *it)
{
    for (int side = 0; side < 2; side++) {
        fprintf(out, "%s (type $list (list u8))(type $option (option u8))(type $T (tuple ",
                side ? "(component $b" : "(component (component $a");
        repeat(out, it->first, it->locals, 0);
        fputs("))(type $t (func (param \"a\" $T)))(core module $m (memory (export \"memory\") 1)"
              "(func (export \"re\") (param i32 i32 i32 i32) (result i32) unreachable)",
              out);
        repeat(out, "(func (export \"#\") (param i32))", side ? 0 : it->count, 0);
        fputs(")(core instance $i (instantiate $m))"
              "(alias core export $i \"memory\" (core memory $me))"
              "(alias core export $i \"re\" (core func $re))",
              out);
        if (side) {
            repeat(out,
                   "(import \"f#\" (func $f# (type $t)))(core func $g# "
                   "(canon lower (func $f#) (memory $me) (realloc (core func $re))))",
                   it->count, 0);
            write_user(out, it->count, "(param i32)");
        } else {
            repeat(out,
                   "(alias core export $i \"#\" (core func $c#))(func $f# (type $t) "
                   "(canon lift (core func $c#) (memory $me) (realloc (core func $re))))"
                   "(export \"f#\" (func $f#))",
                   it->count, 0);
        }
        fputs(")", out);
    }
    fputs("(instance $ia (instantiate $a))(instance (instantiate $b ", out);
    repeat(out, "(with \"f#\" (func $ia \"f#\"))", it->count, 0);
    fputs(")))", out);
}

/* A trampoline for each resource, which a core module imports. */
static void write_trampolines(FILE *out, const attack *it)
{
    fputs("(component ", out);
    repeat(out, "(type $r# (resource (rep i32)))", it->count, 0);
    repeat(out, "(core func $g# (canon resource.drop $r#))", it->count, 0);
    write_user(out, it->count, "(param i32)");
    fputs(")", out);
}

/* `locals` instances in each of as many instances, `count` deep. */
static void write_instances(FILE *out, const attack *it)
{
    fputs("(component (component $c0)", out);
    for (unsigned depth = 1; depth <= it->count; depth++) {
        fprintf(out, "(component $c%u (alias outer 1 $c%u (component $c))", depth, depth - 1);
        repeat(out, "(instance (instantiate $c))", it->locals, 0);
        fputs(")", out);
    }
    fprintf(out, "(instance (instantiate $c%u)))", it->count);
}

static void write_doubling(FILE *out, const attack *it)
{
    fputs("(component (component $p (import \"a\" (instance $a))(import \"b\" (instance $b))"
          "(export \"a\" (instance $a))(export \"b\" (instance $b)))(instance $i0)",
          out);
    for (unsigned i = 1; i <= it->count; i++)
        fprintf(out,
                "(instance $i%u (instantiate $p (with \"a\" (instance $i%u))"
                "(with \"b\" (instance $i%u))))",
                i, i - 1, i - 1);
    fputs(")", out);
}

/* A type of 2^16 parts in so many functions. */
static void write_large_types(FILE *out, const attack *it)
{
    fputs("(component (type $t0 (tuple u8 u8))", out);
    for (unsigned i = 1; i < 16; i++)
        fprintf(out, "(type $t%u (tuple $t%u $t%u))", i, i - 1, i - 1);
    fputs("(type $l (list $t15))(type $f (func (param \"a\" $l)))"
          "(core module $m (memory (export \"memory\") 1)"
          "(func (export \"re\") (param i32 i32 i32 i32) (result i32) unreachable)"
          "(func (export \"f\") (param i32 i32)))(core instance $i (instantiate $m))"
          "(alias core export $i \"f\" (core func $f))"
          "(alias core export $i \"re\" (core func $re))"
          "(alias core export $i \"memory\" (core memory $me))",
          out);
    repeat(out,
           "(func (type $f) (canon lift (core func $f) (memory $me) (realloc (core func $re))))",
           it->count, 0);
    fputs(")", out);
}

static void write_exports(FILE *out, const attack *it)
{
    fputs("(component (import \"f\" (func $f))(instance $i ", out);
    repeat(out, "(export \"f#\" (func $f))", it->locals, 0);
    fputs(")(type $t (instance ", out);
    repeat(out, "(export \"f#\" (func))", it->locals, 0);
    fputs("))(component $b (alias outer 1 $t (type $u))(import \"i\" (instance (type $u))))", out);
    repeat(out, "(instance (instantiate $b (with \"i\" (instance $i))))", it->count, 0);
    fputs(")", out);
}

#define ADD "local.get # i32.const 1 i32.add local.tee # br_if 0 end "

static const attack attacks[] = {
    {"loops, one after the other", write_function, 4000, 0, "loop end ", NULL, NULL},
    {"loops in loops", write_function, 1000, 1, "loop ", "local.get 0 br_if 0 end ", NULL},
    {"1,000 locals in loops", write_function, 500, 1000, "loop " ADD, NULL, NULL},
    {"2,000 locals in branches", write_function, 2000, 2000,
     "local.get # if i32.const 1 local.set # end ", NULL, NULL},
    {"locals that change in nested loops", write_function, 120, 120, "loop ", ADD, NULL},
    {"values that meet", write_function, 8000, 2,
     "local.get 0 if (result i32) local.get 0 else local.get 1 end local.set 0 ", NULL, NULL},
    {"indirect calls", write_function, 7000, 0, "i32.const 0 call_indirect ", NULL,
     "(table 1 funcref)"},
    {"calls under handlers", write_function, 200, 0, "block try_table (catch $t 0) call 0 ",
     "end end ", "(tag $t)"},
    {"calls", write_function, 100000, 0, "call 0 ", NULL, NULL},
    {"functions", write_functions, 5000, 0, "(func)", NULL, NULL},
    {"exported functions", write_functions, 5000, 0, "(func (export \"#\"))", NULL, NULL},
    {"types of 10 parameters", write_signatures, 1000, 10, NULL, NULL, NULL},
    {"types of 1,000 parameters", write_signatures, 100, 1000, NULL, NULL, NULL},
    {"adapters", write_adapters, 1000, 1, "u32 ", NULL, NULL},
    {"adapters with 900 numbers", write_adapters, 100, 900, "u64 ", NULL, NULL},
    {"adapters with 20 strings", write_adapters, 100, 20, "string ", NULL, NULL},
    {"adapters with 10 lists", write_adapters, 100, 10, "$list ", NULL, NULL},
    {"adapters with 150 options", write_adapters, 100, 150, "$option ", NULL, NULL},
    {"trampolines", write_trampolines, 4000, 0, NULL, NULL, NULL},
    {"instances: 100 to the power", write_instances, 3, 100, NULL, NULL, NULL},
    {"an instance that doubles", write_doubling, 17, 0, NULL, NULL, NULL},
    {"functions of 65,536 parts", write_large_types, 100, 0, NULL, NULL, NULL},
    {"10,000 exports in instances", write_exports, 100, 10000, NULL, NULL, NULL},
};

/* -- measuring ----------------------------------------------------------------------------- */

typedef struct figures {
    uint64_t bytes, units;
    double seconds;
    uint64_t peak_bytes;
} figures;

static double used_seconds(uint64_t *peak_bytes)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    *peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static wasm_byte_vec_t binary_of(const attack *it)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        exit(1);
    it->write(out, it);
    fclose(out);
    wasm_byte_vec_t binary;
    wasmtime_error_t *failure = wasmtime_wat2wasm(text, size, &binary);
    if (failure) {
        wasm_name_t message;
        wasmtime_error_message(failure, &message);
        fprintf(stderr, "bench: %s: %.*s\n", it->name, (int)message.size, message.data);
        exit(1);
    }
    free(text);
    return binary;
}

static bhd_host *host_with(uint64_t work)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    options.max_compile_work = work;
    options.max_function_bytes = options.max_component_bytes;
    if (bhd_host_new(&options, &host, &error) != BHD_OK) {
        fprintf(stderr, "bench: %s\n", error.message);
        exit(1);
    }
    return host;
}

static void measure(const attack *it, int to)
{
    wasm_byte_vec_t binary = binary_of(it);
    bhd_component_options its = {.size = sizeof its, .name = "attack"};
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    its.limits = (bhd_limits){
        .max_memory_bytes = 1048576, .max_table_elements = 10000, .timeout_seconds = 30};
    figures f = {.bytes = binary.size};
    bhd_host *host = host_with(BHD_COMPILE_WORK_MAX);
    uint64_t before, after;
    double begin = used_seconds(&before);
    bhd_status status = bhd_component_new(host, &its, binary.data, binary.size, &component, &error);
    f.seconds = used_seconds(&after) - begin;
    f.peak_bytes = after > before ? after - before : 0;
    /* Components that import are compiled before it is seen that nobody provides what. */
    if (status != BHD_OK && status != BHD_IMPORT_UNKNOWN) {
        fprintf(stderr, "bench: %s: %s\n", it->name, error.message);
        exit(1);
    }
    bhd_component_free(component);
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    if (bhd_inspect(host, binary.data, binary.size, &inspection, &error) != BHD_OK)
        exit(1);
    f.units = inspection.compile_work;
    bhd_inspection_fini(&inspection);
    bhd_host_free(host);
    wasm_byte_vec_delete(&binary);
    if (write(to, &f, sizeof f) != (ssize_t)sizeof f)
        exit(1);
}

/* False: it took too long, or failed and has said why. */
static bool measure_apart(const attack *it, figures *f)
{
    int ends[2], status;
    if (pipe(ends) != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit time = {CPU_MAX_SECONDS, CPU_MAX_SECONDS};
        (void)setrlimit(RLIMIT_CPU, &time);
        close(ends[0]);
        measure(it, ends[1]);
        exit(0);
    }
    close(ends[1]);
    bool whole = child > 0 && read(ends[0], f, sizeof *f) == (ssize_t)sizeof *f;
    close(ends[0]);
    if (child > 0)
        (void)waitpid(child, &status, 0);
    return whole;
}

/* Arguments choose the attacks in whose names they are. */
int main(int argc, char **argv)
{
    printf("%-36s %9s %9s %10s %9s %9s %9s\n", "", "count", "bytes", "units", "CPU s", "units/us",
           "peak MiB");
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        const attack *it = &attacks[i];
        figures f;
        if (argc > 1 && !strstr(it->name, argv[1]))
            continue;
        fflush(stdout);
        if (measure_apart(it, &f))
            printf("%-36s %9u %9" PRIu64 " %10" PRIu64 " %9.2f %9.2f %9.1f\n", it->name, it->count,
                   f.bytes, f.units, f.seconds, (double)f.units / f.seconds / 1e6,
                   (double)f.peak_bytes / 1048576);
        else
            printf("%-36s %9u more than %d s, or failed\n", it->name, it->count, CPU_MAX_SECONDS);
    }
    return 0;
}
