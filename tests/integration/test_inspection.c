/*
 * Inspections: what a binary is and needs, without running it.
 */
#include "support/bomb_text.h"
#include "support/real_guest.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

static bhd_status inspect(bhd_host *host, const char *source, bhd_inspection *inspection,
                          bhd_error *error)
{
    if (source[0] == '(')
        return bhd_inspect(host, source, strlen(source), inspection, error);
    char path[512];
    static uint8_t bytes[1 << 20];
    snprintf(path, sizeof path, "%s/guests/%s", BHD_SOURCE_DIR, source);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return bhd_inspect(host, bytes, size, inspection, error);
}

static bhd_inspection inspection_of(bhd_host *host, const char *source)
{
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(inspect(host, source, &inspection, &error), &error);
    bhd_error_fini(&error);
    return inspection;
}

static void a_module_shows_its_exports_with_types(void **state)
{
    (void)state;
    static const struct {
        const char *name, *type;
    } exports[] = {
        {"add", "func(i32, i32) -> i32"},
        {"add64", "func(i64, i64) -> i64"},
        {"addf", "func(f32, f32) -> f32"},
        {"addd", "func(f64, f64) -> f64"},
        {"swap", "func(i32, i64) -> (i64, i32)"},
        {"echo", "func(i32, i64, f32, f64) -> (i32, i64, f32, f64)"},
        {"nothing", "func()"},
        {"vector", "func(v128) -> v128"},
        {"answer", "global i32"},
    };
    bhd_host *host = guest_host();
    bhd_inspection i = inspection_of(host, "basic/add.wat");
    assert_int_equal(BHD_KIND_MODULE, i.kind);
    assert_int_equal(COUNT_OF(exports), i.export_count);
    for (size_t k = 0; k < COUNT_OF(exports); k++) {
        assert_string_equal("", i.exports[k].module);
        assert_string_equal(exports[k].name, i.exports[k].name);
        assert_string_equal(exports[k].type, i.exports[k].type);
    }
    assert_int_equal(0, i.import_count);
    assert_int_equal(0, i.memory_count);
    assert_true(i.initial_memory_bytes == 0 && i.is_exact);
    assert_true(i.binary_size > 0);
    assert_null(i.refusal);
    bhd_inspection_fini(&i);
    bhd_host_free(host);
}

static void imports_show_their_modules_and_types(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_inspection i = inspection_of(host, "basic/unknown_import.wat");
    assert_int_equal(3, i.import_count);
    assert_string_equal("env", i.imports[0].module);
    assert_string_equal("launch", i.imports[0].name);
    assert_string_equal("func(i32) -> i32", i.imports[0].type);
    assert_string_equal("global i32", i.imports[1].type);
    assert_string_equal("moon", i.imports[2].module);
    assert_int_equal(1, i.table_count);
    assert_true(i.tables[0].imported);
    assert_true(i.instance_tables == 0); /* nothing of its own */
    bhd_inspection_fini(&i);
    i = inspection_of(host, "basic/memory_import.wat");
    assert_int_equal(1, i.memory_count);
    assert_true(i.memories[0].imported && i.memories[0].has_maximum);
    assert_true(i.memories[0].minimum == 1 && i.memories[0].maximum == 16);
    bhd_inspection_fini(&i);
    bhd_host_free(host);
}

static void memories_and_tables_are_summed(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        uint64_t bytes, elements, memories, tables;
        size_t declared_memories, declared_tables;
    } sums[] = {
        {"basic/grow.wat", PAGE, 0, 1, 0, 1, 0},
        {"basic/three_big_memories.wat", PAGES(18), 0, 3, 0, 3, 0},
        {"basic/big_table.wat", 0, 11000, 0, 2, 0, 2},
        {"basic/table_grow.wat", 0, 14, 0, 3, 0, 3},
        {"component/three_instances.wat", PAGES(18), 0, 3, 0, 1, 0},
        {"component/nested.wat", PAGES(11), 0, 3, 0, 2, 0},
        {"component/two_memories.wat", PAGES(8), 0, 2, 0, 2, 0},
    };
    bhd_host *host = guest_host_with(NULL);
    for (size_t k = 0; k < COUNT_OF(sums); k++) {
        bhd_inspection i = inspection_of(host, sums[k].source);
        assert_true(i.initial_memory_bytes == sums[k].bytes);
        assert_true(i.initial_table_elements == sums[k].elements);
        assert_true(i.instance_memories == sums[k].memories);
        assert_true(i.instance_tables == sums[k].tables);
        assert_int_equal(sums[k].declared_memories, i.memory_count);
        assert_int_equal(sums[k].declared_tables, i.table_count);
        assert_true(i.is_exact);
        bhd_inspection_fini(&i);
    }
    bhd_host_free(host);
}

