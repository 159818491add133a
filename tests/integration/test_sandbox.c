/*
 * Sandboxes: looking up, calling, reading and writing, ends, callbacks of the limiter.
 */
#include "support/real_guest.h"

#include <math.h>

/* -- calls --------------------------------------------------------------------------------- */

static bhd_function *function_of(bhd_sandbox *sandbox, const char *name)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *function;
    expect_ok(bhd_sandbox_function(sandbox, name, &function, &error), &error);
    bhd_error_fini(&error);
    return function;
}

static void values_of_every_type_go_in_and_out(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/add.wat", &limits);
    assert_int_equal(INT32_MIN, guest_i32(g.sandbox, "add", INT32_MAX, 1));
    assert_true(guest_i64(g.sandbox, "add64", INT64_MAX, INT64_C(1)) == INT64_MIN);
    bhd_value result;
    expect_ok(guest_call(g.sandbox, NULL, &result, "addf", 1.5, 2.25), NULL);
    assert_int_equal(BHD_F32, result.type);
    assert_true(result.of.f32 == 3.75f);
    expect_ok(guest_call(g.sandbox, NULL, &result, "addd", 1e300, 1e-300), NULL);
    assert_int_equal(BHD_F64, result.type);
    assert_true(result.of.f64 == 1e300);
    guest_void(g.sandbox, "nothing");
    guest_end(&g);
}

static void several_results_come_in_order_and_bit_for_bit(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/add.wat", &limits);
    uint32_t nan32_bits = 0x7fa00001;
    uint64_t nan64_bits = UINT64_C(0x7ff4000000000001);
    bhd_value in[4] = {{.type = BHD_I32, .of.i32 = -1},
                       {.type = BHD_I64, .of.i64 = INT64_MIN},
                       {.type = BHD_F32},
                       {.type = BHD_F64}};
    memcpy(&in[2].of.f32, &nan32_bits, sizeof nan32_bits);
    memcpy(&in[3].of.f64, &nan64_bits, sizeof nan64_bits);
    bhd_value out[5];
    memset(out, 0x77, sizeof out);
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_sandbox_call(g.sandbox, function_of(g.sandbox, "echo"), in, 4, out, 5, &error),
              &error);
    assert_int_equal(-1, out[0].of.i32);
    assert_true(out[1].of.i64 == INT64_MIN);
    assert_memory_equal(&nan32_bits, &out[2].of.f32, sizeof nan32_bits);
    assert_memory_equal(&nan64_bits, &out[3].of.f64, sizeof nan64_bits);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(in[i].type, out[i].type);
    uint8_t untouched[sizeof out[4]];
    memset(untouched, 0x77, sizeof untouched);
    assert_memory_equal(untouched, &out[4], sizeof untouched);
    bhd_value pair[2] = {{.type = BHD_I32, .of.i32 = 7}, {.type = BHD_I64, .of.i64 = 9}};
    expect_ok(bhd_sandbox_call(g.sandbox, function_of(g.sandbox, "swap"), pair, 2, out, 2, &error),
              &error);
    assert_int_equal(BHD_I64, out[0].type);
    assert_true(out[0].of.i64 == 9);
    assert_int_equal(BHD_I32, out[1].type);
    assert_int_equal(7, out[1].of.i32);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void a_function_knows_its_types(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/add.wat", &limits);
    static const bhd_value_type all[] = {BHD_I32, BHD_I64, BHD_F32, BHD_F64};
    bhd_function *echo = function_of(g.sandbox, "echo");
    const bhd_type *types[] = {bhd_function_parameters(echo), bhd_function_results(echo)};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        assert_int_equal(COUNT_OF(all), bhd_type_count(types[i]));
        for (size_t k = 0; k < COUNT_OF(all); k++)
            assert_int_equal(all[k], bhd_type_get(bhd_type_part(types[i], k)));
    }
    assert_int_equal(0, bhd_type_count(bhd_function_results(function_of(g.sandbox, "nothing"))));
    assert_ptr_equal(echo, function_of(g.sandbox, "echo")); /* looked up once */
    guest_end(&g);
}

