/*
 * Limits: the builder, the checks, and how an operator tightens them. Plain values; any thread.
 */
#include "bulkhead/limits.h"

#include "base/fail.h"
#include "base/text.h"
#include "limits/limit_check.h"

#include <inttypes.h>

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

bhd_status bhd_policy_check(const bhd_policy *policy, bhd_error *error)
{
    if (policy == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "policy: NULL");
    uint64_t low = policy->min_memory_bytes, high = policy->max_memory_bytes;
    if (low > high)
        return bhd__fail(error, BHD_POLICY_INVALID,
                         "policy: the minimum of %" PRIu64 " bytes is above the maximum of %" PRIu64
                         " bytes",
                         low, high);
    if (low >= BHD_POLICY_MIN_BYTES && high <= BHD_POLICY_MAX_BYTES)
        return BHD_OK;
    bool low_is_wrong = low < BHD_POLICY_MIN_BYTES;
    bhd_status code =
        bhd__fail(error, BHD_POLICY_INVALID,
                  "policy: a %s of %" PRIu64 " bytes is %s the widest possible range of %" PRIu64
                  " to %" PRIu64 " bytes (64 KiB to 4096 MiB)",
                  low_is_wrong ? "minimum" : "maximum", low_is_wrong ? low : high,
                  low_is_wrong ? "below" : "above", BHD_POLICY_MIN_BYTES, BHD_POLICY_MAX_BYTES);
    bhd__error_range(error, low_is_wrong ? low : high, BHD_POLICY_MIN_BYTES, BHD_POLICY_MAX_BYTES);
    return code;
}

static bhd_status fail_loosened(const char *name, uint64_t wanted, uint64_t base, const char *unit,
                                bhd_error *error)
{
    bhd_status code = bhd__fail(error, BHD_LIMIT_LOOSENED,
                                "%s: %" PRIu64 "%s is more than the declared %" PRIu64
                                "%s; a limit may be tightened, not loosened",
                                name, wanted, unit, base, unit);
    bhd__error_range(error, wanted, 0, base);
    return code;
}

static bhd_status fail_longer_timeout(double wanted, double base, bhd_error *error)
{
    char message[256];
    bhd__text text;
    bhd__text_init(&text, message, sizeof message);
    bhd__text_add(&text, "timeout_seconds: ");
    bhd__text_add_double(&text, wanted);
    bhd__text_add(&text, " seconds is more than the declared ");
    bhd__text_add_double(&text, base);
    bhd__text_add(&text, " seconds; a limit may be tightened, not loosened");
    return bhd__fail(error, BHD_LIMIT_LOOSENED, "%s", message);
}

bhd_status bhd_limits_tighten(const bhd_limits *base, const bhd_limits *wanted, bhd_limits *limits,
                              bhd_error *error)
{
    if (base == NULL || wanted == NULL || limits == NULL)
        return bhd__fail(error, BHD_INVALID_ARGUMENT, "limits: NULL");
    if (wanted->max_memory_bytes > base->max_memory_bytes)
        return fail_loosened("max_memory_bytes", wanted->max_memory_bytes, base->max_memory_bytes,
                             " bytes", error);
    if (wanted->max_table_elements > base->max_table_elements)
        return fail_loosened("max_table_elements", wanted->max_table_elements,
                             base->max_table_elements, " elements", error);
    if (base->max_fuel != 0 && wanted->max_fuel == 0)
        return bhd__fail(error, BHD_LIMIT_LOOSENED,
                         "max_fuel: fuel that is not metered is more than the declared %" PRIu64
                         "; a limit may be tightened, not loosened",
                         base->max_fuel);
    if (base->max_fuel != 0 && wanted->max_fuel > base->max_fuel)
        return fail_loosened("max_fuel", wanted->max_fuel, base->max_fuel, "", error);
    if (!(wanted->timeout_seconds <= base->timeout_seconds)) /* NaN too */
        return fail_longer_timeout(wanted->timeout_seconds, base->timeout_seconds, error);
    if (base->on_exceed == BHD_ON_EXCEED_TRAP && wanted->on_exceed != BHD_ON_EXCEED_TRAP)
        return bhd__fail(error, BHD_LIMIT_LOOSENED,
                         "on_exceed: %s allows more than the declared %s; a limit may be "
                         "tightened, not loosened",
                         bhd_on_exceed_text(wanted->on_exceed),
                         bhd_on_exceed_text(base->on_exceed));
    /* Nowhere more than `base`: what both allow is what was wanted. */
    *limits = *wanted;
    return BHD_OK;
}

bool bhd_limits_equal(const bhd_limits *a, const bhd_limits *b)
{
    return a->max_memory_bytes == b->max_memory_bytes &&
           a->max_table_elements == b->max_table_elements && a->max_fuel == b->max_fuel &&
           a->timeout_seconds == b->timeout_seconds && a->on_exceed == b->on_exceed;
}

const char *bhd_on_exceed_text(bhd_on_exceed on_exceed)
{
    return on_exceed == BHD_ON_EXCEED_TRAP ? "trap" : "deny";
}
