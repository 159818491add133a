/*
 * The lists of [capabilities]: the checks of their entries, and all of the table as
 * bhd_capabilities.
 */
#ifndef BHD_MANIFEST_CAPABILITIES_H
#define BHD_MANIFEST_CAPABILITIES_H

#include "manifest/schema.h"

bhd__check bhd__check_args, bhd__check_env, bhd__check_network, bhd__check_directories;

/* Of a document without findings. Relative host paths are joined to the directory of `path`.
 * `*block` is the caller's, as in bhd__capabilities_copy. */
bhd_status bhd__capabilities_read(const bhd__document *document, const bhd__stated *stated,
                                  const char *path, bhd_capabilities *capabilities, void **block,
                                  bhd_error *error);

#endif
