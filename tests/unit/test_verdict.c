/*
 * What became of a compilation, for every way in which a process can end with everything that it
 * can say: against the table as it is written down, and each message once in full.
 */
#include "support/real_guest.h"

#include "base/unicode.h"
#include "compile/verdict.h"

#include <signal.h>

#define MOST_BYTES UINT64_C(1000)
#define MOST_SECONDS UINT64_C(60)
#define SECOND UINT64_C(1000000000)

static const bhd__terms terms = {
    .program = "/usr/libexec/bulkhead/bulkhead-compile",
    .build = "0.9.0 48.0.8",
    .max_seconds = MOST_SECONDS,
    .max_bytes = 4096,
    .max_output_bytes = MOST_BYTES,
    .max_file_bytes = UINT64_MAX,
};

/* -- the table, row by row --------------------------------------------------------------------- */

static bool is_whole(const bhd__outcome *o, int verdict)
{
    return o->said->report.magic == BHD__REPORT_MAGIC && (int)o->said->report.verdict == verdict &&
           o->ending.signal == 0 && o->ending.exit_code == 64 + verdict;
}

static bool was_cancelled_with_its_warden(const bhd__outcome *o)
{
    return !o->ending.is_known && o->ending.stop == BHD__STOP_CANCELLED;
}

static bool is_unknown(const bhd__outcome *o)
{
    return !o->ending.is_known;
}

static bool is_of_another_build(const bhd__outcome *o)
{
    return o->ending.exit_code == 70;
}

static bool claims_too_much(const bhd__outcome *o)
{
    return is_whole(o, 1) && o->output_bytes > MOST_BYTES;
}

static bool has_compiled(const bhd__outcome *o)
{
    const bhd__compile_report *r = &o->said->report;
    bool sums_up = r->artifact_bytes <= MOST_BYTES && r->description_bytes <= MOST_BYTES &&
                   r->artifact_bytes + r->description_bytes == o->output_bytes;
    return is_whole(o, 1) && sums_up && o->output_bytes > 0 && o->is_output_fixed;
}

static bool has_refused(const bhd__outcome *o)
{
    static const bhd_status allowed[] = {BHD_COMPONENT_INVALID, BHD_COMPONENT_UNSUPPORTED,
                                         BHD_COMPONENT_TOO_LARGE, BHD_FILE_TOO_LARGE};
    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        if (is_whole(o, 2) && o->said->report.status == (uint32_t)allowed[i])
            return o->said->report.text_bytes <= 16384;
    return false;
}

static bool has_lied(const bhd__outcome *o)
{
    return is_whole(o, 1) || is_whole(o, 2);
}

static bool says_out_of_memory(const bhd__outcome *o)
{
    return is_whole(o, 3);
}

static bool says_not_confined(const bhd__outcome *o)
{
    return is_whole(o, 4);
}

static bool says_forbidden(const bhd__outcome *o)
{
    return is_whole(o, 5);
}

static bool was_cancelled(const bhd__outcome *o)
{
    return o->ending.signal == SIGKILL && o->ending.stop == BHD__STOP_CANCELLED;
}

static bool has_not_begun(const bhd__outcome *o)
{
    return o->said->report.began != BHD__REPORT_BEGAN;
}

static bool was_late(const bhd__outcome *o)
{
    int signal = o->ending.signal;
    return signal == SIGPROF || signal == SIGXCPU ||
           (signal == SIGKILL &&
            (o->ending.stop == BHD__STOP_LATE || o->ending.cpu_ns >= MOST_SECONDS * SECOND));
}

static bool wrote_too_much(const bhd__outcome *o)
{
    return o->ending.signal == SIGXFSZ;
}

static bool died_of_a_call(const bhd__outcome *o)
{
    return o->ending.signal == SIGSYS;
}

static bool was_killed(const bhd__outcome *o)
{
    return o->ending.signal == SIGKILL;
}

static bool always(const bhd__outcome *o)
{
    (void)o;
    return true;
}

