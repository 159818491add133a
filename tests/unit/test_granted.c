/*
 * From what is asked for and what is granted to what a component has: directories as they are, the
 * process's variables, and everything that is denied at once.
 */
#include "unit_test.h"

#include "base/fail.h"
#include "grants/granted.h"
#include "grants/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/bulkhead-granted-XXXXXX";
static char inside[64], beside[64], file[64], nowhere[64], slashes[64];

static int make_tree(void **state)
{
    (void)state;
    if (mkdtemp(root) == NULL)
        return -1;
    snprintf(inside, sizeof inside, "%s/a", root);
    snprintf(beside, sizeof beside, "%s/ab", root);
    snprintf(file, sizeof file, "%s/f", root);
    snprintf(nowhere, sizeof nowhere, "%s/none", root);
    snprintf(slashes, sizeof slashes, "%s//a/../a/", root);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return mkdir(inside, 0700) || mkdir(beside, 0700) || fd < 0 || close(fd);
}

static int remove_tree(void **state)
{
    (void)state;
    return unlink(file) || rmdir(inside) || rmdir(beside) || rmdir(root);
}

static bhd_capabilities asks_for(const bhd_directory *directories, size_t count)
{
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.directories = directories;
    asked.directory_count = count;
    return asked;
}

static bhd_grants grants_one(const bhd_directory *directory)
{
    bhd_grants grants = BHD_GRANTS_INIT;
    grants.directories = directory;
    grants.directory_count = directory != NULL;
    return grants;
}

/* One directory against one grant, or none. */
static bhd_status compare(const char *host, bhd_access access, const bhd_directory *grant,
                          bhd_error *error)
{
    bhd_directory one = {host, "/", access};
    bhd_capabilities asked = asks_for(&one, 1);
    bhd_grants grants = grants_one(grant);
    bhd__granted granted;
    bhd_status status = bhd__granted_init(&granted, &asked, &grants, error);
    if (status == BHD_OK) {
        assert_true(bhd__descriptor_is(&granted.directories[0], granted.directories[0].number));
        bhd__granted_fini(&granted);
    }
    assert_null(granted.directories);
    assert_null(granted.block);
    return status;
}

static void test_a_directory_is_granted_with_what_is_below_it(void **state)
{
    (void)state;
    const bhd_directory all = {"/", NULL, BHD_ACCESS_READ};
    const bhd_directory a = {inside, NULL, BHD_ACCESS_READ};
    const bhd_directory above = {root, NULL, BHD_ACCESS_READ_WRITE};
    const bhd_directory gone = {nowhere, NULL, BHD_ACCESS_READ_WRITE};
    assert_int_equal(compare(inside, BHD_ACCESS_READ, &all, NULL), BHD_OK);
    assert_int_equal(compare(inside, BHD_ACCESS_READ, &a, NULL), BHD_OK);
    assert_int_equal(compare(slashes, BHD_ACCESS_READ, &a, NULL), BHD_OK);
    assert_int_equal(compare(inside, BHD_ACCESS_READ_WRITE, &above, NULL), BHD_OK);
    /* Neither a name that begins alike, nor what is above, nor another access. */
    assert_int_equal(compare(beside, BHD_ACCESS_READ, &a, NULL), BHD_CAPABILITY_DENIED);
    assert_int_equal(compare(root, BHD_ACCESS_READ, &a, NULL), BHD_CAPABILITY_DENIED);
    assert_int_equal(compare(inside, BHD_ACCESS_READ_WRITE, &a, NULL), BHD_CAPABILITY_DENIED);
    assert_int_equal(compare(inside, BHD_ACCESS_READ, &gone, NULL), BHD_CAPABILITY_DENIED);
}

/* Whether something is there, only somebody who has been granted anything may learn. */
static void test_what_is_not_there(void **state)
{
    (void)state;
    const bhd_directory above = {root, NULL, BHD_ACCESS_READ};
    bhd_error error = BHD_ERROR_INIT;
    char expected[256];
    assert_int_equal(compare(nowhere, BHD_ACCESS_READ, NULL, NULL), BHD_CAPABILITY_DENIED);
    assert_int_equal(compare(nowhere, BHD_ACCESS_READ, &above, &error), BHD_FILE_NOT_FOUND);
    snprintf(expected, sizeof expected,
             "the component asks for the directory %s (capabilities.directories), which cannot be "
             "opened: No such file or directory",
             nowhere);
    assert_string_equal(error.message, expected);
    assert_int_equal(compare(nowhere, BHD_ACCESS_READ, &above, NULL), BHD_FILE_NOT_FOUND);
    assert_int_equal(compare(file, BHD_ACCESS_READ, &above, &error), BHD_FILE_UNREADABLE);
    assert_non_null(strstr(error.message, "cannot be opened: Not a directory"));
    bhd_error_fini(&error);
}

