/*
 * For whom something is compiled, as far as compiling has to know.
 */
#ifndef BHD_COMPILE_CLIENT_H
#define BHD_COMPILE_CLIENT_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct bhd__compile_client {
    uint64_t group;               /* fair_queue.h; 0: one of its own */
    const atomic_bool *cancelled; /* NULL: never; looked at every few milliseconds */
} bhd__compile_client;

#endif
