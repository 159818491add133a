/*
 * Text from outside, made safe for a terminal as the library makes what comes from guests and
 * manifests; see cli_show in terminal.h. Paths and arguments reach the command without passing
 * through the library, and a glob may bring in names that somebody else chose. Pure functions.
 */
#include "terminal.h"

#include "base/text.h"
#include "base/unicode.h"

#include <string.h>

bool cli_is_utf8(const char *text)
{
    return bhd__utf8_is_valid(text, strlen(text));
}

cli_shown cli_show(const char *text)
{
    cli_shown shown;
    if (text[0] == '\0')
        memcpy(shown.text, "\"\"", sizeof "\"\"");
    else
        (void)bhd__text_show(shown.text, sizeof shown.text, text, SIZE_MAX);
    return shown;
}
