/*
 * Files of a guest: what is neither file nor directory is refused and nobody waits for it; who has
 * a lease of a file is waited for without a thread; what is written counts as much as the disk
 * gives; a limit of the process on files is an error number.
 */
#include "support/file_guest.h"
#include "support/process_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* -- what is no file ------------------------------------------------------------------------- */

static void put_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(0, bind(fd, (const struct sockaddr *)&address, sizeof address));
    assert_int_equal(0, close(fd));
}

static void what_is_no_file_is_refused_and_nobody_waits(void **state)
{
    (void)state;
    static const struct {
        int32_t flags;
        int64_t rights;
        int32_t wanted;
    } ways[] = {
        {0, RIGHT_READ, WASI_NOTSUP},
        {0, RIGHT_WRITE, WASI_NOTSUP},
        {0, RIGHT_READ | RIGHT_WRITE, WASI_NOTSUP},
        {0, 0, WASI_NOTSUP},
        {OPEN_CREATE, RIGHT_WRITE, WASI_NOTSUP},
        {OPEN_TRUNCATE, RIGHT_WRITE, WASI_NOTSUP},
        {OPEN_CREATE | OPEN_TRUNCATE, RIGHT_WRITE, WASI_NOTSUP},
        {OPEN_CREATE | OPEN_EXCLUSIVE, RIGHT_WRITE, WASI_EXIST},
        {OPEN_DIRECTORY, RIGHT_READ, WASI_NOTDIR},
    };
    const char *names[6] = {"pipe", "to-pipe", "socket"};
    size_t count = 3;
    file_guest f;
    files_begin(&f, 0, 20);
    assert_int_equal(0, mkfifo(files_path(&f, "pipe"), 0600));
    assert_int_equal(0, symlink("pipe", files_path(&f, "to-pipe")));
    put_socket(files_path(&f, "socket"));
    /* /dev/null and the memory disk 0: only the superuser may make them. */
    if (mknod(files_path(&f, "null"), S_IFCHR | 0666, 0x103) == 0)
        names[count++] = "null";
    if (mknod(files_path(&f, "disk"), S_IFBLK | 0600, 0x100) == 0)
        names[count++] = "disk";
    for (size_t n = 0; n < count; n++)
        for (size_t w = 0; w < COUNT_OF(ways); w++) {
            int32_t fd;
            int32_t errno_ = files_open(&f, names[n], ways[w].flags, ways[w].rights, &fd);
            if (errno_ != ways[w].wanted)
                print_error("%s, way %zu\n", names[n], w);
            assert_int_equal(ways[w].wanted, errno_);
        }
    /* It is looked at and moved like everything else. */
    int32_t size = files_text(&f, 0, "pipe");
    assert_int_equal(0, guest_i32(f.sandbox, "path_filestat_get", (int32_t)3, (int32_t)0,
                                  (int32_t)TEXT_0, size, (int32_t)BUFFER_AT));
    assert_int_equal(0, guest_i32(f.sandbox, "path_filestat_set_times", (int32_t)3, (int32_t)1,
                                  (int32_t)TEXT_0, size, (int64_t)0, (int64_t)0, (int32_t)10));
    assert_int_equal(0, files_do(&f, "path_unlink_file", "pipe"));
    files_end(&f);
}

/* The attack that stopped the files of all tenants: pipes that are opened and never answer. */
static void pipes_of_one_tenant_stop_no_file_of_another(void **state)
{
    (void)state;
    file_guest f, other;
    files_begin(&f, 0, 20);
    files_put(&f, "file", "text");
    assert_int_equal(0, mkfifo(files_path(&f, "pipe"), 0600));
    files_beside(&other, &f, 20);
    uint64_t before = 0;
    for (int i = 0; i < 600; i++) {
        assert_int_equal(WASI_NOTSUP, files_open(&f, "pipe", 0, RIGHT_READ, NULL));
        if (i == 20)
            before = process_threads();
    }
    assert_true(process_threads() <= before + SPARE_THREADS);
    int32_t fd;
    char text[8];
    uint32_t size;
    assert_int_equal(0, files_open(&other, "file", 0, RIGHT_READ, &fd));
    assert_int_equal(0, files_read(&other, fd, text, sizeof text, &size));
    assert_int_equal(4, size);
    files_end(&other);
    files_end(&f);
}

/* -- leases ---------------------------------------------------------------------------------- */

static void lease_is_asked_for(int signal)
{
    (void)signal;
}

/* Opening waits until the other gives the lease back, or until the kernel takes it, which takes 45
 * seconds. No thread waits, and another tenant opens what it likes. */
