/*
 * The confinement of the compiler process (compiler/confine.h), tried by this program itself: each
 * attempt is made in a child that has given up what the process gives up, the whole of it or one
 * step alone, so that each wall stands by itself.
 */
#include "confine.h"
#include "support/child.h"
#include "support/real_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { LANDLOCK_WITH_SIGNALS = 6, TRAPPED = 90 };

static const compiler_limits generous = {UINT64_C(1) << 40, 3600000, UINT64_C(1) << 40,
                                         UINT64_C(1) << 46};

/* Sanitizers ask the system for the bounds of the stack before a function that does not return, and
 * before a jump; so this one does not say that it is one. */
__attribute__((noinline)) static void leave(int code)
{
    (void)syscall(SYS_exit_group, code);
}

/* Attempts have no assertions to jump to, and writing is what they may all do. */
static void needed(bool holds, int line, const char *what)
{
    char text[256];
    if (holds)
        return;
    int length = snprintf(text, sizeof text, "line %d: %s (errno %d)\n", line, what, errno);
    (void)!write(STDERR_FILENO, text, (size_t)length);
    leave(1);
}
#define NEED(condition) needed((condition), __LINE__, #condition)

static void need(const char *failed)
{
    if (failed) {
        print_error("%s: %s\n", failed, strerror(errno));
        leave(2);
    }
}

static void on_trap(int number)
{
    (void)number;
    leave(TRAPPED);
}

static void catch_traps(void)
{
    struct sigaction action = {.sa_handler = on_trap};
    NEED(sigaction(SIGSYS, &action, NULL) == 0);
}

/* ThreadSanitizer has a thread of its own, which the filter ends. */
static void skip_with_a_thread_in_the_background(void)
{
#ifdef __SANITIZE_THREAD__
    skip();
#endif
}

/* -- the list of calls ------------------------------------------------------------------------ */

static const int listed_alone[] = {
    SYS_brk,           SYS_mmap,   SYS_munmap, SYS_mremap,         SYS_write,  SYS_exit_group,
    SYS_clock_gettime, SYS_getpid, SYS_gettid, SYS_rt_sigprocmask, SYS_tgkill,
};
static const int listed_together[] = {
    SYS_futex, SYS_sched_yield, SYS_mprotect, SYS_madvise, SYS_getrandom, SYS_openat,
};
_Static_assert(COUNT_OF(listed_alone) == 11, "compiler/confine.h and docs say 11");
_Static_assert(COUNT_OF(listed_together) == 6, "compiler/confine.h and docs say 6");

static bool is_listed(int call, bool has_threads)
{
    for (size_t i = 0; i < COUNT_OF(listed_alone); i++)
        if (listed_alone[i] == call)
            return true;
    for (size_t i = 0; has_threads && i < COUNT_OF(listed_together); i++)
        if (listed_together[i] == call)
            return true;
    return false;
}

enum { CALLS = 601 };

/* Linux lets these past every filter, for its own probes of user programs (uretprobe, uprobe). Who
 * calls them without being probed gets an error or is ended. */
static bool is_probe(int call)
{
#ifdef __x86_64__
    return call == 335 || call == 336;
#else
    (void)call;
    return false;
#endif
}

/* What happened to each call, written by the child that makes it. */
typedef struct sweep {
    bool has_threads;
    volatile int call;
    volatile unsigned char tried[CALLS], trapped[CALLS];
} sweep;

static sweep *swept; /* shared with the children */
static sigjmp_buf after_trap;

static void note_trap(int number)
{
    (void)number;
    swept->trapped[swept->call]++;
    siglongjmp(after_trap, 1);
}

/* The arguments mean nothing: no such file, no such address, nothing long. They are such that the
 * filter lets each listed call pass at least once: its own process first, and then no protection or
 * the number of MADV_DONTNEED. */
static void try_calls(void *env)
{
    static const long thirds[] = {0, MADV_DONTNEED};
    static volatile size_t variant;
    const long own = getpid();
    sweep *s = env;
    struct sigaction action = {.sa_handler = note_trap, .sa_flags = SA_NODEFER};
    NEED(sigaction(SIGSYS, &action, NULL) == 0);
    need(compiler_confine_calls(s->has_threads));
    for (; s->call < CALLS; s->call++) {
        if (is_probe(s->call))
            continue;
        for (variant = 0; variant < COUNT_OF(thirds); variant++) {
            s->tried[s->call]++;
            if (sigsetjmp(after_trap, 0) == 0)
                (void)syscall(s->call, own, 0L, thirds[variant], 0L, 0L, 0L);
        }
    }
    leave(0);
}

