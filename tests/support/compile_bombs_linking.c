/*
 * Components that are small and take long to link: they instantiate each other, copy what they are
 * given, or make adapters and trampolines without end.
 */
#include "support/compile_bombs.h"

#include <stdio.h>
#include <stdlib.h>
#include <wasm.h>

/* 1 + 200 + 200^2 + 200^3 instances. */
static void put_instances_of_instances(bomb_text *t)
{
    bomb_put(t, "(component (component $c0)");
    for (unsigned depth = 1; depth <= 3; depth++) {
        bomb_printf(t, "(component $c%u ", depth);
        for (unsigned i = 0; i < 200; i++)
            bomb_printf(t, "(alias outer 1 $c%u (component $i%u))(instance (instantiate $i%u))",
                        depth - 1, i, i);
        bomb_put(t, ")");
    }
    bomb_put(t, "(instance (instantiate $c3)))");
}

/* Each holds the last two, which hold the two before them. */
static void put_holding_components(bomb_text *t)
{
    bomb_put(t, "(component (component $c0)(component $c1)");
    for (unsigned i = 2; i < 40; i++)
        bomb_printf(t,
                    "(component $c%u (alias outer 1 $c%u (component))"
                    "(alias outer 1 $c%u (component)))",
                    i, i - 1, i - 2);
    bomb_put(t, "(instance (instantiate $c39)))");
}

/* Each exports twice what it is given, which its type says nothing of. */
static void put_doubling_instances(bomb_text *t)
{
    bomb_put(t, "(component (import \"i\" (instance $i0))"
                "(component $p (import \"a\" (instance $a))(import \"b\" (instance $b))"
                "(export \"a\" (instance $a))(export \"b\" (instance $b)))");
    for (unsigned i = 1; i < 30; i++)
        bomb_printf(t,
                    "(instance $i%u (instantiate $p (with \"a\" (instance $i%u))"
                    "(with \"b\" (instance $i%u))))",
                    i, i - 1, i - 1);
    bomb_put(t, ")");
}

/* Twice what the last one does twice. */
static void put_components_as_values(bomb_text *t)
{
    bomb_put(t, "(component (component $c0)(component $twice (type $C (component))"
                "(import \"c\" (component $c (type $C)))(component $r "
                "(instance (instantiate $c))(instance (instantiate $c)))"
                "(export \"r\" (component $r)))"
                "(instance $i0 (instantiate $twice (with \"c\" (component $c0))))");
    for (unsigned i = 1; i < 40; i++)
        bomb_printf(t, "(instance $i%u (instantiate $twice (with \"c\" (component $i%u \"r\"))))",
                    i, i - 1);
    bomb_put(t, "(alias export $i39 \"r\" (component $r))(instance (instantiate $r)))");
}

static void put_exports_times_instances(bomb_text *t)
{
    bomb_put(t, "(component (import \"f\" (func $f))(instance $i ");
    for (unsigned i = 0; i < 10000; i++)
        bomb_printf(t, "(export \"f%u\" (func $f))", i);
    bomb_put(t, ")(component $b (import \"i\" (instance)))");
    for (unsigned i = 0; i < 900; i++)
        bomb_put(t, "(instance (instantiate $b (with \"i\" (instance $i))))");
    bomb_put(t, ")");
}

/* Half a megabyte of names, in each of 900 instances. */
static void put_names_times_instances(bomb_text *t)
{
    static char name[9000];
    memset(name, 'n', sizeof name - 1);
    bomb_put(t, "(component (type $t (instance ");
    for (unsigned i = 0; i < 60; i++)
        bomb_printf(t, "(export \"e%u-%s\" (func))", i, name);
    bomb_put(t, "))");
    for (unsigned i = 0; i < 900; i++)
        bomb_printf(t, "(import \"i%u\" (instance (type $t)))", i);
    bomb_put(t, ")");
}

