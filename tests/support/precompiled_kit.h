/*
 * Components that are compiled before they are loaded: a directory for them, a host that makes them
 * and one that has no compiler. Failures fail the test.
 */
#ifndef BHD_TESTS_PRECOMPILED_KIT_H
#define BHD_TESTS_PRECOMPILED_KIT_H

#include "base/file.h"
#include "support/real_guest.h"

/* A user who is neither root nor this one. */
#define PRECOMPILED_NOBODY 65534
/* Where no compiler is. */
#define PRECOMPILED_NOWHERE "/nowhere/bulkhead-compile"

/* A group's setup and teardown: an empty directory, which has to be empty at the end. */
int precompiled_begin(void **state);
int precompiled_end(void **state);
const char *precompiled_directory(void);

typedef struct precompiled_path {
    char path[256];
} precompiled_path;

precompiled_path precompiled_place(const char *name);

bhd_host_options precompiled_compiling(void);
/* Of a host that loads and cannot compile. */
bhd_host_options precompiled_loading(void);
bhd_host *precompiled_host(void);

/* `source` as in real_guest.h. */
void precompiled_make(const char *source, bool with_fuel, const char *path);
void precompiled_make_under(const bhd_host_options *options, const char *source, bool with_fuel,
                            const char *path);

/* bhd__free the data. */
bhd__file precompiled_source(const char *source);
bhd__file precompiled_read(const char *path);
/* A new file. */
void precompiled_write(const char *path, const void *data, size_t size);

#endif
