/*
 * What compiling in the process itself needed goes back to the system: binaries that take much of
 * it leave nothing resident, neither while the component lives nor when it is gone.
 *
 * Threads of the compiler have arenas of their own in the C library's allocator, of each of which
 * the end stays, once, whatever one does; so that this test sees what the library does, all threads
 * share one arena here. BHD_VERBOSE=1 prints how much it was.
 */
#include "support/bomb_text.h"
#include "support/process_facts.h"
#include "support/real_guest.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>

#define LEFT_BYTES MIB(2)

typedef struct heavy {
    const char *name;
    const char *before;
    unsigned count;
    const char *part, *after;
} heavy;

/* Some work each, and much memory: without giving back, 20 to 230 MiB stay. */
static const heavy heavies[] = {
    {"values that meet", "(func (local i32 i32)", 5000,
     "local.get 0 if (result i32) local.get 0 else local.get 1 end local.set 0 ", ")"},
    {"calls", "(func $f ", 60000, "call 0 ", ")"},
    {"loops", "(func ", 3000, "loop end ", ")"},
    {"functions", "", 10000, "(func)", ""},
};

static wasm_byte_vec_t binary_of(const heavy *it)
{
    bomb_text t = {0};
    bomb_put(&t, "(module ");
    bomb_put(&t, it->before);
    for (unsigned i = 0; i < it->count; i++)
        bomb_put(&t, it->part);
    bomb_put(&t, it->after);
    bomb_put(&t, ")");
    return bomb_binary(&t);
}

static bhd_host *host_that_compiles(void)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.compile = BHD_COMPILE_HERE;
    return guest_host_with(&options);
}

static uint64_t compile_one(bhd_host *host, const void *binary, size_t size)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options its = {
        .size = sizeof its, .name = "heavy", .limits = guest_limits(MIB(1))};
    expect_ok(bhd_component_new(host, &its, binary, size, &component, &error), &error);
    bhd_component_free(component);
    return process_resident_bytes();
}

static void compiling_leaves_nothing(void **state)
{
    const heavy *it = *state;
    wasm_byte_vec_t binary = binary_of(it);
    bhd_host *host = host_that_compiles();
    (void)compile_one(host, binary.data, binary.size);
    bhd_host_free(host);
    /* What the text took, and whatever a library that gives nothing back would have left. */
    (void)malloc_trim(0);
    uint64_t before = process_resident_bytes();

    host = host_that_compiles();
    uint64_t first = compile_one(host, binary.data, binary.size);
    uint64_t second = compile_one(host, binary.data, binary.size);
    bhd_host_free(host);
    uint64_t end = process_resident_bytes();
    if (getenv("BHD_VERBOSE"))
        print_message("  %s: %" PRId64 " KiB after the first, %" PRId64
                      " after the second, %" PRId64 " at the end\n",
                      it->name, ((int64_t)first - (int64_t)before) / 1024,
                      ((int64_t)second - (int64_t)before) / 1024,
                      ((int64_t)end - (int64_t)before) / 1024);
    assert_true(first <= before + LEFT_BYTES);
    assert_true(second <= before + LEFT_BYTES);
    assert_true(end <= before + LEFT_BYTES);
    wasm_byte_vec_delete(&binary);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(heavies)];
    if (!mallopt(M_ARENA_MAX, 1))
        return 1;
    for (size_t i = 0; i < COUNT_OF(heavies); i++)
        tests[i] = (struct CMUnitTest){heavies[i].name, compiling_leaves_nothing, NULL, NULL,
                                       (void *)(uintptr_t)&heavies[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
