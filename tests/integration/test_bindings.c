/*
 * Typed calls in both directions with components whose bindings wit-bindgen made: the same
 * interface in Rust and in C (guests/languages/shapes.wit), called with values in their text form.
 */
#include "support/value_kit.h"

#include <stdio.h>

#define SHAPES "bulkhead:shapes/shapes#"

static const char *const guests[] = {"languages/shapes_rust.wasm", "languages/shapes_c.wasm"};
/* The most that they have in use, as guests/languages/README.md says. */
static const uint64_t peaks[] = {PAGES(3), PAGES(2)};

/* What a component told the host of the last shape. */
typedef struct told {
    char name[32];
    double area;
} told;

/* Answers with a tenth of the area; an area of 13 brings bad luck. */
static void added(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    told *t = env;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(2, count);
    snprintf(t->name, sizeof t->name, "%.*s", (int)in[0].of.string.size, in[0].of.string.data);
    t->area = in[1].of.f64;
    bhd_value more = bhd_value_f64(t->area / 10), why = bhd_value_string("bad luck");
    bhd_value answer = t->area == 13.0 ? bhd_value_error(&why) : bhd_value_ok(&more);
    expect_ok(bhd_invocation_return(invocation, &answer, 1, &error), &error);
}

typedef struct shapes {
    bhd_host *host;
    bhd_component *component;
    bhd_sandbox *sandbox;
    told told;
} shapes;

static void shapes_begin(shapes *s, const char *source)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_imports *imports;
    *s = (shapes){0};
    expect_ok(bhd_imports_new(&imports, &error), &error);
    bhd_host_function function = {
        .size = sizeof function,
        .interface = "bulkhead:shapes/watcher",
        .name = "added",
        .type = "func(name: string, area: f64) -> result<f64, string>",
        .callback = added,
        .user_data = &s->told,
    };
    expect_ok(bhd_imports_function(imports, &function, &error), &error);
    char path[512];
    snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, source);
    bhd_component_options options = {.size = sizeof options,
                                     .name = "shapes",
                                     .limits = guest_limits(KIB(512)),
                                     .imports = imports};
    s->host = guest_host();
    expect_ok(bhd_component_load_file(s->host, path, &options, &s->component, &error), &error);
    bhd_imports_free(imports);
    s->sandbox = guest_sandbox(s->component);
}

static void shapes_end(shapes *s)
{
    bhd_sandbox_free(s->sandbox);
    bhd_component_free(s->component);
    expect_stats(s->host, 0, 0);
    bhd_host_free(s->host);
}

/* Calls "name(arguments)"; the result has to be this, as text. */
static void answers(shapes *s, const char *call, const char *wanted)
{
    char name[96], text[512];
    const char *arguments = strchr(call, '(');
    bhd_function *function;
    bhd_value in, out = bhd_value_bool(false);
    bhd_error error = BHD_ERROR_INIT;
    snprintf(name, sizeof name, SHAPES "%.*s", (int)(arguments - call), call);
    expect_ok(bhd_sandbox_function(s->sandbox, name, &function, &error), &error);
    expect_ok(bhd_function_arguments(function, arguments, &in, &error), &error);
    expect_ok(bhd_sandbox_call(s->sandbox, function, in.of.items.data, in.of.items.count, &out, 1,
                               &error),
              &error);
    size_t size =
        bhd_value_format(&out, bhd_type_part(bhd_function_results(function), 0), text, sizeof text);
    assert_in_range(size, 1, sizeof text - 1);
    if (strcmp(text, wanted) != 0)
        fail_msg("%s: got %s, wanted %s", call, text, wanted);
    bhd_value_fini(&in);
    bhd_value_fini(&out);
}

