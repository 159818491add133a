/*
 * JSON as the command prints it: ASCII only, so that it is safe on a terminal, and numbers without
 * digits that nobody measured. Every function copes with NULL, which is how jansson says "no
 * memory"; cli_json_print then fails.
 */
#ifndef BHD_CLI_JSON_OUTPUT_H
#define BHD_CLI_JSON_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* An integer; above INT64_MAX, which jansson's cannot hold, a real. */
json_t *cli_json_number(uint64_t number);
/* A string; what is not UTF-8 in it is escaped as cli_show does. NULL is null. */
json_t *cli_json_text(const char *text);
/* Rounded to `decimals`, 0 to 6. */
json_t *cli_json_rounded(double number, int decimals);

/* Prints the value and a newline; `indented` over several lines. Gives `value` back. False when
 * memory is missing; the stream's own errors are the caller's to look at. */
bool cli_json_print(FILE *stream, json_t *value, bool indented);

#endif
