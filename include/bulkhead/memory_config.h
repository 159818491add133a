/**
 * \file bulkhead/memory_config.h
 *
 * The memory part of a component's limits as text: TOML as in a manifest, or JSON.
 *
 * A bhd_memory_config is a plain value. Text made from one and read back gives the same value.
 */
#ifndef BULKHEAD_MEMORY_CONFIG_H
#define BULKHEAD_MEMORY_CONFIG_H

#include "limits.h"

typedef struct bhd_memory_config {
    uint64_t max_bytes;
    uint64_t max_table_elements;
    bhd_on_exceed on_exceed;
} bhd_memory_config;

BHD_BEGIN_DECLS

/** Checks against `policy` (NULL: the default) by the rules of bhd_limits_builder_build. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_memory_config_check(const bhd_memory_config *config,
                                                           const bhd_policy *policy,
                                                           bhd_error *error);

/**
 * Reads `[resources.memory]` from TOML text that holds that table and nothing else. Everything that
 * is wrong is in `error->diagnostics`. BHD_CONFIG_SYNTAX, BHD_FILE_NOT_UTF8, BHD_FILE_TOO_LARGE
 * (1 MiB), or BHD_MANIFEST_INVALID. `*config` is written only on success.
 */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_memory_config_from_toml(const char *text, size_t length,
                                                               const bhd_policy *policy,
                                                               bhd_memory_config *config,
                                                               bhd_error *error);

/** Reads `{"max_bytes": ..., "on_exceed": ..., "max_table_elements": ...}`: the same keys, the same
 *  rules and the same errors. */
BHD_PUBLIC BHD_MUST_USE bhd_status bhd_memory_config_from_json(const char *text, size_t length,
                                                               const bhd_policy *policy,
                                                               bhd_memory_config *config,
                                                               bhd_error *error);

/** Like snprintf: write TOML that can be pasted into a manifest, or one JSON object. */
BHD_PUBLIC size_t bhd_memory_config_to_toml(const bhd_memory_config *config, char *buffer,
                                            size_t capacity);
BHD_PUBLIC size_t bhd_memory_config_to_json(const bhd_memory_config *config, char *buffer,
                                            size_t capacity);

BHD_END_DECLS

#endif
