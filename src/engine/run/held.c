/*
 * The files and directories that the engine holds open for a guest are those that it opened.
 *
 * They are looked at between calls: as they were when a call ended, or the sandbox was made, so
 * they are when the next call begins, because nothing of ours touches them in between. While a
 * guest runs, each of its calls of WASI uses one, and nobody looks. Nobody looks either when it has
 * ended: there will be no other call, and what was begun may still be in the kernel, with locks.
 */
#include "engine/run/held.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "engine/structs.h"

#define REMEDY                                                                                     \
    "a program must close no descriptor that it did not open, neither one by one nor all from 3 "  \
    "on; make the %s anew"

/* Numbers and files of all descriptors, folded into one. */
static void fold(void *env, int fd)
{
    uint64_t *digest = env;
    bhd__descriptor d = bhd__descriptor_of(fd);
    const uint64_t parts[] = {(uint64_t)(uint32_t)fd, d.number >= 0, d.is.device, d.is.file};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        *digest = ((*digest ^ parts[i]) * UINT64_C(0x9e3779b97f4a7c15)) ^ (*digest >> 29);
}

static uint64_t digest_of(const bhd__instance *instance)
{
    uint64_t digest = 1;
    for (size_t i = 0; i < instance->granted->capabilities.directory_count; i++)
        fold(&digest, instance->directories[i]);
    bhd_engine_wasi_files(instance->context, &digest, fold);
    return digest;
}

static bool is_looked_at(const bhd__instance *instance)
{
    return instance->directories != NULL &&
           !atomic_load_explicit(&instance->has_ended, memory_order_relaxed);
}

bhd_status bhd__held_replaced(const char *guest_name, bhd_error *error)
{
    return bhd__fail(error, BHD_NOT_SUPPORTED,
                     "the descriptor of the granted directory %s is closed or names something else "
                     "by now: " REMEDY,
                     guest_name, "component");
}

bhd_status bhd__held_init(bhd__instance *instance, bhd_error *error)
{
    const bhd_capabilities *granted = &instance->granted->capabilities;
    size_t count = granted->directory_count;
    if (count == 0)
        return BHD_OK;
    instance->directories = bhd__calloc(count, sizeof *instance->directories);
    if (!instance->directories)
        return bhd__fail_no_memory(error);
    if (bhd_engine_wasi_directories(instance->context, instance->directories, count) != count)
        return bhd__fail(error, BHD_INTERNAL, "the engine has not all of the granted directories");
    for (size_t i = 0; i < count; i++)
        if (!bhd__descriptor_is(&instance->granted->directories[i], instance->directories[i]))
            return bhd__held_replaced(granted->directories[i].guest, error);
    bhd__held_note(instance);
    return BHD_OK;
}

void bhd__held_fini(bhd__instance *instance)
{
    bhd__free(instance->directories);
}

void bhd__held_note(bhd__instance *instance)
{
    if (is_looked_at(instance))
        instance->held_digest = digest_of(instance);
}

bhd_status bhd__held_check(const bhd__instance *instance, bhd_error *error)
{
    if (!is_looked_at(instance) || digest_of(instance) == instance->held_digest)
        return BHD_OK;
    return bhd__fail(error, BHD_NOT_SUPPORTED,
                     "the descriptor of a file or directory that this guest has open is closed or "
                     "names something else by now: " REMEDY,
                     "sandbox");
}
