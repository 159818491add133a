/*
 * The gate between one store and its limiter: the engine's callbacks on one side, the ledger on the
 * other.
 *
 * The engine asks before a growth and tells about a failure after it, but never about success, and
 * it reports failures of growths that it never asked about. So the gate keeps the one growth that
 * was allowed and has not happened yet (`pending`): the memory creator confirms it when the slot
 * has grown, and a failure takes back only what is pending. Without that, a guest could have its
 * charge taken back for a growth that was never charged.
 *
 * Used by the thread that runs the store. The memory creator is not told for which store it works;
 * both run on the same thread one after the other, so the gate leaves itself in a thread-local
 * variable between the two.
 */
#ifndef BHD_ENGINE_RUN_RESOURCE_LIMITER_H
#define BHD_ENGINE_RUN_RESOURCE_LIMITER_H

#include "bulkhead_engine.h"
#include "engine/engine.h"

/* Why the host ends a guest; the codes of bhd_engine_stop_new. */
enum {
    BHD__STOP_OUT_OF_MEMORY = 10,
    BHD__STOP_TIMEOUT = 11,
    BHD__STOP_NO_CAPACITY = 12,
    BHD__STOP_HOST_OUT_OF_MEMORY = 13, /* also said by the crate */
    BHD__STOP_DENIED = 14,
    BHD__STOP_CANCELLED = 15,
    BHD__STOP_HOST_FUNCTION = 16,
    BHD__STOP_TOO_MUCH = 17, /* said by the crate alone */
};

typedef struct bhd__gate {
    bhd_limiter *limiter;
    /* Something was asked, or begins, since the last call began. A call in which nothing was must
     * not pay for what follows. */
    bool was_asked;
    bool starting; /* instantiation is under way: a memory that begins is an initial size */
    struct {
        bool is_set;
        uint64_t current, desired;
    } pending;
    bhd__refusal refusal;
    /* The limit allowed a growth and the system could not provide it: why. Otherwise BHD_OK. */
    bhd_status capacity;
    char capacity_text[256];
    char stop_text[256];
} bhd__gate;

/* Ties the gate to the store for good. Both outlive every call. */
void bhd__gate_attach(bhd__gate *gate, wasmtime_store_t *store, const bhd_host_options *options);
/* What bhd__gate_begin and bhd__gate_end do when there is something to do. */
void bhd__gate_forget(bhd__gate *gate, bool starting);
void bhd__gate_settle(bhd__gate *gate);

/* A call begins: what an earlier call was refused is forgotten. */
static inline void bhd__gate_begin(bhd__gate *gate, bool starting)
{
    if (gate->was_asked || starting)
        bhd__gate_forget(gate, starting);
}

/* A call has ended: takes back a growth that was allowed and never happened. */
static inline void bhd__gate_end(bhd__gate *gate)
{
    if (gate->was_asked)
        bhd__gate_settle(gate);
}

/* For the memory creator, on the thread of the growth: it has happened; or it could not. */
void bhd__gate_grown(void);
void bhd__gate_no_capacity(const bhd_error *error);

#endif
