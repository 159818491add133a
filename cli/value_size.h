/*
 * How long a value is as text, before any of it is made. Text repeats what a value does not: the
 * name of an enum's case, of a record's field and of a flag stands in it as often as there are
 * values, so that a result of a mebibyte, the most that a call may carry, can be gigabytes of text.
 */
#ifndef BHD_CLI_VALUE_SIZE_H
#define BHD_CLI_VALUE_SIZE_H

#include "bulkhead/value.h"

/* The most bytes of one result as text. A mebibyte of values without long names takes at most seven
 * times as much: a bool in a list is a byte, and "false, " as text. */
#define CLI_VALUE_TEXT_MAX ((size_t)16 << 20)

/* False when the text, in JSON or in WAVE, is certainly longer than CLI_VALUE_TEXT_MAX. Counts what
 * no form of the text can do without (names, bytes of strings, one byte for all else) and stops at
 * the bound: it takes as long as the shortest text that is refused, and no memory. */
bool cli_value_may_fit(const bhd_value *value, const bhd_type *type, bool as_json);

#endif
