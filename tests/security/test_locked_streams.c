/*
 * Standard streams of the kinds that need something of the lockdown: sockets, which are read and
 * written with calls of their own, and a terminal whose name nobody here may open, which is opened
 * as the controlling one instead.
 *
 * A write that waits would hang in a child, which is ended after two minutes.
 */
#include "base/standard.h"
#include "lockdown.h"
#include "support/child.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* -- sockets ---------------------------------------------------------------------------------- */

/* Writes what it reads to standard output and error. */
static const char echo_text[] =
    "(module (import \"wasi_snapshot_preview1\" \"fd_read\""
    "  (func $read (param i32 i32 i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"fd_write\""
    "  (func $write (param i32 i32 i32 i32) (result i32)))"
    " (memory (export \"memory\") 1)"
    " (func $to (param $fd i32)"
    "  (if (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16))"
    "   (then (unreachable))))"
    " (func (export \"_start\")"
    "  (i32.store (i32.const 0) (i32.const 64))"
    "  (loop $again"
    "   (i32.store (i32.const 4) (i32.const 100))"
    "   (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))"
    "    (then (unreachable)))"
    "   (if (i32.load (i32.const 8)) (then"
    "    (i32.store (i32.const 4) (i32.load (i32.const 8)))"
    "    (call $to (i32.const 1)) (call $to (i32.const 2)) (br $again))))))";

typedef struct echo_run {
    char command[512];
    char guest[64];
    int ends[3][2]; /* of the child's standard streams, and the other ends */
} echo_run;

static void run_echo(void *env)
{
    const echo_run *r = env;
    for (int fd = 0; fd < 3; fd++)
        CHECK(dup2(r->ends[fd][0], fd) == fd);
    /* Locked down it cannot be traced for leaks, as in tests/cli. */
    CHECK(setenv("ASAN_OPTIONS", "allocator_may_return_null=1:detect_leaks=0", 1) == 0);
    (void)execl(r->command, "bulkhead", "run", "--max-bytes=1MiB", "--allow-stdin", r->guest,
                (char *)NULL);
    _exit(99);
}

static void read_all(int fd, char *text, size_t capacity)
{
    size_t size = 0;
    for (ssize_t n; size < capacity - 1 && (n = read(fd, text + size, capacity - 1 - size)) > 0;)
        size += (size_t)n;
    text[size] = '\0';
}

static void the_streams_of_the_command_may_be_sockets(void **state)
{
    (void)state;
    echo_run r = {.guest = "/tmp/bhd-streams-XXXXXX.wat"};
    char output[256], errors[4096];
    if (!child_find_command(r.command, sizeof r.command))
        skip();
    int file = mkstemps(r.guest, 4);
    assert_true(file >= 0);
    assert_int_equal(sizeof echo_text - 1, write(file, echo_text, sizeof echo_text - 1));
    (void)close(file);
    for (int fd = 0; fd < 3; fd++)
        assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, r.ends[fd]));
    assert_int_equal(6, write(r.ends[0][1], "hello\n", 6));
    assert_int_equal(0, shutdown(r.ends[0][1], SHUT_WR));
    int status = child_status(run_echo, &r);
    for (int fd = 0; fd < 3; fd++)
        (void)close(r.ends[fd][0]);
    read_all(r.ends[1][1], output, sizeof output);
    read_all(r.ends[2][1], errors, sizeof errors);
    for (int fd = 0; fd < 3; fd++)
        (void)close(r.ends[fd][1]);
    (void)unlink(r.guest);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("status %#x, said: %s", (unsigned)status, errors);
    assert_string_equal("hello\n", output);
    expect_in(errors, "hello\n");
}

/* -- a terminal of another user --------------------------------------------------------------- */

typedef struct terminal_run {
    bool is_controlling, locks;
} terminal_run;

/* Standard output is a terminal whose name this process may not open, as behind su; standard input
 * is the other end of it, so that the lockdown keeps both. */
static void become_another_user_at_a_terminal(bool is_controlling)
{
    int ends[2], other[2];
    char name[32];
    (void)signal(SIGHUP, SIG_IGN);
    CHECK(setsid() >= 0);
    CHECK(openpty(&ends[0], &ends[1], NULL, NULL, NULL) == 0);
    CHECK(openpty(&other[0], &other[1], NULL, NULL, NULL) == 0);
    CHECK(ioctl(is_controlling ? ends[1] : other[1], TIOCSCTTY, 0) == 0);
    CHECK(fchmod(ends[1], 0) == 0);
    CHECK(getuid() != 0 || setresuid(65534, 65534, 65534) == 0);
    /* Otherwise its own /proc is another user's too. */
    CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
    CHECK(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    CHECK(dup2(ends[1], STDOUT_FILENO) == STDOUT_FILENO);
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", STDOUT_FILENO);
    CHECK(open(name, O_WRONLY | O_NOCTTY) < 0 && errno == EACCES);
}

static void expect_arrives(bhd__standard *standard, char wanted)
{
    char got;
    CHECK(bhd__standard_write(standard, &wanted, 1) == 1);
    CHECK(read(STDIN_FILENO, &got, 1) == 1);
    CHECK(got == wanted);
}

static void write_to_a_terminal_of_another_user(void *env)
{
    const terminal_run *r = env;
    const bhd_capabilities nothing = BHD_CAPABILITIES_INIT;
    cli_lockdown state = {0};
    bhd__standard early, late;
    ssize_t n;
    become_another_user_at_a_terminal(r->is_controlling);
    if (r->locks)
        cli_lockdown_restrict_files(&state, &nothing);
    bhd__standard_init(&early, STDOUT_FILENO, NULL);
    /* Another terminal, even the controlling one, is not this one. */
    CHECK(early.means == (r->is_controlling ? BHD__STANDARD_AGAIN : BHD__STANDARD_ASKED));
    expect_arrives(&early, '1');
    if (r->locks)
        cli_lockdown_restrict_calls(&state, &nothing);
    bhd__standard_init(&late, STDOUT_FILENO, &early);
    CHECK(late.means == early.means && late.own == early.own);
    expect_arrives(&late, '2');
    /* Nobody reads. */
    while ((n = bhd__standard_write(&late, "\n", 1)) > 0)
        continue;
    CHECK(n == -EAGAIN);
}

static void a_terminal_of_another_user_is_opened_as_the_controlling_one(void **state)
{
    (void)state;
    terminal_run runs[] = {{true, false}, {true, true}, {false, false}};
    for (size_t i = 0; i < COUNT_OF(runs); i++)
        child_succeeds(write_to_a_terminal_of_another_user, &runs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_streams_of_the_command_may_be_sockets),
        cmocka_unit_test(a_terminal_of_another_user_is_opened_as_the_controlling_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
