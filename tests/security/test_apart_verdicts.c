/*
 * Compilers that crash, lie, hang and fill everything: what the host says of each, and that nothing
 * of it stays. The process is a real one, started as the real compiler is.
 */
#include "support/played.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SCRIPT_SIZE = 1024 };

static bhd__compiler *compiler;

static int begin(void **state)
{
    (void)state;
    bhd__compiler_options options = played_options();
    compiler = played_compiler_new(&options);
    return 0;
}

static int end(void **state)
{
    (void)state;
    bhd__compiler_free(compiler);
    return 0;
}

/* Has to fail with this status and this in its message, and to leave nothing. */
static void fails_with(bhd__compiler *by, bhd_status wanted, const char *part, const char *script)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled = {.output = -7};
    played_traces before = played_look();
    bhd_status status = played_compile(by, script, &compiled, &error);
    if (status != wanted)
        print_error("script:\n%s", script);
    expect_status(wanted, status, &error);
    expect_in(error.message, part);
    assert_int_equal(-7, compiled.output);
    bhd_error_fini(&error);
    played_expect_no_traces(&before);
}

static void succeeds(const char *script)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    played_traces before = played_look();
    expect_ok(played_compile(compiler, script, &compiled, &error), &error);
    assert_true(compiled.output > STDERR_FILENO);
    assert_true(compiled.wall_ns > 0);
    played_release(&compiled);
    played_expect_no_traces(&before);
}

/* -- what is good ------------------------------------------------------------------------------ */

static void test_an_artefact_and_a_description(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    expect_ok(played_compile(compiler, "peak 4711\n" PLAYED_GOOD, &compiled, &error), &error);
    assert_int_equal(60, compiled.artifact_bytes);
    assert_int_equal(40, compiled.description_bytes);
    assert_int_equal(4711, compiled.peak_bytes);
    assert_int_equal(100, lseek(compiled.output, 0, SEEK_END));
    assert_int_equal(FD_CLOEXEC, fcntl(compiled.output, F_GETFD));
    const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    assert_int_equal(seals, fcntl(compiled.output, F_GET_SEALS) & seals);
    assert_int_equal(-1, write(compiled.output, "x", 1));
    played_release(&compiled);
}

static void test_a_description_alone(void **state)
{
    (void)state;
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    expect_ok(played_compile(compiler,
                             "began\noutput 40\ndescription 40\nverdict 1\nmagic\nexit 65",
                             &compiled, &error),
              &error);
    assert_int_equal(0, compiled.artifact_bytes);
    assert_int_equal(40, compiled.description_bytes);
    played_release(&compiled);
}

/* What is exactly as large as it may be; what was said to the screen on the way does not matter. */
static void test_the_last_byte_that_is_allowed(void **state)
{
    (void)state;
    succeeds("began\nsay hello\noutput 1048576\nartifact 1048576\nverdict 1\nmagic\nexit 65");
}

static void expect_told(const char *script, const void *settings, size_t settings_bytes,
                        const char *told)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    const bhd__compile_request request = {
        .binary = script,
        .size = strlen(script),
        .settings = settings,
        .settings_bytes = settings_bytes,
    };
    expect_status(BHD_COMPONENT_INVALID, bhd__compile_apart(compiler, &request, &compiled, &error),
                  &error);
    assert_string_equal(told, error.message);
    bhd_error_fini(&error);
}

#define AS_A_REFUSAL "began\nstatus 50\nverdict 2\nmagic\n"

static void test_the_job_is_what_the_options_say(void **state)
{
    (void)state;
    expect_told(AS_A_REFUSAL "job\nexit 66", "four", 4,
                "build=played 1 data=67108864 cpu=60000 output=1048576 threads=0 settings=four");
    expect_told(AS_A_REFUSAL "job\nexit 66", NULL, 0,
                "build=played 1 data=67108864 cpu=60000 output=1048576 threads=0 settings=");
}

