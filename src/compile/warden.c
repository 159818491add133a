/*
 * The functions marked APART run in other processes on this one's memory, with the thread-local
 * storage of a thread that sleeps. They take no lock, allocate nothing, and call the kernel by
 * number: what stands between a program and the C library (sanitizers, first of all) would take
 * them for that thread. Signals are blocked in all of them, so that no handler of the program runs
 * in a process that it does not know. Returning from the first of them is the end of the process
 * and of nothing else: __clone makes the system call itself.
 *
 * Both processes use one stack, the program's start the lower half of it: a few hundred bytes each.
 *
 * If this process is killed, so is the warden (PDEATHSIG), and with it what it guards.
 */
#include "compile/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define APART                                                                                      \
    __attribute__((noinline, disable_sanitizer_instrumentation,                                    \
                   no_sanitize("address", "thread", "undefined")))
#endif
#endif
#ifndef APART
#define APART __attribute__((noinline, no_sanitize("address", "thread", "undefined")))
#endif

enum {
    STACK_BYTES = 64 << 10,
    LAST_SIGNAL = 64,
    PROGRAM_NUMBER = STDERR_FILENO + 1, /* where the program's own descriptor is when it starts */
};

#define LOOK_NS UINT64_C(20000000)
#define SECOND_NS UINT64_C(1000000000)

/* The kernel's sets of signals. */
typedef uint64_t signal_set;
#define EVERY_SIGNAL (~(signal_set)0)
#define ONLY(signal) ((signal_set)1 << ((signal)-1))

/* glibc's clone under the name that nothing stands in front of. */
extern int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...);

/* Shared by all three processes; only one of them runs at a time. */
typedef struct watch {
    const bhd__ward *ward;
    bhd__ending *ending;
    bhd__start_failure failure;
    unsigned char *stack;
    long host, warden; /* processes */
} watch;

/* -- the program's process, until exec --------------------------------------------------------- */

APART static bool has_failed(watch *w, const char *step)
{
    w->failure = (bhd__start_failure){step, errno};
    return true;
}

/* Not above what the process may have anyway. */
APART static bool limit_failed(int resource, uint64_t most)
{
    struct rlimit now, wanted;
    if (syscall(SYS_prlimit64, 0, resource, NULL, &now) != 0)
        return true;
    wanted.rlim_cur = wanted.rlim_max = now.rlim_max < most ? now.rlim_max : (rlim_t)most;
    return syscall(SYS_prlimit64, 0, resource, &wanted, NULL) != 0;
}

/* Its table of descriptors is its own. Ours are all above 2 and none is a target, except that the
 * program's may be PROGRAM_NUMBER already or that number another's, which is a copy by then. */
APART static bool descriptors_failed(watch *w)
{
    for (int i = 0; i < 3; i++)
        if (syscall(SYS_dup3, w->ward->descriptors[i], i, 0) < 0)
            return has_failed(w, "dup3");
    if (w->ward->program != PROGRAM_NUMBER &&
        syscall(SYS_dup3, w->ward->program, PROGRAM_NUMBER, O_CLOEXEC) < 0)
        return has_failed(w, "dup3");
    if (syscall(SYS_close_range, PROGRAM_NUMBER + 1U, ~0U, 0U) != 0)
        return has_failed(w, "close_range");
    return false;
}

APART static void execute(watch *w)
{
    static char *const no_environment[] = {NULL};
    const signal_set none = 0;
    char *arguments[] = {(char *)(uintptr_t)w->ward->name, NULL};
    (void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (syscall(SYS_getppid) != w->warden)
        return;
    /* What a terminal or the program sends to its own group is not for this process. */
    (void)syscall(SYS_setpgid, 0, 0);
    if (descriptors_failed(w))
        return;
    if (limit_failed(RLIMIT_FSIZE, w->ward->max_file_bytes) || limit_failed(RLIMIT_CORE, 0)) {
        (void)has_failed(w, "setrlimit");
        return;
    }
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof none);
    (void)syscall(SYS_execveat, PROGRAM_NUMBER, "", arguments, no_environment, AT_EMPTY_PATH);
    (void)has_failed(w, "execveat");
}

APART static int begin(void *argument)
{
    execute(argument);
    return 0;
}

/* -- the warden -------------------------------------------------------------------------------- */

