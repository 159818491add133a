/*
 * Signals that come at any moment: timers of the embedding program fire while guests run, grow,
 * trap, wait and come to be. Numbers stay right, and the program gets its signals. And what a
 * program may do to a thread before it calls: block signals, give it a signal stack.
 *
 * Everything runs in children: see child.h.
 */
#include "support/child.h"
#include "support/process_facts.h"

#include "memory/os.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>

/* -- timers -------------------------------------------------------------------------------- */

static volatile sig_atomic_t ticks;

static void on_tick(int number)
{
    (void)number;
    ticks = ticks + 1;
}

typedef struct timer {
    int which, signal_number, flags;
} timer;

static void start_timer(const timer *t)
{
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = t->flags};
    struct itimerval each = {{0, 1000}, {0, 1000}};
    CHECK(sigaction(t->signal_number, &action, NULL) == 0);
    CHECK(setitimer((__itimer_which_t)t->which, &each, NULL) == 0);
}

static void one_round(bhd_component *loop, bhd_component *grow, bhd_component *trap)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value result;
    bhd_sandbox *sandbox = child_sandbox(loop);
    CHECK_STATUS(BHD_OK, guest_call(sandbox, &error, &result, "count", INT64_C(2000000)), &error);
    CHECK(result.of.i64 == 2000000);
    bhd_sandbox_free(sandbox);
    sandbox = child_sandbox(grow);
    for (int32_t pages = 1; pages < 16; pages++) {
        CHECK_STATUS(BHD_OK, guest_call(sandbox, &error, &result, "grow", 1), &error);
        CHECK(result.of.i32 == pages);
    }
    CHECK_STATUS(BHD_OK, guest_call(sandbox, &error, &result, "grow", 1), &error);
    CHECK(result.of.i32 == -1);
    bhd_sandbox_free(sandbox);
    child_call_ends(trap, BHD_TRAP, "unreachable");
    child_call_ends(trap, BHD_TRAP, "outer");
}

static void while_guests_run(void *env)
{
    const timer *t = env;
    bhd_host *host = child_host(false);
    bhd_component *loop = child_component(host, "basic/loop.wat");
    bhd_component *grow = child_component(host, "basic/grow.wat");
    bhd_component *trap = child_component(host, "basic/trap.wat");
    start_timer(t);
    while (ticks < (BHD_TESTS_SANITIZED ? 50 : 300))
        one_round(loop, grow, trap);
    /* Compiling too. */
    bhd_component_free(loop);
    loop = child_component(host, "basic/loop.wat");
    one_round(loop, grow, trap);
    bhd_component_free(loop);
    bhd_component_free(grow);
    bhd_component_free(trap);
    bhd_host_free(host);
}

static void timers_do_not_disturb_guests(void **state)
{
    (void)state;
    timer timers[] = {
        {ITIMER_REAL, SIGALRM, 0},
        {ITIMER_REAL, SIGALRM, SA_ONSTACK},
        {ITIMER_REAL, SIGALRM, SA_RESTART | SA_NODEFER},
        {ITIMER_PROF, SIGPROF, 0},
        {ITIMER_PROF, SIGPROF, SA_ONSTACK | SA_RESTART},
        {ITIMER_VIRTUAL, SIGVTALRM, SA_ONSTACK},
    };
    for (size_t i = 0; i < COUNT_OF(timers); i++)
        child_succeeds(while_guests_run, &timers[i]);
}

