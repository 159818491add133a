/*
 * `bulkhead run`: one guest, from TARGET to its exit code.
 *
 * Standard output is the guest's; everything that the command says goes to standard error, except
 * the results of --invoke. One thread; the library's clock ends the guest at its deadline.
 */
#include "binary_file.h"
#include "commands.h"
#include "exit_codes.h"
#include "grants.h"
#include "host_options.h"
#include "interrupt.h"
#include "invoke.h"
#include "late_options.h"
#include "limit_options.h"
#include "lockdown.h"
#include "precompiled_option.h"
#include "report.h"
#include "shown_text.h"
#include "stuck_terminal.h"
#include "target.h"
#include "terminal.h"

#include "bulkhead/sandbox.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct run_options {
    bhd_host_options host;
    cli_stated_limits limits;
    cli_grants grants;
    cli_invocation invocation;
    bool json; /* results of --invoke */
    cli_report_format report;
    bool no_lockdown;
    bool require_lockdown;
    const char *target;
    /* Everything after TARGET. */
    char **arguments;
    size_t argument_count;
} run_options;

enum {
    KEY_INVOKE = 0x400,
    KEY_REPORT,
    KEY_NO_LOCKDOWN,
    KEY_REQUIRE_LOCKDOWN,
    KEY_NO_DEBUG_INFO,
    KEY_JSON,
};

static const struct argp_option options[] = {
    {"invoke", KEY_INVOKE, "'NAME(1, 2)'", 0,
     "Call this export instead of running the target as a command; its results are printed one a "
     "line. The arguments of a component's function are written in WAVE: 'resize({width: 3, "
     "height: 4}, \"photo\")'",
     3},
    {"json", KEY_JSON, NULL, 0, "Print the results of --invoke as JSON", 3},
    {"report", KEY_REPORT, "FORMAT", OPTION_ARG_OPTIONAL,
     "Print the memory report to standard error at the end: text (default) or json, one object on "
     "the last line",
     3},
    {"no-lockdown", KEY_NO_LOCKDOWN, NULL, 0,
     "Leave out the second line of defence: run the guest in a process that may open files and "
     "make any system call",
     3},
    {"require-lockdown", KEY_REQUIRE_LOCKDOWN, NULL, 0,
     "Do not run the guest unless the second line of defence is complete", 3},
    {"no-debug-info", KEY_NO_DEBUG_INFO, NULL, 0,
     "Leave out the file and the line of each function on the stack of a guest that ends", 3},
    {0},
};

static const struct argp_child children[] = {
    {&cli_limits_argp, 0, NULL, 0},      {&cli_host_argp, 0, NULL, 0},
    {&cli_precompiled_argp, 0, NULL, 0}, {&cli_grants_argp, 0, NULL, 0},
    {&cli_short_help_argp, 0, NULL, 0},  {NULL, 0, NULL, 0},
};

static const char documentation[] =
    "Runs a component inside its limits.\v"
    "TARGET is a directory with a Component.toml, such a file, or a .wasm or .wat with a "
    "Component.toml beside it that names it as its source. Without a manifest the memory limit has "
    "to be stated with --max-bytes.\n\n"
    "Options end at TARGET: everything after it is handed to the guest as it is.\n\n"
    "The exit code is the guest's own. Otherwise it is 137 out of memory, 124 out of time or fuel, "
    "130 ended by Ctrl-C or SIGTERM, 134 trap, 78 manifest, 66 file not found, 65 not a valid "
    "component, 77 denied capability, "
    "75 no capacity, 70 internal, and 2 for wrong usage, to which belongs an option that would "
    "loosen the manifest or that lies outside the policy. See `bulkhead help exit-codes'.";

