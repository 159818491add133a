/*
 * What a guest asked for and was not given can be asked of its sandbox, however the guest ended: of
 * the running or last call, and of no earlier one.
 */
#include "support/connect_guest.h"
#include "support/real_guest.h"
#include "support/submitted.h"

#include <stdlib.h>
#include <unistd.h>

/* "clock" and "random" give the error number, "nothing" asks for nothing, and "_start" ends the
 * guest with 3 when it is not told the time. */
#define ASKS                                                                                       \
    "(module (import \"wasi_snapshot_preview1\" \"clock_time_get\""                                \
    "  (func $clock (param i32 i64 i32) (result i32)))"                                            \
    " (import \"wasi_snapshot_preview1\" \"random_get\" (func $random (param i32 i32)"             \
    "  (result i32)))"                                                                             \
    " (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"                  \
    " (memory (export \"memory\") 1)"                                                              \
    " (func $time (export \"time\") (result i32)"                                                  \
    "  (call $clock (i32.const 0) (i64.const 1) (i32.const 0)))"                                   \
    " (func (export \"chance\") (result i32) (call $random (i32.const 0) (i32.const 4)))"          \
    " (func (export \"nothing\") (result i32) (i32.const 0))"                                      \
    " (func (export \"_start\") (if (call $time) (then (call $exit (i32.const 3))))))"

static const char for_the_time[] =
    "for the time, which it does not declare (capabilities.clocks = true)";

/* Asks for nothing, unlike those of guest_component. */
static bhd_component *asking(bhd_host *host, const char *text, size_t size,
                             const bhd_capabilities *asked)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_component_options options = {.size = sizeof options,
                                     .name = "asks",
                                     .limits = guest_limits(MIB(1)),
                                     .capabilities = asked};
    expect_ok(bhd_component_new(host, &options, text, size, &component, &error), &error);
    return component;
}

static void the_last_call_is_what_counts(void **state)
{
    (void)state;
    const bhd_capabilities none = BHD_CAPABILITIES_INIT;
    bhd_host *host = guest_host();
    bhd_component *component = asking(host, ASKS, sizeof ASKS - 1, &none);
    bhd_sandbox *sandbox = guest_sandbox(component);
    assert_null(bhd_sandbox_denied(sandbox));
    assert_int_not_equal(0, guest_i32(sandbox, "time"));
    assert_string_equal(for_the_time, bhd_sandbox_denied(sandbox));
    assert_int_equal(0, guest_i32(sandbox, "nothing"));
    assert_null(bhd_sandbox_denied(sandbox));
    assert_int_not_equal(0, guest_i32(sandbox, "chance"));
    expect_in(bhd_sandbox_denied(sandbox), "for random numbers");
    bhd_call *call = submitted(sandbox, "time", NULL, NULL);
    expect_end(call, BHD_OK);
    assert_string_equal(for_the_time, bhd_sandbox_denied(sandbox));
    call = submitted(sandbox, "nothing", NULL, NULL);
    expect_end(call, BHD_OK);
    assert_null(bhd_sandbox_denied(sandbox));
    /* And it is known when the guest has ended. */
    assert_int_equal(3, guest_run(sandbox));
    assert_true(bhd_sandbox_is_dead(sandbox));
    assert_string_equal(for_the_time, bhd_sandbox_denied(sandbox));
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void what_was_given_is_not_denied(void **state)
{
    (void)state;
    bhd_capabilities both = BHD_CAPABILITIES_INIT;
    both.clocks = both.random = true;
    bhd_host *host = guest_host();
    bhd_component *component = asking(host, ASKS, sizeof ASKS - 1, &both);
    bhd_sandbox *sandbox = guest_sandbox(component);
    assert_int_equal(0, guest_i32(sandbox, "time"));
    assert_null(bhd_sandbox_denied(sandbox));
    assert_int_equal(0, guest_i32(sandbox, "chance"));
    assert_null(bhd_sandbox_denied(sandbox));
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

/* The first grant is of another address, the second one of this. */
static void an_address_that_is_not_granted_is_told(void **state)
{
    (void)state;
    uint16_t port;
    int fd = connect_listen(&port);
    for (int is_granted = 0; is_granted < 2; is_granted++) {
        size_t size;
        bhd_endpoint network[] = {{is_granted ? "127.0.0.1" : "192.0.2.1", port}};
        bhd_capabilities asked = BHD_CAPABILITIES_INIT;
        asked.network = network;
        asked.endpoint_count = 1;
        char *text = connect_text("run", port, &size);
        bhd_host *host = guest_host();
        bhd_component *component = asking(host, text, size, &asked);
        bhd_sandbox *sandbox = guest_sandbox(component);
        assert_int_equal(!is_granted, guest_run(sandbox));
        if (is_granted)
            assert_null(bhd_sandbox_denied(sandbox));
        else
            expect_in(bhd_sandbox_denied(sandbox), "to connect to an address");
        bhd_sandbox_free(sandbox);
        bhd_component_free(component);
        bhd_host_free(host);
        free(text);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_call_is_what_counts),
        cmocka_unit_test(what_was_given_is_not_denied),
        cmocka_unit_test(an_address_that_is_not_granted_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
