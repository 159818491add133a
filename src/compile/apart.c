#include "compile/apart.h"

#include "base/alloc.h"
#include "base/checked.h"
#include "base/fail.h"
#include "compile/memory_file.h"
#include "compile/program.h"
#include "compile/warden.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Below it, threads cost more time than they save. */
#define THREADS_FROM_BYTES ((size_t)16 << 10)
#define THREADS_MAX 4

#define NAME_IT                                                                                    \
    "Install bulkhead-compile of this build, or name it (host option compiler_path, --compiler)"

_Static_assert(sizeof(bhd__exchange_page) <= BHD__REPORT_TEXT_OFFSET,
               "the text lies behind the page");

struct bhd__compiler {
    bhd__compiler_options options; /* without `path` */
    bhd__program program;
    bhd__turns turns;
};

/* One compilation. On the heap, because a thread's stack may have no more than 16 KiB. */
typedef struct exchange {
    bhd__descriptor binary, output, report;
    bhd__terms terms;
    bhd__exchange_page page;
    bhd__words said;
} exchange;

/* -- the compiler of a host -------------------------------------------------------------------- */

bhd_status bhd__compiler_new(const bhd__compiler_options *options, bhd__compiler **compiler,
                             bhd_error *error)
{
    assert(options->max_seconds > 0 && strlen(options->build) < BHD__BUILD_BYTES);
    bhd__compiler *c = bhd__calloc(1, sizeof *c);
    if (c == NULL)
        return bhd__fail_no_memory(error);
    c->options = *options;
    c->options.path = NULL;
    if (!bhd__turns_init(&c->turns, options->max_at_once)) {
        bhd__free(c);
        return bhd__fail_no_memory(error);
    }
    bhd_status status = bhd__program_find(options->path, &c->program, error);
    if (status != BHD_OK) {
        bhd__turns_fini(&c->turns);
        bhd__free(c);
        return status;
    }
    *compiler = c;
    return BHD_OK;
}

void bhd__compiler_close(bhd__compiler *compiler)
{
    bhd__turns_close(&compiler->turns);
}

void bhd__compiler_free(bhd__compiler *compiler)
{
    if (compiler == NULL)
        return;
    bhd__turns_fini(&compiler->turns);
    bhd__program_close(&compiler->program);
    bhd__free(compiler);
}

/* -- what may prevent it ----------------------------------------------------------------------- */

/* What may be there at another time is no capacity; everything else is for somebody to mend. */
static bhd_status fail_to_start(const bhd__compiler *compiler, const char *step, int number,
                                bhd_error *error)
{
    const char *reason = bhd__errno_text(number);
    switch (number) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
        return bhd__fail(error, BHD_NO_CAPACITY,
                         "the compiler cannot be started: %s: %s. The system has no more "
                         "processes, descriptors or memory for this one: try again, or raise its "
                         "limits (ulimit -u, -n, -v)",
                         step, reason);
    default:
        break;
    }
    if (strcmp(step, "execveat") == 0 && (number == ENOENT || number == ENOEXEC))
        return bhd__fail(error, BHD_NO_COMPILER,
                         "compiler %s: it is not Bulkhead's compiler: it is %s. " NAME_IT,
                         compiler->program.text,
                         number == ENOEXEC ? "no program that this system knows"
                                           : "a script, or needs a program that is not there");
    if (strcmp(step, "execveat") == 0)
        return bhd__fail(error, BHD_NO_COMPILER, "compiler %s: it cannot be executed: %s. " NAME_IT,
                         compiler->program.text, reason);
    return bhd__fail(error, BHD_NO_COMPILER,
                     "the compiler cannot be started: %s: %s. What confines this process has to "
                     "allow that",
                     step, reason);
}

static bhd_status fail_closed_descriptor(const char *what, bhd_error *error)
{
    return bhd__fail(error, BHD_NO_COMPILER,
                     "the program around the host has closed a descriptor that it did not open: %s",
                     what);
}

static bhd_status check_program(const bhd__program *program, bhd_error *error)
{
    if (program->file.number < 0)
        return bhd__fail(error, BHD_NO_COMPILER, "there is no compiler: %s. " NAME_IT,
                         program->text);
    if (!bhd__descriptor_is(&program->file, program->file.number))
        return fail_closed_descriptor("that of the compiler", error);
    return BHD_OK;
}

