/*
 * What is asked for against what is granted; see the header.
 */
#include "grants/denials.h"

#include "base/fail.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

/* A path or name in a message. */
#define SHOWN_BYTES 160

void bhd__deny(bhd__denials *denials, const char *key, const char *value, const char *option)
{
    char path[64], message[BHD_MESSAGE_SIZE], shown[SHOWN_BYTES * 6];
    (void)bhd__text_show(shown, sizeof shown, value, SHOWN_BYTES);
    if (denials->count++ == 0)
        (void)bhd__fail(denials->error, BHD_CAPABILITY_DENIED,
                        "the component asks for what is not granted: capabilities.%s = %s; grant "
                        "it with %s, or everything that the manifest asks for with "
                        "--allow-manifest; in C with the host's option grants",
                        key, shown, option);
    bhd__text text;
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

static bool is_same_endpoint(const bhd_endpoint *a, const bhd_endpoint *b)
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
        if (is_same_endpoint(&granted->network[i], endpoint))
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
