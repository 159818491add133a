/*
 * Worlds as WIT: the text of whole worlds, what WIT has no word for, and hostile ones.
 *
 * The text of a guest is compared with tests/golden/wit; `make -C guests validate` has the
 * component model's own tools read these files. With BHD_GOLDEN_WRITE=1 in the environment they are
 * written instead; read them.
 */
#include "support/real_guest.h"

#include <stdio.h>
#include <stdlib.h>

#define WIT_MAX (256 * 1024)
#define CUT "\n// cut: more than 262144 bytes\n"

static bhd_host *host;

static size_t read_file(const char *path, char *buffer, size_t capacity)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is not there", path);
    size_t size = fread(buffer, 1, capacity - 1, file);
    assert_true(size < capacity - 1);
    fclose(file);
    buffer[size] = '\0';
    return size;
}

static void expect_harmless(const char *wit)
{
    for (const char *c = wit; *c; c++)
        assert_true((*c >= ' ' && *c <= '~') || *c == '\n');
}

/* The caller frees it. NULL: the binary has none. */
static char *wit_of(const char *binary, size_t size)
{
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_inspect(host, binary, size, &inspection, &error), &error);
    char *wit = inspection.wit ? strdup(inspection.wit) : NULL;
    if (wit) {
        expect_harmless(wit);
        assert_int_equal('\n', wit[strlen(wit) - 1]);
    }
    bhd_inspection_fini(&inspection);
    assert_null(inspection.wit);
    bhd_error_fini(&error);
    return wit;
}

static char *wit_of_text(const char *text)
{
    char *wit = wit_of(text, strlen(text));
    assert_non_null(wit);
    return wit;
}

static char *wit_of_guest(const char *name)
{
    static char bytes[1 << 20];
    char path[512];
    snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, name);
    size_t size = read_file(path, bytes, sizeof bytes);
    return wit_of(bytes, size);
}

static void a_world_has_all_its_types_under_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *path, *golden;
    } worlds[] = {
        {"component/world.wat", "world"},
        {"component/values.wat", "values"},
        {"component/connect.wat", "connect"},
        {"component/imports_unknown.wat", "imports_unknown"},
        {"hostile/comp_streams.wat", "streams"},
        {"hostile/comp_async.wat", "async"},
        {"wasi/print.wasm", "print"},
        {"wasi/ask.wasm", "ask"},
        {"languages/shapes_c.wasm", "shapes"},
        {"languages/shapes_rust.wasm", "shapes"},
    };
    for (size_t i = 0; i < COUNT_OF(worlds); i++) {
        static char golden[WIT_MAX];
        char path[512];
        char *wit = wit_of_guest(worlds[i].path);
        assert_non_null(wit);
        snprintf(path, sizeof path, "%s/tests/golden/wit/%s.wit", BHD_SOURCE_DIR, worlds[i].golden);
        if (getenv("BHD_GOLDEN_WRITE")) {
            FILE *file = fopen(path, "wb");
            assert_non_null(file);
            assert_int_equal(1, fwrite(wit, strlen(wit), 1, file));
            assert_int_equal(0, fclose(file));
        }
        read_file(path, golden, sizeof golden);
        assert_string_equal(golden, wit);
        free(wit);
    }
}

static void a_core_module_has_no_world(void **state)
{
    (void)state;
    assert_null(wit_of_guest("basic/add.wat"));
    assert_null(wit_of_guest("wasi/print.core.wasm"));
}