static void who_waits_for_a_lease_ends_at_the_deadline_and_holds_no_thread(void **state)
{
    (void)state;
    file_guest f, other;
    files_begin(&f, 0, 0.2);
    files_put(&f, "leased", "text");
    files_put(&f, "free", "text");
    files_beside(&other, &f, 20);
    struct sigaction action = {.sa_handler = lease_is_asked_for}, old;
    assert_int_equal(0, sigaction(SIGIO, &action, &old));
    int holder = open(files_path(&f, "leased"), O_RDWR | O_CLOEXEC);
    assert_true(holder >= 0);
    if (fcntl(holder, F_SETLEASE, F_WRLCK) != 0) {
        print_message("no leases on this file system\n");
    } else {
        int32_t size = files_text(&f, 0, "leased");
        uint64_t before = process_threads();
        for (int i = 0; i < 2 * SPARE_THREADS; i++) {
            bhd_error error = BHD_ERROR_INIT;
            guest_ends(f.sandbox, BHD_TIMEOUT, &error, "path_open", (int32_t)3, (int32_t)1,
                       (int32_t)TEXT_0, size, (int32_t)0, (int64_t)RIGHT_READ, (int64_t)0,
                       (int32_t)0, (int32_t)RESULT_AT);
            bhd_error_fini(&error);
            assert_int_equal(0, files_open(&other, "free", 0, RIGHT_READ, NULL));
            files_again(&f);
            (void)files_text(&f, 0, "leased");
        }
        assert_true(process_threads() <= before + SPARE_THREADS);
        /* With the lease given back it opens. */
        assert_int_equal(0, fcntl(holder, F_SETLEASE, F_UNLCK));
        assert_int_equal(0, files_open(&other, "leased", 0, RIGHT_READ, NULL));
    }
    assert_int_equal(0, close(holder));
    assert_int_equal(0, sigaction(SIGIO, &old, NULL));
    files_end(&other);
    files_end(&f);
}

/* -- the quota counts what the disk gives ---------------------------------------------------- */

/* Writes one byte at each of these places until it is refused; how many went in. */
static uint32_t write_at_steps(file_guest *f, int32_t fd, int64_t step, uint32_t most,
                               int32_t *errno_)
{
    for (uint32_t i = 0; i < most; i++) {
        *errno_ = files_write(f, fd, "x", 1, (int64_t)i * step, NULL);
        if (*errno_ != 0)
            return i;
    }
    return most;
}

static void a_byte_in_each_block_costs_a_block_each(void **state)
{
    (void)state;
    file_guest f;
    files_begin(&f, KIB(64), 20);
    int32_t fd, errno_ = 0;
    assert_int_equal(0, files_open(&f, "sparse", OPEN_CREATE, RIGHT_WRITE, &fd));
    uint32_t written = write_at_steps(&f, fd, 4096, 1000, &errno_);
    assert_int_equal(WASI_DQUOT, errno_);
    assert_true(written <= 15);
    assert_true(written >= 8); /* some file systems take more for a file in pieces */
    assert_true(files_disk_bytes(&f, "sparse") <= KIB(64));
    files_end(&f);
    /* Far apart, where file systems need tables to find the blocks. */
    files_begin(&f, KIB(64), 20);
    assert_int_equal(0, files_open(&f, "sparse", OPEN_CREATE, RIGHT_WRITE, &fd));
    (void)write_at_steps(&f, fd, INT64_C(1) << 30, 1000, &errno_);
    assert_int_equal(WASI_DQUOT, errno_);
    assert_true(files_disk_bytes(&f, "sparse") <= KIB(64) + KIB(16));
    files_end(&f);
}

static void bytes_of_one_block_cost_it_once(void **state)
{
    (void)state;
    file_guest f;
    /* The file's own 4096, and two blocks. */
    files_begin(&f, 3 * 4096, 20);
    int32_t fd;
    assert_int_equal(0, files_open(&f, "log", OPEN_CREATE, RIGHT_WRITE, &fd));
    for (int i = 0; i < 600; i++)
        assert_int_equal(0, files_write(&f, fd, "0123456789", 10, -1, NULL));
    files_end(&f);
    /* The same in a file that is opened to append to, and again after it was closed. */
    files_begin(&f, 3 * 4096, 20);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(0, files_open(&f, "log", OPEN_CREATE, RIGHT_WRITE, &fd));
        assert_int_equal(0, guest_i32(f.sandbox, "fd_fdstat_set_flags", fd, (int32_t)FLAG_APPEND));
        for (int k = 0; k < 6; k++)
            assert_int_equal(0, files_write(&f, fd, "0123456789", 10, -1, NULL));
        assert_int_equal(0, files_close(&f, fd));
    }
    struct stat st;
    assert_int_equal(0, stat(files_path(&f, "log"), &st));
    assert_int_equal(6000, st.st_size);
    files_end(&f);
}

