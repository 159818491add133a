/*
 * Capabilities as text and JSON; see capabilities_output.h.
 */
#include "capabilities_output.h"

#include "json_output.h"
#include "shown_text.h"
#include "terminal.h"

/* -- text ------------------------------------------------------------------------------------ */

static void print_one(FILE *stream, const char *what, const char *value, const char *option)
{
    fprintf(stream, "  asks for %s%s%s: %s\n", what, *value != '\0' ? " " : "", value, option);
}

void cli_capabilities_print(FILE *stream, const bhd_capabilities *asked)
{
    char option[4 * sizeof(cli_shown)], value[3 * sizeof(cli_shown)];
    for (size_t i = 0; i < asked->directory_count; i++) {
        const bhd_directory *d = &asked->directories[i];
        const char *suffix = d->access == BHD_ACCESS_READ_WRITE ? ":rw" : "";
        cli_shown host = cli_show(d->host), guest = cli_show(d->guest);
        (void)snprintf(value, sizeof value, "%s as %s", host.text, guest.text);
        (void)snprintf(option, sizeof option, "--allow-dir=%s%s", host.text, suffix);
        print_one(stream, *suffix != '\0' ? "reading and writing" : "reading", value, option);
    }
    for (size_t i = 0; i < asked->env_count; i++) {
        cli_shown name = cli_show(asked->env[i].name);
        if (asked->env[i].value != NULL)
            continue;
        (void)snprintf(option, sizeof option, "--allow-env=%s", name.text);
        print_one(stream, "the variable", name.text, option);
    }
    for (size_t i = 0; i < asked->endpoint_count; i++) {
        (void)snprintf(value, sizeof value, "%s:%u", cli_show(asked->network[i].host).text,
                       asked->network[i].port);
        (void)snprintf(option, sizeof option, "--allow-net=%s", value);
        print_one(stream, "connections to", value, option);
    }
    if (asked->clocks)
        print_one(stream, "clocks", "", "--allow-clocks");
    if (asked->random)
        print_one(stream, "random numbers", "", "--allow-random");
    if (asked->standard_input)
        print_one(stream, "standard input", "", "--allow-stdin");
}

/* -- JSON ------------------------------------------------------------------------------------ */

static const char *output_word(bhd_output output)
{
    return output == BHD_OUTPUT_NONE      ? "none"
           : output == BHD_OUTPUT_CAPTURE ? "capture"
                                          : "inherit";
}

static json_t *lists_json(const bhd_capabilities *asked, json_t *object)
{
    json_t *args = json_array(), *env = json_array(), *network = json_array();
    json_t *directories = json_array();
    for (size_t i = 0; i < asked->arg_count; i++)
        (void)json_array_append_new(args, cli_json_text(asked->args[i]));
    for (size_t i = 0; i < asked->env_count; i++) {
        json_t *variable = json_object();
        (void)json_object_set_new(variable, "name", cli_json_text(asked->env[i].name));
        (void)json_object_set_new(variable, "value",
                                  asked->env[i].value != NULL ? cli_json_text(asked->env[i].value)
                                                              : json_null());
        (void)json_array_append_new(env, variable);
    }
    for (size_t i = 0; i < asked->endpoint_count; i++) {
        json_t *endpoint = json_object();
        (void)json_object_set_new(endpoint, "host", cli_json_text(asked->network[i].host));
        (void)json_object_set_new(endpoint, "port", json_integer(asked->network[i].port));
        (void)json_array_append_new(network, endpoint);
    }
    for (size_t i = 0; i < asked->directory_count; i++) {
        const bhd_directory *d = &asked->directories[i];
        json_t *directory = json_object();
        (void)json_object_set_new(directory, "host", cli_json_text(d->host));
        (void)json_object_set_new(directory, "guest", cli_json_text(d->guest));
        (void)json_object_set_new(directory, "access",
                                  cli_json_text(d->access == BHD_ACCESS_READ_WRITE ? "rw" : "ro"));
        (void)json_array_append_new(directories, directory);
    }
    (void)json_object_set_new(object, "args", args);
    (void)json_object_set_new(object, "env", env);
    (void)json_object_set_new(object, "directories", directories);
    (void)json_object_set_new(object, "network", network);
    return object;
}

json_t *cli_capabilities_json(const bhd_capabilities *asked)
{
    json_t *object = lists_json(asked, json_object());
    (void)json_object_set_new(object, "stdin",
                              cli_json_text(asked->standard_input ? "inherit" : "none"));
    (void)json_object_set_new(object, "stdout", cli_json_text(output_word(asked->standard_output)));
    (void)json_object_set_new(object, "stderr", cli_json_text(output_word(asked->standard_error)));
    (void)json_object_set_new(object, "clocks", json_boolean(asked->clocks));
    (void)json_object_set_new(object, "random", json_boolean(asked->random));
    (void)json_object_set_new(object, "max_written_bytes",
                              cli_json_number(asked->max_written_bytes));
    (void)json_object_set_new(object, "max_open_files", json_integer(asked->max_open_files));
    (void)json_object_set_new(object, "max_connections", json_integer(asked->max_connections));
    return object;
}
