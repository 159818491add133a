/*
 * How an out-of-memory account reads: for somebody who sees one for the first time, so every line
 * says what its numbers are, and all of them are exact.
 */
#include "base/account.h"

#include "base/checked.h"

#include <string.h>

/* Width of the labels in a report. */
#define LABEL_WIDTH 10

const char *bhd_memory_kind_text(bhd_memory_kind kind)
{
    switch (kind) {
    case BHD_MEMORY_LINEAR:
        return "linear memory";
    case BHD_MEMORY_GC_HEAP:
        return "GC heap";
    case BHD_MEMORY_TABLE:
        return "table";
    case BHD_MEMORY_INITIAL:
        return "initial memory";
    }
    return "memory";
}

static const char *unit(bhd_memory_kind kind, uint64_t number)
{
    if (kind == BHD_MEMORY_TABLE)
        return number == 1 ? "element" : "elements";
    return number == 1 ? "byte" : "bytes";
}

/* "1,048,576 bytes". */
static void add_amount(bhd__text *text, bhd_memory_kind kind, uint64_t number)
{
    bhd__text_add_grouped(text, number);
    bhd__text_printf(text, " %s", unit(kind, number));
}

/* " (93.8 %)". */
static void add_share(bhd__text *text, double percent)
{
    bhd__text_add(text, " (");
    bhd__text_add_percent(text, percent, 1);
    bhd__text_add(text, " %)");
}

static void begin_entry(bhd__text *text, const char *label)
{
    bhd__text_printf(text, "  %-*s", LABEL_WIDTH, label);
}

void bhd__account_add_entry(bhd__text *text, const char *label, const char *value)
{
    for (;;) {
        size_t line = strcspn(value, "\n");
        begin_entry(text, label);
        bhd__text_add_bytes(text, value, line);
        bhd__text_add(text, "\n");
        value += line;
        if (*value == '\n')
            value++;
        if (*value == '\0')
            return;
        label = "";
    }
}

void bhd__account_add_headline(bhd__text *text, const bhd_out_of_memory *account)
{
    bhd__text_add(text, "out of memory: ");
    if (account->component[0] != '\0')
        bhd__text_printf(text, "component %s", account->component);
    else
        bhd__text_add(text, "a component");
    if (account->version[0] != '\0')
        bhd__text_printf(text, " %s", account->version);
    if (account->sandbox != 0)
        bhd__text_printf(text, " (sandbox %llu)", (unsigned long long)account->sandbox);

    bhd__text_add(text, " asked for ");
    bhd__text_add_grouped(text, account->requested);
    if (account->kind != BHD_MEMORY_INITIAL)
        bhd__text_add(text, " more");
    if (account->kind == BHD_MEMORY_TABLE)
        bhd__text_printf(text, " table %s", unit(account->kind, account->requested));
    else
        bhd__text_printf(text, " %s of %s", unit(account->kind, account->requested),
                         bhd_memory_kind_text(account->kind));
}

/* What would have been needed, against the limit. */
static void add_needed(bhd__text *text, const bhd_out_of_memory *account)
{
    uint64_t needed;
    if (!bhd__add_u64(account->in_use, account->requested, &needed))
        return;
    begin_entry(text, "needed");
    add_amount(text, account->kind, needed);
    if (needed > account->limit) {
        bhd__text_add(text, ", ");
        bhd__text_add_grouped(text, needed - account->limit);
        bhd__text_add(text, " more than the limit\n");
    } else {
        bhd__text_add(text, ", within the limit: the host refused it\n");
    }
}

static void add_memory(bhd__text *text, const char *label, const bhd_memory_metrics *metrics)
{
    begin_entry(text, label);
    add_amount(text, BHD_MEMORY_LINEAR, metrics->current_bytes);
    bhd__text_add(text, " of ");
    bhd__text_add_grouped(text, metrics->max_bytes);
    add_share(text, metrics->usage_percent);
    bhd__text_add(text, ", peak ");
    add_amount(text, BHD_MEMORY_LINEAR, metrics->peak_bytes);
    add_share(text, metrics->peak_percent);
    bhd__text_add(text, "\n");
}

void bhd__account_add_numbers(bhd__text *text, const bhd_out_of_memory *account)
{
    const bhd_memory_metrics *metrics = &account->metrics;

    begin_entry(text, "in use");
    add_amount(text, account->kind, account->in_use);
    bhd__text_add(text, " of ");
    bhd__text_add_grouped(text, account->limit);
    if (account->limit > 0)
        add_share(text, 100.0 * (double)account->in_use / (double)account->limit);
    if (account->kind != BHD_MEMORY_TABLE) {
        bhd__text_add(text, ", peak ");
        add_amount(text, account->kind, metrics->peak_bytes);
        add_share(text, metrics->peak_percent);
    }
    bhd__text_add(text, "\n");
    add_needed(text, account);
    if (account->kind == BHD_MEMORY_TABLE)
        add_memory(text, "memory", metrics);

    begin_entry(text, "refused");
    bhd__text_add_grouped(text, metrics->denied_count);
    bhd__text_printf(text, " %s so far\n", metrics->denied_count == 1 ? "growth" : "growths");
    if (metrics->timestamp[0] != '\0')
        bhd__account_add_entry(text, "time", metrics->timestamp);
}
