/*
 * `bulkhead check`: manifests, and the fit of the components that are there. Runs nothing.
 *
 * The verdicts, good and bad, are the output of this command and go to standard output; every path
 * is judged, whatever became of the ones before it.
 */
#include "capabilities_output.h"
#include "commands.h"
#include "exit_codes.h"
#include "host_options.h"
#include "interrupt.h"
#include "json_output.h"
#include "precompiled_option.h"
#include "shown_text.h"
#include "target.h"
#include "terminal.h"

#include "bulkhead/inspection.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct check_options {
    bhd_host_options host;
    bool json;
    char **paths;
    size_t path_count;
} check_options;

/* What was found out about one path. */
typedef struct path_verdict {
    const char *path;
    cli_exit code;
    bhd_error error;
    cli_target target;
    /* The binary is there and was compiled. */
    bool fits;
    bhd_inspection inspection;
} path_verdict;

enum { KEY_JSON = 0x500 };

static const struct argp_option options[] = {
    {"json", KEY_JSON, NULL, 0, "Print one JSON array with an object for each path", 1},
    {0},
};

static const struct argp_child children[] = {
    {&cli_host_argp, 0, NULL, 0},
    {&cli_precompiled_argp, 0, NULL, 0},
    {&cli_short_help_argp, 0, NULL, 0},
    {NULL, 0, NULL, 0},
};

static const char documentation[] =
    "Checks manifests, and whether their components fit. Nothing runs.\v"
    "PATH is a directory with a Component.toml, such a file, or a .wasm or .wat with a "
    "Component.toml beside it. Where the component is there, it is compiled and its initial memory "
    "and tables are compared with its limits; where it is not, the manifest alone is checked.\n\n"
    "The exit code is 0 when everything is good, 78 for an invalid manifest, 65 for a component "
    "that is not valid or does not fit, 66 for a missing file; with several paths, that of the "
    "first one that failed.";

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    check_options *check = state->input;
    (void)argument;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &check->host;
        return 0;
    case KEY_JSON:
        check->json = true;
        return 0;
    case ARGP_KEY_ARGS:
        check->paths = state->argv + state->next;
        check->path_count = (size_t)(state->argc - state->next);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state,
                   "PATH is missing: name a directory with a Component.toml, or such a file");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options, parse_option, "PATH...", documentation, children, NULL, NULL,
};

/* Compiles the binary that the manifest names, and finds out what it begins with. */
static cli_exit judge_fit(bhd_host *host, path_verdict *verdict)
{
    const bhd_manifest *manifest = verdict->target.manifest;
    bhd_component *component = NULL;
    const bhd_component_options how = {
        .size = sizeof how,
        .name = bhd_manifest_name(manifest),
        .version = bhd_manifest_version(manifest),
        .limits = *bhd_manifest_limits(manifest),
        .capabilities = bhd_manifest_capabilities(manifest),
        .cancellation = cli_interrupt_watch(),
        .inspection = &verdict->inspection,
    };
    const char *source = verdict->target.source;
    bhd_status status = bhd_component_load_file(host, source, &how, &component, &verdict->error);
    bhd_component_free(component);
    cli_error_name_binary(&verdict->error, source);
    status = cli_interrupt_end_compiling(status, source, &verdict->error);
    verdict->fits = status == BHD_OK;
    return cli_exit_code(status);
}

static void judge(bhd_host *host, const check_options *check, const char *path,
                  path_verdict *verdict)
{
    verdict->path = path;
    verdict->code =
        cli_target_resolve(path, &check->host.policy, false, &verdict->target, &verdict->error);
    if (verdict->error.code == BHD_LIMIT_MISSING) {
        /* The file that was to be checked is what is missing. */
        verdict->error.code = BHD_FILE_NOT_FOUND;
        verdict->code = CLI_EXIT_NO_FILE;
    }
    if (verdict->code != CLI_EXIT_OK)
        return;
    if (access(verdict->target.source, F_OK) != 0 && errno == ENOENT)
        return;
    verdict->code = judge_fit(host, verdict);
}

static void verdict_fini(path_verdict *verdict)
{
    cli_target_fini(&verdict->target);
    bhd_inspection_fini(&verdict->inspection);
    bhd_error_fini(&verdict->error);
}

