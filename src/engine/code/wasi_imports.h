/*
 * What a guest may import of WASI. Decides nothing else: what a function then does depends on what
 * was granted.
 */
#ifndef BHD_ENGINE_CODE_WASI_IMPORTS_H
#define BHD_ENGINE_CODE_WASI_IMPORTS_H

#include "bulkhead/error.h"

#include <stddef.h>

typedef enum bhd__grant {
    BHD__GRANT_YES,
    BHD__GRANT_UNKNOWN, /* nobody provides it */
    BHD__GRANT_DENIED,  /* known, needs a capability that cannot be given */
} bhd__grant;

/* Looks at the import `name` of `module` (of a component when `module` is NULL). */
bhd__grant bhd__wasi_grant(const char *module, size_t module_size, const char *name,
                           size_t name_size, const char **capability);

#endif
