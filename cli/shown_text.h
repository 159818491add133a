/*
 * Text from outside, made safe for a terminal as the library makes what comes from guests and
 * manifests. Paths and arguments reach the command without passing through the library, and a glob
 * may bring in names that somebody else chose. Pure functions.
 */
#ifndef BHD_CLI_SHOWN_TEXT_H
#define BHD_CLI_SHOWN_TEXT_H

#include <stdbool.h>

/* Longest text that cli_show gives back, terminator included. */
#define CLI_SHOWN_SIZE 1024

typedef struct cli_shown {
    char text[CLI_SHOWN_SIZE];
} cli_shown;

/*
 * A text from outside (a path, an argument) made safe for a terminal: control characters, escape
 * sequences, invisible and bidirectional marks and bytes that are not UTF-8 become \xNN or
 * \u{NNNN}; what is too long ends in "...". Use it within one expression: cli_show(path).text.
 */
cli_shown cli_show(const char *text);

/* Whether a guest could be given this text. */
bool cli_is_utf8(const char *text);

#endif
