/*
 * Standard streams that a guest inherits: a terminal is one for the guest too, a reader who has
 * gone is an error number and no signal, and what a guest wrote arrives, however late somebody
 * reads.
 */
#include "support/real_guest.h"
#include "support/submitted.h"

#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Exit code: bit N when descriptor N is a character device with neither seek (4) nor tell (32). */
#define P1_TERMINALS                                                                               \
    "(module (import \"wasi_snapshot_preview1\" \"fd_fdstat_get\""                                 \
    " (func $stat (param i32 i32) (result i32)))"                                                  \
    " (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"                  \
    " (memory (export \"memory\") 1)"                                                              \
    " (func $is (param $fd i32) (result i32)"                                                      \
    " (if (call $stat (local.get $fd) (i32.const 0)) (then (unreachable)))"                        \
    " (i32.and (i32.eq (i32.load8_u (i32.const 0)) (i32.const 2))"                                 \
    " (i32.eqz (i32.and (i32.load (i32.const 8)) (i32.const 36)))))"                               \
    " (func (export \"_start\") (call $exit (i32.or (call $is (i32.const 0)) (i32.or"              \
    " (i32.shl (call $is (i32.const 1)) (i32.const 1))"                                            \
    " (i32.shl (call $is (i32.const 2)) (i32.const 2)))))))"

/* Succeeds when standard output is a terminal. */
#define P2_TERMINAL                                                                                \
    "(component"                                                                                   \
    " (import \"wasi:cli/terminal-output@0.2.0\" (instance $o"                                     \
    "  (export \"terminal-output\" (type (sub resource)))))"                                       \
    " (alias export $o \"terminal-output\" (type $terminal))"                                      \
    " (import \"wasi:cli/terminal-stdout@0.2.0\" (instance $t"                                     \
    "  (export \"terminal-output\" (type $e (eq $terminal)))"                                      \
    "  (export \"get-terminal-stdout\" (func (result (option (own $e)))))))"                       \
    " (core module $libc (memory (export \"memory\") 1))"                                          \
    " (core instance $libc (instantiate $libc))"                                                   \
    " (core func $get (canon lower (func $t \"get-terminal-stdout\")"                              \
    "  (memory (core memory $libc \"memory\"))))"                                                  \
    " (core module $m (import \"l\" \"memory\" (memory 1)) (import \"l\" \"get\""                  \
    "  (func $get (param i32))) (func (export \"run\") (result i32) (call $get (i32.const 0))"     \
    "  (i32.eqz (i32.load8_u (i32.const 0)))))"                                                    \
    " (core instance $l (export \"memory\" (memory $libc \"memory\"))"                             \
    "  (export \"get\" (func $get)))"                                                              \
    " (core instance $m (instantiate $m (with \"l\" (instance $l))))"                              \
    " (func $run (result (result)) (canon lift (core func $m \"run\")))"                           \
    " (instance $cli (export \"run\" (func $run)))"                                                \
    " (export \"wasi:cli/run@0.2.0\" (instance $cli)))"

