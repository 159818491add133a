/*
 * The embedding program's own handlers of the signals that guests' faults raise: before the first
 * host and after it, with every kind of flag. Guests' faults are traps, and faults of the program
 * itself reach the program.
 *
 * Everything runs in children: see child.h.
 */
#include "support/child.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* Faults of three kinds, two on the caller's stack and one in a start function. */
static const char faulty[] =
    "(module (memory (export \"memory\") 1) (global $zero (mut i32) (i32.const 0))"
    " (func (export \"far\") (drop (i32.load (i32.const 100000))))"
    " (func (export \"unreachable\") (unreachable))"
    " (func (export \"divide\") (drop (i32.div_s (i32.const 1) (global.get $zero))))"
    " (func $deep (export \"deep\") (call $deep))"
    " (func (export \"good\") (i32.store (i32.const 8) (i32.const 1))))";
static const char *const faults[] = {"far", "unreachable", "divide", "deep"};
static const int fault_signals[] = {SIGSEGV, SIGILL, SIGFPE};

/* -- the program's handler ----------------------------------------------------------------- */

static volatile sig_atomic_t handled;
static void *volatile handled_at;
static uint8_t *forbidden; /* a page that the program's own faults are on */
static size_t page_bytes;

/* Makes the page accessible, so that the access that faulted succeeds when it is repeated. */
static void repair(void)
{
    handled = handled + 1;
    if (mprotect(forbidden, page_bytes, PROT_READ | PROT_WRITE) != 0)
        _exit(2);
}

static void on_plain(int number)
{
    (void)number;
    repair();
}

static void on_info(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    handled_at = info->si_addr;
    repair();
}

static void install(int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_flags = flags;
    if (flags & SA_SIGINFO)
        action.sa_sigaction = on_info;
    else
        action.sa_handler = on_plain;
    for (size_t i = 0; i < COUNT_OF(fault_signals); i++)
        CHECK(sigaction(fault_signals[i], &action, NULL) == 0);
}

static void forbid(void)
{
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    forbidden = mmap(NULL, page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(forbidden != MAP_FAILED);
}

/* What the sanitizers would otherwise report, and the compiler leave out. */
__attribute__((noinline, no_sanitize("address", "thread", "undefined"))) static void touch(void)
{
    *(volatile uint8_t *)(forbidden + 5) = 1;
}

static void every_fault_is_a_trap(bhd_component *component)
{
    for (size_t i = 0; i < COUNT_OF(faults); i++)
        child_call_ends(component, BHD_TRAP, faults[i]);
    child_call_ends(component, BHD_OK, "good");
}

/* -- installed before the first host ------------------------------------------------------- */

static void before_the_host(void *env)
{
    const int *flags = env;
    forbid();
    install(*flags);
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, faulty);
    bhd_sandbox *other = child_sandbox(component);
    every_fault_is_a_trap(component);
    CHECK(handled == 0);
    touch();
    CHECK(handled == 1);
    CHECK(!(*flags & SA_SIGINFO) || handled_at == forbidden + 5);
    every_fault_is_a_trap(component);
    CHECK(handled == 1);
    bhd_error error = BHD_ERROR_INIT;
    CHECK_STATUS(BHD_OK, guest_call(other, &error, NULL, "good"), &error);
    bhd_sandbox_free(other);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void a_handler_from_before_the_host_gets_only_the_programs_faults(void **state)
{
    (void)state;
    int flags[] = {0, SA_SIGINFO, SA_ONSTACK, SA_SIGINFO | SA_ONSTACK, SA_SIGINFO | SA_NODEFER};
    for (size_t i = 0; i < COUNT_OF(flags); i++)
        child_succeeds(before_the_host, &flags[i]);
}

static void fault_with_a_host(void *env)
{
    (void)env;
    forbid();
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, faulty);
    every_fault_is_a_trap(component);
    touch();
}

