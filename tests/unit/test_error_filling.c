/*
 * Filling and emptying a bhd_error: replacement, parts, and what happens without memory.
 */
#include "unit_test.h"

#include "base/alloc.h"
#include "base/fail.h"

#include <errno.h>
#include <stdio.h>

static const bhd_error initial = BHD_ERROR_INIT;

static void assert_initial(const bhd_error *error)
{
    assert_int_equal(error->code, BHD_OK);
    assert_string_equal(error->message, "");
    assert_false(error->has_range);
    assert_int_equal(error->value, 0);
    assert_int_equal(error->range_minimum, 0);
    assert_int_equal(error->range_maximum, 0);
    assert_null(error->diagnostics);
    assert_int_equal(error->diagnostic_count, 0);
    assert_null(error->out_of_memory);
    assert_null(error->frames);
    assert_int_equal(error->frame_count, 0);
}

/* An error with everything in it. */
static void fill(bhd_error *error)
{
    assert_int_equal(bhd__fail(error, BHD_TRAP, "trap %d", 1), BHD_TRAP);
    bhd__error_range(error, 5, 1, 4);
    bhd__error_diagnostic(error, 1, 2, "a.b", "wrong");
    bhd__error_diagnostic(error, 3, 4, "", "wrong too");
    if (bhd__error_frame(error, "f", "m", 7, 70))
        bhd__error_frame_line(error, "f.c", 9);
    bhd__error_frame(error, NULL, NULL, 8, SIZE_MAX);
    bhd_out_of_memory *account = bhd__error_out_of_memory(error);
    if (account != NULL)
        account->requested = 9;
}

static void test_fail_without_an_error_returns_the_code(void **state)
{
    (void)state;
    uint64_t count = bhd__alloc_count();
    assert_int_equal(bhd__fail(NULL, BHD_TIMEOUT, "%s", "x"), BHD_TIMEOUT);
    assert_int_equal(bhd__fail_no_memory(NULL), BHD_HOST_OUT_OF_MEMORY);
    bhd__error_range(NULL, 1, 2, 3);
    bhd__error_diagnostic(NULL, 1, 1, "k", "m");
    assert_false(bhd__error_frame(NULL, "f", "m", 1, 1));
    bhd__error_frame_line(NULL, "f.c", 1);
    assert_null(bhd__error_out_of_memory(NULL));
    bhd__error_out_of_memory_message(NULL);
    bhd_error_fini(NULL);
    assert_int_equal(bhd__alloc_count(), count);
}

static void test_fail_formats_code_and_message(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd__fail(&error, BHD_TRAP, "%s at %d", "here", 42), BHD_TRAP);
    assert_int_equal(error.code, BHD_TRAP);
    assert_string_equal(error.message, "here at 42");
    bhd_error_fini(&error);
}

static void test_a_long_message_ends_in_dots(void **state)
{
    (void)state;
    char long_text[2 * BHD_MESSAGE_SIZE];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd__fail(&error, BHD_TRAP, "%s", long_text), BHD_TRAP);
    assert_int_equal(strlen(error.message), BHD_MESSAGE_SIZE - 1);
    assert_string_equal(error.message + BHD_MESSAGE_SIZE - 5, "x...");
    /* One byte less than the room is whole. */
    assert_int_equal(bhd__fail(&error, BHD_TRAP, "%.*s", BHD_MESSAGE_SIZE - 1, long_text),
                     BHD_TRAP);
    assert_string_equal(error.message + BHD_MESSAGE_SIZE - 5, "xxxx");
    bhd_error_fini(&error);
}

static void test_fail_replaces_everything_that_was_there(void **state)
{
    (void)state;
    uint64_t live = bhd__alloc_live();
    bhd_error error = BHD_ERROR_INIT;
    fill(&error);
    assert_true(bhd__alloc_live() > live);
    assert_int_equal(bhd__fail(&error, BHD_OUT_OF_FUEL, "second"), BHD_OUT_OF_FUEL);
    assert_int_equal(bhd__alloc_live(), live);
    assert_string_equal(error.message, "second");
    error.message[0] = '\0';
    error.code = BHD_OK;
    assert_initial(&error);
}

