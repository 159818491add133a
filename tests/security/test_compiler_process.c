/*
 * The real bulkhead-compile: what the system says about it while it compiles, how it ends on what
 * it cannot compile, and that it compiles nothing when it could not give up everything.
 *
 * What it may do when it has is test_compiler_confinement.c's.
 */
#include "support/bomb_text.h"
#include "support/compiler_process.h"
#include "support/real_guest.h"

#include "engine/code/build.h"
#include "engine/code/translate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static const char small[] = "(module (func (export \"f\") (result i32) i32.const 1))";

/* Takes minutes: that many values live over that many joins. */
static bomb_text endless;

static int make_endless(void **state)
{
    (void)state;
    bomb_put(&endless, "(module (func (param i32) (result i32) ");
    for (unsigned i = 0; i < 30000; i++)
        bomb_printf(&endless, "local.get 0 i32.const %u i32.mul ", i);
    for (unsigned i = 0; i < 30000; i++)
        bomb_put(&endless, "block local.get 0 br_if 0 end ");
    for (unsigned i = 1; i < 30000; i++)
        bomb_put(&endless, "i32.add ");
    bomb_put(&endless, "))");
    return 0;
}

static int free_endless(void **state)
{
    (void)state;
    bomb_free(&endless);
    return 0;
}

static void expect_verdict(compiler_process *p, bhd__verdict wanted)
{
    bhd__verdict verdict = compiler_process_wait(p);
    if (verdict != wanted)
        fail_msg("verdict %d instead of %d, status %x, text: %s", (int)verdict, (int)wanted,
                 (unsigned)p->status, p->text);
}

static void expect_signal(compiler_process *p, int wanted)
{
    bhd__verdict verdict = compiler_process_wait(p);
    if (!WIFSIGNALED(p->status) || WTERMSIG(p->status) != wanted)
        fail_msg("verdict %d, status %x instead of signal %d, text: %s", (int)verdict,
                 (unsigned)p->status, wanted, p->text);
}

/* -- what it does ----------------------------------------------------------------------------- */

static void compiles(void **state)
{
    (void)state;
    static const char component[] = "(component (core module (func (export \"f\"))))";
    const struct {
        const char *text;
        size_t size;
    } inputs[] = {{small, sizeof small - 1}, {component, sizeof component - 1}};
    for (uint32_t threads = 0; threads <= 4; threads += 2) {
        for (size_t i = 0; i < COUNT_OF(inputs); i++) {
            compiler_process p;
            char magic[4];
            compiler_process_init(&p, threads);
            compiler_process_start(&p, inputs[i].text, inputs[i].size);
            expect_verdict(&p, BHD__VERDICT_COMPILED);
            assert_int_equal(65, WEXITSTATUS(p.status));
            assert_true(p.report.artifact_bytes > 0);
            assert_true(p.report.description_bytes > 0);
            assert_int_equal(p.output_bytes, p.report.artifact_bytes + p.report.description_bytes);
            assert_int_equal(sizeof magic, pread(p.output, magic, sizeof magic, 0));
            assert_memory_equal("\x7f"
                                "ELF",
                                magic, sizeof magic);
            assert_int_equal(1, p.report.has_filter);
            assert_true(p.report.peak_bytes > 0);
            assert_true(p.report.peak_bytes < MIB(64));
            compiler_process_fini(&p);
        }
    }
}

/* -- what the system says about it ------------------------------------------------------------ */

