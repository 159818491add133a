/*
 * What WASI gives to a guest of what was granted to it: arguments, variables, directories, standard
 * streams, addresses to connect to. What is decided call by call is in engine/run/permit.c.
 */
#include "engine/run/wasi.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "base/text.h"
#include "engine/code/failure.h"
#include "engine/run/held.h"
#include "engine/run/permit.h"
#include "engine/run/waiter.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Entries of WASI's resource table and handles of a component: streams, pollables. */
#define RESOURCES_MAX 1024
/* Threads for what may wait for a file system. A guest does one thing at a time; only streams of
 * WASI 0.2 work in its back. The engine's runtime has 512; the others are for what is no file. */
#define FILE_THREADS_OF_SANDBOX 2
#define FILE_THREADS_OF_COMPONENT 8
#define FILE_THREADS_OF_HOST 384
/* Most that one host call may copy out of the guest, whatever the guest's limit. */
#define HOSTCALL_BYTES_MAX (UINT64_C(1) << 20)
/* A guest has ended, and nobody has read yet what it wrote: how long until the next try. */
#define SETTLE_MS 10
/* Bytes of a guest that one call of a standard stream takes or gives, and that may be kept. */
#define STANDARD_BYTES_MAX ((size_t)64 << 10)
/* What is captured grows by so much. */
#define CAPTURE_STEP_BYTES ((size_t)4096)

/* Writes until it would have to wait. 0: all of it is written; otherwise a negative errno, -EAGAIN
 * when it would. */
static ptrdiff_t write_kept(bhd__instance *instance, int which)
{
    bhd__unwritten *kept = &instance->unwritten[which];
    while (kept->begin < kept->end) {
        ssize_t n = bhd__standard_write(&instance->standard[which + 1], kept->data + kept->begin,
                                        kept->end - kept->begin);
        if (n == -EAGAIN)
            return -EAGAIN;
        if (n < 0) {
            kept->begin = kept->end = 0;
            return n;
        }
        kept->begin += (size_t)n;
    }
    kept->begin = kept->end = 0;
    return 0;
}

/* What cannot be written yet is kept, and the guest waits in the engine and not on this thread. */
static ptrdiff_t write_inherited(bhd__instance *instance, int which, const uint8_t *data,
                                 size_t size)
{
    bhd__unwritten *kept = &instance->unwritten[which];
    ptrdiff_t n = write_kept(instance, which);
    if (n < 0)
        return n;
    if (size > kept->capacity) {
        uint8_t *bytes = bhd__realloc_array(kept->data, size, 1);
        if (!bytes)
            return -ENOMEM;
        kept->data = bytes;
        kept->capacity = size;
    }
    if (size > 0)
        memcpy(kept->data, data, size);
    kept->end = size;
    n = write_kept(instance, which);
    return n == 0 || n == -EAGAIN ? (ptrdiff_t)size : n;
}

bool bhd__wasi_settle(bhd__instance *instance)
{
    bool is_settled = true;
    for (int which = 0; which < 2; which++)
        if (write_kept(instance, which) == -EAGAIN)
            is_settled = false;
    if (!is_settled)
        bhd_engine_wake_later(instance->waker, SETTLE_MS);
    return is_settled;
}

