/*
 * Names out of a binary, which are bytes without a NUL.
 */
#ifndef BHD_ENGINE_CODE_NAME_H
#define BHD_ENGINE_CODE_NAME_H

#include "bulkhead_engine.h"

#include <stdbool.h>
#include <string.h>

static inline bool bhd__name_is(bhd_engine_str_t name, const char *text)
{
    return name.size == strlen(text) && memcmp(name.data, text, name.size) == 0;
}

#endif
