/*
 * What the second line of defence keeps from code that has broken out of a guest: such code is
 * played by this program itself, in a child that has locked itself down as `bulkhead run` does,
 * runs a real guest, and then tries.
 */
#include "engine_abort.h"
#include "lockdown.h"
#include "support/child.h"
#include "support/connect_guest.h"
#include "support/real_guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

typedef enum attempt {
    NOTHING,
    READ_A_FILE,
    MAKE_A_FILE,
    LIST_A_DIRECTORY,
    MAKE_A_GRANTED_FILE,
    MAKE_A_FILE_BESIDE,
    MAKE_A_PIPE,
    OPEN_A_SOCKET,
    OPEN_A_LOCAL_SOCKET,
    CONNECT_AS_GRANTED,
    CONNECT_ELSEWHERE,
    LISTEN,
    RUN_A_PROGRAM,
    MAKE_A_PROCESS,
    SIGNAL_ANOTHER,
    MAKE_CODE,
    MAKE_CODE_OF_DATA,
    TRACE_A_PROCESS,
    RAISE_A_LIMIT,
    WRITE_TO_WHAT_WAS_INHERITED,
    OWN_A_DESCRIPTOR,
    CHOOSE_A_SIGNAL,
    BE_SIGNALLED,
    BE_SIGNALLED_BY_IOCTL,
    TYPE_INTO_THE_TERMINAL,
    NOTIFY_OF_A_DIRECTORY,
    SIGNAL_A_THREAD_OF_ANOTHER,
    SIGNAL_BY_QUEUE,
    MAKE_A_NAMESPACE,
    BREAK_MEMORY,
    LOOK_AT_ANOTHERS_LIMITS,
    READ_ANOTHERS_MEMORY,
    OPEN_MPTCP,
    OPEN_A_RAW_SOCKET,
    OPEN_THE_AUDIT_SOCKET,
    WHAT_IS_NEEDED,
} attempt;

enum { REACHED = 40, REFUSED, NOT_LOCKED, GUEST_FAILED };
enum { LANDLOCK_WITH_PORTS = 4 };

static const char guest_text[] =
    "(module (memory (export \"memory\") 1)"
    " (func (export \"grow\") (result i32) (memory.grow (i32.const 1))))";

/* What a child is: what its guest was granted, and how much of the lockdown is active. */
typedef struct setting {
    bhd_capabilities asked;
    bool files_only;
} setting;

static const setting nothing = {BHD_CAPABILITIES_INIT, false};
static const setting nothing_files_only = {BHD_CAPABILITIES_INIT, true};

/* Of the tests of granted capabilities: two listeners, of which the first is granted, and two
 * directories likewise. */
static uint16_t ports[2];
static char directories[2][64];

/* A guest that works behind the lockdown: compiled before, run after it. */
static bool run_guest_locked_down(const setting *s, cli_lockdown *state)
{
    bhd_host *host = NULL;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    bhd_function *grow;
    bhd_value old = {BHD_I32, BHD_I32, {.i32 = -1}};
    size_t size = sizeof guest_text - 1;
    bool connects = s->asked.endpoint_count > 0;
    char *text = connects ? connect_text("run", ports[0], &size) : NULL;
    int exit_code = -1;
    bhd_host_options host_options = BHD_HOST_OPTIONS_INIT;
    bhd_grants grants = BHD_GRANTS_INIT;
    grants.everything = true;
    host_options.grants = &grants;
    bhd_component_options options = {
        .size = sizeof options,
        .name = "inside",
        .limits = {BHD_MIN_MEMORY_BYTES, 10, 0, 5.0, BHD_ON_EXCEED_DENY},
        .capabilities = &s->asked,
    };
    cli_lockdown_close_inherited();
    bool ok = bhd_host_new(&host_options, &host, NULL) == BHD_OK &&
              bhd_component_new(host, &options, text ? text : guest_text, size, &component, NULL) ==
                  BHD_OK;
    cli_lockdown_restrict_files(state, &s->asked);
    if (ok && !s->files_only)
        cli_lockdown_restrict_calls(state, &s->asked);
    ok = ok && bhd_sandbox_new(component, NULL, &sandbox, NULL) == BHD_OK;
    if (ok && connects)
        ok = bhd_sandbox_run(sandbox, &exit_code, NULL) == BHD_OK && exit_code == 0;
    else
        ok = ok && bhd_sandbox_function(sandbox, "grow", &grow, NULL) == BHD_OK &&
             bhd_sandbox_call(sandbox, grow, NULL, 0, &old, 1, NULL) == BHD_OK && old.of.i32 == 1;
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
    free(text);
    return ok;
}