static void print_good(const check_options *check, const path_verdict *verdict)
{
    const bhd_manifest *manifest = verdict->target.manifest;
    const bhd_limits *limits = bhd_manifest_limits(manifest);
    char limit[64], initial[64];

    (void)bhd_size_to_text(limits->max_memory_bytes, limit, sizeof limit);
    printf("%s: %sok%s: %s %s, ", cli_show(verdict->path).text, cli_style_on(stdout, CLI_GOOD),
           cli_style_on(stdout, CLI_PLAIN), bhd_manifest_name(manifest),
           bhd_manifest_version(manifest));
    if (!verdict->fits) {
        printf("limit %s; %s is not there, so the manifest alone was checked\n", limit,
               cli_show(verdict->target.source).text);
        cli_capabilities_print(stdout, bhd_manifest_capabilities(manifest));
        return;
    }
    const bhd_inspection *inspection = &verdict->inspection;
    /* It fits, so the sum is below the limit. */
    (void)bhd_size_to_text(inspection->initial_memory_bytes + inspection->initial_heap_bytes,
                           initial, sizeof initial);
    printf("starts with %s%s of %s and %" PRIu64 " of %" PRIu64 " table elements, takes %" PRIu64
           " of %" PRIu64 " bytes of the host",
           inspection->is_exact ? "" : "at least ", initial, limit,
           inspection->initial_table_elements, limits->max_table_elements,
           inspection->instance_bytes, check->host.max_instance_bytes);
    if (inspection->compile_ns > 0)
        printf(", took %.3f of %" PRIu64 " seconds to compile",
               (double)inspection->compile_ns / 1e9, check->host.max_compile_seconds);
    putchar('\n');
    cli_capabilities_print(stdout, bhd_manifest_capabilities(manifest));
}

static void print_bad(const path_verdict *verdict)
{
    char *text = cli_error_text(&verdict->error, verdict->target.manifest_path);
    const char *what = text != NULL ? text : verdict->error.message;
    cli_shown path = cli_show(verdict->path);
    size_t length = strlen(path.text);
    if (strncmp(what, path.text, length) == 0 && strncmp(what + length, ": ", 2) == 0)
        what += length + 2;
    printf("%s: %sfailed%s: %s\n", path.text, cli_style_on(stdout, CLI_BAD),
           cli_style_on(stdout, CLI_PLAIN), what);
    free(text);
}

static json_t *limits_json(const bhd_limits *limits)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "max_bytes", cli_json_number(limits->max_memory_bytes));
    (void)json_object_set_new(object, "on_exceed",
                              cli_json_text(bhd_on_exceed_text(limits->on_exceed)));
    (void)json_object_set_new(object, "max_table_elements",
                              cli_json_number(limits->max_table_elements));
    (void)json_object_set_new(object, "timeout_seconds",
                              cli_json_rounded(limits->timeout_seconds, 6));
    (void)json_object_set_new(object, "max_fuel",
                              limits->max_fuel != 0 ? cli_json_number(limits->max_fuel)
                                                    : json_null());
    return object;
}

static json_t *problems_json(const bhd_error *error)
{
    json_t *problems = json_array();
    for (size_t i = 0; i < error->diagnostic_count; i++) {
        const bhd_diagnostic *diagnostic = &error->diagnostics[i];
        json_t *problem = json_object();
        (void)json_object_set_new(problem, "line", json_integer(diagnostic->line));
        (void)json_object_set_new(problem, "column", json_integer(diagnostic->column));
        (void)json_object_set_new(problem, "key", cli_json_text(diagnostic->key));
        (void)json_object_set_new(problem, "message", cli_json_text(diagnostic->message));
        (void)json_array_append_new(problems, problem);
    }
    return problems;
}

