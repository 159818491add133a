/*
 * The memory part of the limits as text: what is written reads back as the same value, and what is
 * read obeys the manifest's rules in both languages.
 */
#include "unit_test.h"

#include "bulkhead/memory_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const bhd_policy widest = {BHD_POLICY_MIN_BYTES, BHD_POLICY_MAX_BYTES};
static const bhd_memory_config untouched = {11, 22, BHD_ON_EXCEED_TRAP};

typedef bhd_status (*reader)(const char *text, size_t length, const bhd_policy *policy,
                             bhd_memory_config *config, bhd_error *error);
typedef size_t (*writer)(const bhd_memory_config *config, char *buffer, size_t capacity);

static const struct {
    writer write;
    reader read;
} languages[] = {
    {bhd_memory_config_to_toml, bhd_memory_config_from_toml},
    {bhd_memory_config_to_json, bhd_memory_config_from_json},
};

static void expect_same(const bhd_memory_config *a, const bhd_memory_config *b)
{
    assert_true(a->max_bytes == b->max_bytes);
    assert_true(a->max_table_elements == b->max_table_elements);
    assert_int_equal(a->on_exceed, b->on_exceed);
}

/* -- there and back ---------------------------------------------------------------------------- */

static void check_round_trip(const bhd_memory_config *config)
{
    for (size_t i = 0; i < COUNT_OF(languages); i++) {
        char text[256];
        size_t length = languages[i].write(config, text, sizeof text);
        assert_true(length < sizeof text);
        assert_int_equal(strlen(text), length);
        bhd_memory_config read = untouched;
        bhd_error error = BHD_ERROR_INIT;
        bhd_status status = languages[i].read(text, length, &widest, &read, &error);
        if (status != BHD_OK)
            fail_msg("%s: %s", text, error.message);
        expect_same(&read, config);
    }
}

static void test_the_bounds_survive(void **state)
{
    (void)state;
    static const uint64_t bytes[] = {BHD_POLICY_MIN_BYTES, BHD_MIN_MEMORY_BYTES,
                                     BHD_MAX_MEMORY_BYTES, BHD_POLICY_MAX_BYTES};
    static const uint64_t elements[] = {0, 1, BHD_DEFAULT_TABLE_ELEMENTS, BHD_MAX_TABLE_ELEMENTS};
    for (size_t i = 0; i < COUNT_OF(bytes); i++)
        for (size_t j = 0; j < COUNT_OF(elements); j++)
            for (int k = 0; k < 2; k++) {
                bhd_memory_config config = {bytes[i], elements[j], (bhd_on_exceed)k};
                check_round_trip(&config);
            }
}

static void test_every_value_survives(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int round = 0; round < 20000; round++) {
        uint64_t numbers[3];
        for (size_t i = 0; i < COUNT_OF(numbers); i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            numbers[i] = seed >> 20;
        }
        uint64_t span = widest.max_memory_bytes - widest.min_memory_bytes + 1;
        bhd_memory_config config = {
            widest.min_memory_bytes + numbers[0] % span,
            numbers[1] % (BHD_MAX_TABLE_ELEMENTS + 1),
            numbers[2] & 8 ? BHD_ON_EXCEED_TRAP : BHD_ON_EXCEED_DENY,
        };
        check_round_trip(&config);
    }
}

static void test_the_text_is_as_documented(void **state)
{
    (void)state;
    const bhd_memory_config config = {2097152, 77, BHD_ON_EXCEED_TRAP};
    char text[256];
    bhd_memory_config_to_toml(&config, text, sizeof text);
    assert_string_equal(text, "[resources.memory]\n"
                              "max_bytes = 2097152\n"
                              "on_exceed = \"trap\"\n"
                              "max_table_elements = 77\n");
    bhd_memory_config_to_json(&config, text, sizeof text);
    assert_string_equal(
        text, "{\"max_bytes\": 2097152, \"on_exceed\": \"trap\", \"max_table_elements\": 77}");
}

