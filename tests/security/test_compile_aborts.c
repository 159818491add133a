/*
 * What makes the engine's compiler end the process is refused before it is compiled: it numbers the
 * kinds of accesses of one function with 16 bits, and takes one for each private global, each type
 * that is compared and each reference to an object that is kept. A failure of these tests that ends
 * the program is the thing itself.
 */
#include "support/bomb_text.h"
#include "support/real_guest.h"

#include "bulkhead/inspection.h"

#define MOST "at most 61439 can be compiled in one function"

/* Three lists of so many items one after the other; `%1$u` in an item is its number. */
typedef struct shape {
    const char *name;
    const char *texts[7]; /* around an item each, from the second on every other */
    unsigned small, large;
    const char *said;
} shape;

#define REF "i32.const 0 table.get $t "

static const shape shapes[] = {
    {"globals that a function reads",
     {"(module ", "(global i32 (i32.const %1$u))", "(func $touch ", "(drop (global.get %1$u))",
      "))", "", ""},
     20000,
     61500,
     "function 0 (touch) takes 61500 "},
    {"globals that a function writes",
     {"(module (func $f)", "(global (mut i64) (i64.const %1$u))", "(func $touch ",
      "(global.set %1$u (i64.const 1))", "))", "", ""},
     1000,
     61500,
     "function 1 (touch) takes 61500 "},
    {"globals that are computed",
     {"(module ", "(global i32 (i32.add (i32.const 1) (i32.const %1$u)))", ")", "", "", "", ""},
     2000,
     61500,
     "setting up the module takes 61500 "},
    {"globals that are others",
     {"(module (global $g i32 (i32.add (i32.const 1) (i32.const 2)))",
      "(global i32 (global.get $g))", ")", "", "", "", ""},
     5000,
     61500,
     "setting up the module takes 184501 "},
    {"globals that are computed in a component",
     {"(component (core module) (core module ",
      "(global i32 (i32.add (i32.const 1) (i32.const %1$u)))", "))", "", "", "", ""},
     1000,
     61500,
     "setting up core module 1 takes 61500 "},
    {"references that are kept",
     {"(module (table $t 1 externref)(func $f)(func $keep ", "i32.const 0 " REF, "call $f ",
      "table.set $t ", "))", "", ""},
     500,
     61500,
     "function 1 (keep) takes 61500 "},
    {"references that calls give",
     {"(module (table $t 1 externref)(func $f (result externref externref) unreachable)(func "
      "$keep ",
      "call $f ", "call $f drop drop ", "drop drop ", "))", "", ""},
     500,
     30800,
     "function 1 (keep) takes 61602 "},
    {"references that blocks give",
     {"(module (table $t 1 externref)(func $keep (local externref) ",
      "block (result externref) local.get 0 end local.set 0 ", "", "", "))", "", ""},
     500,
     61500,
     "function 0 (keep) takes 61502 "},
    {"references in locals that differ",
     {"(module (table $t 1 externref)(func $keep (param i32) (local externref externref "
      "externref) ",
      "local.get 0 if " REF "local.set 1 " REF "local.set 2 end ", "", "", "))", "", ""},
     500,
     15500,
     "function 0 (keep) takes 62006 "},
};

static wasm_byte_vec_t binary_of(const shape *s, unsigned count)
{
    bomb_text text = {0};
    for (size_t i = 0; i < COUNT_OF(s->texts); i++)
        for (unsigned k = 0; k < (i % 2 ? count : 1); k++)
            bomb_printf(&text, s->texts[i], k);
    return bomb_binary(&text);
}

static bhd_status load(bhd_host *host, const wasm_byte_vec_t *binary, bhd_error *error)
{
    bhd_component *component = NULL;
    bhd_component_options options = {
        .size = sizeof options, .name = "shape", .limits = guest_limits(MIB(1))};
    bhd_status status =
        bhd_component_new(host, &options, binary->data, binary->size, &component, error);
    bhd_component_free(component);
    return status;
}

/* Everything else is allowed. */
static bhd_host *host(void)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_instance_bytes = MIB(64);
    options.max_function_bytes = options.max_component_bytes;
    options.features = BHD_FEATURE_GC;
    return guest_host_with(&options);
}

static void too_many_for_one_function_are_refused(void **state)
{
    (void)state;
    bhd_host *h = host();
    /* The process that compiles has no sanitizer; what the host makes of its answer is the same for
     * all, and is tried with a module and a component. */
    for (size_t i = 0; i < COUNT_OF(shapes); i += BHD_TESTS_SANITIZED ? 4 : 1) {
        const shape *s = &shapes[i];
        bhd_error error = BHD_ERROR_INIT;
        bhd_inspection inspection = BHD_INSPECTION_INIT;
        print_message("%s\n", s->name);
        wasm_byte_vec_t small = binary_of(s, s->small), large = binary_of(s, s->large);
        expect_ok(load(h, &small, &error), &error);
        expect_status(BHD_COMPONENT_TOO_LARGE, load(h, &large, &error), &error);
        expect_in(error.message, s->said);
        expect_in(error.message, MOST);
        assert_true(error.value > error.range_maximum && error.range_maximum == 61439);
        /* What only looks at it compiles it too. */
        expect_status(BHD_COMPONENT_TOO_LARGE,
                      bhd_inspect(h, large.data, large.size, &inspection, &error), &error);
        expect_in(error.message, s->said);
        wasm_byte_vec_delete(&small);
        wasm_byte_vec_delete(&large);
        bhd_error_fini(&error);
    }
    bhd_host_free(h);
}

/* Types with as many different lists of parameters as there are numbers. */
static wasm_byte_vec_t calls_of_types(unsigned count)
{
    static const char *const kinds[] = {"i32 ", "i64 ", "f32 ", "f64 "};
    bomb_text text = {0};
    bomb_put(&text, "(module (table 1 funcref)");
    for (unsigned i = 0; i < count; i++) {
        bomb_put(&text, "(type (func (param ");
        for (unsigned k = i + 1; k > 0; k /= 4)
            bomb_put(&text, kinds[k % 4]);
        bomb_put(&text, ")))");
    }
    bomb_put(&text, "(func $call unreachable ");
    for (unsigned i = 0; i < count; i++)
        bomb_printf(&text, "call_indirect (type %u) ", i);
    bomb_put(&text, "))");
    return bomb_binary(&text);
}

static void too_many_types_in_one_function_are_refused(void **state)
{
    (void)state;
    bhd_host *h = host();
    bhd_error error = BHD_ERROR_INIT;
    wasm_byte_vec_t small = calls_of_types(1000), large = calls_of_types(61500);
    expect_ok(load(h, &small, &error), &error);
    expect_status(BHD_COMPONENT_TOO_LARGE, load(h, &large, &error), &error);
    expect_in(error.message, "function 0 (call) takes 61500 ");
    expect_in(error.message, MOST);
    wasm_byte_vec_delete(&small);
    wasm_byte_vec_delete(&large);
    bhd_error_fini(&error);
    bhd_host_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_many_for_one_function_are_refused),
        cmocka_unit_test(too_many_types_in_one_function_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
