/*
 * Resources of the host that the program makes itself, lends and gives to a component, and gets
 * back: each ends once, whoever has it last.
 */
#include "support/resource_kit.h"

#define HOST "test:tokens/host"
#define TOKENS "component/tokens.wat"

typedef struct token {
    uint32_t number;
    int ended;
} token;

/* What the functions and destructors of one host know. */
typedef struct world {
    int ended, stamps_ended;
    guest *guest;    /* set: `read` tries what cannot be done during a call */
    bhd_value *owns; /* of `guest` */
    int tried;
} world;

static void token_end(void *env, void *data)
{
    world *w = env;
    token *t = data;
    w->ended++;
    t->ended++;
}

static void stamp_end(void *env, void *data)
{
    world *w = env;
    (void)data;
    w->stamps_ended++;
}

static void try_in_a_call(world *w)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value handle;
    bhd_call *call;
    bhd_sandbox *sandbox = w->guest->sandbox;
    expect_status(BHD_BUSY, bhd_sandbox_drop(sandbox, w->owns, &error), &error);
    expect_in(error.message, "a call into this sandbox is under way");
    expect_status(BHD_BUSY, bhd_sandbox_submit_drop(sandbox, w->owns, NULL, &call, &error), &error);
    expect_status(BHD_BUSY, bhd_sandbox_resource(sandbox, HOST, "token", w, &handle, &error),
                  &error);
    expect_in(error.message, "a call into this sandbox is under way");
    expect_in(error.message, "bhd_invocation_resource");
    assert_null(bhd_sandbox_data(sandbox, w->owns));
    bhd_error_fini(&error);
    w->tried++;
}

static void read_token(void *env, bhd_invocation *invocation, const bhd_value *in, size_t count)
{
    world *w = env;
    token *t = bhd_invocation_data(invocation, &in[0]);
    (void)count;
    assert_non_null(t);
    if (w->guest)
        try_in_a_call(w);
    bhd_value number = bhd_value_u32(t->number);
    expect_ok(bhd_invocation_return(invocation, &number, 1, NULL), NULL);
}

static guest begin(resource_way way, world *w)
{
    bhd_imports *imports;
    bhd_limits limits = guest_limits(MIB(1));
    const bhd_host_resource resources[] = {{sizeof *resources, HOST, "token", token_end, w},
                                           {sizeof *resources, HOST, "stamp", stamp_end, w}};
    const bhd_host_function function = {
        sizeof function, HOST, "read", "func(t: borrow<token>) -> u32", read_token, w, false};
    expect_ok(bhd_imports_new(&imports, NULL), NULL);
    for (size_t i = 0; i < COUNT_OF(resources); i++)
        expect_ok(bhd_imports_resource(imports, &resources[i], NULL), NULL);
    expect_ok(bhd_imports_function(imports, &function, NULL), NULL);
    guest g = resource_guest(way, TOKENS, &limits, imports);
    bhd_imports_free(imports);
    return g;
}

static bhd_value make(guest *g, token *t)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value handle;
    expect_ok(bhd_sandbox_resource(g->sandbox, HOST, "token", t, &handle, &error), &error);
    bhd_error_fini(&error);
    assert_int_equal(BHD_OWN, handle.type);
    assert_ptr_equal(t, bhd_sandbox_data(g->sandbox, &handle));
    return handle;
}

static bhd_value lent(const bhd_value *own)
{
    return bhd_value_borrow(own->of.resource);
}

