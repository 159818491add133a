/*
 * The functions marked APART run in other processes, on this one's memory and with the thread-local
 * storage of the thread that waits for them. They take no lock, allocate nothing, leave errno alone
 * and call the kernel by number: what stands between a program and the C library (sanitizers, first
 * of all) would take them for that thread. Signals are blocked in all of them, so that no handler
 * of the program runs in a process that it does not know. Returning from the first of them is the
 * end of the process and of nothing else: __clone makes the system call itself.
 *
 * The thread that waits is an ordinary one: it handles signals, and who changes the user of the
 * process, or stops its threads, does not wait for it. Only the warden itself sleeps as in vfork,
 * for as long as the program takes to start; both of them use one stack, the start the lower half
 * of it: a few hundred bytes each.
 *
 * If this process is killed, so is the warden (PDEATHSIG), and with it what it guards. A warden
 * that does not end the program when it should (somebody has stopped it) is ended by the thread
 * that waits, with the program.
 */
#include "compile/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/futex.h>
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

/* How often the thread that waits looks whether the warden should have ended; handlers of signals
 * make it look more often. After so much time it ends the warden. A look never counts for more than
 * the time between two: who was stopped together with the warden begins to count when both go on.
 */
#define HOST_LOOK_NS 100000000L
#define HOST_PATIENCE_NS (BHD__WARDEN_GRACE_SECONDS * SECOND_NS)

/* The kernel's sets of signals. */
typedef uint64_t signal_set;
#define EVERY_SIGNAL (~(signal_set)0)
#define ONLY(signal) ((signal_set)1 << ((signal)-1))

/* glibc's clone under the name that nothing stands in front of. */
extern int __clone(int (*function)(void *), void *stack, int flags, void *argument, ...);

/* Shared by all three processes; the host waits for the warden, which waits for the start. */
typedef struct watch {
    const bhd__ward *ward;
    bhd__ending *ending;
    bhd__start_failure failure;
    unsigned char *stack;
    long host, warden; /* processes */
    /* The numbers of processes. The kernel makes them 0, and wakes, when these need our memory no
     * more: at their end, or when the program is another one. */
    atomic_int running, starting;
    /* For who ends the warden: the program, once it has started and while its number is its own. */
    atomic_int program;
    atomic_bool is_elsewhere; /* the warden's numbers of processes are of another namespace */
} watch;

/* -- the kernel -------------------------------------------------------------------------------- */

#define POINTER(to) ((long)(uintptr_t)(to))

/* The result, or a negative errno. */
APART static long call(long number, long a, long b, long c, long d, long e)
{
#if defined(__x86_64__)
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
#else /* at the price that a handler on the waiting thread may find another errno */
    long result = syscall(number, a, b, c, d, e);
    return result < 0 ? -errno : result;
#endif
}

/* -- the program's process, until exec --------------------------------------------------------- */

APART static bool has_failed(watch *w, const char *step, long result)
{
    if (result >= 0)
        return false;
    w->failure = (bhd__start_failure){step, (int)-result};
    return true;
}

/* Not above what the process may have anyway. */
APART static long limit(int resource, uint64_t most)
{
    struct rlimit now, wanted;
    long result = call(SYS_prlimit64, 0, resource, 0, POINTER(&now), 0);
    if (result < 0)
        return result;
    wanted.rlim_cur = wanted.rlim_max = now.rlim_max < most ? now.rlim_max : (rlim_t)most;
    return call(SYS_prlimit64, 0, resource, POINTER(&wanted), 0, 0);
}

/* Its table of descriptors is the host's until it takes what it needs of it: up to the highest of
 * ours. What lies above is not copied, and so not closed here: closing even a copy of a guest's
 * file asks its file system, which may not answer.
 *
 * Then it is its own. Ours are all above 2 and none is a target, except that the program's may be
 * PROGRAM_NUMBER already or that number another's, which is a copy by then. */
APART static bool descriptors_failed(watch *w)
{
    const bhd__ward *ward = w->ward;
    int highest = ward->program;
    for (int i = 0; i < 3; i++)
        if (ward->descriptors[i] > highest)
            highest = ward->descriptors[i];
    if (has_failed(w, "close_range",
                   call(SYS_close_range, highest + 1, ~0U, CLOSE_RANGE_UNSHARE, 0, 0)))
        return true;
    for (int i = 0; i < 3; i++)
        if (has_failed(w, "dup3", call(SYS_dup3, ward->descriptors[i], i, 0, 0, 0)))
            return true;
    if (ward->program != PROGRAM_NUMBER &&
        has_failed(w, "dup3", call(SYS_dup3, ward->program, PROGRAM_NUMBER, O_CLOEXEC, 0, 0)))
        return true;
    return has_failed(w, "close_range", call(SYS_close_range, PROGRAM_NUMBER + 1, ~0U, 0, 0, 0));
}