static void test_a_process_with_too_many_open_files(void **state)
{
    (void)state;
    const bhd_directory above = {root, NULL, BHD_ACCESS_READ};
    bhd_error error = BHD_ERROR_INIT;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    bhd_status status = compare(inside, BHD_ACCESS_READ, &above, &error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(status, BHD_NO_CAPACITY);
    assert_non_null(strstr(error.message, "cannot be opened: Too many open files"));
    bhd_error_fini(&error);
}

/* What could not be opened does not hide what is denied, and all of that is told. */
static void test_everything_that_is_denied_is_told(void **state)
{
    (void)state;
    const bhd_directory a = {inside, NULL, BHD_ACCESS_READ};
    const bhd_directory wanted[] = {
        {inside, "/a", BHD_ACCESS_READ},
        {beside, "/b", BHD_ACCESS_READ_WRITE},
        {nowhere, "/c", BHD_ACCESS_READ},
    };
    bhd_capabilities asked = asks_for(wanted, COUNT_OF(wanted));
    bhd_grants grants = grants_one(&a);
    bhd__granted granted;
    bhd_error error = BHD_ERROR_INIT;
    asked.clocks = true;
    assert_int_equal(bhd__granted_init(&granted, &asked, &grants, &error), BHD_CAPABILITY_DENIED);
    assert_int_equal(error.diagnostic_count, 2);
    assert_string_equal(error.diagnostics[0].key, "capabilities.clocks");
    assert_string_equal(error.diagnostics[1].key, "capabilities.directories");
    char option[128];
    snprintf(option, sizeof option, "grant it with --allow-dir=%s:rw,", beside);
    assert_non_null(strstr(error.diagnostics[1].message, option));
    bhd_error_fini(&error);
    grants.everything = true;
    assert_int_equal(bhd__granted_init(&granted, &asked, &grants, &error), BHD_FILE_NOT_FOUND);
    assert_int_equal(error.diagnostic_count, 0);
    bhd_error_fini(&error);
}

static void test_variables_have_the_process_s_values(void **state)
{
    (void)state;
    const bhd_variable env[] = {
        {"BHD_TEST_SET", NULL}, {"BHD_TEST_OWN", "own"}, {"BHD_TEST_UNSET", NULL}};
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    bhd_grants grants = BHD_GRANTS_INIT;
    bhd__granted first, second;
    bhd_error error = BHD_ERROR_INIT;
    asked.env = env;
    asked.env_count = COUNT_OF(env);
    grants.everything = true;
    setenv("BHD_TEST_SET", "set", 1);
    unsetenv("BHD_TEST_UNSET");
    assert_int_equal(bhd__granted_init(&first, &asked, &grants, &error), BHD_OK);
    setenv("BHD_TEST_SET", "other", 1);
    assert_string_equal(first.capabilities.env[0].value, "set");
    assert_string_equal(first.capabilities.env[1].value, "own");
    assert_null(first.capabilities.env[2].value);
    /* Nobody else has the number, in whatever place. */
    assert_int_equal(bhd__granted_init(&second, &asked, &grants, &error), BHD_OK);
    assert_int_not_equal(first.number, second.number);
    bhd__granted_fini(&first);
    bhd__granted_fini(&second);

    setenv("BHD_TEST_SET", "\xff", 1);
    assert_int_equal(bhd__granted_init(&first, &asked, &grants, &error), BHD_INVALID_ARGUMENT);
    assert_string_equal(error.message,
                        "the variable BHD_TEST_SET (capabilities.env, --allow-env) has a value "
                        "that is not UTF-8 text, which a component cannot be given");
    asked.env_count = BHD__CAPABILITY_ENTRIES_MAX + 1;
    assert_int_equal(bhd__granted_init(&first, &asked, &grants, &error), BHD_INVALID_ARGUMENT);
    bhd_error_fini(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_directory_is_granted_with_what_is_below_it),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_a_process_with_too_many_open_files),
        cmocka_unit_test(test_everything_that_is_denied_is_told),
        cmocka_unit_test(test_variables_have_the_process_s_values),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
