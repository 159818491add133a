/*
 * "Did you mean ...?": the word of a list that a mistyped one is most like.
 */
#ifndef BHD_BASE_NEAREST_H
#define BHD_BASE_NEAREST_H

#include <stddef.h>

/* The candidate that needs the fewest changes (a character added, dropped, replaced or swapped with
 * its neighbour; case does not count) or begins with the word, or NULL when even that one is not
 * alike. NULL candidates are passed over. Any thread. */
const char *bhd__nearest(const char *word, size_t size, const char *const *candidates,
                         size_t count);

#endif