/* Bytes count when they are more than the blocks: of the block that was paid for, 4,096 may be
 * written, in whichever order, and then 100 more. */
static void what_is_written_over_counts_as_bytes(void **state)
{
    (void)state;
    static const char data[100] = {0};
    file_guest f;
    files_begin(&f, 8192 + 100, 20);
    int32_t fd;
    assert_int_equal(0, files_open(&f, "file", OPEN_CREATE, RIGHT_WRITE, &fd));
    for (int i = 0; i < 41; i++)
        assert_int_equal(0, files_write(&f, fd, data, 100, i % 2 ? 3996 : 0, NULL));
    assert_int_equal(WASI_DQUOT, files_write(&f, fd, data, 97, 0, NULL));
    assert_int_equal(0, files_write(&f, fd, data, 96, 0, NULL));
    assert_int_equal(WASI_DQUOT, files_write(&f, fd, data, 1, 0, NULL));
    files_end(&f);
}

static void a_hole_costs_nothing_until_it_is_written(void **state)
{
    (void)state;
    file_guest f;
    files_begin(&f, 4 * 4096, 20);
    int32_t fd;
    assert_int_equal(0, files_open(&f, "file", OPEN_CREATE, RIGHT_WRITE, &fd));
    assert_int_equal(0, guest_i32(f.sandbox, "fd_filestat_set_size", fd, (int64_t)MIB(100)));
    assert_int_equal(0, files_disk_bytes(&f, "file"));
    /* A page for the size, and two are left. */
    assert_int_equal(0, files_write(&f, fd, "x", 1, MIB(50), NULL));
    assert_int_equal(0, files_write(&f, fd, "x", 1, MIB(60), NULL));
    assert_int_equal(WASI_DQUOT, files_write(&f, fd, "x", 1, MIB(70), NULL));
    /* Getting smaller costs nothing. */
    assert_int_equal(0, guest_i32(f.sandbox, "fd_filestat_set_size", fd, (int64_t)0));
    assert_int_equal(WASI_DQUOT, files_write(&f, fd, "x", 1, 0, NULL));
    assert_int_equal(WASI_DQUOT, files_open(&f, "new", OPEN_CREATE, RIGHT_WRITE, &fd));
    /* What is there can be opened. */
    assert_int_equal(0, files_open(&f, "file", OPEN_CREATE, RIGHT_WRITE, &fd));
    assert_int_equal(58, guest_i32(f.sandbox, "fd_allocate", fd, (int64_t)0, (int64_t)MIB(1)));
    files_end(&f);
}

/* -- the process's limit on files ------------------------------------------------------------ */

static void a_write_past_the_limit_of_the_process_is_an_error_number(void **state)
{
    (void)state;
    file_guest f;
    files_begin(&f, MIB(1), 20);
    struct rlimit old, small;
    assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &old));
    small = (struct rlimit){65536, old.rlim_max};
    struct sigaction before;
    assert_int_equal(0, sigaction(SIGXFSZ, NULL, &before));
    assert_ptr_equal(SIG_DFL, before.sa_handler); /* it would end the process */
    int32_t fd;
    assert_int_equal(0, files_open(&f, "file", OPEN_CREATE, RIGHT_WRITE, &fd));
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &small));
    int32_t at_end = files_write(&f, fd, "xx", 2, 65536, NULL);
    int32_t resized = guest_i32(f.sandbox, "fd_filestat_set_size", fd, (int64_t)65537);
    uint32_t done = 0;
    int32_t across = files_write(&f, fd, "xx", 2, 65535, &done);
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &old));
    assert_int_equal(WASI_FBIG, at_end);
    assert_int_equal(WASI_FBIG, resized);
    assert_int_equal(0, across);
    assert_int_equal(1, done);
    struct sigaction after;
    assert_int_equal(0, sigaction(SIGXFSZ, NULL, &after));
    assert_ptr_equal(before.sa_handler, after.sa_handler);
    files_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_file_is_refused_and_nobody_waits),
        cmocka_unit_test(pipes_of_one_tenant_stop_no_file_of_another),
        cmocka_unit_test(who_waits_for_a_lease_ends_at_the_deadline_and_holds_no_thread),
        cmocka_unit_test(a_byte_in_each_block_costs_a_block_each),
        cmocka_unit_test(bytes_of_one_block_cost_it_once),
        cmocka_unit_test(what_is_written_over_counts_as_bytes),
        cmocka_unit_test(a_hole_costs_nothing_until_it_is_written),
        cmocka_unit_test(a_write_past_the_limit_of_the_process_is_an_error_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
