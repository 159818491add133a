/*
 * A snapshot as JSON and as text, letter by letter, and against the list they are made from.
 */
#include "unit_test.h"

#include "bulkhead/metrics.h"

#include <jansson.h>

static const bhd_memory_metrics sample = {
    .current_bytes = 983040,
    .peak_bytes = 1048576,
    .max_bytes = 1572864,
    .remaining_bytes = 589824,
    .usage_percent = 62.5,
    .peak_percent = 66.666666,
    .growth_count = 14,
    .denied_count = 3,
    .table_elements = 12,
    .above_threshold = true,
    .timestamp_ns = UINT64_C(1769903999123456789),
    .timestamp = "2026-01-31T23:59:59.123456789Z",
};

static void test_json_golden(void **state)
{
    (void)state;
    static const char expected[] =
        "{\"current_bytes\":983040,\"peak_bytes\":1048576,\"max_bytes\":1572864,"
        "\"remaining_bytes\":589824,\"usage_percent\":62.5,\"peak_percent\":66.67,"
        "\"growth_count\":14,\"denied_count\":3,\"table_elements\":12,\"above_threshold\":true,"
        "\"timestamp_ns\":1769903999123456789,\"timestamp\":\"2026-01-31T23:59:59.123456789Z\"}";
    char buffer[1024];
    assert_int_equal(bhd_memory_metrics_to_json(&sample, buffer, sizeof buffer), strlen(expected));
    assert_string_equal(buffer, expected);
}

static void test_json_of_nothing(void **state)
{
    (void)state;
    static const bhd_memory_metrics nothing;
    char buffer[1024];
    bhd_memory_metrics_to_json(&nothing, buffer, sizeof buffer);
    assert_string_equal(buffer, "{\"current_bytes\":0,\"peak_bytes\":0,\"max_bytes\":0,"
                                "\"remaining_bytes\":0,\"usage_percent\":0,\"peak_percent\":0,"
                                "\"growth_count\":0,\"denied_count\":0,\"table_elements\":0,"
                                "\"above_threshold\":false,\"timestamp_ns\":0,\"timestamp\":\"\"}");
}

/* Every field of the list is there, with its value and type, for another reader of JSON. */
static void test_json_has_every_field_of_the_list(void **state)
{
    (void)state;
    char buffer[1024];
    bhd_memory_metrics_to_json(&sample, buffer, sizeof buffer);
    json_t *object = json_loads(buffer, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    size_t fields = 1;
#define SEE_U64(field)                                                                             \
    assert_true(json_is_integer(json_object_get(object, #field)));                                 \
    assert_true((uint64_t)json_integer_value(json_object_get(object, #field)) ==                   \
                (uint64_t)sample.field);
#define SEE_PERCENT(field)                                                                         \
    double written_##field = json_number_value(json_object_get(object, #field));                   \
    assert_true(written_##field - (double)sample.field < 0.0051);                                  \
    assert_true((double)sample.field - written_##field < 0.0051);
#define SEE_BOOL(field) assert_true(json_is_true(json_object_get(object, #field)) == sample.field);
#define SEE_FIELD(c_type, field, kind, unit, what) SEE_##kind(field) fields++;
    BHD_MEMORY_METRICS_MAP(SEE_FIELD)
    assert_string_equal(json_string_value(json_object_get(object, "timestamp")), sample.timestamp);
    assert_int_equal(json_object_size(object), fields);
    json_decref(object);
}

static void test_text_golden(void **state)
{
    (void)state;
    static const char expected[] = "current          960.0 KiB (983040 bytes)\n"
                                   "peak             1.0 MiB (1048576 bytes)\n"
                                   "max              1.5 MiB (1572864 bytes)\n"
                                   "remaining        576.0 KiB (589824 bytes)\n"
                                   "usage percent    62.5 %\n"
                                   "peak percent     66.67 %\n"
                                   "growth count     14\n"
                                   "denied count     3\n"
                                   "table elements   12\n"
                                   "above threshold  yes\n"
                                   "timestamp        2026-01-31T23:59:59.123456789Z\n";
    char buffer[1024];
    assert_int_equal(bhd_memory_metrics_to_text(&sample, buffer, sizeof buffer), strlen(expected));
    assert_string_equal(buffer, expected);
}

static void test_text_has_one_line_for_each_field(void **state)
{
    (void)state;
    char buffer[1024];
    bhd_memory_metrics_to_text(&sample, buffer, sizeof buffer);
    size_t lines = 0, expected = 0;
    for (const char *at = buffer; *at != '\0'; at++)
        lines += *at == '\n';
#define COUNT_FIELD(c_type, field, kind, unit, what) expected++;
    BHD_MEMORY_METRICS_MAP(COUNT_FIELD)
    assert_int_equal(lines, expected);
}

static void test_text_of_sizes_is_rounded_down_and_exact(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *line;
    } cases[] = {
        {0, "current          0 bytes\n"},
        {1, "current          1 byte\n"},
        {1023, "current          1023 bytes\n"},
        {1024, "current          1.0 KiB (1024 bytes)\n"},
        {1048575, "current          1023.9 KiB (1048575 bytes)\n"},
        {1114112, "current          1.0 MiB (1114112 bytes)\n"},
        {UINT64_MAX, "current          17592186044415.9 MiB (18446744073709551615 bytes)\n"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bhd_memory_metrics metrics = sample;
        metrics.current_bytes = cases[i].bytes;
        char buffer[1024];
        bhd_memory_metrics_to_text(&metrics, buffer, sizeof buffer);
        assert_memory_equal(buffer, cases[i].line, strlen(cases[i].line));
    }
}

static void test_both_behave_like_snprintf(void **state)
{
    (void)state;
    static size_t (*const writers[])(const bhd_memory_metrics *, char *, size_t) = {
        bhd_memory_metrics_to_json, bhd_memory_metrics_to_text};
    for (size_t w = 0; w < COUNT_OF(writers); w++) {
        char whole[1024], part[1024];
        size_t length = writers[w](&sample, whole, sizeof whole);
        assert_int_equal(writers[w](&sample, NULL, 0), length);
        for (size_t capacity = 1; capacity <= length + 1; capacity++) {
            memset(part, '#', sizeof part);
            assert_int_equal(writers[w](&sample, part, capacity), length);
            assert_int_equal(strlen(part), capacity - 1);
            assert_memory_equal(part, whole, capacity - 1);
            assert_int_equal(part[capacity], '#');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_golden),
        cmocka_unit_test(test_json_of_nothing),
        cmocka_unit_test(test_json_has_every_field_of_the_list),
        cmocka_unit_test(test_text_golden),
        cmocka_unit_test(test_text_has_one_line_for_each_field),
        cmocka_unit_test(test_text_of_sizes_is_rounded_down_and_exact),
        cmocka_unit_test(test_both_behave_like_snprintf),
    };
    return cmocka_run_group_tests_name("metrics text", tests, NULL, NULL);
}
