/*
 * Functions and resources of the host, written in C and imported by components and modules.
 */
#include "support/value_kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define THINGS "test:host/things"
#define GUEST "component/host_calls.wat"

/* What the functions of one host know. */
typedef struct world {
    char told[64];
    unsigned calls;
    int made, ended;
    bhd_invocation *waiting; /* of `later` */
    int how;                 /* what `later`, `greet` and `open` do; see below */
    bhd_value kept;          /* what `open` gave last, or gives again */
    char refusal[BHD_MESSAGE_SIZE];
} world;

enum { ANSWER, FAIL, NOTHING, DEFER, WRONG_TYPE, TOO_LARGE, TWICE, KEEP, AGAIN };

static void answer(bhd_invocation *invocation, bhd_value value)
{
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(bhd_invocation_return(invocation, &value, 1, &error), &error);
    bhd_error_fini(&error);
}

static void add(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    world *w = env;
    assert_int_equal(2, count);
    w->calls++;
    answer(invocation, bhd_value_u32(in[0].of.u32 + in[1].of.u32));
}

static void greet(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    static char large[MIB(1)];
    world *w = env;
    char text[128];
    bhd_value wrong = bhd_value_u8(1), much = bhd_value_text(large, sizeof large);
    bhd_error error = BHD_ERROR_INIT;
    (void)count;
    snprintf(text, sizeof text, "ahoy, %.*s", (int)in[0].of.string.size, in[0].of.string.data);
    switch (w->how) {
    case FAIL:
        bhd_invocation_fail(invocation, "no \x1b[31mgreeting");
        bhd_invocation_fail(invocation, "the first counts");
        return;
    case NOTHING:
        return;
    case DEFER:
        expect_status(BHD_NOT_SUPPORTED, bhd_invocation_defer(invocation, &error), &error);
        break;
    case WRONG_TYPE:
        expect_status(BHD_SIGNATURE_MISMATCH, bhd_invocation_return(invocation, &wrong, 1, &error),
                      &error);
        assert_string_equal("result 1: expected string, got u8", error.message);
        expect_status(BHD_SIGNATURE_MISMATCH, bhd_invocation_return(invocation, NULL, 0, &error),
                      &error);
        break;
    case TOO_LARGE:
        memset(large, 'x', sizeof large);
        expect_status(BHD_INVALID_ARGUMENT, bhd_invocation_return(invocation, &much, 1, &error),
                      &error);
        expect_in(error.message, "one call may carry 1048576");
        break;
    default:
        break;
    }
    answer(invocation, bhd_value_string(text));
    if (w->how == TWICE)
        expect_status(BHD_INVALID_ARGUMENT, bhd_invocation_return(invocation, &wrong, 1, &error),
                      &error);
    bhd_error_fini(&error);
}

static void later(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    world *w = env;
    (void)count;
    if (w->how == ANSWER) {
        answer(invocation, bhd_value_u64(in[0].of.u64 + 1));
        return;
    }
    expect_ok(bhd_invocation_defer(invocation, NULL), NULL);
    expect_status(BHD_INVALID_ARGUMENT, bhd_invocation_defer(invocation, NULL), NULL);
    w->waiting = invocation;
}

static void tell(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    world *w = env;
    (void)invocation;
    (void)count;
    snprintf(w->told, sizeof w->told, "%s", in[0].of.string.data);
}

static void many(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    (void)env;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += in[i].of.u64;
    bhd_value items[] = {bhd_value_u64(sum), bhd_value_string("in all")};
    answer(invocation, bhd_value_tuple(items, 2));
}

/* -- a resource ---------------------------------------------------------------------------- */

typedef struct counter {
    world *world;
    uint32_t count;
} counter;

static void counter_end(void *env, void *data)
{
    world *w = env;
    w->ended++;
    free(data);
}

