/*
 * `bulkhead compile`: a component to machine code, for a host that has no compiler. Runs nothing.
 */
#include "binary_file.h"
#include "commands.h"
#include "exit_codes.h"
#include "host_options.h"
#include "interrupt.h"
#include "shown_text.h"
#include "target.h"
#include "terminal.h"

#include "bulkhead/precompiled.h"

#include <stdlib.h>
#include <string.h>

typedef struct compile_options {
    bhd_host_options host;
    const char *output, *target;
    bool with_fuel;
} compile_options;

enum { KEY_FUEL = 0x900 };

static const struct argp_option options[] = {
    {"output", 'o', "OUT", 0, "The file to write; needed", 1},
    {"fuel", KEY_FUEL, NULL, 0,
     "For limits with fuel (max_fuel, run --fuel); so it is when the manifest has max_fuel", 1},
    {0},
};

static const struct argp_child children[] = {
    {&cli_precompiling_argp, 0, NULL, 0},
    {&cli_short_help_argp, 0, NULL, 0},
    {NULL, 0, NULL, 0},
};

static const char documentation[] =
    "Compiles a component to machine code that a host without a compiler can load.\v"
    "FILE is a .wasm or .wat, a directory with a Component.toml, or such a file. OUT is new or "
    "replaces a file of yours; run it with `bulkhead run --allow-precompiled', on a machine with "
    "the same processor, by the same build and under the same host options.\n\n"
    "OUT is machine code, and the sandbox is in it: whoever can write that file can leave the "
    "sandbox out and run anything as whoever loads it. So it is readable by you alone, is loaded "
    "only when asked for, and only if nobody but its user and root can have written it. Nothing "
    "in it is a signature: never load one that somebody gave you, compile what they gave you.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    compile_options *compile = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &compile->host;
        return 0;
    case 'o':
        if (argument[0] == '\0')
            argp_error(state, "--output: the path is empty");
        compile->output = argument;
        return 0;
    case KEY_FUEL:
        compile->with_fuel = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "one FILE at a time; %s is the second", cli_show(argument).text);
        compile->target = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "FILE is missing: name a .wasm or .wat");
        return 0;
    case ARGP_KEY_END:
        if (compile->output == NULL)
            argp_error(state, "OUT is missing: say where to write it with -o");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options, parse_option, "FILE", documentation, children, NULL, NULL,
};

static cli_exit compile_target(const compile_options *compile, const cli_target *target,
                               bhd_error *error)
{
    bhd_host *host = NULL;
    unsigned char *bytes = NULL;
    size_t size = 0;
    bhd_precompile_options how = BHD_PRECOMPILE_OPTIONS_INIT;
    how.with_fuel = compile->with_fuel || (target->manifest != NULL &&
                                           bhd_manifest_limits(target->manifest)->max_fuel > 0);

    cli_exit code = cli_binary_read(target->source, &compile->host, &bytes, &size, error);
    if (code == CLI_EXIT_OK)
        code = cli_host_make(&compile->host, &host, error);
    if (code == CLI_EXIT_OK) {
        how.cancellation = cli_interrupt_watch();
        bhd_status status = bhd_precompile(host, &how, bytes, size, compile->output, error);
        cli_error_name_binary(error, target->source);
        code = cli_exit_code(cli_interrupt_end_compiling(status, target->source, error));
    }
    free(bytes);
    bhd_host_free(host);
    return code;
}

int cli_compile_main(int argc, char **argv)
{
    compile_options compile = {.host = cli_host_defaults()};
    bhd_error error = BHD_ERROR_INIT;
    cli_target target = {0};
    /* What a manifest says is judged where it runs; and what is made is kept in OUT. */
    compile.host.policy.min_memory_bytes = BHD_POLICY_MIN_BYTES;
    compile.host.policy.max_memory_bytes = BHD_POLICY_MAX_BYTES;
    compile.host.cache_directory = NULL;

    if (argp_parse(&parser, argc, argv, 0, NULL, &compile) != 0)
        return CLI_EXIT_INTERNAL;
    cli_exit code = cli_target_resolve(compile.target, &compile.host.policy, true, &target, &error);
    if (code == CLI_EXIT_OK)
        code = compile_target(&compile, &target, &error);
    if (code != CLI_EXIT_OK)
        cli_complain_error(&error, target.manifest_path);
    cli_target_fini(&target);
    bhd_error_fini(&error);
    return (int)code;
}