static void expect_fact(pid_t pid, const char *name, const char *wanted)
{
    char value[64];
    compiler_process_fact(pid, name, value, sizeof value);
    if (strcmp(value, wanted) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", name, value, wanted);
}

static void expect_limit(pid_t pid, const char *name, const char *wanted)
{
    char path[64], line[256], soft[32] = "", hard[32] = "", both[80];
    (void)snprintf(path, sizeof path, "/proc/%d/limits", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            (void)sscanf(line + strlen(name), "%31s %31s", soft, hard);
    (void)fclose(file);
    (void)snprintf(both, sizeof both, "%s %s", soft, hard);
    if (strcmp(both, wanted) != 0)
        fail_msg("%s: \"%s\" instead of \"%s\"", name, both, wanted);
}

/* Its entries below /proc are its own only for root, because it cannot be dumped. */
static DIR *open_of(pid_t pid, const char *name)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    DIR *directory = opendir(path);
    if (!directory) {
        assert_int_equal(EACCES, errno);
        assert_true(getuid() != 0);
    }
    return directory;
}

static void expect_three_descriptors(pid_t pid)
{
    unsigned seen = 0;
    DIR *directory = open_of(pid, "fd");
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.') {
            assert_in_range(strtoul(entry->d_name, NULL, 10), 0, 2);
            seen++;
        }
    (void)closedir(directory);
    assert_int_equal(3, seen);
}

static void expect_threads(pid_t pid, unsigned wanted)
{
    /* The C library's own, by which it changes users in all of them. */
    static const char *const with_threads = "0000000140000000";
    char path[64];
    unsigned seen = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        pid_t thread = (pid_t)strtoul(entry->d_name, NULL, 10);
        if (thread == 0)
            continue;
        seen++;
        expect_fact(thread, "Seccomp", "2");
        expect_fact(thread, "NoNewPrivs", "1");
        expect_fact(thread, "CapPrm", "0000000000000000");
        expect_fact(thread, "CapEff", "0000000000000000");
        /* None blocked; SIGHUP, SIGINT, SIGQUIT, SIGTSTP ignored; SIGSYS caught. */
        expect_fact(thread, "SigBlk", "0000000000000000");
        expect_fact(thread, "SigIgn", "0000000000080007");
        expect_fact(thread, "SigCgt", wanted > 1 ? with_threads : "0000000040000000");
    }
    (void)closedir(directory);
    assert_int_equal(wanted, seen);
}

static void expect_no_writable_code(pid_t pid)
{
    char path[64], line[512], flags[8];
    unsigned seen = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file) {
        assert_true(getuid() != 0);
        return;
    }
    while (fgets(line, sizeof line, file)) {
        assert_int_equal(1, sscanf(line, "%*s %7s", flags));
        assert_false(strchr(flags, 'w') && strchr(flags, 'x'));
        seen++;
    }
    (void)fclose(file);
    assert_true(seen > 0);
}

/* So that a host which holds more is not ended in its place. */
static void expect_ended_first(pid_t pid)
{
    char path[64], line[16] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    (void)fclose(file);
    assert_string_equal("1000\n", line);
}

static void is_shut_in_while_it_compiles(void **state)
{
    (void)state;
    for (uint32_t threads = 0; threads <= 2; threads += 2) {
        const size_t most = 2 * (size_t)987654321 + (1 << 30) + endless.size;
        char addresses[64];
        compiler_process p;
        int inherited = open("/dev/null", O_RDONLY); /* not closed by exec */
        assert_true(inherited > STDERR_FILENO);
        compiler_process_init(&p, threads);
        p.job.max_data_bytes = 987654321;
        p.job.max_cpu_ms = 45500;
        p.job.max_output_bytes = 123456789;
        compiler_process_start(&p, endless.data, endless.size);
        assert_true(compiler_process_stop_confined(&p));
        expect_threads(p.pid, threads + 1);
        expect_three_descriptors(p.pid);
        expect_no_writable_code(p.pid);
        expect_ended_first(p.pid);
        expect_limit(p.pid, "Max data size", "987654321 987654321");
        (void)snprintf(addresses, sizeof addresses, "%zu %zu", most, most);
        expect_limit(p.pid, "Max address space", addresses);
        expect_limit(p.pid, "Max cpu time", "46 47");
        expect_limit(p.pid, "Max file size", "123456789 123456789");
        expect_limit(p.pid, "Max open files", "0 0");
        expect_limit(p.pid, "Max processes", "0 0");
        expect_limit(p.pid, "Max core file size", "0 0");
        expect_limit(p.pid, "Max locked memory", "0 0");
        compiler_process_fini(&p);
        (void)close(inherited);
    }
}

/* -- how it ends ------------------------------------------------------------------------------ */

