/*
 * A file whose system does not answer: whoever uses it ends at the deadline, holds a few threads of
 * the host and no more until the system lets them go, and nobody else waits.
 */
#include "support/file_guest.h"
#include "support/held_file.h"
#include "support/process_facts.h"

#include <stdio.h>

/* Places of a component. */
#define PLACES 8

static void write_until_the_deadline(file_guest *f)
{
    bhd_error error = BHD_ERROR_INIT;
    int32_t fd;
    assert_int_equal(0, files_open(f, "held", 0, RIGHT_WRITE, &fd));
    const uint32_t vector[] = {BUFFER_AT, 1};
    expect_ok(bhd_sandbox_write(f->sandbox, NULL, VECTOR_AT, vector, sizeof vector, &error),
              &error);
    guest_ends(f->sandbox, BHD_TIMEOUT, &error, "fd_write", fd, (int32_t)VECTOR_AT, (int32_t)1,
               (int32_t)RESULT_AT);
    bhd_error_fini(&error);
}

static void expect_usable(file_guest *f, const char *name)
{
    int32_t fd;
    char text[8];
    uint32_t size, used;
    assert_int_equal(0, files_open(f, name, OPEN_CREATE, RIGHT_READ | RIGHT_WRITE, &fd));
    assert_int_equal(0, files_write(f, fd, "text", 4, 0, NULL));
    assert_int_equal(0, files_read(f, fd, text, sizeof text, &size));
    assert_int_equal(4, size);
    assert_int_equal(0, files_close(f, fd));
    assert_int_equal(0, files_open(f, ".", OPEN_DIRECTORY, RIGHT_READ, &fd));
    assert_int_equal(0, files_list(f, fd, 0, 4096, &used));
    assert_true(used > 0);
}

static void a_file_that_does_not_answer_costs_its_users_their_places(void **state)
{
    (void)state;
    file_guest f, other;
    held_file held;
    files_begin(&f, 0, 0.3);
    files_put(&f, "held", "text");
    files_beside(&other, &f, 20);
    expect_usable(&other, "mine");
    if (!held_file_begin(&held, files_path(&f, "held"))) {
        print_message("skipped: userfaultfd is not for this user\n");
        files_end(&other);
        files_end(&f);
        return;
    }
    uint64_t before = process_threads();
    /* Each waits in the kernel, and ends in time all the same. */
    for (int i = 0; i < PLACES; i++) {
        write_until_the_deadline(&f);
        files_again(&f);
        expect_usable(&other, "mine");
    }
    assert_true(process_threads() <= before + PLACES + SPARE_THREADS);
    /* All places are taken: now the component has no more files, and no more threads. */
    for (int i = 0; i < 2 * SPARE_THREADS; i++) {
        bhd_error error = BHD_ERROR_INIT;
        int32_t size = files_text(&f, 0, "held");
        guest_ends(f.sandbox, BHD_TIMEOUT, &error, "path_open", (int32_t)3, (int32_t)1,
                   (int32_t)TEXT_0, size, (int32_t)0, (int64_t)RIGHT_READ, (int64_t)0, (int32_t)0,
                   (int32_t)RESULT_AT);
        bhd_error_fini(&error);
        files_again(&f);
        expect_usable(&other, "mine");
    }
    assert_true(process_threads() <= before + PLACES + SPARE_THREADS);
    held_file_end(&held);
    /* The places come back; what was begun was written. */
    for (int i = 0;; i++) {
        bhd_error error = BHD_ERROR_INIT;
        int32_t size = files_text(&f, 0, "held");
        bhd_value value = {.type = BHD_I32};
        bhd_status status = guest_call(
            f.sandbox, &error, &value, "path_open", (int32_t)3, (int32_t)1, (int32_t)TEXT_0, size,
            (int32_t)0, (int64_t)RIGHT_READ, (int64_t)0, (int32_t)0, (int32_t)RESULT_AT);
        bhd_error_fini(&error);
        if (status == BHD_OK)
            break;
        assert_true(i < 100);
        files_again(&f);
    }
    files_again(&f);
    expect_usable(&f, "again");
    files_end(&other);
    files_end(&f);
}

/* A sandbox that is freed while the kernel holds its write does not wait for it. */
static void freeing_does_not_wait_for_the_kernel(void **state)
{
    (void)state;
    file_guest f;
    held_file held;
    files_begin(&f, 0, 0.2);
    files_put(&f, "held", "text");
    if (!held_file_begin(&held, files_path(&f, "held"))) {
        print_message("skipped: userfaultfd is not for this user\n");
        files_end(&f);
        return;
    }
    write_until_the_deadline(&f);
    bhd_sandbox_free(f.sandbox);
    bhd_component_free(f.component);
    /* A host that was freed, and the directory's end, are no matter to what is still under way. */
    bhd_host_free(f.host);
    f.host = guest_host();
    f.sandbox = NULL;
    f.component = NULL;
    held_file_end(&held);
    files_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_does_not_answer_costs_its_users_their_places),
        cmocka_unit_test(freeing_does_not_wait_for_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
