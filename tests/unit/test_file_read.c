/*
 * Whole files: contents, and one clear error for each way of not getting them.
 */
#include "unit_test.h"

#include "base/alloc.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[] = "/tmp/bulkhead-files-XXXXXX";

static int enter_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL || chdir(directory) != 0 ? -1 : 0;
}

static int leave_directory(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return chdir("/") != 0 || system(command) != 0 ? -1 : 0;
}

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

/* Expects a failure, with this message, that leaves `file` alone and holds nothing. */
static void check_fails(const char *path, size_t limit, bhd_status expected, const char *message)
{
    uint64_t live = bhd__alloc_live();
    char untouched;
    bhd__file file = {.data = &untouched, .size = 77};
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(bhd__file_read(path, "manifest", limit, &file, &error), expected);
    assert_int_equal(error.code, expected);
    assert_string_equal(error.message, message);
    assert_ptr_equal(file.data, &untouched);
    assert_int_equal(file.size, 77);
    bhd_error_fini(&error);
    assert_int_equal(bhd__file_read(path, "manifest", limit, &file, NULL), expected);
    assert_int_equal(bhd__alloc_live(), live);
}

static void test_reads_every_byte_and_terminates(void **state)
{
    (void)state;
    write_file("nul", "a\0b", 3);
    bhd__file file = {.data = NULL};
    assert_int_equal(bhd__file_read("nul", "manifest", 100, &file, NULL), BHD_OK);
    assert_int_equal(file.size, 3);
    assert_memory_equal(file.data, "a\0b", 4);
    bhd__free(file.data);
}

static void test_reads_an_empty_file(void **state)
{
    (void)state;
    write_file("empty", "", 0);
    bhd__file file = {.size = 7};
    assert_int_equal(bhd__file_read("empty", "manifest", 0, &file, NULL), BHD_OK);
    assert_int_equal(file.size, 0);
    assert_string_equal(file.data, "");
    bhd__free(file.data);
}

static void test_reads_a_file_that_announces_no_size(void **state)
{
    (void)state;
    bhd__file file = {.data = NULL};
    assert_int_equal(bhd__file_read("/proc/self/status", "manifest", 1 << 20, &file, NULL), BHD_OK);
    assert_true(file.size > 100);
    assert_int_equal(strlen(file.data), file.size);
    assert_non_null(strstr(file.data, "VmPeak:"));
    bhd__free(file.data);
}

static void test_the_limit_itself_fits_and_one_more_does_not(void **state)
{
    (void)state;
    static char data[4097];
    memset(data, 'x', sizeof data);
    write_file("exact", data, 4096);
    write_file("more", data, 4097);
    bhd__file file = {.data = NULL};
    assert_int_equal(bhd__file_read("exact", "manifest", 4096, &file, NULL), BHD_OK);
    assert_int_equal(file.size, 4096);
    bhd__free(file.data);
    check_fails("more", 4096, BHD_FILE_TOO_LARGE,
                "manifest more: too large: at most 4096 bytes are read");
}

static void test_a_file_that_announces_too_much_costs_no_memory(void **state)
{
    (void)state;
    write_file("sparse", "", 0);
    assert_int_equal(truncate("sparse", (off_t)1 << 40), 0);
    uint64_t count = bhd__alloc_count();
    check_fails("sparse", 4096, BHD_FILE_TOO_LARGE,
                "manifest sparse: too large: at most 4096 bytes are read");
    assert_int_equal(bhd__alloc_count(), count);
}

static void test_the_limit_holds_for_a_file_that_announces_no_size(void **state)
{
    (void)state;
    check_fails("/proc/self/status", 10, BHD_FILE_TOO_LARGE,
                "manifest /proc/self/status: too large: at most 10 bytes are read");
}

static void test_not_found(void **state)
{
    (void)state;
    check_fails("nowhere/Component.toml", 10, BHD_FILE_NOT_FOUND,
                "manifest nowhere/Component.toml: file not found");
    check_fails("", 10, BHD_FILE_NOT_FOUND, "manifest : file not found");
    write_file("plain", "x", 1);
    check_fails("plain/Component.toml", 10, BHD_FILE_NOT_FOUND,
                "manifest plain/Component.toml: file not found");
}

static void test_directories_and_devices_are_unreadable(void **state)
{
    (void)state;
    check_fails("/", 10, BHD_FILE_UNREADABLE, "manifest /: cannot be read: it is a directory");
    check_fails("/dev/zero", 10, BHD_FILE_UNREADABLE,
                "manifest /dev/zero: cannot be read: it is not a regular file");
}

