/*
 * Resources of a component, held by the program that calls it: made, lent, given away, dropped and
 * forgotten, in each way in which there are calls.
 */
#include "support/resource_kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define COUNTERS "component/counters.wat"
#define NEW "counters#[constructor]counter"
#define BUMP "[method]counter.bump"
#define SUM "[static]counter.sum"
#define GONE "a resource that was given away or dropped"
#define FOREIGN "a resource of another sandbox"
#define ELSEWHERE "a resource that the call has elsewhere"

static guest begin(resource_way way)
{
    bhd_limits limits = guest_limits(MIB(1));
    return resource_guest(way, COUNTERS, &limits, NULL);
}

static bhd_value make(guest *g, resource_way way, uint32_t start)
{
    bhd_value argument = bhd_value_u32(start);
    bhd_value counter = resource_call(g, way, NEW, &argument, 1);
    assert_int_equal(BHD_OWN, counter.type);
    return counter;
}

static bhd_value lent(const bhd_value *own)
{
    return bhd_value_borrow(own->of.resource);
}

static uint32_t bump(guest *g, resource_way way, const bhd_value *counter)
{
    bhd_value self = lent(counter);
    return resource_call(g, way, BUMP, &self, 1).of.u32;
}

static uint32_t ended(guest *g, resource_way way)
{
    return resource_call(g, way, "ended", NULL, 0).of.u32;
}

static void a_resource_is_lent_as_often_as_wanted_and_dropped_once(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        guest g = begin(way);
        bhd_value one = make(&g, way, 10), two = make(&g, way, 20);
        for (uint32_t i = 1; i <= 3; i++) {
            assert_int_equal(10 + i, bump(&g, way, &one));
            assert_int_equal(20 + i, bump(&g, way, &two));
        }
        bhd_value both[] = {lent(&one), lent(&two), lent(&one)};
        bhd_value list = bhd_value_list(BHD_BORROW, both, 3);
        assert_int_equal(13 + 23 + 13, resource_call(&g, way, SUM, &list, 1).of.u32);
        assert_int_equal(0, ended(&g, way));
        bhd_value copy;
        expect_ok(bhd_value_copy(&one, &copy, NULL), NULL);
        resource_drop(&g, way, &one);
        assert_int_equal(1, ended(&g, way));
        resource_drop(&g, way, &copy); /* the same handle: it is gone already */
        assert_int_equal(1, ended(&g, way));
        resource_drop(&g, way, &two);
        assert_int_equal(2, ended(&g, way));
        guest_end(&g);
    }
}

static void what_was_given_away_is_the_guests(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        guest g = begin(way);
        bhd_value one = make(&g, way, 1), two = make(&g, way, 20);
        bhd_value given[] = {one, two};
        bhd_value merged = resource_call(&g, way, "merge", given, 2);
        assert_int_equal(BHD_OWN, merged.type);
        assert_int_equal(1, ended(&g, way));
        assert_int_equal(22, bump(&g, way, &merged));
        /* The same resource came back, by another handle. */
        bhd_value self = lent(&one);
        resource_refused(&g, way, "parameter self: expected borrow<counter>, got " GONE, BUMP,
                         &self, 1);
        resource_refused(&g, way, "parameter a: expected own<counter>, got " GONE, "keep", &two, 1);
        resource_drop(&g, way, &one); /* nothing is left of it to drop */
        bhd_value_fini(&two);
        assert_int_equal(1, ended(&g, way));
        (void)resource_call(&g, way, "keep", &merged, 1);
        bhd_value kept = resource_call(&g, way, "kept", NULL, 0);
        assert_true(kept.type == BHD_OPTION && kept.of.variant.index == BHD_SOME);
        assert_int_equal(23, bump(&g, way, kept.of.variant.payload));
        bhd_value_fini(&merged);
        resource_drop(&g, way, &kept);
        assert_int_equal(2, ended(&g, way));
        guest_end(&g);
    }
}

