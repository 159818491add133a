/*
 * The steps that every configuration text goes through before its values are used: size, UTF-8,
 * parser, schema. A manifest and a memory configuration differ in the schema and in the status of
 * a syntax error.
 */
#ifndef BHD_MANIFEST_CONFIG_TEXT_H
#define BHD_MANIFEST_CONFIG_TEXT_H

#include "manifest/schema.h"

typedef struct bhd__config_text {
    const char *text;
    size_t size;
    const char *source;        /* names the text in messages; NULL: it has no name */
    const bhd__schema *schema; /* the text is JSON if the schema is, otherwise TOML */
    const bhd_policy *policy;  /* NULL: the default */
    bhd_status syntax_code;    /* for a text that is not TOML or JSON */
} bhd__config_text;

/*
 * Errors: BHD_POLICY_INVALID; BHD_FILE_TOO_LARGE; BHD_FILE_NOT_UTF8, with the place of the first
 * byte that is not; `syntax_code`; BHD_MANIFEST_INVALID for a text that breaks the schema;
 * BHD_HOST_OUT_OF_MEMORY. All findings are in `error`. The document is the caller's on success
 * only.
 */
bhd_status bhd__config_text_check(const bhd__config_text *config, bhd__document *document,
                                  bhd__stated *stated, bhd_error *error);

#endif