static void test_writing_into_little_room_is_like_snprintf(void **state)
{
    (void)state;
    const bhd_memory_config config = {2097152, 77, BHD_ON_EXCEED_DENY};
    for (size_t i = 0; i < COUNT_OF(languages); i++) {
        char whole[256];
        size_t length = languages[i].write(&config, whole, sizeof whole);
        assert_int_equal(languages[i].write(&config, NULL, 0), length);
        for (size_t capacity = 1; capacity <= length + 1; capacity++) {
            char part[256];
            memset(part, '#', sizeof part);
            assert_int_equal(languages[i].write(&config, part, capacity), length);
            assert_int_equal(strlen(part), capacity - 1);
            assert_memory_equal(part, whole, capacity - 1);
            assert_int_equal(part[capacity], '#');
        }
    }
}

/* -- reading ----------------------------------------------------------------------------------- */

typedef struct good_case {
    const char *text;
    bhd_memory_config config;
} good_case;

static void check_good(reader read, const good_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bhd_memory_config config = untouched;
        bhd_error error = BHD_ERROR_INIT;
        if (read(cases[i].text, strlen(cases[i].text), NULL, &config, &error) != BHD_OK)
            fail_msg("%s: %s", cases[i].text, error.message);
        expect_same(&config, &cases[i].config);
    }
}

static void test_good_toml(void **state)
{
    (void)state;
    static const good_case cases[] = {
        {"[resources.memory]\nmax_bytes = 524288", {524288, 10000, BHD_ON_EXCEED_DENY}},
        {"resources.memory.max_bytes = \"4MiB\"\n", {4194304, 10000, BHD_ON_EXCEED_DENY}},
        {"resources = { memory = { max_bytes = 1_000_000, on_exceed = \"trap\" } }",
         {1000000, 10000, BHD_ON_EXCEED_TRAP}},
        {"# words\n[resources]\n[resources.memory]\nmax_table_elements = 0\nmax_bytes = 524288\n",
         {524288, 0, BHD_ON_EXCEED_DENY}},
    };
    check_good(bhd_memory_config_from_toml, cases, COUNT_OF(cases));
}

static void test_good_json(void **state)
{
    (void)state;
    static const good_case cases[] = {
        {"{\"max_bytes\": 524288}", {524288, 10000, BHD_ON_EXCEED_DENY}},
        {" { \"max_bytes\" : \"4 MiB\" } \n", {4194304, 10000, BHD_ON_EXCEED_DENY}},
        {"{\"on_exceed\":\"trap\",\"max_table_elements\":0,\"max_bytes\":1000000}",
         {1000000, 0, BHD_ON_EXCEED_TRAP}},
        {"{\"max\\u005fbytes\": 524288}", {524288, 10000, BHD_ON_EXCEED_DENY}},
    };
    check_good(bhd_memory_config_from_json, cases, COUNT_OF(cases));
}

typedef struct bad_case {
    const char *text;
    bhd_status status;
    const char *account; /* bhd_error_to_text without a source */
} bad_case;

static void check_bad(reader read, const bad_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bhd_memory_config config = untouched;
        bhd_error error = BHD_ERROR_INIT;
        char account[4096];
        bhd_status status = read(cases[i].text, strlen(cases[i].text), NULL, &config, &error);
        bhd_error_to_text(&error, NULL, account, sizeof account);
        if (status != cases[i].status || strcmp(account, cases[i].account) != 0)
            fail_msg("%s\n%s: %s", cases[i].text, bhd_status_name(status), account);
        assert_int_equal(error.code, status);
        expect_same(&config, &untouched);
        bhd_error_fini(&error);
    }
}