/* The first row that applies. */
static const struct {
    bool (*applies)(const bhd__outcome *o);
    bhd__verdict verdict;
    bhd_status status; /* BHD_INTERNAL: the one in the report */
} rows[] = {
    {was_cancelled_with_its_warden, BHD__VERDICT_CANCELLED, BHD_CANCELLED},
    {is_unknown, BHD__VERDICT_LOST, BHD_COMPILER_FAILED},
    {is_of_another_build, BHD__VERDICT_OTHER_BUILD, BHD_NO_COMPILER},
    {claims_too_much, BHD__VERDICT_OUTPUT_TOO_LARGE, BHD_COMPONENT_TOO_LARGE},
    {has_compiled, BHD__VERDICT_COMPILED, BHD_OK},
    {has_refused, BHD__VERDICT_REFUSED, BHD_INTERNAL},
    {has_lied, BHD__VERDICT_CRASHED, BHD_COMPILER_FAILED},
    {says_out_of_memory, BHD__VERDICT_OUT_OF_MEMORY, BHD_COMPONENT_TOO_LARGE},
    {says_not_confined, BHD__VERDICT_NOT_CONFINED, BHD_COMPILER_FAILED},
    {says_forbidden, BHD__VERDICT_FORBIDDEN, BHD_COMPILER_FAILED},
    {was_cancelled, BHD__VERDICT_CANCELLED, BHD_CANCELLED},
    {has_not_begun, BHD__VERDICT_NEVER_BEGAN, BHD_NO_COMPILER},
    {was_late, BHD__VERDICT_OUT_OF_TIME, BHD_COMPONENT_TOO_LARGE},
    {wrote_too_much, BHD__VERDICT_OUTPUT_TOO_LARGE, BHD_COMPONENT_TOO_LARGE},
    {died_of_a_call, BHD__VERDICT_FORBIDDEN, BHD_COMPILER_FAILED},
    {was_killed, BHD__VERDICT_KILLED, BHD_COMPILER_FAILED},
    {always, BHD__VERDICT_CRASHED, BHD_COMPILER_FAILED},
};

static uint64_t seen[COUNT_OF(rows)];

static void expect_one_safe_line(const char *message)
{
    size_t length = strlen(message);
    assert_true(length > 0 && length < BHD_MESSAGE_SIZE);
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t size = bhd__utf8_decode(message + at, length - at, &character);
        assert_true(size != 0 && bhd__unicode_is_visible(character));
        at += size;
    }
}

static void try_outcome(const bhd__outcome *o)
{
    size_t row = 0;
    while (!rows[row].applies(o))
        row++;
    seen[row]++;
    bhd__verdict verdict = bhd__verdict_of(o, &terms);
    assert_int_equal(rows[row].verdict, verdict);
    bhd_error error = BHD_ERROR_INIT;
    bhd_status wanted = rows[row].status;
    if (wanted == BHD_INTERNAL)
        wanted = (bhd_status)o->said->report.status;
    expect_status(wanted, bhd__verdict_status(verdict, o, &terms, &error), &error);
    if (wanted != BHD_OK)
        expect_one_safe_line(error.message);
    bhd_error_fini(&error);
}

/* -- everything that can be said, with every end ----------------------------------------------- */

static bhd__words words;

static const int ends[] = {
    0,   1,   63,       64,       65,       66,       67,       68,       69,      70,       71, 80,
    127, 255, -SIGABRT, -SIGSEGV, -SIGKILL, -SIGPROF, -SIGXCPU, -SIGXFSZ, -SIGSYS, -SIGTERM, -64};

static void try_every_end(bhd__outcome *o)
{
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        for (int stop = BHD__STOP_NONE; stop <= BHD__STOP_CANCELLED; stop++)
            for (unsigned bits = 0; bits < 4; bits++) {
                o->ending = (bhd__ending){
                    .is_known = (bits & 1) != 0,
                    .exit_code = ends[i] < 0 ? -1 : ends[i],
                    .signal = ends[i] < 0 ? -ends[i] : 0,
                    .stop = (bhd__stop)stop,
                    .wall_ns = 3 * SECOND,
                    .cpu_ns = (bits & 2) != 0 ? MOST_SECONDS * SECOND : SECOND,
                };
                try_outcome(o);
            }
}

static void try_every_size(bhd__outcome *o)
{
    static const struct {
        uint64_t artifact, description, file;
    } sizes[] = {
        {600, 400, 1000}, {1000, 0, 1000},  {0, 1000, 1000},    {0, 0, 0},
        {0, 0, 1000},     {600, 400, 999},  {600, 400, 0},      {600, 401, 1001},
        {1, 1, 1001},     {600, 399, 1000}, {UINT64_MAX, 1, 0}, {UINT64_MAX, 1001, 1000},
    };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        words.report.artifact_bytes = sizes[i].artifact;
        words.report.description_bytes = sizes[i].description;
        o->output_bytes = sizes[i].file;
        for (int is_fixed = 0; is_fixed < 2; is_fixed++) {
            o->is_output_fixed = is_fixed != 0;
            try_every_end(o);
        }
    }
}