static void test_a_pipe_without_a_writer_does_not_block(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    check_fails("pipe", 10, BHD_FILE_UNREADABLE,
                "manifest pipe: cannot be read: it is not a regular file");
}

static void test_a_socket_is_unreadable(void **state)
{
    (void)state;
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    check_fails("socket", 10, BHD_FILE_UNREADABLE,
                "manifest socket: cannot be read: No such device or address");
    close(descriptor);
}

static void test_an_io_error_is_unreadable(void **state)
{
    (void)state;
    /* Address 0 of this process: a regular file whose first byte cannot be read. */
    check_fails("/proc/self/mem", 10, BHD_FILE_UNREADABLE,
                "manifest /proc/self/mem: cannot be read: Input/output error");
}

static void test_no_permission_is_unreadable(void **state)
{
    (void)state;
    write_file("secret", "x", 1);
    assert_int_equal(chmod("secret", 0), 0);
    /* The superuser may read everything. */
    bool super = geteuid() == 0;
    assert_int_equal(chmod(".", 0755), 0);
    if (super)
        assert_int_equal(seteuid(65534), 0);
    bhd_error error = BHD_ERROR_INIT;
    bhd__file file;
    bhd_status status = bhd__file_read("secret", "manifest", 10, &file, &error);
    if (super)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(status, BHD_FILE_UNREADABLE);
    assert_string_equal(error.message, "manifest secret: cannot be read: Permission denied");
    bhd_error_fini(&error);
}

static void test_a_hostile_path_is_shown_escaped_and_the_reason_survives(void **state)
{
    (void)state;
    check_fails("a\x1b[31m\nb", 10, BHD_FILE_NOT_FOUND, "manifest a\\x1b[31m\\nb: file not found");
    char path[3000];
    memset(path, 'p', sizeof path);
    for (size_t i = 200; i < sizeof path; i += 200)
        path[i] = '/';
    path[sizeof path - 1] = '\0';
    bhd_error error = BHD_ERROR_INIT;
    bhd__file file;
    assert_int_equal(bhd__file_read(path, "manifest", 10, &file, &error), BHD_FILE_NOT_FOUND);
    assert_non_null(strstr(error.message, "pppp...: file not found"));
    bhd_error_fini(&error);
}

static void test_null_path_is_an_invalid_argument(void **state)
{
    (void)state;
    check_fails(NULL, 10, BHD_INVALID_ARGUMENT, "manifest: no path was given");
}

static void test_every_failed_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    write_file("some", "text", 4);
    uint64_t live = bhd__alloc_live();
    uint64_t before = bhd__alloc_count();
    bhd__file file = {.data = NULL};
    assert_int_equal(bhd__file_read("/proc/self/status", "manifest", 1 << 20, &file, NULL), BHD_OK);
    bhd__free(file.data);
    uint64_t needed = bhd__alloc_count() - before;
    assert_true(needed > 1);
    for (uint64_t nth = 1; nth <= needed; nth++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd__alloc_fail_at(nth, 1);
        bhd_status status = bhd__file_read("/proc/self/status", "manifest", 1 << 20, &file, &error);
        bhd__alloc_fail_at(0, 0);
        assert_int_equal(status, BHD_HOST_OUT_OF_MEMORY);
        assert_string_equal(error.message, "the host process is out of memory");
        bhd_error_fini(&error);
        assert_int_equal(bhd__alloc_live(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_every_byte_and_terminates),
        cmocka_unit_test(test_reads_an_empty_file),
        cmocka_unit_test(test_reads_a_file_that_announces_no_size),
        cmocka_unit_test(test_the_limit_itself_fits_and_one_more_does_not),
        cmocka_unit_test(test_a_file_that_announces_too_much_costs_no_memory),
        cmocka_unit_test(test_the_limit_holds_for_a_file_that_announces_no_size),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_directories_and_devices_are_unreadable),
        cmocka_unit_test(test_a_pipe_without_a_writer_does_not_block),
        cmocka_unit_test(test_a_socket_is_unreadable),
        cmocka_unit_test(test_an_io_error_is_unreadable),
        cmocka_unit_test(test_no_permission_is_unreadable),
        cmocka_unit_test(test_a_hostile_path_is_shown_escaped_and_the_reason_survives),
        cmocka_unit_test(test_null_path_is_an_invalid_argument),
        cmocka_unit_test(test_every_failed_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests_name("file read", tests, enter_directory, leave_directory);
}