static void test_bad_toml(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"", BHD_MANIFEST_INVALID,
         "resources.memory: missing; the memory limit is mandatory on purpose, so that whoever "
         "ships "
         "a component thinks about what it needs (ADR-WASM-002); write a limit of 524288 to "
         "4194304 "
         "bytes (512 KiB to 4 MiB), for example:\n"
         "    [resources.memory]\n"
         "    max_bytes = 1_048_576  # 1 MiB\n"},
        {"[resources.memory]\nmax_bytes = 1\n", BHD_MANIFEST_INVALID,
         "2:13: resources.memory.max_bytes: 1 byte is below the allowed range of 524288 to "
         "4194304 "
         "bytes (512 KiB to 4 MiB); write at least 524288; this is the default range, and whoever "
         "runs the host may widen it\n"},
        {"max_bytes = 524288\n[component]\n", BHD_MANIFEST_INVALID,
         "1:1: max_bytes: unknown key; max_bytes belongs in [resources.memory]\n"
         "2:2: component: unknown table; only [resources.memory] belongs here\n"
         "resources.memory: missing; the memory limit is mandatory on purpose, so that whoever "
         "ships "
         "a component thinks about what it needs (ADR-WASM-002); write a limit of 524288 to "
         "4194304 "
         "bytes (512 KiB to 4 MiB), for example:\n"
         "    [resources.memory]\n"
         "    max_bytes = 1_048_576  # 1 MiB\n"},
        {"[resources.memory]\nmax_bytes = 524288\n[resources.cpu]\n", BHD_MANIFEST_INVALID,
         "3:12: resources.cpu: unknown table; [resources] has memory\n"},
        {"[resources.memory]\nmax_bytes = 524288\nmax_bytes = 524288\n", BHD_MANIFEST_INVALID,
         "3:1: resources.memory.max_bytes: given twice, first at 2:1; keep one\n"},
        {"[resources.memory]\nmax_bytes 524288\n", BHD_CONFIG_SYNTAX,
         "2:11: key with no value, expected `=`\n"},
        {"[resources.memory]\n# \xff\n", BHD_FILE_NOT_UTF8,
         "2:3: not UTF-8: the byte 0xff at offset 21 is not part of a character; save the text as "
         "UTF-8\n"},
    };
    check_bad(bhd_memory_config_from_toml, cases, COUNT_OF(cases));
}