static cli_report_format parse_report_format(const char *text, struct argp_state *state)
{
    if (text == NULL || strcmp(text, "text") == 0)
        return CLI_REPORT_TEXT;
    if (strcmp(text, "json") != 0)
        argp_error(state, "--report: there is no format %s; write --report=text or --report=json",
                   cli_show(text).text);
    return CLI_REPORT_JSON;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    run_options *run = state->input;
    const char *problem;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &run->limits;
        state->child_inputs[1] = &run->host;
        state->child_inputs[2] = &run->host;
        state->child_inputs[3] = &run->grants;
        return 0;
    case KEY_INVOKE:
        cli_invocation_fini(&run->invocation);
        problem = cli_invocation_parse(argument, &run->invocation);
        if (problem != NULL)
            argp_error(state, "--invoke: %s: %s", cli_show(argument).text, problem);
        return 0;
    case KEY_REPORT:
        run->report = parse_report_format(argument, state);
        return 0;
    case KEY_JSON:
        run->json = true;
        return 0;
    case KEY_NO_LOCKDOWN:
        run->no_lockdown = true;
        return 0;
    case KEY_REQUIRE_LOCKDOWN:
        run->require_lockdown = true;
        return 0;
    case KEY_NO_DEBUG_INFO:
        run->host.debug_info = false;
        return 0;
    case ARGP_KEY_ARG:
        run->target = argument;
        run->arguments = state->argv + state->next;
        run->argument_count = (size_t)(state->argc - state->next);
        state->next = state->argc;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "TARGET is missing: name a directory with a Component.toml, or a .wasm");
        return 0;
    case ARGP_KEY_END:
        if (run->no_lockdown && run->require_lockdown)
            argp_error(state, "--require-lockdown and --no-lockdown: one says that the guest must "
                              "not run without what the other leaves out");
        if (run->json && run->invocation.name == NULL)
            argp_error(state, "--json is how the results of --invoke are printed, and there is no "
                              "--invoke; --report=json says how the guest ended");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options, parse_option, "TARGET [ARGS...]", documentation, children, NULL, NULL,
};

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void complete_report(cli_report *report, const bhd_sandbox *sandbox,
                            const bhd_start_account *account, const bhd_limits *limits)
{
    report->has_fuel = limits->max_fuel != 0;
    if (sandbox != NULL) {
        bhd_sandbox_metrics(sandbox, &report->metrics);
        report->fuel_consumed = bhd_sandbox_fuel_consumed(sandbox);
    } else {
        report->metrics = account->metrics;
        report->fuel_consumed = account->fuel_consumed;
    }
}

/* What the failure of a guest, or of the attempt to run it, means for the process. */
static int exit_code_of(const run_options *run, const bhd_error *error)
{
    /* What is asked of an export is asked by --invoke, or else by what a command is. */
    if (error->code == BHD_EXPORT_NOT_FOUND || error->code == BHD_SIGNATURE_MISMATCH)
        return run->invocation.name != NULL ? CLI_EXIT_USAGE : CLI_EXIT_COMPONENT;
    return (int)cli_exit_code(error->code);
}

/* NULL without memory; the strings are not copied. */
static const char **guest_arguments(const run_options *run, const char *name)
{
    const char **argv = calloc(run->argument_count + 1, sizeof *argv);
    if (argv == NULL)
        return NULL;
    argv[0] = name;
    for (size_t i = 0; i < run->argument_count; i++)
        argv[i + 1] = run->arguments[i];
    return argv;
}