/* Each of these is refused before anything runs, and takes nothing from anybody. */
static void a_handle_that_does_not_fit_is_refused_with_its_place(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        guest g = begin(way), other = begin(way);
        bhd_value one = make(&g, way, 1), two = make(&g, way, 2), foreign = make(&other, way, 3);
        bhd_value image = resource_call(&g, way, "[constructor]image", NULL, 0);
        bhd_value none = bhd_value_borrow(NULL);
        bhd_value list[] = {lent(&one), lent(&image)};
        bhd_value counters = bhd_value_list(BHD_BORROW, list, 2);
        const struct {
            const char *name, *wanted, *got;
            size_t count;
            bhd_value arguments[2];
        } cases[] = {
            {BUMP, "self: expected borrow<counter>", "borrow<image>", 1, {lent(&image)}},
            {BUMP, "self: expected borrow<counter>", "own", 1, {one}},
            {BUMP, "self: expected borrow<counter>", "NULL", 1, {none}},
            {BUMP, "self: expected borrow<counter>", FOREIGN, 1, {lent(&foreign)}},
            {SUM, "counters: element 1: expected borrow<counter>", "borrow<image>", 1, {counters}},
            {"keep", "a: expected own<counter>", "u32", 1, {bhd_value_u32(1)}},
            {"keep", "a: expected own<counter>", "borrow", 1, {lent(&one)}},
            {"keep", "a: expected own<counter>", "own<image>", 1, {image}},
            {"merge", "b: expected own<counter>", "own<image>", 2, {one, image}},
            {"merge", "b: expected own<counter>", FOREIGN, 2, {one, foreign}},
            {"merge", "b: expected own<counter>", ELSEWHERE, 2, {one, one}},
            {"add", "what: expected borrow<counter>", ELSEWHERE, 2, {one, lent(&one)}},
            {"add-to", "to: expected own<counter>", ELSEWHERE, 2, {lent(&one), one}},
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            char message[200];
            snprintf(message, sizeof message, "parameter %s, got %s", cases[i].wanted,
                     cases[i].got);
            resource_refused(&g, way, message, cases[i].name, cases[i].arguments, cases[i].count);
        }
        bhd_error error = BHD_ERROR_INIT;
        expect_status(BHD_INVALID_ARGUMENT, resource_try_drop(&g, way, &foreign, &error), &error);
        assert_string_equal("the value owns a resource of another sandbox", error.message);
        bhd_error_fini(&error);
        /* Everything is as it was. */
        bhd_value given[] = {one, lent(&two)};
        bhd_value sum = resource_call(&g, way, "add", given, 2);
        assert_int_equal(4, bump(&g, way, &sum));
        assert_int_equal(3, bump(&g, way, &two));
        assert_int_equal(4, bump(&other, way, &foreign));
        resource_drop(&g, way, &sum);
        resource_drop(&g, way, &two);
        resource_drop(&g, way, &image);
        resource_drop(&other, way, &foreign);
        bhd_value_fini(&one);
        assert_int_equal(2, ended(&g, way));
        guest_end(&g);
        guest_end(&other);
    }
}