static void wrong_arguments_are_refused_before_anything_runs(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/add.wat", &limits);
    bhd_function *add = function_of(g.sandbox, "add");
    bhd_value in[3] = {{.type = BHD_I32}, {.type = BHD_I64}, {.type = BHD_I32}};
    bhd_value out[1] = {{.type = BHD_F64, .of.f64 = 1.0}};
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_SIGNATURE_MISMATCH, bhd_sandbox_call(g.sandbox, add, in, 2, out, 1, &error),
                  &error);
    assert_string_equal("parameter 2: expected i32, got i64", error.message);
    expect_status(BHD_SIGNATURE_MISMATCH, bhd_sandbox_call(g.sandbox, add, in, 1, out, 1, &error),
                  &error);
    assert_string_equal("the function takes 2 arguments, 1 were given", error.message);
    expect_status(BHD_SIGNATURE_MISMATCH, bhd_sandbox_call(g.sandbox, add, in, 3, out, 1, &error),
                  &error);
    in[1].type = BHD_I32;
    expect_status(BHD_SIGNATURE_MISMATCH, bhd_sandbox_call(g.sandbox, add, in, 2, out, 0, &error),
                  &error);
    assert_string_equal("the function gives 1 results, there is room for 0", error.message);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_call(g.sandbox, add, NULL, 2, out, 1, &error),
                  &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_call(g.sandbox, add, in, 2, NULL, 1, &error),
                  &error);
    in[0].type = (bhd_value_type)99;
    expect_status(BHD_SIGNATURE_MISMATCH, bhd_sandbox_call(g.sandbox, add, in, 2, out, 1, &error),
                  &error);
    assert_int_equal(BHD_F64, out[0].type); /* written on success only */
    assert_false(bhd_sandbox_is_dead(g.sandbox));
    assert_int_equal(3, guest_i32(g.sandbox, "add", 1, 2));
    bhd_error_fini(&error);
    guest_end(&g);
}

static void missing_exports_are_answered_with_those_that_there_are(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/add.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    bhd_function *function = NULL;
    expect_status(BHD_EXPORT_NOT_FOUND, bhd_sandbox_function(g.sandbox, "ad", &function, &error),
                  &error);
    expect_in(error.message, "the module exports no function named \"ad\"");
    expect_in(error.message, "add, add64, addf, addd, swap, echo, nothing");
    /* An export that is no function, and one with a type that is not carried. */
    expect_status(BHD_EXPORT_NOT_FOUND,
                  bhd_sandbox_function(g.sandbox, "answer", &function, &error), &error);
    expect_status(BHD_SIGNATURE_MISMATCH,
                  bhd_sandbox_function(g.sandbox, "vector", &function, &error), &error);
    assert_null(function);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void what_is_not_a_command_is_said_so(void **state)
{
    (void)state;
    static const struct {
        const char *source, *part;
        bhd_status status;
    } sources[] = {
        {"basic/add.wat", "it exports no function _start", BHD_EXPORT_NOT_FOUND},
        {"component/not_a_command.wat", "it does not export wasi:cli/run@0.2",
         BHD_EXPORT_NOT_FOUND},
        {"(module (func (export \"_start\") (param i32)))", "_start takes parameters",
         BHD_SIGNATURE_MISMATCH},
        {"(module (memory (export \"_start\") 1))", "_start", BHD_EXPORT_NOT_FOUND},
    };
    bhd_limits limits = guest_limits(MIB(1));
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        bhd_error error = BHD_ERROR_INIT;
        guest g = guest_begin(sources[i].source, &limits);
        guest_run_ends(g.sandbox, sources[i].status, &error);
        expect_in(error.message, sources[i].part);
        assert_false(bhd_sandbox_is_dead(g.sandbox));
        bhd_error_fini(&error);
        guest_end(&g);
    }
}

