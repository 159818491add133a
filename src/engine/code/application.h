/*
 * What a core module is by WASI's application ABI: a command, which exports _start and is run once,
 * or a reactor, which may export _initialize and is called afterwards.
 */
#ifndef BHD_ENGINE_CODE_APPLICATION_H
#define BHD_ENGINE_CODE_APPLICATION_H

#include "engine/structs.h"

/* BHD_COMPONENT_INVALID: neither or both. */
bhd_status bhd__application_read(bhd__code *code, bhd_error *error);

#endif
