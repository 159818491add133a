/*
 * What a function of the host learns of whoever calls it: which sandbox, and its memory.
 */
#include "support/value_kit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Has bytes upper-cased, in the start function too; exports two memories and hides one. */
static const char shouter[] =
    "(module (import \"host\" \"shout\" (func $shout (param i32 i32) (result i32)))"
    " (memory (export \"memory\") 1) (memory (export \"other\") 1 2) (memory $hidden 1)"
    " (global $first (mut i32) (i32.const 0))"
    " (data (i32.const 16) \"ahoy\") (data (memory 1) (i32.const 65532) \"last\")"
    " (func $start (global.set $first (call $shout (i32.const 16) (i32.const 4))))"
    " (start $start)"
    " (func (export \"first\") (result i32) (global.get $first))"
    " (func (export \"grow\") (result i32) (memory.grow (i32.const 1)))"
    " (func (export \"load\") (param i32) (result i32) (i32.load8_u (local.get 0)))"
    " (func (export \"shout\") (param i32 i32) (result i32)"
    "  (call $shout (local.get 0) (local.get 1))))";

enum { ANSWER, DEFER };

/* What one sandbox has of its own, and what the function noted of its last call. */
typedef struct tenant {
    uint64_t id;
    int how;
    unsigned calls;
    bhd_status status, status_of_other, status_elsewhere, status_after;
    char message[BHD_MESSAGE_SIZE];
    bhd_invocation *deferred;
} tenant;

static void *from_elsewhere(void *env)
{
    char byte;
    bhd_status *status = ((void **)env)[1];
    *status = bhd_invocation_read(((void **)env)[0], NULL, 0, &byte, 1, NULL);
    return NULL;
}

static bhd_status read_elsewhere(bhd_invocation *invocation)
{
    pthread_t thread;
    bhd_status status = BHD_OK;
    void *env[] = {invocation, &status};
    assert_int_equal(0, pthread_create(&thread, NULL, from_elsewhere, env));
    assert_int_equal(0, pthread_join(thread, NULL));
    return status;
}

static void shout(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    tenant *t = bhd_invocation_user_data(invocation);
    char text[64];
    bhd_error error = BHD_ERROR_INIT;
    assert_int_equal(2, count);
    assert_non_null(t);
    t->calls++;
    t->id = bhd_invocation_sandbox_id(invocation);
    uint64_t at = (uint32_t)in[0].of.i32;
    size_t size = (uint32_t)in[1].of.i32;
    size_t kept = size < sizeof text ? size : sizeof text;
    t->status = bhd_invocation_read(invocation, NULL, at, text, kept, &error);
    (void)snprintf(t->message, sizeof t->message, "%s", error.message);
    for (size_t i = 0; t->status == BHD_OK && i < kept; i++)
        text[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]);
    if (t->status == BHD_OK)
        t->status = bhd_invocation_write(invocation, "memory", at, text, kept, &error);
    t->status_of_other = bhd_invocation_read(invocation, "hidden", 0, text, 1, &error);
    t->status_elsewhere = read_elsewhere(invocation);
    bhd_value answer = bhd_value_i32((int32_t)t->calls);
    *(unsigned *)env += 1;
    if (t->how == DEFER) {
        expect_ok(bhd_invocation_defer(invocation, &error), &error);
        __atomic_store_n(&t->deferred, invocation, __ATOMIC_RELEASE);
    } else {
        expect_ok(bhd_invocation_return(invocation, &answer, 1, &error), &error);
        t->status_after = bhd_invocation_read(invocation, NULL, 0, text, 1, NULL);
    }
    bhd_error_fini(&error);
}

typedef struct scene {
    unsigned calls;
    bhd_host *host;
    bhd_imports *imports;
    bhd_component *component;
} scene;

static void begin(scene *s, bool may_wait)
{
    bhd_error error = BHD_ERROR_INIT;
    *s = (scene){0};
    expect_ok(bhd_imports_new(&s->imports, NULL), NULL);
    bhd_host_function function = {.size = sizeof function,
                                  .interface = "host",
                                  .name = "shout",
                                  .type = "func(at: i32, size: i32) -> i32",
                                  .callback = shout,
                                  .user_data = &s->calls,
                                  .may_wait = may_wait};
    expect_ok(bhd_imports_function(s->imports, &function, NULL), NULL);
    s->host = guest_host();
    bhd_component_options options = {.size = sizeof options,
                                     .name = "shouter",
                                     .limits = guest_limits(MIB(1)),
                                     .imports = s->imports};
    expect_ok(
        bhd_component_new(s->host, &options, shouter, sizeof shouter - 1, &s->component, &error),
        &error);
    bhd_error_fini(&error);
}

