/*
 * Property: whatever the compiler process has written, however it ended, and whatever the limits
 * are, the host has one status for it, out of a short list, and one line that is safe to show. It
 * believes in an artefact only when the exit code, the report and the size of the file say so, and
 * in the process's own status only when it is one that a refusal may have.
 */
#include "fuzz_input.h"

#include "base/alloc.h"
#include "base/unicode.h"
#include "compile/verdict.h"

#include <string.h>

static bhd__words words;

static bhd__ending read_ending(fuzz_input *input, unsigned flags)
{
    uint8_t code = fuzz_byte(input);
    bool has_exited = (flags & 1) != 0;
    bhd__ending ending = {
        .is_known = (flags & 2) != 0,
        .exit_code = has_exited ? code : -1,
        .signal = has_exited ? 0 : code % 64 + 1,
        .stop = (bhd__stop)fuzz_choice(input, BHD__STOP_CANCELLED),
    };
    ending.wall_ns = fuzz_number(input, 8);
    ending.cpu_ns = fuzz_number(input, 8);
    return ending;
}

/* A fuzzer does not find the two numbers by chance. */
static void read_report(fuzz_input *input, unsigned flags)
{
    bhd__compile_report *r = &words.report;
    *r = (bhd__compile_report){
        .began = (flags & 4) != 0 ? BHD__REPORT_BEGAN : fuzz_byte(input),
        .magic = (flags & 8) != 0 ? BHD__REPORT_MAGIC : fuzz_byte(input),
    };
    r->verdict = (uint32_t)fuzz_number(input, (flags & 32) != 0 ? 4 : 1);
    r->status = (uint32_t)fuzz_number(input, (flags & 32) != 0 ? 4 : 1);
    r->has_range = fuzz_byte(input);
    r->value = fuzz_number(input, 8);
    r->minimum = fuzz_number(input, 8);
    r->maximum = fuzz_number(input, 8);
    r->text_bytes = (uint32_t)fuzz_number(input, 4);
    r->artifact_bytes = fuzz_number(input, 8);
    r->description_bytes = fuzz_number(input, 8);
    r->wanted_bytes = fuzz_number(input, 8);
    r->peak_bytes = fuzz_number(input, 8);
}

static void read_text(fuzz_input *input)
{
    size_t size = (size_t)(input->end - input->at);
    if (size > sizeof words.text)
        size = sizeof words.text;
    (void)memset(words.text, 0, sizeof words.text);
    if (size > 0)
        (void)memcpy(words.text, input->at, size);
}

static void require_one_safe_line(const char *message)
{
    size_t length = strlen(message);
    FUZZ_REQUIRE(length > 0 && length < BHD_MESSAGE_SIZE);
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t size = bhd__utf8_decode(message + at, length - at, &character);
        FUZZ_REQUIRE(size != 0 && bhd__unicode_is_visible(character));
        at += size;
    }
}

static bool is_said(const bhd__outcome *o, uint32_t verdict)
{
    return o->ending.is_known && o->ending.signal == 0 &&
           o->ending.exit_code == (int)(64 + verdict) &&
           o->said->report.magic == BHD__REPORT_MAGIC && o->said->report.verdict == verdict;
}

static void require_artefact(const bhd__outcome *o, const bhd__terms *terms)
{
    const bhd__compile_report *r = &o->said->report;
    FUZZ_REQUIRE(is_said(o, 1) && o->is_output_fixed && o->output_bytes > 0);
    FUZZ_REQUIRE(r->artifact_bytes <= o->output_bytes);
    FUZZ_REQUIRE(r->description_bytes == o->output_bytes - r->artifact_bytes);
    FUZZ_REQUIRE(o->output_bytes <= terms->max_output_bytes);
    FUZZ_REQUIRE(o->output_bytes <= terms->max_file_bytes);
}

static void require_status(const bhd__outcome *o, const bhd__terms *terms, bhd_status status,
                           const bhd_error *error)
{
    switch (status) {
    case BHD_OK:
        require_artefact(o, terms);
        break;
    case BHD_COMPONENT_INVALID:
    case BHD_COMPONENT_UNSUPPORTED:
    case BHD_FILE_TOO_LARGE:
        FUZZ_REQUIRE(is_said(o, 2) && o->said->report.status == (uint32_t)status);
        break;
    case BHD_COMPONENT_TOO_LARGE:
        if (is_said(o, 2))
            break;
        /* A limit of the host's, and what is above it, unless nothing can be. */
        FUZZ_REQUIRE(error->has_range);
        FUZZ_REQUIRE(error->value > error->range_maximum || error->range_maximum == UINT64_MAX);
        break;
    case BHD_COMPILER_FAILED:
    case BHD_NO_COMPILER:
        break;
    default:
        FUZZ_REQUIRE(status == BHD_CANCELLED && o->ending.stop == BHD__STOP_CANCELLED);
    }
    if (!o->ending.is_known)
        FUZZ_REQUIRE(status == BHD_COMPILER_FAILED || status == BHD_CANCELLED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    unsigned flags = fuzz_byte(&input);
    bhd__outcome outcome = {.ending = read_ending(&input, flags), .said = &words};
    outcome.is_output_fixed = (flags & 16) != 0;
    outcome.output_bytes = fuzz_number(&input, 8);
    read_report(&input, flags);
    bhd__terms terms = {.program = "/libexec/bulkhead-compile", .build = "1 2"};
    terms.max_seconds = fuzz_number(&input, 4);
    terms.max_bytes = fuzz_number(&input, 8);
    terms.max_output_bytes = fuzz_number(&input, 8);
    terms.max_file_bytes = fuzz_number(&input, 8);
    read_text(&input);

    uint64_t live = bhd__alloc_live();
    bhd_error error = BHD_ERROR_INIT, again = BHD_ERROR_INIT;
    bhd__verdict verdict = bhd__verdict_of(&outcome, &terms);
    bhd_status status = bhd__verdict_status(verdict, &outcome, &terms, &error);
    require_status(&outcome, &terms, status, &error);
    FUZZ_REQUIRE(error.code == status);
    if (status != BHD_OK)
        require_one_safe_line(error.message);
    /* The same again, and for who wants no account. */
    FUZZ_REQUIRE(bhd__verdict_of(&outcome, &terms) == verdict);
    FUZZ_REQUIRE(bhd__verdict_status(verdict, &outcome, &terms, &again) == status);
    FUZZ_REQUIRE(strcmp(error.message, again.message) == 0);
    FUZZ_REQUIRE(bhd__verdict_status(verdict, &outcome, &terms, NULL) == status);
    bhd_error_fini(&error);
    bhd_error_fini(&again);
    FUZZ_REQUIRE(bhd__alloc_live() == live);
    return 0;
}