static void a_component_has_no_memory_to_look_into(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("component/not_a_command.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    uint8_t byte;
    expect_status(BHD_NOT_SUPPORTED, bhd_sandbox_read(g.sandbox, NULL, 0, &byte, 1, &error),
                  &error);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void state_lives_from_call_to_call(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/counter.wat", &limits);
    for (int i = 1; i <= 100; i++) {
        assert_int_equal(i, guest_i32(g.sandbox, "bump_global"));
        assert_int_equal(i, guest_i32(g.sandbox, "bump_memory"));
    }
    guest_again(&g);
    assert_int_equal(0, guest_i32(g.sandbox, "read_global"));
    guest_end(&g);
}

/* -- traps --------------------------------------------------------------------------------- */

static void every_trap_has_its_own_text_and_ends_the_sandbox(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        int64_t a, b;
    } traps[] = {
        {"unreachable", "wasm `unreachable` instruction executed", 0, 0},
        {"divide", "integer divide by zero", 1, 0},
        {"divide", "integer overflow", INT32_MIN, -1},
        {"remainder", "integer divide by zero", 1, 0},
        {"load8", "out of bounds memory access", 65536, 0},
        {"fill", "out of bounds memory access", 65536, 1},
    };
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/trap.wat", &limits);
    for (size_t i = 0; i < COUNT_OF(traps); i++) {
        bhd_error error = BHD_ERROR_INIT;
        if (strcmp(traps[i].name, "remainder") == 0)
            guest_ends(g.sandbox, BHD_TRAP, &error, traps[i].name, traps[i].a, traps[i].b);
        else
            guest_ends(g.sandbox, BHD_TRAP, &error, traps[i].name, (int32_t)traps[i].a,
                       (int32_t)traps[i].b);
        expect_in(error.message, traps[i].text);
        assert_true(error.frame_count >= 1);
        assert_string_equal(traps[i].name, error.frames[0].function);
        assert_true(error.frames[0].module_offset != SIZE_MAX);
        assert_true(bhd_sandbox_is_dead(g.sandbox));
        bhd_error_fini(&error);
        guest_again(&g);
    }
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_TRAP, &error, "truncate", (double)NAN);
    expect_in(error.message, "invalid conversion to integer");
    guest_again(&g);
    guest_ends(g.sandbox, BHD_TRAP, &error, "truncate", 1e10);
    expect_in(error.message, "integer overflow");
    bhd_error_fini(&error);
    guest_end(&g);
}

static void a_dead_sandbox_only_keeps_its_metrics(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/trap.wat", &limits);
    bhd_function *load8 = function_of(g.sandbox, "load8");
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_TRAP, NULL, "unreachable");
    bhd_value in = {.type = BHD_I32, .of.i32 = 0}, out;
    bhd_function *function = NULL;
    uint8_t byte = 0;
    int exit_code;
    for (int i = 0; i < 3; i++) {
        expect_status(BHD_SANDBOX_DEAD, bhd_sandbox_call(g.sandbox, load8, &in, 1, &out, 1, &error),
                      &error);
        expect_status(BHD_SANDBOX_DEAD, bhd_sandbox_function(g.sandbox, "load8", &function, &error),
                      &error);
        expect_status(BHD_SANDBOX_DEAD, bhd_sandbox_run(g.sandbox, &exit_code, &error), &error);
        expect_status(BHD_SANDBOX_DEAD, bhd_sandbox_read(g.sandbox, NULL, 0, &byte, 1, &error),
                      &error);
        expect_status(BHD_SANDBOX_DEAD, bhd_sandbox_write(g.sandbox, NULL, 0, &byte, 1, &error),
                      &error);
    }
    assert_string_equal("the guest in this sandbox has ended; make a new sandbox", error.message);
    assert_null(function);
    expect_metrics(g.sandbox, PAGE, PAGE, 1, 0);
    assert_true(bhd_sandbox_id(g.sandbox) == 1);
    bhd_error_fini(&error);
    guest_end(&g);
}

/* -- memory -------------------------------------------------------------------------------- */

