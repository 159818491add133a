/**
 * \file bulkhead/manifest.h
 *
 * `Component.toml`: what a component is and what it may use. docs/MANIFEST.md has every key.
 *
 * The schema is closed: an unknown key, a duplicate, a wrong type, a missing key and a bad value
 * are all errors, and all of them are reported at once, each with line and column.
 */
#ifndef BULKHEAD_MANIFEST_H
#define BULKHEAD_MANIFEST_H

#include "capabilities.h"
#include "limits.h"

/** Largest manifest that is read. */
#define BHD_MANIFEST_MAX_BYTES ((size_t)1048576)
/** The name of a manifest in a directory. */
#define BHD_MANIFEST_FILE "Component.toml"

/** A validated manifest. Immutable; may be shared between threads. */
typedef struct bhd_manifest bhd_manifest;

BHD_BEGIN_DECLS

/**
 * Reads the manifest at `path`.
 *
 * `policy` (NULL: the default) is the range that max_bytes must lie in. Errors: BHD_FILE_NOT_FOUND,
 * BHD_FILE_UNREADABLE (also for a directory), BHD_FILE_TOO_LARGE, BHD_FILE_NOT_UTF8,
 * BHD_MANIFEST_SYNTAX, BHD_MANIFEST_INVALID, the last two with every diagnostic in `error`;
 * BHD_POLICY_INVALID. A text made to be expensive (more than 131,072 lines, quotes and marks) is
 * BHD_FILE_TOO_LARGE as well.
 * The caller frees `*manifest` with bhd_manifest_free.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_manifest_load(const char *path, const bhd_policy *policy,
                                                     bhd_manifest **manifest, bhd_error *error);

/** The same from memory. `source` names the text in messages (NULL: "Component.toml"); relative
 *  paths in it are relative to the directory of `source`. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_manifest_parse(const char *text, size_t length,
                                                      const char *source, const bhd_policy *policy,
                                                      bhd_manifest **manifest, bhd_error *error);

/** NULL does nothing. */
BHD_PUBLIC void bhd_manifest_free(bhd_manifest *manifest);

/** Never NULL; valid as long as the manifest. */
BHD_PUBLIC const char *bhd_manifest_name(const bhd_manifest *manifest);
BHD_PUBLIC const char *bhd_manifest_version(const bhd_manifest *manifest);
/** Path of the component's binary, joined to the directory of the manifest. */
BHD_PUBLIC const char *bhd_manifest_source(const bhd_manifest *manifest);
/** Path of the manifest as it was given. */
BHD_PUBLIC const char *bhd_manifest_path(const bhd_manifest *manifest);
BHD_PUBLIC const bhd_limits *bhd_manifest_limits(const bhd_manifest *manifest);
/** What the component asks for; host paths are joined to the directory of the manifest. Valid as
 *  long as the manifest. */
BHD_PUBLIC const bhd_capabilities *bhd_manifest_capabilities(const bhd_manifest *manifest);

BHD_END_DECLS

#endif