static void every_kind_of_type_goes_in_and_comes_out(void **state)
{
    (void)state;
    static const char *const calls[][2] = {
        {"area(nothing)", "ok(0)"},
        {"area(circle(2.0))", "ok(12)"},
        {"area(box((2.5, 4.0)))", "ok(10)"},
        {"area(polygon([{x: 0.0, y: 0.0}, {x: 4.0, y: 0.0}, {x: 4.0, y: 3.0}]))", "ok(6)"},
        {"area(circle(-1.0))", "err(\"a negative radius\")"},
        {"area(polygon([]))", "err(\"a polygon with too few corners\")"},
        {"centre([])", "none"},
        {"centre([{x: 1.0, y: 2.0}, {x: 3.0, y: 5.0}])", "some({x: 2, y: 3.5})"},
        {"describe(box((1.0, 2.0)), green, {filled, shadow}, some(\"my \\u{e4}\"))",
         "\"filled shadow green box \\\"my \u00e4\\\"\""},
        {"describe(nothing, blue, {}, none)", "\"blue nothing\""},
        {"reverse([1, 2, 3, 255])", "[255, 3, 2, 1]"},
        {"reverse([])", "[]"},
        {"words(\"one  tw\u00f6 \u4e09\")", "[(\"one\", 3), (\"tw\u00f6\", 3), (\"\u4e09\", 1)]"},
        {"words(\"\")", "[]"},
        {"next('a', true)", "some('b')"},
        {"next('\\u{0}', false)", "none"},
        {"next('\\u{d7ff}', true)", "none"},
        {"next('\\u{10ffff}', true)", "none"},
        {"sum(-128, 65535, -2147483648, 4294967296, 2.5)", "(2147549057, 129)"},
        {"sum(0, 0, -1, 0, 0.0)", "(-1, 255)"},
    };
    for (size_t g = 0; g < COUNT_OF(guests); g++) {
        shapes s;
        shapes_begin(&s, guests[g]);
        for (size_t i = 0; i < COUNT_OF(calls); i++)
            answers(&s, calls[i][0], calls[i][1]);
        shapes_end(&s);
    }
}

/* Nothing of the values stays in the guest: its allocator gets everything back. */
static void calls_do_not_use_memory_up(void **state)
{
    (void)state;
    for (size_t g = 0; g < COUNT_OF(guests); g++) {
        shapes s;
        shapes_begin(&s, guests[g]);
        answers(&s, "words(\"a few words, as a warm up\")",
                "[(\"a\", 1), (\"few\", 3), (\"words,\", 6), (\"as\", 2), (\"a\", 1), (\"warm\", "
                "4), (\"up\", 2)]");
        uint64_t before = guest_metrics(s.sandbox).current_bytes;
        for (int i = 0; i < ROUNDS(5000); i++) {
            answers(&s, "words(\"one two\")", "[(\"one\", 3), (\"two\", 3)]");
            answers(&s, "area(circle(-1.5))", "err(\"a negative radius\")");
        }
        assert_int_equal(before, guest_metrics(s.sandbox).current_bytes);
        assert_int_equal(peaks[g], guest_metrics(s.sandbox).peak_bytes);
        shapes_end(&s);
    }
}

/* -- a resource ---------------------------------------------------------------------------- */

static bhd_value call_canvas(shapes *s, const char *name, const bhd_value *arguments, size_t count)
{
    char whole[96];
    snprintf(whole, sizeof whole, SHAPES "%s", name);
    return value_call(s->sandbox, whole, arguments, count);
}

static bhd_value new_canvas(shapes *s, const char *name)
{
    bhd_value text = bhd_value_string(name);
    bhd_value canvas = call_canvas(s, "[constructor]canvas", &text, 1);
    assert_int_equal(BHD_OWN, canvas.type);
    return canvas;
}

static void expect_name(shapes *s, const bhd_value *canvas, const char *wanted)
{
    bhd_value self = bhd_value_borrow(canvas->of.resource);
    bhd_value name = call_canvas(s, "[method]canvas.name", &self, 1);
    assert_int_equal(strlen(wanted), name.of.string.size);
    assert_memory_equal(wanted, name.of.string.data, name.of.string.size);
    bhd_value_fini(&name);
}

