/*
 * Calls one export; see invoke.h.
 */
#include "invoke.h"

#include "shown_text.h"
#include "terminal.h"
#include "value_json.h"
#include "value_size.h"
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
    invocation->text = strndup(text, length);
    invocation->name = strndup(text, (size_t)(open - text));
    if (invocation->name == NULL || invocation->text == NULL)
        return "not enough memory";
    const char *problem = parse_arguments(open + 1, text + length - 1, invocation);
    /* In WAVE a comma may also stand in a string, a list or a record. */
    return strpbrk(text, "\"'[{") == NULL ? problem : NULL;
}

void cli_invocation_fini(cli_invocation *invocation)
{
    for (size_t i = 0; i < invocation->count; i++)
        free(invocation->arguments[i]);
    free(invocation->arguments);
    free(invocation->name);
    free(invocation->text);
    *invocation = (cli_invocation){0};
}

/* "(i32, f64)" */
static void types_text(const bhd_type *types, char *buffer, size_t capacity)
{
    size_t used = 1;
    (void)snprintf(buffer, capacity, "(");
    for (size_t i = 0; i < bhd_type_count(types) && used + 8 < capacity; i++)
        used += (size_t)snprintf(buffer + used, capacity - used, "%s%s", i > 0 ? ", " : "",
                                 cli_value_type_text(bhd_type_get(bhd_type_part(types, i))));
    (void)snprintf(buffer + used, capacity - used, ")");
}

