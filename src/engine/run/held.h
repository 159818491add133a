/*
 * The files and directories that the engine holds open for a guest are those that it opened.
 */
#ifndef BHD_ENGINE_RUN_HELD_H
#define BHD_ENGINE_RUN_HELD_H

#include "engine/types.h"

/* After WASI was given to the store. BHD_NOT_SUPPORTED when what the engine opened is not what was
 * granted. */
bhd_status bhd__held_init(bhd__instance *instance, bhd_error *error);
void bhd__held_fini(bhd__instance *instance);
/* Between a note and a check nobody runs the guest. BHD_NOT_SUPPORTED when a descriptor of the
 * guest's is not what it was. */
void bhd__held_note(bhd__instance *instance);
bhd_status bhd__held_check(const bhd__instance *instance, bhd_error *error);
bhd_status bhd__held_replaced(const char *guest_name, bhd_error *error);

#endif
