/*
 * Standard streams without waiting: on each kind of file that they can be, full and empty, with
 * flags, signals and numbers as the program has them.
 *
 * A write that waits would hang here, so SIGALRM ends the test then.
 */
#include "base/standard.h"

#include "unit_test.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HANGS_AFTER 60

typedef struct ends {
    int reads, writes;
    char path[64];
} ends;

static ends make_pipe(void)
{
    int fds[2];
    assert_int_equal(0, pipe(fds));
    return (ends){fds[0], fds[1], ""};
}

static ends make_named(void)
{
    ends e = {-1, -1, "/tmp/bhd-standard-XXXXXX"};
    assert_non_null(mkdtemp(e.path));
    char name[80];
    (void)snprintf(name, sizeof name, "%s/pipe", e.path);
    assert_int_equal(0, mkfifo(name, 0600));
    e.reads = open(name, O_RDONLY | O_NONBLOCK);
    e.writes = open(name, O_WRONLY);
    assert_true(e.reads >= 0 && e.writes >= 0);
    assert_int_equal(0, fcntl(e.reads, F_SETFL, 0));
    return e;
}

static ends make_sockets(void)
{
    int fds[2];
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    return (ends){fds[0], fds[1], ""};
}

/* The program is the side that has the terminal; nobody reads the other. */
static ends make_terminal(void)
{
    ends e = {-1, -1, ""};
    assert_int_equal(0, openpty(&e.reads, &e.writes, NULL, NULL, NULL));
    return e;
}

static void drop(ends *e)
{
    char name[80];
    (void)close(e->reads);
    (void)close(e->writes);
    if (e->path[0] == '\0')
        return;
    (void)snprintf(name, sizeof name, "%s/pipe", e->path);
    (void)unlink(name);
    (void)rmdir(e->path);
}

static ends (*const makers[])(void) = {make_pipe, make_named, make_sockets, make_terminal};

/* -- waiting ---------------------------------------------------------------------------------- */

static void a_full_stream_is_told_and_not_waited_for(void **state)
{
    (void)state;
    static char lines[3001];
    memset(lines, '\n', sizeof lines);
    for (size_t i = 0; i < COUNT_OF(makers); i++) {
        ends e = makers[i]();
        int flags = fcntl(e.writes, F_GETFL);
        bhd__standard s;
        bhd__standard_init(&s, e.writes, NULL);
        size_t all = 0;
        ssize_t n;
        for (size_t size = sizeof lines; size > 0; size = size > 1 ? 1 : 0) {
            while ((n = bhd__standard_write(&s, lines, size)) > 0)
                all += (size_t)n;
            assert_int_equal(-EAGAIN, n);
        }
        assert_true(all > 1000);
        /* What the other programs see is as it was. */
        assert_int_equal(flags, fcntl(e.writes, F_GETFL));
        /* When somebody reads, it goes on. */
        char *taken = malloc(all * 2);
        assert_non_null(taken);
        assert_true(read(e.reads, taken, all * 2) > 0);
        free(taken);
        for (int tries = 0; (n = bhd__standard_write(&s, lines, 1)) == -EAGAIN && tries < 100000;
             tries++)
            (void)usleep(1000);
        assert_int_equal(1, n);
        bhd__standard_fini(&s);
        drop(&e);
    }
}

/* The question whether it is ready is old at once. */
static void an_empty_stream_is_told_and_not_waited_for(void **state)
{
    (void)state;
    int kept = dup(STDIN_FILENO);
    for (size_t i = 0; i < COUNT_OF(makers); i++) {
        ends e = makers[i]();
        bool is_terminal = makers[i] == make_terminal;
        assert_int_equal(0, dup2(is_terminal ? e.writes : e.reads, STDIN_FILENO));
        bhd__standard s;
        bhd__standard_init(&s, STDIN_FILENO, NULL);
        char got[8] = {0};
        assert_int_equal(-EAGAIN, bhd__standard_read(&s, got, sizeof got));
        assert_int_equal(3, write(is_terminal ? e.reads : e.writes, "ab\n", 3));
        ssize_t n;
        for (int tries = 0;
             (n = bhd__standard_read(&s, got, sizeof got)) == -EAGAIN && tries < 100000; tries++)
            (void)usleep(1000);
        assert_int_equal(3, n);
        assert_memory_equal("ab\n", got, 3);
        assert_int_equal(-EAGAIN, bhd__standard_read(&s, got, sizeof got));
        assert_int_equal(is_terminal, bhd__standard_is_terminal(&s));
        if (!is_terminal) {
            (void)close(e.writes);
            assert_int_equal(0, bhd__standard_read(&s, got, sizeof got));
        }
        bhd__standard_fini(&s);
        drop(&e);
    }
    assert_int_equal(0, dup2(kept, STDIN_FILENO));
    (void)close(kept);
}

static void files_and_devices_of_memory_take_everything(void **state)
{
    (void)state;
    char path[] = "/tmp/bhd-standard-file-XXXXXX";
    int file = mkstemp(path), null = open("/dev/null", O_WRONLY),
        full = open("/dev/full", O_WRONLY);
    bhd__standard s;
    bhd__standard_init(&s, file, NULL);
    assert_int_equal(5, bhd__standard_write(&s, "hello", 5));
    assert_int_equal(0, bhd__standard_write(&s, "", 0));
    bhd__standard_fini(&s);
    bhd__standard_init(&s, null, NULL);
    assert_int_equal(5, bhd__standard_write(&s, "hello", 5));
    bhd__standard_fini(&s);
    bhd__standard_init(&s, full, NULL);
    assert_int_equal(-ENOSPC, bhd__standard_write(&s, "hello", 5));
    bhd__standard_fini(&s);
    (void)close(file);
    (void)close(null);
    (void)close(full);
    (void)unlink(path);
}

