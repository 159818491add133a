/*
 * What the second line of defence keeps from code that has broken out of a guest: such code is
 * played by this program itself, in a child that has locked itself down as `bulkhead run` does,
 * runs a real guest, and then tries.
 */
#include "lockdown.h"
#include "support/connect_guest.h"
#include "support/real_guest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
        .name = "inside",
        .limits = {BHD_MIN_MEMORY_BYTES, 10, 0, 5.0, BHD_ON_EXCEED_DENY},
        .capabilities = &s->asked,
    };
    cli_lockdown_files(state, &s->asked);
    bool ok = bhd_host_new(&host_options, &host, NULL) == BHD_OK &&
              bhd_component_new(host, &options, text ? text : guest_text, size, &component, NULL) ==
                  BHD_OK;
    if (ok && !s->files_only)
        cli_lockdown_calls(state, &s->asked);
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
    }
    return false;
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
        cmocka_unit_test(test_a_granted_connection_opens_one_port_and_nothing_else),
        cmocka_unit_test_setup_teardown(test_a_granted_directory_opens_itself_and_nothing_else,
                                        make_directories, remove_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