static void test_a_large_binary_has_threads(void **state)
{
    (void)state;
    static const char with_threads[] = AS_A_REFUSAL "job\nexit 66\n";
    cpu_set_t all, one;
    char told[160];
    char *script = calloc(1, 16384 + 1);
    assert_non_null(script);
    (void)memcpy(script, with_threads, sizeof with_threads);
    (void)memset(script + strlen(script), '#', 16384 - strlen(script));
    assert_int_equal(0, sched_getaffinity(0, sizeof all, &all));
    int processors = CPU_COUNT(&all) < 4 ? CPU_COUNT(&all) : 4;
    (void)snprintf(told, sizeof told,
                   "build=played 1 data=67108864 cpu=60000 output=1048576 threads=%d settings=",
                   processors < 2 ? 0 : processors);
    expect_told(script, NULL, 0, told);
    /* On one processor there is nobody to help. */
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    assert_int_equal(0, sched_setaffinity(0, sizeof one, &one));
    expect_told(script, NULL, 0,
                "build=played 1 data=67108864 cpu=60000 output=1048576 threads=0 settings=");
    assert_int_equal(0, sched_setaffinity(0, sizeof all, &all));
    /* And one byte less is small. */
    script[16383] = '\0';
    expect_told(script, NULL, 0,
                "build=played 1 data=67108864 cpu=60000 output=1048576 threads=0 settings=");
    free(script);
}

/* -- what a process can end with --------------------------------------------------------------- */

/* The same as in the unit test of the table, through a process: each verdict with each exit. */
static void test_what_is_said_counts_only_with_its_exit_code(void **state)
{
    (void)state;
    static const bhd_status wanted[] = {
        [1] = BHD_OK,
        [2] = BHD_COMPONENT_UNSUPPORTED,
        [3] = BHD_COMPONENT_TOO_LARGE,
        [4] = BHD_COMPILER_FAILED,
        [5] = BHD_COMPILER_FAILED,
        [6] = BHD_NO_COMPILER,
    };
    for (int verdict = 0; verdict <= 7; verdict++)
        for (int code = 63; code <= 71; code++)
            for (int is_whole = 0; is_whole < 2; is_whole++) {
                char script[SCRIPT_SIZE];
                (void)snprintf(script, sizeof script,
                               "began\noutput 100\nartifact 60\ndescription 40\nstatus 51\n"
                               "text why\nverdict %d\n%sexit %d",
                               verdict, is_whole ? "magic\n" : "", code);
                bool holds = is_whole && code == 64 + verdict && verdict >= 1 && verdict <= 6;
                if (holds && verdict == 1)
                    succeeds(script);
                else if (holds)
                    fails_with(compiler, wanted[verdict], "", script);
                else if (code == 70)
                    fails_with(compiler, BHD_NO_COMPILER, "another build (why)", script);
                else
                    fails_with(compiler, BHD_COMPILER_FAILED, "it ended with exit code", script);
            }
}

static void test_no_signal_is_believed(void **state)
{
    (void)state;
    for (int number = 1; number <= 64; number++) {
        char script[SCRIPT_SIZE];
        if (number == SIGCHLD || number == SIGCONT || number == SIGURG || number == SIGWINCH ||
            number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU ||
            number == 32 || number == 33) /* nothing ends by these */
            continue;
        (void)snprintf(script, sizeof script,
                       "began\noutput 100\nartifact 60\ndescription 40\nverdict 1\nmagic\n"
                       "signal %d\nexit 65",
                       number);
        switch (number) {
        case SIGPROF:
        case SIGXCPU:
            fails_with(compiler, BHD_COMPONENT_TOO_LARGE, "max_compile_seconds", script);
            break;
        case SIGXFSZ:
            fails_with(compiler, BHD_COMPONENT_TOO_LARGE, "max_artifact_bytes", script);
            break;
        case SIGSYS:
            fails_with(compiler, BHD_COMPILER_FAILED, "system call that", script);
            break;
        case SIGKILL:
            fails_with(compiler, BHD_COMPILER_FAILED, "not by this host", script);
            break;
        default:
            fails_with(compiler, BHD_COMPILER_FAILED, "it was ended by signal", script);
        }
    }
}

