/*
 * What the life cycle of hosts, components and sandboxes should do, in the plainest way, beside
 * what it does. Every operation is done in both and compared at once.
 *
 * One thread. Operations on a place that is empty, or on a component that is gone, do nothing.
 */
#ifndef BHD_FUZZ_LIFE_MODEL_H
#define BHD_FUZZ_LIFE_MODEL_H

#include "fuzz_input.h"

#include "bulkhead/sandbox.h"

#define LIFE_PAGE UINT64_C(65536)
#define LIFE_LIMIT_PAGES 16
#define LIFE_TABLE_LIMIT 100
/* Places for sandboxes; the host takes one fewer. */
#define LIFE_TENANTS 5
#define LIFE_GUESTS 9

/* One sandbox and what is expected of it. */
typedef struct tenant {
    bhd_sandbox *sandbox; /* NULL: the place is empty */
    uint32_t guest;
    bool dead;
    uint32_t pages, peak_pages;
    uint64_t growths, denied, table_elements, warned, warned_seen;
    uint32_t count; /* the guest's own counter */
    uint64_t printed, printed_seen;
    uint8_t *image; /* of its memory, LIFE_LIMIT_PAGES long */
    uint64_t dirty; /* bytes at the start of the image that may not be 0 */
} tenant;

typedef struct life {
    bool own; /* host and components belong to this input */
    bhd_host *host;
    bhd_component *components[LIFE_GUESTS];
    bool gone[LIFE_GUESTS]; /* the component was given up */
    tenant tenants[LIFE_TENANTS];
    uint64_t last_id, refused_capacity;
    bool agrees;  /* the embedder's answer to the next growth */
    bool cancels; /* the embedder cancels the call that asks for it */
    uint64_t live_blocks;
} life;

life *life_begin(bool own);
/* Compares host and sandboxes with the model. */
void life_compare(const life *l);
/* Frees what is left and looks for leftovers. */
void life_finish(life *l);

/* `failing` is the allocation of the library that fails on the way, from 1; 0: none. */
void life_new(life *l, tenant *t, uint32_t guest, uint32_t failing);
void life_free(life *l, tenant *t);
void life_drop_host(life *l);
void life_drop_component(life *l, uint32_t guest);

/* Calls of the guests that have functions; the others are left alone. */
void life_grow(life *l, tenant *t, const char *function, uint32_t pages);
void life_grow_table(life *l, tenant *t, uint32_t elements);
void life_count(life *l, tenant *t);
void life_store(life *l, tenant *t, uint32_t address, uint8_t byte);
void life_end(life *l, tenant *t, const char *function, bhd_status status);
void life_spin(life *l, tenant *t);
/* A guest that grows and then loops, cancelled while it grows. */
void life_pursue(life *l, tenant *t, uint32_t pages);
/* Between calls, where there is nothing to cancel. */
void life_cancel(life *l, tenant *t);
void life_wrong_calls(life *l, tenant *t);
void life_run(life *l, tenant *t);
void life_copy(life *l, tenant *t, bool write, uint64_t offset, size_t size);

#endif
