/*
 * Colours, error lines and the state of standard output; see terminal.h.
 */
#include "terminal.h"

#include "exit_codes.h"
#include "shown_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set when lost output has been reported, so that it is reported once. */
static bool output_reported;

/*
 * A closed descriptor is filled with /dev/null opened the wrong way round: nothing else can land
 * there, and reading or writing still fails as it would on a closed one.
 */
static void fill_descriptor(int descriptor, int mode)
{
    if (fcntl(descriptor, F_GETFD) != -1 || errno != EBADF)
        return;
    int opened = open("/dev/null", mode | O_CLOEXEC);
    if (opened != -1 && opened != descriptor) {
        /* Lower ones are filled first, so this cannot happen; keep what was asked for anyway. */
        (void)dup2(opened, descriptor);
        (void)close(opened);
    }
}

bool cli_flush_output(void)
{
    errno = 0;
    int failed = fflush(stdout);
    if (failed == 0 && !ferror(stdout))
        return true;
    if (!output_reported) {
        output_reported = true;
        fprintf(stderr, "bulkhead: cannot write to standard output: %s\n",
                errno != 0 ? strerror(errno) : "write error");
    }
    return false;
}

/* A failed write must not look like success; any other end keeps its code. */
static void check_output_at_exit(int status, void *unused)
{
    (void)unused;
    if (!cli_flush_output() && status == CLI_EXIT_OK)
        _exit(CLI_EXIT_INTERNAL);
}

void cli_terminal_init(void)
{
    /* Room for a whole help text: what is written in pieces loses the reason why one failed. */
    static char buffer[65536];
    fill_descriptor(STDIN_FILENO, O_WRONLY);
    fill_descriptor(STDOUT_FILENO, O_RDONLY);
    fill_descriptor(STDERR_FILENO, O_RDONLY);
    if (isatty(STDOUT_FILENO) != 1)
        (void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    (void)on_exit(check_output_at_exit, NULL);
}

static bool wants_colour(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (no_color != NULL && no_color[0] != '\0')
        return false;
    if (term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0)
        return false;
    return isatty(fileno(stream)) == 1;
}

const char *cli_style_on(FILE *stream, cli_style style)
{
    if (!wants_colour(stream))
        return "";
    switch (style) {
    case CLI_GOOD:
        return "\033[32m";
    case CLI_BAD:
        return "\033[1;31m";
    case CLI_STRONG:
        return "\033[1m";
    case CLI_PLAIN:
        break;
    }
    return "\033[0m";
}

static void say(cli_style style, const char *text)
{
    (void)cli_flush_output();
    fprintf(stderr, "%sbulkhead:%s %s\n", cli_style_on(stderr, style),
            cli_style_on(stderr, CLI_PLAIN), text);
}

static void say_formatted(cli_style style, const char *format, va_list arguments)
{
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    say(style, text != NULL ? text : format);
    free(text);
}

void cli_complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_formatted(CLI_BAD, format, arguments);
    va_end(arguments);
}

void cli_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_formatted(CLI_STRONG, format, arguments);
    va_end(arguments);
}

char *cli_error_text(const bhd_error *error, const char *source)
{
    cli_shown shown = {{0}};
    char headline[CLI_SHOWN_SIZE + 64] = "";
    /* The library escapes the name in its lines itself. */
    if (source != NULL)
        shown = cli_show(source);
    /* Diagnostics begin their lines, where editors look for them; so something has to go before. */
    if (error->diagnostic_count > 0)
        (void)snprintf(headline, sizeof headline, "%s%s%s\n", shown.text,
                       source != NULL ? ": " : "", bhd_status_text(error->code));

    size_t used = strlen(headline);
    size_t length = used + bhd_error_to_text(error, source, NULL, 0);
    char *text = malloc(length + 1);
    if (text == NULL)
        return NULL;
    memcpy(text, headline, used);
    (void)bhd_error_to_text(error, source, text + used, length + 1 - used);
    while (length > 0 && text[length - 1] == '\n')
        text[--length] = '\0';
    return text;
}

void cli_complain_error(const bhd_error *error, const char *source)
{
    char *text = cli_error_text(error, source);
    say(CLI_BAD, text != NULL ? text : error->message);
    free(text);
}

/* A failure of the host is not the binary's. */
static bool is_about_binary(bhd_status status)
{
    cli_exit code = cli_exit_code(status);
    return code == CLI_EXIT_COMPONENT || code == CLI_EXIT_DENIED || status == BHD_NOT_SUPPORTED;
}

void cli_error_name_binary(bhd_error *error, const char *path)
{
    char *message = NULL;
    cli_shown shown = cli_show(path);
    /* What could not be read has its name. */
    if (!is_about_binary(error->code) || strstr(error->message, shown.text) != NULL)
        return;
    if (asprintf(&message, "%s: %s", shown.text, error->message) < 0)
        return;
    /* Cut where the library cuts its own; a path alone is never that long. */
    (void)snprintf(error->message, sizeof error->message, "%s", message);
    free(message);
}

bhd_status cli_fail(bhd_error *error, bhd_status code, const char *format, ...)
{
    va_list arguments;
    bhd_error_fini(error);
    error->code = code;
    va_start(arguments, format);
    (void)vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return code;
}
