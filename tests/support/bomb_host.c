/*
 * See bomb_host.h.
 */
#include "support/bomb_host.h"

#include <stdio.h>

bhd_host *bomb_host;
neighbours bomb_neighbours;
static bhd_compile compile;

int bomb_host_begin(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.policy.min_memory_bytes = BHD_POLICY_MIN_BYTES;
    options.slot_keep_bytes = 0;
    options.compile = compile;
    bomb_host = guest_host_with(&options);
    return 0;
}

int bomb_host_end(void **state)
{
    (void)state;
    bhd_host_free(bomb_host);
    return 0;
}

void bomb_host_compiles(bhd_compile where)
{
    if (compile == where)
        return;
    compile = where;
    (void)bomb_host_end(NULL);
    (void)bomb_host_begin(NULL);
}

int bomb_host_after_each(void **state)
{
    if (!neighbours_stop(&bomb_neighbours))
        return 0;
    (void)bomb_host_end(state);
    return bomb_host_begin(state);
}

int bomb_host_run(const char *name, const struct CMUnitTest *tests, size_t count, int argc,
                  char **argv)
{
    char pattern[128];
    if (argc > 1) {
        (void)snprintf(pattern, sizeof pattern, "*%s*", argv[1]);
        cmocka_set_test_filter(pattern);
    }
    return _cmocka_run_group_tests(name, tests, count, bomb_host_begin, bomb_host_end);
}
