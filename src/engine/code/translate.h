/*
 * From the bytes of a component to an artefact that can be loaded, and what the binary declares.
 * Everything that reads, rewrites or compiles a binary is beneath this: it runs in the compiler
 * process, and in the host only for programs that trust their binaries (BHD_COMPILE_HERE).
 */
#ifndef BHD_ENGINE_CODE_TRANSLATE_H
#define BHD_ENGINE_CODE_TRANSLATE_H

#include "bulkhead/error.h"
#include "engine/code/translation.h"

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

#endif
