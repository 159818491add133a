/*
 * Each term of the estimates of engine/src/work.rs and linking.rs that no bomb needs by itself: a
 * module with many of what the term is about is said to take more, by at least so much, than the
 * same module with something cheaper in its place.
 *
 * The last column is between what is left without the term and what is measured with it;
 * bench/bench_compile.c measures.
 */
#include "support/bomb_text.h"
#include "support/real_guest.h"

#include "bulkhead/inspection.h"

/* `count` times what is in the middle. */
typedef struct shape {
    const char *before, *part, *after;
    unsigned count;
} shape;

typedef struct term {
    const char *name;
    shape without, with;
    uint64_t least; /* units of work between them */
} term;

#define FIVE "(field i32)(field i32)(field i32)(field i32)(field i32)"
#define TEN FIVE FIVE

#define LIFTS                                                                                      \
    "(component (core module $m (func (export \"f\")))(core instance $i (instantiate $m))"         \
    "(alias core export $i \"f\" (core func $f))"

/* A component whose function is called from the one around it, with one parameter. */
#define CALLED(definition, type)                                                                   \
    "(component (component $a " definition                                                         \
    "(core module $m (func (export \"f\") (param i32)))(core instance $i (instantiate $m))"        \
    "(alias core export $i \"f\" (core func $c))"                                                  \
    "(func $f (param \"a\" " type ") (canon lift (core func $c)))(export \"f\" (func $f)))"        \
    "(instance $a1 (instantiate $a))(alias export $a1 \"f\" (func $f))"
#define CALL "(core func (canon lower (func $f)))"
#define ENUM(cases) CALLED("(type $e (enum " cases "))(export $x \"x\" (type $e))", "$x")
#define CASES(x)                                                                                   \
    "\"" x "a\" \"" x "b\" \"" x "c\" \"" x "d\" \"" x "e\" \"" x "f\" \"" x "g\" \"" x "h\" "
#define MANY_CASES CASES("a") CASES("b") CASES("c") CASES("d") CASES("e") CASES("f") CASES("g")

#define LOOPS_OF(block)                                                                            \
    "(module (memory 1)(func (param i32) (local i32) ",                                            \
        block " local.get 1 i32.const 1 i32.add local.tee 1 br_if 0 end ",                         \
        "(i32.store (i32.const 0) (local.get 1))))"

static const term terms[] = {
    {"a signature", {"(module ", "", ")", 0}, {"(module ", "(type (func))", ")", 1000}, 40000},
    {"a parameter",
     {"(module ", "(type (func))", ")", 500},
     {"(module ", "(type (func (param i32 i64 i32 i64 i32 i64 i32 i64 i32 i64)))", ")", 500},
     20000},
    {"a block",
     {"(module (func ", "nop ", "))", 5000},
     {"(module (func ", "block end ", "))", 5000},
     8000},
    {"a loop",
     {"(module (func ", "block end ", "))", 100},
     {"(module (func ", "loop end ", "))", 100},
     1500},
    {"a value that meets another one",
     {"(module (func (param i32) ", "local.get 0 if nop else nop end ", "))", 50},
     {"(module (func (param i32) ",
      "local.get 0 if (result i32) i32.const 2 else i32.const 1 end drop ", "))", 50},
     180},
    {"a value that each target of a branch table takes",
     {"(module (func (result i32 i32 i32 i32 i32 i32 i32 i32) i32.const 0 i32.const 0 i32.const 0 "
      "i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 br_table 0 ",
      "0 ", "))", 0},
     {"(module (func (result i32 i32 i32 i32 i32 i32 i32 i32) i32.const 0 i32.const 0 i32.const 0 "
      "i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 i32.const 0 br_table 0 ",
      "0 ", "))", 10000},
     4800},
    {"a field that begins with zero",
     {"(module (type $s (struct (field i32)))(func ", "(drop (struct.new_default $s))", "))", 100},
     {"(module (type $s (struct " TEN TEN TEN TEN "))(func ", "(drop (struct.new_default $s))",
      "))", 100},
     20000},
    {"an instance of a component",
     {"(component (component $c) ", "(type (list u8))", ")", 500},
     {"(component (component $c) ", "(instance (instantiate $c))", ")", 500},
     700},
    {"a lifted function",
     {LIFTS, "(alias core export $i \"f\" (core func))", ")", 500},
     {LIFTS, "(func (canon lift (core func $f)))", ")", 500},
     1500},
    {"a handle that an adapter passes on",
     {CALLED("", "u32"), CALL, ")", 200},
     {CALLED("(type $r (resource (rep i32)))(export $x \"x\" (type $r))", "(own $x)"), CALL, ")",
      200},
     4000},
    {"a case of an enum that an adapter checks",
     {ENUM("\"a\""), CALL, ")", 200},
     {ENUM(MANY_CASES), CALL, ")", 200},
     5000},
    {"a variable that changes in loop after loop",
     {LOOPS_OF("block"), 1000},
     {LOOPS_OF("loop"), 1000},
     80000},
};

static uint64_t work_of(bhd_host *host, const shape *it)
{
    bomb_text text = {0};
    bomb_put(&text, it->before);
    for (unsigned i = 0; i < it->count; i++)
        bomb_put(&text, it->part);
    bomb_put(&text, it->after);
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_inspect(host, text.data, text.size, &inspection, &error), &error);
    uint64_t work = inspection.compile_work;
    bhd_inspection_fini(&inspection);
    bomb_free(&text);
    return work;
}

static void what_takes_more_is_said_to_take_more(void **state)
{
    const term *it = *state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.features = BHD_FEATURE_GC;
    bhd_host *host = guest_host_with(&options);
    uint64_t without = work_of(host, &it->without), with = work_of(host, &it->with);
    if (with < without + it->least)
        fail_msg("%s: %llu units with it, %llu without; at least %llu were expected between them",
                 it->name, (unsigned long long)with, (unsigned long long)without,
                 (unsigned long long)it->least);
    bhd_host_free(host);
}

/* What lies on the stack below a block costs nothing there, and counts for nothing. */
static void values_below_a_block_cost_nothing(void **state)
{
    (void)state;
    bomb_text texts[2] = {{0}, {0}};
    bhd_host *host = guest_host();
    uint64_t work[2];
    for (int first = 0; first < 2; first++) {
        bomb_text *text = &texts[first];
        bomb_put(text, "(module (func (param i32) ");
        for (unsigned i = 0; first && i < 500; i++)
            bomb_put(text, "block local.get 0 br_if 0 end ");
        for (unsigned i = 0; i < 500; i++)
            bomb_put(text, "local.get 0 ");
        for (unsigned i = 0; !first && i < 500; i++)
            bomb_put(text, "block local.get 0 br_if 0 end ");
        for (unsigned i = 0; i < 500; i++)
            bomb_put(text, "drop ");
        bomb_put(text, "))");
        const shape whole = {text->data, "", "", 0};
        work[first] = work_of(host, &whole);
        bomb_free(text);
    }
    assert_int_equal(work[0], work[1]);
    bhd_host_free(host);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(terms) + 1];
    for (size_t i = 0; i < COUNT_OF(terms); i++)
        tests[i] = (struct CMUnitTest){terms[i].name, what_takes_more_is_said_to_take_more, NULL,
                                       NULL, (void *)(uintptr_t)&terms[i]};
    tests[COUNT_OF(terms)] = (struct CMUnitTest)cmocka_unit_test(values_below_a_block_cost_nothing);
    return _cmocka_run_group_tests("compile terms", tests, COUNT_OF(tests), NULL, NULL);
}
