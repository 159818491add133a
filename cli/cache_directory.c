#include "cache_directory.h"

#include <stdio.h>
#include <stdlib.h>

/* A relative one is to be ignored, says the specification of base directories. A program with more
 * rights than who started it (set-user-ID, capabilities) takes no directory from him. */
static const char *absolute(const char *variable)
{
    const char *path = secure_getenv(variable);
    return path != NULL && path[0] == '/' ? path : NULL;
}

bool cli_cache_directory(char *path, size_t capacity)
{
    const char *cache = absolute("XDG_CACHE_HOME"), *home = absolute("HOME");
    if (cache == NULL && home == NULL)
        return false;
    int length = snprintf(path, capacity, "%s%s/bulkhead/code", cache != NULL ? cache : home,
                          cache != NULL ? "" : "/.cache");
    return length > 0 && (size_t)length < capacity;
}