static bhd_status run_guest(const run_options *run, bhd_component *component, bhd_sandbox **sandbox,
                            bhd_start_account *account, int *exit_code, bhd_error *error)
{
    bhd_sandbox_options sandbox_options = BHD_SANDBOX_OPTIONS_INIT;
    const char **argv = guest_arguments(run, bhd_component_name(component));
    if (argv == NULL)
        return cli_fail(error, BHD_HOST_OUT_OF_MEMORY, "not enough memory");
    sandbox_options.argv = argv;
    sandbox_options.argc = run->argument_count + 1;
    sandbox_options.standard_output.output = BHD_OUTPUT_INHERIT;
    sandbox_options.standard_error.output = BHD_OUTPUT_INHERIT;
    sandbox_options.standard_input.source = BHD_INPUT_INHERIT;
    sandbox_options.account = account;

    sandbox_options.cancellation = cli_interrupt_watch();

    bhd_status status = bhd_sandbox_new(component, &sandbox_options, sandbox, error);
    if (status == BHD_OK)
        cli_interrupt_watch_calls(*sandbox);
    if (status == BHD_OK && run->invocation.name != NULL)
        status = cli_invocation_call(&run->invocation, bhd_component_get_kind(component), run->json,
                                     *sandbox, error);
    else if (status == BHD_OK)
        status = bhd_sandbox_run(*sandbox, exit_code, error);
    cli_interrupt_unwatch();
    free(argv);
    return status;
}

/* What is not a command may still have functions to call. */
static void explain_no_command(const run_options *run, const char *source, bhd_error *error)
{
    char message[BHD_MESSAGE_SIZE];
    if (run->invocation.name != NULL ||
        (error->code != BHD_EXPORT_NOT_FOUND && error->code != BHD_SIGNATURE_MISMATCH))
        return;
    (void)snprintf(message, sizeof message, "%s", error->message);
    (void)cli_fail(error, error->code, "%.200s: %.740s%s", cli_show(source).text, message,
                   strstr(message, "the functions that it exports: ") != NULL
                       ? "; --invoke='NAME(1, 2)' calls a function of that name"
                       : "");
}

/* What was refused to a guest is known to nobody if it only says that it failed. */
static void explain_refusals(const cli_report *report, const bhd_sandbox *sandbox,
                             const bhd_limits *limits)
{
    uint64_t refused = report->metrics.denied_count;
    const char *denied = sandbox != NULL ? bhd_sandbox_denied(sandbox) : NULL;
    if (!report->ended_itself || report->guest_exit_code == 0)
        return;
    if (denied != NULL)
        cli_note("note: before the guest ended itself with exit code %d, it asked %s",
                 report->guest_exit_code, denied);
    if (refused == 0)
        return;
    cli_note("note: before the guest ended itself with exit code %d, %" PRIu64
             " growth%s of its memory or tables %s refused; its limits are %" PRIu64
             " bytes (max_bytes) and %" PRIu64 " table elements (max_table_elements)",
             report->guest_exit_code, refused, refused == 1 ? "" : "s",
             refused == 1 ? "was" : "were", limits->max_memory_bytes, limits->max_table_elements);
}

/* A limit or a grant that went to the guest may be why it failed; what the guest did by itself is
 * its own affair. */
static void explain_order(const run_options *run, bool ran)
{
    if (!ran)
        cli_late_options_note(&parser, run->arguments, run->argument_count, run->target);
}

/* What the component asked to be kept is shown when it has ended. */
static void print_captured(const bhd_sandbox *sandbox)
{
    for (int stream = 1; sandbox != NULL && stream <= 2; stream++) {
        size_t size;
        uint64_t dropped;
        const void *bytes = bhd_sandbox_output(sandbox, stream, &size, &dropped);
        if (bytes != NULL)
            (void)fwrite(bytes, 1, size, stream == 1 ? stdout : stderr);
        if (dropped > 0)
            cli_note("note: %llu more bytes of standard %s were dropped, because it is captured",
                     (unsigned long long)dropped, stream == 1 ? "output" : "error");
    }
}

