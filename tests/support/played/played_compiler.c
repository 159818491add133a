/*
 * Plays the compiler: a process of its own, started as the real one is, which does what its binary
 * says. The binary is a text of lines, each a word and what belongs to it:
 *
 *     began                        the report has begun
 *     verdict N | status N | artifact N | description N | text_bytes N | wanted N | peak N
 *     range VALUE MINIMUM MAXIMUM
 *     magic                        the report is whole
 *     text WORDS                   into the text, from its beginning; \NNN is a byte, in octal
 *     say WORDS                    to standard error
 *     output N                     so many bytes to standard output
 *     endless                      no end of them
 *     job                          what the host wants, as the text of the report
 *     self                         what the process finds itself in, as the text of the report
 *     seal | map | keep            seals the output; leaves a process behind that maps it to write,
 *                                  or goes on writing to it
 *     leave                        leaves a process behind in its group; its number is the text
 *     overwrite                    leaves a process behind that writes to the report without end
 *     signal N | exit N | sleep | spin | stop
 *
 * A word that it does not know ends it with 99, and the end of the text with 98.
 */
#include "compile/exchange.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

extern char **environ;

enum { TEXT_MAX = 1 << 16, LINE_MAX_BYTES = 4096, NUMBERS_MAX = 1024 };

static bhd__exchange_page *page;
static char *text;

static void stay(void)
{
    for (;;)
        (void)pause();
}

static void write_text(const char *words)
{
    size_t at = 0;
    for (; *words != '\0' && at < BHD__REPORT_TEXT_BYTES; at++) {
        if (words[0] == '\\' && words[1] >= '0' && words[1] <= '3') {
            text[at] = (char)((words[1] - '0') * 64 + (words[2] - '0') * 8 + (words[3] - '0'));
            words += 4;
        } else {
            text[at] = *words++;
        }
    }
    page->report.text_bytes = (uint32_t)at;
}

static void write_output(uint64_t bytes)
{
    static char zeros[LINE_MAX_BYTES];
    while (bytes > 0) {
        size_t part = bytes < sizeof zeros ? (size_t)bytes : sizeof zeros;
        ssize_t written = write(STDOUT_FILENO, zeros, part);
        if (written > 0)
            bytes -= (uint64_t)written;
    }
}

static void add(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void add(char *buffer, size_t size, const char *format, ...)
{
    size_t length = strlen(buffer);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(buffer + length, size - length, format, arguments);
    va_end(arguments);
}

static void tell_job(void)
{
    char told[LINE_MAX_BYTES] = "";
    const bhd__compile_job *job = &page->job;
    add(told, sizeof told, "build=%s data=%" PRIu64 " cpu=%" PRIu64 " output=%" PRIu64, job->build,
        job->max_data_bytes, job->max_cpu_ms, job->max_output_bytes);
    add(told, sizeof told, " threads=%u settings=%.*s", job->threads, (int)job->settings_bytes,
        (const char *)job->settings);
    write_text(told);
}

static void add_signals(char *told, size_t size)
{
    sigset_t blocked;
    (void)sigprocmask(SIG_SETMASK, NULL, &blocked);
    add(told, size, " signals=");
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigismember(&blocked, number) == 1)
            add(told, size, "blocked%d,", number);
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
            add(told, size, "action%d,", number);
    }
}

/* Descriptors with their seals, arguments, environment, signals, group, limits. */
static void tell_self(int argc, char **argv)
{
    static char told[LINE_MAX_BYTES];
    int death = 0;
    struct rlimit file, core;
    add(told, sizeof told, "descriptors=");
    for (int number = 0; number < NUMBERS_MAX; number++)
        if (fcntl(number, F_GETFD) >= 0)
            add(told, sizeof told, "%d:%x,", number, (unsigned)fcntl(number, F_GET_SEALS) & 0xfU);
    add(told, sizeof told, " arguments=%d:%s", argc, argv[0]);
    add(told, sizeof told, " environment=%d", environ == NULL || environ[0] == NULL ? 0 : 1);
    add_signals(told, sizeof told);
    (void)prctl(PR_GET_PDEATHSIG, &death);
    add(told, sizeof told, " group=%s death=%d", getpgrp() == getpid() ? "own" : "other", death);
    (void)getrlimit(RLIMIT_FSIZE, &file);
    (void)getrlimit(RLIMIT_CORE, &core);
    add(told, sizeof told, " file=%" PRIu64 " core=%" PRIu64, (uint64_t)file.rlim_cur,
        (uint64_t)core.rlim_cur);
    write_text(told);
}

static void leave_in_group(void)
{
    char number[16];
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(600); /* no test is that patient */
        stay();
    }
    (void)snprintf(number, sizeof number, "%d", (int)child);
    write_text(number);
}

