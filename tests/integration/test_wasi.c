/*
 * What WASI gives to a guest (arguments, clocks, two output streams, an exit code) and what it does
 * not (environment, files, input), the same for core modules and for components.
 */
#include "support/process_facts.h"
#include "support/real_guest.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* "wasi/NAME.core.wasm" and "wasi/NAME.wasm". */
static const char *source_of(const char *name, bool component)
{
    static char source[64];
    snprintf(source, sizeof source, "wasi/%s%s.wasm", name, component ? "" : ".core");
    return source;
}

static guest begin(const char *name, bool component, const bhd_sandbox_options *options)
{
    bhd_limits limits = guest_limits(MIB(1));
    return guest_begin_with(NULL, source_of(name, component), &limits, options);
}

/* -- arguments ----------------------------------------------------------------------------- */

static void arguments_arrive_as_they_are(void **state)
{
    (void)state;
    const char *const argv[] = {"prog", "", "two words",
                                ("gr\xc3\xb6\xc3\x9f"
                                 "e"),
                                "--x=\"1\"\n"};
    for (int component = 0; component < 2; component++) {
        guest_output output;
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.argv = argv;
        options.argc = COUNT_OF(argv);
        options.standard_output = guest_stream_to(&output);
        guest g = begin("args", component, &options);
        assert_int_equal(0, guest_run(g.sandbox));
        assert_string_equal("5 arguments\n0: [prog]\n1: []\n2: [two words]\n"
                            "3: [gr\xc3\xb6\xc3\x9f"
                            "e]\n4: [--x=\"1\"\n]\n",
                            output.text);
        guest_end(&g);
    }
}

static void without_arguments_there_is_the_name_of_the_component(void **state)
{
    (void)state;
    for (int component = 0; component < 2; component++) {
        guest_output output;
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.standard_output = guest_stream_to(&output);
        guest g = begin("args", component, &options);
        assert_int_equal(0, guest_run(g.sandbox));
        assert_string_equal("1 arguments\n0: [guest]\n", output.text);
        guest_end(&g);
    }
}

static void arguments_are_copied(void **state)
{
    (void)state;
    char word[] = "before";
    const char *const argv[] = {"args", word};
    guest_output output;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = COUNT_OF(argv);
    options.standard_output = guest_stream_to(&output);
    guest g = begin("args", true, &options);
    memcpy(word, "after!", sizeof word);
    assert_int_equal(0, guest_run(g.sandbox));
    expect_in(output.text, "1: [before]");
    guest_end(&g);
}

static void arguments_that_cannot_be_are_refused(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "wasi/args.wasm", &limits);
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    const char *const bad[] = {"args", "\xff\xfe"};
    const char *const missing[] = {"args", NULL};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = bad;
    options.argc = 2;
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_new(component, &options, &sandbox, &error),
                  &error);
    assert_string_equal("argument 1 of the guest is not UTF-8 text", error.message);
    options.argv = missing;
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_new(component, &options, &sandbox, &error),
                  &error);
    assert_string_equal("sandbox options: argv[1] is NULL", error.message);
    options.argv = NULL;
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_new(component, &options, &sandbox, &error),
                  &error);
    assert_null(sandbox);
    expect_stats(host, 0, 0);
    bhd_error_fini(&error);
    bhd_component_free(component);
    bhd_host_free(host);
}

/* -- streams ------------------------------------------------------------------------------- */

static void the_two_streams_arrive_apart(void **state)
{
    (void)state;
    for (int component = 0; component < 2; component++) {
        guest_output out, err;
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.standard_output = guest_stream_to(&out);
        options.standard_error = guest_stream_to(&err);
        guest g = begin("print", component, &options);
        assert_int_equal(0, guest_run(g.sandbox));
        assert_string_equal("a line on stdout\n", out.text);
        assert_string_equal("a line on stderr\n", err.text);
        guest_end(&g);
    }
}

/* Runs `name` with the process's own standard output into a pipe and gives what arrived there. */
static size_t through_pipe(const char *name, bool component, const bhd_sandbox_options *options,
                           char *text, size_t capacity)
{
    int ends[2];
    fflush(stdout);
    assert_int_equal(0, pipe(ends));
    int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0);
    assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
    close(ends[1]);
    guest g = begin(name, component, options);
    int exit_code = guest_run(g.sandbox);
    guest_end(&g);
    fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
    assert_int_equal(0, exit_code);
    ssize_t size = read(ends[0], text, capacity - 1);
    assert_true(size >= 0);
    text[size] = '\0';
    close(ends[0]);
    return (size_t)size;
}

static void output_goes_nowhere_unless_asked(void **state)
{
    (void)state;
    char text[256];
    for (int component = 0; component < 2; component++)
        assert_int_equal(0, through_pipe("print", component, NULL, text, sizeof text));
}