static void test_only_four_statuses_refuse(void **state)
{
    (void)state;
    for (int status = 0; status <= 90; status++) {
        char script[SCRIPT_SIZE];
        (void)snprintf(script, sizeof script,
                       "began\nstatus %d\ntext no\nrange 9 1 5\nverdict 2\nmagic\nexit 66", status);
        bool may = status == BHD_COMPONENT_INVALID || status == BHD_COMPONENT_UNSUPPORTED ||
                   status == BHD_COMPONENT_TOO_LARGE || status == BHD_FILE_TOO_LARGE;
        if (may)
            fails_with(compiler, (bhd_status)status, "no", script);
        else
            fails_with(compiler, BHD_COMPILER_FAILED, "what it reported does not hold", script);
    }
}

static void test_every_size_that_is_not_so(void **state)
{
    (void)state;
    static const char *const sizes[] = {
        "output 99\nartifact 60\ndescription 40",
        "output 101\nartifact 60\ndescription 40",
        "artifact 60\ndescription 40",
        "output 100",
        "artifact 0\ndescription 0",
        "output 100\nartifact 18446744073709551615\ndescription 101",
        "output 100\nartifact 101\ndescription 18446744073709551615",
    };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char script[SCRIPT_SIZE];
        (void)snprintf(script, sizeof script, "began\n%s\nverdict 1\nmagic\nexit 65", sizes[i]);
        fails_with(compiler, BHD_COMPILER_FAILED, "what it reported does not hold", script);
    }
    fails_with(compiler, BHD_COMPILER_FAILED, "what it reported does not hold",
               "began\nstatus 50\ntext no\ntext_bytes 16385\nverdict 2\nmagic\nexit 66");
    fails_with(compiler, BHD_COMPILER_FAILED, "what it reported does not hold",
               "began\nstatus 50\ntext no\ntext_bytes 4294967295\nverdict 2\nmagic\nexit 66");
}

static void test_text_is_made_safe(void **state)
{
    (void)state;
    fails_with(compiler, BHD_COMPONENT_INVALID, "\\x1b[31mred\\x00after\\xff\\nline, once: \\x07",
               "began\nstatus 50\ntext \\033[31mred\\000after\\377\\012line, once: \\134x07\n"
               "verdict 2\nmagic\nexit 66");
    /* What is printed is text, wherever that comes from. */
    fails_with(compiler, BHD_COMPILER_FAILED, "last words: hello", "began\nsay hello\nsignal 6");
    fails_with(compiler, BHD_COMPILER_FAILED, "last words: \\x1b]0;title\\x07; two",
               "began\ntext \\012\\033]0;title\\007\\012\\012two\\012\\000three\nsignal 6");
}

/* -- without end ------------------------------------------------------------------------------- */

static void test_output_without_end(void **state)
{
    (void)state;
    fails_with(compiler, BHD_COMPONENT_TOO_LARGE,
               "1048577 bytes or more; 1048576 bytes are allowed", "began\nendless");
    fails_with(compiler, BHD_COMPONENT_TOO_LARGE,
               "1048577 bytes or more; 1048576 bytes are allowed",
               "began\noutput 1048577\nartifact 1048577\nverdict 1\nmagic\nexit 65");
}

/* Less than the report may be: its size counts, whatever the system lets the process write. */
static void test_output_above_a_small_limit(void **state)
{
    (void)state;
    bhd__compiler_options options = played_options();
    options.max_output_bytes = 99;
    bhd__compiler *small = played_compiler_new(&options);
    fails_with(small, BHD_COMPONENT_TOO_LARGE, "100 bytes or more; 99 bytes are allowed",
               PLAYED_GOOD);
    bhd__compiler_free(small);
}