/* Writes 65,536 bytes without a flush, and ends. */
#define P2_UNFLUSHED                                                                               \
    "(component"                                                                                   \
    " (import \"wasi:io/error@0.2.0\" (instance $x (export \"error\" (type (sub resource)))))"     \
    " (alias export $x \"error\" (type $error))"                                                   \
    " (import \"wasi:io/streams@0.2.0\" (instance $s"                                              \
    "  (export \"error\" (type $e (eq $error)))"                                                   \
    "  (export \"output-stream\" (type $o (sub resource)))"                                        \
    "  (type $v (variant (case \"last-operation-failed\" (own $e)) (case \"closed\")))"            \
    "  (export \"stream-error\" (type $se (eq $v)))"                                               \
    "  (export \"[method]output-stream.write\" (func (param \"self\" (borrow $o))"                 \
    "   (param \"contents\" (list u8)) (result (result (error $se)))))))"                          \
    " (alias export $s \"output-stream\" (type $stream))"                                          \
    " (import \"wasi:cli/stdout@0.2.0\" (instance $out"                                            \
    "  (export \"output-stream\" (type $o (eq $stream)))"                                          \
    "  (export \"get-stdout\" (func (result (own $o))))))"                                         \
    " (core module $libc (memory (export \"memory\") 2))"                                          \
    " (core instance $libc (instantiate $libc))"                                                   \
    " (core func $get (canon lower (func $out \"get-stdout\")))"                                   \
    " (core func $write (canon lower (func $s \"[method]output-stream.write\")"                    \
    "  (memory (core memory $libc \"memory\"))))"                                                  \
    " (core module $m (import \"l\" \"memory\" (memory 1))"                                        \
    "  (import \"l\" \"get\" (func $get (result i32)))"                                            \
    "  (import \"l\" \"write\" (func $write (param i32 i32 i32 i32)))"                             \
    "  (func (export \"run\") (result i32)"                                                        \
    "   (call $write (call $get) (i32.const 65536) (i32.const 65536) (i32.const 0))"               \
    "   (i32.load8_u (i32.const 0))))"                                                             \
    " (core instance $l (export \"memory\" (memory $libc \"memory\"))"                             \
    "  (export \"get\" (func $get)) (export \"write\" (func $write)))"                             \
    " (core instance $m (instantiate $m (with \"l\" (instance $l))))"                              \
    " (func $run (result (result)) (canon lift (core func $m \"run\")))"                           \
    " (instance $cli (export \"run\" (func $run)))"                                                \
    " (export \"wasi:cli/run@0.2.0\" (instance $cli)))"

/* Exit code: what the first write that fails gave. */
#define P1_WRITES                                                                                  \
    "(module (import \"wasi_snapshot_preview1\" \"fd_write\""                                      \
    " (func $w (param i32 i32 i32 i32) (result i32)))"                                             \
    " (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"                  \
    " (memory (export \"memory\") 1) (func (export \"_start\") (local $errno i32)"                 \
    " (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 10))"           \
    " (loop $again (local.set $errno (call $w (i32.const 1) (i32.const 0) (i32.const 1)"           \
    " (i32.const 32))) (br_if $again (i32.eqz (local.get $errno))))"                               \
    " (call $exit (local.get $errno))))"

enum { ERRNO_FBIG = 22, ERRNO_PIPE = 64 };

typedef struct inherited {
    bhd_host *host;
    bhd_component *component;
    bhd_sandbox *sandbox;
    int kept[3];
} inherited;

/* With `fds` (below 0: as they are) in the place of the program's streams. */
static inherited begin(const char *source, const int fds[3])
{
    /* A program that may write no more than some bytes to a file cannot hand a binary over. */
    bhd_host_options here = BHD_HOST_OPTIONS_INIT;
    here.compile = BHD_COMPILE_HERE;
    inherited all = {.host = guest_host_with(&here)};
    bhd_error error = BHD_ERROR_INIT;
    bhd_capabilities asked = BHD_CAPABILITIES_INIT;
    asked.standard_input = true;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "streams",
                                     .limits = guest_limits(MIB(1)),
                                     .capabilities = &asked};
    expect_ok(bhd_component_new(all.host, &options, source, strlen(source), &all.component, &error),
              &error);
    fflush(stdout);
    for (int fd = 0; fd < 3; fd++) {
        all.kept[fd] = dup(fd);
        if (fds[fd] >= 0)
            assert_int_equal(fd, dup2(fds[fd], fd));
    }
    bhd_sandbox_options with = BHD_SANDBOX_OPTIONS_INIT;
    with.standard_input.source = BHD_INPUT_INHERIT;
    with.standard_output.output = BHD_OUTPUT_INHERIT;
    with.standard_error.output = BHD_OUTPUT_INHERIT;
    all.sandbox = guest_sandbox_with(all.component, &with);
    return all;
}

static void end(inherited *all)
{
    for (int fd = 0; fd < 3; fd++) {
        assert_int_equal(fd, dup2(all->kept[fd], fd));
        (void)close(all->kept[fd]);
    }
    bhd_sandbox_free(all->sandbox);
    bhd_component_free(all->component);
    bhd_host_free(all->host);
}

