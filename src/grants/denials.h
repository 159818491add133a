/*
 * What a component asks for and a host does not grant, all of it at once.
 *
 * Directories are not looked at here: what lies below what, only the file system knows; granted.c
 * asks it.
 */
#ifndef BHD_GRANTS_DENIALS_H
#define BHD_GRANTS_DENIALS_H

#include "bulkhead/capabilities.h"

/* What was denied so far; BHD_CAPABILITY_DENIED with a diagnostic for each. */
typedef struct bhd__denials {
    size_t count;
    bhd_error *error;
} bhd__denials;

/* `option` is what the command has for it. */
void bhd__deny(bhd__denials *denials, const char *key, const char *value, const char *option);
/* Everything but the directories. */
void bhd__capabilities_compare(const bhd_capabilities *asked, const bhd_grants *granted,
                               bhd__denials *denials);

#endif
