/*
 * Structs of the public headers that begin with their size, so that a program that was built
 * against an older header, whose struct was shorter, goes on with a newer library.
 *
 * What a program gives is copied onto the defaults, as far as it reaches. A program that is newer
 * than the library may ask for what this one does not know: that is refused unless it is zero, so
 * that no limit is accepted that nobody enforces.
 */
#ifndef BHD_BASE_SIZED_H
#define BHD_BASE_SIZED_H

#include "bulkhead/error.h"

/* Bytes of a struct up to the end of one member: what its first version had. */
#define BHD__THROUGH(type, member) (offsetof(type, member) + sizeof((type *)NULL)->member)

/* Copies `from` onto `to`, which has `size` bytes and its defaults; they stay when `from` is NULL.
 * `least`: what the first version had. `what` is the struct's name. BHD_INVALID_ARGUMENT,
 * BHD_NOT_SUPPORTED. */
bhd_status bhd__sized_take(void *to, size_t size, const void *from, size_t least, const char *what,
                           bhd_error *error);
/* The same for a struct that the library writes: whether its size can be one. */
bhd_status bhd__sized_check(const void *at, size_t least, const char *what, bhd_error *error);
/* Writes `from`, of `size` bytes, to `at`, whose size is `room`: as much as fits, and zeros
 * beyond. */
void bhd__sized_give(void *at, size_t room, const void *from, size_t size);

#endif
