/*
 * Compilations that are cancelled, closed, killed and forgotten at every moment: who asked gets an
 * answer, and no process, file or turn stays.
 */
#include "support/child.h"
#include "support/played.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

typedef struct job {
    pthread_t thread;
    bhd__compiler *compiler;
    const char *script;
    atomic_bool cancelled;
    bhd_status status;
    bhd_error error;
} job;

static void *compile_it(void *argument)
{
    job *j = argument;
    bhd__compiled compiled = {.output = -1};
    const bhd__compile_request request = {
        .binary = j->script, .size = strlen(j->script), .client = {.cancelled = &j->cancelled}};
    j->status = bhd__compile_apart(j->compiler, &request, &compiled, &j->error);
    if (j->status == BHD_OK)
        played_release(&compiled);
    return NULL;
}

static void start(job *j, bhd__compiler *compiler, const char *script)
{
    *j = (job){.compiler = compiler, .script = script, .error = BHD_ERROR_INIT};
    assert_int_equal(0, pthread_create(&j->thread, NULL, compile_it, j));
}

static void expect_end(job *j, bhd_status wanted, const char *message)
{
    assert_int_equal(0, pthread_join(j->thread, NULL));
    expect_status(wanted, j->status, &j->error);
    assert_string_equal(message, j->error.message);
    bhd_error_fini(&j->error);
}

/* An hour: what ends before was ended. */
static bhd__compiler *patient(uint32_t at_once)
{
    bhd__compiler_options options = played_options();
    options.max_seconds = 3600;
    options.max_at_once = at_once;
    return played_compiler_new(&options);
}

/* Threads that are gone leave mappings for the next ones, so only the rest is counted. */
static void expect_nothing_left(const played_traces *before)
{
    played_traces now = *before;
    now.mappings = UINT64_MAX - 1;
    played_expect_no_traces(&now);
}

static const char goes_on[] = "began\nsleep";

static void test_what_is_under_way_is_cancelled(void **state)
{
    (void)state;
    bhd__compiler *compiler = patient(1);
    played_traces before = played_look();
    pid_t warden, process;
    job j;
    start(&j, compiler, goes_on);
    played_await(getpid(), &warden, &process);
    atomic_store(&j.cancelled, true);
    expect_end(&j, BHD_CANCELLED, "the compilation was cancelled");
    assert_false(played_find(getpid(), &warden, &process));
    expect_nothing_left(&before);
    bhd__compiler_free(compiler);
}

static void test_what_waits_is_cancelled(void **state)
{
    (void)state;
    bhd__compiler *compiler = patient(1);
    pid_t warden, process;
    job first, second;
    start(&first, compiler, goes_on);
    played_await(getpid(), &warden, &process);
    start(&second, compiler, PLAYED_GOOD);
    atomic_store(&second.cancelled, true);
    expect_end(&second, BHD_CANCELLED, "the compilation was cancelled before it began");
    assert_true(played_find(getpid(), &warden, &process));
    atomic_store(&first.cancelled, true);
    expect_end(&first, BHD_CANCELLED, "the compilation was cancelled");
    bhd__compiler_free(compiler);
}

static void test_closing_ends_what_runs_and_what_waits(void **state)
{
    (void)state;
    bhd__compiler *compiler = patient(2);
    played_traces before = played_look();
    pid_t warden, process;
    job jobs[6];
    for (size_t i = 0; i < COUNT_OF(jobs); i++)
        start(&jobs[i], compiler, goes_on);
    played_await(getpid(), &warden, &process);
    bhd__compiler_close(compiler);
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        assert_int_equal(0, pthread_join(jobs[i].thread, NULL));
        expect_status(BHD_CANCELLED, jobs[i].status, &jobs[i].error);
        bhd_error_fini(&jobs[i].error);
    }
    job late;
    start(&late, compiler, PLAYED_GOOD);
    expect_end(&late, BHD_CANCELLED, "the compilation was cancelled before it began");
    expect_nothing_left(&before);
    bhd__compiler_free(compiler);
}

/* Before it starts, while it starts, while it works, when it is ready. */
static void test_cancelled_at_any_moment(void **state)
{
    (void)state;
    bhd__compiler *compiler = patient(1);
    played_traces before = played_look();
    unsigned seed = 4711;
    for (int i = 0; i < ROUNDS(200); i++) {
        job j;
        start(&j, compiler, i % 2 == 0 ? goes_on : PLAYED_GOOD);
        (void)usleep((useconds_t)(rand_r(&seed) % 3000));
        atomic_store(&j.cancelled, true);
        assert_int_equal(0, pthread_join(j.thread, NULL));
        if (j.status != BHD_OK || i % 2 == 0)
            expect_status(BHD_CANCELLED, j.status, &j.error);
        bhd_error_fini(&j.error);
    }
    expect_nothing_left(&before);
    bhd__compiler_free(compiler);
}