static void inherited_output_goes_to_the_stream_of_the_process(void **state)
{
    (void)state;
    char text[256];
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output.output = BHD_OUTPUT_INHERIT;
    for (int component = 0; component < 2; component++) {
        (void)through_pipe("print", component, &options, text, sizeof text);
        assert_string_equal("a line on stdout\n", text);
    }
}

/* A reader who never reads must not hold the thread beyond the deadline. */
static void a_pipe_that_nobody_reads_ends_at_the_deadline(void **state)
{
    (void)state;
    const char *const argv[] = {"flood", "16"};
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = 0.3;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = COUNT_OF(argv);
    options.standard_output.output = BHD_OUTPUT_INHERIT;
    for (int component = 0; component < 2; component++) {
        int ends[2];
        fflush(stdout);
        assert_int_equal(0, pipe(ends));
        int kept = dup(STDOUT_FILENO);
        assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
        guest g = guest_begin_with(NULL, source_of("flood", component), &limits, &options);
        double began = process_seconds();
        int exit_code = -1;
        bhd_status status = bhd_sandbox_run(g.sandbox, &exit_code, NULL);
        double took = process_seconds() - began;
        assert_true(dup2(kept, STDOUT_FILENO) >= 0);
        close(kept);
        guest_end(&g);
        close(ends[0]);
        close(ends[1]);
        expect_status(BHD_TIMEOUT, status, NULL);
        assert_true(took >= 0.3 && took <= 60);
    }
}

static bool refuse(void *user_data, const void *data, size_t size)
{
    unsigned *asked = user_data;
    (void)data;
    (void)size;
    (*asked)++;
    return false;
}

static void a_callback_that_cannot_is_an_error_for_the_guest(void **state)
{
    (void)state;
    for (int component = 0; component < 2; component++) {
        unsigned asked = 0;
        guest_output err;
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.standard_output = (bhd_stream){BHD_OUTPUT_CALLBACK, refuse, &asked};
        options.standard_error = guest_stream_to(&err);
        guest g = begin("flood", component, &options);
        assert_int_equal(1, guest_run(g.sandbox));
        assert_true(asked > 0);
        assert_string_equal("flood: stdout took no more\n", err.text);
        guest_end(&g);
    }
}

static void streams_that_cannot_be_are_refused(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, "wasi/print.wasm", &limits);
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output.output = BHD_OUTPUT_CALLBACK;
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_new(component, &options, &sandbox, &error),
                  &error);
    assert_string_equal("sandbox option standard_output: BHD_OUTPUT_CALLBACK without a callback",
                        error.message);
    options.standard_output.output = BHD_OUTPUT_NONE;
    options.standard_error.output = (bhd_output)99;
    expect_status(BHD_INVALID_ARGUMENT, bhd_sandbox_new(component, &options, &sandbox, &error),
                  &error);
    assert_string_equal("sandbox option standard_error: 99 is not a bhd_output", error.message);
    bhd_error_fini(&error);
    bhd_component_free(component);
    bhd_host_free(host);
}

/* A callback that belonged to another thread could still run when the guest has been ended. */
typedef struct writer {
    pthread_t thread;
    unsigned on_it, elsewhere;
} writer;

static bool note_thread(void *user_data, const void *data, size_t size)
{
    writer *w = user_data;
    (void)data;
    (void)size;
    if (pthread_equal(w->thread, pthread_self()))
        w->on_it++;
    else
        w->elsewhere++;
    return true;
}

static void callbacks_run_on_the_thread_of_the_guest(void **state)
{
    (void)state;
    for (int component = 0; component < 2; component++) {
        writer w = {pthread_self(), 0, 0};
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.standard_output = (bhd_stream){BHD_OUTPUT_CALLBACK, note_thread, &w};
        options.standard_error = options.standard_output;
        guest g = begin("print", component, &options);
        assert_int_equal(0, guest_run(g.sandbox));
        assert_true(w.on_it >= 2);
        assert_int_equal(0, w.elsewhere);
        guest_end(&g);
    }
}

static bool dawdle(void *user_data, const void *data, size_t size)
{
    unsigned *done = user_data;
    const struct timespec pause = {0, 20000000};
    (void)data;
    (void)size;
    (void)nanosleep(&pause, NULL);
    (*done)++;
    return true;
}

