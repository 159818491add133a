/*
 * See sweep.h.
 */
#include "support/sweep.h"

#include "base/alloc.h"

bhd_host *sweep_host;

bhd_status sweep_use(bhd_status status, bhd_component *component,
                     const bhd_sandbox_options *options,
                     bhd_status (*use)(bhd_sandbox *sandbox, bhd_error *error), bhd_error *error)
{
    bhd_sandbox *sandbox = NULL;
    if (status == BHD_OK)
        status = bhd_sandbox_new(component, options, &sandbox, error);
    if (status == BHD_OK)
        status = use(sandbox, error);
    bhd_sandbox_free(sandbox);
    bhd_component_free(component);
    return status;
}

bhd_status sweep_live(bhd_host *host, const char *source, const bhd_limits *limits,
                      bhd_status (*use)(bhd_sandbox *sandbox, bhd_error *error), bhd_error *error)
{
    bhd_component *component = NULL;
    bhd_status status = guest_try_component(host, source, limits, &component, error);
    return sweep_use(status, component, NULL, use, error);
}

bhd_status sweep_run(bhd_sandbox *sandbox, bhd_error *error)
{
    int exit_code = -1;
    bhd_status status = bhd_sandbox_run(sandbox, &exit_code, error);
    return status == BHD_OK && exit_code != 0 ? BHD_INTERNAL : status;
}

void sweep(const char *name, sweep_life life)
{
    uint64_t failures = 0;
    for (uint64_t nth = 1;; nth++) {
        bhd_error error = BHD_ERROR_INIT;
        uint64_t live_before = bhd__alloc_live();
        uint64_t made_before = bhd__alloc_count();
        bhd__alloc_fail_at(nth, 0);
        bhd_status status = life(&error);
        bhd__alloc_fail_at(0, 0);
        bool all_were_made = bhd__alloc_count() - made_before < nth;
        if (status != BHD_OK) {
            if (status != BHD_HOST_OUT_OF_MEMORY)
                print_error("%s, allocation %u\n", name, (unsigned)nth);
            expect_status(BHD_HOST_OUT_OF_MEMORY, status, &error);
            assert_string_equal("the host process is out of memory", error.message);
            failures++;
        }
        bhd_error_fini(&error);
        /* What a failed life leaves is what a life before it left: free slots and stacks. */
        if (nth > 1 && sweep_host)
            assert_true(bhd__alloc_live() <= live_before + 8);
        if (all_were_made)
            break;
        assert_true(nth < 10000);
    }
    print_message("%s: %u failures\n", name, (unsigned)failures);
    assert_true(failures > 3);
}

void sweep_on_a_host(const char *name, sweep_life life)
{
    sweep_on(guest_host(), name, life);
}

void sweep_on(bhd_host *host, const char *name, sweep_life life)
{
    sweep_host = host;
    uint64_t before = bhd__alloc_live();
    sweep(name, life);
    expect_stats(sweep_host, 0, 0);
    bhd_error error = BHD_ERROR_INIT;
    expect_ok(life(&error), &error);
    bhd_error_fini(&error);
    assert_true(bhd__alloc_live() <= before + 8); /* free slots and stacks */
    bhd_host_free(sweep_host);
    sweep_host = NULL;
}