static void test_bad_json(void **state)
{
    (void)state;
    static const bad_case cases[] = {
        {"{}", BHD_MANIFEST_INVALID,
         "max_bytes: missing; the memory limit is mandatory on purpose, so that whoever ships a "
         "component thinks about what it needs (ADR-WASM-002); write a limit of 524288 to 4194304 "
         "bytes (512 KiB to 4 MiB), for example:\n"
         "    {\"max_bytes\": 1048576}\n"},
        {"{\"max_bytes\": 4194305}", BHD_MANIFEST_INVALID,
         "max_bytes: 4194305 bytes is above the allowed range of 524288 to 4194304 bytes (512 KiB "
         "to 4 MiB); write at most 4194304; this is the default range, and whoever runs the host "
         "may widen it\n"},
        {"{\"max_bytes\": -1}", BHD_MANIFEST_INVALID,
         "max_bytes: -1 bytes is below the allowed range of 524288 to 4194304 bytes (512 KiB to 4 "
         "MiB); \"no limit\" cannot be expressed (ADR-WASM-002)\n"},
        {"{\"max_bytes\": 1048576.0}", BHD_MANIFEST_INVALID,
         "max_bytes: must be a whole number of bytes, or a string with KiB or MiB, not a float "
         "(1048576); write \"max_bytes\": 1048576\n"},
        {"{\"max_bytes\": null}", BHD_MANIFEST_INVALID,
         "max_bytes: must be a whole number of bytes, or a string with KiB or MiB, not null; write "
         "\"max_bytes\": 1048576\n"},
        {"{\"max_bytes\": true, \"on_exceed\": [\"deny\"], \"max_table_elements\": {\"a\": 1}}",
         BHD_MANIFEST_INVALID,
         "max_bytes: must be a whole number of bytes, or a string with KiB or MiB, not a boolean "
         "(true); write \"max_bytes\": 1048576\n"
         "on_exceed: must be \"deny\" (memory.grow gives -1) or \"trap\" (the guest ends there), "
         "not "
         "an array; write \"on_exceed\": \"deny\"\n"
         "max_table_elements: must be an integer from 0 to 1000000, not an object; write "
         "\"max_table_elements\": 10000\n"},
        {"{\"max_bytes\": \"1MB\", \"on_exceed\": \"kill\", \"max_table_elements\": 1000001}",
         BHD_MANIFEST_INVALID,
         "max_bytes: \"1MB\" is not a size; the units are KiB and MiB: write \"1MiB\" (1048576 "
         "bytes)\n"
         "on_exceed: \"kill\" is neither \"deny\" (memory.grow gives -1; the default) nor \"trap\" "
         "(the guest ends there)\n"
         "max_table_elements: 1000001 elements is above the allowed range of 0 to 1000000 "
         "elements; "
         "write at most 1000000\n"},
        {"{\"max_bytes\": false}", BHD_MANIFEST_INVALID,
         "max_bytes: must be a whole number of bytes, or a string with KiB or MiB, not a boolean "
         "(false); write \"max_bytes\": 1048576\n"},
        {"{\"max_bytes\": 524288, \"max_table_elements\": 100.0}", BHD_MANIFEST_INVALID,
         "max_table_elements: must be an integer from 0 to 1000000, not a float (100); write "
         "\"max_table_elements\": 100\n"},
        /* What is suggested instead is allowed. */
        {"{\"max_bytes\": 524288, \"max_table_elements\": 2e6}", BHD_MANIFEST_INVALID,
         "max_table_elements: must be an integer from 0 to 1000000, not a float (2000000); write "
         "\"max_table_elements\": 10000\n"},
        {"{\"max_bytes\": 524288, \"max_table_elements\": -1.0}", BHD_MANIFEST_INVALID,
         "max_table_elements: must be an integer from 0 to 1000000, not a float (-1); write "
         "\"max_table_elements\": 10000\n"},
        {"{\"max_bytes\": 524288, \"max_table_elements\": \"100\"}", BHD_MANIFEST_INVALID,
         "max_table_elements: must be an integer from 0 to 1000000, not a string (\"100\"); write "
         "\"max_table_elements\": 100\n"},
        {"{\"max_bytes\": 524288, \"max_table_elements\": \"2000000\"}", BHD_MANIFEST_INVALID,
         "max_table_elements: must be an integer from 0 to 1000000, not a string (\"2000000\"); "
         "write \"max_table_elements\": 10000\n"},
        {"{\"max_bytes\": 524288, \"max_table_elements\": \"1/\"}", BHD_MANIFEST_INVALID,
         "max_table_elements: must be an integer from 0 to 1000000, not a string (\"1/\"); write "
         "\"max_table_elements\": 10000\n"},
        {"{\"max_bytes\": 524288, \"max_table_elements\": \"1a\"}", BHD_MANIFEST_INVALID,
         "max_table_elements: must be an integer from 0 to 1000000, not a string (\"1a\"); write "
         "\"max_table_elements\": 10000\n"},
        {"{\"max_bytes\": 524288, \"on_exceed\": \"trip\"}", BHD_MANIFEST_INVALID,
         "on_exceed: \"trip\" is neither \"deny\" (memory.grow gives -1; the default) nor \"trap\" "
         "(the guest ends there); did you mean \"trap\"?\n"},
        {"{\"max_bytes\": 524288, \"colour\": \"red\"}", BHD_MANIFEST_INVALID,
         "colour: unknown key; known here are max_bytes, on_exceed, max_table_elements\n"},
        {"{\"max_byte\": 524288}", BHD_MANIFEST_INVALID,
         "max_byte: unknown key; did you mean max_bytes?\n"},
        {"{\"resources\": {\"memory\": {\"max_bytes\": 524288}}}", BHD_MANIFEST_INVALID,
         "resources: unknown key; known here are max_bytes, on_exceed, max_table_elements\n"
         "max_bytes: missing; the memory limit is mandatory on purpose, so that whoever ships a "
         "component thinks about what it needs (ADR-WASM-002); write a limit of 524288 to 4194304 "
         "bytes (512 KiB to 4 MiB), for example:\n"
         "    {\"max_bytes\": 1048576}\n"},
        {"{\"max_bytes\": 1,\n \"max_bytes\": 2}", BHD_MANIFEST_INVALID,
         "2:12: duplicate object key near '\"max_bytes\"'\n"},
        {"{\"max_bytes\": 99999999999999999999}", BHD_MANIFEST_INVALID,
         "1:34: too big integer near '99999999999999999999'\n"},
        {"[524288]", BHD_MANIFEST_INVALID,
         "the text must be one JSON object, for example {\"max_bytes\": 1048576}\n"},
        {"524288", BHD_MANIFEST_INVALID,
         "the text must be one JSON object, for example {\"max_bytes\": 1048576}\n"},
        {"", BHD_CONFIG_SYNTAX, "1:1: unexpected token near end of file\n"},
        {"{\n\"max_bytes\": 1,\n}", BHD_CONFIG_SYNTAX, "3:1: string or '}' expected near '}'\n"},
        {"{\"max_bytes\": 524288} x", BHD_CONFIG_SYNTAX, "1:23: end of file expected near 'x'\n"},
        {"{\"max_bytes\": 0x80000}", BHD_CONFIG_SYNTAX, "1:16: '}' expected near 'x'\n"},
        {"{\"a\": \"\x1b[31m\"}", BHD_CONFIG_SYNTAX, "1:7: control character 0x1b near '\"'\n"},
        {"{\"a\\u0000b\": 1}", BHD_CONFIG_SYNTAX,
         "1:11: NUL byte in object key not supported near '\"a\\\\u0000b\"'\n"},
        {"\xfe\xff", BHD_FILE_NOT_UTF8,
         "1:1: not UTF-8: the byte 0xfe at offset 0 is not part of a character; this looks like "
         "UTF-16: save the text as UTF-8\n"},
        {"\xff\xfe", BHD_FILE_NOT_UTF8,
         "1:1: not UTF-8: the byte 0xff at offset 0 is not part of a character; this looks like "
         "UTF-16: save the text as UTF-8\n"},
        {"{\"\xff\": 1}", BHD_FILE_NOT_UTF8,
         "1:3: not UTF-8: the byte 0xff at offset 2 is not part of a character; save the text as "
         "UTF-8\n"},
    };
    check_bad(bhd_memory_config_from_json, cases, COUNT_OF(cases));
}

