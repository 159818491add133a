/*
 * Code of a binary that can be loaded, wherever it comes from: the cache, the compiler process, a
 * compiler in this process when the host says so, or a file that was compiled before, likewise.
 */
#ifndef BHD_ENGINE_CODE_ARTIFACT_H
#define BHD_ENGINE_CODE_ARTIFACT_H

#include "compile/cache.h"
#include "engine/engine.h"
#include "engine/code/description.h"
#include "engine/code/translate.h"

#include <stdatomic.h>

/* From so many bytes of code on, what the allocator would keep of it is given back to the system
 * when it is gone: names and types above all, which are in small blocks. */
#define BHD__LARGE_CODE_BYTES ((size_t)4 << 20)

typedef struct bhd__artifact {
    const uint8_t *code; /* NULL: a description without code */
    size_t code_bytes;
    bhd__description description;
    /* What compiling took; 0 when it came from the cache. */
    uint64_t compile_ns, compile_bytes;
    bool is_cached;
    bool is_precompiled; /* its parts lie in the caller's bytes */
    bool metered;        /* compiled with fuel */
    /* Owned: one of these. */
    bhd__translated translated;
    void *mapping;
    size_t mapping_bytes;
} bhd__artifact;

/* `describe`: an inspection; the cache is left out. `cancelled` may be NULL. Errors as
 * bhd_component_new and, with `describe`, bhd_inspect. Ended by bhd__artifact_fini. */
bhd_status bhd__artifact_get(bhd__engine *engine, bool metered, bool describe, const void *binary,
                             size_t size, const atomic_bool *cancelled, bhd__artifact *artifact,
                             bhd_error *error);
/* What the cache gave, `is_cached`, could not be loaded: the entry goes, and the artefact becomes a
 * new one. On failure it is ended. */
bhd_status bhd__artifact_renew(bhd__engine *engine, bool metered, const void *binary, size_t size,
                               const atomic_bool *cancelled, bhd__artifact *artifact,
                               bhd_error *error);
void bhd__artifact_fini(bhd__artifact *artifact);

/* Who compiles how: a part of the name under which code is kept. */
bhd__cache_identity bhd__artifact_identity(const bhd__engine *engine, bool metered);
/* Gives it a copy of the bytes, where they can be read as structs: in a file they lie where the
 * code's size has them. False without memory. */
bool bhd__artifact_describe(bhd__artifact *artifact, const uint8_t *description, size_t size);
/* Of bytes that bhd__is_precompiled; they outlive the artefact. With `describe` it may be compiled
 * with fuel or without. BHD_NOT_SUPPORTED: the host loads no such thing. BHD_COMPONENT_INVALID:
 * they are damaged. BHD_COMPONENT_UNSUPPORTED: they are of another build or configuration.
 * (engine/code/precompiled.c) */
bhd_status bhd__artifact_read(bhd__engine *engine, bool metered, bool describe, const void *data,
                              size_t size, bhd__artifact *artifact, bhd_error *error);

/* Makes one of the two of its code, which is copied: the artefact may end. BHD_COMPILER_FAILED when
 * it is none that this engine could have made. */
bhd_status bhd__artifact_load(const bhd__artifact *artifact, wasm_engine_t *engine,
                              wasmtime_module_t **module, wasmtime_component_t **component,
                              bhd_error *error);

#endif
