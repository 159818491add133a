/*
 * The list of statuses: pinned values, names, texts.
 */
#include "unit_test.h"

#include "bulkhead/status.h"

static const struct {
    bhd_status status;
    int value;
    const char *name, *text;
} pinned[] = {
    {BHD_OK, 0, "OK", "success"},
    {BHD_INVALID_ARGUMENT, 10, "INVALID_ARGUMENT", "invalid argument"},
    {BHD_HOST_OUT_OF_MEMORY, 11, "HOST_OUT_OF_MEMORY", "the host process is out of memory"},
    {BHD_INTERNAL, 12, "INTERNAL", "internal error"},
    {BHD_NOT_SUPPORTED, 13, "NOT_SUPPORTED", "not supported"},
    {BHD_LIMIT_MISSING, 20, "LIMIT_MISSING", "the memory limit is missing"},
    {BHD_LIMIT_TOO_LOW, 21, "LIMIT_TOO_LOW", "limit below the allowed range"},
    {BHD_LIMIT_TOO_HIGH, 22, "LIMIT_TOO_HIGH", "limit above the allowed range"},
    {BHD_LIMIT_INVALID, 23, "LIMIT_INVALID", "invalid limit"},
    {BHD_POLICY_INVALID, 24, "POLICY_INVALID", "invalid policy range"},
    {BHD_LIMIT_LOOSENED, 25, "LIMIT_LOOSENED", "a limit may be tightened, not loosened"},
    {BHD_FILE_NOT_FOUND, 30, "FILE_NOT_FOUND", "file not found"},
    {BHD_FILE_UNREADABLE, 31, "FILE_UNREADABLE", "file cannot be read"},
    {BHD_FILE_NOT_UTF8, 32, "FILE_NOT_UTF8", "file is not UTF-8 text"},
    {BHD_FILE_TOO_LARGE, 33, "FILE_TOO_LARGE", "file too large"},
    {BHD_MANIFEST_SYNTAX, 40, "MANIFEST_SYNTAX", "the manifest is not valid TOML"},
    {BHD_MANIFEST_INVALID, 41, "MANIFEST_INVALID", "invalid manifest"},
    {BHD_CONFIG_SYNTAX, 42, "CONFIG_SYNTAX", "the text is not valid TOML or JSON"},
    {BHD_COMPONENT_INVALID, 50, "COMPONENT_INVALID", "not a valid component"},
    {BHD_COMPONENT_UNSUPPORTED, 51, "COMPONENT_UNSUPPORTED",
     "the component uses a feature that is not allowed"},
    {BHD_COMPONENT_TOO_LARGE, 52, "COMPONENT_TOO_LARGE",
     "the component starts with more than its limit"},
    {BHD_IMPORT_UNKNOWN, 53, "IMPORT_UNKNOWN",
     "the component imports something that nobody provides"},
    {BHD_CAPABILITY_DENIED, 54, "CAPABILITY_DENIED",
     "the component needs a capability that it was not given"},
    {BHD_NO_COMPILER, 55, "NO_COMPILER", "the compiler cannot be started"},
    {BHD_COMPILER_FAILED, 56, "COMPILER_FAILED", "the compiler failed on the component"},
    {BHD_EXPORT_NOT_FOUND, 60, "EXPORT_NOT_FOUND", "no such export"},
    {BHD_SIGNATURE_MISMATCH, 61, "SIGNATURE_MISMATCH", "wrong number or types of arguments"},
    {BHD_SANDBOX_DEAD, 62, "SANDBOX_DEAD", "the sandbox has ended"},
    {BHD_OUT_OF_BOUNDS, 63, "OUT_OF_BOUNDS", "outside the sandbox's memory"},
    {BHD_BUSY, 64, "BUSY", "a call into the sandbox is under way"},
    {BHD_OUT_OF_MEMORY, 70, "OUT_OF_MEMORY", "out of memory"},
    {BHD_TIMEOUT, 71, "TIMEOUT", "out of time"},
    {BHD_OUT_OF_FUEL, 72, "OUT_OF_FUEL", "out of fuel"},
    {BHD_TRAP, 73, "TRAP", "trap"},
    {BHD_EXIT, 74, "EXIT", "the guest ended itself"},
    {BHD_CANCELLED, 75, "CANCELLED", "cancelled"},
    {BHD_NO_CAPACITY, 80, "NO_CAPACITY", "no capacity, try again"},
};

static void test_values_names_and_texts_are_pinned(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pinned); i++) {
        assert_int_equal(pinned[i].status, pinned[i].value);
        assert_string_equal(bhd_status_name(pinned[i].status), pinned[i].name);
        assert_string_equal(bhd_status_text(pinned[i].status), pinned[i].text);
    }
}

static void test_every_status_of_the_list_is_pinned_here(void **state)
{
    (void)state;
#define COUNT_ONE(identifier, value, text) +1
    assert_int_equal(COUNT_OF(pinned), 0 BHD_STATUS_MAP(COUNT_ONE));
#undef COUNT_ONE
}

static void test_values_are_different(void **state)
{
    (void)state;
    for (size_t i = 1; i < COUNT_OF(pinned); i++)
        assert_true(pinned[i - 1].value < pinned[i].value);
}

static void test_other_numbers_are_unknown(void **state)
{
    (void)state;
    static const int others[] = {1, 9, 14, 81, 1000, -1};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_string_equal(bhd_status_name((bhd_status)others[i]), "UNKNOWN");
        assert_string_equal(bhd_status_text((bhd_status)others[i]), "unknown status");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_names_and_texts_are_pinned),
        cmocka_unit_test(test_every_status_of_the_list_is_pinned_here),
        cmocka_unit_test(test_values_are_different),
        cmocka_unit_test(test_other_numbers_are_unknown),
    };
    return cmocka_run_group_tests_name("status map", tests, NULL, NULL);
}