static bool makes_file(const char *directory, mode_t kind)
{
    char path[96];
    snprintf(path, sizeof path, "%s/escaped", directory);
    if (kind == S_IFIFO)
        return mknod(path, S_IFIFO | 0600, 0) == 0;
    return open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0;
}

static bool connects_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

/* Of the parent, inherited. */
static int inherited = -1;

/* Whether the call came back at all: a filter does not let it. */
static bool comes_back(long result)
{
    (void)result;
    return true;
}

/* What standard streams are read and written with, and the signal of a write is taken with. */
static bool streams_are_allowed(void)
{
    char one = 0;
    struct iovec part = {&one, 1};
    sigset_t set;
    const struct timespec at_once = {0, 0};
    return sigemptyset(&set) == 0 && sigaddset(&set, SIGPIPE) == 0 &&
           comes_back(preadv2(0, &part, 1, -1, RWF_NOWAIT)) &&
           comes_back(pwritev2(0, &part, 1, -1, RWF_NOWAIT)) && sigpending(&set) == 0 &&
           comes_back(sigtimedwait(&set, NULL, &at_once));
}

static bool is_needed_and_allowed(void)
{
    char one = 0;
    int copy = fcntl(0, F_DUPFD_CLOEXEC, 3);
    return copy >= 3 && fcntl(copy, F_GETFD) == FD_CLOEXEC && fcntl(copy, F_SETFD, 0) == 0 &&
           fcntl(copy, F_GETFL) >= 0 && fcntl(copy, F_SETFL, O_NONBLOCK) == 0 &&
           comes_back(isatty(copy)) && close(copy) == 0 &&
           madvise(&one - (uintptr_t)&one % 4096, 4096, MADV_NORMAL) == 0 &&
           comes_back(syscall(SYS_getcwd, &one, 0)) && streams_are_allowed();
}

