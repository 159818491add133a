#include "support/compiler_process.h"

#include "engine/code/build.h"
#include "engine/code/translate.h"
#include "support/real_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void compiler_process_init(compiler_process *process, uint32_t threads)
{
    const bhd__translation settings = {
        .max_function_bytes = MIB(16),
        .max_instance_bytes = MIB(64),
        .max_stack_bytes = KIB(512),
        .max_functions = 1000000,
    };
    *process = (compiler_process){.input = -1, .output = -1, .exchange = -1};
    bhd__compile_job *job = &process->job;
    (void)snprintf(job->build, sizeof job->build, "%s", bhd__engine_build());
    job->max_data_bytes = MIB(1024);
    job->max_cpu_ms = 60000;
    job->max_output_bytes = MIB(256);
    job->threads = threads;
    job->settings_bytes = sizeof settings;
    memcpy(job->settings, &settings, sizeof settings);
}

static int memory_file(const char *name, const void *bytes, size_t size)
{
    int file = memfd_create(name, MFD_CLOEXEC);
    assert_true(file >= 0);
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        assert_true(written > 0);
        bytes = (const char *)bytes + written;
        size -= (size_t)written;
    }
    return file;
}

/* As the warden does it: who started this program may have left any of them ignored, also those
 * that the C library keeps for itself and lets nobody change. */
static void reset_signals(void)
{
    static const uint64_t default_action[4];
    for (int number = 1; number <= 64; number++)
        (void)syscall(SYS_rt_sigaction, number, default_action, NULL, sizeof(uint64_t));
}

void compiler_process_start_with(compiler_process *process, int input, int output, int error)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof "bulkhead-compile");
    assert_true(length > 0);
    path[length] = '\0';
    char *name = strrchr(path, '/');
    assert_non_null(name);
    memcpy(name + 1, "bulkhead-compile", sizeof "bulkhead-compile");

    char *arguments[] = {(char[]){"bulkhead-compile"}, NULL}, *environment[] = {NULL};
    (void)fflush(NULL);
    process->pid = fork();
    assert_true(process->pid >= 0);
    if (process->pid > 0)
        return;
    reset_signals();
    /* All other files of this program close themselves. */
    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(error, STDERR_FILENO) < 0)
        _exit(1);
    if (process->before_exec)
        process->before_exec(process->env);
    (void)execve(path, arguments, environment);
    _exit(1);
}

void compiler_process_make_files(compiler_process *process, const void *binary, size_t size)
{
    process->input = memory_file("binary", binary, size);
    process->output = memory_file("output", NULL, 0);
    process->exchange = memory_file("exchange", &process->job, sizeof process->job);
    assert_int_equal(0, ftruncate(process->exchange, (off_t)BHD__REPORT_FILE_BYTES));
}

void compiler_process_start(compiler_process *process, const void *binary, size_t size)
{
    compiler_process_make_files(process, binary, size);
    compiler_process_start_with(process, process->input, process->output, process->exchange);
}

void compiler_process_fact(pid_t pid, const char *name, char *value, size_t capacity)
{
    char path[64], line[256];
    size_t length = strlen(name);
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    value[0] = '\0';
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, length) != 0 || line[length] != ':')
            continue;
        const char *begin = line + length + 1;
        begin += strspn(begin, " \t");
        (void)snprintf(value, capacity, "%.*s", (int)strcspn(begin, "\n"), begin);
        break;
    }
    if (file)
        (void)fclose(file);
}

bool compiler_process_stop_confined(compiler_process *process)
{
    /* On a busy machine it does not run at all in so little time. */
    const struct timespec little = {.tv_nsec = 1000000}, more = {.tv_nsec = 20000000};
    for (unsigned tries = 0; tries < 10000; tries++) {
        char filter[16];
        siginfo_t info = {0};
        assert_int_equal(0, kill(process->pid, SIGSTOP));
        assert_int_equal(0, waitid(P_PID, (id_t)process->pid, &info, WSTOPPED | WEXITED | WNOWAIT));
        if (info.si_code != CLD_STOPPED)
            return false;
        compiler_process_fact(process->pid, "Seccomp", filter, sizeof filter);
        if (strcmp(filter, "2") == 0)
            return true;
        assert_int_equal(0, kill(process->pid, SIGCONT));
        (void)nanosleep(tries < 200 ? &little : &more, NULL);
    }
    return false;
}

bhd__verdict compiler_process_wait(compiler_process *process)
{
    bhd__exchange_page page;
    struct stat s = {0};
    while (waitpid(process->pid, &process->status, 0) < 0)
        assert_int_equal(EINTR, errno);
    process->pid = 0;
    if (process->exchange < 0)
        return BHD__VERDICT_NONE;
    assert_int_equal((ssize_t)sizeof page, pread(process->exchange, &page, sizeof page, 0));
    process->report = page.report;
    ssize_t length = pread(process->exchange, process->text, BHD__REPORT_TEXT_BYTES,
                           (off_t)BHD__REPORT_TEXT_OFFSET);
    assert_true(length >= 0);
    process->text[length] = '\0';
    assert_int_equal(0, fstat(process->output, &s));
    process->output_bytes = (uint64_t)s.st_size;
    bhd__verdict verdict = (bhd__verdict)page.report.verdict;
    bool told = page.report.magic == BHD__REPORT_MAGIC && WIFEXITED(process->status) &&
                WEXITSTATUS(process->status) == BHD__EXIT_CODE_OF(verdict);
    if (page.report.began != BHD__REPORT_BEGAN)
        return BHD__VERDICT_NONE;
    return told ? verdict : BHD__VERDICT_NONE;
}

void compiler_process_fini(compiler_process *process)
{
    if (process->pid > 0) {
        (void)kill(process->pid, SIGKILL);
        (void)waitpid(process->pid, NULL, 0);
    }
    const int files[] = {process->input, process->output, process->exchange};
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (files[i] >= 0)
            (void)close(files[i]);
}
