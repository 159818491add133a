/*
 * Components made to take hours or all memory to link: small ones that instantiate each other, copy
 * what they are given, or make adapters and trampolines without end. Each is refused before
 * anything is compiled, by the estimate of engine/src/linking.rs, and neighbours compute meanwhile.
 * Every entry needs one term of the estimate: without it the component would be linked, and the
 * test fails.
 *
 * BHD_VERBOSE=1 prints what each was said to take.
 */
#include "support/bomb_text.h"
#include "support/bomb_host.h"
#include "support/process_facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <wasm.h>
#include <wasmtime.h>

#define LINKING "linking what the component is made of takes"
#define ALL "(host option max_compile_work, --max-compile-work)"

/* Refused at once: in no more memory than the estimate itself takes. */
static void expect_refused(const void *binary, size_t size, bhd_status wanted, const char *text)
{
    guest_keep_signals();
    neighbours_begin(&bomb_neighbours, bomb_host);
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options options = {
        .size = sizeof options, .name = "bomb", .limits = guest_limits(MIB(1))};
    uint64_t before = process_resident_bytes();
    process_forget_peak();
    bhd_status status = bhd_component_new(bomb_host, &options, binary, size, &component, &error);
    uint64_t peak = process_peak_bytes();
    bhd_component_free(component);
    if (getenv("BHD_VERBOSE"))
        print_message("  %zu bytes, %" PRIu64 " KiB: %s\n", size, (peak - before) / 1024,
                      error.message);
    expect_status(wanted, status, &error);
    expect_in(error.message, text);
    if (!BHD_TESTS_SANITIZED)
        assert_in_range(peak, 0, before + MIB(64));
    bhd_error_fini(&error);
    neighbours_end(&bomb_neighbours);
    expect_stats(bomb_host, 0, 0);
}

static void expect_text_refused(bomb_text *t, bhd_status wanted, const char *message)
{
    wasm_byte_vec_t binary = bomb_binary(t);
    expect_refused(binary.data, binary.size, wanted, message);
    wasm_byte_vec_delete(&binary);
}

/* -- instances ----------------------------------------------------------------------------- */

/* 1 + 200 + 200^2 + 200^3 instances. */
static void instances_of_instances_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(component (component $c0)");
    for (unsigned depth = 1; depth <= 3; depth++) {
        bomb_printf(&t, "(component $c%u ", depth);
        for (unsigned i = 0; i < 200; i++)
            bomb_printf(&t, "(alias outer 1 $c%u (component $i%u))(instance (instantiate $i%u))",
                        depth - 1, i, i);
        bomb_put(&t, ")");
    }
    bomb_put(&t, "(instance (instantiate $c3)))");
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, LINKING);
}

/* Each holds the last two, which hold the two before them. */
static void components_that_hold_components_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(component (component $c0)(component $c1)");
    for (unsigned i = 2; i < 40; i++)
        bomb_printf(&t,
                    "(component $c%u (alias outer 1 $c%u (component))"
                    "(alias outer 1 $c%u (component)))",
                    i, i - 1, i - 2);
    bomb_put(&t, "(instance (instantiate $c39)))");
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, LINKING);
}

/* Each exports twice what it is given, which its type says nothing of. */
static void instances_that_double_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(component (import \"i\" (instance $i0))"
                 "(component $p (import \"a\" (instance $a))(import \"b\" (instance $b))"
                 "(export \"a\" (instance $a))(export \"b\" (instance $b)))");
    for (unsigned i = 1; i < 30; i++)
        bomb_printf(&t,
                    "(instance $i%u (instantiate $p (with \"a\" (instance $i%u))"
                    "(with \"b\" (instance $i%u))))",
                    i, i - 1, i - 1);
    bomb_put(&t, ")");
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, LINKING);
}

/* Twice what the last one does twice. */
static void components_as_values_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(component (component $c0)(component $twice (type $C (component))"
                 "(import \"c\" (component $c (type $C)))(component $r "
                 "(instance (instantiate $c))(instance (instantiate $c)))"
                 "(export \"r\" (component $r)))"
                 "(instance $i0 (instantiate $twice (with \"c\" (component $c0))))");
    for (unsigned i = 1; i < 40; i++)
        bomb_printf(&t, "(instance $i%u (instantiate $twice (with \"c\" (component $i%u \"r\"))))",
                    i, i - 1);
    bomb_put(&t, "(alias export $i39 \"r\" (component $r))(instance (instantiate $r)))");
    expect_text_refused(&t, BHD_COMPONENT_UNSUPPORTED,
                        "instantiates a component that it is given or that an instance exports");
}