/* Whether it had written anything by then. */
static bool writes_until_its_end_only(int component, double timeout)
{
    const char *const argv[] = {"flood", "16"};
    bhd_limits limits = guest_limits(MIB(1));
    limits.timeout_seconds = timeout;
    unsigned done = 0;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = COUNT_OF(argv);
    options.standard_output = (bhd_stream){BHD_OUTPUT_CALLBACK, dawdle, &done};
    guest g = guest_begin_with(NULL, source_of("flood", component), &limits, &options);
    guest_run_ends(g.sandbox, BHD_TIMEOUT, NULL);
    unsigned at_the_end = done;
    const struct timespec pause = {0, 100000000};
    (void)nanosleep(&pause, NULL);
    assert_int_equal(at_the_end, done);
    guest_end(&g);
    return at_the_end > 0;
}

static void nothing_is_written_after_the_end(void **state)
{
    (void)state;
    for (int component = 0; component < 2; component++) {
        double timeout = 0.1;
        while (!writes_until_its_end_only(component, timeout))
            timeout *= 3;
    }
}

/* A callback that calls into the sandbox it serves is told so, and harms nothing. */
typedef struct meddler {
    bhd_sandbox *sandbox;
    bhd_status status;
    uint64_t current_bytes;
} meddler;

static bool meddle(void *user_data, const void *data, size_t size)
{
    meddler *m = user_data;
    int exit_code;
    bhd_memory_metrics metrics;
    (void)data;
    (void)size;
    m->status = bhd_sandbox_run(m->sandbox, &exit_code, NULL);
    bhd_sandbox_metrics(m->sandbox, &metrics); /* this is allowed */
    m->current_bytes = metrics.current_bytes;
    return true;
}

static void a_callback_may_not_call_into_its_sandbox(void **state)
{
    (void)state;
    for (int component = 0; component < 2; component++) {
        meddler m = {NULL, BHD_OK, 0};
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.standard_output = (bhd_stream){BHD_OUTPUT_CALLBACK, meddle, &m};
        guest g = begin("print", component, &options);
        m.sandbox = g.sandbox;
        assert_int_equal(0, guest_run(g.sandbox));
        expect_status(BHD_BUSY, m.status, NULL);
        assert_true(m.current_bytes > 0);
        guest_end(&g);
    }
}

/* -- the end ------------------------------------------------------------------------------- */

static int exit_with(bhd_component *of, const char *code)
{
    const char *const argv[] = {"exit_code", code};
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = COUNT_OF(argv);
    bhd_sandbox *sandbox = guest_sandbox_with(of, &options);
    int exit_code = guest_run(sandbox);
    assert_true(bhd_sandbox_is_dead(sandbox));
    bhd_sandbox_free(sandbox);
    return exit_code;
}

static void exit_codes_reach_the_host(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int core, component;
    } codes[] = {
        {"0", 0, 0},     {"1", 1, 1},     {"7", 7, 1},     {"125", 125, 1},
        {"126", 126, 1}, {"255", 255, 1}, {"256", 256, 1}, {"-1", -1, 1},
    };
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *core = guest_component(host, source_of("exit_code", false), &limits);
    bhd_component *component = guest_component(host, source_of("exit_code", true), &limits);
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        assert_int_equal(codes[i].core, exit_with(core, codes[i].code));
        assert_int_equal(codes[i].component, exit_with(component, codes[i].code));
    }
    bhd_component_free(core);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void exit_in_a_call_is_the_end_with_a_code(void **state)
{
    (void)state;
    static const char source[] =
        "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
        " (memory (export \"memory\") 1)"
        " (func (export \"leave\") (param i32) (call $exit (local.get 0))))";
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin(source, &limits);
    bhd_error error = BHD_ERROR_INIT;
    guest_ends(g.sandbox, BHD_EXIT, &error, "leave", 42);
    assert_true(error.value == 42);
    assert_true(error.frame_count == 0);
    assert_string_equal("the guest ended itself with exit code 42", error.message);
    assert_true(bhd_sandbox_is_dead(g.sandbox));
    guest_ends(g.sandbox, BHD_SANDBOX_DEAD, NULL, "leave", 42);
    bhd_error_fini(&error);
    guest_end(&g);
}

