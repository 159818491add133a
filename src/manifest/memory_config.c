/*
 * The memory part of a component's limits, from and to TOML and JSON. Reading obeys the manifest's
 * schema; writing is so little that no library is needed.
 */
#include "bulkhead/memory_config.h"

#include "base/fail.h"
#include "base/text.h"
#include "manifest/component_keys.h"
#include "manifest/config_text.h"

#include <inttypes.h>

/* A builder with what a memory configuration says, and defaults for all else. */
static bhd_limits_builder builder_of(const bhd_memory_config *config)
{
    bhd_limits_builder builder = BHD_LIMITS_BUILDER_INIT;
    bhd_limits_builder_max_memory_bytes(&builder, config->max_bytes);
    bhd_limits_builder_max_table_elements(&builder, config->max_table_elements);
    bhd_limits_builder_on_exceed(&builder, config->on_exceed);
    return builder;
}

bhd_status bhd_memory_config_check(const bhd_memory_config *config, const bhd_policy *policy,
                                   bhd_error *error)
{
    if (config == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "memory configuration: it is NULL");
    bhd_limits limits;
    bhd_limits_builder builder = builder_of(config);
    return bhd_limits_builder_build(&builder, policy, &limits, error);
}

/* The way of both languages. */
static bhd_status read_config(const bhd__schema *schema, const char *text, size_t length,
                              const bhd_policy *policy, bhd_memory_config *config, bhd_error *error)
{
    if (config == NULL || (text == NULL && length > 0))
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "memory configuration: %s is NULL",
                         config == NULL ? "the place for it" : "the text");
    const bhd__config_text about = {
        .text = text != NULL ? text : "",
        .size = length,
        .schema = schema,
        .policy = policy,
        .syntax_code = BHD_CONFIG_SYNTAX,
    };
    bhd__document document;
    bhd__stated stated;
    bhd_status status = bhd__config_text_check(&about, &document, &stated, error);
    if (status != BHD_OK)
        return status;
    bhd__document_fini(&document);

    bhd_limits limits;
    status = bhd_limits_builder_build(&stated.limits, policy, &limits, error);
    if (status != BHD_OK)
        return status;
    *config =
        (bhd_memory_config){limits.max_memory_bytes, limits.max_table_elements, limits.on_exceed};
    return BHD_OK;
}

bhd_status bhd_memory_config_from_toml(const char *text, size_t length, const bhd_policy *policy,
                                       bhd_memory_config *config, bhd_error *error)
{
    return read_config(&bhd__memory_toml_schema, text, length, policy, config, error);
}

bhd_status bhd_memory_config_from_json(const char *text, size_t length, const bhd_policy *policy,
                                       bhd_memory_config *config, bhd_error *error)
{
    return read_config(&bhd__memory_json_schema, text, length, policy, config, error);
}

size_t bhd_memory_config_to_toml(const bhd_memory_config *config, char *buffer, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    bhd__text_printf(&text,
                     "[resources.memory]\n"
                     "max_bytes = %" PRIu64 "\n"
                     "on_exceed = \"%s\"\n"
                     "max_table_elements = %" PRIu64 "\n",
                     config->max_bytes, bhd_on_exceed_text(config->on_exceed),
                     config->max_table_elements);
    return text.length;
}

size_t bhd_memory_config_to_json(const bhd_memory_config *config, char *buffer, size_t capacity)
{
    bhd__text text;
    bhd__text_init(&text, buffer, capacity);
    bhd__text_printf(&text,
                     "{\"max_bytes\": %" PRIu64 ", \"on_exceed\": \"%s\", "
                     "\"max_table_elements\": %" PRIu64 "}",
                     config->max_bytes, bhd_on_exceed_text(config->on_exceed),
                     config->max_table_elements);
    return text.length;
}