static void exports_times_instances_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(component (import \"f\" (func $f))(instance $i ");
    for (unsigned i = 0; i < 10000; i++)
        bomb_printf(&t, "(export \"f%u\" (func $f))", i);
    bomb_put(&t, ")(component $b (import \"i\" (instance)))");
    for (unsigned i = 0; i < 900; i++)
        bomb_put(&t, "(instance (instantiate $b (with \"i\" (instance $i))))");
    bomb_put(&t, ")");
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, LINKING);
}

/* Half a megabyte of names, in each of 900 instances. */
static void names_times_instances_are_refused(void **state)
{
    (void)state;
    static char name[9000];
    memset(name, 'n', sizeof name - 1);
    bomb_text t = {0};
    bomb_put(&t, "(component (type $t (instance ");
    for (unsigned i = 0; i < 60; i++)
        bomb_printf(&t, "(export \"e%u-%s\" (func))", i, name);
    bomb_put(&t, "))");
    for (unsigned i = 0; i < 900; i++)
        bomb_printf(&t, "(import \"i%u\" (instance (type $t)))", i);
    bomb_put(&t, ")");
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, LINKING);
}

static void resources_times_instances_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(component (component $c0)(component $c1 (alias outer 1 $c0 (component $c))");
    for (unsigned i = 0; i < 100; i++)
        bomb_put(&t, "(instance (instantiate $c))");
    bomb_put(&t, ")");
    for (unsigned i = 0; i < 30000; i++)
        bomb_put(&t, "(type (resource (rep i32)))");
    for (unsigned i = 0; i < 100; i++)
        bomb_put(&t, "(instance (instantiate $c1))");
    bomb_put(&t, ")");
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, LINKING);
}

/* 5,000 imports of a core module, resolved again in each of 10,000 instances. */
static void imports_of_core_instances_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(component (core module $m ");
    for (unsigned i = 0; i < 5000; i++)
        bomb_printf(&t, "(import \"\" \"%u\" (func))", i);
    bomb_put(&t, ")(component $c0 (type (func))(import \"m\" (core module $m ");
    for (unsigned i = 0; i < 5000; i++)
        bomb_printf(&t, "(import \"\" \"%u\" (func))", i);
    bomb_put(&t, "))(core module $z (func $f)");
    for (unsigned i = 0; i < 5000; i++)
        bomb_printf(&t, "(export \"%u\" (func $f))", i);
    bomb_put(&t, ")(core instance $i (instantiate $z))");
    for (unsigned i = 0; i < 100; i++)
        bomb_put(&t, "(core instance (instantiate $m (with \"\" (instance $i))))");
    bomb_put(&t, ")(component $c1 (alias outer 1 $c0 (component $c))"
                 "(alias outer 1 $m (core module $m))");
    for (unsigned i = 0; i < 100; i++)
        bomb_put(&t, "(instance (instantiate $c (with \"m\" (core module $m))))");
    bomb_put(&t, ")(instance (instantiate $c1)))");
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, LINKING);
}

/* -- types --------------------------------------------------------------------------------- */

/* A tree of 65,536 parts, made of 16, and looked at again for every function. */
static void functions_of_large_types_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(component (type $t0 (tuple u8 u8))");
    for (unsigned i = 1; i < 16; i++)
        bomb_printf(&t, "(type $t%u (tuple $t%u $t%u))", i, i - 1, i - 1);
    bomb_put(&t, "(type $l (list $t15))(type $f (func (param \"a\" $l)))"
                 "(core module $m (memory (export \"memory\") 1)"
                 "(func (export \"re\") (param i32 i32 i32 i32) (result i32) unreachable)"
                 "(func (export \"f\") (param i32 i32)))(core instance $i (instantiate $m))"
                 "(alias core export $i \"f\" (core func $f))"
                 "(alias core export $i \"re\" (core func $re))"
                 "(alias core export $i \"memory\" (core memory $me))");
    for (unsigned i = 0; i < 300; i++)
        bomb_put(&t, "(func (type $f) (canon lift (core func $f) (memory $me) "
                     "(realloc (core func $re))))");
    bomb_put(&t, ")");
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, LINKING);
}

static void put_length(bomb_text *t, size_t length)
{
    do {
        char byte = (char)(length & 0x7f);
        length >>= 7;
        byte = (char)(byte | (length ? 0x80 : 0));
        bomb_bytes(t, &byte, 1);
    } while (length);
}

static const char header[] = {0, 'a', 's', 'm', 13, 0, 1, 0};

