/*
 * Starts bulkhead-compile as the library does, but directly, so that a test sees how the process
 * itself ends and can look at it while it works.
 */
#ifndef BHD_TESTS_COMPILER_PROCESS_H
#define BHD_TESTS_COMPILER_PROCESS_H

#include "compile/exchange.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct compiler_process {
    /* Before it starts. */
    bhd__compile_job job;
    void (*before_exec)(void *env); /* in the new process; may be NULL */
    void *env;

    pid_t pid;
    int input, output, exchange; /* memory files; -1: none */
    /* When it has ended. */
    int status; /* of waitpid */
    bhd__compile_report report;
    char text[BHD__REPORT_TEXT_BYTES + 1];
    uint64_t output_bytes;
} compiler_process;

/* A job with this build, and limits that are enough for any guest in the tree. */
void compiler_process_init(compiler_process *process, uint32_t threads);
/* The three files, for a test that starts it with others. */
void compiler_process_make_files(compiler_process *process, const void *binary, size_t size);
/* Of the program beside this one. Fails the test when it cannot be started. */
void compiler_process_start(compiler_process *process, const void *binary, size_t size);
/* With these three descriptors, which stay the caller's. */
void compiler_process_start_with(compiler_process *process, int input, int output, int error);
/* Stops it with SIGSTOP as soon as it has its filter; false when it has ended before, or has none
 * after the many seconds in which the busiest machine would have come to it. */
bool compiler_process_stop_confined(compiler_process *process);
/* A line of /proc/PID/status, without its name and white space around; empty if there is none. */
void compiler_process_fact(pid_t pid, const char *name, char *value, size_t capacity);
/* The verdict that the exit code and the report agree on; BHD__VERDICT_NONE when they do not, or a
 * signal ended it. */
bhd__verdict compiler_process_wait(compiler_process *process);
/* Ends it if it runs, and closes the files. */
void compiler_process_fini(compiler_process *process);

#endif
