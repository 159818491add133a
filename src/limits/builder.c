/*
 * From what somebody has set, one value at a time, to limits that obey the rules. Plain values; any
 * thread.
 */
#include "bulkhead/limits.h"

#include "base/fail.h"
#include "limits/rules.h"

static const bhd_policy default_policy = BHD_POLICY_INIT;

void bhd_limits_builder_max_memory_bytes(bhd_limits_builder *builder, uint64_t bytes)
{
    builder->limits.max_memory_bytes = bytes;
    builder->has_max_memory_bytes = true;
}

void bhd_limits_builder_max_table_elements(bhd_limits_builder *builder, uint64_t elements)
{
    builder->limits.max_table_elements = elements;
}

void bhd_limits_builder_max_fuel(bhd_limits_builder *builder, uint64_t fuel)
{
    builder->limits.max_fuel = fuel;
    builder->has_max_fuel = true;
}

void bhd_limits_builder_timeout_seconds(bhd_limits_builder *builder, double seconds)
{
    builder->limits.timeout_seconds = seconds;
}

void bhd_limits_builder_on_exceed(bhd_limits_builder *builder, bhd_on_exceed on_exceed)
{
    builder->limits.on_exceed = on_exceed;
}

/* Everything but fuel, whose 0 means two things. */
static bhd_status check_all_but_fuel(const bhd_limits *limits, const bhd_policy *policy,
                                     bhd_error *error)
{
    bhd_status status =
        bhd__limit_check_memory("max_memory_bytes", limits->max_memory_bytes, policy, error);
    if (status == BHD_OK)
        status = bhd__limit_check_table("max_table_elements", limits->max_table_elements, error);
    if (status == BHD_OK)
        status = bhd__limit_check_timeout("timeout_seconds", limits->timeout_seconds, error);
    if (status == BHD_OK)
        status = bhd__limit_check_on_exceed("on_exceed", limits->on_exceed, error);
    return status;
}

bhd_status bhd_limits_builder_build(const bhd_limits_builder *builder, const bhd_policy *policy,
                                    bhd_limits *limits, bhd_error *error)
{
    if (builder == NULL || limits == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "limits: %s is NULL",
                         builder == NULL ? "the builder" : "the place for the limits");
    if (policy == NULL)
        policy = &default_policy;
    bhd_status status = bhd_policy_check(policy, error);
    if (status != BHD_OK)
        return status;
    if (!builder->has_max_memory_bytes)
        return bhd__limit_missing_memory("max_memory_bytes", policy, error);
    status = check_all_but_fuel(&builder->limits, policy, error);
    if (status == BHD_OK && builder->has_max_fuel)
        status = bhd__limit_check_fuel("max_fuel", builder->limits.max_fuel, error);
    if (status != BHD_OK)
        return status;
    *limits = builder->limits;
    return BHD_OK;
}

bhd_status bhd_limits_check(const bhd_limits *limits, const bhd_policy *policy, bhd_error *error)
{
    if (limits == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "limits: NULL");
    if (policy == NULL)
        policy = &default_policy;
    bhd_status status = bhd_policy_check(policy, error);
    return status != BHD_OK ? status : check_all_but_fuel(limits, policy, error);
}
