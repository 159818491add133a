/*
 * A snapshot as JSON and as text, both made from BHD_MEMORY_METRICS_MAP: a field that is added to
 * the list is in both. In the text the point in time stands once, as a person reads it.
 */
#include "bulkhead/metrics.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

/* Width of the labels; longer ones would touch their values. */
#define LABEL_WIDTH 17

/* How each kind of the list is written in JSON. */
#define JSON_U64(text, value) bhd__text_printf(text, "%" PRIu64, (value))
#define JSON_PERCENT(text, value) bhd__text_add_percent(text, (value), 2)
#define JSON_BOOL(text, value) bhd__text_add(text, (value) ? "true" : "false")
#define JSON_TEXT(text, value) bhd__text_add_json(text, (value), strlen(value))

size_t bhd_memory_metrics_to_json(const bhd_memory_metrics *metrics, char *buffer, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    const char *separator = "{";
#define ADD_FIELD(c_type, field, kind, unit, what)                                                 \
    bhd__text_printf(&text, "%s\"%s\":", separator, #field);                                       \
    JSON_##kind(&text, metrics->field);                                                            \
    separator = ",";
    BHD_MEMORY_METRICS_MAP(ADD_FIELD)
#undef ADD_FIELD
    bhd__text_printf(&text, "%s\"timestamp\":", separator);
    JSON_TEXT(&text, metrics->timestamp);
    bhd__text_add(&text, "}");
    return text.length;
}

/* "current_bytes" is labelled "current", "growth_count" "growth count": a unit that the value shows
 * is not repeated. */
static void add_label(bhd__text *text, const char *field)
{
    static const char *const suffixes[] = {"_bytes", "_ns"};
    size_t length = strlen(field);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        size_t cut = strlen(suffixes[i]);
        if (length > cut && strcmp(field + length - cut, suffixes[i]) == 0)
            length -= cut;
    }
    for (size_t i = 0; i < length; i++)
        bhd__text_add_bytes(text, field[i] == '_' ? " " : &field[i], 1);
    bhd__text_printf(text, "%*s", length < LABEL_WIDTH ? (int)(LABEL_WIDTH - length) : 1, "");
}

/* "1.0 MiB (1048576 bytes)": rounded down to read, exact to reckon with. */
static void add_bytes(bhd__text *text, uint64_t bytes)
{
    const uint64_t kib = 1024, mib = 1048576;
    uint64_t unit = bytes >= mib ? mib : kib;
    if (bytes < kib) {
        bhd__text_printf(text, "%" PRIu64 " %s", bytes, bytes == 1 ? "byte" : "bytes");
        return;
    }
    uint64_t tenths = bytes % unit * 10 / unit;
    bhd__text_printf(text, "%" PRIu64 ".%" PRIu64 " %s (%" PRIu64 " bytes)", bytes / unit, tenths,
                     unit == mib ? "MiB" : "KiB", bytes);
}

/* The list has three units: bytes, nanoseconds of a point in time, and none for counts. */
static void add_number(bhd__text *text, uint64_t number, const char *unit)
{
    char timestamp[BHD_TIMESTAMP_SIZE];
    if (strcmp(unit, "bytes") == 0) {
        add_bytes(text, number);
    } else if (strcmp(unit, "ns") == 0) {
        bhd__timestamp(number, timestamp);
        bhd__text_add(text, timestamp);
    } else {
        bhd__text_printf(text, "%" PRIu64, number);
    }
}

static void add_percent(bhd__text *text, double percent)
{
    bhd__text_add_percent(text, percent, 2);
    bhd__text_add(text, " %");
}

/* How each kind of the list is written for a person. */
#define TEXT_U64(text, value, unit) add_number(text, (value), (unit))
#define TEXT_PERCENT(text, value, unit) add_percent(text, (value))
#define TEXT_BOOL(text, value, unit) bhd__text_add(text, (value) ? "yes" : "no")

size_t bhd_memory_metrics_to_text(const bhd_memory_metrics *metrics, char *buffer, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
#define ADD_FIELD(c_type, field, kind, unit, what)                                                 \
    add_label(&text, #field);                                                                      \
    TEXT_##kind(&text, metrics->field, unit);                                                      \
    bhd__text_add(&text, "\n");
    BHD_MEMORY_METRICS_MAP(ADD_FIELD)
#undef ADD_FIELD
    return text.length;
}