/* A write beyond the limit is a signal that ends the process, so it is asked before. */
static bhd_status check_file_sizes(const bhd__compile_request *request, uint64_t *most,
                                   bhd_error *error)
{
    struct rlimit sizes;
    uint64_t needs =
        request->size > BHD__REPORT_FILE_BYTES ? request->size : BHD__REPORT_FILE_BYTES;
    if (getrlimit(RLIMIT_FSIZE, &sizes) != 0) {
        *most = UINT64_MAX;
        return BHD_OK;
    }
    *most = sizes.rlim_max == RLIM_INFINITY ? UINT64_MAX : sizes.rlim_max;
    if (sizes.rlim_cur == RLIM_INFINITY || needs <= sizes.rlim_cur)
        return BHD_OK;
    (void)bhd__fail(error, BHD_NO_CAPACITY,
                    "the compiler cannot be given the component: that takes a file of %" PRIu64
                    " bytes in memory, and this process may write at most %" PRIu64
                    " bytes to a file (RLIMIT_FSIZE, ulimit -f)",
                    needs, (uint64_t)sizes.rlim_cur);
    bhd__error_range(error, needs, 0, sizes.rlim_cur);
    return BHD_NO_CAPACITY;
}

/* -- one compilation --------------------------------------------------------------------------- */

static uint32_t processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (uint32_t)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more than the set has room for */
    return online > 0 ? (uint32_t)online : 1;
}

static uint32_t threads_for(size_t size)
{
    uint32_t threads = size < THREADS_FROM_BYTES ? 0 : processors();
    if (threads > THREADS_MAX)
        return THREADS_MAX;
    return threads < 2 ? 0 : threads;
}

static void describe_job(const bhd__compiler *compiler, const bhd__compile_request *request,
                         exchange *x)
{
    const bhd__compiler_options *options = &compiler->options;
    bhd__compile_job *job = &x->page.job;
    (void)memset(&x->page, 0, sizeof x->page);
    (void)memcpy(job->build, options->build, strlen(options->build) + 1);
    job->max_data_bytes = options->max_bytes;
    if (!bhd__mul_u64(options->max_seconds, 1000, &job->max_cpu_ms))
        job->max_cpu_ms = UINT64_MAX;
    job->max_output_bytes = x->terms.max_output_bytes < x->terms.max_file_bytes
                                ? x->terms.max_output_bytes
                                : x->terms.max_file_bytes;
    job->threads = threads_for(request->size);
    job->settings_bytes = (uint32_t)request->settings_bytes;
    if (request->settings_bytes > 0)
        (void)memcpy(job->settings, request->settings, request->settings_bytes);
}

/* Where the process is sure to be started without a copy of any guest's file. */
static bool are_below_floor(const bhd__compiler *compiler, const exchange *x)
{
    const int floor = bhd__descriptor_floor();
    return compiler->program.file.number < floor && x->binary.number < floor &&
           x->output.number < floor && x->report.number < floor;
}

/* Every file before the process starts, and of no other size afterwards. False with errno. */
static bool make_files(const bhd__compile_request *request, exchange *x, const char **step)
{
    *step = "memfd_create";
    x->binary = bhd__memory_file_new("bulkhead-binary");
    if (x->binary.number >= 0)
        x->output = bhd__memory_file_new("bulkhead-artefact");
    if (x->output.number >= 0)
        x->report = bhd__memory_file_new("bulkhead-report");
    if (x->report.number < 0)
        return false;
    *step = "write";
    if (!bhd__memory_file_write(&x->binary, request->binary, request->size) ||
        !bhd__memory_file_write(&x->report, &x->page, sizeof x->page))
        return false;
    *step = "ftruncate";
    if (ftruncate(x->report.number, (off_t)BHD__REPORT_FILE_BYTES) != 0)
        return false;
    /* What anybody prints is text, also what is printed before the compiler's first line. */
    *step = "lseek";
    if (lseek(x->report.number, (off_t)BHD__REPORT_TEXT_OFFSET, SEEK_SET) < 0)
        return false;
    *step = "fcntl";
    return bhd__memory_file_fix(&x->binary) && bhd__memory_file_fix_size(&x->report);
}

/* The numbers still name what they named before it started. */
static bool are_ours(const exchange *x)
{
    return bhd__descriptor_is(&x->binary, x->binary.number) &&
           bhd__descriptor_is(&x->output, x->output.number) &&
           bhd__descriptor_is(&x->report, x->report.number);
}

static bool read_words(const bhd__descriptor *report, bhd__words *said)
{
    return pread(report->number, &said->report, sizeof said->report,
                 (off_t)offsetof(bhd__exchange_page, report)) == (ssize_t)sizeof said->report &&
           pread(report->number, said->text, sizeof said->text, (off_t)BHD__REPORT_TEXT_OFFSET) ==
               (ssize_t)sizeof said->text;
}

/* The file of the output is the caller's afterwards. */
static void hand_over(exchange *x, const bhd__ending *ending, bhd__compiled *compiled)
{
    *compiled = (bhd__compiled){
        .output = x->output.number,
        .artifact_bytes = x->said.report.artifact_bytes,
        .description_bytes = x->said.report.description_bytes,
        .wall_ns = ending->wall_ns,
        .cpu_ns = ending->cpu_ns,
        .peak_bytes = x->said.report.peak_bytes,
    };
    x->output.number = -1;
}