static void try_every_refusal(bhd__outcome *o)
{
    static const uint32_t lengths[] = {0, 12, 16384, 16385, UINT32_MAX};
    for (uint32_t status = 0; status < 300; status++)
        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
            words.report.status = status;
            words.report.text_bytes = lengths[i];
            o->ending = (bhd__ending){.is_known = true, .exit_code = 66};
            try_outcome(o);
        }
    words.report.status = UINT32_MAX;
    try_outcome(o);
    words.report.status = BHD_COMPONENT_INVALID;
    words.report.text_bytes = 12;
}

static void test_every_end_with_everything_said(void **state)
{
    (void)state;
    static const uint32_t verdicts[] = {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, UINT32_MAX};
    static const char text[] = "\x1b[31mred\0 \xff\n\\x\xe2\x80\xae";
    bhd__outcome outcome = {.said = &words};
    (void)memcpy(words.text, text, sizeof text);
    for (size_t i = 0; i < COUNT_OF(verdicts); i++)
        for (unsigned bits = 0; bits < 4; bits++) {
            words.report = (bhd__compile_report){
                .began = (bits & 1) != 0 ? BHD__REPORT_BEGAN : 1,
                .magic = (bits & 2) != 0 ? BHD__REPORT_MAGIC : 1,
                .verdict = verdicts[i],
                .status = BHD_COMPONENT_INVALID,
                .text_bytes = sizeof text,
                .wanted_bytes = UINT64_MAX,
                .peak_bytes = 7,
            };
            try_every_size(&outcome);
            try_every_refusal(&outcome);
        }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (seen[i] == 0)
            print_error("row %u was never reached\n", (unsigned)i);
        assert_true(seen[i] > 0);
    }
}

/* -- the messages ------------------------------------------------------------------------------ */

typedef struct golden {
    bhd__ending ending;
    bhd__compile_report report;
    const char *text;
    const char *message;
    uint64_t output_bytes;
    uint64_t value, maximum; /* of the range; 0: there is none */
} golden;

#define EXITED(code)                                                                               \
    {                                                                                              \
        .is_known = true, .exit_code = (code), .wall_ns = SECOND                                   \
    }
#define SIGNALLED(number)                                                                          \
    {                                                                                              \
        .is_known = true, .exit_code = -1, .signal = (number), .wall_ns = SECOND                   \
    }
#define SAID(what) .began = BHD__REPORT_BEGAN, .magic = BHD__REPORT_MAGIC, .verdict = (what)
#define BEGUN .began = BHD__REPORT_BEGAN