static void exactly_the_listed_calls_pass(bool has_threads)
{
    size_t passed = 0;
    if (BHD_TESTS_SANITIZED)
        skip(); /* see leave */
    *swept = (sweep){.has_threads = has_threads};
    /* A call that ends the child has passed, and the next child goes on behind it. */
    for (; swept->call < CALLS; swept->call++) {
        int status = child_status(try_calls, swept);
        if (!WIFEXITED(status))
            fail_msg("call %d: status %x", swept->call, (unsigned)status);
        assert_int_not_equal(2, WEXITSTATUS(status));
    }
    for (int call = 0; call < CALLS; call++) {
        if (is_probe(call))
            continue;
        assert_true(swept->tried[call] > 0);
        bool passes = swept->trapped[call] < swept->tried[call];
        passed += passes;
        if (passes != is_listed(call, has_threads))
            fail_msg("call %d %s", call, passes ? "passes and is not listed" : "does not pass");
    }
    assert_int_equal(COUNT_OF(listed_alone) + (has_threads ? COUNT_OF(listed_together) : 0),
                     passed);
}

static void eleven_calls_pass(void **state)
{
    (void)state;
    exactly_the_listed_calls_pass(false);
}

static void seventeen_calls_pass_with_threads(void **state)
{
    (void)state;
    exactly_the_listed_calls_pass(true);
}

/* -- calls with arguments --------------------------------------------------------------------- */

typedef struct attempt {
    const char *name;
    long call, arguments[6];
    bool traps_alone, traps_together;
} attempt;

static void confined_attempt(const attempt *a, bool has_threads)
{
    catch_traps();
    need(compiler_confine_calls(has_threads));
    (void)syscall(a->call, a->arguments[0], a->arguments[1], a->arguments[2], a->arguments[3],
                  a->arguments[4], a->arguments[5]);
    leave(0);
}

static void attempt_alone(void *env)
{
    confined_attempt(env, false);
}

static void attempt_together(void *env)
{
    confined_attempt(env, true);
}

static void arguments_are_looked_at(void **state)
{
    (void)state;
    skip_with_a_thread_in_the_background();
    const long size = 4096, data = PROT_READ | PROT_WRITE, own = MAP_PRIVATE | MAP_ANONYMOUS;
    void *page =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(page != MAP_FAILED);
    const long at = (long)(uintptr_t)page;
    const attempt attempts[] = {
        {"memory", SYS_mmap, {0, size, data, own, -1, 0}, false, false},
        {"code", SYS_mmap, {0, size, data | PROT_EXEC, own, -1, 0}, true, true},
        {"code only", SYS_mmap, {0, size, PROT_EXEC, own, -1, 0}, true, true},
        {"shared", SYS_mmap, {0, size, data, MAP_SHARED | MAP_ANONYMOUS, -1, 0}, true, true},
        {"shared, checked", SYS_mmap, {0, size, data, MAP_SHARED_VALIDATE, 1, 0}, true, true},
        {"growing", SYS_mmap, {0, size, data, own | MAP_GROWSDOWN, -1, 0}, true, true},
        {"not written", SYS_mprotect, {at, size, PROT_READ, 0, 0, 0}, true, false},
        {"data to code", SYS_mprotect, {at, size, PROT_READ | PROT_EXEC, 0, 0, 0}, true, true},
        {"given back", SYS_madvise, {at, size, MADV_DONTNEED, 0, 0, 0}, true, false},
        {"broken", SYS_madvise, {at, size, MADV_HWPOISON, 0, 0, 0}, true, true},
        {"merged", SYS_madvise, {at, size, MADV_MERGEABLE, 0, 0, 0}, true, true},
        {"another's thread", SYS_tgkill, {getpid(), gettid(), 0, 0, 0, 0}, true, true},
        {"another", SYS_kill, {getpid(), 0, 0, 0, 0, 0}, true, true},
        {"a file", SYS_openat, {AT_FDCWD, (long)(uintptr_t) "/dev/null", 0, 0, 0, 0}, true, false},
        {"reading", SYS_read, {0, at, 0, 0, 0, 0}, true, true},
    };
    for (size_t i = 0; i < COUNT_OF(attempts); i++) {
        attempt copy = attempts[i];
        const bool wanted[] = {copy.traps_alone, copy.traps_together};
        void (*const ways[])(void *) = {attempt_alone, attempt_together};
        for (size_t way = 0; way < COUNT_OF(ways); way++) {
            int status = child_status(ways[way], &copy);
            if (!WIFEXITED(status) || WEXITSTATUS(status) != (wanted[way] ? TRAPPED : 0))
                fail_msg("%s, %s threads: status %x", copy.name, way ? "with" : "without", status);
        }
    }
    (void)munmap(page, (size_t)size);
}