/* In each pair a component and all of its text. */
static const char *const texts[][2] = {
    /* Nothing at all. */
    {"(component)", "package root:component;\n\nworld root {}\n"},
    {"(component (import \"a:b/c\" (instance)) (import \"d\" (instance)))",
     "package root:component;\n"
     "\n"
     "world root {\n"
     "  import a:b/c;\n"
     "  import d: interface {}\n"
     "}\n"
     "\n"
     "package a:b {\n"
     "  interface c {}\n"
     "}\n"},
    /* Two types of one name, used without a name in the world, and one that is out of reach. */
    {"(component"
     " (import \"a:b/c@1.0.0\" (instance $c (type $q (enum \"x\")) (export \"q\" (type (eq $q)))))"
     " (import \"a:b/d\" (instance $d (export \"q\" (type (sub resource)))))"
     " (import \"e\" (instance $e (export \"q\" (type (sub resource)))"
     "  (type $k (enum \"x\")) (export \"k\" (type (eq $k)))))"
     " (alias export $c \"q\" (type $cq)) (alias export $d \"q\" (type $dq))"
     " (alias export $e \"q\" (type $eq)) (alias export $e \"k\" (type $k))"
     " (import \"f\" (func (param \"a\" $cq) (param \"b\" (borrow $dq)) (result (own $dq))))"
     " (import \"q-x2\" (func (param \"a\" (tuple $k $cq))))"
     " (import \"r\" (type $r (eq $eq))))",
     "package root:component;\n"
     "\n"
     "world root {\n"
     "  use a:b/c@1.0.0.{q};\n"
     "  use a:b/d.{q as q-x3};\n"
     "\n"
     "  // The same resource as one of an interface without a name.\n"
     "  resource r;\n"
     "\n"
     "  import a:b/c@1.0.0;\n"
     "  import a:b/d;\n"
     "\n"
     "  import e: interface {\n"
     "    resource q;\n"
     "\n"
     "    enum k {\n"
     "      x,\n"
     "    }\n"
     "  }\n"
     "\n"
     "  import f: func(a: q, b: borrow<q-x3>) -> q-x3;\n"
     "\n"
     "  // Not WIT (a type of an interface without a name):\n"
     "  // import q-x2: func(a: tuple<k, q>);\n"
     "}\n"
     "\n"
     "package a:b@1.0.0 {\n"
     "  interface c {\n"
     "    enum q {\n"
     "      x,\n"
     "    }\n"
     "  }\n"
     "}\n"
     "\n"
     "package a:b {\n"
     "  interface d {\n"
     "    resource q;\n"
     "  }\n"
     "}\n"},
    /* One interface, imported and exported with other types. */
    {"(component"
     " (import \"a:b/c\" (instance $c"
     "  (type $q (record (field \"x\" u8))) (export \"q\" (type (eq $q)))"
     "  (export \"f\" (func (param \"a\" u8))) (export \"g\" (func))"
     "  (export \"r\" (type (sub resource))) (export \"[static]r.s\" (func (param \"x\" u8)))))"
     " (core module $m (func (export \"g\"))) (core instance $m (instantiate $m))"
     " (func $g (canon lift (core func $m \"g\")))"
     " (component $n (import \"g\" (func $g)) (type $q (record (field \"y\" u8)))"
     "  (export \"q\" (type $q)) (export \"f\" (func $g)) (export \"g\" (func $g))"
     "  (type $r (resource (rep i32))) (export \"r\" (type $r))"
     "  (export \"[static]r.s\" (func $g)) (export \"[static]r.t\" (func $g)))"
     " (instance $e (instantiate $n (with \"g\" (func $g))))"
     " (export \"a:b/c\" (instance $e)))",
     "package root:component;\n"
     "\n"
     "world root {\n"
     "  import a:b/c;\n"
     "\n"
     "  export a:b/c;\n"
     "}\n"
     "\n"
     "package a:b {\n"
     "  interface c {\n"
     "    record q {\n"
     "      x: u8,\n"
     "    }\n"
     "\n"
     "    resource r {\n"
     "      s: static func(x: u8);\n"
     "\n"
     "      // Not WIT (exported with another type than imported):\n"
     "      // s: static func();\n"
     "\n"
     "      t: static func();\n"
     "    }\n"
     "\n"
     "    // Not WIT (exported as another type than imported):\n"
     "    // record q {\n"
     "    //   y: u8,\n"
     "    // }\n"
     "\n"
     "    f: func(a: u8);\n"
     "    g: func();\n"
     "\n"
     "    // Not WIT (exported with another type than imported):\n"
     "    // f: func();\n"
     "  }\n"
     "}\n"},
    /* An interface of the very package that the text is, and what an interface cannot have. */
    {"(component"
     " (import \"root:component/here\" (instance $h (export \"r\" (type (sub resource)))))"
     " (alias export $h \"r\" (type $r))"
     " (import \"root:component/there\" (instance (alias outer 1 $r (type $o))"
     "  (export \"s\" (type $s (eq $o)))"
     "  (export \"[method]s.zap\" (func (param \"self\" (borrow $s)) (param \"x\" u8)))"
     "  (export \"inner\" (instance)) (export \"part\" (component))"
     "  (type $f (func)) (export \"call\" (type (eq $f))))))",
     "package root:component;\n"
     "\n"
     "world root {\n"
     "  import here;\n"
     "  import there;\n"
     "}\n"
     "\n"
     "interface here {\n"
     "  resource r;\n"
     "}\n"
     "\n"
     "interface there {\n"
     "  use here.{r as s};\n"
     "\n"
     "  // Not WIT (a type of a function, an instance or a component):\n"
     "  // type call\n"
     "\n"
     "  // Not WIT (a resource of another interface):\n"
     "  // [method]s.zap: zap: func(x: u8);\n"
     "\n"
     "  // Not WIT: inner: an instance\n"
     "  // Not WIT: part: a component\n"
     "}\n"},
    /* One type used under two names, and a name for one of those. */
    {"(component"
     " (import \"a:b/c\" (instance $c (export \"r\" (type (sub resource)))))"
     " (alias export $c \"r\" (type $r))"
     " (import \"a:b/d\" (instance (alias outer 1 $r (type $o))"
     "  (export \"s\" (type $s (eq $o))) (export \"t\" (type (eq $o)))"
     "  (export \"u\" (type (eq $s))) (export \"f\" (func (param \"a\" (borrow $s)))))))",
     "package root:component;\n"
     "\n"
     "world root {\n"
     "  import a:b/c;\n"
     "  import a:b/d;\n"
     "}\n"
     "\n"
     "package a:b {\n"
     "  interface c {\n"
     "    resource r;\n"
     "  }\n"
     "\n"
     "  interface d {\n"
     "    use c.{r as s, r as t};\n"
     "\n"
     "    type u = s;\n"
     "\n"
     "    f: func(a: borrow<s>);\n"
     "  }\n"
     "}\n"},
    /* A type that never had a name, because it comes out of a nested instance. */
    {"(component"
     " (import \"x\" (instance $x (export \"n\" (instance"
     "  (type $e (variant (case \"a\") (case \"b\" u8))) (export \"e\" (type (eq $e)))))))"
     " (alias export $x \"n\" (instance $n)) (alias export $n \"e\" (type $e))"
     " (import \"f\" (func (param \"a\" (list $e)))))",
     "package root:component;\n"
     "\n"
     "world root {\n"
     "  import x: interface {\n"
     "    // Not WIT: n: an instance\n"
     "  }\n"
     "\n"
     "  // Not WIT (a type without a name):\n"
     "  // import f: func(a: list<variant { a, b(u8) }>);\n"
     "}\n"},
};

