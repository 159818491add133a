/*
 * Versions as SemVer 2.0 defines them: MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD]. Pure functions.
 */
#ifndef BHD_MANIFEST_SEMVER_H
#define BHD_MANIFEST_SEMVER_H

#include <stdbool.h>
#include <stddef.h>

bool bhd__semver_is_valid(const char *text, size_t size);

/* Writes the version that was probably meant ("v1.02" -> "1.2.0"), terminated. False: no idea, or
 * it does not fit; then `buffer` is of no use. */
bool bhd__semver_suggest(const char *text, size_t size, char *buffer, size_t capacity);

#endif
