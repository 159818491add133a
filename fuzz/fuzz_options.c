/*
 * Property: whatever the arguments of the command are, it ends with one of its exit codes, and no
 * guest gets limits that it may not have: what reaches the library is exactly what the options and
 * the manifest say, never looser than the manifest of that binary and never outside the policy.
 *
 * The whole command runs in this process. The linker puts the functions below between the command
 * and the library, between it and argp, which would exit, and between it and the lock-down of the
 * process. Its targets are the files of fuzz/fixtures, whose binaries say which they are.
 */
#include "fuzz_input.h"

#include "exit_codes.h"
#include "lockdown.h"
#include "options_model.h"

#include "bulkhead/inspection.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

int cli_main(int argc, char **argv);
#define main cli_main
#include "../cli/main.c"
#undef main

#define MOST_ARGUMENTS 16
#define MOST_COMMANDS 100

/* What the command did, of the run that is under way. */
static struct {
    bool
        usage_error; /* argp would have ended the process: wrong usage, or a text that was wanted */
    bool has_host, has_component;
    bhd_host_options host;
    bhd_limits limits;
    char binary[16];
    bhd_status answer; /* what the library says to a component */
} seen;

/* -- between the command and argp ---------------------------------------------------------- */

error_t __real_argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags, int *end,
                          void *input);
error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags, int *end,
                          void *input);

error_t __wrap_argp_parse(const struct argp *argp, int argc, char **argv, unsigned flags, int *end,
                          void *input)
{
    error_t result =
        __real_argp_parse(argp, argc, argv, flags | ARGP_NO_EXIT | ARGP_NO_HELP, end, input);
    if (result != 0)
        seen.usage_error = true;
    return seen.usage_error ? EINVAL : 0;
}

/* These two take the place of the C library's for the command; they end the process there. */
void argp_error(const struct argp_state *state, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    (void)state;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    seen.usage_error = true;
}

void argp_state_help(const struct argp_state *state, FILE *stream, unsigned flags)
{
    (void)state;
    (void)stream;
    (void)flags;
    seen.usage_error = true;
}

/* -- between the command and the process, and the library ------------------------------------ */

void __wrap_cli_terminal_init(void);
void __wrap_cli_engine_abort_init(void);
void __wrap_cli_lockdown_close_inherited(void);
void __wrap_cli_lockdown_restrict_files(cli_lockdown *state);
void __wrap_cli_lockdown_restrict_calls(cli_lockdown *state);
bhd_status __wrap_bhd_host_new(const bhd_host_options *options, bhd_host **host, bhd_error *error);
void __wrap_bhd_host_free(bhd_host *host);
bhd_status __wrap_bhd_component_new(bhd_host *host, const bhd_component_options *options,
                                    const void *binary, size_t size, bhd_component **component,
                                    bhd_error *error);
bhd_status __wrap_bhd_component_load_file(bhd_host *host, const char *path,
                                          const bhd_component_options *wanted,
                                          bhd_component **component, bhd_error *error);
void __wrap_bhd_component_free(bhd_component *component);
bhd_status __wrap_bhd_inspect(bhd_host *host, const void *binary, size_t size,
                              bhd_inspection *inspection, bhd_error *error);

void __wrap_cli_terminal_init(void)
{
}

/* The fuzzer has its own handler. */
void __wrap_cli_engine_abort_init(void)
{
}

void __wrap_cli_lockdown_close_inherited(void)
{
}

void __wrap_cli_lockdown_restrict_files(cli_lockdown *state)
{
    *state = (cli_lockdown){true, true, INT_MAX, 1, true};
}

void __wrap_cli_lockdown_restrict_calls(cli_lockdown *state)
{
    (void)state;
}

/* No host: its address is all that the command has of it. */
static char host_stand_in;

bhd_status __wrap_bhd_host_new(const bhd_host_options *wanted, bhd_host **host, bhd_error *error)
{
    (void)error;
    FUZZ_REQUIRE(!seen.has_host && !seen.usage_error);
    FUZZ_REQUIRE(bhd_policy_check(&wanted->policy, NULL) == BHD_OK);
    seen.has_host = true;
    seen.host = *wanted;
    *host = (bhd_host *)(void *)&host_stand_in;
    return BHD_OK;
}

void __wrap_bhd_host_free(bhd_host *host)
{
    FUZZ_REQUIRE(host == NULL || host == (bhd_host *)(void *)&host_stand_in);
}

static bhd_status refuse(bhd_error *error)
{
    error->code = seen.answer;
    (void)snprintf(error->message, sizeof error->message, "as the input wants");
    return seen.answer;
}

