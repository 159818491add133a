/*
 * Calls of components with values of every type: into the guest, out of it, and refused before
 * anything runs when they do not fit.
 */
#include "support/value_kit.h"

#include <stdio.h>
#include <stdlib.h>

#define VALUES "component/values.wat"

static guest begin(void)
{
    bhd_limits limits = guest_limits(MIB(2));
    return guest_begin(VALUES, &limits);
}

static void comes_back(bhd_sandbox *sandbox, const char *name, bhd_value value)
{
    bhd_value result = value_call(sandbox, name, &value, 1);
    if (!value_equals(&value, &result))
        fail_msg("%s does not give back what it got", name);
    bhd_value_fini(&result);
}

static void numbers_go_in_and_out(void **state)
{
    (void)state;
    guest g = begin();
    comes_back(g.sandbox, "echo-bool", bhd_value_bool(true));
    comes_back(g.sandbox, "echo-bool", bhd_value_bool(false));
    comes_back(g.sandbox, "echo-s8", bhd_value_s8(INT8_MIN));
    comes_back(g.sandbox, "echo-u8", bhd_value_u8(UINT8_MAX));
    comes_back(g.sandbox, "echo-s16", bhd_value_s16(INT16_MIN));
    comes_back(g.sandbox, "echo-u16", bhd_value_u16(UINT16_MAX));
    comes_back(g.sandbox, "echo-s32", bhd_value_s32(INT32_MIN));
    comes_back(g.sandbox, "echo-u32", bhd_value_u32(UINT32_MAX));
    comes_back(g.sandbox, "echo-s64", bhd_value_s64(INT64_MIN));
    comes_back(g.sandbox, "echo-u64", bhd_value_u64(UINT64_MAX));
    comes_back(g.sandbox, "echo-f32", bhd_value_f32(-0.1F));
    comes_back(g.sandbox, "echo-f64", bhd_value_f64(-1e300));
    comes_back(g.sandbox, "echo-char", bhd_value_char(0x10ffff));
    comes_back(g.sandbox, "echo-char", bhd_value_char(0));
    guest_end(&g);
}

static void strings_go_in_and_out_in_every_encoding(void **state)
{
    (void)state;
    static const char *const functions[] = {"echo-string", "echo-utf16", "echo-latin1"};
    static const char *const texts[] = {"", "photo",
                                        "gr\xc3\xb6\xc3\x9f"
                                        "e",
                                        "\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x9a\xa2"};
    guest g = begin();
    for (size_t f = 0; f < COUNT_OF(functions); f++)
        for (size_t t = 0; t < COUNT_OF(texts); t++)
            comes_back(g.sandbox, functions[f], bhd_value_string(texts[t]));
    bhd_value with_nul = bhd_value_text("a\0b", 3);
    comes_back(g.sandbox, "echo-string", with_nul);
    bhd_value result = value_call(g.sandbox, "echo-string", &with_nul, 1);
    assert_int_equal('\0', result.of.string.data[3]); /* for who wants a C string */
    bhd_value_fini(&result);
    guest_end(&g);
}

static void lists_of_numbers_are_one_buffer(void **state)
{
    (void)state;
    static const bool bools[] = {true, false, true};
    static const uint8_t bytes[] = {0, 1, 255};
    static const int16_t shorts[] = {-32768, 32767};
    static const uint32_t words[] = {0, UINT32_MAX, 7};
    static const double doubles[] = {0.1, -0.0, 1e-300};
    static const uint32_t characters[] = {'a', 0xe9, 0x1f6a2};
    guest g = begin();
    comes_back(g.sandbox, "echo-bools", bhd_value_list(BHD_BOOL, bools, COUNT_OF(bools)));
    comes_back(g.sandbox, "echo-bytes", bhd_value_bytes(bytes, COUNT_OF(bytes)));
    comes_back(g.sandbox, "echo-bytes", bhd_value_bytes(NULL, 0));
    comes_back(g.sandbox, "echo-s16s", bhd_value_list(BHD_S16, shorts, COUNT_OF(shorts)));
    comes_back(g.sandbox, "echo-u32s", bhd_value_list(BHD_U32, words, COUNT_OF(words)));
    comes_back(g.sandbox, "echo-f64s", bhd_value_list(BHD_F64, doubles, COUNT_OF(doubles)));
    comes_back(g.sandbox, "echo-chars", bhd_value_list(BHD_CHAR, characters, 3));
    /* 32 bytes for each element, as the engine's own values take, would not fit the budget. */
    size_t size = 500000;
    uint8_t *many = malloc(size);
    assert_non_null(many);
    for (size_t i = 0; i < size; i++)
        many[i] = (uint8_t)(i * 7);
    comes_back(g.sandbox, "echo-bytes", bhd_value_bytes(many, size));
    free(many);
    guest_end(&g);
}

