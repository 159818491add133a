/*
 * What the second line of defence keeps from code that has broken out of a guest: such code is
 * played by this program itself, in a child that has locked itself down as `bulkhead run` does,
 * runs a real guest, and then tries.
 */
#include "lockdown.h"
#include "support/real_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef enum attempt {
    NOTHING,
    READ_A_FILE,
    MAKE_A_FILE,
    LIST_A_DIRECTORY,
    OPEN_A_SOCKET,
    RUN_A_PROGRAM,
    MAKE_A_PROCESS,
    SIGNAL_ANOTHER,
    MAKE_CODE,
    MAKE_CODE_OF_DATA,
    TRACE_A_PROCESS,
    RAISE_A_LIMIT,
} attempt;

enum { REACHED = 40, REFUSED = 41, NOT_READY = 42 };

static const char guest_text[] =
    "(module (memory (export \"memory\") 1)"
    " (func (export \"grow\") (result i32) (memory.grow (i32.const 1))))";

static const bhd_capabilities nothing = BHD_CAPABILITIES_INIT;

/* A guest that works behind the lockdown: compiled before, run after it. */
static bool run_guest_locked_down(bool files_only, cli_lockdown *state)
{
    bhd_host *host = NULL;
    bhd_component *component = NULL;
    bhd_sandbox *sandbox = NULL;
    bhd_function *grow;
    bhd_value old = {BHD_I32, BHD_I32, {.i32 = -1}};
    bhd_component_options options = {
        .name = "inside", .limits = {BHD_MIN_MEMORY_BYTES, 10, 0, 5.0, BHD_ON_EXCEED_DENY}};
    cli_lockdown_files(state, &nothing);
    bool ok = bhd_host_new(NULL, &host, NULL) == BHD_OK &&
              bhd_component_new(host, &options, guest_text, sizeof guest_text - 1, &component,
                                NULL) == BHD_OK;
    if (ok && !files_only)
        cli_lockdown_calls(state, &nothing);
    ok = ok && bhd_sandbox_new(component, NULL, &sandbox, NULL) == BHD_OK &&
         bhd_sandbox_function(sandbox, "grow", &grow, NULL) == BHD_OK &&
         bhd_sandbox_call(sandbox, grow, NULL, 0, &old, 1, NULL) == BHD_OK && old.of.i32 == 1;
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
    return ok;
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
    case OPEN_A_SOCKET:
        return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
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

static bool in_child(attempt what, bool files_only, int *status)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        cli_lockdown state = {0};
        if (!run_guest_locked_down(files_only, &state) || (files_only && state.landlock == 0) ||
            (!files_only && !state.seccomp))
            _exit(NOT_READY);
        _exit(try_it(what) ? REACHED : REFUSED);
    }
    assert_int_equal(waitpid(child, status, 0), child);
    return !(WIFEXITED(*status) && WEXITSTATUS(*status) == NOT_READY);
}

/* A kernel without a part cannot show it, and neither can a sanitizer; that is not a failure. */
static int outcome(attempt what, bool files_only)
{
    int status;
    if (!in_child(what, files_only, &status))
        skip();
    return status;
}

static void assert_killed(attempt what)
{
    int status = outcome(what, false);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_refused(attempt what, bool files_only)
{
    int status = outcome(what, files_only);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), REFUSED);
}

static void test_a_guest_runs_behind_the_lockdown(void **state)
{
    (void)state;
    assert_refused(NOTHING, false);
}

static void test_files_are_out_of_reach(void **state)
{
    (void)state;
    assert_refused(READ_A_FILE, false);
    assert_refused(MAKE_A_FILE, false);
    assert_refused(LIST_A_DIRECTORY, false);
}

static void test_landlock_alone_keeps_files_out_of_reach(void **state)
{
    (void)state;
    assert_refused(READ_A_FILE, true);
    assert_refused(MAKE_A_FILE, true);
    assert_refused(LIST_A_DIRECTORY, true);
}

static void test_the_network_is_out_of_reach(void **state)
{
    (void)state;
    assert_killed(OPEN_A_SOCKET);
}

static void test_programs_and_processes_are_out_of_reach(void **state)
{
    (void)state;
    assert_killed(RUN_A_PROGRAM);
    assert_killed(MAKE_A_PROCESS);
    assert_killed(SIGNAL_ANOTHER);
}

static void test_no_new_code_can_be_made(void **state)
{
    (void)state;
    assert_killed(MAKE_CODE);
    assert_killed(MAKE_CODE_OF_DATA);
}

static void test_the_lockdown_cannot_be_loosened(void **state)
{
    (void)state;
    assert_killed(TRACE_A_PROCESS);
    assert_killed(RAISE_A_LIMIT);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
