#include "support/held_shapes.h"

#include "bulkhead/inspection.h"

#include <stdio.h>

#define GLOBALS "its globals and tags"
#define ELEMENTS "its passive element segments"
#define FUNCTIONS "its functions that are exported or in an element segment"
#define IMPORTS "the imports of its core modules"
#define DATA "its data segments"
#define INSTANCES "its instances of core modules"
#define LINKS "the functions and resources of its components"

/* Modules that import as many things as they are given. */
#define GIVEN(kind, part)                                                                          \
    "(component (core module $a (func (export \"f\"))(global (export \"g\") i32 (i32.const 0))"    \
    "(tag (export \"e\")))(core module $b ",                                                       \
        "(import \"a\" \"%u\" (" kind "))",                                                        \
        ")(core instance $x (instantiate $a))(core instance (instantiate $b (with \"a\" "          \
        "(instance ",                                                                              \
        "(export \"%u\" (" part "))", ")))))"

#define THREE                                                                                      \
    "(core instance (instantiate $m))(core instance (instantiate $m))"                             \
    "(core instance (instantiate $m))"
#define SIXTEEN THREE THREE THREE THREE THREE "(core instance (instantiate $m))"

const held_shape held_shapes[] = {
    {"globals", "(module ", "(global i32 (i32.const %u))", ")", NULL, NULL, 16, GLOBALS},
    {"globals that are computed", "(module ",
     "(global (mut i64) (i64.add (i64.const 1) (i64.const %u)))", ")", NULL, NULL, 16, GLOBALS},
    {"globals of vectors", "(module ", "(global v128 (v128.const i32x4 0 0 0 %u))", ")", NULL, NULL,
     16, GLOBALS},
    {"globals of references", "(module ", "(global (mut externref) (ref.null extern))", ")", NULL,
     NULL, 16, GLOBALS},
    {"tags", "(module ", "(tag)", ")", NULL, NULL, 4, GLOBALS},
    {"passive elements", "(module (func $f) (elem func ", "$f ", "))", NULL, NULL, 16, ELEMENTS},
    {"passive elements of expressions", "(module (func $f) (elem funcref ", "(ref.func $f)", "))",
     NULL, NULL, 16, ELEMENTS},
    {"passive elements of objects", "(module (elem externref ", "(ref.null extern)", "))", NULL,
     NULL, 16, ELEMENTS},
    {"empty passive segments", "(module ", "(elem func)", ")", NULL, NULL, 32, ELEMENTS},
    {"exported functions", "(module ", "(func (export \"%u\"))", ")", NULL, NULL, 32, FUNCTIONS},
    {"declared functions", "(module ", "(func $f%1$u)(elem declare func $f%1$u)", ")", NULL, NULL,
     32, FUNCTIONS},
    {"functions in globals", "(module ", "(func $f%1$u)(global funcref (ref.func $f%1$u))", ")",
     NULL, NULL, 48, FUNCTIONS},
    {"declared functions of expressions", "(module ",
     "(func $f%1$u)(elem declare funcref (ref.func $f%1$u))", ")", NULL, NULL, 32, FUNCTIONS},
    {"passive data segments", "(module ", "(data \"\")", ")", NULL, NULL, 12, DATA},
    /* Over each other, so that they cannot be joined. */
    {"active data segments", "(module (memory 1)", "(data (i32.const 0) \"a\")", ")", NULL, NULL,
     12, DATA},
    {"imported functions", GIVEN("func", "func $x \"f\""), 32, IMPORTS},
    {"imported globals", GIVEN("global i32", "global $x \"g\""), 16, IMPORTS},
    {"imported tags", GIVEN("tag", "tag $x \"e\""), 16, IMPORTS},
    {"instances of core modules", "(component (core module $m)", "(core instance (instantiate $m))",
     ")", NULL, NULL, 256, INSTANCES},
    {"globals in sixteen instances", "(component (core module $m ", "(global i32 (i32.const %u))",
     ")" SIXTEEN ")", NULL, NULL, 256, GLOBALS},
    {"globals in nested instances", "(component (component $c (core module $m ",
     "(global i32 (i32.const %u))",
     ")" THREE ")(component $d (alias outer 1 $c (component $c))(instance (instantiate $c))"
     "(instance (instantiate $c)))(instance (instantiate $d))(instance (instantiate $d)))",
     NULL, NULL, 192, GLOBALS},
    {"instances of components", "(component (component $c)", "(instance (instantiate $c))", ")",
     NULL, NULL, 256, LINKS},
    {"resources", "(component ", "(type (resource (rep i32)))", ")", NULL, NULL, 32, LINKS},
    {"functions of resources", "(component (type $r (resource (rep i32)))",
     "(core func (canon resource.new $r))", ")", NULL, NULL, 32, LINKS},
    {"functions of components",
     "(component (core module $m (func (export \"f\")))(core instance $i (instantiate $m))",
     "(func (export \"f%u\") (canon lift (core func $i \"f\")))", ")", NULL, NULL, 8, LINKS},
    {"functions between components",
     "(component (component $a (core module $m (func (export \"f\")))"
     "(core instance $i (instantiate $m))"
     "(func (export \"f\") (canon lift (core func $i \"f\"))))(instance $a (instantiate $a))"
     "(component $b (import \"f\" (func $f))",
     "(core func (canon lower (func $f)))",
     ")(instance (instantiate $b (with \"f\" (func $a \"f\")))))", NULL, NULL, 64, LINKS},
    {"chains of components",
     "(component (component $a (core module $m (func (export \"f\")))"
     "(core instance $i (instantiate $m))"
     "(func (export \"f\") (canon lift (core func $i \"f\"))))(instance $i (instantiate $a))"
     "(alias export $i \"f\" (func $f))"
     "(component $b (import \"f\" (func $f))(core func $g (canon lower (func $f)))"
     "(func (export \"f\") (canon lift (core func $g))))",
     "(instance $i%1$u (instantiate $b (with \"f\" (func $f))))", ")", NULL, NULL, 256, LINKS},
    /* Each instance of the one inside calls that of the next one outside. */
    {"adapters in many instances",
     "(component (component $a (core module $m (func (export \"f\") (param i32 i32)) "
     "(memory (export \"m\") 0)(func (export \"r\") (param i32 i32 i32 i32) (result i32) "
     "unreachable))(core instance $i (instantiate $m))"
     "(func (export \"f\") (param \"s\" string) (canon lift (core func $i \"f\") "
     "(memory (core memory $i \"m\")) (realloc (core func $i \"r\")))))(instance $a (instantiate "
     "$a))"
     "(component $b (import \"f\" (func $f (param \"s\" string)))"
     "(core module $m (memory (export \"m\") 0))(core instance $i (instantiate $m))",
     "(core func (canon lower (func $f) (memory (core memory $i \"m\"))))",
     ")(instance (instantiate $b (with \"f\" (func $a \"f\"))))"
     "(instance (instantiate $b (with \"f\" (func $a \"f\"))))"
     "(instance (instantiate $b (with \"f\" (func $a \"f\")))))",
     NULL, NULL, 3 * 640, LINKS},
    {"core modules that are given",
     "(component (core module $m (func (export \"f\")))"
     "(component $c (import \"m\" (core module $m (export \"f\" (func))))",
     "(core instance (instantiate $m))",
     ")(instance (instantiate $c (with \"m\" (core module $m)))))", NULL, NULL, 256, INSTANCES},
};
const size_t held_shape_count = COUNT_OF(held_shapes);