static void while_a_guest_sleeps(void *env)
{
    const timer *t = env;
    const char *const argv[] = {"sleep", "1"};
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, "wasi/sleep.wasm");
    guest_output output;
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.argv = argv;
    options.argc = COUNT_OF(argv);
    options.standard_output = guest_stream_to(&output);
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox;
    int exit_code = -1;
    CHECK_STATUS(BHD_OK, bhd_sandbox_new(component, &options, &sandbox, &error), &error);
    start_timer(t);
    double began = process_seconds();
    CHECK_STATUS(BHD_OK, bhd_sandbox_run(sandbox, &exit_code, &error), &error);
    CHECK(process_seconds() - began >= 1);
    CHECK(exit_code == 0);
    CHECK(strcmp(output.text, "asleep\nawake\n") == 0);
    CHECK(ticks > 10);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void a_timer_does_not_wake_a_sleeping_guest(void **state)
{
    (void)state;
    timer t = {ITIMER_REAL, SIGALRM, 0};
    child_succeeds(while_a_guest_sleeps, &t);
}

/* -- blocked signals ----------------------------------------------------------------------- */

static void every_trap(bhd_component *component)
{
    child_call_ends(component, BHD_TRAP, "far");
    child_call_ends(component, BHD_TRAP, "unreachable");
    child_call_ends(component, BHD_TRAP, "divide");
    child_call_ends(component, BHD_TRAP, "deep");
}

static const char faulty[] =
    "(module (memory (export \"memory\") 1) (global $zero (mut i32) (i32.const 0))"
    " (func (export \"far\") (drop (i32.load (i32.const 100000))))"
    " (func (export \"unreachable\") (unreachable))"
    " (func (export \"divide\") (drop (i32.div_s (i32.const 1) (global.get $zero))))"
    " (func $deep (export \"deep\") (call $deep)))";

static void *blocked_thread(void *env)
{
    sigset_t all, now;
    sigfillset(&all);
    CHECK(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
    every_trap(env);
    /* Again, after the thread's first guest. */
    CHECK(pthread_sigmask(SIG_SETMASK, &all, NULL) == 0);
    every_trap(env);
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &now) == 0);
    CHECK(sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGALRM) == 1);
    CHECK(sigismember(&now, SIGSEGV) == 0);
    return NULL;
}

static void with_blocked_signals(void *env)
{
    (void)env;
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, faulty);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, blocked_thread, component) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void faults_are_traps_on_a_thread_that_blocks_all_signals(void **state)
{
    (void)state;
    child_succeeds(with_blocked_signals, NULL);
}

/* -- the program's signal stack ------------------------------------------------------------ */

#define CANARY 0xa5

typedef struct signal_stack {
    bhd_component *component;
    size_t bytes;
    bool is_first; /* before the thread's first guest */
} signal_stack;

/* A stack with canaries around it. */
static uint8_t *give_stack(size_t bytes)
{
    uint8_t *around =
        mmap(NULL, bytes + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(around != MAP_FAILED);
    memset(around, CANARY, bytes + 2 * PAGE);
    stack_t stack = {.ss_sp = around + PAGE, .ss_size = bytes};
    CHECK(sigaltstack(&stack, NULL) == 0);
    return around;
}

static void check_around(const uint8_t *around, size_t bytes)
{
    for (size_t i = 0; i < PAGE; i++)
        CHECK(around[i] == CANARY && around[PAGE + bytes + i] == CANARY);
}

/* What it takes on this processor. */
static size_t enough(void)
{
    return bhd__os_get()->signal_frame_bytes() + KIB(4);
}

static bool is_refused(bhd_component *component)
{
    char wanted[64];
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    bhd_status status = bhd_sandbox_new(component, NULL, &sandbox, &error);
    if (status != BHD_OK) {
        CHECK_STATUS(BHD_NOT_SUPPORTED, status, &error);
        snprintf(wanted, sizeof wanted, "faults of guests need %zu;", enough());
        CHECK(strstr(error.message, "sigaltstack") && strstr(error.message, wanted));
    }
    bhd_sandbox_free(sandbox);
    bhd_error_fini(&error);
    return status != BHD_OK;
}

static void *own_stack_thread(void *env)
{
    const signal_stack *s = env;
    if (!s->is_first)
        every_trap(s->component);
    uint8_t *around = give_stack(s->bytes);
    /* Before a thread's first guest the engine puts its own in the place of a smaller one. */
    if (s->is_first || s->bytes >= enough())
        every_trap(s->component);
    else
        CHECK(is_refused(s->component));
    check_around(around, s->bytes);
    stack_t none = {.ss_flags = SS_DISABLE};
    CHECK(sigaltstack(&none, NULL) == 0);
    every_trap(s->component);
    return NULL;
}

static void with_own_stacks(void *env)
{
    (void)env;
    const size_t least = bhd__os_get()->signal_frame_bytes();
    const size_t sizes[] = {least,           enough() - 1, enough(), enough() + KIB(4),
                            KIB(64) + least, KIB(256),     MIB(1)};
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, faulty);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (int first = 0; first < 2; first++) {
            signal_stack s = {component, sizes[i] < 2048 ? 2048 : sizes[i], first};
            pthread_t thread;
            CHECK(pthread_create(&thread, NULL, own_stack_thread, &s) == 0);
            CHECK(pthread_join(thread, NULL) == 0);
        }
    bhd_component_free(component);
    bhd_host_free(host);
}

