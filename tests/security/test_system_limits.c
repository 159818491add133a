/*
 * When the system gives no more (address space, data, mappings), that is "no capacity" and not an
 * abort; who lives goes on; and a growth that the system could not provide is not charged.
 *
 * Each test runs in a child of its own, because the limits are the process's. The parent never
 * makes a host: the engine's threads would not be there in a child.
 */
#include "support/child.h"
#include "support/process_facts.h"
#include "support/real_guest.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define GIB(n) (MIB(n) * 1024)

static void in_child(void (*body)(void))
{
    if (BHD_TESTS_SANITIZED)
        skip(); /* a sanitizer's own memory is above every such limit */
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body();
        _exit(0);
    }
    int status;
    assert_int_equal(child, waitpid(child, &status, 0));
    if (WIFSIGNALED(status))
        print_error("the child died of signal %d\n", WTERMSIG(status));
    assert_true(WIFEXITED(status));
    assert_int_equal(0, WEXITSTATUS(status));
}

static void set_limit(int which, uint64_t bytes)
{
    struct rlimit limit;
    CHECK(getrlimit((__rlimit_resource_t)which, &limit) == 0);
    limit.rlim_cur = bytes;
    CHECK(setrlimit((__rlimit_resource_t)which, &limit) == 0);
}

static bhd_host *host_of(uint32_t max_sandboxes)
{
    const bhd_grants everything = {.size = sizeof everything, .everything = true};
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host;
    options.grants = &everything;
    options.policy.max_memory_bytes = BHD_POLICY_MAX_BYTES;
    options.max_sandboxes = max_sandboxes;
    CHECK_STATUS(BHD_OK, bhd_host_new(&options, &host, &error), &error);
    return host;
}

static bhd_component *grow_component(bhd_host *host, uint64_t max_bytes)
{
    bhd_limits limits = guest_limits(max_bytes);
    bhd_error error = BHD_ERROR_INIT;
    bhd_component *component;
    CHECK_STATUS(
        BHD_OK,
        guest_try_component(host, "basic/deny_then_unreachable.wat", &limits, &component, &error),
        &error);
    return component;
}

static int32_t try_to_grow(bhd_sandbox *sandbox, int32_t pages)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_value result = {.type = BHD_I32, .of.i32 = 0};
    CHECK_STATUS(BHD_OK, guest_call(sandbox, &error, &result, "try", pages), &error);
    return result.of.i32;
}

static bhd_sandbox *sandbox_of(bhd_component *component)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox;
    CHECK_STATUS(BHD_OK, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    return sandbox;
}

static void no_capacity(bhd_component *component, const char *part)
{
    bhd_error error = BHD_ERROR_INIT;
    bhd_sandbox *sandbox = NULL;
    CHECK_STATUS(BHD_NO_CAPACITY, bhd_sandbox_new(component, NULL, &sandbox, &error), &error);
    CHECK(sandbox == NULL);
    CHECK(strstr(error.message, part));
    bhd_error_fini(&error);
}

/* -- address space ------------------------------------------------------------------------- */