static void what_wit_has_no_word_for_is_a_comment(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char *wit = wit_of_text(texts[i][0]);
        assert_string_equal(texts[i][1], wit);
        free(wit);
    }
}

static void names_of_other_forms_are_escaped_in_a_comment(void **state)
{
    (void)state;
    char *wit = wit_of_text("(component"
                            " (import \"url=<h:/\\5c\\0a\\1b\\e2\\80\\ae\\c3\\a9 x>\" (func))"
                            " (import \"url=<\\c3\\a9>\" (type $t (sub resource)))"
                            " (import \"f\" (func (param \"a\" (borrow $t))))"
                            " (import \"unlocked-dep=<a:b@*>\" (component)))");
    assert_string_equal("package root:component;\n"
                        "\n"
                        "world root {\n"
                        "  // Not WIT: url=<\\u{e9}>: a type\n"
                        "\n"
                        "  // Not WIT (a name of another form):\n"
                        "  // import url=<h:/\\\\\\u{a}\\u{1b}\\u{202e}\\u{e9} x>: func();\n"
                        "\n"
                        "  // Not WIT (a type without a name):\n"
                        "  // import f: func(a: borrow<resource>);\n"
                        "\n"
                        "  // Not WIT: import unlocked-dep=<a:b@*>: a component\n"
                        "}\n",
                        wit);
    free(wit);
}

/* -- more than anybody wants to read --------------------------------------------------------- */

typedef struct source {
    char *text;
    size_t length, capacity;
} source;