static void finish(scene *s)
{
    bhd_component_free(s->component);
    bhd_host_free(s->host);
    bhd_imports_free(s->imports);
}

static bhd_sandbox *sandbox_of(scene *s, tenant *t)
{
    bhd_sandbox_options options = BHD_SANDBOX_OPTIONS_INIT;
    options.user_data = t;
    return guest_sandbox_with(s->component, &options);
}

static void functions_know_who_calls(void **state)
{
    (void)state;
    for (int may_wait = 0; may_wait < 2; may_wait++) {
        scene s;
        tenant tenants[3] = {0};
        bhd_sandbox *sandboxes[3];
        bhd_value result;
        bhd_error error = BHD_ERROR_INIT;
        begin(&s, may_wait != 0);
        for (size_t i = 0; i < 3; i++) {
            sandboxes[i] = sandbox_of(&s, &tenants[i]);
            /* In the start function already, when there is no sandbox yet. */
            assert_int_equal(1, tenants[i].calls);
            assert_int_equal(bhd_sandbox_id(sandboxes[i]), tenants[i].id);
        }
        for (size_t turn = 0; turn < 9; turn++) {
            size_t i = turn % 3;
            expect_ok(guest_call(sandboxes[i], &error, &result, "shout", 0, 1), &error);
            assert_int_equal(2 + turn / 3, result.of.i32);
            assert_int_equal(bhd_sandbox_id(sandboxes[i]), tenants[i].id);
        }
        assert_int_equal(12, s.calls);
        for (size_t i = 0; i < 3; i++)
            bhd_sandbox_free(sandboxes[i]);
        bhd_error_fini(&error);
        finish(&s);
    }
}

static void functions_reach_the_memory_that_calls(void **state)
{
    (void)state;
    for (int may_wait = 0; may_wait < 2; may_wait++) {
        scene s;
        tenant t = {0};
        char text[5] = "";
        bhd_value result;
        bhd_error error = BHD_ERROR_INIT;
        begin(&s, may_wait != 0);
        bhd_sandbox *sandbox = sandbox_of(&s, &t);
        expect_ok(bhd_sandbox_read(sandbox, NULL, 16, text, 4, &error), &error);
        assert_string_equal("AHOY", text);
        assert_int_equal(BHD_OK, t.status);
        assert_int_equal(BHD_EXPORT_NOT_FOUND, t.status_of_other);
        assert_int_equal(BHD_INVALID_ARGUMENT, t.status_elsewhere);
        /* Once it has answered, the guest may run. */
        assert_int_equal(BHD_INVALID_ARGUMENT, t.status_after);
        /* Up to the last byte, as the memory is now. */
        static const struct {
            uint32_t at, size;
            bool fits, fits_when_grown;
        } places[] = {{65535, 1, true, true},        {65536, 0, true, true},
                      {65535, 2, false, true},       {65536, 1, false, true},
                      {131071, 1, false, true},      {131072, 1, false, false},
                      {UINT32_MAX, 1, false, false}, {131073, 0, false, false}};
        for (size_t grown = 0; grown < 2; grown++) {
            for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
                expect_ok(guest_call(sandbox, &error, &result, "shout", (int32_t)places[i].at,
                                     (int32_t)places[i].size),
                          &error);
                bool fits = grown ? places[i].fits_when_grown : places[i].fits;
                assert_int_equal(fits ? BHD_OK : BHD_OUT_OF_BOUNDS, t.status);
                if (!fits)
                    expect_in(t.message, grown ? "memory's 131072 bytes" : "memory's 65536 bytes");
            }
            if (!grown)
                expect_ok(guest_call(sandbox, &error, &result, "grow"), &error);
        }
        bhd_sandbox_free(sandbox);
        bhd_error_fini(&error);
        finish(&s);
    }
}

