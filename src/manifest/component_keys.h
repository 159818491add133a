/*
 * Every key of Component.toml, and which of them the texts have that are a part of one.
 *
 * docs/MANIFEST.md describes the same list for people; a test compares them.
 */
#ifndef BHD_MANIFEST_COMPONENT_KEYS_H
#define BHD_MANIFEST_COMPONENT_KEYS_H

#include "manifest/schema.h"

/* All of a manifest. */
extern const bhd__schema bhd__component_schema;
/* [resources.memory] and nothing else. */
extern const bhd__schema bhd__memory_toml_schema;
/* What is in [resources.memory], as the top of a JSON text. */
extern const bhd__schema bhd__memory_json_schema;

#endif
