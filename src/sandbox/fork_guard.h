/*
 * A child of fork has the memory of its parent and none of its threads: no clock that ends calls,
 * no compiler's pool, no runtime of WASI, and locks that nobody will ever open. So once a process
 * has made a host, its children can use none: what would enter the engine is refused, and what
 * would free does nothing, since the locks on that way may be held.
 *
 * A process that makes its first host after the fork, and a program that is started with exec, have
 * nothing of this.
 */
#ifndef BHD_SANDBOX_FORK_GUARD_H
#define BHD_SANDBOX_FORK_GUARD_H

#include "bulkhead/error.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Set by the child's only thread before fork returns in it, and never again; so relaxed. */
extern atomic_bool bhd__in_forked_child;

static inline bool bhd__fork_is_child(void)
{
    return atomic_load_explicit(&bhd__in_forked_child, memory_order_relaxed);
}

/* Before the first host: from now on children know what they are. BHD_HOST_OUT_OF_MEMORY. */
bhd_status bhd__fork_watch(bhd_error *error);
/* BHD_NOT_SUPPORTED in such a child. */
bhd_status bhd__fork_refuse(bhd_error *error);

static inline bhd_status bhd__fork_check(bhd_error *error)
{
    return bhd__fork_is_child() ? bhd__fork_refuse(error) : BHD_OK;
}

#endif