static void a_token_is_lent_given_and_comes_back(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        world w = {0};
        guest g = begin(way, &w);
        token one = {1, 0}, two = {20, 0};
        bhd_value first = make(&g, &one), second = make(&g, &two), self = lent(&first);
        for (int i = 0; i < 3; i++)
            assert_int_equal(1, resource_call(&g, way, "look", &self, 1).of.u32);
        bhd_value both[] = {self, lent(&second), self};
        bhd_value list = bhd_value_list(BHD_BORROW, both, 3);
        assert_int_equal(22, resource_call(&g, way, "look-at-all", &list, 1).of.u32);

        bhd_value back = resource_call(&g, way, "back", &first, 1);
        assert_ptr_equal(&one, bhd_sandbox_data(g.sandbox, &back));
        /* The older handle is none any more, although the resource is here. */
        assert_null(bhd_sandbox_data(g.sandbox, &first));
        resource_refused(&g, way,
                         "parameter t: expected borrow<token>, got a resource that was given away "
                         "or dropped",
                         "look", &self, 1);
        bhd_value_fini(&first);

        (void)resource_call(&g, way, "keep", &back, 1);
        assert_null(bhd_sandbox_data(g.sandbox, &back));
        bhd_value kept = resource_call(&g, way, "kept", NULL, 0);
        assert_ptr_equal(&one, bhd_sandbox_data(g.sandbox, kept.of.variant.payload));
        assert_int_equal(0, w.ended);
        /* Dropped here, dropped by the guest. */
        resource_drop(&g, way, &kept);
        assert_true(w.ended == 1 && one.ended == 1);
        resource_drop(&g, way, &back);
        (void)resource_call(&g, way, "end", &second, 1);
        assert_true(w.ended == 2 && two.ended == 1);
        resource_drop(&g, way, &second);
        assert_int_equal(2, w.ended);
        guest_end(&g);
        assert_int_equal(2, w.ended);
    }
}

static void an_old_handle_never_means_a_new_resource(void **state)
{
    (void)state;
    world w = {0};
    guest g = begin(DIRECTLY, &w);
    token one = {1, 0}, two = {2, 0};
    bhd_value old = make(&g, &one), copy;
    expect_ok(bhd_value_copy(&old, &copy, NULL), NULL);
    resource_drop(&g, DIRECTLY, &old);
    bhd_value fresh = make(&g, &two), self = lent(&copy); /* in the same place */
    assert_null(bhd_sandbox_data(g.sandbox, &copy));
    resource_refused(&g, DIRECTLY,
                     "parameter t: expected borrow<token>, got a resource that was given away or "
                     "dropped",
                     "look", &self, 1);
    resource_drop(&g, DIRECTLY, &copy);
    assert_int_equal(1, w.ended);
    resource_drop(&g, DIRECTLY, &fresh);
    assert_int_equal(2, w.ended);
    guest_end(&g);
}

static void a_token_ends_with_its_sandbox_whoever_has_it(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        world w = {0};
        guest g = begin(way, &w);
        token tokens[4] = {{0}};
        bhd_value handles[4];
        for (size_t i = 0; i < 4; i++)
            handles[i] = make(&g, &tokens[i]);
        (void)resource_call(&g, way, "keep", &handles[0], 1);
        bhd_value_fini(&handles[1]);
        /* Given to a call that traps. */
        bhd_value result;
        bhd_error error = BHD_ERROR_INIT;
        expect_status(BHD_TRAP, resource_try(&g, way, "fail", &handles[2], 1, &result, &error),
                      &error);
        expect_status(BHD_SANDBOX_DEAD, bhd_sandbox_drop(g.sandbox, &handles[3], &error), &error);
        expect_status(BHD_SANDBOX_DEAD,
                      bhd_sandbox_resource(g.sandbox, HOST, "token", &w, &result, &error), &error);
        bhd_error_fini(&error);
        assert_int_equal(0, w.ended);
        guest_end(&g);
        assert_int_equal(4, w.ended);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(1, tokens[i].ended);
            bhd_value_fini(&handles[i]);
        }
    }
}

