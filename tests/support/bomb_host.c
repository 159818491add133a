/*
 * See bomb_host.h.
 */
#include "support/bomb_host.h"

bhd_host *bomb_host;
neighbours bomb_neighbours;

int bomb_host_begin(void **state)
{
    (void)state;
    bhd_host_options options = BHD_HOST_OPTIONS_INIT;
    options.policy.min_memory_bytes = BHD_POLICY_MIN_BYTES;
    options.slot_keep_bytes = 0;
    bomb_host = guest_host_with(&options);
    return 0;
}

int bomb_host_end(void **state)
{
    (void)state;
    bhd_host_free(bomb_host);
    return 0;
}

int bomb_host_after_each(void **state)
{
    if (!neighbours_stop(&bomb_neighbours))
        return 0;
    (void)bomb_host_end(state);
    return bomb_host_begin(state);
}