static double total(shapes *s, const bhd_value *canvas)
{
    bhd_value self = bhd_value_borrow(canvas->of.resource);
    return call_canvas(s, "[method]canvas.total", &self, 1).of.f64;
}

/* Adds a circle; what the method answered, for bhd_value_fini. */
static bhd_value add_circle(shapes *s, const bhd_value *canvas, double radius)
{
    enum { CIRCLE = 1 };
    bhd_value size = bhd_value_f64(radius);
    bhd_value arguments[] = {bhd_value_borrow(canvas->of.resource),
                             bhd_value_variant(CIRCLE, &size)};
    return call_canvas(s, "[method]canvas.add", arguments, 2);
}

static void expect_count(bhd_value answer, uint32_t count)
{
    assert_int_equal(0, answer.of.variant.index);
    assert_int_equal(count, answer.of.variant.payload->of.u32);
    bhd_value_fini(&answer);
}

static void expect_refused(bhd_value answer, const char *why)
{
    assert_int_equal(1, answer.of.variant.index);
    const bhd_value *text = answer.of.variant.payload;
    assert_int_equal(strlen(why), text->of.string.size);
    assert_memory_equal(why, text->of.string.data, text->of.string.size);
    bhd_value_fini(&answer);
}

static void resources_live_in_the_guest_and_are_held_here(void **state)
{
    (void)state;
    for (size_t g = 0; g < COUNT_OF(guests); g++) {
        shapes s;
        bhd_error error = BHD_ERROR_INIT;
        shapes_begin(&s, guests[g]);
        bhd_value both[] = {new_canvas(&s, "one"), new_canvas(&s, "tw\u00f6")};
        expect_name(&s, &both[1], "tw\u00f6");
        /* An area of 12 and a tenth of it, which the host adds. */
        expect_count(add_circle(&s, &both[0], 2), 1);
        expect_count(add_circle(&s, &both[0], 2), 2);
        expect_count(add_circle(&s, &both[1], 2), 1);
        assert_string_equal("tw\u00f6", s.told.name);
        assert_true(s.told.area == 12);
        expect_refused(add_circle(&s, &both[1], -1), "a negative radius");
        assert_true(total(&s, &both[0]) == 26.4 && total(&s, &both[1]) == 13.2);

        bhd_value merged = call_canvas(&s, "[static]canvas.merge", both, 2);
        expect_name(&s, &merged, "one+tw\u00f6");
        expect_count(add_circle(&s, &merged, 2), 4);
        bhd_value self = bhd_value_borrow(both[0].of.resource);
        value_ends(s.sandbox, BHD_SIGNATURE_MISMATCH, "given away or dropped",
                   SHAPES "[method]canvas.name", &self, 1);
        expect_ok(bhd_sandbox_drop(s.sandbox, &merged, &error), &error);
        bhd_value_fini(&both[0]);
        bhd_value_fini(&both[1]);
        bhd_value_fini(&merged);
        shapes_end(&s);
    }
}

/* Destructors run: thousands of canvases fit where a few hundred would be too many at once. */
static void dropped_resources_are_gone(void **state)
{
    (void)state;
    static char name[2000];
    memset(name, 'n', sizeof name - 1);
    for (size_t g = 0; g < COUNT_OF(guests); g++) {
        shapes s;
        bhd_error error = BHD_ERROR_INIT;
        shapes_begin(&s, guests[g]);
        for (int i = 0; i < 2000; i++) {
            bhd_value canvas = new_canvas(&s, name);
            expect_ok(bhd_sandbox_drop(s.sandbox, &canvas, &error), &error);
            bhd_value_fini(&canvas);
        }
        assert_in_range(guest_metrics(s.sandbox).peak_bytes, 1, PAGES(3));
        shapes_end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_type_goes_in_and_comes_out),
        cmocka_unit_test(calls_do_not_use_memory_up),
        cmocka_unit_test(resources_live_in_the_guest_and_are_held_here),
        cmocka_unit_test(dropped_resources_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