APART static uint64_t now_ns(void)
{
    struct timespec now;
    (void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* Also what is ignored: exec does not change that, and who ignores SIGCHLD gets no status. The
 * kernel's struct is larger where it has more members; zeros are the default action. */
APART static void reset_signals(void)
{
    const uint64_t default_action[4] = {0, 0, 0, 0};
    for (int signal = 1; signal <= LAST_SIGNAL; signal++)
        (void)syscall(SYS_rt_sigaction, signal, default_action, NULL, sizeof(signal_set));
}

/* Sleeps until a child has changed or some time has passed. */
APART static void sleep_a_little(uint64_t most_ns)
{
    const signal_set child = ONLY(SIGCHLD);
    const struct timespec most = {(time_t)(most_ns / SECOND_NS), (long)(most_ns % SECOND_NS)};
    (void)syscall(SYS_rt_sigtimedwait, &child, NULL, &most, sizeof child);
}

APART static bool is_set(const atomic_bool *flag)
{
    return flag != NULL && atomic_load_explicit(flag, memory_order_acquire);
}

APART static uint64_t used_ns(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * SECOND_NS + (uint64_t)time->tv_usec * 1000;
}

APART static bool has_ended(long process)
{
    siginfo_t about;
    about.si_pid = 0;
    return syscall(SYS_waitid, P_PID, process, &about, WEXITED | WNOHANG | WNOWAIT, NULL) != 0 ||
           about.si_pid != 0;
}

APART static void take_status(long process, bhd__ending *ending)
{
    siginfo_t about;
    struct rusage usage;
    /* It is still there, so its number is still its group's, if it made one. */
    (void)syscall(SYS_kill, -process, SIGKILL);
    if (syscall(SYS_waitid, P_PID, process, &about, WEXITED, &usage) != 0)
        return;
    ending->is_known = true;
    if (about.si_code == CLD_EXITED)
        ending->exit_code = about.si_status;
    else
        ending->signal = about.si_status;
    ending->cpu_ns = used_ns(&usage.ru_utime) + used_ns(&usage.ru_stime);
}

APART static void await(const bhd__ward *ward, long process, bhd__ending *ending)
{
    uint64_t start = now_ns();
    while (!has_ended(process)) {
        uint64_t passed = now_ns() - start;
        uint64_t left = passed < ward->max_ns ? ward->max_ns - passed : 0;
        if (ending->stop == BHD__STOP_NONE) {
            if (is_set(ward->cancelled) || is_set(ward->closed))
                ending->stop = BHD__STOP_CANCELLED;
            else if (left == 0)
                ending->stop = BHD__STOP_LATE;
            if (ending->stop != BHD__STOP_NONE)
                (void)syscall(SYS_kill, process, SIGKILL);
        }
        sleep_a_little(left > 0 && left < LOOK_NS ? left : LOOK_NS);
    }
    take_status(process, ending);
    ending->wall_ns = now_ns() - start;
}

APART static void start_and_await(watch *w)
{
    (void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    /* 0: the host's process is outside of the namespace that this one begins. */
    long parent = syscall(SYS_getppid);
    if (parent != w->host && parent != 0)
        return;
    w->warden = syscall(SYS_getpid);
    reset_signals();
    int process = __clone(begin, w->stack + STACK_BYTES / 2, CLONE_VM | CLONE_VFORK | SIGCHLD, w);
    if (process < 0)
        (void)has_failed(w, "clone");
    else
        await(w->ward, process, w->ending);
}

APART static int guard(void *argument)
{
    start_and_await(argument);
    return 0;
}

/* -- the host ---------------------------------------------------------------------------------- */

/* The warden's own end is seen by nobody else, unless somebody waits for clones; what it found out
 * is in our memory either way. */
static void bury(int warden)
{
    while (syscall(SYS_wait4, warden, NULL, __WCLONE, NULL) < 0 && errno == EINTR)
        continue;
}

bool bhd__warden_run(const bhd__ward *ward, bhd__ending *ending, bhd__start_failure *failure)
{
    unsigned char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        *failure = (bhd__start_failure){"mmap", errno};
        return false;
    }
    *ending = (bhd__ending){.exit_code = -1};
    watch w = {
        .ward = ward,
        .ending = ending,
        .stack = stack,
        .host = syscall(SYS_getpid),
    };
    signal_set before;
    const signal_set every = EVERY_SIGNAL;
    int cancellation;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &every, &before, sizeof every);
    int warden = __clone(guard, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | CLONE_FILES, &w);
    if (warden < 0)
        w.failure = (bhd__start_failure){"clone", errno};
    else
        bury(warden);
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
    (void)pthread_setcancelstate(cancellation, &cancellation);
    (void)munmap(stack, STACK_BYTES);
    *failure = w.failure;
    return w.failure.step == NULL;
}
