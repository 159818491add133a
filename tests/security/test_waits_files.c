/*
 * The ways in which a guest can wait for files, as docs/ISOLATION.md lists them: while more
 * sandboxes of one tenant wait so than it has places, another tenant works with its files, on the
 * host's worker and on a thread of its own. Then all that waited end well.
 */
#include "support/file_guest.h"
#include "support/held_file.h"
#include "support/submitted.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define WAITING 12

/* Opens a file of descriptor 3, and writes a byte to it when it was opened for that. */
#define P1(name, size, rights, then)                                                               \
    "(module (import \"wasi_snapshot_preview1\" \"path_open\" (func $open"                         \
    " (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))"                                  \
    " (import \"wasi_snapshot_preview1\" \"fd_write\" (func $write (param i32 i32 i32 i32)"        \
    " (result i32))) (memory (export \"memory\") 1) (data (i32.const 0) \"" name "\")"             \
    " (data (i32.const 64) \"\\00\\00\\00\\00\\01\\00\\00\\00\")"                                  \
    " (func (export \"_start\")"                                                                   \
    "  (if (call $open (i32.const 3) (i32.const 1) (i32.const 0) (i32.const " size ")"             \
    "   (i32.const 0) (i64.const " rights ") (i64.const 0) (i32.const 0) (i32.const 128))"         \
    "   (then (unreachable))) " then "))"
#define WRITES                                                                                     \
    "(if (call $write (i32.load (i32.const 128)) (i32.const 64) (i32.const 1) (i32.const 132))"    \
    " (then (unreachable)))"

static const char *const write_with_a_stream[] = {"ask", "write", "/data/held", "1"};

static const struct way {
    const char *name; /* as in the table */
    const char *source;
    const char *const *argv;
    size_t argc;
    bool is_lease;
} ways[] = {
    {"a file that somebody has a lease of", P1("leased", "6", "2", ""), NULL, 0, true},
    {"a call on a file or directory", P1("held", "4", "64", WRITES), NULL, 0, false},
    {"a stream of a file", NULL, write_with_a_stream, COUNT_OF(write_with_a_stream), false},
};

static bhd_component *component_of(file_guest *f, const struct way *way)
{
    char path[512];
    bhd_component *component = NULL;
    bhd_error error = BHD_ERROR_INIT;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "waits",
                                     .limits = guest_limits(MIB(2)),
                                     .capabilities = &f->asked};
    options.limits.timeout_seconds = 120;
    snprintf(path, sizeof path, "%s/guests/wasi/ask.wasm", BHD_SOURCE_DIR);
    bhd_status status = way->source
                            ? bhd_component_new(f->host, &options, way->source, strlen(way->source),
                                                &component, &error)
                            : bhd_component_load_file(f->host, path, &options, &component, &error);
    expect_ok(status, &error);
    return component;
}

static void ignore(int signal)
{
    (void)signal;
}

/* What another tenant does meanwhile, directly and by the host's worker. */
static void work(file_guest *other, bhd_component *submits)
{
    static const char *const argv[] = {"ask", "write", "/data/other", "9000", "list", "/data"};
    int32_t fd;
    char text[8];
    uint32_t size;
    assert_int_equal(0, files_open(other, "free", OPEN_CREATE, RIGHT_READ | RIGHT_WRITE, &fd));
    assert_int_equal(0, files_write(other, fd, "text", 4, 0, NULL));
    assert_int_equal(0, files_read(other, fd, text, sizeof text, &size));
    assert_int_equal(0, files_close(other, fd));
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = COUNT_OF(argv);
    options.standard_output.output = BHD_OUTPUT_CAPTURE;
    bhd_sandbox *sandbox = guest_sandbox_with(submits, &options);
    expect_end(submitted_run(sandbox, NULL), BHD_OK);
    bhd_sandbox_free(sandbox);
}

static void wait_and_work(file_guest *f, file_guest *other, bhd_component *submits,
                          const struct way *way)
{
    bhd_sandbox *sandboxes[WAITING];
    bhd_call *calls[WAITING];
    held_file held;
    int lease = open(files_path(f, "leased"), O_RDWR | O_CLOEXEC);
    assert_true(lease >= 0);
    bool waits = way->is_lease ? fcntl(lease, F_SETLEASE, F_WRLCK) == 0
                               : held_file_begin(&held, files_path(f, "held"));
    if (!waits) {
        print_message("skipped, not for this user or file system: %s\n", way->name);
        assert_int_equal(0, close(lease));
        return;
    }
    bhd_component *component = component_of(f, way);
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = way->argv;
    options.argc = way->argc;
    options.standard_output.output = BHD_OUTPUT_CAPTURE;
    for (size_t i = 0; i < WAITING; i++) {
        sandboxes[i] = guest_sandbox_with(component, &options);
        calls[i] = submitted_run(sandboxes[i], NULL);
    }
    for (int i = 0; i < 20; i++)
        work(other, submits);
    for (size_t i = 0; i < WAITING; i++)
        assert_false(bhd_call_poll(calls[i]));
    if (way->is_lease)
        assert_int_equal(0, fcntl(lease, F_SETLEASE, F_UNLCK));
    else
        held_file_end(&held);
    assert_int_equal(0, close(lease));
    for (size_t i = 0; i < WAITING; i++) {
        expect_outcome(calls[i], BHD_OK);
        assert_int_equal(0, bhd_call_exit_code(calls[i]));
        bhd_call_free(calls[i]);
        bhd_sandbox_free(sandboxes[i]);
    }
    bhd_component_free(component);
}

static void nobody_waits_for_another(void **state)
{
    (void)state;
    file_guest f, other;
    struct sigaction action = {.sa_handler = ignore}, old;
    assert_int_equal(0, sigaction(SIGIO, &action, &old));
    files_begin(&f, 0, 120);
    files_beside(&other, &f, 120);
    files_put(&f, "leased", "text");
    files_put(&f, "held", "text");
    bhd_component *submits =
        component_of(&f, &(const struct way){"", NULL, write_with_a_stream, 0, false});
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        wait_and_work(&f, &other, submits, &ways[i]);
    bhd_component_free(submits);
    files_end(&other);
    files_end(&f);
    assert_int_equal(0, sigaction(SIGIO, &old, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