static void handles_come_in_lists_records_options_and_results(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        guest g = begin(way);
        bhd_value count = bhd_value_u32(5), zero = bhd_value_u32(0);
        bhd_value many = resource_call(&g, way, "many", &count, 1);
        assert_true(many.type == BHD_LIST && many.element == BHD_OWN && many.of.items.count == 5);
        bhd_value borrowed[5];
        for (size_t i = 0; i < 5; i++)
            borrowed[i] = lent(&many.of.items.data[i]);
        bhd_value list = bhd_value_list(BHD_BORROW, borrowed, 5);
        assert_int_equal(15, resource_call(&g, way, SUM, &list, 1).of.u32);
        /* One of them is given away; dropping the list drops the others. */
        (void)resource_call(&g, way, "keep", &many.of.items.data[2], 1);
        resource_drop(&g, way, &many);
        assert_int_equal(4, ended(&g, way));

        bhd_value pair = resource_call(&g, way, "pair", &count, 1);
        assert_true(pair.type == BHD_RESULT && pair.of.variant.index == BHD_RESULT_OK);
        const bhd_value *fields = pair.of.variant.payload->of.items.data;
        assert_int_equal(6, bump(&g, way, &fields[0]));
        assert_int_equal(7, bump(&g, way, fields[1].of.variant.payload));
        resource_drop(&g, way, &pair);
        assert_int_equal(6, ended(&g, way));
        pair = resource_call(&g, way, "pair", &zero, 1);
        assert_int_equal(BHD_RESULT_ERROR, pair.of.variant.index);
        resource_drop(&g, way, &pair); /* owns nothing */

        bhd_value kept = resource_call(&g, way, "kept", NULL, 0);
        assert_int_equal(4, bump(&g, way, kept.of.variant.payload));
        resource_drop(&g, way, &kept);
        kept = resource_call(&g, way, "kept", NULL, 0);
        assert_true(kept.type == BHD_OPTION && kept.of.variant.index == BHD_NONE);
        bhd_value_fini(&kept);
        assert_int_equal(7, ended(&g, way));
        guest_end(&g);
    }
}

static void a_value_that_names_one_resource_twice_drops_it_once(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        guest g = begin(way);
        bhd_value one = make(&g, way, 1), two = make(&g, way, 2);
        bhd_value items[] = {one, two, one, lent(&two)};
        bhd_value tuple = bhd_value_tuple(items, 4);
        bhd_error error = BHD_ERROR_INIT;
        expect_ok(resource_try_drop(&g, way, &tuple, &error), &error);
        assert_int_equal(2, ended(&g, way));
        bhd_value_fini(&one);
        bhd_value_fini(&two);
        guest_end(&g);
    }
}

/* -- handles outlive everything ------------------------------------------------------------ */

static void a_forgotten_resource_stays_until_its_sandbox_goes(void **state)
{
    (void)state;
    guest g = begin(DIRECTLY);
    for (uint32_t i = 0; i < 100; i++) {
        bhd_value forgotten = make(&g, DIRECTLY, i);
        bhd_value_fini(&forgotten);
    }
    assert_int_equal(0, ended(&g, DIRECTLY));
    guest_end(&g);
}

static void a_handle_outlives_its_sandbox_and_means_nothing_to_the_next(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        guest g = begin(way);
        bhd_value old = make(&g, way, 7), copy;
        expect_ok(bhd_value_copy(&old, &copy, NULL), NULL);
        guest_again(&g);
        bhd_value fresh = make(&g, way, 8), self = lent(&old);
        resource_refused(&g, way, "parameter self: expected borrow<counter>, got " FOREIGN, BUMP,
                         &self, 1);
        assert_int_equal(9, bump(&g, way, &fresh));
        bhd_value_fini(&old);
        guest_end(&g);
        bhd_value_fini(&copy);
        bhd_value_fini(&fresh);
    }
}

/* Copies of the same handle are freed elsewhere while calls go on. */
typedef struct freer {
    const bhd_value *value;
    atomic_bool stop;
} freer;

static void *copy_and_free(void *env)
{
    freer *f = env;
    while (!atomic_load_explicit(&f->stop, memory_order_relaxed)) {
        bhd_value copy;
        if (bhd_value_copy(f->value, &copy, NULL) == BHD_OK)
            bhd_value_fini(&copy);
    }
    return NULL;
}

static void handles_are_freed_on_any_thread_while_calls_go_on(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        guest g = begin(way);
        bhd_value one = make(&g, way, 0), copy;
        expect_ok(bhd_value_copy(&one, &copy, NULL), NULL);
        freer f = {.value = &copy};
        atomic_init(&f.stop, false);
        pthread_t thread;
        assert_int_equal(0, pthread_create(&thread, NULL, copy_and_free, &f));
        for (uint32_t i = 1; i <= (uint32_t)ROUNDS(2000); i++)
            assert_int_equal(i, bump(&g, way, &one));
        resource_drop(&g, way, &one);
        guest_end(&g);
        atomic_store_explicit(&f.stop, true, memory_order_relaxed);
        assert_int_equal(0, pthread_join(thread, NULL));
        bhd_value_fini(&copy);
    }
}