static void the_host_reads_and_writes_inside_the_memory(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    char text[6] = {0};
    expect_ok(bhd_sandbox_write(g.sandbox, NULL, 65531, "hello", 5, &error), &error);
    assert_int_equal('h', guest_i32(g.sandbox, "peek", 65531));
    assert_int_equal('o', guest_i32(g.sandbox, "peek", 65535));
    guest_void(g.sandbox, "touch", 65531, 'H');
    expect_ok(bhd_sandbox_read(g.sandbox, "memory", 65531, text, 5, &error), &error);
    assert_string_equal("Hello", text);
    /* Nothing at the very end is inside. */
    expect_ok(bhd_sandbox_read(g.sandbox, NULL, 65536, NULL, 0, &error), &error);
    /* What grows can be read at once, and is zero. */
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 1));
    expect_ok(bhd_sandbox_read(g.sandbox, NULL, 131071, text, 1, &error), &error);
    assert_int_equal(0, text[0]);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void the_host_reaches_nothing_outside_the_memory(void **state)
{
    (void)state;
    static const struct {
        uint64_t offset;
        size_t size;
    } ranges[] = {
        {65536, 1},
        {65535, 2},
        {0, 65537},
        {65537, 0},
        {UINT64_MAX, 0},
        {UINT64_MAX, 1},
        {UINT64_MAX - 3, 8},
        {1, SIZE_MAX},
        {0, SIZE_MAX},
        {UINT64_C(1) << 32, 1},
        {UINT64_C(1) << 63, 1},
    };
    static uint8_t buffer[1 << 17], kept[1 << 17];
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    guest_void(g.sandbox, "fill", 0, 65536, 0x5a);
    memset(buffer, 0x11, sizeof buffer);
    memset(kept, 0x11, sizeof kept);
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        bhd_error error = BHD_ERROR_INIT;
        expect_status(
            BHD_OUT_OF_BOUNDS,
            bhd_sandbox_read(g.sandbox, NULL, ranges[i].offset, buffer, ranges[i].size, &error),
            &error);
        assert_true(error.has_range && error.value == ranges[i].offset);
        expect_status(
            BHD_OUT_OF_BOUNDS,
            bhd_sandbox_write(g.sandbox, NULL, ranges[i].offset, buffer, ranges[i].size, &error),
            &error);
        bhd_error_fini(&error);
    }
    /* Nothing was copied, in either direction. */
    assert_memory_equal(kept, buffer, sizeof buffer);
    assert_true(guest_i64(g.sandbox, "sum", 0, 65536) == 65536 * 0x5a);
    guest_end(&g);
}

static void memories_are_chosen_by_name(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/three_memories.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    uint8_t byte = 7;
    expect_ok(bhd_sandbox_write(g.sandbox, "b", 5, &byte, 1, &error), &error);
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        expect_ok(bhd_sandbox_read(g.sandbox, names[i], 5, &byte, 1, &error), &error);
        assert_int_equal(i == 1 ? 7 : 0, byte);
    }
    expect_status(BHD_EXPORT_NOT_FOUND, bhd_sandbox_read(g.sandbox, NULL, 0, &byte, 1, &error),
                  &error);
    expect_in(error.message, "the module exports no memory named \"memory\"");
    expect_in(error.message, "a, b, c");
    expect_status(BHD_EXPORT_NOT_FOUND, bhd_sandbox_read(g.sandbox, "grow_a", 0, &byte, 1, &error),
                  &error);
    bhd_error_fini(&error);
    guest_end(&g);
}

/* -- the limiter's callbacks --------------------------------------------------------------- */

typedef struct warnings {
    unsigned count;
    bhd_memory_metrics last;
} warnings;

static void warn(void *user_data, const bhd_memory_metrics *metrics)
{
    warnings *w = user_data;
    w->count++;
    w->last = *metrics;
}

