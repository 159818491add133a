/*
 * A descriptor and what it was when it was opened.
 *
 * A descriptor is a number in a table that all code of the process shares. A program that closes
 * descriptors which it did not open (twice the same one, or all from 3 on) closes ours among them,
 * and their numbers come to name what it opens next. So nothing is done by a number that is kept
 * for long before it was held against what the file was. No locks: what another thread closes
 * between that and the use is not seen. Looking never waits for a file system.
 */
#ifndef BHD_BASE_DESCRIPTOR_H
#define BHD_BASE_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

/* Which file a descriptor is. */
typedef struct bhd__identity {
    bool is_known;
    uint32_t type; /* the bits of S_IFMT */
    uint64_t device, file;
    uint64_t special; /* of a device: which one */
} bhd__identity;

/* Of a negative number, or one that cannot be looked at, it is not known. */
bhd__identity bhd__identity_of(int number);
/* Whether the number is that file; never, when it was not known. */
bool bhd__identity_is(const bhd__identity *was, int number);

typedef struct bhd__descriptor {
    int number; /* negative: none */
    bhd__identity is;
} bhd__descriptor;

/* A descriptor that was just opened. A negative one, or one that cannot be looked at, is none. */
bhd__descriptor bhd__descriptor_of(int number);
/* The number still names that file. */
bool bhd__descriptor_is(const bhd__descriptor *descriptor, int number);
/* Guests' files have numbers from here on, and what a process that is started begins with is below:
 * half of what this process may have, 16 to 65,536; the same for as long as it lives. */
int bhd__descriptor_floor(void);
/* Closes it, unless it is somebody else's by now. */
void bhd__descriptor_close(bhd__descriptor *descriptor);

#endif
