/*
 * Programs that are not as one would like them: compiling apart works in them, or says clearly why
 * not; and they do not notice that there is another process. Each case in a child of its own.
 */
#include "support/child.h"
#include "support/played.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { COMPILATIONS = ROUNDS(40) };

/* What the process finds itself in, whatever the program is like. */
#define SELF "began\nstatus 50\nverdict 2\nmagic\nself\nexit 66"
#define SELF_IS                                                                                    \
    "descriptors=0:f,1:0,2:7, arguments=1:bulkhead-compile environment=0 signals= group=own "      \
    "death=9 file=1048576 core=0"

static bhd__compiler *child_compiler(void)
{
    bhd__compiler_options options = played_options();
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiler *compiler = NULL;
    CHECK_STATUS(BHD_OK, bhd__compiler_new(&options, &compiler, &error), &error);
    return compiler;
}

/* -- in a child: cmocka's assertions have nowhere to jump to ----------------------------------- */

static void check_good(bhd__compiler *compiler)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    CHECK_STATUS(BHD_OK, played_compile(compiler, PLAYED_GOOD, &compiled, &error), &error);
    CHECK(compiled.output > STDERR_FILENO && compiled.artifact_bytes == 60);
    CHECK(fcntl(compiled.output, F_GETFD) == FD_CLOEXEC);
    played_release(&compiled);
}

static void check_self(bhd__compiler *compiler)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    CHECK_STATUS(BHD_COMPONENT_INVALID, played_compile(compiler, SELF, &compiled, &error), &error);
    if (strcmp(error.message, SELF_IS) != 0)
        fprintf(stderr, "got:    %s\nwanted: %s\n", error.message, SELF_IS);
    CHECK(strcmp(error.message, SELF_IS) == 0);
    bhd_error_fini(&error);
}

static void check_no_child(void)
{
    CHECK(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD);
}

static void check_works(void)
{
    bhd__compiler *compiler = child_compiler();
    for (int i = 0; i < COMPILATIONS; i++)
        check_good(compiler);
    check_self(compiler);
    bhd__compiler_free(compiler);
    check_no_child();
}

/* -- children and signals ---------------------------------------------------------------------- */

static atomic_int notices, taken;
static atomic_bool is_over;

static void notice(int number)
{
    (void)number;
    atomic_fetch_add(&notices, 1);
}

static void *wait_for_any(void *flags)
{
    while (!atomic_load(&is_over)) {
        if (waitpid(-1, NULL, (int)(intptr_t)flags) > 0)
            atomic_fetch_add(&taken, 1);
        else
            (void)usleep(100);
    }
    return NULL;
}

static void watch_children(void *env)
{
    pthread_t thread;
    (void)signal(SIGCHLD, notice);
    CHECK(pthread_create(&thread, NULL, wait_for_any, env) == 0);
    check_works();
    atomic_store(&is_over, true);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(atomic_load(&notices) == 0);
    /* Who waits for clones sees the warden, whose status is nothing. */
    if (env == NULL)
        CHECK(atomic_load(&taken) == 0);
}

static void test_no_child_and_no_signal(void **state)
{
    (void)state;
    child_succeeds(watch_children, NULL);
}

static void test_beside_a_thread_that_waits_for_clones_too(void **state)
{
    (void)state;
    child_succeeds(watch_children, (void *)(intptr_t)__WALL);
}

static void with_children_ignored(void *env)
{
    struct sigaction action = {.sa_handler = env ? SIG_DFL : SIG_IGN,
                               .sa_flags = env ? SA_NOCLDWAIT : 0};
    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
    check_works();
    struct sigaction after;
    CHECK(sigaction(SIGCHLD, NULL, &after) == 0);
    CHECK(after.sa_handler == action.sa_handler);
}

static void test_sigchld_is_ignored(void **state)
{
    (void)state;
    child_succeeds(with_children_ignored, NULL);
    child_succeeds(with_children_ignored, "SA_NOCLDWAIT");
}

