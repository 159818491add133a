#include "lockdown.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* -- files (Landlock) ------------------------------------------------------------------------- */

/* The kernel's structure in its present length; older kernels are given as much as they know. The
 * header of the system may be older than the kernel. */
struct ruleset {
    uint64_t files;
    uint64_t network; /* from version 4 */
    uint64_t scoped;  /* from version 6 */
};

enum {
    FILES_V1 = (1 << 13) - 1,
    FILES_REFER = 1 << 13,    /* from version 2 */
    FILES_TRUNCATE = 1 << 14, /* from version 3 */
    FILES_IOCTL = 1 << 15,    /* from version 5 */
    NETWORK_ALL = 3,
    SCOPED_ALL = 3,
    VERSION_OF_TRUNCATION = 3,
    VERSION_OF_PORTS = 4,
};

static int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

static size_t describe_rules(int version, struct ruleset *rules)
{
    *rules = (struct ruleset){.files = FILES_V1};
    if (version >= 2)
        rules->files |= FILES_REFER;
    if (version >= VERSION_OF_TRUNCATION)
        rules->files |= FILES_TRUNCATE;
    if (version >= 5)
        rules->files |= FILES_IOCTL;
    if (version >= VERSION_OF_PORTS)
        rules->network = NETWORK_ALL;
    if (version >= 6)
        rules->scoped = SCOPED_ALL;
    if (version >= 6)
        return sizeof *rules;
    return version >= VERSION_OF_PORTS ? offsetof(struct ruleset, scoped)
                                       : offsetof(struct ruleset, network);
}

/* The engine room asks for the pages that a guest has written and for the bounds of stacks. */
static bool allow_own_proc(int ruleset)
{
    int directory = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return errno == ENOENT;
    struct landlock_path_beneath_attr rule = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE,
        .parent_fd = directory,
    };
    bool done = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    (void)close(directory);
    return done;
}

/* What may be done beneath a directory or with a file. The kernel refuses a right that it does not
 * know, so only those that the ruleset handles are asked for. */
static bool allow_path(int ruleset, const char *path, uint64_t rights)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    bool done = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    (void)close(fd);
    return done;
}

static bool allow_directories(int ruleset, const struct ruleset *rules,
                              const bhd_capabilities *asked)
{
    const uint64_t reads = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    /* No devices, sockets or pipes, and nothing that could be run. */
    const uint64_t writes =
        (reads | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
         LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
         LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM | FILES_REFER | FILES_TRUNCATE) &
        rules->files;
    bool done = true;
    for (size_t i = 0; done && i < asked->directory_count; i++)
        done = allow_path(ruleset, asked->directories[i].host,
                          asked->directories[i].access == BHD_ACCESS_READ_WRITE ? writes : reads);
    return done;
}

/* In the kernel's headers from 6.7 on. */
struct port_rule {
    uint64_t allowed_access;
    uint64_t port;
};
enum { RULE_NET_PORT = 2, CONNECT_TCP = 2, DNS_PORT = 53 };

static bool allow_port(int ruleset, uint16_t port)
{
    struct port_rule rule = {CONNECT_TCP, port};
    return syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) == 0;
}

/* Ports to connect to, and what the system's resolver reads to find a host. */
static bool allow_network(int ruleset, const struct ruleset *rules, const bhd_capabilities *asked)
{
    static const char *const files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
                                        "/etc/host.conf", "/etc/gai.conf"};
    if (asked->endpoint_count == 0)
        return true;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (!allow_path(ruleset, files[i], LANDLOCK_ACCESS_FS_READ_FILE))
            return false;
    if (rules->network == 0)
        return true;
    bool done = allow_port(ruleset, DNS_PORT);
    for (size_t i = 0; done && i < asked->endpoint_count; i++)
        done = allow_port(ruleset, asked->network[i].port);
    return done;
}

enum { FIRST_CLOSED = 3, INHERITED_MAX = 1 << 20 };

/* The terminal that the process has already, which is opened a second time so that a guest never
 * waits for it. What cannot be allowed (a pipe without a name) needs no rule. */
static void allow_standard(int ruleset)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        char path[32];
        struct stat s;
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (fstat(fd, &s) == 0 && (S_ISCHR(s.st_mode) || S_ISFIFO(s.st_mode)))
            (void)allow_path(ruleset, path,
                             fd == STDIN_FILENO ? LANDLOCK_ACCESS_FS_READ_FILE
                                                : LANDLOCK_ACCESS_FS_WRITE_FILE);
        /* The terminal's own name may be another user's. */
        if (isatty(fd))
            (void)allow_path(ruleset, "/dev/tty",
                             LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE);
    }
}

static int restrict_files(const bhd_capabilities *asked)
{
    struct ruleset rules;
    int version = landlock_version();
    if (version == 0)
        return 0;
    size_t size = describe_rules(version, &rules);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0)
        return 0;
    allow_standard(ruleset);
    bool done = allow_own_proc(ruleset) && allow_directories(ruleset, &rules, asked) &&
                allow_network(ruleset, &rules, asked) &&
                syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    (void)close(ruleset);
    return done ? version : 0;
}