/* What an inspection says is enough is enough, and one byte less is not. */
static void the_smallest_limit_is_the_smallest_limit(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "basic/grow.wat",       "basic/big_initial.wat",         "basic/three_big_memories.wat",
        "component/nested.wat", "component/three_instances.wat", "wasi/print.wasm",
        "wasi/print.core.wasm",
    };
    bhd_host *host = guest_host_with(NULL);
    for (size_t k = 0; k < COUNT_OF(sources); k++) {
        bhd_inspection i = inspection_of(host, sources[k]);
        bhd_limits limits = guest_limits(i.minimum_max_bytes);
        bhd_component *component = guest_component(host, sources[k], &limits);
        bhd_sandbox *sandbox = guest_sandbox(component);
        assert_true(guest_metrics(sandbox).current_bytes ==
                    i.initial_memory_bytes + i.initial_heap_bytes);
        bhd_sandbox_free(sandbox);
        bhd_component_free(component);
        bhd_error error = BHD_ERROR_INIT;
        limits.max_memory_bytes--;
        component = NULL;
        bhd_status status = guest_try_component(host, sources[k], &limits, &component, &error);
        assert_true(status == BHD_COMPONENT_TOO_LARGE || status == BHD_LIMIT_TOO_LOW);
        assert_null(component);
        bhd_error_fini(&error);
        bhd_inspection_fini(&i);
    }
    bhd_host_free(host);
}

static void a_component_shows_its_interfaces_and_their_functions(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_inspection i = inspection_of(host, "component/imports_unknown.wat");
    assert_int_equal(BHD_KIND_COMPONENT, i.kind);
    static const char *const imports[] = {
        "acme:robots/arm@1.0.0",
        "acme:robots/arm@1.0.0#raise",
        "acme:robots/leg@1.0.0",
        "acme:robots/leg@1.0.0#kick",
        "launch",
    };
    assert_int_equal(COUNT_OF(imports), i.import_count);
    for (size_t k = 0; k < COUNT_OF(imports); k++)
        assert_string_equal(imports[k], i.imports[k].name);
    assert_string_equal("instance", i.imports[0].type);
    assert_string_equal("func(degrees: u32)", i.imports[1].type);
    assert_string_equal("func() -> bool", i.imports[4].type);
    assert_string_equal("wasi:cli/run@0.2.0#run", i.exports[1].name);
    assert_string_equal("func() -> result", i.exports[1].type);
    bhd_inspection_fini(&i);
    bhd_host_free(host);
}

static void what_may_not_run_can_be_inspected(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_inspection i = inspection_of(host, "basic/shared_memory.wat");
    assert_non_null(i.refusal);
    expect_in(i.refusal, "threads");
    assert_int_equal(1, i.memory_count);
    assert_true(i.memories[0].is_shared);
    bhd_inspection_fini(&i);
    i = inspection_of(host, "basic/memory64.wat");
    assert_non_null(i.refusal);
    assert_true(i.memories[0].is_64);
    bhd_inspection_fini(&i);
    i = inspection_of(host, "basic/custom_page_size.wat");
    assert_non_null(i.refusal);
    assert_true(i.memories[0].page_bytes == 1);
    assert_true(i.memories[0].minimum == 100 && i.memories[0].maximum == 1000);
    bhd_inspection_fini(&i);
    i = inspection_of(host, "basic/gc_heap.wat");
    assert_non_null(i.refusal);
    bhd_inspection_fini(&i);
    bhd_host_free(host);
}

static void names_are_escaped(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_inspection i = inspection_of(host, "basic/names.wat");
    for (size_t k = 0; k < i.export_count; k++)
        for (const char *c = i.exports[k].name; *c; c++)
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
    assert_string_equal("\\x1b[31mred\\x1b[0m", i.exports[1].name);
    bhd_inspection_fini(&i);
    bhd_host_free(host);
}