static void compounds_go_through_parameters_and_results(void **state)
{
    (void)state;
    guest g = begin();
    bhd_value photo[] = {bhd_value_string("sea"), bhd_value_u16(3), bhd_value_f64(1.5),
                         bhd_value_bool(true)};
    comes_back(g.sandbox, "echo-photo", bhd_value_record(photo, 4));
    bhd_value radius = bhd_value_f32(2.5F), label = bhd_value_string("buoy");
    comes_back(g.sandbox, "echo-shape", bhd_value_variant(0, &radius));
    comes_back(g.sandbox, "echo-shape", bhd_value_variant(1, &label));
    comes_back(g.sandbox, "echo-shape", bhd_value_variant(2, NULL));
    bhd_value byte = bhd_value_u8(200), number = bhd_value_s64(INT64_MIN);
    comes_back(g.sandbox, "echo-option", bhd_value_option(NULL));
    comes_back(g.sandbox, "echo-option", bhd_value_option(&byte));
    comes_back(g.sandbox, "echo-result", bhd_value_ok(&number));
    comes_back(g.sandbox, "echo-result", bhd_value_error(&label));
    for (uint32_t i = 0; i < 3; i++)
        comes_back(g.sandbox, "echo-colour", bhd_value_enum(i));
    comes_back(g.sandbox, "echo-rights", bhd_value_flags(5));
    comes_back(g.sandbox, "echo-many", bhd_value_flags(0x80000001));
    bhd_value strings[] = {bhd_value_string("one"), bhd_value_string(""), bhd_value_string("two")};
    comes_back(g.sandbox, "echo-strings", bhd_value_list(BHD_STRING, strings, 3));
    guest_end(&g);
}

/* One value with everything in it, in memory of the guest. */
static void every_type_goes_through_memory(void **state)
{
    (void)state;
    guest g = begin();
    static const uint16_t numbers[] = {1, 2, 65535};
    bhd_value lists[] = {bhd_value_list(BHD_U16, numbers, 3), bhd_value_list(BHD_U16, NULL, 0)};
    bhd_value photo[] = {bhd_value_string("sea"), bhd_value_u16(3), bhd_value_f64(1.5),
                         bhd_value_bool(true)};
    bhd_value tuple[] = {bhd_value_u8(9), bhd_value_string("nine")};
    bhd_value label = bhd_value_string("buoy"), text = bhd_value_string("deep");
    bhd_value inner = bhd_value_option(&text), rights = bhd_value_flags(3);
    bhd_value fields[] = {bhd_value_bool(true),
                          bhd_value_s8(-1),
                          bhd_value_u8(255),
                          bhd_value_s16(-2),
                          bhd_value_u16(65535),
                          bhd_value_s32(-3),
                          bhd_value_u32(UINT32_MAX),
                          bhd_value_s64(-4),
                          bhd_value_u64(UINT64_MAX),
                          bhd_value_f32(0.5F),
                          bhd_value_f64(0.25),
                          bhd_value_char(0x1f6a2),
                          bhd_value_string("text"),
                          bhd_value_list(BHD_LIST, lists, 2),
                          bhd_value_record(photo, 4),
                          bhd_value_tuple(tuple, 2),
                          bhd_value_variant(1, &label),
                          bhd_value_enum(2),
                          bhd_value_option(NULL),
                          bhd_value_option(&inner),
                          bhd_value_ok(NULL),
                          bhd_value_error(&rights),
                          bhd_value_flags(5),
                          bhd_value_flags(0x80000001)};
    bhd_value all[] = {bhd_value_record(fields, COUNT_OF(fields)),
                       bhd_value_record(fields, COUNT_OF(fields))};
    comes_back(g.sandbox, "echo-all", bhd_value_list(BHD_RECORD, all, 2));
    bhd_value one = bhd_value_list(BHD_RECORD, all, 2), copy;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_value_copy(&one, &copy, &error), &error);
    assert_true(value_equals(&one, &copy));
    bhd_value_fini(&copy);
    guest_end(&g);
}

