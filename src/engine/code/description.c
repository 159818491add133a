#include "engine/code/description.h"

#include "base/alloc.h"
#include "base/checked.h"

#include <stddef.h>
#include <string.h>

#define MAGIC UINT64_C(0x3373654465526862)

/* Then the extents, the moves, the branches, the world, the refusal. */
typedef struct header {
    uint64_t magic;
    uint64_t binary_bytes;
    uint64_t extent_count, unlisted_count, move_count, branch_count, wit_bytes, refusal_bytes;
    uint64_t unlinked;
    bhd_engine_totals_t totals;
    bool is_component, imports_memory;
} header;

/* A byte that is neither 0 nor 1 is no bool, and may not even be looked at as one. */
static bool are_bools(const uint8_t *bytes, const size_t *offsets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[offsets[i]] > 1)
            return false;
    return true;
}

#define IN_TOTALS(member) (offsetof(header, totals) + offsetof(bhd_engine_totals_t, member))

static bool has_header_bools(const uint8_t *bytes)
{
    static const size_t offsets[] = {
        offsetof(header, is_component),
        offsetof(header, imports_memory),
        IN_TOTALS(is_exact),
        IN_TOTALS(needs_heap),
        IN_TOTALS(is_nested_too_deep),
        IN_TOTALS(is_unbounded),
        IN_TOTALS(accesses) + offsetof(bhd_engine_accesses_t, is_set_up),
    };
    return are_bools(bytes, offsets, sizeof offsets / sizeof offsets[0]);
}

static bool has_extent_bools(const uint8_t *bytes)
{
    static const size_t offsets[] = {
        offsetof(bhd_engine_extent_t, imported),
        offsetof(bhd_engine_extent_t, has_maximum),
        offsetof(bhd_engine_extent_t, is_64),
        offsetof(bhd_engine_extent_t, is_shared),
    };
    return are_bools(bytes, offsets, sizeof offsets / sizeof offsets[0]);
}

/* What lies between the fields is whatever the memory held before, and goes into files. */
static void clear_gaps(uint8_t *bytes)
{
    static const struct {
        size_t begin, end;
    } gaps[] = {
        {IN_TOTALS(is_exact) + 1, IN_TOTALS(memories)},
        {IN_TOTALS(needs_heap) + 1, IN_TOTALS(functions)},
        {IN_TOTALS(is_unbounded) + 1, IN_TOTALS(held)},
        {IN_TOTALS(accesses) + offsetof(bhd_engine_accesses_t, is_set_up) + 1,
         IN_TOTALS(accesses) + sizeof(bhd_engine_accesses_t)},
        {offsetof(header, imports_memory) + 1, sizeof(header)},
    };
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++)
        memset(bytes + gaps[i].begin, 0, gaps[i].end - gaps[i].begin);
}

/* Neither is what lies between an extent's fields the binary's affair. */
static void write_extents(bhd_engine_extent_t *to, const bhd_engine_extent_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i].module = from[i].module;
        to[i].index = from[i].index;
        to[i].imported = from[i].imported;
        to[i].minimum = from[i].minimum;
        to[i].maximum = from[i].maximum;
        to[i].has_maximum = from[i].has_maximum;
        to[i].page_bytes = from[i].page_bytes;
        to[i].is_64 = from[i].is_64;
        to[i].is_shared = from[i].is_shared;
    }
}

uint8_t *bhd__description_write(const bhd__description *d, size_t *size)
{
    header h = {
        .magic = MAGIC,
        .binary_bytes = d->binary_bytes,
        .extent_count = d->extent_count,
        .unlisted_count = d->unlisted_count,
        .move_count = d->move_count,
        .branch_count = d->branch_count,
        .wit_bytes = d->wit_bytes,
        .refusal_bytes = d->refusal_bytes,
        .unlinked = d->unlinked,
        .totals = d->totals,
        .is_component = d->is_component,
        .imports_memory = d->imports_memory,
    };
    size_t extents = d->extent_count * sizeof *d->extents;
    size_t moves = d->move_count * sizeof *d->moves;
    size_t branches = d->branch_count * sizeof *d->branches;
    size_t total = sizeof h + extents + moves + branches + d->wit_bytes + d->refusal_bytes;
    uint8_t *bytes = bhd__calloc(1, total);
    if (!bytes)
        return NULL;
    uint8_t *texts = bytes + sizeof h + extents + moves + branches;
    memcpy(bytes, &h, sizeof h);
    clear_gaps(bytes);
    write_extents((void *)(bytes + sizeof h), d->extents, d->extent_count);
    if (moves > 0)
        memcpy(bytes + sizeof h + extents, d->moves, moves);
    if (branches > 0)
        memcpy(bytes + sizeof h + extents + moves, d->branches, branches);
    if (d->wit_bytes > 0)
        memcpy(texts, d->wit, d->wit_bytes);
    if (d->refusal_bytes > 0)
        memcpy(texts + d->wit_bytes, d->refusal, d->refusal_bytes);
    *size = total;
    return bytes;
}

bool bhd__description_read(const uint8_t *bytes, size_t size, bhd__description *description)
{
    header h;
    if (size < sizeof h || !has_header_bools(bytes))
        return false;
    memcpy(&h, bytes, sizeof h);
    uint64_t extents, moves, branches, total;
    if (h.magic != MAGIC || h.unlinked > BHD__OBJECT || h.extent_count > BHD__EXTENTS_MAX ||
        __builtin_mul_overflow(h.extent_count, sizeof(bhd_engine_extent_t), &extents) ||
        __builtin_mul_overflow(h.move_count, sizeof(bhd_engine_move_t), &moves) ||
        __builtin_mul_overflow(h.branch_count, sizeof(bhd_engine_branch_t), &branches) ||
        __builtin_add_overflow(sizeof h + h.wit_bytes, extents, &total) || h.wit_bytes > size ||
        __builtin_add_overflow(total, moves, &total) ||
        __builtin_add_overflow(total, branches, &total) ||
        __builtin_add_overflow(total, h.refusal_bytes, &total) || total != size)
        return false;
    const uint8_t *at = bytes + sizeof h;
    for (uint64_t i = 0; i < h.extent_count; i++)
        if (!has_extent_bools(at + i * sizeof(bhd_engine_extent_t)))
            return false;
    const char *wit = (const char *)at + extents + moves + branches, *refusal = wit + h.wit_bytes;
    if (memchr(wit, '\0', h.wit_bytes + h.refusal_bytes))
        return false;
    *description = (bhd__description){
        .is_component = h.is_component,
        .imports_memory = h.imports_memory,
        .unlinked = (bhd__unlinked)h.unlinked,
        .binary_bytes = h.binary_bytes,
        .totals = h.totals,
        .extents = (const bhd_engine_extent_t *)(const void *)at,
        .extent_count = h.extent_count,
        .unlisted_count = h.unlisted_count,
        .moves = (const bhd_engine_move_t *)(const void *)(at + extents),
        .move_count = h.move_count,
        .branches = (const bhd_engine_branch_t *)(const void *)(at + extents + moves),
        .branch_count = h.branch_count,
        .wit = wit,
        .wit_bytes = h.wit_bytes,
        .refusal = refusal,
        .refusal_bytes = h.refusal_bytes,
    };
    return true;
}

size_t bhd__place_as_read(const bhd_engine_move_t *moves, size_t count, size_t offset)
{
    size_t begin = 0, end = count;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        if (moves[middle].place <= offset)
            begin = middle + 1;
        else
            end = middle;
    }
    uint64_t growth = begin > 0 ? moves[begin - 1].growth : 0;
    return growth <= offset ? offset - (size_t)growth : offset;
}