static void counter_open(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    world *w = env;
    bhd_value handle;
    bhd_error error = BHD_ERROR_INIT;
    (void)count;
    if (w->how == AGAIN) {
        bhd_status status = bhd_invocation_return(invocation, &w->kept, 1, &error);
        expect_status(BHD_SIGNATURE_MISMATCH, status, &error);
        (void)snprintf(w->refusal, sizeof w->refusal, "%s", error.message);
        bhd_error_fini(&error);
        return;
    }
    counter *c = malloc(sizeof *c);
    assert_non_null(c);
    *c = (counter){w, in[0].of.u32};
    if (bhd_invocation_resource(invocation, "counter", c, &handle, &error) != BHD_OK) {
        free(c);
        bhd_invocation_fail(invocation, error.message);
        bhd_error_fini(&error);
        return;
    }
    w->made++;
    if (w->how == NOTHING) {
        bhd_value_fini(&handle); /* made, and never given to the guest */
        return;
    }
    answer(invocation, handle);
    if (w->how == KEEP)
        w->kept = handle;
    else
        bhd_value_fini(&handle);
}

static void counter_bump(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    (void)env;
    (void)count;
    counter *c = bhd_invocation_data(invocation, &in[0]);
    assert_non_null(c);
    answer(invocation, bhd_value_u32(++c->count));
}

static void counter_close(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    world *w = env;
    (void)count;
    counter *c = bhd_invocation_data(invocation, &in[0]);
    assert_non_null(c);
    assert_int_equal(w->made - 1, w->ended);
    answer(invocation, bhd_value_u32(c->count));
}

/* -- hosts --------------------------------------------------------------------------------- */

static const struct {
    const char *name, *type;
    bhd_host_callback callback;
    bool may_wait;
} functions[] = {
    {"add", "func(a: u32, b: u32) -> u32", add, false},
    {"greet", "func(name: string) -> string", greet, false},
    {"later", "func(n: u64) -> u64", later, true},
    {"tell", "func(text: string)", tell, false},
    {"many",
     "func(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64, i: u64, j: u64, k: u64, "
     "l: u64, m: u64, n: u64, o: u64, p: u64, q: u64) -> tuple<u64, string>",
     many, false},
    {"open", "func(start: u32) -> own<counter>", counter_open, false},
    {"bump", "func(c: borrow<counter>) -> u32", counter_bump, false},
    {"close", "func(c: own<counter>) -> u32", counter_close, false},
};

static void add_function(bhd_imports *imports, const char *interface, size_t i, const char *type,
                         bool may_wait, world *w)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_host_function function = {.size = sizeof function,
                                  .interface = interface,
                                  .name = functions[i].name,
                                  .type = type ? type : functions[i].type,
                                  .callback = functions[i].callback,
                                  .user_data = w,
                                  .may_wait = may_wait};
    expect_ok(bhd_imports_function(imports, &function, &error), &error);
    bhd_error_fini(&error);
}

/* All of them but `left_out`; `other` gets the type `type`. */
static bhd_imports *imports_of(world *w, bool may_wait, const char *left_out, const char *other,
                               const char *type)
{
    bhd_imports *imports;
    bhd_host_resource resource = {sizeof resource, THINGS, "counter", counter_end, w};
    expect_ok(bhd_imports_new(&imports, NULL), NULL);
    expect_ok(bhd_imports_resource(imports, &resource, NULL), NULL);
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        if (!left_out || strcmp(functions[i].name, left_out) != 0)
            add_function(imports, THINGS, i,
                         other && strcmp(functions[i].name, other) == 0 ? type : NULL,
                         may_wait && functions[i].may_wait, w);
    return imports;
}

static guest begin_with(world *w, bool may_wait, double timeout_seconds)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_imports *imports = imports_of(w, may_wait, NULL, NULL, NULL);
    bhd_limits limits = guest_limits(MIB(2));
    limits.timeout_seconds = timeout_seconds;
    options.imports = imports;
    guest g = guest_begin_with(&options, GUEST, &limits, NULL);
    bhd_imports_free(imports); /* the host holds it */
    return g;
}

static uint32_t call_u32(bhd_sandbox *sandbox, const char *name, uint32_t in)
{
    bhd_value argument = bhd_value_u32(in);
    bhd_value result = value_call(sandbox, name, &argument, 1);
    return result.type == BHD_U32 ? result.of.u32 : 0;
}