/* Those that are tried for the signals or the rights that they would give. */
static bool try_to_reach_others(attempt what)
{
    char byte = '\n';
    struct rlimit limits;
    struct iovec part = {&byte, 1};
    switch (what) {
    case OWN_A_DESCRIPTOR:
        return comes_back(fcntl(0, F_SETOWN, getppid()));
    case CHOOSE_A_SIGNAL:
        return comes_back(fcntl(0, F_SETSIG, SIGKILL));
    case BE_SIGNALLED:
        return comes_back(fcntl(0, F_SETFL, O_ASYNC));
    case BE_SIGNALLED_BY_IOCTL:
        return comes_back(ioctl(0, FIOASYNC, &(int){1}));
    case TYPE_INTO_THE_TERMINAL:
        return comes_back(ioctl(0, TIOCSTI, &byte));
    case NOTIFY_OF_A_DIRECTORY:
        return comes_back(fcntl(0, F_NOTIFY, DN_ACCESS));
    case SIGNAL_A_THREAD_OF_ANOTHER:
        return comes_back(syscall(SYS_tgkill, getppid(), getppid(), 0));
    case SIGNAL_BY_QUEUE:
        return comes_back(syscall(SYS_rt_sigqueueinfo, getppid(), SIGTERM, NULL));
    case MAKE_A_NAMESPACE:
        /* As for a thread, and one flag more; the kernel would refuse it for want of a stack. */
        return comes_back(syscall(SYS_clone, 0x3d0f00 | CLONE_NEWNET, 0, 0, 0, 0));
    case BREAK_MEMORY:
        return comes_back(madvise(NULL, 4096, MADV_HWPOISON));
    case LOOK_AT_ANOTHERS_LIMITS:
        return comes_back(prlimit(getppid(), RLIMIT_CORE, NULL, &limits));
    case READ_ANOTHERS_MEMORY:
        return comes_back(process_vm_readv(getppid(), &part, 1, &part, 1, 0));
    case OPEN_MPTCP:
        return comes_back(socket(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */));
    case OPEN_A_RAW_SOCKET:
        return comes_back(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    case OPEN_THE_AUDIT_SOCKET:
        return comes_back(socket(AF_NETLINK, SOCK_RAW, 9 /* NETLINK_AUDIT */));
    default:
        return false;
    }
}

static bool try_it(attempt what)
{
    char *const argv[] = {(char *)"/bin/true", NULL};
    struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
    switch (what) {
    case NOTHING:
        return false;
    case READ_A_FILE:
        return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
    case MAKE_A_FILE:
        return open("/tmp/bulkhead-escaped", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0;
    case LIST_A_DIRECTORY:
        return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
    case MAKE_A_GRANTED_FILE:
        return makes_file(directories[0], S_IFREG);
    case MAKE_A_FILE_BESIDE:
        return makes_file(directories[1], S_IFREG);
    case MAKE_A_PIPE:
        return makes_file(directories[0], S_IFIFO);
    case OPEN_A_SOCKET:
        return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
    case OPEN_A_LOCAL_SOCKET:
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
    case CONNECT_AS_GRANTED:
        return connects_to(ports[0]);
    case CONNECT_ELSEWHERE:
        return connects_to(ports[1]);
    case LISTEN: {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return fd >= 0 && listen(fd, 1) == 0;
    }
    case RUN_A_PROGRAM:
        (void)execv(argv[0], argv);
        return false;
    case MAKE_A_PROCESS:
        return fork() >= 0;
    case SIGNAL_ANOTHER:
        return kill(getppid(), 0) == 0;
    case MAKE_CODE:
        return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0) != MAP_FAILED;
    case MAKE_CODE_OF_DATA: {
        void *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return data != MAP_FAILED && mprotect(data, 4096, PROT_READ | PROT_EXEC) == 0;
    }
    case TRACE_A_PROCESS:
        return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
    case RAISE_A_LIMIT:
        return setrlimit(RLIMIT_CORE, &most) == 0;
    case WRITE_TO_WHAT_WAS_INHERITED:
        return write(inherited, "", 1) == 1;
    case WHAT_IS_NEEDED:
        return is_needed_and_allowed();
    default:
        return try_to_reach_others(what);
    }
}

static bool in_child(attempt what, const setting *s, int *status)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        cli_lockdown state = {0};
        if (!run_guest_locked_down(s, &state))
            _exit(GUEST_FAILED);
        if ((s->files_only && state.landlock == 0) || (!s->files_only && !state.seccomp) ||
            (what == CONNECT_ELSEWHERE && state.landlock < LANDLOCK_WITH_PORTS))
            _exit(NOT_LOCKED);
        _exit(try_it(what) ? REACHED : REFUSED);
    }
    assert_int_equal(waitpid(child, status, 0), child);
    return !(WIFEXITED(*status) && WEXITSTATUS(*status) == NOT_LOCKED);
}

/* A kernel without a part cannot show it, and neither can a sanitizer; that is not a failure. */
static int outcome(attempt what, const setting *s)
{
    int status;
    if (!in_child(what, s, &status))
        skip();
    return status;
}

static void assert_killed(attempt what, const setting *s)
{
    int status = outcome(what, s);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_ends(attempt what, const setting *s, int wanted)
{
    int status = outcome(what, s);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), wanted);
}

static void assert_refused(attempt what, const setting *s)
{
    assert_ends(what, s, REFUSED);
}

static void test_a_guest_runs_behind_the_lockdown(void **state)
{
    (void)state;
    assert_refused(NOTHING, &nothing);
}

static void test_files_are_out_of_reach(void **state)
{
    (void)state;
    assert_refused(READ_A_FILE, &nothing);
    assert_refused(MAKE_A_FILE, &nothing);
    assert_refused(LIST_A_DIRECTORY, &nothing);
}

static void test_landlock_alone_keeps_files_out_of_reach(void **state)
{
    (void)state;
    assert_refused(READ_A_FILE, &nothing_files_only);
    assert_refused(MAKE_A_FILE, &nothing_files_only);
    assert_refused(LIST_A_DIRECTORY, &nothing_files_only);
}

