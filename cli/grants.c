/*
 * --allow-...; see grants.h.
 */
#include "grants.h"

#include "shown_text.h"
#include "terminal.h"

#include "bulkhead/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
    KEY_DIR = 0x600,
    KEY_ENV,
    KEY_NET,
    KEY_CLOCKS,
    KEY_RANDOM,
    KEY_STDIN,
    KEY_MANIFEST,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0,
     "Capabilities to grant, of those that the manifest asks for (a binary without a manifest asks "
     "for what is granted):",
     4},
    {"allow-dir", KEY_DIR, "PATH[:rw]", 0,
     "This directory and what is below it, to read; with :rw to write too", 4},
    {"allow-env", KEY_ENV, "NAME", 0, "This variable of the environment", 4},
    {"allow-net", KEY_NET, "HOST:PORT", 0, "Connections to this host and port, by TCP", 4},
    {"allow-clocks", KEY_CLOCKS, NULL, 0, "What time it is", 4},
    {"allow-random", KEY_RANDOM, NULL, 0, "Random numbers", 4},
    {"allow-stdin", KEY_STDIN, NULL, 0, "Standard input", 4},
    {"allow-manifest", KEY_MANIFEST, NULL, 0, "Everything that the manifest asks for", 4},
    {0},
};

static char *cut(cli_grants *grants, const char *text, size_t length, struct argp_state *state)
{
    char *copy = strndup(text, length);
    if (copy == NULL)
        argp_failure(state, 1, 0, "not enough memory");
    grants->texts[grants->text_count++] = copy;
    return copy;
}

static void check_room(size_t count, const char *option, struct argp_state *state)
{
    if (count == CLI_GRANTS_MAX)
        argp_error(state, "--%s: no more than %d may be given", option, CLI_GRANTS_MAX);
}

/* Without the slashes at its end, which change nothing. */
static size_t path_length(const char *path, size_t length)
{
    while (length > 1 && path[length - 1] == '/')
        length--;
    return length;
}

/* The grant of the same directory, if there is one. */
static bhd_directory *same_directory(cli_grants *grants, const char *path, size_t length)
{
    length = path_length(path, length);
    for (size_t i = 0; i < grants->grants.directory_count; i++) {
        const char *host = grants->directories[i].host;
        if (path_length(host, strlen(host)) == length && memcmp(host, path, length) == 0)
            return &grants->directories[i];
    }
    return NULL;
}

static void add_directory(cli_grants *grants, const char *text, struct argp_state *state)
{
    size_t length = strlen(text);
    bool writes = length >= 3 && strcmp(text + length - 3, ":rw") == 0;
    bool reads = length >= 3 && strcmp(text + length - 3, ":ro") == 0;
    if (writes || reads)
        length -= 3;
    if (length == 0)
        argp_error(state, "--allow-dir: %s: the path is empty", cli_show(text).text);
    bhd_access access = writes ? BHD_ACCESS_READ_WRITE : BHD_ACCESS_READ;
    bhd_directory *same = same_directory(grants, text, length);
    if (same != NULL) {
        /* Granted is what either grants. */
        if (access == BHD_ACCESS_READ_WRITE)
            same->access = access;
        return;
    }
    check_room(grants->grants.directory_count, "allow-dir", state);
    const char *path = cut(grants, text, length, state);
    grants->directories[grants->grants.directory_count++] = (bhd_directory){path, path, access};
}

static void add_endpoint(cli_grants *grants, const char *text, struct argp_state *state)
{
    uint16_t port;
    size_t length = bhd_endpoint_parse(text, &port);
    if (length == 0)
        argp_error(state,
                   "--allow-net: %s is not HOST:PORT with a port from 1 to 65535, for example "
                   "example.org:443 or [::1]:8080",
                   cli_show(text).text);
    for (size_t i = 0; i < grants->grants.endpoint_count; i++)
        if (grants->network[i].port == port && strlen(grants->network[i].host) == length &&
            strncasecmp(grants->network[i].host, text, length) == 0)
            return;
    check_room(grants->grants.endpoint_count, "allow-net", state);
    const char *host = cut(grants, text, length, state);
    grants->network[grants->grants.endpoint_count++] = (bhd_endpoint){host, port};
}