static void a_component_calls_functions_of_the_host(void **state)
{
    (void)state;
    for (int may_wait = 0; may_wait < 2; may_wait++) {
        world w = {.how = ANSWER};
        guest g = begin_with(&w, may_wait != 0, 10);
        bhd_value in[] = {bhd_value_u32(40), bhd_value_u32(2)};
        assert_int_equal(42, value_call(g.sandbox, "add", in, 2).of.u32);
        assert_int_equal(1, w.calls);
        bhd_value name = bhd_value_string("sailor");
        bhd_value text = value_call(g.sandbox, "greet", &name, 1);
        assert_string_equal("ahoy, sailor", text.of.string.data);
        bhd_value_fini(&text);
        bhd_value n = bhd_value_u64(7);
        assert_int_equal(8, value_call(g.sandbox, "later", &n, 1).of.u64);
        (void)value_call(g.sandbox, "tell", &name, 1);
        assert_string_equal("sailor", w.told);
        bhd_value sum = value_call(g.sandbox, "many", NULL, 0);
        assert_int_equal(17 * 18 / 2, sum.of.items.data[0].of.u64);
        assert_string_equal("in all", sum.of.items.data[1].of.string.data);
        bhd_value_fini(&sum);
        guest_end(&g);
    }
}

static void a_function_that_does_not_answer_well_ends_the_guest_with_its_text(void **state)
{
    (void)state;
    static const struct {
        int how;
        const char *text; /* NULL: it answers after all */
    } cases[] = {
        {FAIL, "host function test:host/things#greet: no \\x1b[31mgreeting"},
        {NOTHING, "host function test:host/things#greet: it gave no answer"},
        {DEFER, NULL},
        {WRONG_TYPE, NULL},
        {TOO_LARGE, NULL},
        {TWICE, NULL},
    };
    bhd_value name = bhd_value_string("x");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        world w = {.how = cases[i].how};
        guest g = begin_with(&w, false, 10);
        if (cases[i].text) {
            value_ends(g.sandbox, BHD_TRAP, cases[i].text, "greet", &name, 1);
            assert_true(bhd_sandbox_is_dead(g.sandbox));
        } else {
            bhd_value text = value_call(g.sandbox, "greet", &name, 1);
            assert_string_equal("ahoy, x", text.of.string.data);
            bhd_value_fini(&text);
        }
        guest_end(&g);
    }
}

/* -- at load ------------------------------------------------------------------------------- */

static void refused_with(bhd_imports *imports, const char *source, bhd_status wanted,
                         const char *part)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_limits limits = guest_limits(MIB(2));
    options.imports = imports;
    bhd_host *host = guest_host_with(&options);
    guest_refused(host, source, &limits, wanted, part);
    bhd_host_free(host);
    bhd_imports_free(imports);
}

static void what_does_not_fit_is_refused_at_load(void **state)
{
    (void)state;
    world w = {0};
    refused_with(NULL, GUEST, BHD_IMPORT_UNKNOWN, THINGS "@1.0.0");
    refused_with(imports_of(&w, true, "greet", NULL, NULL), GUEST, BHD_IMPORT_UNKNOWN,
                 THINGS "@1.0.0");
    refused_with(imports_of(&w, true, NULL, "add", "func(a: u32, b: s32) -> u32"), GUEST,
                 BHD_SIGNATURE_MISMATCH,
                 "the component imports test:host/things#add as func(a: u32, b: u32) -> u32; the "
                 "host has func(a: u32, b: s32) -> u32");
    refused_with(imports_of(&w, true, NULL, "tell", "func(text: string) -> bool"), GUEST,
                 BHD_SIGNATURE_MISMATCH, "tell");
    refused_with(imports_of(&w, true, NULL, "close", "func(c: borrow<counter>) -> u32"), GUEST,
                 BHD_SIGNATURE_MISMATCH, "own<counter>");
}