static void a_call_that_is_cancelled_has_taken_what_it_was_given(void **state)
{
    (void)state;
    for (int is_freed_first = 0; is_freed_first < 2; is_freed_first++) {
        guest g = begin(SUBMITTED);
        bhd_value one = make(&g, SUBMITTED, 0), two = make(&g, SUBMITTED, 0);
        bhd_function *function;
        bhd_call *call;
        bhd_error error = BHD_ERROR_INIT;
        expect_ok(bhd_sandbox_function(g.sandbox, "spin", &function, &error), &error);
        expect_ok(bhd_sandbox_submit(g.sandbox, function, &one, 1, NULL, &call, &error), &error);
        assert_false(bhd_call_wait(call, 0.02));
        /* A call is under way. */
        expect_status(BHD_BUSY, bhd_sandbox_drop(g.sandbox, &two, &error), &error);
        expect_in(error.message, "a call into this sandbox is under way");
        assert_null(bhd_sandbox_data(g.sandbox, &two));
        if (is_freed_first)
            bhd_value_fini(&one);
        bhd_call_cancel(call);
        assert_true(bhd_call_wait(call, BHD_WAIT_FOREVER));
        assert_int_equal(BHD_CANCELLED, bhd_call_result(call, NULL, NULL, NULL));
        bhd_call_free(call);
        expect_status(BHD_SANDBOX_DEAD, bhd_sandbox_drop(g.sandbox, &two, &error), &error);
        guest_end(&g);
        bhd_value_fini(&one);
        bhd_value_fini(&two);
        bhd_error_fini(&error);
    }
}

/* -- how many ------------------------------------------------------------------------------ */

static void handles_of_a_guest_are_bounded_and_dropping_makes_room(void **state)
{
    (void)state;
    guest g = begin(DIRECTLY);
    for (uint32_t i = 0; i < 3 * BHD_RESOURCES_MAX; i++) {
        bhd_value dropped = make(&g, DIRECTLY, i);
        resource_drop(&g, DIRECTLY, &dropped);
    }
    assert_int_equal(3 * BHD_RESOURCES_MAX, ended(&g, DIRECTLY));
    bhd_value start = bhd_value_u32(0), held;
    bhd_error error = BHD_ERROR_INIT;
    uint32_t count = 0;
    while (resource_try(&g, DIRECTLY, NEW, &start, 1, &held, &error) == BHD_OK) {
        bhd_value_fini(&held);
        count++;
    }
    assert_int_equal(BHD_RESOURCES_MAX, count);
    expect_status(BHD_TRAP, error.code, &error);
    expect_in(error.message, "handle limit exceeded");
    bhd_error_fini(&error);
    guest_end(&g);
}

/* -- what cannot be done ------------------------------------------------------------------- */

/* The resource is inside an instance inside an instance. */
static const char nested[] =
    "(component (type $t (resource (rep i32)))"
    " (core func $new (canon resource.new $t))"
    " (core module $m (import \"r\" \"new\" (func $new (param i32) (result i32)))"
    "  (func (export \"make\") (result i32) (call $new (i32.const 1))))"
    " (core instance $m (instantiate $m (with \"r\" (instance (export \"new\" (func $new))))))"
    " (component $inner (import \"t\" (type $t (sub resource))) (export \"thing\" (type $t)))"
    " (instance $inner (instantiate $inner (with \"t\" (type $t))))"
    " (component $outer (import \"i\" (instance $i (export \"thing\" (type (sub resource)))))"
    "  (export \"i\" (instance $i)))"
    " (instance $outer (instantiate $outer (with \"i\" (instance $inner))))"
    " (export $o \"test:a/outer\" (instance $outer))"
    " (alias export $o \"i\" (instance $i))"
    " (alias export $i \"thing\" (type $thing))"
    " (func $make (result (own $thing)) (canon lift (core func $m \"make\")))"
    " (export \"make\" (func $make)))";

