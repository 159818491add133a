/*
 * See standard.h.
 */
#include "base/standard.h"

#include "base/quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Devices of memory (null, zero, full, random) never wait. */
#define MEMORY_MAJOR 1
/* The other end of a terminal: to open it again makes a new one. */
#define MULTIPLEXER_MAJOR 5
#define MULTIPLEXER_MINOR 2
/* What a writable pipe takes without waiting when nobody else writes (POSIX). */
#define ASKED_PIPE_BYTES 4096

/* -- what the kernel can ---------------------------------------------------------------------- */

static pthread_once_t pipes_once = PTHREAD_ONCE_INIT;
/* Written once, under pipes_once. */
static bool pipes_are_quick;
static uint64_t pipes_device;

/* Since Linux 6.4, and not for pipes with a name. */
static void look_at_pipes(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return;
    struct iovec one = {(char[]){0}, 1};
    bhd__identity is = bhd__identity_of(ends[0]);
    pipes_are_quick = is.is_known && pwritev2(ends[1], &one, 1, -1, RWF_NOWAIT) == 1;
    pipes_device = is.device;
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* -- the same file again ---------------------------------------------------------------------- */

static void let_go(bhd__standard *s)
{
    /* A number that means another file by now is somebody else's. */
    if (s->is_owner && bhd__identity_is(&s->own_is, s->own))
        (void)close(s->own);
    s->own = -1;
    s->is_owner = false;
    s->own_is.is_known = false;
}

static bool open_by_number(bhd__standard *s, int flags)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", s->fd);
    s->own = open(path, flags);
    if (bhd__identity_is(&s->is, s->own)) {
        s->own_is = s->is;
        return true;
    }
    if (s->own >= 0)
        (void)close(s->own);
    return false;
}

/* Which device it is, or 0. The terminal itself would have to be asked with ioctl, and a process
 * that has locked its files may not. */
static uint64_t controlling_terminal(void)
{
    char text[512];
    int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    if (fd >= 0)
        (void)close(fd);
    text[size > 0 ? size : 0] = '\0';
    /* Behind the program's name, which may be anything, come its state, parent, group, session. */
    const char *at = strrchr(text, ')');
    for (int spaces = 0; at && spaces < 5; spaces++)
        at = strchr(at + 1, ' ');
    /* A device number of the kernel, as the C library has them. */
    return at ? strtoul(at, NULL, 10) : 0;
}

/* The name of the terminal may be another user's (su, sudo); /dev/tty opens the controlling
 * terminal for everybody who has one. */
static bool open_controlling(bhd__standard *s, int flags)
{
    if (s->is.type != S_IFCHR || controlling_terminal() != s->is.special)
        return false;
    s->own = open("/dev/tty", flags);
    s->own_is = bhd__identity_of(s->own);
    if (s->own_is.is_known)
        return true;
    if (s->own >= 0)
        (void)close(s->own);
    return false;
}

