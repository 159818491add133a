/*
 * The command `bulkhead`: finds the subcommand and hands over. Every subcommand has its own parser.
 */
#include "commands.h"
#include "engine_abort.h"
#include "exit_codes.h"
#include "shown_text.h"
#include "terminal.h"

#include "base/nearest.h"
#include "bulkhead/version.h"

#include <stdlib.h>
#include <string.h>

static int help_main(int argc, char **argv);

static const struct command {
    const char *name, *full_name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "bulkhead run", cli_run_main},
    {"check", "bulkhead check", cli_check_main},
    {"inspect", "bulkhead inspect", cli_inspect_main},
    {"compile", "bulkhead compile", cli_compile_main},
    {"cache", "bulkhead cache", cli_cache_main},
    {"help", "bulkhead help", help_main},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static const struct argp_child children[] = {
    {&cli_short_help_argp, 0, NULL, 0},
    {NULL, 0, NULL, 0},
};

static const char documentation[] =
    "Runs untrusted WebAssembly components, each inside memory limits that it declares and cannot "
    "exceed.\v"
    "Commands:\n"
    "  run TARGET [ARGS...]    run a component inside its limits\n"
    "  check PATH...           check manifests, and whether their components fit\n"
    "  inspect FILE            show what a component imports, exports and needs\n"
    "  compile FILE -o OUT     compile for a host that has no compiler\n"
    "  cache list|verify|clear look after compiled code that is kept\n"
    "  help [COMMAND]          this text, that of a command, or `help exit-codes'\n\n"
    "Exit codes: 0 success; the guest's own code; 2 usage; 65 not a valid component; 66 file not "
    "found; 70 internal error; 75 no capacity, try again; 77 denied capability; 78 manifest; 124 "
    "out of time or fuel; 130 ended by Ctrl-C or SIGTERM; 134 trap; 137 out of memory.\n\n"
    "Colour is used on a terminal only, and not at all when NO_COLOR is set.";

static void print_version(FILE *stream, struct argp_state *state)
{
    (void)state;
    fprintf(stream, "bulkhead %s (%s)\n", bhd_version(), bhd_engine_version());
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    int *command_index = state->input;
    (void)argument;

    switch (key) {
    case ARGP_KEY_ARG:
        *command_index = state->next - 1;
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a command is missing: run, check, inspect, compile, cache or help");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    NULL, parse_option, "COMMAND [ARGUMENTS...]", documentation, children, NULL, NULL,
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool looks_like_target(const char *word)
{
    size_t length = strlen(word);
    return strchr(word, '/') != NULL || (length > 5 && strcmp(word + length - 5, ".wasm") == 0) ||
           (length > 4 && strcmp(word + length - 4, ".wat") == 0) ||
           (length > 5 && strcmp(word + length - 5, ".toml") == 0);
}

static int unknown_command(const char *word)
{
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *nearest = bhd__nearest(word, strlen(word), names, COMMAND_COUNT);
    cli_shown shown = cli_show(word);
    if (looks_like_target(word))
        cli_complain("there is no command %s; did you mean `bulkhead run %s'?", shown.text,
                     shown.text);
    else if (nearest != NULL)
        cli_complain("there is no command %s; did you mean `bulkhead %s'?", shown.text, nearest);
    else
        cli_complain("there is no command %s; there are run, check, inspect, compile, cache and "
                     "help",
                     shown.text);
    return CLI_EXIT_USAGE;
}

/* Hands over with argv[0] as messages should begin. */
static int run_command(const struct command *command, int argc, char **argv)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s", command->full_name);
    argv[0] = name;
    return command->run(argc, argv);
}

static error_t parse_help_option(int key, char *argument, struct argp_state *state)
{
    const char **topic = state->input;

    switch (key) {
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "one topic at a time; %s is the second", cli_show(argument).text);
        *topic = argument;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp help_parser = {
    NULL,
    parse_help_option,
    "[COMMAND | exit-codes]",
    "Shows the help of bulkhead, of one command, or the list of exit codes.",
    children,
    NULL,
    NULL,
};

static int help_main(int argc, char **argv)
{
    char option[] = "--help", name[] = "bulkhead";
    char *help_argv[] = {name, option, NULL};
    const char *topic = NULL;
    int unused;

    if (argp_parse(&help_parser, argc, argv, 0, NULL, &topic) != 0)
        return CLI_EXIT_USAGE;
    if (topic == NULL)
        return argp_parse(&parser, 2, help_argv, 0, NULL, &unused) == 0 ? CLI_EXIT_OK
                                                                        : CLI_EXIT_INTERNAL;
    if (strcmp(topic, "exit-codes") == 0) {
        cli_exit_codes_print(stdout);
        return CLI_EXIT_OK;
    }
    const struct command *command = find_command(topic);
    if (command == NULL)
        return unknown_command(topic);
    return run_command(command, 2, help_argv);
}

int main(int argc, char **argv)
{
    int command_index = 0;
    char name[] = "bulkhead";

    cli_terminal_init();
    cli_engine_abort_init();
    argp_err_exit_status = CLI_EXIT_USAGE;
    argp_program_version_hook = print_version;
    if (argc > 0)
        argv[0] = name;
    if (argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &command_index) != 0 ||
        command_index == 0)
        return CLI_EXIT_USAGE;
    const struct command *command = find_command(argv[command_index]);
    if (command == NULL)
        return unknown_command(argv[command_index]);
    return run_command(command, argc - command_index, argv + command_index);
}