/* Instance types in instance types: the engine's reader recurs, and ended the process. */
static void types_nested_without_end_are_refused(void **state)
{
    (void)state;
    static const unsigned depths[] = {120, 100000, 5000000};
    for (size_t i = 0; i < COUNT_OF(depths); i++) {
        bomb_text t = {0};
        bomb_bytes(&t, header, sizeof header);
        bomb_bytes(&t, "\7", 1);
        put_length(&t, 1 + 3 * (size_t)depths[i] + 2);
        bomb_bytes(&t, "\1", 1);
        for (unsigned k = 0; k < depths[i]; k++)
            bomb_bytes(&t, "\x42\1\1", 3);
        bomb_bytes(&t, "\x42\0", 2);
        expect_refused(t.data, t.size, BHD_COMPONENT_TOO_LARGE, "nested more than 100 deep");
        bomb_free(&t);
    }
}

/* Components in components, made from the innermost on, from the end of a buffer. */
static bomb_text nested_components(unsigned depth)
{
    size_t capacity = (size_t)depth * 13 + sizeof header, at = capacity - sizeof header;
    char *data = malloc(capacity);
    assert_non_null(data);
    memcpy(data + at, header, sizeof header);
    for (unsigned k = 0; k < depth; k++) {
        bomb_text section = {0};
        bomb_bytes(&section, header, sizeof header);
        bomb_bytes(&section, "\4", 1);
        put_length(&section, capacity - at);
        at -= section.size;
        memcpy(data + at, section.data, section.size);
        bomb_free(&section);
    }
    bomb_text t = {0};
    bomb_bytes(&t, data + at, capacity - at);
    free(data);
    return t;
}

/* 20,000 of them took 36 s and 8 GB. */
static void components_nested_without_end_are_refused(void **state)
{
    (void)state;
    static const unsigned depths[] = {100, 20000};
    for (size_t i = 0; i < COUNT_OF(depths); i++) {
        bomb_text t = nested_components(depths[i]);
        expect_refused(t.data, t.size, BHD_COMPONENT_TOO_LARGE, "nested more than 100 deep");
        bomb_free(&t);
    }
}

/* -- adapters ------------------------------------------------------------------------------ */

#define CORE                                                                                       \
    "(core module $m (memory (export \"memory\") 1)"                                               \
    "(func (export \"re\") (param i32 i32 i32 i32) (result i32) unreachable)"                      \
    "(func (export \"f\") (param %s)))(core instance $i (instantiate $m))"                         \
    "(alias core export $i \"memory\" (core memory $me))"                                          \
    "(alias core export $i \"re\" (core func $re))"
#define OPTIONS "(memory $me) (realloc (core func $re))"

typedef struct adapter_bomb {
    const char *name;
    unsigned count; /* adapters */
    const char *type, *part;
    unsigned parts;
    const char *flat; /* what the core function takes */
} adapter_bomb;

static const adapter_bomb adapter_bombs[] = {
    {"1,100 adapters with 900 numbers", 1100, "(tuple %s)", "u64 ", 900, "i32"},
    {"2,100 adapters with 20 strings", 2100, "(tuple %s)", "string ", 20, "i32"},
    {"1,300 adapters with 10 lists", 1300, "(tuple %s)", "$list ", 10, "i32"},
    {"1,000 adapters with 150 options", 1000, "(tuple %s)", "$option ", 150, "i32"},
};

/* One component lifts so many functions, another one lowers them. */
static void adapters_are_refused(void **state)
{
    const adapter_bomb *it = *state;
    bomb_text t = {0}, type = {0}, parts = {0};
    for (unsigned i = 0; i < it->parts; i++)
        bomb_put(&parts, it->part);
    bomb_put(&type, "(type $list (list u8))(type $option (option u8))(type $T ");
    bomb_printf(&type, it->type, parts.data);
    bomb_put(&type, ")(type $t (func (param \"a\" $T)))");
    bomb_printf(&t, "(component (component $a %s", type.data);
    bomb_printf(&t, CORE, it->flat);
    bomb_put(&t, "(alias core export $i \"f\" (core func $c))"
                 "(func $f (type $t) (canon lift (core func $c) " OPTIONS "))");
    for (unsigned i = 0; i < it->count; i++)
        bomb_printf(&t, "(export \"f%u\" (func $f))", i);
    bomb_printf(&t, ")(component $b %s", type.data);
    bomb_printf(&t, CORE, it->flat);
    for (unsigned i = 0; i < it->count; i++)
        bomb_printf(&t,
                    "(import \"f%u\" (func $f%u (type $t)))"
                    "(core func $g%u (canon lower (func $f%u) " OPTIONS "))",
                    i, i, i, i);
    bomb_put(&t, ")(instance $ia (instantiate $a))(instance (instantiate $b ");
    for (unsigned i = 0; i < it->count; i++)
        bomb_printf(&t, "(with \"f%u\" (func $ia \"f%u\"))", i, i);
    bomb_put(&t, ")))");
    bomb_free(&type);
    bomb_free(&parts);
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, ALL);
}