static void refuses_garbage(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } inputs[] = {
        {"", 0},
        {"garbage", 7},
        {"\0asm\1\0\0\0\xff\xff\xff\xff", 12},
        {"\0asm\x0d\0\1\0\1\1\1\1\1", 13},
        {"(module (func (result i32)))", 28},
    };
    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        compiler_process p;
        compiler_process_init(&p, 0);
        compiler_process_start(&p, inputs[i].bytes, inputs[i].size);
        expect_verdict(&p, BHD__VERDICT_REFUSED);
        assert_int_equal(BHD_COMPONENT_INVALID, p.report.status);
        assert_true(p.report.text_bytes > 0);
        assert_int_equal(p.report.text_bytes, strlen(p.text));
        assert_int_equal(0, p.output_bytes);
        assert_int_equal(1, p.report.has_filter);
        compiler_process_fini(&p);
    }
}

static void refuses_settings_of_another_size(void **state)
{
    (void)state;
    compiler_process p;
    compiler_process_init(&p, 0);
    p.job.settings_bytes++;
    compiler_process_start(&p, small, sizeof small - 1);
    expect_verdict(&p, BHD__VERDICT_REFUSED);
    assert_int_equal(BHD_INVALID_ARGUMENT, p.report.status);
    compiler_process_fini(&p);
}

/* Nothing else of a job is looked at that another build wrote. */
static void names_its_build_to_another(void **state)
{
    (void)state;
    static const char *const builds[] = {"", "0.0.0 another"};
    compiler_process p;
    for (size_t i = 0; i < COUNT_OF(builds); i++) {
        compiler_process_init(&p, 0);
        memset(&p.job, 0xff, sizeof p.job);
        (void)snprintf(p.job.build, sizeof p.job.build, "%s", builds[i]);
        compiler_process_start(&p, small, sizeof small - 1);
        expect_verdict(&p, BHD__VERDICT_OTHER_BUILD);
        assert_string_equal(bhd__engine_build(), p.text);
        assert_int_equal(0, p.output_bytes);
        compiler_process_fini(&p);
    }
    /* A longer one that begins alike, and one that does not end. */
    compiler_process_init(&p, 0);
    memset(p.job.build + strlen(p.job.build), 'x', sizeof p.job.build - strlen(p.job.build));
    compiler_process_start(&p, small, sizeof small - 1);
    expect_verdict(&p, BHD__VERDICT_OTHER_BUILD);
    compiler_process_fini(&p);
}

static void runs_out_of_memory(void **state)
{
    (void)state;
    for (uint32_t threads = 0; threads <= 2; threads += 2) {
        compiler_process p;
        compiler_process_init(&p, threads);
        p.job.max_data_bytes = MIB(24);
        compiler_process_start(&p, endless.data, endless.size);
        expect_verdict(&p, BHD__VERDICT_OUT_OF_MEMORY);
        assert_int_equal(67, WEXITSTATUS(p.status));
        assert_true(p.report.wanted_bytes > 0);
        assert_in_range(p.report.peak_bytes, MIB(1), MIB(24));
        compiler_process_fini(&p);
    }
}

/* Wherever it is that memory ends, in whichever function of whoever's code, it is that verdict. */
static void memory_may_end_anywhere(void **state)
{
    (void)state;
    bomb_text t = {0};
    bomb_put(&t, "(module ");
    for (unsigned i = 0; i < 100; i++)
        bomb_printf(&t, "(func (export \"f%u\") (param i32) (result i32) local.get 0 call 0)", i);
    bomb_put(&t, ")");
    for (uint32_t threads = 0; threads <= 2; threads += 2) {
        bhd__verdict verdict = BHD__VERDICT_OUT_OF_MEMORY;
        uint64_t bytes = KIB(64);
        unsigned refusals = 0;
        for (; verdict != BHD__VERDICT_COMPILED && bytes < MIB(64); bytes += KIB(96)) {
            compiler_process p;
            compiler_process_init(&p, threads);
            p.job.max_data_bytes = bytes;
            compiler_process_start(&p, t.data, t.size);
            verdict = compiler_process_wait(&p);
            if (verdict != BHD__VERDICT_COMPILED && verdict != BHD__VERDICT_OUT_OF_MEMORY)
                fail_msg("%zu bytes: verdict %d, status %x, text: %s", (size_t)bytes, (int)verdict,
                         (unsigned)p.status, p.text);
            refusals += verdict == BHD__VERDICT_OUT_OF_MEMORY;
            compiler_process_fini(&p);
        }
        assert_true(refusals > 10);
        assert_int_equal(BHD__VERDICT_COMPILED, verdict);
    }
    bomb_free(&t);
}

