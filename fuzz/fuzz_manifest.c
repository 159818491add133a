/*
 * Property: whatever the bytes are, as a manifest and as a memory configuration in TOML and JSON
 * they are either read into limits inside the policy or refused with an account that is in the
 * order of the text, bounded, and safe to show, and nothing leaks.
 */
#include "base/alloc.h"
#include "base/unicode.h"
#include "bulkhead/manifest.h"
#include "bulkhead/memory_config.h"

#include <stdlib.h>
#include <string.h>

#define MOST_DIAGNOSTICS 51

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_safe_text(const char *text)
{
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        uint32_t character;
        size_t size = bhd__utf8_decode(text + at, length - at, &character);
        require(size != 0 && (character == '\n' || bhd__unicode_is_visible(character)));
        at += size;
    }
}

static void require_order(const bhd_error *error)
{
    uint64_t last = 0;
    require(error->diagnostic_count <= MOST_DIAGNOSTICS);
    for (size_t i = 0; i < error->diagnostic_count; i++) {
        const bhd_diagnostic *diagnostic = &error->diagnostics[i];
        uint64_t place = diagnostic->line == 0
                             ? UINT64_MAX
                             : (uint64_t)diagnostic->line << 32 | diagnostic->column;
        require((diagnostic->line == 0) == (diagnostic->column == 0));
        require(place >= last);
        last = place;
        require_safe_text(diagnostic->key);
        require_safe_text(diagnostic->message);
    }
}

/* What a refusal has to be; frees the error. */
static void require_account(bhd_status status, bhd_error *error)
{
    require(status == BHD_FILE_NOT_UTF8 || status == BHD_FILE_TOO_LARGE ||
            status == BHD_MANIFEST_SYNTAX || status == BHD_CONFIG_SYNTAX ||
            status == BHD_MANIFEST_INVALID);
    require(error->code == status);
    require(error->message[0] != '\0' && strchr(error->message, '\n') == NULL);
    require_safe_text(error->message);
    require_order(error);
    if (error->has_range)
        require(error->value < error->range_minimum || error->value > error->range_maximum);
    bhd_error_fini(error);
}

static void try_manifest(const char *text, size_t size)
{
    bhd_manifest *manifest = NULL;
    bhd_error error = BHD_ERROR_INIT;
    bhd_status status =
        bhd_manifest_parse(text, size, "dir/Component.toml", NULL, &manifest, &error);
    if (status != BHD_OK) {
        require(manifest == NULL);
        require_account(status, &error);
        return;
    }
    require(bhd_limits_check(bhd_manifest_limits(manifest), NULL, NULL) == BHD_OK);
    size_t name = strlen(bhd_manifest_name(manifest));
    require(name >= 1 && name < BHD_NAME_SIZE);
    size_t version = strlen(bhd_manifest_version(manifest));
    require(version >= 5 && version < BHD_VERSION_SIZE);
    const char *source = bhd_manifest_source(manifest);
    require(source[0] == '/' || strncmp(source, "dir/", 4) == 0);
    bhd_manifest_free(manifest);
}

typedef bhd_status (*reader)(const char *text, size_t length, const bhd_policy *policy,
                             bhd_memory_config *config, bhd_error *error);
typedef size_t (*writer)(const bhd_memory_config *config, char *buffer, size_t capacity);

static void try_config(const char *text, size_t size, reader read, writer write)
{
    bhd_memory_config config, again;
    bhd_error error = BHD_ERROR_INIT;
    char written[256];
    bhd_status status = read(text, size, NULL, &config, &error);
    if (status != BHD_OK) {
        require_account(status, &error);
        return;
    }
    require(bhd_memory_config_check(&config, NULL, NULL) == BHD_OK);
    size_t length = write(&config, written, sizeof written);
    require(read(written, length, NULL, &again, NULL) == BHD_OK);
    require(again.max_bytes == config.max_bytes && again.on_exceed == config.on_exceed &&
            again.max_table_elements == config.max_table_elements);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    uint64_t live = bhd__alloc_live();
    try_manifest(text, size);
    try_config(text, size, bhd_memory_config_from_toml, bhd_memory_config_to_toml);
    try_config(text, size, bhd_memory_config_from_json, bhd_memory_config_to_json);
    require(bhd__alloc_live() == live);
    return 0;
}