/* -- numbers ---------------------------------------------------------------------------------- */

static void a_number_that_means_another_file_is_looked_at_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(makers); i++)
        for (size_t j = 0; j < COUNT_OF(makers); j++) {
            ends one = makers[i](), two = makers[j]();
            bhd__standard s;
            bhd__standard_init(&s, one.writes, NULL);
            assert_int_equal(1, bhd__standard_write(&s, "1", 1));
            assert_int_equal(one.writes, dup2(two.writes, one.writes));
            assert_int_equal(1, bhd__standard_write(&s, "2", 1));
            char got[4];
            assert_int_equal(1, read(two.reads, got, sizeof got));
            assert_int_equal('2', got[0]);
            (void)close(one.writes);
            assert_int_equal(-EBADF, bhd__standard_write(&s, "3", 1));
            bhd__standard_fini(&s);
            drop(&one);
            drop(&two);
        }
}

/* What the program has put in the place of a descriptor of ours is neither written nor closed. */
static void a_descriptor_of_ours_that_was_taken_is_left_alone(void **state)
{
    (void)state;
    ends e = make_terminal(), other = make_pipe();
    bhd__standard s;
    bhd__standard_init(&s, e.writes, NULL);
    assert_int_equal(BHD__STANDARD_AGAIN, s.means);
    int own = s.own;
    assert_int_equal(own, dup2(other.writes, own));
    assert_int_equal(1, bhd__standard_write(&s, "1", 1));
    char got[4];
    assert_int_equal(1, read(e.reads, got, sizeof got));
    bhd__standard_fini(&s);
    assert_true(fcntl(own, F_GETFD) >= 0);
    (void)close(own);
    (void)close(other.writes);
    assert_int_equal(0, read(other.reads, got, sizeof got));
    drop(&e);
    (void)close(other.reads);
}

static void where_nothing_can_be_opened_the_earlier_one_is_used(void **state)
{
    (void)state;
    ends e = make_terminal();
    bhd__standard early, late;
    bhd__standard_init(&early, e.writes, NULL);
    struct rlimit before, none;
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &before));
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &none));
    bhd__standard_init(&late, e.writes, &early);
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &before));
    assert_int_equal(BHD__STANDARD_AGAIN, late.means);
    assert_int_equal(early.own, late.own);
    bhd__standard_fini(&late);
    assert_int_equal(1, bhd__standard_write(&early, "1", 1));
    bhd__standard_fini(&early);
    drop(&e);
}

/* -- signals ---------------------------------------------------------------------------------- */

static bool is_pending(int which)
{
    sigset_t pending;
    assert_int_equal(0, sigpending(&pending));
    return sigismember(&pending, which);
}

/* With the default action, which would end this program. */
static void nobody_at_the_other_end_is_an_error_number(void **state)
{
    (void)state;
    for (size_t i = 0; i + 1 < COUNT_OF(makers); i++) {
        ends e = makers[i]();
        bhd__standard s;
        bhd__standard_init(&s, e.writes, NULL);
        (void)close(e.reads);
        assert_int_equal(-EPIPE, bhd__standard_write(&s, "1", 1));
        assert_false(is_pending(SIGPIPE));
        /* One that the program has blocked and waits for stays its own. */
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGPIPE);
        assert_int_equal(0, sigprocmask(SIG_BLOCK, &set, NULL));
        assert_int_equal(-EPIPE, bhd__standard_write(&s, "1", 1));
        assert_false(is_pending(SIGPIPE));
        assert_int_equal(0, raise(SIGPIPE));
        assert_int_equal(-EPIPE, bhd__standard_write(&s, "1", 1));
        assert_true(is_pending(SIGPIPE));
        int got;
        assert_int_equal(0, sigwait(&set, &got));
        assert_int_equal(0, sigprocmask(SIG_UNBLOCK, &set, NULL));
        bhd__standard_fini(&s);
        drop(&e);
    }
}

static void a_file_at_its_largest_is_an_error_number(void **state)
{
    (void)state;
    char path[] = "/tmp/bhd-standard-file-XXXXXX";
    int file = mkstemp(path);
    struct rlimit before, least;
    assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
    least = before;
    least.rlim_cur = 4;
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &least));
    bhd__standard s;
    bhd__standard_init(&s, file, NULL);
    assert_int_equal(4, bhd__standard_write(&s, "12345", 5));
    assert_int_equal(-EFBIG, bhd__standard_write(&s, "5", 1));
    assert_false(is_pending(SIGXFSZ));
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &before));
    bhd__standard_fini(&s);
    (void)close(file);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_stream_is_told_and_not_waited_for),
        cmocka_unit_test(an_empty_stream_is_told_and_not_waited_for),
        cmocka_unit_test(files_and_devices_of_memory_take_everything),
        cmocka_unit_test(a_number_that_means_another_file_is_looked_at_again),
        cmocka_unit_test(a_descriptor_of_ours_that_was_taken_is_left_alone),
        cmocka_unit_test(where_nothing_can_be_opened_the_earlier_one_is_used),
        cmocka_unit_test(nobody_at_the_other_end_is_an_error_number),
        cmocka_unit_test(a_file_at_its_largest_is_an_error_number),
    };
    (void)alarm(HANGS_AFTER);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
