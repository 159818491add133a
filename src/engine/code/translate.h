/*
 * From the bytes of a component to an artefact that can be loaded, and what the binary declares.
 * Everything that reads, rewrites or compiles a binary is beneath this: it runs in the compiler
 * process, and in the host only for programs that trust their binaries (BHD_COMPILE_HERE).
 */
#ifndef BHD_ENGINE_CODE_TRANSLATE_H
#define BHD_ENGINE_CODE_TRANSLATE_H

#include "bulkhead/host.h"

/* What is the same for every binary of a host. Host and process exchange it as bytes. */
typedef struct bhd__translation {
    uint64_t max_function_bytes, max_instance_bytes, max_stack_bytes;
    uint32_t max_functions, features;
    bool metered; /* compiled with fuel */
    /* Also what only an inspection shows: extents, the world as WIT. A binary that is valid and not
     * allowed is described without an artefact then. */
    bool describe;
} bhd__translation;

/* Engine and threads, made before a process gives up what it takes to make them. */
typedef struct bhd__translator bhd__translator;

/* The engine's own threads, started when it first compiles: one for each processor. */
#define BHD__THREADS_OF_ENGINE UINT32_MAX

/* `threads` 0: the calling thread alone compiles. BHD_INVALID_ARGUMENT: `settings_bytes` is not the
 * size of a bhd__translation. BHD_INTERNAL, BHD_HOST_OUT_OF_MEMORY. */
bhd_status bhd__translator_new(const void *settings, size_t settings_bytes, uint32_t threads,
                               bhd__translator **translator, bhd_error *error);
void bhd__translator_free(bhd__translator *translator);

typedef struct bhd__translated {
    const uint8_t *artifact; /* NULL: there is only a description */
    size_t artifact_bytes;
    const uint8_t *description;
    size_t description_bytes;
    void *owned[2];
} bhd__translated;

/* BHD_COMPONENT_INVALID, BHD_COMPONENT_UNSUPPORTED, BHD_COMPONENT_TOO_LARGE, BHD_FILE_TOO_LARGE (of
 * text), BHD_HOST_OUT_OF_MEMORY, with the message for the user. Needs a megabyte of stack. */
bhd_status bhd__translate(bhd__translator *translator, const void *binary, size_t size,
                          bhd__translated *translated, bhd_error *error);
void bhd__translated_fini(bhd__translated *translated);

/* Which build this is: the library's version and the engine's. Host and process compare it, and the
 * engine refuses artefacts of another one. Static storage. */
const char *bhd__engine_build(void);

#endif
