#include "base/sized.h"

#include "base/fail.h"

#include <string.h>

/* Larger than any struct of these will be: a size that was never set is noticed, mostly, before
 * anything is read by it. */
#define SIZE_MAX_OF_ANY 4096

static size_t size_of(const void *at)
{
    size_t size;
    memcpy(&size, at, sizeof size);
    return size;
}

bhd_status bhd__sized_check(const void *at, size_t least, const char *what, bhd_error *error)
{
    size_t size = size_of(at);
    if (size >= least && size <= SIZE_MAX_OF_ANY)
        return BHD_OK;
    return bhd__fail(error, BHD_INVALID_ARGUMENT,
                     "%s: its size is %zu, which is not that of a %s; begin with its initialiser "
                     "(the name in capitals and _INIT), or set .size to sizeof",
                     what, size, what);
}

bhd_status bhd__sized_take(void *to, size_t size, const void *from, size_t least, const char *what,
                           bhd_error *error)
{
    if (!from)
        return BHD_OK;
    bhd_status status = bhd__sized_check(from, least, what, error);
    if (status != BHD_OK)
        return status;
    size_t given = size_of(from);
    for (size_t i = size; i < given; i++)
        if (((const unsigned char *)from)[i] != 0)
            return bhd__fail(error, BHD_NOT_SUPPORTED,
                             "%s: byte %zu is set, and this library knows %zu bytes of it: the "
                             "program was built against a newer header and asks for what this "
                             "library does not have",
                             what, i, size);
    memcpy(to, from, given < size ? given : size);
    memcpy(to, &size, sizeof size);
    return BHD_OK;
}

void bhd__sized_give(void *at, size_t room, const void *from, size_t size)
{
    memcpy(at, from, room < size ? room : size);
    if (room > size)
        memset((unsigned char *)at + size, 0, room - size);
}
