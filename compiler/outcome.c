#include "outcome.h"

#include "base/fail.h"
#include "base/text.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned char *file;
static bhd__compile_job job;
static bhd__compile_report report;
static atomic_flag ending = ATOMIC_FLAG_INIT; /* who sets it ends the process */

bool compiler_open_exchange(void)
{
    struct stat s;
    if (fstat(STDERR_FILENO, &s) != 0 || !S_ISREG(s.st_mode) ||
        (uint64_t)s.st_size != BHD__REPORT_FILE_BYTES)
        return false;
    void *mapped =
        mmap(NULL, BHD__REPORT_FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, STDERR_FILENO, 0);
    if (mapped == MAP_FAILED)
        return false;
    /* What a panic prints follows the page. */
    if (lseek(STDERR_FILENO, (off_t)BHD__REPORT_TEXT_OFFSET, SEEK_SET) < 0)
        return false;
    file = mapped;
    report.began = BHD__REPORT_BEGAN;
    ((bhd__exchange_page *)mapped)->report.began = report.began;
    memcpy(&job, &((const bhd__exchange_page *)mapped)->job, sizeof job);
    return true;
}

const bhd__compile_job *compiler_job(void)
{
    return &job;
}

bhd__compile_report *compiler_report(void)
{
    return &report;
}

void compiler_say(const char *text)
{
    size_t length = strnlen(text, BHD__REPORT_TEXT_BYTES);
    memcpy(file + BHD__REPORT_TEXT_OFFSET, text, length);
    report.text_bytes = (uint32_t)length;
}

static void say_error(const char *what, int number)
{
    char buffer[256];
    bhd__text text;
    bhd__text_init(&text, buffer, sizeof buffer);
    bhd__text_printf(&text, "%s: %s", what, bhd__errno_text(number));
    bhd__text_ellipsis(&text);
    compiler_say(buffer);
}

_Noreturn void compiler_not_confined(const char *step, int number)
{
    say_error(step, number);
    compiler_end(BHD__VERDICT_NOT_CONFINED);
}

_Noreturn void compiler_failed(const char *what, int number)
{
    say_error(what, number);
    report.status = BHD_INTERNAL;
    compiler_end(BHD__VERDICT_REFUSED);
}

_Noreturn void compiler_end(bhd__verdict verdict)
{
    /* Another thread is at it, and exit_group comes any moment. */
    if (atomic_flag_test_and_set_explicit(&ending, memory_order_acq_rel))
        for (;;)
            continue;

    bhd__compile_report *shared = &((bhd__exchange_page *)file)->report;
    report.verdict = (uint32_t)verdict;
    report.magic = 0;
    *shared = report;
    atomic_thread_fence(memory_order_release);
    *(volatile uint64_t *)&shared->magic = BHD__REPORT_MAGIC;
    _exit(BHD__EXIT_CODE_OF(verdict));
}