static void test_who_does_not_end_is_ended(void **state)
{
    (void)state;
    static const char *const ways[] = {"sleep", "spin", "stop\nsleep"};
    bhd__compiler_options options = played_options();
    options.max_seconds = 3; /* enough to begin */
    bhd__compiler *short_of_time = played_compiler_new(&options);
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        char script[SCRIPT_SIZE];
        (void)snprintf(script, sizeof script,
                       "began\noutput 100\nartifact 60\ndescription 40\nverdict 1\nmagic\n%s",
                       ways[i]);
        fails_with(short_of_time, BHD_COMPONENT_TOO_LARGE, "3 seconds are allowed", script);
    }
    fails_with(short_of_time, BHD_NO_COMPILER, "after 3 seconds, and had not begun", "sleep");
    bhd__compiler_free(short_of_time);
}

/* -- what stays behind ------------------------------------------------------------------------- */

/* Somebody who could still change the artefact when it is loaded. */
static void test_who_has_the_output_mapped_has_compiled_nothing(void **state)
{
    (void)state;
    fails_with(compiler, BHD_COMPILER_FAILED, "what it reported does not hold",
               "began\noutput 100\nartifact 60\ndescription 40\nverdict 1\nmagic\nmap\nexit 65");
}

/* Who has it open cannot write any more. Whether the size is still right is a matter of luck. */
static void test_who_has_the_output_open_writes_nothing_more(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS(20); round++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd__compiled compiled;
        bhd_status status = played_compile(
            compiler,
            "began\noutput 100\nartifact 60\ndescription 40\nverdict 1\nmagic\nkeep\nexit 65",
            &compiled, &error);
        if (status == BHD_OK) {
            assert_int_equal(100, lseek(compiled.output, 0, SEEK_END));
            played_release(&compiled);
        } else {
            assert_true(status == BHD_COMPILER_FAILED || status == BHD_COMPONENT_TOO_LARGE);
        }
        bhd_error_fini(&error);
    }
}

/* Whatever of its seals the process has set: all that matter, or it is not believed. */
static void test_every_set_of_seals(void **state)
{
    (void)state;
    for (int seals = 0; seals < 16; seals++) {
        char script[SCRIPT_SIZE];
        const int content = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
        (void)snprintf(script, sizeof script,
                       "began\noutput 100\nseal %d\nartifact 60\ndescription 40\nverdict 1\nmagic\n"
                       "exit 65",
                       seals);
        if ((seals & F_SEAL_SEAL) == 0 || (seals & content) == content)
            succeeds(script);
        else
            fails_with(compiler, BHD_COMPILER_FAILED, "what it reported does not hold", script);
    }
}

/* The report is read once: what is checked is what is shown. */
static void test_who_goes_on_writing_the_report(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS(20); round++)
        fails_with(compiler, BHD_COMPONENT_INVALID, "",
                   "began\nstatus 50\ntext_bytes 900\nverdict 2\nmagic\noverwrite\nexit 66");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_artefact_and_a_description),
        cmocka_unit_test(test_a_description_alone),
        cmocka_unit_test(test_the_last_byte_that_is_allowed),
        cmocka_unit_test(test_the_job_is_what_the_options_say),
        cmocka_unit_test(test_a_large_binary_has_threads),
        cmocka_unit_test(test_what_is_said_counts_only_with_its_exit_code),
        cmocka_unit_test(test_no_signal_is_believed),
        cmocka_unit_test(test_only_four_statuses_refuse),
        cmocka_unit_test(test_every_size_that_is_not_so),
        cmocka_unit_test(test_text_is_made_safe),
        cmocka_unit_test(test_output_without_end),
        cmocka_unit_test(test_output_above_a_small_limit),
        cmocka_unit_test(test_who_does_not_end_is_ended),
        cmocka_unit_test(test_who_has_the_output_mapped_has_compiled_nothing),
        cmocka_unit_test(test_who_has_the_output_open_writes_nothing_more),
        cmocka_unit_test(test_every_set_of_seals),
        cmocka_unit_test(test_who_goes_on_writing_the_report),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