static void as_many_as_fit(void)
{
    set_limit(RLIMIT_AS, process_address_bytes() + GIB(10));
    bhd_host *host = host_of(2);
    bhd_component *component = grow_component(host, MIB(1));
    bhd_sandbox *a = sandbox_of(component), *b = sandbox_of(component);
    no_capacity(component, "max_sandboxes");
    CHECK(try_to_grow(a, 15) == 1);
    CHECK(try_to_grow(b, 15) == 1);
    bhd_sandbox_free(a);
    a = sandbox_of(component);
    CHECK(try_to_grow(a, 15) == 1);
    bhd_sandbox_free(a);
    bhd_sandbox_free(b);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void sandboxes_live_under_a_small_address_space(void **state)
{
    (void)state;
    in_child(as_many_as_fit);
}

static void too_many(void)
{
    set_limit(RLIMIT_AS, process_address_bytes() + GIB(10));
    bhd_error error = BHD_ERROR_INIT;
    bhd_host *host = NULL;
    CHECK_STATUS(BHD_INVALID_ARGUMENT, bhd_host_new(NULL, &host, &error), &error);
    CHECK(host == NULL);
    CHECK(strstr(error.message, "max_sandboxes"));
    CHECK(strstr(error.message, "RLIMIT_AS"));
    CHECK(strstr(error.message, "at most 2 fit"));
    CHECK(error.has_range && error.value == 1000 && error.range_maximum == 2);
    bhd_error_fini(&error);
}

static void more_than_fit_a_small_address_space_are_an_error(void **state)
{
    (void)state;
    in_child(too_many);
}

static void taken_later(void)
{
    bhd_host *host = host_of(10);
    bhd_component *component = grow_component(host, MIB(1));
    bhd_sandbox *a = sandbox_of(component);
    set_limit(RLIMIT_AS, process_address_bytes() + GIB(1));
    for (int i = 0; i < 100; i++)
        no_capacity(component, "RLIMIT_AS");
    CHECK(try_to_grow(a, 15) == 1);
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    CHECK(stats.live_sandboxes == 1 && stats.slots == 1 && stats.slots_in_use == 1);
    CHECK(stats.refused_capacity == 100);
    /* Its place is good for another. */
    bhd_sandbox_free(a);
    a = sandbox_of(component);
    set_limit(RLIMIT_AS, RLIM_INFINITY);
    bhd_sandbox *b = sandbox_of(component);
    bhd_sandbox_free(a);
    bhd_sandbox_free(b);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void address_space_that_ends_later_is_no_capacity(void **state)
{
    (void)state;
    in_child(taken_later);
}

/* -- data ---------------------------------------------------------------------------------- */

static uint64_t data_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    CHECK(file);
    char line[256];
    unsigned long long kib = 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmData: %llu", &kib) == 1)
            break;
    fclose(file);
    CHECK(kib > 0);
    return kib * 1024;
}

static void no_pages(void)
{
    bhd_host *host = host_of(10);
    bhd_component *component = grow_component(host, GIB(1));
    bhd_sandbox *sandbox = sandbox_of(component);
    bhd_memory_metrics m;
    CHECK(try_to_grow(sandbox, 16) == 1);
    set_limit(RLIMIT_DATA, data_bytes() + MIB(128));
    /* The limit would allow it, the system does not: the guest sees -1 and pays nothing. */
    for (int i = 0; i < 20; i++)
        CHECK(try_to_grow(sandbox, 4096) == -1);
    bhd_sandbox_metrics(sandbox, &m);
    CHECK(m.current_bytes == PAGES(17) && m.peak_bytes == PAGES(17));
    CHECK(m.growth_count == 2 && m.denied_count == 0);
    CHECK(try_to_grow(sandbox, 16) == 17);
    bhd_sandbox_metrics(sandbox, &m);
    CHECK(m.current_bytes == PAGES(33) && m.growth_count == 3);
    /* A guest that dies of it did not run out of its own memory. */
    bhd_error error = BHD_ERROR_INIT;
    CHECK_STATUS(BHD_NO_CAPACITY, guest_call(sandbox, &error, NULL, "collect_rows", 4096), &error);
    CHECK(error.out_of_memory == NULL);
    CHECK(strstr(error.message, "RLIMIT_DATA"));
    bhd_error_fini(&error);
    bhd_sandbox_metrics(sandbox, &m);
    CHECK(m.current_bytes == PAGES(33));
    bhd_sandbox_free(sandbox);
    /* And the next one is none the worse. */
    sandbox = sandbox_of(component);
    set_limit(RLIMIT_DATA, RLIM_INFINITY);
    CHECK(try_to_grow(sandbox, 4096) == 1);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void a_growth_that_the_system_refuses_is_not_charged(void **state)
{
    (void)state;
    in_child(no_pages);
}

/* -- mappings ------------------------------------------------------------------------------ */

/* Takes every mapping that the process may have; neighbours differ, so that none merge. */
static size_t take_mappings(void **pages, size_t most)
{
    size_t count = 0;
    while (count < most) {
        void *page =
            mmap(NULL, 4096, count % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
            break;
        pages[count++] = page;
    }
    return count;
}

/* A thread's first guest needs a mapping too, without which the engine would abort. */
typedef struct newcomer {
    pthread_barrier_t barrier;
    bhd_sandbox *sandbox;
    bhd_status status;
} newcomer;

static void *first_guest(void *env)
{
    newcomer *n = env;
    pthread_barrier_wait(&n->barrier); /* the thread is there */
    pthread_barrier_wait(&n->barrier); /* the mappings are gone */
    n->status = guest_call(n->sandbox, NULL, NULL, "try", 0);
    pthread_barrier_wait(&n->barrier);
    pthread_barrier_wait(&n->barrier); /* the mappings are back */
    return n;
}

static void no_mappings(void)
{
    enum { MOST = 200000 };
    static void *pages[MOST];
    bhd_host *host = host_of(1000);
    bhd_component *component = grow_component(host, MIB(1));
    bhd_sandbox *a = sandbox_of(component);
    newcomer late = {.sandbox = sandbox_of(component), .status = BHD_OK};
    pthread_t thread;
    CHECK(try_to_grow(late.sandbox, 0) == 1); /* looked up before memory ends */
    CHECK(pthread_barrier_init(&late.barrier, NULL, 2) == 0);
    CHECK(pthread_create(&thread, NULL, first_guest, &late) == 0);
    pthread_barrier_wait(&late.barrier);
    size_t taken = take_mappings(pages, MOST);
    if (taken == MOST)
        _exit(0); /* this system has more mappings than the test can take */
    for (int i = 0; i < 20; i++)
        no_capacity(component, "vm.max_map_count");
    CHECK(try_to_grow(a, 15) == 1);
    bhd_sandbox_free(a); /* giving back needs no mapping */
    a = sandbox_of(component);
    CHECK(try_to_grow(a, 15) == 1);
    taken += take_mappings(pages + taken, MOST - taken); /* what was given back meanwhile */
    pthread_barrier_wait(&late.barrier);
    pthread_barrier_wait(&late.barrier);
    CHECK(late.status == BHD_NO_CAPACITY);
    for (size_t i = 0; i < taken; i++)
        CHECK(munmap(pages[i], 4096) == 0);
    pthread_barrier_wait(&late.barrier);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(!bhd_sandbox_is_dead(late.sandbox));
    CHECK(try_to_grow(late.sandbox, 15) == 1);
    bhd_sandbox_free(late.sandbox);
    bhd_sandbox *b = sandbox_of(component);
    CHECK(try_to_grow(b, 15) == 1);
    bhd_sandbox_free(a);
    bhd_sandbox_free(b);
    bhd_host_stats stats;
    bhd_host_get_stats(host, &stats, sizeof stats);
    CHECK(stats.live_sandboxes == 0 && stats.slots_in_use == 0);
    bhd_component_free(component);
    bhd_host_free(host);
}

static void mappings_that_end_are_no_capacity(void **state)
{
    (void)state;
    in_child(no_mappings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sandboxes_live_under_a_small_address_space),
        cmocka_unit_test(more_than_fit_a_small_address_space_are_an_error),
        cmocka_unit_test(address_space_that_ends_later_is_no_capacity),
        cmocka_unit_test(a_growth_that_the_system_refuses_is_not_charged),
        cmocka_unit_test(mappings_that_end_are_no_capacity),
    };
    return cmocka_run_group_tests_name("system limits", tests, NULL, NULL);
}
