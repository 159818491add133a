/*
 * The report of a run; see report.h.
 */
#include "report.h"

#include "json_output.h"
#include "terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *cli_report_result(const cli_report *report)
{
    switch (report->status) {
    case BHD_OK:
        return report->guest_exit_code == 0 ? "ok" : "exit";
    case BHD_EXIT:
        return "exit";
    case BHD_OUT_OF_MEMORY:
        return "out_of_memory";
    case BHD_TRAP:
        return "trap";
    case BHD_TIMEOUT:
        return "timeout";
    case BHD_OUT_OF_FUEL:
        return "out_of_fuel";
    case BHD_CANCELLED:
        return "cancelled";
    case BHD_CAPABILITY_DENIED:
        return "denied";
    default:
        return NULL;
    }
}

static json_t *memory_json(const bhd_memory_metrics *metrics)
{
    json_t *memory = json_object();
    /* The list of all metrics, less what the report says elsewhere (the time) or leaves to
     * whoever reads the percentages (the threshold). */
#define ADD_U64(field)                                                                             \
    if (strcmp(#field, "timestamp_ns") != 0)                                                       \
        (void)json_object_set_new(memory, #field, cli_json_number(metrics->field));
#define ADD_PERCENT(field)                                                                         \
    (void)json_object_set_new(memory, #field, cli_json_rounded(metrics->field, 2));
#define ADD_BOOL(field)
#define ADD(c_type, field, kind, unit, what) ADD_##kind(field)
    BHD_MEMORY_METRICS_MAP(ADD)
#undef ADD
#undef ADD_BOOL
#undef ADD_PERCENT
#undef ADD_U64
    return memory;
}

static json_t *lockdown_json(const cli_lockdown *lockdown)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "no_new_privileges",
                              json_boolean(lockdown->no_new_privileges));
    (void)json_object_set_new(object, "no_core_dump", json_boolean(lockdown->no_core_dump));
    (void)json_object_set_new(object, "landlock", json_boolean(lockdown->landlock > 0));
    (void)json_object_set_new(object, "seccomp", json_boolean(lockdown->seccomp));
    return object;
}

/* Innermost first, as the text has it. The library bounds how many there are and how long. */
static json_t *stack_json(const bhd_error *error)
{
    json_t *stack = json_array();
    for (size_t i = 0; i < error->frame_count; i++) {
        const bhd_frame *frame = &error->frames[i];
        json_t *object = json_object();
        (void)json_object_set_new(object, "function", cli_json_text(frame->function));
        (void)json_object_set_new(object, "function_index", json_integer(frame->function_index));
        (void)json_object_set_new(object, "module", cli_json_text(frame->module));
        (void)json_object_set_new(
            object, "offset",
            frame->module_offset != SIZE_MAX ? cli_json_number(frame->module_offset) : json_null());
        (void)json_object_set_new(object, "file", cli_json_text(frame->file));
        (void)json_object_set_new(object, "line",
                                  frame->file != NULL ? json_integer(frame->line) : json_null());
        (void)json_array_append_new(stack, object);
    }
    return stack;
}

/* "no new privileges, no core dump, Landlock, seccomp", or what of it is active. */
static void print_lockdown(const cli_lockdown *lockdown)
{
    const struct {
        bool active;
        const char *name;
    } parts[] = {
        {lockdown->no_new_privileges, "no new privileges"},
        {lockdown->no_core_dump, "no core dump"},
        {lockdown->landlock > 0, "Landlock"},
        {lockdown->seccomp, "seccomp"},
    };
    const char *separator = "";
    fprintf(stderr, "  %-16s ", "lockdown");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i].active)
            continue;
        fprintf(stderr, "%s%s", separator, parts[i].name);
        separator = ", ";
    }
    fprintf(stderr, "%s\n", *separator == '\0' ? "none" : "");
}

static bool print_json(const cli_report *report, const char *result)
{
    json_t *object = json_object();
    json_t *cpu = json_object();
    (void)json_object_set_new(object, "component", cli_json_text(report->component));
    (void)json_object_set_new(object, "version", cli_json_text(report->version));
    (void)json_object_set_new(object, "result", cli_json_text(result));
    (void)json_object_set_new(object, "exit_code", json_integer(report->exit_code));
    if (report->ended_itself)
        (void)json_object_set_new(object, "guest_exit_code", json_integer(report->guest_exit_code));
    if (!report->ended_itself && report->error != NULL && report->error->frame_count > 0)
        (void)json_object_set_new(object, "stack", stack_json(report->error));
    (void)json_object_set_new(object, "memory", memory_json(&report->metrics));
    (void)json_object_set_new(cpu, "wall_seconds", cli_json_rounded(report->wall_seconds, 6));
    if (report->has_fuel)
        (void)json_object_set_new(cpu, "fuel_consumed", cli_json_number(report->fuel_consumed));
    (void)json_object_set_new(object, "cpu", cpu);
    (void)json_object_set_new(object, "lockdown", lockdown_json(&report->lockdown));
    (void)json_object_set_new(object, "timestamp", cli_json_text(report->metrics.timestamp));
    /* A guest that leaves its last line open must not be able to spoil the line of the report. */
    fputc('\n', stderr);
    return cli_json_print(stderr, object, false);
}

static bool print_text(const cli_report *report, const char *result)
{
    size_t length = bhd_memory_metrics_to_text(&report->metrics, NULL, 0);
    char *text = malloc(length + 1);
    if (text == NULL)
        return false;
    (void)bhd_memory_metrics_to_text(&report->metrics, text, length + 1);
    char said[48] = "";
    if (report->ended_itself && report->guest_exit_code != report->exit_code)
        (void)snprintf(said, sizeof said, "; the guest said %d", report->guest_exit_code);
    fprintf(stderr, "\n%sbulkhead: %s %s: %s, exit code %d%s%s\n", cli_style_on(stderr, CLI_STRONG),
            report->component, report->version, result, report->exit_code, said,
            cli_style_on(stderr, CLI_PLAIN));
    for (char *line = text, *end; *line != '\0'; line = end) {
        end = strchrnul(line, '\n');
        fprintf(stderr, "  %.*s\n", (int)(end - line), line);
        end += *end == '\n';
    }
    fprintf(stderr, "  %-16s %.6f s\n", "wall clock", report->wall_seconds);
    if (report->has_fuel)
        fprintf(stderr, "  %-16s %" PRIu64 "\n", "fuel", report->fuel_consumed);
    print_lockdown(&report->lockdown);
    free(text);
    return true;
}

bool cli_report_print(const cli_report *report, cli_report_format format)
{
    const char *result = cli_report_result(report);
    if (format == CLI_REPORT_NONE || result == NULL)
        return true;
    bool printed =
        format == CLI_REPORT_JSON ? print_json(report, result) : print_text(report, result);
    (void)fflush(stderr);
    return printed;
}