/* What is no fault of the binary's and none of the confinement's. */
static void says_what_the_system_refused(void **state)
{
    (void)state;
    compiler_process p;
    int ends[2];
    assert_int_equal(0, pipe2(ends, O_CLOEXEC));
    for (int reads = 0; reads <= 1; reads++) {
        compiler_process_init(&p, 0);
        compiler_process_make_files(&p, small, sizeof small - 1);
        compiler_process_start_with(&p, reads ? ends[0] : p.input, reads ? p.output : ends[0],
                                    p.exchange);
        expect_verdict(&p, BHD__VERDICT_REFUSED);
        assert_int_equal(BHD_INTERNAL, p.report.status);
        assert_string_equal(reads ? "the binary is no file: Invalid argument"
                                  : "the output cannot be written: Bad file descriptor",
                            p.text);
        compiler_process_fini(&p);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* A host that ignores and blocks every signal gives that to whom it starts. */
static void ignore_everything(void *env)
{
    sigset_t all;
    (void)env;
    for (int number = 1; number < SIGRTMIN; number++)
        (void)signal(number, SIG_IGN);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
}

static void runs_out_of_time(void **state)
{
    (void)state;
    for (uint32_t threads = 0; threads <= 2; threads += 2) {
        compiler_process p;
        compiler_process_init(&p, threads);
        p.job.max_cpu_ms = 150;
        p.before_exec = ignore_everything;
        compiler_process_start(&p, endless.data, endless.size);
        expect_signal(&p, SIGPROF);
        compiler_process_fini(&p);
    }
}

static void writes_no_more_than_allowed(void **state)
{
    (void)state;
    compiler_process p;
    compiler_process_init(&p, 0);
    compiler_process_start(&p, small, sizeof small - 1);
    expect_verdict(&p, BHD__VERDICT_COMPILED);
    const uint64_t all = p.output_bytes;
    compiler_process_fini(&p);

    for (uint64_t less = 0; less <= 1; less++) {
        compiler_process_init(&p, 0);
        p.job.max_output_bytes = all - less;
        compiler_process_start(&p, small, sizeof small - 1);
        if (less == 0) {
            expect_verdict(&p, BHD__VERDICT_COMPILED);
        } else {
            expect_signal(&p, SIGXFSZ);
            assert_int_equal(0, p.output_bytes);
        }
        compiler_process_fini(&p);
    }
}

#ifdef __x86_64__
/* At the compiler's next call of the system another number is put in its place, which is what a
 * compiler that was taken over would do. */
static bool replace_next_call(pid_t pid, unsigned long long call)
{
    int status;
    if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0)
        return false;
    assert_int_equal(0, kill(pid, SIGCONT));
    assert_int_equal(0, ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
    for (;;) {
        assert_int_equal(pid, waitpid(pid, &status, 0));
        assert_true(WIFSTOPPED(status));
        if (WSTOPSIG(status) == (SIGTRAP | 0x80))
            break;
        assert_int_equal(0, ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
    }
    struct user_regs_struct registers;
    assert_int_equal(0, ptrace(PTRACE_GETREGS, pid, NULL, &registers));
    registers.orig_rax = call;
    assert_int_equal(0, ptrace(PTRACE_SETREGS, pid, NULL, &registers));
    assert_int_equal(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
    return true;
}

static void names_a_forbidden_call(void **state)
{
    (void)state;
    compiler_process p;
    compiler_process_init(&p, 0);
    compiler_process_start(&p, endless.data, endless.size);
    assert_true(compiler_process_stop_confined(&p));
    if (!replace_next_call(p.pid, SYS_socket)) {
        assert_true(getuid() != 0);
        compiler_process_fini(&p);
        skip(); /* only root may trace it */
    }
    expect_verdict(&p, BHD__VERDICT_FORBIDDEN);
    assert_int_equal(SYS_socket, p.report.wanted_bytes);
    compiler_process_fini(&p);
}
#endif

static void dies_with_its_parent(void **state)
{
    (void)state;
    int ends[2], status;
    pid_t pid = 0;
    assert_int_equal(0, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    assert_int_equal(0, pipe(ends));
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        compiler_process p;
        compiler_process_init(&p, 2);
        p.job.max_cpu_ms = 3000;
        compiler_process_start(&p, endless.data, endless.size);
        if (!compiler_process_stop_confined(&p) || kill(p.pid, SIGCONT) != 0 ||
            write(ends[1], &p.pid, sizeof p.pid) != (ssize_t)sizeof p.pid)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(ends[1]);
    assert_int_equal(sizeof pid, read(ends[0], &pid, sizeof pid));
    assert_int_equal(0, kill(parent, SIGKILL));
    assert_int_equal(parent, waitpid(parent, &status, 0));
    assert_int_equal(pid, waitpid(pid, &status, 0));
    assert_true(WIFSIGNALED(status));
    assert_int_equal(SIGKILL, WTERMSIG(status));
    assert_int_equal(0, prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0));
    (void)close(ends[0]);
}

static void says_what_it_is_without_an_exchange(void **state)
{
    (void)state;
    int ends[2], nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    char said[512] = "";
    compiler_process p = {.input = -1, .output = -1, .exchange = -1};
    assert_int_equal(0, pipe2(ends, O_CLOEXEC));
    compiler_process_start_with(&p, nothing, nothing, ends[1]);
    (void)compiler_process_wait(&p);
    assert_true(WIFEXITED(p.status));
    assert_int_equal(2, WEXITSTATUS(p.status));
    assert_true(read(ends[0], said, sizeof said - 1) > 0);
    assert_string_equal(
        "bulkhead-compile: a part of Bulkhead, which starts it to compile one component in a\n"
        "process that is shut in. It takes no arguments and no files, and is of no use by hand:\n"
        "`bulkhead run` and `bulkhead check` start it when they need it.\n",
        said);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(nothing);
}

/* -- nothing without the whole confinement ---------------------------------------------------- */

typedef struct step {
    const char *name;
    int call;
    int argument; /* which one says what is refused; -1: none */
    unsigned long value;
} step;

typedef struct refusal {
    const step *step;
    int number;
} refusal;

static void refuse_step(void *env)
{
    const refusal *r = env;
    const struct scmp_arg_cmp comparison = {(unsigned)r->step->argument, SCMP_CMP_EQ,
                                            r->step->value, 0};
    const uint32_t action = SCMP_ACT_ERRNO((uint32_t)r->number);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter ||
        seccomp_rule_add_array(filter, action, r->step->call, r->step->argument >= 0,
                               &comparison) != 0 ||
        seccomp_load(filter) != 0)
        _exit(1);
}

static void start_without(compiler_process *p, uint32_t threads, refusal *r)
{
    compiler_process_init(p, threads);
    p->before_exec = refuse_step;
    p->env = r;
    compiler_process_start(p, small, sizeof small - 1);
}

static void compiles_nothing_when_a_step_fails(void **state)
{
    (void)state;
    static const step steps[] = {
        {"sigaction", SYS_rt_sigaction, 0, SIGTERM},
        {"PR_SET_PDEATHSIG", SYS_prctl, 0, PR_SET_PDEATHSIG},
        {"PR_SET_NO_NEW_PRIVS", SYS_prctl, 0, PR_SET_NO_NEW_PRIVS},
        {"capset", SYS_capset, -1, 0},
        {"PR_SET_DUMPABLE", SYS_prctl, 0, PR_SET_DUMPABLE},
        {"close_range", SYS_close_range, -1, 0},
        {"landlock_create_ruleset", SYS_landlock_create_ruleset, 2, 0},
        {"landlock_restrict_self", SYS_landlock_restrict_self, -1, 0},
        {"SIGSYS", SYS_rt_sigaction, 0, SIGSYS},
        {"RLIMIT_CPU", SYS_prlimit64, 1, RLIMIT_CPU},
        {"ITIMER_PROF", SYS_setitimer, -1, 0},
        {"RLIMIT_DATA", SYS_prlimit64, 1, RLIMIT_DATA},
        {"RLIMIT_FSIZE", SYS_prlimit64, 1, RLIMIT_FSIZE},
        {"RLIMIT_STACK", SYS_prlimit64, 1, RLIMIT_STACK},
        {"RLIMIT_NOFILE", SYS_prlimit64, 1, RLIMIT_NOFILE},
        {"RLIMIT_NPROC", SYS_prlimit64, 1, RLIMIT_NPROC},
        {"RLIMIT_CORE", SYS_prlimit64, 1, RLIMIT_CORE},
        {"RLIMIT_MEMLOCK", SYS_prlimit64, 1, RLIMIT_MEMLOCK},
        {"seccomp", SYS_seccomp, -1, 0},
    };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        compiler_process p;
        refusal r = {&steps[i], EPERM};
        start_without(&p, i % 2, &r);
        expect_verdict(&p, BHD__VERDICT_NOT_CONFINED);
        assert_int_equal(0, p.output_bytes);
        assert_int_equal(0, p.report.has_filter);
        /* SIGSYS is set to its default before it is caught. */
        if (strcmp(steps[i].name, "SIGSYS") != 0)
            assert_memory_equal(steps[i].name, p.text, strlen(steps[i].name));
        if (strcmp(steps[i].name, "seccomp") != 0)
            expect_in(p.text, ": Operation not permitted");
        compiler_process_fini(&p);
    }
}

static void compiles_without_landlock_and_says_so(void **state)
{
    (void)state;
    static const step create = {"", SYS_landlock_create_ruleset, -1, 0};
    /* Not built in, switched off, hidden by a container. */
    static const int numbers[] = {ENOSYS, EOPNOTSUPP, EPERM};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        compiler_process p;
        refusal r = {&create, numbers[i]};
        start_without(&p, 0, &r);
        expect_verdict(&p, BHD__VERDICT_COMPILED);
        assert_int_equal(0, p.report.landlock_abi);
        compiler_process_fini(&p);
    }
}

static void needs_limits(void **state)
{
    (void)state;
    static const char *const wanted[] = {"RLIMIT_DATA", "RLIMIT_CPU", "RLIMIT_FSIZE"};
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        compiler_process p;
        compiler_process_init(&p, 0);
        uint64_t *const limits[] = {&p.job.max_data_bytes, &p.job.max_cpu_ms,
                                    &p.job.max_output_bytes};
        *limits[i] = 0;
        compiler_process_start(&p, small, sizeof small - 1);
        expect_verdict(&p, BHD__VERDICT_NOT_CONFINED);
        assert_memory_equal(wanted[i], p.text, strlen(wanted[i]));
        compiler_process_fini(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiles),
        cmocka_unit_test(is_shut_in_while_it_compiles),
        cmocka_unit_test(refuses_garbage),
        cmocka_unit_test(refuses_settings_of_another_size),
        cmocka_unit_test(names_its_build_to_another),
        cmocka_unit_test(runs_out_of_memory),
        cmocka_unit_test(memory_may_end_anywhere),
        cmocka_unit_test(runs_out_of_time),
        cmocka_unit_test(says_what_the_system_refused),
        cmocka_unit_test(writes_no_more_than_allowed),
#ifdef __x86_64__
        cmocka_unit_test(names_a_forbidden_call),
#endif
        cmocka_unit_test(dies_with_its_parent),
        cmocka_unit_test(says_what_it_is_without_an_exchange),
        cmocka_unit_test(compiles_nothing_when_a_step_fails),
        cmocka_unit_test(compiles_without_landlock_and_says_so),
        cmocka_unit_test(needs_limits),
    };
    return cmocka_run_group_tests(tests, make_endless, free_endless);
}