bhd_status __wrap_bhd_component_new(bhd_host *host, const bhd_component_options *wanted,
                                    const void *binary, size_t size, bhd_component **component,
                                    bhd_error *error)
{
    (void)component;
    FUZZ_REQUIRE(host == (bhd_host *)(void *)&host_stand_in && !seen.has_component);
    FUZZ_REQUIRE(size < sizeof seen.binary);
    FUZZ_REQUIRE(wanted->name[0] != '\0' && strlen(wanted->name) < BHD_NAME_SIZE);
    FUZZ_REQUIRE(bhd_limits_check(&wanted->limits, &seen.host.policy, NULL) == BHD_OK);
    memcpy(seen.binary, binary, size);
    seen.has_component = true;
    seen.limits = wanted->limits;
    return refuse(error);
}

bhd_status __wrap_bhd_component_load_file(bhd_host *host, const char *path,
                                          const bhd_component_options *wanted,
                                          bhd_component **component, bhd_error *error)
{
    (void)component;
    FUZZ_REQUIRE(host == (bhd_host *)(void *)&host_stand_in && path[0] != '\0');
    FUZZ_REQUIRE(bhd_limits_check(&wanted->limits, &seen.host.policy, NULL) == BHD_OK);
    return refuse(error);
}

void __wrap_bhd_component_free(bhd_component *component)
{
    FUZZ_REQUIRE(component == NULL);
}

bhd_status __wrap_bhd_inspect(bhd_host *host, const void *binary, size_t size,
                              bhd_inspection *inspection, bhd_error *error)
{
    (void)binary;
    (void)inspection;
    FUZZ_REQUIRE(host == (bhd_host *)(void *)&host_stand_in &&
                 size <= seen.host.max_component_bytes);
    return refuse(error);
}

/* -- one input ------------------------------------------------------------------------------ */

static void require_exit_code(int code)
{
#define SAME(identifier, value, text) code == (value) ||
    FUZZ_REQUIRE(CLI_EXIT_MAP(SAME) false);
#undef SAME
}

/* What was asked for is what the library was asked for. */
static void require_expected(const options_model *model)
{
    options_outcome expected = options_expect(model);
    FUZZ_REQUIRE(seen.has_component == expected.runs);
    FUZZ_REQUIRE(seen.usage_error == expected.usage_error);
    if (!expected.runs)
        return;
    FUZZ_REQUIRE(bhd_limits_equal(&seen.limits, &expected.limits));
    FUZZ_REQUIRE(seen.host.policy.min_memory_bytes == expected.policy.min_memory_bytes);
    FUZZ_REQUIRE(seen.host.policy.max_memory_bytes == expected.policy.max_memory_bytes);
    FUZZ_REQUIRE(seen.host.features == (expected.gc ? (uint32_t)BHD_FEATURE_GC : 0u));
    FUZZ_REQUIRE(strcmp(seen.binary, expected.binary) == 0);
}

/* Whatever was asked for: nothing is looser than the manifest of the binary that would run. */
static void require_never_looser(void)
{
    bhd_limits declared, both;
    if (!seen.has_component || !options_declared(seen.binary, &declared))
        return;
    FUZZ_REQUIRE(bhd_limits_tighten(&declared, &seen.limits, &both, NULL) == BHD_OK);
}

/* Runs the command; everything that it says goes nowhere. */
static int run_quietly(int count, char **arguments)
{
    static FILE *nowhere;
    FILE *said = stdout, *complained = stderr;
    if (nowhere == NULL) {
        nowhere = fopen("/dev/null", "we");
        FUZZ_REQUIRE(nowhere != NULL && chdir(BHD_SOURCE_DIR "/fuzz/fixtures") == 0);
    }
    stdout = stderr = nowhere;
    int code = cli_main(count, arguments);
    stdout = said;
    stderr = complained;
    return code;
}

/* One command line. */
static void run_one(fuzz_input *input)
{
    static const bhd_status answers[] = {BHD_COMPONENT_INVALID, BHD_COMPONENT_TOO_LARGE,
                                         BHD_CAPABILITY_DENIED, BHD_HOST_OUT_OF_MEMORY};
    char *arguments[MOST_ARGUMENTS + 1] = {NULL}, *given[MOST_ARGUMENTS + 1];
    memset(&seen, 0, sizeof seen);
    seen.answer = answers[fuzz_choice(input, 3)];
    options_model model = OPTIONS_MODEL_INIT;
    int count = options_arguments(input, &model, arguments, MOST_ARGUMENTS);
    memcpy(given, arguments, sizeof given);
    require_exit_code(run_quietly(count, given));
    if (model.is_known)
        require_expected(&model);
    require_never_looser();
    for (int i = 0; i < count; i++)
        free(arguments[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    for (int i = 0; i < MOST_COMMANDS && fuzz_has_more(&input); i++)
        run_one(&input);
    return 0;
}