bhd_host *held_host(uint64_t max_instance_bytes)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_instance_bytes = max_instance_bytes;
    options.max_instances = 1000;
    return guest_host_with(&options);
}

wasm_byte_vec_t held_binary(const held_shape *shape, unsigned count)
{
    bomb_text text = {0};
    bomb_put(&text, shape->before);
    for (unsigned i = 0; i < count; i++)
        bomb_printf(&text, shape->part, i);
    bomb_put(&text, shape->after);
    for (unsigned i = 0; shape->again && i < count; i++)
        bomb_printf(&text, shape->again, i);
    if (shape->again)
        bomb_put(&text, shape->end);
    return bomb_binary(&text);
}

uint64_t held_bytes(bhd_host *host, const held_shape *shape, unsigned count)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    wasm_byte_vec_t binary = held_binary(shape, count);
    expect_ok(bhd_inspect(host, binary.data, binary.size, &inspection, &error), &error);
    uint64_t bytes = inspection.instance_bytes;
    wasm_byte_vec_delete(&binary);
    bhd_inspection_fini(&inspection);
    return bytes;
}

unsigned held_most(bhd_host *host, const held_shape *shape)
{
    uint64_t one = held_bytes(host, shape, 1), unit = held_bytes(host, shape, 2) - one;
    assert_true(unit >= shape->least);
    return 1 + (unsigned)((HELD_BYTES - one) / unit);
}

bhd_status held_load(bhd_host *host, const held_shape *shape, unsigned count,
                     bhd_component **component, bhd_error *error)
{
    wasm_byte_vec_t binary = held_binary(shape, count);
    bhd_component_options options = {
        .size = sizeof options, .name = "held", .limits = guest_limits(MIB(1))};
    bhd_status status =
        bhd_component_new(host, &options, binary.data, binary.size, component, error);
    wasm_byte_vec_delete(&binary);
    return status;
}
