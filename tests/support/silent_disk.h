/*
 * A file system of a program (FUSE) that answers what a test says, and is silent about the rest:
 * whoever asks it then waits in the kernel, where no signal ends the wait.
 *
 * It has one directory with the files f0, f1 and so on, of 4096 zero bytes; what is written to them
 * is taken and forgotten. Its server is a child of the test, so it begins before the first host. If
 * the test ends in the middle, the server ends with it, and the kernel lets everybody go.
 */
#ifndef BHD_TESTS_SILENT_DISK_H
#define BHD_TESTS_SILENT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What it may be silent about. */
enum { SILENT_OPEN = 1, SILENT_FLUSH = 2, SILENT_READ = 4, SILENT_WRITE = 8 };

typedef struct silent_disk {
    char root[64];
    pid_t server;
    struct silent_facts *facts; /* shared with the server */
} silent_disk;

/* False, and there is nothing: not for this user, on this system. */
bool silent_disk_begin(silent_disk *d);
/* About `what` from now on; 0: about nothing, and whoever waits is answered. What takes much longer
 * than any test fails the test. */
void silent_disk_about(silent_disk *d, unsigned what);
/* Requests that wait for an answer. */
size_t silent_disk_waiting(const silent_disk *d);
/* Files that are open, as far as the server was told. */
size_t silent_disk_open(const silent_disk *d);
/* Until so many wait / are open; fails the test when that takes much longer than it should. */
void silent_disk_await_waiting(const silent_disk *d, size_t count);
void silent_disk_await_open(const silent_disk *d, size_t count);
void silent_disk_end(silent_disk *d);

#endif