static void a_set_takes_only_what_makes_sense(void **state)
{
    (void)state;
    world w = {0};
    bhd_imports *imports = imports_of(&w, true, NULL, NULL, NULL);
    bhd_error error = BHD_ERROR_INIT;
    const bhd_host_function wrong[] = {
        {sizeof *wrong, THINGS, "add", "func()", add, NULL, false},     /* twice */
        {sizeof *wrong, THINGS, "counter", "func()", add, NULL, false}, /* a resource's name */
        {sizeof *wrong, THINGS, "x", "func(", add, NULL, false},        /* no type */
        {sizeof *wrong, THINGS, "x", "func(a: own<thing>)", add, NULL,
         false}, /* no such resource */
        {sizeof *wrong, "other:i/f", "x", "func(a: own<counter>)", add, NULL,
         false}, /* of another interface */
        {sizeof *wrong, THINGS, NULL, "func()", add, NULL, false},
        {sizeof *wrong, THINGS, "x", NULL, add, NULL, false},
        {sizeof *wrong, THINGS, "x", "func()", NULL, NULL, false},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        expect_status(BHD_INVALID_ARGUMENT, bhd_imports_function(imports, &wrong[i], &error),
                      &error);
    bhd_host_function late = {sizeof late, THINGS, "x", "func()", add, NULL, false};
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.imports = imports;
    bhd_host *host = guest_host_with(&options);
    expect_status(BHD_INVALID_ARGUMENT, bhd_imports_function(imports, &late, &error), &error);
    expect_in(error.message, "cannot change any more");
    bhd_host_free(host);
    bhd_imports_free(imports);
    bhd_error_fini(&error);
}

static void core_add(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    (void)env;
    assert_int_equal(3, count);
    answer(invocation, bhd_value_f64(in[0].of.i32 + (double)in[1].of.i64 + (double)in[2].of.f32));
}

static void a_core_module_imports_functions_of_numbers(void **state)
{
    (void)state;
    static const char module[] =
        "(module (import \"env\" \"add\" (func $f (param i32 i64 f32) (result f64)))"
        " (func (export \"call\") (param i32 i64 f32) (result f64)"
        "  (call $f (local.get 0) (local.get 1) (local.get 2))))";
    for (int may_wait = 0; may_wait < 2; may_wait++) {
        bhd_imports *imports;
        expect_ok(bhd_imports_new(&imports, NULL), NULL);
        bhd_host_function function = {
            sizeof function, "env", "add",        "func(a: i32, b: i64, c: f32) -> f64",
            core_add,        NULL,  may_wait != 0};
        expect_ok(bhd_imports_function(imports, &function, NULL), NULL);
        bhd_limits limits = guest_limits(MIB(1));
        bhd_host *host = guest_host();
        bhd_component_options options = {
            .size = sizeof options, .name = "m", .limits = limits, .imports = imports};
        bhd_component *component;
        bhd_sandbox *sandbox;
        bhd_error error = BHD_ERROR_INIT;
        expect_ok(bhd_component_new(host, &options, module, sizeof module - 1, &component, &error),
                  &error);
        expect_ok(bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
        bhd_value result;
        expect_ok(guest_call(sandbox, &error, &result, "call", 1, (int64_t)20, 0.5), &error);
        assert_true(result.type == BHD_F64 && result.of.f64 == 21.5);
        bhd_sandbox_free(sandbox);
        bhd_component_free(component);
        guest_refused(host, module, &limits, BHD_IMPORT_UNKNOWN, "env.add");
        bhd_host_free(host);
        bhd_imports_free(imports);
        bhd_error_fini(&error);
    }
}

/* -- later --------------------------------------------------------------------------------- */

typedef struct caller {
    bhd_sandbox *sandbox;
    bhd_status status;
    uint64_t result;
    bhd_error error;
} caller;

static void *call_later(void *env)
{
    caller *c = env;
    bhd_function *function;
    bhd_value in = bhd_value_u64(5), out = bhd_value_u64(0);
    c->status = bhd_sandbox_function(c->sandbox, "later", &function, &c->error);
    if (c->status == BHD_OK)
        c->status = bhd_sandbox_call(c->sandbox, function, &in, 1, &out, 1, &c->error);
    c->result = out.of.u64;
    return NULL;
}

typedef struct answerer {
    bhd_invocation *invocation;
    bool fails;
} answerer;

static void *answer_soon(void *env)
{
    answerer *a = env;
    struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    if (a->fails)
        bhd_invocation_fail(a->invocation, "too late");
    else
        answer(a->invocation, bhd_value_u64(77));
    return NULL;
}

static void defer_to_thread(void *env, bhd_invocation *invocation, const bhd_value *in,
                            size_t count)
{
    answerer *a = env;
    pthread_t thread;
    (void)in;
    (void)count;
    expect_ok(bhd_invocation_defer(invocation, NULL), NULL);
    a->invocation = invocation;
    assert_int_equal(0, pthread_create(&thread, NULL, answer_soon, a));
    pthread_detach(thread);
}

static const char waits[] =
    "(component (import \"wait\" (func $wait (param \"n\" u64) (result u64)))"
    " (core func $w (canon lower (func $wait)))"
    " (core module $m (import \"h\" \"w\" (func $w (param i64) (result i64)))"
    "  (func (export \"f\") (param i64) (result i64) (call $w (local.get 0))))"
    " (core instance $m (instantiate $m (with \"h\" (instance (export \"w\" (func $w))))))"
    " (func $f (param \"n\" u64) (result u64) (canon lift (core func $m \"f\")))"
    " (export \"later\" (func $f)))";

static void an_answer_comes_from_another_thread(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        answerer a = {.fails = fails != 0};
        bhd_imports *imports;
        bhd_host_function function = {.size = sizeof function,
                                      .name = "wait",
                                      .type = "func(n: u64) -> u64",
                                      .callback = defer_to_thread,
                                      .user_data = &a,
                                      .may_wait = true};
        expect_ok(bhd_imports_new(&imports, NULL), NULL);
        expect_ok(bhd_imports_function(imports, &function, NULL), NULL);
        bhd_host_options options = BHD_HOST_OPTIONS_INIT;
        options.imports = imports;
        bhd_limits limits = guest_limits(MIB(1));
        guest g = guest_begin_with(&options, waits, &limits, NULL);
        caller c = {.sandbox = g.sandbox, .error = BHD_ERROR_INIT};
        call_later(&c);
        if (fails) {
            expect_status(BHD_TRAP, c.status, &c.error);
            expect_in(c.error.message, "host function wait: too late");
        } else {
            expect_ok(c.status, &c.error);
            assert_int_equal(77, c.result);
        }
        bhd_error_fini(&c.error);
        guest_end(&g);
        bhd_imports_free(imports);
    }
}

/* The guest ends at its deadline, and the answer that comes after it, after the sandbox, after the
 * host even, does nothing. */
static bhd_invocation *left_waiting(world *w, double timeout)
{
    *w = (world){.how = DEFER};
    guest g = begin_with(w, true, timeout);
    caller c = {.sandbox = g.sandbox, .error = BHD_ERROR_INIT};
    call_later(&c);
    expect_status(BHD_TIMEOUT, c.status, &c.error);
    bhd_error_fini(&c.error);
    guest_end(&g);
    return w->waiting;
}

static void an_answer_that_comes_too_late_does_nothing(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        world w;
        double timeout = 0.05;
        while (!left_waiting(&w, timeout)) /* it did not come so far */
            timeout *= 3;
        bhd_value value = bhd_value_u64(1), handle;
        expect_status(BHD_SANDBOX_DEAD,
                      bhd_invocation_resource(w.waiting, "counter", &w, &handle, NULL), NULL);
        assert_null(bhd_invocation_data(w.waiting, &value));
        if (fails)
            bhd_invocation_fail(w.waiting, "too late");
        else
            expect_ok(bhd_invocation_return(w.waiting, &value, 1, NULL), NULL);
    }
}