static void test_somebody_kills_the_process(void **state)
{
    (void)state;
    bhd__compiler *compiler = patient(1);
    played_traces before = played_look();
    static const int signals[] = {SIGKILL, SIGTERM, SIGSEGV, SIGINT};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        pid_t warden, process;
        job j;
        start(&j, compiler, goes_on);
        played_await(getpid(), &warden, &process);
        while (kill(process, signals[i]) == 0 && played_find(getpid(), &warden, &process))
            (void)usleep(1000);
        assert_int_equal(0, pthread_join(j.thread, NULL));
        /* Before its first line it had not begun. */
        assert_true(j.status == BHD_COMPILER_FAILED || j.status == BHD_NO_COMPILER);
        expect_in(j.error.message, signals[i] == SIGKILL ? "SIGKILL" : "it was ended by signal");
        bhd_error_fini(&j.error);
    }
    expect_nothing_left(&before);
    bhd__compiler_free(compiler);
}

/* Then nobody knows how the process ended, and it does not go on by itself. */
static void test_somebody_kills_the_warden(void **state)
{
    (void)state;
    bhd__compiler *compiler = patient(1);
    played_traces before = played_look();
    pid_t warden, process;
    job j;
    start(&j, compiler, goes_on);
    played_await(getpid(), &warden, &process);
    assert_int_equal(0, kill(warden, SIGKILL));
    expect_end(&j, BHD_COMPILER_FAILED,
               "the process that guards the compiler was killed, so that nobody knows how the "
               "compiler ended. Try again");
    played_await_end(process);
    expect_nothing_left(&before);
    /* And the next one is as good as ever. */
    start(&j, compiler, PLAYED_GOOD);
    expect_end(&j, BHD_OK, "");
    bhd__compiler_free(compiler);
}

/* A warden that is stopped, alone or with the program, keeps no deadline and sees no cancellation.
 * Who waits does not wait for it. */
static void test_somebody_stops_the_warden(void **state)
{
    (void)state;
    bhd__compiler_options options = played_options();
    options.max_seconds = 1;
    for (int with_program = 0; with_program < 2; with_program++) {
        bhd__compiler *compiler = played_compiler_new(&options);
        played_traces before = played_look();
        pid_t warden, process;
        job j;
        start(&j, compiler, goes_on);
        played_await(getpid(), &warden, &process);
        assert_int_equal(0, kill(warden, SIGSTOP));
        if (with_program)
            assert_int_equal(0, kill(process, SIGSTOP));
        expect_end(&j, BHD_COMPILER_FAILED,
                   "the process that guards the compiler did not end it when its time, 1 second, "
                   "was over: it was stopped, or had no processor. Both were killed, and nobody "
                   "knows how the compiler would have ended. Try again");
        played_await_end(warden);
        played_await_end(process);
        expect_nothing_left(&before);
        bhd__compiler_free(compiler);
    }
}

/* As its parent sees them; the warden is the first of a namespace, and sees other numbers. */
static void stop_the_warden_of(pid_t host)
{
    pid_t warden, process;
    played_await(host, &warden, &process);
    CHECK(kill(warden, SIGSTOP) == 0);
    played_await_end(warden);
    played_await_end(process);
    _exit(0);
}

