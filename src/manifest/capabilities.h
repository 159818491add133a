/*
 * The table [capabilities] of a manifest: the check of its values, and what they say.
 */
#ifndef BHD_MANIFEST_CAPABILITIES_H
#define BHD_MANIFEST_CAPABILITIES_H

#include "bulkhead/capabilities.h"
#include "manifest/values.h"

/* The node has the type of the key. */
void bhd__capability_check(bhd__checking *checking, bhd__key key, uint32_t node);

/* Of a document without findings. Relative host paths are joined to the directory of `path`.
 * `*block` is the caller's, as in bhd__capabilities_copy. */
bhd_status bhd__capabilities_read(const bhd__document *document, const bhd__schema_values *values,
                                  const char *path, bhd_capabilities *capabilities, void **block,
                                  bhd_error *error);

#endif
