/*
 * --report: how a guest ended and what it used, on standard error, as text or as one JSON object.
 */
#ifndef BHD_CLI_REPORT_H
#define BHD_CLI_REPORT_H

#include "exit_codes.h"
#include "lockdown.h"

#include "bulkhead/error.h"

typedef enum cli_report_format {
    CLI_REPORT_NONE,
    CLI_REPORT_TEXT,
    CLI_REPORT_JSON,
} cli_report_format;

typedef struct cli_report {
    const char *component, *version;
    /* How the guest ended; BHD_OK when it came to its end, with any exit code. */
    bhd_status status;
    /* The guest ended itself, with `guest_exit_code`. */
    bool ended_itself;
    int guest_exit_code;
    int exit_code; /* of the command */
    bhd_memory_metrics metrics;
    double wall_seconds;
    /* fuel_consumed is known. */
    bool has_fuel;
    uint64_t fuel_consumed;
    /* What the process had given up before the guest ran. */
    cli_lockdown lockdown;
    /* With the guest's stack where it ended, if it did not end itself. Not owned; may be NULL. */
    const bhd_error *error;
} cli_report;

/* "ok", "exit", "out_of_memory", "trap", "timeout", "out_of_fuel"; NULL for what is not the end of
 * a guest, and then there is nothing to report. */
const char *cli_report_result(const cli_report *report);

/* Prints on standard error and flushes. False when the report could not be made. */
bool cli_report_print(const cli_report *report, cli_report_format format);

#endif
