#include "shown_text.h"

#include "base/text.h"
#include "base/unicode.h"

#include <stdint.h>
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