static void with_every_signal_blocked(void *env)
{
    sigset_t every, after;
    (void)env;
    (void)sigfillset(&every);
    (void)sigdelset(&every, SIGALRM); /* the child's own end */
    CHECK(sigprocmask(SIG_SETMASK, &every, NULL) == 0);
    CHECK(sigprocmask(SIG_SETMASK, NULL, &every) == 0); /* without two of the C library's */
    check_works();
    CHECK(sigprocmask(SIG_SETMASK, NULL, &after) == 0);
    for (int number = 1; number < NSIG; number++)
        CHECK(sigismember(&every, number) == sigismember(&after, number));
}

static void test_every_signal_is_blocked(void **state)
{
    (void)state;
    child_succeeds(with_every_signal_blocked, NULL);
}

static void with_every_signal(void *env)
{
    void (*action)(int) = env ? notice : SIG_IGN;
    for (int number = 1; number < NSIG; number++)
        if (number != SIGALRM)
            (void)signal(number, action);
    check_works();
    for (int number = 1; number < SIGRTMIN; number++) {
        struct sigaction after;
        if (number == SIGALRM || number == SIGKILL || number == SIGSTOP ||
            sigaction(number, NULL, &after) != 0)
            continue;
        CHECK(after.sa_handler == action);
    }
    CHECK(atomic_load(&notices) == 0);
}

static void test_every_signal_is_ignored_or_handled(void **state)
{
    (void)state;
    child_succeeds(with_every_signal, NULL);
    child_succeeds(with_every_signal, "handled");
}

/* A handler of the program runs in the program, and in none of the processes on its memory. */
static pid_t handlers_process;
static atomic_int strange;

static void notice_where(int number)
{
    (void)number;
    atomic_fetch_add(getpid() == handlers_process ? &notices : &strange, 1);
}