static void exit_in_the_start_function_is_an_exit(void **state)
{
    (void)state;
    static const char source[] =
        "(module (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
        " (memory (export \"memory\") 1) (func $s (call $exit (i32.const 9))) (start $s))";
    bhd_host *host = guest_host();
    bhd_limits limits = guest_limits(MIB(1));
    bhd_component *component = guest_component(host, source, &limits);
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    expect_status(BHD_EXIT, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    assert_null(sandbox);
    assert_true(error.value == 9);
    bhd_error_fini(&error);
    bhd_component_free(component);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void a_component_reports_success_and_failure(void **state)
{
    (void)state;
    bhd_limits limits = guest_limits(MIB(1));
    guest g = guest_begin("component/run_ok.wat", &limits);
    assert_int_equal(0, guest_run(g.sandbox));
    assert_int_equal(0, guest_run(g.sandbox)); /* it has not ended, so it may run again */
    guest_end(&g);
    g = guest_begin("component/run_err.wat", &limits);
    assert_int_equal(1, guest_run(g.sandbox));
    assert_false(bhd_sandbox_is_dead(g.sandbox));
    guest_end(&g);
    g = guest_begin("component/run_trap.wat", &limits);
    bhd_error error = BHD_ERROR_INIT;
    guest_run_ends(g.sandbox, BHD_TRAP, &error);
    static const char *const functions[] = {"inner", "middle", "run"};
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        assert_string_equal(functions[i], error.frames[i].function);
    bhd_error_fini(&error);
    guest_end(&g);
}

/* -- clocks, and what is not there --------------------------------------------------------- */

static void clocks_are_sane(void **state)
{
    (void)state;
    for (int component = 0; component < 2; component++) {
        guest_output output;
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.standard_output = guest_stream_to(&output);
        guest g = begin("clocks", component, &options);
        assert_int_equal(0, guest_run(g.sandbox));
        assert_string_equal("ok\n", output.text);
        guest_end(&g);
    }
}

static void environment_files_and_input_are_empty(void **state)
{
    (void)state;
    /* There is something to find. */
    assert_int_equal(0, setenv("BULKHEAD_SECRET", "42", 1));
    assert_int_equal(0, access("/etc/passwd", R_OK));
    int kept = dup(STDIN_FILENO);
    int file = open("/etc/passwd", O_RDONLY);
    assert_true(file >= 0 && dup2(file, STDIN_FILENO) >= 0);
    for (int component = 0; component < 2; component++) {
        guest_output output;
        bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
        options.standard_output = guest_stream_to(&output);
        guest g = begin("env_files", component, &options);
        int exit_code = guest_run(g.sandbox);
        if (exit_code != 0)
            print_error("%s\n", output.text);
        assert_int_equal(0, exit_code);
        expect_in(output.text, "environment: 0 variables\n");
        expect_in(output.text, "found nothing\n");
        guest_end(&g);
    }
    if (kept >= 0)
        (void)dup2(kept, STDIN_FILENO);
    assert_int_equal(-1, access("/tmp/bulkhead-guest-was-here", F_OK));
}

/* WASI finds no guest that calls it, and so no memory. */
static void a_function_of_wasi_that_a_module_exports_is_a_trap(void **state)
{
    (void)state;
    static const char *const memories[] = {"(memory 1)", "(memory (export \"memory\") 1)"};
    for (size_t i = 0; i < COUNT_OF(memories); i++) {
        char text[300];
        snprintf(text, sizeof text,
                 "(module (import \"wasi_snapshot_preview1\" \"clock_res_get\""
                 " (func $f (param i32 i32) (result i32))) %s (export \"f\" (func $f)))",
                 memories[i]);
        bhd_limits limits = guest_limits(MIB(1));
        guest g = guest_begin(text, &limits);
        bhd_error error = BHD_ERROR_INIT;
        guest_ends(g.sandbox, BHD_TRAP, &error, "f", 0, 0);
        expect_in(error.message, "missing required memory export");
        assert_true(bhd_sandbox_is_dead(g.sandbox));
        bhd_error_fini(&error);
        guest_end(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_arrive_as_they_are),
        cmocka_unit_test(without_arguments_there_is_the_name_of_the_component),
        cmocka_unit_test(arguments_are_copied),
        cmocka_unit_test(arguments_that_cannot_be_are_refused),
        cmocka_unit_test(the_two_streams_arrive_apart),
        cmocka_unit_test(output_goes_nowhere_unless_asked),
        cmocka_unit_test(inherited_output_goes_to_the_stream_of_the_process),
        cmocka_unit_test(a_pipe_that_nobody_reads_ends_at_the_deadline),
        cmocka_unit_test(a_callback_that_cannot_is_an_error_for_the_guest),
        cmocka_unit_test(streams_that_cannot_be_are_refused),
        cmocka_unit_test(callbacks_run_on_the_thread_of_the_guest),
        cmocka_unit_test(nothing_is_written_after_the_end),
        cmocka_unit_test(a_callback_may_not_call_into_its_sandbox),
        cmocka_unit_test(exit_codes_reach_the_host),
        cmocka_unit_test(exit_in_a_call_is_the_end_with_a_code),
        cmocka_unit_test(exit_in_the_start_function_is_an_exit),
        cmocka_unit_test(a_component_reports_success_and_failure),
        cmocka_unit_test(clocks_are_sane),
        cmocka_unit_test(a_function_of_wasi_that_a_module_exports_is_a_trap),
        cmocka_unit_test(environment_files_and_input_are_empty),
    };
    return cmocka_run_group_tests_name("WASI", tests, NULL, NULL);
}
