/*
 * Values of a component as JSON: numbers as numbers (above 2^63-1, nan and infinities as strings),
 * char and string as strings, list and tuple as arrays, record as an object, enum as its name,
 * flags as an array of names, variant as {"CASE": payload or null}, result as {"ok": ...} or
 * {"error": ...}, option as the value or null, and as {"some": ...} when the value is an option
 * itself.
 */
#ifndef BHD_CLI_VALUE_JSON_H
#define BHD_CLI_VALUE_JSON_H

#include "bulkhead/value.h"

/* On one line, ASCII alone, with the digits that every number needs to be read back as it is; for
 * free. NULL without memory, and for a resource. Takes several times the text in memory: ask
 * cli_value_may_fit first. */
char *cli_value_json(const bhd_value *value, const bhd_type *type);

#endif