static void with_a_timer(void *env)
{
    struct sigaction action = {.sa_handler = notice_where, .sa_flags = SA_RESTART};
    const struct itimerval often = {{0, 300}, {0, 300}};
    (void)env;
    handlers_process = getpid();
    CHECK(sigaction(SIGVTALRM, &action, NULL) == 0 && sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    check_works();
    while (atomic_load(&notices) == 0)
        continue;
    CHECK(atomic_load(&strange) == 0);
}

static void test_handlers_run_in_the_program(void **state)
{
    (void)state;
    child_succeeds(with_a_timer, NULL);
}

/* As a terminal does, and a shell that ends a job: every process of the group gets it. */
static void *signal_the_group(void *unused)
{
    (void)unused;
    while (!atomic_load(&is_over))
        CHECK(kill(0, SIGUSR1) == 0);
    return NULL;
}

static void in_a_group_with_signals(void *env)
{
    struct sigaction action = {.sa_handler = notice_where, .sa_flags = SA_RESTART};
    pthread_t thread;
    (void)env;
    CHECK(setpgid(0, 0) == 0);
    handlers_process = getpid();
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(pthread_create(&thread, NULL, signal_the_group, NULL) == 0);
    while (atomic_load(&notices) == 0)
        continue;
    check_works();
    atomic_store(&is_over, true);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(atomic_load(&strange) == 0);
}

static void test_signals_of_the_group_are_the_programs(void **state)
{
    (void)state;
    child_succeeds(in_a_group_with_signals, NULL);
}

/* Stops the group of its parent and continues the parent alone, while something is compiled. If the
 * deadline depends on the others, it is kept when they are continued, after a minute. */
static void stop_the_group(pid_t parent)
{
    pid_t warden, process;
    CHECK(setpgid(0, 0) == 0);
    played_await(parent, &warden, &process);
    CHECK(kill(-parent, SIGSTOP) == 0 && kill(parent, SIGCONT) == 0);
    (void)sleep(60);
    (void)kill(-parent, SIGCONT);
    _exit(0);
}

static void in_a_group_that_is_stopped(void *env)
{
    bhd__compiler_options options = played_options();
    bhd__compiler *compiler = NULL;
    bhd__compiled compiled;
    bhd_error error = BHD_ERROR_INIT;
    (void)env;
    options.max_seconds = 3; /* enough to begin */
    CHECK_STATUS(BHD_OK, bhd__compiler_new(&options, &compiler, &error), &error);
    CHECK(setpgid(0, 0) == 0);
    pid_t self = getpid(), other = fork();
    if (other == 0)
        stop_the_group(self);
    CHECK_STATUS(BHD_COMPONENT_TOO_LARGE,
                 played_compile(compiler, "began\nsleep", &compiled, &error), &error);
    bhd_error_fini(&error);
    CHECK(waitpid(other, NULL, WNOHANG) == 0);
    CHECK(kill(other, SIGKILL) == 0 && waitpid(other, NULL, 0) == other);
    bhd__compiler_free(compiler);
    check_no_child();
}

static void test_a_group_that_is_stopped_keeps_deadlines(void **state)
{
    (void)state;
    child_succeeds(in_a_group_that_is_stopped, NULL);
}

/* A program of one thread, which cancels in a handler. */
static atomic_bool is_cancelled;

static void cancel(int number)
{
    (void)number;
    atomic_store(&is_cancelled, true);
}

static void cancelled_by_a_signal(void *env)
{
    static const char script[] = "began\nsleep";
    const bhd__compile_request request = {
        .binary = script, .size = sizeof script - 1, .client = {.cancelled = &is_cancelled}};
    const struct itimerval soon = {{0, 0}, {0, 50000}};
    bhd__compiler_options options = played_options();
    bhd__compiler *compiler = NULL;
    bhd__compiled compiled;
    bhd_error error = BHD_ERROR_INIT;
    (void)env;
    options.max_seconds = 3600;
    CHECK_STATUS(BHD_OK, bhd__compiler_new(&options, &compiler, &error), &error);
    (void)signal(SIGALRM, cancel);
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK_STATUS(BHD_CANCELLED, bhd__compile_apart(compiler, &request, &compiled, &error), &error);
    bhd_error_fini(&error);
    bhd__compiler_free(compiler);
    check_no_child();
}

static void test_signals_are_handled_meanwhile(void **state)
{
    (void)state;
    child_succeeds(cancelled_by_a_signal, NULL);
}

/* -- descriptors ------------------------------------------------------------------------------- */

static void with_streams_closed(void *env)
{
    unsigned which = (unsigned)(uintptr_t)env;
    for (int number = 0; number < 3; number++)
        if ((which >> number & 1) != 0 && (number != STDERR_FILENO || which == 7))
            (void)close(number);
    check_works();
    for (int number = 0; number < 3; number++)
        if ((which >> number & 1) != 0 && (number != STDERR_FILENO || which == 7))
            CHECK(fcntl(number, F_GETFD) == -1);
}

static void test_standard_streams_are_closed(void **state)
{
    (void)state;
    for (uintptr_t which = 0; which < 8; which++)
        child_succeeds(with_streams_closed, (void *)which);
}

/* Inherited by exec as far as the program is concerned: not by this one. */
static void with_many_descriptors(void *env)
{
    (void)env;
    for (int i = 0; i < 100; i++)
        CHECK(open("/dev/null", O_RDONLY) >= 0);
    CHECK(dup2(STDOUT_FILENO, 700) == 700);
    CHECK(setenv("LD_PRELOAD", "/nonexistent/library.so", 1) == 0);
    check_works();
}

static void test_nothing_is_inherited(void **state)
{
    (void)state;
    child_succeeds(with_many_descriptors, NULL);
}

static void with_few_descriptors(void *env)
{
    (void)env;
    for (int number = 3; number < 1000; number++) /* whoever runs the tests may leave some */
        (void)close(number);
    bhd__compiler *compiler = child_compiler();
    for (rlim_t most = 3; most <= 7; most++) {
        const struct rlimit limit = {most, 100};
        bhd_error error = BHD_ERROR_INIT;
        bhd__compiled compiled;
        CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        bhd_status status = played_compile(compiler, PLAYED_GOOD, &compiled, &error);
        if (most == 7) {
            CHECK_STATUS(BHD_OK, status, &error);
            break;
        }
        CHECK_STATUS(BHD_NO_CAPACITY, status, &error);
        CHECK(strcmp(error.message,
                     "the compiler cannot be started: memfd_create: Too many open files. The "
                     "system has no more processes, descriptors or memory for this one: try "
                     "again, or raise its limits (ulimit -u, -n, -v)") == 0);
        bhd_error_fini(&error);
    }
    check_no_child();
}

static void test_seven_descriptors_are_enough(void **state)
{
    (void)state;
    child_succeeds(with_few_descriptors, NULL);
}

static void close_program(void *env)
{
    bhd__compiler *compiler = child_compiler();
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    for (int number = 3; number < 1000; number++)
        (void)close(number);
    /* Another program under its number is not executed. */
    if (env != NULL)
        for (int number = 0; number < 1000 && number >= 0;)
            number = open("/bin/true", O_PATH);
    CHECK_STATUS(BHD_NO_COMPILER, played_compile(compiler, PLAYED_GOOD, &compiled, &error), &error);
    CHECK(strcmp(error.message, "the program around the host has closed a descriptor that it did "
                                "not open: that of the compiler") == 0);
    bhd_error_fini(&error);
}

static void test_the_compilers_descriptor_is_closed(void **state)
{
    (void)state;
    child_succeeds(close_program, NULL);
    child_succeeds(close_program, "/bin/true");
}

/* -- limits and filters ------------------------------------------------------------------------ */

static void become_nobody(void)
{
    if (geteuid() == 0)
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
}

static void without_processes(void *env)
{
    const struct rlimit none = {0, 0};
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    (void)env;
    bhd__compiler *compiler = child_compiler();
    become_nobody();
    check_good(compiler);
    CHECK(setrlimit(RLIMIT_NPROC, &none) == 0);
    CHECK_STATUS(BHD_NO_CAPACITY, played_compile(compiler, PLAYED_GOOD, &compiled, &error), &error);
    CHECK(strncmp(error.message,
                  "the compiler cannot be started: clone: Resource temporarily unavailable",
                  71) == 0);
    bhd_error_fini(&error);
    check_no_child();
}

static void test_no_process_is_to_be_had(void **state)
{
    (void)state;
    child_succeeds(without_processes, NULL);
}

/* Writing beyond the limit would be a signal that ends the program. */
static void with_small_files(void *env)
{
    struct rlimit small = {1000, RLIM_INFINITY};
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    (void)env;
    bhd__compiler *compiler = child_compiler();
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    CHECK_STATUS(BHD_NO_CAPACITY, played_compile(compiler, PLAYED_GOOD, &compiled, &error), &error);
    CHECK(strcmp(error.message,
                 "the compiler cannot be given the component: that takes a file of 20480 bytes in "
                 "memory, and this process may write at most 1000 bytes to a file (RLIMIT_FSIZE, "
                 "ulimit -f)") == 0);
    CHECK(error.has_range && error.value == 20480 && error.range_maximum == 1000);
    bhd_error_fini(&error);
    /* Of what the process writes, its hard limit counts. */
    small.rlim_cur = 30000;
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    check_self(compiler);
    small.rlim_max = 30000;
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    check_good(compiler);
    CHECK_STATUS(BHD_COMPONENT_TOO_LARGE,
                 played_compile(compiler, "began\nendless", &compiled, &error), &error);
    CHECK(strstr(error.message, "30001 bytes or more; 30000 bytes are allowed (what this process "
                                "may write to a file, RLIMIT_FSIZE;") != NULL);
    bhd_error_fini(&error);
}

static void test_files_may_only_be_small(void **state)
{
    (void)state;
    child_succeeds(with_small_files, NULL);
}

typedef struct refusal {
    int call, number;
    const char *name;
} refusal;

/* A filter of the program's own, as containers have them. */
static void with_a_call_refused(void *env)
{
    const refusal *r = env;
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    bhd__compiler *compiler = child_compiler();
    played_traces before = played_look();
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    CHECK(filter != NULL);
    CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t)r->number), r->call, 0) == 0);
    CHECK(seccomp_load(filter) == 0);
    seccomp_release(filter);
    bool passes = r->number == EAGAIN || r->number == ENOMEM || r->number == EMFILE;
    bhd_status status = played_compile(compiler, PLAYED_GOOD, &compiled, &error);
    CHECK_STATUS(passes ? BHD_NO_CAPACITY : BHD_NO_COMPILER, status, &error);
    if (strstr(error.message, r->name) == NULL ||
        strstr(error.message, strerrordesc_np(r->number)) == NULL)
        fprintf(stderr, "%s\n", error.message);
    CHECK(strstr(error.message, r->name) != NULL);
    CHECK(strstr(error.message, strerrordesc_np(r->number)) != NULL);
    bhd_error_fini(&error);
    CHECK(before.descriptors == played_look().descriptors);
    check_no_child();
}