static void test_the_network_is_out_of_reach(void **state)
{
    (void)state;
    assert_killed(OPEN_A_SOCKET, &nothing);
}

static void test_programs_and_processes_are_out_of_reach(void **state)
{
    (void)state;
    assert_killed(RUN_A_PROGRAM, &nothing);
    assert_killed(MAKE_A_PROCESS, &nothing);
    assert_killed(SIGNAL_ANOTHER, &nothing);
}

static void test_no_new_code_can_be_made(void **state)
{
    (void)state;
    assert_killed(MAKE_CODE, &nothing);
    assert_killed(MAKE_CODE_OF_DATA, &nothing);
}

static void test_the_lockdown_cannot_be_loosened(void **state)
{
    (void)state;
    assert_killed(TRACE_A_PROCESS, &nothing);
    assert_killed(RAISE_A_LIMIT, &nothing);
}

/* The guest connects to its port, and code that broke out reaches no other. */
static void test_a_granted_connection_opens_one_port_and_nothing_else(void **state)
{
    (void)state;
    bhd_endpoint network[] = {{"127.0.0.1", 0}};
    setting s = nothing;
    int granted = connect_listen(&ports[0]), other = connect_listen(&ports[1]);
    network[0].port = ports[0];
    s.asked.network = network;
    s.asked.endpoint_count = 1;
    assert_ends(CONNECT_AS_GRANTED, &s, REACHED);
    assert_killed(LISTEN, &s);
    assert_refused(OPEN_A_LOCAL_SOCKET, &s);
    assert_killed(RUN_A_PROGRAM, &s);
    assert_killed(MAKE_A_PROCESS, &s);
    s.files_only = true;
    assert_refused(READ_A_FILE, &s);
    s.files_only = false;
    assert_refused(READ_A_FILE, &s);
    assert_refused(CONNECT_ELSEWHERE, &s);
    (void)close(granted);
    (void)close(other);
}

static void test_what_was_inherited_is_closed(void **state)
{
    (void)state;
    inherited = open("/dev/null", O_WRONLY);
    assert_true(inherited >= 3);
    assert_refused(WRITE_TO_WHAT_WAS_INHERITED, &nothing);
    assert_int_equal(1, write(inherited, "", 1));
    (void)close(inherited);
}

static void test_calls_are_allowed_as_far_as_they_are_needed(void **state)
{
    (void)state;
    assert_ends(WHAT_IS_NEEDED, &nothing, REACHED);
    for (attempt what = OWN_A_DESCRIPTOR; what <= READ_ANOTHERS_MEMORY; what++)
        assert_killed(what, &nothing);
}

static void test_a_granted_connection_opens_tcp_and_what_finds_names(void **state)
{
    (void)state;
    bhd_endpoint network[] = {{"127.0.0.1", 0}};
    setting s = nothing;
    int granted = connect_listen(&ports[0]);
    network[0].port = ports[0];
    s.asked.network = network;
    s.asked.endpoint_count = 1;
    for (attempt what = OWN_A_DESCRIPTOR; what <= OPEN_THE_AUDIT_SOCKET; what++)
        assert_killed(what, &s);
    (void)close(granted);
}

/* -- a system that lacks a part ---------------------------------------------------------------- */

/* Has the system answer that call as if it had not got it. */
static void take_away(int call, int reason)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    CHECK(filter != NULL);
    CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)reason), call, 0) == 0);
    CHECK(seccomp_load(filter) == 0);
    seccomp_release(filter);
}

typedef struct lack {
    int call, reason;
    const char *said; /* NULL: nothing is missing */
    bhd_capabilities given;
} lack;

static void lock_down_without(void *env)
{
    const lack *l = env;
    cli_lockdown state = {0};
    char missing[512];
    if (l->call >= 0)
        take_away(l->call, l->reason);
    cli_lockdown_restrict_files(&state, &l->given);
    cli_lockdown_restrict_calls(&state, &l->given);
    bool lacks = cli_lockdown_missing(&state, &l->given, missing, sizeof missing);
    CHECK(lacks == (l->said != NULL));
    CHECK(!lacks || strncmp(missing, l->said, strlen(l->said)) == 0);
}

static void *wait_for_ever(void *env)
{
    for (;;)
        (void)pause();
    return env;
}

