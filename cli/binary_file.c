/*
 * Reads a whole binary; see binary_file.h.
 */
#include "binary_file.h"

#include "shown_text.h"
#include "terminal.h"

#include "bulkhead/precompiled.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static cli_exit fail_file(bhd_error *error, const char *path, int reason)
{
    bool missing = reason == ENOENT || reason == ENOTDIR;
    (void)cli_fail(error, missing ? BHD_FILE_NOT_FOUND : BHD_FILE_UNREADABLE, "%s: %s",
                   cli_show(path).text, strerror(reason));
    return CLI_EXIT_NO_FILE;
}

/* Reads until the end or until there is more than `most`; false without memory. */
static bool read_all(FILE *file, uint64_t most, unsigned char **bytes, size_t *size)
{
    size_t capacity = 0;
    *bytes = NULL;
    *size = 0;
    for (;;) {
        if (*size == capacity) {
            capacity = capacity == 0 ? 65536 : capacity * 2;
            unsigned char *larger = realloc(*bytes, capacity);
            if (larger == NULL)
                return false;
            *bytes = larger;
        }
        size_t taken = fread(*bytes + *size, 1, capacity - *size, file);
        *size += taken;
        if (taken == 0 || *size > most)
            return true;
    }
}

/* Code is allowed more than a binary, and has a little beside it. */
static uint64_t most_bytes(const bhd_host_options *host)
{
    enum { BESIDE_CODE_BYTES = 65536 };
    uint64_t most = host->max_component_bytes;
    if (host->allow_precompiled && host->max_artifact_bytes + BESIDE_CODE_BYTES > most)
        most = host->max_artifact_bytes + BESIDE_CODE_BYTES;
    return most;
}

static cli_exit check_writers(FILE *file, const char *path, bhd_error *error)
{
    char message[BHD_MESSAGE_SIZE];
    bhd_status status = bhd_precompiled_check_file(fileno(file), error);
    if (status != BHD_OK) {
        (void)snprintf(message, sizeof message, "%s", error->message);
        (void)cli_fail(error, status, "%.400s: %.600s", cli_show(path).text, message);
    }
    return cli_exit_code(status);
}

cli_exit cli_binary_read(const char *path, const bhd_host_options *host, unsigned char **bytes,
                         size_t *size, bhd_error *error)
{
    uint64_t most = most_bytes(host);
    unsigned char *content = NULL;
    size_t length = 0;
    struct stat status;
    cli_exit code = CLI_EXIT_OK;

    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return fail_file(error, path, errno);
    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
        code = fail_file(error, path, EISDIR);
    } else if (!read_all(file, most, &content, &length)) {
        code =
            cli_exit_code(cli_fail(error, BHD_HOST_OUT_OF_MEMORY,
                                   "%s: not enough memory to read the file", cli_show(path).text));
    } else if (ferror(file)) {
        code = fail_file(error, path, errno);
    } else if (bhd_is_precompiled(content, length) && length <= most) {
        if (host->allow_precompiled)
            code = check_writers(file, path, error);
    } else if (length > host->max_component_bytes) {
        code = cli_exit_code(cli_fail(error, BHD_FILE_TOO_LARGE,
                                      "%s: larger than %llu bytes, the most that is compiled "
                                      "(host option max_component_bytes, "
                                      "--max-component-bytes)",
                                      cli_show(path).text,
                                      (unsigned long long)host->max_component_bytes));
    }
    (void)fclose(file);
    if (code != CLI_EXIT_OK) {
        free(content);
        return code;
    }
    *bytes = content;
    *size = length;
    return CLI_EXIT_OK;
}