static void test_a_system_call_is_refused(void **state)
{
    (void)state;
    static const struct {
        int call;
        const char *name;
    } calls[] = {
        {SCMP_SYS(memfd_create), "memfd_create"},
        {SCMP_SYS(clone), "clone"},
        {SCMP_SYS(execveat), "executed"},
        {SCMP_SYS(close_range), "close_range"},
        {SCMP_SYS(dup3), "dup3"},
        {SCMP_SYS(prlimit64), "setrlimit"},
        {SCMP_SYS(mmap), "mmap"},
    };
    static const int numbers[] = {EPERM, ENOSYS, EACCES, EAGAIN, ENOMEM, EMFILE};
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        for (size_t k = 0; k < COUNT_OF(numbers); k++) {
            if (calls[i].call == SCMP_SYS(mmap) && BHD_TESTS_SANITIZED)
                continue; /* a sanitizer does not live without it */
            refusal r = {calls[i].call, numbers[k], calls[i].name};
            /* What asks for no capacity says "executed" in no case. */
            if (r.call == SCMP_SYS(execveat) && k >= 3)
                r.name = "execveat";
            child_succeeds(with_a_call_refused, &r);
        }
}

static void without_clone3(void *env)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    CHECK(filter != NULL);
    CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t)(uintptr_t)env), SCMP_SYS(clone3), 0) ==
          0);
    CHECK(seccomp_load(filter) == 0);
    check_works();
}