static void a_resource_type_without_a_name_is_refused(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(nested, &limits);
    bhd_function *function;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_NOT_SUPPORTED, bhd_sandbox_function(g.sandbox, "make", &function, &error),
                  &error);
    assert_string_equal("the function takes or gives a resource of an interface that is nested in "
                        "another one",
                        error.message);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void resources_have_no_text(void **state)
{
    (void)state;
    guest g = begin(DIRECTLY);
    bhd_function *pair, *keep;
    bhd_error error = BHD_ERROR_INIT;
    bhd_value start = bhd_value_u32(1), value, none;
    char text[64] = "?";
    expect_ok(bhd_sandbox_function(g.sandbox, "pair", &pair, &error), &error);
    expect_ok(bhd_sandbox_function(g.sandbox, "keep", &keep, &error), &error);
    const bhd_type *type = bhd_type_part(bhd_function_results(pair), 0);
    value = resource_call(&g, DIRECTLY, "pair", &start, 1);
    assert_int_equal(0, bhd_value_format(&value, type, text, sizeof text));
    assert_string_equal("", text);
    resource_drop(&g, DIRECTLY, &value);
    start = bhd_value_u32(0);
    value = resource_call(&g, DIRECTLY, "pair", &start, 1);
    assert_int_equal(7, bhd_value_format(&value, type, text, sizeof text));
    assert_string_equal("err(\"\")", text);
    bhd_value_fini(&value);
    expect_status(BHD_NOT_SUPPORTED, bhd_value_parse("err(\"\")", type, &none, &error), &error);
    expect_status(BHD_NOT_SUPPORTED, bhd_function_arguments(keep, "(1)", &none, &error), &error);
    assert_string_equal("resources, i32 and i64 have no text from which they could be read",
                        error.message);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void what_is_missing_is_refused(void **state)
{
    (void)state;
    guest g = begin(DIRECTLY);
    bhd_value value = bhd_value_u32(1);
    bhd_call *call;
    bhd_sandbox *none = NULL;
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_drop(none, &value, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_drop(g.sandbox, NULL, NULL), NULL);
    expect_ok(bhd_sandbox_drop(g.sandbox, &value, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_submit_drop(g.sandbox, NULL, NULL, &call, NULL),
                  NULL);
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_sandbox_submit_drop(g.sandbox, &value, NULL, NULL, NULL), NULL);
    assert_null(bhd_sandbox_data(none, &value));
    assert_null(bhd_sandbox_data(g.sandbox, NULL));
    assert_null(bhd_sandbox_data(g.sandbox, &value));
    guest_end(&g);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resource_is_lent_as_often_as_wanted_and_dropped_once),
        cmocka_unit_test(what_was_given_away_is_the_guests),
        cmocka_unit_test(a_handle_that_does_not_fit_is_refused_with_its_place),
        cmocka_unit_test(handles_come_in_lists_records_options_and_results),
        cmocka_unit_test(a_value_that_names_one_resource_twice_drops_it_once),
        cmocka_unit_test(a_forgotten_resource_stays_until_its_sandbox_goes),
        cmocka_unit_test(a_handle_outlives_its_sandbox_and_means_nothing_to_the_next),
        cmocka_unit_test(handles_are_freed_on_any_thread_while_calls_go_on),
        cmocka_unit_test(a_call_that_is_cancelled_has_taken_what_it_was_given),
        cmocka_unit_test(handles_of_a_guest_are_bounded_and_dropping_makes_room),
        cmocka_unit_test(a_resource_type_without_a_name_is_refused),
        cmocka_unit_test(resources_have_no_text),
        cmocka_unit_test(what_is_missing_is_refused),
    };
    return cmocka_run_group_tests_name("resources", tests, NULL, NULL);
}

int main(void)
{
    return resource_main(run);
}