static void guests_trap_whatever_signal_stack_the_program_has(void **state)
{
    (void)state;
    if (BHD_TESTS_SANITIZED)
        skip(); /* sanitizers give each thread a signal stack and want to take it back */
    child_succeeds(with_own_stacks, NULL);
}

static void with_a_small_stack(void *env)
{
    (void)env;
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, faulty);
    every_trap(component);
    /* Each time, however soon after the last. */
    for (int again = 0; again < 100; again++) {
        (void)give_stack(enough() - 1024);
        CHECK(is_refused(component));
        (void)give_stack(enough());
        CHECK(!is_refused(component));
    }
    every_trap(component);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void a_signal_stack_that_is_too_small_is_an_error(void **state)
{
    (void)state;
    if (BHD_TESTS_SANITIZED)
        skip();
    child_succeeds(with_a_small_stack, NULL);
}

static size_t frame_bytes;

static size_t frame_of_another_processor(void)
{
    return frame_bytes;
}

/* What is too small on one processor is enough on another: the kernel says what it takes. */
static void on_another_processor(void *env)
{
    (void)env;
    bhd__os os = *bhd__os_get();
    const size_t least = os.signal_frame_bytes();
    const size_t frames[] = {2048, 3376, 11952, KIB(64)};
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, faulty);
    every_trap(component);
    os.signal_frame_bytes = frame_of_another_processor;
    bhd__os_replace(&os);
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        frame_bytes = frames[i];
        const size_t sizes[] = {KIB(8), enough() - 1, enough(), KIB(16), KIB(64), KIB(128)};
        for (size_t k = 0; k < COUNT_OF(sizes); k++) {
            if (sizes[k] < least)
                continue; /* this kernel would not take it */
            uint8_t *around = give_stack(sizes[k]);
            CHECK(is_refused(component) == (sizes[k] < enough()));
            if (sizes[k] >= enough() && sizes[k] >= least + KIB(4))
                every_trap(component);
            check_around(around, sizes[k]);
        }
    }
    bhd_component_free(component);
    bhd_host_free(host);
}

static void what_a_signal_stack_takes_is_asked_of_the_kernel(void **state)
{
    (void)state;
    if (BHD_TESTS_SANITIZED)
        skip();
    child_succeeds(on_another_processor, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_do_not_disturb_guests),
        cmocka_unit_test(a_timer_does_not_wake_a_sleeping_guest),
        cmocka_unit_test(faults_are_traps_on_a_thread_that_blocks_all_signals),
        cmocka_unit_test(guests_trap_whatever_signal_stack_the_program_has),
        cmocka_unit_test(a_signal_stack_that_is_too_small_is_an_error),
        cmocka_unit_test(what_a_signal_stack_takes_is_asked_of_the_kernel),
    };
    return cmocka_run_group_tests_name("signals_timers", tests, NULL, NULL);
}
