/*
 * What no component can ask for and no host can grant. Pure functions; any thread.
 */
#ifndef BHD_GRANTS_RULES_H
#define BHD_GRANTS_RULES_H

#include "bulkhead/capabilities.h"

#define BHD__CAPABILITY_OPEN_FILES_MAX 1000u
#define BHD__CAPABILITY_CONNECTIONS_MAX 256u
#define BHD__CAPABILITY_WRITTEN_MAX (UINT64_C(1) << 50)
/* Entries of one list; a table of WASI that begins with them has 1,024 places. */
#define BHD__CAPABILITY_ENTRIES_MAX 256u

/* BHD_INVALID_ARGUMENT says which field. */
bhd_status bhd__capabilities_check(const bhd_capabilities *capabilities, bhd_error *error);
bhd_status bhd__grants_check(const bhd_grants *grants, bhd_error *error);

#endif