static void more_parameters_than_fit_the_stack_go_in_memory(void **state)
{
    (void)state;
    guest g = begin();
    bhd_value in[18];
    for (size_t i = 0; i < 17; i++)
        in[i] = bhd_value_u32((uint32_t)i);
    in[17] = bhd_value_string("1000");
    bhd_value sum = value_call(g.sandbox, "sum", in, 18);
    assert_int_equal(BHD_U32, sum.type);
    assert_int_equal(17 * 16 / 2 + 4, sum.of.u32);
    (void)value_call(g.sandbox, "nothing", NULL, 0);
    guest_end(&g);
}

/* -- types --------------------------------------------------------------------------------- */

static const bhd_type *parameter_of(bhd_sandbox *sandbox, const char *name)
{
    bhd_function *function;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_sandbox_function(sandbox, name, &function, &error), &error);
    assert_int_equal(1, bhd_type_count(bhd_function_parameters(function)));
    assert_string_equal("x", bhd_type_part_name(bhd_function_parameters(function), 0));
    return bhd_type_part(bhd_function_parameters(function), 0);
}

static void a_function_describes_its_types(void **state)
{
    (void)state;
    guest g = begin();
    const bhd_type *photo = parameter_of(g.sandbox, "echo-photo");
    assert_int_equal(BHD_RECORD, bhd_type_get(photo));
    assert_int_equal(4, bhd_type_count(photo));
    assert_string_equal("ratio", bhd_type_part_name(photo, 2));
    assert_int_equal(BHD_F64, bhd_type_get(bhd_type_part(photo, 2)));
    size_t index = 99;
    assert_true(bhd_type_find(photo, "ready", &index) && index == 3);
    assert_false(bhd_type_find(photo, "read", &index));
    assert_null(bhd_type_part(photo, 4));
    assert_string_equal("", bhd_type_part_name(photo, 4));
    const bhd_type *shape = parameter_of(g.sandbox, "echo-shape");
    assert_string_equal("none", bhd_type_part_name(shape, 2));
    assert_null(bhd_type_part(shape, 2));
    char text[128];
    assert_int_equal(44, bhd_type_to_text(shape, text, sizeof text));
    assert_string_equal("variant { circle(f32), label(string), none }", text);
    guest_end(&g);
}

/* -- refusals ------------------------------------------------------------------------------ */

