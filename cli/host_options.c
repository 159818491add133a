/*
 * --ceiling, --floor, --enable and the bounds of the host; see host_options.h.
 */
#include "host_options.h"

#include "cache_directory.h"
#include "shown_text.h"
#include "terminal.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

enum {
    KEY_CEILING = 0x200,
    KEY_FLOOR,
    KEY_ENABLE,
    KEY_CACHE_DIR,
    KEY_NO_CACHE,
    KEY_COMPILER,
    KEY_BOUND, /* and one more for each of `bounds` */
};

/* What bounds a component and is the host's: its field, and the option of the same name. */
static const struct bound {
    const char *field, *option;
    size_t offset, size;
    bool is_size; /* bytes, with units; otherwise a number */
} bounds[] = {
#define BOUND(field, option, is_size)                                                              \
    {                                                                                              \
#field, option, offsetof(bhd_host_options, field), sizeof(((bhd_host_options *)0)->field), \
            is_size                                                                                \
    }
    BOUND(max_component_bytes, "max-component-bytes", true),
    BOUND(max_functions, "max-functions", false),
    BOUND(max_function_bytes, "max-function-bytes", true),
    BOUND(max_memories, "max-memories", false),
    BOUND(max_tables, "max-tables", false),
    BOUND(max_instances, "max-instances", false),
    BOUND(max_stack_bytes, "max-stack-bytes", true),
    BOUND(max_instance_bytes, "max-instance-bytes", true),
    BOUND(max_compile_seconds, "max-compile-seconds", false),
    BOUND(max_compile_bytes, "max-compile-bytes", true),
    BOUND(max_artifact_bytes, "max-artifact-bytes", true),
    BOUND(max_cache_bytes, "max-cache-bytes", true),
#undef BOUND
};

enum { BOUND_COUNT = sizeof bounds / sizeof bounds[0] };

#define OPTION(name, key, argument, text)                                                          \
    {                                                                                              \
        name, key, argument, 0, text, 2                                                            \
    }

/* What bounds compiling. The numbers behind KEY_BOUND are places in `bounds`. */
#define COMPILING_OPTIONS                                                                          \
    {NULL, 0, NULL, 0, "Policy of this host:", 2},                                                 \
        OPTION("enable", KEY_ENABLE, "FEATURE",                                                    \
               "Allow what is off by default: gc (garbage-collected objects; their heap counts)"), \
        OPTION("max-component-bytes", KEY_BOUND, "SIZE", "Largest binary (default 16MiB)"),        \
        OPTION("max-functions", KEY_BOUND + 1, "N", "Most functions in a binary (default 50000)"), \
        OPTION("max-function-bytes", KEY_BOUND + 2, "SIZE",                                        \
               "Largest of its functions (default 1MiB)"),                                         \
        OPTION("max-instance-bytes", KEY_BOUND + 7, "SIZE",                                        \
               "What a sandbox may take of the host beside its memories and tables, for globals, " \
               "imports and the like (default 256KiB); `inspect` shows it"),                       \
        OPTION("max-compile-seconds", KEY_BOUND + 8, "N",                                          \
               "Longest that compiling a component may take (default 60)"),                        \
        OPTION(                                                                                    \
            "max-compile-bytes", KEY_BOUND + 9, "SIZE",                                            \
            "Most memory that compiling a component may take (default 1GiB); `inspect` shows it"), \
        OPTION("max-artifact-bytes", KEY_BOUND + 10, "SIZE",                                       \
               "Largest compiled code of a component (default 256MiB)"),                           \
        OPTION("compiler", KEY_COMPILER, "FILE",                                                   \
               "The program that compiles (default: bulkhead-compile, where it was installed)")

#define FLOOR_OPTION                                                                               \
    OPTION("floor", KEY_FLOOR, "SIZE",                                                             \
           "Smallest memory limit that a component may have (default 512KiB)")
#define STACK_OPTION                                                                               \
    OPTION("max-stack-bytes", KEY_BOUND + 6, "SIZE",                                               \
           "Stack of the guest; a deeper recursion is a trap (default 512KiB)")

/* Where compiled code is kept. */
#define CACHE_OPTIONS                                                                              \
    OPTION("max-cache-bytes", KEY_BOUND + 11, "SIZE",                                              \
           "Most that all kept compiled code may take (default 1GiB)"),                            \
        OPTION("cache-dir", KEY_CACHE_DIR, "DIR",                                                  \
               "Where compiled code is kept (default ${XDG_CACHE_HOME:-~/.cache}/bulkhead/code)"), \
        OPTION("no-cache", KEY_NO_CACHE, NULL,                                                     \
               "Keep no compiled code, and use none that was kept")

/* What a component is held against when it is loaded. */
#define LOADING_OPTIONS                                                                            \
    OPTION("ceiling", KEY_CEILING, "SIZE",                                                         \
           "Largest memory limit that a component may have (default 4MiB)"),                       \
        OPTION("max-memories", KEY_BOUND + 3, "N", "Most linear memories (default 16)"),           \
        OPTION("max-tables", KEY_BOUND + 4, "N", "Most tables (default 16)"),                      \
        OPTION("max-instances", KEY_BOUND + 5, "N",                                                \
               "Most core instances that a component is made of (default 64)")

static const struct argp_option options[] = {COMPILING_OPTIONS, FLOOR_OPTION,  STACK_OPTION,
                                             LOADING_OPTIONS,   CACHE_OPTIONS, {0}};
