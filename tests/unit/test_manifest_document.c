/*
 * TOML as a tree: what was written, of which type, and where; and what a message shows of it.
 */
#include "unit_test.h"

#include "manifest/toml_document.h"

/* A text that was read, with everything that belongs to it. */
typedef struct reading {
    bhd__document document;
    bhd__report report;
    bhd__parsed parsed;
} reading;

static reading read_text(const char *text)
{
    reading r;
    bhd__report_init(&r.report);
    r.parsed = bhd__toml_document(text, strlen(text), &r.document, &r.report);
    return r;
}

static void end(reading *r)
{
    bhd__document_fini(&r->document);
    bhd__report_fini(&r->report);
}

/* The node that a path of plain keys names. */
static uint32_t at(const reading *r, const char *path)
{
    uint32_t node = 0;
    while (*path != '\0') {
        size_t size = strcspn(path, ".");
        node = bhd__document_child(&r->document, node, path, size);
        if (node == 0)
            fail_msg("%s is not there", path);
        path += size + (path[size] == '.' ? 1 : 0);
    }
    return node;
}

static void expect_place(const reading *r, uint32_t offset, uint32_t line, uint32_t column)
{
    bhd__place place = {0, 0, 0};
    bhd__place_advance(&place, r->document.source, r->document.size, offset);
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
}

static void expect_path(const reading *r, uint32_t node, const char *path)
{
    char buffer[512];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    bhd__document_add_path(&r->document, node, &text);
    assert_string_equal(buffer, path);
}

static void expect_shown(const reading *r, uint32_t node, const char *value)
{
    char buffer[512];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    bhd__document_add_value(&r->document, node, &text);
    assert_string_equal(buffer, value);
}

static void test_every_kind_of_value_is_kept(void **state)
{
    (void)state;
    reading r = read_text("s = \"a\\nb\"\ni = -1_000\nh = 0xff\nf = 1.5e3\nb = true\n"
                          "d = 1979-05-27T07:32:00Z\na = [1, 2]\nt = {x = 1}\n"
                          "big = 99999999999999999999\nhuge = -1e999\n");
    assert_int_equal(r.parsed, BHD__PARSED);
    const bhd__node *nodes = r.document.nodes;
    size_t size;
    assert_int_equal(nodes[at(&r, "s")].kind, BHD_TOML_STRING);
    assert_string_equal(bhd__document_text(&r.document, at(&r, "s"), &size), "a\nb");
    assert_int_equal(size, 3);
    assert_int_equal(nodes[at(&r, "i")].kind, BHD_TOML_INTEGER);
    assert_true(nodes[at(&r, "i")].integer == -1000);
    assert_true(nodes[at(&r, "h")].integer == 255);
    assert_int_equal(nodes[at(&r, "f")].kind, BHD_TOML_FLOAT);
    assert_true(nodes[at(&r, "f")].number == 1500.0);
    assert_int_equal(nodes[at(&r, "b")].kind, BHD_TOML_BOOLEAN);
    assert_true(nodes[at(&r, "b")].boolean);
    assert_int_equal(nodes[at(&r, "d")].kind, BHD_TOML_DATETIME);
    assert_int_equal(nodes[at(&r, "a")].kind, BHD_TOML_ARRAY);
    assert_int_equal(nodes[at(&r, "t")].kind, BHD_TOML_TABLE);
    assert_true(nodes[at(&r, "t.x")].integer == 1);
    assert_true(nodes[at(&r, "big")].out_of_range);
    assert_true(nodes[at(&r, "huge")].out_of_range);
    assert_false(nodes[at(&r, "i")].out_of_range);
    expect_shown(&r, at(&r, "s"), "\"a\\nb\"");
    expect_shown(&r, at(&r, "i"), "-1_000");
    expect_shown(&r, at(&r, "h"), "0xff");
    expect_shown(&r, at(&r, "a"), "[1, 2]");
    end(&r);
}