static void test_fail_may_quote_what_the_error_held(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    fill(&error);
    assert_int_equal(bhd__fail(&error, BHD_INTERNAL, "outer: %s, %s, %s", error.message,
                               error.diagnostics[0].key, error.frames[0].function),
                     BHD_INTERNAL);
    assert_string_equal(error.message, "outer: trap 1, a.b, f");
    bhd_error_fini(&error);
}

static void test_no_memory_has_one_text_and_allocates_nothing(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    uint64_t count = bhd__alloc_count();
    assert_int_equal(bhd__fail_no_memory(&error), BHD_HOST_OUT_OF_MEMORY);
    assert_int_equal(error.code, BHD_HOST_OUT_OF_MEMORY);
    assert_string_equal(error.message, "the host process is out of memory");
    assert_int_equal(bhd__alloc_count(), count);
}

static void test_parts_are_stored(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    fill(&error);
    assert_true(error.has_range);
    assert_int_equal(error.value, 5);
    assert_int_equal(error.range_minimum, 1);
    assert_int_equal(error.range_maximum, 4);
    assert_int_equal(error.diagnostic_count, 2);
    assert_int_equal(error.diagnostics[0].line, 1);
    assert_int_equal(error.diagnostics[0].column, 2);
    assert_string_equal(error.diagnostics[0].key, "a.b");
    assert_string_equal(error.diagnostics[0].message, "wrong");
    assert_string_equal(error.diagnostics[1].key, "");
    assert_int_equal(error.frame_count, 2);
    assert_string_equal(error.frames[0].function, "f");
    assert_string_equal(error.frames[0].module, "m");
    assert_int_equal(error.frames[0].function_index, 7);
    assert_int_equal(error.frames[0].module_offset, 70);
    assert_null(error.frames[1].function);
    assert_null(error.frames[1].module);
    assert_int_equal(error.out_of_memory->requested, 9);
    assert_int_equal(error.out_of_memory->limit, 0);
    bhd_error_fini(&error);
}

static void test_parts_keep_their_order_when_there_are_many(void **state)
{
    (void)state;
    uint64_t live = bhd__alloc_live();
    bhd_error error = BHD_ERROR_INIT;
    for (uint32_t i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%u", i);
        bhd__error_diagnostic(&error, i, i + 1, key, "m");
        bhd__error_frame(&error, key, NULL, i, i);
    }
    assert_int_equal(error.diagnostic_count, 1000);
    assert_int_equal(error.frame_count, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%u", i);
        assert_int_equal(error.diagnostics[i].line, i);
        assert_string_equal(error.diagnostics[i].key, key);
        assert_string_equal(error.frames[i].function, key);
    }
    bhd_error_fini(&error);
    assert_int_equal(bhd__alloc_live(), live);
}

static void test_parts_are_copies(void **state)
{
    (void)state;
    char key[] = "key", message[] = "message", function[] = "function";
    bhd_error error = BHD_ERROR_INIT;
    bhd__error_diagnostic(&error, 1, 1, key, message);
    bhd__error_frame(&error, function, function, 1, 1);
    key[0] = message[0] = function[0] = '?';
    assert_string_equal(error.diagnostics[0].key, "key");
    assert_string_equal(error.diagnostics[0].message, "message");
    assert_string_equal(error.frames[0].module, "function");
    bhd_error_fini(&error);
}

static void test_a_second_account_replaces_the_first(void **state)
{
    (void)state;
    uint64_t live = bhd__alloc_live();
    bhd_error error = BHD_ERROR_INIT;
    bhd__error_out_of_memory(&error)->requested = 1;
    bhd_out_of_memory *second = bhd__error_out_of_memory(&error);
    assert_ptr_equal(error.out_of_memory, second);
    assert_int_equal(second->requested, 0);
    assert_int_equal(bhd__alloc_live(), live + 1);
    bhd_error_fini(&error);
}

