/*
 * Compilations that somebody cancels, in each function that compiles: before they begin, and while
 * they are under way.
 */
#include "support/real_guest.h"

#include "base/alloc.h"
#include "base/text.h"
#include "bulkhead/precompiled.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Locals that change in so many nested loops: minutes of compiling. */
#define LOOPS 500
#define TEXT_BYTES ((size_t)1 << 20)

static char *slow;

static int make_slow(void **state)
{
    (void)state;
    bhd__text text;
    slow = malloc(TEXT_BYTES);
    assert_non_null(slow);
    bhd__text_init(&text, slow, TEXT_BYTES);
    bhd__text_add(&text, "(module (memory 1) (func (export \"_start\")");
    for (int i = 0; i < LOOPS; i++)
        bhd__text_add(&text, "(local i32)");
    for (int i = 0; i < LOOPS; i++)
        bhd__text_printf(&text, "(local.set %d (i32.load (i32.const 0)))", i);
    for (int i = 0; i < LOOPS; i++)
        bhd__text_add(&text, "loop ");
    for (int i = 0; i < LOOPS; i++)
        bhd__text_printf(
            &text, "(br_if 0 (local.tee %d (i32.add (local.get %d) (i32.const 1))))end ", i, i);
    bhd__text_add(&text, "))");
    assert_true(text.length < TEXT_BYTES);
    return 0;
}

static int free_slow(void **state)
{
    (void)state;
    free(slow);
    return 0;
}

static bhd_status load(bhd_host *host, bhd_cancellation *cancellation, bhd_error *error)
{
    bhd_component *component = NULL;
    const bhd_component_options how = {.size = sizeof how,
                                       .name = "x",
                                       .limits = guest_limits(MIB(1)),
                                       .cancellation = cancellation};
    bhd_status status = bhd_component_new(host, &how, slow, strlen(slow), &component, error);
    assert_null(component);
    return status;
}

static bhd_status inspect(bhd_host *host, bhd_cancellation *cancellation, bhd_error *error)
{
    bhd_inspection inspection = BHD_INSPECTION_INIT;
    inspection.cancellation = cancellation;
    bhd_status status = bhd_inspect(host, slow, strlen(slow), &inspection, error);
    assert_null(inspection.exports);
    assert_ptr_equal(inspection.cancellation, cancellation);
    return status;
}

static bhd_status precompile(bhd_host *host, bhd_cancellation *cancellation, bhd_error *error)
{
    char path[] = "/tmp/bulkhead-cancel-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    const bhd_precompile_options how = {.size = sizeof how, .cancellation = cancellation};
    bhd_status status = bhd_precompile(host, &how, slow, strlen(slow), path, error);
    /* What was there is still there. */
    assert_int_equal(lseek(file, 0, SEEK_END), 0);
    assert_int_equal(close(file), 0);
    assert_int_equal(unlink(path), 0);
    return status;
}

static bhd_status (*const functions[])(bhd_host *, bhd_cancellation *,
                                       bhd_error *) = {load, inspect, precompile};

static void *cancel_soon(void *cancellation)
{
    const struct timespec pause = {0, 200000000};
    (void)nanosleep(&pause, NULL);
    bhd_cancellation_cancel(cancellation);
    return NULL;
}

static bhd_host *apart(void)
{
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.compile = BHD_COMPILE_APART;
    options.max_compile_seconds = 3600;
    return guest_host_with(&options);
}

static void a_compilation_is_cancelled(void **state)
{
    (void)state;
    bhd_host *host = apart();
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        bhd_error error = BHD_ERROR_INIT;
        bhd_cancellation *cancellation = NULL;
        pthread_t thread;
        expect_ok(bhd_cancellation_new(&cancellation, &error), &error);
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, cancellation), 0);
        expect_status(BHD_CANCELLED, functions[i](host, cancellation, &error), &error);
        assert_int_equal(pthread_join(thread, NULL), 0);
        expect_in(error.message, "the compilation was cancelled");
        /* For ever. */
        expect_status(BHD_CANCELLED, functions[i](host, cancellation, &error), &error);
        assert_string_equal(error.message, "the compilation was cancelled before it began");
        bhd_cancellation_free(cancellation);
        bhd_error_fini(&error);
    }
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_compilation_is_cancelled),
    };
    return cmocka_run_group_tests_name("cancel_compile", tests, make_slow, free_slow);
}
