/*
 * What a guest may import, and what WASI gives it: arguments, clocks, standard output and error.
 *
 * The tables below are the policy. An import that is not in them is unknown; one that needs a
 * capability is denied before anything runs. File functions are there because C programs import
 * them whether they use them or not; without a single open directory they reach nothing.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "engine/engine_room.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Entries of WASI's resource table and handles of a component: streams, pollables. */
#define RESOURCES_MAX 1024
/* Most that one host call may copy out of the guest, whatever the guest's limit. */
#define HOSTCALL_BYTES_MAX (UINT64_C(1) << 20)
/* A pipe takes this much without blocking once it is writable (POSIX). */
#define WRITE_BYTES 4096
/* How long a host call that waits goes without looking whether its call has to stop. */
#define STOP_CHECK_MS 20

typedef struct import_rule {
    const char *name;
    const char *capability; /* NULL: granted */
} import_rule;

static const import_rule preview1[] = {
    {"args_get", NULL},
    {"args_sizes_get", NULL},
    {"clock_res_get", NULL},
    {"clock_time_get", NULL},
    {"environ_get", NULL},
    {"environ_sizes_get", NULL},
    {"fd_advise", NULL},
    {"fd_allocate", NULL},
    {"fd_close", NULL},
    {"fd_datasync", NULL},
    {"fd_fdstat_get", NULL},
    {"fd_fdstat_set_flags", NULL},
    {"fd_fdstat_set_rights", NULL},
    {"fd_filestat_get", NULL},
    {"fd_filestat_set_size", NULL},
    {"fd_filestat_set_times", NULL},
    {"fd_pread", NULL},
    {"fd_prestat_dir_name", NULL},
    {"fd_prestat_get", NULL},
    {"fd_pwrite", NULL},
    {"fd_read", NULL},
    {"fd_readdir", NULL},
    {"fd_renumber", NULL},
    {"fd_seek", NULL},
    {"fd_sync", NULL},
    {"fd_tell", NULL},
    {"fd_write", NULL},
    {"path_create_directory", NULL},
    {"path_filestat_get", NULL},
    {"path_filestat_set_times", NULL},
    {"path_link", NULL},
    {"path_open", NULL},
    {"path_readlink", NULL},
    {"path_remove_directory", NULL},
    {"path_rename", NULL},
    {"path_symlink", NULL},
    {"path_unlink_file", NULL},
    {"poll_oneoff", NULL},
    {"proc_exit", NULL},
    {"sched_yield", NULL},
    {"proc_raise", "signals"},
    {"random_get", "random"},
    {"sock_accept", "network"},
    {"sock_recv", "network"},
    {"sock_send", "network"},
    {"sock_shutdown", "network"},
};

/* Prefixes of interface names; the first that fits counts. */
static const import_rule interfaces[] = {
    {"wasi:cli/", NULL},        {"wasi:clocks/", NULL},     {"wasi:io/", NULL},
    {"wasi:filesystem/", NULL}, {"wasi:random/", "random"}, {"wasi:sockets/", "network"},
    {"wasi:http/", "network"},
};

static bool equals(const char *text, const char *bytes, size_t size)
{
    return strlen(text) == size && memcmp(text, bytes, size) == 0;
}

static bhd__grant grant_of(const import_rule *entry, const char **capability)
{
    *capability = entry->capability;
    return entry->capability ? BHD__GRANT_DENIED : BHD__GRANT_YES;
}

bhd__grant bhd__wasi_grant(const char *module, size_t module_size, const char *name,
                           size_t name_size, const char **capability)
{
    if (module) {
        if (!equals("wasi_snapshot_preview1", module, module_size))
            return BHD__GRANT_UNKNOWN;
        for (size_t i = 0; i < sizeof preview1 / sizeof *preview1; i++)
            if (equals(preview1[i].name, name, name_size))
                return grant_of(&preview1[i], capability);
        return BHD__GRANT_UNKNOWN;
    }
    for (size_t i = 0; i < sizeof interfaces / sizeof *interfaces; i++) {
        size_t size = strlen(interfaces[i].name);
        if (name_size > size && memcmp(interfaces[i].name, name, size) == 0)
            return grant_of(&interfaces[i], capability);
    }
    return BHD__GRANT_UNKNOWN;
}

/* Waits until `fd` takes bytes, but not when the call has to stop: a reader who never reads must
 * not hold the thread. */
static bool wait_writable(bhd__instance *instance, int fd)
{
    for (;;) {
        if (bhd__clock_must_stop(instance)) {
            instance->gave_up = true;
            return false;
        }
        struct pollfd p = {.fd = fd, .events = POLLOUT, .revents = 0};
        int n = poll(&p, 1, STOP_CHECK_MS);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

static bool write_inherited(bhd__instance *instance, int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        if (!wait_writable(instance, fd))
            return false;
        ssize_t n = write(fd, data, size > WRITE_BYTES ? WRITE_BYTES : size);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return true;
}

static ptrdiff_t write_stream(bhd__instance *instance, int which, const uint8_t *data, size_t size)
{
    const bhd_stream *stream = &instance->streams[which];
    bool ok = true;
    if (stream->output == BHD_OUTPUT_INHERIT)
        ok = write_inherited(instance, which == 0 ? STDOUT_FILENO : STDERR_FILENO, data, size);
    else if (stream->output == BHD_OUTPUT_CALLBACK)
        ok = stream->callback(stream->user_data, data, size);
    return ok ? (ptrdiff_t)size : -EIO;
}

static ptrdiff_t write_standard_output(void *env, const unsigned char *data, size_t size)
{
    return write_stream(env, 0, data, size);
}

static ptrdiff_t write_standard_error(void *env, const unsigned char *data, size_t size)
{
    return write_stream(env, 1, data, size);
}

void bhd__wasi_bound(bhd__instance *instance, const bhd_limits *limits)
{
    uint64_t bytes = limits->max_memory_bytes;
    bhd_engine_set_hostcall_budget(
        instance->context, bytes < HOSTCALL_BYTES_MAX ? bytes : HOSTCALL_BYTES_MAX, RESOURCES_MAX);
}

bhd_status bhd__wasi_attach(bhd__instance *instance, const bhd__instance_options *options,
                            bhd_error *error)
{
    instance->streams[0] = options->standard_output;
    instance->streams[1] = options->standard_error;
    wasi_config_t *wasi = wasi_config_new();
    for (size_t i = 0; i < options->argc; i++) {
        const char *one = options->argv[i];
        if (!wasi_config_set_argv(wasi, 1, &one)) {
            wasi_config_delete(wasi);
            return bhd__fail(error, BHD_INVALID_ARGUMENT,
                             "argument %zu of the guest is not UTF-8 text", i);
        }
    }
    bhd_engine_wasi_streams(wasi, instance, write_standard_output, write_standard_error);
    wasmtime_error_t *failure = wasmtime_context_set_wasi(instance->context, wasi);
    if (failure)
        return bhd__fault_message(BHD_INTERNAL, "WASI", failure, error);
    bhd_engine_set_wasi_resources(instance->context, RESOURCES_MAX);
    return BHD_OK;
}