static void a_waiting_guest_is_cancelled(void **state)
{
    (void)state;
    world w = {.how = DEFER};
    guest g = begin_with(&w, true, 60);
    caller c = {.sandbox = g.sandbox, .error = BHD_ERROR_INIT};
    pthread_t thread;
    assert_int_equal(0, pthread_create(&thread, NULL, call_later, &c));
    struct timespec pause = {0, 50000000};
    nanosleep(&pause, NULL);
    /* A cancellation that comes before the call has begun does nothing. */
    while (pthread_tryjoin_np(thread, NULL) != 0) {
        bhd_sandbox_cancel(g.sandbox);
        nanosleep(&pause, NULL);
    }
    expect_status(BHD_CANCELLED, c.status, &c.error);
    bhd_error_fini(&c.error);
    guest_end(&g);
    bhd_value value = bhd_value_u64(1);
    if (w.waiting)
        expect_ok(bhd_invocation_return(w.waiting, &value, 1, NULL), NULL);
}

/* -- resources ----------------------------------------------------------------------------- */

static void a_resource_ends_once_however_it_ends(void **state)
{
    (void)state;
    world w = {.how = ANSWER};
    guest g = begin_with(&w, false, 10);
    uint32_t one = call_u32(g.sandbox, "open", 10), two = call_u32(g.sandbox, "open", 20);
    assert_true(one != two && w.made == 2 && w.ended == 0);
    assert_int_equal(11, call_u32(g.sandbox, "bump", one));
    assert_int_equal(21, call_u32(g.sandbox, "bump", two));
    assert_int_equal(12, call_u32(g.sandbox, "bump", one));
    /* Dropped by the guest. */
    bhd_value handle = bhd_value_u32(one);
    (void)value_call(g.sandbox, "drop", &handle, 1);
    assert_int_equal(1, w.ended);
    /* Given to the host, which keeps it until the function has answered. */
    assert_int_equal(21, call_u32(g.sandbox, "close", two));
    assert_int_equal(2, w.ended);
    /* With the sandbox. */
    (void)call_u32(g.sandbox, "open", 30);
    (void)call_u32(g.sandbox, "open", 40);
    assert_int_equal(2, w.ended);
    guest_again(&g);
    assert_int_equal(4, w.made);
    assert_int_equal(4, w.ended);
    /* A handle that is none, one that was dropped. */
    handle = bhd_value_u32(99);
    value_ends(g.sandbox, BHD_TRAP, NULL, "bump", &handle, 1);
    guest_end(&g);
}