static void lock_down_beside_a_thread(void *env)
{
    cli_lockdown state = {0};
    pthread_t thread;
    char missing[512];
    (void)env;
    CHECK(pthread_create(&thread, NULL, wait_for_ever, NULL) == 0);
    cli_lockdown_restrict_files(&state, &nothing.asked);
    cli_lockdown_restrict_calls(&state, &nothing.asked);
    bool lacks = cli_lockdown_missing(&state, &nothing.asked, missing, sizeof missing);
    CHECK(state.landlock == 0 ||
          (lacks && strstr(missing, "threads that were there before") != NULL));
}

/* Landlock binds one thread: --require-lockdown holds the command to having no other by then. */
static void test_a_thread_that_came_before_is_named(void **state)
{
    (void)state;
    child_succeeds(lock_down_beside_a_thread, NULL);
}

static void test_each_part_that_is_missing_is_named(void **state)
{
    (void)state;
    static const lack lacks[] = {
        {-1, 0, NULL, BHD_CAPABILITIES_INIT},
        {SCMP_SYS(landlock_create_ruleset), ENOSYS, "Landlock (not in", BHD_CAPABILITIES_INIT},
        {SCMP_SYS(landlock_create_ruleset), EOPNOTSUPP, "Landlock (not in", BHD_CAPABILITIES_INIT},
        {SCMP_SYS(landlock_add_rule), EINVAL, "Landlock (not in", BHD_CAPABILITIES_INIT},
        {SCMP_SYS(landlock_restrict_self), EPERM, "Landlock (not in", BHD_CAPABILITIES_INIT},
        {SCMP_SYS(seccomp), ENOSYS, "seccomp (not in", BHD_CAPABILITIES_INIT},
        {SCMP_SYS(seccomp), EINVAL, "seccomp (not in", BHD_CAPABILITIES_INIT},
        {SCMP_SYS(prctl), EPERM, "no new privileges (", BHD_CAPABILITIES_INIT},
        {SCMP_SYS(prlimit64), EPERM, "no core dump (", BHD_CAPABILITIES_INIT},
        {SCMP_SYS(close_range), ENOSYS, NULL, BHD_CAPABILITIES_INIT},
    };
    int status;
    if (!in_child(NOTHING, &nothing, &status) || !in_child(NOTHING, &nothing_files_only, &status))
        skip(); /* of this system something is missing already */
    for (size_t i = 0; i < COUNT_OF(lacks); i++) {
        lack l = lacks[i];
        child_succeeds(lock_down_without, &l);
    }
}

static void test_an_old_landlock_is_not_enough_for_what_was_granted(void **state)
{
    (void)state;
    char missing[512];
    cli_lockdown whole = {true, true, 6, 1, true};
    bhd_capabilities with = BHD_CAPABILITIES_INIT;
    assert_false(cli_lockdown_missing(&whole, &with, missing, sizeof missing));
    whole.landlock = 2;
    assert_false(cli_lockdown_missing(&whole, &with, missing, sizeof missing));
    with.directory_count = 1;
    assert_true(cli_lockdown_missing(&whole, &with, missing, sizeof missing));
    expect_in(missing, "truncation (Linux 6.2)");
    with.directory_count = 0;
    with.endpoint_count = 1;
    whole.landlock = 3;
    assert_true(cli_lockdown_missing(&whole, &with, missing, sizeof missing));
    expect_in(missing, "TCP ports (Linux 6.7)");
    cli_lockdown none = {0};
    assert_true(cli_lockdown_missing(&none, &with, missing, sizeof missing));
    expect_in(missing, "no new privileges");
    expect_in(missing, "no core dump");
    expect_in(missing, "Landlock");
    expect_in(missing, "seccomp");
}

typedef struct command_run {
    char path[512];
    bool requires_it;
    int taken_away;
} command_run;

static int said[2]; /* a pipe: standard error of the child */

static void run_command_without(void *env)
{
    const command_run *r = env;
    static const char printer[] = BHD_SOURCE_DIR "/guests/wasi/print.core.wasm";
    CHECK(dup2(said[1], 2) == 2);
    take_away(r->taken_away, ENOSYS);
    if (r->requires_it)
        (void)execl(r->path, "bulkhead", "run", "--require-lockdown", "--max-bytes=1MiB", printer,
                    (char *)NULL);
    else
        (void)execl(r->path, "bulkhead", "run", "--max-bytes=1MiB", printer, (char *)NULL);
    _exit(99);
}

