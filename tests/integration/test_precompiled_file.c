/*
 * The file of a component that was compiled before: how it comes to be, and what it never replaces.
 */
#include "support/precompiled_kit.h"

#include "base/alloc.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void not_written(bhd_host *host, const char *path, bhd_status wanted, const char *part)
{
    bhd_error error = BHD_ERROR_INIT;
    expect_status(wanted, bhd_precompile(host, NULL, "(module)", 8, path, &error), &error);
    expect_in(error.message, part);
    bhd_error_fini(&error);
}

static size_t files_there(void)
{
    size_t count = 0;
    DIR *d = opendir(precompiled_directory());
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    assert_int_equal(closedir(d), 0);
    return count;
}

static void a_file_is_new_and_the_users_alone(void **state)
{
    (void)state;
    struct stat first, second;
    precompiled_path p = precompiled_place("new");
    mode_t before = umask(0);
    precompiled_make("(module)", false, p.path);
    (void)umask(0777);
    assert_int_equal(stat(p.path, &first), 0);
    assert_int_equal(first.st_mode, S_IFREG | 0400);
    /* What was there is replaced, not written into: whoever has it open goes on with it. */
    int file = open(p.path, O_RDONLY | O_CLOEXEC);
    precompiled_make("(module (func))", false, p.path);
    (void)umask(before);
    assert_int_equal(stat(p.path, &second), 0);
    assert_int_equal(second.st_mode, S_IFREG | 0400);
    assert_int_not_equal(first.st_ino, second.st_ino);
    assert_int_equal(fstat(file, &second), 0);
    assert_int_equal(first.st_size, second.st_size);
    assert_int_equal(second.st_nlink, 0);
    assert_int_equal(close(file), 0);
    assert_int_equal(files_there(), 1);
    assert_int_equal(unlink(p.path), 0);
}

static void only_a_file_of_the_user_is_replaced(void **state)
{
    (void)state;
    struct stat about;
    bhd_host *host = guest_host();
    precompiled_path p = precompiled_place("there"), target = precompiled_place("target"),
                     below = precompiled_place("no/x");
    char slash[300];
    not_written(host, precompiled_directory(), BHD_INVALID_ARGUMENT,
                "it is a directory; nothing was written");
    (void)snprintf(slash, sizeof slash, "%s/", precompiled_directory());
    not_written(host, slash, BHD_INVALID_ARGUMENT, "it is a directory");
    not_written(host, "", BHD_INVALID_ARGUMENT, "the path is empty");
    not_written(host, below.path, BHD_FILE_NOT_FOUND, "its directory is not there");
    precompiled_write(target.path, "mine", 4);
    assert_int_equal(symlink(target.path, p.path), 0);
    not_written(host, p.path, BHD_INVALID_ARGUMENT, "it is a link, and is not followed");
    assert_int_equal(stat(target.path, &about), 0);
    assert_int_equal(about.st_size, 4);
    assert_int_equal(unlink(p.path), 0);
    assert_int_equal(mkfifo(p.path, 0600), 0);
    not_written(host, p.path, BHD_INVALID_ARGUMENT, "it is not a regular file");
    assert_int_equal(unlink(p.path), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(target.path, PRECOMPILED_NOBODY, (gid_t)-1), 0);
        not_written(host, target.path, BHD_INVALID_ARGUMENT, "it belongs to another user");
        assert_int_equal(stat(target.path, &about), 0);
        assert_int_equal(about.st_size, 4);
    }
    assert_int_equal(files_there(), 1);
    assert_int_equal(unlink(target.path), 0);
    bhd_host_free(host);
}

/* As on a full disk: no signal, nothing left, and what was there stays. */
static void what_cannot_be_written_leaves_what_was_there(void **state)
{
    (void)state;
    struct rlimit before, small;
    struct stat about;
    precompiled_path p = precompiled_place("full");
    bhd_host_options options = precompiled_compiling();
    /* The compiler's process would have the limit as well. */
    options.compile = BHD_COMPILE_HERE;
    bhd_host *host = guest_host_with(&options);
    precompiled_write(p.path, "mine", 4);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status = bhd_precompile(host, NULL, "(module)", 8, p.path, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    expect_status(BHD_FILE_UNREADABLE, status, &error);
    expect_in(error.message, "cannot be written: File too large");
    bhd_error_fini(&error);
    assert_int_equal(stat(p.path, &about), 0);
    assert_int_equal(about.st_size, 4);
    assert_int_equal(files_there(), 1);
    assert_int_equal(unlink(p.path), 0);
    bhd_host_free(host);
}

static void what_cannot_be_compiled_is_not_written(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    precompiled_path p = precompiled_place("invalid");
    bhd_host *host = guest_host();
    expect_status(BHD_COMPONENT_INVALID, bhd_precompile(host, NULL, "(modul)", 7, p.path, &error),
                  &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_precompile(host, NULL, NULL, 0, p.path, &error),
                  &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_precompile(NULL, NULL, "", 0, p.path, &error), &error);
    expect_status(BHD_INVALID_ARGUMENT, bhd_precompile(host, NULL, "", 0, NULL, &error), &error);
    assert_int_equal(files_there(), 0);
    precompiled_make("(module)", false, p.path);
    bhd__file file = precompiled_read(p.path);
    expect_status(BHD_COMPONENT_INVALID,
                  bhd_precompile(host, NULL, file.data, file.size, p.path, &error), &error);
    expect_in(error.message, "the component is precompiled already");
    bhd__free(file.data);
    assert_false(bhd_is_precompiled(NULL, 0));
    assert_int_equal(unlink(p.path), 0);
    bhd_error_fini(&error);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_new_and_the_users_alone),
        cmocka_unit_test(only_a_file_of_the_user_is_replaced),
        cmocka_unit_test(what_cannot_be_written_leaves_what_was_there),
        cmocka_unit_test(what_cannot_be_compiled_is_not_written),
    };
    return cmocka_run_group_tests(tests, precompiled_begin, precompiled_end);
}