static void test_fini_makes_it_as_initialised_and_may_be_repeated(void **state)
{
    (void)state;
    uint64_t live = bhd__alloc_live();
    bhd_error error = BHD_ERROR_INIT;
    fill(&error);
    bhd_error_fini(&error);
    assert_initial(&error);
    bhd_error_fini(&error);
    assert_initial(&error);
    bhd_error zeroed;
    memset(&zeroed, 0, sizeof zeroed);
    bhd_error_fini(&zeroed);
    assert_initial(&zeroed);
    assert_initial(&initial);
    assert_int_equal(bhd__alloc_live(), live);
}

static void test_without_memory_code_and_message_stay_and_nothing_leaks(void **state)
{
    (void)state;
    uint64_t live = bhd__alloc_live(), before = bhd__alloc_count();
    bhd_error error = BHD_ERROR_INIT;
    fill(&error);
    bhd_error_fini(&error);
    uint64_t needed = bhd__alloc_count() - before;
    assert_true(needed >= 10);
    for (int onwards = 0; onwards <= 1; onwards++)
        for (uint64_t nth = 1; nth <= needed; nth++) {
            bhd__alloc_fail_at(nth, onwards);
            fill(&error);
            bhd__alloc_fail_at(0, 0);
            assert_int_equal(error.code, BHD_TRAP);
            assert_string_equal(error.message, "trap 1");
            assert_true(error.diagnostic_count <= 2);
            for (size_t i = 0; i < error.diagnostic_count; i++)
                assert_non_null(error.diagnostics[i].message);
            size_t parts = error.diagnostic_count + error.frame_count;
            parts += error.out_of_memory != NULL;
            for (size_t i = 0; i < error.frame_count; i++) {
                bool has_file = error.frames[i].file != NULL;
                assert_int_equal(has_file ? 9 : 0, error.frames[i].line);
                parts += has_file;
            }
            assert_true(parts < 6);
            bhd_error_fini(&error);
            assert_int_equal(bhd__alloc_live(), live);
        }
}

static void test_kinds_of_memory_have_texts(void **state)
{
    (void)state;
    assert_string_equal(bhd_memory_kind_text(BHD_MEMORY_LINEAR), "linear memory");
    assert_string_equal(bhd_memory_kind_text(BHD_MEMORY_GC_HEAP), "GC heap");
    assert_string_equal(bhd_memory_kind_text(BHD_MEMORY_TABLE), "table");
    assert_string_equal(bhd_memory_kind_text(BHD_MEMORY_INITIAL), "initial memory");
    assert_string_equal(bhd_memory_kind_text((bhd_memory_kind)99), "memory");
}

static void test_every_errno_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(bhd__errno_text(ENOENT), "No such file or directory");
    assert_string_equal(bhd__errno_text(-1), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_without_an_error_returns_the_code),
        cmocka_unit_test(test_fail_formats_code_and_message),
        cmocka_unit_test(test_a_long_message_ends_in_dots),
        cmocka_unit_test(test_fail_replaces_everything_that_was_there),
        cmocka_unit_test(test_fail_may_quote_what_the_error_held),
        cmocka_unit_test(test_no_memory_has_one_text_and_allocates_nothing),
        cmocka_unit_test(test_parts_are_stored),
        cmocka_unit_test(test_parts_keep_their_order_when_there_are_many),
        cmocka_unit_test(test_parts_are_copies),
        cmocka_unit_test(test_a_second_account_replaces_the_first),
        cmocka_unit_test(test_fini_makes_it_as_initialised_and_may_be_repeated),
        cmocka_unit_test(test_without_memory_code_and_message_stay_and_nothing_leaks),
        cmocka_unit_test(test_kinds_of_memory_have_texts),
        cmocka_unit_test(test_every_errno_has_a_text),
    };
    return cmocka_run_group_tests_name("error filling", tests, NULL, NULL);
}