/* What the child wrote to standard error. */
static int status_and_text(void (*body)(void *env), void *env, char *text, size_t capacity)
{
    size_t size = 0;
    assert_int_equal(0, pipe(said));
    int status = child_status(body, env);
    (void)close(said[1]);
    for (ssize_t n;
         size < capacity - 1 && (n = read(said[0], text + size, capacity - 1 - size)) > 0;)
        size += (size_t)n;
    text[size] = '\0';
    (void)close(said[0]);
    return status;
}

static void test_the_command_says_what_is_missing_or_refuses(void **state)
{
    (void)state;
    char text[4096];
    command_run r;
    int status;
    if (!cli_lockdown_is_whole_here() || !child_find_command(r.path, sizeof r.path) ||
        !in_child(NOTHING, &nothing, &status) || !in_child(NOTHING, &nothing_files_only, &status))
        skip();
    static const struct {
        int call;
        const char *part;
    } parts[] = {{SCMP_SYS(landlock_create_ruleset), "Landlock (not in this kernel"},
                 {SCMP_SYS(seccomp), "seccomp (not in this kernel"}};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        r.taken_away = parts[i].call;
        r.requires_it = true;
        status = status_and_text(run_command_without, &r, text, sizeof text);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
        expect_in(text, "bulkhead: --require-lockdown: the second line of defence lacks: ");
        expect_in(text, parts[i].part);
        assert_null(strstr(text, "a line on stderr")); /* the guest's */
        r.requires_it = false;
        status = status_and_text(run_command_without, &r, text, sizeof text);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        expect_in(text, "note: the second line of defence lacks: ");
        expect_in(text, parts[i].part);
        expect_in(text, "a line on stderr");
    }
}

/* A limit of 0 that may not be raised to 1, as services have it. */
static void lock_down_below_a_limit_of_nothing(void *env)
{
    (void)env;
    const struct rlimit none = {0, 0};
    cli_lockdown state = {0};
    CHECK(setrlimit(RLIMIT_CORE, &none) == 0);
    CHECK(getuid() != 0 || setresuid(65534, 65534, 65534) == 0);
    CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
    cli_lockdown_restrict_files(&state, &nothing.asked);
    CHECK(state.no_core_dump);
    CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
}

static void lock_down_and_look_at_the_limit(void *env)
{
    (void)env;
    struct rlimit limit;
    cli_lockdown state = {0};
    cli_lockdown_restrict_files(&state, &nothing.asked);
    CHECK(state.no_core_dump);
    CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 1 && limit.rlim_max == 1);
}

/* A size of 0 is no limit for dumps that are piped to a program, and 1 is. */
static void test_no_core_is_dumped_to_a_file_or_a_program(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(0, getrlimit(RLIMIT_CORE, &limit));
    if (limit.rlim_max >= 1)
        child_succeeds(lock_down_and_look_at_the_limit, NULL);
    child_succeeds(lock_down_below_a_limit_of_nothing, NULL);
}

/* -- the engine ends the process --------------------------------------------------------------- */

static const char sleeper[] =
    "(module (import \"wasi_snapshot_preview1\" \"poll_oneoff\" (func $poll"
    "  (param i32 i32 i32 i32) (result i32)))"
    " (memory (export \"memory\") 1)"
    " (func (export \"_start\")"
    "  (i32.store8 (i32.const 8) (i32.const 0)) (i32.store (i32.const 16) (i32.const 1))"
    "  (i64.store (i32.const 24) (i64.const 20000000))"
    "  (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))";

