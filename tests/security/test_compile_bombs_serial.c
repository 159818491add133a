/*
 * Binaries made to take minutes or gigabytes to compile: each of them is refused before anything is
 * compiled, by the estimate of engine/src/work.rs, and neighbours compute meanwhile. Every entry
 * needs one term of the estimate: without that term the binary would be compiled, and the test
 * fails.
 *
 * BHD_VERBOSE=1 prints what each was said to take.
 */
#include "support/bomb_host.h"
#include "support/bomb_text.h"
#include "support/process_facts.h"

#include "bulkhead/inspection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <wasm.h>
#include <wasmtime.h>

/* -- making them --------------------------------------------------------------------------- */

/* In `part`, # is the number of the repetition modulo `locals`, @ the same in bytes. */
static void repeat(bomb_text *t, const char *part, unsigned count, unsigned locals)
{
    for (unsigned i = 0; part && i < count; i++)
        for (const char *c = part; *c; c++) {
            char number[16];
            unsigned of = locals ? i % locals : i;
            if (*c == '#')
                bomb_bytes(t, number, (size_t)snprintf(number, sizeof number, "%u", of));
            else if (*c == '@')
                bomb_bytes(t, number, (size_t)snprintf(number, sizeof number, "%u", of * 4));
            else
                bomb_bytes(t, c, 1);
        }
}

typedef struct bomb {
    const char *name;
    const char *module; /* before the function */
    unsigned locals;    /* each loaded from memory before, and stored after */
    unsigned count;
    const char *first, *then; /* `count` times each, one after the other */
    const char *before_then;
    const char *wanted;
    bool only_fuel;
} bomb;

#define ONE "for one function (an eighth of the host option max_compile_work"
#define ALL "(host option max_compile_work, --max-compile-work)"

static const bomb bombs[] = {
    {"loops, one after the other", "", 0, 10000, "loop end ", NULL, NULL,
     "10000 blocks, 10000 of them loops", false},
    {"loops in loops", "", 0, 10000, "loop ", "end ", NULL, "10000 of them loops", false},
    {"300,000 blocks and loops", "", 0, 150000, "block loop ", "end end ", NULL,
     "300000 blocks, 150000 of them loops", false},
    {"1,000 locals and 1,000 loops", "", 1000, 1000,
     "loop local.get # i32.const 1 i32.add local.tee # br_if 0 end ", NULL, NULL,
     "1000 locals, 1000 blocks, 1000 of them loops", false},
    {"2,000 locals and 1,200 branches", "", 2000, 1200,
     "local.get # if i32.const 1 local.set # end ", NULL, NULL, ONE, false},
    {"locals that change in 120 loops", "", 120, 120, "loop ",
     "local.get # i32.const 1 i32.add local.tee # br_if 0 end ", NULL, ONE, false},
    {"8,000 instructions in 300 loops", "", 1, 300, "loop ", "local.get 0 br_if 0 end ",
     "local.get 0 i32.const 3 i32.xor local.set 0 ", ONE, false},
    {"7,000 indirect calls", "(table 1 funcref)", 0, 7000, "i32.const 0 call_indirect ", NULL, NULL,
     "7000 calls", false},
    {"calls under 250 handlers", "(tag $t)", 0, 250, "block try_table (catch $t 0) call 0 ",
     "end end ", NULL, "250 calls", false},
    {"1,600 calls and 200 locals under a handler", "(tag $t)", 200, 1600,
     "call 0 local.get # i32.const 1 i32.add local.set # ", NULL, NULL, ONE, false},
    {"9,000 values that meet", "", 2, 9000,
     "local.get 0 if (result i32) local.get 0 else local.get 1 end local.set 0 ", NULL, NULL,
     "9000 blocks", false},
    {"9,000 branches with fuel", "", 1, 9000, "block local.get 0 br_if 0 end ", NULL, NULL,
     "9000 blocks", true},
    {"130,000 calls", "", 0, 130000, "call 0 ", NULL, NULL, "130000 calls", false},
};

static void make_text(const bomb *it, bomb_text *t)
{
    bomb_bytes(t, "(module (memory 1) ", 19);
    bomb_bytes(t, it->module, strlen(it->module));
    bomb_bytes(t, "(func $f ", 9);
    repeat(t, "(local i32)", it->locals, 0);
    repeat(t, "(local.set # (i32.load offset=@ (i32.const 0)))", it->locals, 0);
    if (strstr(it->name, "under a handler"))
        repeat(t, "block try_table (catch $t 0) ", 1, 0);
    repeat(t, it->first, it->count, it->locals);
    repeat(t, it->before_then, 8000, 0);
    repeat(t, it->then, it->count, it->locals);
    if (strstr(it->name, "under a handler"))
        repeat(t, "end end ", 1, 0);
    repeat(t, "(i32.store offset=@ (i32.const 0) (local.get #))", it->locals, 0);
    bomb_bytes(t, "))", 2);
}

