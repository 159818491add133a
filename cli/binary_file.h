/*
 * Reads a whole binary into memory. The caller frees the bytes.
 */
#ifndef BHD_CLI_BINARY_FILE_H
#define BHD_CLI_BINARY_FILE_H

#include "exit_codes.h"

#include "bulkhead/host.h"

/* Reads as much as the host compiles, or allows of what was compiled before; a larger file is an
 * error, and so is one that was compiled before, is allowed, and could have been written by
 * somebody else. Fills `error` and returns the exit code. */
cli_exit cli_binary_read(const char *path, const bhd_host_options *host, unsigned char **bytes,
                         size_t *size, bhd_error *error);

#endif
