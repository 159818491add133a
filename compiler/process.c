/*
 * bulkhead-compile: the process in which one binary is read and compiled (compile/exchange.h).
 *
 * Standard input is the binary, standard output takes artefact and description, standard error is
 * the exchange. Everything of the program runs shut in, from before the first byte of the binary is
 * looked at.
 */
#include "allocations.h"
#include "confine.h"
#include "outcome.h"

#include "base/checked.h"
#include "engine/code/build.h"
#include "engine/code/translate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

static int say_what_this_is(void)
{
    static const char *const text =
        "bulkhead-compile: a part of Bulkhead, which starts it to compile one component in a\n"
        "process that is shut in. It takes no arguments and no files, and is of no use by hand:\n"
        "`bulkhead run` and `bulkhead check` start it when they need it.\n";
    (void)fputs(text, stderr);
    return EXIT_USAGE;
}

static void check_build(const bhd__compile_job *job)
{
    const char *own = bhd__engine_build();
    if (strnlen(own, BHD__BUILD_BYTES) < BHD__BUILD_BYTES &&
        strncmp(own, job->build, BHD__BUILD_BYTES) == 0)
        return;
    compiler_say(own);
    compiler_end(BHD__VERDICT_OTHER_BUILD);
}

static void need(const char *failed)
{
    if (failed)
        compiler_not_confined(failed, errno);
}

/* Sealed by the host, so that it neither changes nor ends early. */
static const void *map_binary(size_t *size)
{
    struct stat s;
    if (fstat(STDIN_FILENO, &s) != 0 || !S_ISREG(s.st_mode))
        compiler_failed("the binary is no file", EINVAL);
    *size = (size_t)s.st_size;
    if (*size == 0)
        return "";
    void *binary = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);
    if (binary == MAP_FAILED)
        compiler_failed("the binary cannot be mapped", errno);
    return binary;
}

static void on_forbidden_call(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    compiler_report()->wanted_bytes = (uint64_t)(uint32_t)info->si_syscall;
    compiler_end(BHD__VERDICT_FORBIDDEN);
}

static const char *catch_forbidden_calls(void)
{
    struct sigaction action = {.sa_sigaction = on_forbidden_call, .sa_flags = SA_SIGINFO};
    (void)sigfillset(&action.sa_mask);
    return sigaction(SIGSYS, &action, NULL) == 0 ? NULL : "SIGSYS";
}

static void fail_with(bhd_status status, const bhd_error *error)
{
    bhd__compile_report *report = compiler_report();
    report->peak_bytes = compiler_peak_bytes();
    if (status == BHD_HOST_OUT_OF_MEMORY)
        compiler_end(BHD__VERDICT_OUT_OF_MEMORY);
    report->status = (uint32_t)status;
    report->has_range = error->has_range;
    report->value = error->value;
    report->minimum = error->range_minimum;
    report->maximum = error->range_maximum;
    compiler_say(error->message);
    compiler_end(BHD__VERDICT_REFUSED);
}

static void write_all(const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, size);
        if (written <= 0)
            compiler_failed("the output cannot be written", written < 0 ? errno : EIO);
        bytes += written;
        size -= (size_t)written;
    }
}

static void hand_over(const bhd__translated *translated, uint64_t most)
{
    bhd__compile_report *report = compiler_report();
    size_t artifact = translated->artifact ? translated->artifact_bytes : 0;
    /* As the system would end it later, without writing the part that fits. */
    if (artifact > most || translated->description_bytes > most - artifact)
        (void)raise(SIGXFSZ);
    write_all(translated->artifact, artifact);
    write_all(translated->description, translated->description_bytes);
    report->artifact_bytes = artifact;
    report->description_bytes = translated->description_bytes;
    report->peak_bytes = compiler_peak_bytes();
    compiler_end(BHD__VERDICT_COMPILED);
}

/* What a panic prints and a refusal says has to fit, however little the host wants to take. */
static uint64_t most_of_a_file(const bhd__compile_job *job)
{
    if (job->max_output_bytes == 0 || job->max_output_bytes >= BHD__REPORT_FILE_BYTES)
        return job->max_output_bytes;
    return BHD__REPORT_FILE_BYTES;
}

/* More than the compiler ever needs for so much data: the C library reserves for each thread's heap
 * up to twice what is in it, and 128 MiB to begin with. Beside that there are the program, its
 * stack and the binary. Without a heap, on two threads, it is 210 MiB. */
static uint64_t most_of_addresses(const bhd__compile_job *job, size_t binary_bytes)
{
    static const uint64_t beside = UINT64_C(1) << 30;
    uint64_t bytes;
    if (!bhd__mul_u64(job->max_data_bytes, 2, &bytes) || !bhd__add_u64(bytes, beside, &bytes) ||
        !bhd__add_u64(bytes, binary_bytes, &bytes))
        return UINT64_MAX;
    return bytes;
}

int main(void)
{
    if (!compiler_open_exchange())
        return say_what_this_is();
    const bhd__compile_job *job = compiler_job();
    bhd__compile_report *report = compiler_report();
    check_build(job);

    need(compiler_reset_signals());
    size_t size;
    const void *binary = map_binary(&size);
    need(compiler_confine_first(&report->landlock_abi));

    bhd__translator *translator;
    bhd_error error = BHD_ERROR_INIT;
    if (!compiler_set_heap(job->threads))
        compiler_failed("the heap cannot be set up", errno);
    bhd_status status =
        bhd__translator_new(job->settings, job->settings_bytes, job->threads, &translator, &error);
    if (status != BHD_OK)
        fail_with(status, &error);

    /* The engine may have taken signals. */
    need(compiler_reset_signals());
    need(catch_forbidden_calls());
    const compiler_limits limits = {
        .max_data_bytes = job->max_data_bytes,
        .max_cpu_ms = job->max_cpu_ms,
        .max_file_bytes = most_of_a_file(job),
        .max_address_bytes = most_of_addresses(job, size),
    };
    need(compiler_confine_finally(&limits, job->threads > 0));
    report->has_filter = 1;

    bhd__translated translated = {0};
    status = bhd__translate(translator, binary, size, &translated, &error);
    if (status != BHD_OK)
        fail_with(status, &error);
    hand_over(&translated, job->max_output_bytes);
}
