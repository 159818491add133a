/*
 * Resolves TARGET; see target.h.
 */
#include "target.h"

#include "shown_text.h"
#include "terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static cli_exit no_memory(bhd_error *error)
{
    return cli_exit_code(cli_fail(error, BHD_HOST_OUT_OF_MEMORY, "not enough memory"));
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The manifest in a directory, or beside a file. NULL without memory. */
static char *manifest_in(const char *directory, size_t length)
{
    char *path = NULL;
    while (length > 1 && directory[length - 1] == '/')
        length--;
    const char *between = length == 0 || directory[length - 1] == '/' ? "" : "/";
    if (asprintf(&path, "%.*s%s%s", (int)length, directory, between, BHD_MANIFEST_FILE) < 0)
        return NULL;
    return path;
}

/* "dir/my thing.wasm" is called "my_thing": a component's name has few characters. */
static char *name_of_binary(const char *path)
{
    const char *base = base_name(path);
    size_t length = strlen(base);
    char *name = NULL;

    if (ends_in(base, ".wasm"))
        length -= strlen(".wasm");
    else if (ends_in(base, ".wat"))
        length -= strlen(".wat");
    if (length >= BHD_NAME_SIZE)
        length = BHD_NAME_SIZE - 1;
    name = length > 0 ? strndup(base, length) : strdup("component");
    for (char *at = name; at != NULL && *at != '\0'; at++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", *at) ==
            NULL)
            *at = '_';
    return name;
}

/* Reads target->manifest_path and takes from it what the binary is and is called. */
static cli_exit use_manifest(const bhd_policy *policy, cli_target *target, bhd_error *error)
{
    bhd_status status = bhd_manifest_load(target->manifest_path, policy, &target->manifest, error);
    /* Exit 65 is for a binary that is too large. */
    if (status == BHD_FILE_TOO_LARGE)
        return CLI_EXIT_MANIFEST;
    if (status != BHD_OK)
        return cli_exit_code(status);
    target->source = strdup(bhd_manifest_source(target->manifest));
    target->name = strdup(bhd_manifest_name(target->manifest));
    if (target->source == NULL || target->name == NULL)
        return no_memory(error);
    return CLI_EXIT_OK;
}

static cli_exit resolve_directory(const char *path, const bhd_policy *policy, cli_target *target,
                                  bhd_error *error)
{
    struct stat status;
    target->manifest_path = manifest_in(path, strlen(path));
    if (target->manifest_path == NULL)
        return no_memory(error);
    if (stat(target->manifest_path, &status) != 0 && errno == ENOENT)
        return cli_exit_code(cli_fail(error, BHD_LIMIT_MISSING,
                                      "%s: no " BHD_MANIFEST_FILE " in this directory",
                                      cli_show(path).text));
    return use_manifest(policy, target, error);
}

/* No manifest speaks for the binary; only a stated limit helps. */
static cli_exit resolve_alone(const char *path, bool limit_is_stated, const char *why,
                              cli_target *target, bhd_error *error)
{
    if (!limit_is_stated)
        return cli_exit_code(
            cli_fail(error, BHD_LIMIT_MISSING, "%s: %s", cli_show(path).text, why));
    target->source = strdup(path);
    target->name = name_of_binary(path);
    if (target->source == NULL || target->name == NULL)
        return no_memory(error);
    return CLI_EXIT_OK;
}

static cli_exit resolve_binary(const char *path, const struct stat *binary,
                               const bhd_policy *policy, bool limit_is_stated, cli_target *target,
                               bhd_error *error)
{
    struct stat status;
    target->manifest_path = manifest_in(path, (size_t)(base_name(path) - path));
    if (target->manifest_path == NULL)
        return no_memory(error);
    if (stat(target->manifest_path, &status) != 0 && errno == ENOENT)
        return resolve_alone(path, limit_is_stated, "no " BHD_MANIFEST_FILE " beside it", target,
                             error);
    cli_exit code = use_manifest(policy, target, error);
    if (code != CLI_EXIT_OK)
        return code;
    if (stat(target->source, &status) == 0 && status.st_dev == binary->st_dev &&
        status.st_ino == binary->st_ino)
        return CLI_EXIT_OK;

    char *why = NULL;
    if (asprintf(&why, "the %s beside it is for another binary, %s", BHD_MANIFEST_FILE,
                 cli_show(target->source).text) < 0)
        return no_memory(error);
    cli_target_fini(target);
    code = resolve_alone(path, limit_is_stated, why, target, error);
    if (code == CLI_EXIT_OK &&
        asprintf(&target->note, "%s: %s, and is not used", cli_show(path).text, why) < 0)
        target->note = NULL;
    free(why);
    return code;
}

cli_exit cli_target_resolve(const char *path, const bhd_policy *policy, bool limit_is_stated,
                            cli_target *target, bhd_error *error)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return cli_exit_code(cli_fail(error, missing ? BHD_FILE_NOT_FOUND : BHD_FILE_UNREADABLE,
                                      "%s: %s", cli_show(path).text, strerror(errno)));
    }
    if (S_ISDIR(status.st_mode))
        return resolve_directory(path, policy, target, error);
    if (!ends_in(path, ".toml"))
        return resolve_binary(path, &status, policy, limit_is_stated, target, error);
    target->manifest_path = strdup(path);
    if (target->manifest_path == NULL)
        return no_memory(error);
    return use_manifest(policy, target, error);
}

void cli_target_fini(cli_target *target)
{
    bhd_manifest_free(target->manifest);
    free(target->manifest_path);
    free(target->source);
    free(target->name);
    free(target->note);
    *target = (cli_target){0};
}
