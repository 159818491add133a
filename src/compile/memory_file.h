/*
 * Files that exist in memory only, for what host and compiler process give each other. Any thread.
 */
#ifndef BHD_COMPILE_MEMORY_FILE_H
#define BHD_COMPILE_MEMORY_FILE_H

#include "base/descriptor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Above the three standard descriptors, which the program may have closed: what takes one of their
 * numbers would be read and written by whoever prints. Below 0: there is none, errno says why. */
int bhd__number_above_standard(int number);

/* Empty, closed by exec, never executable. `number` below 0: there is none, errno says why. */
bhd__descriptor bhd__memory_file_new(const char *name);
/* From its beginning; who reads it begins there too. False with errno. */
bool bhd__memory_file_write(const bhd__descriptor *file, const void *data, size_t size);

/* From now on nobody can change its size. */
bool bhd__memory_file_fix_size(const bhd__descriptor *file);
/* From now on nobody can change anything of it. False also when somebody has it mapped to write. */
bool bhd__memory_file_fix(const bhd__descriptor *file);

bool bhd__memory_file_size(const bhd__descriptor *file, uint64_t *bytes);

#endif