static const golden goldens[] = {
    {EXITED(66),
     {SAID(2), .status = BHD_COMPONENT_INVALID, .text_bytes = 21},
     "at 0x12: bad \\x07 \x07",
     "at 0x12: bad \\x07 \\x07\\x00\\x00",
     0,
     0,
     0},
    {EXITED(66), {SAID(2), .status = BHD_FILE_TOO_LARGE}, "unsaid", "file too large", 0, 0, 0},
    {EXITED(66),
     {SAID(2), .status = BHD_COMPONENT_TOO_LARGE, .text_bytes = 8, .has_range = 1, .value = 9,
      .maximum = 5},
     "9 and 5.",
     "9 and 5.",
     0,
     9,
     5},
    {EXITED(67),
     {SAID(3), .wanted_bytes = 2048, .peak_bytes = 4000},
     "",
     "compiling the component took 6048 bytes of memory, the last 2048 of them at once; 4096 bytes "
     "are allowed (host option max_compile_bytes, --max-compile-bytes). Allow more, or make the "
     "component smaller",
     0,
     6048,
     4096},
    {EXITED(67),
     {SAID(3), .wanted_bytes = UINT64_MAX, .peak_bytes = 4000},
     "",
     "compiling the component took 18446744073709551615 bytes of memory, the last "
     "18446744073709551615 of them at once; 4096 bytes are allowed (host option max_compile_bytes, "
     "--max-compile-bytes). Allow more, or make the component smaller",
     0,
     UINT64_MAX,
     4096},
    {{.is_known = true,
      .exit_code = -1,
      .signal = SIGKILL,
      .stop = BHD__STOP_LATE,
      .wall_ns = 60 * SECOND + 1},
     {BEGUN},
     "",
     "compiling the component took 60.000 seconds and was ended; 60 seconds are allowed, also of "
     "processor time (host option max_compile_seconds, --max-compile-seconds). Allow more, or make "
     "the component smaller",
     0,
     61,
     60},
    {{.is_known = true, .exit_code = -1, .signal = SIGPROF, .cpu_ns = 62 * SECOND + 987654321},
     {BEGUN},
     "",
     "compiling the component took 62.987 seconds and was ended; 60 seconds are allowed, also of "
     "processor time (host option max_compile_seconds, --max-compile-seconds). Allow more, or make "
     "the component smaller",
     0,
     62,
     60},
    {{.is_known = true, .exit_code = -1, .signal = SIGPROF, .cpu_ns = 59 * SECOND + 999999999},
     {BEGUN},
     "",
     "compiling the component took 60.000 seconds and was ended; 60 seconds are allowed, also of "
     "processor time (host option max_compile_seconds, --max-compile-seconds). Allow more, or make "
     "the component smaller",
     0,
     61,
     60},
    {SIGNALLED(SIGXFSZ),
     {BEGUN},
     "",
     "the component compiles to 1001 bytes or more; 1000 bytes are allowed (host option "
     "max_artifact_bytes, --max-artifact-bytes). Allow more, or make the component smaller",
     1000,
     1001,
     1000},
    {SIGNALLED(SIGABRT),
     {BEGUN},
     "\nthread 'main' panicked at a.rs:1:2:\nno\n\nnote\n",
     "the compiler failed on this component: it was ended by signal 6 (SIGABRT). Nothing of it was "
     "loaded; if it should compile, please report it with the component; its last words: thread "
     "'main' panicked at a.rs:1:2:; no; note",
     0,
     0,
     0},
    {EXITED(0),
     {SAID(1), .artifact_bytes = 5},
     "",
     "the compiler failed on this component: it ended with exit code 0, and what it reported does "
     "not hold. Nothing of it was loaded; if it should compile, please report it with the "
     "component",
     5,
     0,
     0},
    {SIGNALLED(SIGSYS),
     {BEGUN},
     "",
     "the compiler was stopped at a system call that compiling never makes: this component may "
     "have taken it over. Nothing of it was loaded",
     0,
     0,
     0},
    {EXITED(69),
     {SAID(5), .wanted_bytes = 57},
     "",
     "the compiler was stopped at a system call (number 57) that compiling never makes: this "
     "component may have taken it over. Nothing of it was loaded",
     0,
     0,
     0},
    {EXITED(68),
     {SAID(4)},
     "seccomp: operation not permitted",
     "the compiler could not give up its rights, and compiles nothing with them. The system has to "
     "allow it seccomp filters; its last words: seccomp: operation not permitted",
     0,
     0,
     0},
    {SIGNALLED(SIGKILL),
     {BEGUN},
     "",
     "the compiler was killed (SIGKILL), and not by this host: by the system, if it was short of "
     "memory, or by somebody. Try again, or allow less memory (host option max_compile_bytes, "
     "--max-compile-bytes)",
     0,
     0,
     0},
    {{.exit_code = -1},
     {BEGUN},
     "",
     "the process that guards the compiler was killed, so that nobody knows how the compiler "
     "ended. Try again",
     0,
     0,
     0},
    {{.exit_code = -1, .stop = BHD__STOP_LATE},
     {BEGUN},
     "",
     "the process that guards the compiler did not end it when its time, 60 seconds, was over: it "
     "was stopped, or had no processor. Both were killed, and nobody knows how the compiler would "
     "have ended. Try again",
     0,
     0,
     0},
    {{.exit_code = -1, .stop = BHD__STOP_CANCELLED},
     {BEGUN},
     "",
     "the compilation was cancelled",
     0,
     0,
     0},
    {{.is_known = true, .exit_code = -1, .signal = SIGKILL, .stop = BHD__STOP_CANCELLED},
     {BEGUN},
     "",
     "the compilation was cancelled",
     0,
     0,
     0},
    {EXITED(1),
     {.began = 0},
     "cannot open libx.so",
     "compiler /usr/libexec/bulkhead/bulkhead-compile: it is not Bulkhead's compiler: it ended "
     "with "
     "exit code 1 and without a report. Install bulkhead-compile of this build, or name it (host "
     "option compiler_path, --compiler); it wrote: cannot open libx.so",
     0,
     0,
     0},
    {EXITED(0),
     {.began = 0},
     "",
     "compiler /usr/libexec/bulkhead/bulkhead-compile: it is not Bulkhead's compiler: it ended "
     "with "
     "exit code 0 and without a report. Install bulkhead-compile of this build, or name it (host "
     "option compiler_path, --compiler); it wrote 6 bytes to its standard output",
     6,
     0,
     0},
    {SIGNALLED(SIGSEGV),
     {.began = 0},
     "",
     "compiler /usr/libexec/bulkhead/bulkhead-compile: it was ended by signal 11 (SIGSEGV), and "
     "had "
     "not begun: it is not Bulkhead's compiler, or the system cannot run it. Install "
     "bulkhead-compile of this build, or name it (host option compiler_path, --compiler); it wrote "
     "nothing",
     0,
     0,
     0},
    {{.is_known = true, .exit_code = -1, .signal = SIGKILL, .stop = BHD__STOP_LATE},
     {.began = 0},
     "",
     "compiler /usr/libexec/bulkhead/bulkhead-compile: it was ended by signal 9 (SIGKILL), after "
     "60 seconds, and had not begun: it is not Bulkhead's compiler, or the system cannot run it. "
     "Install bulkhead-compile of this build, or name it (host option compiler_path, --compiler); "
     "it wrote nothing",
     0,
     0,
     0},
    {EXITED(70),
     {BEGUN},
     "0.8.0 47.0.1",
     "compiler /usr/libexec/bulkhead/bulkhead-compile: it is of another build (0.8.0 47.0.1) than "
     "this library (0.9.0 48.0.8). Install the one of this build, or name it (host option "
     "compiler_path, --compiler)",
     0,
     0,
     0},
    {EXITED(70),
     {.began = 0},
     "",
     "compiler /usr/libexec/bulkhead/bulkhead-compile: it is of another build (it does not say "
     "which) than this library (0.9.0 48.0.8). Install the one of this build, or name it (host "
     "option compiler_path, --compiler)",
     0,
     0,
     0},
};

