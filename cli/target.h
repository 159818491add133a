/*
 * What TARGET means: a directory with a manifest, a manifest, or a binary with one beside it.
 *
 * A manifest beside a binary is used only if it is that binary's own: the file that it names as its
 * source. Otherwise the limits of one component would be applied to another.
 */
#ifndef BHD_CLI_TARGET_H
#define BHD_CLI_TARGET_H

#include "exit_codes.h"

#include "bulkhead/manifest.h"

/* Begin with {0}; cli_target_fini frees what it holds. */
typedef struct cli_target {
    /* The manifest, or NULL: a binary alone. */
    bhd_manifest *manifest;
    /* The manifest that was looked at, for messages; also when reading it failed. May be NULL. */
    char *manifest_path;
    /* Path of the binary. */
    char *source;
    /* What to call it. */
    char *name;
    /* Something that the user should know, or NULL: a manifest that was found and is not used. */
    char *note;
} cli_target;

/*
 * Resolves `path`. A manifest must be there unless `limit_is_stated`: then a binary alone will do.
 * Returns the exit code; fills `error` when it is not CLI_EXIT_OK. BHD_LIMIT_MISSING says that
 * there is no manifest, and why; what to do about it is for the caller to say.
 */
cli_exit cli_target_resolve(const char *path, const bhd_policy *policy, bool limit_is_stated,
                            cli_target *target, bhd_error *error);

void cli_target_fini(cli_target *target);

#endif
