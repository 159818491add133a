/*
 * Who is in an instance: one at a time. Its word of activity is its door, and the mark of whoever
 * wants the call to end.
 */
#ifndef BHD_ENGINE_RUN_CANCEL_H
#define BHD_ENGINE_RUN_CANCEL_H

#include "engine/types.h"

typedef enum bhd__entry {
    BHD__ENTERED,
    BHD__ENTERED_ENDED, /* the guest has ended: nothing may be called */
    BHD__ENTRY_BUSY,    /* somebody is in it, on another thread or beneath this one */
    BHD__ENTRY_CLOSED,
} bhd__entry;

/* Any thread. Whoever is in an instance has it alone until it leaves, and may hand it to another
 * thread, which then leaves in its place. `to_run`: guest code runs on this thread now. */
bhd__entry bhd__instance_enter(bhd__instance *instance, bool to_run);
/* `to_run` as it was entered. True: it was closed meanwhile, and closing left it to this one. */
bool bhd__instance_leave(bhd__instance *instance, bool to_run);
/* Nobody enters any more, and the call under way, if there is one, is to end; see
 * bhd__scheduler_end_group. True: somebody is in it, or was a moment ago, who is told when leaving.
 * The instance is there until this returns: that is the caller's to see to. */
bool bhd__instance_close(bhd__instance *instance);

/* Ends the call under way, if there is one, with BHD_CANCELLED. Any thread, while the instance
 * lives; does not wait. */
void bhd__instance_cancel(bhd__instance *instance);

/* The guest has ended, in whatever way, or the instance is closed; nothing may be called any more.
 * Any thread. */
bool bhd__instance_has_ended(const bhd__instance *instance);

#endif
