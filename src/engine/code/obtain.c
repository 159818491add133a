#include "engine/code/obtain.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fail.h"
#include "compile/apart.h"
#include "compile/cache.h"
#include "compile/compiled_file.h"
#include "engine/code/binary.h"
#include "engine/code/precompiled.h"
#include "engine/process/threads.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bhd__cache_key key_of(const bhd__engine *engine, bool metered, const void *binary,
                             size_t size)
{
    bhd__cache_identity identity = bhd__artifact_identity(engine, metered);
    return bhd__cache_key_of(&identity, binary, size);
}

static bhd_status wrong_answer(bhd_error *error)
{
    return bhd__fail(error, BHD_COMPILER_FAILED,
                     "the compiler's description of the component has not the form that it should "
                     "have; the compiler may be damaged, or was taken over by the component");
}

static bhd_status read_description(bhd__artifact *artifact, bhd_error *error)
{
    const bhd__translated *of = &artifact->translated;
    return bhd__description_read(of->description, of->description_bytes, &artifact->description)
               ? BHD_OK
               : wrong_answer(error);
}

static bhd_status compile_here(const bhd__translation *settings, const void *binary, size_t size,
                               bhd__artifact *artifact, bhd_error *error)
{
    bhd__translator *translator = NULL;
    uint64_t begin = bhd__monotonic_ns();
    bhd_status status = bhd__threads_before_compiling(error);
    if (status == BHD_OK)
        status = bhd__translator_new(settings, sizeof *settings, BHD__THREADS_OF_ENGINE,
                                     &translator, error);
    if (status == BHD_OK)
        status = bhd__translate(translator, binary, size, &artifact->translated, error);
    bhd__translator_free(translator);
    artifact->compile_ns = bhd__monotonic_ns() - begin;
    if (artifact->compile_ns >= BHD__TRIM_NS)
        bhd__alloc_trim();
    if (status != BHD_OK)
        return status;
    bhd__threads_after_compiling();
    artifact->code = artifact->translated.artifact;
    artifact->code_bytes = artifact->translated.artifact_bytes;
    return read_description(artifact, error);
}

/* Of a memory file or an entry of the cache. */
static bhd_status map_output(int file, uint64_t code_bytes, uint64_t description_bytes,
                             bhd__artifact *artifact, bhd_error *error)
{
    size_t size = code_bytes + description_bytes;
    void *mapping = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (mapping == MAP_FAILED)
        return bhd__fail_no_memory(error);
    artifact->mapping = mapping;
    artifact->mapping_bytes = size;
    artifact->code = code_bytes > 0 ? mapping : NULL;
    artifact->code_bytes = code_bytes;
    if (!bhd__artifact_describe(artifact, (const uint8_t *)mapping + code_bytes, description_bytes))
        return bhd__fail_no_memory(error);
    return read_description(artifact, error);
}

static bhd_status compile_apart(bhd__engine *engine, const bhd__translation *settings,
                                const void *binary, size_t size, const bhd__compile_client *client,
                                const bhd__cache_key *key, bhd__artifact *artifact,
                                bhd_error *error)
{
    bhd__compile_request request = {
        .binary = binary,
        .size = size,
        .settings = settings,
        .settings_bytes = sizeof *settings,
        .client = client ? *client : (bhd__compile_client){.group = 0},
    };
    bhd__compiled compiled;
    bhd_status status = bhd__compile_apart(engine->compiler, &request, &compiled, error);
    if (status != BHD_OK)
        return status;
    artifact->turn = compiled.turn;
    artifact->compile_ns = compiled.wall_ns;
    artifact->compile_bytes = compiled.peak_bytes;
    status = map_output(compiled.output, compiled.artifact_bytes, compiled.description_bytes,
                        artifact, error);
    const bhd__cache_entry entry = {compiled.output, compiled.artifact_bytes,
                                    compiled.description_bytes, compiled.wall_ns,
                                    compiled.peak_bytes};
    if (status == BHD_OK && key && artifact->code)
        bhd__cache_keep(engine->cache, key, &entry);
    (void)close(compiled.output);
    return status;
}

static bool from_cache(bhd__engine *engine, const bhd__cache_key *key, bhd__artifact *artifact)
{
    bhd__cache_entry entry;
    if (!bhd__cache_find(engine->cache, key, &entry))
        return false;
    /* It was kept by a host that allows more; compiling it again says what is allowed here. */
    if (entry.artifact_bytes + entry.description_bytes > engine->options.max_artifact_bytes) {
        (void)close(entry.file);
        return false;
    }
    bhd_status status =
        map_output(entry.file, entry.artifact_bytes, entry.description_bytes, artifact, NULL);
    (void)close(entry.file);
    artifact->compile_ns = entry.compile_ns;
    artifact->compile_bytes = entry.compile_bytes;
    artifact->is_cached = status == BHD_OK;
    if (status != BHD_OK) {
        bhd__artifact_fini(artifact);
        bhd__cache_drop(engine->cache, key);
    }
    return artifact->is_cached;
}

bhd_status bhd__artifact_get(bhd__engine *engine, bool metered, bool describe, const void *binary,
                             size_t size, const bhd__compile_client *client,
                             bhd__artifact *artifact, bhd_error *error)
{
    bhd__translation settings = bhd__artifact_settings(&engine->options, metered, describe);
    *artifact = (bhd__artifact){0};
    if (bhd__is_precompiled(binary, size))
        return bhd__artifact_read(engine, metered, describe, binary, size, artifact, error);
    bhd_status status = bhd__binary_screen(&engine->options, binary, size, error);
    if (status != BHD_OK)
        return status;
    if (engine->options.compile == BHD_COMPILE_HERE) {
        status = compile_here(&settings, binary, size, artifact, error);
    } else {
        bhd__cache_key key;
        if (engine->cache) {
            key = key_of(engine, metered, binary, size);
            if (from_cache(engine, &key, artifact)) {
                artifact->metered = metered;
                return BHD_OK;
            }
        }
        status = compile_apart(engine, &settings, binary, size, client, engine->cache ? &key : NULL,
                               artifact, error);
    }
    if (status == BHD_OK && !describe && !artifact->code)
        status = wrong_answer(error);
    artifact->metered = metered;
    if (status != BHD_OK)
        bhd__artifact_fini(artifact);
    return status;
}

bhd_status bhd__artifact_renew(bhd__engine *engine, bool metered, bool describe, const void *binary,
                               size_t size, const bhd__compile_client *client,
                               bhd__artifact *artifact, bhd_error *error)
{
    bhd__cache_key key = key_of(engine, metered, binary, size);
    bhd__artifact_fini(artifact);
    bhd__cache_drop(engine->cache, &key);
    return bhd__artifact_get(engine, metered, describe, binary, size, client, artifact, error);
}
