/*
 * The words of an out-of-memory account, shared by the message (fail.c) and the report
 * (error_text.c). Pure functions; any thread.
 */
#ifndef BHD_BASE_ACCOUNT_H
#define BHD_BASE_ACCOUNT_H

#include "base/text.h"
#include "bulkhead/error.h"

/* "out of memory: component hog 0.1.0 (sandbox 1) asked for 65,536 more bytes of linear memory". */
void bhd__account_add_headline(bhd__text *text, const bhd_out_of_memory *account);

/* The lines below the headline, each with a newline, up to and including the time. */
void bhd__account_add_numbers(bhd__text *text, const bhd_out_of_memory *account);

/* One labelled entry of a report: "  label     " and the value, whose further lines are aligned
 * below its first. */
void bhd__account_add_entry(bhd__text *text, const char *label, const char *value);

#endif
