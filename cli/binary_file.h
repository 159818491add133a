/*
 * Reads a whole binary into memory. The caller frees the bytes.
 */
#ifndef BHD_CLI_BINARY_FILE_H
#define BHD_CLI_BINARY_FILE_H

#include "exit_codes.h"

#include "bulkhead/error.h"

/* Reads at most `most` bytes; a larger file is an error. Fills `error` and returns the exit
 * code. */
cli_exit cli_binary_read(const char *path, uint64_t most, unsigned char **bytes, size_t *size,
                         bhd_error *error);

#endif