static void own_thread_is_signalled(void *env)
{
    (void)env;
    catch_traps();
    need(compiler_confine_calls(false));
    /* As abort does. */
    NEED(syscall(SYS_tgkill, syscall(SYS_getpid), syscall(SYS_gettid), 0) == 0);
    leave(0);
}

static void file_is_not_opened_but_no_trap(void *env)
{
    (void)env;
    catch_traps();
    need(compiler_confine_calls(true));
    NEED(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY) == -1 && errno == EACCES);
    leave(0);
}

static void what_is_needed_works(void **state)
{
    (void)state;
    skip_with_a_thread_in_the_background();
    child_succeeds(own_thread_is_signalled, NULL);
    child_succeeds(file_is_not_opened_but_no_trap, NULL);
}

#ifdef __x86_64__
static void call_by_another_convention(void *env)
{
    catch_traps();
    need(compiler_confine_calls(true));
    if (env)
        (void)syscall(0x40000000L + SYS_getpid);
    else
        __asm__ volatile("int $0x80" : : "a"(20) : "memory");
    leave(0);
}

/* Numbers mean something else there, so nothing is looked at and the process ends. */
static void other_conventions_end_it(void **state)
{
    (void)state;
    skip_with_a_thread_in_the_background();
    int status = child_status(call_by_another_convention, state);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(SIGSYS, WTERMSIG(status));
    /* A kernel without 32-bit programs ends it before the filter. */
    status = child_status(call_by_another_convention, NULL);
    assert_true(WIFSIGNALED(status));
    assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
}
#endif

/* -- each wall alone -------------------------------------------------------------------------- */

static void *open_in_thread(void *argument)
{
    bool *refused = argument;
    *refused = open("/dev/null", O_RDONLY) == -1 && errno == EACCES;
    return NULL;
}

static void landlock_alone(void *env)
{
    uint32_t abi = 77;
    bool refused = false;
    pthread_t thread;
    int pipe_of_this[2];
    (void)env;
    NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    need(compiler_confine_files(&abi));
    if (abi == 0)
        leave(0); /* test_compiler_process.c has the process say so */
    NEED(open("/dev/null", O_RDONLY) == -1 && errno == EACCES);
    NEED(open("/tmp/none", O_RDWR | O_CREAT, 0600) == -1 && errno == EACCES);
    NEED(mkdir("/tmp/none", 0700) == -1 && errno == EACCES);
    if (abi >= LANDLOCK_WITH_SIGNALS)
        NEED(kill(getppid(), 0) == -1 && errno == EPERM);
    /* For threads that come later, too. */
    NEED(pthread_create(&thread, NULL, open_in_thread, &refused) == 0);
    NEED(pthread_join(thread, NULL) == 0);
    NEED(refused);
    /* What needs no file is another wall's affair. */
    NEED(pipe(pipe_of_this) == 0);
    leave(0);
}

static void limits_alone(void *env)
{
    (void)env;
    need(compiler_confine_resources(&generous));
    NEED(open("/dev/null", O_RDONLY) == -1 && errno == EMFILE);
    NEED(socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EMFILE);
    NEED(dup(STDERR_FILENO) == -1 && errno == EMFILE);
    NEED(memfd_create("none", 0) == -1 && errno == EMFILE);
    /* Root is not counted. */
    if (getuid() != 0)
        NEED(fork() == -1 && errno == EAGAIN);
    leave(0);
}

static void filter_alone(void *env)
{
    (void)env;
    catch_traps();
    need(compiler_confine_calls(false));
    (void)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
    leave(0);
}

