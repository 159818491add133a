/*
 * The host on which tests load binaries made to be expensive, with its neighbours: one host for
 * all tests of a program, and a new one after a test that failed, so that what it left does not
 * make the next one fail.
 */
#ifndef BHD_TESTS_BOMB_HOST_H
#define BHD_TESTS_BOMB_HOST_H

#include "support/hostile.h"

extern bhd_host *bomb_host;
extern neighbours bomb_neighbours;

/* For cmocka: of the group, and after each of its tests. The smallest limit of the host's policy is
 * as small as it can be, and free slots keep nothing. */
int bomb_host_begin(void **state);
int bomb_host_end(void **state);
int bomb_host_after_each(void **state);

/* A new host, unless it compiles there. It compiles apart at first. */
void bomb_host_compiles(bhd_compile where);

/* Runs the tests of a program whose argument, if it has one, chooses those in whose name it is. */
int bomb_host_run(const char *name, const struct CMUnitTest *tests, size_t count, int argc,
                  char **argv);

#endif