/* What came for the program's group before this process left it. */
APART static void forget_signals(void)
{
    const signal_set every = EVERY_SIGNAL;
    const struct timespec now = {0, 0};
    while (call(SYS_rt_sigtimedwait, POINTER(&every), 0, POINTER(&now), sizeof every, 0) > 0)
        continue;
}

APART static void execute(watch *w)
{
    static char *const no_environment[] = {NULL};
    const signal_set none = 0;
    const char *const arguments[] = {w->ward->name, NULL};
    (void)call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (call(SYS_getppid, 0, 0, 0, 0, 0) != w->warden)
        return;
    /* What a terminal or the program sends to its own group is not for this process. */
    (void)call(SYS_setpgid, 0, 0, 0, 0, 0);
    if (descriptors_failed(w) ||
        has_failed(w, "setrlimit", limit(RLIMIT_FSIZE, w->ward->max_file_bytes)) ||
        has_failed(w, "setrlimit", limit(RLIMIT_CORE, 0)))
        return;
    forget_signals();
    (void)call(SYS_rt_sigprocmask, SIG_SETMASK, POINTER(&none), 0, sizeof none, 0);
    (void)has_failed(w, "execveat",
                     call(SYS_execveat, PROGRAM_NUMBER, POINTER(""), POINTER(arguments),
                          POINTER(no_environment), AT_EMPTY_PATH));
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
    (void)call(SYS_clock_gettime, CLOCK_MONOTONIC, POINTER(&now), 0, 0, 0);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* Also what is ignored: exec does not change that, and who ignores SIGCHLD gets no status. The
 * kernel's struct has at most so many members; zeros are the default action. */
APART static void reset_signals(void)
{
    const uint64_t default_action[4] = {0, 0, 0, 0};
    for (int signal = 1; signal <= LAST_SIGNAL; signal++)
        (void)call(SYS_rt_sigaction, signal, POINTER(default_action), 0, sizeof(signal_set), 0);
}

/* Sleeps until a child has changed or some time has passed. */
APART static void sleep_a_little(uint64_t most_ns)
{
    const signal_set child = ONLY(SIGCHLD);
    const struct timespec most = {(time_t)(most_ns / SECOND_NS), (long)(most_ns % SECOND_NS)};
    (void)call(SYS_rt_sigtimedwait, POINTER(&child), 0, POINTER(&most), sizeof child, 0);
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
    return call(SYS_waitid, P_PID, process, POINTER(&about), WEXITED | WNOHANG | WNOWAIT, 0) != 0 ||
           about.si_pid != 0;
}

APART static void take_status(watch *w, long process)
{
    bhd__ending *ending = w->ending;
    siginfo_t about;
    struct rusage usage;
    /* It is still there, so its number is still its group's, if it made one. */
    (void)call(SYS_kill, -process, SIGKILL, 0, 0, 0);
    atomic_store_explicit(&w->program, 0, memory_order_release);
    if (call(SYS_waitid, P_PID, process, POINTER(&about), WEXITED, POINTER(&usage)) != 0)
        return;
    ending->is_known = true;
    if (about.si_code == CLD_EXITED)
        ending->exit_code = about.si_status;
    else
        ending->signal = about.si_status;
    ending->cpu_ns = used_ns(&usage.ru_utime) + used_ns(&usage.ru_stime);
}

APART static void await(watch *w, long process)
{
    const bhd__ward *ward = w->ward;
    bhd__ending *ending = w->ending;
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
                (void)call(SYS_kill, process, SIGKILL, 0, 0, 0);
        }
        sleep_a_little(left > 0 && left < LOOK_NS ? left : LOOK_NS);
    }
    take_status(w, process);
    ending->wall_ns = now_ns() - start;
}