static void each_wall_alone_keeps_files_closed(void **state)
{
    (void)state;
    child_succeeds(landlock_alone, NULL);
    child_succeeds(limits_alone, NULL);
    skip_with_a_thread_in_the_background();
    int status = child_status(filter_alone, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(TRAPPED, WEXITSTATUS(status));
}

/* -- limits ----------------------------------------------------------------------------------- */

static bool is_limit(__rlimit_resource_t what, uint64_t soft, uint64_t hard)
{
    struct rlimit l;
    return getrlimit(what, &l) == 0 && l.rlim_cur == soft && l.rlim_max == hard;
}

static void limits_are_those_asked_for(void *env)
{
    const compiler_limits limits = {UINT64_C(1) << 40, 2500, 12345, UINT64_C(1) << 46};
    struct itimerval timer;
    (void)env;
    need(compiler_confine_resources(&limits));
    NEED(is_limit(RLIMIT_DATA, UINT64_C(1) << 40, UINT64_C(1) << 40));
    NEED(is_limit(RLIMIT_AS, UINT64_C(1) << 46, UINT64_C(1) << 46));
    NEED(is_limit(RLIMIT_CPU, 3, 4));
    NEED(is_limit(RLIMIT_FSIZE, 12345, 12345));
    NEED(is_limit(RLIMIT_NOFILE, 0, 0));
    NEED(is_limit(RLIMIT_NPROC, 0, 0));
    NEED(is_limit(RLIMIT_CORE, 0, 0));
    NEED(is_limit(RLIMIT_MEMLOCK, 0, 0));
    NEED(getitimer(ITIMER_PROF, &timer) == 0);
    NEED(timer.it_value.tv_sec == 2 && timer.it_value.tv_usec > 0);
    leave(0);
}

/* What the host may not have more of, it cannot give, and compiles all the same. */
static void limits_of_the_host_stay(void *env)
{
    const struct rlimit data = {UINT64_C(1) << 39, UINT64_C(1) << 39}, cpu = {100, 100},
                        file = {1000, 1000}, stack = {1 << 20, 1 << 20};
    (void)env;
    NEED(setrlimit(RLIMIT_DATA, &data) == 0 && setrlimit(RLIMIT_CPU, &cpu) == 0 &&
         setrlimit(RLIMIT_FSIZE, &file) == 0 && setrlimit(RLIMIT_STACK, &stack) == 0);
    need(compiler_confine_resources(&generous));
    NEED(is_limit(RLIMIT_DATA, UINT64_C(1) << 39, UINT64_C(1) << 39));
    NEED(is_limit(RLIMIT_CPU, 100, 100));
    NEED(is_limit(RLIMIT_FSIZE, 1000, 1000));
    NEED(is_limit(RLIMIT_STACK, 1 << 20, 1 << 20));
    leave(0);
}

static void stack_is_not_endless(void *env)
{
    const struct rlimit endless = {RLIM_INFINITY, RLIM_INFINITY};
    (void)env;
    if (setrlimit(RLIMIT_STACK, &endless) != 0)
        leave(0); /* the hard limit is the machine's */
    need(compiler_confine_resources(&generous));
    NEED(is_limit(RLIMIT_STACK, 8 << 20, RLIM_INFINITY));
    leave(0);
}

/* A limit that somebody forgot is no limit of none. */
static void no_limit_is_refused(void *env)
{
    static const char *const wanted[] = {"RLIMIT_DATA", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_AS"};
    static const compiler_limits none[] = {
        {0, 3600000, UINT64_C(1) << 40, UINT64_C(1) << 46},
        {UINT64_C(1) << 40, 0, UINT64_C(1) << 40, UINT64_C(1) << 46},
        {UINT64_C(1) << 40, 3600000, 0, UINT64_C(1) << 46},
        {UINT64_C(1) << 40, 3600000, UINT64_C(1) << 40, 0},
    };
    (void)env;
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        const char *failed = compiler_confine_resources(&none[i]);
        NEED(failed && strcmp(failed, wanted[i]) == 0);
    }
    leave(0);
}

#ifndef __SANITIZE_THREAD__
static bool can_map(int protection, int flags)
{
    void *mapped = mmap(NULL, 128 << 20, protection, flags | MAP_ANONYMOUS, -1, 0);
    return mapped != MAP_FAILED && munmap(mapped, 128 << 20) == 0;
}

/* What RLIMIT_DATA does not count is held by RLIMIT_AS. */
static void address_space_ends(void *env)
{
    static const struct {
        int protection, flags;
    } uncounted[] = {
        {PROT_READ | PROT_WRITE, MAP_SHARED},
        {PROT_READ, MAP_PRIVATE},
        {PROT_NONE, MAP_PRIVATE},
    };
    compiler_limits limits = generous;
    unsigned long pages = 0;
    (void)env;
    FILE *file = fopen("/proc/self/statm", "re");
    NEED(file != NULL && fscanf(file, "%lu", &pages) == 1);
    (void)fclose(file);
    limits.max_data_bytes = 64 << 20;
    need(compiler_confine_resources(&limits));
    for (size_t i = 0; i < sizeof uncounted / sizeof *uncounted; i++)
        NEED(can_map(uncounted[i].protection, uncounted[i].flags));
    limits.max_address_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) + (64 << 20);
    need(compiler_confine_resources(&limits));
    for (size_t i = 0; i < sizeof uncounted / sizeof *uncounted; i++)
        NEED(!can_map(uncounted[i].protection, uncounted[i].flags) && errno == ENOMEM);
    leave(0);
}
#endif

