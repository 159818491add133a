#include "base/quiet.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

static const int write_signals[] = {SIGPIPE, SIGXFSZ};
#define WRITE_SIGNALS (sizeof write_signals / sizeof *write_signals)

void bhd__quiet_begin(bhd__quiet *quiet)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < WRITE_SIGNALS; i++)
        (void)sigaddset(&set, write_signals[i]);
    (void)pthread_sigmask(SIG_BLOCK, &set, &quiet->mask);
    (void)sigemptyset(&quiet->pending);
    (void)sigpending(&quiet->pending);
}

/* The kernel sends these to the thread that writes, so the one that is pending now and was not
 * before is the write's own. */
void bhd__quiet_end(const bhd__quiet *quiet, int failed)
{
    const struct timespec at_once = {0, 0};
    int before = errno;
    for (size_t i = 0; i < WRITE_SIGNALS && (failed == EPIPE || failed == EFBIG); i++) {
        sigset_t one;
        (void)sigemptyset(&one);
        (void)sigaddset(&one, write_signals[i]);
        while (!sigismember(&quiet->pending, write_signals[i]) &&
               sigtimedwait(&one, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    }
    (void)pthread_sigmask(SIG_SETMASK, &quiet->mask, NULL);
    errno = before;
}
