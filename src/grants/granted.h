/*
 * What a component was granted of what it asks for, ready to be given to its sandboxes.
 *
 * Directories are opened here, once, when the component is loaded: every sandbox of it gets what
 * was found then, whatever is put in the place of the name later. The component owns it; it does
 * not change, so any thread may read it.
 */
#ifndef BHD_GRANTS_GRANTED_H
#define BHD_GRANTS_GRANTED_H

#include "base/descriptor.h"
#include "bulkhead/capabilities.h"

typedef struct bhd__granted {
    bhd_capabilities capabilities; /* in `block`; variables with the values that they have */
    bhd__descriptor *directories;  /* of capabilities.directories; O_PATH */
    uint64_t number;               /* no other component's in this process */
    void *block;
} bhd__granted;

/* Errors as bhd_component_new: BHD_CAPABILITY_DENIED with everything that is not granted. */
bhd_status bhd__granted_init(bhd__granted *granted, const bhd_capabilities *asked,
                             const bhd_grants *grants, bhd_error *error);
void bhd__granted_fini(bhd__granted *granted);

#endif
