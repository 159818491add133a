/*
 * The answers to a guest's calls that need a permit, one call at a time: clocks, random numbers,
 * space in directories, open files, connections, names.
 *
 * Runs on the thread that runs the guest. What is written on another thread is paid for before it
 * begins, and settled when the guest looks for its end.
 */
#include "engine/run/permit.h"

#include "engine/host/stops.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* Random numbers that one call may ask for; the host holds them for a moment. */
#define RANDOM_BYTES_MAX ((size_t)65536)
/* Threads that look names up: of one component, and of all. Eight components have to ask for names
 * whose servers do not answer before a ninth notices, and then it waits for the first that ends. */
#define LOOKUPS_SHARE 4
#define LOOKUPS_MAX 32

static const bhd_capabilities *granted_to(const void *env)
{
    const bhd__instance *instance = env;
    return &instance->granted->capabilities;
}

static bool deny(void *env, uint32_t what)
{
    bhd__instance *instance = env;
    atomic_fetch_or_explicit(&instance->denied, what, memory_order_relaxed);
    return false;
}

void bhd__deny_address(void *env)
{
    (void)deny(env, BHD__DENIED_ADDRESS);
}

static bool may_see_clocks(void *env)
{
    return granted_to(env)->clocks || deny(env, BHD__DENIED_CLOCKS);
}

static bool fill_random(void *env, unsigned char *buffer, size_t size)
{
    if (!granted_to(env)->random)
        return deny(env, BHD__DENIED_RANDOM);
    while (size > 0) {
        ssize_t n = getrandom(buffer, size, 0);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            buffer += n;
            size -= (size_t)n;
        }
    }
    return true;
}

static uint64_t bytes_left(void *env)
{
    const bhd__instance *instance = env;
    return granted_to(env)->max_written_bytes - instance->written_bytes;
}

static bool take_bytes(void *env, uint64_t bytes)
{
    bhd__instance *instance = env;
    if (bytes > bytes_left(env))
        return deny(env, BHD__DENIED_WRITTEN);
    instance->written_bytes += bytes;
    return true;
}

static void give_bytes(void *env, uint64_t bytes)
{
    bhd__instance *instance = env;
    instance->written_bytes -= bytes < instance->written_bytes ? bytes : instance->written_bytes;
}

static bool may_open(void *env, size_t open)
{
    return open < granted_to(env)->max_open_files || deny(env, BHD__DENIED_OPEN_FILES);
}

static void note_no_file(void *env)
{
    (void)deny(env, BHD__DENIED_NO_FILE);
}

static bool may_connect(void *env, size_t connections)
{
    return connections < granted_to(env)->max_connections || deny(env, BHD__DENIED_CONNECTIONS);
}

static bool may_resolve(void *env, const char *name, size_t size)
{
    const bhd_capabilities *granted = granted_to(env);
    for (size_t i = 0; i < granted->endpoint_count; i++)
        if (strlen(granted->network[i].host) == size &&
            strncasecmp(granted->network[i].host, name, size) == 0)
            return true;
    return deny(env, BHD__DENIED_NETWORK);
}

bhd_engine_lookups_t bhd__lookups(const bhd__granted *granted)
{
    return (bhd_engine_lookups_t){granted->number, LOOKUPS_SHARE, LOOKUPS_MAX};
}

static bhd_engine_lookups_t lookups_of(void *env)
{
    const bhd__instance *instance = env;
    return bhd__lookups(instance->granted);
}

const bhd_engine_permits_t *bhd__permits(void)
{
    static const bhd_engine_permits_t permits = {
        .clocks = may_see_clocks,
        .random = fill_random,
        .bytes_left = bytes_left,
        .take_bytes = take_bytes,
        .give_bytes = give_bytes,
        .open = may_open,
        .no_file = note_no_file,
        .connect = may_connect,
        .resolve = may_resolve,
        .lookups = lookups_of,
        .random_max = RANDOM_BYTES_MAX,
        .stop_code = BHD__STOP_DENIED,
    };
    return &permits;
}
