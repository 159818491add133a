/*
 * JSON text into a document and a report of what is not JSON.
 */
#ifndef BHD_MANIFEST_JSON_DOCUMENT_H
#define BHD_MANIFEST_JSON_DOCUMENT_H

#include "manifest/toml_document.h"

/* As bhd__toml_document. On BHD__PARSED_SYNTAX, `*code` says what kind: BHD_CONFIG_SYNTAX, or
 * BHD_MANIFEST_INVALID for a duplicate key or a number that is too large. The document knows no
 * places. */
bhd__parsed bhd__json_document(const char *text, size_t size, bhd__document *document,
                               bhd__report *report, bhd_status *code);

#endif