static json_t *verdict_json(const path_verdict *verdict)
{
    const bhd_manifest *manifest = verdict->target.manifest;
    bool good = verdict->code == CLI_EXIT_OK;
    json_t *object = json_object();

    (void)json_object_set_new(object, "path", cli_json_text(verdict->path));
    (void)json_object_set_new(object, "ok", json_boolean(good));
    (void)json_object_set_new(object, "exit_code", json_integer((json_int_t)verdict->code));
    (void)json_object_set_new(object, "manifest", cli_json_text(verdict->target.manifest_path));
    if (manifest != NULL) {
        (void)json_object_set_new(object, "component", cli_json_text(bhd_manifest_name(manifest)));
        (void)json_object_set_new(object, "version", cli_json_text(bhd_manifest_version(manifest)));
        (void)json_object_set_new(object, "source", cli_json_text(verdict->target.source));
        (void)json_object_set_new(object, "limits", limits_json(bhd_manifest_limits(manifest)));
        (void)json_object_set_new(object, "capabilities",
                                  cli_capabilities_json(bhd_manifest_capabilities(manifest)));
    }
    if (good)
        (void)json_object_set_new(object, "component_checked", json_boolean(verdict->fits));
    if (verdict->fits) {
        const bhd_inspection *inspection = &verdict->inspection;
        (void)json_object_set_new(object, "initial_memory_bytes",
                                  cli_json_number(inspection->initial_memory_bytes));
        (void)json_object_set_new(object, "initial_heap_bytes",
                                  cli_json_number(inspection->initial_heap_bytes));
        (void)json_object_set_new(object, "initial_table_elements",
                                  cli_json_number(inspection->initial_table_elements));
        (void)json_object_set_new(object, "exact", json_boolean(inspection->is_exact));
        (void)json_object_set_new(object, "instance_bytes",
                                  cli_json_number(inspection->instance_bytes));
        (void)json_object_set_new(object, "compile_ns", cli_json_number(inspection->compile_ns));
        (void)json_object_set_new(object, "compile_bytes",
                                  cli_json_number(inspection->compile_bytes));
    }
    if (!good) {
        (void)json_object_set_new(object, "error",
                                  cli_json_text(bhd_status_name(verdict->error.code)));
        (void)json_object_set_new(object, "message", cli_json_text(verdict->error.message));
        (void)json_object_set_new(object, "problems", problems_json(&verdict->error));
    }
    return object;
}

/* Judges every path, or those before an interruption; returns the code of that, or else of the
 * first that failed. */
static cli_exit check_all(bhd_host *host, const check_options *check, json_t *array)
{
    cli_exit first = CLI_EXIT_OK, last = CLI_EXIT_OK;
    size_t checked = 0, failed = 0;

    while (checked < check->path_count && last != CLI_EXIT_CANCELLED) {
        path_verdict verdict = {.error = BHD_ERROR_INIT, .inspection = BHD_INSPECTION_INIT};
        judge(host, check, check->paths[checked++], &verdict);
        if (check->json)
            (void)json_array_append_new(array, verdict_json(&verdict));
        else if (verdict.code == CLI_EXIT_OK)
            print_good(check, &verdict);
        else
            print_bad(&verdict);
        last = verdict.code;
        failed += last != CLI_EXIT_OK;
        if (first == CLI_EXIT_OK || last == CLI_EXIT_CANCELLED)
            first = last;
        verdict_fini(&verdict);
    }
    if (!check->json && check->path_count > 1) {
        printf("%zu checked, %zu failed", checked, failed);
        if (checked < check->path_count)
            printf(", %zu not checked", check->path_count - checked);
        putchar('\n');
    }
    return first;
}

int cli_check_main(int argc, char **argv)
{
    check_options check = {.host = cli_host_defaults()};
    /* What a component asks for is shown; nothing runs that could use it. */
    const bhd_grants everything = {.size = sizeof everything, .everything = true};
    check.host.grants = &everything;
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;

    if (argp_parse(&parser, argc, argv, 0, NULL, &check) != 0)
        return CLI_EXIT_INTERNAL;
    cli_exit code = cli_host_make(&check.host, &host, &error);
    if (code != CLI_EXIT_OK) {
        cli_complain_error(&error, NULL);
        bhd_error_fini(&error);
        return (int)code;
    }
    json_t *array = json_array();
    code = check_all(host, &check, array);
    if (!check.json) {
        json_decref(array);
    } else if (!cli_json_print(stdout, array, true)) {
        cli_complain("not enough memory for the output");
        code = CLI_EXIT_CAPACITY;
    }
    bhd_host_free(host);
    return (int)code;
}