static const struct argp_option inspecting_options[] = {
    COMPILING_OPTIONS, FLOOR_OPTION, STACK_OPTION, CACHE_OPTIONS, {0}};
static const struct argp_option precompiling_options[] = {COMPILING_OPTIONS, STACK_OPTION, {0}};

uint64_t cli_option_size(struct argp_state *state, const char *option, const char *text)
{
    bhd_error error = BHD_ERROR_INIT;
    uint64_t bytes = 0;
    if (bhd_size_parse(text, strlen(text), &bytes, &error) != BHD_OK)
        argp_error(state, "--%s: %s", option, error.message);
    bhd_error_fini(&error);
    return bytes;
}

bool cli_count_parse(const char *text, uint64_t *count)
{
    uint64_t number = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '_' && at > text && at[-1] != '_' && at[1] != '\0')
            continue;
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(number, UINT64_C(10), &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
            return false;
    }
    *count = number;
    return text[0] != '\0';
}

static void set_bound(bhd_host_options *host, const struct bound *bound, const char *text,
                      struct argp_state *state)
{
    uint64_t number = 0;
    char *field = (char *)host + bound->offset;
    if (bound->is_size)
        number = cli_option_size(state, bound->option, text);
    else if (!cli_count_parse(text, &number))
        argp_error(state, "--%s: %s is not a number: write 20000 or 20_000", bound->option,
                   cli_show(text).text);
    if (bound->size == sizeof(uint64_t)) {
        memcpy(field, &number, sizeof number);
    } else {
        uint32_t small = (uint32_t)number;
        if (number > UINT32_MAX)
            argp_error(state, "--%s: %s is too large", bound->option, cli_show(text).text);
        memcpy(field, &small, sizeof small);
    }
}

/* The library speaks of fields; whoever typed an option is told about the option. */
static void check_all(const bhd_host_options *host, struct argp_state *state)
{
    static const char prefix[] = "host option ";
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status = bhd_host_options_check(host, &error);
    if (status == BHD_OK)
        return;
    if (status == BHD_POLICY_INVALID)
        argp_error(state, "--floor and --ceiling: %s", error.message);
    for (size_t i = 0; i < BOUND_COUNT; i++) {
        const char *at = error.message + strlen(prefix);
        size_t length = strlen(bounds[i].field);
        if (strncmp(error.message, prefix, strlen(prefix)) == 0 &&
            strncmp(at, bounds[i].field, length) == 0 && at[length] == ':')
            argp_error(state, "--%s%s", bounds[i].option, at + length);
    }
    argp_error(state, "%s", error.message);
    bhd_error_fini(&error);
}

static const char *path_of(struct argp_state *state, const char *option, const char *text)
{
    if (text[0] == '\0')
        argp_error(state, "--%s: the path is empty", option);
    return text;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    bhd_host_options *host = state->input;

    if (key >= KEY_BOUND && key < KEY_BOUND + BOUND_COUNT) {
        set_bound(host, &bounds[key - KEY_BOUND], argument, state);
        return 0;
    }
    switch (key) {
    case KEY_CEILING:
        host->policy.max_memory_bytes = cli_option_size(state, "ceiling", argument);
        return 0;
    case KEY_FLOOR:
        host->policy.min_memory_bytes = cli_option_size(state, "floor", argument);
        return 0;
    case KEY_ENABLE:
        if (strcmp(argument, "gc") != 0)
            argp_error(state, "--enable: no feature is called %s; there is: gc",
                       cli_show(argument).text);
        host->features |= (uint32_t)BHD_FEATURE_GC;
        return 0;
    case KEY_CACHE_DIR:
        host->cache_directory = path_of(state, "cache-dir", argument);
        return 0;
    case KEY_NO_CACHE:
        host->cache_directory = NULL;
        return 0;
    case KEY_COMPILER:
        host->compiler_path = path_of(state, "compiler", argument);
        return 0;
    case ARGP_KEY_SUCCESS:
        check_all(host, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp cli_host_argp = {options, parse_option, NULL, NULL, NULL, NULL, NULL};
const struct argp cli_inspecting_argp = {
    inspecting_options, parse_option, NULL, NULL, NULL, NULL, NULL,
};
const struct argp cli_precompiling_argp = {
    precompiling_options, parse_option, NULL, NULL, NULL, NULL, NULL,
};

/* The usual place. */
static char cache_directory[PATH_MAX];

bhd_host_options cli_host_defaults(void)
{
    bhd_host_options host = BHD_HOST_OPTIONS_INIT;
    host.max_sandboxes = 1;
    if (cli_cache_directory(cache_directory, sizeof cache_directory))
        host.cache_directory = cache_directory;
    return host;
}

cli_exit cli_host_make(const bhd_host_options *host_options, bhd_host **host, bhd_error *error)
{
    bhd_status status = bhd_host_new(host_options, host, error);
    /* Nobody asked for the usual place: without it everything works, and takes longer. */
    if (status == BHD_FILE_UNREADABLE && host_options->cache_directory == cache_directory) {
        bhd_host_options without = *host_options;
        without.cache_directory = NULL;
        status = bhd_host_new(&without, host, error);
    }
    /* What was typed has been checked: when a number cannot be, the process has too little room. */
    if (status == BHD_INVALID_ARGUMENT)
        return CLI_EXIT_CAPACITY;
    return cli_exit_code(status);
}