void bhd__wasi_detach(bhd__instance *instance)
{
    for (int i = 0; i < 3; i++)
        bhd__standard_fini(&instance->standard[i]);
    for (int which = 0; which < 2; which++) {
        bhd__free(instance->captured[which].data);
        bhd__free(instance->unwritten[which].data);
    }
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

/* A write of nothing writes what is kept. */
static ptrdiff_t write_stream(bhd__instance *instance, int which, const uint8_t *data, size_t size)
{
    const bhd_stream *stream = &instance->streams[which];
    bool ok = true;
    if (stream->output == BHD_OUTPUT_INHERIT)
        return write_inherited(instance, which, data, size);
    if (size > 0 && stream->output == BHD_OUTPUT_CALLBACK)
        ok = stream->callback(stream->user_data, data, size);
    else if (size > 0 && stream->output == BHD_OUTPUT_CAPTURE)
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
    bhd__instance *instance = env;
    if (size > 0)
        return bhd__standard_read(&instance->standard[0], data, size);
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    int ready = poll(&p, 1, 0);
    if (ready < 0)
        return -errno;
    return ready == 0 ? -EAGAIN : 0;
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
    const bhd_capabilities *capabilities = &options->granted->capabilities;
    for (size_t i = 0; i < capabilities->arg_count; i++) {
        const char *one = capabilities->args[i];
        (void)wasi_config_set_argv(wasi, 1, &one);
    }
    for (size_t i = 0; i < capabilities->env_count; i++) {
        const char *name = capabilities->env[i].name, *value = capabilities->env[i].value;
        if (value)
            (void)wasi_config_set_env(wasi, 1, &name, &value);
    }
    return BHD_OK;
}

/* Through what was opened when the component was loaded: the name may mean another directory by
 * now. */
static bhd_status give_directories(wasi_config_t *wasi, const bhd__granted *granted,
                                   bhd_error *error)
{
    for (size_t i = 0; i < granted->capabilities.directory_count; i++) {
        const bhd_directory *d = &granted->capabilities.directories[i];
        int number = granted->directories[i].number;
        if (!bhd__descriptor_is(&granted->directories[i], number))
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

static void give_network(bhd__instance *instance, wasi_config_t *wasi, const bhd__granted *granted)
{
    const bhd_engine_network_t network = {
        .env = instance, .may_use = bhd__may_use_address, .lookups = bhd__lookups(granted)};
    if (granted->capabilities.endpoint_count > 0)
        bhd_engine_wasi_network(wasi, &network);
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
    const bhd_capabilities *capabilities = &options->granted->capabilities;
    instance->streams[0] = output_of(capabilities->standard_output, &options->standard_output);
    instance->streams[1] = output_of(capabilities->standard_error, &options->standard_error);
    instance->capture_bytes = options->capture_bytes;
    bhd_status status = give_texts(wasi, options, error);
    if (status == BHD_OK)
        status = give_directories(wasi, options->granted, error);
    if (status != BHD_OK)
        return status;
    give_network(instance, wasi, options->granted);
    const bhd_input *input = &options->standard_input;
    const bool inherits[3] = {
        capabilities->standard_input && input->source == BHD_INPUT_INHERIT,
        instance->streams[0].output == BHD_OUTPUT_INHERIT,
        instance->streams[1].output == BHD_OUTPUT_INHERIT,
    };
    bool is_terminal[3] = {false, false, false};
    for (int fd = 0; fd < 3; fd++)
        if (inherits[fd]) {
            bhd__standard_init(&instance->standard[fd], fd, &instance->code->engine->standard[fd]);
            is_terminal[fd] = bhd__standard_is_terminal(&instance->standard[fd]);
        }
    bhd_engine_wasi_streams(wasi, instance, STANDARD_BYTES_MAX, write_standard_output,
                            is_terminal[1], write_standard_error, is_terminal[2]);
    if (inherits[0])
        bhd_engine_wasi_input(wasi, instance, STANDARD_BYTES_MAX, STDIN_FILENO, read_standard_input,
                              is_terminal[0]);
    else if (capabilities->standard_input && input->source == BHD_INPUT_BYTES)
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
        return bhd__failure_message(BHD_INTERNAL, "WASI", failure, error);
    const bhd_engine_resources_t resources = {
        .entries = RESOURCES_MAX,
        .component = options->granted->number,
        .file_threads_of_sandbox = FILE_THREADS_OF_SANDBOX,
        .file_threads_of_component = FILE_THREADS_OF_COMPONENT,
        .file_threads_of_host = FILE_THREADS_OF_HOST,
    };
    bhd_engine_set_wasi_resources(instance->context, &resources);
    return bhd__held_init(instance, error);
}