static void a_fault_of_the_program_without_a_handler_ends_it(void **state)
{
    (void)state;
    int status = child_status(fault_with_a_host, NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(SIGSEGV, WTERMSIG(status));
}

/* The program's code runs beneath a guest in a callback, on the caller's stack or on a fiber: its
 * faults are its own even there, and no trap of the guest's. */
static bool touch_in_callback(void *user_data, const void *data, size_t size)
{
    (void)user_data;
    (void)data;
    (void)size;
    touch();
    return true;
}

static void run_with_callback(void)
{
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, "wasi/print.wasm");
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.standard_output = (bhd_stream){BHD_OUTPUT_CALLBACK, touch_in_callback, NULL};
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox;
    int exit_code = -1;
    CHECK_STATUS(BHD_OK, bhd_sandbox_new(component, &options, &sandbox, &error), &error);
    CHECK_STATUS(BHD_OK, bhd_sandbox_run(sandbox, &exit_code, &error), &error);
    CHECK(exit_code == 0);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void repaired_callback(void *env)
{
    (void)env;
    forbid();
    install(SA_SIGINFO | SA_ONSTACK);
    run_with_callback();
    CHECK(handled == 1);
    CHECK(handled_at == forbidden + 5);
}

static void fatal_callback(void *env)
{
    (void)env;
    forbid();
    run_with_callback();
}

static void a_fault_in_a_callback_is_the_programs(void **state)
{
    (void)state;
    child_succeeds(repaired_callback, NULL);
    int status = child_status(fatal_callback, NULL);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(SIGSEGV, WTERMSIG(status));
}

/* -- installed after the first host -------------------------------------------------------- */

static void refused_for(bhd_component *component, const char *signal_name)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    child_pause();
    CHECK_STATUS(BHD_NOT_SUPPORTED, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    CHECK(sandbox == NULL);
    CHECK(strstr(error.message, signal_name));
    CHECK(strstr(error.message, "chained_signals"));
    bhd_error_fini(&error);
}

static void after_the_host(void *env)
{
    static const char *const names[] = {"SIGSEGV", "SIGILL", "SIGFPE"};
    (void)env;
    bhd_host *host = child_host(false);
    bhd_component *component = child_component(host, faulty);
    for (size_t i = 0; i < COUNT_OF(fault_signals); i++) {
        struct sigaction engines, own = {.sa_handler = on_plain};
        every_fault_is_a_trap(component);
        CHECK(sigaction(fault_signals[i], &own, &engines) == 0);
        refused_for(component, names[i]);
        CHECK(signal(fault_signals[i], SIG_DFL) != SIG_ERR);
        refused_for(component, names[i]);
        /* Also by a second host. */
        bhd_host *second = child_host(false);
        bhd_component *same = child_component(second, faulty);
        refused_for(same, names[i]);
        bhd_component_free(same);
        bhd_host_free(second);
        CHECK(sigaction(fault_signals[i], &engines, NULL) == 0);
    }
    every_fault_is_a_trap(component);
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    CHECK(stats.live_sandboxes == 0 && stats.slots_in_use == 0);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void a_handler_that_was_replaced_after_the_host_is_an_error(void **state)
{
    (void)state;
    child_succeeds(after_the_host, NULL);
}

static struct sigaction replaced[COUNT_OF(fault_signals)];

static void pass_on(int number, siginfo_t *info, void *context)
{
    handled = handled + 1;
    for (size_t i = 0; i < COUNT_OF(fault_signals); i++)
        if (fault_signals[i] == number)
            replaced[i].sa_sigaction(number, info, context);
}

static void chained(void *env)
{
    (void)env;
    forbid();
    install(SA_SIGINFO | SA_ONSTACK); /* the crash reporter's first */
    bhd_host *host = child_host(true);
    struct sigaction own = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < COUNT_OF(fault_signals); i++)
        CHECK(sigaction(fault_signals[i], &own, &replaced[i]) == 0);
    bhd_component *component = child_component(host, faulty);
    for (int round = 0; round < 3; round++) {
        int before = handled;
        every_fault_is_a_trap(component);
        CHECK(handled >= before + (int)COUNT_OF(fault_signals));
    }
    /* Through both of the program's, around the engine's. */
    int before = handled;
    touch();
    CHECK(handled == before + 2);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void handlers_that_pass_on_may_be_installed_later(void **state)
{
    (void)state;
    child_succeeds(chained, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_from_before_the_host_gets_only_the_programs_faults),
        cmocka_unit_test(a_fault_of_the_program_without_a_handler_ends_it),
        cmocka_unit_test(a_fault_in_a_callback_is_the_programs),
        cmocka_unit_test(a_handler_that_was_replaced_after_the_host_is_an_error),
        cmocka_unit_test(handlers_that_pass_on_may_be_installed_later),
    };
    return cmocka_run_group_tests_name("signals_handlers", tests, NULL, NULL);
}
