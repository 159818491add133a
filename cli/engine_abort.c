/*
 * See engine_abort.h. A signal handler, so it does nothing but write and leave.
 */
#include "engine_abort.h"

#include "exit_codes.h"

#include <signal.h>
#include <unistd.h>

static const char text[] =
    "bulkhead: internal error: the engine has ended the process; what it said is above. This is a "
    "mistake of bulkhead or of its engine: please report it\n";

static void on_abort(int number)
{
    (void)number;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(CLI_EXIT_INTERNAL);
}

void cli_engine_abort_init(void)
{
    struct sigaction action = {.sa_handler = on_abort};
    (void)sigfillset(&action.sa_mask);
    (void)sigaction(SIGABRT, &action, NULL);
}