/* What stays behind has to be there before this process goes on. */
static void leave_behind(void (*body)(int ready))
{
    int ends[2];
    char byte;
    if (pipe(ends) != 0)
        _exit(97);
    if (fork() == 0) {
        (void)setsid(); /* out of the group */
        body(ends[1]);
        _exit(0);
    }
    if (read(ends[0], &byte, 1) != 1)
        _exit(96);
}

static void map_output(int ready)
{
    char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, STDOUT_FILENO, 0);
    if (mapped == MAP_FAILED)
        _exit(95);
    (void)!write(ready, "", 1);
    (void)alarm(20);
    stay();
}

static void keep_output(int ready)
{
    (void)!write(ready, "", 1);
    (void)alarm(20);
    for (;;)
        (void)!write(STDOUT_FILENO, "more", 4);
}

static void overwrite_report(int ready)
{
    (void)!write(ready, "", 1);
    (void)alarm(20);
    for (unsigned char byte = 0;; byte++)
        (void)memset(text, byte, BHD__REPORT_TEXT_BYTES);
}

static void play_end(const char *word, const char *rest)
{
    if (strcmp(word, "signal") == 0)
        (void)raise((int)strtol(rest, NULL, 10));
    else if (strcmp(word, "exit") == 0)
        _exit((int)strtol(rest, NULL, 10));
    else if (strcmp(word, "sleep") == 0)
        stay();
    else if (strcmp(word, "stop") == 0)
        (void)raise(SIGSTOP);
    else if (strcmp(word, "spin") == 0)
        for (volatile uint64_t turns = 0;; turns++)
            continue;
    else
        _exit(99);
}

static bool play_report(const char *word, const char *rest)
{
    bhd__compile_report *r = &page->report;
    uint64_t number = strtoull(rest, NULL, 10);
    if (strcmp(word, "began") == 0)
        r->began = BHD__REPORT_BEGAN;
    else if (strcmp(word, "magic") == 0)
        r->magic = BHD__REPORT_MAGIC;
    else if (strcmp(word, "verdict") == 0)
        r->verdict = (uint32_t)number;
    else if (strcmp(word, "status") == 0)
        r->status = (uint32_t)number;
    else if (strcmp(word, "artifact") == 0)
        r->artifact_bytes = number;
    else if (strcmp(word, "description") == 0)
        r->description_bytes = number;
    else if (strcmp(word, "text_bytes") == 0)
        r->text_bytes = (uint32_t)number;
    else if (strcmp(word, "wanted") == 0)
        r->wanted_bytes = number;
    else if (strcmp(word, "peak") == 0)
        r->peak_bytes = number;
    else if (strcmp(word, "range") == 0)
        r->has_range = (uint32_t)(sscanf(rest, "%" SCNu64 " %" SCNu64 " %" SCNu64, &r->value,
                                         &r->minimum, &r->maximum) == 3);
    else
        return false;
    return true;
}

static void play(const char *word, const char *rest, int argc, char **argv)
{
    if (play_report(word, rest))
        return;
    if (strcmp(word, "text") == 0)
        write_text(rest);
    else if (strcmp(word, "say") == 0)
        (void)!write(STDERR_FILENO, rest, strlen(rest));
    else if (strcmp(word, "output") == 0)
        write_output(strtoull(rest, NULL, 10));
    else if (strcmp(word, "endless") == 0)
        write_output(UINT64_MAX);
    else if (strcmp(word, "job") == 0)
        tell_job();
    else if (strcmp(word, "self") == 0)
        tell_self(argc, argv);
    else if (strcmp(word, "seal") == 0)
        (void)fcntl(STDOUT_FILENO, F_ADD_SEALS, (int)strtol(rest, NULL, 10));
    else if (strcmp(word, "map") == 0)
        leave_behind(map_output);
    else if (strcmp(word, "keep") == 0)
        leave_behind(keep_output);
    else if (strcmp(word, "leave") == 0)
        leave_in_group();
    else if (strcmp(word, "overwrite") == 0)
        leave_behind(overwrite_report);
    else
        play_end(word, rest);
}

int main(int argc, char **argv)
{
    static char script[TEXT_MAX];
    ssize_t size = read(STDIN_FILENO, script, sizeof script - 1);
    char *mapped =
        mmap(NULL, BHD__REPORT_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, STDERR_FILENO, 0);
    if (size < 0 || mapped == MAP_FAILED)
        return 100;
    page = (bhd__exchange_page *)(void *)mapped;
    text = mapped + BHD__REPORT_TEXT_OFFSET;
    for (char *line = script, *next; *line != '\0'; line = next) {
        char *end = strchrnul(line, '\n');
        next = *end == '\0' ? end : end + 1;
        *end = '\0';
        char *rest = strchrnul(line, ' ');
        if (*rest != '\0')
            *rest++ = '\0';
        play(line, rest, argc, argv);
    }
    return 98;
}
