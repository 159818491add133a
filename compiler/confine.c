#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* -- signals ---------------------------------------------------------------------------------- */

/* What the host ignores stays ignored over exec, and limits end the process by signals. */
const char *compiler_reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        bool ignored =
            number == SIGINT || number == SIGQUIT || number == SIGHUP || number == SIGTSTP;
        struct sigaction action = {.sa_handler = ignored ? SIG_IGN : SIG_DFL};
        /* Two are not to be had, and the C library keeps two for itself. */
        if (sigaction(number, &action, NULL) != 0 && errno != EINVAL)
            return "sigaction";
    }
    (void)sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0 ? NULL : "sigprocmask";
}

/* -- files (Landlock) ------------------------------------------------------------------------- */

/* The kernel's structure in its present length; the header of the system may be older. */
struct ruleset {
    uint64_t files;
    uint64_t network; /* from version 4 */
    uint64_t scoped;  /* from version 6 */
};

/* Everything is handled that the kernel's version knows, and no rule allows any of it. A kernel
 * without Landlock says so in several ways, and so do containers that hide it. */
const char *compiler_confine_files(uint32_t *landlock_abi)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    *landlock_abi = version > 0 ? (uint32_t)version : 0;
    if (version <= 0)
        return NULL;

    struct ruleset rules = {.files = (1 << 13) - 1};
    size_t size = offsetof(struct ruleset, network);
    if (version >= 2)
        rules.files |= 1 << 13; /* link and rename to another directory */
    if (version >= 3)
        rules.files |= 1 << 14; /* truncate */
    if (version >= 5)
        rules.files |= 1 << 15; /* ioctl of devices */
    if (version >= 4) {
        rules.network = 3; /* bind and connect of TCP */
        size = offsetof(struct ruleset, scoped);
    }
    if (version >= 6) {
        rules.scoped = 3; /* abstract sockets, signals */
        size = sizeof rules;
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0)
        return "landlock_create_ruleset";
    bool done = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    int number = errno;
    (void)close(ruleset);
    errno = number;
    return done ? NULL : "landlock_restrict_self";
}

/* -- what belongs to a thread ----------------------------------------------------------------- */

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}, {0, 0, 0}};
    return syscall(SYS_capset, &header, none) == 0;
}

/* A system, or a container, without memory ends whoever holds most of it. That is often the host,
 * and it has to be this process, which holds what the binary wants. Anybody may say so of himself,
 * where there is a /proc to say it in. */
static void be_ended_first(void)
{
    static const char most[] = "1000";
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    ssize_t written = write(file, most, sizeof most - 1);
    (void)written;
    (void)close(file);
}

const char *compiler_confine_first(uint32_t *landlock_abi)
{
    /* Before the files of its /proc are root's, which not being dumpable makes of them. */
    be_ended_first();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return "PR_SET_PDEATHSIG";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return "PR_SET_NO_NEW_PRIVS";
    if (!drop_capabilities())
        return "capset";
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return "PR_SET_DUMPABLE";
    if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) != 0)
        return "close_range";
    return compiler_confine_files(landlock_abi);
}

/* -- limits ----------------------------------------------------------------------------------- */

/* What the host may not have more of, it cannot give. */
static bool limit(__rlimit_resource_t what, uint64_t soft, uint64_t hard)
{
    struct rlimit l;
    if (getrlimit(what, &l) != 0)
        return false;
    if (l.rlim_max > hard)
        l.rlim_max = hard;
    l.rlim_cur = l.rlim_max < soft ? l.rlim_max : soft;
    return setrlimit(what, &l) == 0;
}

const char *compiler_confine_resources(const compiler_limits *limits)
{
    static const uint64_t stack_bytes = 8 << 20;
    /* The timer is exact; the limits are behind it, for a process that would stop the timer. */
    uint64_t seconds = limits->max_cpu_ms / 1000;
    struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)seconds,
                     .tv_usec = (suseconds_t)(limits->max_cpu_ms % 1000 * 1000)},
    };
    errno = EINVAL;
    if (limits->max_cpu_ms == 0 || !limit(RLIMIT_CPU, seconds + 1, seconds + 2))
        return "RLIMIT_CPU";
    if (setitimer(ITIMER_PROF, &timer, NULL) != 0)
        return "ITIMER_PROF";
    if (limits->max_data_bytes == 0 ||
        !limit(RLIMIT_DATA, limits->max_data_bytes, limits->max_data_bytes))
        return "RLIMIT_DATA";
    if (limits->max_address_bytes == 0 ||
        !limit(RLIMIT_AS, limits->max_address_bytes, limits->max_address_bytes))
        return "RLIMIT_AS";
    if (limits->max_file_bytes == 0 ||
        !limit(RLIMIT_FSIZE, limits->max_file_bytes, limits->max_file_bytes))
        return "RLIMIT_FSIZE";
    if (!limit(RLIMIT_STACK, stack_bytes, RLIM_INFINITY))
        return "RLIMIT_STACK";
    if (!limit(RLIMIT_NOFILE, 0, 0))
        return "RLIMIT_NOFILE";
    if (!limit(RLIMIT_NPROC, 0, 0))
        return "RLIMIT_NPROC";
    if (!limit(RLIMIT_CORE, 0, 0))
        return "RLIMIT_CORE";
    if (!limit(RLIMIT_MEMLOCK, 0, 0))
        return "RLIMIT_MEMLOCK";
    return NULL;
}

/* -- system calls (seccomp) ------------------------------------------------------------------- */

/* What is not listed raises SIGSYS, whose handler names it in the report and ends the process. */

static const int alone[] = {
    /* memory; mmap is below */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(write),
    SCMP_SYS(exit_group),
    /* where the clock is not in the vDSO, as on some virtual machines */
    SCMP_SYS(clock_gettime),
    /* abort; tgkill is below */
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(rt_sigprocmask),
};

/* For threads that are there already; mprotect, madvise and openat are below. */
static const int together[] = {
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(getrandom),
};

/* The first that fails, as a negative errno, ends the list. */
static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return failed;
}

static int add_alone(scmp_filter_ctx filter)
{
    int failed = allow(filter, alone, COUNT_OF(alone));
    if (failed == 0)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                                  SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED | MAP_GROWSDOWN, 0));
    /* Only itself: a host of the same user could be ended otherwise. */
    if (failed == 0)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    return failed;
}

static int add_together(scmp_filter_ctx filter)
{
    int failed = allow(filter, together, COUNT_OF(together));
    if (failed == 0)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* Giving pages back; other advice reaches as far as declaring memory broken. */
    if (failed == 0)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
                                  SCMP_A2(SCMP_CMP_EQ, MADV_DONTNEED, 0));
    /* The C library asks for the system's policy of overcommitting and is content without. */
    if (failed == 0)
        failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
    return failed;
}

const char *compiler_confine_calls(bool has_threads)
{
    errno = ENOMEM;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    if (!filter)
        return "seccomp";
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (failed == 0)
        failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (failed == 0)
        failed = add_alone(filter);
    if (failed == 0 && has_threads)
        failed = add_together(filter);
    if (failed == 0)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    errno = -failed;
    return failed == 0 ? NULL : "seccomp";
}

const char *compiler_confine_finally(const compiler_limits *limits, bool has_threads)
{
    const char *failed = compiler_confine_resources(limits);
    return failed ? failed : compiler_confine_calls(has_threads);
}