static void the_threshold_fires_once_when_it_is_crossed(void **state)
{
    (void)state;
    warnings w = {0};
    bhd_limits limits = guest_limits(MIB(1));
    const bhd_limiter_options limiter = {sizeof limiter, 50, NULL, warn, &w};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.limiter = &limiter;
    guest g = guest_begin_with(NULL, "basic/grow.wat", &limits, &options);
    assert_int_equal(1, guest_i32(g.sandbox, "grow", 6));
    assert_int_equal(0, w.count);
    assert_int_equal(7, guest_i32(g.sandbox, "grow", 1)); /* exactly half */
    assert_int_equal(1, w.count);
    guest_expect_metrics(&w.last, KIB(512), KIB(512), 3, 0, __FILE__, __LINE__);
    assert_true(w.last.above_threshold);
    assert_int_equal(8, guest_i32(g.sandbox, "grow", 8));
    assert_int_equal(-1, guest_i32(g.sandbox, "grow", 1));
    assert_int_equal(1, w.count);
    guest_end(&g);
}

static void a_threshold_below_the_initial_size_fires_at_once(void **state)
{
    (void)state;
    warnings w = {0};
    bhd_limits limits = guest_limits(PAGES(17));
    const bhd_limiter_options limiter = {sizeof limiter, 0, NULL, warn, &w};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.limiter = &limiter;
    guest g = guest_begin_with(NULL, "basic/big_initial.wat", &limits, &options);
    assert_int_equal(1, w.count);
    assert_true(w.last.current_bytes == PAGES(17));
    guest_end(&g);
}

static void options_of_the_limiter_are_checked(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "basic/grow.wat", &limits);
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    static const double percents[] = {-1, 100.5, 1e300};
    for (size_t i = 0; i < COUNT_OF(percents); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_sandbox *sandbox = NULL;
        const bhd_limiter_options limiter = {sizeof limiter, percents[i], NULL, NULL, NULL};
        options.limiter = &limiter;
        expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_new(component, &options, &sandbox, &error),
                      &error);
        expect_in(error.message, "warning_percent");
        assert_null(sandbox);
        expect_stats(host, 0, 0);
        bhd_error_fini(&error);
    }
    bhd_component_free(component);
    bhd_host_free(host);
}

static void null_is_answered(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("basic/grow.wat", &limits);
    bhd_sandbox *sandbox = NULL;
    bhd_function *function = NULL;
    int exit_code;
    uint8_t byte;
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_new(NULL, NULL, &sandbox, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_new(g.component, NULL, NULL, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_function(g.sandbox, NULL, &function, NULL),
                  NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_function(NULL, "x", &function, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_call(g.sandbox, NULL, NULL, 0, NULL, 0, NULL),
                  NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_run(g.sandbox, NULL, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_run(NULL, &exit_code, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_read(g.sandbox, NULL, 0, NULL, 1, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_read(NULL, NULL, 0, &byte, 1, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_write(g.sandbox, NULL, 0, NULL, 1, NULL), NULL);
    bhd_sandbox_free(NULL);
    assert_false(bhd_sandbox_is_dead(g.sandbox));
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type_go_in_and_out),
        cmocka_unit_test(several_results_come_in_order_and_bit_for_bit),
        cmocka_unit_test(a_function_knows_its_types),
        cmocka_unit_test(wrong_arguments_are_refused_before_anything_runs),
        cmocka_unit_test(missing_exports_are_answered_with_those_that_there_are),
        cmocka_unit_test(what_is_not_a_command_is_said_so),
        cmocka_unit_test(a_component_has_no_memory_to_look_into),
        cmocka_unit_test(state_lives_from_call_to_call),
        cmocka_unit_test(every_trap_has_its_own_text_and_ends_the_sandbox),
        cmocka_unit_test(a_dead_sandbox_only_keeps_its_metrics),
        cmocka_unit_test(the_host_reads_and_writes_inside_the_memory),
        cmocka_unit_test(the_host_reaches_nothing_outside_the_memory),
        cmocka_unit_test(memories_are_chosen_by_name),
        cmocka_unit_test(the_threshold_fires_once_when_it_is_crossed),
        cmocka_unit_test(a_threshold_below_the_initial_size_fires_at_once),
        cmocka_unit_test(options_of_the_limiter_are_checked),
        cmocka_unit_test(null_is_answered),
    };
    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
