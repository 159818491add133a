/*
 * Runs this program again in a process of its own and reads the numbers that it writes.
 *
 * The addresses of code, stack and heap are drawn anew for every process, and they alone move a
 * call of 50 ns by some percent. A bench that measures each run in a fresh process measures what
 * its subject costs wherever it lies, and not what it costs where it happened to lie today.
 */
#ifndef BENCH_FRESH_PROCESS_H
#define BENCH_FRESH_PROCESS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

/* The rest of `bytes` bytes, or false. */
static inline bool fresh_process_read(int from, char *to, size_t bytes)
{
    while (bytes > 0) {
        ssize_t got = read(from, to, bytes);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        to += got > 0 ? got : 0;
        bytes -= got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* Runs this program with `argv` and reads exactly `count` numbers from its standard output. False
 * if it gave fewer or failed; it has said why on standard error. */
static inline bool fresh_process_numbers(char *const argv[], double *numbers, size_t count)
{
    int ends[2], status = 0;
    if (pipe(ends) != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    close(ends[1]);
    bool whole = child > 0 && fresh_process_read(ends[0], (char *)numbers, count * sizeof *numbers);
    close(ends[0]);
    if (child > 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    return whole && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif
