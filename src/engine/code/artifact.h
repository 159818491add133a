/*
 * Code of a binary that can be loaded, with what the binary declares.
 */
#ifndef BHD_ENGINE_CODE_ARTIFACT_H
#define BHD_ENGINE_CODE_ARTIFACT_H

#include "compile/turns.h"
#include "engine/code/description.h"
#include "engine/code/translate.h"
#include "engine/structs.h"

/* From so many bytes of code on, what the allocator would keep of it is given back to the system
 * when it is gone: names and types above all, which are in small blocks. */
#define BHD__LARGE_CODE_BYTES ((size_t)4 << 20)

/* What compiling needed here is given back to the system when it took so long: the allocator would
 * keep it. Small binaries may take much, and less than that takes little. */
#define BHD__TRIM_NS UINT64_C(10000000)

typedef struct bhd__artifact {
    const uint8_t *code; /* NULL: a description without code */
    size_t code_bytes;
    bhd__description description;
    /* What compiling took, now or when it was kept; 0 when it was precompiled. */
    uint64_t compile_ns, compile_bytes;
    bool is_cached;
    bool is_precompiled; /* its parts lie in the caller's bytes */
    bool metered;        /* compiled with fuel */
    /* Owned: one of these. */
    bhd__translated translated;
    bhd__turn turn; /* for as long as the compiler's output is mapped */
    void *mapping;
    size_t mapping_bytes;
} bhd__artifact;

void bhd__artifact_fini(bhd__artifact *artifact);

/* How this host has a binary translated. */
bhd__translation bhd__artifact_settings(const bhd_host_options *options, bool metered,
                                        bool describe);
/* Who compiles how: a part of the name under which code is kept. */
bhd__cache_identity bhd__artifact_identity(const bhd__engine *engine, bool metered);
/* Gives it a copy of the bytes, where they can be read as structs: in a file they lie where the
 * code's size has them. False without memory. */
bool bhd__artifact_describe(bhd__artifact *artifact, const uint8_t *description, size_t size);

/* Makes one of the two of its code, which is copied: the artefact may end. BHD_COMPILER_FAILED when
 * it is none that this engine could have made. */
bhd_status bhd__artifact_load(const bhd__artifact *artifact, wasm_engine_t *engine,
                              wasmtime_module_t **module, wasmtime_component_t **component,
                              bhd_error *error);

#endif