static wasm_byte_vec_t binary_of(bomb_text *t)
{
    wasm_byte_vec_t binary;
    wasmtime_error_t *failure = wasmtime_wat2wasm(t->data, t->size, &binary);
    assert_null(failure);
    free(t->data);
    return binary;
}

/* -- they are refused ---------------------------------------------------------------------- */

/* Refused at once: in no more memory than the estimate itself takes. */
static void expect_refused(const wasm_byte_vec_t *binary, const char *wanted, uint64_t fuel)
{
    guest_keep_signals();
    neighbours_begin(&bomb_neighbours, bomb_host);
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options options = {
        .size = sizeof options, .name = "bomb", .limits = guest_limits(MIB(1))};
    options.limits.max_fuel = fuel;
    uint64_t before = process_resident_bytes();
    process_forget_peak();
    bhd_status status =
        bhd_component_new(bomb_host, &options, binary->data, binary->size, &component, &error);
    uint64_t peak = process_peak_bytes();
    bhd_component_free(component);
    if (getenv("BHD_VERBOSE"))
        print_message("  %zu bytes, %" PRIu64 " KiB: %s\n", binary->size, (peak - before) / 1024,
                      error.message);
    expect_status(BHD_COMPONENT_TOO_LARGE, status, &error);
    expect_in(error.message, wanted);
    assert_true(error.has_range && error.value > error.range_maximum);
    if (!BHD_TESTS_SANITIZED)
        assert_in_range(peak, 0, before + MIB(64));
    bhd_error_fini(&error);
    neighbours_end(&bomb_neighbours);
    expect_stats(bomb_host, 0, 0);
}

static void bombs_are_refused(void **state)
{
    const bomb *it = *state;
    bomb_text t = {0};
    make_text(it, &t);
    wasm_byte_vec_t binary = binary_of(&t);
    expect_refused(&binary, it->wanted, it->only_fuel ? 1000 : 0);
    wasm_byte_vec_delete(&binary);
}

/* Blocks that take and leave a thousand values. */
static void blocks_with_many_values_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_bytes(&t, "(module (type $t (func ", 23);
    repeat(&t, "(param i64)", 500, 0);
    repeat(&t, "(result i64)", 500, 0);
    bomb_bytes(&t, ")) (func $f ", 12);
    repeat(&t, "i64.const 0 ", 500, 0);
    repeat(&t, "block (type $t) end ", 500, 0);
    repeat(&t, "drop ", 500, 0);
    bomb_bytes(&t, "))", 2);
    wasm_byte_vec_t binary = binary_of(&t);
    expect_refused(&binary, "500 blocks", 0);
    wasm_byte_vec_delete(&binary);
}

/* Signatures that differ in the types of their first parameters. */
static void put_signatures(bomb_text *t, unsigned count, unsigned parameters)
{
    bomb_bytes(t, "(module ", 8);
    for (unsigned i = 0; i < count; i++) {
        bomb_bytes(t, "(type (func (param", 18);
        for (unsigned k = 0; k < parameters; k++)
            bomb_bytes(t, k < 20 && (i >> k & 1) ? " i64" : " i32", 4);
        bomb_bytes(t, ")))", 3);
    }
    bomb_bytes(t, ")", 1);
}

static void many_signatures_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    put_signatures(&t, 100000, 20);
    wasm_byte_vec_t binary = binary_of(&t);
    expect_refused(&binary, "100000 types of functions with 2000000 parameters", 0);
    wasm_byte_vec_delete(&binary);
}

static void long_signatures_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    put_signatures(&t, 700, 1000);
    wasm_byte_vec_t binary = binary_of(&t);
    expect_refused(&binary, "700 types of functions with 700000 parameters", 0);
    wasm_byte_vec_delete(&binary);
}

static void locals_in_every_function_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0}, body = {0};
    repeat(&body, " i64", 1000, 0);
    bomb_bytes(&t, "(module ", 8);
    for (int i = 0; i < 2000; i++) {
        bomb_bytes(&t, "(func (local", 12);
        bomb_bytes(&t, body.data, body.size);
        bomb_bytes(&t, "))", 2);
    }
    bomb_bytes(&t, ")", 1);
    free(body.data);
    wasm_byte_vec_t binary = binary_of(&t);
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_compile_work = 400000;
    bhd_host *strict = guest_host_with(&options);
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options its = {
        .size = sizeof its, .name = "bomb", .limits = guest_limits(MIB(1))};
    expect_status(BHD_COMPONENT_TOO_LARGE,
                  bhd_component_new(strict, &its, binary.data, binary.size, &component, &error),
                  &error);
    expect_in(error.message, ALL);
    bhd_error_fini(&error);
    bhd_host_free(strict);
    wasm_byte_vec_delete(&binary);
}

