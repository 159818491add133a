/*
 * Collecting, ordering and counting findings, and turning them into a bhd_error.
 */
#include "manifest/report.h"

#include "base/alloc.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void bhd__report_init(bhd__report *report)
{
    memset(report, 0, sizeof *report);
}

static void finding_fini(bhd__finding *finding)
{
    bhd__free(finding->key);
    bhd__free(finding->message);
    bhd__free(finding->example);
}

void bhd__report_fini(bhd__report *report)
{
    for (size_t i = 0; i < report->kept; i++)
        finding_fini(&report->findings[i]);
    memset(report, 0, sizeof *report);
}

static bool has_room_for(const bhd__report *report, uint32_t offset)
{
    return report->kept < BHD__REPORT_MOST || offset < report->findings[report->kept - 1].offset;
}

bool bhd__report_wants(bhd__report *report, uint32_t offset)
{
    if (has_room_for(report, offset))
        return true;
    report->total++;
    return false;
}

/* Keeps the list in order; the last one gives way when it is full. Takes what `finding` holds. */
static void insert(bhd__report *report, bhd__finding finding)
{
    report->total++;
    if (!has_room_for(report, finding.offset)) {
        finding_fini(&finding);
        return;
    }
    if (report->kept == BHD__REPORT_MOST)
        finding_fini(&report->findings[--report->kept]);
    size_t at = report->kept++;
    for (; at > 0 && report->findings[at - 1].offset > finding.offset; at--)
        report->findings[at] = report->findings[at - 1];
    report->findings[at] = finding;
}

void bhd__report_add(bhd__report *report, uint32_t offset, const char *key, const char *message,
                     const char *example)
{
    bhd__finding finding = {.offset = offset, .key = bhd__strdup(key)};
    finding.message = bhd__strdup(message);
    finding.example = example == NULL ? NULL : bhd__strdup(example);
    if (finding.key == NULL || finding.message == NULL ||
        (example != NULL && finding.example == NULL)) {
        finding_fini(&finding);
        report->no_memory = true;
        return;
    }
    insert(report, finding);
}

void bhd__report_add_at(bhd__report *report, uint32_t line, uint32_t column, const char *message)
{
    size_t kept = report->kept;
    bhd__report_add(report, BHD__NOWHERE, "", message, NULL);
    if (report->kept > kept)
        report->findings[kept].place = (bhd__place){0, line, column};
}

void bhd__report_cuts(bhd__report *report, const bhd__document *document)
{
    char message[96];
    bhd__text text;
    if (document->too_many) {
        bhd__text_init(&text, message, sizeof message);
        bhd__text_printf(&text, "more than %u keys and values", BHD__DOCUMENT_MAX_NODES);
        bhd__report_add(report, document->too_many_at, "", message, NULL);
    }
    if (document->too_deep) {
        bhd__text_init(&text, message, sizeof message);
        bhd__text_printf(&text, "tables and arrays nest more than %u levels deep",
                         BHD__DOCUMENT_MAX_DEPTH);
        bhd__report_add(report, document->too_deep_at, "", message, NULL);
    }
}

void bhd__report_range(bhd__report *report, uint32_t offset, uint64_t value, uint64_t minimum,
                       uint64_t maximum)
{
    for (size_t i = report->kept; i-- > 0;) {
        bhd__finding *finding = &report->findings[i];
        if (finding->offset != offset)
            continue;
        finding->has_range = true;
        finding->value = value;
        finding->minimum = minimum;
        finding->maximum = maximum;
        return;
    }
}

static void add_summary(bhd__text *text, const bhd__report *report, bhd__place first,
                        const char *shown_source)
{
    const bhd__finding *finding = &report->findings[0];
    if (report->total > 1) {
        if (shown_source != NULL)
            bhd__text_printf(text, "%s: ", shown_source);
        bhd__text_printf(text, "%zu errors, the first", report->total);
        if (first.line != 0)
            bhd__text_printf(text, " at %" PRIu32 ":%" PRIu32, first.line, first.column);
        bhd__text_add(text, ": ");
    } else if (shown_source != NULL || first.line != 0) {
        if (shown_source != NULL)
            bhd__text_printf(text, "%s:", shown_source);
        if (first.line != 0)
            bhd__text_printf(text, "%" PRIu32 ":%" PRIu32 ":", first.line, first.column);
        bhd__text_add(text, " ");
    }
    if (finding->key[0] != '\0')
        bhd__text_printf(text, "%s: ", finding->key);
    bhd__text_add(text, finding->message);
}

/* False without memory. */
static bool add_diagnostic(bhd_error *error, const bhd__finding *finding, bhd__place place)
{
    char line[2 * BHD_MESSAGE_SIZE];
    bhd__text text;
    bhd__text_init(&text, line, sizeof line);
    bhd__text_add(&text, finding->message);
    if (finding->example != NULL)
        bhd__text_printf(&text, ", for example:\n%s", finding->example);
    bhd__text_ellipsis(&text);
    size_t before = error->diagnostic_count;
    bhd__error_diagnostic(error, place.line, place.column, finding->key, line);
    return error->diagnostic_count > before;
}

static bhd__place place_of(const bhd__finding *finding, bhd__place *cursor, const char *text,
                           size_t size)
{
    if (finding->offset == BHD__NOWHERE)
        return finding->place;
    bhd__place_advance(cursor, text, size, finding->offset);
    return *cursor;
}

bhd_status bhd__report_finish(const bhd__report *report, const char *text, size_t size,
                              const char *shown_source, bhd_status code, bhd_error *error)
{
    if (report->no_memory)
        return bhd__fail_no_memory(error);
    assert(report->kept > 0);
    if (error == NULL)
        return code;

    bhd__place cursor = {0, 0, 0};
    bhd__place first = place_of(&report->findings[0], &cursor, text, size);
    char message[BHD_MESSAGE_SIZE];
    bhd__text summary;
    bhd__text_init(&summary, message, sizeof message);
    add_summary(&summary, report, first, shown_source);
    bhd__text_ellipsis(&summary);
    bhd__fail(error, code, "%s", message);

    bool complete = true;
    for (size_t i = 0; i < report->kept && complete; i++) {
        const bhd__finding *finding = &report->findings[i];
        complete = add_diagnostic(error, finding, place_of(finding, &cursor, text, size));
    }
    if (report->total > report->kept && complete) {
        char more[64];
        bhd__text_init(&summary, more, sizeof more);
        bhd__text_printf(&summary, "and %zu more", report->total - report->kept);
        size_t before = error->diagnostic_count;
        bhd__error_diagnostic(error, 0, 0, "", more);
        complete = error->diagnostic_count > before;
    }
    if (!complete)
        return bhd__fail_no_memory(error);
    if (report->findings[0].has_range)
        bhd__error_range(error, report->findings[0].value, report->findings[0].minimum,
                         report->findings[0].maximum);
    return code;
}