static void test_old_containers_refuse_clone3(void **state)
{
    (void)state;
    child_succeeds(without_clone3, (void *)(uintptr_t)EPERM);
    child_succeeds(without_clone3, (void *)(uintptr_t)ENOSYS);
}

static void in_an_empty_root(void *env)
{
    char empty[] = "/tmp/bhd-empty-XXXXXX";
    (void)env;
    bhd__compiler *compiler = child_compiler();
    CHECK(mkdtemp(empty) != NULL);
    bool is_allowed = chroot(empty) == 0;
    CHECK(is_allowed || errno == EPERM); /* not root: it is tried from here */
    CHECK(chdir("/") == 0);
    if (!is_allowed)
        (void)rmdir(empty);
    check_good(compiler);
    check_self(compiler);
}

static void test_after_chroot(void **state)
{
    (void)state;
    child_succeeds(in_an_empty_root, NULL);
}

/* -- threads ----------------------------------------------------------------------------------- */

static void *compile_often(void *compiler)
{
    for (int i = 0; i < ROUNDS(20); i++)
        check_good(compiler);
    return NULL;
}

static void in_eight_threads(void *env)
{
    pthread_t threads[8];
    (void)env;
    bhd__compiler *compiler = child_compiler();
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_create(&threads[i], NULL, compile_often, compiler) == 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    bhd__compiler_free(compiler);
    check_no_child();
}

static void test_eight_threads_at_once(void **state)
{
    (void)state;
    child_succeeds(in_eight_threads, NULL);
}

