/*
 * What an instance is said to hold in the host is never less than it does: sandboxes of the largest
 * components that fit are measured against sandboxes of small ones of the same kind.
 */
#include "support/held_shapes.h"
#include "support/process_facts.h"

#include <malloc.h>

#define SANDBOXES 300
/* For each sandbox: what the allocator rounds. */
#define SLACK_BYTES KIB(4)

static int64_t cost(bhd_host *host, const held_shape *shape, unsigned count)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component = NULL;
    bhd_sandbox *sandboxes[SANDBOXES];
    expect_ok(held_load(host, shape, count, &component, &error), &error);
    /* What the first one makes for all. */
    bhd_sandbox_free(guest_sandbox(component));
    (void)malloc_trim(0);
    int64_t before = (int64_t)process_resident_bytes();
    for (size_t i = 0; i < SANDBOXES; i++)
        sandboxes[i] = guest_sandbox(component);
    int64_t after = (int64_t)process_resident_bytes();
    for (size_t i = 0; i < SANDBOXES; i++)
        bhd_sandbox_free(sandboxes[i]);
    bhd_component_free(component);
    return (after - before) / SANDBOXES;
}

static void an_instance_holds_no_more_than_is_said(void **state)
{
    (void)state;
    bhd_host *host = held_host(HELD_BYTES);
    for (size_t i = 0; i < held_shape_count; i++) {
        const held_shape *shape = &held_shapes[i];
        unsigned most = held_most(host, shape);
        int64_t said = (int64_t)(held_bytes(host, shape, most) - held_bytes(host, shape, 1));
        int64_t small = cost(host, shape, 1), large = cost(host, shape, most);
        print_message("%s: %lld KiB said, %lld KiB held\n", shape->name, (long long)said / 1024,
                      (long long)(large - small) / 1024);
        assert_true(large - small <= said + (int64_t)SLACK_BYTES);
    }
    bhd_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instance_holds_no_more_than_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