static int exit_code_with(const char *source, const int fds[3])
{
    inherited all = begin(source, fds);
    int exit_code = -1;
    bhd_status status = bhd_sandbox_run(all.sandbox, &exit_code, NULL);
    end(&all);
    expect_status(BHD_OK, status, NULL);
    return exit_code;
}

static void a_terminal_is_a_terminal_for_the_guest(void **state)
{
    (void)state;
    int terminal[2], pipes[2], null = open("/dev/null", O_RDWR);
    assert_int_equal(0, openpty(&terminal[0], &terminal[1], NULL, NULL, NULL));
    assert_int_equal(0, pipe(pipes));
    int others[] = {pipes[1], null};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        for (int mask = 0; mask < 8; mask++) {
            int fds[3];
            for (int fd = 0; fd < 3; fd++)
                fds[fd] = mask & 1 << fd ? terminal[1] : others[i];
            assert_int_equal(mask, exit_code_with(P1_TERMINALS, fds));
            assert_int_equal(!(mask & 2), exit_code_with(P2_TERMINAL, fds));
        }
    (void)close(terminal[0]);
    (void)close(terminal[1]);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    (void)close(null);
}

/* With the default actions, which would end this program. */
static void signals_of_a_write_are_the_guests_error_numbers(void **state)
{
    (void)state;
    int pipes[2];
    struct sigaction before, after;
    assert_int_equal(0, sigaction(SIGPIPE, NULL, &before));
    assert_int_equal(0, pipe(pipes));
    (void)close(pipes[0]);
    const int to_nobody[3] = {-1, pipes[1], -1};
    assert_int_equal(ERRNO_PIPE, exit_code_with(P1_WRITES, to_nobody));
    (void)close(pipes[1]);

    char path[] = "/tmp/bhd-streams-XXXXXX";
    int file = mkstemp(path);
    struct rlimit all, least;
    assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &all));
    least = all;
    least.rlim_cur = 15;
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &least));
    const int to_file[3] = {-1, file, -1};
    int code = exit_code_with(P1_WRITES, to_file);
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &all));
    assert_int_equal(ERRNO_FBIG, code);
    assert_int_equal(15, lseek(file, 0, SEEK_END));
    (void)close(file);
    (void)unlink(path);

    assert_int_equal(0, sigaction(SIGPIPE, NULL, &after));
    assert_ptr_equal(before.sa_handler, after.sa_handler);
}

static void *read_all_later(void *env)
{
    int fd = *(int *)env;
    char bytes[4096];
    size_t all = 0;
    (void)usleep(200000);
    for (ssize_t n = 1; n > 0; all += n > 0 ? (size_t)n : 0)
        n = read(fd, bytes, sizeof bytes);
    /* Where the caller finds it. */
    *(int *)env = (int)all;
    return NULL;
}

static void what_was_written_arrives_when_somebody_reads(void **state)
{
    (void)state;
    for (int submits = 0; submits < 2; submits++) {
        int pipes[2];
        assert_int_equal(0, pipe(pipes));
        assert_true(fcntl(pipes[1], F_SETPIPE_SZ, 4096) >= 4096);
        const int fds[3] = {-1, pipes[1], -1};
        inherited all = begin(P2_UNFLUSHED, fds);
        (void)close(pipes[1]);
        pthread_t thread;
        int arrived = pipes[0], exit_code = -1;
        assert_int_equal(0, pthread_create(&thread, NULL, read_all_later, &arrived));
        bhd_status status = BHD_OK;
        if (submits) {
            bhd_call *call = submitted_run(all.sandbox, NULL);
            (void)bhd_call_wait(call, 120);
            status = bhd_call_result(call, NULL, NULL, NULL);
            exit_code = bhd_call_exit_code(call);
            bhd_call_free(call);
        } else {
            status = bhd_sandbox_run(all.sandbox, &exit_code, NULL);
        }
        end(&all);
        assert_int_equal(0, pthread_join(thread, NULL));
        (void)close(pipes[0]);
        expect_status(BHD_OK, status, NULL);
        assert_int_equal(0, exit_code);
        assert_int_equal(65536, arrived);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_is_a_terminal_for_the_guest),
        cmocka_unit_test(signals_of_a_write_are_the_guests_error_numbers),
        cmocka_unit_test(what_was_written_arrives_when_somebody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
