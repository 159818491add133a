/*
 * The engine keeps the types of functions once for all code, in a register that every compilation,
 * instantiation and release enters. Eight threads do all three at once, with types that are equal
 * and types that only one of them has, on one host and on hosts of their own.
 *
 * Under ThreadSanitizer this watches the C side: the engine's own code is not instrumented, so what
 * it does to its register is seen only by its results.
 */
#include "support/crew.h"
#include "support/real_guest.h"

#include <stdio.h>

#define THREADS 8

/* Parameters of the types that a module declares: `shared` are the same for everybody, one belongs
 * to the thread and the round alone. */
static void write_module(char *text, size_t capacity, unsigned number, int round)
{
    static const char *const kinds[] = {"i32", "i64", "f32", "f64"};
    char own[256];
    int at = 0;
    unsigned bits = number * 1000 + (unsigned)round;
    for (unsigned i = 0; i < 8; i++)
        at += snprintf(own + at, sizeof own - (size_t)at, " %s", kinds[(bits >> (2 * i)) & 3]);
    snprintf(text, capacity,
             "(module (type $a (func (param i32) (result i32)))"
             " (type $b (func (param i32 i64 f32 f64) (result f64 f32 i64 i32)))"
             " (type $own (func (param%s) (result i32)))"
             " (table 3 funcref) (elem (i32.const 0) $fa $fo)"
             " (func $fa (type $a) (i32.add (local.get 0) (i32.const 1)))"
             " (func $fb (type $b) (local.get 3) (local.get 2) (local.get 1) (local.get 0))"
             " (func $fo (type $own) (i32.const %u))"
             /* Through the table, where the register's numbers are compared. */
             " (func (export \"right\") (param i32) (result i32)"
             "  (call_indirect (type $a) (local.get 0) (i32.const 0)))"
             " (func (export \"wrong\") (param i32) (result i32)"
             "  (call_indirect (type $a) (local.get 0) (i32.const 1)))"
             " (func (export \"four\") (type $b) (call $fb (local.get 0) (local.get 1)"
             "  (local.get 2) (local.get 3))))",
             own, bits);
}

static bool one_module(crew_member *member, bhd_host *host, int round)
{
    char text[2048];
    bhd_limits limits = guest_limits(MIB(1));
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_sandbox *sandboxes[2] = {NULL, NULL};
    bhd_value result;
    write_module(text, sizeof text, member->number, round);
    bool good =
        crew_check_ok(member, guest_try_component(host, text, &limits, &component, &error), &error);
    for (int i = 0; good && i < 2; i++)
        good =
            crew_check_ok(member, bhd_sandbox_new(component, NULL, &sandboxes[i], &error),
                          &error) &&
            crew_check_ok(member, guest_call(sandboxes[i], &error, &result, "right", 41), &error) &&
            crew_check(member, result.of.i32 == 42) &&
            crew_check_ok(
                member, guest_call(sandboxes[i], &error, &result, "four", 7, INT64_C(8), 9.0, 10.0),
                &error) &&
            crew_check(member, result.type == BHD_F64 && result.of.f64 == 10.0);
    /* The code goes while its sandboxes still run. */
    bhd_component_free(component);
    for (int i = 0; i < 2; i++) {
        if (good)
            good = crew_check(member,
                              guest_call(sandboxes[i], &error, &result, "wrong", 1) == BHD_TRAP) &&
                   crew_check(member, strstr(error.message, "indirect call type mismatch"));
        bhd_sandbox_free(sandboxes[i]);
    }
    bhd_error_fini(&error);
    return good;
}

static void on_one_host(crew_member *member)
{
    for (int round = 0; round < ROUNDS(60); round++)
        if (!one_module(member, member->shared, round))
            return;
}

static void threads_share_types_on_one_host(void **state)
{
    (void)state;
    bhd_host *host = guest_host();
    crew_run(THREADS, on_one_host, host);
    expect_stats(host, 0, 0);
    bhd_host_free(host);
}

static void on_own_hosts(crew_member *member)
{
    for (int round = 0; round < ROUNDS(20); round++) {
        const bhd_grants everything = {.size = sizeof everything, .everything = true};
        bhd_host_options options = BHD_HOST_OPTIONS_INIT;
        bhd_error error = BHD_ERROR_INIT;
        bhd_host *host = NULL;
        options.grants = &everything;
        options.max_sandboxes = 10;
        bool good = crew_check_ok(member, bhd_host_new(&options, &host, &error), &error) &&
                    one_module(member, host, round);
        bhd_host_free(host);
        bhd_error_fini(&error);
        if (!good)
            return;
    }
}

static void threads_with_hosts_of_their_own_do_not_disturb_each_other(void **state)
{
    (void)state;
    /* Keeps the engine's handlers from what cmocka has installed. */
    bhd_host *host = guest_host();
    crew_run(THREADS, on_own_hosts, NULL);
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_types_on_one_host),
        cmocka_unit_test(threads_with_hosts_of_their_own_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests_name("types_race", tests, NULL, NULL);
}
