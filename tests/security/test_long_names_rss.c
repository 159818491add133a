/*
 * A name stands once in a binary and may be used many times. What a host keeps for a component does
 * not grow with the one times the other.
 */
#include "support/process_facts.h"
#include "support/real_guest.h"

#include <stdio.h>
#include <stdlib.h>

#define LONG_NAME 50000
#define OFTEN_NAME 15000
#define PADDING 800000
#define USES 2000
#define INSTANCES 900

/* Text that grows. */
typedef struct text {
    char *data;
    size_t size, capacity;
} text;

static void add(text *t, const char *more, size_t size)
{
    if (t->size + size + 1 > t->capacity) {
        t->capacity = 2 * (t->size + size + 1);
        t->data = realloc(t->data, t->capacity);
        assert_non_null(t->data);
    }
    memcpy(t->data + t->size, more, size);
    t->size += size;
    t->data[t->size] = '\0';
}

static void say(text *t, const char *more)
{
    add(t, more, strlen(more));
}

static void say_name(text *t, size_t size)
{
    char *name = malloc(size);
    assert_non_null(name);
    memset(name, 'n', size);
    add(t, name, size);
    free(name);
}

/* Functions that take a type with one name of `size` letters, each by itself. */
static void functions_of_one_type(text *t, size_t size)
{
    char one[200];
    say(t, "(component (core module $m (func (export \"f\") (param i32)))"
           " (core instance $i (instantiate $m)) (type $e (enum \"");
    say_name(t, size);
    say(t, "\" \"b\")) (export $x \"e\" (type $e))");
    for (int n = 0; n < USES; n++) {
        (void)snprintf(one, sizeof one,
                       " (func $f%d (param \"p\" $x) (canon lift (core func $i \"f\")))"
                       " (export \"f%d\" (func $f%d))",
                       n, n, n);
        say(t, one);
    }
    say(t, ")");
}

/* Functions of one instance whose name has `size` letters. */
static void functions_of_one_instance(text *t, size_t size)
{
    char one[200];
    say(t, "(component (core module $m (func (export \"f\") (param i32)))"
           " (core instance $i (instantiate $m))"
           " (func $f (param \"p\" u32) (canon lift (core func $i \"f\"))) (instance $j");
    for (int n = 0; n < USES; n++) {
        (void)snprintf(one, sizeof one, " (export \"f%d\" (func $f))", n);
        say(t, one);
    }
    say(t, ") (export \"");
    say_name(t, size);
    say(t, "\" (instance $j)))");
}

/* One function whose name has `size` letters, in an instance that is exported many times. */
static void instances_of_one_function(text *t, size_t size)
{
    char one[200];
    /* So large that so much code is in proportion. */
    say(t, "(component (core module $m (func (export \"f\")) (memory 13) (data (i32.const 0) \"");
    say_name(t, PADDING);
    say(t, "\")) (core instance $i (instantiate $m))"
           " (func $f (canon lift (core func $i \"f\"))) (instance $j (export \"");
    say_name(t, size);
    say(t, "\" (func $f)))");
    for (int n = 0; n < INSTANCES; n++) {
        (void)snprintf(one, sizeof one, " (export \"i%d\" (instance $j))", n);
        say(t, one);
    }
}

static void instances(text *t, size_t size)
{
    instances_of_one_function(t, size);
    say(t, ")");
}

/* The same, and a function that nobody has. */
static void instances_that_are_refused(text *t, size_t size)
{
    instances_of_one_function(t, size);
    say(t, " (import \"nobody\" (func)))");
}

/* What is resident more while the component is there. */
static uint64_t kept(bhd_host *host, void (*make)(text *t, size_t size), size_t size)
{
    text t = {NULL, 0, 0};
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options options = {
        .size = sizeof options, .name = "names", .limits = guest_limits(MIB(1))};
    make(&t, size);
    uint64_t before = process_resident_bytes();
    expect_ok(bhd_component_new(host, &options, t.data, t.size, &component, &error), &error);
    uint64_t after = process_resident_bytes();
    bhd_component_free(component);
    bhd_error_fini(&error);
    free(t.data);
    return after > before ? after - before : 0;
}

static void a_long_name_is_not_kept_for_each_use(void **state)
{
    (void)state;
    void (*const shapes[])(text *, size_t) = {functions_of_one_type, functions_of_one_instance};
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.max_instance_bytes = MIB(64);
    bhd_host *host = guest_host_with(&options);
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        uint64_t shortly = kept(host, shapes[i], 10);
        uint64_t at_length = kept(host, shapes[i], LONG_NAME);
        if (getenv("BHD_VERBOSE"))
            print_message("%zu: %llu and %llu bytes\n", i, (unsigned long long)shortly,
                          (unsigned long long)at_length);
        /* Once for each use would be 100 MB. */
        assert_true(at_length < shortly + MIB(24));
    }
    bhd_host_free(host);
}

static void load(bhd_host *host, void (*make)(text *t, size_t size), size_t size, bhd_status wanted)
{
    text t = {NULL, 0, 0};
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options options = {
        .size = sizeof options, .name = "names", .limits = guest_limits(MIB(1))};
    make(&t, size);
    bhd_status status = bhd_component_new(host, &options, t.data, t.size, &component, &error);
    expect_status(wanted, status, &error);
    bhd_component_free(component);
    bhd_error_fini(&error);
    free(t.data);
}

/* They are in blocks that the allocator keeps: each is smaller than what it maps by itself. */
static void nothing_is_left_of_names(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    load(host, instances, 10, BHD_OK);
    uint64_t before = process_resident_bytes();
    load(host, instances, OFTEN_NAME, BHD_OK);
    uint64_t freed = process_resident_bytes();
    load(host, instances_that_are_refused, OFTEN_NAME, BHD_IMPORT_UNKNOWN);
    uint64_t refused = process_resident_bytes();
    if (getenv("BHD_VERBOSE"))
        print_message("%llu, %llu, %llu bytes\n", (unsigned long long)before,
                      (unsigned long long)freed, (unsigned long long)refused);
    /* While it is there it is three times the names: 40 MB. */
    assert_true(freed < before + MIB(16));
    assert_true(refused < before + MIB(16));
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_name_is_not_kept_for_each_use),
        cmocka_unit_test(nothing_is_left_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