/* While the answer is due, the guest's stack may be on any thread. */
static void a_deferred_answer_reaches_no_memory(void **state)
{
    (void)state;
    scene s;
    tenant t = {0};
    bhd_error error = BHD_ERROR_INIT;
    begin(&s, true);
    bhd_sandbox *sandbox = sandbox_of(&s, &t);
    bhd_function *function;
    bhd_call *call;
    bhd_value in[] = {bhd_value_i32(0), bhd_value_i32(1)}, answer = bhd_value_i32(7);
    const bhd_value *results;
    t.how = DEFER;
    expect_ok(bhd_sandbox_function(sandbox, "shout", &function, &error), &error);
    expect_ok(bhd_sandbox_submit(sandbox, function, in, 2, NULL, &call, &error), &error);
    /* The callback runs on a worker; `calls` of the tenant is read when the call is over. */
    for (unsigned i = 0; i < 50000 && !__atomic_load_n(&t.deferred, __ATOMIC_ACQUIRE); i++)
        (void)nanosleep(&(struct timespec){0, 2000000}, NULL);
    bhd_invocation *invocation = __atomic_load_n(&t.deferred, __ATOMIC_ACQUIRE);
    assert_non_null(invocation);
    char byte;
    assert_int_equal(BHD_INVALID_ARGUMENT,
                     bhd_invocation_read(invocation, NULL, 0, &byte, 1, NULL));
    assert_int_equal(BHD_INVALID_ARGUMENT, bhd_invocation_write(invocation, NULL, 0, "x", 1, NULL));
    assert_int_equal(bhd_sandbox_id(sandbox), bhd_invocation_sandbox_id(invocation));
    assert_ptr_equal(&t, bhd_invocation_user_data(invocation));
    expect_ok(bhd_invocation_return(invocation, &answer, 1, &error), &error);
    assert_true(bhd_call_wait(call, BHD_WAIT_FOREVER));
    expect_ok(bhd_call_result(call, &results, NULL, NULL), NULL);
    assert_int_equal(7, results[0].of.i32);
    bhd_call_free(call);
    bhd_sandbox_free(sandbox);
    bhd_error_fini(&error);
    finish(&s);
}

/* -- components ---------------------------------------------------------------------------- */

static void note(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    tenant *t = bhd_invocation_user_data(invocation);
    char byte;
    (void)env;
    (void)in;
    (void)count;
    t->calls++;
    t->id = bhd_invocation_sandbox_id(invocation);
    t->status = bhd_invocation_read(invocation, NULL, 0, &byte, 1, NULL);
}

static void a_component_shares_no_memory(void **state)
{
    (void)state;
    static const char noter[] = "(component (import \"note\" (func $note))"
                                " (core func $n (canon lower (func $note)))"
                                " (core module $m (import \"h\" \"n\" (func $n))"
                                "  (memory (export \"memory\") 1)"
                                "  (func (export \"f\") (call $n)))"
                                " (core instance $i (instantiate $m (with \"h\" (instance"
                                "  (export \"n\" (func $n))))))"
                                " (func $f (canon lift (core func $i \"f\")))"
                                " (export \"f\" (func $f)))";
    tenant t = {0};
    bhd_imports *imports;
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_imports_new(&imports, NULL), NULL);
    bhd_host_function function = {
        .size = sizeof function, .name = "note", .type = "func()", .callback = note};
    expect_ok(bhd_imports_function(imports, &function, &error), &error);
    bhd_host *host = guest_host();
    bhd_component_options options = {.size = sizeof options,
                                     .name = "noter",
                                     .limits = guest_limits(MIB(1)),
                                     .imports = imports};
    bhd_component *component;
    expect_ok(bhd_component_new(host, &options, noter, sizeof noter - 1, &component, &error),
              &error);
    bhd_sandbox_options its = BHD_SANDBOX_OPTIONS_INIT;
    its.user_data = &t;
    bhd_sandbox *sandbox = guest_sandbox_with(component, &its);
    bhd_function *f;
    expect_ok(bhd_sandbox_function(sandbox, "f", &f, &error), &error);
    expect_ok(bhd_sandbox_call(sandbox, f, NULL, 0, NULL, 0, &error), &error);
    assert_int_equal(1, t.calls);
    assert_int_equal(bhd_sandbox_id(sandbox), t.id);
    assert_int_equal(BHD_NOT_SUPPORTED, t.status);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
    bhd_imports_free(imports);
    bhd_error_fini(&error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_know_who_calls),
        cmocka_unit_test(functions_reach_the_memory_that_calls),
        cmocka_unit_test(a_deferred_answer_reaches_no_memory),
        cmocka_unit_test(a_component_shares_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