static void put_resources_times_instances(bomb_text *t)
{
    bomb_put(t, "(component (component $c0)(component $c1 (alias outer 1 $c0 (component $c))");
    for (unsigned i = 0; i < 100; i++)
        bomb_put(t, "(instance (instantiate $c))");
    bomb_put(t, ")");
    for (unsigned i = 0; i < 30000; i++)
        bomb_put(t, "(type (resource (rep i32)))");
    for (unsigned i = 0; i < 100; i++)
        bomb_put(t, "(instance (instantiate $c1))");
    bomb_put(t, ")");
}

/* 5,000 imports of a core module, resolved again in each of 10,000 instances. */
static void put_imports_of_core_instances(bomb_text *t)
{
    bomb_put(t, "(component (core module $m ");
    for (unsigned i = 0; i < 5000; i++)
        bomb_printf(t, "(import \"\" \"%u\" (func))", i);
    bomb_put(t, ")(component $c0 (type (func))(import \"m\" (core module $m ");
    for (unsigned i = 0; i < 5000; i++)
        bomb_printf(t, "(import \"\" \"%u\" (func))", i);
    bomb_put(t, "))(core module $z (func $f)");
    for (unsigned i = 0; i < 5000; i++)
        bomb_printf(t, "(export \"%u\" (func $f))", i);
    bomb_put(t, ")(core instance $i (instantiate $z))");
    for (unsigned i = 0; i < 100; i++)
        bomb_put(t, "(core instance (instantiate $m (with \"\" (instance $i))))");
    bomb_put(t, ")(component $c1 (alias outer 1 $c0 (component $c))"
                "(alias outer 1 $m (core module $m))");
    for (unsigned i = 0; i < 100; i++)
        bomb_put(t, "(instance (instantiate $c (with \"m\" (core module $m))))");
    bomb_put(t, ")(instance (instantiate $c1)))");
}

/* A tree of 65,536 parts, made of 16, and looked at again for every function. */
static void put_functions_of_large_types(bomb_text *t)
{
    bomb_put(t, "(component (type $t0 (tuple u8 u8))");
    for (unsigned i = 1; i < 16; i++)
        bomb_printf(t, "(type $t%u (tuple $t%u $t%u))", i, i - 1, i - 1);
    bomb_put(t, "(type $l (list $t15))(type $f (func (param \"a\" $l)))"
                "(core module $m (memory (export \"memory\") 1)"
                "(func (export \"re\") (param i32 i32 i32 i32) (result i32) unreachable)"
                "(func (export \"f\") (param i32 i32)))(core instance $i (instantiate $m))"
                "(alias core export $i \"f\" (core func $f))"
                "(alias core export $i \"re\" (core func $re))"
                "(alias core export $i \"memory\" (core memory $me))");
    for (unsigned i = 0; i < 300; i++)
        bomb_put(t, "(func (type $f) (canon lift (core func $f) (memory $me) "
                    "(realloc (core func $re))))");
    bomb_put(t, ")");
}

/* An adapter in each of 30^3 instances. */
static void put_adapters_in_instances(bomb_text *t)
{
    bomb_put(t, "(component (import \"f\" (func $f))(component $c0 (import \"f\" (func $f))"
                "(core func $c (canon lower (func $f)))(func $g (canon lift (core func $c)))"
                "(export \"g\" (func $g)))");
    for (unsigned depth = 1; depth <= 3; depth++) {
        bomb_printf(t,
                    "(component $c%u (import \"f\" (func $f))(alias outer 1 $c%u (component $c))",
                    depth, depth - 1);
        for (unsigned i = 0; i < 30; i++)
            bomb_put(t, "(instance (instantiate $c (with \"f\" (func $f))))");
        bomb_put(t, ")");
    }
    bomb_put(t, "(instance (instantiate $c3 (with \"f\" (func $f)))))");
}

/* Of the engine's own, for resources, and of imported functions. */
static void put_trampolines(bomb_text *t)
{
    bomb_put(t, "(component (type $r (resource (rep i32)))(import \"f\" (func $f))");
    for (unsigned i = 0; i < 21000; i++)
        bomb_put(t, "(core func (canon resource.drop $r))(core func (canon lower (func $f)))");
    bomb_put(t, ")");
}