static int run_component(const run_options *run, const char *source, bhd_component *component,
                         const cli_lockdown *lockdown)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    bhd_start_account account = {.is_known = false};
    cli_report report = {.component = bhd_component_name(component),
                         .version = bhd_component_version(component),
                         .lockdown = *lockdown,
                         .error = &error};

    double begin = seconds_now();
    int said = 0;
    report.status = run_guest(run, component, &sandbox, &account, &said, &error);
    report.wall_seconds = seconds_now() - begin;
    print_captured(sandbox);
    report.ended_itself = report.status == BHD_OK || report.status == BHD_EXIT;
    report.guest_exit_code = report.status == BHD_EXIT ? (int)(uint32_t)error.value : said;
    report.exit_code =
        report.ended_itself ? cli_exit_of_guest(report.guest_exit_code) : exit_code_of(run, &error);
    explain_no_command(run, source, &error);
    if (report.status == BHD_TIMEOUT && isatty(STDERR_FILENO))
        cli_stuck_terminal_watch(report.exit_code);
    if (report.status != BHD_OK && report.status != BHD_EXIT)
        cli_complain_error(&error, NULL);
    explain_order(run, report.ended_itself || report.status == BHD_TRAP);
    cli_stuck_terminal_unwatch();
    if (!cli_flush_output() && report.exit_code == CLI_EXIT_OK)
        report.exit_code = CLI_EXIT_INTERNAL;

    complete_report(&report, sandbox, &account, bhd_component_limits(component));
    explain_refusals(&report, sandbox, bhd_component_limits(component));
    /* Without a sandbox and without an account nothing ran. */
    bool is_known = sandbox != NULL || account.is_known;
    if (!cli_report_print(&report, is_known ? run->report : CLI_REPORT_NONE))
        cli_complain("the report could not be made: not enough memory");
    bhd_sandbox_free(sandbox);
    bhd_error_fini(&error);
    return report.exit_code;
}

/* What this system lacks of the second line of defence is said, or is a reason not to run. */
static cli_exit check_lockdown(const run_options *run, const cli_lockdown *lockdown,
                               const bhd_capabilities *given, bhd_error *error)
{
    char missing[512];
    if (run->no_lockdown || !cli_lockdown_missing(lockdown, given, missing, sizeof missing))
        return CLI_EXIT_OK;
    if (run->require_lockdown)
        return cli_exit_code(cli_fail(error, BHD_NOT_SUPPORTED,
                                      "--require-lockdown: the second line of defence lacks: %s; "
                                      "nothing was run",
                                      missing));
    if (cli_lockdown_is_whole_here())
        cli_note("note: the second line of defence lacks: %s; --require-lockdown does not run a "
                 "guest like this, --no-lockdown says that it is all right",
                 missing);
    return CLI_EXIT_OK;
}

/* Everything that comes before the guest: limits, host, compiled code, and last the lockdown, after
 * which no file can be opened and no compiler started. This is the only thread then, and Landlock
 * binds those that it starts. */
static cli_exit prepare(const run_options *run, const cli_target *target, cli_lockdown *lockdown,
                        bhd_host **host, bhd_component **component, bhd_limits *limits,
                        bhd_error *error)
{
    unsigned char *binary = NULL;
    size_t size = 0;
    bhd_component_options component_options = {.size = sizeof component_options,
                                               .name = target->name};
    bhd_variable env[CLI_GRANTS_MAX];
    bhd_capabilities asked;
    cli_exit code = cli_stated_limits_apply(&run->limits, target->manifest, &run->host.policy,
                                            &component_options.limits, error);
    if (code != CLI_EXIT_OK)
        return code;
    *limits = component_options.limits;
    if (target->manifest != NULL) {
        component_options.version = bhd_manifest_version(target->manifest);
        component_options.capabilities = bhd_manifest_capabilities(target->manifest);
    } else {
        code = cli_exit_code(cli_grants_as_request(&run->grants, env, &asked, error));
        component_options.capabilities = &asked;
    }
    if (code != CLI_EXIT_OK)
        return code;
    code = cli_binary_read(target->source, &run->host, &binary, &size, error);
    if (code != CLI_EXIT_OK)
        return code;
    if (!run->no_lockdown)
        cli_lockdown_close_inherited();
    code = cli_host_make(&run->host, host, error);
    if (code == CLI_EXIT_OK) {
        component_options.cancellation = cli_interrupt_watch();
        bhd_status status =
            bhd_component_new(*host, &component_options, binary, size, component, error);
        cli_error_name_binary(error, target->source);
        code = cli_exit_code(cli_interrupt_end_compiling(status, target->source, error));
    }
    free(binary);
    if (code == CLI_EXIT_OK && !run->no_lockdown) {
        cli_lockdown_restrict_files(lockdown, component_options.capabilities);
        cli_lockdown_restrict_calls(lockdown, bhd_component_capabilities(*component));
    }
    if (code == CLI_EXIT_OK)
        code = check_lockdown(run, lockdown, bhd_component_capabilities(*component), error);
    return code;
}

