/*
 * Threads that the engine starts by itself, tried before it does: it aborts the process when one
 * cannot be started.
 */
#ifndef BHD_ENGINE_PROCESS_THREADS_H
#define BHD_ENGINE_PROCESS_THREADS_H

#include "bulkhead/error.h"

/* The compiler's threads can be started, or have been; otherwise BHD_NO_CAPACITY. And then: they
 * have been. */
bhd_status bhd__threads_before_compiling(bhd_error *error);
void bhd__threads_after_compiling(void);
/* The same for the runtime of what may wait. */
bhd_status bhd__threads_before_waiting(bhd_error *error);
void bhd__threads_after_waiting(void);

#endif