static void limits_hold(void **state)
{
    (void)state;
    child_succeeds(limits_are_those_asked_for, NULL);
    child_succeeds(limits_of_the_host_stay, NULL);
    child_succeeds(stack_is_not_endless, NULL);
    child_succeeds(no_limit_is_refused, NULL);
#ifndef __SANITIZE_THREAD__ /* which needs more of it all the time */
    child_succeeds(address_space_ends, NULL);
#endif
}

/* -- what is given up first ------------------------------------------------------------------- */

static void nothing_is_left(void *env)
{
    uint32_t abi;
    int signal_of_parent = 0;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
    (void)env;
    int left_open = open("/dev/null", O_RDONLY);
    NEED(left_open > STDERR_FILENO);
    need(compiler_confine_first(&abi));
    NEED(fcntl(left_open, F_GETFD) == -1 && errno == EBADF);
    NEED(fcntl(STDERR_FILENO, F_GETFD) >= 0);
    NEED(prctl(PR_GET_PDEATHSIG, &signal_of_parent) == 0 && signal_of_parent == SIGKILL);
    NEED(prctl(PR_GET_DUMPABLE) == 0);
    NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    NEED(syscall(SYS_capget, &header, caps) == 0);
    for (size_t i = 0; i < COUNT_OF(caps); i++)
        NEED(caps[i].effective == 0 && caps[i].permitted == 0 && caps[i].inheritable == 0);
    NEED(open("/dev/null", O_RDONLY) == -1 && (abi == 0 || errno == EACCES));
    leave(0);
}

static void signals_are_as_at_the_start(void *env)
{
    static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGTSTP};
    sigset_t mask;
    (void)env;
    (void)sigfillset(&mask);
    NEED(sigprocmask(SIG_BLOCK, &mask, NULL) == 0);
    for (int number = 1; number < SIGRTMIN; number++)
        (void)signal(number, number == SIGHUP ? SIG_DFL : SIG_IGN);
    need(compiler_reset_signals());
    NEED(sigprocmask(SIG_BLOCK, NULL, &mask) == 0);
    for (int number = 1; number < SIGRTMIN; number++) {
        struct sigaction action;
        bool wants_ignored = false;
        if (sigaction(number, NULL, &action) != 0)
            continue;
        for (size_t i = 0; i < COUNT_OF(ignored); i++)
            wants_ignored = wants_ignored || ignored[i] == number;
        NEED(action.sa_handler == (wants_ignored ? SIG_IGN : SIG_DFL));
        NEED(sigismember(&mask, number) == 0);
    }
    leave(0);
}

static void what_is_given_up_first(void **state)
{
    (void)state;
    child_succeeds(nothing_is_left, NULL);
    child_succeeds(signals_are_as_at_the_start, NULL);
}

static int map_sweep(void **state)
{
    (void)state;
    swept = mmap(NULL, sizeof *swept, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return swept == MAP_FAILED ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eleven_calls_pass),
        cmocka_unit_test(seventeen_calls_pass_with_threads),
        cmocka_unit_test(arguments_are_looked_at),
        cmocka_unit_test(what_is_needed_works),
#ifdef __x86_64__
        cmocka_unit_test(other_conventions_end_it),
#endif
        cmocka_unit_test(each_wall_alone_keeps_files_closed),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(what_is_given_up_first),
    };
    return cmocka_run_group_tests(tests, map_sweep, NULL);
}