static void with_a_namespace_for_its_children(void *env)
{
    bhd__compiler_options options = played_options();
    bhd__compiler *compiler = NULL;
    bhd__compiled compiled;
    bhd_error error = BHD_ERROR_INIT;
    pid_t self = getpid(), other = fork();
    int status;
    (void)env;
    if (other == 0)
        stop_the_warden_of(self);
    options.max_seconds = 1;
    CHECK(unshare(CLONE_NEWPID) == 0);
    CHECK_STATUS(BHD_OK, bhd__compiler_new(&options, &compiler, &error), &error);
    CHECK_STATUS(BHD_COMPILER_FAILED, played_compile(compiler, goes_on, &compiled, &error), &error);
    CHECK(strstr(error.message, "did not end it when its time, 1 second, was over") != NULL);
    bhd_error_fini(&error);
    bhd__compiler_free(compiler);
    CHECK(waitpid(other, &status, 0) == other && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_a_warden_in_another_namespace_is_stopped(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    child_succeeds(with_a_namespace_for_its_children, NULL);
}

static void test_what_a_stopped_warden_guards_is_cancelled(void **state)
{
    (void)state;
    bhd__compiler *compiler = patient(1);
    played_traces before = played_look();
    for (int is_closed = 0; is_closed < 2; is_closed++) {
        pid_t warden, process;
        job j;
        start(&j, compiler, goes_on);
        played_await(getpid(), &warden, &process);
        assert_int_equal(0, kill(warden, SIGSTOP));
        if (is_closed)
            bhd__compiler_close(compiler);
        else
            atomic_store(&j.cancelled, true);
        expect_end(&j, BHD_CANCELLED, "the compilation was cancelled");
        played_await_end(process);
    }
    expect_nothing_left(&before);
    bhd__compiler_free(compiler);
}

static void do_nothing(int signal)
{
    (void)signal;
}

/* A timer of the program's, a profiler's for one, interrupts who waits more often than it looks: it
 * comes to its end all the same. */
static void test_who_is_interrupted_does_not_wait_for_a_stopped_warden(void **state)
{
    (void)state;
    const struct sigaction handled = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
    struct sigaction before;
    bhd__compiler *compiler = patient(1);
    pid_t warden, process;
    job j;
    assert_int_equal(0, sigaction(SIGUSR1, &handled, &before));
    start(&j, compiler, goes_on);
    played_await(getpid(), &warden, &process);
    assert_int_equal(0, kill(warden, SIGSTOP));
    atomic_store(&j.cancelled, true);
    while (pthread_tryjoin_np(j.thread, NULL) == EBUSY) {
        (void)pthread_kill(j.thread, SIGUSR1);
        (void)usleep(20000);
    }
    expect_status(BHD_CANCELLED, j.status, &j.error);
    bhd_error_fini(&j.error);
    played_await_end(process);
    assert_int_equal(0, sigaction(SIGUSR1, &before, NULL));
    bhd__compiler_free(compiler);
}

/* Who is only slow is not ended: it has gone on by the time that anybody loses patience. */
static void test_a_warden_that_goes_on_is_left_alone(void **state)
{
    (void)state;
    bhd__compiler_options options = played_options();
    options.max_seconds = 1;
    bhd__compiler *compiler = played_compiler_new(&options);
    pid_t warden, process;
    job j;
    start(&j, compiler, goes_on);
    played_await(getpid(), &warden, &process);
    assert_int_equal(0, kill(warden, SIGSTOP));
    (void)usleep(100000);
    assert_int_equal(0, kill(warden, SIGCONT));
    assert_int_equal(0, pthread_join(j.thread, NULL));
    expect_status(BHD_COMPONENT_TOO_LARGE, j.status, &j.error);
    expect_in(j.error.message, " seconds and was ended; 1 second is allowed, also of processor");
    bhd_error_fini(&j.error);
    bhd__compiler_free(compiler);
}

/* What a terminal sends to the program's group does not reach it. */
static void test_it_is_in_no_group_of_the_program(void **state)
{
    (void)state;
    bhd__compiler *compiler = patient(1);
    pid_t warden, process;
    job j;
    start(&j, compiler, goes_on);
    played_await(getpid(), &warden, &process);
    assert_int_equal(process, getpgid(process));
    assert_int_equal(warden, getpgid(warden));
    atomic_store(&j.cancelled, true);
    expect_end(&j, BHD_CANCELLED, "the compilation was cancelled");
    bhd__compiler_free(compiler);
}

/* What the process has left in its group ends with it, without anybody who waits for it. */
static void test_what_it_leaves_in_its_group_ends_with_it(void **state)
{
    (void)state;
    bhd__compiler *compiler = patient(1);
    job j;
    start(&j, compiler, "began\nstatus 50\nverdict 2\nmagic\nleave\nexit 66");
    assert_int_equal(0, pthread_join(j.thread, NULL));
    expect_status(BHD_COMPONENT_INVALID, j.status, &j.error);
    played_await_end((pid_t)strtol(j.error.message, NULL, 10));
    bhd_error_fini(&j.error);
    bhd__compiler_free(compiler);
}

static void compile_without_end(void *env)
{
    bhd__compiler_options options = played_options();
    bhd_error error = BHD_ERROR_INIT;
    bhd__compiler *compiler = NULL;
    bhd__compiled compiled;
    (void)env;
    options.max_seconds = 3600;
    CHECK_STATUS(BHD_OK, bhd__compiler_new(&options, &compiler, &error), &error);
    (void)played_compile(compiler, goes_on, &compiled, &error);
}

static void *kill_host(void *host)
{
    pid_t warden, process;
    played_await(*(pid_t *)host, &warden, &process);
    (void)kill(*(pid_t *)host, SIGKILL);
    played_await_end(warden);
    played_await_end(process);
    return NULL;
}

/* Nothing goes on that nobody waits for. */
static void test_somebody_kills_the_host(void **state)
{
    (void)state;
    pthread_t killer;
    int status;
    fflush(NULL);
    pid_t host = fork();
    assert_true(host >= 0);
    if (host == 0) {
        (void)alarm(120);
        compile_without_end(NULL);
        _exit(1);
    }
    assert_int_equal(0, pthread_create(&killer, NULL, kill_host, &host));
    assert_int_equal(0, pthread_join(killer, NULL));
    assert_int_equal(host, waitpid(host, &status, 0));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* The number of a file of the compilation, by the name that it was made with. */
static int number_of(const char *name)
{
    for (int number = 0; number < 1000; number++) {
        char path[64], target[128];
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        if (strstr(target, name) != NULL)
            return number;
    }
    return -1;
}

/* A program that closes what it did not open, while somebody compiles: what then has the number is
 * neither believed nor closed. That is a race, which ThreadSanitizer would report of close() and
 * dup3(): it does not see these. */
static void test_a_file_of_the_compilation_is_closed(void **state)
{
    (void)state;
    static const char *const names[] = {"bulkhead-binary", "bulkhead-artefact", "bulkhead-report"};
    bhd__compiler *compiler = patient(1);
    played_traces before = played_look();
    for (size_t i = 0; i < COUNT_OF(names) * 2; i++) {
        pid_t warden, process;
        job j;
        start(&j, compiler,
              "began\noutput 100\nartifact 60\ndescription 40\nverdict 1\nmagic\nstop\nexit 65");
        played_await(getpid(), &warden, &process);
        played_await_stop(process);
        int number = number_of(names[i / 2]), other = -1;
        assert_true(number > STDERR_FILENO);
        if (i % 2 == 0) {
            assert_int_equal(0, syscall(SYS_close, number));
        } else {
            other = memfd_create("other", MFD_CLOEXEC);
            assert_int_equal(100, write(other, (char[100]){0}, 100));
            assert_int_equal(number, syscall(SYS_dup3, other, number, O_CLOEXEC));
        }
        assert_int_equal(0, kill(process, SIGCONT));
        expect_end(&j, BHD_NO_COMPILER,
                   "the program around the host has closed a descriptor that it did not open: one "
                   "of the compilation's");
        if (other >= 0) {
            assert_int_equal(100, lseek(number, 0, SEEK_END));
            (void)close(other);
            (void)close(number);
        }
    }
    expect_nothing_left(&before);
    bhd__compiler_free(compiler);
}

/* Each allocation of a compiler's whole life fails once. */
static void test_no_memory(void **state)
{
    (void)state;
    bool is_over = false;
    for (uint64_t nth = 1; !is_over; nth++) {
        bhd__compiler_options options = played_options();
        bhd__compiler *compiler = NULL;
        bhd__compiled compiled;
        bhd_error error = BHD_ERROR_INIT;
        played_traces before = played_look();
        if (nth % 2 == 0)
            options.path = NULL; /* there are more steps then, and another program */
        uint64_t made = bhd__alloc_count();
        bhd__alloc_fail_at((nth + 1) / 2, 0);
        bhd_status status = bhd__compiler_new(&options, &compiler, &error);
        if (status == BHD_OK)
            status = played_compile(compiler, PLAYED_GOOD, &compiled, &error);
        bhd__alloc_fail_at(0, 0);
        is_over = bhd__alloc_count() - made < (nth + 1) / 2 && nth % 2 == 0;
        if (bhd__alloc_count() - made >= (nth + 1) / 2)
            expect_status(BHD_HOST_OUT_OF_MEMORY, status, &error);
        else if (options.path != NULL)
            expect_ok(status, &error);
        if (status == BHD_OK)
            played_release(&compiled);
        bhd__compiler_free(compiler);
        bhd_error_fini(&error);
        expect_nothing_left(&before);
        assert_true(nth < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_under_way_is_cancelled),
        cmocka_unit_test(test_what_waits_is_cancelled),
        cmocka_unit_test(test_closing_ends_what_runs_and_what_waits),
        cmocka_unit_test(test_cancelled_at_any_moment),
        cmocka_unit_test(test_somebody_kills_the_process),
        cmocka_unit_test(test_somebody_kills_the_warden),
        cmocka_unit_test(test_somebody_stops_the_warden),
        cmocka_unit_test(test_a_warden_in_another_namespace_is_stopped),
        cmocka_unit_test(test_what_a_stopped_warden_guards_is_cancelled),
        cmocka_unit_test(test_who_is_interrupted_does_not_wait_for_a_stopped_warden),
        cmocka_unit_test(test_a_warden_that_goes_on_is_left_alone),
        cmocka_unit_test(test_it_is_in_no_group_of_the_program),
        cmocka_unit_test(test_what_it_leaves_in_its_group_ends_with_it),
        cmocka_unit_test(test_somebody_kills_the_host),
        cmocka_unit_test(test_a_file_of_the_compilation_is_closed),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