static void add_variable(cli_grants *grants, const char *name, struct argp_state *state)
{
    if (*name == '\0' || strchr(name, '=') != NULL)
        argp_error(state, "--allow-env: %s is not the name of a variable; write the name alone",
                   cli_show(name).text);
    if (!cli_is_utf8(name))
        argp_error(state, "--allow-env: %s is not UTF-8 text, and a guest is given no other",
                   cli_show(name).text);
    for (size_t i = 0; i < grants->grants.env_count; i++)
        if (strcmp(grants->env[i], name) == 0)
            return;
    check_room(grants->grants.env_count, "allow-env", state);
    grants->env[grants->grants.env_count++] = name;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    cli_grants *grants = state->input;

    switch (key) {
    case KEY_DIR:
        add_directory(grants, argument, state);
        return 0;
    case KEY_ENV:
        add_variable(grants, argument, state);
        return 0;
    case KEY_NET:
        add_endpoint(grants, argument, state);
        return 0;
    case KEY_CLOCKS:
        grants->grants.clocks = true;
        return 0;
    case KEY_RANDOM:
        grants->grants.random = true;
        return 0;
    case KEY_STDIN:
        grants->grants.standard_input = true;
        return 0;
    case KEY_MANIFEST:
        grants->grants.everything = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_grants_argp = {options, parse_option, NULL, NULL, NULL, NULL, NULL};

void cli_grants_init(cli_grants *grants)
{
    grants->grants = (bhd_grants)BHD_GRANTS_INIT;
    grants->grants.env = grants->env;
    grants->grants.directories = grants->directories;
    grants->grants.network = grants->network;
    grants->text_count = 0;
}

void cli_grants_fini(cli_grants *grants)
{
    for (size_t i = 0; i < grants->text_count; i++)
        free(grants->texts[i]);
    grants->text_count = 0;
}

static bhd_status check_directory(const char *path, bhd_error *error)
{
    struct stat status;
    if (!cli_is_utf8(path))
        return cli_fail(error, BHD_INVALID_ARGUMENT,
                        "--allow-dir: %s is not UTF-8 text, so that the guest could not name it; "
                        "a " BHD_MANIFEST_FILE " can give it another name",
                        cli_show(path).text);
    if (stat(path, &status) != 0)
        return cli_fail(
            error, errno == ENOENT || errno == ENOTDIR ? BHD_FILE_NOT_FOUND : BHD_FILE_UNREADABLE,
            "--allow-dir: %s: %s", cli_show(path).text, strerror(errno));
    return S_ISDIR(status.st_mode)
               ? BHD_OK
               : cli_fail(error, BHD_FILE_UNREADABLE, "--allow-dir: %s: is not a directory",
                          cli_show(path).text);
}

bhd_status cli_grants_as_request(const cli_grants *grants, bhd_variable *env,
                                 bhd_capabilities *asked, bhd_error *error)
{
    const bhd_grants *g = &grants->grants;
    bhd_capabilities request = BHD_CAPABILITIES_INIT;
    if (g->everything)
        return cli_fail(error, BHD_INVALID_ARGUMENT,
                        "--allow-manifest: no " BHD_MANIFEST_FILE " asks for anything here; name "
                        "what to grant: --allow-dir, --allow-env, --allow-net, --allow-clocks, "
                        "--allow-random, --allow-stdin");
    for (size_t i = 0; i < g->directory_count; i++) {
        bhd_status status = check_directory(g->directories[i].host, error);
        if (status != BHD_OK)
            return status;
    }
    for (size_t i = 0; i < g->env_count; i++)
        env[i] = (bhd_variable){g->env[i], NULL};
    request.env = env;
    request.env_count = g->env_count;
    request.directories = g->directories;
    request.directory_count = g->directory_count;
    request.network = g->network;
    request.endpoint_count = g->endpoint_count;
    request.clocks = g->clocks;
    request.random = g->random;
    request.standard_input = g->standard_input;
    *asked = request;
    return BHD_OK;
}
