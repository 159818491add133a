/*
 * Size, UTF-8, parser, schema; see the header.
 */
#include "manifest/config_text.h"

#include "base/unicode.h"
#include "bulkhead/manifest.h"
#include "manifest/json_document.h"
#include "manifest/toml_document.h"
#include "manifest/walk.h"

#include <inttypes.h>
#include <string.h>

/* Longest source that messages show. */
#define SHOWN_SOURCE_SIZE 512

/* The source, safe to show; NULL if there is none. */
static const char *show_source(const bhd__config_text *config, char *buffer, size_t capacity)
{
    return config->source != NULL ? bhd__text_show(buffer, capacity, config->source, SIZE_MAX)
                                  : NULL;
}

/* "SOURCE: " or nothing. */
static void begin_message(bhd__text *text, char *buffer, size_t capacity, const char *source)
{
    bhd__text_init(text, buffer, capacity);
    if (source != NULL)
        bhd__text_printf(text, "%s: ", source);
}

static bhd_status fail_too_large(const bhd__config_text *config, const char *source,
                                 bhd_error *error)
{
    char message[BHD_MESSAGE_SIZE];
    bhd__text text;
    begin_message(&text, message, sizeof message, source);
    bhd__text_printf(&text, "too large: %zu bytes, at most %zu are read", config->size,
                     BHD_MANIFEST_MAX_BYTES);
    return bhd__fail(error, BHD_FILE_TOO_LARGE, "%s", message);
}

static bhd_status fail_too_rich(const char *source, bhd_error *error)
{
    char message[BHD_MESSAGE_SIZE];
    bhd__text text;
    begin_message(&text, message, sizeof message, source);
    bhd__text_printf(&text,
                     "too large: more than %u line ends, quotes and punctuation marks; a few dozen "
                     "are usual",
                     BHD__DOCUMENT_MAX_MARKS);
    return bhd__fail(error, BHD_FILE_TOO_LARGE, "%s", message);
}

static bhd_status fail_not_utf8(const bhd__config_text *config, const char *source, size_t offset,
                                bhd_error *error)
{
    const unsigned char *bytes = (const unsigned char *)config->text;
    bhd__place place = {0, 0, 0};
    bhd__place_advance(&place, config->text, config->size, offset);

    char message[BHD_MESSAGE_SIZE];
    bhd__text text;
    bhd__text_init(&text, message, sizeof message);
    if (source != NULL)
        bhd__text_printf(&text, "%s:", source);
    bhd__text_printf(&text,
                     "%" PRIu32 ":%" PRIu32
                     ": not UTF-8: the byte 0x%02x at offset %zu is not part "
                     "of a character; ",
                     place.line, place.column, bytes[offset], offset);
    bool is_utf16 = config->size >= 2 && ((bytes[0] == 0xFF && bytes[1] == 0xFE) ||
                                          (bytes[0] == 0xFE && bytes[1] == 0xFF));
    bhd__text_add(&text, is_utf16 ? "this looks like UTF-16: save the text as UTF-8"
                                  : "save the text as UTF-8");
    return bhd__fail(error, BHD_FILE_NOT_UTF8, "%s", message);
}

/* What can be said of the text before anything is parsed. */
static bhd_status check_bytes(const bhd__config_text *config, const char *source, bhd_error *error)
{
    if (config->size > BHD_MANIFEST_MAX_BYTES)
        return fail_too_large(config, source, error);
    for (size_t at = 0; at < config->size;) {
        uint32_t character;
        size_t size = bhd__utf8_decode(config->text + at, config->size - at, &character);
        if (size == 0)
            return fail_not_utf8(config, source, at, error);
        at += size;
    }
    if (bhd__document_is_too_rich(config->text, config->size))
        return fail_too_rich(source, error);
    return BHD_OK;
}

/* Parses and checks; `*code` is what findings mean. */
static bhd__parsed read_document(const bhd__config_text *config, const bhd_policy *policy,
                                 bhd__document *document, bhd__stated *stated, bhd__report *report,
                                 bhd_status *code)
{
    bhd__parsed parsed;
    *code = config->syntax_code;
    if (config->schema->is_json)
        parsed = bhd__json_document(config->text, config->size, document, report, code);
    else
        parsed = bhd__toml_document(config->text, config->size, document, report);
    if (parsed != BHD__PARSED)
        return parsed;
    *code = BHD_MANIFEST_INVALID;
    bhd__schema_check(config->schema, document, policy, stated, report);
    return parsed;
}

bhd_status bhd__config_text_check(const bhd__config_text *config, bhd__document *document,
                                  bhd__stated *stated, bhd_error *error)
{
    static const bhd_policy default_policy = BHD_POLICY_INIT;
    const bhd_policy *policy = config->policy != NULL ? config->policy : &default_policy;
    char shown[SHOWN_SOURCE_SIZE];
    const char *source = show_source(config, shown, sizeof shown);
    bhd_status status = bhd_policy_check(policy, error);
    if (status == BHD_OK)
        status = check_bytes(config, source, error);
    if (status != BHD_OK)
        return status;

    bhd__report report;
    bhd__report_init(&report);
    bhd_status code;
    bhd__parsed parsed = read_document(config, policy, document, stated, &report, &code);
    if (parsed == BHD__PARSED_NOT)
        status = bhd__fail(error, BHD_INTERNAL, "the parser refuses text that is UTF-8");
    else if (parsed == BHD__PARSED_MEMORY || report.no_memory)
        status = bhd__fail_no_memory(error);
    else if (report.total > 0)
        status = bhd__report_finish(&report, config->text, config->size, source, code, error);
    bhd__report_fini(&report);
    if (status != BHD_OK)
        bhd__document_fini(document);
    return status;
}
