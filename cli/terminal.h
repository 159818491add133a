/*
 * What a person sees: colours, error lines, and a standard output that does not lose
 * data in silence. Called from the main thread only; the streams are the process's.
 */
#ifndef BHD_CLI_TERMINAL_H
#define BHD_CLI_TERMINAL_H

#include "bulkhead/error.h"

#include <stdarg.h>
#include <stdio.h>

/*
 * Once, before anything else: makes sure that descriptors 0, 1 and 2 are taken, so that no file
 * which is opened later ends up where a guest writes, and arranges that a failed write to standard
 * output is reported when the process exits.
 */
void cli_terminal_init(void);

typedef enum cli_style { CLI_PLAIN, CLI_GOOD, CLI_BAD, CLI_STRONG } cli_style;

/* The escape sequence for a style on that stream; empty unless it is a terminal that wants colour
 * (NO_COLOR unset or empty, TERM set and not "dumb"). */
const char *cli_style_on(FILE *stream, cli_style style);

/* "bulkhead: ..." on standard error; flushes standard output first, so that the order is kept. */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The whole account of `error` on standard error. `source` names a manifest; may be NULL. */
void cli_complain_error(const bhd_error *error, const char *source);

/* bhd_error_to_text, below a headline when there are diagnostics, and without a last newline. The
 * caller frees it; NULL without memory. */
char *cli_error_text(const bhd_error *error, const char *source);

/* Fills an error of the command's own, so that it goes the same way as the library's. */
bhd_status cli_fail(bhd_error *error, bhd_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "PATH: " before the message of an error about a binary, unless the path is in it. */
void cli_error_name_binary(bhd_error *error, const char *path);

/* Flushes standard output; false and a message when something written to it was lost. */
bool cli_flush_output(void);

#endif
