/*
 * Component.toml: reading, checking and keeping a manifest.
 *
 * The text goes through the steps of every configuration text (config_text.h); a manifest is what
 * is kept of one that passes them all.
 */
#include "bulkhead/manifest.h"

#include "base/alloc.h"
#include "base/fail.h"
#include "base/file.h"
#include "base/text.h"
#include "manifest/capabilities.h"
#include "manifest/component_keys.h"
#include "manifest/config_text.h"

#include <string.h>

struct bhd_manifest {
    char *path; /* as it was given */
    char *name;
    char *version;
    char *source; /* joined to the directory of path */
    bhd_limits limits;
    bhd_capabilities capabilities;
    void *capabilities_block;
};

void bhd_manifest_free(bhd_manifest *manifest)
{
    if (manifest == NULL)
        return;
    bhd__free(manifest->path);
    bhd__free(manifest->name);
    bhd__free(manifest->version);
    bhd__free(manifest->source);
    bhd__free(manifest->capabilities_block);
    bhd__free(manifest);
}

/* A manifest of values that were found good. NULL without memory. */
static bhd_manifest *manifest_new(const bhd__document *document, const bhd__stated *stated,
                                  const char *path, const bhd_limits *limits)
{
    bhd_manifest *manifest = bhd__calloc(1, sizeof *manifest);
    if (manifest == NULL)
        return NULL;
    manifest->limits = *limits;
    manifest->path = bhd__strdup(path);
    manifest->name = bhd__strdup(stated->name);
    manifest->version = bhd__strdup(stated->version);
    manifest->source = stated->source != NULL ? bhd__path_beside(path, stated->source, "")
                                              : bhd__path_beside(path, stated->name, ".wasm");
    if (manifest->path == NULL || manifest->name == NULL || manifest->version == NULL ||
        manifest->source == NULL ||
        bhd__capabilities_read(document, stated, path, &manifest->capabilities,
                               &manifest->capabilities_block, NULL) != BHD_OK) {
        bhd_manifest_free(manifest);
        return NULL;
    }
    return manifest;
}

bhd_status bhd_manifest_parse(const char *text, size_t length, const char *source,
                              const bhd_policy *policy, bhd_manifest **manifest, bhd_error *error)
{
    if (manifest == NULL || (text == NULL && length > 0))
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "manifest: %s is NULL",
                         manifest == NULL ? "the place for the manifest" : "the text");
    const bhd__config_text config = {
        .text = text != NULL ? text : "",
        .size = length,
        .source = source != NULL ? source : BHD_MANIFEST_FILE,
        .schema = &bhd__component_schema,
        .policy = policy,
        .syntax_code = BHD_MANIFEST_SYNTAX,
    };
    bhd__document document;
    bhd__stated stated;
    bhd_status status = bhd__config_text_check(&config, &document, &stated, error);
    if (status != BHD_OK)
        return status;

    bhd_limits limits;
    bhd_manifest *made = NULL;
    status = bhd_limits_builder_build(&stated.limits, policy, &limits, error);
    if (status == BHD_OK) {
        made = manifest_new(&document, &stated, config.source, &limits);
        if (made == NULL)
            status = bhd__fail_no_memory(error);
    }
    bhd__document_fini(&document);
    if (status == BHD_OK)
        *manifest = made;
    return status;
}

/* Adds to the message of a file that could not be read what to do about it. */
static bhd_status advise(bhd_status code, bhd_error *error)
{
    if (error == NULL)
        return code;
    const char *advice =
        code == BHD_FILE_NOT_FOUND ? "; a component needs a Component.toml that states its limits"
        : code == BHD_FILE_UNREADABLE ? "; name a regular file that this user may read"
        : code == BHD_FILE_TOO_LARGE  ? "; a manifest is a few lines, is this the right file?"
                                      : NULL;
    return advice == NULL ? code : bhd__fail(error, code, "%s%s", error->message, advice);
}

bhd_status bhd_manifest_load(const char *path, const bhd_policy *policy, bhd_manifest **manifest,
                             bhd_error *error)
{
    if (path == NULL || manifest == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "manifest: %s is NULL",
                         path == NULL ? "the path" : "the place for the manifest");
    bhd__file file = {.data = NULL};
    bhd_status status = bhd__file_read(path, "manifest", BHD_MANIFEST_MAX_BYTES, &file, error);
    if (status != BHD_OK)
        return advise(status, error);
    status = bhd_manifest_parse(file.data, file.size, path, policy, manifest, error);
    bhd__free(file.data);
    return status;
}

const char *bhd_manifest_name(const bhd_manifest *manifest)
{
    return manifest->name;
}

const char *bhd_manifest_version(const bhd_manifest *manifest)
{
    return manifest->version;
}

const char *bhd_manifest_source(const bhd_manifest *manifest)
{
    return manifest->source;
}

const char *bhd_manifest_path(const bhd_manifest *manifest)
{
    return manifest->path;
}

const bhd_limits *bhd_manifest_limits(const bhd_manifest *manifest)
{
    return &manifest->limits;
}

const bhd_capabilities *bhd_manifest_capabilities(const bhd_manifest *manifest)
{
    return &manifest->capabilities;
}