/* The files of WASI's runtime are closed under it, on which it panics. */
static void make_the_engine_panic(void *env)
{
    bhd_host *host = NULL;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    cli_lockdown state = {0};
    int exit_code;
    bhd_component_options options = {
        .size = sizeof options,
        .name = "sleeper",
        .limits = {BHD_MIN_MEMORY_BYTES, 10, 0, 20.0, BHD_ON_EXCEED_DENY}};
    bool locked = *(const bool *)env;
    CHECK(dup2(said[1], 2) == 2);
    CHECK(bhd_host_new(NULL, &host, NULL) == BHD_OK);
    CHECK(bhd_component_new(host, &options, sleeper, sizeof sleeper - 1, &component, NULL) ==
          BHD_OK);
    if (locked) {
        cli_lockdown_restrict_files(&state, &nothing.asked);
        cli_lockdown_restrict_calls(&state, &nothing.asked);
    }
    cli_engine_abort_init();
    for (int round = 0; round < 2; round++) {
        CHECK(bhd_sandbox_new(component, NULL, &sandbox, NULL) == BHD_OK);
        CHECK(bhd_sandbox_run(sandbox, &exit_code, NULL) == BHD_OK);
        bhd_sandbox_free(sandbox);
        for (int number = 3; number < 64; number++)
            (void)close(number);
    }
}

static void panic_is_an_internal_error(bool locked)
{
    char text[4096];
    int status = status_and_text(make_the_engine_panic, &locked, text, sizeof text);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 70)
        fail_msg("status %#x, said: %s", status, text);
    expect_in(text, "panicked at");
    expect_in(text, "bulkhead: internal error: the engine has ended the process");
}

static void test_a_panic_is_an_internal_error_with_its_text(void **state)
{
    (void)state;
    panic_is_an_internal_error(false);
    panic_is_an_internal_error(true);
    assert_int_equal(0, setenv("RUST_BACKTRACE", "full", 1));
    panic_is_an_internal_error(true);
    assert_int_equal(0, unsetenv("RUST_BACKTRACE"));
}

static int make_directories(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(directories); i++) {
        snprintf(directories[i], sizeof directories[i], "/tmp/bulkhead-lockdown-XXXXXX");
        if (mkdtemp(directories[i]) == NULL)
            return -1;
    }
    return 0;
}

static int remove_directories(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(directories); i++) {
        char path[2 * sizeof directories];
        snprintf(path, sizeof path, "%s/escaped", directories[i]);
        (void)unlink(path);
        (void)rmdir(directories[i]);
    }
    return 0;
}

static void test_a_granted_directory_opens_itself_and_nothing_else(void **state)
{
    (void)state;
    bhd_directory granted[] = {{directories[0], "/data", BHD_ACCESS_READ_WRITE}};
    setting s = nothing;
    s.asked.directories = granted;
    s.asked.directory_count = 1;
    assert_ends(MAKE_A_GRANTED_FILE, &s, REACHED);
    assert_refused(MAKE_A_FILE_BESIDE, &s);
    assert_killed(MAKE_A_PIPE, &s);
    assert_refused(READ_A_FILE, &s);
    assert_killed(RUN_A_PROGRAM, &s);
    assert_killed(OPEN_A_SOCKET, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_guest_runs_behind_the_lockdown),
        cmocka_unit_test(test_files_are_out_of_reach),
        cmocka_unit_test(test_landlock_alone_keeps_files_out_of_reach),
        cmocka_unit_test(test_the_network_is_out_of_reach),
        cmocka_unit_test(test_programs_and_processes_are_out_of_reach),
        cmocka_unit_test(test_no_new_code_can_be_made),
        cmocka_unit_test(test_the_lockdown_cannot_be_loosened),
        cmocka_unit_test(test_what_was_inherited_is_closed),
        cmocka_unit_test(test_calls_are_allowed_as_far_as_they_are_needed),
        cmocka_unit_test(test_a_granted_connection_opens_tcp_and_what_finds_names),
        cmocka_unit_test(test_each_part_that_is_missing_is_named),
        cmocka_unit_test(test_a_thread_that_came_before_is_named),
        cmocka_unit_test(test_an_old_landlock_is_not_enough_for_what_was_granted),
        cmocka_unit_test(test_the_command_says_what_is_missing_or_refuses),
        cmocka_unit_test(test_no_core_is_dumped_to_a_file_or_a_program),
        cmocka_unit_test(test_a_panic_is_an_internal_error_with_its_text),
        cmocka_unit_test(test_a_granted_connection_opens_one_port_and_nothing_else),
        cmocka_unit_test_setup_teardown(test_a_granted_directory_opens_itself_and_nothing_else,
                                        make_directories, remove_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