static void test_all_ways_to_write_a_table_make_the_same_tree(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[a.b]\nc = 7\n",          "a.b.c = 7\n",
        "a = { b = { c = 7 } }\n", "a = { b.c = 7 }\n",
        "[a]\nb.c = 7\n",          "[a]\nb = { c = 7 }\n",
        "[a]\n[a.b]\nc = 7\n",     "[ \"a\" . 'b' ]\nc=7",
        "[a.b]\n\"c\" = 7\n",      "a = {\n  b.c = 7, # x\n}\n",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        reading r = read_text(texts[i]);
        assert_int_equal(r.parsed, BHD__PARSED);
        assert_int_equal(r.document.count, 4);
        assert_true(r.document.nodes[at(&r, "a.b.c")].integer == 7);
        expect_path(&r, at(&r, "a.b.c"), "a.b.c");
        end(&r);
    }
}

static void test_arrays_of_tables_are_told_from_arrays(void **state)
{
    (void)state;
    reading r =
        read_text("plain = [[1], [2]]\n[[many]]\nx = 1\n[[many]]\nx = 2\n[many.y]\nz = 3\n");
    assert_int_equal(r.parsed, BHD__PARSED);
    assert_true(bhd__document_is_array_of_tables(&r.document, at(&r, "many")));
    assert_false(bhd__document_is_array_of_tables(&r.document, at(&r, "plain")));
    uint32_t first = r.document.nodes[at(&r, "many")].first_child;
    uint32_t second = r.document.nodes[first].next;
    assert_int_equal(r.document.nodes[second].next, 0);
    expect_path(&r, bhd__document_child(&r.document, second, "x", 1), "many[1].x");
    uint32_t y = bhd__document_child(&r.document, second, "y", 1);
    expect_path(&r, bhd__document_child(&r.document, y, "z", 1), "many[1].y.z");
    end(&r);
}

static void test_places_are_lines_and_characters(void **state)
{
    (void)state;
    reading r = read_text("a = 1\n  b = \"\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2\"\n\n"
                          "\"\xc3\xb6\xc3\xb6\" = 2\n\tt = { k = 3 }");
    const bhd__node *nodes = r.document.nodes;
    expect_place(&r, nodes[at(&r, "a")].key_offset, 1, 1);
    expect_place(&r, nodes[at(&r, "a")].value_offset, 1, 5);
    expect_place(&r, nodes[at(&r, "b")].key_offset, 2, 3);
    expect_place(&r, nodes[at(&r, "b")].value_end, 2, 12);
    expect_place(&r, nodes[at(&r, "\xc3\xb6\xc3\xb6")].value_offset, 4, 8);
    expect_place(&r, nodes[at(&r, "t.k")].value_offset, 5, 12);
    /* The end, and beyond it. */
    expect_place(&r, (uint32_t)r.document.size, 5, 15);
    expect_place(&r, UINT32_MAX, 5, 15);
    end(&r);
}

static void test_a_byte_order_mark_and_windows_line_ends_do_not_shift_places(void **state)
{
    (void)state;
    reading r = read_text("\xEF\xBB\xBF"
                          "a = 1\r\nb = 2\r\n");
    assert_int_equal(r.parsed, BHD__PARSED);
    expect_place(&r, r.document.nodes[at(&r, "a")].value_offset, 1, 5);
    expect_place(&r, r.document.nodes[at(&r, "b")].key_offset, 2, 1);
    expect_place(&r, 0, 1, 1);
    end(&r);
}

static void test_a_place_advances_from_where_it_is(void **state)
{
    (void)state;
    static const char text[] = "ab\nc\xc3\xa4"
                               "d\n";
    bhd__place step = {0, 0, 0};
    for (size_t offset = 0; offset <= strlen(text); offset++) {
        bhd__place whole = {0, 0, 0};
        bhd__place_advance(&whole, text, strlen(text), offset);
        bhd__place_advance(&step, text, strlen(text), offset);
        assert_int_equal(step.line, whole.line);
        assert_int_equal(step.column, whole.column);
    }
    assert_int_equal(step.line, 3);
    assert_int_equal(step.column, 1);
}

