/*
 * Copies, checks and comparisons of capabilities; see grants/capability_rules.h.
 */
#include "grants/capability_rules.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/text.h"
#include "base/unicode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* -- what cannot be ------------------------------------------------------------------------ */

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

/* -- copies -------------------------------------------------------------------------------- */

/* One block, filled from the front with arrays and from the back of those with texts. A first pass
 * without a block counts. */
typedef struct arena {
    char *block;
    size_t used;
} arena;

static void *take(arena *a, size_t size)
{
    void *at = a->block != NULL ? a->block + a->used : NULL;
    a->used += (size + 7) & ~(size_t)7;
    return at;
}

static const char *put_text(arena *a, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t size = strlen(text) + 1;
    char *at = take(a, size);
    if (at != NULL)
        memcpy(at, text, size);
    return at;
}

static const char *const *put_texts(arena *a, const char *const *texts, size_t count)
{
    const char **at = take(a, count * sizeof *at);
    for (size_t i = 0; i < count; i++) {
        const char *text = put_text(a, texts[i]);
        if (at != NULL)
            at[i] = text;
    }
    return at;
}

static const bhd_directory *put_directories(arena *a, const bhd_directory *from, size_t count)
{
    bhd_directory *at = take(a, count * sizeof *at);
    for (size_t i = 0; i < count; i++) {
        bhd_directory one = {put_text(a, from[i].host), put_text(a, from[i].guest), from[i].access};
        if (at != NULL)
            at[i] = one;
    }
    return at;
}

static const bhd_endpoint *put_network(arena *a, const bhd_endpoint *from, size_t count)
{
    bhd_endpoint *at = take(a, count * sizeof *at);
    for (size_t i = 0; i < count; i++) {
        bhd_endpoint one = {put_text(a, from[i].host), from[i].port};
        if (at != NULL)
            at[i] = one;
    }
    return at;
}

static void put_capabilities(arena *a, const bhd_capabilities *from, bhd_capabilities *copy)
{
    *copy = *from;
    copy->args = put_texts(a, from->args, from->arg_count);
    bhd_variable *env = take(a, from->env_count * sizeof *env);
    for (size_t i = 0; i < from->env_count; i++) {
        bhd_variable one = {put_text(a, from->env[i].name), put_text(a, from->env[i].value)};
        if (env != NULL)
            env[i] = one;
    }
    copy->env = env;
    copy->directories = put_directories(a, from->directories, from->directory_count);
    copy->network = put_network(a, from->network, from->endpoint_count);
}

static void put_grants(arena *a, const bhd_grants *from, bhd_grants *copy)
{
    *copy = *from;
    copy->env = put_texts(a, from->env, from->env_count);
    copy->directories = put_directories(a, from->directories, from->directory_count);
    copy->network = put_network(a, from->network, from->endpoint_count);
}

bhd_status bhd__capabilities_copy(const bhd_capabilities *from, bhd_capabilities *copy,
                                  void **block, bhd_error *error)
{
    arena count = {NULL, 8}, a = {NULL, 0};
    put_capabilities(&count, from, copy);
    a.block = bhd__malloc(count.used);
    if (a.block == NULL)
        return bhd__fail_no_memory(error);
    put_capabilities(&a, from, copy);
    *block = a.block;
    return BHD_OK;
}

bhd_status bhd__grants_copy(const bhd_grants *from, bhd_grants *copy, void **block,
                            bhd_error *error)
{
    arena count = {NULL, 8}, a = {NULL, 0};
    put_grants(&count, from, copy);
    a.block = bhd__malloc(count.used);
    if (a.block == NULL)
        return bhd__fail_no_memory(error);
    put_grants(&a, from, copy);
    *block = a.block;
    return BHD_OK;
}

/* -- two keys ------------------------------------------------------------------------------ */

/* A path or name in a message. */
#define SHOWN_BYTES 160

void bhd__deny(bhd__denials *denials, const char *key, const char *value, const char *option)
{
    char path[64], message[BHD_MESSAGE_SIZE], shown[SHOWN_BYTES * 6];
    bhd__text text;
    bhd__text_init(&text, shown, sizeof shown);
    bhd__text_add_escaped(&text, value, strlen(value), SHOWN_BYTES);
    bhd__text_ellipsis(&text);
    if (denials->count++ == 0)
        (void)bhd__fail(denials->error, BHD_CAPABILITY_DENIED,
                        "the component asks for what is not granted: capabilities.%s = %s; grant "
                        "it with %s, or everything that the manifest asks for with "
                        "--allow-manifest; in C with the host's option grants",
                        key, shown, option);
    bhd__text_init(&text, path, sizeof path);
    bhd__text_printf(&text, "capabilities.%s", key);
    bhd__text_init(&text, message, sizeof message);
    bhd__text_printf(&text,
                     "%s is not granted; grant it with %s, or everything that the manifest asks "
                     "for with --allow-manifest",
                     shown, option);
    bhd__text_ellipsis(&text);
    bhd__error_diagnostic(denials->error, 0, 0, path, message);
}

static void deny_named(bhd__denials *denials, const char *key, const char *value,
                       const char *option)
{
    char whole[SHOWN_BYTES * 6 + 32];
    bhd__text text;
    bhd__text_init(&text, whole, sizeof whole);
    bhd__text_printf(&text, "%s=", option);
    bhd__text_add_escaped(&text, value, strlen(value), SHOWN_BYTES);
    bhd__text_ellipsis(&text);
    bhd__deny(denials, key, value, whole);
}

bool bhd__endpoint_equal(const bhd_endpoint *a, const bhd_endpoint *b)
{
    return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

static bool has_name(const bhd_grants *granted, const char *name)
{
    for (size_t i = 0; i < granted->env_count; i++)
        if (strcmp(granted->env[i], name) == 0)
            return true;
    return false;
}

static bool has_endpoint(const bhd_grants *granted, const bhd_endpoint *endpoint)
{
    for (size_t i = 0; i < granted->endpoint_count; i++)
        if (bhd__endpoint_equal(&granted->network[i], endpoint))
            return true;
    return false;
}

void bhd__capabilities_compare(const bhd_capabilities *asked, const bhd_grants *granted,
                               bhd__denials *denials)
{
    if (granted->everything)
        return;
    for (size_t i = 0; i < asked->env_count; i++)
        if (asked->env[i].value == NULL && !has_name(granted, asked->env[i].name))
            deny_named(denials, "env", asked->env[i].name, "--allow-env");
    for (size_t i = 0; i < asked->endpoint_count; i++) {
        const bhd_endpoint *endpoint = &asked->network[i];
        if (has_endpoint(granted, endpoint))
            continue;
        char value[SHOWN_BYTES * 2];
        bhd__text text;
        bhd__text_init(&text, value, sizeof value);
        bhd__text_printf(&text, "%s:%u", endpoint->host, endpoint->port);
        bhd__text_ellipsis(&text);
        deny_named(denials, "network", value, "--allow-net");
    }
    if (asked->clocks && !granted->clocks)
        bhd__deny(denials, "clocks", "true", "--allow-clocks");
    if (asked->random && !granted->random)
        bhd__deny(denials, "random", "true", "--allow-random");
    if (asked->standard_input && !granted->standard_input)
        bhd__deny(denials, "stdin", "\"inherit\"", "--allow-stdin");
}
