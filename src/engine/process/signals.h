/*
 * The process's handlers of faults, as far as the engine needs them.
 */
#ifndef BHD_ENGINE_PROCESS_SIGNALS_H
#define BHD_ENGINE_PROCESS_SIGNALS_H

#include "bulkhead/error.h"

/* After an engine was made: its handlers are those that are installed now. */
void bhd__signals_remember(void);
/* They still are; otherwise BHD_NOT_SUPPORTED. */
bhd_status bhd__signals_check(bhd_error *error);

#endif
