/*
 * Who holds a host, and how many sandboxes live in it. Any thread.
 */
#ifndef BHD_SANDBOX_HOST_H
#define BHD_SANDBOX_HOST_H

#include "bulkhead/host.h"

void bhd__host_hold(bhd_host *host);
/* Gives up such a hold; bhd_host_free gives up the program's, and ends compilations. */
void bhd__host_release(bhd_host *host);
/* A place for one more sandbox, or BHD_NO_CAPACITY. */
bhd_status bhd__host_enter(bhd_host *host, bhd_error *error);
void bhd__host_leave(bhd_host *host);

#endif
