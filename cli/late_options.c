/*
 * Options that came too late; see late_options.h.
 */
#include "late_options.h"

#include "shown_text.h"
#include "terminal.h"

#include <string.h>

/* "--name" or "--name=value" */
static bool is_option(const char *argument, const char *name)
{
    size_t length = strlen(name);
    return strncmp(argument, "--", 2) == 0 && strncmp(argument + 2, name, length) == 0 &&
           (argument[2 + length] == '\0' || argument[2 + length] == '=');
}

static const struct argp_option *option_of(const struct argp *parser, const char *argument)
{
    const struct argp_option *found = NULL;
    for (const struct argp_option *o = parser->options; o->name != NULL || o->doc != NULL; o++)
        if (o->name != NULL && is_option(argument, o->name))
            return o;
    for (const struct argp_child *c = parser->children; found == NULL && c != NULL; c++) {
        if (c->argp == NULL)
            break;
        found = option_of(c->argp, argument);
    }
    return found;
}

void cli_late_options_note(const struct argp *parser, char *const *arguments, size_t count,
                           const char *target)
{
    const struct argp_option *late = NULL;
    size_t at = 0;
    while (at < count && (late = option_of(parser, arguments[at])) == NULL)
        at++;
    if (late == NULL)
        return;
    cli_note("note: %.200s comes after TARGET, so it went to the guest; options go before it: "
             "bulkhead run --%s%s %.400s",
             cli_show(arguments[at]).text, late->name, late->arg != NULL ? "=..." : "",
             cli_show(target).text);
}