static void test_odd_keys_are_quoted_in_paths(void **state)
{
    (void)state;
    reading r = read_text("\"a b\".\"\".'q\"'.\"\\u0007\" = 1\n");
    assert_int_equal(r.document.count, 5);
    expect_path(&r, 4, "\"a b\".\"\".\"q\\\"\".\"\\u0007\"");
    end(&r);
}

static void test_long_keys_and_values_are_cut_at_a_character(void **state)
{
    (void)state;
    char text[512];
    bhd__text writing;
    bhd__text_init(&writing, text, sizeof text);
    bhd__text_add(&writing, "\"");
    for (int i = 0; i < 40; i++)
        bhd__text_add(&writing, "\xc3\xa4");
    bhd__text_add(&writing, "\" = \"x");
    for (int i = 0; i < 40; i++)
        bhd__text_add(&writing, "\xc3\xa4");
    bhd__text_add(&writing, "\"\n");
    reading r = read_text(text);
    char path[512], value[512];
    bhd__text shown;
    bhd__text_init(&shown, path, sizeof path);
    bhd__document_add_path(&r.document, 1, &shown);
    assert_int_equal(strlen(path), 64 + 2 + 3);
    bhd__text_init(&shown, value, sizeof value);
    bhd__document_add_value(&r.document, 1, &shown);
    assert_int_equal(strlen(value), 47 + 2 + 3);
    end(&r);
}

/* -- what the parser says -------------------------------------------------------------------- */

static void expect_finding(const reading *r, size_t index, const char *key, const char *message)
{
    assert_true(index < r->report.kept);
    assert_string_equal(r->report.findings[index].key, key);
    assert_string_equal(r->report.findings[index].message, message);
}

typedef struct duplicate_case {
    const char *text, *key, *message;
} duplicate_case;