static void open_again(bhd__standard *s, const bhd__standard *earlier)
{
    int flags = (s->fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    bool is_earlier = earlier && earlier->means == BHD__STANDARD_AGAIN &&
                      bhd__identity_is(&earlier->is, s->fd) &&
                      bhd__identity_is(&earlier->own_is, earlier->own);
    if (is_earlier) {
        s->own = earlier->own;
        s->own_is = earlier->own_is;
        return;
    }
    s->is_owner = open_by_number(s, flags) || open_controlling(s, flags);
    if (!s->is_owner)
        s->own = -1;
}

static void choose(bhd__standard *s, const bhd__standard *earlier)
{
    const bhd__identity *is = &s->is;
    bool is_device = is->type == S_IFCHR && major(is->special) != MEMORY_MAJOR;
    bool is_multiplexer = is_device && major(is->special) == MULTIPLEXER_MAJOR &&
                          minor(is->special) == MULTIPLEXER_MINOR;
    if (is->type == S_IFSOCK) {
        s->means = BHD__STANDARD_SOCKET;
    } else if (is->type == S_IFIFO && pipes_are_quick && is->device == pipes_device) {
        s->means = BHD__STANDARD_QUICK;
    } else if (is->type != S_IFIFO && !is_device) {
        s->means = BHD__STANDARD_PLAIN;
    } else {
        if (!is_multiplexer)
            open_again(s, earlier);
        s->means = s->own >= 0 ? BHD__STANDARD_AGAIN : BHD__STANDARD_ASKED;
    }
}

/* 0 or an errno. */
static int look(bhd__standard *s, const bhd__standard *earlier)
{
    bool is_same = bhd__identity_is(&s->is, s->fd) &&
                   (s->means != BHD__STANDARD_AGAIN || bhd__identity_is(&s->own_is, s->own));
    if (is_same)
        return 0;
    let_go(s);
    s->is = bhd__identity_of(s->fd);
    if (!s->is.is_known)
        return EBADF;
    choose(s, earlier);
    return 0;
}

void bhd__standard_init(bhd__standard *standard, int fd, const bhd__standard *earlier)
{
    (void)pthread_once(&pipes_once, look_at_pipes);
    *standard = (bhd__standard)BHD__STANDARD_INIT;
    standard->fd = fd;
    (void)look(standard, earlier);
}

void bhd__standard_fini(bhd__standard *standard)
{
    let_go(standard);
    *standard = (bhd__standard)BHD__STANDARD_INIT;
}

bool bhd__standard_is_terminal(const bhd__standard *standard)
{
    return standard->fd >= 0 && isatty(standard->fd) == 1;
}

/* -- reading and writing ---------------------------------------------------------------------- */

static bool is_ready(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events, .revents = 0};
    return poll(&p, 1, 0) > 0;
}

static ssize_t asked_write(const bhd__standard *s, const void *data, size_t size)
{
    if (!is_ready(s->fd, POLLOUT)) {
        errno = EAGAIN;
        return -1;
    }
    size_t most = s->is.type == S_IFIFO ? ASKED_PIPE_BYTES : 1;
    return write(s->fd, data, size < most ? size : most);
}

static ssize_t asked_read(const bhd__standard *s, void *data, size_t size)
{
    if (!is_ready(s->fd, POLLIN)) {
        errno = EAGAIN;
        return -1;
    }
    return read(s->fd, data, size);
}

static ssize_t answer(ssize_t n, int failed)
{
    if (n >= 0)
        return n;
    return failed == EINTR || failed == EWOULDBLOCK ? -EAGAIN : -failed;
}

ssize_t bhd__standard_write(bhd__standard *standard, const void *data, size_t size)
{
    int failed = look(standard, NULL);
    if (failed)
        return -failed;
    if (size == 0)
        return 0;
    /* The vector is only read. */
    struct iovec one = {(void *)(uintptr_t)data, size};
    ssize_t n = -1;
    bhd__quiet quiet;
    bhd__quiet_begin(&quiet);
    switch (standard->means) {
    case BHD__STANDARD_PLAIN:
        n = write(standard->fd, data, size);
        break;
    case BHD__STANDARD_QUICK:
        n = pwritev2(standard->fd, &one, 1, -1, RWF_NOWAIT);
        break;
    case BHD__STANDARD_SOCKET:
        n = send(standard->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
    case BHD__STANDARD_AGAIN:
        n = write(standard->own, data, size);
        break;
    case BHD__STANDARD_ASKED:
        n = asked_write(standard, data, size);
        break;
    }
    failed = n < 0 ? errno : 0;
    bhd__quiet_end(&quiet, failed);
    return n == 0 ? -EAGAIN : answer(n, failed);
}

ssize_t bhd__standard_read(bhd__standard *standard, void *data, size_t size)
{
    int failed = look(standard, NULL);
    if (failed)
        return -failed;
    if (size == 0)
        return 0;
    struct iovec one = {data, size};
    ssize_t n = -1;
    switch (standard->means) {
    case BHD__STANDARD_PLAIN:
        n = read(standard->fd, data, size);
        break;
    case BHD__STANDARD_QUICK:
        n = preadv2(standard->fd, &one, 1, -1, RWF_NOWAIT);
        break;
    case BHD__STANDARD_SOCKET:
        n = recv(standard->fd, data, size, MSG_DONTWAIT);
        break;
    case BHD__STANDARD_AGAIN:
        n = read(standard->own, data, size);
        break;
    case BHD__STANDARD_ASKED:
        n = asked_read(standard, data, size);
        break;
    }
    return answer(n, n < 0 ? errno : 0);
}