static void test_a_policy_moves_the_range_in_both_languages(void **state)
{
    (void)state;
    const bhd_policy policy = {1048576, 8388608}, upside_down = {2, 1};
    for (size_t i = 0; i < COUNT_OF(languages); i++) {
        static const uint64_t bytes[] = {1048575, 1048576, 8388608, 8388609};
        static const bool good[] = {false, true, true, false};
        for (size_t j = 0; j < COUNT_OF(bytes); j++) {
            bhd_memory_config config = {bytes[j], 0, BHD_ON_EXCEED_DENY};
            char text[256];
            size_t length = languages[i].write(&config, text, sizeof text);
            bhd_error error = BHD_ERROR_INIT;
            bhd_status status = languages[i].read(text, length, &policy, &config, &error);
            assert_int_equal(status == BHD_OK, good[j]);
            assert_int_equal(bhd_memory_config_check(&config, &policy, NULL) == BHD_OK, good[j]);
            if (!good[j]) {
                assert_true(error.has_range);
                assert_int_equal(error.value, bytes[j]);
                assert_int_equal(error.range_minimum, policy.min_memory_bytes);
                assert_int_equal(error.range_maximum, policy.max_memory_bytes);
                assert_non_null(strstr(error.message, "whoever runs the host has set this range"));
            }
            assert_int_equal(languages[i].read(text, length, &upside_down, &config, &error),
                             BHD_POLICY_INVALID);
            bhd_error_fini(&error);
        }
    }
}