static void resources_that_never_reach_the_guest_end_with_the_sandbox(void **state)
{
    (void)state;
    world w = {.how = NOTHING};
    guest g = begin_with(&w, false, 10);
    bhd_value start = bhd_value_u32(1);
    value_ends(g.sandbox, BHD_TRAP, "it gave no answer", "open", &start, 1);
    assert_int_equal(1, w.made);
    guest_end(&g);
    assert_int_equal(1, w.ended);
}

static void a_function_gives_only_what_it_has(void **state)
{
    (void)state;
    static const char *const refusals[] = {
        "result 1: expected own<counter>, got a resource that was given away or dropped",
        "result 1: expected own<counter>, got a resource of another sandbox",
    };
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        world w = {.how = KEEP};
        guest g = begin_with(&w, false, 10);
        uint32_t first = call_u32(g.sandbox, "open", 1);
        assert_int_equal(2, call_u32(g.sandbox, "bump", first));
        if (i == 1) {
            bhd_value kept = w.kept;
            guest_again(&g);
            w.how = ANSWER;
            (void)call_u32(g.sandbox, "open", 1); /* in the same place of its table */
            w.kept = kept;
        }
        w.how = AGAIN;
        bhd_value start = bhd_value_u32(1);
        value_ends(g.sandbox, BHD_TRAP, "it gave no answer", "open", &start, 1);
        assert_string_equal(refusals[i], w.refusal);
        bhd_value_fini(&w.kept);
        guest_end(&g);
        assert_int_equal(w.made, w.ended);
    }
}

static void a_guest_cannot_hoard_resources(void **state)
{
    (void)state;
    world w = {.how = ANSWER};
    guest g = begin_with(&w, false, 30);
    bhd_value count = bhd_value_u32(100000);
    value_ends(g.sandbox, BHD_TRAP, NULL, "hoard", &count, 1);
    assert_true(w.made <= BHD_RESOURCES_MAX);
    guest_end(&g);
    assert_int_equal(w.made, w.ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_component_calls_functions_of_the_host),
        cmocka_unit_test(a_function_that_does_not_answer_well_ends_the_guest_with_its_text),
        cmocka_unit_test(what_does_not_fit_is_refused_at_load),
        cmocka_unit_test(a_set_takes_only_what_makes_sense),
        cmocka_unit_test(a_core_module_imports_functions_of_numbers),
        cmocka_unit_test(an_answer_comes_from_another_thread),
        cmocka_unit_test(an_answer_that_comes_too_late_does_nothing),
        cmocka_unit_test(a_waiting_guest_is_cancelled),
        cmocka_unit_test(a_resource_ends_once_however_it_ends),
        cmocka_unit_test(resources_that_never_reach_the_guest_end_with_the_sandbox),
        cmocka_unit_test(a_function_gives_only_what_it_has),
        cmocka_unit_test(a_guest_cannot_hoard_resources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