static void exports_of_50000_functions_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_bytes(&t, "(module ", 8);
    repeat(&t, "(func (export \"#\"))", 50000, 0);
    bomb_bytes(&t, ")", 1);
    wasm_byte_vec_t binary = binary_of(&t);
    expect_refused(&binary, "50000 functions", 0);
    wasm_byte_vec_delete(&binary);
}

/* -- the bound ----------------------------------------------------------------------------- */

/* What the inspection says is what is compared, to the unit. */
static void the_bound_is_what_inspect_says(void **state)
{
    (void)state;
    const bomb loops = {"", "", 0, 400, "loop end ", NULL, NULL, "", false};
    bomb_text t = {0};
    make_text(&loops, &t);
    wasm_byte_vec_t binary = binary_of(&t);
    bhd_error error = BHD_ERROR_INIT;
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    expect_ok(bhd_inspect(bomb_host, binary.data, binary.size, &inspection, &error), &error);
    uint64_t work = inspection.largest_function_work;
    assert_true(work > 0 && inspection.compile_work >= work);
    bhd_inspection_fini(&inspection);
    bhd_component_options its = {
        .size = sizeof its, .name = "loops", .limits = guest_limits(MIB(1))};
    for (uint64_t less = 0; less <= 1; less++) {
        bhd_host_options options = BHD_HOST_OPTIONS_INIT;
        options.max_compile_work = (work - less) * 8;
        bhd_host *own = guest_host_with(&options);
        bhd_component *component = NULL;
        bhd_status status =
            bhd_component_new(own, &its, binary.data, binary.size, &component, &error);
        expect_status(less ? BHD_COMPONENT_TOO_LARGE : BHD_OK, status, &error);
        bhd_component_free(component);
        bhd_host_free(own);
    }
    expect_in(error.message, "function 0 (f) takes");
    assert_true(error.value == work && error.range_maximum == work - 1);
    bhd_error_fini(&error);
    wasm_byte_vec_delete(&binary);
}

/* The most loops that the default allows still compile, in little memory. */
static void what_is_just_allowed_compiles(void **state)
{
    (void)state;
    const bomb loops = {"", "", 0, 3500, "loop end ", NULL, NULL, "", false};
    bomb_text t = {0};
    make_text(&loops, &t);
    wasm_byte_vec_t binary = binary_of(&t);
    guest_keep_signals();
    neighbours_begin(&bomb_neighbours, bomb_host);
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options its = {
        .size = sizeof its, .name = "loops", .limits = guest_limits(MIB(1))};
    uint64_t before = process_resident_bytes();
    process_forget_peak();
    expect_ok(bhd_component_new(bomb_host, &its, binary.data, binary.size, &component, &error),
              &error);
    if (!BHD_TESTS_SANITIZED)
        assert_in_range(process_peak_bytes(), 0, before + MIB(512));
    bhd_component_free(component);
    neighbours_end(&bomb_neighbours);
    wasm_byte_vec_delete(&binary);
}

static void text_above_a_mebibyte_is_refused(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options its = {
        .size = sizeof its, .name = "text", .limits = guest_limits(MIB(1))};
    size_t size = MIB(1) + 1;
    char *wat = malloc(size);
    assert_non_null(wat);
    memset(wat, ' ', size);
    memcpy(wat, "(module)", 8);
    expect_status(BHD_FILE_TOO_LARGE,
                  bhd_component_new(bomb_host, &its, wat, size, &component, &error), &error);
    expect_in(error.message,
              "it has 1048577 bytes, and at most 1048576 are translated here; make a "
              "binary of it first");
    expect_ok(bhd_component_new(bomb_host, &its, wat, size - 1, &component, &error), &error);
    bhd_component_free(component);
    free(wat);
    bhd_error_fini(&error);
}

/* -- all of them --------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test_teardown(blocks_with_many_values_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(many_signatures_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(long_signatures_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(locals_in_every_function_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(exports_of_50000_functions_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(the_bound_is_what_inspect_says, bomb_host_after_each),
        cmocka_unit_test_teardown(what_is_just_allowed_compiles, bomb_host_after_each),
        cmocka_unit_test_teardown(text_above_a_mebibyte_is_refused, bomb_host_after_each),
    };
    static struct CMUnitTest tests[COUNT_OF(bombs) + COUNT_OF(others)];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(bombs); i++)
        tests[count++] = (struct CMUnitTest){bombs[i].name, bombs_are_refused, NULL,
                                             bomb_host_after_each, (void *)(uintptr_t)&bombs[i]};
    memcpy(tests + count, others, sizeof others);
    return bomb_host_run("compile bombs", tests, COUNT_OF(tests), argc, argv);
}
