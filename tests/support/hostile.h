/*
 * What the tests of hostile guests share: the catalogue out of guests/hostile/index.txt, neighbours
 * that must not notice anything, and what an attack costs the process.
 *
 * Neighbours live from before an attack until after it. One of them computes all the time, on a
 * thread of its own; the canaries of both are compared when the attack is over.
 */
#ifndef BHD_TESTS_HOSTILE_H
#define BHD_TESTS_HOSTILE_H

#include "support/real_guest.h"

#include <pthread.h>
#include <stdatomic.h>

/* -- the catalogue ------------------------------------------------------------------------- */

/* One line of the index, which says what its columns are. */
typedef struct hostile_entry {
    char file[96], attack[64], text[192];
    bhd_limits limits;    /* on_exceed is set for each run */
    bhd_status wanted[2]; /* by bhd_on_exceed */
    bool gc;
} hostile_entry;

/* Reads the index and returns the number of its entries; a line that cannot be read, or more than
 * `capacity` entries, ends the process. */
size_t hostile_index(hostile_entry *entries, size_t capacity);

/* -- neighbours ---------------------------------------------------------------------------- */

typedef struct neighbours {
    bhd_component *component;
    bhd_sandbox *sandboxes[2];
    pthread_t thread;
    bool is_running;
    atomic_bool stop;
    atomic_uint wrong, computed;
} neighbours;

/* Makes two sandboxes with a canary in every byte and starts to compute. */
void neighbours_begin(neighbours *n, bhd_host *host);
/* Fails the test when a number was wrong or a byte changed, and frees everything. */
void neighbours_end(neighbours *n);
/* Stops the computing if a test has not come as far as neighbours_end; false when it has. */
bool neighbours_stop(neighbours *n);

/* -- cost ---------------------------------------------------------------------------------- */

/* The most that was resident since process_forget_peak, out of /proc/self/status. */
void process_forget_peak(void);
uint64_t process_peak_bytes(void);

/* -- binaries ------------------------------------------------------------------------------ */

/* All of a file below guests/; the caller frees `*data`. */
size_t hostile_read(const char *file, uint8_t **data);

/* Compiles the guest of an entry as it is or, for "run:NAME", with that function of its core module
 * as `run`. */
bhd_status hostile_component(const hostile_entry *entry, bhd_host *host, const bhd_limits *limits,
                             bhd_component **component, bhd_error *error);

#endif