static bhd_status judge(exchange *x, const bhd__ending *ending, bhd__compiled *compiled,
                        bhd_error *error)
{
    bhd__outcome outcome = {.ending = *ending, .said = &x->said};
    if (!are_ours(x))
        return fail_closed_descriptor("one of the compilation's", error);
    /* Its size is what it is when nobody can change it any more. */
    outcome.is_output_fixed = bhd__memory_file_fix(&x->output);
    if (!bhd__memory_file_size(&x->output, &outcome.output_bytes) ||
        !read_words(&x->report, &x->said))
        return bhd__fail(error, BHD_INTERNAL, "the compiler's report cannot be read: %s",
                         bhd__errno_text(errno));
    bhd__verdict verdict = bhd__verdict_of(&outcome, &x->terms);
    bhd_status status = bhd__verdict_status(verdict, &outcome, &x->terms, error);
    if (status == BHD_OK)
        hand_over(x, ending, compiled);
    return status;
}

static bhd_status run(bhd__compiler *compiler, const bhd__compile_request *request, exchange *x,
                      bhd__compiled *compiled, bhd_error *error)
{
    const char *step;
    bhd__start_failure failure;
    bhd__ending ending;
    describe_job(compiler, request, x);
    if (!make_files(request, x, &step))
        return fail_to_start(compiler, step, errno, error);
    if (!are_below_floor(compiler, x))
        return bhd__fail(
            error, BHD_NO_CAPACITY,
            "the compiler cannot be started: this process has as many descriptors open "
            "as half of what it might have at its beginning, and the other half is for "
            "guests' files. Try again, or begin it with a higher limit (ulimit -n)");
    bhd__ward ward = {
        .program = compiler->program.file.number,
        .descriptors = {x->binary.number, x->output.number, x->report.number},
        .name = "bulkhead-compile",
        .max_file_bytes = x->page.job.max_output_bytes,
        .cancelled = request->client.cancelled,
        .closed = &compiler->turns.closed,
    };
    if (ward.max_file_bytes < BHD__REPORT_FILE_BYTES)
        ward.max_file_bytes = BHD__REPORT_FILE_BYTES;
    if (!bhd__mul_u64(compiler->options.max_seconds, UINT64_C(1000000000), &ward.max_ns))
        ward.max_ns = UINT64_MAX;
    if (!bhd__warden_run(&ward, &ending, &failure))
        return fail_to_start(compiler, failure.step, failure.number, error);
    return judge(x, &ending, compiled, error);
}

static bhd_status compile(bhd__compiler *compiler, const bhd__compile_request *request,
                          bhd__compiled *compiled, bhd_error *error)
{
    uint64_t max_file_bytes;
    bhd_status status = check_program(&compiler->program, error);
    if (status == BHD_OK)
        status = check_file_sizes(request, &max_file_bytes, error);
    if (status != BHD_OK)
        return status;
    exchange *x = bhd__malloc(sizeof *x);
    if (x == NULL)
        return bhd__fail_no_memory(error);
    x->binary = x->output = x->report = bhd__descriptor_of(-1);
    x->terms = (bhd__terms){
        .program = compiler->program.text,
        .build = compiler->options.build,
        .max_seconds = compiler->options.max_seconds,
        .max_bytes = compiler->options.max_bytes,
        .max_output_bytes = compiler->options.max_output_bytes,
        .max_file_bytes = max_file_bytes,
    };
    status = run(compiler, request, x, compiled, error);
    bhd__descriptor_close(&x->binary);
    bhd__descriptor_close(&x->output);
    bhd__descriptor_close(&x->report);
    bhd__free(x);
    return status;
}

static bhd_status compile_in_turn(bhd__compiler *compiler, const bhd__compile_request *request,
                                  bhd__compiled *compiled, bhd_error *error)
{
    bhd__turn turn;
    if (!bhd__turns_take(&compiler->turns, &request->client, &turn))
        return bhd__fail(error, BHD_CANCELLED, "the compilation was cancelled before it began");
    bhd_status status = compile(compiler, request, compiled, error);
    if (status == BHD_OK)
        compiled->turn = turn;
    else
        bhd__turn_end(&turn);
    return status;
}

bhd_status bhd__compile_apart(bhd__compiler *compiler, const bhd__compile_request *request,
                              bhd__compiled *compiled, bhd_error *error)
{
    assert(request->settings_bytes <= BHD__SETTINGS_BYTES);
    /* A thread that ended here would leave its turn, its files and its place in line. */
    int cancellation;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
    bhd_status status = compile_in_turn(compiler, request, compiled, error);
    (void)pthread_setcancelstate(cancellation, &cancellation);
    return status;
}
