#include "compile/verdict.h"

#include "base/fail.h"
#include "base/text.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#define SECOND_NS UINT64_C(1000000000)

/* Of what the process wrote, in a message of ours that has more to say. */
#define SHOWN_WORDS_SIZE 320
#define SHOWN_BUILD_SIZE (BHD__BUILD_BYTES + 8)

#define MAKE_SMALLER "Allow more, or make the component smaller"

/* -- which row of the table -------------------------------------------------------------------- */

static bool may_refuse_with(uint32_t status)
{
    return status == BHD_COMPONENT_INVALID || status == BHD_COMPONENT_UNSUPPORTED ||
           status == BHD_COMPONENT_TOO_LARGE || status == BHD_FILE_TOO_LARGE;
}

/* A whole report and the exit code that goes with it. */
static bool has_said(const bhd__outcome *o, bhd__verdict verdict)
{
    return o->said->report.magic == BHD__REPORT_MAGIC &&
           o->said->report.verdict == (uint32_t)verdict &&
           o->ending.exit_code == BHD__EXIT_CODE_OF(verdict);
}

static uint64_t output_limit(const bhd__terms *terms)
{
    return terms->max_file_bytes < terms->max_output_bytes ? terms->max_file_bytes
                                                           : terms->max_output_bytes;
}

static bhd__verdict of_output(const bhd__outcome *o, const bhd__terms *terms)
{
    const bhd__compile_report *r = &o->said->report;
    uint64_t sum;
    if (o->output_bytes > output_limit(terms))
        return BHD__VERDICT_OUTPUT_TOO_LARGE;
    if (__builtin_add_overflow(r->artifact_bytes, r->description_bytes, &sum) || sum == 0 ||
        sum != o->output_bytes || !o->is_output_fixed)
        return BHD__VERDICT_CRASHED;
    return BHD__VERDICT_COMPILED;
}

static bhd__verdict of_refusal(const bhd__outcome *o)
{
    const bhd__compile_report *r = &o->said->report;
    bool holds = may_refuse_with(r->status) && r->text_bytes <= BHD__REPORT_TEXT_BYTES;
    return holds ? BHD__VERDICT_REFUSED : BHD__VERDICT_CRASHED;
}

static bhd__verdict of_signal(const bhd__outcome *o, const bhd__terms *terms)
{
    switch (o->ending.signal) {
    case SIGPROF:
    case SIGXCPU:
        return BHD__VERDICT_OUT_OF_TIME;
    case SIGXFSZ:
        return BHD__VERDICT_OUTPUT_TOO_LARGE;
    case SIGSYS:
        return BHD__VERDICT_FORBIDDEN;
    case SIGKILL:
        if (o->ending.stop == BHD__STOP_LATE)
            return BHD__VERDICT_OUT_OF_TIME;
        /* The kernel's, behind SIGXCPU, for who does not die of that. */
        if (o->ending.cpu_ns / SECOND_NS >= terms->max_seconds)
            return BHD__VERDICT_OUT_OF_TIME;
        return BHD__VERDICT_KILLED;
    default:
        return BHD__VERDICT_CRASHED;
    }
}

bhd__verdict bhd__verdict_of(const bhd__outcome *outcome, const bhd__terms *terms)
{
    if (!outcome->ending.is_known)
        return outcome->ending.stop == BHD__STOP_CANCELLED ? BHD__VERDICT_CANCELLED
                                                           : BHD__VERDICT_LOST;
    /* With another build's layout there is nothing to be read but how it ended. */
    if (outcome->ending.exit_code == BHD__EXIT_CODE_OF(BHD__VERDICT_OTHER_BUILD))
        return BHD__VERDICT_OTHER_BUILD;
    if (has_said(outcome, BHD__VERDICT_COMPILED))
        return of_output(outcome, terms);
    if (has_said(outcome, BHD__VERDICT_REFUSED))
        return of_refusal(outcome);
    for (bhd__verdict v = BHD__VERDICT_OUT_OF_MEMORY; v <= BHD__VERDICT_FORBIDDEN; v++)
        if (has_said(outcome, v))
            return v;
    if (outcome->ending.signal == SIGKILL && outcome->ending.stop == BHD__STOP_CANCELLED)
        return BHD__VERDICT_CANCELLED;
    if (outcome->said->report.began != BHD__REPORT_BEGAN)
        return BHD__VERDICT_NEVER_BEGAN;
    return of_signal(outcome, terms);
}

