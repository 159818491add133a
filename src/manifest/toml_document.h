/*
 * TOML text into a document and a report of what is not TOML.
 */
#ifndef BHD_MANIFEST_TOML_DOCUMENT_H
#define BHD_MANIFEST_TOML_DOCUMENT_H

#include "manifest/report.h"

typedef enum bhd__parsed {
    BHD__PARSED = 0,        /* maybe with duplicate keys, which are in the report */
    BHD__PARSED_SYNTAX = 1, /* syntax errors are in the report; the document is what remained */
    BHD__PARSED_NOT = 2,    /* not UTF-8; nothing was read */
    BHD__PARSED_MEMORY = 3, /* without memory */
} bhd__parsed;

/* `document` is to be finished in every case; so is `report`, which was initialised. The text is
 * borrowed by the document. */
bhd__parsed bhd__toml_document(const char *text, size_t size, bhd__document *document,
                               bhd__report *report);

#endif
