/*
 * The answers to a guest's calls that need a permit, one call at a time: clocks, random numbers,
 * space in directories, open files, connections, names.
 *
 * Runs on the thread that runs the guest. What is written on another thread is paid for before it
 * begins, and settled when the guest looks for its end.
 */
#include "engine/run/permit.h"

#include "engine/host/stops.h"
#include "grants/address.h"

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
/* Of one name; a server may say any number. */
#define ADDRESSES_MAX 64
/* What the system's resolver needs, with room to spare. */
#define RESOLVER_STACK_BYTES ((size_t)512 << 10)
/* What the host holds of a guest's bytes for one operation on a file, for one stream of a file, and
 * of the entries of a directory. */
#define FILE_BYTES_MAX ((size_t)128 << 10)
#define FILE_STREAM_BYTES_MAX ((size_t)16 << 10)
#define LISTED_BYTES_MAX ((size_t)32 << 10)
/* Streams that every guest has and that are no files of its own. */
#define STANDARD_STREAMS 3

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

/* -- space in directories ------------------------------------------------------------------ */

static bhd__quota *quota_of(void *env)
{
    bhd__instance *instance = env;
    return &instance->written;
}

static uint64_t most_of(const void *env)
{
    return granted_to(env)->max_written_bytes;
}

static bool has_entry(void *env)
{
    return bhd__quota_left(quota_of(env), most_of(env)) >= BHD__QUOTA_ENTRY_BYTES;
}

static bool take_entry(void *env)
{
    return bhd__quota_take(quota_of(env), most_of(env), BHD__QUOTA_ENTRY_BYTES) ||
           deny(env, BHD__DENIED_WRITTEN);
}

static void give_entry(void *env)
{
    bhd__quota_give(quota_of(env), BHD__QUOTA_ENTRY_BYTES);
}

static uint64_t writable(void *env)
{
    return bhd__quota_writable(quota_of(env), most_of(env));
}

static bool may_write(void *env, uint64_t bytes)
{
    return bytes <= writable(env) || deny(env, BHD__DENIED_WRITTEN);
}

static bhd_engine_reserved_t reserve(void *env, uint64_t space, uint64_t bytes)
{
    bhd__reserved r = bhd__quota_reserve(quota_of(env), most_of(env), space, bytes);
    return (bhd_engine_reserved_t){.space = r.space, .credit = r.credit};
}

static bool reserve_whole(void *env, uint64_t space, uint64_t bytes,
                          bhd_engine_reserved_t *reserved)
{
    bhd__reserved r;
    if (!bhd__quota_reserve_whole(quota_of(env), most_of(env), space, bytes, &r))
        return deny(env, BHD__DENIED_WRITTEN);
    *reserved = (bhd_engine_reserved_t){.space = r.space, .credit = r.credit};
    return true;
}

static bool pays(bhd_engine_reserved_t reserved, uint64_t spent, uint64_t space, uint64_t bytes)
{
    const bhd__reserved r = {.space = reserved.space, .credit = reserved.credit};
    return bhd__reserved_pays(&r, spent, space, bytes);
}

static void settle(void *env, bhd_engine_reserved_t reserved, uint64_t space, uint64_t bytes)
{
    const bhd__reserved r = {.space = reserved.space, .credit = reserved.credit};
    bhd__quota_settle(quota_of(env), most_of(env), &r, space, bytes);
}

/* -- files and the network ----------------------------------------------------------------- */

static bool may_open(void *env, size_t files, size_t streams)
{
    size_t open = files + (streams > STANDARD_STREAMS ? streams - STANDARD_STREAMS : 0);
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

static bool name_reaches(bhd_engine_str_t name, const bhd_engine_address_t *address)
{
    return bhd__address_is_reached(name.data, name.size, address->bytes);
}

/* A name is looked up again: what the guest says that it found counts for nothing. */
bhd_engine_answer_t bhd__may_use_address(void *env, bhd_engine_use_t use,
                                         const bhd_engine_address_t *address, uint16_t port,
                                         size_t *at, bhd_engine_str_t *name)
{
    const bhd_capabilities *capabilities = granted_to(env);
    /* The system chooses the port of an outgoing connection. */
    if (use == BHD_ENGINE_BIND && port == 0 && bhd__address_is_unspecified(address->bytes))
        return BHD_ENGINE_YES;
    if (use != BHD_ENGINE_CONNECT)
        return BHD_ENGINE_NO;
    while (*at < capabilities->endpoint_count) {
        const bhd_endpoint *endpoint = &capabilities->network[(*at)++];
        const char *host = endpoint->host;
        uint8_t own[BHD__ADDRESS_BYTES];
        if (endpoint->port != port)
            continue;
        *name = (bhd_engine_str_t){host, strlen(host)};
        if (bhd__address_parse(host, own)) {
            if (bhd__address_equal(own, address->bytes))
                return BHD_ENGINE_YES;
        } else if (bhd__address_is_reached(name->data, name->size, address->bytes)) {
            return BHD_ENGINE_IF_NAMED;
        }
    }
    (void)deny(env, BHD__DENIED_ADDRESS);
    return BHD_ENGINE_NO;
}

bhd_engine_lookups_t bhd__lookups(const bhd__granted *granted)
{
    return (bhd_engine_lookups_t){.key = granted->number,
                                  .share = LOOKUPS_SHARE,
                                  .most = LOOKUPS_MAX,
                                  .addresses = ADDRESSES_MAX,
                                  .stack_bytes = RESOLVER_STACK_BYTES};
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
        .has_entry = has_entry,
        .take_entry = take_entry,
        .give_entry = give_entry,
        .writable = writable,
        .may_write = may_write,
        .reserve = reserve,
        .reserve_whole = reserve_whole,
        .pays = pays,
        .settle = settle,
        .open = may_open,
        .no_file = note_no_file,
        .connect = may_connect,
        .resolve = may_resolve,
        .name_reaches = name_reaches,
        .lookups = lookups_of,
        .hole_bytes = BHD__QUOTA_HOLE_BYTES,
        .random_max = RANDOM_BYTES_MAX,
        .file_max = FILE_BYTES_MAX,
        .file_stream_max = FILE_STREAM_BYTES_MAX,
        .listed_max = LISTED_BYTES_MAX,
        .stop_code = BHD__STOP_DENIED,
    };
    return &permits;
}
