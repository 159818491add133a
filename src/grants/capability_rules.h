/*
 * What a component asks for and what a host grants, owned and compared.
 *
 * A copy is one block of memory with all its texts; immutable, so any thread may read it.
 * Directories are not looked at here: what lies below what, only the file system knows.
 */
#ifndef BHD_GRANTS_CAPABILITY_RULES_H
#define BHD_GRANTS_CAPABILITY_RULES_H

#include "bulkhead/capabilities.h"

#define BHD__CAPABILITY_OPEN_FILES_MAX 1000u
#define BHD__CAPABILITY_CONNECTIONS_MAX 256u
#define BHD__CAPABILITY_WRITTEN_MAX (UINT64_C(1) << 50)
/* Entries of one list; a table of WASI that begins with them has 1,024 places. */
#define BHD__CAPABILITY_ENTRIES_MAX 256u

/* Checks what no guest could be given: BHD_INVALID_ARGUMENT says which field. */
bhd_status bhd__capabilities_check(const bhd_capabilities *capabilities, bhd_error *error);
bhd_status bhd__grants_check(const bhd_grants *grants, bhd_error *error);

/* `*copy` points into `*block`, which the caller frees with bhd__free. */
bhd_status bhd__capabilities_copy(const bhd_capabilities *from, bhd_capabilities *copy,
                                  void **block, bhd_error *error);
bhd_status bhd__grants_copy(const bhd_grants *from, bhd_grants *copy, void **block,
                            bhd_error *error);

/* What was asked for and not granted so far; BHD_CAPABILITY_DENIED with a diagnostic for each. */
typedef struct bhd__denials {
    size_t count;
    bhd_error *error;
} bhd__denials;

/* `option` is what the command has for it. */
void bhd__deny(bhd__denials *denials, const char *key, const char *value, const char *option);
/* Everything but the directories. */
void bhd__capabilities_compare(const bhd_capabilities *asked, const bhd_grants *granted,
                               bhd__denials *denials);

bool bhd__endpoint_equal(const bhd_endpoint *a, const bhd_endpoint *b);

#endif