static void a_token_that_does_not_fit_is_refused_with_its_place(void **state)
{
    (void)state;
    world w = {0};
    guest g = begin(DIRECTLY, &w), other = begin(DIRECTLY, &w);
    token one = {1, 0}, foreign = {2, 0};
    bhd_value mine = make(&g, &one), theirs = make(&other, &foreign), stamp;
    bhd_error error = BHD_ERROR_INIT;
    /* With the version that the component writes, too. */
    expect_ok(bhd_sandbox_resource(g.sandbox, HOST "@1.0.0", "stamp", NULL, &stamp, &error),
              &error);
    bhd_value self = lent(&stamp);
    resource_refused(&g, DIRECTLY, "parameter t: expected borrow<token>, got borrow<stamp>", "look",
                     &self, 1);
    resource_refused(&g, DIRECTLY, "parameter t: expected own<stamp>, got own<token>", "end-stamp",
                     &mine, 1);
    resource_refused(&g, DIRECTLY,
                     "parameter t: expected own<token>, got a resource of another sandbox", "back",
                     &theirs, 1);
    assert_null(bhd_sandbox_data(g.sandbox, &theirs));
    (void)resource_call(&g, DIRECTLY, "end-stamp", &stamp, 1);
    assert_int_equal(1, w.stamps_ended);
    assert_int_equal(0, w.ended);
    bhd_value none;
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_sandbox_resource(g.sandbox, HOST, "tokens", NULL, &none, &error), &error);
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_sandbox_resource(g.sandbox, NULL, "token", NULL, &none, &error), &error);
    expect_status(BHD_INVALID_ARGUMENT,
                  bhd_sandbox_resource(g.sandbox, HOST, NULL, NULL, &none, &error), &error);
    bhd_value_fini(&stamp);
    resource_drop(&g, DIRECTLY, &mine);
    resource_drop(&other, DIRECTLY, &theirs);
    bhd_error_fini(&error);
    guest_end(&g);
    guest_end(&other);
}

/* The guest keeps what it was only lent. */
static void a_guest_that_clings_to_what_it_was_lent_ends(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        world w = {0};
        guest g = begin(way, &w);
        token one = {1, 0};
        bhd_value handle = make(&g, &one), self = lent(&handle), result;
        bhd_error error = BHD_ERROR_INIT;
        expect_status(BHD_TRAP, resource_try(&g, way, "cling", &self, 1, &result, &error), &error);
        expect_in(error.message, "borrow handles still remain");
        bhd_error_fini(&error);
        guest_end(&g);
        assert_int_equal(1, one.ended);
        bhd_value_fini(&handle);
    }
}

static void nothing_is_made_or_dropped_during_a_call(void **state)
{
    (void)state;
    for (resource_way way = 0; way < WAYS; way++) {
        world w = {0};
        guest g = begin(way, &w);
        token one = {1, 0}, two = {2, 0};
        bhd_value first = make(&g, &one), second = make(&g, &two), self = lent(&first);
        w.guest = &g;
        w.owns = &second;
        assert_int_equal(1, resource_call(&g, way, "look", &self, 1).of.u32);
        w.guest = NULL;
        assert_int_equal(1, w.tried);
        assert_int_equal(0, w.ended);
        resource_drop(&g, way, &first);
        resource_drop(&g, way, &second);
        assert_int_equal(2, w.ended);
        guest_end(&g);
    }
}

static void the_hosts_resources_are_bounded_and_dropping_makes_room(void **state)
{
    (void)state;
    world w = {0};
    guest g = begin(DIRECTLY, &w);
    static token tokens[BHD_RESOURCES_MAX + 1];
    bhd_error error = BHD_ERROR_INIT;
    bhd_value handle, last = bhd_value_bool(false);
    int count = 0;
    while (count <= BHD_RESOURCES_MAX &&
           bhd_sandbox_resource(g.sandbox, HOST, "token", &tokens[count], &handle, &error) ==
               BHD_OK) {
        count++;
        bhd_value_fini(&last);
        last = handle;
    }
    assert_int_equal(BHD_RESOURCES_MAX, count);
    assert_int_equal(BHD_NO_CAPACITY, error.code);
    resource_drop(&g, DIRECTLY, &last);
    assert_int_equal(1, w.ended);
    handle = make(&g, &tokens[BHD_RESOURCES_MAX]);
    bhd_value_fini(&handle);
    bhd_error_fini(&error);
    guest_end(&g);
    assert_int_equal(BHD_RESOURCES_MAX + 1, w.ended);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_lent_given_and_comes_back),
        cmocka_unit_test(an_old_handle_never_means_a_new_resource),
        cmocka_unit_test(a_token_ends_with_its_sandbox_whoever_has_it),
        cmocka_unit_test(a_token_that_does_not_fit_is_refused_with_its_place),
        cmocka_unit_test(a_guest_that_clings_to_what_it_was_lent_ends),
        cmocka_unit_test(nothing_is_made_or_dropped_during_a_call),
        cmocka_unit_test(the_hosts_resources_are_bounded_and_dropping_makes_room),
    };
    return cmocka_run_group_tests_name("host resources", tests, NULL, NULL);
}

int main(void)
{
    return resource_main(run);
}