static void test_too_large_texts_are_not_read(void **state)
{
    (void)state;
    size_t size = 1048577;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size);
    for (size_t i = 0; i < COUNT_OF(languages); i++) {
        bhd_memory_config config = untouched;
        bhd_error error = BHD_ERROR_INIT;
        assert_int_equal(languages[i].read(text, size, NULL, &config, &error), BHD_FILE_TOO_LARGE);
        assert_string_equal(error.message, "too large: 1048577 bytes, at most 1048576 are read");
        bhd_error_fini(&error);
    }
    /* As deep and as full of mistakes as it may be. */
    static const char *const units[] = {"[", "{\"a\":", "[],", "\"a\":1,", "{}", "1,"};
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        for (size_t at = 0; at + strlen(units[i]) <= 131072; at += strlen(units[i]))
            memcpy(text + at, units[i], strlen(units[i]));
        bhd_memory_config config;
        assert_int_not_equal(bhd_memory_config_from_json(text, 131072, NULL, &config, NULL),
                             BHD_OK);
    }
    free(text);
}

static void test_check_obeys_the_rules_of_the_builder(void **state)
{
    (void)state;
    const bhd_memory_config good = {524288, 0, BHD_ON_EXCEED_TRAP};
    const bhd_memory_config bad[] = {
        {0, 0, BHD_ON_EXCEED_DENY},
        {524287, 0, BHD_ON_EXCEED_DENY},
        {UINT64_MAX, 0, BHD_ON_EXCEED_DENY},
        {524288, BHD_MAX_TABLE_ELEMENTS + 1, BHD_ON_EXCEED_DENY},
        {524288, 0, (bhd_on_exceed)7},
    };
    static const bhd_status expected[] = {BHD_LIMIT_TOO_LOW, BHD_LIMIT_TOO_LOW, BHD_LIMIT_TOO_HIGH,
                                          BHD_LIMIT_INVALID, BHD_LIMIT_INVALID};
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd_memory_config_check(&good, NULL, &error), BHD_OK);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(bhd_memory_config_check(&bad[i], NULL, &error), expected[i]);
    assert_int_equal(bhd_memory_config_check(NULL, NULL, &error), BHD_INVALID_ARGUMENT);
    bhd_error_fini(&error);
}

static void test_arguments_are_checked(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(languages); i++) {
        bhd_memory_config config = untouched;
        assert_int_equal(languages[i].read("", 0, NULL, NULL, NULL), BHD_INVALID_ARGUMENT);
        assert_int_equal(languages[i].read(NULL, 1, NULL, &config, NULL), BHD_INVALID_ARGUMENT);
        assert_int_not_equal(languages[i].read(NULL, 0, NULL, &config, NULL), BHD_OK);
        expect_same(&config, &untouched);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bounds_survive),
        cmocka_unit_test(test_every_value_survives),
        cmocka_unit_test(test_the_text_is_as_documented),
        cmocka_unit_test(test_writing_into_little_room_is_like_snprintf),
        cmocka_unit_test(test_good_toml),
        cmocka_unit_test(test_good_json),
        cmocka_unit_test(test_bad_toml),
        cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_a_policy_moves_the_range_in_both_languages),
        cmocka_unit_test(test_too_large_texts_are_not_read),
        cmocka_unit_test(test_check_obeys_the_rules_of_the_builder),
        cmocka_unit_test(test_arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
