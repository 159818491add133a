/*
 * Everything that is wrong with one text, in the order of the text.
 *
 * A hostile text may have as many mistakes as bytes, so the first BHD__REPORT_MOST in the text are
 * kept and the others counted. Findings without a place (something is missing) come last.
 *
 * Belongs to the function that checks; one thread at a time.
 */
#ifndef BHD_MANIFEST_REPORT_H
#define BHD_MANIFEST_REPORT_H

#include "base/fail.h"
#include "manifest/document.h"

#define BHD__REPORT_MOST 50

typedef struct bhd__finding {
    uint32_t offset;  /* in the source; or BHD__NOWHERE */
    bhd__place place; /* where the offset is not used: a line and column that are known anyway */
    char *key;
    char *message;  /* one line */
    char *example;  /* lines to paste; NULL: none */
    bool has_range; /* the value is a number outside its range */
    uint64_t value, minimum, maximum;
} bhd__finding;

typedef struct bhd__report {
    bhd__finding findings[BHD__REPORT_MOST];
    size_t kept;
    size_t total;
    bool no_memory; /* not every finding could be kept */
} bhd__report;

void bhd__report_init(bhd__report *report);
void bhd__report_fini(bhd__report *report);

/* Whether a finding at this place would be kept. Counts it if not: then there is nothing to add. */
bool bhd__report_wants(bhd__report *report, uint32_t offset);
/* Adds a finding; the texts are copied; `example` may be NULL. */
void bhd__report_add(bhd__report *report, uint32_t offset, const char *key, const char *message,
                     const char *example);
/* Adds a finding at a line and column, for a parser that gives no offsets. */
void bhd__report_add_at(bhd__report *report, uint32_t line, uint32_t column, const char *message);
/* Adds what the document had to leave out. */
void bhd__report_cuts(bhd__report *report, const bhd__document *document);
/* Adds to the finding at `offset` the number that is outside its range. */
void bhd__report_range(bhd__report *report, uint32_t offset, uint64_t value, uint64_t minimum,
                       uint64_t maximum);

/*
 * Fills `error` with all findings and returns `code`; BHD_HOST_OUT_OF_MEMORY if some are missing.
 * `shown_source` begins the message; NULL: nothing does. Message and range are those of the first
 * finding; there is at least one.
 */
bhd_status bhd__report_finish(const bhd__report *report, const char *text, size_t size,
                              const char *shown_source, bhd_status code, bhd_error *error);

#endif