static bhd_status status_of(const golden *g, const bhd__terms *t, bhd_error *error)
{
    (void)memset(&words, 0, sizeof words);
    words.report = g->report;
    (void)memcpy(words.text, g->text, strlen(g->text));
    const bhd__outcome outcome = {
        .ending = g->ending, .said = &words, .output_bytes = g->output_bytes};
    return bhd__verdict_status(bhd__verdict_of(&outcome, t), &outcome, t, error);
}

static void test_each_verdict_has_its_message(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(goldens); i++) {
        bhd_error error = BHD_ERROR_INIT;
        assert_true(status_of(&goldens[i], &terms, &error) != BHD_OK);
        assert_string_equal(goldens[i].message, error.message);
        assert_int_equal(goldens[i].maximum != 0, error.has_range);
        assert_int_equal(goldens[i].value, error.value);
        assert_int_equal(goldens[i].maximum, error.range_maximum);
        bhd_error_fini(&error);
    }
}

static void test_a_limit_of_the_system_is_named_as_one(void **state)
{
    (void)state;
    const golden g = {SIGNALLED(SIGXFSZ), {BEGUN}, "", NULL, 500, 0, 0};
    bhd__terms lower = terms;
    lower.max_file_bytes = 500;
    bhd_error error = BHD_ERROR_INIT;
    expect_status(BHD_COMPONENT_TOO_LARGE, status_of(&g, &lower, &error), &error);
    assert_string_equal(
        "the component compiles to 501 bytes or more; 500 bytes are allowed (what this process may "
        "write to a file, RLIMIT_FSIZE; max_artifact_bytes allows more). Allow more, or make the "
        "component smaller",
        error.message);
    bhd_error_fini(&error);
}

/* No end of a message is lost to what the process wrote, however much that is. */
static void test_words_without_end_are_cut(void **state)
{
    (void)state;
    static char long_text[BHD__REPORT_TEXT_BYTES];
    const golden ends_badly[] = {
        {SIGNALLED(SIGABRT), {BEGUN}, long_text, "report it with the component", 0, 0, 0},
        {EXITED(70), {BEGUN}, long_text, "--compiler)", 0, 0, 0},
        {EXITED(1), {.began = 0}, long_text, "--compiler)", 0, 0, 0},
    };
    static const char characters[] = {'a', '\x1b', '\xff', '\\', '\n'};
    for (size_t c = 0; c < sizeof characters; c++) {
        (void)memset(long_text, characters[c], sizeof long_text - 1);
        for (size_t i = 0; i < COUNT_OF(ends_badly); i++) {
            bhd_error error = BHD_ERROR_INIT;
            (void)status_of(&ends_badly[i], &terms, &error);
            expect_one_safe_line(error.message);
            expect_in(error.message, ends_badly[i].message);
            bhd_error_fini(&error);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_end_with_everything_said),
        cmocka_unit_test(test_each_verdict_has_its_message),
        cmocka_unit_test(test_a_limit_of_the_system_is_named_as_one),
        cmocka_unit_test(test_words_without_end_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