/* An adapter in each of 30^3 instances. */
static void adapters_in_instances_of_instances_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(component (import \"f\" (func $f))(component $c0 (import \"f\" (func $f))"
                 "(core func $c (canon lower (func $f)))(func $g (canon lift (core func $c)))"
                 "(export \"g\" (func $g)))");
    for (unsigned depth = 1; depth <= 3; depth++) {
        bomb_printf(&t,
                    "(component $c%u (import \"f\" (func $f))(alias outer 1 $c%u (component $c))",
                    depth, depth - 1);
        for (unsigned i = 0; i < 30; i++)
            bomb_put(&t, "(instance (instantiate $c (with \"f\" (func $f))))");
        bomb_put(&t, ")");
    }
    bomb_put(&t, "(instance (instantiate $c3 (with \"f\" (func $f)))))");
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, "27000 adapters between components");
}

/* Of the engine's own, for resources, and of imported functions. */
static void trampolines_are_refused(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(component (type $r (resource (rep i32)))(import \"f\" (func $f))");
    for (unsigned i = 0; i < 21000; i++)
        bomb_put(&t, "(core func (canon resource.drop $r))(core func (canon lower (func $f)))");
    bomb_put(&t, ")");
    expect_text_refused(&t, BHD_COMPONENT_TOO_LARGE, "0 adapters between components and 42000 ");
}

/* -- what is allowed ----------------------------------------------------------------------- */

/* The estimate looks at the host's functions as such, however they come. */
static void functions_of_the_host_need_no_adapter(void **state)
{
    (void)state;
    static const char text[] =
        "(component (import \"f\" (func $f))(import \"i\" (instance $i (export \"g\" (func))))"
        "(alias export $i \"g\" (func $g))(export $h \"h\" (func $f))"
        "(core func (canon lower (func $f)))(core func (canon lower (func $g)))"
        "(core func (canon lower (func $h)))"
        "(component $c (import \"f\" (func $f))(core func (canon lower (func $f))))"
        "(instance (instantiate $c (with \"f\" (func $f)))))";
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_compile_work = 1000;
    bhd_host *strict = guest_host_with(&options);
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options its = {
        .size = sizeof its, .name = "host", .limits = guest_limits(MIB(1))};
    expect_status(BHD_COMPONENT_TOO_LARGE,
                  bhd_component_new(strict, &its, text, sizeof text - 1, &component, &error),
                  &error);
    expect_in(error.message, "1 adapters between components and 3 trampolines");
    bhd_error_fini(&error);
    bhd_host_free(strict);
}

static void expect_compiled(const void *binary, size_t size)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options its = {
        .size = sizeof its, .name = "allowed", .limits = guest_limits(MIB(1))};
    expect_ok(bhd_component_new(bomb_host, &its, binary, size, &component, &error), &error);
    bhd_component_free(component);
}

/* As deep as it may be, and types that share their parts. */
static void what_is_allowed_compiles(void **state)
{
    (void)state;
    bomb_text t = nested_components(99);
    expect_compiled(t.data, t.size);
    bomb_free(&t);
    bomb_put(&t, "(component (type $t0 (tuple string string))");
    for (unsigned i = 1; i < 12; i++)
        bomb_printf(&t, "(type $t%u (tuple $t%u $t%u))", i, i - 1, i - 1);
    bomb_put(&t, ")");
    expect_compiled(t.data, t.size);
    bomb_free(&t);
}

/* -- all of them --------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test_teardown(instances_of_instances_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(components_that_hold_components_are_refused,
                                  bomb_host_after_each),
        cmocka_unit_test_teardown(instances_that_double_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(components_as_values_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(exports_times_instances_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(names_times_instances_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(resources_times_instances_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(imports_of_core_instances_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(functions_of_large_types_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(types_nested_without_end_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(components_nested_without_end_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(adapters_in_instances_of_instances_are_refused,
                                  bomb_host_after_each),
        cmocka_unit_test_teardown(trampolines_are_refused, bomb_host_after_each),
        cmocka_unit_test_teardown(functions_of_the_host_need_no_adapter, bomb_host_after_each),
        cmocka_unit_test_teardown(what_is_allowed_compiles, bomb_host_after_each),
    };
    static struct CMUnitTest tests[COUNT_OF(adapter_bombs) + COUNT_OF(others)];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(adapter_bombs); i++)
        tests[count++] =
            (struct CMUnitTest){adapter_bombs[i].name, adapters_are_refused, NULL,
                                bomb_host_after_each, (void *)(uintptr_t)&adapter_bombs[i]};
    memcpy(tests + count, others, sizeof others);
    return bomb_host_run("linking bombs", tests, COUNT_OF(tests), argc, argv);
}