static void a_value_that_does_not_fit_is_refused_with_its_place(void **state)
{
    (void)state;
    guest g = begin();
    bhd_value wrong[] = {bhd_value_string("sea"), bhd_value_string("3"), bhd_value_f64(1.5),
                         bhd_value_bool(true)};
    bhd_value label = bhd_value_string("x"), radius = bhd_value_f64(1);
    bhd_value strings[] = {label, bhd_value_text("\xff", 1)};
    static const uint32_t characters[] = {'a', 0xd800};
    struct {
        const char *name, *complaint;
        bhd_value value;
    } cases[] = {
        {"echo-u8", "parameter x: expected u8, got u16", bhd_value_u16(1)},
        {"echo-u8", "parameter x: expected u8, got i32", bhd_value_i32(1)},
        {"echo-u8", "parameter x: expected u8, got no value", {.type = (bhd_value_type)99}},
        {"echo-photo", "parameter x: field size: expected u16, got string",
         bhd_value_record(wrong, 4)},
        {"echo-photo", "parameter x: expected 4 fields, got 3", bhd_value_record(wrong, 3)},
        {"echo-photo",
         "parameter x: expected record { name: string, size: u16, ratio: f64, ready: bool }, got "
         "tuple",
         bhd_value_tuple(wrong, 4)},
        {"echo-shape", "parameter x: case circle: expected f32, got f64",
         bhd_value_variant(0, &radius)},
        {"echo-shape", "parameter x: expected nothing in case none, got string",
         bhd_value_variant(2, &label)},
        {"echo-shape", "parameter x: expected string in case label, got nothing",
         bhd_value_variant(1, NULL)},
        {"echo-shape", "parameter x: expected one of 3 cases, got case 3",
         bhd_value_variant(3, NULL)},
        {"echo-colour", "parameter x: expected one of 3 cases, got case 3", bhd_value_enum(3)},
        {"echo-rights", "parameter x: expected 3 flags, got bits 0x8", bhd_value_flags(8)},
        {"echo-option", "parameter x: case some: expected u8, got string",
         bhd_value_option(&label)},
        {"echo-result", "parameter x: expected s64 in case ok, got nothing", bhd_value_ok(NULL)},
        {"echo-bytes", "parameter x: expected list<u8>, got a list of u32",
         bhd_value_list(BHD_U32, characters, 2)},
        {"echo-bytes", "a list whose data is NULL", bhd_value_bytes(NULL, 1)},
        {"echo-strings", "parameter x: element 1: expected string, got bytes that are not UTF-8",
         bhd_value_list(BHD_STRING, strings, 2)},
        {"echo-char", "parameter x: expected char, got 0x110000", bhd_value_char(0x110000)},
        {"echo-chars", "parameter x: element 1: expected char, got 0xd800",
         bhd_value_list(BHD_CHAR, characters, 2)},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        value_ends(g.sandbox, BHD_SIGNATURE_MISMATCH, cases[i].complaint, cases[i].name,
                   &cases[i].value, 1);
    value_ends(g.sandbox, BHD_SIGNATURE_MISMATCH, "takes 1 arguments, 0 were given", "echo-u8",
               NULL, 0);
    assert_false(bhd_sandbox_is_dead(g.sandbox));
    comes_back(g.sandbox, "echo-u8", bhd_value_u8(1));
    guest_end(&g);
}

static void an_export_that_is_not_there_names_those_that_are(void **state)
{
    (void)state;
    guest g = begin();
    value_ends(g.sandbox, BHD_EXPORT_NOT_FOUND,
               "the component exports no function named \"echo\"; the functions that it exports: "
               "echo-bool, echo-s8, ",
               "echo", NULL, 0);
    value_ends(g.sandbox, BHD_EXPORT_NOT_FOUND, NULL, "photo", NULL, 0); /* a type */
    guest_end(&g);
}

/* Two versions of one interface, another with a function of the same name, one outside. */
static const char interfaces[] =
    "(component (core module $m (func (export \"1\") (result i32) i32.const 1)"
    "  (func (export \"2\") (result i32) i32.const 2) (func (export \"3\") (result i32) i32.const "
    "3)"
    "  (func (export \"4\") (result i32) i32.const 4))"
    " (core instance $m (instantiate $m))"
    " (func $1 (result u32) (canon lift (core func $m \"1\")))"
    " (func $2 (result u32) (canon lift (core func $m \"2\")))"
    " (func $3 (result u32) (canon lift (core func $m \"3\")))"
    " (func $4 (result u32) (canon lift (core func $m \"4\")))"
    " (instance $a (export \"get\" (func $1)) (export \"only\" (func $1)))"
    " (instance $b (export \"get\" (func $2)))"
    " (instance $c (export \"get\" (func $3)))"
    " (export \"my:shop/images@1.0.0\" (instance $a))"
    " (export \"my:shop/sounds@1.0.0\" (instance $b))"
    " (export \"my:other/sounds@1.0.0\" (instance $c))"
    " (export \"here\" (func $4)))";

static void a_function_is_found_by_every_name_that_means_one(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t gives; /* 0: not found */
        const char *message;
    } names[] = {
        {"my:shop/images@1.0.0#get", 1, NULL},
        {"my:shop/images#get", 1, NULL},
        {"images#get", 1, NULL},
        {"my:other/sounds#get", 3, NULL},
        {"only", 1, NULL},
        {"here", 4, NULL},
        {"sounds#get", 0,
         "\"sounds#get\" is the name of several functions; say which: my:shop/sounds@1.0.0#get, "
         "my:other/sounds@1.0.0#get"},
        {"get", 0, "several functions"},
        {"#get", 0, "no function named"},
        {"images", 0, "no function named"},
        {"my:shop/images@1.0#get", 0, "no function named"},
        {"images#only#", 0, "no function named"},
        {"", 0, "no function named"},
    };
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(interfaces, &limits);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (names[i].gives == 0) {
            value_ends(g.sandbox, BHD_EXPORT_NOT_FOUND, names[i].message, names[i].name, NULL, 0);
            continue;
        }
        bhd_value result = value_call(g.sandbox, names[i].name, NULL, 0);
        assert_int_equal(names[i].gives, result.of.u32);
    }
    guest_end(&g);
}

