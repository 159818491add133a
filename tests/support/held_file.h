/*
 * A file that the kernel holds: a thread of the test writes to it from a page that never comes
 * (userfaultfd), and every other write to it waits in the kernel, where nothing ends it.
 */
#ifndef BHD_TESTS_HELD_FILE_H
#define BHD_TESTS_HELD_FILE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct held_file {
    int fault_fd, fd;
    void *page;
    size_t page_size;
    pthread_t thread;
} held_file;

/* False, and nothing is held: not for this user, on this system. */
bool held_file_begin(held_file *h, const char *path);
/* Whoever waits goes on. */
void held_file_end(held_file *h);

#endif