static void nonsense_cannot_be_inspected(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_inspection i = BHD_INSPECTION_INIT;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_COMPONENT_INVALID, bhd_inspect(host, "nonsense", 8, &i, &error), &error);
    expect_status(BHD_COMPONENT_INVALID, bhd_inspect(host, "\0asm\1\0\0\0\1", 9, &i, &error),
                  &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_inspect(NULL, "(module)", 8, &i, &error), &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_inspect(host, NULL, 8, &i, &error), &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_inspect(host, "(module)", 8, NULL, &error), &error);
    assert_int_equal(0, i.export_count);
    /* An inspection may be used again. */
    expect_ok(bhd_inspect(host, "(module (memory 3))", 19, &i, &error), &error);
    assert_true(i.initial_memory_bytes == PAGES(3));
    expect_ok(bhd_inspect(host, "(module (memory 4))", 19, &i, &error), &error);
    assert_true(i.initial_memory_bytes == PAGES(4));
    bhd_inspection_fini(&i);
    bhd_inspection_fini(&i);
    bhd_inspection_fini(NULL);
    bhd_error_fini(&error);
    bhd_host_free(host);
}

/* Small binaries can declare many; the sums count all of them. */
static void the_list_of_memories_and_tables_is_bounded(void **state)
{
    (void)state;
    enum { MODULES = 11, TABLES = 100 };
    const size_t capacity = MODULES * TABLES * 32 + 256;
    char *text = malloc(capacity);
    assert_non_null(text);
    bhd__text out;
    bhd__text_init(&out, text, capacity);
    bhd__text_add(&out, "(component");
    for (int m = 0; m < MODULES; m++) {
        bhd__text_add(&out, "(core module");
        for (int t = 0; t < TABLES; t++)
            bhd__text_add(&out, "(table 1 funcref)");
        bhd__text_add(&out, ")");
    }
    bhd__text_add(&out, ")");
    assert_true(out.length < capacity);
    bhd_host *host = guest_host();
    bhd_inspection i = inspection_of(host, text);
    assert_int_equal(1024, i.table_count);
    assert_int_equal(10, i.tables[1023].module);
    assert_int_equal(23, i.tables[1023].index);
    assert_int_equal(MODULES * TABLES - 1024, i.unlisted_count);
    assert_int_equal(0, i.instance_tables); /* nothing is instantiated */
    bhd_inspection_fini(&i);
    assert_int_equal(0, i.unlisted_count);
    bhd_host_free(host);
    free(text);
}

/* A few functions with long types, in each of many instances: what they are called is bounded
 * elsewhere, what they are must be here. */
static void texts_of_types_are_bounded(void **state)
{
    (void)state;
    enum { FUNCTIONS = 60, INSTANCES = 400 };
    static char name[3000];
    memset(name, 'n', sizeof name - 1);
    bomb_text t = {0};
    bomb_put(&t, "(component (type $t (instance ");
    for (unsigned i = 0; i < FUNCTIONS; i++)
        bomb_printf(&t, "(export \"e%u\" (func (param \"p-%s\" u32)))", i, name);
    bomb_put(&t, "))");
    for (unsigned i = 0; i < INSTANCES; i++)
        bomb_printf(&t, "(import \"i%u\" (instance (type $t)))", i);
    bomb_put(&t, ")");
    bhd_host *host = guest_host();
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_inspect(host, t.data, t.size, &inspection, &error), &error);
    assert_int_equal(INSTANCES * (FUNCTIONS + 1), inspection.import_count);
    size_t all = 0, cut = 0;
    for (size_t i = 0; i < inspection.import_count; i++) {
        size_t size = strlen(inspection.imports[i].type);
        all += size;
        cut += size > 4 && strcmp(inspection.imports[i].type + size - 4, " ...") == 0;
    }
    assert_in_range(all, MIB(4), MIB(4) + INSTANCES * FUNCTIONS * 68);
    assert_in_range(cut, 20000, INSTANCES * FUNCTIONS);
    expect_in(inspection.imports[1].type, "nnn: u32)");
    bhd_inspection_fini(&inspection);
    bomb_free(&t);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_types_are_bounded),
        cmocka_unit_test(a_module_shows_its_exports_with_types),
        cmocka_unit_test(imports_show_their_modules_and_types),
        cmocka_unit_test(memories_and_tables_are_summed),
        cmocka_unit_test(the_smallest_limit_is_the_smallest_limit),
        cmocka_unit_test(a_component_shows_its_interfaces_and_their_functions),
        cmocka_unit_test(what_may_not_run_can_be_inspected),
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(nonsense_cannot_be_inspected),
        cmocka_unit_test(the_list_of_memories_and_tables_is_bounded),
    };
    return cmocka_run_group_tests_name("inspection", tests, NULL, NULL);
}