/* A component without a limit is refused; says what to do. */
static void explain_missing_limit(bhd_error *error)
{
    char message[BHD_MESSAGE_SIZE];
    (void)snprintf(message, sizeof message, "%s", error->message);
    (void)cli_fail(error, error->code,
                   "%.800s. A component has to state its memory limit: write a " BHD_MANIFEST_FILE
                   ", or state --max-bytes=2MiB with the .wasm file",
                   message);
}

/* The guest was being compiled: how it ended is known, and that it used nothing. */
static void report_interruption(const run_options *run, const cli_target *target,
                                const bhd_limits *limits, const bhd_error *error)
{
    bhd_limiter *unused = NULL;
    cli_report report = {
        .component = target->name,
        .version = target->manifest != NULL ? bhd_manifest_version(target->manifest) : "0.0.0",
        .status = BHD_CANCELLED,
        .exit_code = CLI_EXIT_CANCELLED,
        .has_fuel = limits->max_fuel != 0,
        .error = error,
    };
    bool is_printed = bhd_limiter_new(limits, NULL, &unused, NULL) == BHD_OK;
    if (is_printed) {
        bhd_limiter_metrics(unused, &report.metrics);
        is_printed = cli_report_print(&report, run->report);
    }
    if (!is_printed)
        cli_complain("the report could not be made: not enough memory");
    bhd_limiter_free(unused);
}

static int run_target(const run_options *run)
{
    bhd_error error = BHD_ERROR_INIT;
    cli_target target = {0};
    bhd_host *host = NULL;
    bhd_component *component = NULL;
    cli_lockdown lockdown = {0};
    bhd_limits limits;

    int code = (int)cli_target_resolve(run->target, &run->host.policy, run->limits.has_max_bytes,
                                       &target, &error);
    if (error.code == BHD_LIMIT_MISSING)
        explain_missing_limit(&error);
    if (target.note != NULL)
        cli_note("note: %s", target.note);
    if (code == CLI_EXIT_OK)
        code = (int)prepare(run, &target, &lockdown, &host, &component, &limits, &error);
    if (code == CLI_EXIT_OK) {
        code = run_component(run, target.source, component, &lockdown);
    } else {
        cli_complain_error(&error, target.manifest_path);
        explain_order(run, code == CLI_EXIT_CANCELLED);
    }
    if (code == CLI_EXIT_CANCELLED && error.code == BHD_CANCELLED)
        report_interruption(run, &target, &limits, &error);

    bhd_component_free(component);
    bhd_host_free(host);
    cli_target_fini(&target);
    bhd_error_fini(&error);
    return code;
}

int cli_run_main(int argc, char **argv)
{
    run_options run = {.host = cli_host_defaults()};
    cli_grants_init(&run.grants);
    run.host.grants = &run.grants.grants;
    int code = CLI_EXIT_INTERNAL;
    if (argp_parse(&parser, argc, argv, ARGP_IN_ORDER, NULL, &run) == 0) {
        /* A guest that writes into a closed pipe gets an error; it must not take the report with
         * it. */
        (void)signal(SIGPIPE, SIG_IGN);
        code = run_target(&run);
    }
    cli_invocation_fini(&run.invocation);
    cli_grants_fini(&run.grants);
    return code;
}
