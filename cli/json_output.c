/*
 * JSON output; see json_output.h.
 */
#include "json_output.h"

#include "shown_text.h"
#include "terminal.h"

#include <stdlib.h>

json_t *cli_json_number(uint64_t number)
{
    if (number > (uint64_t)INT64_MAX)
        return json_real((double)number);
    return json_integer((json_int_t)number);
}

json_t *cli_json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *string = json_string(text);
    return string != NULL ? string : json_string(cli_show(text).text);
}

json_t *cli_json_rounded(double number, int decimals)
{
    double scale = 1;
    for (int i = 0; i < decimals; i++)
        scale *= 10;
    /* All numbers here are positive and far below the range of uint64_t. */
    return json_real((double)(uint64_t)(number * scale + 0.5) / scale);
}

bool cli_json_print(FILE *stream, json_t *value, bool indented)
{
    /* Fifteen digits are what a double holds for certain; more make 33.329999999999998 of 33.33. */
    size_t flags = JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15);
    flags |= indented ? JSON_INDENT(2) : 0;
    char *text = value != NULL ? json_dumps(value, flags) : NULL;
    json_decref(value);
    if (text == NULL)
        return false;
    fprintf(stream, "%s\n", text);
    free(text);
    return true;
}
