/*
 * What the process gives up before it looks at a binary. After that it has three descriptors and
 * can open no other, has no memory that is both written and executed, cannot make a process or a
 * thread, and can ask the system for what the table in confine.c lists and for nothing else.
 *
 * Two parts, because of threads: what belongs to a thread is given up before there are any, and
 * what starting threads needs is given up after it. No step may fail, except that the kernel may
 * have no Landlock, or not for a container.
 */
#ifndef BHD_COMPILER_CONFINE_H
#define BHD_COMPILER_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct compiler_limits {
    uint64_t max_data_bytes, max_cpu_ms;
    uint64_t max_file_bytes; /* of each of the files that it has */
    /* Of all that is mapped: behind max_data_bytes, which does not count what is shared, what
     * cannot be written, and stacks that grow. */
    uint64_t max_address_bytes;
} compiler_limits;

/* What could not be done, or NULL; errno says why. `landlock_abi` becomes 0 where there is none. */
const char *compiler_confine_first(uint32_t *landlock_abi);
/* `has_threads`: some were started in between, and need a few calls more. */
const char *compiler_confine_finally(const compiler_limits *limits, bool has_threads);

/* The steps, alone, so that a test can hold each to what it promises. */
const char *compiler_confine_files(uint32_t *landlock_abi);
const char *compiler_confine_resources(const compiler_limits *limits);
const char *compiler_confine_calls(bool has_threads);

/* The action of every signal as at the start of a program, except that those of a terminal are
 * ignored: they are the host's affair. None blocked. */
const char *compiler_reset_signals(void);

#endif