/* -- adapters ------------------------------------------------------------------------------ */

#define CORE                                                                                       \
    "(core module $m (memory (export \"memory\") 1)"                                               \
    "(func (export \"re\") (param i32 i32 i32 i32) (result i32) unreachable)"                      \
    "(func (export \"f\") (param i32)))(core instance $i (instantiate $m))"                        \
    "(alias core export $i \"memory\" (core memory $me))"                                          \
    "(alias core export $i \"re\" (core func $re))"
#define OPTIONS "(memory $me) (realloc (core func $re))"

/* One component lifts so many functions of so many parts, another one lowers them. */
static void put_adapters(bomb_text *t, unsigned count, const char *part, unsigned parts)
{
    bomb_text type = {0};
    bomb_put(&type, "(type $list (list u8))(type $option (option u8))(type $T (tuple ");
    for (unsigned i = 0; i < parts; i++)
        bomb_put(&type, part);
    bomb_put(&type, "))(type $t (func (param \"a\" $T)))");
    bomb_printf(t, "(component (component $a %s" CORE, type.data);
    bomb_put(t, "(alias core export $i \"f\" (core func $c))"
                "(func $f (type $t) (canon lift (core func $c) " OPTIONS "))");
    for (unsigned i = 0; i < count; i++)
        bomb_printf(t, "(export \"f%u\" (func $f))", i);
    bomb_printf(t, ")(component $b %s" CORE, type.data);
    for (unsigned i = 0; i < count; i++)
        bomb_printf(t,
                    "(import \"f%u\" (func $f%u (type $t)))"
                    "(core func $g%u (canon lower (func $f%u) " OPTIONS "))",
                    i, i, i, i);
    bomb_put(t, ")(instance $ia (instantiate $a))(instance (instantiate $b ");
    for (unsigned i = 0; i < count; i++)
        bomb_printf(t, "(with \"f%u\" (func $ia \"f%u\"))", i, i);
    bomb_put(t, ")))");
    bomb_free(&type);
}

static void put_adapters_with_numbers(bomb_text *t)
{
    put_adapters(t, 1100, "u64 ", 900);
}

static void put_adapters_with_texts(bomb_text *t)
{
    put_adapters(t, 2100, "string ", 20);
}

static void put_adapters_with_lists(bomb_text *t)
{
    put_adapters(t, 1300, "$list ", 10);
}

static void put_adapters_with_options(bomb_text *t)
{
    put_adapters(t, 1000, "$option ", 150);
}

/* -- all of them --------------------------------------------------------------------------- */

static void make(const compile_bomb *bomb, size_t bytes, uint64_t seed, bomb_text *binary)
{
    bomb_text t = {0};
    (void)bytes;
    (void)seed;
    bomb->put(&t);
    wasm_byte_vec_t whole = bomb_binary(&t);
    bomb_bytes(binary, whole.data, whole.size);
    wasm_byte_vec_delete(&whole);
}

#define LINKING(name_, put_)                                                                       \
    {                                                                                              \
        .name = (name_), .make = make, .put = (put_)                                               \
    }

const compile_bomb linking_bombs[] = {
    LINKING("instances of instances", put_instances_of_instances),
    LINKING("components that hold components", put_holding_components),
    LINKING("instances that double", put_doubling_instances),
    LINKING("components as values", put_components_as_values),
    LINKING("exports times instances", put_exports_times_instances),
    LINKING("names times instances", put_names_times_instances),
    LINKING("resources times instances", put_resources_times_instances),
    LINKING("imports of core instances", put_imports_of_core_instances),
    LINKING("functions of large types", put_functions_of_large_types),
    LINKING("adapters in instances of instances", put_adapters_in_instances),
    LINKING("trampolines", put_trampolines),
    LINKING("adapters with numbers", put_adapters_with_numbers),
    LINKING("adapters with texts", put_adapters_with_texts),
    LINKING("adapters with lists", put_adapters_with_lists),
    LINKING("adapters with options", put_adapters_with_options),
};
const size_t linking_bomb_count = COUNT_OF(linking_bombs);