/* -- texts of the process ---------------------------------------------------------------------- */

/* As bhd__text_add_escaped, with a backslash as it is: it has escaped what it took from a binary,
 * and is not escaped twice. */
static void add_safely(bhd__text *text, const char *bytes, size_t length)
{
    while (length > 0) {
        const char *backslash = memchr(bytes, '\\', length);
        size_t before = backslash != NULL ? (size_t)(backslash - bytes) : length;
        size_t used = backslash != NULL ? before + 1 : length;
        bhd__text_add_escaped(text, bytes, before, SIZE_MAX);
        bhd__text_add_bytes(text, "\\", used - before);
        bytes += used;
        length -= used;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What stands at the beginning of its text, on one line; empty if nothing does. */
static void last_words(const bhd__outcome *o, char *buffer, size_t size)
{
    const char *at = o->said->text;
    const char *end = at + strnlen(at, sizeof o->said->text);
    bhd__text text;
    bhd__text_init(&text, buffer, size);
    while (at < end && is_blank(*at))
        at++;
    while (end > at && is_blank(end[-1]))
        end--;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (line == NULL)
            line = end;
        add_safely(&text, at, (size_t)(line - at));
        while (line < end && is_blank(*line))
            line++;
        if (line < end)
            bhd__text_add(&text, "; ");
        at = line;
    }
    bhd__text_ellipsis(&text);
}

/* "; its last words: ...", or nothing. */
static void add_last_words(bhd__text *text, const bhd__outcome *o)
{
    char shown[SHOWN_WORDS_SIZE];
    last_words(o, shown, sizeof shown);
    if (shown[0] != '\0')
        bhd__text_printf(text, "; its last words: %s", shown);
}

static void add_ending(bhd__text *text, const bhd__outcome *o)
{
    const char *name;
    if (o->ending.signal == 0) {
        bhd__text_printf(text, "it ended with exit code %d", o->ending.exit_code);
        return;
    }
    name = sigabbrev_np(o->ending.signal);
    bhd__text_printf(text, "it was ended by signal %d", o->ending.signal);
    if (name != NULL)
        bhd__text_printf(text, " (SIG%s)", name);
}

/* -- status and message ------------------------------------------------------------------------ */

static const char *second_or_seconds(const bhd__terms *terms)
{
    return terms->max_seconds == 1 ? "second" : "seconds";
}

/* A number for the range that is outside of it, whatever was measured or said. */
static uint64_t above(uint64_t value, uint64_t most)
{
    return value > most || most == UINT64_MAX ? value : most + 1;
}

static bhd_status refused(const bhd__outcome *o, bhd_error *error)
{
    const bhd__compile_report *r = &o->said->report;
    bhd_status status = (bhd_status)r->status;
    char shown[BHD_MESSAGE_SIZE];
    bhd__text text;
    bhd__text_init(&text, shown, sizeof shown);
    add_safely(&text, o->said->text, r->text_bytes);
    bhd__text_ellipsis(&text);
    if (shown[0] == '\0')
        bhd__text_add(&text, bhd_status_text(status));
    (void)bhd__fail(error, status, "%s", shown);
    if (r->has_range != 0)
        bhd__error_range(error, r->value, r->minimum, r->maximum);
    return status;
}

/* What was measured may be a little less than what it was ended for. */
static bhd_status out_of_time(const bhd__outcome *o, const bhd__terms *terms, bhd_error *error)
{
    uint64_t most = terms->max_seconds;
    uint64_t longest = o->ending.wall_ns > o->ending.cpu_ns ? o->ending.wall_ns : o->ending.cpu_ns;
    uint64_t seconds = longest / SECOND_NS, milliseconds = longest % SECOND_NS / 1000000;
    if (seconds < most) {
        seconds = most;
        milliseconds = 0;
    }
    (void)bhd__fail(error, BHD_COMPONENT_TOO_LARGE,
                    "compiling the component took %" PRIu64 ".%03" PRIu64
                    " seconds and was ended; %" PRIu64 " %s allowed, also of processor time (host "
                    "option max_compile_seconds, --max-compile-seconds). " MAKE_SMALLER,
                    seconds, milliseconds, most, most == 1 ? "second is" : "seconds are");
    bhd__error_range(error, above(seconds, most), 0, most);
    return BHD_COMPONENT_TOO_LARGE;
}

static bhd_status out_of_memory(const bhd__outcome *o, const bhd__terms *terms, bhd_error *error)
{
    const bhd__compile_report *r = &o->said->report;
    uint64_t bytes;
    if (__builtin_add_overflow(r->peak_bytes, r->wanted_bytes, &bytes))
        bytes = UINT64_MAX;
    bytes = above(bytes, terms->max_bytes);
    (void)bhd__fail(error, BHD_COMPONENT_TOO_LARGE,
                    "compiling the component took %" PRIu64 " bytes of memory, the last %" PRIu64
                    " of them at once; %" PRIu64
                    " bytes are allowed (host option max_compile_bytes, "
                    "--max-compile-bytes). " MAKE_SMALLER,
                    bytes, r->wanted_bytes, terms->max_bytes);
    bhd__error_range(error, bytes, 0, terms->max_bytes);
    return BHD_COMPONENT_TOO_LARGE;
}

static bhd_status too_large(const bhd__outcome *o, const bhd__terms *terms, bhd_error *error)
{
    uint64_t most = output_limit(terms);
    uint64_t bytes = above(o->output_bytes, most);
    const char *whose =
        most == terms->max_output_bytes
            ? "host option max_artifact_bytes, --max-artifact-bytes"
            : "what this process may write to a file, RLIMIT_FSIZE; max_artifact_bytes allows more";
    (void)bhd__fail(error, BHD_COMPONENT_TOO_LARGE,
                    "the component compiles to %" PRIu64 " bytes or more; %" PRIu64
                    " bytes are allowed (%s). " MAKE_SMALLER,
                    bytes, most, whose);
    bhd__error_range(error, bytes, 0, most);
    return BHD_COMPONENT_TOO_LARGE;
}

/* What else it wrote may say to somebody what it is. */
static void add_what_it_wrote(bhd__text *text, const bhd__outcome *o)
{
    char shown[SHOWN_WORDS_SIZE];
    last_words(o, shown, sizeof shown);
    if (shown[0] != '\0')
        bhd__text_printf(text, "; it wrote: %s", shown);
    else if (o->output_bytes > 0)
        bhd__text_printf(text, "; it wrote %" PRIu64 " bytes to its standard output",
                         o->output_bytes);
    else
        bhd__text_add(text, "; it wrote nothing");
}

/* One that ends by itself before the first thing that ours does is another program. Ours may be
 * ended before, by a system that cannot run it. */
static bhd_status never_began(const bhd__outcome *o, const bhd__terms *terms, bhd_error *error)
{
    char buffer[BHD_MESSAGE_SIZE];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    bhd__text_printf(&text, "compiler %s: ", terms->program);
    if (o->ending.signal == 0)
        bhd__text_add(&text, "it is not Bulkhead's compiler: ");
    add_ending(&text, o);
    if (o->ending.stop == BHD__STOP_LATE)
        bhd__text_printf(&text, ", after %" PRIu64 " %s", terms->max_seconds,
                         second_or_seconds(terms));
    if (o->ending.signal == 0)
        bhd__text_add(&text, " and without a report");
    else
        bhd__text_add(&text, ", and had not begun: it is not Bulkhead's compiler, or the system "
                             "cannot run it");
    bhd__text_add(&text, ". Install bulkhead-compile of this build, or name it (host option "
                         "compiler_path, --compiler)");
    add_what_it_wrote(&text, o);
    return bhd__fail(error, BHD_NO_COMPILER, "%s", buffer);
}

static bhd_status other_build(const bhd__outcome *o, const bhd__terms *terms, bhd_error *error)
{
    char shown[SHOWN_BUILD_SIZE];
    last_words(o, shown, sizeof shown);
    return bhd__fail(error, BHD_NO_COMPILER,
                     "compiler %s: it is of another build (%s) than this library (%s). Install the "
                     "one of this build, or name it (host option compiler_path, --compiler)",
                     terms->program, shown[0] != '\0' ? shown : "it does not say which",
                     terms->build);
}

static bhd_status forbidden(const bhd__outcome *o, bhd_error *error)
{
    char number[48] = "";
    bhd__text text;
    bhd__text_init(&text, number, sizeof number);
    if (has_said(o, BHD__VERDICT_FORBIDDEN))
        bhd__text_printf(&text, " (number %" PRIu64 ")", o->said->report.wanted_bytes);
    return bhd__fail(error, BHD_COMPILER_FAILED,
                     "the compiler was stopped at a system call%s that compiling never makes: this "
                     "component may have taken it over. Nothing of it was loaded",
                     number);
}

static bhd_status not_confined(const bhd__outcome *o, bhd_error *error)
{
    char buffer[BHD_MESSAGE_SIZE];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    bhd__text_add(&text, "the compiler could not give up its rights, and compiles nothing with "
                         "them. The system has to allow it seccomp filters");
    add_last_words(&text, o);
    return bhd__fail(error, BHD_COMPILER_FAILED, "%s", buffer);
}

static bhd_status lost(const bhd__outcome *o, const bhd__terms *terms, bhd_error *error)
{
    if (o->ending.stop == BHD__STOP_LATE)
        return bhd__fail(
            error, BHD_COMPILER_FAILED,
            "the process that guards the compiler did not end it when its time, %" PRIu64
            " %s, was over: it was stopped, or had no processor. Both were killed, and "
            "nobody knows how the compiler would have ended. Try again",
            terms->max_seconds, second_or_seconds(terms));
    return bhd__fail(error, BHD_COMPILER_FAILED,
                     "the process that guards the compiler was killed, so that nobody knows how "
                     "the compiler ended. Try again");
}

static bhd_status crashed(const bhd__outcome *o, bhd_error *error)
{
    char buffer[BHD_MESSAGE_SIZE];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    bhd__text_add(&text, "the compiler failed on this component: ");
    add_ending(&text, o);
    if (o->said->report.magic == BHD__REPORT_MAGIC)
        bhd__text_add(&text, ", and what it reported does not hold");
    bhd__text_add(&text, ". Nothing of it was loaded; if it should compile, please report it with "
                         "the component");
    add_last_words(&text, o);
    return bhd__fail(error, BHD_COMPILER_FAILED, "%s", buffer);
}

bhd_status bhd__verdict_status(bhd__verdict verdict, const bhd__outcome *outcome,
                               const bhd__terms *terms, bhd_error *error)
{
    switch (verdict) {
    case BHD__VERDICT_COMPILED:
        return BHD_OK;
    case BHD__VERDICT_REFUSED:
        return refused(outcome, error);
    case BHD__VERDICT_OUT_OF_MEMORY:
        return out_of_memory(outcome, terms, error);
    case BHD__VERDICT_OUT_OF_TIME:
        return out_of_time(outcome, terms, error);
    case BHD__VERDICT_OUTPUT_TOO_LARGE:
        return too_large(outcome, terms, error);
    case BHD__VERDICT_NOT_CONFINED:
        return not_confined(outcome, error);
    case BHD__VERDICT_FORBIDDEN:
        return forbidden(outcome, error);
    case BHD__VERDICT_OTHER_BUILD:
        return other_build(outcome, terms, error);
    case BHD__VERDICT_NEVER_BEGAN:
        return never_began(outcome, terms, error);
    case BHD__VERDICT_CANCELLED:
        return bhd__fail(error, BHD_CANCELLED, "the compilation was cancelled");
    case BHD__VERDICT_KILLED:
        return bhd__fail(error, BHD_COMPILER_FAILED,
                         "the compiler was killed (SIGKILL), and not by this host: by the system, "
                         "if it was short of memory, or by somebody. Try again, or allow less "
                         "memory (host option max_compile_bytes, --max-compile-bytes)");
    case BHD__VERDICT_LOST:
        return lost(outcome, terms, error);
    case BHD__VERDICT_CRASHED:
    case BHD__VERDICT_NONE:
        break;
    }
    return crashed(outcome, error);
}
