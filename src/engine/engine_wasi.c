/*
 * What WASI gives to a guest of what was granted to it: arguments, variables, directories, standard
 * streams, addresses to connect to. What is decided call by call is in engine_permit.c.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/text.h"
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
/* What is captured grows by so much. */
#define CAPTURE_STEP_BYTES ((size_t)4096)

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

/* Keeps what there is room for and counts the rest: a flood neither blocks nor grows the host. */
static bool capture(bhd__instance *instance, int which, const uint8_t *data, size_t size)
{
    bhd__captured *captured = &instance->captured[which];
    size_t left = instance->capture_bytes - captured->size;
    size_t kept = size < left ? size : left;
    if (kept > captured->capacity - captured->size) {
        size_t wanted = captured->size + kept + CAPTURE_STEP_BYTES;
        wanted = wanted < 2 * captured->capacity ? 2 * captured->capacity : wanted;
        if (wanted > instance->capture_bytes)
            wanted = instance->capture_bytes;
        uint8_t *bytes = bhd__realloc_array(captured->data, wanted, 1);
        if (!bytes)
            return false;
        captured->data = bytes;
        captured->capacity = wanted;
    }
    if (kept > 0)
        memcpy(captured->data + captured->size, data, kept);
    captured->size += kept;
    captured->dropped += size - kept;
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
    else if (stream->output == BHD_OUTPUT_CAPTURE)
        ok = capture(instance, which, data, size);
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
    instance->hostcall_bytes = bytes < HOSTCALL_BYTES_MAX ? bytes : HOSTCALL_BYTES_MAX;
    bhd_engine_set_hostcall_budget(instance->context, instance->hostcall_bytes, RESOURCES_MAX);
}

/* Without waiting: the engine waits where the guest does. A read of nothing asks whether there is
 * something. */
static ptrdiff_t read_standard_input(void *env, unsigned char *data, size_t size)
{
    (void)env;
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    int ready = poll(&p, 1, 0);
    if (ready < 0)
        return -errno;
    if (ready == 0)
        return -EAGAIN;
    if (size == 0)
        return 0;
    ssize_t n = read(STDIN_FILENO, data, size);
    return n < 0 ? (errno == EINTR ? -EAGAIN : -errno) : n;
}

static bhd_status give_texts(wasi_config_t *wasi, const bhd__instance_options *options,
                             bhd_error *error)
{
    for (size_t i = 0; i < options->argc; i++) {
        const char *one = options->argv[i];
        if (!wasi_config_set_argv(wasi, 1, &one))
            return bhd__fail(error, BHD_INVALID_ARGUMENT,
                             "argument %zu of the guest is not UTF-8 text", i);
    }
    const bhd_capabilities *given = &options->given->capabilities;
    for (size_t i = 0; i < given->arg_count; i++) {
        const char *one = given->args[i];
        (void)wasi_config_set_argv(wasi, 1, &one);
    }
    for (size_t i = 0; i < given->env_count; i++) {
        const char *name = given->env[i].name, *value = given->env[i].value;
        if (value)
            (void)wasi_config_set_env(wasi, 1, &name, &value);
    }
    return BHD_OK;
}

/* Through what was opened when the component was loaded: the name may mean another directory by
 * now. */
static bhd_status give_directories(wasi_config_t *wasi, const bhd__given *given, bhd_error *error)
{
    for (size_t i = 0; i < given->capabilities.directory_count; i++) {
        const bhd_directory *d = &given->capabilities.directories[i];
        int number = given->directories[i].number;
        if (!bhd__descriptor_is(&given->directories[i], number))
            return bhd__held_replaced(d->guest, error);
        char path[64];
        bhd__text text;
        bhd__text_init(&text, path, sizeof path);
        bhd__text_printf(&text, "/proc/self/fd/%d", number);
        if (!wasi_config_preopen_dir(wasi, path, d->guest, d->access == BHD_ACCESS_READ_WRITE))
            return bhd__fail(error, BHD_NO_CAPACITY,
                             "a granted directory cannot be opened through %s: is /proc mounted, "
                             "and may this process open more files?",
                             path);
    }
    return BHD_OK;
}

static bhd_status give_network(wasi_config_t *wasi, const bhd_capabilities *given, bhd_error *error)
{
    if (given->endpoint_count == 0)
        return BHD_OK;
    bhd_engine_endpoint_t *list = bhd__calloc(given->endpoint_count, sizeof *list);
    if (!list)
        return bhd__fail_no_memory(error);
    for (size_t i = 0; i < given->endpoint_count; i++) {
        list[i].host.data = given->network[i].host;
        list[i].host.size = strlen(given->network[i].host);
        list[i].port = given->network[i].port;
    }
    bhd_engine_wasi_network(wasi, list, given->endpoint_count);
    bhd__free(list);
    return BHD_OK;
}

/* What the component asks for goes before where the host would put it. */
static bhd_stream output_of(bhd_output asked, const bhd_stream *stream)
{
    bhd_stream chosen = *stream;
    if (asked != BHD_OUTPUT_INHERIT)
        chosen.output = asked;
    return chosen;
}

static bhd_status give(bhd__instance *instance, wasi_config_t *wasi,
                       const bhd__instance_options *options, bhd_error *error)
{
    const bhd_capabilities *given = &options->given->capabilities;
    instance->streams[0] = output_of(given->standard_output, &options->standard_output);
    instance->streams[1] = output_of(given->standard_error, &options->standard_error);
    instance->capture_bytes = options->capture_bytes;
    bhd_status status = give_texts(wasi, options, error);
    if (status == BHD_OK)
        status = give_directories(wasi, options->given, error);
    if (status == BHD_OK)
        status = give_network(wasi, given, error);
    if (status != BHD_OK)
        return status;
    bhd_engine_wasi_streams(wasi, instance, write_standard_output, write_standard_error);
    const bhd_input *input = &options->standard_input;
    if (given->standard_input && input->source == BHD_INPUT_INHERIT)
        bhd_engine_wasi_input(wasi, instance, STDIN_FILENO, read_standard_input);
    else if (given->standard_input && input->source == BHD_INPUT_BYTES)
        bhd_engine_wasi_input_bytes(wasi, input->data, input->size);
    return BHD_OK;
}

bhd_status bhd__wasi_attach(bhd__instance *instance, const bhd__instance_options *options,
                            bhd_error *error)
{
    wasi_config_t *wasi = wasi_config_new();
    bhd_status status = give(instance, wasi, options, error);
    if (status != BHD_OK) {
        wasi_config_delete(wasi);
        return status;
    }
    wasmtime_error_t *failure = wasmtime_context_set_wasi(instance->context, wasi);
    if (failure)
        return bhd__fault_message(BHD_INTERNAL, "WASI", failure, error);
    bhd_engine_set_wasi_resources(instance->context, RESOURCES_MAX, (uintptr_t)options->given);
    return bhd__held_init(instance, error);
}