static bhd_status read_arguments(const cli_invocation *invocation, const bhd_type *types,
                                 bhd_value *values, bhd_error *error)
{
    size_t count = bhd_type_count(types);
    if (count != invocation->count) {
        char wanted[256];
        types_text(types, wanted, sizeof wanted);
        return cli_fail(error, BHD_SIGNATURE_MISMATCH,
                        "--invoke: %s takes %zu argument%s %s, and %zu %s given",
                        cli_show(invocation->name).text, count, count == 1 ? "" : "s", wanted,
                        invocation->count, invocation->count == 1 ? "is" : "are");
    }
    for (size_t i = 0; i < count; i++) {
        const char *problem = cli_value_parse(invocation->arguments[i],
                                              bhd_type_get(bhd_type_part(types, i)), &values[i]);
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

/* -- results ------------------------------------------------------------------------------- */

static char *make_wave(const bhd_value *value, const bhd_type *type, size_t *length)
{
    *length = bhd_value_format(value, type, NULL, 0);
    char *text = *length <= CLI_VALUE_TEXT_MAX ? malloc(*length + 1) : NULL;
    if (text != NULL)
        (void)bhd_value_format(value, type, text, *length + 1);
    return text;
}

static char *make_json(const bhd_value *value, const bhd_type *type, size_t *length)
{
    char *text = cli_value_json(value, type);
    *length = text != NULL ? strlen(text) : 0;
    return text;
}

/* The guest has chosen the names in it and how often they are repeated. */
static bhd_status print_text(const char *name, const bhd_value *value, const bhd_type *type,
                             bool as_json, bhd_error *error)
{
    char *text = NULL;
    size_t length = CLI_VALUE_TEXT_MAX + 1;
    if (cli_value_may_fit(value, type, as_json))
        text = (as_json ? make_json : make_wave)(value, type, &length);
    bhd_status status = BHD_OK;
    if (length > CLI_VALUE_TEXT_MAX)
        status = cli_fail(
            error, BHD_NOT_SUPPORTED,
            "--invoke: what %.200s gave takes more than %zu MiB as text, in which the names of "
            "cases, fields and flags are repeated for each value; ask it for less, or call it in a "
            "program, which gets values and no text",
            cli_show(name).text, CLI_VALUE_TEXT_MAX >> 20);
    else if (text == NULL)
        status = cli_fail(error, BHD_HOST_OUT_OF_MEMORY,
                          "--invoke: not enough memory to write what %.200s gave as text",
                          cli_show(name).text);
    else
        puts(text);
    free(text);
    return status;
}

static bhd_status print_results(const char *name, const bhd_value *values, const bhd_type *types,
                                bool is_core, bool as_json, bhd_error *error)
{
    bhd_status status = BHD_OK;
    for (size_t i = 0; status == BHD_OK && i < bhd_type_count(types); i++) {
        if (is_core && !as_json) {
            cli_value_print(stdout, &values[i]);
            putchar('\n');
        } else {
            status = print_text(name, &values[i], bhd_type_part(types, i), as_json, error);
        }
    }
    return status;
}

/* -- calls --------------------------------------------------------------------------------- */

static bool has_resource(const bhd_type *type)
{
    bhd_value_type kind = bhd_type_get(type);
    for (size_t i = 0; i < bhd_type_count(type); i++)
        if (bhd_type_part(type, i) != NULL && has_resource(bhd_type_part(type, i)))
            return true;
    return kind == BHD_OWN || kind == BHD_BORROW;
}

/* A handle could be neither written nor used: the sandbox ends with this one call. */
static bhd_status check_no_resource(const char *name, const bhd_function *function,
                                    bhd_error *error)
{
    bool takes = has_resource(bhd_function_parameters(function));
    if (!takes && !has_resource(bhd_function_results(function)))
        return BHD_OK;
    return cli_fail(error, BHD_NOT_SUPPORTED,
                    "--invoke: %.200s %s a resource, which has no text; a program can call it, "
                    "with what bulkhead/resource.h declares",
                    cli_show(name).text, takes ? "takes" : "gives");
}

static bhd_status call_component(const cli_invocation *invocation, bool as_json,
                                 bhd_sandbox *sandbox, bhd_error *error)
{
    char message[BHD_MESSAGE_SIZE];
    const char *open = strchr(invocation->text, '(');
    char *name = strndup(invocation->text, (size_t)(open - invocation->text));
    if (name == NULL)
        return cli_fail(error, BHD_HOST_OUT_OF_MEMORY, "not enough memory");
    bhd_function *function = NULL;
    bhd_value arguments, result = bhd_value_bool(false);
    bhd_status status = bhd_sandbox_function(sandbox, name, &function, error);
    if (status != BHD_OK) {
        status = refuse_export(name, status, error);
        free(name);
        return status;
    }
    status = check_no_resource(name, function, error);
    if (status != BHD_OK) {
        free(name);
        return status;
    }
    status = bhd_function_arguments(function, open, &arguments, error);
    if (status != BHD_OK) {
        (void)snprintf(message, sizeof message, "%s", error->message);
        status = cli_fail(error, status, "--invoke: arguments of %.100s: %.800s",
                          cli_show(name).text, message);
        free(name);
        return status;
    }
    status = bhd_sandbox_call(sandbox, function, arguments.of.items.data, arguments.of.items.count,
                              &result, 1, error);
    bhd_value_fini(&arguments);
    if (status == BHD_OK)
        status =
            print_results(name, &result, bhd_function_results(function), false, as_json, error);
    bhd_value_fini(&result);
    free(name);
    return status;
}

static bhd_status call_module(const cli_invocation *invocation, bool as_json, bhd_sandbox *sandbox,
                              bhd_error *error)
{
    bhd_function *function = NULL;
    bhd_status status = bhd_sandbox_function(sandbox, invocation->name, &function, error);
    if (status != BHD_OK)
        return refuse_export(invocation->name, status, error);

    const bhd_type *types = bhd_function_parameters(function);
    size_t parameters = bhd_type_count(types);
    size_t results = bhd_type_count(bhd_function_results(function));
    bhd_value *values = calloc(parameters + results + 1, sizeof *values);
    if (values == NULL)
        return cli_fail(error, BHD_HOST_OUT_OF_MEMORY, "not enough memory");
    status = read_arguments(invocation, types, values, error);
    if (status == BHD_OK)
        status = bhd_sandbox_call(sandbox, function, values, parameters, values + parameters,
                                  results, error);
    if (status == BHD_OK)
        status = print_results(invocation->name, values + parameters,
                               bhd_function_results(function), true, as_json, error);
    free(values);
    return status;
}

bhd_status cli_invocation_call(const cli_invocation *invocation, bhd_component_kind kind,
                               bool as_json, bhd_sandbox *sandbox, bhd_error *error)
{
    return kind == BHD_KIND_COMPONENT ? call_component(invocation, as_json, sandbox, error)
                                      : call_module(invocation, as_json, sandbox, error);
}
