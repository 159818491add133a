/*
 * Values of core functions as text, read strictly and written without loss: what is printed reads
 * back as the same bits.
 *
 *     i32, i64   42, -7, +3, 0xff, -0x80; from the smallest signed to the largest unsigned number
 *     f32, f64   1, -2.5, 1e-3, 0x1.8p3, inf, -inf, nan, nan:0x7fffff (payload bits)
 */
#ifndef BHD_CLI_VALUE_TEXT_H
#define BHD_CLI_VALUE_TEXT_H

#include "bulkhead/sandbox.h"

#include <stdio.h>

/* "i32", "i64", "f32", "f64". */
const char *cli_value_type_text(bhd_value_type type);

/* NULL and `*value` written, or what is wrong with the text: "is not ...", to go after it. */
const char *cli_value_parse(const char *text, bhd_value_type type, bhd_value *value);

/* Integers signed and decimal, f32 as %.9g, f64 as %.17g. */
void cli_value_print(FILE *stream, const bhd_value *value);

#endif
