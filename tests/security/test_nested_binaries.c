/*
 * Components and types inside one another: readers recur there, so how deep is bounded before
 * anything else looks at a binary, and so is how much text is translated. What is just allowed is
 * compiled.
 */
#include "support/bomb_bytes.h"
#include "support/hostile.h"

#include <stdlib.h>

static bhd_status load(bhd_host *host, const bomb_text *binary, bhd_error *error)
{
    bhd_component *component = NULL;
    bhd_component_options options = {
        .size = sizeof options, .name = "nested", .limits = guest_limits(MIB(1))};
    bhd_status status =
        bhd_component_new(host, &options, binary->data, binary->size, &component, error);
    bhd_component_free(component);
    return status;
}

static void expect_too_deep(bhd_host *host, bomb_text *binary)
{
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_COMPONENT_TOO_LARGE, load(host, binary, &error), &error);
    expect_in(error.message, "nested more than 100 deep");
    bhd_error_fini(&error);
    bomb_free(binary);
}

static void expect_allowed(bhd_host *host, bomb_text *binary)
{
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(load(host, binary, &error), &error);
    bhd_error_fini(&error);
    bomb_free(binary);
}

/* Instance types in instance types: the engine's reader recurs, and ended the process. */
static void types_nested_without_end_are_refused(void **state)
{
    static const unsigned depths[] = {120, 100000, 5000000};
    (void)state;
    bhd_host *host = guest_host();
    for (size_t i = 0; i < COUNT_OF(depths); i++) {
        bomb_text binary = {0}, types = {0};
        for (unsigned k = 0; k < depths[i]; k++)
            bomb_bytes(&types, "\x42\1\1", 3);
        bomb_bytes(&types, "\x42\0", 2);
        bomb_component_header(&binary);
        bomb_vector(&binary, 7, 1, &types);
        expect_too_deep(host, &binary);
    }
    bhd_host_free(host);
}

/* Made from the innermost on, from the end of a buffer. */
static bomb_text nested_components(unsigned depth)
{
    bomb_text header = {0}, whole = {0};
    bomb_component_header(&header);
    size_t capacity = (size_t)depth * 13 + header.size, at = capacity - header.size;
    char *data = malloc(capacity);
    assert_non_null(data);
    memcpy(data + at, header.data, header.size);
    for (unsigned k = 0; k < depth; k++) {
        bomb_text begin = {0};
        bomb_component_header(&begin);
        bomb_byte(&begin, 4);
        bomb_number(&begin, capacity - at);
        at -= begin.size;
        memcpy(data + at, begin.data, begin.size);
        bomb_free(&begin);
    }
    bomb_bytes(&whole, data + at, capacity - at);
    free(data);
    bomb_free(&header);
    return whole;
}

/* 20,000 of them took 36 s and 8 GB. */
static void components_nested_without_end_are_refused(void **state)
{
    static const unsigned depths[] = {100, 20000};
    (void)state;
    bhd_host *host = guest_host();
    for (size_t i = 0; i < COUNT_OF(depths); i++) {
        bomb_text binary = nested_components(depths[i]);
        expect_too_deep(host, &binary);
    }
    bhd_host_free(host);
}

/* As deep as it may be, and types that share their parts. */
static void what_is_allowed_compiles(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bomb_text binary = nested_components(99);
    expect_allowed(host, &binary);
    bomb_put(&binary, "(component (type $t0 (tuple string string))");
    for (unsigned i = 1; i < 12; i++)
        bomb_printf(&binary, "(type $t%u (tuple $t%u $t%u))", i, i - 1, i - 1);
    bomb_put(&binary, ")");
    expect_allowed(host, &binary);
    bhd_host_free(host);
}

/* It takes fifty times its size in memory. */
static void text_above_a_mebibyte_is_refused(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_error error = BHD_ERROR_INIT;
    bomb_text text = {0};
    bomb_put(&text, "(module)");
    while (text.size < MIB(1) + 1)
        bomb_put(&text, " ");
    expect_status(BHD_FILE_TOO_LARGE, load(host, &text, &error), &error);
    expect_in(error.message,
              "it has 1048577 bytes, and at most 1048576 are translated here; make a "
              "binary of it first");
    bhd_error_fini(&error);
    text.size--;
    expect_allowed(host, &text);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_nested_without_end_are_refused),
        cmocka_unit_test(components_nested_without_end_are_refused),
        cmocka_unit_test(what_is_allowed_compiles),
        cmocka_unit_test(text_above_a_mebibyte_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
