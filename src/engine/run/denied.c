#include "engine/run/denied.h"

#include "engine/structs.h"

const char *bhd__instance_denied(const bhd__instance *instance)
{
    uint_fast32_t denied = atomic_load_explicit(&instance->denied, memory_order_relaxed);
    static const struct {
        uint32_t what;
        const char *text;
    } texts[] = {
        {BHD__DENIED_CLOCKS,
         "for the time, which it does not declare (capabilities.clocks = true)"},
        {BHD__DENIED_RANDOM,
         "for random numbers, which it does not declare (capabilities.random = true)"},
        {BHD__DENIED_WRITTEN, "to write more than it may (capabilities.max_written_bytes)"},
        {BHD__DENIED_OPEN_FILES,
         "for more open files than it may have (capabilities.max_open_files)"},
        {BHD__DENIED_NO_FILE, "to open what is neither a file nor a directory (a pipe, a socket, a "
                              "device), which no capability gives"},
        {BHD__DENIED_CONNECTIONS,
         "for more connections than it may have (capabilities.max_connections)"},
        {BHD__DENIED_NETWORK,
         "for the address of a host that it does not declare (capabilities.network)"},
        {BHD__DENIED_ADDRESS,
         "to connect to an address that none of the hosts has that it declares "
         "(capabilities.network)"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (denied & texts[i].what)
            return texts[i].text;
    return NULL;
}
