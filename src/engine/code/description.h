/*
 * What a binary declares, as bytes beside its artefact: written where it is compiled, read where it
 * is loaded, kept in the cache. Only the same build reads it.
 */
#ifndef BHD_ENGINE_CODE_DESCRIPTION_H
#define BHD_ENGINE_CODE_DESCRIPTION_H

#include "bulkhead_engine.h"
#include "engine/code/recognise.h"

#include <stdbool.h>

/* Memories and tables that are listed: a small binary can declare millions. */
#define BHD__EXTENTS_MAX 1024

typedef struct bhd__description {
    bool is_component;
    bool imports_memory; /* a core module of it does */
    bhd__unlinked unlinked;
    uint64_t binary_bytes;
    bhd_engine_totals_t totals;
    /* Only for an inspection; of the bytes that were read, or the writer's own. */
    const bhd_engine_extent_t *extents; /* the first BHD__EXTENTS_MAX */
    size_t extent_count;
    uint64_t unlisted_count; /* there are as many more */
    /* Of the binary that was compiled, where functions are not where they were read. */
    const bhd_engine_move_t *moves;
    size_t move_count;
    /* Of the binary that was read; see bhd_engine_branches. */
    const bhd_engine_branch_t *branches;
    size_t branch_count;
    const char *wit;
    size_t wit_bytes; /* 0: none */
    const char *refusal;
    size_t refusal_bytes; /* 0: there is an artefact */
} bhd__description;

/* From bhd__malloc; NULL without memory. */
uint8_t *bhd__description_write(const bhd__description *description, size_t *size);

/* Whether the bytes have that form: lengths that fit, booleans that are some, texts without a NUL.
 * What they say is as true as the artefact. `bytes` is aligned for any type. */
bool bhd__description_read(const uint8_t *bytes, size_t size, bhd__description *description);

/* Where an offset of the binary that was compiled is in the one that was read. */
size_t bhd__place_as_read(const bhd_engine_move_t *moves, size_t count, size_t offset);

#endif