static void on_a_small_stack(void *env)
{
    pthread_attr_t small;
    pthread_t thread;
    (void)env;
    bhd__compiler *compiler = child_compiler();
    CHECK(pthread_attr_init(&small) == 0);
    /* Sanitizers alone need more than the smallest there is. */
    CHECK(pthread_attr_setstacksize(&small, BHD_TESTS_SANITIZED ? 1 << 20 : 16384) == 0);
    CHECK(pthread_create(&thread, &small, compile_often, compiler) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void test_a_stack_of_16_kib(void **state)
{
    (void)state;
    child_succeeds(on_a_small_stack, NULL);
}

static void *fork_often(void *counter)
{
    while (!atomic_load(&is_over)) {
        int status = -1;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0)
            _exit(42);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
        atomic_fetch_add((atomic_int *)counter, 1);
    }
    return NULL;
}

static void beside_a_forking_thread(void *env)
{
    atomic_int forked = 0;
    pthread_t thread;
    (void)env;
    CHECK(pthread_create(&thread, NULL, fork_often, &forked) == 0);
    bhd__compiler *compiler = child_compiler();
    do
        check_good(compiler);
    while (atomic_load(&forked) < 20);
    atomic_store(&is_over, true);
    CHECK(pthread_join(thread, NULL) == 0);
    bhd__compiler_free(compiler);
    check_no_child();
}

static void test_beside_a_thread_that_forks(void **state)
{
    (void)state;
    child_succeeds(beside_a_forking_thread, NULL);
}

static void *wait_for_a_turn_or_compile(void *argument)
{
    bhd__compiler *compiler = argument;
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiled compiled;
    CHECK_STATUS(BHD_CANCELLED, played_compile(compiler, "began\nsleep", &compiled, &error),
                 &error);
    bhd_error_fini(&error);
    atomic_fetch_add(&notices, 1);
    pthread_testcancel();
    CHECK(false);
    return NULL;
}

/* The C library does that on every thread, and waits until each has done it. */
static void with_the_user_changed(void *env)
{
    pthread_t thread;
    pid_t warden, process;
    (void)env;
    bhd__compiler *compiler = child_compiler();
    CHECK(pthread_create(&thread, NULL, wait_for_a_turn_or_compile, compiler) == 0);
    played_await(getpid(), &warden, &process);
    CHECK(setgid(getgid()) == 0 && setuid(getuid()) == 0);
    CHECK(played_find(getpid(), &warden, &process));
    CHECK(pthread_cancel(thread) == 0);
    bhd__compiler_close(compiler);
    CHECK(pthread_join(thread, NULL) == 0);
    bhd__compiler_free(compiler);
    check_no_child();
}

static void test_the_user_changes_meanwhile(void **state)
{
    (void)state;
    if (BHD_TESTS_SANITIZED) /* as below */
        skip();
    child_succeeds(with_the_user_changed, NULL);
}

/* The thread ends when the compilation has: with its files closed and its turn given back. */
static void with_a_thread_cancelled(void *env)
{
    pthread_t thread;
    pid_t warden, process;
    void *result = NULL;
    (void)env;
    bhd__compiler *compiler = child_compiler();
    played_traces before = played_look();
    CHECK(pthread_create(&thread, NULL, wait_for_a_turn_or_compile, compiler) == 0);
    played_await(getpid(), &warden, &process);
    CHECK(pthread_cancel(thread) == 0);
    bhd__compiler_close(compiler);
    CHECK(pthread_join(thread, &result) == 0);
    CHECK(result == PTHREAD_CANCELED && atomic_load(&notices) == 1);
    CHECK(before.descriptors == played_look().descriptors);
    bhd__compiler_free(compiler);
    check_no_child();
}

static void test_a_thread_is_cancelled(void **state)
{
    (void)state;
    /* AddressSanitizer takes what is left of such a thread's stack for an overflow. */
    if (BHD_TESTS_SANITIZED)
        skip();
    child_succeeds(with_a_thread_cancelled, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_child_and_no_signal),
        cmocka_unit_test(test_beside_a_thread_that_waits_for_clones_too),
        cmocka_unit_test(test_sigchld_is_ignored),
        cmocka_unit_test(test_every_signal_is_blocked),
        cmocka_unit_test(test_every_signal_is_ignored_or_handled),
        cmocka_unit_test(test_handlers_run_in_the_program),
        cmocka_unit_test(test_signals_of_the_group_are_the_programs),
        cmocka_unit_test(test_a_group_that_is_stopped_keeps_deadlines),
        cmocka_unit_test(test_signals_are_handled_meanwhile),
        cmocka_unit_test(test_standard_streams_are_closed),
        cmocka_unit_test(test_nothing_is_inherited),
        cmocka_unit_test(test_seven_descriptors_are_enough),
        cmocka_unit_test(test_the_compilers_descriptor_is_closed),
        cmocka_unit_test(test_no_process_is_to_be_had),
        cmocka_unit_test(test_files_may_only_be_small),
        cmocka_unit_test(test_a_system_call_is_refused),
        cmocka_unit_test(test_old_containers_refuse_clone3),
        cmocka_unit_test(test_after_chroot),
        cmocka_unit_test(test_eight_threads_at_once),
        cmocka_unit_test(test_a_stack_of_16_kib),
        cmocka_unit_test(test_beside_a_thread_that_forks),
        cmocka_unit_test(test_the_user_changes_meanwhile),
        cmocka_unit_test(test_a_thread_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
