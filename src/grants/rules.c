/*
 * What cannot be asked for or granted; see the header.
 */
#include "grants/rules.h"

#include "base/fail.h"
#include "base/unicode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bhd_status bad(bhd_error *error, const char *list, size_t index, const char *problem)
{
    return bhd__fail(error, BHD_INVALID_ARGUMENT, "%s[%zu] %s", list, index, problem);
}

static const char *text_problem(const char *text)
{
    if (text == NULL)
        return "is NULL";
    return bhd__utf8_is_valid(text, strlen(text)) ? NULL : "is not UTF-8 text";
}

static bhd_status check_list(const char *list, const void *entries, size_t count, bhd_error *error)
{
    if (count > 0 && entries == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "%s is NULL and has %zu entries", list,
                         count);
    if (count > BHD__CAPABILITY_ENTRIES_MAX)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "%s has %zu entries; there may be %u", list,
                         count, BHD__CAPABILITY_ENTRIES_MAX);
    return BHD_OK;
}

static const char *name_problem(const char *name)
{
    const char *problem = text_problem(name);
    if (problem != NULL)
        return problem;
    if (*name == '\0')
        return "has an empty name";
    return strchr(name, '=') != NULL ? "has a \"=\" in its name" : NULL;
}

static bhd_status check_directories(const bhd_directory *directories, size_t count, bool for_guest,
                                    bhd_error *error)
{
    bhd_status status = check_list("directories", directories, count, error);
    for (size_t i = 0; status == BHD_OK && i < count; i++) {
        const bhd_directory *d = &directories[i];
        if (d->host == NULL || *d->host == '\0')
            return bad(error, "directories", i, "has no host path");
        if (d->access != BHD_ACCESS_READ && d->access != BHD_ACCESS_READ_WRITE)
            return bad(error, "directories", i, "has an access that is no bhd_access");
        if (!for_guest)
            continue;
        const char *problem = text_problem(d->guest);
        if (problem == NULL && *d->guest == '\0')
            problem = "has an empty guest path";
        if (problem != NULL)
            return bad(error, "directories", i, problem);
        for (size_t j = 0; j < i; j++)
            if (strcmp(directories[j].guest, d->guest) == 0)
                return bad(error, "directories", i, "has the guest path of another one");
    }
    return status;
}

/* Whether all of the text up to there is of these characters. */
static bool consists_of(const char *text, size_t length, const char *characters)
{
    return strspn(text, characters) >= length;
}

size_t bhd_endpoint_parse(const char *text, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    *port = 0;
    if (colon == NULL || colon == text)
        return 0;
    size_t length = (size_t)(colon - text), digits = strlen(colon + 1);
    if (digits == 0 || digits > 5 || !consists_of(colon + 1, digits, "0123456789"))
        return 0;
    /* An address of version 6 has colons of its own. */
    bool in_brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
    if (in_brackets ? !consists_of(text + 1, length - 2, "0123456789abcdefABCDEF:.")
                    : !consists_of(text, length,
                                   "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"))
        return 0;
    long number = strtol(colon + 1, NULL, 10);
    if (number < 1 || number > 65535)
        return 0;
    *port = (uint16_t)number;
    return length;
}

static bhd_status check_network(const bhd_endpoint *endpoints, size_t count, bhd_error *error)
{
    bhd_status status = check_list("network", endpoints, count, error);
    for (size_t i = 0; status == BHD_OK && i < count; i++) {
        const char *problem = text_problem(endpoints[i].host);
        if (problem == NULL && *endpoints[i].host == '\0')
            problem = "has no host";
        if (problem == NULL && endpoints[i].port == 0)
            problem = "has port 0";
        if (problem != NULL)
            return bad(error, "network", i, problem);
    }
    return status;
}

static bhd_status check_output(bhd_output output, const char *name, bhd_error *error)
{
    if (output == BHD_OUTPUT_NONE || output == BHD_OUTPUT_INHERIT || output == BHD_OUTPUT_CAPTURE)
        return BHD_OK;
    return bhd__fail(error, BHD_INVALID_ARGUMENT,
                     "%s: a component asks for none, inherit or capture", name);
}

static bhd_status check_number(const char *name, uint64_t value, uint64_t minimum, uint64_t maximum,
                               bhd_error *error)
{
    if (value >= minimum && value <= maximum)
        return BHD_OK;
    (void)bhd__fail(error, BHD_INVALID_ARGUMENT,
                    "%s: %" PRIu64 " is outside the range %" PRIu64 " to %" PRIu64, name, value,
                    minimum, maximum);
    bhd__error_range(error, value, minimum, maximum);
    return BHD_INVALID_ARGUMENT;
}

static bhd_status check_texts(const bhd_capabilities *c, bhd_error *error)
{
    bhd_status status = check_list("args", c->args, c->arg_count, error);
    for (size_t i = 0; status == BHD_OK && i < c->arg_count; i++)
        if (text_problem(c->args[i]) != NULL)
            return bad(error, "args", i, text_problem(c->args[i]));
    if (status == BHD_OK)
        status = check_list("env", c->env, c->env_count, error);
    for (size_t i = 0; status == BHD_OK && i < c->env_count; i++) {
        const char *problem = name_problem(c->env[i].name);
        if (problem == NULL && c->env[i].value != NULL)
            problem = text_problem(c->env[i].value);
        if (problem != NULL)
            return bad(error, "env", i, problem);
        for (size_t j = 0; j < i; j++)
            if (strcmp(c->env[j].name, c->env[i].name) == 0)
                return bad(error, "env", i, "has the name of another one");
    }
    return status;
}

bhd_status bhd__capabilities_check(const bhd_capabilities *c, bhd_error *error)
{
    bhd_status status = check_texts(c, error);
    if (status == BHD_OK)
        status = check_directories(c->directories, c->directory_count, true, error);
    if (status == BHD_OK)
        status = check_network(c->network, c->endpoint_count, error);
    if (status == BHD_OK)
        status = check_output(c->standard_output, "standard_output", error);
    if (status == BHD_OK)
        status = check_output(c->standard_error, "standard_error", error);
    if (status == BHD_OK)
        status = check_number("max_written_bytes", c->max_written_bytes, 0,
                              BHD__CAPABILITY_WRITTEN_MAX, error);
    if (status == BHD_OK)
        status = check_number("max_open_files", c->max_open_files, 1,
                              BHD__CAPABILITY_OPEN_FILES_MAX, error);
    if (status == BHD_OK)
        status = check_number("max_connections", c->max_connections, 1,
                              BHD__CAPABILITY_CONNECTIONS_MAX, error);
    return status;
}

bhd_status bhd__grants_check(const bhd_grants *grants, bhd_error *error)
{
    bhd_status status = check_list("env", grants->env, grants->env_count, error);
    for (size_t i = 0; status == BHD_OK && i < grants->env_count; i++)
        if (name_problem(grants->env[i]) != NULL)
            return bad(error, "env", i, name_problem(grants->env[i]));
    if (status == BHD_OK)
        status = check_directories(grants->directories, grants->directory_count, false, error);
    if (status == BHD_OK)
        status = check_network(grants->network, grants->endpoint_count, error);
    return status;
}
