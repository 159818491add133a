/*
 * Where the command keeps compiled code: --cache-dir, or ${XDG_CACHE_HOME:-~/.cache}/bulkhead/code.
 */
#ifndef BHD_CLI_CACHE_DIRECTORY_H
#define BHD_CLI_CACHE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the usual place. False when there is none: neither XDG_CACHE_HOME nor HOME is an absolute
 * path, or it is longer than `capacity`. */
bool cli_cache_directory(char *path, size_t capacity);

#endif
