/*
 * What the entries of a cache weigh together, remembered in a file beside them, so that not every
 * keep has to look at all of them.
 *
 * It may say more than there is (an entry that was removed, a writer that was killed), never less:
 * it is raised before an entry is published, and whoever publishes holds the lock of the directory.
 * So nothing is removed on its word; it only says that there is room for certain. What it says is
 * forgotten after an hour, in case somebody has put files there by hand.
 */
#ifndef BHD_COMPILE_CACHE_TOTAL_H
#define BHD_COMPILE_CACHE_TOTAL_H

#include <stdbool.h>
#include <stdint.h>

/* Its name in the directory, which nothing else has. */
#define BHD__CACHE_TOTAL_NAME "bulkhead-total"

typedef struct bhd__cache_total {
    uint64_t weight;
    int64_t counted_at; /* seconds since 1970: when everything was looked at */
} bhd__cache_total;

/* False when it is missing, old, damaged, or could be somebody else's. */
bool bhd__cache_total_read(int directory, bhd__cache_total *total);
/* False when what can be read afterwards is neither this nor nothing. */
bool bhd__cache_total_write(int directory, const bhd__cache_total *total);

#endif