void cli_lockdown_close_inherited(void)
{
    if (syscall(SYS_close_range, FIRST_CLOSED, ~0U, 0) == 0)
        return;
    /* Before Linux 5.9. */
    struct rlimit most = {0, 0};
    (void)getrlimit(RLIMIT_NOFILE, &most);
    for (rlim_t number = FIRST_CLOSED; number < most.rlim_cur && number < INHERITED_MAX; number++)
        (void)close((int)number);
}

/* A limit of 0 holds for dumps to files alone, and most are piped to a program; one byte holds for
 * both. Where that would raise a limit, the process is made one that is not dumped. */
static bool forbid_core_dumps(void)
{
    const struct rlimit one = {1, 1}, none = {0, 0};
    return setrlimit(RLIMIT_CORE, &one) == 0 ||
           (setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
}

/* 0: /proc is not there to say it. */
static unsigned count_threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL)
        return 0;
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    (void)closedir(tasks);
    return count;
}

void cli_lockdown_restrict_files(cli_lockdown *state, const bhd_capabilities *asked)
{
    state->threads = count_threads();
    state->no_new_privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    state->no_core_dump = forbid_core_dumps();
    state->landlock = state->no_new_privileges ? restrict_files(asked) : 0;
}

/* -- system calls (seccomp) ------------------------------------------------------------------- */

/* What running a guest needs: memory, threads of this process, time, signals, and the files that
 * are open already. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(preadv2),
    SCMP_SYS(pwritev2),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(uname),
    SCMP_SYS(mincore),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(membarrier),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* Asked for by libraries that go on without an answer, and needed for directories and to find a
 * host. */
static const int opening[] = {
    SCMP_SYS(open),      SCMP_SYS(openat),     SCMP_SYS(openat2),  SCMP_SYS(newfstatat),
    SCMP_SYS(stat),      SCMP_SYS(lstat),      SCMP_SYS(statx),    SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
};

/* For directories. */
static const int filing[] = {
    SCMP_SYS(getdents64), SCMP_SYS(pread64),   SCMP_SYS(pwrite64), SCMP_SYS(preadv),
    SCMP_SYS(pwritev),    SCMP_SYS(ftruncate), SCMP_SYS(fsync),    SCMP_SYS(fdatasync),
    SCMP_SYS(fadvise64),  SCMP_SYS(fallocate), SCMP_SYS(mkdirat),  SCMP_SYS(mkdir),
    SCMP_SYS(unlinkat),   SCMP_SYS(unlink),    SCMP_SYS(rmdir),    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),  SCMP_SYS(rename),    SCMP_SYS(linkat),   SCMP_SYS(symlinkat),
    SCMP_SYS(utimensat),  SCMP_SYS(futimesat), SCMP_SYS(fstatfs),  SCMP_SYS(fgetxattr),
};

/* For connections, of the families that add_network names. */
static const int networking[] = {
    SCMP_SYS(connect),     SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(recvfrom),   SCMP_SYS(recvmsg),    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendto),      SCMP_SYS(sendmsg),    SCMP_SYS(sendmmsg),   SCMP_SYS(shutdown),
    SCMP_SYS(bind),
};

/* What is asked of one's own descriptors. Not who is signalled when something happens to one, and
 * not that anybody is. */
static const int descriptor_commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL};

static bool add_list(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (seccomp_rule_add(filter, action, calls[i], 0) != 0)
            return false;
    return true;
}

/* Arguments that the kernel takes as 32 bits; the registers may hold anything above. */
#define LOW_32 UINT64_C(0xffffffff)

static bool add_descriptors(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof descriptor_commands / sizeof *descriptor_commands; i++)
        if (seccomp_rule_add(
                filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                SCMP_A1(SCMP_CMP_MASKED_EQ, LOW_32, (scmp_datum_t)descriptor_commands[i])) != 0)
            return false;
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, LOW_32, F_SETFL),
                            SCMP_A2(SCMP_CMP_MASKED_EQ, O_ASYNC, 0)) == 0;
}

/* All advice but to call memory broken (100 and 101, for those with the right to); 102 and 103 are
 * the guards of threads' stacks. */