/* Many at once, each with values of its own, which the call keeps and the caller may change. */
static void submitted_calls_take_and_give_values(void **state)
{
    (void)state;
    enum { CALLS = 12 };
    guest g = begin();
    bhd_sandbox *sandboxes[CALLS];
    bhd_call *calls[CALLS];
    char text[64];
    for (int i = 0; i < CALLS; i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_function *function = NULL;
        sandboxes[i] = guest_sandbox(g.component);
        expect_ok(bhd_sandbox_function(sandboxes[i], "echo-string", &function, &error), &error);
        snprintf(text, sizeof text, "call number %d", i);
        bhd_value argument = bhd_value_string(text);
        expect_ok(bhd_sandbox_submit(sandboxes[i], function, &argument, 1, NULL, &calls[i], &error),
                  &error);
        memset(text, '?', sizeof text - 1);
    }
    for (int i = 0; i < CALLS; i++) {
        const bhd_value *results = NULL;
        size_t count = 0;
        assert_true(bhd_call_wait(calls[i], BHD_WAIT_FOREVER));
        assert_int_equal(BHD_OK, bhd_call_result(calls[i], &results, &count, NULL));
        assert_int_equal(1, count);
        snprintf(text, sizeof text, "call number %d", i);
        assert_int_equal(strlen(text), results[0].of.string.size);
        assert_memory_equal(text, results[0].of.string.data, strlen(text));
        bhd_call_free(calls[i]);
        bhd_sandbox_free(sandboxes[i]);
    }
    guest_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(submitted_calls_take_and_give_values),
        cmocka_unit_test(numbers_go_in_and_out),
        cmocka_unit_test(strings_go_in_and_out_in_every_encoding),
        cmocka_unit_test(lists_of_numbers_are_one_buffer),
        cmocka_unit_test(compounds_go_through_parameters_and_results),
        cmocka_unit_test(every_type_goes_through_memory),
        cmocka_unit_test(more_parameters_than_fit_the_stack_go_in_memory),
        cmocka_unit_test(a_function_describes_its_types),
        cmocka_unit_test(a_value_that_does_not_fit_is_refused_with_its_place),
        cmocka_unit_test(an_export_that_is_not_there_names_those_that_are),
        cmocka_unit_test(a_function_is_found_by_every_name_that_means_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
