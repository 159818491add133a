/*
 * The public functions for looking after a cache of compiled code: the cache's, with the build that
 * the engine is.
 */
#include "bulkhead/code_cache.h"

#include "compile/cache_care.h"
#include "engine/code/build.h"

bhd_status bhd_code_cache_list(const char *directory, bhd_code_cache_visit visit, void *env,
                               bhd_error *error)
{
    return bhd__cache_take_care(BHD__CACHE_LIST, directory, bhd__engine_build(), visit, env, error);
}

bhd_status bhd_code_cache_verify(const char *directory, bhd_code_cache_visit visit, void *env,
                                 bhd_error *error)
{
    return bhd__cache_take_care(BHD__CACHE_VERIFY, directory, bhd__engine_build(), visit, env,
                                error);
}

bhd_status bhd_code_cache_clear(const char *directory, bhd_code_cache_visit visit, void *env,
                                bhd_error *error)
{
    return bhd__cache_take_care(BHD__CACHE_CLEAR, directory, bhd__engine_build(), visit, env,
                                error);
}
