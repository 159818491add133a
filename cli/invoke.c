/*
 * Calls one export; see invoke.h.
 */
#include "invoke.h"

#include "terminal.h"
#include "value_text.h"

#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Copies the text between the two without the blanks around it. */
static char *copy_trimmed(const char *begin, const char *end)
{
    while (begin < end && is_blank(*begin))
        begin++;
    while (end > begin && is_blank(end[-1]))
        end--;
    return strndup(begin, (size_t)(end - begin));
}

static const char *parse_arguments(const char *begin, const char *end, cli_invocation *invocation)
{
    size_t commas = 0;
    bool blank = true;
    for (const char *at = begin; at < end; at++) {
        commas += *at == ',';
        blank = blank && is_blank(*at);
    }
    if (blank)
        return NULL;
    invocation->arguments = calloc(commas + 1, sizeof *invocation->arguments);
    if (invocation->arguments == NULL)
        return "not enough memory";
    for (;;) {
        const char *comma = memchr(begin, ',', (size_t)(end - begin));
        char *argument = copy_trimmed(begin, comma != NULL ? comma : end);
        if (argument == NULL)
            return "not enough memory";
        invocation->arguments[invocation->count++] = argument;
        if (argument[0] == '\0')
            return "an argument is empty";
        if (comma == NULL)
            return NULL;
        begin = comma + 1;
    }
}

const char *cli_invocation_parse(const char *text, cli_invocation *invocation)
{
    size_t length = strlen(text);
    while (length > 0 && is_blank(text[length - 1]))
        length--;
    const char *open = length > 0 ? memrchr(text, '(', length) : NULL;
    if (open == NULL || text[length - 1] != ')')
        return "write the name of an export and its arguments in parentheses: 'name(1, 2)', or "
               "'name()' without arguments";
    if (open == text)
        return "the name before the parenthesis is missing";
    invocation->name = strndup(text, (size_t)(open - text));
    if (invocation->name == NULL)
        return "not enough memory";
    return parse_arguments(open + 1, text + length - 1, invocation);
}

void cli_invocation_fini(cli_invocation *invocation)
{
    for (size_t i = 0; i < invocation->count; i++)
        free(invocation->arguments[i]);
    free(invocation->arguments);
    free(invocation->name);
    *invocation = (cli_invocation){0};
}

/* "(i32, f64)" */
static void types_text(const bhd_value_type *types, size_t count, char *buffer, size_t capacity)
{
    size_t used = 1;
    (void)snprintf(buffer, capacity, "(");
    for (size_t i = 0; i < count && used + 8 < capacity; i++)
        used += (size_t)snprintf(buffer + used, capacity - used, "%s%s", i > 0 ? ", " : "",
                                 cli_value_type_text(types[i]));
    (void)snprintf(buffer + used, capacity - used, ")");
}

static bhd_status read_arguments(const cli_invocation *invocation, const bhd_value_type *types,
                                 size_t count, bhd_value *values, bhd_error *error)
{
    if (count != invocation->count) {
        char wanted[256];
        types_text(types, count, wanted, sizeof wanted);
        return cli_fail(error, BHD_SIGNATURE_MISMATCH,
                        "--invoke: %s takes %zu argument%s %s, and %zu %s given",
                        cli_show(invocation->name).text, count, count == 1 ? "" : "s", wanted,
                        invocation->count, invocation->count == 1 ? "is" : "are");
    }
    for (size_t i = 0; i < count; i++) {
        const char *problem = cli_value_parse(invocation->arguments[i], types[i], &values[i]);
        if (problem != NULL)
            return cli_fail(error, BHD_SIGNATURE_MISMATCH, "--invoke: argument %zu of %s: %s %s",
                            i + 1, cli_show(invocation->name).text,
                            cli_show(invocation->arguments[i]).text, problem);
    }
    return BHD_OK;
}

/* Says where the export was asked for, and which it is unless the library has said that. */
static bhd_status refuse_export(const char *name, bhd_status status, bhd_error *error)
{
    char message[BHD_MESSAGE_SIZE];
    (void)snprintf(message, sizeof message, "%s", error->message);
    if (status == BHD_SIGNATURE_MISMATCH)
        return cli_fail(error, status, "--invoke: %.100s: %.800s", cli_show(name).text, message);
    return cli_fail(error, status, "--invoke: %.900s", message);
}

bhd_status cli_invocation_call(const cli_invocation *invocation, bhd_sandbox *sandbox,
                               bhd_error *error)
{
    bhd_function *function = NULL;
    size_t parameters = 0, results = 0;
    bhd_status status = bhd_sandbox_function(sandbox, invocation->name, &function, error);
    if (status != BHD_OK)
        return refuse_export(invocation->name, status, error);

    const bhd_value_type *types = bhd_function_parameters(function, &parameters);
    (void)bhd_function_results(function, &results);
    bhd_value *values = calloc(parameters + results + 1, sizeof *values);
    if (values == NULL)
        return cli_fail(error, BHD_HOST_OUT_OF_MEMORY, "not enough memory");
    status = read_arguments(invocation, types, parameters, values, error);
    if (status == BHD_OK)
        status = bhd_sandbox_call(sandbox, function, values, parameters, values + parameters,
                                  results, error);
    for (size_t i = 0; status == BHD_OK && i < results; i++) {
        cli_value_print(stdout, &values[parameters + i]);
        putchar('\n');
    }
    free(values);
    return status;
}
