/*
 * The heap of collected objects counts as memory, and the engine makes it before anything runs:
 * what needs it and has no room for it is refused when it is loaded, and an inspection shows it.
 */
#include "support/real_guest.h"

#include <stdio.h>

typedef struct heap_user {
    const char *name, *text;
    uint64_t memory;
    bool has_heap, gc;
} heap_user;

#define EIGHT "(memory 8)"

static const heap_user users[] = {
    {"nothing", "(module " EIGHT ")", PAGES(8), false, false},
    {"a table of functions", "(module " EIGHT "(table 1 funcref))", PAGES(8), false, false},
    {"a table of objects", "(module " EIGHT "(table 1 externref))", PAGES(8), true, false},
    {"the heap alone", "(module (table 1 externref))", 0, true, false},
    {"a global object", "(module " EIGHT "(global externref (ref.null extern)))", PAGES(8), true,
     false},
    {"segments of objects", "(module " EIGHT "(elem externref (ref.null extern)))", PAGES(8), true,
     false},
    {"a segment of functions", "(module " EIGHT "(func $f)(elem funcref (ref.func $f)))", PAGES(8),
     false, false},
    {"a global structure",
     "(module " EIGHT "(type $s (struct))(global (ref $s) (struct.new_default $s)))", PAGES(8),
     true, true},
    {"a global number",
     "(module " EIGHT "(global $g i32 (i32.const 1))(func (export \"f\") (drop (global.get $g))))",
     PAGES(8), false, false},
    {"objects as parameters",
     "(module " EIGHT "(func (export \"f\") (param externref) (drop (local.get 0))))", PAGES(8),
     false, false},
    {"a tag", "(module " EIGHT "(tag (param i32)))", PAGES(8), false, false},
    {"a throw", "(module " EIGHT "(tag $t)(func (export \"f\") (throw $t)))", PAGES(8), true,
     false},
    {"a catch",
     "(module " EIGHT "(tag $t (param i32))(func $g)(func (export \"f\") (result i32)"
     "block (result i32) try_table (catch $t 0) call $g end i32.const 0 end))",
     PAGES(8), true, false},
    {"a catch of everything",
     "(module " EIGHT
     "(func $g)(func (export \"f\") block try_table (catch_all 0) call $g end end))",
     PAGES(8), false, false},
    {"a structure",
     "(module " EIGHT "(type $s (struct (field i32)))"
     "(func (export \"f\") (drop (struct.new_default $s))))",
     PAGES(8), true, true},
    {"a structure that is not made", "(module " EIGHT "(type $s (struct (field i32))))", PAGES(8),
     false, true},
    {"an array",
     "(module " EIGHT "(type $a (array i8))"
     "(func (export \"f\") (param (ref $a)) (result i32) (array.len (local.get 0))))",
     PAGES(8), true, true},
    {"a number as an object",
     "(module " EIGHT "(func (export \"f\") (drop (ref.i31 (i32.const 1)))))", PAGES(8), false,
     true},
    {"a component with a throw",
     "(component (core module $m " EIGHT "(tag $t)(func (export \"f\") (throw $t)))"
     "(core instance (instantiate $m)))",
     PAGES(8), true, false},
    {"a component with a module that it does not instantiate",
     "(component (core module $m " EIGHT "(tag $t)(func (export \"f\") (throw $t))))", 0, false,
     false},
    {"a component of which one module has objects",
     "(component (core module $m (table 1 externref))(core module $n " EIGHT ")"
     "(core instance (instantiate $m))(core instance (instantiate $n)))",
     PAGES(8), true, false},
};

static void the_heap_counts_from_the_beginning(void **state)
{
    const heap_user *it = *state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.policy.min_memory_bytes = BHD_POLICY_MIN_BYTES;
    options.features = it->gc ? BHD_FEATURE_GC : 0;
    bhd_host *host = guest_host_with(&options);
    bhd_error error = BHD_ERROR_INIT;
    bhd_inspection i = BHD_INSPECTION_INIT;
    expect_ok(bhd_inspect(host, it->text, strlen(it->text), &i, &error), &error);
    uint64_t heap = it->has_heap ? PAGE : 0, needs = it->memory + heap;
    assert_int_equal(it->memory, i.initial_memory_bytes);
    assert_int_equal(heap, i.initial_heap_bytes);
    if (needs > 0)
        assert_int_equal(needs, i.minimum_max_bytes);

    bhd_component_options its = {
        .size = sizeof its, .name = "heap", .limits = guest_limits(needs ? needs : PAGE)};
    bhd_component *component = NULL;
    expect_ok(bhd_component_new(host, &its, it->text, strlen(it->text), &component, &error),
              &error);
    bhd_sandbox *sandbox = guest_sandbox(component);
    assert_int_equal(needs, guest_metrics(sandbox).current_bytes);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);

    if (it->has_heap && needs > PAGE) {
        char wanted[160];
        snprintf(wanted, sizeof wanted, "%llu bytes: %llu of memory, and 65536 of heap",
                 (unsigned long long)needs, (unsigned long long)it->memory);
        for (uint64_t less = 1; less <= PAGE; less += PAGE - 1) {
            its.limits.max_memory_bytes = needs - less;
            expect_status(
                BHD_COMPONENT_TOO_LARGE,
                bhd_component_new(host, &its, it->text, strlen(it->text), &component, &error),
                &error);
            expect_in(error.message, wanted);
            assert_true(error.value == needs && error.range_maximum == needs - less);
        }
    }
    bhd_inspection_fini(&i);
    bhd_error_fini(&error);
    bhd_host_free(host);
}

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(users)];
    for (size_t i = 0; i < COUNT_OF(users); i++)
        tests[i] = (struct CMUnitTest){users[i].name, the_heap_counts_from_the_beginning, NULL,
                                       NULL, (void *)(uintptr_t)&users[i]};
    return _cmocka_run_group_tests("heap fit", tests, COUNT_OF(users), NULL, NULL);
}
