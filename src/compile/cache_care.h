/*
 * What bulkhead/code_cache.h offers, for a build that the caller names.
 */
#ifndef BHD_COMPILE_CACHE_CARE_H
#define BHD_COMPILE_CACHE_CARE_H

#include "bulkhead/code_cache.h"

typedef enum bhd__cache_care {
    BHD__CACHE_LIST,
    BHD__CACHE_VERIFY,
    BHD__CACHE_CLEAR,
} bhd__cache_care;

/* `visit` may be NULL. */
bhd_status bhd__cache_take_care(bhd__cache_care what, const char *directory, const char *build,
                                bhd_code_cache_visit visit, void *env, bhd_error *error);

#endif