static void test_a_duplicate_has_its_path_and_the_first_place(void **state)
{
    (void)state;
    static const duplicate_case cases[] = {
        {"a = 1\na = 2\n", "a", "given twice, first at 1:1; keep one"},
        {"[t]\na = 1\n[u]\na = 1\na = 2\n", "u.a", "given twice, first at 4:1; keep one"},
        {"[t.u]\na = 1\n[t]\nb = 1\nb = 2\n", "t.b", "given twice, first at 4:1; keep one"},
        {"a.b.c = 1\na . b . c = 2\n", "a.b.c", "given twice, first at 1:5; keep one"},
        {"[t]\na.b = 1\na.b = 2\n", "t.a.b", "given twice, first at 2:3; keep one"},
        {"t = { a = { b = 1, b = 2 } }\n", "t.a.b", "given twice, first at 1:13; keep one"},
        {"t = { a.b = 1, a.b = 2 }\n", "t.a.b", "given twice, first at 1:9; keep one"},
        {"[[t]]\na = 1\n[[t]]\na = 1\na = 2\n", "t[1].a", "given twice, first at 4:1; keep one"},
        {"[t]\na = 1\n[t]\nb = 2\n", "t", "given twice; write all its keys below one [t]"},
        {"[t.u]\n[t.u]\n", "t.u", "given twice; write all its keys below one [t.u]"},
        {"[t]\n[[t]]\n", "t", "given twice, first at 1:2; keep one"},
        {"[t.u]\n[x]\n[[ t . u ]]\n", "t.u", "given twice, first at 1:4; keep one"},
        /* Not plain: the key is shown as far as it can be read. */
        {"\"a b\" = 1\n\"a b\" = 2\n", "\"\"", "given twice; keep one"},
        {"a\t.\tb = 1\na\t.\tb = 2\n", "a.b", "given twice, first at 1:5; keep one"},
        {"A_b-9 = 1\nA_b-9 = 2\n", "A_b-9", "given twice, first at 1:1; keep one"},
        {"[t]\nx = { a = 1, a = 2 }\n", "t.x.a", "given twice, first at 2:7; keep one"},
        {"x = { y = { a = 1 }, z = { a = 1, a = 2 } }\n", "x.z.a",
         "given twice, first at 1:28; keep one"},
        {"'q'.a = 1\n'q'.a = 2\n", "a", "given twice; keep one"},
        {"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r = 1\na.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r = 2\n", "r",
         "given twice; keep one"},
        {"b = [{ a = 1 }, { a = 1, a = 2 }]\n", "b[1].a", "given twice, first at 1:19; keep one"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        reading r = read_text(cases[i].text);
        assert_int_equal(r.parsed, BHD__PARSED);
        assert_int_equal(r.report.total, 1);
        expect_finding(&r, 0, cases[i].key, cases[i].message);
        end(&r);
    }
}

static void test_a_syntax_error_is_not_a_duplicate(void **state)
{
    (void)state;
    reading r = read_text("a = 1\na = 2\nb = \n");
    assert_int_equal(r.parsed, BHD__PARSED_SYNTAX);
    assert_int_equal(r.report.total, 2);
    expect_finding(&r, 0, "a", "given twice, first at 1:1; keep one");
    expect_finding(&r, 1, "", "the value is missing behind the equals sign");
    end(&r);
}

static void test_a_refused_table_is_reported_once(void **state)
{
    (void)state;
    reading r = read_text("a = 1\n[a.b]\nc = 1\n");
    assert_int_equal(r.parsed, BHD__PARSED_SYNTAX);
    assert_int_equal(r.report.total, 1);
    expect_finding(&r, 0, "", "cannot extend value of type integer with a dotted key");
    end(&r);
}

static void test_text_without_quotes_is_shown_with_them(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a = 2MiB # x\n", "text needs quotes; write \"2MiB\""},
        {"a = two words  \n", "text needs quotes; write \"two words\""},
        {"a = [x, y]\n", "text needs quotes; write \"x\""},
        {"a = 1.2.3\n", "not a number, and text needs quotes; write \"1.2.3\""},
        {"a = yes it's\n", "text needs quotes"},
        {"a = it\n", "not a number, and text needs quotes; write \"it\""},
        {"a = north\n", "not a number, and text needs quotes; write \"north\""},
        {"a = train\n", "neither true nor false, and text needs quotes; write \"train\""},
        {"a = fir\n", "neither true nor false, and text needs quotes; write \"fir\""},
        {"a = # nothing\n", "the value is missing behind the equals sign"},
        {"a =", "the value is missing behind the equals sign"},
        {"a = \"x\n", "the string does not end; close it with \""},
        {"a = 'x\n", "the string does not end; close it with '"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        reading r = read_text(cases[i].text);
        assert_int_equal(r.parsed, BHD__PARSED_SYNTAX);
        expect_finding(&r, 0, "", cases[i].message);
        end(&r);
    }
}

static void test_text_that_is_not_utf8_is_not_read(void **state)
{
    (void)state;
    reading r = read_text("a = \"\xff\"\n");
    assert_int_equal(r.parsed, BHD__PARSED_NOT);
    assert_int_equal(r.document.count, 1);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_of_value_is_kept),
        cmocka_unit_test(test_all_ways_to_write_a_table_make_the_same_tree),
        cmocka_unit_test(test_arrays_of_tables_are_told_from_arrays),
        cmocka_unit_test(test_places_are_lines_and_characters),
        cmocka_unit_test(test_a_byte_order_mark_and_windows_line_ends_do_not_shift_places),
        cmocka_unit_test(test_a_place_advances_from_where_it_is),
        cmocka_unit_test(test_odd_keys_are_quoted_in_paths),
        cmocka_unit_test(test_long_keys_and_values_are_cut_at_a_character),
        cmocka_unit_test(test_a_duplicate_has_its_path_and_the_first_place),
        cmocka_unit_test(test_a_syntax_error_is_not_a_duplicate),
        cmocka_unit_test(test_a_refused_table_is_reported_once),
        cmocka_unit_test(test_text_without_quotes_is_shown_with_them),
        cmocka_unit_test(test_text_that_is_not_utf8_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