static bool add_advice(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
                            SCMP_A2(SCMP_CMP_LT, 100, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
                            SCMP_A2(SCMP_CMP_EQ, 102, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1,
                            SCMP_A2(SCMP_CMP_EQ, 103, 0)) == 0;
}

/* What the C library starts a thread with; any other flag would make something else, a namespace
 * for example. */
#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |            \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
/* Whether a stream is a terminal. */
#define TCGETS_REQUEST 0x5401u

static bool add_special(scmp_filter_ctx filter)
{
    const pid_t self = getpid();
    /* Threads, never processes; glibc tries clone3 first and falls back. */
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_EQ, THREAD_FLAGS, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
           add_descriptors(filter) && add_advice(filter) &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, TCGETS_REQUEST)) == 0 &&
           /* Memory, but no new code: everything is compiled already. */
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
           /* abort() in this process, and names of threads and mappings. */
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)self, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                            SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                            SCMP_A0(SCMP_CMP_EQ, 0x53564d41 /* PR_SET_VMA */, 0)) == 0 &&
           /* Standard streams that are sockets: without waiting. */
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvfrom), 1,
                            SCMP_A0(SCMP_CMP_EQ, STDIN_FILENO, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 2,
                            SCMP_A0(SCMP_CMP_LE, STDERR_FILENO, 0),
                            SCMP_A4(SCMP_CMP_EQ, 0, 0)) == 0 &&
           /* Questions about its own limits, not changes of them. */
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
                            SCMP_A0(SCMP_CMP_EQ, 0, 0), SCMP_A2(SCMP_CMP_EQ, 0, 0)) == 0;
}

/* A sanitizer looks at the process in ways that are denied here. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDER_SANITIZER 1
#else
#define UNDER_SANITIZER 0
#endif

#define FIONBIO_REQUEST 0x5421u
#define FIONREAD_REQUEST 0x541bu

/* The bits of a socket's type that are not flags. */
#define SOCKET_TYPE 0xfu

/* TCP, UDP for the resolver, and the question which addresses there are. Nothing else that speaks
 * over the same families: Landlock's ports are those of TCP and not of MPTCP. */
static const struct {
    scmp_datum_t family, type, protocol;
} sockets[] = {
    {AF_INET, SOCK_STREAM, 0},
    {AF_INET, SOCK_STREAM, IPPROTO_TCP},
    {AF_INET, SOCK_DGRAM, 0},
    {AF_INET, SOCK_DGRAM, IPPROTO_UDP},
    {AF_INET6, SOCK_STREAM, 0},
    {AF_INET6, SOCK_STREAM, IPPROTO_TCP},
    {AF_INET6, SOCK_DGRAM, 0},
    {AF_INET6, SOCK_DGRAM, IPPROTO_UDP},
    {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE},
    {AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE},
};

static bool add_network(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 3,
                             SCMP_A0(SCMP_CMP_EQ, sockets[i].family, 0),
                             SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, sockets[i].type),
                             SCMP_A2(SCMP_CMP_EQ, sockets[i].protocol, 0)) != 0)
            return false;
    /* A cache of names, which the resolver does without. */
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, FIONBIO_REQUEST)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, FIONREAD_REQUEST)) == 0 &&
           add_list(filter, SCMP_ACT_ALLOW, networking, sizeof networking / sizeof *networking);
}

static bool add_given(scmp_filter_ctx filter, const bhd_capabilities *given)
{
    bool files = given->directory_count > 0, network = given->endpoint_count > 0;
    /* Landlock says which files. */
    uint32_t action = files || network ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES);
    if (!add_list(filter, action, opening, sizeof opening / sizeof *opening))
        return false;
    if (files && !add_list(filter, SCMP_ACT_ALLOW, filing, sizeof filing / sizeof *filing))
        return false;
    return !network || add_network(filter);
}

void cli_lockdown_restrict_calls(cli_lockdown *state, const bhd_capabilities *given)
{
    if (UNDER_SANITIZER || !state->no_new_privileges)
        return;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return;
    state->seccomp = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
                     add_list(filter, SCMP_ACT_ALLOW, allowed, sizeof allowed / sizeof *allowed) &&
                     add_given(filter, given) && add_special(filter) && seccomp_load(filter) == 0;
    seccomp_release(filter);
}

/* -- what is missing ------------------------------------------------------------------------- */

static void add_part(char *text, size_t size, const char *part)
{
    size_t used = strlen(text);
    (void)snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", part);
}

bool cli_lockdown_missing(const cli_lockdown *state, const bhd_capabilities *given, char *text,
                          size_t size)
{
    text[0] = '\0';
    if (!state->no_new_privileges)
        add_part(text, size, "no new privileges (the system refuses that)");
    if (!state->no_core_dump)
        add_part(text, size, "no core dump (the limit cannot be set)");
    if (state->landlock == 0)
        add_part(text, size, "Landlock (not in this kernel, or not switched on)");
    else if (given->directory_count > 0 && state->landlock < VERSION_OF_TRUNCATION)
        add_part(text, size, "Landlock's rule about truncation (Linux 6.2)");
    else if (given->endpoint_count > 0 && state->landlock < VERSION_OF_PORTS)
        add_part(text, size, "Landlock's rule about TCP ports (Linux 6.7)");
    if (state->landlock > 0 && state->threads > 1)
        add_part(text, size, "Landlock on the threads that were there before it");
    if (!state->seccomp)
        add_part(text, size,
                 UNDER_SANITIZER ? "seccomp (not beside a sanitizer)"
                                 : "seccomp (not in this kernel, or the filter was refused)");
    return text[0] != '\0';
}

bool cli_lockdown_is_whole_here(void)
{
    return !UNDER_SANITIZER;
}