static void add(source *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(source *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(s->text + s->length, s->capacity - s->length, format, arguments);
    va_end(arguments);
    assert_true(length >= 0 && (size_t)length < s->capacity - s->length);
    s->length += (size_t)length;
}

static source source_new(void)
{
    source s = {.text = malloc(1 << 20), .capacity = 1 << 20};
    assert_non_null(s.text);
    add(&s, "(component\n");
    return s;
}

/* The text, which has to be cut at the bound and to say so. */
static void expect_cut(source *s)
{
    add(s, ")");
    char *wit = wit_of_text(s->text);
    size_t length = strlen(wit);
    assert_true(length <= WIT_MAX + sizeof CUT);
    assert_true(length > WIT_MAX / 2);
    assert_string_equal(CUT, wit + length - (sizeof CUT - 1));
    free(wit);
    free(s->text);
}

/* 625 bytes of text describe a type of 131,072 parts. */
static void a_type_that_is_exponentially_large_is_cut(void **state)
{
    (void)state;
    source s = source_new();
    add(&s, "(type $t0 (tuple u8 u8))\n");
    for (unsigned i = 1; i < 17; i++)
        add(&s, "(type $t%u (tuple $t%u $t%u))\n", i, i - 1, i - 1);
    add(&s, "(import \"f\" (func (param \"a\" $t16)))\n(import \"g\" (func))\n");
    expect_cut(&s);
    /* The same with a record of no name. */
    s = source_new();
    add(&s,
        "(import \"x\" (instance $x (export \"n\" (instance\n"
        "(type $e (record (field \"a\" u8) (field \"b\" u8))) (export \"e\" (type (eq $e)))))))\n"
        "(alias export $x \"n\" (instance $n)) (alias export $n \"e\" (type $t0))\n");
    for (unsigned i = 1; i < 15; i++)
        add(&s, "(type $t%u (tuple $t%u $t%u))\n", i, i - 1, i - 1);
    add(&s, "(import \"f\" (func (param \"a\" $t14)))\n");
    expect_cut(&s);
}

static void many_declarations_are_cut(void **state)
{
    (void)state;
    /* Functions of the world. */
    source s = source_new();
    for (unsigned i = 0; i < 6000; i++)
        add(&s, "(import \"function-number-%u\" (func (param \"first\" (list string))))\n", i);
    expect_cut(&s);
    /* One type of an instance for many interfaces. */
    s = source_new();
    add(&s, "(type $i (instance\n");
    for (unsigned i = 0; i < 60; i++)
        add(&s, "(type (record (field \"x\" u8))) (export \"t%u\" (type (eq %u)))\n", i, 2 * i);
    add(&s, "))\n");
    for (unsigned i = 0; i < 200; i++)
        add(&s, "(import \"a:b/c%u\" (instance (type $i)))\n", i);
    expect_cut(&s);
}

static void too_many_names_are_not_kept(void **state)
{
    (void)state;
    source s = source_new();
    add(&s, "(type $i (instance\n");
    for (unsigned i = 0; i < 60; i++)
        add(&s, "(export \"n%0300u\" (func))\n", i);
    add(&s, "))\n");
    for (unsigned i = 0; i < 250; i++)
        add(&s, "(import \"a:b/c%u\" (instance (type $i)))\n", i);
    add(&s, ")");
    char *wit = wit_of_text(s.text);
    assert_string_equal("// cut: too many names\n", wit);
    free(wit);
    free(s.text);
}

/* As deep as a valid type can be. */
static void a_deep_type_is_whole(void **state)
{
    (void)state;
    source s = source_new();
    source wanted = {.text = malloc(4096), .capacity = 4096};
    assert_non_null(wanted.text);
    add(&wanted, "import f: func(a: ");
    add(&s, "(type $t0 (list u8))\n");
    for (unsigned i = 1; i < 98; i++)
        add(&s, "(type $t%u (list $t%u))\n", i, i - 1);
    add(&s, "(import \"f\" (func (param \"a\" $t97))))");
    for (unsigned i = 0; i < 98; i++)
        add(&wanted, "list<");
    add(&wanted, "u8");
    for (unsigned i = 0; i < 98; i++)
        add(&wanted, ">");
    add(&wanted, ");\n");
    char *wit = wit_of_text(s.text);
    assert_non_null(strstr(wit, wanted.text));
    free(wit);
    free(s.text);
    free(wanted.text);
}

static int open_host(void **state)
{
    (void)state;
    host = guest_host();
    return 0;
}

static int close_host(void **state)
{
    (void)state;
    bhd_host_free(host);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_world_has_all_its_types_under_their_names),
        cmocka_unit_test(a_core_module_has_no_world),
        cmocka_unit_test(what_wit_has_no_word_for_is_a_comment),
        cmocka_unit_test(names_of_other_forms_are_escaped_in_a_comment),
        cmocka_unit_test(a_type_that_is_exponentially_large_is_cut),
        cmocka_unit_test(many_declarations_are_cut),
        cmocka_unit_test(too_many_names_are_not_kept),
        cmocka_unit_test(a_deep_type_is_whole),
    };
    return cmocka_run_group_tests_name("wit", tests, open_host, close_host);
}