APART static void start_and_await(watch *w)
{
    (void)call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    /* 0: the host's process is outside of the namespace that this one begins. */
    long parent = call(SYS_getppid, 0, 0, 0, 0, 0);
    if (parent != w->host && parent != 0)
        return;
    atomic_store_explicit(&w->is_elsewhere, parent == 0, memory_order_release);
    w->warden = call(SYS_getpid, 0, 0, 0, 0, 0);
    /* Who stops the program's group need not mean to continue all of it, and what is stopped keeps
     * no deadline. Ending the program ends this one even so. */
    (void)call(SYS_setpgid, 0, 0, 0, 0, 0);
    reset_signals();
    const int flags =
        CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
    int process =
        __clone(begin, w->stack + STACK_BYTES / 2, flags, w, &w->starting, NULL, &w->starting);
    if (process < 0) {
        (void)has_failed(w, "clone", -errno);
        return;
    }
    atomic_store_explicit(&w->program, process, memory_order_release);
    await(w, process);
}

APART static int guard(void *argument)
{
    start_and_await(argument);
    return 0;
}

/* -- the host ---------------------------------------------------------------------------------- */

static uint64_t host_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* What the warden should have done by now. */
static bhd__stop wanted_stop(const bhd__ward *ward, uint64_t start)
{
    if (is_set(ward->cancelled) || is_set(ward->closed))
        return BHD__STOP_CANCELLED;
    return host_now_ns() - start >= ward->max_ns ? BHD__STOP_LATE : BHD__STOP_NONE;
}

/* The program first: with the warden its number may go to somebody else. If it has no number here,
 * or is about to get one, it ends with the warden (PDEATHSIG). */
static void end_all(watch *w, int warden)
{
    int program = atomic_load_explicit(&w->program, memory_order_acquire);
    if (program == 0)
        program = atomic_load_explicit(&w->starting, memory_order_acquire);
    if (program > 0 && !atomic_load_explicit(&w->is_elsewhere, memory_order_acquire)) {
        (void)kill(-program, SIGKILL);
        (void)kill(program, SIGKILL);
    }
    (void)kill(warden, SIGKILL);
}

static void await_memory(atomic_int *process)
{
    for (int now; (now = atomic_load_explicit(process, memory_order_acquire)) != 0;)
        (void)syscall(SYS_futex, process, FUTEX_WAIT, now, NULL, NULL, 0);
}

/* Its end is seen by nobody else, unless somebody waits for clones; what it found out is in our
 * memory either way. */
static void bury(watch *w, int warden, uint64_t start)
{
    const struct timespec look = {.tv_nsec = HOST_LOOK_NS};
    bhd__stop stop = BHD__STOP_NONE;
    uint64_t looked = start, overdue = 0;
    bool is_killed = false;
    for (int now; (now = atomic_load_explicit(&w->running, memory_order_acquire)) != 0;) {
        uint64_t passed = host_now_ns() - looked;
        looked += passed;
        if (stop == BHD__STOP_NONE) {
            stop = wanted_stop(w->ward, start);
        } else if (!is_killed) {
            overdue += passed < HOST_LOOK_NS ? passed : HOST_LOOK_NS;
            is_killed = overdue >= HOST_PATIENCE_NS;
            if (is_killed)
                end_all(w, warden);
        }
        (void)syscall(SYS_futex, &w->running, FUTEX_WAIT, now, &look, NULL, 0);
    }
    while (syscall(SYS_wait4, warden, NULL, __WCLONE, NULL) < 0 && errno == EINTR)
        continue;
    /* A warden that was killed leaves what it has begun. */
    await_memory(&w->starting);
    if (is_killed)
        *w->ending = (bhd__ending){.exit_code = -1, .stop = stop};
}

/* Signals are blocked until it has its own copy of that. */
static int start_warden(watch *w)
{
    const int flags = CLONE_VM | CLONE_FILES | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    signal_set before;
    const signal_set every = EVERY_SIGNAL;
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &every, &before, sizeof every);
    int warden = __clone(guard, w->stack + STACK_BYTES, flags, w, &w->running, NULL, &w->running);
    if (warden < 0)
        w->failure = (bhd__start_failure){"clone", errno};
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
    return warden;
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
    int cancellation;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
    uint64_t start = host_now_ns();
    int warden = start_warden(&w);
    if (warden >= 0)
        bury(&w, warden, start);
    (void)pthread_setcancelstate(cancellation, &cancellation);
    (void)munmap(stack, STACK_BYTES);
    *failure = w.failure;
    return w.failure.step == NULL;
}
